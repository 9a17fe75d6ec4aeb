//! What `copy` gives the terminal's clipboard: a sentence on the stage that may be said in public, or the command that
//! does what a plan does.

use crate::tui::format::minutes;
use crate::tui::state::{Phase, Screen, State};

use super::screens;

/// Copies what stands for the screen, and says what it was: whether the terminal takes it is not known.
pub(crate) fn copy(state: &mut State) {
    let text = match state.screen() {
        Screen::Review => command(state),
        _ => sentence(state),
    };
    match text {
        Ok(text) => {
            state.say(format!("given to the terminal's clipboard, if it takes it: {text}"));
            state.due.copied = Some(text);
        }
        Err(why) => state.complain(format!("copy: {why}")),
    }
}

/// The command line that does what the plan on the screen does.
fn command(state: &State) -> Result<String, String> {
    let phase = state.review.as_ref().map(|review| &review.phase);
    let Some(Phase::Ready(plan) | Phase::Applying { plan, .. } | Phase::Done { plan, .. }) = phase else {
        return Err("there is no plan yet".to_owned());
    };
    plan.command().ok_or_else(|| "no command line does the same".to_owned())
}

/// How customers fare, in a sentence for a status page.
fn sentence(state: &State) -> Result<String, String> {
    let at = screens::chosen(state).ok_or("no stage is selected")?;
    let row = state.fleet.row(&at).ok_or("the stage is no longer on the board")?;
    let now = state.fleet.get(at.at).now.ok_or("what time it is in the account is not known yet")?;
    if let Some(age) = state.stale_at(at.at) {
        return Err(format!("the figures are {} old: the current state is not known", minutes(age)));
    }
    row.condition.public_sentence(&row.id.api_name, now)
}
