//! The board: a line per stage, columns dropped by rank as the screen narrows.
//!
//! ```text
//!          stage        req/s   4XX   5XX block/s scope  last 8m    p99 allow/s
//!  ▸ ATTACK shop/prod    ~412  ~62%  ~12%      0 acl:3 ▂▂▂▃▅▇█  ~1.2s    412
//! ```

use chrono::TimeDelta;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::model::board::{Board, Metric, StageRow};
use crate::model::condition::StageState;
use crate::model::connection::ConnectionId;
use crate::model::figure::Figure;
use crate::model::series::floor_minute;
use crate::model::signal::{Severity, SignalKind};
use crate::model::stage::ApiKind;
use crate::model::words::whole_percent;
use crate::tui::command::{Command, Context};
use crate::tui::format::{self, figure, millis, percent, rate, wrap};
use crate::tui::state::{RowAt, Sort, State, worst};

use super::strip::Charts;
use super::{chart, draw, strip};
use crate::tui::lines::{details, layout};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mark,
    Connection,
    Stage,
    Served,
    Requests,
    ClientErrors,
    ServerErrors,
    P50,
    P99,
    Throttled,
    Allowed,
    Blocked,
    Scope,
    Spark,
    Errors,
    Signal,
    Worst,
}

struct Column {
    kind: Kind,
    title: &'static str,
    width: u16,
    /// The lower, the longer it stays.
    rank: u8,
}

const fn column(kind: Kind, title: &'static str, width: u16, rank: u8) -> Column {
    Column { kind, title, width, rank }
}

/// Every column, from left to right, at its least width.
const COLUMNS: [Column; 17] = [
    column(Kind::Mark, "state", 10, 0),
    // Whose the row is; only where several accounts or regions are watched, and then as wide as their names.
    column(Kind::Connection, "account", 0, 0),
    column(Kind::Stage, "stage", 12, 0),
    column(Kind::Requests, "req/s", 6, 1),
    column(Kind::Served, "served", 6, 3),
    column(Kind::ClientErrors, "4XX", 5, 3),
    column(Kind::ServerErrors, "5XX", 5, 2),
    column(Kind::P50, "p50", 6, 10),
    column(Kind::P99, "p99", 6, 7),
    column(Kind::Throttled, "429/s", 6, 8),
    column(Kind::Allowed, "allow/s", 7, 9),
    column(Kind::Blocked, "block/s", 7, 4),
    // Wherever a WAF figure is shown, so is what it covers: the scope outlives the sparkline.
    column(Kind::Scope, "scope", 6, 5),
    column(Kind::Spark, "requests", 8, 6),
    column(Kind::Errors, "errors", 8, 12),
    column(Kind::Signal, "signal", 18, 11),
    column(Kind::Worst, "worst method", WORST, 13),
];

/// Columns of the worst method.
const WORST: u16 = 22;
/// The widest a sparkline and a stage's name become.
const MOST_SPARK: u16 = 48;
const MOST_STAGE: u16 = 40;
/// The widest a connection's name becomes.
const MOST_NAME: u16 = 28;
const MARGIN: u16 = 2;
/// Lines that charts need below the table.
const LEAST_CHARTS: u16 = 16;
/// A smaller share of customers served than this stands out.
const BADLY_SERVED: f64 = 0.85;

/// Draws the board and the details of the selected stage.
pub(crate) fn draw(state: &State, body: Rect, buffer: &mut Buffer) {
    let (table, side) = layout::board(body, state.list.order.len());
    if state.list.order.is_empty() {
        nothing(state, body, buffer);
        return;
    }
    rows(state, table, buffer);
    let beside = side.y == table.y;
    // Where few stages leave the table empty, the charts of the selected one use its width.
    let rows = u16::try_from(state.list.order.len()).unwrap_or(u16::MAX).saturating_add(2);
    let rest = Rect { y: table.y.saturating_add(rows), height: table.height.saturating_sub(rows), ..table };
    let below = beside && rest.height >= LEAST_CHARTS;
    if below && let (Some(row), Some(stage)) = (state.selected(), state.selected_at()) {
        chart::grid(state, &stage, row, rest, buffer);
    }
    let charts = match (beside, below) {
        (true, true) => Charts::Elsewhere,
        (true, false) => Charts::Column,
        (false, _) => Charts::Grid,
    };
    strip::draw(state, side, charts, buffer);
}

fn rows(state: &State, area: Rect, buffer: &mut Buffer) {
    let columns = fitting(area.width, state.list.label_width, names(state));
    let mut x = MARGIN;
    for (kind, title, width) in &columns {
        let title = sort_mark(state, *kind, title, (*width).into());
        let cell = cell(draw::row(area, 0), x, *width);
        if is_text(*kind) {
            draw::left(buffer, cell, &title, state.looks.theme.heading);
        } else {
            draw::right(buffer, cell, &title, state.looks.theme.heading);
        }
        x += width + 1;
    }
    let height = usize::from(area.height.saturating_sub(1));
    let cursor = &state.list.cursor;
    let first = cursor.first_shown(state.list.order.len(), height);
    let shown = state.list.order.iter().enumerate().skip(first).take(height);
    for (y, (n, row)) in (1..area.height).zip(shown) {
        let line = draw::row(area, y);
        one(state, *row, &columns, line, buffer);
        if n == cursor.at && !state.list.gone {
            buffer.set_style(line, state.looks.theme.selected);
            draw::left(buffer, line, "▸", state.looks.theme.key);
        }
    }
}

/// Columns that the connections' names need, where there are several: with the age of figures that are stale.
fn names(state: &State) -> Option<u16> {
    let wide = |at| format!("{}{}", state.fleet.name(at), age_mark(state, at)).width();
    let widest = state.fleet.iter().map(|(at, _)| wide(at)).max().filter(|_| state.fleet.several());
    widest.map(|wide| u16::try_from(wide).unwrap_or(MOST_NAME).clamp(7, MOST_NAME))
}

/// ` 4m old` where a connection's figures are too old to act on: colour alone must not say so.
fn age_mark(state: &State, at: ConnectionId) -> String {
    state.stale_at(at).map_or_else(String::new, |age| format!(" {} old", format::minutes(age)))
}

fn one(state: &State, at: RowAt, columns: &[(Kind, &'static str, u16)], line: Rect, buffer: &mut Buffer) {
    if at.is_unread() {
        unread(state, at.at, columns, line, buffer);
        return;
    }
    let Some((board, row)) = state.fleet.get(at.at).board.as_deref().zip(state.row(at)) else { return };
    let stale = state.stale_at(at.at).is_some();
    let mut x = MARGIN;
    for (kind, _, width) in columns {
        let area = cell(line, x, *width);
        let (text, style) = match kind {
            Kind::Spark | Kind::Errors => {
                let style = if *kind == Kind::Spark { state.looks.theme.first } else { state.looks.theme.second };
                let style = if stale { state.looks.theme.stale } else { style };
                sparkline(board, row, *kind, area, style, buffer);
                x += width + 1;
                continue;
            }
            Kind::Stage => {
                let (name, style) = name(state, at, row);
                // What tells rows apart is at their ends.
                (format::fit_ends(&name, usize::from(*width)).into_owned(), style)
            }
            Kind::Connection => {
                (format!("{}{}", state.fleet.name(at.at), age_mark(state, at.at)), state.looks.theme.text)
            }
            _ => content(state, row, *kind),
        };
        let style = if stale { state.looks.theme.stale } else { style };
        if is_text(*kind) {
            draw::left(buffer, area, &text, style);
        } else {
            draw::right(buffer, area, &text, style);
        }
        x += width + 1;
    }
}

/// A connection that could not be read: its name, and why, where its stages would be.
fn unread(state: &State, at: ConnectionId, columns: &[(Kind, &'static str, u16)], line: Rect, buffer: &mut Buffer) {
    let theme = &state.looks.theme;
    let why = state.fleet.get(at).unread().unwrap_or("not read");
    let mut x = MARGIN;
    for (kind, _, width) in columns {
        let (text, style) = match kind {
            Kind::Mark => ("?", theme.bad),
            Kind::Connection => (state.fleet.name(at), theme.text),
            _ => {
                draw::left(buffer, draw::after(line, x), &format!("no figures: {why}"), theme.unknown);
                return;
            }
        };
        draw::left(buffer, cell(line, x, *width), text, style);
        x += width + 1;
    }
}

/// What a row is called: with its API's id where another has the same name, with a star where it is pinned.
fn name(state: &State, at: RowAt, row: &StageRow) -> (String, Style) {
    let star = if pinned(state, at, row) { "*" } else { "" };
    let style = if star.is_empty() { state.looks.theme.text } else { state.looks.theme.heading };
    let id = if state.list.twins.contains(&at) { format!(" {}", row.id.api_id) } else { String::new() };
    (format!("{star}{}{id}", row.id.label()), style)
}

fn pinned(state: &State, at: RowAt, row: &StageRow) -> bool {
    state.list.pinned.iter().any(|pin| pin.at == at.at && pin.stage == row.id)
}

fn content(state: &State, row: &StageRow, kind: Kind) -> (String, Style) {
    let figures = &row.figures;
    let theme = &state.looks.theme;
    let number = |value: &Figure, show: fn(f64) -> String, signal: Option<SignalKind>| {
        let found = row.signals.iter().find(|s| Some(s.kind) == signal);
        let style = match (value, found.map(|s| s.severity)) {
            (Figure::Unknown(_), _) => theme.unknown,
            (_, Some(Severity::Attack)) => theme.bad,
            (_, Some(Severity::Notice)) => theme.warn,
            _ => theme.text,
        };
        (figure(value, show), style)
    };
    match kind {
        Kind::Mark => mark(state, row),
        Kind::Requests => number(&figures.requests_per_second, rate, None),
        Kind::Served => served(state, row),
        Kind::ClientErrors => number(&figures.client_error_share, percent, Some(SignalKind::ClientErrorsHigh)),
        Kind::ServerErrors => number(&figures.server_error_share, percent, Some(SignalKind::ServerErrorsHigh)),
        Kind::P50 => number(&figures.latency_p50_ms, millis, None),
        Kind::P99 => number(&figures.latency_p99_ms, millis, Some(SignalKind::LatencyHigh)),
        Kind::Throttled => number(&figures.throttled_per_second, rate, Some(SignalKind::Throttling)),
        Kind::Allowed | Kind::Blocked if row.kind == ApiKind::Http => ("–".into(), theme.faint),
        Kind::Allowed => number(&figures.waf_allowed_per_second, rate, Some(SignalKind::AllowedShareLow)),
        Kind::Blocked => number(&figures.waf_blocked_per_second, rate, Some(SignalKind::BlockedSpike)),
        Kind::Scope => (format::scope(&figures.waf_allowed_per_second, &figures.requests_per_second), theme.faint),
        // What a measure of ours has come to says more than the signal that led to it.
        Kind::Signal if row.condition.measures.is_some() => {
            let condition = &row.condition;
            let style = details::condition_style(state, condition.state);
            (format!("{} {}", condition.word(), condition.share_word()), style)
        }
        Kind::Signal => (row.signals.first().map_or_else(String::new, |s| s.kind.id().to_owned()), mark(state, row).1),
        Kind::Worst => (worst_method(row), theme.warn),
        Kind::Connection | Kind::Stage | Kind::Spark | Kind::Errors => (String::new(), theme.text),
    }
}

/// The method that fares worst, with what part of its requests is answered: `POST /login 11 %`; nothing where none
/// fares badly.
fn worst_method(row: &StageRow) -> String {
    row.condition.worst.as_ref().map_or_else(String::new, |worst| {
        let answered = format!(" {}", whole_percent(worst.answered));
        let room = usize::from(WORST).saturating_sub(answered.len());
        format!("{}{answered}", format::fit_ends(&worst.method, room))
    })
}

/// The share of customers served, where an attack is believed in or something of ours is in force: elsewhere there is
/// nothing to say.
fn served(state: &State, row: &StageRow) -> (String, Style) {
    let condition = &row.condition;
    if !condition.matters() {
        return ("–".into(), state.looks.theme.faint);
    }
    let style = match condition.served.value() {
        None => state.looks.theme.unknown,
        Some(share) if share < BADLY_SERVED => state.looks.theme.bad,
        Some(_) => state.looks.theme.text,
    };
    (condition.share_word(), style)
}

/// The severity as a word; `!` where nothing stands but the stage carries a warning, `?` where it could not be judged
/// lately, a dot where all is calm.
fn mark(state: &State, row: &StageRow) -> (String, Style) {
    match row.condition.state {
        StageState::CustomersOut => return ("OUT".into(), state.looks.theme.bad),
        StageState::Leaking => return (StageState::Leaking.word().into(), state.looks.theme.bad),
        // The attack goes on, and is turned away: what still stands of its signals is no news.
        StageState::Contained => return (StageState::Contained.word().into(), state.looks.theme.warn),
        StageState::Recovering => return (StageState::Recovering.word().into(), state.looks.theme.warn),
        _ => {}
    }
    match worst(row) {
        Some(Severity::Attack) => (Severity::Attack.word().into(), state.looks.theme.bad),
        Some(Severity::Notice) => (Severity::Notice.word().into(), state.looks.theme.warn),
        None if !row.warnings.is_empty() => ("!".into(), state.looks.theme.warn),
        // Calm when it was last judged, and not judged since.
        None if row.not_judged_since().is_some() => ("?".into(), state.looks.theme.unknown),
        None => ("·".into(), state.looks.theme.faint),
    }
}

/// One column a minute, the last complete minute at the right. Errors have the requests' scale, so that heights
/// compare.
// Wide: what is drawn, how, and where.
fn sparkline(board: &Board, row: &StageRow, kind: Kind, area: Rect, style: Style, buffer: &mut Buffer) {
    let last = floor_minute(board.at) - TimeDelta::minutes(1);
    let minutes = |metric: Metric| row.history[metric.index()].window(last, area.width.into());
    let requests = minutes(Metric::Requests);
    let most = requests.iter().flatten().copied().fold(0.0, f64::max);
    if kind == Kind::Spark {
        draw::spark(buffer, area, requests.into_iter(), most, style);
        return;
    }
    let client = minutes(Metric::ClientErrors).into_iter();
    let errors = client.zip(minutes(Metric::ServerErrors));
    let errors = errors.map(|(client, server)| Some(client? + server?));
    draw::spark(buffer, area, errors, most, style);
}

/// The columns that fit, at the widths they get: the stage's name and the sparklines take what is left.
fn fitting(width: u16, labels: u16, names: Option<u16>) -> Vec<(Kind, &'static str, u16)> {
    let wide = |column: &Column| if column.kind == Kind::Connection { names.unwrap_or(0) } else { column.width };
    let mut by_rank: Vec<&Column> = COLUMNS.iter().filter(|c| c.kind != Kind::Connection || names.is_some()).collect();
    by_rank.sort_by_key(|c| c.rank);
    let mut room = width.saturating_sub(MARGIN);
    let mut kept = Vec::new();
    for column in by_rank {
        let needs = wide(column) + u16::from(!kept.is_empty());
        if needs > room {
            break;
        }
        room -= needs;
        kept.push(column.kind);
    }
    let sparks = u16::from(kept.contains(&Kind::Spark)) + u16::from(kept.contains(&Kind::Errors));
    let mut columns: Vec<(Kind, &'static str, u16)> =
        COLUMNS.iter().filter(|c| kept.contains(&c.kind)).map(|c| (c.kind, c.title, wide(c))).collect();
    for (kind, _, width) in &mut columns {
        if *kind == Kind::Stage {
            let more = labels.clamp(*width, MOST_STAGE).saturating_sub(*width).min(room);
            *width += more;
            room -= more;
        }
    }
    let each = room.checked_div(sparks).unwrap_or(0);
    for (kind, _, width) in &mut columns {
        if matches!(kind, Kind::Spark | Kind::Errors) {
            *width = (*width + each).min(MOST_SPARK);
        }
    }
    columns
}

fn sort_mark(state: &State, kind: Kind, title: &str, width: usize) -> String {
    let sorted = match state.list.sort {
        Sort::Worst => Kind::Mark,
        Sort::Requests => Kind::Requests,
        Sort::ClientErrors => Kind::ClientErrors,
        Sort::ServerErrors => Kind::ServerErrors,
        Sort::Throttled => Kind::Throttled,
        Sort::Latency => Kind::P99,
        Sort::Blocked => Kind::Blocked,
        Sort::Name => Kind::Stage,
    };
    if kind != sorted {
        return title.to_owned();
    }
    let arrow = if state.list.reversed { '▴' } else { '▾' };
    let mut out: String = title.chars().take(width.saturating_sub(1)).collect();
    out.push(arrow);
    out
}

fn is_text(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Mark
            | Kind::Connection
            | Kind::Stage
            | Kind::Scope
            | Kind::Signal
            | Kind::Worst
            | Kind::Spark
            | Kind::Errors
    )
}

fn cell(line: Rect, x: u16, width: u16) -> Rect {
    let rest = draw::after(line, x);
    Rect { width: width.min(rest.width), ..rest }
}

fn nothing(state: &State, body: Rect, buffer: &mut Buffer) {
    let key = |command| state.keys.key(Context::Board, command);
    let boards: Vec<&Board> = state.fleet.iter().filter_map(|(_, watched)| watched.board.as_deref()).collect();
    let stages: usize = boards.iter().map(|board| board.stages.len()).sum();
    let text = match boards.as_slice() {
        [] => format!(
            "Waiting for the first figures. Keys work already: {} help, {} quit.",
            key(Command::Help),
            key(Command::Quit)
        ),
        _ if stages > 0 => format!(
            "None of {} matches “{}”. {} shows them all.",
            format::counted(stages, "stage"),
            state.list.filter,
            key(Command::Back)
        ),
        boards if boards.iter().any(|board| board.polling.trouble.is_some()) => {
            "No figures: see the trouble above. This is not an empty account, it is one that could not be read."
                .into()
        }
        boards if boards.len() < state.fleet.len() || boards.iter().any(|board| board.polling.read_at.is_none()) => {
            "Looking for stages with traffic …".into()
        }
        _ => "No API stage was found in this account and region, and none has had traffic in the last three hours. Is it the right region?".into(),
    };
    let lines = wrap(&text, usize::from(body.width.saturating_sub(4)));
    for (y, line) in (1..body.height).zip(lines) {
        draw::left(buffer, draw::after(draw::row(body, y), MARGIN), &line, state.looks.theme.text);
    }
}
