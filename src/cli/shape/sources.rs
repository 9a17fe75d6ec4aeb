//! `sources STAGE`: who is sending what.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::model::candidate::{Candidates, Standing};
use crate::model::counted::{Bounds, CountedBy};
use crate::model::source::{Followers, Legitimacy, LogCoverage, RateRule, Tally};
use crate::model::top_list::TopList;

/// `sources STAGE`: who is sending what, ranked, and what to block.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourcesDocument {
    /// The stage as it is typed: `shop/prod`.
    pub stage: String,
    /// The sources, most requests first; those that nothing counts come last.
    pub sources: Vec<SourceShape>,
    /// Rate rules that count by client address, and who is over their limits now.
    pub rate_rules: Vec<RateRule>,
    /// What the requests have in common, list by list.
    pub top: Vec<TopList>,
    /// What to block.
    pub candidates: Candidates,
    /// Who is new since the newest block; null if nothing of ours blocks, or nothing tells.
    pub followers: Option<Followers>,
    /// What all of this rests on.
    pub coverage: CoverageShape,
    /// What could not be read.
    pub unknown: SourcesUnknown,
}

/// One source and what it did.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceShape {
    /// The address.
    pub address: IpAddr,
    /// Requests in the window; null if nothing counts it.
    pub requests: Option<u64>,
    /// What they may really be, where they are estimated; null if every request was counted.
    pub requests_bounds: Option<Bounds>,
    /// Its share of everything that was counted, a fraction.
    pub share: Option<f64>,
    /// Requests a second in the window.
    pub per_second: Option<f64>,
    /// How many sampled requests that rests on.
    pub samples: u64,
    /// Countries and requests.
    pub countries: Tally,
    /// Method and path, neutralised, and requests.
    pub requests_by_path: Tally,
    /// Rules that matched, by metric name, and requests.
    pub rules: Tally,
    /// Rate rules whose limit it is over now.
    pub over_limit_of: Vec<String>,
    /// User agents, neutralised, and requests.
    pub user_agents: Tally,
    /// What WAF did, and requests: `ALLOW`, `BLOCK`, `COUNT`.
    pub actions: Tally,
    /// First seen in the window, else the window's start.
    pub first_seen: DateTime<Utc>,
    /// Last seen in the window, else the window's end.
    pub last_seen: DateTime<Utc>,
    /// Whether it was there before.
    pub legitimacy: Legitimacy,
    /// Requests a second before the attack; null if nothing is known of then.
    pub before_per_second: Option<f64>,
    /// Which side it is on, as candidate sets take it.
    pub standing: Standing,
    /// Where the count comes from.
    pub counted_by: CountedBy,
    /// Whether it may be a proxy that others are behind.
    pub behind_proxy: bool,
    /// Rules that speak against it.
    pub against: Vec<String>,
    /// Whether it follows: of the attack, new since the newest block, and not held by it.
    pub follows: bool,
}

/// What the numbers rest on.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CoverageShape {
    /// The web ACL that the samples are of.
    pub web_acl: String,
    /// How many stages stand behind it.
    pub stages_behind: usize,
    /// Start of the window.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
    /// Seconds of the window that were answered.
    pub answered_seconds: Option<f64>,
    /// Seconds of those that samples were drawn from.
    pub covered_seconds: Option<f64>,
    /// Requests in the window: an estimate.
    pub population_requests: Option<u64>,
    /// Requests that the samples were drawn from.
    pub seen_requests: Option<u64>,
    /// Sampled requests that were read.
    pub samples: u64,
    /// What the access log was asked, where it was.
    pub access_log: Option<LogCoverage>,
}

/// What could not be read.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourcesUnknown {
    /// What it is, with the reason, a line each.
    pub missing: Vec<String>,
    /// Why nothing is known of callers from before the attack.
    pub legitimate_share: Option<String>,
}
