//! A plan under review: what would change, what the guards say, which calls are made, how it is taken back; then what is
//! being done, and how it ended.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::model::action::Action;
use crate::model::board::StageRow;
use crate::model::connection::StageAt;
use crate::model::plan::{Change, Effect, Finished, GuardResult, Outcome, Plan, Purpose, Verdict};
use crate::tui::available::{confirmable, overridable};
use crate::tui::command::{Command, Context};
use crate::tui::format::{count, duration, minutes, time};
use crate::tui::state::{Phase, Review, State, Subject};
use crate::tui::update::outcome_words;

use super::page::Page;
use super::{draw, layout};

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

/// Draws it.
pub(crate) fn draw(state: &State, body: Rect, buffer: &mut Buffer) {
    let Some(review) = &state.review else {
        draw::left(buffer, body, "There is no plan.", state.theme.text);
        return;
    };
    let (head, area, foot) = layout::review(body);
    let text = text(state, area.width);
    let shown = usize::from(area.height);
    let first = review.scroll.0.min(text.len().saturating_sub(shown));
    let title = title(state, review);
    let used = draw::left(buffer, draw::row(head, 0), &title, state.theme.heading);
    if text.len() > shown {
        let place = format!("lines {}–{} of {}", first + 1, (first + shown).min(text.len()), text.len());
        let rest = draw::after(draw::row(head, 0), used + 2);
        draw::right(buffer, rest, &place, state.theme.faint);
    }
    let (words, style) = verdict(state, review);
    draw::left(buffer, draw::row(head, 1), &words, style);
    draw::lines(buffer, area, &text, first);
    let (words, style) = foot_words(state, review);
    draw::left(buffer, foot, &words, style);
}

fn title(state: &State, review: &Review) -> String {
    let stage = |plan: &Plan| plan.stage.label();
    match &review.phase {
        Phase::Ready(plan) | Phase::Applying { plan, .. } | Phase::Done { plan, .. } => {
            let verb = match &plan.purpose {
                Purpose::Apply => format!("PLAN {}", plan.action.name()),
                Purpose::Undo { action_id, .. } => format!("PLAN undo {action_id}"),
            };
            format!("{verb} on {} in {}", stage(plan), plan.identity.label())
        }
        Phase::Planning | Phase::Failed(_) => match &review.subject {
            Subject::Action(action) => {
                let named = state.fleet.get(review.at).stages().iter().find(|row| row.id.is_named_by(action.stage()));
                let label = |row: &StageRow| state.fleet.label(&StageAt { at: review.at, stage: row.id.clone() });
                format!("PLAN {} on {}", action.name(), named.map_or_else(|| action.stage().to_string(), label))
            }
            Subject::Undo { action_id, .. } => format!("PLAN undo {action_id}"),
            Subject::Step { step, .. } => {
                format!("PLAN step {} of {} for {}", step.step, step.playbook, step.stage.label())
            }
        },
    }
}

/// The line that is always in sight: whether this may go on, and which guards say no.
fn verdict(state: &State, review: &Review) -> (String, Style) {
    let theme = &state.theme;
    match &review.phase {
        Phase::Planning => ("reading the account for this plan; nothing is changed …".into(), theme.text),
        Phase::Failed(_) => ("there is no plan; nothing was changed".into(), theme.warn),
        Phase::Applying { .. } => ("BEING CARRIED OUT …".into(), theme.warn),
        Phase::Done { result, .. } => match result {
            Ok(done) => (what_is_so(state, review, done), outcome_style(state, done.outcome)),
            Err(_) => ("ENDED with an error; see below what is known".into(), theme.bad),
        },
        Phase::Ready(plan) => guards_in_words(state, plan),
    }
}

/// `BLOCKED 40 addresses, seen working 03:19:57Z`; else how it ended.
fn what_is_so(state: &State, review: &Review, done: &Finished) -> String {
    let Phase::Done { plan, .. } = &review.phase else { return String::new() };
    if done.outcome != Outcome::Done {
        return format!("ENDED: {}", outcome_words(done.outcome));
    }
    let is_so = match &plan.purpose {
        Purpose::Undo { action_id, .. } => return format!("UNDONE {} {action_id}", plan.action.name()),
        Purpose::Apply => plan.action.done_words(),
    };
    if !plan.action.moves_traffic() {
        return is_so;
    }
    match seen_working(state, review, done) {
        Some(at) => format!("{is_so}, seen working {}", time(at)),
        None => format!("{is_so}, read back; not seen working yet"),
    }
}

/// When what was done was seen working, as the journal has it.
fn seen_working(state: &State, review: &Review, done: &Finished) -> Option<DateTime<Utc>> {
    let view = &state.fleet.get(review.at).timeline;
    let is_seen = view.actions.iter().any(|one| one.id == done.run_id && one.effect == Some(Effect::Observed));
    let of_it = view.entries.iter().filter(|entry| entry.action_id.as_ref() == Some(&done.run_id));
    of_it.filter(|entry| is_seen && entry.kind == "effect").map(|entry| entry.at).max()
}

fn guards_in_words(state: &State, plan: &Plan) -> (String, Style) {
    let theme = &state.theme;
    let guards = |wanted: &dyn Fn(&GuardResult) -> bool| plan.guards.iter().filter(|guard| wanted(guard)).count();
    let stopped = guards(&|guard| guard.halts() && guard.verdict == Verdict::Stop);
    let unknown = guards(&|guard| guard.halts() && guard.verdict == Verdict::Unknown);
    let lifted = guards(&|guard| guard.overridden);
    let warned = guards(&|guard| guard.verdict == Verdict::Warn);
    let words: Vec<String> = [
        (stopped, "STOPPED by", "guard", ""),
        (unknown, "NOT KNOWN to", "guard", ""),
        (lifted, "OVERRIDDEN", "guard", ""),
        (warned, "", "warning", " to read first"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, before, what, after)| format!("{before} {}{after}", count(number, what)).trim_start().to_owned())
    .collect();
    if words.is_empty() {
        return ("every guard passes".into(), theme.good);
    }
    let halted = plan.halting().next().is_some();
    (words.join("; "), if halted { theme.bad } else { theme.warn })
}

/// The last line: the way on from here.
fn foot_words(state: &State, review: &Review) -> (String, Style) {
    let theme = &state.theme;
    if state.prompt.is_some() {
        return (String::new(), theme.text);
    }
    let key = |command| state.keymap.key(Context::Review, command);
    match &review.phase {
        Phase::Ready(plan) => match confirmable(state, plan) {
            Ok(()) => {
                let phrase = plan.short_phrase();
                (format!("{}, then type  {phrase}  to carry it out", key(Command::Confirm)), theme.heading)
            }
            Err(reason) => match overridable(state) {
                Ok(_) => (format!("{reason}; {} overrides with a reason", key(Command::Override)), theme.bad),
                Err(firm) if plan.halting().next().is_some() => {
                    let words = if firm == reason { reason } else { format!("{reason}; {firm}") };
                    (words, theme.bad)
                }
                Err(_) => (reason, theme.warn),
            },
        },
        Phase::Failed(_) | Phase::Done { result: Err(_), .. } => {
            (format!("{} plans again", key(Command::Replan)), theme.text)
        }
        Phase::Done { .. } => {
            (format!("{} timeline (undo from there), {} back", key(Command::Timeline), key(Command::Back)), theme.text)
        }
        Phase::Planning | Phase::Applying { .. } => (String::new(), theme.text),
    }
}

/// The text between, whole.
pub(crate) fn text(state: &State, width: u16) -> Vec<Line<'static>> {
    let mut page = Page::new(width);
    let Some(review) = &state.review else {
        return page.lines;
    };
    match &review.phase {
        Phase::Planning => {}
        Phase::Failed(reason) => page.text(0, reason, state.theme.warn),
        Phase::Ready(plan) => whole(state, review, plan, &mut page),
        Phase::Applying { plan, lines } => {
            page.text(0, &plan.summary, state.theme.text);
            progress(state, lines, &mut page);
        }
        Phase::Done { plan, lines, result } => {
            page.text(0, &plan.summary, state.theme.text);
            ended(state, review, (plan, result), &mut page);
            progress(state, lines, &mut page);
        }
    }
    page.lines
}

/// What happens to whom and what speaks against it come first; what it changes, and by which calls, after it.
fn whole(state: &State, review: &Review, plan: &Plan, page: &mut Page) {
    let theme = &state.theme;
    page.text(0, &plan.summary, theme.heading);
    if let Some(became) = &review.proposed_now {
        let words = format!("since it was proposed it has become another: {became}");
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
            let key = state.keymap.key(Context::Review, Command::WholeDiff);
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

/// Who confirmed something last, or was stopped by a guard, from this console or another one: two responders must not undo each other's work.
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
    page.hanging("LAST", state.theme.heading, GUTTER, &words, state.theme.text);
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
        .map_or_else(String::new, |most| format!(", then at most {:.0} %", most * 100.0));
    let now = match condition.served.value() {
        Some(_) => format!("{} of customers now", condition.share_word()),
        None => "not known now".to_owned(),
    };
    let words = format!("{now}{then}; {}", condition.word());
    page.hanging("SERVED", state.theme.heading, GUTTER, &words, state.theme.text);
}

/// Whom it hits, then what stops it or has to be read, then how many guards pass; all of them where they are asked for.
fn guards(state: &State, review: &Review, plan: &Plan, page: &mut Page) {
    let theme = &state.theme;
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
        let key = state.keymap.key(Context::Review, Command::AllGuards);
        let words = format!("{}; {key} lists every guard with what it rests on", count(passing.len(), "guard"));
        page.hanging("pass", theme.good, GUTTER, &words, theme.faint);
    }
}

fn diff(state: &State, review: &Review, change: &Change, page: &mut Page) {
    let theme = &state.theme;
    page.hanging("CHANGE", theme.heading, GUTTER, &change.headline(), theme.text);
    let most = if review.whole_diff { MOST_ENTRIES } else { FIRST_ENTRIES };
    for (sign, entries, style) in [('-', &change.removed, theme.removed), ('+', &change.added, theme.added)] {
        let cells: Vec<String> =
            entries.iter().take(most).map(|e| format!("{sign} {}", crate::model::text::neutralised(e))).collect();
        if !cells.is_empty() {
            page.columns(GUTTER, &cells, style);
        }
        if entries.len() > most {
            let key = state.keymap.key(Context::Review, Command::WholeDiff);
            let all = if review.whole_diff { String::new() } else { format!("; {key} shows them") };
            page.text(GUTTER, &format!("{sign} and {} more{all}", entries.len() - most), style);
        }
    }
}

fn one_guard(state: &State, guard: &GuardResult, whole: bool, page: &mut Page) {
    let theme = &state.theme;
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
        let key = state.keymap.key(Context::Review, Command::AllGuards);
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
    page.hanging("EXPIRES", state.theme.heading, GUTTER, &words, state.theme.text);
    if let Some(reason) = &plan.action.terms().reason {
        page.hanging("REASON", state.theme.heading, GUTTER, reason, state.theme.text);
    }
}

fn progress(state: &State, lines: &[String], page: &mut Page) {
    if lines.is_empty() {
        return;
    }
    page.gap();
    for (n, line) in lines.iter().enumerate() {
        page.hanging(&format!("{}.", n + 1), state.theme.faint, 4, line, state.theme.text);
    }
}

fn ended(state: &State, review: &Review, (plan, result): (&Plan, &Result<Box<Finished>, String>), page: &mut Page) {
    let theme = &state.theme;
    if let Some(row) = state.fleet.row(&StageAt { at: review.at, stage: plan.stage.clone() }) {
        super::strip::stands(state, row, page);
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
    let words = format!("{} {}{far}", done.action_id, outcome_words(done.outcome));
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
        page.hanging("WATCH", theme.heading, GUTTER, what_moves(&plan.action), theme.text);
        if let Some(life) = plan.lifetime() {
            page.hanging("EXPIRES", theme.heading, GUTTER, &format!("in {}", minutes(life)), theme.text);
        }
    }
}

fn outcome_style(state: &State, outcome: Outcome) -> Style {
    match outcome {
        Outcome::Done => state.theme.good,
        Outcome::NothingToChange | Outcome::NotDone => state.theme.text,
        Outcome::NotVerified => state.theme.warn,
        Outcome::Partly | Outcome::NotKnown => state.theme.bad,
    }
}

/// What must move once an action works.
fn what_moves(action: &Action) -> &'static str {
    match action {
        Action::BlockIp(_) => {
            "WAF blocked goes up and allowed goes down; then latency and 5XX come down. 4XX does not fall: what is blocked still counts as 403 (inferred)."
        }
        Action::Throttle(_) => {
            "Less reaches the backend: latency and 5XX come down. 4XX goes up: what is turned away is answered 429, and counts in it."
        }
        Action::AllowIp(_) => {
            "WAF allowed goes up and blocked goes down, by what the ones let in send; customers served goes up. Watch that 5XX does not."
        }
        Action::FlushCache(_) => {
            "Cache hits fall to nothing and come back as it warms; meanwhile the backend gets it all. Watch 5XX."
        }
        Action::KillSwitch(switch) if switch.prove_on.is_some() => {
            "Nothing stays changed. With the proof, the stage itself can be closed within 30 minutes."
        }
        Action::Close(_) | Action::KillSwitch(_) => {
            "Next to nothing reaches the backend any more. 4XX goes up: everybody turned away is answered 403 or 429, and counts in it."
        }
        Action::PrepareClosedWebAcl(_) => "Nothing: it stands before no stage until one is closed with it.",
    }
}
