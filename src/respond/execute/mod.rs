//! Carrying out a confirmed plan: intent, calls with merge on conflict, reading back, outcome, all in the journal.

mod assign;
pub(super) mod back;
mod commit;
mod entries;
mod kill_switch;
mod settle;
mod snapshot;

use std::sync::Arc;

use thiserror::Error;

use super::assigned;
use super::confirm::Confirmed;
use super::running;
use crate::aws::Aws;
use crate::incident::{CallPhase, Event, Incident, IncidentError};
use crate::journal::Ticket;
use crate::model::change::Doing;
use crate::model::plan::{Change, Effect, Finished, Outcome, Plan, Purpose};
use crate::model::waf::IpSet;

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
    let mut run = Run {
        aws,
        incident,
        action_id,
        ticket: Arc::new(ticket),
        lines: Vec::new(),
        unwritten: false,
        sent: Vec::new(),
        unchanged: Vec::new(),
        progress,
    };
    // On the heap: whoever waits for a change would otherwise hold what all its calls need.
    let outcome = match &planned.recipe {
        Some(recipe) => Box::pin(run.by_recipe(recipe)).await,
        None => Box::pin(run.all(&planned.plan, &planned.sets)).await,
    };
    let (sent, ticket) = (run.sent.clone(), Arc::clone(&run.ticket));
    let finished = run.finished(outcome, &planned.plan);
    let commits = planned.plan.purpose == Purpose::Apply && planned.plan.action.commit_within().is_some();
    let lasting = planned.plan.changes.iter().filter(|change| !change.doing.is_passing());
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
    /// Resources of calls that were accepted, or may have been.
    sent: Vec<String>,
    /// Resources that reading plainly shows as they were, whatever was answered.
    unchanged: Vec<String>,
    progress: &'a mut (dyn FnMut(&str) + Send),
}

/// How one change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Verified,
    NotVerified,
    NotDone,
    NotKnown,
}

impl Run<'_> {
    async fn all(&mut self, plan: &Plan, sets: &[IpSet]) -> Outcome {
        let changes: Vec<&Change> = plan.changes.iter().filter(|c| !c.is_empty()).collect();
        if changes.is_empty() {
            return Outcome::NothingToChange;
        }
        let planned = changes.len();
        let mut steps = Vec::new();
        for change in changes {
            let read = sets.iter().find(|set| set.arn == change.resource.arn).cloned();
            let step = self.one(change, read).await;
            steps.push(step);
            // What is made whole rests on what was made before it, and what is deleted on what was deleted.
            let rests_on_it = plan.changes.iter().any(|c| c.doing.is_making());
            if step == Step::NotKnown || (rests_on_it && step != Step::Verified) {
                if steps.len() < planned {
                    self.say("the remaining changes were not begun".to_owned());
                }
                break;
            }
        }
        outcome_of(&steps, planned)
    }

    async fn one(&mut self, change: &Change, read: Option<IpSet>) -> Step {
        match &change.doing {
            Doing::Entries => self.entries(change, read).await,
            Doing::Assign(assignment) => self.assign(change, assignment).await,
            Doing::Flush(flush) => self.flush(change, flush).await,
        }
    }

    fn not_done(&mut self, line: String) -> Step {
        self.say(line);
        Step::NotDone
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

    fn call(&self, change: &Change, phase: CallPhase, detail: &str) -> Result<(), IncidentError> {
        let (service, operation) = assigned::call(&change.doing);
        let event = Event::Call {
            action_id: self.action_id.clone(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            resource: change.resource.arn.clone(),
            phase,
            detail: detail.to_owned(),
        };
        self.incident.record(self.aws.clock().now(), &event).map(|_| ())
    }

    fn noted(&mut self, change: &Change, phase: CallPhase, detail: &str) {
        if matches!(phase, CallPhase::Answered | CallPhase::NoAnswer) {
            self.sent.push(change.resource.arn.clone());
        }
        if let Err(error) = self.call(change, phase, detail) {
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

fn outcome_of(steps: &[Step], planned: usize) -> Outcome {
    let all = |step| steps.len() == planned && steps.iter().all(|s| *s == step);
    let any = |step| steps.contains(&step);
    if all(Step::Verified) {
        Outcome::Done
    } else if steps.iter().all(|step| *step == Step::NotDone) {
        Outcome::NotDone
    } else if any(Step::NotKnown) && !any(Step::Verified) && !any(Step::NotVerified) {
        Outcome::NotKnown
    } else if steps.len() == planned && !any(Step::NotDone) && !any(Step::NotKnown) {
        Outcome::NotVerified
    } else {
        Outcome::Partly
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_is_no_better_than_its_worst_step() {
        use Step::{NotDone, NotKnown, NotVerified, Verified};
        assert_eq!(outcome_of(&[Verified, Verified], 2), Outcome::Done);
        assert_eq!(outcome_of(&[Verified, NotVerified], 2), Outcome::NotVerified);
        assert_eq!(outcome_of(&[Verified, NotDone], 2), Outcome::Partly);
        assert_eq!(outcome_of(&[NotDone, NotDone], 2), Outcome::NotDone);
        // The rest was not begun.
        assert_eq!(outcome_of(&[NotDone], 3), Outcome::NotDone);
        assert_eq!(outcome_of(&[NotVerified], 3), Outcome::Partly);
        assert_eq!(outcome_of(&[NotKnown], 1), Outcome::NotKnown);
        assert_eq!(outcome_of(&[NotKnown], 2), Outcome::NotKnown);
        assert_eq!(outcome_of(&[NotDone, NotKnown], 2), Outcome::NotKnown);
        assert_eq!(outcome_of(&[Verified, NotKnown], 2), Outcome::Partly);
    }
}
