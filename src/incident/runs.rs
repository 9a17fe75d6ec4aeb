//! Folding runs of playbooks. A change belongs to the step whose plan it carries out, so that a process killed between
//! the intent and the step's end leaves no doubt.

use chrono::{DateTime, Utc};

use super::event::Event;
use super::history::Ending;
use crate::journal::Line;
use crate::model::plan::Outcome;
use crate::model::playbook::{RunRecord, StepRecord, StepState};

/// A run was begun, or was given other inputs.
pub(super) fn begun(runs: &mut Vec<RunRecord>, line: &Line, event: &Event) {
    let Event::PlaybookRun { run_id, playbook, title, stage, digest, inputs } = event else { return };
    if let Some(run) = runs.iter_mut().find(|run| run.id == *run_id) {
        run.inputs.clone_from(inputs);
        run.digest.clone_from(digest);
        return;
    }
    runs.push(RunRecord {
        id: run_id.clone(),
        playbook: playbook.clone(),
        title: title.clone(),
        stage: stage.clone(),
        digest: digest.clone(),
        inputs: inputs.clone(),
        actor: line.actor.clone(),
        begun_at: line.at,
        steps: Vec::new(),
    });
}

/// A step has got further.
pub(super) fn step(runs: &mut [RunRecord], at: DateTime<Utc>, event: &Event) -> Result<(), String> {
    let Event::PlaybookStep { run_id, step, state, action_id, plan, inputs, detail, .. } = event else {
        return Ok(());
    };
    let run = runs.iter_mut().find(|run| run.id == *run_id);
    let run = run.ok_or_else(|| format!("it belongs to run {run_id}, which this journal has not begun"))?;
    let before = run.steps.iter().position(|record| record.step == *step).map(|place| run.steps.remove(place));
    // A step whose plan is confirmed anew has no action yet. That it is only planned again takes nothing away from what
    // was done, and the end of one keeps what its beginning said.
    let before = before.filter(|_| !(*state == StepState::Started && plan.is_some()));
    let or = |pick: fn(&StepRecord) -> Option<String>| before.as_ref().and_then(pick);
    run.steps.push(StepRecord {
        step: step.clone(),
        state: *state,
        at,
        action_id: action_id.clone().or_else(|| or(|record| record.action_id.clone())),
        plan: plan.clone().or_else(|| or(|record| record.plan.clone())),
        inputs: match &before {
            Some(record) if inputs.is_empty() => record.inputs.clone(),
            _ => inputs.clone(),
        },
        detail: detail.clone(),
    });
    Ok(())
}

/// An intent: it belongs to the step that was begun with its plan.
pub(super) fn intent(runs: &mut [RunRecord], action_id: &str, digest: &str) {
    let steps = runs.iter_mut().rev().flat_map(|run| run.steps.iter_mut().rev());
    let mut begun = steps.filter(|step| step.state == StepState::Started && step.action_id.is_none());
    if let Some(step) = begun.find(|step| step.plan.as_deref() == Some(digest)) {
        step.action_id = Some(action_id.to_owned());
    }
}

/// The end of an action: the end of its step as well.
pub(super) fn ended(runs: &mut [RunRecord], action_id: &str, ending: &Ending) {
    let steps = runs.iter_mut().flat_map(|run| run.steps.iter_mut());
    for step in steps.filter(|step| step.action_id.as_deref() == Some(action_id)) {
        step.at = ending.at;
        step.state = match ending.outcome {
            Outcome::Done | Outcome::NothingToChange => StepState::Done,
            Outcome::NotDone => StepState::NotDone,
            Outcome::NotVerified | Outcome::Partly | Outcome::NotKnown => StepState::Unclear,
        };
    }
}
