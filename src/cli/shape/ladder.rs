//! `plan close` without `--by`, `proposals`, `preflight`: what can be done, and what would help.

use serde::Serialize;

use super::board::ConditionShape;
use super::figure::{Moment, Reasons};
use crate::model::ladder::{Rung, Way};
use crate::model::preflight::Check;
use crate::model::proposal::ProposedStep;

/// `plan close` without `--by`: the ways of closing.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LadderDocument {
    /// The ways of closing.
    pub ladder: LadderShape,
}

/// The ways of closing a stage.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LadderShape {
    /// What would help and is lighter; null if that is not known.
    pub proposals: Option<ProposalsShape>,
    /// Why `proposals` is null.
    pub unknown: Reasons,
    /// The stage as it is typed: `shop/prod`.
    pub stage: String,
    /// The API's id.
    pub api_id: String,
    /// Account time of the reading, UTC.
    pub read_at: Moment,
    /// Whether an attack is known; without one nothing is recommended.
    pub attack: bool,
    /// What the recommendation rests on, a line each.
    pub situation: Vec<String>,
    /// The lightest way that fits; null if none does.
    pub recommended: Option<Way>,
    /// The ways, from the lightest to the heaviest.
    pub ways: Vec<WayShape>,
}

/// A way of closing.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WayShape {
    /// The way.
    #[serde(flatten)]
    pub rung: Rung,
    /// Whether a plan was made of it and no guard stops it.
    pub fits: bool,
}

/// `proposals STAGE`: what would help now.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProposalsDocument {
    /// What would help.
    pub proposals: ProposalsShape,
}

/// What would help a stage.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProposalsShape {
    /// The stage as it is typed: `shop/prod`.
    pub stage: String,
    /// The API's id.
    pub api_id: String,
    /// Account time of the reading, UTC.
    pub read_at: Moment,
    /// How it stands.
    pub condition: ConditionShape,
    /// What the attack is, in one line; null if nothing tells.
    pub cause: Option<String>,
    /// At most three, the best first.
    pub proposals: Vec<ProposedStep>,
    /// Why there is none, if there is none.
    pub none: Option<String>,
    /// What could not be found out, a line each.
    pub unknown: Vec<String>,
}

/// `preflight`: which actions would work on which stage.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PreflightDocument {
    /// Account time at which reading began, UTC.
    pub read_at: Moment,
    /// Whether every stage is ready.
    pub ready: bool,
    /// The stages.
    pub stages: Vec<PreflightStage>,
}

/// Which actions would work on a stage.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PreflightStage {
    /// The stage as it is typed: `shop/prod`.
    pub stage: String,
    /// The API's id.
    pub api_id: String,
    /// Whether everything works that can be told.
    pub ready: bool,
    /// The checks, in the order in which they matter.
    pub checks: Vec<Check>,
}
