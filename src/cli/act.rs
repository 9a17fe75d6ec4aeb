//! `plan`, `apply`, `undo`.

use super::args::{ApplyArgs, Common, Confirmation, PlanArgs, UndoArgs, Wanted};
use super::error::{Exit, Failure};
use super::interrupt;
use super::json::{Printer, plan_shape};
use super::ladder;
use super::out;
use super::plans;
use super::session::Session;
use super::shape::act::{ActionDocument, ActionShape, PlanDocument};
use super::text;
use crate::incident::Incident;
use crate::incident::mark::Mark;
use crate::model::action::{Action, Terms};
use crate::model::plan::{Effect, Finished, Observation, Outcome, Plan};
use crate::model::playbook::StepState;
use crate::respond::desk::error::DeskError;
use crate::respond::desk::{Agreed, Desk, PATIENCE, Proposal, Wish};

/// `plan ACTION …`: exit 0 with nothing to change, 2 with changes pending, 3 stopped.
pub(super) async fn plan(common: &Common, args: PlanArgs, printer: Printer) -> Result<Exit, Failure> {
    let action = match args.action.into() {
        Wanted::Action(action) => action,
        Wanted::Ladder(asked) => return ladder::plan(common, &asked, printer).await,
    };
    let session = Session::open_for(common, action.stage()).await?;
    let proposal = session.desk.plan(&Wish::Action(action)).await?;
    let plan = proposal.plan();
    plans::keep(plan);
    if let Some(path) = &args.save {
        plans::save(plan, path)?;
    }
    show(plan, printer);
    Ok(standing(plan))
}

fn standing(plan: &Plan) -> Exit {
    if plan.halting().next().is_some() {
        Exit::Stopped
    } else if plan.is_empty() {
        Exit::Done
    } else {
        Exit::Pending
    }
}

fn show(plan: &Plan, printer: Printer) {
    if printer.is_json() {
        printer.object("plan", &PlanDocument { plan: plan_shape(plan) });
    } else {
        printer.text(&text::plan(plan));
    }
}

/// `apply ACTION …` and `apply FILE`.
pub(super) async fn apply(common: &Common, args: ApplyArgs, printer: Printer) -> Result<Exit, Failure> {
    let saved = args.file.as_deref().map(plans::load).transpose()?;
    let action: Action = match (&saved, args.action) {
        (_, Some(action)) => match action.into() {
            Wanted::Action(action) => action,
            Wanted::Ladder(asked) => return ladder::apply(common, &asked, printer).await,
        },
        (Some(plan), None) => plan.action.clone(),
        (None, None) => return Err(Failure::usage("name an action or a file written by `plan --save`")),
    };
    let session = Session::open_for(common, action.stage()).await?;
    printer.aside(&session.reconciled().await?);
    if let (Some(plan), Some(path)) = (&saved, &args.file) {
        printer.aside(&plans::overrides(plan, path));
    }
    let wish = Wish::Action(action);
    Ok(carry_out(&session, &wish, saved.as_ref(), &args.confirmation, None, printer).await?.exit)
}

/// `undo ACTION-ID`.
pub(super) async fn undo(common: &Common, args: UndoArgs, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::open(common).await?;
    printer.aside(&session.reconciled().await?);
    let terms = Terms { reason: args.reason, overrides: args.overrides, ..Terms::default() };
    let wish = Wish::Undo { action_id: args.action_id, terms };
    Ok(carry_out(&session, &wish, None, &args.confirmation, None, printer).await?.exit)
}

/// How carrying out ended, and the plan that it ended with.
pub(super) struct Carried {
    pub(super) exit: Exit,
    pub(super) plan: Plan,
    /// Whether a phrase was asked for, or used.
    pub(super) confirmed: bool,
}

/// Plans, shows, has it confirmed, and carries it out. `step` is the step of a playbook that it belongs to.
// Wide: what was asked for and saved, how it is confirmed, and how it is said.
pub(super) async fn carry_out(
    session: &Session,
    wish: &Wish,
    saved: Option<&Plan>,
    confirmation: &Confirmation,
    step: Option<&Mark<'_>>,
    printer: Printer,
) -> Result<Carried, Failure> {
    let desk = &session.desk;
    if step.is_none() && matches!(wish, Wish::Action(_)) {
        session.settle_incident(confirmation.confirm.is_none() && !printer.is_json()).await?;
    }
    let proposal = desk.plan(wish).await?;
    if let Some(saved) = saved {
        let same = Desk::unchanged(saved, proposal.plan(), "the saved plan is stale");
        same.map_err(|error| stale(error, proposal.plan(), printer))?;
    }
    let plan = proposal.plan().clone();
    if plan.halting().next().is_some() {
        show(&plan, printer);
        desk.refuse(&plan).await?;
        return Ok(Carried { exit: Exit::Stopped, plan, confirmed: false });
    }
    if plan.is_empty() && matches!(wish, Wish::Action(_)) {
        show(&plan, printer);
        if let Some(step) = step {
            step.ended(session.now(), StepState::Done, vec!["there was nothing to change".to_owned()])?;
        }
        return Ok(Carried { exit: Exit::Done, plan, confirmed: false });
    }
    let Some((phrase, proposal, shown)) = agreed(session, wish, proposal, saved, confirmation, printer).await? else {
        return Ok(Carried { exit: Exit::NotConfirmed, plan, confirmed: true });
    };
    let agreed = match Desk::agreed(proposal, &phrase, shown.as_ref()) {
        Ok(agreed) => agreed,
        Err(error) => return Err(stale(error, &plan, printer)),
    };
    carried_out(session, agreed, (confirmation.wait, step), printer).await
}

/// The phrase, from the flag or from the terminal, the plan it is for, and that plan as it was shown. After a person
/// has read and typed, the plan is made again: the account may have changed meanwhile.
// Wide: what was asked, what was planned and saved, and how it is confirmed and said.
async fn agreed(
    session: &Session,
    wish: &Wish,
    proposal: Proposal,
    saved: Option<&Plan>,
    confirmation: &Confirmation,
    printer: Printer,
) -> Result<Option<(String, Proposal, Option<Plan>)>, Failure> {
    if let Some(phrase) = &confirmation.confirm {
        let shown = saved.cloned().or_else(|| plans::shown_with(phrase, proposal.plan()));
        return Ok(Some((phrase.clone(), proposal, shown)));
    }
    let plan = proposal.plan().clone();
    plans::keep(&plan);
    show(&plan, printer);
    let asked = if printer.is_json() { None } else { asked(&plan)? };
    let Some(phrase) = asked else {
        let how = format!("not confirmed, nothing was changed. Repeat with --confirm \"{}\"", plan.phrase());
        printer.aside(&[how]);
        return Ok(None);
    };
    Ok(Some((phrase, session.desk.plan(wish).await?, Some(plan))))
}

/// A stale confirmation comes with what has changed since the plan it confirms, where that plan was kept; and with the
/// plan itself where a warning stands that nobody has seen.
fn stale(error: DeskError, plan: &Plan, printer: Printer) -> Failure {
    let now = error.plan_now().unwrap_or(plan);
    plans::keep(now);
    if matches!(error, DeskError::NotShown { .. }) && !printer.is_json() {
        show(now, printer);
    }
    Failure::from(error)
}

fn asked(plan: &Plan) -> Result<Option<String>, Failure> {
    if !out::can_ask() {
        return Ok(None);
    }
    let question = format!("\nType “{}” to confirm, anything else to cancel: ", plan.phrase());
    let typed = out::ask(&question)?.unwrap_or_default().trim().to_owned();
    Ok((!typed.is_empty()).then_some(typed))
}

async fn carried_out(
    session: &Session,
    agreed: Agreed,
    (wait, step): (bool, Option<&Mark<'_>>),
    printer: Printer,
) -> Result<Carried, Failure> {
    let mut progress = |line: &str| printer.aside(&[line.to_owned()]);
    out::changed();
    let held = interrupt::held();
    let carried = session.desk.carry_out(agreed, step, &mut progress).await;
    drop(held);
    let carried = carried?;
    if let (Some(error), Some(step)) = (&carried.step_unwritten, step) {
        printer.aside(&[format!("the end of step {} was not written: {error}", step.step.id)]);
    }
    let mut exit = Exit::from(carried.finished.outcome);
    let mut observed = None;
    if wait && !carried.plan.action.moves_traffic() {
        printer.aside(&["nothing to wait for: this moves no traffic".to_owned()]);
    }
    if wait && carried.finished.outcome == Outcome::Done && carried.plan.action.moves_traffic() {
        printer.aside(&["waiting for the effect to be observed".to_owned()]);
        // The change is made, whatever becomes of watching it.
        let seen = session.desk.observe(carried.place(), &carried.plan, session.now(), PATIENCE).await;
        let seen = seen.unwrap_or_else(|error| Observation { observed: false, evidence: vec![error.to_string()] });
        if !seen.observed {
            exit = Exit::NotVerified;
        }
        observed = Some(seen);
    }
    report(&carried.incident, &carried.plan, &carried.finished, observed.as_ref(), printer);
    Ok(Carried { exit, plan: carried.plan, confirmed: true })
}

fn report(incident: &Incident, plan: &Plan, finished: &Finished, observed: Option<&Observation>, printer: Printer) {
    if printer.is_json() {
        let action = ActionShape {
            id: finished.action_id.clone(),
            incident: incident.id().to_owned(),
            purpose: plan.purpose.clone(),
            outcome: finished.outcome,
            effect: observed.filter(|o| o.observed).map_or(finished.effect, |_| Some(Effect::Observed)),
            lines: finished.lines.clone(),
            observation: observed.cloned(),
        };
        printer.object("action", &ActionDocument { action });
        return;
    }
    printer.text(&text::finished(incident.id(), plan, finished, observed));
}
