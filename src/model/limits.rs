//! Limits on requests: where API Gateway keeps them, and which of them wins.

use serde::Serialize;
use serde_json::{Map, Value};

use super::method::{ALL_METHODS, MethodName};

/// The member of a method setting that holds the rate, requests a second.
pub const RATE: &str = "throttlingRateLimit";
/// The member of a method setting that holds the burst, requests.
pub const BURST: &str = "throttlingBurstLimit";

/// A rate and a burst.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Requests a second.
    pub rate: f64,
    /// Requests that may come at once.
    pub burst: f64,
}

/// Rate (requests a second) and burst (requests) of a method setting, as AWS wrote them: absent is `None`, and -1 means
/// that none is set (terraform-provider-aws and Steadybit's extension; not documented).
#[must_use]
pub fn limits(entry: &Value) -> (Option<f64>, Option<f64>) {
    let number = |name: &str| entry.get(name).and_then(Value::as_f64);
    (number(RATE), number(BURST))
}

/// The account's limit in this region, which all its APIs share (`GetAccount`, documented).
pub type AccountLimit = Limit;

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LimitOf {
    /// The stage's, for each method that has no other.
    Stage,
    /// One method's own, lower than the stage's.
    Method,
    /// The account's, for all its APIs in the region together.
    Account,
}

impl LimitOf {
    /// `the stage's, a method`, `the account's`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Stage => "the stage's, a method",
            Self::Method => "the lowest of a method",
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

/// A limit on all callers together, and where it is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LimitInForce {
    /// Requests a second; `None` where nothing limits it that is known.
    pub rate: Option<f64>,
    /// Requests that may come at once.
    pub burst: Option<f64>,
    /// Where: `POST /login`, `*/*`, `the account`.
    pub from: String,
}

/// The limit in force for a method setting's name, out of a stage's settings and the account's limit: the tighter of
/// the two, where `-1` and what is absent leave the account's (`-1`: reported by others).
#[must_use]
pub fn in_force(name: &str, settings: &Map<String, Value>, account: Option<AccountLimit>) -> LimitInForce {
    let own = settings.get(name).map(|entry| (name, entry));
    let found = own.or_else(|| settings.get(ALL_METHODS).map(|entry| (ALL_METHODS, entry)));
    let set = |n: Option<f64>| n.filter(|n| *n >= 0.0);
    let (rate, burst) = found.map_or((None, None), |(_, entry)| limits(entry));
    let (rate, burst) = (set(rate), set(burst));
    let tighter = |own: Option<f64>, account: Option<f64>| match (own, account) {
        (Some(own), Some(account)) => Some(own.min(account)),
        (own, account) => own.or(account),
    };
    let by_account = account.is_some_and(|a| rate.is_none_or(|rate| a.rate < rate));
    let from = match found {
        Some((name, _)) if rate.is_some() && !by_account => name.to_owned(),
        _ if account.is_some() => "the account".to_owned(),
        _ => "nothing that is known".to_owned(),
    };
    LimitInForce {
        rate: tighter(rate, account.map(|a: Limit| a.rate)),
        burst: tighter(burst, account.map(|a| a.burst)),
        from,
    }
}
