//! Carrying out a confirmed plan: intent, calls with merge on conflict, reading back, outcome, all in the journal.

use std::sync::Arc;

use chrono::TimeDelta;
use thiserror::Error;

use super::confirm::Confirmed;
use super::merge::{self, Merge};
use super::running;
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::incident::{CallPhase, Event, Incident, IncidentError};
use crate::journal::Ticket;
use crate::model::plan::{Change, Effect, Finished, Outcome, Plan};
use crate::model::waf::IpSet;

/// How often a change is merged anew when others keep writing.
const MERGES: usize = 6;
/// How often the set is read again before a change counts as not verified.
const READ_BACKS: usize = 3;

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
    let (action_id, ticket) = incident.record_intent(aws.clock().now(), &planned.plan)?;
    progress("intent written to the journal");
    let mut run =
        Run { aws, incident, action_id, ticket: Arc::new(ticket), lines: Vec::new(), unwritten: false, progress };
    let outcome = run.all(&planned.plan, &planned.sets).await;
    Ok(run.finished(outcome, &planned.plan))
}

struct Run<'a> {
    aws: &'a Aws,
    incident: &'a Incident,
    action_id: String,
    ticket: Arc<Ticket>,
    lines: Vec<String>,
    /// Whether a step could not be written to the journal.
    unwritten: bool,
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
        let mut steps = Vec::new();
        for change in changes {
            let read = sets.iter().find(|set| set.arn == change.resource.arn).cloned();
            let step = self.one(change, read).await;
            steps.push(step);
            if step == Step::NotKnown {
                self.say("the remaining changes were not begun".to_owned());
                break;
            }
        }
        outcome_of(&steps, plan.changes.iter().filter(|c| !c.is_empty()).count())
    }

    async fn one(&mut self, change: &Change, read: Option<IpSet>) -> Step {
        let name = change.resource.name.clone();
        let mut next = read;
        for _ in 0..MERGES {
            let set = match next.take() {
                Some(set) => set,
                None => match self.aws.ip_set(&change.resource.arn, Lane::Write).await {
                    Ok(set) => set,
                    Err(error) => return self.not_done(format!("{name}: {error}")),
                },
            };
            let entries = match merge::merged(change, &set) {
                Merge::Write(entries) => entries,
                Merge::DiffChanged(why) => {
                    return self.not_done(format!("{name}: the diff has changed: {why}. Plan again"));
                }
                Merge::TooMany(n) => return self.not_done(format!("{name}: {n} entries would not fit")),
            };
            if let Err(error) = self.call(change, CallPhase::Sending, "") {
                return self
                    .not_done(format!("{name}: the journal could not be written, so the call was not sent: {error}"));
            }
            match self.aws.update_ip_set(&self.ticket, &set, entries.clone()).await {
                Ok(()) => {
                    self.noted(change, CallPhase::Answered, "accepted");
                    return self.read_back(change).await;
                }
                Err(AwsError { problem: Problem::StaleLock, .. }) => {
                    self.noted(change, CallPhase::Failed, "the lock token was stale: somebody wrote in between");
                    self.merged(&name);
                }
                Err(error) if error.may_have_happened() => {
                    self.noted(change, CallPhase::NoAnswer, &error.to_string());
                    return self.found_out(change, &set, entries, &error).await;
                }
                Err(error) => {
                    self.noted(change, CallPhase::Failed, &error.to_string());
                    return self.not_done(error.to_string());
                }
            }
        }
        self.not_done(format!("{name}: others kept writing to it; gave up after {MERGES} attempts. Plan again"))
    }

    /// After a write that was accepted: does reading show it?
    async fn read_back(&mut self, change: &Change) -> Step {
        let name = change.resource.name.clone();
        let mut seen = String::from("it does not show the change");
        for attempt in 0..READ_BACKS {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(1)).await;
            }
            match self.aws.ip_set(&change.resource.arn, Lane::Write).await {
                Ok(set) if merge::shows(change, &set) => {
                    self.say(format!("{name}: read back, {} entries", set.addresses.len()));
                    return Step::Verified;
                }
                Ok(_) => {}
                Err(error) => seen = error.to_string(),
            }
        }
        self.say(format!("{name}: accepted, but reading it back failed: {seen}"));
        Step::NotVerified
    }

    /// After a write that nobody answered: reading tells whether it happened. Where it does not show, it may still be on its
    /// way; so the very same write is sent once more under the very same lock token, of which AWS honours one only. Accepted, it
    /// is done and the first is dead; stale, the first or somebody else was there, and reading tells which.
    async fn found_out(&mut self, change: &Change, set: &IpSet, entries: Vec<String>, error: &AwsError) -> Step {
        let name = change.resource.name.clone();
        self.say(format!("{error}; reading {name} to find out"));
        if let Some(step) = self.shown(change, "no answer came, but reading shows the change").await {
            return step;
        }
        if self.call(change, CallPhase::Sending, "once more, under the same lock token").is_err() {
            self.say(format!("{name}: not known whether it was changed: the journal could not be written"));
            return Step::NotKnown;
        }
        match self.aws.update_ip_set(&self.ticket, set, entries).await {
            Ok(()) => {
                self.noted(
                    change,
                    CallPhase::Answered,
                    "accepted at the second attempt; the first can no longer take effect",
                );
                self.read_back(change).await
            }
            Err(AwsError { problem: Problem::StaleLock, .. }) => {
                self.noted(change, CallPhase::Failed, "the lock token was used up");
                match self.shown(change, "the first attempt had arrived").await {
                    Some(step) => step,
                    None => {
                        self.not_done(format!("{name}: somebody else wrote first; the change is not there. Plan again"))
                    }
                }
            }
            Err(error) => {
                let phase = if error.may_have_happened() { CallPhase::NoAnswer } else { CallPhase::Failed };
                self.noted(change, phase, &error.to_string());
                self.say(format!("{name}: not known whether it was changed: {error}"));
                Step::NotKnown
            }
        }
    }

    /// The step, where reading shows the change, or where it cannot be read at all.
    async fn shown(&mut self, change: &Change, found: &str) -> Option<Step> {
        let name = change.resource.name.clone();
        let mut last = None;
        for attempt in 0..READ_BACKS {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(1)).await;
            }
            match self.aws.ip_set(&change.resource.arn, Lane::Write).await {
                Ok(set) if merge::shows(change, &set) => {
                    self.noted(change, CallPhase::Answered, found);
                    self.say(format!("{name}: the change was made all the same"));
                    return Some(Step::Verified);
                }
                Ok(_) => last = None,
                Err(error) => last = Some(error),
            }
        }
        let error = last?;
        self.say(format!("{name}: not known whether it was changed: {error}"));
        Some(Step::NotKnown)
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
        let event = Event::Call {
            action_id: self.action_id.clone(),
            service: "wafv2".to_owned(),
            operation: "UpdateIPSet".to_owned(),
            resource: change.resource.arn.clone(),
            phase,
            detail: detail.to_owned(),
        };
        self.incident.record(self.aws.clock().now(), &event).map(|_| ())
    }

    fn noted(&mut self, change: &Change, phase: CallPhase, detail: &str) {
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
        let lines = self.lines.clone();
        self.record(&Event::Outcome { action_id: self.action_id.clone(), outcome, lines });
        let action_id = match &plan.purpose {
            crate::model::plan::Purpose::Undo { action_id } => action_id.clone(),
            crate::model::plan::Purpose::Apply => self.action_id.clone(),
        };
        Finished { action_id, run_id: self.action_id, outcome, effect, lines: self.lines }
    }
}

fn outcome_of(steps: &[Step], planned: usize) -> Outcome {
    let all = |step| steps.len() == planned && steps.iter().all(|s| *s == step);
    let any = |step| steps.contains(&step);
    if all(Step::Verified) {
        Outcome::Done
    } else if all(Step::NotDone) {
        Outcome::NotDone
    } else if steps.len() == 1 && planned == 1 && any(Step::NotKnown) {
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
        assert_eq!(outcome_of(&[NotKnown], 1), Outcome::NotKnown);
        assert_eq!(outcome_of(&[NotKnown], 2), Outcome::Partly);
    }
}
