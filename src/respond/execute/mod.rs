//! Carrying out a confirmed plan: intent, calls with merge on conflict, reading back, outcome, all in the journal.

pub(super) mod back;
mod commit;
mod ended;
mod engine;
mod entries;
mod kill_switch;
mod point;
mod proof;
mod settle;
mod snapshot;
mod step;
mod tries;
mod values;

use std::sync::Arc;

use thiserror::Error;

use super::assigned;
use super::confirm::Confirmed;
use super::running;
use crate::aws::Aws;
use crate::incident::{CallPhase, Event, Incident, IncidentError};
use crate::journal::Ticket;
use crate::model::plan::{Change, Effect, Finished, Outcome, Plan, Purpose};
use crate::model::waf::IpSet;
use ended::{Ended, Step, outcome_of};
use tries::{Manner, Reading, Tries};

/// Why nothing was even begun.
#[derive(Debug, Error)]
pub enum ExecuteError {
    /// The intent could not be written: no ticket, so nothing was changed.
    #[error("the journal could not be written, so nothing was changed: {0}")]
    Journal(#[from] IncidentError),
    /// The incident's folder could not be locked.
    #[error("the incident's folder could not be locked, so nothing was changed: {0}")]
    Lock(#[from] std::io::Error),
}

/// Carries out a confirmed plan. `progress` is told every step, in words.
pub async fn execute(
    aws: &Aws,
    incident: &Incident,
    confirmed: Confirmed,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Finished, ExecuteError> {
    let planned = confirmed.0;
    // Held until the outcome is written, and taken before the intent is: nobody may take us for dead in between.
    let _at_work = running::at_work(incident.path()).await?;
    let aws = &aws.for_one_change();
    let (action_id, ticket) = incident.record_intent(aws.clock().now(), &planned.plan)?;
    progress("intent written to the journal");
    let mut run = Run::new(aws, incident, (action_id, Arc::new(ticket)), progress);
    // On the heap: whoever waits for a change would otherwise hold what all its calls need.
    let outcome = match &planned.recipe {
        Some(recipe) => Box::pin(run.by_recipe(recipe)).await,
        None => Box::pin(run.all(&planned.plan, &planned.sets)).await,
    };
    let (sent, ticket) = (run.sent.clone(), Arc::clone(&run.ticket));
    let finished = run.finished(outcome, &planned.plan);
    let commits = planned.plan.purpose == Purpose::Apply && planned.plan.action.commit_within().is_some();
    let lasting = planned.plan.changes.iter().filter(|change| !change.edit.is_passing());
    let may_be_closed = finished.outcome != Outcome::NotDone;
    if commits && may_be_closed && lasting.into_iter().any(|change| sent.contains(&change.resource.arn)) {
        let pending = commit::Pending {
            aws,
            incident,
            plan: &planned.plan,
            closed: planned.recipe.as_ref().map(|recipe| &recipe.closed),
            ticket,
        };
        return Ok(Box::pin(pending.committed(finished, progress)).await);
    }
    Ok(finished)
}

struct Run<'a> {
    aws: &'a Aws,
    incident: &'a Incident,
    action_id: String,
    ticket: Arc<Ticket>,
    lines: Vec<String>,
    /// Whether a step could not be written to the journal.
    unwritten: bool,
    /// Whether a call that was to point a stage elsewhere may take effect yet.
    late: bool,
    /// Resources of calls that were accepted, or may have been.
    sent: Vec<String>,
    /// Resources that reading plainly shows as they were, whatever was answered.
    unchanged: Vec<String>,
    progress: &'a mut (dyn FnMut(&str) + Send),
}

/// A call as the journal names it.
#[derive(Debug, Clone, Copy)]
struct CallName<'a> {
    service: &'static str,
    operation: &'static str,
    /// The ARN of what it is called on.
    resource: &'a str,
}

impl<'a> CallName<'a> {
    fn of(change: &'a Change) -> Self {
        let (service, operation) = assigned::call(&change.edit);
        Self { service, operation, resource: &change.resource.arn }
    }
}

impl<'a> Run<'a> {
    fn new(
        aws: &'a Aws,
        incident: &'a Incident,
        (action_id, ticket): (String, Arc<Ticket>),
        progress: &'a mut (dyn FnMut(&str) + Send),
    ) -> Self {
        let (lines, sent, unchanged) = (Vec::new(), Vec::new(), Vec::new());
        Self { aws, incident, action_id, ticket, lines, unwritten: false, late: false, sent, unchanged, progress }
    }

    async fn all(&mut self, plan: &Plan, sets: &[IpSet]) -> Outcome {
        let changes: Vec<&Change> = plan.changes.iter().filter(|c| !c.is_empty()).collect();
        if changes.is_empty() {
            return Outcome::NothingToChange;
        }
        let planned = changes.len();
        let mut steps = Vec::new();
        for change in changes {
            let read = sets.iter().find(|set| set.arn == change.resource.arn).cloned().map(Reading::Entries);
            let tries = Tries::new(Manner::Confirmed, self.patience()).reading(read);
            let ended = self.change(change, tries).await;
            let step = ended.step;
            self.say(ended.line);
            if ended.unmoved {
                self.unchanged.push(change.resource.arn.clone());
            }
            steps.push(step);
            // What is made whole rests on what was made before it, and what is deleted on what was deleted.
            let rests_on_it = plan.changes.iter().any(|c| c.edit.is_making());
            if step == Step::NotKnown || (rests_on_it && step != Step::Verified) {
                if steps.len() < planned {
                    self.say("the remaining changes were not begun".to_owned());
                }
                break;
            }
        }
        outcome_of(&steps, planned)
    }

    fn say(&mut self, line: String) {
        (self.progress)(&line);
        self.lines.push(line);
    }

    fn merged(&mut self, name: &str) {
        let detail = format!("{name}: somebody else wrote to it; read again and merged, keeping their entries");
        let event = Event::Merged { action_id: self.action_id.clone(), detail: detail.clone() };
        self.record(&event);
        self.say(detail);
    }

    /// Writes how a call stands to the journal.
    fn call(&self, call: CallName<'_>, phase: CallPhase, detail: &str) -> Result<(), IncidentError> {
        let event = Event::Call {
            action_id: self.action_id.clone(),
            service: call.service.to_owned(),
            operation: call.operation.to_owned(),
            resource: call.resource.to_owned(),
            phase,
            detail: detail.to_owned(),
        };
        self.incident.record(self.aws.clock().now(), &event).map(|_| ())
    }

    /// As [`Run::call`]; that it could not be written is said, and spoils the outcome.
    fn noted(&mut self, call: CallName<'_>, phase: CallPhase, detail: &str) {
        if matches!(phase, CallPhase::Answered | CallPhase::NoAnswer) {
            self.sent.push(call.resource.to_owned());
        }
        if let Err(error) = self.call(call, phase, detail) {
            self.unwritten = true;
            self.say(format!("this step is not in the journal: {error}"));
        }
    }

    fn record(&mut self, event: &Event) {
        if let Err(error) = self.incident.record(self.aws.clock().now(), event) {
            self.unwritten = true;
            self.say(format!("this step is not in the journal: {error}"));
        }
    }

    fn finished(mut self, outcome: Outcome, plan: &Plan) -> Finished {
        // Done, but the journal does not say so: whoever relies on it must look.
        let outcome = if self.unwritten && outcome == Outcome::Done { Outcome::NotVerified } else { outcome };
        let effect = (outcome == Outcome::Done).then_some(Effect::Saved);
        if let Some(effect) = effect {
            let evidence = self.lines.clone();
            self.record(&Event::Effect { action_id: self.action_id.clone(), effect, evidence });
        }
        let (lines, unchanged) = (self.lines.clone(), std::mem::take(&mut self.unchanged));
        self.record(&Event::Outcome { action_id: self.action_id.clone(), outcome, lines, unchanged });
        let action_id = match &plan.purpose {
            Purpose::Undo { action_id, .. } => action_id.clone(),
            Purpose::Apply => self.action_id.clone(),
        };
        Finished { action_id, run_id: self.action_id, outcome, effect, lines: self.lines }
    }
}
