//! One stage: charts above, its text below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::lines::{layout, stage};
use crate::tui::state::State;

use super::{chart, draw};

/// Draws it.
pub(crate) fn draw(state: &State, body: Rect, buffer: &mut Buffer) {
    let (charts, below) = layout::stage(body);
    if let (Some(row), Some(stage)) = (state.open_row(), &state.depth.stage) {
        chart::grid(state, stage, row, charts, buffer);
    }
    let text = stage::text(state, below.width);
    let first = state.depth.scroll.0.min(text.len().saturating_sub(below.height.into()));
    draw::lines(buffer, below, &text, first);
    if text.len() > usize::from(below.height) {
        let last = (first + usize::from(below.height)).min(text.len());
        let place = format!(" {}–{last} of {}", first + 1, text.len());
        draw::right(buffer, draw::row(below, below.height.saturating_sub(1)), &place, state.looks.theme.faint);
    }
}
