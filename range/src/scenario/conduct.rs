//! How a population fares over time and what it does about the answers that it gets: fields of `[[world.populations]]`.

use serde::{Deserialize, Deserializer, de::Error as _};

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

/// Traffic in pulses, counted from the population's `start`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PulseSpec {
    /// How long it sends.
    pub on: Span,
    /// How long it is silent then.
    pub off: Span,
    /// From when on it sends without a pause, after the drill opens; absent: never.
    #[serde(default)]
    pub until: Option<toml::Spanned<Span>>,
}

/// When a whole population gives up.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivesUpSpec {
    /// Share of what it sends that must be refused by WAF, policy or a throttle, above 0 to 1.
    pub blocked: f64,
    /// For how long.
    #[serde(rename = "for")]
    pub lasting: Span,
    /// When it comes back; absent: never.
    #[serde(default)]
    pub returns: Option<Returns>,
}

/// When a population that has given up comes back: `10m`, or `when-let-in`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returns {
    /// So long after it has given up.
    After(Span),
    /// Once the few requests that it goes on sending get through.
    WhenLetIn,
}

impl<'de> Deserialize<'de> for Returns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "when-let-in" {
            return Ok(Self::WhenLetIn);
        }
        Span::parse(&text).map(Self::After).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is no way to come back; write `when-let-in`, or a length of time: `10m`"
            ))
        })
    }
}
