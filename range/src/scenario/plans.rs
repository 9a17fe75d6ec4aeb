//! `[[world.api_keys]]` and `[[world.usage_plans]]`: clients and what they may take.

use serde::Deserialize;

use super::values::{Route, StageRef, ThrottleSpec};

/// An API key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeySpec {
    /// Name, by which plans and populations mean it.
    pub name: toml::Spanned<String>,
    /// What is sent in `x-api-key`; made up when absent.
    #[serde(default)]
    pub value: Option<String>,
}

/// A usage plan.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsagePlanSpec {
    /// Name.
    pub name: toml::Spanned<String>,
    /// The limit of each key over all methods.
    #[serde(default)]
    pub throttle: Option<ThrottleSpec>,
    /// The keys it is for.
    #[serde(default)]
    pub keys: Vec<toml::Spanned<String>>,
    /// The stages it is for.
    pub stages: Vec<PlanStageSpec>,
}

/// A stage of a usage plan.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanStageSpec {
    /// `api/stage`.
    pub stage: toml::Spanned<StageRef>,
    /// Limits of each key per method.
    #[serde(default)]
    pub methods: Vec<PlanMethodSpec>,
}

/// The limit of each key on one method.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanMethodSpec {
    /// `POST /login`.
    pub route: Route,
    /// Requests per second.
    pub rate: f64,
    /// Bucket size in requests.
    pub burst: u32,
}
