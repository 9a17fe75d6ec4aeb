//! One stage as text, below its charts: what stands and stood, what was done, what it uses and costs, and the stage in
//! depth.

use std::fmt::Write as _;

use ratatui::text::Line;

use crate::model::board::{Known, StageRow};
use crate::model::cost::{Burn, CostOf};
use crate::model::signal::Signal;
use crate::model::stage::ApiKind;
use crate::tui::command::{Command, Context};
use crate::tui::format::{dollars, figure, millis, minute, percent, rate, time};
use crate::tui::state::State;

use super::page::Page;
use super::report::{self, GUTTER};
use super::{actions, details, marks};

/// The text below the charts, whole.
pub(crate) fn text(state: &State, width: u16) -> Vec<Line<'static>> {
    let mut page = Page::new(width);
    let (Some(row), Some(stage)) = (state.open_row(), &state.depth.stage) else {
        let name = state.depth.stage.as_ref().map_or_else(String::new, |stage| state.fleet.label(stage));
        page.text(
            0,
            &format!("{name} is no longer on the board: it has no traffic, or it was deleted."),
            state.looks.theme.warn,
        );
        return page.lines;
    };
    let theme = &state.looks.theme;
    page.spans(&[
        (&state.fleet.label(stage), theme.heading),
        (&format!("  {} {}  ", row.kind.label(), row.id.api_id), theme.faint),
        (&depth(state), theme.warn),
        (&details::web_acl(row), theme.faint),
    ]);
    page.hanging("NOW", theme.heading, GUTTER, &now(row), theme.text);
    if let Some(attack) = state.fleet.get(stage.at).timeline.attacks.on(&row.id) {
        page.hanging("BEGAN", theme.heading, GUTTER, &details::began(state, attack, row), theme.text);
    }
    details::condition(state, row, &mut page);
    if !row.signals.is_empty() && !row.condition.matters() {
        details::who(state, row, &mut page);
    }
    if row.signals.is_empty() {
        details::nothing(state, row, &mut page);
    }
    for signal in &row.signals {
        let style = details::severity(state, signal);
        page.hanging("WRONG", theme.heading, GUTTER, &format!("{}{}", details::headline(signal), peak(signal)), style);
        page.text(GUTTER, &signal.evidence, theme.text);
        page.hanging("DO", theme.heading, GUTTER, &signal.suggests, theme.text);
    }
    for signal in &row.ended {
        let ended = signal.ended.map_or_else(|| "?".to_owned(), minute);
        let words = format!("{} {}–{ended}{}", signal.kind.id(), minute(signal.since), peak(signal));
        page.hanging("ENDED", theme.faint, GUTTER, &words, theme.text);
    }
    done(state, stage, row, &mut page);
    used(state, row, &mut page);
    page.hanging("COST", theme.heading, GUTTER, &cost(&row.burn), theme.text);
    if let Some(usuals) = &row.usuals {
        page.hanging("USUAL", theme.heading, GUTTER, &usuals.words(), theme.text);
    }
    details::facts(state, row, &mut page);
    if let Some(report) = &state.depth.report {
        report::write(state, report, &mut page);
    }
    page.lines
}

/// `, peak 71% at 03:01Z`, where it is not the present value.
fn peak(signal: &Signal) -> String {
    let Some(peak) = signal.peak else { return String::new() };
    if (peak.value - signal.value).abs() < f64::EPSILON && signal.ended.is_none() {
        return ", its peak so far".to_owned();
    }
    format!(", peak {} at {}", details::measured(signal.kind, peak.value), minute(peak.at))
}

/// What was done to the stage, by the numbers that stand in the charts.
fn done(state: &State, stage: &crate::model::connection::StageAt, row: &StageRow, page: &mut Page) {
    let theme = &state.looks.theme;
    for mark in marks::of(state, stage, row) {
        let action = mark.action;
        let whose = if action.stage == stage.stage {
            String::new()
        } else {
            format!(" on {}, behind the same web ACL", action.stage.label())
        };
        let words = format!(
            "{} {} {}{whose}: {}; {}",
            mark.number,
            time(action.begun_at),
            action.action.name(),
            actions::aim(action),
            action.state.word()
        );
        page.hanging("DONE", theme.heading, GUTTER, &words, theme.text);
    }
}

/// How near the stage is to the limit that would throttle it first, and the account to its own.
fn used(state: &State, row: &StageRow, page: &mut Page) {
    let theme = &state.looks.theme;
    let used = figure(&row.figures.limit_used_share, percent);
    let limit = match (&row.limit, row.figures.limit_used_share.reason()) {
        (Some(winning), _) => {
            format!("{used} of {}/s, burst {} ({})", winning.limit.rate, winning.limit.burst, winning.of.label())
        }
        (None, Some(reason)) => format!("? ({reason})"),
        (None, None) => used,
    };
    let account = state.here().board.as_ref().map(|board| &board.account);
    let account = account.map_or_else(String::new, |gauge| match (&gauge.limit, gauge.used_share.reason()) {
        (Known::Yes(limit), None) => {
            format!("; all APIs use {} of the account's {}/s", figure(&gauge.used_share, percent), limit.rate)
        }
        (Known::Yes(limit), Some(reason)) => format!("; the account allows {}/s, used: ? ({reason})", limit.rate),
        (Known::No(reason), _) => format!("; the account's limit ? ({reason})"),
        (Known::NotYet, _) => String::new(),
    });
    page.hanging("LIMIT", theme.heading, GUTTER, &format!("{limit}{account}"), theme.text);
}

/// What the traffic costs; always an estimate.
fn cost(burn: &Burn) -> String {
    let mut out = match burn.per_hour.reason() {
        Some(reason) => return format!("? ({reason})"),
        None => format!("{}/h est.", figure(&burn.per_hour, dollars)),
    };
    let parts: Vec<String> = CostOf::ALL
        .iter()
        .map(|of| format!("{} {}", of.label(), figure(&burn.parts_per_hour[of.index()], dollars)))
        .collect();
    let _ = write!(out, " ({}); usual {}/h", parts.join(", "), figure(&burn.usual_per_hour, dollars));
    if let Some((since, sum)) = &burn.since {
        let _ = write!(out, "; {} since {}", figure(sum, dollars), minute(*since));
    }
    out
}

/// When the stage was read in depth, or that it is being read.
fn depth(state: &State) -> String {
    match &state.depth.report {
        _ if state.depth.loading => "reading it in depth …  ".into(),
        Some(report) => {
            let key = state.keys.key(Context::Stage, Command::Reload);
            format!("read {}, {key} again  ", time(report.read_at))
        }
        None => String::new(),
    }
}

fn now(row: &StageRow) -> String {
    let f = &row.figures;
    let mut out = format!(
        "{} req/s, 4XX {}, 5XX {}, p50 {}, p99 {}, integration p99 {}",
        figure(&f.requests_per_second, rate),
        figure(&f.client_error_share, percent),
        figure(&f.server_error_share, percent),
        figure(&f.latency_p50_ms, millis),
        figure(&f.latency_p99_ms, millis),
        figure(&f.integration_latency_p99_ms, millis),
    );
    if row.kind == ApiKind::Rest {
        let _ = write!(
            out,
            "; WAF {}/s allowed, {}/s blocked, {}/s counted",
            figure(&f.waf_allowed_per_second, rate),
            figure(&f.waf_blocked_per_second, rate),
            figure(&f.waf_counted_per_second, rate),
        );
    }
    if let Some(own) = f.client_error_share_from_blocks.value() {
        let _ = write!(out, "; 4XX by our own blocking {}", percent(own));
    }
    if f.cache_hit_share.value().is_some() {
        let _ = write!(out, "; cache answers {}", figure(&f.cache_hit_share, percent));
    }
    let _ = write!(out, "; {}/s throttled (429)", figure(&f.throttled_per_second, rate));
    out
}
