//! `WAFv2`, scope REGIONAL: IP sets, rule groups, web ACLs, associations.
//!
//! Rules are kept exactly as the client sent them, so that a round trip loses nothing. Nothing here evaluates one.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde_json::{Map, Value};

use super::{Account, Live};

/// WAF's part of an account.
#[derive(Debug, Clone, Default)]
pub struct Waf {
    /// IP sets by id.
    pub ip_sets: BTreeMap<String, Live<IpSet>>,
    /// Rule groups by id.
    pub rule_groups: BTreeMap<String, Live<RuleGroup>>,
    /// Web ACLs by id.
    pub web_acls: BTreeMap<String, Live<WebAcl>>,
    /// Which web ACL protects a resource (by ARN); `None` once it has been taken off.
    pub associations: BTreeMap<String, Live<Option<String>>>,
    /// Tags by ARN.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
    /// Addresses that a rate-based rule is limiting just now, by web ACL ARN and rule name; written by traffic.
    pub rate_limited: BTreeMap<(String, String), Vec<IpAddr>>,
}

/// Which addresses an IP set holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl IpVersion {
    /// AWS's name: `IPV4` or `IPV6`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPV4",
            Self::V6 => "IPV6",
        }
    }
}

/// An IP set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpSet {
    /// A UUID.
    pub id: String,
    /// The name; unique among IP sets.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// The description.
    pub description: Option<String>,
    /// The family.
    pub version: IpVersion,
    /// The entries as sent, without repetitions.
    pub addresses: Vec<String>,
    /// The same, parsed; what is not a network is left out.
    pub networks: Vec<IpNet>,
    /// Changes with every write.
    pub lock_token: String,
}

/// A rule group.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleGroup {
    /// A UUID.
    pub id: String,
    /// The name; unique among rule groups.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// Web ACL capacity units, fixed at creation.
    pub capacity: i64,
    /// `Rules` as sent.
    pub rules: Vec<Value>,
    /// Every other member as sent: `Description`, `VisibilityConfig`, `CustomResponseBodies`.
    pub body: Map<String, Value>,
    /// Changes with every write.
    pub lock_token: String,
}

/// A web ACL.
#[derive(Debug, Clone, PartialEq)]
pub struct WebAcl {
    /// A UUID.
    pub id: String,
    /// The name; unique among web ACLs.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// `Rules` as sent.
    pub rules: Vec<Value>,
    /// Every other member as sent: `DefaultAction`, `Description`, `VisibilityConfig`, `CustomResponseBodies`, …
    pub body: Map<String, Value>,
    /// Firewall Manager's rule groups that run before the rules; never a client's to change.
    pub pre_process: Vec<Value>,
    /// Firewall Manager's rule groups that run after the rules.
    pub post_process: Vec<Value>,
    /// Whether Firewall Manager owns it.
    pub managed_by_firewall_manager: bool,
    /// Changes with every write.
    pub lock_token: String,
}

impl WebAcl {
    /// `DefaultAction` as sent.
    #[must_use]
    pub fn default_action(&self) -> &Value {
        self.body.get("DefaultAction").unwrap_or(&Value::Null)
    }

    /// `VisibilityConfig.MetricName`.
    #[must_use]
    pub fn metric_name(&self) -> &str {
        metric_name(&self.body)
    }
}

impl RuleGroup {
    /// `VisibilityConfig.MetricName`.
    #[must_use]
    pub fn metric_name(&self) -> &str {
        metric_name(&self.body)
    }
}

fn metric_name(body: &Map<String, Value>) -> &str {
    body.get("VisibilityConfig").and_then(|config| config.get("MetricName")).and_then(Value::as_str).unwrap_or("")
}

impl Waf {
    /// An IP set as traffic sees it.
    #[must_use]
    pub fn ip_set_live(&self, id: &str, now: DateTime<Utc>) -> Option<&Arc<IpSet>> {
        self.ip_sets.get(id)?.at(now)
    }

    /// An IP set by ARN as traffic sees it.
    #[must_use]
    pub fn ip_set_live_by_arn(&self, arn: &str, now: DateTime<Utc>) -> Option<&Arc<IpSet>> {
        self.ip_set_live(id_of(arn), now)
    }

    /// A rule group by ARN as traffic sees it.
    #[must_use]
    pub fn rule_group_live(&self, arn: &str, now: DateTime<Utc>) -> Option<&Arc<RuleGroup>> {
        self.rule_groups.get(id_of(arn))?.at(now)
    }

    /// A web ACL by ARN as traffic sees it.
    #[must_use]
    pub fn web_acl_live(&self, arn: &str, now: DateTime<Utc>) -> Option<&Arc<WebAcl>> {
        self.web_acls.get(id_of(arn))?.at(now)
    }

    /// The ARN of the web ACL that traffic to a resource passes.
    #[must_use]
    pub fn association_live(&self, resource_arn: &str, now: DateTime<Utc>) -> Option<&str> {
        self.associations.get(resource_arn)?.at(now)?.as_deref()
    }

    /// The ARN of the web ACL that is saved for a resource.
    #[must_use]
    pub fn association(&self, resource_arn: &str) -> Option<&str> {
        self.associations.get(resource_arn)?.saved().as_deref()
    }

    /// Makes everything saved visible at once.
    pub(crate) fn settle(&mut self, now: DateTime<Utc>) {
        self.ip_sets.values_mut().for_each(|live| live.settle(now));
        self.rule_groups.values_mut().for_each(|live| live.settle(now));
        self.web_acls.values_mut().for_each(|live| live.settle(now));
        self.associations.values_mut().for_each(|live| live.settle(now));
    }
}

/// The last segment of a WAF ARN.
#[must_use]
pub fn id_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The networks among addresses.
fn parse(addresses: &[String]) -> Vec<IpNet> {
    addresses.iter().filter_map(|address| address.parse().ok()).collect()
}

/// Entries in the order sent, each once.
fn distinct(addresses: &[String]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    addresses.iter().filter(|address| seen.insert(address.as_str())).cloned().collect()
}

/// Building and changing; arguments are taken to be valid.
impl Account {
    /// The ARN of a new resource, which begins without tags.
    fn new_waf_arn(&mut self, kind: &str, name: &str, id: &str) -> String {
        let arn = format!("arn:aws:wafv2:{}:{}:regional/{kind}/{name}/{id}", self.region, self.id);
        self.waf.tags.entry(arn.clone()).or_default();
        arn
    }

    /// Creates an IP set; gives its id.
    pub fn create_ip_set(&mut self, name: &str, version: IpVersion, addresses: &[String]) -> String {
        let id = self.ids.uuid();
        let addresses = distinct(addresses);
        let set = IpSet {
            arn: self.new_waf_arn("ipset", name, &id),
            id: id.clone(),
            name: name.to_owned(),
            description: None,
            version,
            networks: parse(&addresses),
            addresses,
            lock_token: self.ids.uuid(),
        };
        self.waf.tags.entry(set.arn.clone()).or_default();
        let live = Live::new(set, self.now, self.propagation.waf(&id));
        self.waf.ip_sets.insert(id.clone(), live);
        id
    }

    /// Replaces all entries and the description of an IP set, as `UpdateIPSet` does; gives the new lock token.
    pub fn write_ip_set(&mut self, id: &str, addresses: &[String], description: Option<String>) -> Option<String> {
        let mut set = IpSet::clone(self.waf.ip_sets.get(id)?.saved());
        set.addresses = distinct(addresses);
        set.networks = parse(&set.addresses);
        set.description = description;
        set.lock_token = self.ids.uuid();
        let token = set.lock_token.clone();
        let (now, delay) = (self.now, self.propagation.waf(id));
        self.waf.ip_sets.get_mut(id)?.write(set, now, delay);
        Some(token)
    }

    /// Creates a rule group; gives its id. `body` holds `VisibilityConfig` and the other members.
    pub fn create_rule_group(
        &mut self,
        name: &str,
        capacity: i64,
        rules: Vec<Value>,
        body: Map<String, Value>,
    ) -> String {
        let id = self.ids.uuid();
        let group = RuleGroup {
            arn: self.new_waf_arn("rulegroup", name, &id),
            id: id.clone(),
            name: name.to_owned(),
            capacity,
            rules,
            body,
            lock_token: self.ids.uuid(),
        };
        self.waf.tags.entry(group.arn.clone()).or_default();
        let live = Live::new(group, self.now, self.propagation.waf(&id));
        self.waf.rule_groups.insert(id.clone(), live);
        id
    }

    /// Replaces the rules and the body of a rule group; gives the new lock token.
    pub fn write_rule_group(&mut self, id: &str, rules: Vec<Value>, body: Map<String, Value>) -> Option<String> {
        let mut group = RuleGroup::clone(self.waf.rule_groups.get(id)?.saved());
        (group.rules, group.body, group.lock_token) = (rules, body, self.ids.uuid());
        let token = group.lock_token.clone();
        let (now, delay) = (self.now, self.propagation.waf(id));
        self.waf.rule_groups.get_mut(id)?.write(group, now, delay);
        Some(token)
    }

    /// Creates a web ACL; gives its id. `body` holds `DefaultAction`, `VisibilityConfig` and the other members.
    pub fn create_web_acl(&mut self, name: &str, rules: Vec<Value>, body: Map<String, Value>) -> String {
        let id = self.ids.uuid();
        let acl = WebAcl {
            arn: self.new_waf_arn("webacl", name, &id),
            id: id.clone(),
            name: name.to_owned(),
            rules,
            body,
            pre_process: Vec::new(),
            post_process: Vec::new(),
            managed_by_firewall_manager: false,
            lock_token: self.ids.uuid(),
        };
        self.waf.tags.entry(acl.arn.clone()).or_default();
        let live = Live::new(acl, self.now, self.propagation.waf(&id));
        self.waf.web_acls.insert(id.clone(), live);
        id
    }

    /// Replaces the rules and the body of a web ACL; gives the new lock token.
    pub fn write_web_acl(&mut self, id: &str, rules: Vec<Value>, body: Map<String, Value>) -> Option<String> {
        let mut acl = WebAcl::clone(self.waf.web_acls.get(id)?.saved());
        (acl.rules, acl.body, acl.lock_token) = (rules, body, self.ids.uuid());
        let token = acl.lock_token.clone();
        let (now, delay) = (self.now, self.propagation.waf(id));
        self.waf.web_acls.get_mut(id)?.write(acl, now, delay);
        Some(token)
    }

    /// Puts a web ACL (by ARN) before a resource, or takes off what is there.
    pub fn associate(&mut self, resource_arn: &str, web_acl_arn: Option<&str>) {
        let (now, delay) = (self.now, self.propagation.waf(resource_arn));
        let wanted = web_acl_arn.map(str::to_owned);
        match self.waf.associations.get_mut(resource_arn) {
            Some(live) => live.write(wanted, now, delay),
            None => {
                self.waf.associations.insert(resource_arn.to_owned(), Live::new(wanted, now, delay));
            }
        }
    }
}
