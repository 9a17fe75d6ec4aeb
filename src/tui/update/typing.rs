//! A line being typed: filter, duration, phrase, reason, note; and what becomes of it.

use crossterm::event::{Event as TerminalEvent, KeyEvent};
use tui_input::backend::crossterm::EventHandler;
use tui_input::{Input, InputRequest};

use crate::model::action::Action;
use crate::model::connection::ConnectionId;
use crate::model::export::Format;
use crate::model::text::is_blank;
use crate::tui::available::confirmable;
use crate::tui::command::{Command, Context};
use crate::tui::effect::{Ask, Effect};
use crate::tui::format::lifetime;
use crate::tui::state::{BeforeFrame, Prompt, PromptKind, State, Subject};

use super::perform::{export, perform};
use super::{Effects, board, find, palette, playbook, prompt, review, screens, scroll, stage, throttle, typed};

/// The longest line that can be typed, characters; a pasted log does not become a note by accident.
const LONGEST: usize = 1_000;

/// The same of a list of addresses: as many as a web ACL's IP set holds (10,000, documented), as the longest are
/// written.
const LONGEST_LIST: usize = 450_000;

/// A key while a line is being typed.
pub(crate) fn pressed(state: &mut State, event: &TerminalEvent, key: &KeyEvent, effects: &mut Effects) {
    let command = state.keys.map.command(Context::Prompt, key);
    if command != Some(Command::Leave) {
        state.keys.quit_warned = false;
    }
    match command {
        Some(Command::Submit) => submit(state, effects),
        Some(Command::Cancel) => cancel(state, effects),
        Some(Command::Leave) => {
            if !state.is_applying() || state.keys.quit_warned {
                prompt::close(state, effects);
            }
            screens::quit(state, effects);
        }
        Some(Command::Suspend) => state.due.before_frame = BeforeFrame::Suspend,
        Some(command) if state.typing.throttle.is_some() => throttle::moved(state, scroll::scrolled(state, command)),
        Some(command) if state.typing.palette.is_some() => palette::moved(state, scroll::scrolled(state, command)),
        Some(command) => scroll::scroll_behind(state, command),
        None => {
            if let Some(prompt) = &mut state.typing.prompt {
                let full = prompt.input.value().chars().count() >= longest(&prompt.kind);
                let inserts = matches!(
                    tui_input::backend::crossterm::to_input_request(event),
                    Some(InputRequest::InsertChar(_) | InputRequest::Yank)
                );
                if !(full && inserts) {
                    prompt.input.handle_event(event);
                    prompt.error = None;
                }
            }
            typed(state);
        }
    }
}

/// Pasted text goes into the prompt, line ends as spaces; without a prompt it is dropped, since it is not key presses.
pub(crate) fn pasted(state: &mut State, text: &str) {
    let Some(prompt) = &mut state.typing.prompt else {
        return;
    };
    let room = longest(&prompt.kind).saturating_sub(prompt.input.value().chars().count());
    // A list that comes in two pieces must not glue the last address of one to the first of the other.
    let is_list = matches!(prompt.kind, PromptKind::BlockList { .. } | PromptKind::KillSwitch { .. });
    let ends = if is_list && text.ends_with(char::is_whitespace) { " " } else { "" };
    let text: String =
        text.trim_end().chars().chain(ends.chars()).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let long = text.chars().count();
    // Half an address is another address: what does not fit is not taken at all.
    if long > room {
        prompt.error = Some(format!("pasted: {long} characters, and {room} fit here; none of it was accepted"));
        state.due.changed = true;
        return;
    }
    let (before, cursor) = (prompt.input.value(), prompt.input.cursor());
    let (left, right): (String, String) =
        (before.chars().take(cursor).collect(), before.chars().skip(cursor).collect());
    let at = cursor + text.chars().count();
    prompt.input = Input::new(format!("{left}{text}{right}")).with_cursor(at);
    prompt.error = None;
    state.due.changed = true;
    typed(state);
}

/// A list of addresses is longer than any other line.
fn longest(kind: &PromptKind) -> usize {
    if matches!(kind, PromptKind::BlockList { .. }) { LONGEST_LIST } else { LONGEST }
}

/// A filter works while it is being typed, and so does what looks for something.
fn typed(state: &mut State) {
    palette::typed(state);
    find::typed(state);
    if let Some(Prompt { kind: PromptKind::Filter { .. }, input, .. }) = &state.typing.prompt {
        state.list.filter = input.value().to_owned();
        // The best match is what is looked for.
        (state.list.held, state.list.held_unread) = (None, None);
        board::arrange(state);
    }
}

fn cancel(state: &mut State, effects: &mut Effects) {
    find::cancel(state);
    palette::cancel(state);
    if let Some(Prompt { kind: PromptKind::Filter { before, held }, .. }) = &state.typing.prompt {
        state.list.filter.clone_from(before);
        state.list.held.clone_from(held);
        board::arrange(state);
    }
    prompt::close(state, effects);
}

/// Enter: does what the line asks for, or says at the prompt why not.
// Long: one arm for each prompt, with what its line asks for.
pub(crate) fn submit(state: &mut State, effects: &mut Effects) {
    let Some(prompt) = &state.typing.prompt else { return };
    let text = prompt.input.value().trim().to_owned();
    let asks_on = prompt.kind == PromptKind::Input { then_do: true };
    let outcome = match prompt.kind.clone() {
        PromptKind::Filter { .. } => Ok(()),
        PromptKind::Find { .. } => find::submit(state),
        // It closes the prompt itself: what it does may open another one.
        PromptKind::Palette => match palette::submit(state, effects) {
            Ok(chosen) => {
                if let Some(command) = chosen {
                    perform(state, command, effects);
                }
                return;
            }
            Err(error) => Err(error),
        },
        PromptKind::BlockList { stage } => {
            let typed = typed::block_list(&stage.stage, &text, &state.configured.block_for);
            action(state, stage.at, typed, effects)
        }
        PromptKind::Note { .. } if text.is_empty() => Err("an empty note says nothing".to_owned()),
        PromptKind::Note { at } => {
            state.asked.note = Some((at, text.clone()));
            effects.push(Effect::To(at, Ask::Note(text)));
            Ok(())
        }
        PromptKind::Duration { targets } => {
            lifetime(&text).map(|seconds| review::block(state, &targets, seconds, effects))
        }
        PromptKind::Extend { action_id } => lifetime(&text)
            .map(|seconds| Ask::Extend { action_id, expires_after_seconds: seconds })
            .map(|ask| effects.push(Effect::To(state.timeline.at, ask))),
        PromptKind::Input { then_do } => playbook::typed(state, &text).map(|()| {
            if then_do {
                prompt::close(state, effects);
                playbook::do_step(state, effects);
            }
        }),
        // A number alone chooses the method: what is offered for it is there to be read and changed.
        PromptKind::Throttle { .. } if throttle::numbered(state, &text) => return,
        PromptKind::Throttle { stage } => action(state, stage.at, typed::throttle(&stage.stage, &text), effects),
        PromptKind::Close { stage } => action(state, stage.at, typed::close(&stage.stage, &text), effects),
        PromptKind::Propose { .. } if stage::entered_early(state) => return,
        PromptKind::Propose { stage } => stage::typed_proposal(state, &text).map(|(subject, step)| {
            review::ask(state, stage.at, subject, effects);
            review::was_proposed(state, Some(step));
        }),
        PromptKind::KillSwitch { stage } => action(state, stage.at, typed::switch(&stage.stage, &text), effects),
        PromptKind::Action { stage, name } => {
            action(state, stage.at, typed::of_the_table(&stage.stage, name, &text), effects)
        }
        PromptKind::Export => format(&text).map(|format| export(state, format, effects)),
        PromptKind::Reason { .. } if is_blank(&text) => {
            Err("an override needs a reason; it goes into the journal".to_owned())
        }
        PromptKind::Reason { guards } => {
            review::replan_with(state, &guards, text, effects);
            Ok(())
        }
        PromptKind::Confirm => confirm(state, &text).map(|phrase| {
            prompt::close(state, effects);
            review::apply(state, phrase, effects);
        }),
    };
    match outcome {
        // A step that waits for another input has opened a prompt of its own.
        Ok(()) if asks_on => {}
        Ok(()) => prompt::close(state, effects),
        Err(error) => {
            if let Some(prompt) = &mut state.typing.prompt {
                prompt.error = Some(error);
            }
        }
    }
}

/// The format that was typed, by its name or by its number in the list.
fn format(text: &str) -> Result<Format, String> {
    let numbered = text.parse::<usize>().ok().and_then(|number| Format::ALL.get(number.checked_sub(1)?).copied());
    let named = || Format::ALL.into_iter().find(|format| format.name() == text || format.alias() == Some(text));
    let names = || Format::ALL.map(Format::name).join(", ");
    numbered.or_else(named).ok_or_else(|| format!("there is no format “{text}”; write one of {}", names()))
}

/// Asks for the plan of an action that was typed.
fn action(
    state: &mut State,
    at: ConnectionId,
    typed: Result<Action, String>,
    effects: &mut Effects,
) -> Result<(), String> {
    review::ask(state, at, Subject::Action(typed?), effects);
    Ok(())
}

/// The phrase of the plan on the screen, where what was typed confirms it: four characters beside the stage's name, a
/// closure's with what it does, or the phrase whole.
fn confirm(state: &State, text: &str) -> Result<String, String> {
    let plan = state.ready_plan().ok_or("the plan is no longer on the screen")?;
    confirmable(state, plan)?;
    if text == plan.short_phrase() || text == plan.phrase() {
        Ok(plan.phrase())
    } else {
        Err(format!("that does not confirm it, nothing was done; type:  {}", plan.short_phrase()))
    }
}
