//! What a team configures beforehand: whom never to block, when to raise a signal, what things cost.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The configuration file, whole. Unknown keys are refused.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Whom never to block and who must always get in.
    pub guards: GuardSettings,
    /// When a signal is raised.
    pub signals: Thresholds,
    /// How often to poll and what it may cost.
    pub polling: PollingSettings,
    /// How stages are asked from outside.
    pub probes: ProbeSettings,
}

/// How stages are asked from outside, to see who gets in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProbeSettings {
    /// Services that answer with the address they are asked from, one for each address version. Where there are none, AWS's own
    /// (`https://checkip.amazonaws.com/`, IPv4 only).
    pub address_services: Vec<String>,
    /// What to ask of which stage. Where a stage has none, a deployed `GET` without parameters, authorization or key, at AWS's own address.
    pub stages: Vec<StageProbe>,
}

/// What to ask of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StageProbe {
    /// The stage, `shop/prod`: the API by name or id.
    pub stage: String,
    /// The URL that clients use, custom domain and all; asked with `GET`.
    pub url: String,
    /// Headers to send.
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, String>,
}

/// What the guards need to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct GuardSettings {
    /// Ranges that must never be blocked: partners, monitors, offices. `None` where nobody has said; `[]` says there are none.
    pub never_block: Option<Vec<IpNet>>,
    /// Ranges from which responders reach the API in an emergency. `None` where nobody has said.
    pub break_glass: Option<Vec<IpNet>>,
    /// Shortest v4 prefix that may be blocked without an override, bits.
    pub widest_v4: u8,
    /// Shortest v6 prefix that may be blocked without an override, bits.
    pub widest_v6: u8,
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
            most_legitimate_share: 0.05,
            block_lists: Vec::new(),
            closed_web_acl: None,
        }
    }
}

/// When signals are raised. Shares are fractions, 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
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
        }
    }
}

/// How often to poll and at what price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PollingSettings {
    /// Account seconds between polls of the metrics.
    pub interval_seconds: u64,
    /// Dollars per thousand metrics read with `GetMetricData` (us-east-1, third-party pages quoting AWS, 2026).
    pub dollars_per_thousand_metrics: f64,
    /// Seconds after the end of a minute during which its point is provisional (publish delay is undocumented).
    pub provisional_seconds: u64,
}

impl Default for PollingSettings {
    fn default() -> Self {
        Self { interval_seconds: 60, dollars_per_thousand_metrics: 0.01, provisional_seconds: 180 }
    }
}
