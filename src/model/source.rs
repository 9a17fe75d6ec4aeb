//! Who is sending what: addresses out of WAF's samples, access logs and rate rules, with what they were seen doing.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::candidate::{Candidates, Standing};
use super::counted::{Bounds, CountedBy};
use super::top_list::TopList;
use super::waf::RuleAction;

/// One request out of WAF's samples. Strings are the attacker's own: neutralise before showing.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledRequest {
    /// When WAF saw it, UTC.
    pub at: DateTime<Utc>,
    /// The client address as WAF saw it.
    pub client: IpAddr,
    /// Two-letter country, where WAF knew one.
    pub country: Option<String>,
    /// HTTP method.
    pub method: String,
    /// The URI path.
    pub uri: String,
    /// The user agent header.
    pub user_agent: Option<String>,
    /// Whether a forwarding header (`X-Forwarded-For`, `Via`, `CloudFront-…`) was present: the client may be a proxy.
    pub forwarded_for: Option<String>,
    /// What WAF did with it.
    pub action: Option<RuleAction>,
    /// The metric name of the rule it was sampled for.
    pub rule: String,
    /// The rule inside the group, where there was one.
    pub rule_in_group: Option<String>,
    /// Labels that rules have put on it (documented: whole, with the namespace of whose rule it was).
    pub labels: Vec<String>,
    /// How many requests the sample stands for, as WAF weighs it.
    pub weight: i64,
}

/// Whoever sends so many times as much as before is no customer any more: a bot that had looked in once before is one
/// of the attack's.
const BUSY: f64 = 10.0;

/// Requests a second that are nobody's attack.
const IDLE: f64 = 0.2;

/// The most that a customer sends, requests a second, who sent so many before the attack.
#[must_use]
pub fn most_of_a_customer(before_per_second: f64) -> f64 {
    IDLE.max(BUSY * before_per_second)
}

/// Whether a source is a caller that belongs there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Legitimacy {
    /// Seen in samples from before the attack began.
    SeenBefore,
    /// Samples from before the attack exist, and it is in none of them. It may still be a new customer.
    NotSeenBefore,
    /// There is nothing to compare with.
    Unknown,
}

/// A rate rule of the web ACL, and who is over its limit at the moment of reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RateRule {
    /// The rule's name; `reference / rule` where it is inside a rule group.
    pub rule: String,
    /// What the rule does to requests over the limit: `BLOCK`, `COUNT`, …
    pub action: String,
    /// Requests of one key in the window that are too many.
    pub limit: i64,
    /// The window, seconds.
    pub window_seconds: i64,
    /// How many addresses are over the limit; `None` where that is not known.
    pub addresses: Option<usize>,
    /// True where AWS lists no more than it does (10,000 of a rule, documented): there may be more.
    pub at_least: bool,
    /// Why it is not known, where it is not.
    pub reason: Option<String>,
}

/// What the access log was asked, and how much of the answer is whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogCoverage {
    /// The log group.
    pub group: String,
    /// Start of the window of the attack, UTC.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
    /// Lines in the window.
    pub requests: u64,
    /// Addresses in the window: exact where all are listed, else as Insights estimates them.
    pub addresses: u64,
    /// The part of the lines that the listed addresses sent, a fraction; 1 where every address is listed.
    pub listed_share: f64,
    /// The most that any address that is not listed sent in the window, requests; `None` where every address is listed.
    pub unlisted_at_most: Option<u64>,
    /// The window before the attack that callers were looked up in; `None` where no attack is known to have begun.
    pub before: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// The part of the lines from before that the addresses known from then sent; less than 1 means that a new address
    /// may not be new.
    pub before_listed_share: Option<f64>,
    /// What rose most against the time before, neutralised: `POST /login`.
    pub rose: Vec<String>,
    /// Bytes that the queries scanned: what AWS bills.
    pub bytes_scanned: f64,
    /// What that costs at the configured price, dollars (an estimate).
    pub dollars: f64,
    /// Whether lines of other stages may be among them: the group is shared and the format does not say which stage.
    pub shared: bool,
}

/// A count by name, largest first.
pub type Tally = Vec<(String, u64)>;

/// One source and what it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The address.
    pub address: IpAddr,
    /// Requests in the window: lines of the access log, or an estimate out of samples; `None` where nothing counts it.
    pub requests: Option<u64>,
    /// What they may really be, where they are estimated; `None` where every request was counted.
    #[serde(default)]
    pub requests_bounds: Option<Bounds>,
    /// Its share of everything that was counted, a fraction.
    pub share: Option<f64>,
    /// Requests a second in the window.
    pub per_second: Option<f64>,
    /// How many sampled requests that rests on.
    pub samples: u64,
    /// Countries.
    pub countries: Tally,
    /// `METHOD URI`, neutralised.
    pub requests_by_path: Tally,
    /// Rules that matched, by metric name.
    pub rules: Tally,
    /// Rate rules whose limit it is over now, by [`RateRule::rule`].
    pub over_limit_of: Vec<String>,
    /// User agents, neutralised.
    pub user_agents: Tally,
    /// What WAF did: `ALLOW`, `BLOCK`, `COUNT`.
    pub actions: Tally,
    /// First sample in the window, else the window's start.
    pub first_seen: DateTime<Utc>,
    /// Last sample in the window, else the window's end.
    pub last_seen: DateTime<Utc>,
    /// Whether it was there before.
    pub legitimacy: Legitimacy,
    /// Requests a second before the attack; 0 where it was not there, or nothing is known.
    pub before_per_second: f64,
    /// Which side it is on, as candidate sets take it.
    pub standing: Standing,
    /// Where the count comes from. Counts of two origins are never added up: the access log's is exact and stands
    /// alone.
    pub counted_by: CountedBy,
    /// Whether its requests carry forwarding headers: it may be a proxy that others are behind.
    pub behind_proxy: bool,
    /// What speaks against it: rules that matched its requests and hardly any caller who was there before. Not having
    /// been seen before is no such thing: most callers are in no sample.
    pub against: Vec<String>,
    /// Whether it follows: of the attack, new since the newest block, and not held by it.
    #[serde(default)]
    pub follows: bool,
}

/// Those who follow: sources of the attack that are new since a block and that it does not hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Followers {
    /// When the block was begun, account time, UTC.
    pub since: DateTime<Utc>,
    /// How many.
    pub sources: u64,
    /// Requests a second that they send, as far as they are counted.
    pub per_second: f64,
}

impl Source {
    /// Whether rules speak against it and it was not there before. Not having been seen alone is no reason: most
    /// customers are in no sample.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.legitimacy != Legitimacy::SeenBefore && !self.against.is_empty()
    }
}

/// The sources of one web ACL, ranked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sources {
    /// The web ACL the samples are of.
    pub web_acl: String,
    /// How many stages of the board stand behind it; samples do not say which was called.
    pub stages_behind: usize,
    /// Start of the window that the numbers are of, UTC.
    pub from: DateTime<Utc>,
    /// Its end, UTC.
    pub to: DateTime<Utc>,
    /// Seconds of the window that were answered: numbers a second are of these. Minutes that WAF did not answer are no
    /// part of them.
    pub answered_seconds: Option<f64>,
    /// Seconds of those that samples were really drawn from: WAF draws from the first 5,000 requests of a minute
    /// (documented), which in a flood are over in seconds. The rest is estimated to have been alike.
    pub covered_seconds: Option<f64>,
    /// Requests in the window, estimated from what WAF counted (`PopulationSize`) over the part of it that was really
    /// covered.
    pub population: Option<u64>,
    /// Sampled requests that were read.
    pub sampled: u64,
    /// Requests the sample was drawn from: WAF samples among the first 5,000 of the window only.
    pub seen: Option<u64>,
    /// Rules that could not be sampled, with the reason.
    pub missing: Vec<String>,
    /// The sources, most requests first; those that nothing counts come last.
    pub sources: Vec<Source>,
    /// Rate rules that count by client address, and who is over their limits now.
    pub rate_rules: Vec<RateRule>,
    /// What the requests have in common, list by list; a list that nothing tells of is not there.
    pub top: Vec<TopList>,
    /// How many sampled requests say who called before; `None` where samples do not tell it.
    #[serde(default)]
    pub before_samples: Option<u64>,
    /// Who called before the attack and is not among the sources now, with requests a second then.
    pub gone: Vec<(IpAddr, f64)>,
    /// What the access log was asked, where it was.
    pub log: Option<LogCoverage>,
    /// What to block.
    pub candidates: Candidates,
    /// Who is new since the newest block; `None` where nothing of ours blocks, or nothing tells who was there before
    /// it.
    #[serde(default)]
    pub followers: Option<Followers>,
}

impl Sources {
    /// Sources of a web ACL of which nothing is known yet, of a window.
    #[must_use]
    pub fn nobody(web_acl: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        Self {
            web_acl: web_acl.to_owned(),
            stages_behind: 1,
            from,
            to,
            answered_seconds: None,
            covered_seconds: None,
            population: None,
            sampled: 0,
            seen: None,
            missing: Vec::new(),
            sources: Vec::new(),
            rate_rules: Vec::new(),
            top: Vec::new(),
            gone: Vec::new(),
            before_samples: None,
            log: None,
            candidates: Candidates::default(),
            followers: None,
        }
    }
}
