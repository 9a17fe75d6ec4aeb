//! Web ACLs, rules and IP sets as far as the console reasons about them.
//!
//! Only what `block-ip` must understand is typed; every other statement is kept by its kind, so that the console can
//! say that it does not know rather than guess.

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::address;

/// What a rule does with a match (`WAFv2` `RuleAction`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum RuleAction {
    /// Lets the request through and ends evaluation.
    Allow,
    /// Refuses the request and ends evaluation.
    Block,
    /// Counts and goes on.
    Count,
    /// Ends evaluation unless a valid token is present.
    Captcha,
    /// Ends evaluation unless a valid token is present.
    Challenge,
}

impl RuleAction {
    /// `ALLOW`, `BLOCK`: as WAF writes it in samples and logs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::Block => "BLOCK",
            Self::Count => "COUNT",
            Self::Captcha => "CAPTCHA",
            Self::Challenge => "CHALLENGE",
        }
    }
}

/// What happens when a rule matches: its own action, or a group's actions as overridden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The rule's own action.
    Action(RuleAction),
    /// A group reference: `true` where `OverrideAction` is `Count`, so that nothing in the group acts.
    Group {
        /// Whether the whole group only counts.
        count: bool,
    },
}

/// A rule of a web ACL or of a rule group.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The rule's name.
    pub name: String,
    /// Evaluated in ascending order.
    pub priority: i64,
    /// The metric name in its visibility configuration: what samples and metrics call it.
    pub metric_name: String,
    /// Whether samples are kept for it.
    pub sampled: bool,
    /// Whether `CloudWatch` metrics are kept for it: without them a missing point tells nothing.
    pub metered: bool,
    /// Labels that it adds to what it matches, as written: a later rule may match on them.
    pub labels: Vec<String>,
    /// What it matches.
    pub statement: Statement,
    /// What a match does.
    pub disposition: Disposition,
}

/// What a rate rule counts requests by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateKey {
    /// The client's address.
    ClientAddress,
    /// An address out of a header, which the caller may have written.
    ForwardedAddress,
    /// Anything else: all requests together, or parts of the request.
    Other,
}

impl RateKey {
    /// What requests are counted by, in words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ClientAddress => "client address",
            Self::ForwardedAddress => "an address in a header",
            Self::Other => "something else than the address",
        }
    }
}

/// What a rule matches.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// Addresses in an IP set.
    IpSet {
        /// The IP set's ARN.
        arn: String,
        /// Present where the address is read from a header instead of the connection.
        forwarded_header: Option<String>,
    },
    /// A rule group of this account.
    RuleGroup {
        /// The rule group's ARN.
        arn: String,
        /// Rules overridden to another action, excluded rules included (they count).
        overrides: Vec<(String, RuleAction)>,
    },
    /// A managed rule group.
    ManagedGroup {
        /// `AWS` or a marketplace vendor.
        vendor: String,
        /// The group's name.
        name: String,
        /// Rules overridden to another action.
        overrides: Vec<(String, RuleAction)>,
    },
    /// A rate-based rule.
    RateBased {
        /// Requests per window per key.
        limit: i64,
        /// The window in seconds.
        window_seconds: i64,
        /// What requests are counted by.
        by: RateKey,
        /// Only requests that match this are counted and limited.
        scope_down: Option<Box<Statement>>,
    },
    /// Every part must match.
    And(Vec<Statement>),
    /// One part must match.
    Or(Vec<Statement>),
    /// The part must not match.
    Not(Box<Statement>),
    /// A label that an earlier rule added.
    Label {
        /// The label, or the namespace that it begins with.
        key: String,
        /// Whether a namespace is meant.
        namespace: bool,
    },
    /// Any other statement, by its name in the API.
    Other(&'static str),
}

impl fmt::Display for Statement {
    /// For people, and for a plan's digest: two that differ are written differently.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IpSet { arn, forwarded_header: None } => write!(f, "from {arn}"),
            Self::IpSet { arn, forwarded_header: Some(header) } => write!(f, "from {arn} by the header {header}"),
            Self::RuleGroup { arn, overrides } => write!(f, "group {arn}{}", overridden(overrides)),
            Self::ManagedGroup { vendor, name, overrides } => {
                write!(f, "group {name} of {vendor}{}", overridden(overrides))
            }
            Self::RateBased { limit, window_seconds, by, scope_down } => {
                write!(f, "above {limit} in {window_seconds} s by {}", by.word())?;
                scope_down.iter().try_for_each(|inner| write!(f, " of ({inner})"))
            }
            Self::And(parts) => write!(f, "all of {}", listed(parts)),
            Self::Or(parts) => write!(f, "one of {}", listed(parts)),
            Self::Not(part) => write!(f, "not ({part})"),
            Self::Label { key, namespace: false } => write!(f, "label {key}"),
            Self::Label { key, namespace: true } => write!(f, "labels of {key}"),
            Self::Other(name) => write!(f, "{name}"),
        }
    }
}

fn listed(parts: &[Statement]) -> String {
    format!("({})", parts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn overridden(overrides: &[(String, RuleAction)]) -> String {
    let each = overrides.iter().map(|(rule, action)| format!(", {rule}: {}", action.word()));
    each.collect()
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action(action) => write!(f, "{}", action.word()),
            Self::Group { count: false } => write!(f, "as its rules say"),
            Self::Group { count: true } => write!(f, "counting only"),
        }
    }
}

/// A web ACL as `GetWebACL` gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct WebAcl {
    /// Name.
    pub name: String,
    /// Id.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// The metric name of its visibility configuration.
    pub metric_name: String,
    /// Whether samples are kept for the default action.
    pub sampled: bool,
    /// Whether `CloudWatch` metrics are kept for the web ACL and its default action.
    pub metered: bool,
    /// What happens to a request no rule ended.
    pub default_action: RuleAction,
    /// Firewall Manager groups that run first.
    pub pre_process: Vec<Rule>,
    /// The ACL's own rules, sorted by priority.
    pub rules: Vec<Rule>,
    /// Firewall Manager groups that run last.
    pub post_process: Vec<Rule>,
    /// Whether Firewall Manager owns it.
    pub managed_by_firewall_manager: bool,
}

impl WebAcl {
    /// Every rule in the order in which WAF runs them.
    pub fn in_order(&self) -> impl Iterator<Item = &Rule> {
        self.pre_process.iter().chain(&self.rules).chain(&self.post_process)
    }
}

/// A rule group that could be read, or the reason why not.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleGroup {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Rules sorted by priority.
    pub rules: Vec<Rule>,
}

/// Which addresses an IP set holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IpVersion {
    /// IPv4 only.
    #[serde(rename = "IPV4")]
    V4,
    /// IPv6 only.
    #[serde(rename = "IPV6")]
    V6,
}

impl IpVersion {
    /// The version of a prefix.
    #[must_use]
    pub fn of(net: &IpNet) -> Self {
        match net {
            IpNet::V4(_) => Self::V4,
            IpNet::V6(_) => Self::V6,
        }
    }

    /// `IPv4` or `IPv6`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

/// The most entries an IP set may hold (WAF quotas, documented).
pub const IP_SET_CAPACITY: usize = 10_000;

/// An IP set as `GetIPSet` gives it, with the lock token that the read yielded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpSet {
    /// Name.
    pub name: String,
    /// Id.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Description; must be sent back with every update or it is lost (documented).
    pub description: Option<String>,
    /// v4 or v6.
    pub version: IpVersion,
    /// Entries exactly as the service wrote them; foreign ones are sent back unchanged.
    pub addresses: Vec<String>,
    /// The token that `UpdateIPSet` wants back.
    pub lock_token: String,
}

impl IpSet {
    /// The entries as networks; an entry that does not parse is left out here and never dropped from `addresses`.
    #[must_use]
    pub fn networks(&self) -> Vec<IpNet> {
        // What WAF does with IPv4-mapped entries of a set of IPv6 is not documented: none is taken for IPv4 that the
        // set covers.
        let known = |net: &IpNet| IpVersion::of(net) == self.version;
        self.addresses.iter().filter_map(|entry| address::parsed(entry)).filter(known).collect()
    }

    /// The entry, as written, that is exactly `net`.
    #[must_use]
    pub fn entry_for(&self, net: &IpNet) -> Option<&str> {
        self.addresses.iter().find(|e| address::parsed(e).as_ref() == Some(net)).map(String::as_str)
    }

    /// An entry that already contains all of `net`.
    #[must_use]
    pub fn covering(&self, net: &IpNet) -> Option<IpNet> {
        self.networks().into_iter().find(|have| have.contains(net))
    }
}
