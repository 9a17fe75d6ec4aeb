//! The board's order, filter and cursor.

use std::cmp::Ordering;

use unicode_width::UnicodeWidthStr;

use crate::model::board::{Known, StageRow};
use crate::model::figure::Figure;

use crate::tui::state::{Sort, State, worst};

/// Filters and sorts anew, and keeps the cursor on the stage it was on.
pub(crate) fn arrange(state: &mut State) {
    let Some(board) = state.board.clone() else {
        return;
    };
    let needle = state.list.filter.trim().to_lowercase();
    let mut order: Vec<usize> =
        (0..board.stages.len()).filter(|i| needle.is_empty() || matches(&board.stages[*i], &needle)).collect();
    let (sort, reversed) = (state.list.sort, state.list.reversed);
    order.sort_by(|a, b| {
        let by = compare(sort, &board.stages[*a], &board.stages[*b]);
        let by = if reversed { by.reverse() } else { by };
        // The board's own order is by name and never changes: rows of one rank do not dance.
        by.then(a.cmp(b))
    });
    let held = state.list.held.as_ref();
    let found = held.and_then(|id| order.iter().position(|i| board.stages[*i].id == *id));
    state.list.cursor.at = found.unwrap_or(if held.is_some() { state.list.cursor.at } else { 0 });
    let widest = order.iter().map(|i| board.stages[*i].id.label().width()).max();
    state.list.label_width = u16::try_from(widest.unwrap_or(0)).unwrap_or(u16::MAX);
    state.list.order = order;
}

fn matches(row: &StageRow, needle: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(needle);
    has(&row.id.label())
        || has(&row.id.api_id)
        || matches!(&row.web_acl, Known::Yes(Some(name)) if has(name))
        || row.signals.iter().any(|s| has(s.kind.id()) || has(s.severity.word()))
}

fn compare(sort: Sort, a: &StageRow, b: &StageRow) -> Ordering {
    match sort {
        Sort::Worst => worst(b).cmp(&worst(a)).then(b.signals.len().min(1).cmp(&a.signals.len().min(1))),
        Sort::Requests => largest(&a.figures.requests_per_second, &b.figures.requests_per_second),
        Sort::ClientErrors => largest(&a.figures.client_error_share, &b.figures.client_error_share),
        Sort::ServerErrors => largest(&a.figures.server_error_share, &b.figures.server_error_share),
        Sort::Latency => largest(&a.figures.latency_p99_ms, &b.figures.latency_p99_ms),
        Sort::Blocked => largest(&a.figures.waf_blocked_per_second, &b.figures.waf_blocked_per_second),
        Sort::Name => Ordering::Equal,
    }
}

/// The larger first; what is not known last.
fn largest(a: &Figure, b: &Figure) -> Ordering {
    match (a.value(), b.value()) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// Moves the cursor and holds on to the stage it comes to.
pub(crate) fn moved(state: &mut State, delta: isize) {
    state.list.cursor.move_by(delta, state.list.order.len());
    state.list.held = state.selected().map(|row| row.id.clone());
}

/// Clears the filter, or else lets the cursor follow the worst stage again; says when there is nothing to go back from.
pub(crate) fn back(state: &mut State) {
    if !state.list.filter.is_empty() {
        state.list.filter.clear();
        state.say("showing every stage");
    } else if state.list.held.take().is_some() {
        state.list.cursor.at = 0;
        state.say("the cursor follows the first row");
    } else {
        let key = state.keymap.key(crate::tui::command::Context::Global, crate::tui::command::Command::Quit);
        state.say(format!("this is the board; {key} quits"));
    }
    arrange(state);
}
