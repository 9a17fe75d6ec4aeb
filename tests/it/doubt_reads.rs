//! What cannot be read passes no guard: every read that a plan makes, refused, dropped or failing, against the guards
//! that rest on it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use portcullis::model::action::{Action, Closure};
use portcullis::model::plan::Verdict;
use portcullis_range::{Fault, When};

use crate::kill_switch::switch;
use crate::respond_prepare::prepare;
use crate::respond_stage::{cached, closable, close, flush, throttle};
use crate::world::{World, block, connect, flood};

/// An operation, and the guards that must not pass where it tells nothing.
type Rests = (&'static str, &'static [&'static str]);

const BLOCK: &[Rests] = &[
    ("GetSampledRequests", &["block-ip.legitimate-share", "block-ip.suspicion", "block-ip.proxy"]),
    ("ListResourcesForWebACL", &["block-ip.blast-radius"]),
    ("ListTagsForResource", &["block-ip.managed"]),
    ("GetIPSet", &["block-ip.ip-set"]),
    ("GetWebACL", &["block-ip.effective", "block-ip.web-acl"]),
];
const THROTTLE: &[Rests] = &[
    ("GetMetricData", &["throttle.shedding"]),
    ("GetSampledRequests", &["throttle.shedding"]),
    ("GetDeployment", &["throttle.method"]),
    ("GetAccount", &["throttle.limits"]),
    ("GetUsagePlans", &["throttle.limits"]),
    ("GetStage", &["throttle.tighter"]),
];
const FLUSH: &[Rests] =
    &[("GetMetricData", &["flush-cache.backend", "flush-cache.herd"]), ("GetStage", &["flush-cache.available"])];
const CLOSE: &[Rests] = &[
    ("GetIPSet", &["close.admits", "close.widens"]),
    ("GetWebACL", &["close.web-acl", "close.widens", "close.admits", "close.protection"]),
    ("ListWebACLs", &["close.web-acl", "close.widens", "close.admits"]),
    ("GetSampledRequests", &["close.who-loses"]),
];
const SWITCH: &[Rests] = &[
    ("GetExport", &["kill-switch.base", "close.widens"]),
    ("GetDeployment", &["close.widens", "close.admits", "kill-switch.responder", "kill-switch.drift"]),
    ("GetResources", &["kill-switch.drift"]),
    ("GetRestApi", &["kill-switch.policy", "kill-switch.endpoint"]),
    ("GetStages", &["kill-switch.policy"]),
    ("GetSampledRequests", &["close.who-loses"]),
];
const PREPARE: &[Rests] =
    &[("ListIPSets", &["prepare.name", "prepare.quota"]), ("ListWebACLs", &["prepare.name", "prepare.quota"])];

#[derive(Debug, Default)]
struct Counts {
    plans: usize,
    refused: usize,
    unknown: usize,
    other: usize,
}

/// Plans `action` under each fault of each of its reads.
async fn under_faults(world: &mut World, action: &Action, rests: &[Rests], counts: &mut Counts) {
    let faults = [Fault::Deny, Fault::ServerError(503), Fault::Reset, Fault::UnknownOperation, Fault::PartialData];
    for (operation, guards) in rests {
        for fault in &faults {
            if *fault == Fault::PartialData && *operation != "GetMetricData" {
                continue;
            }
            // What cannot change is read once a connection: a new one has read nothing yet.
            world.aws = connect(&world.range).await;
            world.range.with(|range| range.faults().add("*", operation, When::Always, fault.clone()));
            let planned = world.try_action(action).await;
            world.range.with(|range| range.faults().clear());
            counts.plans += 1;
            let Ok(planned) = planned else {
                // No plan is no pass.
                counts.refused += 1;
                continue;
            };
            for id in *guards {
                let Some(found) = planned.plan.guards.iter().find(|found| found.id == *id) else { continue };
                assert_ne!(found.verdict, Verdict::Pass, "{operation} {fault:?}: {found:#?}");
                if found.verdict == Verdict::Unknown { counts.unknown += 1 } else { counts.other += 1 }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_passes_no_guard() {
    let mut counts = Counts::default();
    let mut world = flood(60.0).await;
    world.pass(300).await;
    under_faults(&mut world, &Action::BlockIp(block(&["203.0.113.7", "203.0.113.66"])), BLOCK, &mut counts).await;
    under_faults(&mut world, &throttle(Some("POST /login"), 20, 40), THROTTLE, &mut counts).await;
    under_faults(&mut world, &Action::KillSwitch(switch(Some("shop/dev"))), SWITCH, &mut counts).await;
    under_faults(&mut world, &prepare("night"), PREPARE, &mut counts).await;
    let mut world = cached().await;
    under_faults(&mut world, &flush(false), FLUSH, &mut counts).await;
    let mut world = closable().await;
    under_faults(&mut world, &close(Closure::WebAcl), CLOSE, &mut counts).await;
    println!(
        "unread: {} plans, {} refused whole; of the guards concerned {} unknown, {} stop or warn, 0 pass",
        counts.plans, counts.refused, counts.unknown, counts.other
    );
    assert!(counts.plans > 80 && counts.unknown > 40, "{counts:?}");
}
