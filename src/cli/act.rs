//! `plan`, `apply`, `undo`.

use chrono::TimeDelta;
use serde_json::json;

use super::args::{ApplyArgs, Asked, Common, Confirmation, PlanArgs, UndoArgs};
use super::error::{Exit, Failure};
use super::interrupt;
use super::json::{Printer, plan_value};
use super::ladder;
use super::out;
use super::plans;
use super::session::Session;
use super::text;
use crate::incident::{Event, Incident, Survey};
use crate::model::action::{Action, Terms};
use crate::model::plan::{Finished, Outcome, Plan};
use crate::model::playbook::StepState;
use crate::model::stage::StageSelector;
use crate::playbook::mark::Mark;
use crate::respond::claims;
use crate::respond::confirm::{ConfirmError, Confirmed};
use crate::respond::execute::execute;
use crate::respond::observe::{Observation, observe};
use crate::respond::plan::{PlanError, Planned, differences};
use crate::respond::{plan as planning, undo as undoing};

/// Account time that `--wait` waits for the effect.
const PATIENCE: TimeDelta = TimeDelta::minutes(6);

/// `plan ACTION …`: exit 0 with nothing to change, 2 with changes pending, 3 stopped.
pub(super) async fn plan(common: &Common, args: PlanArgs, printer: Printer) -> Result<Exit, Failure> {
    let action = match args.action.into() {
        Asked::Action(action) => action,
        Asked::Ladder(asked) => return ladder::plan(common, &asked, printer).await,
    };
    let session = Session::open_for(common, action.stage()).await?;
    let planned = planned(&session, &action).await?;
    plans::keep(&planned.plan);
    if let Some(path) = &args.save {
        plans::save(&planned.plan, path)?;
    }
    show(&planned.plan, printer);
    Ok(standing(&planned.plan))
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

async fn planned(session: &Session, action: &Action) -> Result<Planned, Failure> {
    let began = attack_began(session, action.stage())?;
    let Survey { actions, proofs, .. } = session.store.survey(&session.identity.at)?;
    let circumstances = planning::Circumstances { attack_began: began, proofs };
    let mut planned = planning::plan(&session.aws, &session.settings, action, circumstances).await?;
    planned.plan.notes.extend(claims::expiring(&planned.plan, &actions));
    Ok(planned)
}

/// When the attack on a stage began, as the journal knows it.
pub(super) fn attack_began(
    session: &Session,
    stage: &StageSelector,
) -> Result<Option<chrono::DateTime<chrono::Utc>>, Failure> {
    let Some(incident) = session.existing_incident()? else { return Ok(None) };
    let folded = incident.known()?;
    // A signal that nobody has ended for hours is one whose console went away, and WAF has no samples of so long ago.
    let oldest = session.now() - chrono::TimeDelta::hours(3);
    let on_stage = folded.standing().filter(|s| s.stage.is_named_by(stage) && s.since > oldest);
    Ok(on_stage.filter(|s| s.severity == crate::model::signal::Severity::Attack).map(|s| s.since).min())
}

fn show(plan: &Plan, printer: Printer) {
    if printer.is_json() {
        printer.object("plan", json!({ "plan": plan_value(plan) }));
    } else {
        printer.text(&text::plan(plan));
    }
}

/// What is to be carried out: an action, or the undo of one.
pub(super) enum Subject {
    Action(Action),
    Undo(String, Terms),
}

impl Subject {
    /// The plan from state read now, and for an undo the incident that the action belongs to.
    async fn planned(&self, session: &Session) -> Result<(Planned, Option<Incident>), Failure> {
        let (id, terms) = match self {
            Self::Action(action) => return Ok((planned(session, action).await?, None)),
            Self::Undo(id, terms) => (id, terms),
        };
        let survey = session.store.survey(&session.identity.at)?;
        let unreadable = survey.unreadable();
        let action = survey.action(id).map_err(|over| PlanError::no_action(id, over))?;
        let incident = session.store.by_id(&action.incident, &session.actor)?;
        let watch = incident.known()?.history(&action.id).map(|h| h.plan.watch.clone()).unwrap_or_default();
        let others = undoing::Others { actions: &survey.actions, unreadable: &unreadable };
        let planned = undoing::plan(&session.aws, action, others, &watch, terms).await?;
        Ok((planned, Some(incident)))
    }
}

/// `apply ACTION …` and `apply FILE`.
pub(super) async fn apply(common: &Common, args: ApplyArgs, printer: Printer) -> Result<Exit, Failure> {
    let saved = args.file.as_deref().map(plans::load).transpose()?;
    let action: Action = match (&saved, args.action) {
        (_, Some(action)) => match action.into() {
            Asked::Action(action) => action,
            Asked::Ladder(asked) => return ladder::apply(common, &asked, printer).await,
        },
        (Some(plan), None) => plan.action.clone(),
        (None, None) => return Err(Failure::usage("name an action or a file written by `plan --save`")),
    };
    let session = Session::open_for(common, action.stage()).await?;
    printer.aside(&session.reconciled().await?);
    if let (Some(plan), Some(path)) = (&saved, &args.file) {
        printer.aside(&plans::overrides(plan, path));
    }
    let subject = Subject::Action(action);
    Ok(carry_out(&session, &subject, saved.as_ref(), &args.confirmation, None, printer).await?.exit)
}

/// `undo ACTION-ID`.
pub(super) async fn undo(common: &Common, args: UndoArgs, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::open(common).await?;
    printer.aside(&session.reconciled().await?);
    let terms = Terms { expires_after_seconds: None, reason: args.reason, overrides: args.overrides };
    let subject = Subject::Undo(args.action_id, terms);
    Ok(carry_out(&session, &subject, None, &args.confirmation, None, printer).await?.exit)
}

/// How carrying out ended, and the plan that it ended with.
pub(super) struct Carried {
    pub(super) exit: Exit,
    pub(super) plan: Plan,
    /// Whether a phrase was asked for, or used.
    pub(super) confirmed: bool,
}

/// Plans, shows, has it confirmed, and carries it out. `step` is the step of a playbook that it belongs to.
pub(super) async fn carry_out(
    session: &Session,
    subject: &Subject,
    saved: Option<&Plan>,
    confirmation: &Confirmation,
    step: Option<&Mark<'_>>,
    printer: Printer,
) -> Result<Carried, Failure> {
    let (planned, of) = subject.planned(session).await?;
    if let Some(saved) = saved {
        unchanged(saved, &planned.plan, "the saved plan is stale")?;
    }
    if planned.plan.halting().next().is_some() {
        show(&planned.plan, printer);
        if let Some(incident) = session.existing_incident()? {
            let guards = planned.plan.halting().cloned().collect();
            incident.record(session.now(), &Event::Refused { summary: planned.plan.summary.clone(), guards })?;
        }
        return Ok(Carried { exit: Exit::Stopped, plan: planned.plan, confirmed: false });
    }
    if planned.plan.is_empty() && matches!(subject, Subject::Action(_)) {
        show(&planned.plan, printer);
        if let Some(step) = step {
            step.ended(session.now(), StepState::Done, vec!["there was nothing to change".to_owned()])?;
        }
        return Ok(Carried { exit: Exit::Done, plan: planned.plan, confirmed: false });
    }
    let plan = planned.plan.clone();
    let Some((phrase, planned)) = agreed(session, subject, planned, confirmation, printer).await? else {
        return Ok(Carried { exit: Exit::NotConfirmed, plan, confirmed: true });
    };
    let plan = planned.plan.clone();
    let confirmed = Confirmed::by_phrase(planned, &phrase).map_err(|error| stale(error, &phrase, &plan))?;
    let incident = match (of, step) {
        (Some(incident), _) => incident,
        (None, Some(step)) => step.incident.clone(),
        (None, None) => session.incident(&format!("{} on {}", plan.action.name(), plan.stage.label()))?,
    };
    if let Some(step) = step {
        step.confirmed(session.now(), &plan)?;
    }
    let exit = carried_out(session, &incident, &plan, confirmed, (confirmation.wait, step), printer).await?;
    Ok(Carried { exit, plan, confirmed: true })
}

/// Refuses where the plan is not the one that was shown, and says what has changed.
fn unchanged(shown: &Plan, now: &Plan, what: &str) -> Result<(), Failure> {
    if shown.digest == now.digest {
        return Ok(());
    }
    plans::keep(now);
    let message = format!("{what}; the plan as it is now is confirmed by “{}”", now.phrase());
    Err(Failure { detail: differences(shown, now), ..Failure::new(Exit::NotConfirmed, message) })
}

/// The phrase, from the flag or from the terminal, and the plan it is for. After a person has read and typed, the plan is made
/// again and compared: the account may have changed meanwhile.
async fn agreed(
    session: &Session,
    subject: &Subject,
    planned: Planned,
    confirmation: &Confirmation,
    printer: Printer,
) -> Result<Option<(String, Planned)>, Failure> {
    if let Some(phrase) = &confirmation.confirm {
        return Ok(Some((phrase.clone(), planned)));
    }
    plans::keep(&planned.plan);
    show(&planned.plan, printer);
    let asked = if printer.is_json() { None } else { asked(&planned.plan)? };
    let Some(phrase) = asked else {
        let how = format!("not confirmed, nothing was changed. Repeat with --confirm \"{}\"", planned.plan.phrase());
        printer.aside(&[how]);
        return Ok(None);
    };
    let (now, _) = subject.planned(session).await?;
    unchanged(&planned.plan, &now.plan, "the plan has changed while you read it, so nothing was done")?;
    Ok(Some((phrase, now)))
}

/// A stale phrase comes with what has changed since the plan it confirms, where that plan was kept.
fn stale(error: ConfirmError, phrase: &str, now: &Plan) -> Failure {
    let is_stale = matches!(error, ConfirmError::Stale { .. });
    let mut failure = Failure::from(error);
    if is_stale {
        plans::keep(now);
        failure.detail = match plans::shown_with(phrase) {
            Some(shown) => differences(&shown, now),
            None => {
                vec!["the plan of that phrase was not shown on this machine, so what differs is not known".to_owned()]
            }
        };
    }
    failure
}

fn asked(plan: &Plan) -> Result<Option<String>, Failure> {
    if !out::can_ask() {
        return Ok(None);
    }
    let question = format!("\nType “{}” to confirm, anything else to leave it: ", plan.phrase());
    let typed = out::ask(&question)?.unwrap_or_default().trim().to_owned();
    Ok((!typed.is_empty()).then_some(typed))
}

async fn carried_out(
    session: &Session,
    incident: &Incident,
    plan: &Plan,
    confirmed: Confirmed,
    (wait, step): (bool, Option<&Mark<'_>>),
    printer: Printer,
) -> Result<Exit, Failure> {
    let mut progress = |line: &str| printer.aside(&[line.to_owned()]);
    out::changed();
    let held = interrupt::held();
    let finished = execute(&session.aws, incident, confirmed, &mut progress).await;
    drop(held);
    let finished = finished?;
    if let Some(step) = step {
        // The change is made, whatever becomes of the line: the step's end follows from the action's as well.
        if let Err(error) = step.carried_out(session.now(), &finished) {
            printer.aside(&[format!("the end of step {} was not written: {error}", step.step.id)]);
        }
    }
    let mut exit = Exit::from(finished.outcome);
    let mut observed = None;
    if wait && !plan.action.moves_traffic() {
        printer.aside(&["nothing to wait for: no traffic goes another way by this".to_owned()]);
    }
    if wait && finished.outcome == Outcome::Done && plan.action.moves_traffic() {
        printer.aside(&["waiting for the effect to be observed".to_owned()]);
        // The change is made, whatever becomes of watching it.
        let seen = observe(&session.aws, incident, &finished.run_id, plan, session.now(), PATIENCE).await;
        let seen = seen.unwrap_or_else(|error| Observation { observed: false, evidence: vec![error.to_string()] });
        if !seen.observed {
            exit = Exit::NotVerified;
        }
        observed = Some(seen);
    }
    report(incident, plan, &finished, observed.as_ref(), printer);
    Ok(exit)
}

fn report(incident: &Incident, plan: &Plan, finished: &Finished, observed: Option<&Observation>, printer: Printer) {
    if printer.is_json() {
        let value = json!({
            "id": finished.action_id,
            "incident": incident.id(),
            "purpose": plan.purpose,
            "outcome": finished.outcome,
            "effect": observed.filter(|o| o.observed).map_or(json!(finished.effect), |_| json!("observed")),
            "lines": finished.lines,
            "observation": observed.map(|o| json!({"observed": o.observed, "evidence": o.evidence})),
        });
        printer.object("action", json!({ "action": value }));
        return;
    }
    printer.text(&text::finished(incident.id(), plan, finished, observed));
}
