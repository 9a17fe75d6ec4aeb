//! The details of the selected stage, in the order in which an attack is dealt with: what is wrong, who, what to do; then
//! what is not known, and why.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::board::{Known, StageRow};
use crate::model::figure::{Figure, Scope};
use crate::model::signal::{Severity, Signal, SignalKind};
use crate::tui::command::{Command, Context};
use crate::tui::format::{minute, percent};
use crate::tui::state::State;

use super::chart;
use super::draw;
use super::page::Page;

/// Columns of the labels on the left.
const GUTTER: usize = 8;

/// Draws the details; with room to spare (beside the board), the charts as well.
pub(crate) fn draw(state: &State, area: Rect, beside: bool, buffer: &mut Buffer) {
    let Some(row) = state.selected() else {
        return;
    };
    let area = if beside {
        frame_left(state, area, buffer)
    } else {
        rule_above(state, area, buffer)
    };
    let page = page(state, row, area.width, beside);
    draw::lines(buffer, area, &page.lines, 0);
    if beside {
        let used = u16::try_from(page.lines.len())
            .unwrap_or(u16::MAX)
            .saturating_add(1);
        let rest = Rect {
            y: area.y.saturating_add(used),
            height: area.height.saturating_sub(used),
            ..area
        };
        chart::column(state, row, rest, buffer);
    }
}

fn rule_above(state: &State, area: Rect, buffer: &mut Buffer) -> Rect {
    let rule = "─".repeat(area.width.into());
    draw::left(buffer, draw::row(area, 0), &rule, state.theme.faint);
    Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    }
}

fn frame_left(state: &State, area: Rect, buffer: &mut Buffer) -> Rect {
    for y in 0..area.height {
        draw::left(buffer, draw::row(area, y), "│", state.theme.faint);
    }
    draw::after(area, 2)
}

fn page(state: &State, row: &StageRow, width: u16, roomy: bool) -> Page {
    let theme = &state.theme;
    let mut page = Page::new(width);
    page.spans(&[
        (&row.id.label(), theme.heading),
        (&format!("  api {}  ", row.id.api_id), theme.faint),
        (&web_acl(row), theme.faint),
    ]);
    wrong(state, row, roomy, &mut page);
    if let Some(worst) = row.signals.first() {
        let key = state.keymap.key(Context::Board, Command::Sources);
        page.hanging(
            "WHO",
            theme.heading,
            GUTTER,
            &format!("{key}: who is sending it"),
            theme.text,
        );
        page.hanging("DO", theme.heading, GUTTER, &worst.suggests, theme.text);
    }
    facts(state, row, &mut page);
    page
}

/// What stands on the stage: the worst signal whole, the others in a line each where there is little room.
fn wrong(state: &State, row: &StageRow, roomy: bool, page: &mut Page) {
    let theme = &state.theme;
    if row.signals.is_empty() {
        let words = if row.figures.requests_per_second.value().is_some() {
            "no signal stands"
        } else {
            "no signal, but nothing was judged: the requests are not known"
        };
        page.hanging("WRONG", theme.heading, GUTTER, words, theme.text);
        return;
    }
    for (n, signal) in row.signals.iter().enumerate() {
        let label = if n == 0 { "WRONG" } else { "" };
        let style = match signal.severity {
            Severity::Attack => theme.bad,
            Severity::Notice => theme.warn,
        };
        page.hanging(label, theme.heading, GUTTER, &headline(signal), style);
        if n == 0 || roomy {
            page.text(GUTTER, &signal.evidence, theme.text);
        }
    }
}

/// `ATTACK client-errors-high 62%, over 50%, since 02:58Z`
pub(crate) fn headline(signal: &Signal) -> String {
    let (show, side): (fn(f64) -> String, &str) = match signal.kind {
        SignalKind::ClientErrorsHigh | SignalKind::ServerErrorsHigh => (percent, "over"),
        SignalKind::AllowedShareLow => (percent, "under"),
        SignalKind::BlockedSpike => (|v| format!("{v:.1}×"), "over"),
    };
    format!(
        "{} {} {}, {side} {}, since {}",
        signal.severity.word(),
        signal.kind.id(),
        show(signal.value),
        show(signal.threshold),
        minute(signal.since)
    )
}

/// What is not known with its reason, one line for all figures that share one; then scope and warnings.
pub(crate) fn facts(state: &State, row: &StageRow, page: &mut Page) {
    let theme = &state.theme;
    for (names, reason) in unknowns(row) {
        let text = format!("{}: {reason}", names.join(", "));
        page.hanging("?", theme.unknown, GUTTER, &text, theme.text);
    }
    for warning in &row.warnings {
        page.hanging("!", theme.warn, GUTTER, warning, theme.text);
    }
    if let Some(reading) = row.figures.requests_per_second.reading() {
        let more = if reading.provisional {
            "; ~ may still change"
        } else {
            ""
        };
        let shared = match reading.scope {
            Scope::ApiName { apis } if apis > 1 => {
                format!("; counts {apis} APIs of this name together (inferred)")
            }
            _ => String::new(),
        };
        let text = format!("figures up to {}{more}{shared}", minute(reading.at));
        page.hanging("", theme.faint, GUTTER, &text, theme.faint);
    }
}

/// The web ACL before the stage, and how many stages it stands before.
pub(crate) fn web_acl(row: &StageRow) -> String {
    match &row.web_acl {
        Known::Yes(Some(name)) => {
            let shared = row
                .figures
                .waf_allowed_per_second
                .reading()
                .map(|r| &r.scope);
            match shared {
                Some(Scope::WebAcl { stages, .. }) if *stages > 1 => {
                    format!(
                        "web ACL {name}, shared by {stages} stages: its figures are theirs together"
                    )
                }
                _ => format!("web ACL {name}"),
            }
        }
        Known::Yes(None) => "no web ACL".into(),
        Known::NotYet => "web ACL not read yet".into(),
        Known::No(reason) => format!("web ACL ?: {reason}"),
    }
}

fn unknowns(row: &StageRow) -> Vec<(Vec<&'static str>, &str)> {
    let figures = &row.figures;
    let named: [(&'static str, &Figure); 7] = [
        ("requests", &figures.requests_per_second),
        ("4XX", &figures.client_error_share),
        ("5XX", &figures.server_error_share),
        ("p50", &figures.latency_p50_ms),
        ("p99", &figures.latency_p99_ms),
        ("WAF allowed", &figures.waf_allowed_per_second),
        ("WAF blocked", &figures.waf_blocked_per_second),
    ];
    let mut out: Vec<(Vec<&'static str>, &str)> = Vec::new();
    for (name, figure) in named {
        let Some(reason) = figure.reason() else {
            continue;
        };
        match out.iter_mut().find(|(_, r)| *r == reason) {
            Some((names, _)) => names.push(name),
            None => out.push((vec![name], reason)),
        }
    }
    out
}
