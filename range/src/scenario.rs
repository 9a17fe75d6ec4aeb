//! Scenario files: a TOML description of a simulated account, its traffic and a drill.
//!
//! This module knows the file format and nothing else: it reads text, checks names against each other and says where
//! and how the text is wrong. Building an account out of it is `world`'s work, running it is `traffic`'s.
//!
//! A file is `schema`, `name`, `title`, `summary`, `speed`, `seed`, one `[world]` and, for drills, one `[drill]` table
//! that this crate keeps as it is. Unknown fields are refused, with the nearest known name as a hint.

mod check;
mod conduct;
mod error;
mod plans;
mod population;
mod ranges;
mod values;
mod waf;
mod world;

pub use conduct::{DailySpec, GivesUpSpec, PatienceSpec, PulseSpec, RetrySpec, Returns};
pub use error::ScenarioError;
pub use plans::{ApiKeySpec, PlanMethodSpec, PlanStageSpec, UsagePlanSpec};
pub use population::{
    CredentialSpec, Habit, Kind, Population, RequestMix, Signature, SignatureIn, Sources, WhenBlocked,
};
pub use ranges::{RANGES, Takes};
pub use values::{Route, Span, StageRef, ThrottleSpec, TimeOfDay};
pub use waf::{IpSetSpec, OverrideSpec, RateSpec, RuleActionSpec, RuleGroupSpec, RuleSpec, WebAclSpec};
pub use world::{
    AccessLogSpec, ApiSpec, AuthorizerSpec, BackendSpec, CacheSpec, Cacheable, ColdStart, CountingSpec, LatencySpec,
    MethodSpec, StageSpec, WorldSpec,
};

use serde::Deserialize;

/// The only schema this version reads.
pub const SCHEMA: &str = "portcullis.scenario/1";

/// One scenario file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Always [`SCHEMA`].
    pub schema: toml::Spanned<String>,
    /// Short name, the file's stem: `sqli-flood`.
    pub name: String,
    /// One line for a list.
    pub title: String,
    /// A paragraph: what happens, what the responder should learn.
    #[serde(default)]
    pub summary: String,
    /// Account seconds per wall second that a drill runs at unless told otherwise.
    #[serde(default = "default_speed")]
    pub speed: f64,
    /// Seed of all randomness in the range unless told otherwise.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// The account and its traffic.
    pub world: WorldSpec,
    /// Objectives and injects; read by the console's drill, kept here untouched.
    #[serde(default)]
    pub drill: Option<toml::Table>,
}

const fn default_speed() -> f64 {
    20.0
}

const fn default_seed() -> u64 {
    7
}

impl Scenario {
    /// Reads and checks a scenario.
    ///
    /// # Errors
    /// [`ScenarioError`] with line, column and, where one can be given, a hint: bad TOML, unknown fields, values out of
    /// range, names that refer to nothing.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text).map_err(|error| ScenarioError::from_toml(text, &error))?;
        check::check(text, &scenario)?;
        Ok(scenario)
    }
}

#[cfg(test)]
mod tests;
