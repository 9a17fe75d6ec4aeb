//! The terminal while it is ours, and the ways in which it stops being: leaving, a panic, a signal, a suspension. Where
//! this process ends without a word (SIGKILL, an abort), [`super::keeper`] gives it back.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::sync::Notify;

use super::keeper::Keeper;
use crate::model::text::neutralised;
use crate::tui::state::State;
use crate::tui::view::view;

/// A frame of 200×60 in colour fits, so that it leaves in one write.
const WRITE_BUFFER: usize = 64 * 1024;

/// Where frames go.
pub(super) trait Canvas {
    fn frame(&mut self, state: &State, clear: bool) -> io::Result<()>;

    /// Rings the terminal's bell, or flashes, as it is set.
    fn ring(&mut self) -> io::Result<()>;

    /// Gives a text to the terminal's clipboard (OSC 52); whether it takes it is not said.
    fn copy(&mut self, text: &str) -> io::Result<()>;

    /// Columns and lines, where they can be told.
    fn size(&self) -> Option<(u16, u16)>;

    /// Stops the process until somebody lets it go on; `asked` by key, which stops whatever started it as well.
    fn suspend(&mut self, asked: bool) -> io::Result<()>;

    /// Takes the terminal again, whatever has become of it meanwhile.
    fn resume(&mut self) -> io::Result<()>;
}

/// What was said by panics of other tasks while the screen was open. It must not be written over the screen, nor be
/// lost.
static FAILURES: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Told of every such panic.
pub(super) static FAILED: Notify = Notify::const_new();
static OPEN: AtomicBool = AtomicBool::new(false);
/// Whether the kitty keyboard protocol may be used.
static KITTY: AtomicBool = AtomicBool::new(false);
static KEEPER: Mutex<Option<Keeper>> = Mutex::new(None);

fn failures() -> Vec<String> {
    FAILURES.lock().map_or_else(|e| e.into_inner().clone(), |f| f.clone())
}

/// The last of what panics said.
pub(super) fn last_failure() -> Option<String> {
    failures().pop()
}

/// The terminal while it is ours: raw, on its alternate screen. Dropping gives it back, also while a panic unwinds.
pub(super) struct OpenScreen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl OpenScreen {
    /// Opens it; `kitty` is whether the kitty keyboard protocol may be used.
    pub(super) fn open(kitty: bool) -> io::Result<Self> {
        hook();
        KITTY.store(kitty && cfg!(unix), Ordering::SeqCst);
        let opened = take(Typed::Forgotten).and_then(|()| {
            let out = BufWriter::with_capacity(WRITE_BUFFER, output());
            Ok(Self { terminal: Terminal::new(CrosstermBackend::new(out))? })
        });
        if opened.is_err() {
            give_back();
        }
        opened
    }
}

impl OpenScreen {
    /// Asks the terminal whether it tells keys apart. The answer comes to the keyboard, or never; where the console
    /// leaves before it comes, it is typed into whatever follows, so only who needs to know asks.
    pub(super) fn ask_of_keys(&mut self) -> io::Result<()> {
        if !KITTY.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.terminal.backend_mut().write_all(b"\x1b[?u")?;
        Write::flush(self.terminal.backend_mut())
    }
}

impl OpenScreen {
    /// Asks the terminal for its background (OSC 11). The answer comes to the keyboard, or never.
    pub(super) fn ask_of_background(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().write_all(b"\x1b]11;?\x1b\\")?;
        Write::flush(self.terminal.backend_mut())
    }
}

impl Canvas for OpenScreen {
    fn frame(&mut self, state: &State, clear: bool) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        if clear {
            // `Terminal::clear` asks the terminal where the cursor is, and waits for an answer that may never come.
            let size = self.terminal.size()?;
            self.terminal.resize(size.into())?;
        }
        self.terminal.draw(|frame| view(state, frame))?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(self.terminal.backend_mut())
    }

    fn ring(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().write_all(b"\x07")?;
        Write::flush(self.terminal.backend_mut())
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), CopyToClipboard::to_clipboard_from(text))
    }

    fn size(&self) -> Option<(u16, u16)> {
        self.terminal.size().ok().map(|size| (size.width, size.height))
    }

    fn suspend(&mut self, asked: bool) -> io::Result<()> {
        give_back();
        stop(asked);
        again(Typed::Forgotten)
    }

    fn resume(&mut self) -> io::Result<()> {
        // The console may be on the screen already, and somebody may have typed into it.
        again(Typed::Kept)
    }
}

impl Drop for OpenScreen {
    fn drop(&mut self) {
        give_back();
    }
}

/// What becomes of what is in the terminal's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typed {
    /// It was meant for something else.
    Forgotten,
    Kept,
}

/// Makes the terminal ours once more. Modes are set anew even where they are thought to be in force: a shell may have
/// changed them.
fn again(typed: Typed) -> io::Result<()> {
    let _ = disable_raw_mode();
    take(typed)
}

/// Makes the terminal ours.
fn take(typed: Typed) -> io::Result<()> {
    let mut keeper = KEEPER.lock().unwrap_or_else(PoisonError::into_inner);
    if keeper.is_none() {
        // While the terminal is as it was: that is what is to be given back.
        *keeper = Keeper::start(kitty(KITTY_POP));
    }
    drop(keeper);
    // Set before the first change, so that a step that fails is followed by giving everything back.
    let was_ours = OPEN.swap(true, Ordering::SeqCst);
    enable_raw_mode()?;
    if typed == Typed::Forgotten {
        forget_what_was_typed();
    }
    // Each screen has a stack of its own for this, so it is pushed after the one and popped before the other. Where it
    // may be in force still, what was pushed is popped first: one pop gives it back, however often the console was
    // stopped.
    let again = if was_ours { kitty(KITTY_POP) } else { "" };
    execute!(output(), EnterAlternateScreen, Print(again), Print(kitty(KITTY_PUSH)), EnableBracketedPaste, cursor::Hide)
}

/// Tell apart what a plain terminal sends alike (1), and say what Shift makes of a key (4): without that, Alt-< would
/// be Alt-comma with Shift. A terminal that does not know it ignores it, as every private sequence.
const KITTY_PUSH: &str = "\x1b[>5u";
const KITTY_POP: &str = "\x1b[<u";

/// A sequence of the kitty keyboard protocol, where that may be used.
fn kitty(sequence: &'static str) -> &'static str {
    if KITTY.load(Ordering::SeqCst) { sequence } else { "" }
}

/// What was typed before the first frame was meant for something else.
#[cfg(unix)]
fn forget_what_was_typed() {
    let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
}

#[cfg(not(unix))]
fn forget_what_was_typed() {}

/// Gives the terminal back, then says what panics had to say. Errors are ignored: the terminal may be gone.
fn give_back() {
    if !OPEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(
        output(),
        EndSynchronizedUpdate,
        Print(kitty(KITTY_POP)),
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
    drop(KEEPER.lock().unwrap_or_else(PoisonError::into_inner).take());
    let said = std::mem::take(&mut *FAILURES.lock().unwrap_or_else(PoisonError::into_inner));
    for line in said.iter().flat_map(|failure| failure.lines()) {
        say(line);
    }
}

/// Keeps what a panic says until the screen is closed; outside of that, whatever was in force before speaks.
fn hook() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !OPEN.load(Ordering::SeqCst) {
                before(info);
                return;
            }
            let trace = std::backtrace::Backtrace::capture();
            let traced = trace.status() == std::backtrace::BacktraceStatus::Captured;
            let text = if traced { format!("{info}\n{trace}") } else { info.to_string() };
            if let Ok(mut failures) = FAILURES.lock() {
                failures.push(text);
            }
            FAILED.notify_one();
        }));
    });
}

/// Why the process cannot be suspended by a key: nobody would bring it back.
#[cfg(unix)]
pub(super) fn cannot_suspend() -> Option<&'static str> {
    use nix::unistd::{getpid, getppid, getsid};
    // By `nix`: for a session that began outside of this container the kernel answers 0, which `rustix` takes for
    // impossible.
    let session = |process| getsid(Some(process)).map_or(0, nix::unistd::Pid::as_raw);
    let parent = getppid();
    let of_parent = if parent.as_raw() == 0 { 0 } else { session(parent) };
    (!a_shell_waits(getpid().as_raw(), session(getpid()), of_parent))
        .then_some("there is no shell here that could bring it back")
}

/// Whether a process has been started by a shell with job control: it does not lead its session, and is in that of
/// its parent. A session of 0 is one that cannot be told.
#[cfg(unix)]
fn a_shell_waits(process: i32, session: i32, of_parent: i32) -> bool {
    session != 0 && session != process && session == of_parent
}

#[cfg(not(unix))]
pub(super) fn cannot_suspend() -> Option<&'static str> {
    Some("this system has no job control")
}

#[cfg(unix)]
fn stop(asked: bool) {
    use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
    say("suspended: nothing is watched and nothing expires by itself until fg");
    if asked {
        // Whatever started this one waits for it in the foreground, and must not go on doing so.
        let _ = kill_current_process_group(Signal::TSTP);
    }
    let _ = kill_process(getpid(), Signal::STOP);
}

#[cfg(not(unix))]
fn stop(_: bool) {}

fn say(line: &str) {
    let _ = writeln!(error(), "portcullis: {}", neutralised(line));
}

#[allow(clippy::disallowed_methods)]
fn output() -> Stdout {
    io::stdout()
}

#[allow(clippy::disallowed_methods)]
fn error() -> io::Stderr {
    io::stderr()
}

#[cfg(all(test, unix))]
mod tests {
    use super::a_shell_waits;

    #[test]
    fn only_a_shell_of_the_same_session_brings_a_process_back() {
        assert!(a_shell_waits(20, 10, 10));
        assert!(!a_shell_waits(20, 20, 10), "it leads its session");
        assert!(!a_shell_waits(20, 10, 11), "its parent is in another session");
        assert!(!a_shell_waits(20, 10, 0), "its parent is outside of this container");
        assert!(!a_shell_waits(20, 0, 0), "its session began outside of this container");
    }
}
