//! From a key to the command that it stands for, or to the line that is being typed. Names what keys do, and is named
//! by none of it.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind};

use crate::tui::available::available;
use crate::tui::command::{Command, Context};
use crate::tui::keymap::{Found, UnderWay, words};
use crate::tui::state::State;

use super::perform::perform;
use super::{Effects, sources, typing};

/// A key went down (or repeats).
pub(crate) fn pressed(state: &mut State, event: &TerminalEvent, key: &KeyEvent, effects: &mut Effects) {
    if key.kind == KeyEventKind::Release {
        return;
    }
    state.due.changed = true;
    if state.typing.prompt.is_some() {
        typing::pressed(state, event, key, effects);
        return;
    }
    let context = state.screen().context();
    let keys: Vec<KeyEvent> = state.keys.sequence.keys(context).iter().chain([key]).copied().collect();
    state.keys.sequence.end();
    match state.keys.map.find(context, &keys) {
        Found::Command(command) => commanded(state, command, effects),
        // What was said stays behind it: a key has done nothing yet, nor taken back that it is to be left.
        Found::Begins => state.keys.sequence = UnderWay::of(context, keys),
        Found::Nothing => {
            state.sources.kept.clear();
            unbound(state, context, &keys);
        }
    }
}

pub(crate) fn commanded(state: &mut State, command: Command, effects: &mut Effects) {
    state.status = None;
    if command != Command::Quit {
        state.keys.quit_warned = false;
    }
    match available(state, command) {
        Ok(()) => {
            state.sources.kept.clear();
            perform(state, command, effects);
        }
        Err(_) if sources::keeps(state, command) => {}
        Err(reason) => state.complain(format!("{}: {reason}", command.name())),
    }
}

/// Keys that do nothing, and why: bound on another screen, or no sequence.
fn unbound(state: &mut State, context: Context, keys: &[KeyEvent]) {
    state.keys.quit_warned = false;
    state.status = None;
    match keys {
        [key] => {
            if let Some((place, command)) = state.keys.map.elsewhere(key) {
                state.complain(format!("not available here; in {} this key means “{}”", place.doc(), command.name()));
            }
        }
        [begun @ .., last] if leads_back(state, context, last) => {
            state.say(format!("{} ended; nothing was done", words(begun)));
        }
        _ => state.complain(format!("{} is bound to nothing; nothing was done", words(keys))),
    }
}

/// Whether a key is Esc, or another one that is pressed to get out of something.
fn leads_back(state: &State, context: Context, key: &KeyEvent) -> bool {
    key.code == KeyCode::Esc || state.keys.map.command(context, key) == Some(Command::Back)
}

/// Ends a sequence that is under way: none of its keys does anything.
pub(crate) fn end_sequence(state: &mut State) {
    state.due.changed |= state.keys.sequence.is_there();
    state.keys.sequence.end();
}

/// A prompt that has opened takes the next key, and another screen has other keys.
pub(crate) fn settle(state: &mut State) {
    if state.typing.prompt.is_some() || state.keys.sequence.keys(state.screen().context()).is_empty() {
        state.keys.sequence.end();
    }
}

/// What a plain terminal would send alike comes as itself: there is nothing to warn of.
pub(crate) fn told_apart(state: &mut State) {
    let Some(warned) = state.keys.map.warned() else { return };
    if state.status.as_ref().is_some_and(|status| status.text == warned) {
        state.status = None;
        state.due.changed = true;
    }
}
