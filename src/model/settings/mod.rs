//! What a team configures beforehand: whom never to block, when to raise a signal, what things cost.
//!
//! Settings come out of text by [`read`] and in no other way: it checks every key against the [`table`](keys::KEYS).

pub mod keys;
mod read;
mod unsaid;

use std::borrow::Cow;
use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::Serialize;

pub use read::{mistake_at, read, read_within};
pub use unsaid::{Unsaid, unsaid};

use super::stage::{Place, StageId, StageSelector};

/// The configuration file, whole. Unknown keys are refused.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settings {
    /// Whom never to block and who must always get in.
    pub guards: GuardSettings,
    /// When a signal is raised.
    pub signals: Thresholds,
    /// How often to poll and what it may cost.
    pub polling: PollingSettings,
    /// What traffic costs.
    pub prices: Prices,
    /// How stages are asked from outside.
    pub probes: ProbeSettings,
    /// How those who send are told apart, and what to block.
    pub sources: SourceSettings,
    /// How the screen looks, and its keys.
    pub screen: ScreenSettings,
    /// What accounts are called, by their twelve digits.
    pub accounts: Accounts,
}

/// Accounts by their twelve digits.
pub type Accounts = BTreeMap<String, Account>;

/// What is said of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Account {
    /// What the team calls it; empty where nobody has said.
    pub name: String,
    /// Whether customers depend on it: so unless it is said that they do not.
    pub production: bool,
}

/// How the screen looks, and its keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ScreenSettings {
    /// The theme: a built-in one's name, or a file.
    pub theme: Option<String>,
    /// The keymap: a built-in one's name, or a file.
    pub keymap: Option<String>,
}

/// How those who send are told apart, and what may be proposed for blocking.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceSettings {
    /// Prefixes of what stands in front of the APIs: the team's own CDN or proxies. Never proposed for blocking.
    pub front_doors: Vec<IpNet>,
    /// How much a share of legitimate requests weighs against the same share of the attack, when sets of prefixes are weighed up.
    pub rest_weight: f64,
    /// Whether access logs are asked who sends; AWS bills what such a query scans.
    pub ask_access_logs: bool,
}

impl Settings {
    /// Every stage that is named: the key, and what was written.
    pub fn stages_named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let thresholds = self.signals.stages.iter().map(|own| ("signals.stages", own.stage.as_str()));
        thresholds.chain(self.probes.stages.iter().map(|probe| ("probes.stages", probe.stage.as_str())))
    }
}

impl Default for SourceSettings {
    fn default() -> Self {
        Self { front_doors: Vec::new(), rest_weight: 5.0, ask_access_logs: true }
    }
}

/// How stages are asked from outside, to see who gets in.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProbeSettings {
    /// Services that answer with the address they are asked from, one for each address version. Where there are none, AWS's own
    /// (`https://checkip.amazonaws.com/`, IPv4 only).
    pub address_services: Vec<String>,
    /// What to ask of which stage. Where a stage has none, a deployed `GET` without parameters, authorization or key, at AWS's own address.
    pub stages: Vec<StageProbe>,
}

/// What to ask of one stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct StageProbe {
    /// The stage, `shop/prod`: the API by name or id.
    pub stage: String,
    /// The URL that clients use, custom domain and all; asked with `GET`.
    pub url: String,
    /// Headers to send.
    pub headers: BTreeMap<String, String>,
}

/// What the guards need to know.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct GuardSettings {
    /// Ranges that must never be blocked: partners, monitors, offices. `None` where nobody has said; `[]` says there are none.
    pub never_block: Option<Vec<IpNet>>,
    /// Ranges from which responders reach the API in an emergency. `None` where nobody has said.
    pub break_glass: Option<Vec<IpNet>>,
    /// Shortest v4 prefix that may be blocked without an override, bits.
    pub widest_v4: u8,
    /// Shortest v6 prefix that may be blocked without an override, bits.
    pub widest_v6: u8,
    /// All v4 prefixes of a block together, and with what is in the IP set already, may be as wide as one of this length without an override, bits.
    pub widest_total_v4: u8,
    /// The same for v6.
    pub widest_total_v6: u8,
    /// Share of the requests inside a target that may come from callers seen before the attack, a fraction.
    pub most_legitimate_share: f64,
    /// IP sets (name or ARN) to use for blocking where several would do.
    pub block_lists: Vec<String>,
    /// The prebuilt web ACL (name or ARN) that `close --by web-acl` swaps in: Block by default, an allow list of addresses.
    pub closed_web_acl: Option<String>,
}

impl Default for GuardSettings {
    fn default() -> Self {
        Self {
            never_block: None,
            break_glass: None,
            widest_v4: 20,
            widest_v6: 40,
            widest_total_v4: 16,
            widest_total_v6: 36,
            most_legitimate_share: 0.05,
            block_lists: Vec::new(),
            closed_web_acl: None,
        }
    }
}

/// When signals are raised. Shares are fractions, 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Thresholds {
    /// 4XX share for a notice.
    pub client_errors_notice: f64,
    /// 4XX share for an attack.
    pub client_errors_attack: f64,
    /// 5XX share for a notice.
    pub server_errors_notice: f64,
    /// 5XX share for an attack.
    pub server_errors_attack: f64,
    /// Allowed share of what the web ACL inspected, below which it is an attack.
    pub allowed_share_attack: f64,
    /// Blocked requests as a multiple of their own median over the last half hour.
    pub blocked_spike: f64,
    /// Requests a minute below which shares are not judged: two errors out of three are no attack.
    pub least_requests_per_minute: f64,
    /// Throttled share of requests for a notice.
    pub throttled_notice: f64,
    /// Throttled share of requests for an attack.
    pub throttled_attack: f64,
    /// p99 latency as a multiple of its own median over the half hour before.
    pub latency_multiple: f64,
    /// p99 latency below which it is never high, ms.
    pub latency_least_ms: f64,
    /// Cache hit share as a fraction of its own median over the half hour before, below which it has collapsed.
    pub cache_hit_collapse: f64,
    /// Share of the account's limit for a notice.
    pub account_limit_notice: f64,
    /// Share of the account's limit for an attack.
    pub account_limit_attack: f64,
    /// Dollars an hour as a multiple of what is usual.
    pub cost_multiple: f64,
    /// Dollars an hour below which costs are never high.
    pub cost_least_dollars_per_hour: f64,
    /// Share of customers served below which a measure of ours keeps them out.
    pub out_below: f64,
    /// Share of customers served that a measure may cost before it keeps them out.
    pub out_drop: f64,
    /// What gets past a measure beyond what is usual, as a part of usual, from which on it leaks.
    pub leaking_above: f64,
    /// Part of what is above usual that has to be turned away for it to be contained.
    pub contained_turned_away: f64,
    /// Share of customers that has to be served for it to be contained.
    pub contained_served: f64,
    /// What is above usual, as a part of its peak, below which hardly more than usual is sent.
    pub recovering_below: f64,
    /// Minutes that must be fine before a signal ends: what comes and goes is one signal and not ten.
    pub quiet_minutes: u32,
    /// Other thresholds for single stages.
    pub stages: Vec<StageThresholds>,
}

/// Thresholds of one stage, where they differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct StageThresholds {
    /// The stage, `shop/prod`: the API by name or id.
    pub stage: String,
    /// Instead of [`Thresholds::client_errors_notice`].
    pub client_errors_notice: Option<f64>,
    /// Instead of [`Thresholds::client_errors_attack`].
    pub client_errors_attack: Option<f64>,
    /// Instead of [`Thresholds::server_errors_notice`].
    pub server_errors_notice: Option<f64>,
    /// Instead of [`Thresholds::server_errors_attack`].
    pub server_errors_attack: Option<f64>,
    /// Instead of [`Thresholds::allowed_share_attack`].
    pub allowed_share_attack: Option<f64>,
    /// Instead of [`Thresholds::blocked_spike`].
    pub blocked_spike: Option<f64>,
    /// Instead of [`Thresholds::least_requests_per_minute`].
    pub least_requests_per_minute: Option<f64>,
    /// Instead of [`Thresholds::throttled_notice`].
    pub throttled_notice: Option<f64>,
    /// Instead of [`Thresholds::throttled_attack`].
    pub throttled_attack: Option<f64>,
    /// Instead of [`Thresholds::latency_multiple`].
    pub latency_multiple: Option<f64>,
    /// Instead of [`Thresholds::latency_least_ms`].
    pub latency_least_ms: Option<f64>,
    /// Instead of [`Thresholds::cache_hit_collapse`].
    pub cache_hit_collapse: Option<f64>,
    /// Instead of [`Thresholds::cost_multiple`].
    pub cost_multiple: Option<f64>,
    /// Instead of [`Thresholds::cost_least_dollars_per_hour`].
    pub cost_least_dollars_per_hour: Option<f64>,
    /// Instead of [`Thresholds::out_below`].
    pub out_below: Option<f64>,
    /// Instead of [`Thresholds::out_drop`].
    pub out_drop: Option<f64>,
    /// Instead of [`Thresholds::leaking_above`].
    pub leaking_above: Option<f64>,
    /// Instead of [`Thresholds::contained_turned_away`].
    pub contained_turned_away: Option<f64>,
    /// Instead of [`Thresholds::contained_served`].
    pub contained_served: Option<f64>,
    /// Instead of [`Thresholds::recovering_below`].
    pub recovering_below: Option<f64>,
}

impl Thresholds {
    /// Those of one stage, as it is known where it stands.
    #[must_use]
    pub fn of_stage(&self, stage: &StageId, place: &Place) -> Cow<'_, Self> {
        match self.stages.iter().find(|own| place.means(&own.stage, stage)) {
            Some(own) => Cow::Owned(self.merged(own)),
            None => Cow::Borrowed(self),
        }
    }

    /// Those of all stages with one stage's own over them.
    #[must_use]
    pub fn merged(&self, own: &StageThresholds) -> Self {
        let all = self;
        Self {
            client_errors_notice: own.client_errors_notice.unwrap_or(all.client_errors_notice),
            client_errors_attack: own.client_errors_attack.unwrap_or(all.client_errors_attack),
            server_errors_notice: own.server_errors_notice.unwrap_or(all.server_errors_notice),
            server_errors_attack: own.server_errors_attack.unwrap_or(all.server_errors_attack),
            allowed_share_attack: own.allowed_share_attack.unwrap_or(all.allowed_share_attack),
            blocked_spike: own.blocked_spike.unwrap_or(all.blocked_spike),
            least_requests_per_minute: own.least_requests_per_minute.unwrap_or(all.least_requests_per_minute),
            throttled_notice: own.throttled_notice.unwrap_or(all.throttled_notice),
            throttled_attack: own.throttled_attack.unwrap_or(all.throttled_attack),
            latency_multiple: own.latency_multiple.unwrap_or(all.latency_multiple),
            latency_least_ms: own.latency_least_ms.unwrap_or(all.latency_least_ms),
            cache_hit_collapse: own.cache_hit_collapse.unwrap_or(all.cache_hit_collapse),
            cost_multiple: own.cost_multiple.unwrap_or(all.cost_multiple),
            cost_least_dollars_per_hour: own.cost_least_dollars_per_hour.unwrap_or(all.cost_least_dollars_per_hour),
            out_below: own.out_below.unwrap_or(all.out_below),
            out_drop: own.out_drop.unwrap_or(all.out_drop),
            leaking_above: own.leaking_above.unwrap_or(all.leaking_above),
            contained_turned_away: own.contained_turned_away.unwrap_or(all.contained_turned_away),
            contained_served: own.contained_served.unwrap_or(all.contained_served),
            recovering_below: own.recovering_below.unwrap_or(all.recovering_below),
            account_limit_notice: all.account_limit_notice,
            account_limit_attack: all.account_limit_attack,
            quiet_minutes: all.quiet_minutes,
            stages: Vec::new(),
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            client_errors_notice: 0.20,
            client_errors_attack: 0.50,
            server_errors_notice: 0.02,
            server_errors_attack: 0.10,
            allowed_share_attack: 0.50,
            blocked_spike: 5.0,
            least_requests_per_minute: 60.0,
            throttled_notice: 0.01,
            throttled_attack: 0.20,
            latency_multiple: 3.0,
            latency_least_ms: 500.0,
            cache_hit_collapse: 0.5,
            account_limit_notice: 0.6,
            account_limit_attack: 0.8,
            cost_multiple: 4.0,
            cost_least_dollars_per_hour: 1.0,
            out_below: 0.5,
            out_drop: 0.2,
            leaking_above: 0.3,
            contained_turned_away: 0.8,
            contained_served: 0.85,
            recovering_below: 0.2,
            quiet_minutes: 3,
            stages: Vec::new(),
        }
    }
}

/// How often to poll and at what price.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PollingSettings {
    /// Account seconds between polls of the metrics.
    pub interval_seconds: u64,
    /// The same for stages that are attacked or looked at.
    pub close_seconds: u64,
    /// The same for stages that nobody calls.
    pub idle_seconds: u64,
    /// Dollars an hour that polling may cost (an estimate): above it, stages that are not attacked are read less often.
    pub budget_dollars_per_hour: f64,
    /// Dollars an hour that queries over access logs may cost (an estimate); 0 asks none.
    pub log_budget_dollars_per_hour: f64,
    /// Dollars per thousand metrics read with `GetMetricData` (us-east-1, third-party pages quoting AWS, 2026).
    pub dollars_per_thousand_metrics: f64,
    /// Seconds after the end of a minute during which its point is provisional (publish delay is undocumented).
    pub provisional_seconds: u64,
}

impl Default for PollingSettings {
    fn default() -> Self {
        Self {
            interval_seconds: 60,
            close_seconds: 20,
            idle_seconds: 300,
            budget_dollars_per_hour: 4.0,
            log_budget_dollars_per_hour: 1.0,
            dollars_per_thousand_metrics: 0.01,
            provisional_seconds: 180,
        }
    }
}

/// Prices in US dollars, for estimates of what traffic costs. The defaults are of us-east-1.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Prices {
    /// When the prices were looked up, and where: printed beside what is made of them.
    pub source: String,
    /// A million requests to REST APIs, first tier.
    pub rest_dollars_per_million: f64,
    /// A million requests to HTTP APIs, first tier.
    pub http_dollars_per_million: f64,
    /// A million requests that WAF inspected, blocked ones included.
    pub waf_dollars_per_million: f64,
    /// A million invocations of Lambda.
    pub lambda_dollars_per_million: f64,
    /// A second of a gigabyte of Lambda.
    pub lambda_dollars_per_gb_second: f64,
    /// Memory of the functions behind the APIs, GB; where nobody has said, what Lambda costs is unknown.
    pub lambda_memory_gb: Option<f64>,
    /// A gigabyte taken in by CloudWatch Logs.
    pub log_dollars_per_gb: f64,
    /// A gigabyte looked at by a Logs Insights query.
    pub log_query_dollars_per_gb: f64,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            source: "us-east-1, third-party pages quoting AWS, November 2026".to_owned(),
            rest_dollars_per_million: 3.5,
            http_dollars_per_million: 1.0,
            waf_dollars_per_million: 0.6,
            lambda_dollars_per_million: 0.2,
            lambda_dollars_per_gb_second: 0.000_016_666_7,
            lambda_memory_gb: None,
            log_dollars_per_gb: 0.5,
            log_query_dollars_per_gb: 0.005,
        }
    }
}
