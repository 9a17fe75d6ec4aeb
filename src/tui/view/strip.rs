//! The details of the selected stage and its charts, beside or below the board.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::board::StageRow;
use crate::model::connection::ConnectionId;
use crate::model::signal::Signal;
use crate::tui::command::{Command, Context};
use crate::tui::format::time;
use crate::tui::state::State;

use crate::tui::lines::details::{GUTTER, began, condition, facts, measured, proposed, severity, web_acl, who, wrong};
use crate::tui::lines::page::Page;

use super::chart;
use super::draw;

/// Where the charts of the selected stage stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charts {
    /// Below the details, beside each other.
    Grid,
    /// Below the details, which stand beside the board, one above the other.
    Column,
    /// The details stand beside the board, and the charts below it.
    Elsewhere,
}

/// Draws the details; with room to spare, the charts as well.
pub(crate) fn draw(state: &State, area: Rect, charts: Charts, buffer: &mut Buffer) {
    let beside = charts != Charts::Grid;
    let area = if beside { frame_left(state, area, buffer) } else { rule_above(state, area, buffer) };
    let Some((row, stage)) = state.selected().zip(state.selected_at()) else {
        let page = state.selected_unread().map_or_else(|| gone(state, area.width), |at| unread(state, at, area.width));
        draw::lines(buffer, area, &page.lines, 0);
        return;
    };
    let roomy = beside || area.height > 14;
    let page = page(state, row, area.width, roomy);
    draw::lines(buffer, area, &page.lines, 0);
    let used = u16::try_from(page.lines.len()).unwrap_or(u16::MAX).saturating_add(1);
    let rest = Rect { y: area.y.saturating_add(used), height: area.height.saturating_sub(used), ..area };
    match charts {
        Charts::Grid => chart::grid(state, &stage, row, rest, buffer),
        Charts::Column => chart::column(state, &stage, row, rest, buffer),
        Charts::Elsewhere => {}
    }
}

fn rule_above(state: &State, area: Rect, buffer: &mut Buffer) -> Rect {
    let rule = "─".repeat(area.width.into());
    draw::left(buffer, draw::row(area, 0), &rule, state.looks.theme.faint);
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

fn frame_left(state: &State, area: Rect, buffer: &mut Buffer) -> Rect {
    for y in 0..area.height {
        draw::left(buffer, draw::row(area, y), "│", state.looks.theme.faint);
    }
    draw::after(area, 2)
}

fn page(state: &State, row: &StageRow, width: u16, roomy: bool) -> Page {
    let theme = &state.looks.theme;
    let mut page = Page::new(width);
    page.spans(&[
        (&row.id.label(), theme.heading),
        (&format!("  api {}  ", row.id.api_id), theme.faint),
        (&web_acl(row), theme.faint),
    ]);
    condition(state, row, &mut page);
    wrong(state, row, &mut page);
    if let Some(worst) = row.signals.first() {
        if !row.condition.matters() {
            who(state, row, &mut page);
        }
        // What was found out about this attack says it better.
        if proposed(state, row).is_none_or(|next| !matches!(next.known(), Some(Ok(_)))) {
            page.hanging("DO", theme.heading, GUTTER, &worst.suggests, theme.text);
        }
    }
    // The signals say since when by these figures; only where the incident has it otherwise is there more to say.
    let pinned = state.selected_at().and_then(|at| state.fleet.get(at.at).timeline.attacks.on(&row.id));
    if let Some(attack) = pinned.filter(|attack| attack.read_otherwise(row.attack_since()).is_some()) {
        page.hanging("BEGAN", theme.heading, GUTTER, &began(state, attack, row), theme.text);
    }
    also(state, row, roomy, &mut page);
    facts(state, row, &mut page);
    page
}

/// What else stands: what the same event shows in other figures, in one line; each with what it rests on is on the
/// stage's page.
fn also(state: &State, row: &StageRow, roomy: bool, page: &mut Page) {
    let others: Vec<&Signal> = row.signals.iter().skip(1).collect();
    let Some(worst) = others.first() else { return };
    let said: Vec<String> =
        others.iter().map(|signal| format!("{} {}", signal.kind.id(), measured(signal.kind, signal.value))).collect();
    page.hanging("ALSO", state.looks.theme.heading, GUTTER, &said.join(", "), severity(state, worst));
    if roomy {
        let key = state.keys.key(Context::Board, Command::Open);
        page.text(GUTTER, &format!("{key}: the evidence, and the charts"), state.looks.theme.faint);
    }
}

/// A connection that could not be read: whose it is, and why in full.
fn unread(state: &State, at: ConnectionId, width: u16) -> Page {
    let theme = &state.looks.theme;
    let watched = state.fleet.get(at);
    let mut page = Page::new(width);
    page.spans(&[(state.fleet.name(at), theme.heading), (&format!("  {}", watched.target.words), theme.faint)]);
    page.hanging("WRONG", theme.heading, GUTTER, "it could not be read: this is not an empty account", theme.bad);
    page.hanging("WHY", theme.heading, GUTTER, watched.unread().unwrap_or("not known"), theme.text);
    page.hanging("DO", theme.heading, GUTTER, "fix what is said above: it is retried by itself", theme.text);
    page
}

/// The stage that was selected and is no longer there: nothing else takes its place by itself.
fn gone(state: &State, width: u16) -> Page {
    let theme = &state.looks.theme;
    let mut page = Page::new(width);
    let Some(held) = state.list.held.as_ref().filter(|_| state.list.gone) else { return page };
    page.spans(&[(&state.fleet.label(held), theme.heading)]);
    let why = if state.fleet.row(held).is_some() {
        "does not match the filter any more".to_owned()
    } else {
        let when = state.fleet.get(held.at).board.as_ref().map_or_else(String::new, |b| format!(" at {}", time(b.at)));
        format!("is no longer on the board{when}: it was deleted, or had no traffic for three hours")
    };
    page.hanging("GONE", theme.bad, GUTTER, &why, theme.text);
    let key = state.keys.key(Context::Board, Command::Follow);
    let next = format!("no other stage is selected; {key} follows the first row, or move to another");
    page.hanging("DO", theme.heading, GUTTER, &next, theme.text);
    page
}
