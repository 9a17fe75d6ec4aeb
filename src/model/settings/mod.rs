//! What a team configures beforehand: whom never to block, when to raise a signal, what things cost.
//!
//! Settings come out of text by [`read`] and in no other way: it checks every key against the [`table`](keys::KEYS).

pub mod keys;
mod read;
mod unsaid;

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::Serialize;

pub use read::{mistake_at, read, read_within};
pub use unsaid::{Unsaid, unsaid};

pub use super::signal::{StageThresholds, Thresholds};
use super::stage::StageSelector;

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
    /// How much a share of legitimate requests weighs against the same share of the attack, when sets of prefixes are
    /// weighed up.
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
    /// Services that answer with the address they are asked from, one for each address version. Where there are none,
    /// AWS's own (`https://checkip.amazonaws.com/`, IPv4 only).
    pub address_services: Vec<String>,
    /// What to ask of which stage. Where a stage has none, a deployed `GET` without parameters, authorization or key,
    /// at AWS's own address.
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
    /// Ranges that must never be blocked: partners, monitors, offices. `None` where nobody has said; `[]` says there
    /// are none.
    pub never_block: Option<Vec<IpNet>>,
    /// Ranges from which responders reach the API in an emergency. `None` where nobody has said.
    pub break_glass: Option<Vec<IpNet>>,
    /// Shortest v4 prefix that may be blocked without an override, bits.
    pub widest_v4: u8,
    /// Shortest v6 prefix that may be blocked without an override, bits.
    pub widest_v6: u8,
    /// All v4 prefixes of a block together, and with what is in the IP set already, may be as wide as one of this
    /// length without an override, bits.
    pub widest_total_v4: u8,
    /// The same for v6.
    pub widest_total_v6: u8,
    /// Share of the requests inside a target that may come from callers seen before the attack, a fraction.
    pub most_legitimate_share: f64,
    /// IP sets (name or ARN) to use for blocking where several would do.
    pub block_lists: Vec<String>,
    /// The prebuilt web ACL (name or ARN) that `close --by web-acl` swaps in: Block by default, an allow list of
    /// addresses.
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
