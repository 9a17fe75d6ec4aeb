//! Charts of one stage's minutes. A gap interrupts the line; nothing is drawn across it.

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::Span;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget};

use crate::model::board::{Metric, StageRow};
use crate::model::figure::Figure;
use crate::model::series::floor_minute;
use crate::tui::format::{millis, minute, percent, rate};
use crate::tui::state::State;

use super::draw;

/// Fewer lines than this show nothing that can be read.
const LEAST_HEIGHT: u16 = 5;

/// One line of a chart: a value per minute, gaps as gaps.
struct Curve {
    name: &'static str,
    minutes: Vec<Option<f64>>,
    /// Why there is nothing, where nothing was ever read.
    reason: Option<String>,
}

/// What one chart shows.
#[derive(Debug, Clone, Copy)]
enum Topic {
    Requests,
    Errors,
    Latency,
    Waf,
}

const TOPICS: [Topic; 4] = [Topic::Requests, Topic::Errors, Topic::Latency, Topic::Waf];

/// The least height of a chart that is one of several.
const LEAST_PART: u16 = 6;

/// Four charts, two by two; the first two where there is room for no more.
pub(crate) fn grid(state: &State, row: &StageRow, area: Rect, buffer: &mut Buffer) {
    let shown = match area.height / LEAST_PART {
        0 => return,
        1 => 2,
        _ => 4,
    };
    let (left, upper) = (area.width / 2, area.height * 2 / shown);
    for (n, topic) in (0..shown).zip(TOPICS) {
        let (right, lower) = (n % 2 == 1, n / 2 == 1);
        let part = Rect {
            x: area.x + if right { left } else { 0 },
            y: area.y + if lower { upper } else { 0 },
            width: if right { area.width - left } else { left.saturating_sub(1) },
            height: if lower { area.height - upper } else { upper },
        };
        chart(state, row, topic, part, buffer);
    }
}

/// As many charts as fit, one below the other.
pub(crate) fn column(state: &State, row: &StageRow, area: Rect, buffer: &mut Buffer) {
    let fitting = (area.height / 8).min(4);
    if fitting == 0 {
        return;
    }
    let each = area.height / fitting;
    for (n, topic) in (0..fitting).zip(TOPICS) {
        let part = Rect { y: area.y + n * each, height: each, ..area };
        chart(state, row, topic, part, buffer);
    }
}

fn chart(state: &State, row: &StageRow, topic: Topic, area: Rect, buffer: &mut Buffer) {
    if area.height < LEAST_HEIGHT || area.width < 20 {
        return;
    }
    let Some(board) = &state.here().board else { return };
    // Braille has two dots a column, so two minutes fit where a label takes none.
    let minutes = match area.width {
        0..50 => 60,
        50..90 => 90,
        _ => 180,
    };
    let last = floor_minute(board.at) - TimeDelta::minutes(1);
    let (title, show, curves) = content(row, topic, last, minutes);
    let styles = if state.stale().is_some() { [state.theme.stale; 2] } else { [state.theme.first, state.theme.second] };
    legend(state, &title, &curves, styles, draw::row(area, 0), buffer);
    let rest = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if curves.iter().all(|c| c.minutes.iter().all(Option::is_none)) {
        let reason = curves.iter().find_map(|c| c.reason.as_deref());
        let text = format!("? {}", reason.unwrap_or("nothing in these minutes"));
        draw::left(buffer, draw::row(rest, rest.height / 2), &text, state.theme.unknown);
        return;
    }
    plot(state, &curves, show, styles, (last, minutes), rest, buffer);
}

type Content = (String, fn(f64) -> String, Vec<Curve>);

fn content(row: &StageRow, topic: Topic, last: DateTime<Utc>, minutes: usize) -> Content {
    let figures = &row.figures;
    let curve = |name, figure: &Figure, minutes| Curve { name, minutes, reason: figure.reason().map(str::to_owned) };
    let history = |metric: Metric| row.history[metric.index()].window(last, minutes);
    let per_second = |metric| scaled(history(metric), 60.0);
    let share = |metric| shares(&history(metric), &history(Metric::Requests));
    match topic {
        Topic::Requests => (
            "requests/s".into(),
            rate,
            vec![curve("requests", &figures.requests_per_second, per_second(Metric::Requests))],
        ),
        Topic::Errors => (
            "share of requests".into(),
            percent,
            vec![
                curve("4XX", &figures.client_error_share, share(Metric::ClientErrors)),
                curve("5XX", &figures.server_error_share, share(Metric::ServerErrors)),
            ],
        ),
        Topic::Latency => (
            "latency".into(),
            millis,
            vec![
                curve("p50", &figures.latency_p50_ms, history(Metric::LatencyP50)),
                curve("p99", &figures.latency_p99_ms, history(Metric::LatencyP99)),
            ],
        ),
        Topic::Waf => (
            format!(
                "WAF/s {}",
                crate::tui::format::scope(&figures.waf_allowed_per_second, &Figure::unknown(String::new()))
            ),
            rate,
            vec![
                curve("allowed", &figures.waf_allowed_per_second, per_second(Metric::WafAllowed)),
                curve("blocked", &figures.waf_blocked_per_second, per_second(Metric::WafBlocked)),
            ],
        ),
    }
}

fn scaled(minutes: Vec<Option<f64>>, by: f64) -> Vec<Option<f64>> {
    minutes.into_iter().map(|v| Some(v? / by)).collect()
}

/// A minute without requests has no share.
fn shares(part: &[Option<f64>], whole: &[Option<f64>]) -> Vec<Option<f64>> {
    part.iter()
        .zip(whole)
        .map(|(part, whole)| {
            let whole = (*whole)?;
            (whole > 0.0).then_some((*part)? / whole)
        })
        .collect()
}

/// Title, and what each line is: the second is drawn in dots, so that colour is not all that tells them apart.
fn legend(state: &State, title: &str, curves: &[Curve], styles: [Style; 2], area: Rect, buffer: &mut Buffer) {
    let mut x = draw::left(buffer, area, title.trim_end(), state.theme.heading) + 2;
    if curves.len() < 2 {
        return;
    }
    for ((curve, style), sample) in curves.iter().zip(styles).zip(["⠤⠤", "••"]) {
        x += draw::left(buffer, draw::after(area, x), sample, style) + 1;
        x += draw::left(buffer, draw::after(area, x), curve.name, state.theme.faint) + 2;
    }
}

fn plot(
    state: &State,
    curves: &[Curve],
    show: fn(f64) -> String,
    styles: [Style; 2],
    (last, minutes): (DateTime<Utc>, usize),
    area: Rect,
    buffer: &mut Buffer,
) {
    let values = curves.iter().flat_map(|c| c.minutes.iter().flatten());
    let most = round_up(values.copied().fold(0.0, f64::max));
    let runs: Vec<(usize, Vec<(f64, f64)>)> = curves
        .iter()
        .enumerate()
        .flat_map(|(n, curve)| runs(&curve.minutes).into_iter().map(move |run| (n, run)))
        .collect();
    let datasets = runs
        .iter()
        .map(|(n, run)| {
            let marker = if *n == 0 { Marker::Braille } else { Marker::Dot };
            let kind = if run.len() > 1 { GraphType::Line } else { GraphType::Scatter };
            Dataset::default().marker(marker).graph_type(kind).style(styles[(*n).min(1)]).data(run)
        })
        .collect();
    let span = i64::try_from(minutes).unwrap_or(60) - 1;
    let label = |back: i64| Span::styled(minute(last - TimeDelta::minutes(back)), state.theme.faint);
    let level = |v: f64| Span::styled(format!("{:>5}", show(v)), state.theme.faint);
    let x_axis = Axis::default().style(state.theme.faint).bounds([0.0, span as f64]).labels([
        label(span),
        label(span / 2),
        label(0),
    ]);
    let y_axis = Axis::default().style(state.theme.faint).bounds([0.0, most]).labels([level(0.0), level(most)]);
    Chart::new(datasets)
        .x_axis(x_axis)
        .y_axis(y_axis)
        .legend_position(None)
        .hidden_legend_constraints((Constraint::Length(0), Constraint::Length(0)))
        .render(area, buffer);
}

/// Unbroken runs of minutes as points.
fn runs(minutes: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
    let mut out = Vec::new();
    let mut run = Vec::new();
    for (n, value) in minutes.iter().enumerate() {
        match value {
            Some(value) => run.push((n as f64, *value)),
            None if !run.is_empty() => out.push(std::mem::take(&mut run)),
            None => {}
        }
    }
    if !run.is_empty() {
        out.push(run);
    }
    out
}

/// The next 1, 2 or 5 times a power of ten; 1 for nothing at all.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let step = steps.into_iter().find(|s| s * power >= value * 0.999_999);
    step.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_ends_a_run() {
        let minutes = [None, Some(1.0), Some(2.0), None, Some(0.0), None];
        assert_eq!(runs(&minutes), vec![vec![(1.0, 1.0), (2.0, 2.0)], vec![(4.0, 0.0)]]);
    }

    #[test]
    fn axes_end_on_round_numbers() {
        for (value, end) in [(0.0, 1.0), (0.3, 0.5), (1.0, 1.0), (7.2, 10.0), (412.0, 500.0)] {
            assert!((round_up(value) - end).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn a_minute_without_requests_has_no_share() {
        assert_eq!(
            shares(&[Some(0.0), Some(1.0), None], &[Some(0.0), Some(4.0), Some(4.0)]),
            vec![None, Some(0.25), None]
        );
    }
}
