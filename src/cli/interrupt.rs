//! Ctrl-C while a change is being made: it ends first, since that puts back what is only there for a while. At any other time it ends the
//! program as it always does.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static BUSY: AtomicBool = AtomicBool::new(false);
static LISTENING: Once = Once::new();

/// As a shell has it: 128 and the signal's number.
const INTERRUPTED: i32 = 130;

/// Held while a change is being made.
#[must_use]
pub(super) struct Held;

/// From now on, until what it gives is dropped, Ctrl-C waits. Needs a runtime.
pub(super) fn held() -> Held {
    BUSY.store(true, Ordering::SeqCst);
    LISTENING.call_once(|| {
        tokio::spawn(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if !BUSY.load(Ordering::SeqCst) {
                    std::process::exit(INTERRUPTED);
                }
                eprintln!("this ends what was begun first; another moment");
            }
        });
    });
    Held
}

impl Drop for Held {
    fn drop(&mut self) {
        BUSY.store(false, Ordering::SeqCst);
    }
}
