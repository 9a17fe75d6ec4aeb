//! The help.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::lines::help;
use crate::tui::state::State;

use super::draw;

/// Draws it.
pub(crate) fn draw(state: &State, body: Rect, buffer: &mut Buffer) {
    let text = help::text(state, body.width);
    let first = state.screens.help_scroll.0.min(text.len().saturating_sub(body.height.into()));
    draw::lines(buffer, body, &text, first);
    if text.len() > usize::from(body.height) {
        let place =
            format!("lines {}–{} of {}", first + 1, (first + usize::from(body.height)).min(text.len()), text.len());
        draw::right(buffer, draw::row(body, 0), &place, state.looks.theme.faint);
    }
}
