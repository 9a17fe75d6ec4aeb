//! A plan from asked for to done. The only place that can ask for a plan to be carried out.

use ipnet::IpNet;

use crate::model::action::{Action, BlockIp, KillSwitch, Terms};
use crate::model::address::Target;
use crate::model::connection::{ConnectionId, StageAt};
use crate::model::plan::{Finished, Outcome, Plan};
use crate::model::proposal::{Proposals, ProposedStep};
use crate::model::stage::{StageId, StageSelector};

use crate::tui::available::confirmable;
use crate::tui::effect::{Ask, Effect};
use crate::tui::list::Scroll;
use crate::tui::state::{Phase, Review, Screen, State, Status, Subject};

use super::{Effects, screens};

/// How many lines of progress are kept on the screen; the journal has them all.
const PROGRESS_LINES: usize = 500;

/// Plans to block `targets` on the stage whose sources are shown.
pub(crate) fn block(state: &mut State, targets: &[IpNet], expires_after_seconds: Option<u64>, effects: &mut Effects) {
    let Some(StageAt { at, stage }) = state.sources.stage.clone() else {
        return;
    };
    let action = Action::BlockIp(BlockIp {
        // By id: a name may fit two APIs, and the row that was selected was one of them.
        stage: StageSelector { profile: None, region: None, api: stage.api_id.clone(), stage: stage.stage.clone() },
        targets: targets.iter().map(|net| Target { net: *net, masked_from: None }).collect(),
        ip_sets: Vec::new(),
        terms: Terms { expires_after_seconds, ..Terms::default() },
    });
    ask(state, at, Subject::Action(action), effects);
}

/// Asks a connection for a plan and shows it.
pub(crate) fn ask(state: &mut State, at: ConnectionId, subject: Subject, effects: &mut Effects) {
    let request = state.asked.request();
    let asked = match subject.clone() {
        Subject::Action(action) => Ask::Plan { request, action },
        Subject::Undo { action_id, terms } => Ask::PlanUndo { request, action_id, terms },
        Subject::Step { step, terms } => Ask::PlanStep { request, step, terms },
    };
    effects.push(Effect::To(at, asked));
    state.review = Some(Review {
        at,
        request,
        subject,
        phase: Phase::Planning,
        scroll: Scroll::default(),
        proposed: None,
        proposed_now: None,
        all_guards: false,
        whole_diff: false,
    });
    screens::go(state, Screen::Review);
}

/// Plans the same again.
pub(crate) fn replan(state: &mut State, effects: &mut Effects) {
    if let Some(review) = &state.review {
        let (at, subject) = (review.at, review.subject.clone());
        again(state, at, subject, effects);
    }
}

/// Plans anew what is under review; what it was proposed as, and what that has become since, stays known.
fn again(state: &mut State, at: ConnectionId, subject: Subject, effects: &mut Effects) {
    let known = state.review.as_ref().map(|review| (review.proposed.clone(), review.proposed_now.clone()));
    ask(state, at, subject, effects);
    if let (Some(review), Some((proposed, now))) = (&mut state.review, known) {
        (review.proposed, review.proposed_now) = (proposed, now);
    }
}

/// Notes what was proposed and led to the plan that was just asked for.
pub(crate) fn was_proposed(state: &mut State, proposed: Option<ProposedStep>) {
    if let Some(review) = &mut state.review {
        review.proposed = proposed;
    }
}

/// What would help was read anew: where the step under review has become another one (40 addresses are 43 now), that is
/// to be said before it is confirmed.
pub(crate) fn proposed_anew(state: &mut State, stage: &StageAt, found: &Proposals) {
    let Some(review) = state.review.as_mut().filter(|review| review.at == stage.at) else { return };
    let is_its = match &review.phase {
        Phase::Ready(plan) => plan.stage.is_same(&stage.stage),
        Phase::Planning => {
            matches!(&review.subject, Subject::Action(action) if stage.stage.is_named_by(action.stage()))
        }
        _ => false,
    };
    let Some(before) = review.proposed.as_ref().filter(|_| is_its) else { return };
    // There may be several to take back; of everything else there is one of a kind.
    let is_it = |step: &&ProposedStep| step.kind == before.kind && step.action_id == before.action_id;
    let now = found.proposals.iter().find(is_it);
    review.proposed_now = match now {
        Some(step) if before.is_same(step) => None,
        Some(step) => Some(before.become_words(step)),
        None => Some(format!("{} → nothing of its kind", before.what)),
    };
}

/// Lists every guard, or only what has to be read.
pub(crate) fn turn_guards(state: &mut State) {
    if let Some(review) = &mut state.review {
        review.all_guards = !review.all_guards;
    }
}

/// Shows the diff whole, or its first entries.
pub(crate) fn turn_diff(state: &mut State) {
    if let Some(review) = &mut state.review {
        review.whole_diff = !review.whole_diff;
    }
}

/// Plans the same again with these guards overridden.
pub(crate) fn replan_with(state: &mut State, guards: &[String], reason: String, effects: &mut Effects) {
    let Some(review) = &state.review else { return };
    let (at, mut subject) = (review.at, review.subject.clone());
    let terms = subject.terms_mut();
    for guard in guards {
        if !terms.overrides.contains(guard) {
            terms.overrides.push(guard.clone());
        }
    }
    terms.reason = Some(reason);
    again(state, at, subject, effects);
}

/// The answer to a request for a plan; one that was left, or that another connection was asked for, is dropped.
pub(crate) fn planned(state: &mut State, at: ConnectionId, request: u64, result: Result<Box<Plan>, String>) {
    let whose = state.fleet.get(at).board.as_ref().and_then(|board| board.identity.as_ref()).map(|id| id.at.clone());
    let Some(review) = &mut state.review else {
        return;
    };
    if review.at != at || review.request != request || !matches!(review.phase, Phase::Planning) {
        return;
    }
    state.due.changed = true;
    review.scroll = Scroll::default();
    review.phase = match result {
        // It cannot be, and must not be: then nobody is asked to confirm it.
        Ok(plan) if whose.is_some_and(|whose| whose != plan.identity.at) => {
            Phase::Failed(format!("the plan is for {}, which is not the account on the screen", plan.identity.label()))
        }
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
    if let Some(review) = &mut state.review {
        let asked = match &review.subject {
            Subject::Step { step, .. } => Ask::ApplyStep { plan: plan.clone(), phrase, step: step.clone() },
            _ => Ask::Apply { plan: plan.clone(), phrase },
        };
        effects.push(Effect::To(review.at, asked));
        review.scroll = Scroll::default();
        review.phase = Phase::Applying { plan, lines: Vec::new() };
    }
}

/// A line about the change that is being made, or about its effect afterwards.
pub(crate) fn progressed(state: &mut State, at: ConnectionId, line: String) {
    let own = state.review.as_ref().is_some_and(|review| review.at == at);
    if state.screen() != Screen::Review || !own {
        state.say(named(state, at, &line));
    }
    if let Some(Review { phase: Phase::Applying { lines, .. } | Phase::Done { lines, .. }, .. }) = &mut state.review
        && own
        && lines.len() < PROGRESS_LINES
    {
        lines.push(line);
    }
    state.due.changed = true;
}

/// A line with the connection's name before it, where there are several.
fn named(state: &State, at: ConnectionId, line: &str) -> String {
    if state.fleet.several() { format!("{}: {line}", state.fleet.name(at)) } else { line.to_owned() }
}

/// The change that was being made has ended.
pub(crate) fn finished(state: &mut State, at: ConnectionId, result: Result<Box<Finished>, String>) {
    let own = state.review.as_ref().is_some_and(|review| review.at == at);
    if state.screen() != Screen::Review || !own {
        let (bad, line) = match &result {
            Ok(done) => (false, format!("{}: {}", done.action_id, done.outcome.words())),
            Err(reason) => (true, format!("not carried out: {reason}")),
        };
        state.status = Some(Status { text: named(state, at, &line), bad });
        state.due.changed = true;
    }
    if !own {
        return;
    }
    let applied = match (state.review.as_ref().map(|review| &review.phase), &result) {
        (Some(Phase::Applying { plan, .. }), Ok(done)) => Some((plan.clone(), done.clone())),
        _ => None,
    };
    if let Some((plan, done)) = applied {
        proven(state, at, &plan, &done);
    }
    if let Some(review) = state.review.take() {
        let phase = match review.phase {
            Phase::Applying { plan, lines } => Phase::Done { plan, lines, result },
            other => other,
        };
        state.review = Some(Review { phase, ..review });
    }
    state.keys.quit_warned = false;
    state.due.changed = true;
    screens::drop_if_left(state);
}

/// Keeps what was proven for the next prompt.
fn proven(state: &mut State, at: ConnectionId, plan: &Plan, done: &Finished) {
    let Action::KillSwitch(KillSwitch { prove_on: Some(_), allow, stage, .. }) = &plan.action else { return };
    if done.outcome == Outcome::Done {
        let of = StageAt { at, stage: StageId { stage: stage.stage.clone(), ..plan.stage.clone() } };
        let allow = allow.iter().map(|target| target.net.to_string()).collect::<Vec<_>>().join(" ");
        state.typing.proven = Some((of, allow));
    }
}
