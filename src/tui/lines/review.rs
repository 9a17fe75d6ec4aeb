//! A plan under review as text: what would change, what the guards say, which calls are made, how it is taken back;
//! then what is being done, and how it ended.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::style::Style;
use ratatui::text::Line;

use crate::model::connection::StageAt;
use crate::model::plan::{Change, Effect, Finished, GuardResult, Outcome, Plan, Purpose, Verdict};
use crate::model::words::most_percent;
use crate::tui::command::{Command, Context};
use crate::tui::format::{counted, duration, minutes, time};
use crate::tui::state::{Phase, Review, State};

use super::details;
use super::page::Page;

/// Columns of the labels on the left.
const GUTTER: usize = 9;
/// The most entries listed of one change; the journal has them all.
const MOST_ENTRIES: usize = 400;
/// How many are listed before they are asked for.
const FIRST_ENTRIES: usize = 10;
/// Characters of a command line that are shown before it is asked for.
const LONG_COMMAND: usize = 120;
/// How many lines of what a guard's verdict rests on are shown before they are asked for.
const FIRST_EVIDENCE: usize = 3;

/// How long ago something was confirmed that is still told, account time.
const RECENTLY: TimeDelta = TimeDelta::minutes(15);
/// The journal's kinds of what was confirmed, or planned and stopped.
const LAST_KINDS: [&str; 2] = ["intent", "refused"];

/// When what was done was seen working, as the journal has it.
pub(crate) fn seen_working(state: &State, review: &Review, done: &Finished) -> Option<DateTime<Utc>> {
    let view = &state.fleet.get(review.at).timeline;
    let is_seen = view.actions.iter().any(|one| one.id == done.run_id && one.effect == Some(Effect::Observed));
    let of_it = view.entries.iter().filter(|entry| entry.action_id.as_ref() == Some(&done.run_id));
    of_it.filter(|entry| is_seen && entry.kind == "effect").map(|entry| entry.at).max()
}

/// The text between, whole.
pub(crate) fn text(state: &State, width: u16) -> Vec<Line<'static>> {
    let mut page = Page::new(width);
    let Some(review) = &state.review else {
        return page.lines;
    };
    match &review.phase {
        Phase::Planning => {}
        Phase::Failed(reason) => page.text(0, reason, state.looks.theme.warn),
        Phase::Ready(plan) => whole(state, review, plan, &mut page),
        Phase::Applying { plan, lines } => {
            page.text(0, &plan.summary, state.looks.theme.text);
            progress(state, lines, &mut page);
        }
        Phase::Done { plan, lines, result } => {
            page.text(0, &plan.summary, state.looks.theme.text);
            ended(state, review, (plan, result), &mut page);
            progress(state, lines, &mut page);
        }
    }
    page.lines
}

/// What happens to whom and what speaks against it come first; what it changes, and by which calls, after it.
fn whole(state: &State, review: &Review, plan: &Plan, page: &mut Page) {
    let theme = &state.looks.theme;
    page.text(0, &plan.summary, theme.heading);
    if let Some(became) = &review.proposed_now {
        let words = format!("it has changed since it was proposed: {became}");
        page.hanging("CHANGED", theme.warn, GUTTER, &words, theme.text);
    }
    served(state, review, plan, page);
    last(state, review, page);
    guards(state, review, plan, page);
    page.gap();
    for change in &plan.changes {
        diff(state, review, change, page);
    }
    if plan.is_empty() {
        page.hanging("CHANGES", theme.heading, GUTTER, "none: there is nothing to change", theme.text);
    }
    expiry(state, plan, page);
    page.hanging("UNDO", theme.heading, GUTTER, &plan.undo, theme.text);
    for note in &plan.notes {
        page.hanging("NOTE", theme.heading, GUTTER, note, theme.text);
    }
    if let Some(command) = plan.command() {
        let command = crate::model::text::neutralised(&command).to_string();
        let is_long = !review.whole_diff && command.chars().count() > LONG_COMMAND;
        let shown = if is_long {
            let key = state.keys.key(Context::Review, Command::WholeDiff);
            let first: String = command.chars().take(LONG_COMMAND).collect();
            format!("{first} …; {key} shows it whole")
        } else {
            command
        };
        page.hanging("COMMAND", theme.heading, GUTTER, &shown, theme.text);
    }
    for (n, call) in plan.calls.iter().enumerate() {
        let label = if n == 0 { "CALLS" } else { "" };
        let mut words = format!("{}. {} {} {}", n + 1, call.service, call.operation, call.resource);
        for (name, value) in &call.parameters {
            let _ = write!(words, "  {name}={value}");
        }
        page.hanging(label, theme.heading, GUTTER, &words, theme.faint);
    }
    let read = format!("at {}; digest {}", time(plan.read_at), plan.digest);
    page.hanging("READ", theme.heading, GUTTER, &read, theme.faint);
}

/// Who confirmed something last, or was stopped by a guard, from this console or another one: two responders must not
/// undo each other's work.
fn last(state: &State, review: &Review, page: &mut Page) {
    let watched = state.fleet.get(review.at);
    let is_recent = |at: DateTime<Utc>| watched.now.is_none_or(|now| now - at < RECENTLY);
    let entries = watched.timeline.entries.iter().rev();
    let Some(entry) =
        entries.take_while(|entry| is_recent(entry.at)).find(|entry| LAST_KINDS.contains(&entry.kind.as_str()))
    else {
        return;
    };
    let words = format!("{} by {}: {}", time(entry.at), entry.actor.label(), entry.title);
    page.hanging("LAST", state.looks.theme.heading, GUTTER, &words, state.looks.theme.text);
}

/// Whether customers are served now, and what is predicted where it was proposed.
fn served(state: &State, review: &Review, plan: &Plan, page: &mut Page) {
    let Some(row) = state.fleet.row(&StageAt { at: review.at, stage: plan.stage.clone() }) else { return };
    let condition = &row.condition;
    if !condition.matters() {
        return;
    }
    let then = review
        .proposed
        .as_ref()
        .and_then(|step| step.served_after_at_most)
        .map_or_else(String::new, |most| format!(", then at most {}", most_percent(most)));
    let now = match condition.served.value() {
        Some(_) => format!("{} of customers now", condition.share_word()),
        None => "not known now".to_owned(),
    };
    let words = format!("{now}{then}; {}", condition.word());
    page.hanging("SERVED", state.looks.theme.heading, GUTTER, &words, state.looks.theme.text);
}

/// Whom it hits, then what stops it or has to be read, then how many guards pass; all of them where they are asked for.
fn guards(state: &State, review: &Review, plan: &Plan, page: &mut Page) {
    let theme = &state.looks.theme;
    let hits = plan.hits().map(|guard| guard.id.as_str());
    let is_said = |guard: &&GuardResult| guard.verdict != Verdict::Pass || Some(guard.id.as_str()) == hits;
    let (mut said, passing): (Vec<&GuardResult>, Vec<&GuardResult>) = plan.guards.iter().partition(is_said);
    said.sort_by_key(|guard| (!guard.halts(), Some(guard.id.as_str()) != hits));
    for guard in said {
        one_guard(state, guard, review.all_guards, page);
    }
    if review.all_guards {
        for guard in passing {
            one_guard(state, guard, true, page);
        }
    } else if !passing.is_empty() {
        let key = state.keys.key(Context::Review, Command::AllGuards);
        let words = format!("{}; {key} lists every guard with its evidence", counted(passing.len(), "guard"));
        page.hanging("pass", theme.good, GUTTER, &words, theme.faint);
    }
}

fn diff(state: &State, review: &Review, change: &Change, page: &mut Page) {
    let theme = &state.looks.theme;
    page.hanging("CHANGE", theme.heading, GUTTER, &change.headline(), theme.text);
    let most = if review.whole_diff { MOST_ENTRIES } else { FIRST_ENTRIES };
    for (sign, entries, style) in [('-', &change.removed, theme.removed), ('+', &change.added, theme.added)] {
        let cells: Vec<String> =
            entries.iter().take(most).map(|e| format!("{sign} {}", crate::model::text::neutralised(e))).collect();
        if !cells.is_empty() {
            page.columns(GUTTER, &cells, style);
        }
        if entries.len() > most {
            let key = state.keys.key(Context::Review, Command::WholeDiff);
            let all = if review.whole_diff { String::new() } else { format!("; {key} shows them") };
            page.text(GUTTER, &format!("{sign} and {} more{all}", entries.len() - most), style);
        }
    }
}

fn one_guard(state: &State, guard: &GuardResult, whole: bool, page: &mut Page) {
    let theme = &state.looks.theme;
    let (word, style) = match guard.verdict {
        Verdict::Pass => ("pass", theme.good),
        Verdict::Warn => ("WARN", theme.warn),
        Verdict::Unknown => ("UNKNOWN", theme.bad),
        Verdict::Stop => ("STOP", theme.bad),
    };
    let fate = match (guard.verdict.halts(), guard.overridden, guard.can_be_overridden) {
        (true, true, _) => " (OVERRIDDEN)",
        (true, false, false) => " (cannot be overridden)",
        _ => "",
    };
    page.hanging(word, style, GUTTER, &format!("{}{fate}: {}", guard.id, guard.reason), theme.text);
    let shown = if whole { guard.evidence.len() } else { FIRST_EVIDENCE };
    for line in guard.evidence.iter().take(shown) {
        page.hanging("", style, GUTTER + 2, line, theme.faint);
    }
    if guard.evidence.len() > shown {
        let key = state.keys.key(Context::Review, Command::AllGuards);
        page.text(GUTTER + 2, &format!("and {} more; {key} lists them", guard.evidence.len() - shown), theme.faint);
    }
}

fn expiry(state: &State, plan: &Plan, page: &mut Page) {
    if plan.purpose != Purpose::Apply {
        return;
    }
    let words = match plan.action.terms().expires_after_seconds {
        Some(seconds) => {
            let about = plan
                .lifetime()
                .and_then(|life| plan.read_at.checked_add_signed(life))
                .map_or_else(String::new, |at| format!(", about {}", at.format("%Y-%m-%d %H:%MZ")));
            format!("{} after it is done{about}; a console or `portcullis sweep` has to run then", duration(seconds))
        }
        None => "never: it stays until somebody undoes it".into(),
    };
    page.hanging("EXPIRES", state.looks.theme.heading, GUTTER, &words, state.looks.theme.text);
    if let Some(reason) = &plan.action.terms().reason {
        page.hanging("REASON", state.looks.theme.heading, GUTTER, reason, state.looks.theme.text);
    }
}

fn progress(state: &State, lines: &[String], page: &mut Page) {
    if lines.is_empty() {
        return;
    }
    page.gap();
    for (n, line) in lines.iter().enumerate() {
        page.hanging(&format!("{}.", n + 1), state.looks.theme.faint, 4, line, state.looks.theme.text);
    }
}

fn ended(state: &State, review: &Review, (plan, result): (&Plan, &Result<Box<Finished>, String>), page: &mut Page) {
    let theme = &state.looks.theme;
    if let Some(row) = state.fleet.row(&StageAt { at: review.at, stage: plan.stage.clone() }) {
        details::stands(state, row, page);
    }
    page.gap();
    let done = match result {
        Ok(done) => done,
        Err(reason) => {
            page.hanging("ERROR", theme.bad, GUTTER, reason, theme.text);
            return;
        }
    };
    let effect = if seen_working(state, review, done).is_some() { Some(Effect::Observed) } else { done.effect };
    let far = match effect {
        Some(Effect::Saved) => "; AWS saved it, it is spreading (seconds to minutes)",
        Some(Effect::Deployed) => "; deployed, not yet seen in the figures",
        Some(Effect::Observed) => "; seen in the figures",
        None => "",
    };
    let words = format!("{} {}{far}", done.action_id, done.outcome.words());
    page.hanging("ENDED", theme.heading, GUTTER, &words, outcome_style(state, done.outcome));
    for line in &done.lines {
        page.text(GUTTER, line, theme.text);
    }
    if matches!(done.outcome, Outcome::NotVerified | Outcome::Partly | Outcome::NotKnown) {
        page.text(
            GUTTER,
            "It stays on the timeline's list of what is in force, with its expiry and its undo.",
            theme.text,
        );
    }
    let may_be_in_force =
        matches!(done.outcome, Outcome::Done | Outcome::NotVerified | Outcome::Partly | Outcome::NotKnown);
    if plan.purpose == Purpose::Apply && may_be_in_force {
        page.hanging("WATCH", theme.heading, GUTTER, plan.action.what_moves(), theme.text);
        if let Some(life) = plan.lifetime() {
            page.hanging("EXPIRES", theme.heading, GUTTER, &format!("in {}", minutes(life)), theme.text);
        }
    }
}

pub(crate) fn outcome_style(state: &State, outcome: Outcome) -> Style {
    match outcome {
        Outcome::Done => state.looks.theme.good,
        Outcome::NothingToChange | Outcome::NotDone => state.looks.theme.text,
        Outcome::NotVerified => state.looks.theme.warn,
        Outcome::Partly | Outcome::NotKnown => state.looks.theme.bad,
    }
}
