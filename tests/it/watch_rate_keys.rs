//! Who is over the limit of rate rules inside a rule group, against what the range limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::net::IpAddr;

use portcullis::model::board::Known;
use portcullis_range::state::Account;
use portcullis_range::{Fault, When};
use serde_json::{Value, json};

use crate::stage_report::{report, rule};
use crate::world::{World, flood};

fn visibility(name: &str) -> Value {
    json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": name})
}

fn limit(name: &str, place: u8, requests: u32) -> Value {
    json!({
        "Name": name, "Priority": place, "Action": {"Count": {}}, "VisibilityConfig": visibility(name),
        "Statement": {"RateBasedStatement": {"Limit": requests, "EvaluationWindowSec": 60, "AggregateKeyType": "IP"}},
    })
}

/// Appends a group with `rules` to the web ACL before `shop/prod`, under a reference that is called otherwise than the
/// group.
fn refer(account: &mut Account, group: &str, rules: Vec<Value>) {
    let body = json!({"VisibilityConfig": visibility(group)});
    let id = account.create_rule_group(group, 10, rules, body.as_object().unwrap().clone());
    let arn = account.waf.rule_groups[&id].saved().arn.clone();
    let id = account.waf.web_acls.values().find(|acl| acl.saved().name == "shop-acl").unwrap().saved().id.clone();
    let (mut rules, body) = {
        let acl = account.waf.web_acls[&id].saved();
        (acl.rules.clone(), acl.body.clone())
    };
    let place = 80 + rules.len();
    rules.push(json!({
        "Name": format!("our-{group}"), "Priority": place, "OverrideAction": {"None": {}},
        "VisibilityConfig": visibility(&format!("our-{group}")),
        "Statement": {"RuleGroupReferenceStatement": {"ARN": arn}},
    }));
    account.write_web_acl(&id, rules, body).unwrap();
}

/// Addresses that the range limits by a rule inside a group.
fn limited(world: &World, rule: &str) -> BTreeSet<IpAddr> {
    world.range.with(|range| {
        let all = range.account().waf.rate_limited.iter().filter(|((_, name), _)| name == rule);
        all.flat_map(|(_, addresses)| addresses.iter().copied()).collect()
    })
}

#[tokio::test(start_paused = true)]
async fn keys_over_a_limit_inside_a_group_are_counted_once_for_the_rule_that_refers_to_it() {
    let world = flood(1.0).await;
    world.range.with(|range| {
        let account = range.account_mut();
        refer(account, "limits", vec![limit("soft", 0, 600), limit("hard", 1, 1_200)]);
        let bots = json!({
            "Name": "bots", "Priority": 0, "Action": {"Count": {}}, "VisibilityConfig": visibility("bots"),
            "Statement": {"GeoMatchStatement": {"CountryCodes": ["VN"]}},
        });
        refer(account, "others", vec![bots]);
    });
    world.pass(480).await;
    let (soft, hard) = (limited(&world, "limits/soft"), limited(&world, "limits/hard"));
    assert!(soft.len() >= 40 && !hard.is_empty() && hard.is_subset(&soft), "{} and {}", soft.len(), hard.len());
    let told = report(&world).await;
    assert_eq!(rule(&told, "our-limits").rate_keys, Some(Known::Yes(soft.len())), "an address over both is one");
    assert_eq!(rule(&told, "our-others").rate_keys, None, "a group without a rate rule has no keys");

    world.range.with(|range| range.faults().add("wafv2", "GetRuleGroup", When::Always, Fault::Deny));
    let told = report(&world).await;
    let Some(Known::No(why)) = &rule(&told, "our-limits").rate_keys else { panic!("{:?}", rule(&told, "our-limits")) };
    assert!(why.contains("wafv2:GetRuleGroup"), "what could not be read is not nothing: {why}");
}
