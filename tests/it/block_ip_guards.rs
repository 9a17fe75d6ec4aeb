//! `block-ip`'s guards against the range: what they stop, what they warn of, and what they need to know.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use portcullis::aws::Lane;
use portcullis::model::plan::Verdict;
use portcullis_range::{Fault, When};
use serde_json::json;

use crate::block_ip::{guard, halts};
use crate::world::{World, block, flood};

#[tokio::test(start_paused = true)]
async fn what_must_not_be_blocked_stops_the_plan() {
    let world = flood(60.0).await;
    let stops = async |targets: &[&str]| halts(&world.plan(&block(targets)).await);
    assert!(stops(&["0.0.0.0/0"]).await.contains(&"block-ip.zero-prefix".to_owned()));
    assert!(stops(&["::/0"]).await.contains(&"block-ip.zero-prefix".to_owned()));
    // Around a never-block range, inside one, and a break-glass range either way.
    assert_eq!(stops(&["198.51.100.0/24"]).await, ["block-ip.never-block"]);
    assert_eq!(stops(&["198.51.100.200/32"]).await, ["block-ip.never-block"]);
    assert_eq!(stops(&["192.0.2.241/32"]).await, ["block-ip.break-glass"]);
    assert_eq!(stops(&["192.0.2.224/27"]).await, ["block-ip.break-glass"]);
    assert_eq!(stops(&["100.0.0.0/15"]).await, ["block-ip.breadth"]);
    assert_eq!(stops(&["2001:db9::/32"]).await, ["block-ip.breadth"]);
}

#[tokio::test(start_paused = true)]
async fn zero_prefix_yields_to_no_override_and_never_block_only_with_a_reason() {
    let world = flood(60.0).await;
    let mut all = block(&["0.0.0.0/0"]);
    all.terms.reason = Some("desperate".into());
    all.terms.overrides = ["zero-prefix", "never-block", "break-glass", "breadth", "legitimate-share"]
        .map(|g| format!("block-ip.{g}"))
        .to_vec();
    assert!(halts(&world.plan(&all).await).contains(&"block-ip.zero-prefix".to_owned()));
    let mut partner = block(&["198.51.100.200"]);
    partner.terms.overrides = vec!["block-ip.never-block".into()];
    assert!(!halts(&world.plan(&partner).await).is_empty(), "an override without a reason must not do");
    partner.terms.reason = Some("the partner's key was stolen".into());
    let planned = world.plan(&partner).await;
    assert_eq!(halts(&planned), Vec::<String>::new());
    assert!(guard(&planned, "block-ip.never-block").overridden);
}

#[tokio::test(start_paused = true)]
async fn guards_without_their_configuration_are_unknown_and_stop() {
    let mut world = flood(60.0).await;
    world.settings.guards.never_block = None;
    world.settings.guards.break_glass = None;
    let planned = world.plan(&block(&["203.0.113.7"])).await;
    assert_eq!(guard(&planned, "block-ip.never-block").verdict, Verdict::Unknown);
    assert_eq!(halts(&planned), ["block-ip.never-block", "block-ip.break-glass"]);
}

#[tokio::test(start_paused = true)]
async fn host_bits_are_masked_and_said() {
    let world = flood(60.0).await;
    let planned = world.plan(&block(&["203.0.113.9/30"])).await;
    assert_eq!(guard(&planned, "block-ip.host-bits").verdict, Verdict::Warn);
    assert_eq!(planned.plan.changes[0].added, ["203.0.113.8/30"]);
}

#[tokio::test(start_paused = true)]
async fn blocking_a_prefix_with_customers_in_it_is_stopped_and_the_attackers_alone_are_not() {
    let world = flood(60.0).await;
    world.pass(300).await;
    let wide = world.plan(&block(&["203.0.113.128/25"])).await;
    assert_eq!(guard(&wide, "block-ip.legitimate-share").verdict, Verdict::Stop, "{:#?}", wide.plan.guards);
    let exact = world.plan(&block(&["203.0.113.7", "203.0.113.66"])).await;
    // Of so few samples the share is not known to be small.
    assert_eq!(guard(&exact, "block-ip.legitimate-share").verdict, Verdict::Warn, "{:#?}", exact.plan.guards);
}

#[tokio::test(start_paused = true)]
async fn customers_that_were_merely_not_seen_before_stop_the_plan() {
    let world = flood(60.0).await;
    world.pass(300).await;
    let arn = world.range.with(|range| range.account().waf.web_acls.values().next().unwrap().saved().arn.clone());
    let now = world.aws.clock().now();
    let from = now - chrono::TimeDelta::minutes(2);
    let default = world
        .range
        .with(|range| range.account().waf.web_acls.values().next().unwrap().saved().metric_name().to_owned());
    let sampled = world.aws.sampled_requests(&arn, &default, from, now, Lane::Plan).await.unwrap();
    let customers: std::collections::BTreeSet<String> =
        sampled.samples.iter().map(|s| s.client.to_string()).filter(|c| c.starts_with("198.1")).collect();
    let customers: Vec<&str> = customers.iter().map(String::as_str).filter(|c| !c.starts_with("198.51")).collect();
    assert!(customers.len() > 3, "{customers:?}");
    let planned = world.plan(&block(&customers)).await;
    assert!(halts(&planned).contains(&"block-ip.suspicion".to_owned()), "{:#?}", planned.plan.guards);
}

#[tokio::test(start_paused = true)]
async fn what_is_covered_already_is_nothing_to_change() {
    let world = flood(60.0).await;
    let planned = world.plan(&block(&["192.0.2.130"])).await;
    assert!(planned.plan.is_empty());
    assert_eq!(guard(&planned, "block-ip.already-covered").verdict, Verdict::Warn);
}

#[tokio::test(start_paused = true)]
async fn a_set_that_also_allows_stops() {
    let world = flood(60.0).await;
    rewire(&world, |rules| {
        let mut allow = rules[0].clone();
        allow["Name"] = json!("allow-first");
        allow["Priority"] = json!(-1);
        allow["Action"] = json!({"Allow": {}});
        rules.insert(0, allow);
    });
    assert!(halts(&world.plan(&block(&["203.0.113.7"])).await).contains(&"block-ip.inverted".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_read_is_unknown_and_never_a_pass() {
    let world = flood(60.0).await;
    world.pass(300).await;
    let wide = block(&["203.0.113.128/25"]);
    let before = world.plan(&wide).await.plan.digest;
    world.range.with(|range| range.faults().add("wafv2", "GetSampledRequests", When::Nth(6), Fault::Deny));
    let planned = world.plan(&wide).await;
    assert_eq!(guard(&planned, "block-ip.legitimate-share").verdict, Verdict::Unknown);
    assert_ne!(planned.plan.digest, before, "unknown is not stop");
    world.range.with(|range| {
        range.faults().clear();
        range.faults().add("wafv2", "ListResourcesForWebACL", When::Always, Fault::UnknownOperation);
    });
    let planned = world.plan(&block(&["203.0.113.7"])).await;
    assert_eq!(guard(&planned, "block-ip.blast-radius").verdict, Verdict::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_full_set_a_missing_acl_and_an_allow_list_stop_by_name() {
    let world = flood(60.0).await;
    let full: Vec<String> =
        (0..10_000u32).map(|n| format!("{}/32", std::net::Ipv4Addr::from(0x0a00_0000 + n))).collect();
    let full: Vec<&str> = full.iter().map(String::as_str).collect();
    world.write_entries("shop-blocklist", &full);
    assert_eq!(halts(&world.plan(&block(&["203.0.113.7"])).await), ["block-ip.capacity"]);

    let mut dev = block(&["203.0.113.7"]);
    dev.stage = "shop/dev".parse().unwrap();
    let planned = world.plan(&dev).await;
    assert_eq!(halts(&planned), ["block-ip.web-acl"]);
    assert!(planned.plan.notes.iter().any(|n| n.contains("associate-web-acl")), "{:?}", planned.plan.notes);
}

fn rewire(world: &World, change: impl Fn(&mut Vec<serde_json::Value>)) {
    world.range.with(|range| {
        let account = range.account_mut();
        let acl = account.waf.web_acls.values().next().unwrap().saved().clone();
        let mut rules = acl.rules.clone();
        change(&mut rules);
        account.write_web_acl(&acl.id, rules, acl.body.clone()).unwrap();
    });
}

#[tokio::test(start_paused = true)]
async fn wiring_that_does_not_block_is_named() {
    let world = flood(60.0).await;
    rewire(&world, |rules| rules[0]["Action"] = json!({"Count": {}}));
    assert_eq!(halts(&world.plan(&block(&["203.0.113.7"])).await), ["block-ip.effective"]);
    rewire(&world, |rules| {
        let inner = rules[0]["Statement"].clone();
        rules[0]["Action"] = json!({"Block": {}});
        rules[0]["Statement"] = json!({"NotStatement": {"Statement": inner}});
    });
    assert_eq!(halts(&world.plan(&block(&["203.0.113.7"])).await), ["block-ip.inverted"]);
    rewire(&world, |rules| {
        rules.remove(0);
        rules.remove(0);
    });
    let planned = world.plan(&block(&["203.0.113.7"])).await;
    assert_eq!(halts(&planned), ["block-ip.ip-set"]);
    assert!(planned.plan.notes.iter().any(|n| n.contains("IPSetReferenceStatement")), "{:?}", planned.plan.notes);
}

/// A rule that counts and marks, and one that blocks what is marked: an address in the set gets 403.
#[tokio::test(start_paused = true)]
async fn a_set_is_effective_by_way_of_its_label() {
    let world = flood(60.0).await;
    rewire(&world, |rules| {
        rules[0]["Action"] = json!({"Count": {}});
        rules[0]["RuleLabels"] = json!([{"Name": "my:bad"}]);
        let mut marked = rules[0].clone();
        marked.as_object_mut().unwrap().remove("RuleLabels");
        marked["Name"] = json!("marked");
        marked["Priority"] = json!(rules[0]["Priority"].as_i64().unwrap() + 1);
        marked["VisibilityConfig"]["MetricName"] = json!("marked");
        marked["Action"] = json!({"Block": {}});
        marked["Statement"] = json!({"LabelMatchStatement": {"Scope": "LABEL", "Key": "my:bad"}});
        for rule in rules.iter_mut().skip(1) {
            rule["Priority"] = json!(rule["Priority"].as_i64().unwrap() + 10);
        }
        rules.insert(1, marked);
    });
    let planned = world.plan(&block(&["203.0.113.7"])).await;
    let effective = guard(&planned, "block-ip.effective");
    assert_eq!(effective.verdict, Verdict::Pass, "{effective:#?}");
    assert!(effective.reason.contains("marked (by label my:bad)"), "{effective:#?}");
}

#[tokio::test(start_paused = true)]
async fn unknown_stages_and_ambiguous_names_are_refused_with_a_hint() {
    let world = flood(60.0).await;
    let mut typo = block(&["203.0.113.7"]);
    typo.stage = "shpo/prod".parse().unwrap();
    let error = world.try_plan(&typo).await.unwrap_err().to_string();
    assert!(error.contains("did you mean shop?"), "{error}");
    typo.stage = "shop/prdo".parse().unwrap();
    let error = world.try_plan(&typo).await.unwrap_err().to_string();
    assert!(error.contains("it has dev, prod") || error.contains("it has prod, dev"), "{error}");
    world.range.with(|range| range.account_mut().create_api("shop", None));
    typo.stage = "shop/prod".parse().unwrap();
    let error = world.try_plan(&typo).await.unwrap_err().to_string();
    assert!(error.contains("names 2 APIs"), "{error}");
}
