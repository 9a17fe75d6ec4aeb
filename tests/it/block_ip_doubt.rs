//! `block-ip` where little is known: much of the address space at once, targets that nobody has sampled, shares of few
//! samples.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use portcullis::aws::Lane;
use portcullis::model::action::BlockIp;
use portcullis::model::plan::Verdict;

use crate::block_ip::{guard, halts};
use crate::world::{World, block, flood};

/// So many prefixes of a length out of a network that nobody in the drill comes from.
fn prefixes(count: u32, bits: u8) -> BlockIp {
    let targets: Vec<String> =
        (0..count).map(|n| format!("{}/{bits}", Ipv4Addr::from(0x0b00_0000 + (n << (32 - bits))))).collect();
    block(&targets.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Clients that a rule matched in the last two minutes.
async fn matched(world: &World, rule: &str) -> Vec<String> {
    let arn = world.range.with(|range| range.account().waf.web_acls.values().next().unwrap().saved().arn.clone());
    let now = world.aws.clock().now();
    let from = now - chrono::TimeDelta::minutes(2);
    let sampled = world.aws.sampled_requests(&arn, rule, from, now, Lane::Plan).await.unwrap();
    let clients: BTreeSet<String> = sampled.samples.iter().map(|sample| sample.client.to_string()).collect();
    clients.into_iter().collect()
}

/// The case of decisions.md: a phrase with warnings only.
#[tokio::test(start_paused = true)]
async fn four_thousand_prefixes_that_nobody_has_sampled_stop() {
    let world = flood(60.0).await;
    world.pass(300).await;
    let planned = world.plan(&prefixes(4_000, 20)).await;
    assert_eq!(halts(&planned), ["block-ip.breadth", "block-ip.suspicion"], "{:#?}", planned.plan.guards);
    let breadth = &guard(&planned, "block-ip.breadth").reason;
    assert!(breadth.contains("4000 IPv4 prefixes together are wider than a /16"), "{breadth}");
    let suspicion = &guard(&planned, "block-ip.suspicion").reason;
    assert!(suspicion.contains("4,000 targets, 4,000 of them not sampled at all"), "{suspicion}");
    for id in ["block-ip.proxy", "block-ip.legitimate-share"] {
        assert_ne!(guard(&planned, id).verdict, Verdict::Pass, "{:#?}", planned.plan.guards);
    }
}

#[tokio::test(start_paused = true)]
async fn many_plans_of_a_little_are_one_of_much() {
    let world = flood(60.0).await;
    world.pass(300).await;
    let alone = world.plan(&prefixes(2, 20)).await;
    assert_eq!(guard(&alone, "block-ip.breadth").verdict, Verdict::Pass, "{:#?}", alone.plan.guards);
    let held: Vec<String> = (0..15u32).map(|n| format!("12.0.{}.0/20", n * 16)).collect();
    world.write_entries("shop-blocklist", &held.iter().map(String::as_str).collect::<Vec<_>>());
    let more = world.plan(&prefixes(2, 20)).await;
    let breadth = guard(&more, "block-ip.breadth");
    assert_eq!(breadth.verdict, Verdict::Stop, "{breadth:#?}");
    assert!(breadth.reason.contains("with these the entries of shop-blocklist"), "{breadth:#?}");
    // A list that was wide before says so, and lets an address be added.
    world.write_entries("shop-blocklist", &["12.0.0.0/12"]);
    let one = world.plan(&block(&["203.0.113.7"])).await;
    assert_eq!(guard(&one, "block-ip.breadth").verdict, Verdict::Warn, "{:#?}", one.plan.guards);
    let six: Vec<String> = (0..17u32).map(|n| format!("2001:{n:x}00::/40")).collect();
    let six = world.plan(&block(&six.iter().map(String::as_str).collect::<Vec<_>>())).await;
    assert_eq!(guard(&six, "block-ip.breadth").verdict, Verdict::Stop);
}

#[tokio::test(start_paused = true)]
async fn three_targets_may_go_without_evidence_and_no_more() {
    let world = flood(60.0).await;
    world.pass(300).await;
    let three = world.plan(&prefixes(3, 32)).await;
    assert_eq!(halts(&three), Vec::<String>::new(), "{:#?}", three.plan.guards);
    let suspicion = guard(&three, "block-ip.suspicion");
    assert_eq!(suspicion.verdict, Verdict::Warn);
    assert!(suspicion.reason.contains("3 targets, 3 of them not sampled at all"), "{suspicion:#?}");
    assert_eq!(halts(&world.plan(&prefixes(4, 32)).await), ["block-ip.suspicion"]);
    // One that is suspected speaks for itself alone.
    let mut mixed = prefixes(4, 32);
    mixed.targets.push(matched(&world, "aws-sqli").await[0].parse().unwrap());
    assert_eq!(halts(&world.plan(&mixed).await), ["block-ip.suspicion"]);
}

#[tokio::test(start_paused = true)]
async fn a_share_of_few_samples_carries_its_bounds_and_does_not_pass() {
    let world = flood(60.0).await;
    world.pass(300).await;
    let attackers = matched(&world, "aws-sqli").await;
    assert!(attackers.len() >= 30, "{attackers:?}");
    let attackers: Vec<&str> = attackers.iter().map(String::as_str).collect();
    let one = world.plan(&block(&attackers[..1])).await;
    let share = guard(&one, "block-ip.legitimate-share");
    assert_eq!(share.verdict, Verdict::Warn, "{share:#?}");
    assert!(share.reason.contains("(at most") && share.reason.contains("sampled)"), "{share:#?}");
    let all = world.plan(&block(&attackers)).await;
    assert_eq!(halts(&all), Vec::<String>::new(), "{:#?}", all.plan.guards);
    for id in ["block-ip.legitimate-share", "block-ip.suspicion"] {
        assert_eq!(guard(&all, id).verdict, Verdict::Pass, "{:#?}", all.plan.guards);
    }
}
