//! Quotas of one's own making: AWS's control plane is asked at the pace it grants, and what that costs is time and
//! never a verdict. Every connection here is a console of its own: two of them share no bucket and know of each other
//! only by being turned away.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use portcullis::aws::{Aws, Lane, Problem};
use portcullis::model::action::{Action, Close, Closure, Terms};
use portcullis::model::connection::ConnectionId;
use portcullis::model::plan::{Outcome, Verdict};
use portcullis::respond::confirm::Confirmed;
use portcullis::respond::execute::execute;
use portcullis::respond::plan::{Circumstances, PlanError, Planned, plan};
use portcullis::tui::{Mode, News, Options, Theme, keymap};
use portcullis_range::{Fault, When};
use serde_json::json;
use tokio::time::Instant;

use crate::block_ip::halts;
use crate::program::{Program, phrase, served};
use crate::tui_fixtures as fixtures;
use crate::tui_screens::Console;
use crate::world::{World, actor, block, connect, flood};

const TARGET: &str = "203.0.113.7/32";

/// A plan by a console of its own.
async fn planned_by(aws: &Aws, world: &World, action: &Action) -> Result<Planned, PlanError> {
    plan(aws, &world.settings, action, Circumstances::default()).await
}

fn blocking() -> Action {
    Action::BlockIp(block(&[TARGET]))
}

fn unknown(planned: &Planned) -> Vec<String> {
    let all = planned.plan.guards.iter();
    all.filter(|g| g.verdict == Verdict::Unknown).map(|g| format!("{}: {} {:?}", g.id, g.reason, g.evidence)).collect()
}

/// How often AWS said that an operation was one call too many.
fn turned_away(world: &World, operation: &str) -> usize {
    world.range.with(|range| {
        let of = range.calls().iter().filter(|call| call.operation == operation);
        of.filter(|call| {
            call.error.as_deref().is_some_and(|error| error.contains("hrottl") || error.contains("TooMany"))
        })
        .count()
    })
}

#[tokio::test(start_paused = true)]
async fn a_plan_and_at_once_its_apply_go_through_at_real_speed() {
    let world = flood(1.0).await;
    let start = Instant::now();
    let shown = planned_by(&world.aws, &world, &blocking()).await.unwrap();
    assert_eq!(unknown(&shown), Vec::<String>::new());
    let other = connect(&world.range).await;
    let planned = planned_by(&other, &world, &blocking()).await.unwrap();
    assert_eq!((halts(&planned), unknown(&planned)), (vec![], vec![]));
    assert!(turned_away(&world, "ListResourcesForWebACL") > 0, "there was something to wait for");
    assert_eq!(planned.plan.digest, shown.plan.digest);
    let confirmed = Confirmed::by_phrase(planned, &shown.plan.phrase()).unwrap();
    let incident =
        world.store.open_or_create(&other.identity(Lane::Plan).await.unwrap(), "test", other.clock().now(), &actor());
    let done = execute(&other, &incident.unwrap(), confirmed, &mut |_| {}).await.unwrap();
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn three_plans_in_a_row_have_no_doubt_of_their_own_making() {
    let world = flood(1.0).await;
    for nth in 1..=3 {
        let (aws, start) = (connect(&world.range).await, Instant::now());
        let planned = planned_by(&aws, &world, &blocking()).await.unwrap();
        assert_eq!((halts(&planned), unknown(&planned)), (vec![], vec![]), "plan {nth}");
        assert!(start.elapsed() < Duration::from_secs(8), "plan {nth} took {:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn two_responders_at_once_both_go_through() {
    let world = flood(1.0).await;
    let (one, other) = (connect(&world.range).await, connect(&world.range).await);
    let start = Instant::now();
    let action = blocking();
    let (a, b) = tokio::join!(planned_by(&one, &world, &action), planned_by(&other, &world, &action));
    for planned in [a.unwrap(), b.unwrap()] {
        assert_eq!((halts(&planned), unknown(&planned)), (vec![], vec![]));
    }
    assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn every_read_of_a_plan_may_be_turned_away_and_no_verdict_changes() {
    let usual = flood(1.0).await;
    let expected = usual.plan(&block(&[TARGET])).await;
    let verdicts =
        |planned: &Planned| planned.plan.guards.iter().map(|g| (g.id.clone(), g.verdict)).collect::<Vec<_>>();
    for (service, operation) in [
        ("sts", "GetCallerIdentity"),
        ("apigateway", "GetRestApis"),
        ("apigateway", "GetStages"),
        ("wafv2", "GetWebACL"),
        ("wafv2", "GetIPSet"),
        ("wafv2", "ListTagsForResource"),
        ("wafv2", "ListResourcesForWebACL"),
        ("wafv2", "GetSampledRequests"),
        ("cloudwatch", "GetMetricData"),
    ] {
        let world = flood(1.0).await;
        world.range.with(|range| range.faults().add(service, operation, When::First(3), Fault::Throttle));
        let planned = world.plan(&block(&[TARGET])).await;
        assert_eq!(verdicts(&planned), verdicts(&expected), "{operation}");
        assert_eq!(planned.plan.digest, expected.plan.digest, "{operation}");
        assert!(turned_away(&world, operation) >= 3, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_again_past_our_own_pace() {
    let world = flood(1.0).await;
    world.range.with(|range| range.faults().add("wafv2", "GetWebACL", When::First(4), Fault::Throttle));
    world.plan(&block(&[TARGET])).await;
    let calls: Vec<_> = world
        .range
        .with(|range| range.calls().iter().filter(|call| call.operation == "GetWebACL").map(|call| call.at).collect());
    assert_eq!(calls.len(), 5);
    // Five a second are granted: half a token's time is the least that anybody waits after having been turned away.
    for pair in calls.windows(2) {
        assert!(pair[1] - pair[0] >= TimeDelta::milliseconds(99), "{pair:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_stays_busy_ends_the_plan_after_fifteen_seconds_and_judges_nothing() {
    let all = [
        blocking(),
        Action::Close(Close {
            stage: "shop/prod".parse().unwrap(),
            by: Closure::WebAcl,
            web_acl: None,
            again: None,
            terms: Terms::default(),
        }),
    ];
    for (action, operation) in all.iter().zip(["ListResourcesForWebACL", "ListWebACLs"]) {
        let mut world = flood(1.0).await;
        world.settings.guards.closed_web_acl = Some("night".to_owned());
        world.range.with(|range| range.faults().add("wafv2", operation, When::Always, Fault::Throttle));
        let mut waits = world.aws.waits();
        let start = Instant::now();
        let (planned, told) = tokio::join!(planned_by(&world.aws, &world, action), async {
            let told = waits.next().await.unwrap().to_string();
            (told, start.elapsed())
        });
        let error = planned.unwrap_err();
        assert!(matches!(&error, PlanError::Aws(e) if matches!(e.problem, Problem::QuotaBusy(_))), "{error}");
        let said = error.to_string();
        assert!(said.contains("quota busy") && said.contains("Try again") && said.contains(operation), "{said}");
        let seconds = start.elapsed().as_secs_f64();
        assert!((15.0..15.6).contains(&seconds), "{seconds}");
        assert!(told.0.starts_with("waiting for WAF's ") && told.0.contains(operation), "{}", told.0);
        assert!(told.1 < Duration::from_secs(2), "{:?}", told.1);
        assert_eq!(world.mutating_calls().len(), 0);
    }
}

/// `n` more rules that only count; every tenth matches whatever has a path, the others nothing.
fn widened(world: &World, n: usize) {
    world.range.with(|range| {
        let account = range.account_mut();
        let acl = account.waf.web_acls.values().find(|acl| acl.saved().name == "shop-acl").unwrap().saved().clone();
        let mut rules = acl.rules.clone();
        rules.extend((0..n).map(|place| {
            let name = format!("watch-{place:03}");
            let country = if place % 10 == 0 { "DE" } else { "AQ" };
            json!({
                "Name": name, "Priority": 1_000 + place, "Action": {"Count": {}},
                "Statement": {"GeoMatchStatement": {"CountryCodes": [country]}},
                "VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": name},
            })
        }));
        account.write_web_acl(&acl.id, rules, acl.body.clone()).unwrap();
    });
}

#[tokio::test(start_paused = true)]
async fn of_many_rules_few_are_asked_for_samples_and_the_rest_is_said() {
    for rules in [60, 120] {
        let world = flood(1.0).await;
        widened(&world, rules);
        world.pass(600).await;
        let before = world.range.with(|range| range.calls().len());
        let (aws, start) = (connect(&world.range).await, Instant::now());
        let planned = planned_by(&aws, &world, &blocking()).await.unwrap();
        let took = start.elapsed();
        assert!(took < Duration::from_secs(5), "{rules} rules: {took:?}");
        assert_eq!(unknown(&planned), Vec::<String>::new());
        let asked: Vec<String> = world.range.with(|range| {
            let calls = range.calls()[before..].iter().filter(|call| call.operation == "GetSampledRequests");
            calls.map(|call| call.input["RuleMetricName"].as_str().unwrap_or_default().to_owned()).collect()
        });
        assert!(asked.len() <= 20, "{asked:?}");
        // What matches is asked, what matches nothing is not.
        assert!(
            asked.iter().any(|rule| rule == "aws-sqli") && asked.iter().any(|rule| rule == "watch-000"),
            "{asked:?}"
        );
        assert!(!asked.iter().any(|rule| rule == "watch-001"), "{asked:?}");
        let notes = planned.plan.notes.join("\n");
        assert!(notes.contains("rules were not asked for samples"), "{notes}");
        println!("{rules} rules more: a plan in {:.1} s with {} of them asked", took.as_secs_f64(), asked.len());
    }
}

#[tokio::test(start_paused = true)]
async fn closing_behind_many_rules_asks_for_what_it_needs() {
    let world = flood(1.0).await;
    widened(&world, 120);
    world.pass(600).await;
    let (aws, start) = (connect(&world.range).await, Instant::now());
    let selector = "shop/prod".parse().unwrap();
    let wanted = (None, portcullis::respond::ladder::Wanted::All);
    let ladder = portcullis::respond::ladder::ladder(&aws, &world.settings, &selector, wanted, None).await.unwrap();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert_eq!(ladder.rungs.len(), 4);
    println!("a ladder in {:.1} s behind 120 rules more", took.as_secs_f64());
}

#[tokio::test(start_paused = true)]
async fn the_sources_behind_many_rules_are_there_within_five_seconds() {
    let world = flood(1.0).await;
    widened(&world, 120);
    world.pass(600).await;
    let (aws, start) = (connect(&world.range).await, Instant::now());
    let arn = world.stage().1.unwrap();
    let began = world.range.now() - TimeDelta::minutes(8);
    let found = portcullis::watch::sources(&aws, &arn, 1, Some(began)).await.unwrap();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(found.sources.len() > 20, "{}", found.sources.len());
    assert!(found.missing.iter().any(|line| line.contains("rules were not asked for samples")), "{:?}", found.missing);
    println!("sources in {:.1} s behind 120 rules more", took.as_secs_f64());
}

#[test]
fn what_is_waited_for_stands_on_the_screen_until_it_is_over() {
    let waiting = "waiting for WAF's GetSampledRequests quota (5 a second)…";
    let options = Options::new(Mode::ReadOnly, keymap::load(None).unwrap(), Theme::colour_blind_safe());
    let mut console = Console::with(options, (80, 24));
    console.event(News::Board(Arc::new(fixtures::attack())).from(ConnectionId::FIRST));
    assert!(!console.text().contains(waiting));
    console.event(News::Waiting(Some(waiting.to_owned())).from(ConnectionId::FIRST));
    assert!(console.text().contains(waiting), "{}", console.text());
    console.event(News::Waiting(None).from(ConnectionId::FIRST));
    assert!(!console.text().contains(waiting), "{}", console.text());
}

#[test]
fn plan_and_at_once_apply_through_the_binary_at_real_speed() {
    let served = served(1.0);
    let program = Program::new(&served.url);
    let target = ["block-ip", "--stage", "shop/prod", TARGET];
    let words = |verb: &'static str, more: &[&'static str]| -> Vec<&'static str> {
        std::iter::once(verb).chain(target).chain(more.iter().copied()).collect()
    };
    let shown = program.run(&words("plan", &[])).exits(2);
    let phrase = phrase(&shown.out, "shop/prod").unwrap();
    let apply: Vec<&str> = words("apply", &[]).into_iter().chain(["--confirm", phrase.as_str()]).collect();
    program.run(&apply).says(0, &["waiting for WAF's ListResourcesForWebACL quota (1 a second)…"]);
    assert!(served.entries("shop-blocklist").contains(&TARGET.to_owned()));
}
