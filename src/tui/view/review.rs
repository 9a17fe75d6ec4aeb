//! A plan under review: what would change, what the guards say, which calls are made, how it is taken back; then what is
//! being done, and how it ended.

use std::fmt::Write as _;

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
use crate::tui::format::{duration, minutes, time};
use crate::tui::state::{Phase, Review, State, Subject};
use crate::tui::update::outcome_words;

use super::page::Page;
use super::{draw, layout};

/// Columns of the labels on the left.
const GUTTER: usize = 9;
/// The most entries listed of one change; the journal has them all.
const MOST_ENTRIES: usize = 400;

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
            Ok(done) => (format!("ENDED: {}", outcome_words(done.outcome)), outcome_style(state, done.outcome)),
            Err(_) => ("ENDED with an error; see below what is known".into(), theme.bad),
        },
        Phase::Ready(plan) => guards_in_words(state, plan),
    }
}

fn guards_in_words(state: &State, plan: &Plan) -> (String, Style) {
    let theme = &state.theme;
    let ids = |wanted: &dyn Fn(&GuardResult) -> bool| {
        let ids: Vec<&str> = plan.guards.iter().filter(|g| wanted(g)).map(|g| g.id.as_str()).collect();
        ids.join(", ")
    };
    let stopped = ids(&|g| g.halts() && g.verdict == Verdict::Stop);
    let unknown = ids(&|g| g.halts() && g.verdict == Verdict::Unknown);
    let warned = ids(&|g| g.verdict == Verdict::Warn);
    let lifted = ids(&|g| g.overridden);
    let words: Vec<String> =
        [("STOPPED by", stopped), ("NOT KNOWN", unknown), ("OVERRIDDEN", lifted), ("READ FIRST", warned)]
            .into_iter()
            .filter(|(_, ids)| !ids.is_empty())
            .map(|(word, ids)| format!("{word} {ids}"))
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
                (format!("{}, then type  {}  to carry it out", key(Command::Confirm), plan.phrase()), theme.heading)
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
        Phase::Failed(_) => (format!("{} plans again", key(Command::Replan)), theme.text),
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
        Phase::Ready(plan) => whole(state, plan, &mut page),
        Phase::Applying { plan, lines } => {
            page.text(0, &plan.summary, state.theme.text);
            progress(state, lines, &mut page);
        }
        Phase::Done { plan, lines, result } => {
            page.text(0, &plan.summary, state.theme.text);
            ended(state, plan, result, &mut page);
            progress(state, lines, &mut page);
        }
    }
    page.lines
}

fn whole(state: &State, plan: &Plan, page: &mut Page) {
    let theme = &state.theme;
    page.text(0, &plan.summary, theme.text);
    for change in &plan.changes {
        diff(state, change, page);
    }
    if plan.is_empty() {
        page.hanging("CHANGES", theme.heading, GUTTER, "none: there is nothing to change", theme.text);
    }
    page.gap();
    for guard in &plan.guards {
        one_guard(state, guard, page);
    }
    page.gap();
    expiry(state, plan, page);
    page.hanging("UNDO", theme.heading, GUTTER, &plan.undo, theme.text);
    for note in &plan.notes {
        page.hanging("NOTE", theme.heading, GUTTER, note, theme.text);
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

fn diff(state: &State, change: &Change, page: &mut Page) {
    let theme = &state.theme;
    page.hanging("CHANGE", theme.heading, GUTTER, &change.headline(), theme.text);
    for (sign, entries, style) in [('-', &change.removed, theme.removed), ('+', &change.added, theme.added)] {
        let cells: Vec<String> = entries
            .iter()
            .take(MOST_ENTRIES)
            .map(|e| format!("{sign} {}", crate::model::text::neutralised(e)))
            .collect();
        if !cells.is_empty() {
            page.columns(GUTTER, &cells, style);
        }
        if entries.len() > MOST_ENTRIES {
            let more = format!("{sign} and {} more", entries.len() - MOST_ENTRIES);
            page.text(GUTTER, &more, style);
        }
    }
}

fn one_guard(state: &State, guard: &GuardResult, page: &mut Page) {
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
    let words = format!("{}{fate}: {}", guard.id, guard.reason);
    page.hanging(word, style, GUTTER, &words, theme.text);
    for line in &guard.evidence {
        page.hanging("", style, GUTTER + 2, line, theme.faint);
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

fn ended(state: &State, plan: &Plan, result: &Result<Box<Finished>, String>, page: &mut Page) {
    let theme = &state.theme;
    page.gap();
    let done = match result {
        Ok(done) => done,
        Err(reason) => {
            page.hanging("ERROR", theme.bad, GUTTER, reason, theme.text);
            return;
        }
    };
    let far = match done.effect {
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
