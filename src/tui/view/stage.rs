//! One stage: charts above, what stands and what is known below.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::model::board::StageRow;
use crate::model::figure::Figure;
use crate::tui::command::{Command, Context};
use crate::tui::format::{figure, millis, percent, rate};
use crate::tui::state::State;

use super::page::Page;
use super::{chart, draw, layout, strip};

const GUTTER: usize = 8;

/// Draws it.
pub(crate) fn draw(state: &State, body: Rect, buffer: &mut Buffer) {
    let (charts, below) = layout::stage(body);
    if let Some(row) = state.open_row() {
        chart::grid(state, row, charts, buffer);
    }
    let text = text(state, below.width);
    draw::lines(buffer, below, &text, state.stage_scroll.0);
}

/// The text below the charts, whole.
pub(crate) fn text(state: &State, width: u16) -> Vec<Line<'static>> {
    let mut page = Page::new(width);
    let Some(row) = state.open_row() else {
        let name = state.stage.as_ref().map_or_else(String::new, |stage| state.fleet.label(stage));
        page.text(
            0,
            &format!("{name} is no longer on the board: it has no traffic, or it was deleted."),
            state.theme.warn,
        );
        return page.lines;
    };
    let theme = &state.theme;
    page.spans(&[
        (&row.id.label(), theme.heading),
        (&format!("  api {}  ", row.id.api_id), theme.faint),
        (&strip::web_acl(row), theme.faint),
    ]);
    page.hanging("NOW", theme.heading, GUTTER, &now(row), theme.text);
    if row.signals.is_empty() {
        page.hanging("WRONG", theme.heading, GUTTER, "no signal stands", theme.text);
    }
    for signal in &row.signals {
        let style = strip::severity(state, signal);
        page.hanging("WRONG", theme.heading, GUTTER, &strip::headline(signal), style);
        page.text(GUTTER, &signal.evidence, theme.text);
        page.hanging("DO", theme.heading, GUTTER, &signal.suggests, theme.text);
    }
    if !row.signals.is_empty() {
        let key = state.keymap.key(Context::Stage, Command::Sources);
        page.hanging("WHO", theme.heading, GUTTER, &format!("{key}: who is sending it"), theme.text);
    }
    strip::facts(state, row, &mut page);
    page.lines
}

fn now(row: &StageRow) -> String {
    let f = &row.figures;
    let mut out = format!(
        "{} req/s, 4XX {}, 5XX {}, p50 {}, p99 {}; WAF {}/s allowed, {}/s blocked, {}/s counted",
        figure(&f.requests_per_second, rate),
        figure(&f.client_error_share, percent),
        figure(&f.server_error_share, percent),
        figure(&f.latency_p50_ms, millis),
        figure(&f.latency_p99_ms, millis),
        figure(&f.waf_allowed_per_second, rate),
        figure(&f.waf_blocked_per_second, rate),
        figure(&f.waf_counted_per_second, rate),
    );
    if let Some(own) = f.client_error_share_from_blocks.value() {
        let _ = write!(out, "; 4XX by our own blocking {}", percent(own));
    }
    let _ = match &f.throttled_per_second {
        Figure::Unknown(reason) => write!(out, "; throttled ? ({reason})"),
        Figure::Known(_) => write!(out, "; {}/s throttled", figure(&f.throttled_per_second, rate)),
    };
    out
}
