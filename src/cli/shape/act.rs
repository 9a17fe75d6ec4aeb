//! `plan`, `apply`, `undo`, `actions`, `extend`, `sweep`.

use serde::Serialize;

use super::figure::Moment;
use crate::model::plan::{Change, Effect, Observation, Outcome, Plan, Purpose, Verdict};
use crate::model::timeline::ActionState;

/// `plan`: what would be done, and what the guards say.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanDocument {
    /// The plan.
    pub plan: PlanShape,
}

/// A plan, with what confirms it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanShape {
    /// The plan, as `plan --save` writes it.
    #[serde(flatten)]
    pub plan: Plan,
    /// The phrase for `apply --confirm`.
    pub confirm: String,
    /// The worst guard's verdict.
    pub verdict: Verdict,
    /// Whether a guard stops it.
    pub stopped: bool,
}

/// `apply` and `undo`: how carrying it out ended.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActionDocument {
    /// How it ended.
    pub action: ActionShape,
}

/// How carrying out a plan ended.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActionShape {
    /// The action's id; for an undo, the id of the action taken back.
    pub id: String,
    /// The incident that it is written to.
    pub incident: String,
    /// Do, or take back.
    pub purpose: Purpose,
    /// How it ended.
    pub outcome: Outcome,
    /// How far its effect was seen.
    pub effect: Option<Effect>,
    /// What was done and found, a line each, in order.
    pub lines: Vec<String>,
    /// What was seen of its effect; null without `--wait`.
    pub observation: Option<Observation>,
}

/// `actions`: what is in force, and what expires when.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActionsDocument {
    /// Account time, UTC.
    pub at: Moment,
    /// The world that the account is in: `aws`, or `range:` and the range's id.
    pub world: String,
    /// What is in force, or may be.
    pub actions: Vec<ActionRow>,
    /// Incidents that cannot be read whole: something may be in force that is only written there.
    pub damaged_incidents: Vec<String>,
}

/// An action that is in force, or may be.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActionRow {
    /// Its id, as `undo` takes it.
    pub id: String,
    /// The incident that it belongs to.
    pub incident: String,
    /// Which action it is, as it is typed: `block-ip`.
    pub action: String,
    /// The stage as it is typed: `shop/prod`.
    pub stage: String,
    /// Where it stands.
    pub state: ActionState,
    /// How far its effect was seen.
    pub effect: Option<Effect>,
    /// How it ended; null if that is not known.
    pub outcome: Option<Outcome>,
    /// When it was confirmed.
    pub begun_at: Moment,
    /// When it is to be undone; null if it does not expire.
    pub expires_at: Option<Moment>,
    /// What it changes.
    pub changes: Vec<Change>,
}

/// `extend`: when an action expires now.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExtensionDocument {
    /// When it expires now.
    pub extension: Extension,
}

/// When an action expires now.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Extension {
    /// The action's id.
    pub id: String,
    /// The incident that it belongs to.
    pub incident: String,
    /// When it expires; null if it no longer does.
    pub expires_at: Option<Moment>,
}

/// `sweep`: what became of each expired action.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SweepDocument {
    /// One row for each expired action.
    pub actions: Vec<SweptAction>,
}

/// What became of an expired action.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SweptAction {
    /// Its id.
    pub id: String,
    /// How undoing it ended; null if it failed.
    pub outcome: Option<Outcome>,
    /// Why it failed, if it did.
    pub error: Option<String>,
}
