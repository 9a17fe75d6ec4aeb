//! What the journal is told of a run of a playbook: that it was begun, and how far each step has got.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::error::IncidentError;
use super::event::Event;
use super::handle::Incident;
use crate::model::plan::{Finished, Outcome, Plan};
use crate::model::playbook::{Playbook, RunRecord, Step, StepState};
use crate::model::stage::StageId;

/// The open run of a playbook for a stage, begun where there is none, with these inputs, as text, added to those it
/// has.
///
/// # Errors
/// Where the journal cannot be read or written.
// Wide: what a line of the journal says of the beginning of a run.
pub fn begin(
    incident: &Incident,
    at: DateTime<Utc>,
    playbook: &Playbook,
    stage: &StageId,
    inputs: BTreeMap<String, String>,
    anew: bool,
) -> Result<RunRecord, IncidentError> {
    let folded = incident.known()?;
    let open = playbook.open_run(&folded.runs, stage).filter(|_| !anew);
    let mut all = open.map(|run| run.inputs.clone()).unwrap_or_default();
    all.extend(inputs);
    if let Some(run) = open.filter(|run| run.inputs == all && run.digest == playbook.digest) {
        return Ok(run.clone());
    }
    let run_id = open.map_or_else(|| incident.new_run_id(at, &playbook.name, stage), |run| run.id.clone());
    let event = Event::PlaybookRun {
        run_id: run_id.clone(),
        playbook: playbook.name.clone(),
        title: playbook.title.clone(),
        stage: stage.clone(),
        digest: playbook.digest.clone(),
        inputs: all,
    };
    incident.record(at, &event)?;
    run(incident, &run_id)
}

/// A run as the journal has it now.
///
/// # Errors
/// Where the journal cannot be read, or has no such run.
pub fn run(incident: &Incident, run_id: &str) -> Result<RunRecord, IncidentError> {
    let found = incident.known()?.runs.into_iter().find(|run| run.id == run_id);
    found.ok_or_else(|| IncidentError::NoRun { run: run_id.to_owned(), incident: incident.id().to_owned() })
}

/// A step of a run, to be written of.
#[derive(Debug, Clone, Copy)]
pub struct Mark<'a> {
    /// The incident that the run belongs to.
    pub incident: &'a Incident,
    /// The run's id.
    pub run_id: &'a str,
    /// The step.
    pub step: &'a Step,
}

impl Mark<'_> {
    fn event(&self, state: StepState, detail: Vec<String>) -> Event {
        Event::PlaybookStep {
            run_id: self.run_id.to_owned(),
            step: self.step.id.clone(),
            title: self.step.title.clone(),
            state,
            action_id: None,
            plan: None,
            inputs: BTreeMap::new(),
            detail,
        }
    }

    /// A step that is no change has ended, or a change needs no doing.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn ended(&self, at: DateTime<Utc>, state: StepState, detail: Vec<String>) -> Result<(), IncidentError> {
        self.incident.record(at, &self.event(state, detail)).map(|_| ())
    }

    /// Values were read from the situation for a change that is about to be planned.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn read(&self, at: DateTime<Utc>, found: BTreeMap<String, String>) -> Result<(), IncidentError> {
        let mut event = self.event(StepState::Started, Vec::new());
        if let Event::PlaybookStep { inputs, .. } = &mut event {
            *inputs = found;
        }
        self.incident.record(at, &event).map(|_| ())
    }

    /// The step's plan was confirmed and is about to be carried out: the intent that follows is its.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn confirmed(&self, at: DateTime<Utc>, confirmed: &Plan) -> Result<(), IncidentError> {
        let mut event = self.event(StepState::Started, Vec::new());
        if let Event::PlaybookStep { plan, .. } = &mut event {
            *plan = Some(confirmed.digest.clone());
        }
        self.incident.record(at, &event).map(|_| ())
    }

    /// The step's plan was carried out.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub fn carried_out(&self, at: DateTime<Utc>, finished: &Finished) -> Result<(), IncidentError> {
        let state = match finished.outcome {
            Outcome::Done | Outcome::NothingToChange => StepState::Done,
            Outcome::NotDone => StepState::NotDone,
            Outcome::NotVerified | Outcome::Partly | Outcome::NotKnown => StepState::Unclear,
        };
        let mut event = self.event(state, Vec::new());
        if let Event::PlaybookStep { action_id, .. } = &mut event {
            *action_id = Some(finished.run_id.clone());
        }
        self.incident.record(at, &event).map(|_| ())
    }
}
