//! Which screen is shown and which stage it is about: gone to, gone back from, left.

use crate::model::connection::StageAt;
use crate::tui::effect::Effect;
use crate::tui::state::{Screen, State};

use super::Effects;

/// Shows a screen; one that is open below is gone back to, so that Esc always leads home.
pub(crate) fn go(state: &mut State, screen: Screen) {
    state.screens.go(screen);
    drop_if_left(state);
}

/// A review that is no longer open is given up, and its answer will be dropped; a change that is being made goes on.
pub(crate) fn drop_if_left(state: &mut State) {
    if !state.screens.is_open(Screen::Review) && !state.is_applying() {
        state.review = None;
    }
}

/// Leaves at once, except while a change is being made: then it says so and waits for a second press.
pub(crate) fn quit(state: &mut State, effects: &mut Effects) {
    if state.is_applying() && !state.keys.quit_warned {
        state.keys.quit_warned = true;
        state.complain("a change is being made; once more to leave anyway (the journal will say what was done)");
        return;
    }
    effects.push(Effect::Quit);
}

/// The stage on the screen.
pub(crate) fn chosen(state: &State) -> Option<StageAt> {
    match state.screen() {
        Screen::Stage => state.depth.stage.clone(),
        _ => state.selected_at(),
    }
}

/// The stage on the screen, for something that is about to be typed: the board's cursor stays with it meanwhile.
pub(super) fn chosen_to_type(state: &mut State) -> Option<StageAt> {
    let stage = chosen(state)?;
    if state.screen() == Screen::Board {
        state.list.held = Some(stage.clone());
    }
    Some(stage)
}
