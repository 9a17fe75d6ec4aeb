//! Writes that AWS turns away as one too many: the shared quota is believed to be used up, what is there is read before
//! each repetition, and the journal has a line of each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::incident::CallPhase;
use portcullis::model::action::{Action, Closure};
use portcullis::model::plan::{Finished, Outcome};
use portcullis::model::timeline::ActionState;
use portcullis::respond::plan::Planned;
use portcullis_range::{Call, Fault, When};
use tokio::time::Instant;

use crate::respond_stage::{cached, closable, close, flush, throttle};
use crate::world::{World, block, flood};

const TARGET: &str = "203.0.113.7/32";

fn always_turned_away(world: &World, service: &str, operation: &str) {
    world.range.with(|range| range.faults().add(service, operation, When::Always, Fault::Throttle));
}

/// Calls since the plan was made.
async fn carried_out(world: &World, planned: Planned) -> (Finished, Vec<Call>) {
    let before = world.range.with(|range| range.calls().len());
    let done = world.apply(planned).await;
    (done, world.range.with(|range| range.calls()[before..].to_vec()))
}

fn times(calls: &[Call], operation: &str) -> Vec<DateTime<Utc>> {
    calls.iter().filter(|call| call.operation == operation).map(|call| call.at).collect()
}

async fn state(world: &World, id: &str) -> Option<ActionState> {
    world.incident().await.fold().unwrap().action(id).map(|action| action.state)
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_turned_away_empties_the_quota_and_is_sent_in_its_turn_right_after_a_reading() {
    let block = Action::BlockIp(block(&[TARGET]));
    // The write, the reading before it, the least pause (half a token's time), and how long reading may take: where
    // both share a quota, the reading waits for a token of its own.
    for (action, service, write, read, pause, reading) in [
        (block, "wafv2", "UpdateIPSet", "GetIPSet", 500, 50),
        (throttle(Some("POST /login"), 20, 40), "apigateway", "UpdateStage", "GetStage", 50, 200),
        (close(Closure::WebAcl), "wafv2", "AssociateWebACL", "GetStage", 1_000, 50),
    ] {
        let world = closable().await;
        let planned = world.plan_action(&action).await;
        world.range.set_rate(1.0);
        world.range.with(|range| range.faults().add(service, write, When::First(4), Fault::Throttle));
        let (done, calls) = carried_out(&world, planned).await;
        assert_eq!(done.outcome, Outcome::Done, "{write}: {:?}", done.lines);
        let sent = times(&calls, write);
        assert_eq!(sent.len(), 5, "{write}");
        let reads = times(&calls, read);
        for pair in sent.windows(2) {
            assert!(pair[1] - pair[0] >= TimeDelta::milliseconds(pause), "{write}: {pair:?}");
            let last = reads.iter().rfind(|at| **at <= pair[1]).unwrap();
            assert!(
                *last >= pair[0] && pair[1] - *last <= TimeDelta::milliseconds(reading),
                "{write}: {last} {pair:?}"
            );
        }
        // Longer and longer.
        assert!(sent[4] - sent[3] > sent[1] - sent[0], "{write}: {sent:?}");
        let history = world.incident().await.fold().unwrap().history(&done.action_id).unwrap().clone();
        let phases = |phase| history.calls.iter().filter(|call| call.phase == phase).count();
        assert_eq!((phases(CallPhase::Sending), phases(CallPhase::Failed), phases(CallPhase::Answered)), (5, 4, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_turned_away_goes_before_whatever_waits_for_its_quota() {
    let world = flood(1.0).await;
    let planned = world.plan_action(&throttle(Some("POST /login"), 20, 40)).await;
    world.range.with(|range| range.faults().add("apigateway", "UpdateStage", When::First(6), Fault::Throttle));
    // Others of the same console ask for the same quota all the time.
    let aws = world.aws.clone();
    let polling = tokio::spawn(async move {
        loop {
            let _ = aws.stage_settings("nowhere", "prod", portcullis::aws::Lane::Plan).await;
        }
    });
    let start = Instant::now();
    let (done, calls) = carried_out(&world, planned).await;
    polling.abort();
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert_eq!(times(&calls, "UpdateStage").len(), 7);
}

#[tokio::test(start_paused = true)]
async fn after_five_minutes_of_being_turned_away_it_is_not_done_where_reading_shows_nothing() {
    let block = Action::BlockIp(block(&[TARGET]));
    for (action, service, write) in [
        (block, "wafv2", "UpdateIPSet"),
        (throttle(Some("POST /login"), 20, 40), "apigateway", "UpdateStage"),
        (close(Closure::WebAcl), "wafv2", "AssociateWebACL"),
    ] {
        let world = closable().await;
        let planned = world.plan_action(&action).await;
        always_turned_away(&world, service, write);
        let (start, (done, calls)) = (world.range.now(), carried_out(&world, planned).await);
        let said = done.lines.join("\n");
        assert_eq!(done.outcome, Outcome::NotDone, "{said}");
        assert!(
            said.contains(&format!("AWS kept throttling {write} for 5 minutes")) && said.contains("try again"),
            "{said}"
        );
        // It is waited once: by the pace, and not by whoever reads as well.
        let took = world.range.now() - start;
        assert!(took > TimeDelta::minutes(5) && took < TimeDelta::minutes(6), "{write}: {took}");
        let sent = times(&calls, write).len();
        assert!((20..=60).contains(&sent), "{write}: {sent} times in five minutes");
        assert_eq!(state(&world, &done.action_id).await, Some(ActionState::NotDone));
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_is_turned_away_for_five_minutes_is_not_done() {
    let world = cached().await;
    let planned = world.plan_action(&flush(false)).await;
    always_turned_away(&world, "apigateway", "FlushStageCache");
    let (done, _) = carried_out(&world, planned).await;
    let said = done.lines.join("\n");
    assert_eq!(done.outcome, Outcome::NotDone, "{said}");
    assert!(said.contains("AWS kept throttling FlushStageCache for 5 minutes; try again"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn where_reading_is_turned_away_as_well_it_is_not_known() {
    for (action, service, write, read) in [
        (Action::BlockIp(block(&[TARGET])), "wafv2", "UpdateIPSet", "GetIPSet"),
        (throttle(Some("POST /login"), 20, 40), "apigateway", "UpdateStage", "GetStage"),
    ] {
        let world = flood(60.0).await;
        let planned = world.plan_action(&action).await;
        always_turned_away(&world, service, write);
        let reads = if read == "GetStage" { When::From(2) } else { When::Always };
        world.range.with(|range| range.faults().add(service, read, reads, Fault::Throttle));
        let done = world.apply(planned).await;
        assert_eq!(done.outcome, Outcome::NotKnown, "{:?}", done.lines);
        assert_eq!(state(&world, &done.action_id).await, Some(ActionState::Unclear));
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_back_that_is_turned_away_costs_time_and_no_reading() {
    for (action, service, read, before) in [
        (Action::BlockIp(block(&[TARGET])), "wafv2", "GetIPSet", 0),
        (throttle(Some("POST /login"), 20, 40), "apigateway", "GetStage", 1),
    ] {
        let world = flood(1.0).await;
        let planned = world.plan_action(&action).await;
        world.range.with(|range| {
            for nth in 1..=150 {
                range.faults().add(service, read, When::Nth(before + nth), Fault::Throttle);
            }
        });
        let start = Instant::now();
        let done = world.apply(planned).await;
        assert_eq!(done.outcome, Outcome::Done, "{read}: {:?}", done.lines);
        // Longer than four readings are given that fail in any other way.
        assert!(start.elapsed() > Duration::from_secs(45), "{read}: {:?}", start.elapsed());
    }
}
