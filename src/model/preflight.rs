//! What would work on a stage, told before the night: checks with their reasons and next steps.

use serde::Serialize;

use super::stage::StageId;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// It would work, as far as reading tells.
    Works,
    /// It would not: something is missing or refused.
    WouldNot,
    /// It could not be found out.
    Unknown,
    /// Nothing but doing it proves it, and it was not done.
    NotProven,
    /// There is nothing of the kind on this stage.
    NotHere,
}

impl Found {
    /// As words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::WouldNot => "not ready",
            Self::Unknown => "unknown",
            Self::NotProven => "not proven",
            Self::NotHere => "n/a",
        }
    }

    /// Whether somebody should see to it before the night.
    #[must_use]
    pub fn asks_for_work(self) -> bool {
        matches!(self, Self::WouldNot | Self::Unknown)
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    /// What was checked: an action as it is typed, or what it rests on.
    pub check: String,
    /// What was found.
    pub found: Found,
    /// Why, in one line.
    pub reason: String,
    /// What to do about it; `None` where there is nothing to do.
    pub next: Option<String>,
    /// What it rests on, a line each.
    pub evidence: Vec<String>,
}

impl Check {
    /// A check with its reason.
    #[must_use]
    pub fn new(check: &str, found: Found, reason: impl Into<String>) -> Self {
        Self { check: check.to_owned(), found, reason: reason.into(), next: None, evidence: Vec::new() }
    }

    /// The same with a next step.
    #[must_use]
    pub fn then(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// The same with what it rests on.
    #[must_use]
    pub fn because(mut self, evidence: Vec<String>) -> Self {
        self.evidence = evidence;
        self
    }
}

/// Every check of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preflight {
    /// Which stage.
    pub stage: StageId,
    /// The checks, in the order in which they matter.
    pub checks: Vec<Check>,
}

impl Preflight {
    /// Whether everything works that can be told.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.checks.iter().any(|check| check.found.asks_for_work())
    }
}
