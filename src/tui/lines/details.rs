//! How a stage stands, in the order in which an attack is dealt with: what is wrong, who, what to do; then what is not
//! known, and why.

use chrono::{DateTime, Utc};
use ratatui::style::Style;

use crate::model::attack::Attack;
use crate::model::board::{Known, StageRow};
use crate::model::condition::StageState;
use crate::model::figure::{Figure, Scope};
use crate::model::signal::{Severity, Signal, SignalKind, Unit};
use crate::model::stage::ApiKind;
use crate::model::usual::UsualOf;
use crate::tui::command::{Command, Context};
use crate::tui::format::{dollars, figure, minute, tenths};
use crate::tui::state::{Next, Screen, State};

use super::page::Page;

/// Columns of the labels on the left.
pub(crate) const GUTTER: usize = 8;

/// How the stage stands, who does it, how the backend bears it and what would help, where an attack is believed in or
/// something of ours is in force.
pub(crate) fn condition(state: &State, row: &StageRow, page: &mut Page) {
    if !row.condition.matters() {
        return;
    }
    stands(state, row, page);
    if !row.signals.is_empty() {
        who(state, row, page);
    }
    page.hanging("BACKEND", state.looks.theme.heading, GUTTER, &backend(row), state.looks.theme.text);
    next(state, row, page);
}

/// `5XX ~35 %, p99 3.3 s (usual 310 ms); traffic costs $19.27/h (usual $1.80/h)`.
fn backend(row: &StageRow) -> String {
    let usual = |of| row.usuals.as_ref().and_then(|usuals| usuals.figure(of).value());
    let beside = |usual: Option<String>| usual.map_or_else(String::new, |usual| format!(" (usual {usual})"));
    let figures = &row.figures;
    let errors = figure(&figures.server_error_share, tenths);
    let p99 = figure(&figures.latency_p99_ms, waited);
    let dollars_an_hour = |value: f64| format!("{}/h", dollars(value));
    let cost = figure(&row.burn.per_hour, dollars_an_hour);
    let usual_cost = beside(row.burn.usual_per_hour.value().map(dollars_an_hour));
    let usual_wait = beside(usual(UsualOf::Latency).map(waited));
    format!("5XX {errors}, p99 {p99}{usual_wait}; traffic costs {cost}{usual_cost}")
}

/// `310 ms`, `3.3 s`.
fn waited(millis: f64) -> String {
    if millis < 999.5 { format!("{millis:.0} ms") } else { format!("{:.1} s", millis / 1e3) }
}

/// How the stage stands, where there is anything to tell.
pub(crate) fn stands(state: &State, row: &StageRow, page: &mut Page) {
    let condition = &row.condition;
    if !condition.matters() {
        return;
    }
    let since = condition.since.map(minute);
    let style = condition_style(state, condition.state);
    page.hanging("STATE", state.looks.theme.heading, GUTTER, &condition.words(since.as_deref()), style);
}

/// Who sends it, what it asks for and what the rules in its way do, where that was read; and where all of it stands.
pub(crate) fn who(state: &State, row: &StageRow, page: &mut Page) {
    let key = state.keys.key(state.screen().context(), Command::Sources);
    let found = proposed(state, row).and_then(Next::known).and_then(|known| known.as_ref().ok());
    let who = match found.and_then(|found| found.cause.as_deref()) {
        Some(cause) => format!("{cause}; {key}: each of them"),
        None => format!("{key}: who is sending it"),
    };
    page.hanging("WHO", state.looks.theme.heading, GUTTER, &who, state.looks.theme.text);
}

/// What would help the stage on the screen. What was found for another state helps no more.
pub(crate) fn proposed<'a>(state: &'a State, row: &StageRow) -> Option<&'a Next> {
    let at = if state.screen() == Screen::Stage { state.depth.stage.clone() } else { state.selected_at() };
    state.asked.next_of(&at?).filter(|next| next.of == row.condition.state)
}

/// What would help, the best first, with its key; as old as it is.
fn next(state: &State, row: &StageRow, page: &mut Page) {
    let theme = &state.looks.theme;
    let Some(next) = proposed(state, row) else { return };
    let found = match next.known() {
        None => return page.hanging("NEXT", theme.heading, GUTTER, "reading what would help …", theme.faint),
        Some(Err(why)) => return page.hanging("NEXT", theme.heading, GUTTER, &format!("? {why}"), theme.faint),
        Some(Ok(found)) => found,
    };
    if let Some(none) = &found.none {
        page.hanging("NEXT", theme.heading, GUTTER, none, theme.text);
    }
    let context = state.screen().context();
    let key = state.keys.key(if context == Context::Stage { context } else { Context::Board }, Command::Propose);
    for (n, step) in found.proposals.iter().enumerate() {
        let words = match n {
            0 => format!("{key} {} (read {})", step.short(), minute(found.read_at)),
            n => format!("{key} {} {}", n + 1, step.short()),
        };
        page.hanging(if n == 0 { "NEXT" } else { "" }, theme.heading, GUTTER, &words, theme.heading);
    }
}

/// The style of a state.
pub(crate) fn condition_style(state: &State, of: StageState) -> Style {
    match of {
        StageState::CustomersOut | StageState::Leaking | StageState::Attack => state.looks.theme.bad,
        StageState::Unknown => state.looks.theme.warn,
        StageState::Contained | StageState::Recovering | StageState::Calm => state.looks.theme.text,
    }
}

/// The worst signal with its evidence, or that there is none.
pub(crate) fn wrong(state: &State, row: &StageRow, page: &mut Page) {
    let theme = &state.looks.theme;
    if let Some(worst) = row.signals.first() {
        let style = severity(state, worst);
        page.hanging("WRONG", theme.heading, GUTTER, &headline(worst), style);
        page.text(GUTTER, &worst.evidence, theme.text);
        return;
    }
    nothing(state, row, page);
}

/// When the attack began, as the incident has it: `03:02Z by the signal client-errors-high`. Where the figures here say
/// otherwise, that as well, and which of the two counts.
pub(crate) fn began(state: &State, attack: &Attack, row: &StageRow) -> String {
    let pinned = moment(state, attack.began);
    let words = attack.words_at(&pinned);
    let Some(own) = attack.read_otherwise(row.attack_since()) else { return words };
    let own = moment(state, own);
    format!("{words}; here it looks like {own}. Plans go by {pinned}; to correct it: portcullis timeline attack-began")
}

/// `03:02Z`, and the day where it is not today's.
fn moment(state: &State, at: DateTime<Utc>) -> String {
    let today = state.here().board.as_ref().is_none_or(|board| board.at.date_naive() == at.date_naive());
    if today { minute(at) } else { at.format("%Y-%m-%d %H:%MZ").to_string() }
}

/// That nothing unusual is known, as far as that was judged.
pub(crate) fn nothing(state: &State, row: &StageRow, page: &mut Page) {
    let theme = &state.looks.theme;
    let (label, style, words) =
        not_wrong(row).map_or(("OK", theme.good, "nothing unusual".to_owned()), |why| ("?", theme.unknown, why));
    page.hanging(label, style, GUTTER, &words, theme.text);
}

/// Why it is not known whether anything is unusual; `None` where nothing is.
fn not_wrong(row: &StageRow) -> Option<String> {
    match (row.not_judged_since(), row.figures.requests_per_second.value()) {
        (Some(since), _) => Some(format!("not judged since {}: no requests, or not published yet", minute(since))),
        (None, Some(_)) => None,
        (None, None) => Some("no signal, but nothing was judged: the requests are not known".to_owned()),
    }
}

/// The style of a signal's severity.
pub(crate) fn severity(state: &State, signal: &Signal) -> Style {
    match signal.severity {
        Severity::Attack => state.looks.theme.bad,
        Severity::Notice => state.looks.theme.warn,
    }
}

/// A signal's value in its unit: `62.4%`, `7.2×`.
pub(crate) fn measured(kind: SignalKind, value: f64) -> String {
    match kind.unit() {
        Unit::Share => tenths(value),
        Unit::Multiple => format!("{value:.1}×"),
    }
}

/// `ATTACK client-errors-high 62.4%, over 50%, since 02:58Z`, and since when it could not be judged.
pub(crate) fn headline(signal: &Signal) -> String {
    let side = if signal.kind.low_is_bad() { "under" } else { "over" };
    let open = signal.not_judged_since.map_or_else(String::new, |at| format!(", not judged since {}", minute(at)));
    format!(
        "{} {} {}, {side} {}, since {}{open}",
        signal.severity.word(),
        signal.kind.id(),
        measured(signal.kind, signal.value),
        measured(signal.kind, signal.threshold),
        minute(signal.since)
    )
}

/// What is not known with its reason, one line for all figures that share one; then scope and warnings.
pub(crate) fn facts(state: &State, row: &StageRow, page: &mut Page) {
    let theme = &state.looks.theme;
    for (names, reason) in unknowns(row) {
        let text = format!("{}: {reason}", names.join(", "));
        page.hanging("?", theme.unknown, GUTTER, &text, theme.text);
    }
    for warning in &row.warnings {
        page.hanging("!", theme.warn, GUTTER, warning, theme.text);
    }
    if let Some(Scope::WebAcl { name, stages }) = row.figures.waf_allowed_per_second.reading().map(|r| &r.scope)
        && *stages > 1
    {
        let text = format!("WAF figures are those of all {stages} stages behind {name}");
        page.hanging("", theme.faint, GUTTER, &text, theme.faint);
    }
    if let Some(reading) = row.figures.requests_per_second.reading() {
        let more = if reading.provisional { "; ~ may still change" } else { "" };
        let shared = match reading.scope {
            Scope::ApiName { apis } if apis > 1 => {
                format!("; they count {apis} APIs of this name together (inferred)")
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
            let shared = row.figures.waf_allowed_per_second.reading().map(|r| &r.scope);
            match shared {
                Some(Scope::WebAcl { stages, .. }) if *stages > 1 => {
                    format!("web ACL {name}, shared by {stages} stages")
                }
                _ => format!("web ACL {name}"),
            }
        }
        _ if row.kind == ApiKind::Http => "takes no web ACL, no resource policy and no cache (documented)".into(),
        Known::Yes(None) => "no web ACL".into(),
        Known::NotYet => "web ACL not read yet".into(),
        Known::No(reason) => format!("web ACL ?: {reason}"),
    }
}

fn unknowns(row: &StageRow) -> Vec<(Vec<&'static str>, &str)> {
    let figures = &row.figures;
    let named: [(&'static str, &Figure); 8] = [
        ("requests", &figures.requests_per_second),
        ("4XX", &figures.client_error_share),
        ("5XX", &figures.server_error_share),
        ("p50", &figures.latency_p50_ms),
        ("p99", &figures.latency_p99_ms),
        ("429", &figures.throttled_per_second),
        ("WAF allowed", &figures.waf_allowed_per_second),
        ("WAF blocked", &figures.waf_blocked_per_second),
    ];
    let mut out: Vec<(Vec<&'static str>, &str)> = Vec::new();
    // What an HTTP API cannot have is not unknown.
    let fitting = if row.kind == ApiKind::Http { 6 } else { named.len() };
    for (name, figure) in named.into_iter().take(fitting) {
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
