//! The one way out: whatever this process writes to standard output and standard error passes through here, and nothing
//! that passes can act on a terminal.
//!
//! Arguments, files, accounts and requests all end up in what is printed, and whoever prints cannot always know. So
//! text is made harmless here as well, at the last moment; only clap's own colours pass, where nothing else does. What
//! could not be written is remembered: [`settled`] makes it the exit code. `clippy.toml` and `tests/it/printer.rs` keep
//! other ways shut.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::error::Exit;
use crate::model::text::printable;

/// Why standard output takes no more.
#[derive(Debug, Clone)]
enum Lost {
    /// Whoever read it has gone away (`| head`).
    Closed,
    /// It could not be written, and why.
    Failed(String),
}

static LOST: Mutex<Option<Lost>> = Mutex::new(None);
static CHANGED: AtomicBool = AtomicBool::new(false);

/// Text on standard output, and a line end.
pub(super) fn line(text: &str) {
    standard(|out| writeln!(out, "{}", printable(text)));
}

/// Text on standard output, as it is.
pub(super) fn whole(text: &str) {
    standard(|out| write!(out, "{}", printable(text)));
}

/// Lines on standard error. That nobody reads them must not end a change half-way.
pub(super) fn aside(text: &str) {
    let _ = writeln!(error(), "{}", printable(text));
}

/// What clap says, in its colours where it goes to a terminal: help on standard output, mistakes on standard error.
/// `raw` is the same without colours: where that holds anything that could act on a terminal, it is shown in place of
/// it, made harmless.
pub(super) fn clap(said: &clap::Error, raw: &str) {
    let harmless = printable(raw);
    match (said.use_stderr(), harmless == raw) {
        (true, true) => {
            let _ = said.print();
        }
        (true, false) => {
            let _ = write!(error(), "{harmless}");
        }
        (false, true) => standard(|_| said.print()),
        (false, false) => whole(raw),
    }
}

/// Asks on standard error, and gives the line that was typed; nothing where the input has ended.
pub(super) fn ask(question: &str) -> io::Result<Option<String>> {
    let mut error = error();
    write!(error, "{}", printable(question))?;
    error.flush()?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line)?;
    Ok((read > 0).then_some(line))
}

/// Whether there is somebody to ask.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && error().is_terminal()
}

/// Whether a screen can be opened: keys come from a terminal, and frames go to one that understands them.
pub(super) fn no_screen() -> Option<&'static str> {
    if !io::stdin().is_terminal() {
        return Some("standard input is not a terminal");
    }
    if !output().is_terminal() {
        return Some("standard output is not a terminal");
    }
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    (cfg!(unix) && dumb).then_some("TERM is not set to a terminal that can be drawn on")
}

/// From now on something has been changed: whatever becomes of the output, how the change ended stands.
pub(super) fn changed() {
    CHANGED.store(true, Ordering::SeqCst);
}

/// Whether standard output takes no more: there is nobody left to go on for.
pub(super) fn is_lost() -> bool {
    lost().is_some()
}

/// The exit code, given what became of the output. A reader that has gone away is a quiet end.
pub(super) fn settled(exit: Exit) -> Exit {
    let Some(lost) = lost() else { return exit };
    let changed = CHANGED.load(Ordering::SeqCst);
    if let Lost::Failed(why) = lost {
        let rest = if changed { "; what was changed remains in place" } else { "" };
        aside(&format!("portcullis: standard output could not be written: {why}{rest}"));
    }
    if changed { exit } else { Exit::Error }
}

/// Comes back once nobody reads standard output any more, also while nothing is written.
pub(super) async fn closed() {
    let (sender, gone) = tokio::sync::oneshot::channel();
    // A thread of its own: the wait has no end where a reader stays, and must not hold up that of the runtime.
    let watching = std::thread::Builder::new().name("output".to_owned()).spawn(move || {
        if wait_until_closed() {
            let _ = sender.send(());
        }
    });
    if watching.is_err() || gone.await.is_err() {
        std::future::pending::<()>().await;
    }
    *LOST.lock().unwrap_or_else(PoisonError::into_inner) = Some(Lost::Closed);
}

/// No event is asked for: the end of the other side is told all the same.
#[cfg(unix)]
fn wait_until_closed() -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    let out = output();
    loop {
        let mut watched = [PollFd::new(&out, PollFlags::empty())];
        match poll(&mut watched, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return false,
        }
        if watched[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
            return true;
        }
        if watched[0].revents().contains(PollFlags::NVAL) {
            return false;
        }
    }
}

#[cfg(not(unix))]
fn wait_until_closed() -> bool {
    false
}

/// What a panic says, made harmless like everything else.
pub(super) fn speak_of_panics() {
    std::panic::set_hook(Box::new(|info| {
        let trace = std::backtrace::Backtrace::capture();
        let traced = trace.status() == std::backtrace::BacktraceStatus::Captured;
        let trace = if traced { format!("\n{trace}") } else { String::new() };
        aside(&format!("portcullis: {info}{trace}"));
    }));
}

fn lost() -> Option<Lost> {
    LOST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Writes at once, or remembers why not; after that nothing is written any more.
fn standard(write: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>) {
    if is_lost() {
        return;
    }
    let mut out = output().lock();
    let written = write(&mut out).and_then(|()| out.flush());
    if let Err(error) = written {
        let why = match error.kind() {
            io::ErrorKind::BrokenPipe => Lost::Closed,
            _ => Lost::Failed(error.to_string()),
        };
        *LOST.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }
}

#[allow(clippy::disallowed_methods)]
fn output() -> io::Stdout {
    io::stdout()
}

#[allow(clippy::disallowed_methods)]
fn error() -> io::Stderr {
    io::stderr()
}
