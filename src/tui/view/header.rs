//! The header: what the console may do, whose account this is, how old and how dear the figures are, what is going wrong.
//!
//! ```text
//!  DRILL sqli-flood   111122223333 eu-west-1 via in-process range   incident 7f3 open 12m
//!  as of 03:02:00Z   ×20   $0.012/h est.   1 ATTACK, 1 notice of 6 stages
//!  TROUBLE  GetMetricData is throttled …
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use crate::model::timeline::{ActionRecord, ActionState};
use crate::tui::format::{count, minutes, time, wrap};
use crate::tui::state::{Mode, State};

use super::draw;
use super::timeline::remaining;

/// The most lines of trouble.
const TROUBLE_LINES: usize = 2;
const BETWEEN: u16 = 2;

type Piece = (String, Style);

/// Lines the header takes at this width.
pub(crate) fn height(state: &State, width: u16) -> u16 {
    let lines = flow(&who(state), width).len() + flow(&how(state), width).len();
    let lines = lines + trouble(state, width).len();
    u16::try_from(lines).unwrap_or(u16::MAX)
}

/// Draws it.
pub(crate) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let mut y = 0;
    for pieces in [who(state), how(state)] {
        for line in flow(&pieces, area.width) {
            for (x, piece) in line {
                let (text, style) = &pieces[piece];
                draw::left(buffer, draw::after(draw::row(area, y), x), text, *style);
            }
            y += 1;
        }
    }
    for line in trouble(state, area.width) {
        draw::left(buffer, draw::row(area, y), &line, state.theme.bad);
        y += 1;
    }
}

/// The style of the mode's banner.
pub(crate) fn banner(state: &State) -> Style {
    match state.mode {
        Mode::Drill { .. } => state.theme.drill,
        Mode::ReadOnly => state.theme.read_only,
        Mode::Armed => state.theme.armed,
    }
}

fn who(state: &State) -> Vec<Piece> {
    let theme = &state.theme;
    let mut pieces = vec![(format!(" {} ", state.mode.words()), banner(state))];
    match state.board.as_ref().and_then(|b| b.identity.as_ref()) {
        Some(identity) => {
            pieces.push((format!("{} {}", identity.at.account, identity.at.region), theme.text));
            if let Some(profile) = &identity.profile {
                pieces.push((format!("profile {profile}"), theme.faint));
            }
            if let Some(endpoint) = &identity.endpoint {
                pieces.push((format!("via {endpoint}"), theme.warn));
            }
        }
        None => pieces.push((state.target.clone(), theme.faint)),
    }
    let view = &state.timeline.view;
    if let Some(incident) = &view.incident {
        let open = match (state.now, view.opened_at) {
            (Some(now), Some(opened)) => format!(" open {}", minutes(now - opened)),
            _ => " open".into(),
        };
        pieces.push((format!("incident {incident}{open}"), theme.heading));
    }
    pieces
}

/// What we have done that stands, with the time that is left of what ends first. A closure is said as one.
fn in_force(state: &State) -> Option<Piece> {
    let stands = |a: &&ActionRecord| matches!(a.state, ActionState::InForce | ActionState::Unclear);
    let mut live: Vec<&ActionRecord> = state.timeline.view.actions.iter().filter(stands).collect();
    live.sort_by_key(|action| (action.expires_at.is_none(), action.expires_at));
    let first = live.first()?;
    let (left, style) = remaining(state, first);
    let closed = live.iter().find(|action| action.action.is_closure());
    let words = match (closed, live.len()) {
        (Some(action), 1) => format!("CLOSED {} by {}, {left}", action.stage.label(), first.action.name()),
        (Some(action), n) => format!("CLOSED {}, {n} in force, first {left}", action.stage.label()),
        (None, 1) => format!("in force: {} {}, {left}", first.action.name(), first.stage.label()),
        (None, n) => format!("{n} in force, first {left}"),
    };
    let style = if closed.is_some() || style == state.theme.bad { state.theme.bad } else { state.theme.warn };
    Some((words, style))
}

fn how(state: &State) -> Vec<Piece> {
    let theme = &state.theme;
    let mut pieces = Vec::new();
    let Some(board) = &state.board else {
        return vec![("no figures yet".into(), theme.faint)];
    };
    match board.polling.read_at {
        None => pieces.push(("no figures yet".into(), theme.faint)),
        Some(at) => {
            if let Some(age) = state.stale() {
                pieces.push((format!("STALE {}", minutes(age)), theme.bad));
            }
            pieces.push((format!("as of {}", time(at)), theme.text));
        }
    }
    let (attacks, notices) = state.severities();
    let of = count(board.stages.len(), "stage");
    if attacks > 0 {
        pieces.push((format!("{attacks} ATTACK"), theme.bad));
    }
    if notices > 0 {
        pieces.push((format!("{notices} notice"), theme.warn));
    }
    pieces.push((of, theme.faint));
    pieces.extend(in_force(state));
    if (state.rate - 1.0).abs() > f64::EPSILON {
        pieces.push((format!("×{}", short(state.rate)), theme.warn));
    }
    if board.polling.metrics > 0 {
        pieces.push((format!("${:.3}/h est.", board.polling.dollars_per_hour), theme.faint));
    }
    let (read, all) = board.polling.details;
    if read < all {
        pieces.push((format!("details {read}/{all}"), theme.faint));
    }
    pieces
}

fn short(rate: f64) -> String {
    if rate.fract() == 0.0 { format!("{rate:.0}") } else { format!("{rate:.1}") }
}

fn trouble(state: &State, width: u16) -> Vec<String> {
    let trouble = state.board.as_ref().and_then(|b| b.polling.trouble.as_ref());
    let Some(trouble) = trouble else {
        return Vec::new();
    };
    let mut lines = wrap(&format!("TROUBLE  {trouble}"), width.into());
    if lines.len() > TROUBLE_LINES {
        lines.truncate(TROUBLE_LINES);
        if let Some(last) = lines.last_mut() {
            last.push_str(" …");
        }
    }
    lines
}

/// Pieces set out on as few lines as they need: per line, where each begins and which it is.
fn flow(pieces: &[Piece], width: u16) -> Vec<Vec<(u16, usize)>> {
    let mut lines = vec![Vec::new()];
    let mut x: u16 = 0;
    for (n, (text, _)) in pieces.iter().enumerate() {
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
