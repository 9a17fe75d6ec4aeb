//! Limits on requests: where API Gateway keeps them, and which of them wins.

use super::method::MethodName;

/// A rate and a burst.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Requests a second.
    pub rate: f64,
    /// Requests that may come at once.
    pub burst: f64,
}

/// The account's limit in this region, which all its APIs share (`GetAccount`, documented).
pub type AccountLimit = Limit;

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitOf {
    /// The stage's, for each method that has no other.
    Stage,
    /// The account's, for all its APIs in the region together.
    Account,
}

impl LimitOf {
    /// `the stage's, a method`, `the account's`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Stage => "the stage's, a method",
            Self::Account => "the account's",
        }
    }
}

/// The limit that a stage's requests meet first, usage plans and methods with limits of their own left aside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WinningLimit {
    /// Rate and burst.
    pub limit: Limit,
    /// Whose.
    pub of: LimitOf,
}

/// A usage plan, as far as it limits a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct UsagePlan {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What each of its clients may do, where it says so.
    pub throttle: Option<Limit>,
    /// What each of its clients may do on one method of the stage, by `POST /login`.
    pub methods: Vec<(MethodName, Limit)>,
}

/// A method of a deployed API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedMethod {
    /// Its name.
    pub name: MethodName,
    /// `NONE`, `AWS_IAM`, `CUSTOM`, `COGNITO_USER_POOLS`.
    pub authorization: String,
    /// Whether it takes only callers with an API key.
    pub api_key_required: bool,
}
