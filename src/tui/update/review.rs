//! A plan from asked for to done. The only place that can ask for a plan to be carried out.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::action::{Action, BlockIp, Terms};
use crate::model::address::Target;
use crate::model::plan::{Finished, Outcome, Plan};
use crate::model::stage::StageSelector;

use crate::tui::available::confirmable;
use crate::tui::effect::Effect;
use crate::tui::list::Scroll;
use crate::tui::state::{Phase, Review, Screen, State, Subject};

use super::{Effects, keys};

/// How many lines of progress are kept on the screen; the journal has them all.
const PROGRESS_LINES: usize = 500;

/// Plans to block `targets` on the stage whose sources are shown.
pub(crate) fn block(state: &mut State, targets: &[IpAddr], expires_after_seconds: Option<u64>, effects: &mut Effects) {
    let Some(stage) = &state.sources.stage else {
        return;
    };
    let action = Action::BlockIp(BlockIp {
        // By id: a name may fit two APIs, and the row that was selected was one of them.
        stage: StageSelector { profile: None, region: None, api: stage.api_id.clone(), stage: stage.stage.clone() },
        targets: targets
            .iter()
            .map(|address| Target { net: IpNet::from(address.to_canonical()), masked_from: None })
            .collect(),
        ip_sets: Vec::new(),
        terms: Terms { expires_after_seconds, ..Terms::default() },
    });
    ask(state, Subject::Action(action), effects);
}

/// Asks for a plan and shows it.
pub(crate) fn ask(state: &mut State, subject: Subject, effects: &mut Effects) {
    state.requests += 1;
    let request = state.requests;
    effects.push(match subject.clone() {
        Subject::Action(action) => Effect::Plan { request, action },
        Subject::Undo { action_id, terms } => Effect::PlanUndo { request, action_id, terms },
        Subject::Step { step, terms } => Effect::PlanStep { request, step, terms },
    });
    state.review = Some(Review { request, subject, phase: Phase::Planning, scroll: Scroll::default() });
    keys::go(state, Screen::Review);
}

/// Plans the same again.
pub(crate) fn replan(state: &mut State, effects: &mut Effects) {
    if let Some(review) = &state.review {
        let subject = review.subject.clone();
        ask(state, subject, effects);
    }
}

/// Plans the same again with these guards overridden.
pub(crate) fn replan_with(state: &mut State, guards: &[String], reason: String, effects: &mut Effects) {
    let Some(review) = &state.review else { return };
    let mut subject = review.subject.clone();
    let terms = subject.terms_mut();
    for guard in guards {
        if !terms.overrides.contains(guard) {
            terms.overrides.push(guard.clone());
        }
    }
    terms.reason = Some(reason);
    ask(state, subject, effects);
}

/// The answer to a request for a plan; one that was left is dropped.
pub(crate) fn planned(state: &mut State, request: u64, result: Result<Box<Plan>, String>) {
    let Some(review) = &mut state.review else {
        return;
    };
    if review.request != request || !matches!(review.phase, Phase::Planning) {
        return;
    }
    state.changed = true;
    review.scroll = Scroll::default();
    review.phase = match result {
        Ok(plan) => Phase::Ready(plan),
        Err(reason) => Phase::Failed(reason),
    };
}

/// Asks for the plan on the screen to be carried out, its phrase having been typed.
///
/// Checks again what the prompt has checked: this is the last line before an effect that changes the account.
pub(crate) fn apply(state: &mut State, phrase: String, effects: &mut Effects) {
    let Some(plan) = state.ready_plan() else {
        return;
    };
    if confirmable(state, plan).is_err() || phrase != plan.phrase() {
        return;
    }
    let plan = Box::new(plan.clone());
    effects.push(match state.review.as_ref().map(|review| &review.subject) {
        Some(Subject::Step { step, .. }) => Effect::ApplyStep { plan: plan.clone(), phrase, step: step.clone() },
        _ => Effect::Apply { plan: plan.clone(), phrase },
    });
    if let Some(review) = &mut state.review {
        review.scroll = Scroll::default();
        review.phase = Phase::Applying { plan, lines: Vec::new() };
    }
}

/// A line about the change that is being made, or about its effect afterwards.
pub(crate) fn progressed(state: &mut State, line: String) {
    if state.screen() != Screen::Review {
        state.say(line.clone());
    }
    if let Some(Review { phase: Phase::Applying { lines, .. } | Phase::Done { lines, .. }, .. }) = &mut state.review
        && lines.len() < PROGRESS_LINES
    {
        lines.push(line);
    }
    state.changed = true;
}

/// The change that was being made has ended.
pub(crate) fn finished(state: &mut State, result: Result<Box<Finished>, String>) {
    if state.screen() != Screen::Review {
        match &result {
            Ok(done) => state.say(format!("{}: {}", done.action_id, outcome_words(done.outcome))),
            Err(reason) => state.complain(format!("not carried out: {reason}")),
        }
    }
    let applied = match (state.review.as_ref().map(|review| &review.phase), &result) {
        (Some(Phase::Applying { plan, .. }), Ok(done)) => Some((plan.clone(), done.clone())),
        _ => None,
    };
    if let Some((plan, done)) = applied {
        super::stage::proven(state, &plan, &done);
    }
    if let Some(review) = state.review.take() {
        let phase = match review.phase {
            Phase::Applying { plan, lines } => Phase::Done { plan, lines, result },
            other => other,
        };
        state.review = Some(Review { phase, ..review });
    }
    state.quit_warned = false;
    state.changed = true;
    drop_if_left(state);
}

/// A review that is no longer open is given up, and its answer will be dropped; a change that is being made goes on.
pub(crate) fn drop_if_left(state: &mut State) {
    if !state.screens.contains(&Screen::Review) && !state.is_applying() {
        state.review = None;
    }
}

/// How carrying out a plan ended, in words.
pub(crate) fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done and read back",
        Outcome::NothingToChange => "nothing to change",
        Outcome::NotDone => "not done; nothing was changed",
        Outcome::NotVerified => "done, but reading back did not show it",
        Outcome::Partly => "PARTLY done; some changes were made and others not",
        Outcome::NotKnown => "NOT KNOWN whether it was done; AWS did not say",
    }
}
