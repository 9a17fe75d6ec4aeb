//! `[[world.ip_sets]]`, `[[world.rule_groups]]`, `[[world.web_acls]]`: WAFv2 in short forms.
//!
//! `world` turns them into exactly the JSON that the WAFv2 API would hold.

use ipnet::IpNet;
use serde::Deserialize;

use super::values::Span;

/// An IP set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IpSetSpec {
    /// Name.
    pub name: toml::Spanned<String>,
    /// `IPV4` or `IPV6`.
    pub version: toml::Spanned<String>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// CIDR blocks of that version, without host bits.
    #[serde(default)]
    pub addresses: Vec<toml::Spanned<IpNet>>,
}

/// What a rule does with a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleActionSpec {
    /// Let it through and stop.
    Allow,
    /// 403 and stop.
    Block,
    /// Count and go on.
    Count,
    /// CAPTCHA unless a valid token comes along.
    Captcha,
    /// Silent challenge unless a valid token comes along.
    Challenge,
}

impl RuleActionSpec {
    /// AWS's name of the action.
    #[must_use]
    pub const fn aws(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Block => "Block",
            Self::Count => "Count",
            Self::Captcha => "Captcha",
            Self::Challenge => "Challenge",
        }
    }
}

/// What becomes of a group's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverrideSpec {
    /// The group's own actions.
    None,
    /// Count instead.
    Count,
}

/// A rate-based rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateSpec {
    /// Requests of one address in the window.
    pub limit: u32,
    /// 1, 2, 5 or 10 minutes.
    #[serde(default = "default_window")]
    pub window: Span,
}

const fn default_window() -> Span {
    Span { seconds: 300 }
}

/// One rule; exactly one of `ip_set`, `not_ip_set`, `rate`, `managed`, `rule_group`, `countries`, `statement` says what
/// it matches.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// Name, also the metric's.
    pub name: toml::Spanned<String>,
    /// Matches addresses in this IP set.
    #[serde(default)]
    pub ip_set: Option<toml::Spanned<String>>,
    /// Matches addresses *not* in this IP set.
    #[serde(default)]
    pub not_ip_set: Option<toml::Spanned<String>>,
    /// Matches addresses over a rate.
    #[serde(default)]
    pub rate: Option<RateSpec>,
    /// An AWS managed rule group.
    #[serde(default)]
    pub managed: Option<String>,
    /// One of `[[world.rule_groups]]`.
    #[serde(default)]
    pub rule_group: Option<toml::Spanned<String>>,
    /// Countries.
    #[serde(default)]
    pub countries: Option<Vec<String>>,
    /// A raw `Statement` as the API takes it; `ARN:name` in it stands for the ARN of that IP set or rule group.
    #[serde(default)]
    pub statement: Option<serde_json::Value>,
    /// What to do with a match; not with groups.
    #[serde(default)]
    pub action: Option<RuleActionSpec>,
    /// What becomes of the group's verdict; only with groups.
    #[serde(default, rename = "override")]
    pub override_action: Option<OverrideSpec>,
    /// Rules of the group that count, whatever their own action.
    #[serde(default)]
    pub count_rules: Vec<String>,
}

/// A rule group.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleGroupSpec {
    /// Name.
    pub name: toml::Spanned<String>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// WCU.
    #[serde(default = "default_capacity")]
    pub capacity: u32,
    /// In order; priorities count from 0.
    pub rules: Vec<RuleSpec>,
}

const fn default_capacity() -> u32 {
    50
}

/// A web ACL.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebAclSpec {
    /// Name.
    pub name: toml::Spanned<String>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// `allow` or `block`.
    #[serde(default = "default_action")]
    pub default_action: RuleActionSpec,
    /// The ACL's metric name; its name when absent.
    #[serde(default)]
    pub metric_name: Option<String>,
    /// In order; priorities count from 0 in tens.
    #[serde(default)]
    pub rules: Vec<RuleSpec>,
}

const fn default_action() -> RuleActionSpec {
    RuleActionSpec::Allow
}
