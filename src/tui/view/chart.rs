//! Charts of one stage's minutes. A gap interrupts the line; nothing is drawn across it.

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::Span;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget};
use unicode_width::UnicodeWidthStr;

use crate::model::board::{Metric, StageRow};
use crate::model::connection::StageAt;
use crate::model::figure::Figure;
use crate::model::series::floor_minute;
use crate::model::signal::SignalKind;
use crate::model::stage::ApiKind;
use crate::tui::format::{millis, minute, percent, rate, wrap};
use crate::tui::state::State;

use super::draw;
use crate::tui::lines::marks::{self, Mark};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    Requests,
    Errors,
    Latency,
    Waf,
    Throttled,
    Cache,
}

/// What is worth a chart for this stage, what matters most first. What its kind of API cannot have is not there at all.
fn topics(row: &StageRow) -> Vec<Topic> {
    let mut topics = vec![Topic::Requests, Topic::Errors, Topic::Latency];
    if row.kind == ApiKind::Rest {
        topics.push(Topic::Waf);
    }
    // Where requests are throttled, that is the news; where they are not, the limit is worth a look all the same.
    let throttling = row.signals.iter().any(|signal| signal.kind == SignalKind::Throttling);
    topics.insert(if throttling { 2 } else { topics.len() }, Topic::Throttled);
    if !row.history[Metric::CacheHits.index()].is_empty() {
        topics.push(Topic::Cache);
    }
    topics
}

/// The least height of a chart that is one of several, and the least width.
const LEAST_PART: u16 = 6;
const LEAST_WIDTH: u16 = 38;

/// What is drawn, of whom, and where something was done.
struct Subject<'a> {
    state: &'a State,
    row: &'a StageRow,
    at: DateTime<Utc>,
    stale: bool,
    marks: Vec<Mark<'a>>,
}

impl<'a> Subject<'a> {
    fn new(state: &'a State, stage: &StageAt, row: &'a StageRow) -> Option<Self> {
        let at = state.fleet.get(stage.at).board.as_ref()?.at;
        let stale = state.stale_at(stage.at).is_some();
        Some(Self { state, row, at, stale, marks: marks::of(state, stage, row) })
    }

    fn styles(&self) -> [Style; 3] {
        let theme = &self.state.looks.theme;
        if self.stale { [theme.stale; 3] } else { [theme.first, theme.second, theme.good] }
    }
}

/// Charts side by side, as many as can be read.
pub(crate) fn grid(state: &State, stage: &StageAt, row: &StageRow, area: Rect, buffer: &mut Buffer) {
    let topics = topics(row);
    let most = u16::try_from(topics.len()).unwrap_or(4);
    let lines = (area.height / LEAST_PART).min(2);
    let columns = (area.width / LEAST_WIDTH).clamp(1, most.div_ceil(lines.max(1)));
    let Some(subject) = Subject::new(state, stage, row) else { return };
    if lines == 0 {
        return;
    }
    let (width, height) = (area.width / columns, area.height / lines);
    for (n, topic) in (0..lines * columns).zip(topics) {
        let (x, y) = (n % columns, n / columns);
        let (last_column, last_line) = (x + 1 == columns, y + 1 == lines);
        let part = Rect {
            x: area.x + x * width,
            y: area.y + y * height,
            width: if last_column { area.width - x * width } else { width - 1 },
            height: if last_line { area.height - y * height } else { height },
        };
        chart(&subject, topic, part, buffer);
    }
}

/// As many charts as fit, one below the other.
pub(crate) fn column(state: &State, stage: &StageAt, row: &StageRow, area: Rect, buffer: &mut Buffer) {
    let topics = topics(row);
    let fitting = (area.height / 8).min(u16::try_from(topics.len()).unwrap_or(4));
    let Some(subject) = Subject::new(state, stage, row).filter(|_| fitting > 0) else { return };
    let each = area.height / fitting;
    for (n, topic) in (0..fitting).zip(topics) {
        let part = Rect { y: area.y + n * each, height: each, ..area };
        chart(&subject, topic, part, buffer);
    }
}

fn chart(subject: &Subject<'_>, topic: Topic, area: Rect, buffer: &mut Buffer) {
    let state = subject.state;
    if area.height < LEAST_HEIGHT || area.width < 20 {
        return;
    }
    // Braille has two dots a column, so two minutes fit where a label takes none.
    let minutes = match area.width {
        0..50 => 60,
        50..90 => 90,
        _ => 180,
    };
    let last = floor_minute(subject.at) - TimeDelta::minutes(1);
    let (title, show, curves) = content(subject.row, topic, last, minutes);
    let stacked = topic == Topic::Waf;
    legend(state, &title, &curves, subject.styles(), stacked, draw::row(area, 0), buffer);
    let rest = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if curves.iter().all(|c| c.minutes.iter().all(Option::is_none)) {
        let reason = curves.iter().find_map(|c| c.reason.as_deref());
        let text = format!("? {}", reason.unwrap_or("nothing in these minutes"));
        let lines = wrap(&text, rest.width.into());
        let first = rest.height.saturating_sub(u16::try_from(lines.len()).unwrap_or(1)) / 2;
        for (y, line) in (first..rest.height).zip(&lines) {
            draw::left(buffer, draw::row(rest, y), line, state.looks.theme.unknown);
        }
        return;
    }
    plot(subject, &curves, show, stacked, (last, minutes), rest, buffer);
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
                curve("backend p99", &figures.integration_latency_p99_ms, history(Metric::IntegrationP99)),
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
        Topic::Throttled => (
            "throttled/s (429)".into(),
            rate,
            vec![curve("429", &figures.throttled_per_second, per_second(Metric::Throttled))],
        ),
        Topic::Cache => (
            "answered from the cache".into(),
            percent,
            vec![curve(
                "hits",
                &figures.cache_hit_share,
                hits(&history(Metric::CacheHits), &history(Metric::CacheMisses)),
            )],
        ),
    }
}

/// Hits as a share of what was looked up; a minute without a look has none.
fn hits(hits: &[Option<f64>], misses: &[Option<f64>]) -> Vec<Option<f64>> {
    let looked = |hits: &Option<f64>, misses: &Option<f64>| Some((*hits)? + (*misses)?);
    let all: Vec<Option<f64>> = hits.iter().zip(misses).map(|(hits, misses)| looked(hits, misses)).collect();
    shares(hits, &all)
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

/// How each curve is drawn, so that colour is not all that tells them apart.
const LINES: [(Marker, &str); 3] = [(Marker::Braille, "⠤⠤"), (Marker::Dot, "••"), (Marker::Custom('+'), "++")];
/// What stacked columns are made of, from below.
const STACK: [&str; 2] = ["░", "█"];

/// Title, and what each line or column is.
// Wide: what is drawn, how, and where.
fn legend(
    state: &State,
    title: &str,
    curves: &[Curve],
    styles: [Style; 3],
    stacked: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let mut x = draw::left(buffer, area, title.trim_end(), state.looks.theme.heading) + 2;
    if curves.len() < 2 {
        return;
    }
    for (n, curve) in curves.iter().enumerate() {
        let style = styles[n.min(2)];
        let sample = if stacked { STACK[n.min(1)] } else { LINES[n.min(2)].1 };
        x += draw::left(buffer, draw::after(area, x), sample, style) + 1;
        x += draw::left(buffer, draw::after(area, x), curve.name, state.looks.theme.faint) + 2;
    }
}

// Wide: what is drawn, how, and where.
fn plot(
    subject: &Subject<'_>,
    curves: &[Curve],
    show: fn(f64) -> String,
    stacked: bool,
    (last, minutes): (DateTime<Utc>, usize),
    area: Rect,
    buffer: &mut Buffer,
) {
    let (theme, styles) = (&subject.state.looks.theme, subject.styles());
    let most =
        if stacked { sums(curves) } else { curves.iter().flat_map(|c| c.minutes.iter().flatten().copied()).collect() };
    let most = round_up(most.into_iter().fold(0.0, f64::max));
    let lines: &[Curve] = if stacked { &[] } else { curves };
    let runs: Vec<(usize, Vec<(f64, f64)>)> = lines
        .iter()
        .enumerate()
        .flat_map(|(n, curve)| runs(&curve.minutes).into_iter().map(move |run| (n, run)))
        .collect();
    let datasets = runs
        .iter()
        .map(|(n, run)| {
            let kind = if run.len() > 1 { GraphType::Line } else { GraphType::Scatter };
            Dataset::default().marker(LINES[(*n).min(2)].0).graph_type(kind).style(styles[(*n).min(2)]).data(run)
        })
        .collect();
    let span = i64::try_from(minutes).unwrap_or(60) - 1;
    let label = |back: i64| Span::styled(minute(last - TimeDelta::minutes(back)), theme.faint);
    let level = |v: f64| Span::styled(format!("{:>LEVEL$}", show(v)), theme.faint);
    let x_axis =
        Axis::default().style(theme.faint).bounds([0.0, span as f64]).labels([label(span), label(span / 2), label(0)]);
    let y_axis = Axis::default().style(theme.faint).bounds([0.0, most]).labels([level(0.0), level(most)]);
    Chart::new(datasets)
        .style(theme.text)
        .x_axis(x_axis)
        .y_axis(y_axis)
        .legend_position(None)
        .hidden_legend_constraints((Constraint::Length(0), Constraint::Length(0)))
        .render(area, buffer);
    let graph = inside(area, show(most).width());
    if stacked {
        stack(curves, most, styles, graph, buffer);
    }
    for mark in &subject.marks {
        let back = (last - floor_minute(mark.action.begun_at)).num_minutes();
        if (0..=span).contains(&back) {
            marker(mark.number, span - back, span, theme.key, graph, buffer);
        }
    }
}

/// Columns of the labels of the y axis.
const LEVEL: usize = 5;

/// Where the curves are: right of the labels and the axis, above the axis and its labels.
fn inside(area: Rect, widest: usize) -> Rect {
    let left = u16::try_from(widest.max(LEVEL)).unwrap_or(5) + 1;
    Rect { x: area.x + left, width: area.width.saturating_sub(left), height: area.height.saturating_sub(2), ..area }
}

/// The sum of all curves, minute by minute.
fn sums(curves: &[Curve]) -> Vec<f64> {
    let minutes = curves.iter().map(|c| c.minutes.len()).max().unwrap_or(0);
    let sum = |n: usize| curves.iter().filter_map(|c| c.minutes.get(n).copied().flatten()).sum();
    (0..minutes).map(sum).collect()
}

/// Columns of what was allowed with what was blocked on top. Anything above zero is at least one cell high; a gap stays
/// empty.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn stack(curves: &[Curve], most: f64, styles: [Style; 3], graph: Rect, buffer: &mut Buffer) {
    let minutes = curves.first().map_or(0, |c| c.minutes.len());
    let width = usize::from(graph.width);
    if minutes == 0 || width == 0 || most <= 0.0 {
        return;
    }
    for x in 0..width {
        let from = x * minutes / width;
        let to = ((x + 1) * minutes / width).max(from + 1);
        let mut below = 0;
        for (n, curve) in curves.iter().enumerate() {
            // Of several minutes in one column the highest stands: a spike must not be smoothed away.
            let value = curve.minutes[from..to.min(minutes)].iter().flatten().copied().fold(0.0, f64::max);
            let cells = (value / most * f64::from(graph.height)).round() as u16;
            let cells = if value > 0.0 { cells.max(1) } else { 0 }.min(graph.height - below);
            for y in below..below + cells {
                let place = (graph.x + u16::try_from(x).unwrap_or(0), graph.bottom() - 1 - y);
                if let Some(cell) = buffer.cell_mut(place) {
                    cell.set_symbol(STACK[n.min(1)]).set_style(styles[n.min(2)]);
                }
            }
            below += cells;
        }
    }
}

/// A dotted line down from its number, behind whatever is drawn there.
// Wide: what is drawn, how, and where.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn marker(number: usize, minute: i64, span: i64, style: Style, graph: Rect, buffer: &mut Buffer) {
    if graph.is_empty() {
        return;
    }
    let place = minute as f64 / span.max(1) as f64 * f64::from(graph.width - 1);
    let x = graph.x + place.round() as u16;
    for y in graph.top() + 1..graph.bottom() {
        if let Some(cell) = buffer.cell_mut((x, y)).filter(|cell| cell.symbol() == " ") {
            cell.set_symbol("┊").set_style(style);
        }
    }
    if let Some(cell) = buffer.cell_mut((x, graph.y)) {
        // Several in one column: the list below says which.
        let taken = cell.symbol().chars().all(|c| c.is_ascii_digit() || c == '+');
        cell.set_symbol(&if taken { "+".to_owned() } else { number.to_string() }).set_style(style);
    }
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
