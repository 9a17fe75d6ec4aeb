//! WAF's series beyond those of a web ACL's rules: rule groups, labels.

use super::*;

/// A web ACL whose rule group counts what a robot sends, blocks what comes from one network, and lets the rest pass.
const WORLD: &str = r#"schema = "portcullis.scenario/1"
name = "groups"
title = "Groups"

[world]
account = "111122223333"
region = "eu-central-1"
start = 2026-03-03T03:00:00Z

[[world.apis]]
name = "shop"
methods = [{ method = "GET", path = "/products" }, { method = "POST", path = "/login" }]
stages = [{ name = "prod", web_acl = "shop-acl" }]

[[world.ip_sets]]
name = "banned"
version = "IPV4"
addresses = ["203.0.113.0/24"]

[[world.rule_groups]]
name = "team"
rules = [
    { name = "robots", statement = { ByteMatchStatement = { SearchString = "cm9ib3Q=", FieldToMatch = { SingleHeader = { Name = "user-agent" } }, PositionalConstraint = "CONTAINS", TextTransformations = [{ Priority = 0, Type = "NONE" }] } }, action = "count" },
    { name = "banned", ip_set = "banned", action = "block" },
]

[[world.web_acls]]
name = "shop-acl"
default_action = "allow"
rules = [
    { name = "team-rules", rule_group = "team", override = "none" },
    { name = "aws-sqli", managed = "AWSManagedRulesSQLiRuleSet", override = "count" },
]

[[world.populations]]
name = "customers"
kind = "legitimate"
stage = "shop/prod"
rate = 20
sources = [{ prefix = "198.18.0.0/16", count = 40 }]
user_agents = ["ShopApp"]
requests = [{ route = "GET /products" }]

[[world.populations]]
name = "robots"
kind = "botnet"
stage = "shop/prod"
rate = 30
sources = [{ prefix = "192.0.2.0/24", count = 4 }]
user_agents = ["robot/1"]
requests = [{ route = "POST /login", signature = "sqli" }]

[[world.populations]]
name = "banned"
kind = "botnet"
stage = "shop/prod"
rate = 10
sources = [{ prefix = "203.0.113.0/24", count = 4 }]
user_agents = ["ShopApp"]
requests = [{ route = "GET /products" }]
"#;

fn group(range: &Range, metric: &str, rule: &str, at: DateTime<Utc>) -> u64 {
    let dimensions = [("RuleGroup", "team"), ("Rule", rule), ("Region", "eu-central-1")];
    point(range, "AWS/WAFV2", metric, &dimensions, at).map_or(0, |point| whole(point.sum))
}

#[test]
fn a_rule_group_has_series_of_its_own_with_what_passed_it() {
    let mut range = Range::from_scenario(WORLD, None).unwrap();
    after(&mut range, 3);
    let at = last_minute(&range);
    let sent = |population: &str| range.truth().population(PROD, population, at).requests;
    assert!(sent("robots") > 1_000);
    assert_eq!(group(&range, "CountedRequests", "robots", at), sent("robots"));
    assert_eq!(group(&range, "BlockedRequests", "banned", at), sent("banned"));
    assert_eq!(group(&range, "PassedRequests", "ALL", at), sent("customers"));
    assert_eq!(group(&range, "CountedRequests", "ALL", at), sent("robots"));
    assert_eq!(waf(&range, "CountedRequests", "robots", at), 0, "not in the web ACL's series");
    assert_eq!(waf(&range, "BlockedRequests", "team-rules", at), sent("banned"));
    assert_eq!(waf(&range, "AllowedRequests", "ALL", at), sent("robots") + sent("customers"));
}

#[test]
fn a_label_has_series_by_namespace_and_name() {
    let mut range = Range::from_scenario(WORLD, None).unwrap();
    after(&mut range, 3);
    let at = last_minute(&range);
    let later = range.now() + Duration::hours(1);
    let labels: BTreeMap<String, u64> = range
        .account()
        .metrics
        .list(None, later)
        .into_iter()
        .filter_map(|key| {
            let value = |name: &str| Some(key.dimensions.iter().find(|(known, _)| known == name)?.1.as_str());
            let (namespace, label, acl) = (value("LabelNamespace")?, value("LabelName")?, value("WebACL")?);
            let dimensions =
                [("LabelNamespace", namespace), ("LabelName", label), ("Region", "eu-central-1"), ("WebACL", acl)];
            let found = point(&range, "AWS/WAFV2", &key.metric, &dimensions, at)?;
            Some((format!("{} {namespace}:{label}", key.metric), whole(found.sum)))
        })
        .collect();
    let robots = range.truth().population(PROD, "robots", at).requests;
    assert_eq!(labels.values().copied().max(), Some(robots), "{labels:?}");
    assert!(
        labels.keys().all(|label| label.starts_with("AllowedRequests awswaf:managed:aws:sql-database:")),
        "{labels:?}"
    );
}
