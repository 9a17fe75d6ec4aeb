//! Runs: how far the steps of a playbook have got, as the journal has it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Step;
use crate::model::identity::Actor;
use crate::model::stage::StageId;

/// How far a step has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Begun, and its end is not known.
    Started,
    /// Done, or nothing was there to change.
    Done,
    /// Confirmed, and nothing was changed.
    NotDone,
    /// Confirmed; done in part, or not known.
    Unclear,
    /// Left out by the responder, or with the step that it is about.
    Skipped,
    /// A note that was read.
    Read,
    /// What it looks for was seen.
    Observed,
    /// What it looks for was not seen in time.
    NotObserved,
}

impl StepState {
    /// The state in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Done => "done",
            Self::NotDone => "not done",
            Self::Unclear => "unclear",
            Self::Skipped => "skipped",
            Self::Read => "read",
            Self::Observed => "observed",
            Self::NotObserved => "not observed",
        }
    }
}

/// What is known of one step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step's id.
    pub step: String,
    /// How far it has got.
    pub state: StepState,
    /// When that was written, account time.
    pub at: DateTime<Utc>,
    /// The action, or the undo, that it made.
    pub action_id: Option<String>,
    /// The digest of the plan that was confirmed for it.
    pub plan: Option<String>,
    /// Values read from the situation when it was planned, by input.
    pub inputs: BTreeMap<String, String>,
    /// What was found, a line each.
    pub detail: Vec<String>,
}

/// A run of a playbook for one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its id.
    pub id: String,
    /// The playbook's name.
    pub playbook: String,
    /// The playbook's title.
    pub title: String,
    /// For which stage.
    pub stage: StageId,
    /// The digest of the playbook's text.
    pub digest: String,
    /// The inputs given, by name, as text.
    pub inputs: BTreeMap<String, String>,
    /// Who began it.
    pub actor: Actor,
    /// When, account time.
    pub begun_at: DateTime<Utc>,
    /// Steps that were begun, in that order.
    pub steps: Vec<StepRecord>,
}

impl RunRecord {
    /// What is known of a step.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&StepRecord> {
        self.steps.iter().find(|record| record.step == id)
    }

    /// The action that a step made.
    #[must_use]
    pub fn action_of(&self, step: &str) -> Option<&str> {
        self.step(step)?.action_id.as_deref()
    }

    /// Whether nothing is left to do for a step. What was not done, is unclear or was not observed is left, but for an
    /// optional observation.
    #[must_use]
    pub fn is_over(&self, step: &Step) -> bool {
        self.step(&step.id).is_some_and(|record| match record.state {
            StepState::Done | StepState::Skipped | StepState::Read | StepState::Observed => true,
            StepState::NotObserved => step.optional,
            StepState::Started | StepState::NotDone | StepState::Unclear => false,
        })
    }
}
