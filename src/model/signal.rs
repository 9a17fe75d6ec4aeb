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
}

impl SignalKind {
    /// Every kind.
    pub const ALL: [Self; 4] =
        [Self::ClientErrorsHigh, Self::ServerErrorsHigh, Self::AllowedShareLow, Self::BlockedSpike];

    /// The signal's id, e.g. `client-errors-high`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::ClientErrorsHigh => "client-errors-high",
            Self::ServerErrorsHigh => "server-errors-high",
            Self::AllowedShareLow => "allowed-share-low",
            Self::BlockedSpike => "blocked-spike",
        }
    }
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
    /// The measured value, in the threshold's unit (a fraction, or a multiple for spikes).
    pub value: f64,
    /// The threshold it crossed.
    pub threshold: f64,
    /// One line of evidence with numbers, their minute and their scope.
    pub evidence: String,
    /// What to do next, in one line.
    pub suggests: String,
}
