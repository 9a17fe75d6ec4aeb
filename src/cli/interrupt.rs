//! Ctrl-C, Ctrl-\, a hang-up or a request to end while a change is being made: it ends first, since that puts back what
//! is only there for a while. At any other time they end the program as they always do.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use super::out::aside;

static BUSY: AtomicBool = AtomicBool::new(false);
static LISTENING: Once = Once::new();

/// Held while a change is being made.
#[must_use]
pub(super) struct Held;

/// From now on, until what it gives is dropped, such signals wait. Needs a runtime.
pub(super) fn held() -> Held {
    BUSY.store(true, Ordering::SeqCst);
    LISTENING.call_once(|| drop(tokio::spawn(listen())));
    Held
}

/// As a shell has it, the exit code is 128 and the signal's number.
#[cfg(unix)]
async fn listen() {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::interrupt(), SignalKind::hangup(), SignalKind::terminate(), SignalKind::quit()];
    let [Ok(mut interrupt), Ok(mut hangup), Ok(mut terminate), Ok(mut quit)] = kinds.map(signal) else { return };
    loop {
        let number = tokio::select! {
            _ = interrupt.recv() => 2,
            _ = hangup.recv() => 1,
            _ = terminate.recv() => 15,
            _ = quit.recv() => 3,
        };
        arrived(128 + number);
    }
}

#[cfg(not(unix))]
async fn listen() {
    while tokio::signal::ctrl_c().await.is_ok() {
        arrived(130);
    }
}

fn arrived(exit: i32) {
    if !BUSY.load(Ordering::SeqCst) {
        std::process::exit(exit);
    }
    aside("finishing what was already started; one moment");
}

impl Drop for Held {
    fn drop(&mut self) {
        BUSY.store(false, Ordering::SeqCst);
    }
}
