//! From a key to what it does. Every command is one arm; what it needs lives with its screen.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind};

use crate::tui::available::{available, overridable};
use crate::tui::command::{Command, Context};
use crate::tui::effect::{Ask, Effect, Format};
use crate::tui::keymap::{Found, UnderWay, words};
use crate::tui::state::{BeforeFrame, PromptKind, Screen, State};
use crate::tui::view::layout;

use super::{Effects, board, copy, find, palette, playbook, prompt, review, sources, stage, throttle, timeline};

/// A key went down (or repeats).
pub(crate) fn pressed(state: &mut State, event: &TerminalEvent, key: &KeyEvent, effects: &mut Effects) {
    if key.kind == KeyEventKind::Release {
        return;
    }
    state.changed = true;
    if state.prompt.is_some() {
        prompt::pressed(state, event, key, effects);
        return;
    }
    let context = state.screen().context();
    let keys: Vec<KeyEvent> = state.sequence.keys(context).iter().chain([key]).copied().collect();
    state.sequence.end();
    match state.keymap.find(context, &keys) {
        Found::Command(command) => commanded(state, command, effects),
        // What was said stays behind it: a key has done nothing yet, nor taken back that it is to be left.
        Found::Begins => state.sequence = UnderWay::of(context, keys),
        Found::Nothing => {
            state.sources.kept.clear();
            unbound(state, context, &keys);
        }
    }
}

pub(crate) fn commanded(state: &mut State, command: Command, effects: &mut Effects) {
    state.status = None;
    if command != Command::Quit {
        state.quit_warned = false;
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
    state.quit_warned = false;
    state.status = None;
    match keys {
        [key] => {
            if let Some((place, command)) = state.keymap.elsewhere(key) {
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
    key.code == KeyCode::Esc || state.keymap.command(context, key) == Some(Command::Back)
}

/// Ends a sequence that is under way: none of its keys does anything.
pub(crate) fn end_sequence(state: &mut State) {
    state.changed |= state.sequence.is_there();
    state.sequence.end();
}

/// A prompt that has opened takes the next key, and another screen has other keys.
pub(crate) fn settle(state: &mut State) {
    if state.prompt.is_some() || state.sequence.keys(state.screen().context()).is_empty() {
        state.sequence.end();
    }
}

/// What a plain terminal would send alike comes as itself: there is nothing to warn of.
pub(crate) fn told_apart(state: &mut State) {
    let Some(warned) = state.keymap.warned() else { return };
    if state.status.as_ref().is_some_and(|status| status.text == warned) {
        state.status = None;
        state.changed = true;
    }
}

pub(crate) fn perform(state: &mut State, command: Command, effects: &mut Effects) {
    match command {
        Command::Quit | Command::Leave => quit(state, effects),
        Command::Back => back(state),
        Command::Help => go(state, Screen::Help),
        Command::Palette => palette::open(state, effects),
        Command::Find => find::open(state, effects),
        Command::Copy => copy::copy(state),
        Command::Follow => board::follow(state),
        Command::BlockList => stage::block_list(state, effects),
        Command::Timeline => {
            if state.screen() != Screen::Timeline {
                timeline::turn_to(state, state.focus());
            }
            go(state, Screen::Timeline);
        }
        Command::NextAccount => next_account(state),
        Command::Up => scroll(state, -1),
        Command::Down => scroll(state, 1),
        Command::PageUp => scroll(state, -page(state)),
        Command::PageDown => scroll(state, page(state)),
        Command::First => scroll(state, isize::MIN),
        Command::Last => scroll(state, isize::MAX),
        Command::Note => prompt::open(state, PromptKind::Note { at: state.focus() }, "", effects),
        Command::Redraw => state.draw_anew(),
        Command::Suspend => state.before_frame = BeforeFrame::Suspend,
        Command::Open => stage::open(state, effects),
        Command::Sources => sources::open(state, effects),
        Command::Propose => stage::propose(state, effects),
        Command::Throttle => throttle::open(state, effects),
        Command::FlushCache => stage::flush(state, false, effects),
        Command::FlushAuthorizers => stage::flush(state, true, effects),
        Command::Close => stage::close(state, effects),
        Command::Playbooks => playbook::open_list(state),
        Command::OpenPlaybook => playbook::open(state),
        Command::DoStep => playbook::do_step(state, effects),
        Command::SkipStep => playbook::skip(state, effects),
        Command::SetInput => playbook::set_input(state, effects),
        Command::KillSwitch => stage::kill_switch(state, effects),
        Command::Filter => {
            let before = state.list.filter.clone();
            let kind = PromptKind::Filter { before: before.clone(), held: state.list.held.clone() };
            prompt::open(state, kind, &before, effects);
        }
        Command::Pin => board::pin(state),
        Command::Sort => {
            state.list.sort = state.list.sort.next();
            state.list.reversed = false;
            sorted(state);
        }
        Command::Reverse => {
            state.list.reversed = !state.list.reversed;
            sorted(state);
        }
        Command::Mark => sources::mark(state),
        Command::MarkSuspects => sources::mark_suspects(state),
        Command::MarkAll => sources::mark_all(state),
        Command::NextSet => sources::next_set(state),
        Command::Unmark => state.sources.unmark(),
        Command::NextList => state.sources.turn(true),
        Command::PreviousList => state.sources.turn(false),
        Command::Block => sources::block(state, effects),
        Command::Reload if state.screen() == Screen::Stage => stage::reload(state, effects),
        Command::Reload => sources::reload(state, effects),
        Command::Confirm => prompt::open(state, PromptKind::Confirm, "", effects),
        Command::Override => {
            let guards: Vec<String> =
                overridable(state).map(|guards| guards.iter().map(|g| g.id.clone()).collect()).unwrap_or_default();
            prompt::open(state, PromptKind::Reason { guards }, "", effects);
        }
        Command::Replan => review::replan(state, effects),
        Command::AllGuards => review::turn_guards(state),
        Command::WholeDiff => review::turn_diff(state),
        Command::Undo => timeline::undo(state, effects),
        Command::Extend => {
            let Some(action_id) = state.selected_action().map(|a| a.id.clone()) else { return };
            let offered = state.block_for.clone();
            prompt::open(state, PromptKind::Extend { action_id }, &offered, effects);
        }
        Command::ExportMarkdown => export(state, Format::Markdown, effects),
        Command::ExportJsonLines => export(state, Format::JsonLines, effects),
        Command::Submit
        | Command::Cancel
        | Command::ScrollUp
        | Command::ScrollDown
        | Command::ScrollPageUp
        | Command::ScrollPageDown => {}
    }
}

/// Leaves at once, except while a change is being made: then it says so and waits for a second press.
pub(crate) fn quit(state: &mut State, effects: &mut Effects) {
    if state.is_applying() && !state.quit_warned {
        state.quit_warned = true;
        state.complain("a change is being made; once more to leave all the same (the journal will say what was done)");
        return;
    }
    effects.push(Effect::Quit);
}

/// Shows a screen; one that is open below is gone back to, so that Esc always leads home.
pub(crate) fn go(state: &mut State, screen: Screen) {
    if let Some(open) = state.screens.iter().position(|s| *s == screen) {
        state.screens.truncate(open + 1);
    } else {
        if screen == Screen::Help {
            state.help_scroll = crate::tui::list::Scroll::default();
        }
        state.screens.push(screen);
    }
    review::drop_if_left(state);
}

fn back(state: &mut State) {
    if state.screens.len() <= 1 {
        board::back(state);
        return;
    }
    state.screens.pop();
    review::drop_if_left(state);
}

/// To the next account and region: its timeline, or the first of its rows.
fn next_account(state: &mut State) {
    let next = state.fleet.after(state.focus());
    match state.screen() {
        Screen::Timeline => timeline::turn_to(state, next),
        _ => board::to_connection(state, next),
    }
}

fn sorted(state: &mut State) {
    board::arrange(state);
    let order = if state.list.reversed { ", turned round" } else { "" };
    state.say(format!("sorted by {}{order}", state.list.sort.words()));
}

fn export(state: &mut State, format: Format, effects: &mut Effects) {
    state.say("exporting …");
    effects.push(Effect::To(state.timeline.at, Ask::Export(format)));
}

fn page(state: &State) -> isize {
    let heights = layout::heights(state);
    let height = match state.screen() {
        Screen::Board => heights.board,
        Screen::Sources => heights.sources,
        Screen::Timeline => heights.timeline,
        Screen::Playbooks => heights.playbooks,
        Screen::Playbook => heights.playbook,
        Screen::Review => layout::review_text(state).1,
        Screen::Help => layout::help_text(state).1,
        Screen::Stage => layout::stage_text(state).1,
    };
    isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1)
}

/// Moves what the screen shows, by lines.
pub(crate) fn scroll(state: &mut State, delta: isize) {
    match state.screen() {
        Screen::Board => board::moved(state, delta),
        Screen::Sources => {
            let len = state.sources.len();
            state.sources.cursor.move_by(delta, len);
        }
        Screen::Timeline => {
            let len = state.timeline.items.len();
            state.timeline.cursor.move_by(delta, len);
        }
        Screen::Playbooks => {
            let len = state.playbooks.order.len();
            state.playbooks.cursor.move_by(delta, len);
        }
        Screen::Playbook => {
            let len = state.playbooks.playbook().map_or(0, |playbook| playbook.steps.len());
            state.playbooks.step.move_by(delta, len);
        }
        Screen::Review => {
            let (len, height) = layout::review_text(state);
            if let Some(review) = &mut state.review {
                review.scroll.move_by(delta, len, height);
            }
        }
        Screen::Help => {
            let (len, height) = layout::help_text(state);
            state.help_scroll.move_by(delta, len, height);
        }
        Screen::Stage => {
            let (len, height) = layout::stage_text(state);
            state.stage_scroll.move_by(delta, len, height);
        }
    }
}

/// Scrolls what is behind a prompt, by one line or one page.
pub(crate) fn scroll_behind(state: &mut State, command: Command) {
    let delta = scrolled(state, command);
    scroll(state, delta);
}

/// By how many lines a command scrolls.
pub(crate) fn scrolled(state: &State, command: Command) -> isize {
    match command {
        Command::ScrollUp => -1,
        Command::ScrollDown => 1,
        Command::ScrollPageUp => -page(state),
        Command::ScrollPageDown => page(state),
        _ => 0,
    }
}
