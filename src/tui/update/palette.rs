//! The palette: opened, searched, and what was chosen done.

use crate::model::connection::StageAt;
use crate::tui::available::{can, can_plan};
use crate::tui::command::Command;
use crate::tui::palette::{Entry, Palette};
use crate::tui::state::{PromptKind, Screen, State};

use super::{Effects, board, prompt, screens, stage};

/// Opens it.
pub(crate) fn open(state: &mut State, effects: &mut Effects) {
    let stages = state
        .fleet
        .iter()
        .flat_map(|(at, watched)| watched.stages().iter().map(move |row| StageAt { at, stage: row.id.clone() }));
    let stages: Vec<(StageAt, String)> = stages.map(|stage| (stage.clone(), state.fleet.label(&stage))).collect();
    let mut palette = Palette::new(state.screen().context(), stages.into_iter());
    palette.held_before.clone_from(&state.list.held);
    state.typing.palette = Some(palette);
    // What is done is done to the stage that was selected, wherever the board puts it meanwhile.
    if state.screen() == Screen::Board
        && let Some(stage) = state.selected_at()
    {
        state.list.held = Some(stage);
    }
    prompt::open(state, PromptKind::Palette, "", effects);
}

/// It was left: the cursor follows what it followed before.
pub(crate) fn cancel(state: &mut State) {
    if let Some(palette) = &state.typing.palette {
        state.list.held.clone_from(&palette.held_before);
        board::arrange(state);
    }
}

/// Something was typed.
pub(crate) fn typed(state: &mut State) {
    let Some(prompt) = state.typing.prompt.as_ref().filter(|prompt| prompt.kind == PromptKind::Palette) else { return };
    if let Some(palette) = &mut state.typing.palette {
        palette.search(prompt.input.value());
    }
}

/// Moves its cursor.
pub(crate) fn moved(state: &mut State, delta: isize) {
    if let Some(palette) = &mut state.typing.palette {
        let len = palette.len();
        palette.cursor.move_by(delta, len);
    }
}

/// Closes it for what is under its cursor: goes to a stage, or gives the command that is to be done.
///
/// # Errors
/// Why it cannot be done now; the palette stays open then.
pub(crate) fn submit(state: &mut State, effects: &mut Effects) -> Result<Option<Command>, String> {
    let palette = state.typing.palette.as_ref().ok_or("the palette is closed")?;
    let chosen = palette.chosen().cloned().ok_or("nothing is called that; type less, or Esc leaves")?;
    match chosen {
        Entry::Command(command) => {
            can(state, command)?;
            prompt::close(state, effects);
            Ok(Some(command))
        }
        Entry::Action(form) => {
            can_plan(state, form)?;
            prompt::close(state, effects);
            stage::any_action(state, form, effects);
            Ok(None)
        }
        Entry::Stage { at, label } => {
            prompt::close(state, effects);
            to_stage(state, at, &label);
            Ok(None)
        }
    }
}

/// To a stage's row on the board; a filter that hides it goes.
fn to_stage(state: &mut State, stage: StageAt, label: &str) {
    screens::go(state, Screen::Board);
    state.list.held = Some(stage);
    state.list.held_unread = None;
    board::arrange(state);
    if state.list.gone && !state.list.filter.is_empty() {
        state.list.filter.clear();
        board::arrange(state);
        state.say(format!("to {label}: showing every stage"));
    }
}
