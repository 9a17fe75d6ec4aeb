//! Commit-confirmed: a closure takes itself back unless probes get through in time.
//!
//! The way back is part of the plan that was confirmed. Until the minute is over, the journal lets the action expire
//! then, so that whatever console runs next takes it back should this one die. That probes get through tells at the end
//! of the minute only: before, the answers may come from the deployment of before.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::back::{self, Consent};
use super::step::{AGREEING, BETWEEN, commit_after};
use super::tries::{Manner, Tries};
use super::{Run, Step};
use crate::aws::{Aws, Lane};
use crate::incident::{Event, Incident};
use crate::journal::Ticket;
use crate::model::action::Terms;
use crate::model::change::{Assignment, DEPLOYMENT, Edit, Part, Place, Standing};
use crate::model::plan::{Change, Finished, Outcome, Plan};
use crate::model::policy::Policy;
use crate::model::probe::{Probe, ProbeReading};
use crate::model::timeline::ActionRecord;
use crate::respond::assigned;
use crate::respond::undo::Others;

/// Account time before the expiry at which it is decided: by then another console would take it back.
const WAY_BACK: TimeDelta = TimeDelta::seconds(6);
/// How often taking back is tried.
const ATTEMPTS: usize = 30;

/// A closure that has just been made, or may have been.
pub(super) struct Pending<'a> {
    pub(super) aws: &'a Aws,
    pub(super) incident: &'a Incident,
    pub(super) plan: &'a Plan,
    /// The policy that the stage's export must have, where nobody has proven the snapshot.
    pub(super) closed: Option<&'a Policy>,
    /// The action's own: for the way back where the journal cannot be written any more.
    pub(super) ticket: Arc<Ticket>,
}

impl Pending<'_> {
    /// Waits for probes to get through; commits, or takes the action back. Nothing that fails on the way leaves it
    /// closed.
    pub(super) async fn committed(&self, mut finished: Finished, progress: &mut (dyn FnMut(&str) + Send)) -> Finished {
        let action = self.incident.known().ok().and_then(|folded| folded.action(&finished.action_id).cloned());
        let end = action.as_ref().and_then(|action| action.expires_at);
        let end = end.unwrap_or_else(|| self.aws.clock().now() + commit_after());
        say(
            &mut finished,
            progress,
            format!("probing from here; without an answer it is undone by {}", end.format("%H:%M:%SZ")),
        );
        let seen = match self.got_through(end - WAY_BACK).await {
            Ok(evidence) => self.still_closed().await.map(|()| evidence),
            Err(why) => Err(why),
        };
        let why = match seen {
            Ok(evidence) => match self.commit(&finished.action_id, action.as_ref(), &evidence) {
                Ok(()) => {
                    say(&mut finished, progress, format!("confirmed: {evidence}"));
                    return finished;
                }
                Err(error) => format!("{evidence}; but that could not be written to the journal ({error})"),
            },
            Err(why) => why,
        };
        say(&mut finished, progress, format!("{why}; undoing it"));
        finished.effect = None;
        finished.outcome = match self.taken_back(&mut finished, progress).await {
            Ok(()) => Outcome::NotDone,
            Err(why) => {
                let line = format!("IT MAY STILL BE CLOSED: {why}. `portcullis undo {}`", finished.action_id);
                say(&mut finished, progress, line);
                Outcome::Partly
            }
        };
        finished
    }

    /// Probes until the time is up; then the last answers must have got through. An explicit denial ends it at once.
    async fn got_through(&self, until: DateTime<Utc>) -> Result<String, String> {
        let probe: &Probe = self.plan.probe.as_ref().ok_or("there is nothing to probe")?;
        let (mut through, mut denied, mut last) = (0, 0, "there was no time left to probe".to_owned());
        while self.aws.clock().now() < until {
            match self.aws.probe(probe).await.map(|answer| answer.reading()) {
                Ok(reading) => {
                    let is_denied = matches!(reading, ProbeReading::DeniedByPolicy { .. });
                    through = if matches!(reading, ProbeReading::Admitted { .. }) { through + 1 } else { 0 };
                    denied = if is_denied { denied + 1 } else { 0 };
                    last = reading.words();
                }
                Err(error) => {
                    (through, denied) = (0, 0);
                    last = error.to_string();
                }
            }
            if denied >= AGREEING {
                break;
            }
            self.aws.clock().sleep(BETWEEN).await;
        }
        if through >= AGREEING {
            Ok(format!("{} still gets through from here at the end of the minute: {last}", probe.shown()))
        } else {
            Err(format!("{} does not get through from here: {last}", probe.shown()))
        }
    }

    /// Whether it is the closure through which probes get: the stage as we left it, with the policy that was meant.
    async fn still_closed(&self) -> Result<(), String> {
        let (_, assignment) = self.closing().ok_or("nothing was to be closed")?;
        let now = assigned::current(self.aws, &assignment.place, Lane::Write).await.map_err(|e| e.to_string())?;
        if assignment.standing(&now) != Standing::After {
            return Err(format!("{} is not as it was left: it is not closed by this", self.plan.stage.label()));
        }
        let Some(closed) = self.closed else { return Ok(()) };
        let id = &self.plan.stage;
        let export = self.aws.export(&id.api_id, &id.stage, Lane::Write).await.map_err(|e| e.to_string())?;
        match Policy::of_export(&export) {
            Some(Ok(there)) if !Policy::same(Some(&there), Some(closed)) => {
                Err(format!("the export of {} has a different policy than intended", id.label()))
            }
            // Exports may not carry policies (inferred that they do): then nothing tells.
            _ => Ok(()),
        }
    }

    /// The change that closes the stage.
    fn closing(&self) -> Option<(&Change, &Assignment)> {
        self.plan.changes.iter().find_map(|change| match &change.edit {
            Edit::Assign(assignment @ Assignment { place: Place::Deployment { .. }, passing: false, .. }) => {
                Some((change, assignment))
            }
            _ => None,
        })
    }

    fn commit(
        &self,
        id: &str,
        action: Option<&ActionRecord>,
        evidence: &str,
    ) -> Result<(), crate::incident::IncidentError> {
        let (now, folded) = (self.aws.clock().now(), self.incident.known()?);
        let text = format!("{} still lets the responder in: {evidence}", self.plan.stage.label());
        self.incident.record(now, &Event::Note { text })?;
        // Somebody has let it expire at another time meanwhile: that is their word.
        if folded.action(id).is_some_and(|action| action.awaits_probe) {
            let begun_at = action.map_or(now, |action| action.begun_at);
            let lasting = self.plan.lifetime().and_then(|lifetime| begun_at.checked_add_signed(lifetime));
            self.incident
                .record(now, &Event::Extended { action_id: id.to_owned(), expires_at: lasting, awaits_probe: false })?;
        }
        Ok(())
    }

    /// The undo that the confirmed plan contained, again and again until it is done: by the journal, else by the
    /// action's own ticket.
    async fn taken_back(&self, finished: &mut Finished, progress: &mut (dyn FnMut(&str) + Send)) -> Result<(), String> {
        let mut last = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(3)).await;
            }
            match Box::pin(self.undone(&finished.action_id, progress)).await {
                Ok(undone) if matches!(undone.outcome, Outcome::Done | Outcome::NothingToChange) => {
                    finished.lines.extend(undone.lines);
                    say(finished, progress, "it is open again".to_owned());
                    return Ok(());
                }
                Ok(undone) => last = undone.lines.join("; "),
                Err(why) => last = why,
            }
            match self.pointed_back(finished, progress).await {
                Ok(line) => {
                    say(finished, progress, line);
                    return Ok(());
                }
                Err(why) => last = format!("{last}; {why}"),
            }
        }
        Err(last)
    }

    async fn undone(&self, id: &str, progress: &mut (dyn FnMut(&str) + Send)) -> Result<Finished, String> {
        let folded = self.incident.known().map_err(|e| e.to_string())?;
        let action = folded.action(id).ok_or("the journal does not know the action")?;
        let others = Others::from(&folded.actions);
        let planned = back::planned(self.aws, self.incident, action, others, &Terms::default()).await;
        let planned = planned.map_err(|e| e.to_string())?;
        let done = back::taken_back(self.aws, self.incident, action, planned, Consent::WayBack, progress).await;
        done.map_err(|e| e.to_string())
    }

    /// Without the journal: the stage at the deployment of before, by the action's own ticket; only where it is at
    /// ours.
    async fn pointed_back(
        &self,
        finished: &mut Finished,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> Result<String, String> {
        let (change, assignment) = self.closing().ok_or("nothing to point back")?;
        let back =
            |part: &Part| Part { name: part.name.clone(), before: part.after.clone(), after: part.before.clone() };
        let back = Assignment { parts: assignment.parts.iter().map(back).collect(), ..assignment.clone() };
        let to = back.wanted(DEPLOYMENT).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut run =
            Run::new(self.aws, self.incident, (finished.action_id.clone(), Arc::clone(&self.ticket)), progress);
        // A call without an answer may land yet: what was is written once more.
        let tries = Tries::new(Manner::Back { doubt: true }, run.patience());
        let ended = run.change(&Change::of_values(change.resource.clone(), back), tries).await;
        finished.lines.append(&mut run.lines);
        match ended.step {
            Step::Verified => {
                let unwritten = if run.unwritten { "; this is not in the journal" } else { "" };
                Ok(format!("{} points at deployment {to} again{unwritten}", self.plan.stage.label()))
            }
            _ if ended.foreign => Ok(format!("somebody else has deployed: {}", ended.line)),
            _ => Err(ended.line),
        }
    }
}

fn say(finished: &mut Finished, progress: &mut (dyn FnMut(&str) + Send), line: String) {
    progress(&line);
    finished.lines.push(line);
}
