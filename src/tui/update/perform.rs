//! What each command does: every command is one arm; what it needs lives with its screen.

use crate::model::export::Format;
use crate::tui::available::overridable;
use crate::tui::command::Command;
use crate::tui::effect::{Ask, Effect};
use crate::tui::state::{BeforeFrame, PromptKind, Screen, State};

use super::{
    Effects, board, copy, find, palette, playbook, prompt, review, screens, scroll, sources, stage, throttle, timeline,
};

/// Does what a command says, which can be done now.
// Long: one arm for each command.
pub(crate) fn perform(state: &mut State, command: Command, effects: &mut Effects) {
    match command {
        Command::Quit | Command::Leave => screens::quit(state, effects),
        Command::Back => back(state),
        Command::Help => screens::go(state, Screen::Help),
        Command::Palette => palette::open(state, effects),
        Command::Find => find::open(state, effects),
        Command::Copy => copy::copy(state),
        Command::Follow => board::follow(state),
        Command::BlockList => stage::block_list(state, effects),
        Command::Timeline => {
            if state.screen() != Screen::Timeline {
                timeline::turn_to(state, state.focus());
            }
            screens::go(state, Screen::Timeline);
        }
        Command::NextAccount => next_account(state),
        Command::Up => scroll::scroll(state, -1),
        Command::Down => scroll::scroll(state, 1),
        Command::PageUp => scroll::scroll(state, -scroll::page(state)),
        Command::PageDown => scroll::scroll(state, scroll::page(state)),
        Command::First => scroll::scroll(state, isize::MIN),
        Command::Last => scroll::scroll(state, isize::MAX),
        Command::Note => prompt::open(state, PromptKind::Note { at: state.focus() }, "", effects),
        Command::Redraw => state.due.draw_anew(),
        Command::Suspend => state.due.before_frame = BeforeFrame::Suspend,
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
            let offered = state.configured.block_for.clone();
            prompt::open(state, PromptKind::Extend { action_id }, &offered, effects);
        }
        Command::ExportMarkdown => export(state, Format::Markdown, effects),
        Command::ExportJsonLines => export(state, Format::JsonLines, effects),
        Command::ExportAs => prompt::open(state, PromptKind::Export, "", effects),
        Command::Submit
        | Command::Cancel
        | Command::ScrollUp
        | Command::ScrollDown
        | Command::ScrollPageUp
        | Command::ScrollPageDown => {}
    }
}

fn back(state: &mut State) {
    if state.screens.back() {
        screens::drop_if_left(state);
    } else {
        board::back(state);
    }
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
    let order = if state.list.reversed { ", reversed" } else { "" };
    state.say(format!("sorted by {}{order}", state.list.sort.words()));
}

pub(super) fn export(state: &mut State, format: Format, effects: &mut Effects) {
    state.say("exporting …");
    effects.push(Effect::To(state.timeline.at, Ask::Export(format)));
}
