//! A plan under review: whether it may go on, its text, and the way on from here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::board::StageRow;
use crate::model::connection::StageAt;
use crate::model::plan::{Finished, GuardResult, Outcome, Plan, Purpose, Verdict};
use crate::tui::available::{confirmable, overridable};
use crate::tui::command::{Command, Context};
use crate::tui::format::{counted, time};
use crate::tui::lines::review::{outcome_style, seen_working};
use crate::tui::lines::{self, layout};
use crate::tui::state::{Phase, Review, State, Subject};

use super::draw;

/// Draws it.
pub(crate) fn draw(state: &State, body: Rect, buffer: &mut Buffer) {
    let Some(review) = &state.review else {
        draw::left(buffer, body, "There is no plan.", state.looks.theme.text);
        return;
    };
    let (head, area, foot) = layout::review(body);
    let text = lines::review::text(state, area.width);
    let shown = usize::from(area.height);
    let first = review.scroll.0.min(text.len().saturating_sub(shown));
    let title = title(state, review);
    let used = draw::left(buffer, draw::row(head, 0), &title, state.looks.theme.heading);
    if text.len() > shown {
        let place = format!("lines {}–{} of {}", first + 1, (first + shown).min(text.len()), text.len());
        let rest = draw::after(draw::row(head, 0), used + 2);
        draw::right(buffer, rest, &place, state.looks.theme.faint);
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
    let theme = &state.looks.theme;
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
        return format!("ENDED: {}", done.outcome.words());
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

fn guards_in_words(state: &State, plan: &Plan) -> (String, Style) {
    let theme = &state.looks.theme;
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
    .map(|(number, before, what, after)| format!("{before} {}{after}", counted(number, what)).trim_start().to_owned())
    .collect();
    if words.is_empty() {
        return ("every guard passes".into(), theme.good);
    }
    let halted = plan.halting().next().is_some();
    (words.join("; "), if halted { theme.bad } else { theme.warn })
}

/// The last line: the way on from here.
fn foot_words(state: &State, review: &Review) -> (String, Style) {
    let theme = &state.looks.theme;
    if state.typing.prompt.is_some() {
        return (String::new(), theme.text);
    }
    let key = |command| state.keys.key(Context::Review, command);
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
