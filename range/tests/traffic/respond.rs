//! What a responder does moves what it should, and nothing else.

use super::*;
use serde_json::json;

#[test]
fn blocking_the_attackers_helps_within_two_minutes_and_4xx_stays_high() {
    let mut range = sqli_flood(6);
    let before = last_minute(&range);
    let attackers = seen(&range, "aws-sqli", 3);
    block(&mut range, &attackers);
    after(&mut range, 2);
    let at = last_minute(&range);
    let share = |metric, at| gateway(&range, metric, at).average().unwrap();
    assert!(waf(&range, "BlockedRequests", "ALL", at) > 60_000);
    assert!(waf(&range, "AllowedRequests", "ALL", at) < waf(&range, "AllowedRequests", "ALL", before) / 5);
    assert!(share("5XXError", before) > 0.2 && share("5XXError", at) < 0.02, "{}", share("5XXError", at));
    let p99 = |at| gateway(&range, "IntegrationLatency", at).percentile(99.0).unwrap();
    assert!(p99(before) > 2_000.0 && p99(at) < 1_000.0, "{} then {}", p99(before), p99(at));
    assert!(share("4XXError", at) > 0.5, "blocked requests are 403s: {}", share("4XXError", at));
    for population in ["customers", "carrier-neighbours"] {
        let counts = range.truth().population(PROD, population, at);
        assert!(counts.waf_blocked == 0 && counts.served * 100 > counts.requests * 95, "{population}: {counts:?}");
    }
}

#[test]
fn a_whole_prefix_hits_the_neighbours() {
    let mut range = sqli_flood(4);
    write_blocklist(&mut range, &["203.0.113.0/24"]);
    after(&mut range, 2);
    let at = last_minute(&range);
    let neighbours = range.truth().population(PROD, "carrier-neighbours", at);
    assert_eq!(neighbours.waf_blocked, neighbours.requests);
    assert_eq!(range.truth().population(PROD, "customers", at).waf_blocked, 0);
    assert_eq!(range.truth().stage("shop/dev", at).waf_blocked, 0, "dev has no web ACL");
}

#[test]
fn unblocking_takes_it_back() {
    let mut range = sqli_flood(4);
    write_blocklist(&mut range, &["203.0.113.0/25"]);
    after(&mut range, 2);
    assert!(range.truth().stage(PROD, last_minute(&range)).waf_blocked > 0);
    write_blocklist(&mut range, &["192.0.2.66/32"]);
    after(&mut range, 2);
    assert_eq!(range.truth().stage(PROD, last_minute(&range)).waf_blocked, 0);
}

#[test]
fn managed_rules_set_to_act_block_the_injection() {
    let mut range = sqli_flood(4);
    assert_eq!(range.truth().stage(PROD, last_minute(&range)).waf_blocked, 0);
    let acl = range.account().waf.web_acls.values().next().unwrap().saved().clone();
    let mut rules = acl.rules.clone();
    let sqli = rules.iter_mut().find(|rule| rule["Name"] == "aws-sqli").unwrap();
    sqli["OverrideAction"] = json!({ "None": {} });
    range.account_mut().write_web_acl(&acl.id, rules, acl.body.clone()).unwrap();
    after(&mut range, 2);
    let botnet = range.truth().population(PROD, "botnet", last_minute(&range));
    assert!(botnet.waf_blocked * 100 > botnet.requests * 97, "{botnet:?}");
    assert_eq!(range.truth().population(PROD, "customers", last_minute(&range)).waf_blocked, 0);
}

#[test]
fn a_rate_rule_limits_the_busy_and_is_listed() {
    let mut range = sqli_flood(3);
    let acl = range.account().waf.web_acls.values().next().unwrap().saved().clone();
    let mut rules = acl.rules.clone();
    let rate = rules.iter_mut().find(|rule| rule["Name"] == "rate-watch").unwrap();
    rate["Action"] = json!({ "Block": {} });
    rate["Statement"]["RateBasedStatement"]["Limit"] = json!(300);
    rate["Statement"]["RateBasedStatement"]["EvaluationWindowSec"] = json!(60);
    range.account_mut().write_web_acl(&acl.id, rules, acl.body.clone()).unwrap();
    after(&mut range, 3);
    let at = last_minute(&range);
    let botnet = range.truth().population(PROD, "botnet", at);
    assert!(botnet.waf_blocked * 100 > botnet.requests * 97, "{botnet:?}");
    assert_eq!(range.truth().population(PROD, "customers", at).waf_blocked, 0);
    let listed = &range.account().waf.rate_limited[&(acl.arn.clone(), "rate-watch".to_owned())];
    assert_eq!(listed.len(), 40);
}

#[test]
fn a_small_share_comes_back_from_new_addresses_after_six_minutes() {
    let mut range = sqli_flood(4);
    let known = range.start();
    // Everybody at once, by prefix, so that nobody is missed.
    write_blocklist(&mut range, &["203.0.113.0/25", "198.51.100.0/25"]);
    after(&mut range, 5);
    let shown =
        |range: &Range| range.account().samples.draw(&acl_arn(range), "blocklist", known, range.now(), 1).population;
    assert!(shown(&range) > 0);
    let attackers = seen(&range, "blocklist", 2);
    after(&mut range, 4);
    let later = seen(&range, "blocklist", 1);
    let new: Vec<_> = later.difference(&attackers).collect();
    assert!((1..=2).contains(&new.len()), "{new:?}");
}
