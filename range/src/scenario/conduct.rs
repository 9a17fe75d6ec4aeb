//! How a population fares over time and what it does about the answers that it gets: fields of `[[world.populations]]`.

use serde::Deserialize;

use super::values::{Span, TimeOfDay};

/// The rhythm of a population's day: a smooth curve over 24 hours, by which its rate is multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DailySpec {
    /// The time of day at which `rate` is reached.
    pub peak: TimeOfDay,
    /// What is left of `rate` twelve hours from the peak, 0 to 1.
    pub trough: f64,
}

/// How requests that fail are tried again: with 5XX, timeouts and 429, and with 403 where it says so.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrySpec {
    /// Share of the failed requests that is tried again, 0 to 1.
    pub share: f64,
    /// How often one request is tried again at most.
    pub times: u32,
    /// How long after the failure.
    pub after: Span,
    /// Whether a 403 of WAF, policy or authorization is tried again, too.
    #[serde(default)]
    pub forbidden: bool,
}

/// How long clients put up with failures, and how long they then stay away.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatienceSpec {
    /// How long a client goes on while everything fails, on average.
    pub lasts: Span,
    /// How long a client stays away once everything works again, on average.
    pub away: Span,
}
