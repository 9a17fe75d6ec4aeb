//! Top lists: what the requests of a window have in common, by what was counted.
//!
//! Plain results; they are made in `watch::callers`. Knows nothing of WAF, logs or screens.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::counted::{Bounds, CountedBy};

/// What a list counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TopOf {
    /// The /24 (IPv4) or /48 (IPv6) that an address is in.
    Prefixes,
    /// Method and path in WAF's samples, method and resource in an access log.
    Requests,
    /// Two-letter countries, as WAF places addresses.
    Countries,
    /// The user agent header, which callers write themselves.
    UserAgents,
    /// The status that the client got: access logs only.
    Statuses,
    /// Rules of the web ACL that matched, by metric name. A request may be matched by several: shares add up to more
    /// than one.
    Rules,
    /// Labels that rules have put on requests; shares add up to more than one as well.
    Labels,
}

impl TopOf {
    /// Every list, in the order in which they are shown.
    pub const ALL: [Self; 7] =
        [Self::Prefixes, Self::Requests, Self::Countries, Self::UserAgents, Self::Statuses, Self::Rules, Self::Labels];

    /// What one line is of: `prefix`, `user agent`.
    #[must_use]
    pub fn one(self) -> &'static str {
        match self {
            Self::Prefixes => "prefix",
            Self::Requests => "request",
            Self::Countries => "country",
            Self::UserAgents => "user agent",
            Self::Statuses => "status",
            Self::Rules => "rule",
            Self::Labels => "label",
        }
    }

    /// `prefixes`, `user agents`.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Prefixes => "prefixes",
            Self::Requests => "requests",
            Self::Countries => "countries",
            Self::UserAgents => "user agents",
            Self::Statuses => "statuses",
            Self::Rules => "rules",
            Self::Labels => "labels",
        }
    }
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TopRow {
    /// What was counted, neutralised: attackers write user agents and paths.
    pub name: String,
    /// The prefix, in a list of prefixes.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub prefix: Option<IpNet>,
    /// Requests in the window.
    pub requests: u64,
    /// What they may really be, where they are estimated; `None` where every request was counted.
    #[serde(default)]
    pub requests_bounds: Option<Bounds>,
    /// Their part of all requests of the window, a fraction.
    pub share: f64,
    /// The part that it had before the attack, a fraction; `None` where that is not known.
    pub before_share: Option<f64>,
    /// Addresses that sent them, as far as they are listed; `None` where the count does not tell.
    pub addresses: Option<usize>,
}

/// What most requests of a window have in common, in one respect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TopList {
    /// In which respect.
    pub of: TopOf,
    /// Where the counts come from: estimates out of samples, or lines of the access log.
    pub counted_by: CountedBy,
    /// Most requests first, at most [`TopList::MOST`].
    pub rows: Vec<TopRow>,
    /// How many there are; the rows are the largest of them.
    pub distinct: usize,
    /// The part of the window's requests that the counts rest on, a fraction. Less than 1 means that a row may count
    /// more than it says, by at most what is missing.
    pub counted_share: f64,
}

impl TopList {
    /// Rows that are kept of a list.
    pub const MOST: usize = 100;
}
