//! The prompt: opened, closed, and opened again where a note did not get to the disk. What is typed at it is
//! `typing`'s.

use tui_input::Input;

use crate::tui::effect::{Ask, Effect};
use crate::tui::state::{Prompt, PromptKind, State};

use super::Effects;

/// Opens a prompt with `text` in it.
pub(crate) fn open(state: &mut State, kind: PromptKind, text: &str, effects: &mut Effects) {
    if kind == PromptKind::Confirm {
        effects.push(Effect::To(state.focus(), Ask::ConfirmationOpen(true)));
    }
    state.status = None;
    state.typing.prompt = Some(Prompt { kind, input: Input::new(text.to_owned()), error: None });
}

/// Closes the prompt, whatever it was.
pub(crate) fn close(state: &mut State, effects: &mut Effects) {
    if state.typing.close().is_some_and(|prompt| prompt.kind == PromptKind::Confirm) {
        effects.push(Effect::To(state.focus(), Ask::ConfirmationOpen(false)));
    }
}

/// A note is on disk, or is not: then it comes back to be sent again, rather than be lost.
pub(crate) fn noted(state: &mut State, result: Result<(), String>) {
    let text = state.asked.note.take();
    match (result, text) {
        (Ok(()), _) => state.say("noted"),
        (Err(reason), Some((at, text))) if state.typing.prompt.is_none() => {
            state.typing.prompt = Some(Prompt {
                kind: PromptKind::Note { at },
                input: Input::new(text),
                error: Some(format!("not written: {reason}")),
            });
            state.due.changed = true;
        }
        (Err(reason), _) => state.complain(format!("the note was not written: {reason}")),
    }
}
