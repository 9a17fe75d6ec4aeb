//! The header: what the console may do, whose account this is, how old and how dear the figures are, what is going
//! wrong.
//!
//! ```text
//!  DRILL sqli-flood   111122223333 eu-west-1 via in-process range   incident 7f3 open 12m
//!  as of 03:02:00Z   ×20   polling $0.012/h est.   1 ATTACK, 1 notice of 6 stages
//!  TROUBLE  GetMetricData is throttled …
//! ```

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::model::board::{Board, Known};
use crate::model::condition::StageState;
use crate::model::connection::{ConnectionId, StageAt};
use crate::model::figure::Figure;
use crate::model::signal::{Severity, SignalKind};
use crate::model::timeline::{ActionRecord, ActionState};
use crate::tui::format::{counted, dollars, fit_ends, minutes, percent, rate, time};
use crate::tui::lines::actions::remaining;
use crate::tui::lines::header::{WHO_LINES, how_lines, trouble};
use crate::tui::mode::Mode;
use crate::tui::state::State;

use super::draw;

const BETWEEN: u16 = 2;
/// Fewer dollars than this are shown as nothing.
const LEAST_SHOWN: f64 = 0.000_5;

/// Words, how they look, and their rank: the lower, the longer they stay where there is no room.
type Piece = (String, Style, u8);

/// Up to this rank a piece is cut, and never left out.
const ALWAYS: u8 = 2;
/// Columns below which nothing is cut.
const LEAST_PIECE: usize = 20;

/// Draws it.
pub(crate) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let mut y = 0;
    for (mut pieces, lines) in [(who(state), WHO_LINES), (how(state), how_lines(area.width))] {
        let set = fitting(&mut pieces, area.width, lines);
        for (line, y) in set.into_iter().zip(y..) {
            for (x, piece) in line {
                let (text, style, _) = &pieces[piece];
                draw::left(buffer, draw::after(draw::row(area, y), x), text, *style);
            }
        }
        y += u16::try_from(lines).unwrap_or(0);
    }
    for line in trouble(state, area.width) {
        draw::left(buffer, draw::row(area, y), &line, state.looks.theme.bad);
        y += 1;
    }
}

/// The style of the mode's banner.
pub(crate) fn banner(state: &State) -> Style {
    match state.mode {
        Mode::ReadOnly => state.looks.theme.read_only,
        Mode::Armed if state.is_production() => state.looks.theme.armed,
        Mode::Armed | Mode::Drill { .. } => state.looks.theme.drill,
    }
}

/// What the console may do, where it is: an account on which no customers depend says so.
pub(crate) fn mode(state: &State) -> String {
    let words = state.mode.words();
    if state.mode == Mode::Armed && !state.is_production() { format!("{words}, not production") } else { words }
}

fn who(state: &State) -> Vec<Piece> {
    let theme = &state.looks.theme;
    let mut pieces = vec![(format!(" {} ", mode(state)), banner(state), 0)];
    let here = state.here();
    match here.board.as_ref().and_then(|b| b.identity.as_ref()) {
        Some(identity) => {
            pieces.push((state.configured.account_words(&identity.at), theme.text, 1));
            if let Some(profile) = &identity.profile {
                pieces.push((format!("profile {profile}"), theme.faint, 5));
            }
            if let Some(endpoint) = &identity.endpoint {
                pieces.push((format!("via {endpoint}"), theme.warn, 2));
            }
        }
        None => pieces.push((here.target.words.clone(), theme.faint, 1)),
    }
    if let Some(other) = here.same_as {
        pieces.push((format!("same as {}, which alone changes it", state.fleet.name(other)), theme.warn, 3));
    }
    let view = &here.timeline;
    if let Some(incident) = &view.incident {
        let open = match (here.now, view.opened_at) {
            (Some(now), Some(opened)) => format!(" open {}", minutes(now - opened)),
            _ => " open".into(),
        };
        pieces.push((format!("incident {incident}{open}"), theme.heading, 4));
    }
    pieces
}

/// How many stages are in a state that is worse news than an attack, whatever signals they have.
fn worse_than_attacks(boards: &[&Board]) -> Vec<(&'static str, usize)> {
    let of = |state: StageState| {
        let rows = boards.iter().flat_map(|board| &board.stages);
        (state.word(), rows.filter(|row| row.condition.state == state).count())
    };
    let counted = [StageState::CustomersOut, StageState::Leaking].map(of);
    counted.into_iter().filter(|(_, number)| *number > 0).collect()
}

/// What we have done that stands, with the time that is left of what ends first. A closure is said as one.
fn in_force(state: &State) -> Option<Piece> {
    let stands = |a: &ActionRecord| matches!(a.state, ActionState::InForce | ActionState::Unclear);
    let own = state.fleet.iter().filter(|(_, watched)| watched.same_as.is_none());
    let of = own.flat_map(|(at, watched)| watched.timeline.actions.iter().map(move |action| (at, watched.now, action)));
    let mut live: Vec<(ConnectionId, Option<DateTime<Utc>>, &ActionRecord)> = of.filter(|(.., a)| stands(a)).collect();
    live.sort_by_key(|(.., action)| (action.expires_at.is_none(), action.expires_at));
    let (first_at, now, first) = live.first()?;
    let (left, style) = remaining(&state.looks.theme, *now, first);
    let stage =
        |at: &ConnectionId, action: &ActionRecord| state.fleet.label(&StageAt { at: *at, stage: action.stage.clone() });
    let closed = live.iter().find(|(.., action)| action.action.is_closure());
    let words = match (closed, live.len()) {
        (Some((at, _, action)), 1) => format!("CLOSED {} by {}, {left}", stage(at, action), first.action.name()),
        (Some((at, _, action)), n) => format!("CLOSED {}, {n} in force, first {left}", stage(at, action)),
        (None, 1) => format!("in force: {} {}, {left}", first.action.name(), stage(first_at, first)),
        (None, n) => format!("{n} in force, first {left}"),
    };
    let style =
        if closed.is_some() || style == state.looks.theme.bad { state.looks.theme.bad } else { state.looks.theme.warn };
    Some((words, style, 2))
}

// Long: one piece of the line after another.
fn how(state: &State) -> Vec<Piece> {
    let theme = &state.looks.theme;
    let mut pieces = Vec::new();
    let boards: Vec<&Board> = state.fleet.iter().filter_map(|(_, watched)| watched.board.as_deref()).collect();
    if boards.is_empty() {
        return vec![("no figures yet".into(), theme.faint, 0)];
    }
    match state.here().board.as_ref().and_then(|board| board.polling.read_at) {
        None => pieces.push(("no figures yet".into(), theme.faint, 0)),
        Some(at) => {
            if let Some(age) = state.stale() {
                pieces.push((format!("STALE {}", minutes(age)), theme.bad, 0));
            }
            pieces.push((format!("as of {}", time(at)), theme.text, 0));
        }
    }
    let (attacks, notices) = state.severities();
    let stages: usize = boards.iter().map(|board| board.stages.len()).sum();
    let of = match state.fleet.len() {
        1 => counted(stages, "stage"),
        n => format!("{} in {n} connections", counted(stages, "stage")),
    };
    for (word, number) in worse_than_attacks(&boards) {
        pieces.push((format!("{number} {word}"), theme.bad, 1));
    }
    if attacks > 0 {
        pieces.push((format!("{attacks} ATTACK"), theme.bad, 1));
    }
    if notices > 0 {
        pieces.push((format!("{notices} notice"), theme.warn, 4));
    }
    pieces.push((of, theme.faint, 5));
    pieces.extend(answered(state, &boards));
    pieces.extend(in_force(state));
    let speed = state.here().rate;
    if (speed - 1.0).abs() > f64::EPSILON {
        pieces.push((format!("×{}", short(speed)), theme.warn, 4));
    }
    pieces.extend(gauge(state));
    pieces.extend(burn(state, &boards));
    if boards.iter().any(|board| board.polling.metrics > 0) {
        let dollars: f64 = boards.iter().map(|board| board.polling.dollars_per_hour).sum();
        // By what a stage that is called may go unread, and one that nobody calls.
        let slowed = boards.iter().filter(|board| board.polling.slowed.is_some()).map(|board| &board.polling.paces);
        let slowest = slowed.map(|[_, usual, idle]| (usual.every_seconds, idle.every_seconds)).max();
        let slower = slowest.map_or_else(String::new, |(usual, idle)| {
            format!(", slowed: stages read every {}m, uncalled ones every {}m", usual.div_ceil(60), idle.div_ceil(60))
        });
        let logs: f64 = boards.iter().map(|board| board.polling.log_dollars).sum();
        let logs = if logs < LEAST_SHOWN { String::new() } else { format!(", log queries ${logs:.3} so far") };
        // That stages are read less often than they should be must be seen.
        let rank = if slower.is_empty() { 8 } else { 4 };
        pieces.push((format!("polling ${dollars:.3}/h est.{logs}{slower}"), theme.faint, rank));
    }
    let details = boards.iter().map(|board| board.polling.details);
    let (read, all) = details.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    if read < all {
        pieces.push((format!("details {read}/{all}"), theme.faint, 7));
    }
    pieces
}

/// How much of the limit that all APIs of the account share is used.
fn gauge(state: &State) -> Option<Piece> {
    let gauge = &state.here().board.as_ref()?.account;
    let theme = &state.looks.theme;
    match (&gauge.limit, gauge.used_share.value()) {
        (Known::Yes(limit), Some(used)) => {
            let near = state.here().stages().iter().flat_map(|row| &row.signals);
            let near = near.filter(|signal| signal.kind == SignalKind::AccountLimitNear).map(|s| s.severity).max();
            let (style, rank) = match near {
                Some(Severity::Attack) => (theme.bad, 2),
                Some(Severity::Notice) => (theme.warn, 3),
                None => (theme.faint, 9),
            };
            Some((format!("account {} of {}/s", figure_of(&gauge.used_share, used), rate(limit.rate)), style, rank))
        }
        (Known::Yes(limit), None) => Some((format!("account ? of {}/s", rate(limit.rate)), theme.unknown, 9)),
        (Known::No(_), _) => Some(("account limit ?".into(), theme.unknown, 9)),
        (Known::NotYet, _) => None,
    }
}

fn figure_of(figure: &Figure, used: f64) -> String {
    let more = if figure.reading().is_some_and(|reading| reading.provisional) { "~" } else { "" };
    format!("{more}{}", percent(used))
}

/// What the traffic costs, of all connections whose cost is known.
fn burn(state: &State, boards: &[&Board]) -> Option<Piece> {
    let known: Vec<f64> = boards.iter().filter_map(|board| board.burn.per_hour.value()).collect();
    if known.is_empty() {
        return None;
    }
    let burning = state.fleet.iter().flat_map(|(_, watched)| watched.stages()).flat_map(|row| &row.signals);
    let burning = burning.into_iter().any(|signal| signal.kind == SignalKind::CostBurn);
    let style = if burning { state.looks.theme.warn } else { state.looks.theme.faint };
    let partly = |board: &&Board| matches!(board.costs_told(), (told, called) if told < called);
    let some = if known.len() < boards.len() || boards.iter().any(partly) { "at least " } else { "" };
    Some((format!("traffic {some}{}/h est.", dollars(known.iter().sum())), style, if burning { 4 } else { 6 }))
}

/// What attackers are answered, of all stages where that is known.
fn answered(state: &State, boards: &[&Board]) -> Option<Piece> {
    let attacked =
        |row: &&crate::model::board::StageRow| row.condition.matters() && row.condition.state != StageState::Calm;
    let rows: Vec<_> = boards.iter().flat_map(|board| &board.stages).filter(attacked).collect();
    let known: Vec<f64> = rows.iter().filter_map(|row| row.condition.attackers_answered.value()).collect();
    let some = if known.len() < rows.len() { "at least " } else { "" };
    let sum: f64 = known.iter().sum();
    // Less than one in ten seconds is nobody's gain.
    (sum >= 0.1).then(|| (format!("attackers get {some}{}/s", rate(sum)), state.looks.theme.warn, 3))
}

fn short(rate: f64) -> String {
    if rate.fract() == 0.0 { format!("{rate:.0}") } else { format!("{rate:.1}") }
}

/// The pieces that fit on so many lines, and where each stands: those of the highest rank go first.
fn fitting(pieces: &mut Vec<Piece>, width: u16, lines: usize) -> Vec<Vec<(u16, usize)>> {
    loop {
        let set = flow(pieces, width);
        if set.len() <= lines {
            return set;
        }
        let droppable = pieces.iter().enumerate().filter(|(_, (.., rank))| *rank > ALWAYS);
        if let Some(last) = droppable.max_by_key(|(at, (.., rank))| (*rank, *at)).map(|(at, _)| at) {
            pieces.remove(last);
        } else if !shorten(pieces) {
            return set;
        }
    }
}

/// Takes a column from the longest piece that may be cut; whether there was one.
fn shorten(pieces: &mut [Piece]) -> bool {
    let cut = pieces.iter_mut().filter(|(.., rank)| *rank > 0).max_by_key(|(text, ..)| text.width());
    let Some((text, ..)) = cut.filter(|(text, ..)| text.width() > LEAST_PIECE) else { return false };
    *text = fit_ends(text, text.width() - 1).into_owned();
    true
}

/// Pieces set out on as few lines as they need: per line, where each begins and which it is.
fn flow(pieces: &[Piece], width: u16) -> Vec<Vec<(u16, usize)>> {
    let mut lines = vec![Vec::new()];
    let mut x: u16 = 0;
    for (n, (text, ..)) in pieces.iter().enumerate() {
        let wide = u16::try_from(text.width()).unwrap_or(u16::MAX);
        if x > 0 && x.saturating_add(wide) > width {
            lines.push(Vec::new());
            x = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push((x, n));
        }
        x = x.saturating_add(wide).saturating_add(BETWEEN);
    }
    lines
}
