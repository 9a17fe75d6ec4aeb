//! Owns the terminal: opens it, feeds keys and news to [`update`], draws, and gives it back whole, whatever happens.
//!
//! Draws the first frame before it looks at any event; then only when something on the screen has changed, at most thirty
//! times a second, with every waiting event dealt with first. Never awaits anything but its channels, the keyboard, signals
//! and the clock that turns the shown minute.

mod clock;
mod pacing;
#[cfg(test)]
mod tests;

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event as TerminalEvent, EventStream};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use futures_util::StreamExt;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use thiserror::Error;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

use crate::model::text::neutralised;

use super::effect::Effect;
use super::event::{Event, StopReason};
use super::state::{Options, State};
use super::update::update;
use super::view::view;
use clock::Clocks;
use pacing::{Cause, Pacing};

/// The most events dealt with before a frame: a flood of news must not keep a key from showing.
const MOST_EVENTS: usize = 1_024;
/// A frame of 200×60 in colour fits, so that it leaves in one write.
const WRITE_BUFFER: usize = 64 * 1024;

/// Why the console returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The responder left.
    Asked,
    /// A signal said so, or the terminal is gone.
    Stopped(StopReason),
    /// Nobody sends events any more.
    Disconnected,
}

/// Why the console could not run.
#[derive(Debug, Error)]
pub enum TuiError {
    /// No terminal, or one that refuses.
    #[error("the terminal could not be opened: {0}; run this in a terminal, or use `portcullis snapshot` without one")]
    Open(#[source] io::Error),
    /// Drawing failed.
    #[error("the terminal could not be written to: {0}")]
    Draw(#[source] io::Error),
    /// Signals could not be listened for, so the terminal could not be given back on SIGTERM.
    #[error("signals could not be listened for: {0}")]
    Signals(#[source] io::Error),
}

/// Runs the console in the terminal until the responder leaves, a signal arrives or the events end.
///
/// Events come in on `events`, what is to be done outside goes out on `effects`; [`Effect::Quit`] is sent as well, as the
/// last one. The terminal is given back on return, on panic and on SIGTERM, SIGHUP and SIGINT.
pub async fn run(
    options: Options,
    events: mpsc::UnboundedReceiver<Event>,
    effects: mpsc::UnboundedSender<Effect>,
) -> Result<Exit, TuiError> {
    let signals = Signals::listen().map_err(TuiError::Signals)?;
    let mut screen = OpenScreen::open().map_err(TuiError::Open)?;
    let size = screen.terminal.size().map_err(TuiError::Open)?;
    let state = State::new(options, (size.width, size.height));
    let keyboard = Keyboard::listen();
    drive(state, &mut screen, keyboard, signals, events, effects).await
}

/// Where frames go.
trait Canvas {
    fn frame(&mut self, state: &State, clear: bool) -> io::Result<()>;
}

async fn drive(
    mut state: State,
    canvas: &mut impl Canvas,
    mut keyboard: Keyboard,
    mut signals: Signals,
    mut events: mpsc::UnboundedReceiver<Event>,
    effects: mpsc::UnboundedSender<Effect>,
) -> Result<Exit, TuiError> {
    let mut clocks = Clocks::default();
    let mut pacing = Pacing::new();
    let mut cause = Cause::Person;
    loop {
        if state.take_changed() {
            pacing.want(cause);
        }
        if pacing.due().is_some_and(|due| Instant::now() >= due) {
            let clear = std::mem::take(&mut state.clear);
            canvas.frame(&state, clear).map_err(TuiError::Draw)?;
            pacing.drawn();
        }
        cause = Cause::News;
        let mut happened = tokio::select! {
            biased;
            reason = signals.next() => Some(Event::Stop(reason)),
            key = keyboard.keys.recv() => Some(read(key)),
            event = events.recv() => match event {
                Some(event) => Some(event),
                None => return Ok(Exit::Disconnected),
            },
            () = FAILED.notified() => { say_failures(&mut state); None },
            () = until(pacing.due()) => None,
            at = clocks.next_minute(), if clocks.is_set() => Some(clocks.tick(at)),
        };
        let mut dealt = 0;
        while let Some(event) = happened.take() {
            clocks.hear(&event);
            if matches!(event, Event::Terminal(_)) {
                cause = Cause::Person;
            }
            for effect in update(&mut state, event) {
                let quit = effect == Effect::Quit;
                // Whoever carries effects out may be gone; leaving must work all the same.
                let _ = effects.send(effect);
                if quit {
                    return Ok(state.stopped().map_or(Exit::Asked, Exit::Stopped));
                }
            }
            dealt += 1;
            if dealt < MOST_EVENTS {
                happened = match keyboard.keys.try_recv() {
                    Ok(key) => Some(read(Some(key))),
                    Err(_) => events.try_recv().ok(),
                };
            }
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Keys, read by a task of their own: the stream underneath remembers only the first waker that it was polled with, so
/// nobody else may poll it.
struct Keyboard {
    keys: mpsc::UnboundedReceiver<io::Result<TerminalEvent>>,
    reader: Option<tokio::task::JoinHandle<()>>,
}

impl Keyboard {
    fn listen() -> Self {
        let (sender, keys) = mpsc::unbounded_channel();
        let reader = tokio::spawn(async move {
            let mut stream = EventStream::new();
            while let Some(key) = stream.next().await {
                if sender.send(key).is_err() {
                    break;
                }
            }
        });
        Self { keys, reader: Some(reader) }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            reader.abort();
        }
    }
}

/// A key, or the terminal's end: without one there is nobody left to ask.
fn read(key: Option<io::Result<TerminalEvent>>) -> Event {
    match key {
        Some(Ok(event)) => Event::Terminal(event),
        Some(Err(_)) | None => Event::Stop(StopReason::Hangup),
    }
}

/// What was said by panics of other tasks while the screen was open. It must not be written over the screen, nor be lost.
static FAILURES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static FAILED: Notify = Notify::const_new();
static OPEN: AtomicBool = AtomicBool::new(false);

fn failures() -> Vec<String> {
    FAILURES.lock().map_or_else(|e| e.into_inner().clone(), |f| f.clone())
}

fn say_failures(state: &mut State) {
    if let Some(last) = failures().last() {
        state.complain(format!("a part of the console has failed: {last}; restart it"));
    }
}

/// The terminal while it is ours: raw, on its alternate screen. Dropping gives it back, also while a panic unwinds.
struct OpenScreen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl OpenScreen {
    fn open() -> io::Result<Self> {
        hook();
        // Set before the first change, so that a step that fails is followed by giving everything back.
        OPEN.store(true, Ordering::SeqCst);
        let opened = Self::enter();
        if opened.is_err() {
            give_back();
        }
        opened
    }

    fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        let mut out = BufWriter::with_capacity(WRITE_BUFFER, io::stdout());
        execute!(out, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        let terminal = Terminal::new(CrosstermBackend::new(out))?;
        Ok(Self { terminal })
    }
}

impl Canvas for OpenScreen {
    fn frame(&mut self, state: &State, clear: bool) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        if clear {
            self.terminal.clear()?;
        }
        self.terminal.draw(|frame| view(state, frame))?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(self.terminal.backend_mut())
    }
}

impl Drop for OpenScreen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, then says what panics had to say. Errors are ignored: the terminal may be gone.
fn give_back() {
    if !OPEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(io::stdout(), EndSynchronizedUpdate, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
    for line in failures().iter().flat_map(|failure| failure.lines()) {
        let _ = writeln!(io::stderr(), "portcullis: {}", neutralised(line));
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

/// The signals that end the console. Ctrl-C on the keyboard is none of them: in raw mode it is a key.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> StopReason {
        tokio::select! {
            _ = self.terminate.recv() => StopReason::Terminate,
            _ = self.hangup.recv() => StopReason::Hangup,
            _ = self.interrupt.recv() => StopReason::Interrupt,
        }
    }
}

/// Without Unix signals, Ctrl-Break and closing the window end the process by themselves.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[allow(clippy::unnecessary_wraps)]
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> StopReason {
        std::future::pending().await
    }
}
