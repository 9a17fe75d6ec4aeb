//! Where things are, and how many lines of each text and list fit.

use ratatui::layout::Rect;

use crate::tui::state::{PromptKind, State};

use super::{choices, header, help, review, stage};

/// From this width on, the details of the selected stage stand beside the board, not below it.
const WIDE: u16 = 150;

/// The four parts of the screen, from top to bottom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frames {
    pub(crate) header: Rect,
    pub(crate) body: Rect,
    pub(crate) status: Rect,
    pub(crate) footer: Rect,
}

/// Cuts the screen into its parts.
pub(crate) fn frames(state: &State, area: Rect) -> Frames {
    let top = header::height(state, area.width).min(area.height / 3);
    let status = status_height(state).min(area.height / 2).max(1);
    let body = area.height.saturating_sub(top + status + 1);
    let part = |y, height| Rect::new(area.x, area.y + y, area.width, height).intersection(area);
    Frames {
        header: part(0, top),
        body: part(top, body),
        status: part(top + body, status),
        footer: part(top + body + status, 1),
    }
}

/// Lines of the status: one, or the prompt's two with the ways of closing between them.
fn status_height(state: &State) -> u16 {
    match &state.typing.prompt {
        None => 1,
        // What changes an account stands in a frame.
        Some(prompt) if prompt.kind == PromptKind::Confirm => 4,
        Some(prompt) => 2 + u16::try_from(choices::lines(state, prompt).len()).unwrap_or(0),
    }
}

/// The board's table and the details of the selected stage: beside it where there is room, else below it, where they
/// take what `rows` stages leave.
pub(crate) fn board(body: Rect, rows: usize) -> (Rect, Rect) {
    if body.width >= WIDE {
        let side = (body.width * 3 / 10).clamp(50, 70);
        let (table, strip) = split_right(body, side);
        let table = Rect { width: table.width.saturating_sub(1), ..table };
        return (table, strip);
    }
    let least = (body.height * 2 / 5).clamp(5, 14);
    split_bottom(body, leftover(body, rows + 1, least))
}

/// Three lines of words, the table, and the details of the selected source.
pub(crate) fn sources(body: Rect, rows: usize) -> (Rect, Rect, Rect) {
    let (head, rest) = split_top(body, 3);
    let least = (rest.height * 2 / 5).clamp(4, 9);
    let (table, detail) = split_bottom(rest, leftover(rest, rows + 1, least));
    (head, table, detail)
}

/// One line of words, the list, and the details of the selected line.
pub(crate) fn timeline(body: Rect, rows: usize) -> (Rect, Rect, Rect) {
    let (head, rest) = split_top(body, 1);
    let least = (rest.height * 3 / 10).clamp(4, 14);
    let (list, detail) = split_bottom(rest, leftover(rest, rows, least));
    (head, list, detail)
}

/// One line of words, the list of playbooks or of steps, and the details of the selected one, which are much to read.
pub(crate) fn playbooks(body: Rect, rows: usize) -> (Rect, Rect, Rect) {
    let (head, rest) = split_top(body, 1);
    let least = (rest.height / 2).clamp(6, 24);
    let (list, detail) = split_bottom(rest, leftover(rest, rows, least));
    (head, list, detail)
}

/// The lines that `rows` leave of an area, but not fewer than `least`.
fn leftover(area: Rect, rows: usize, least: u16) -> u16 {
    let rows = u16::try_from(rows).unwrap_or(u16::MAX);
    area.height.saturating_sub(rows).max(least)
}

/// Title and verdict, the text, and what confirms it.
pub(crate) fn review(body: Rect) -> (Rect, Rect, Rect) {
    let (head, rest) = split_top(body, 2);
    let (text, foot) = split_bottom(rest, 1);
    (head, text, foot)
}

/// The charts and the text below them, which is much to read.
pub(crate) fn stage(body: Rect) -> (Rect, Rect) {
    let charts = (body.height * 2 / 5).max(12).min(body.height.saturating_sub(6));
    split_top(body, charts)
}

/// Lines of the lists on the screen as it is now, without their headings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heights {
    pub(crate) board: usize,
    pub(crate) sources: usize,
    pub(crate) timeline: usize,
    pub(crate) playbooks: usize,
    pub(crate) playbook: usize,
}

/// How many lines of each list fit.
pub(crate) fn heights(state: &State) -> Heights {
    let body = body(state);
    let lines = |area: Rect, heading: u16| usize::from(area.height.saturating_sub(heading).max(1));
    Heights {
        board: lines(board(body, state.list.order.len()).0, 1),
        sources: lines(sources(body, state.sources.len()).1, 1),
        timeline: lines(timeline(body, state.timeline.items.len()).1, 0),
        playbooks: lines(playbooks(body, state.playbooks.order.len()).1, 0),
        playbook: lines(playbooks(body, state.playbooks.playbook().map_or(0, |playbook| playbook.steps.len())).1, 0),
    }
}

/// Lines of the review's text, and how many fit.
pub(crate) fn review_text(state: &State) -> (usize, usize) {
    let area = review(body(state)).1;
    (review::text(state, area.width).len(), area.height.into())
}

/// Columns of a text that fills the body.
pub(crate) fn text_width(state: &State) -> u16 {
    body(state).width
}

/// Lines of the help, and how many fit.
pub(crate) fn help_text(state: &State) -> (usize, usize) {
    let area = body(state);
    (help::text(state, area.width).len(), area.height.into())
}

/// Lines of the open stage's text, and how many fit.
pub(crate) fn stage_text(state: &State) -> (usize, usize) {
    let area = stage(body(state)).1;
    (stage::text(state, area.width).len(), area.height.into())
}

fn body(state: &State) -> Rect {
    frames(state, Rect::new(0, 0, state.looks.size.0, state.looks.size.1)).body
}

fn split_top(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    let top = Rect { height, ..area };
    let rest = Rect { y: area.y + height, height: area.height - height, ..area };
    (top, rest)
}

fn split_bottom(area: Rect, height: u16) -> (Rect, Rect) {
    split_top(area, area.height.saturating_sub(height))
}

fn split_right(area: Rect, width: u16) -> (Rect, Rect) {
    let left = area.width.saturating_sub(width);
    let rest = Rect { x: area.x + left, width: area.width - left, ..area };
    (Rect { width: left, ..area }, rest)
}
