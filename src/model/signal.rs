//! Conditions worth waking up for, with the evidence for them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How bad a signal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look.
    Notice,
    /// Looks like an attack or an outage.
    Attack,
}

impl Severity {
    /// The severity as a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Attack => "ATTACK",
        }
    }
}

/// What was detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalKind {
    /// The share of 4XX answers is high.
    ClientErrorsHigh,
    /// The share of 5XX answers is high.
    ServerErrorsHigh,
    /// Little of what the web ACL inspected was let through.
    AllowedShareLow,
    /// Blocked requests far above their own recent median.
    BlockedSpike,
    /// Requests are throttled.
    Throttling,
    /// Clients wait much longer than usual.
    LatencyHigh,
    /// The integration takes much longer than usual.
    IntegrationLatencyHigh,
    /// Latency climbs while requests climb, and 5XX follow: more instances start than the backend can start.
    ColdStartCascade,
    /// The cache answers far less than usual.
    CacheHitCollapse,
    /// All APIs together come near the account's limit.
    AccountLimitNear,
    /// Traffic costs far more than usual.
    CostBurn,
}

impl SignalKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::ServerErrorsHigh,
        Self::ClientErrorsHigh,
        Self::Throttling,
        Self::AllowedShareLow,
        Self::ColdStartCascade,
        Self::IntegrationLatencyHigh,
        Self::LatencyHigh,
        Self::CacheHitCollapse,
        Self::AccountLimitNear,
        Self::BlockedSpike,
        Self::CostBurn,
    ];

    /// What its values are measured in.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::BlockedSpike
            | Self::LatencyHigh
            | Self::IntegrationLatencyHigh
            | Self::ColdStartCascade
            | Self::CostBurn => Unit::Multiple,
            Self::ClientErrorsHigh
            | Self::ServerErrorsHigh
            | Self::Throttling
            | Self::AllowedShareLow
            | Self::CacheHitCollapse
            | Self::AccountLimitNear => Unit::Share,
        }
    }

    /// Whether low values are the bad ones.
    #[must_use]
    pub fn low_is_bad(self) -> bool {
        matches!(self, Self::AllowedShareLow | Self::CacheHitCollapse)
    }

    /// Whether `a` is worse than `b`.
    #[must_use]
    pub fn is_worse(self, a: f64, b: f64) -> bool {
        if self.low_is_bad() { a < b } else { a > b }
    }

    /// The signal's id, e.g. `client-errors-high`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::ClientErrorsHigh => "client-errors-high",
            Self::ServerErrorsHigh => "server-errors-high",
            Self::AllowedShareLow => "allowed-share-low",
            Self::BlockedSpike => "blocked-spike",
            Self::Throttling => "throttling",
            Self::LatencyHigh => "latency-high",
            Self::IntegrationLatencyHigh => "integration-latency-high",
            Self::ColdStartCascade => "cold-start-cascade",
            Self::CacheHitCollapse => "cache-hit-collapse",
            Self::AccountLimitNear => "account-limit-near",
            Self::CostBurn => "cost-burn",
        }
    }
}

/// What a signal's values are measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A fraction, 0 to 1.
    Share,
    /// A multiple of what is usual.
    Multiple,
}

/// The worst of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    /// The value, in the threshold's unit.
    pub value: f64,
    /// The minute, its start, account time, UTC.
    pub at: DateTime<Utc>,
}

/// What is known of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalState {
    /// It is met.
    Stands,
    /// It could not be judged lately: neither met nor over.
    NotJudged,
    /// It was met, and was judged to be over.
    Ended,
}

/// A condition that could not be judged lately and that did not stand when it last could be: not known to be fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotJudged {
    /// Which.
    pub kind: SignalKind,
    /// The end of the last minute that could be judged (account time, UTC); `None` where none could be of those that are kept.
    pub since: Option<DateTime<Utc>>,
}

/// One condition on one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// What.
    pub kind: SignalKind,
    /// How bad.
    pub severity: Severity,
    /// The minute (its start, account time, UTC) since which it has stood without a break.
    pub since: DateTime<Utc>,
    /// The minute (its start, account time, UTC) with which it ended; `None` while it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<DateTime<Utc>>,
    /// The end of the last minute that could be judged (account time, UTC), where none could be since: it stands by what was known then.
    /// `None` where it was judged lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_judged_since: Option<DateTime<Utc>>,
    /// The measured value, in the threshold's unit (a fraction, or a multiple for spikes): the latest while it stands, the last of it
    /// where it has ended.
    pub value: f64,
    /// The worst value of its run, and its minute (its start, account time, UTC); `None` where it was not looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<Peak>,
    /// The threshold it crossed.
    pub threshold: f64,
    /// Whether it would be attack-level, were it not for what we do ourselves: the evidence says what part that is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ours: bool,
    /// One line of evidence with numbers, their minute and their scope.
    pub evidence: String,
    /// What to do next, in one line.
    pub suggests: String,
}

impl Signal {
    /// Whether it stands, is over, or could not be judged lately.
    #[must_use]
    pub fn state(&self) -> SignalState {
        match (self.ended, self.not_judged_since) {
            (Some(_), _) => SignalState::Ended,
            (None, Some(_)) => SignalState::NotJudged,
            (None, None) => SignalState::Stands,
        }
    }
}
