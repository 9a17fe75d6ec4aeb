//! What is usual on a stage while an attack stands: frozen at its beginning, so that none of it learns the attack.
//!
//! Knows nothing of how it is read and reckoned.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::figure::Figure;
use super::words::whole_percent;

/// What has a usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsualOf {
    /// Requests a minute.
    Requests,
    /// Answers a minute that are neither 4XX nor 5XX.
    Answers,
    /// Median of latency, ms.
    MedianLatency,
    /// 99th percentile of latency, ms.
    Latency,
    /// 99th percentile of the integration's latency, ms.
    IntegrationLatency,
    /// Requests a minute that the web ACL blocked (the ACL's scope).
    Blocked,
    /// Cache hits as a fraction of what was looked up.
    CacheHits,
    /// Dollars a minute: an estimate.
    Cost,
}

impl UsualOf {
    /// All of them, in a fixed order.
    pub const ALL: [Self; 8] = [
        Self::Requests,
        Self::Answers,
        Self::MedianLatency,
        Self::Latency,
        Self::IntegrationLatency,
        Self::Blocked,
        Self::CacheHits,
        Self::Cost,
    ];

    /// Its place in [`UsualOf::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// What usuals rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UsualFrom {
    /// The half hour before the attack, for the first hour of it.
    HalfHourBefore,
    /// The same minutes, a quarter of an hour on either side, 7 and 14 days ago, scaled by the half hour before against
    /// the same half hour then.
    WeeksBefore,
}

impl UsualFrom {
    /// In words, as the rest of `by …`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::HalfHourBefore => "the half hour before the attack",
            Self::WeeksBefore => "this time of day 7 and 14 days ago",
        }
    }
}

/// What is usual on one stage at the minute that its figures are of.
#[derive(Debug, Clone, PartialEq)]
pub struct Usuals {
    /// When the attack began that they are frozen by, account time, UTC.
    pub began: DateTime<Utc>,
    /// What they rest on.
    pub from: UsualFrom,
    /// The values, by [`UsualOf::index`], in the units that it names; those that cannot be told say why.
    pub figures: [Figure; UsualOf::ALL.len()],
}

impl Usuals {
    /// All of them in a line, for people, and why those that cannot be told are `?`.
    #[must_use]
    pub fn words(&self) -> String {
        let of = |of| self.figure(of).value();
        let told = |value: Option<f64>, unit: &str| {
            value.map_or_else(|| format!("?{unit}"), |v| format!("{v:.*}{unit}", usize::from(v < 10.0)))
        };
        let per_second = |one| told(of(one).map(|value| value / 60.0), "/s");
        let mut parts = vec![
            format!("{} requests", per_second(UsualOf::Requests)),
            format!("{} answered without an error", per_second(UsualOf::Answers)),
            format!("p50 {}", told(of(UsualOf::MedianLatency), " ms")),
            format!("p99 {}", told(of(UsualOf::Latency), " ms")),
            format!("integration p99 {}", told(of(UsualOf::IntegrationLatency), " ms")),
            format!("{} blocked", per_second(UsualOf::Blocked)),
        ];
        // Without a cache there is nothing to tell.
        parts.extend(of(UsualOf::CacheHits).map(|share| format!("cache answers {}", whole_percent(share))));
        parts.push(of(UsualOf::Cost).map_or_else(|| "$?/h".to_owned(), |dollars| format!("${:.2}/h", dollars * 60.0)));
        let mut why: Vec<&str> = Vec::new();
        for one in UsualOf::ALL.into_iter().filter(|one| *one != UsualOf::CacheHits) {
            why.extend(self.figure(one).reason().filter(|reason| !why.contains(reason)));
        }
        let why = if why.is_empty() { String::new() } else { format!(" (?: {})", why.join("; ")) };
        format!("{}, by {}{why}", parts.join(", "), self.from.words())
    }

    /// The same of a stage that has a cache or none (`None`: not known): without one there is no share of it.
    #[must_use]
    pub fn of_cache(mut self, has_cache: Option<bool>) -> Self {
        if has_cache == Some(false) {
            self.figures[UsualOf::CacheHits.index()] = Figure::unknown("no cache is on");
        }
        self
    }

    /// One of them.
    #[must_use]
    pub fn figure(&self, of: UsualOf) -> &Figure {
        &self.figures[of.index()]
    }
}
