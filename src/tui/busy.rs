//! What is under way that somebody waits for. How long it has taken so far is told past half a second; the time comes
//! from outside.

use std::time::Duration;

use super::load::Load;
use super::prompt::PromptKind;
use super::state::{Phase, Screen, State};

/// Less than this is nobody's wait.
pub(crate) const UNTOLD: Duration = Duration::from_millis(500);

/// From this on whole seconds are told.
const LONG: Duration = Duration::from_secs(10);

/// What is waited for on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Busy {
    Applying,
    Planning,
    Ways,
    Methods,
    Sources,
    Stage,
    Next,
}

impl Busy {
    /// What is waited for on the screen as it is; `None` where nothing is.
    pub(crate) fn of(state: &State) -> Option<Self> {
        if state.is_applying() {
            return Some(Self::Applying);
        }
        if let Some(prompt) = &state.typing.prompt {
            return of_prompt(state, &prompt.kind);
        }
        match state.screen() {
            Screen::Review => matches!(state.review.as_ref()?.phase, Phase::Planning).then_some(Self::Planning),
            Screen::Sources => {
                let reads = matches!(state.sources.load, Load::Loading) || state.sources.reloading;
                reads.then_some(Self::Sources)
            }
            Screen::Stage if state.depth.loading => Some(Self::Stage),
            Screen::Board | Screen::Stage => {
                let at = if state.screen() == Screen::Stage { state.depth.stage.clone() } else { state.selected_at() }?;
                let reads = state.asked.next_of(&at).is_some_and(|next| next.known().is_none());
                reads.then_some(Self::Next)
            }
            _ => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Applying => "being carried out for",
            Self::Planning => "planning for",
            Self::Ways | Self::Methods | Self::Sources | Self::Stage | Self::Next => "reading for",
        }
    }
}

fn of_prompt(state: &State, kind: &PromptKind) -> Option<Busy> {
    match kind {
        PromptKind::Close { .. } => state.typing.ladder.as_ref()?.answer.is_none().then_some(Busy::Ways),
        PromptKind::Propose { .. } => state.typing.ladder.as_ref()?.proposals.is_none().then_some(Busy::Ways),
        PromptKind::Throttle { .. } => state.typing.throttle.as_ref()?.report.is_none().then_some(Busy::Methods),
        _ => None,
    }
}

/// `planning for 3.5 s`; `None` where nothing is waited for, or not for long.
pub(crate) fn words(state: &State) -> Option<String> {
    let (busy, elapsed) = Busy::of(state).zip(state.asked.elapsed)?;
    let seconds = elapsed.as_secs_f64();
    let digits = usize::from(elapsed < LONG);
    (elapsed >= UNTOLD).then(|| format!("{} {seconds:.digits$} s", busy.words()))
}
