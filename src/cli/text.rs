//! Words for people: plans, outcomes, actions in force, the board.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::board::{Board, Known, StageRow};
use crate::model::cost::{Burn, CostOf};
use crate::model::figure::{Figure, Scope};
use crate::model::plan::{Finished, Observation, Outcome, Plan, Purpose};
use crate::model::signal::{Signal, SignalState};
use crate::model::text::{neutralised, shortened};
use crate::model::timeline::ActionRecord;

/// A line of its own: nothing that is put into it ends the line or acts on a terminal. A format may begin with an empty
/// line.
macro_rules! put {
    ($out:expr, $format:literal $($values:tt)*) => {{
        if $format.starts_with('\n') {
            $out.push('\n');
        }
        let line = format!($format $($values)*);
        let line = if $format.starts_with('\n') { &line[1..] } else { &line[..] };
        $out.push_str(&neutralised(line));
        $out.push('\n');
    }};
}

/// A plan, whole.
pub(super) fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    put!(out, "{}", plan.summary);
    put!(out, "  in {}, stage {}, read {}", plan.identity.label(), plan.stage.label(), clock(plan.read_at));
    for change in plan.changes.iter().filter(|c| !c.is_empty()) {
        put!(out, "\n  {}", change.headline());
        entries(&mut out, '+', &change.added);
        entries(&mut out, '-', &change.removed);
    }
    put!(out, "\nGuards");
    for guard in &plan.guards {
        let overridden = if guard.overridden { " (overridden)" } else { "" };
        put!(out, "  {:<7} {:<26} {}{overridden}", guard.verdict.word(), guard.id, neutralised(&guard.reason));
        for line in &guard.evidence {
            put!(out, "          {}", neutralised(line));
        }
    }
    if !plan.calls.is_empty() {
        put!(out, "\nCalls");
        for call in &plan.calls {
            put!(out, "  {}:{} on {}", call.service, call.operation, call.resource);
            for (name, value) in &call.parameters {
                put!(out, "      {name} {}", neutralised(value));
            }
        }
    }
    // The undo of an action that expires does not expire itself.
    if let Some(lifetime) = plan.lifetime().filter(|_| plan.purpose == Purpose::Apply) {
        put!(
            out,
            "\nExpires  {} after it is done, while a console runs or `portcullis sweep` is scheduled",
            span(lifetime)
        );
    }
    put!(out, "\nUndo     {}", plan.undo);
    for note in &plan.notes {
        put!(out, "Note     {note}");
    }
    put!(out, "\n{}", verdict(plan));
    out
}

const MOST_ENTRIES: usize = 40;

fn entries(out: &mut String, sign: char, entries: &[String]) {
    for entry in entries.iter().take(MOST_ENTRIES) {
        put!(out, "    {sign} {entry}");
    }
    if entries.len() > MOST_ENTRIES {
        put!(out, "    {sign} … and {} more", entries.len() - MOST_ENTRIES);
    }
}

fn verdict(plan: &Plan) -> String {
    let halting: Vec<&str> = plan.halting().map(|g| g.id.as_str()).collect();
    if !halting.is_empty() {
        let overridable: Vec<String> =
            plan.halting().filter(|g| g.can_be_overridden).map(|g| format!("--override {}", g.id)).collect();
        let hint = if overridable.len() == halting.len() {
            format!(" To go on anyway: {} --reason \"…\"", overridable.join(" "))
        } else {
            String::new()
        };
        return format!("Stopped by {}. Nothing was changed.{hint}", halting.join(", "));
    }
    if plan.is_empty() {
        return "Nothing to change.".to_owned();
    }
    format!("Confirm with: {}", plan.phrase())
}

/// How carrying out a plan ended.
pub(super) fn finished(incident: &str, plan: &Plan, finished: &Finished, observed: Option<&Observation>) -> String {
    let what = match &plan.purpose {
        Purpose::Apply => format!("action {}", finished.action_id),
        Purpose::Undo { action_id, .. } => format!("undo of action {action_id}"),
    };
    let how = finished.outcome.words();
    let mut out = format!("{what}: {how} (incident {incident})\n");
    if finished.outcome == Outcome::Partly {
        put!(out, "see the lines above, and plan again for the rest");
    }
    if let Some(observation) = observed {
        let word = if observation.observed { "observed" } else { "not observed" };
        put!(out, "effect {word}");
        for line in &observation.evidence {
            put!(out, "  {}", neutralised(line));
        }
    }
    let stays = plan.changes.iter().any(|change| change.edit.can_be_undone() && !change.edit.is_passing());
    let in_doubt = matches!(finished.outcome, Outcome::NotVerified | Outcome::Partly | Outcome::NotKnown);
    if in_doubt {
        put!(out, "It stays on the list of `portcullis actions`, with its expiry.");
    }
    match plan.purpose {
        _ if !stays => {}
        Purpose::Apply if in_doubt || finished.outcome == Outcome::Done => {
            put!(out, "To undo: portcullis undo {}", finished.action_id);
        }
        Purpose::Undo { .. } if in_doubt => {
            put!(out, "To undo it again: portcullis undo {}", finished.action_id);
        }
        _ => {}
    }
    out
}

/// Actions in force.
pub(super) fn actions(actions: &[&ActionRecord], now: DateTime<Utc>) -> String {
    if actions.is_empty() {
        return "no action is in force".to_owned();
    }
    let mut out = String::new();
    for action in actions {
        let expiry = match action.expires_at {
            Some(at) if at <= now => format!("EXPIRED {} ago; `portcullis sweep` undoes it", span(now - at)),
            Some(at) => format!("expires in {}", span(at - now)),
            None => "does not expire".to_owned(),
        };
        put!(
            out,
            "{}  {} on {}  {}  {}  since {}  {expiry}  (incident {})",
            action.id,
            action.action.name(),
            action.stage.label(),
            shortened(&action.action.aim(), 60),
            action.state.word(),
            clock(action.begun_at),
            action.incident
        );
    }
    out
}

/// An account that was asked for and could not be read: said where its board would be, so that it does not look as if
/// there were none.
pub(super) fn unread(name: &str, why: &str) -> String {
    format!("{}  NOT READ: {}\n", neutralised(name), neutralised(why))
}

/// The board as a table.
pub(super) fn board(board: &Board) -> String {
    let mut out = String::new();
    let label =
        board.identity.as_ref().map_or_else(|| "no account yet".to_owned(), crate::model::identity::Identity::label);
    put!(out, "{label}  at {}", clock(board.at));
    heading(&mut out);
    for row in &board.stages {
        line(&mut out, row);
    }
    let polling = &board.polling;
    put!(
        out,
        "{} metrics in {} calls, ${:.4}/h at this pace (estimate) of ${:.2}/h",
        polling.metrics,
        polling.calls,
        polling.dollars_per_hour,
        polling.budget_dollars_per_hour
    );
    if let Some(slowed) = &polling.slowed {
        put!(out, "{slowed}");
    }
    let gauge = &board.account;
    match (&gauge.limit, gauge.used_share.reason()) {
        (Known::Yes(limit), None) => put!(
            out,
            "account: {} of {:.0} req/s, all APIs together ({})",
            plain(&gauge.requests_per_second),
            limit.rate,
            percent(&gauge.used_share)
        ),
        (_, reason) => put!(out, "account: ? {}", neutralised(reason.unwrap_or("not read yet"))),
    }
    let (told, called) = board.costs_told();
    let part = if told < called { format!(", of {told} of {called} stages that are called") } else { String::new() };
    put!(out, "{}{part}", cost(&board.burn));
    if let Some(trouble) = &polling.trouble {
        put!(out, "TROUBLE {}", neutralised(trouble));
    }
    out
}

/// What traffic costs, in a line.
pub(super) fn cost(burn: &Burn) -> String {
    let Some(per_hour) = burn.per_hour.value() else {
        return format!("costs: ? {}", neutralised(burn.per_hour.reason().unwrap_or_default()));
    };
    let parts = CostOf::ALL.iter().filter_map(|of| Some((of, burn.parts_per_hour[of.index()].value()?)));
    let parts: Vec<String> = parts.map(|(of, dollars)| format!("{} ${dollars:.2}", of.label())).collect();
    let usual = burn.usual_per_hour.value().map_or("?".to_owned(), |usual| format!("${usual:.2}"));
    let mut line = format!("costs about ${per_hour:.2}/h ({}), usually {usual}/h", parts.join(", "));
    if let Some((began, dollars)) = &burn.since {
        let since = match dollars.value() {
            Some(dollars) => format!("${dollars:.2}"),
            None => format!("? ({})", dollars.reason().unwrap_or("not known")),
        };
        let _ = write!(line, "; {since} since the attack began at {}", clock(*began));
    }
    line + " (estimate)"
}

/// What stands above the rows of the board.
pub(super) fn heading(out: &mut String) {
    put!(
        out,
        "{:<28} {:>9} {:>7} {:>7} {:>8} {:>8} {:>11} {:>11} {:>7}  signals",
        "stage",
        "req/s",
        "4XX",
        "5XX",
        "p50 ms",
        "p99 ms",
        "allowed/s",
        "blocked/s",
        "429/s"
    );
}

/// A row of the board, with what stands below it.
// Long: one line of text after another, in the order in which they are read.
pub(super) fn line(out: &mut String, row: &StageRow) {
    let f = &row.figures;
    put!(
        out,
        "{:<28} {:>9} {:>7} {:>7} {:>8} {:>8} {:>11} {:>11} {:>7}  {}",
        shortened(&row.id.label(), 28),
        plain(&f.requests_per_second),
        percent(&f.client_error_share),
        percent(&f.server_error_share),
        whole(&f.latency_p50_ms),
        whole(&f.latency_p99_ms),
        scoped(&f.waf_allowed_per_second),
        scoped(&f.waf_blocked_per_second),
        scoped(&f.throttled_per_second),
        row.signals.iter().map(named).collect::<Vec<_>>().join(" ")
    );
    let mut reasons: Vec<&str> = [
        &f.requests_per_second,
        &f.client_error_share,
        &f.server_error_share,
        &f.latency_p99_ms,
        &f.waf_allowed_per_second,
        &f.waf_blocked_per_second,
        &f.throttled_per_second,
    ]
    .iter()
    .filter_map(|figure| figure.reason())
    .collect();
    reasons.dedup();
    let acl = match &row.web_acl {
        Known::Yes(Some(name)) => format!("web ACL {}", shortened(name, 40)),
        Known::Yes(None) => "no web ACL".to_owned(),
        Known::NotYet => "web ACL not read yet".to_owned(),
        Known::No(why) => format!("web ACL unknown: {}", neutralised(why)),
    };
    put!(
        out,
        "    {}, {acl}; figures of {}{}",
        row.kind.label(),
        f.requests_per_second.reading().map_or("?".to_owned(), |r| clock(r.at)),
        limit_used(row)
    );
    if row.condition.matters() {
        let since = row.condition.since.map(clock);
        put!(out, "    state {}", neutralised(&row.condition.words(since.as_deref())));
    }
    if !row.signals.is_empty() {
        put!(out, "    {}", cost(&row.burn));
        if let Some(usuals) = &row.usuals {
            put!(out, "    usually {}", neutralised(&usuals.words()));
        }
    }
    for reason in reasons {
        put!(out, "    ? {}", neutralised(reason));
    }
    for warning in &row.warnings {
        put!(out, "    ! {}", neutralised(warning));
    }
    if let Some(since) = row.not_judged_since() {
        put!(out, "    ? not judged since {}: no requests, or not published yet", clock(since));
    }
    for signal in &row.signals {
        let since = signal.not_judged_since.map_or_else(String::new, |since| {
            format!(" ({} not judged since {}: it stays active until it is)", signal.kind.id(), clock(since))
        });
        put!(out, "    {}{since}", neutralised(&signal.evidence));
    }
    for signal in &row.ended {
        let end = signal.ended.map_or_else(|| "?".to_owned(), clock);
        put!(out, "    ended: {} {} to {end}", signal.kind.id(), clock(signal.since));
    }
}

/// `ATTACK:client-errors-high`, with a `?` where it could not be judged lately.
fn named(signal: &Signal) -> String {
    let open = if signal.state() == SignalState::NotJudged { "?" } else { "" };
    format!("{}:{}{open}", signal.severity.word(), signal.kind.id())
}

/// `; 12.4% at most of 5000 req/s, the stage's, a method`.
fn limit_used(row: &StageRow) -> String {
    let f = &row.figures;
    match (row.limit, f.limit_used_share.value()) {
        (Some(winning), Some(_)) => format!(
            "; at most {} of {:.0} req/s ({})",
            percent(&f.limit_used_share),
            winning.limit.rate,
            winning.of.label()
        ),
        _ => String::new(),
    }
}

fn with(figure: &Figure, show: impl Fn(f64) -> String) -> String {
    match figure {
        Figure::Known(reading) => format!("{}{}", if reading.provisional { "~" } else { "" }, show(reading.value)),
        Figure::Unknown(_) => "?".to_owned(),
    }
}

/// `12.3`: two decimals below ten.
pub(super) fn plain(figure: &Figure) -> String {
    with(figure, |v| if v < 10.0 { format!("{v:.2}") } else { format!("{v:.0}") })
}

/// A whole number.
pub(super) fn whole(figure: &Figure) -> String {
    with(figure, |v| format!("{v:.0}"))
}

/// `12.3%`, out of a fraction.
pub(super) fn percent(figure: &Figure) -> String {
    with(figure, |v| format!("{:.1}%", v * 100.0))
}

/// A figure of a web ACL that guards several stages says so: `12 acl:3`.
fn scoped(figure: &Figure) -> String {
    let mark = match figure.reading().map(|r| &r.scope) {
        Some(Scope::WebAcl { stages, .. }) if *stages > 1 => format!(" acl:{stages}"),
        Some(Scope::LogGroup { stages, .. }) => format!(" log:{stages}"),
        _ => String::new(),
    };
    format!("{}{mark}", plain(figure))
}

/// `2026-03-01 03:02:00Z`.
pub(in crate::cli) fn clock(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `3h 12m`, `45s`.
pub(super) fn span(delta: TimeDelta) -> String {
    let seconds = delta.num_seconds().max(0);
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, _) => format!("{m}m"),
        (h, 0, _) => format!("{h}h"),
        (h, m, _) => format!("{h}h {m}m"),
    }
}
