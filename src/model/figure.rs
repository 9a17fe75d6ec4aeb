//! A number with its age and origin, or the reason why there is none.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where a figure was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A `CloudWatch` metric, one point a minute.
    CloudWatch,
    /// WAF's sampled requests: an estimate.
    WafSamples,
    /// The stage's access log, counted line by line.
    AccessLog,
    /// A metric that a metric filter makes of the access log.
    MetricFilter,
    /// Read from the service itself just now.
    ControlPlane,
    /// Computed from several of the above.
    Derived,
}

/// What a figure speaks of. A web ACL may stand before several stages, and two APIs may share a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Scope {
    /// The stage alone.
    Stage,
    /// Everything behind the web ACL; `stages` is how many stages of this board are behind it.
    WebAcl {
        /// The web ACL's name.
        name: String,
        /// Stages on this board behind the same web ACL.
        stages: usize,
    },
    /// Every stage that writes to the log group: nothing in a line tells them apart.
    LogGroup {
        /// The log group's name.
        name: String,
        /// Stages on this board that write to it.
        stages: usize,
    },
    /// Every API of the account in the region.
    Account,
    /// Every API of that name in the region: they share one series (inferred).
    ApiName {
        /// How many APIs have the name.
        apis: usize,
    },
}

/// A value that was really read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The value, in the unit its field names.
    pub value: f64,
    /// Account time, UTC: the end of the interval that the value covers.
    pub at: DateTime<Utc>,
    /// Where it was read.
    pub origin: Origin,
    /// What it covers.
    pub scope: Scope,
    /// True while AWS may still change it: the last two or three minutes of a metric (publish delay is undocumented).
    pub provisional: bool,
}

/// A number, or the reason why there is none. Never a guess, never a silent zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// A value with age and origin.
    Known(Reading),
    /// No value; one short reason for people.
    Unknown(Cow<'static, str>),
}

impl Figure {
    /// An unknown figure with its reason.
    #[must_use]
    pub fn unknown(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Unknown(reason.into())
    }

    /// The value, where there is one.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Known(reading) => Some(reading.value),
            Self::Unknown(_) => None,
        }
    }

    /// The reading, where there is one.
    #[must_use]
    pub fn reading(&self) -> Option<&Reading> {
        match self {
            Self::Known(reading) => Some(reading),
            Self::Unknown(_) => None,
        }
    }

    /// The reason, where there is no value.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(reason) => Some(reason),
        }
    }
}
