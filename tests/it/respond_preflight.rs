//! `preflight` against the range: it says what a plan would say at night, reads only, and claims no permission that it
//! did not use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use portcullis::model::preflight::{Check, Found, Preflight};
use portcullis::respond::preflight::{preflight, stages};
use portcullis_range::{Fault, When};

use crate::respond_prepare::prepare;
use crate::respond_stage::closable;
use crate::world::{World, flood};

const FORMAT: &str = "$context.requestId $context.identity.sourceIp $context.httpMethod $context.resourcePath $context.status \
    $context.error.responseType $context.waf.status $context.identity.apiKeyId $context.responseLatency";

async fn of(world: &World, named: &[&str]) -> Vec<Preflight> {
    let named: Vec<_> = named.iter().map(|name| name.parse().unwrap()).collect();
    let mut reports = Vec::new();
    for (api, stage) in stages(&world.aws, &named).await.unwrap() {
        reports.push(preflight(&world.aws, &world.settings, api, stage).await);
    }
    reports
}

async fn prod(world: &World) -> Preflight {
    of(world, &["shop/prod"]).await.remove(0)
}

fn check<'a>(report: &'a Preflight, name: &str) -> &'a Check {
    report.checks.iter().find(|check| check.check == name).unwrap_or_else(|| panic!("no {name} in {report:#?}"))
}

fn log(world: &World, format: &str) {
    world.edit_stage(|stage| {
        stage
            .access_log
            .insert("destinationArn".into(), "arn:aws:logs:eu-central-1:111122223333:log-group:shop".into());
        stage.access_log.insert("format".into(), format.into());
    });
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_was_seen_to_is_ready_and_nothing_was_written() {
    let mut world = closable().await;
    world.settings.guards.never_block.get_or_insert_default();
    log(&world, FORMAT);
    let report = prod(&world).await;
    let open: Vec<&Check> = report.checks.iter().filter(|check| check.found.asks_for_work()).collect();
    assert!(report.is_ready() && open.is_empty(), "{open:#?}");
    assert!(world.mutating_calls().is_empty());
    // Nobody tried to write, and nobody claims that it would work.
    let writes = check(&report, "permissions to write");
    assert_eq!(writes.found, Found::NotProven);
    assert!(writes.evidence.iter().any(|line| line.contains("wafv2:UpdateIPSet")), "{writes:#?}");
    assert_eq!(check(&report, "flush-cache").found, Found::NotHere);
    let switch = check(&report, "kill-switch");
    assert_eq!(switch.found, Found::NotProven, "{switch:#?}");
    assert!(switch.next.as_ref().unwrap().contains("--prove-on shop/dev"), "{switch:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_named_with_the_next_step() {
    let mut world = flood(60.0).await;
    let break_glass = world.settings.guards.break_glass.take();
    log(&world, "$context.requestId $context.status");
    let report = prod(&world).await;
    assert!(!report.is_ready());
    let would_not = |name: &str| {
        let check = check(&report, name);
        assert_eq!(check.found, Found::WouldNot, "{check:#?}");
        check.next.clone().unwrap()
    };
    assert!(would_not("close --by web-acl").contains("prepare-closed-web-acl --stage shop/prod"));
    assert!(would_not("guards.break-glass").contains("[guards]"));
    assert!(would_not("access log").contains("accessLogSettings"));
    assert!(check(&report, "access log").evidence.iter().any(|line| line.contains("$context.identity.sourceIp")));
    // Doing what it says makes it so.
    world.settings.guards.break_glass = break_glass;
    world.settings.guards.closed_web_acl = Some("night".into());
    world.apply(world.plan_action(&prepare("night")).await).await;
    assert_eq!(check(&prod(&world).await, "close --by web-acl").found, Found::Works);
}

#[tokio::test(start_paused = true)]
async fn a_stage_without_a_web_acl_says_so_where_it_matters() {
    let world = flood(60.0).await;
    let reports = of(&world, &[]).await;
    assert_eq!(reports.len(), 2, "every stage where none is named");
    let (stage, _) = world.stage();
    assert_eq!(stage.name, "prod");
    world.range.with(|range| {
        let account = range.account_mut();
        let id = account.gateway.apis.values().find(|api| api.name == "shop").unwrap().id.clone();
        let arn = account.stage_arn(&id, "prod");
        account.associate(&arn, None);
    });
    let report = prod(&world).await;
    for name in ["block-ip, IPv4", "block-ip, IPv6", "sources", "throttle"] {
        assert_eq!(check(&report, name).found, Found::WouldNot, "{:#?}", check(&report, name));
    }
    assert_eq!(check(&report, "close --by throttle-zero").found, Found::Works);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_denied_is_named_with_what_it_needs() {
    let world = closable().await;
    world.range.with(|range| range.faults().add("apigateway", "GetUsagePlans", When::Always, Fault::Deny));
    let report = prod(&world).await;
    let reads = check(&report, "permissions to read");
    assert_eq!(reads.found, Found::WouldNot);
    assert!(reads.evidence.iter().any(|l| l.contains("GetUsagePlans") && l.contains("apigateway:GET")), "{reads:#?}");
    assert!(reads.evidence.iter().any(|l| l.contains("GetRuleGroup was not tried")), "{reads:#?}");
    world.range.with(|range| {
        range.faults().clear();
        range.faults().add("apigateway", "GetExport", When::Always, Fault::Deny);
        range.faults().add("wafv2", "GetIPSet", When::Always, Fault::ServerError(503));
    });
    let report = prod(&world).await;
    assert_eq!(check(&report, "kill-switch").found, Found::WouldNot);
    assert_eq!(check(&report, "block-ip, IPv4").found, Found::Unknown, "{:#?}", check(&report, "block-ip, IPv4"));
}
