//! The signals that mean something to the screen. Ctrl-C, Ctrl-Z and Ctrl-\ on the keyboard are none of them: in raw
//! mode they are keys.

use std::io;

use crate::tui::event::StopReason;

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signalled {
    /// The console is to end.
    Stop(StopReason),
    /// The terminal has another size.
    Resized,
    /// The console is to be suspended.
    Suspend,
    /// It runs again, whoever stopped it.
    Continued,
}

#[cfg(unix)]
pub(super) struct Signals {
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
    resized: tokio::signal::unix::Signal,
    suspend: tokio::signal::unix::Signal,
    continued: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        use rustix::process::Signal;
        use tokio::signal::unix::{SignalKind, signal};
        let of = |which: Signal| signal(SignalKind::from_raw(which.as_raw()));
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            resized: signal(SignalKind::window_change())?,
            suspend: of(Signal::TSTP)?,
            continued: of(Signal::CONT)?,
        })
    }

    pub(super) async fn next(&mut self) -> Signalled {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Signalled::Stop(StopReason::Terminate),
            _ = self.hangup.recv() => Signalled::Stop(StopReason::Hangup),
            _ = self.interrupt.recv() => Signalled::Stop(StopReason::Interrupt),
            _ = self.quit.recv() => Signalled::Stop(StopReason::Quit),
            _ = self.continued.recv() => Signalled::Continued,
            _ = self.suspend.recv() => Signalled::Suspend,
            _ = self.resized.recv() => Signalled::Resized,
        }
    }
}

/// Without Unix signals, Ctrl-Break and closing the window end the process by themselves.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[allow(clippy::unnecessary_wraps)]
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) -> Signalled {
        std::future::pending().await
    }
}
