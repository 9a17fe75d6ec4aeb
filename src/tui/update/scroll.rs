//! Moving over what the screen shows, by lines and by pages.

use crate::tui::command::Command;
use crate::tui::lines::layout;
use crate::tui::state::{Screen, State};

use super::board;

/// Lines of a page of what the screen shows.
pub(crate) fn page(state: &State) -> isize {
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
            state.screens.help_scroll.move_by(delta, len, height);
        }
        Screen::Stage => {
            let (len, height) = layout::stage_text(state);
            state.depth.scroll.move_by(delta, len, height);
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
