//! Owns the terminal: opens it, feeds keys and news to [`update`], draws, and gives it back whole, whatever happens.
//!
//! Draws the first frame before it looks at any event; then only when something on the screen has changed, at most
//! thirty times a second, with every waiting event dealt with first. Never awaits anything but its channels, the
//! keyboard, signals and the clock that turns the shown minute.

mod clock;
mod keeper;
mod pacing;
mod screen;
mod signals;
mod stopwatch;
#[cfg(test)]
mod tests;

use std::io;

use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::effect::Effect;
use super::event::{Event, StopReason};
use super::keyboard::Keyboard;
use super::options::Options;
use super::state::{Background, State};
use super::update::update;
use clock::Clocks;
use pacing::{Cause, Pacing};
use screen::{Canvas, FAILED, OpenScreen};
use signals::{Signalled, Signals};
use stopwatch::Stopwatch;

/// The most events dealt with before a frame: a flood of news must not keep a key from showing.
const MOST_EVENTS: usize = 1_024;
/// How long an answer of the terminal is waited for on leaving.
const LAST_ANSWER: std::time::Duration = std::time::Duration::from_millis(100);
/// After a suspension by key, for how long the signal that went to this process as well may still be told.
const ECHO: std::time::Duration = std::time::Duration::from_secs(1);

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
/// Events come in on `events`, what is to be done outside goes out on `effects`; [`Effect::Quit`] is sent as well, as
/// the last one. The terminal is given back on return, on panic, on SIGTERM, SIGHUP, SIGINT and SIGQUIT, and while the
/// console is suspended.
pub async fn run(
    options: Options,
    events: mpsc::UnboundedReceiver<Event>,
    effects: mpsc::UnboundedSender<Effect>,
) -> Result<Exit, TuiError> {
    let signals = Signals::listen().map_err(TuiError::Signals)?;
    let mut screen = OpenScreen::open(options.kitty_keyboard).map_err(TuiError::Open)?;
    let size = screen.size().ok_or_else(|| TuiError::Open(io::Error::other("it does not say how large it is")))?;
    let asks = options.asks_background && cfg!(unix);
    let needs_to_know = !options.keymap.warnings().is_empty();
    let state = State::new(options, size);
    let keyboard = Keyboard::listen().map_err(TuiError::Open)?;
    if needs_to_know {
        screen.ask_of_keys().map_err(TuiError::Open)?;
    }
    if asks {
        screen.ask_of_background().map_err(TuiError::Open)?;
    }
    drive(state, &mut screen, keyboard, signals, events, effects).await
}

/// What the terminal was asked and has not answered yet is waited for a moment: an answer that comes after the console
/// has left would be typed into the shell.
async fn hear_the_last_answer(state: &State, keyboard: &mut Keyboard) {
    if state.looks.background == Background::Settled {
        return;
    }
    let answer = async { while !matches!(keyboard.next().await, Event::Background { .. } | Event::Stop(_)) {} };
    let _ = tokio::time::timeout(LAST_ANSWER, answer).await;
}

// Long and wide: the console's one loop, which owns all that comes in and goes out.
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
    let mut stopwatch = Stopwatch::default();
    let mut suspended: Option<Instant> = None;
    loop {
        stopwatch.watch(&mut state);
        if state.take_changed() {
            pacing.want(cause);
        }
        if pacing.due().is_some_and(|due| Instant::now() >= due) {
            let clear = state.due.take_clear();
            canvas.frame(&state, clear).map_err(TuiError::Draw)?;
            pacing.drawn();
        }
        if let Some(text) = state.due.take_copied() {
            canvas.copy(&text).map_err(TuiError::Draw)?;
        }
        if state.due.take_ring() {
            canvas.ring().map_err(TuiError::Draw)?;
        }
        cause = Cause::News;
        let mut happened = tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signalled::Stop(reason) => Some(Event::Stop(reason)),
                Signalled::Resized => resized(canvas),
                Signalled::Suspend if suspended.is_some_and(|at| at.elapsed() < ECHO) => None,
                Signalled::Suspend => suspend(&mut state, canvas, false)?,
                Signalled::Continued => {
                    canvas.resume().map_err(TuiError::Open)?;
                    state.due.draw_anew();
                    resized(canvas)
                }
            },
            event = keyboard.next() => Some(event),
            event = events.recv() => match event {
                Some(event) => Some(event),
                None => return Ok(Exit::Disconnected),
            },
            () = FAILED.notified() => { say_failures(&mut state); None },
            () = until(pacing.due()) => None,
            () = stopwatch.next(), if stopwatch.is_on() => Some(stopwatch.tick()),
            at = clocks.next_minute(), if clocks.is_set() => Some(clocks.tick(at)),
        };
        let mut dealt = 0;
        while let Some(event) = happened.take() {
            clocks.hear(&event);
            if matches!(event, Event::Terminal(_) | Event::Unended | Event::KeysToldApart) {
                cause = Cause::Person;
            }
            for effect in update(&mut state, event) {
                let quit = effect == Effect::Quit;
                // Whoever carries effects out may be gone; leaving must work all the same.
                let _ = effects.send(effect);
                if quit {
                    hear_the_last_answer(&state, &mut keyboard).await;
                    return Ok(state.stopped().map_or(Exit::Asked, Exit::Stopped));
                }
            }
            if state.due.take_suspend() {
                happened = suspend(&mut state, canvas, true)?;
                suspended = Some(Instant::now());
                continue;
            }
            dealt += 1;
            if dealt < MOST_EVENTS {
                happened = keyboard.waiting().or_else(|| events.try_recv().ok());
            }
        }
    }
}

fn resized(canvas: &impl Canvas) -> Option<Event> {
    let (columns, lines) = canvas.size()?;
    Some(Event::Terminal(crossterm::event::Event::Resize(columns, lines)))
}

/// Suspends the console, except while a change is being made, which would stay half done for as long. Afterwards the
/// terminal may have another size.
fn suspend(state: &mut State, canvas: &mut impl Canvas, asked: bool) -> Result<Option<Event>, TuiError> {
    if state.is_applying() {
        state.complain("not suspended: a change is being made; it ends first");
        return Ok(None);
    }
    if let Some(why) = screen::cannot_suspend().filter(|_| asked) {
        state.complain(format!("not suspended: {why}"));
        return Ok(None);
    }
    canvas.suspend(asked).map_err(TuiError::Open)?;
    state.due.draw_anew();
    Ok(resized(canvas))
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

fn say_failures(state: &mut State) {
    if let Some(last) = screen::last_failure() {
        state.complain(format!("a part of the console has failed: {last}; restart it"));
    }
}
