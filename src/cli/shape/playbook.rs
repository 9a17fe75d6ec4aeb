//! `playbook list`, `show` and `run`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::act::PlanShape;
use super::check::MistakeShape;
use crate::model::attack::AttackKind;
use crate::model::condition::StageState;
use crate::model::playbook::{Kind, Situation, StepState};
use crate::model::signal::SignalKind;

/// `playbook list`: the playbooks that there are.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Playbooks {
    /// The playbooks, those first that answer what stands on the stage named.
    pub playbooks: Vec<PlaybookRow>,
    /// What is wrong with files that are not used.
    pub mistakes: Vec<MistakeShape>,
}

/// What every playbook begins with.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlaybookHead {
    /// Its name.
    pub name: String,
    /// What it does, in one line.
    pub title: String,
    /// The signals that it answers.
    pub answers: Vec<SignalKind>,
    /// The kinds of attack that it is for.
    pub kinds: Vec<AttackKind>,
    /// The drill that it can be tried in.
    pub drill: Option<String>,
    /// Its file; null if it comes with the program.
    pub file: Option<String>,
    /// Whether it replaces one that comes with the program.
    pub replaces_embedded: bool,
}

/// A playbook in a list.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlaybookRow {
    /// What every playbook begins with.
    #[serde(flatten)]
    pub head: PlaybookHead,
    /// How many steps it has.
    pub steps: usize,
    /// Which of the signals that it answers stand now; null without `--stage`.
    pub answers_now: Option<Vec<SignalKind>>,
}

/// `playbook show`: one playbook, whole.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlaybookContent {
    /// The playbook.
    pub playbook: WholePlaybook,
}

/// A playbook, whole.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WholePlaybook {
    /// What every playbook begins with.
    #[serde(flatten)]
    pub head: PlaybookHead,
    /// When it helps.
    pub summary: String,
    /// What it asks for.
    pub inputs: Vec<InputShape>,
    /// What it does, in order.
    pub steps: Vec<StepShape>,
}

/// An input of a playbook.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InputShape {
    /// Its name.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What it is for, in one line.
    pub describe: String,
    /// What it is if nobody gives it; null if it must be given.
    pub default: Option<DefaultShape>,
}

/// What an input is if nobody gives it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum DefaultShape {
    /// A value, as it would be typed.
    Value(String),
    /// What comes from the situation.
    Situation {
        /// Which part of it.
        from: Situation,
    },
}

/// A step of a playbook.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StepShape {
    /// Its name inside the playbook.
    pub id: String,
    /// One line.
    pub title: String,
    /// An action's name, `undo`, `observe` or `note`.
    pub does: String,
    /// Whether it may be left out.
    pub optional: bool,
    /// The inputs that it uses.
    pub inputs: Vec<String>,
    /// Of a note: its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Of an observation: what is looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observe: Option<String>,
    /// Of an observation: for how long, seconds of account time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_seconds: Option<u64>,
    /// Of an observation of signals: which are to be gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signals: Option<Vec<SignalKind>>,
    /// Of an observation of signals: for how long they are to be gone, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_seconds: Option<u64>,
    /// Of an observation of the state: which states are looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<Vec<StageState>>,
    /// The earlier step that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// `playbook run`: how a run stands.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlaybookRunDocument {
    /// How the run stands.
    pub playbook_run: PlaybookRun,
}

/// How a run stands.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlaybookRun {
    /// Its id.
    pub id: String,
    /// The incident that it is written to.
    pub incident: String,
    /// The playbook's name.
    pub playbook: String,
    /// The stage as it is typed: `shop/prod`.
    pub stage: String,
    /// The inputs given, by name.
    pub inputs: BTreeMap<String, String>,
    /// Its steps, in order.
    pub steps: Vec<RunStep>,
    /// The first remaining step; null if the run is over.
    pub next: Option<String>,
    /// The plan that waits for its phrase, or that a guard stopped.
    pub plan: Option<PlanShape>,
}

/// A step of a run.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunStep {
    /// The step.
    #[serde(flatten)]
    pub step: StepShape,
    /// How far it has got; null if it was not begun.
    pub state: Option<StepState>,
    /// The action, or the undo, that it made.
    pub action_id: Option<String>,
    /// What was found, a line each.
    pub detail: Vec<String>,
}
