//! The evaluator against rules as the API holds them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Map, json};

use super::*;
use crate::state::IpVersion;

mod fields;
mod geo;
mod json_body;
mod labels;
mod strings;
mod support;
mod transforms;
mod vectors;

const ATTACKER: &str = "203.0.113.7";
const CALLER: &str = "192.0.2.9";

struct World {
    account: Account,
    set: String,
    set_v6: String,
}

impl World {
    fn new() -> Self {
        let mut account = Account::new("111122223333", "eu-central-1", DateTime::UNIX_EPOCH, 1);
        let set = account.create_ip_set("v4", IpVersion::V4, &["203.0.113.0/28".to_owned()]);
        let set_v6 = account.create_ip_set("v6", IpVersion::V6, &["2001:db8:bad::/48".to_owned()]);
        let arn = |id: &String| account.waf.ip_sets[id].saved().arn.clone();
        let (set, set_v6) = (arn(&set), arn(&set_v6));
        Self { account, set, set_v6 }
    }

    fn acl(&mut self, rules: Vec<Value>) -> Acl {
        let mut body = Map::new();
        body.insert("DefaultAction".into(), json!({"Allow": {}}));
        body.insert("VisibilityConfig".into(), visibility("acl-metric"));
        let id = self.account.create_web_acl("acl", rules, body);
        self.account.settle();
        let live = self.account.waf.web_acls[&id].saved().clone();
        Acl::read(&live, &self.account, self.account.now, &Places::default())
    }

    fn ip(&self) -> Value {
        json!({"IPSetReferenceStatement": {"ARN": self.set}})
    }
}

fn visibility(metric: &str) -> Value {
    json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": metric})
}

fn rule(name: &str, priority: i64, statement: &Value, action: &str) -> Value {
    json!({"Name": name, "Priority": priority, "Statement": statement, "Action": {action: {}}, "VisibilityConfig": visibility(name)})
}

fn managed(name: &str, over: &str, more: &Value) -> Value {
    let mut group = json!({"VendorName": "AWS", "Name": name});
    group.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"Name": name, "Priority": 5, "Statement": {"ManagedRuleGroupStatement": group},
        "OverrideAction": {over: {}}, "VisibilityConfig": visibility(name)})
}

fn sqli() -> Request {
    Request {
        method: "POST".into(),
        path: "/prod/login".into(),
        headers: vec![("User-Agent".into(), "curl".into())],
        body: br#"{"username":"admin' OR 1=1 --"}"#.to_vec(),
        ..Request::default()
    }
}

fn plain() -> Request {
    Request { body: b"{}".to_vec(), ..sqli() }
}

fn judge(acl: &Acl, request: &Request, address: &str) -> Fate {
    let bits = acl.bits(address.parse().unwrap(), Some(request), |_| false);
    acl.judge(request, "DE", &bits)
}

/// Rule metric and counter of every event that counts.
fn counted(acl: &Acl, fate: &Fate) -> Vec<(String, Counter)> {
    fate.events.iter().filter_map(|event| Some((acl.metrics[event.rule].clone(), event.counts?))).collect()
}

#[test]
fn an_ip_set_blocks_its_addresses_of_either_family_and_nobody_else() {
    let mut world = World::new();
    let v6 = json!({"IPSetReferenceStatement": {"ARN": world.set_v6}});
    let rules = vec![rule("v4", 0, &world.ip(), "Block"), rule("v6", 1, &v6, "Block")];
    let acl = world.acl(rules);
    for (address, passed) in
        [(ATTACKER, false), ("203.0.113.16", true), ("2001:db8:bad:7::1", false), ("2001:db8::1", true)]
    {
        assert_eq!(judge(&acl, &plain(), address).passed, passed, "{address}");
    }
    let fate = judge(&acl, &plain(), ATTACKER);
    assert_eq!((fate.code, counted(&acl, &fate)), (403, vec![("v4".to_owned(), Counter::Blocked)]));
    let fate = judge(&acl, &plain(), CALLER);
    assert_eq!(
        counted(&acl, &fate),
        [("acl-metric".to_owned(), Counter::Allowed)],
        "the default action counts under the ACL's metric"
    );
}

#[test]
fn priority_decides_and_an_earlier_allow_wins() {
    let mut world = World::new();
    let rules = vec![rule("block", 9, &world.ip(), "Block"), rule("allow", 1, &world.ip(), "Allow")];
    let acl = world.acl(rules);
    assert!(judge(&acl, &plain(), ATTACKER).passed);
}

#[test]
fn and_or_not_nest() {
    let mut world = World::new();
    let german = json!({"GeoMatchStatement": {"CountryCodes": ["DE"]}});
    let dutch = json!({"GeoMatchStatement": {"CountryCodes": ["NL"]}});
    let and = |other: &Value| json!({"AndStatement": {"Statements": [world.ip(), other]}});
    let not = json!({"NotStatement": {"Statement": world.ip()}});
    let or = json!({"OrStatement": {"Statements": [world.ip(), german]}});
    let cases = [
        (and(&german), ATTACKER, true),
        (and(&dutch), ATTACKER, false),
        (not.clone(), ATTACKER, false),
        (not, CALLER, true),
        (or, CALLER, true),
    ];
    for (statement, address, blocked) in cases {
        let acl = world.acl(vec![rule("r", 0, &statement, "Block")]);
        assert_eq!(!judge(&acl, &plain(), address).passed, blocked, "{statement} {address}");
    }
}

#[test]
fn a_managed_group_counts_while_overridden_and_blocks_when_not() {
    let mut world = World::new();
    let acl = world.acl(vec![managed("AWSManagedRulesSQLiRuleSet", "Count", &json!({}))]);
    let fate = judge(&acl, &sqli(), ATTACKER);
    assert!(fate.passed);
    assert_eq!(counted(&acl, &fate)[0], ("AWSManagedRulesSQLiRuleSet".to_owned(), Counter::Counted));
    let verdict = fate.events[0].verdict.clone().unwrap();
    assert_eq!(verdict.rule_within_group.as_deref(), Some("AWS#AWSManagedRulesSQLiRuleSet#SQLi_BODY"));
    assert_eq!(
        (verdict.action.as_str(), verdict.labels[0].as_str()),
        ("COUNT", "awswaf:managed:aws:sql-database:SQLi_Body")
    );
    let acl = world.acl(vec![managed("AWSManagedRulesSQLiRuleSet", "None", &json!({}))]);
    assert!(!judge(&acl, &sqli(), ATTACKER).passed && judge(&acl, &plain(), ATTACKER).passed);
}

#[test]
fn a_count_override_of_a_rule_lets_it_pass_without_a_series_and_a_misspelt_one_changes_nothing() {
    let mut world = World::new();
    let overrides = |name: &str| json!({"RuleActionOverrides": [{"Name": name, "ActionToUse": {"Count": {}}}]});
    let acl = world.acl(vec![managed("AWSManagedRulesSQLiRuleSet", "None", &overrides("SQLi_BODY"))]);
    let fate = judge(&acl, &sqli(), ATTACKER);
    assert!(fate.passed);
    assert_eq!(counted(&acl, &fate), [("acl-metric".to_owned(), Counter::Allowed)]);
    let acl = world.acl(vec![managed("AWSManagedRulesSQLiRuleSet", "None", &overrides("SQLI_BODY"))]);
    assert!(!judge(&acl, &sqli(), ATTACKER).passed);
    let excluded = json!({"ExcludedRules": [{"Name": "SQLi_BODY"}]});
    let acl = world.acl(vec![managed("AWSManagedRulesSQLiRuleSet", "None", &excluded)]);
    assert!(judge(&acl, &sqli(), ATTACKER).passed);
}

#[test]
fn own_groups_act_and_are_overridden() {
    let mut world = World::new();
    let rules = vec![rule("inner", 0, &world.ip(), "Block")];
    let mut body = Map::new();
    body.insert("VisibilityConfig".into(), visibility("group"));
    let id = world.account.create_rule_group("group", 10, rules, body);
    let arn = world.account.waf.rule_groups[&id].saved().arn.clone();
    world.account.settle();
    let reference = |over: &str| {
        json!({"Name": "g", "Priority": 0, "Statement": {"RuleGroupReferenceStatement": {"ARN": arn}},
            "OverrideAction": {over: {}}, "VisibilityConfig": visibility("g")})
    };
    let acl = world.acl(vec![reference("None")]);
    let fate = judge(&acl, &plain(), ATTACKER);
    assert_eq!(fate.events[0].verdict.clone().unwrap().rule_within_group.as_deref(), Some("group#inner"));
    assert!(!fate.passed && judge(&acl, &plain(), CALLER).passed);
    let acl = world.acl(vec![reference("Count")]);
    assert!(judge(&acl, &plain(), ATTACKER).passed);
}

#[test]
fn labels_bytes_and_sizes_match() {
    let mut world = World::new();
    let label = json!({"LabelMatchStatement": {"Scope": "LABEL", "Key": "awswaf:managed:aws:sql-database:SQLi_Body"}});
    let mut late = rule("label", 9, &label, "Block");
    let group = managed("AWSManagedRulesSQLiRuleSet", "Count", &json!({}));
    let acl = world.acl(vec![group, late.take()]);
    assert!(!judge(&acl, &sqli(), ATTACKER).passed && judge(&acl, &plain(), ATTACKER).passed);
    // "/login" in base64, as the API holds it.
    let bytes = json!({"ByteMatchStatement": {"SearchString": "L2xvZ2lu", "FieldToMatch": {"UriPath": {}},
        "PositionalConstraint": "ENDS_WITH", "TextTransformations": [{"Priority": 0, "Type": "LOWERCASE"}]}});
    let acl = world.acl(vec![rule("bytes", 0, &bytes, "Block")]);
    let elsewhere = Request { path: "/prod/products".into(), ..plain() };
    assert!(
        !judge(&acl, &Request { path: "/prod/LOGIN".into(), ..plain() }, CALLER).passed
            && judge(&acl, &elsewhere, CALLER).passed
    );
    let acl = world.acl(vec![managed("AWSManagedRulesCommonRuleSet", "None", &json!({}))]);
    assert!(judge(&acl, &plain(), CALLER).passed);
    assert!(!judge(&acl, &Request { headers: vec![], ..plain() }, CALLER).passed, "no user agent");
    assert!(!judge(&acl, &Request { body_len: 9_000, ..plain() }, CALLER).passed, "body over 8 KiB");
}

#[test]
fn captcha_stops_only_those_without_a_token() {
    let mut world = World::new();
    let rules = vec![rule("captcha", 0, &world.ip(), "Captcha")];
    let acl = world.acl(rules);
    let fate = judge(&acl, &plain(), ATTACKER);
    assert_eq!((fate.passed, fate.code), (false, 405));
    let fate = judge(&acl, &Request { token: true, ..plain() }, ATTACKER);
    assert!(fate.passed);
    assert_eq!(counted(&acl, &fate)[0].1, Counter::ValidCaptcha);
}

#[test]
fn a_forwarded_address_is_asked_only_where_the_header_is() {
    let mut world = World::new();
    let statement = json!({"IPSetReferenceStatement": {"ARN": world.set, "IPSetForwardedIPConfig":
        {"HeaderName": "X-Forwarded-For", "FallbackBehavior": "MATCH", "Position": "FIRST"}}});
    let acl = world.acl(vec![rule("r", 0, &statement, "Block")]);
    let with = |value: &str| Request { headers: vec![("x-forwarded-for".into(), value.into())], ..plain() };
    assert!(judge(&acl, &plain(), ATTACKER).passed, "no header: the rule is not applied");
    assert!(!judge(&acl, &with("203.0.113.7, 10.0.0.1"), CALLER).passed);
    assert!(judge(&acl, &with("10.0.0.1, 203.0.113.7"), CALLER).passed);
    assert!(!judge(&acl, &with("nonsense"), CALLER).passed, "fallback");
}

#[test]
fn a_rate_rule_counts_what_reaches_it_and_fits_its_scope() {
    let mut world = World::new();
    let scope = json!({"ByteMatchStatement": {"SearchString": "L2xvZ2lu", "FieldToMatch": {"UriPath": {}},
        "PositionalConstraint": "CONTAINS", "TextTransformations": []}});
    let rate = json!({"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP", "ScopeDownStatement": scope}});
    let acl = world.acl(vec![rule("rate", 0, &rate, "Block")]);
    assert_eq!(judge(&acl, &plain(), CALLER).rates, [0]);
    assert!(judge(&acl, &Request { path: "/prod/products".into(), ..plain() }, CALLER).rates.is_empty());
    let over = acl.bits(CALLER.parse().unwrap(), None, |_| true);
    assert!(!acl.judge(&plain(), "DE", &over).passed);
    assert!(acl.judge(&Request { path: "/prod/products".into(), ..plain() }, "DE", &over).passed, "out of scope");
}

#[test]
fn a_change_of_anything_it_was_compiled_from_is_noticed() {
    let mut world = World::new();
    let rules = vec![rule("v4", 0, &world.ip(), "Block")];
    let acl = world.acl(rules);
    let now = world.account.now;
    assert!(acl.is_current(&world.account, now));
    let id = crate::state::waf::id_of(&world.set).to_owned();
    world.account.write_ip_set(&id, &["192.0.2.9/32".to_owned()], None);
    assert!(acl.is_current(&world.account, now), "not before it has propagated");
    assert!(!acl.is_current(&world.account, now + chrono::Duration::minutes(5)));
}
