//! What traffic costs: estimates out of rates and configured prices.

use chrono::{DateTime, Utc};

use super::figure::Figure;

/// Whom AWS pays itself for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CostOf {
    /// API Gateway's requests.
    ApiGateway,
    /// Requests that WAF inspected.
    Waf,
    /// Invocations of Lambda and how long they run.
    Lambda,
    /// What the access log takes in.
    Logs,
}

impl CostOf {
    /// Every one, in a fixed order.
    pub const ALL: [Self; 4] = [Self::ApiGateway, Self::Waf, Self::Lambda, Self::Logs];

    /// Its place in [`CostOf::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::ApiGateway => 0,
            Self::Waf => 1,
            Self::Lambda => 2,
            Self::Logs => 3,
        }
    }

    /// `API Gateway`, …
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::ApiGateway => "API Gateway",
            Self::Waf => "WAF",
            Self::Lambda => "Lambda",
            Self::Logs => "logs",
        }
    }
}

/// What traffic costs, in US dollars: estimates, out of rates and the configured prices.
#[derive(Debug, Clone, PartialEq)]
pub struct Burn {
    /// Dollars an hour at the present rate, by [`CostOf::index`].
    pub parts_per_hour: [Figure; 4],
    /// Dollars an hour of all parts that are known.
    pub per_hour: Figure,
    /// Dollars an hour that are usual: the median of the half hour before the attack, or before now where none stands.
    pub usual_per_hour: Figure,
    /// Dollars since the attack began, and when that was (UTC); `None` where none stands.
    pub since: Option<(DateTime<Utc>, Figure)>,
}

impl Burn {
    /// Nothing known, for one reason.
    #[must_use]
    pub fn unknown(reason: &'static str) -> Self {
        let unknown = || Figure::unknown(reason);
        Self {
            parts_per_hour: std::array::from_fn(|_| unknown()),
            per_hour: unknown(),
            usual_per_hour: unknown(),
            since: None,
        }
    }
}
