//! What could not be known when it ended is looked at again at the next start: what shows is done, what does not show
//! any more is not, and what nothing shows is not listed for good.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use portcullis::aws::Lane;
use portcullis::model::action::Action;
use portcullis::model::plan::Outcome;
use portcullis::model::timeline::ActionState;
use portcullis::respond::reconcile::{Reconciled, look_again};
use portcullis_range::{Fault, When};

use crate::respond_stage::{cached, flush, throttle};
use crate::world::{World, actor, add_entry, block, flood};

const TARGET: &str = "203.0.113.7/32";

fn blocking() -> Action {
    Action::BlockIp(block(&[TARGET]))
}

/// Actions to try, each with the call that makes it and the one that reads it.
fn actions() -> [(Action, &'static str, &'static str, &'static str); 2] {
    [
        (blocking(), "wafv2", "UpdateIPSet", "GetIPSet"),
        (throttle(Some("POST /login"), 20, 40), "apigateway", "UpdateStage", "GetStage"),
    ]
}

fn strike(world: &World, service: &str, operation: &str, when: When, fault: Fault) {
    world.range.with(|range| range.faults().add(service, operation, when, fault));
}

async fn again(world: &World) -> Vec<Reconciled> {
    look_again(&world.aws, &world.store, &actor(), None).await.unwrap()
}

async fn state(world: &World, id: &str) -> ActionState {
    world.incident().await.fold().unwrap().action(id).unwrap().state
}

async fn lines(world: &World) -> usize {
    world.incident().await.fold().unwrap().timeline.len()
}

/// An action that was made, and of which nobody knows.
async fn made_and_not_known(world: &World, action: &Action, (service, write, read): (&str, &str, &str)) -> String {
    let planned = world.plan_action(action).await;
    strike(world, service, write, When::Nth(1), Fault::ResetAfter);
    strike(world, service, read, if read == "GetStage" { When::From(2) } else { When::Always }, Fault::Deny);
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::NotKnown, "{:?}", done.lines);
    done.action_id
}

#[tokio::test(start_paused = true)]
async fn what_shows_by_now_is_done_and_can_be_taken_back() {
    for (action, service, write, read) in actions() {
        let world = flood(60.0).await;
        let id = made_and_not_known(&world, &action, (service, write, read)).await;
        assert!(again(&world).await.is_empty(), "it cannot be read yet");
        assert_eq!(state(&world, &id).await, ActionState::Unclear);
        world.range.with(|range| range.faults().clear());
        let found = again(&world).await;
        assert_eq!((found.len(), found[0].outcome, found[0].again), (1, Some(Outcome::Done), true), "{found:?}");
        assert_eq!(state(&world, &id).await, ActionState::InForce);
        let before = lines(&world).await;
        assert!(again(&world).await.is_empty(), "it is told once");
        assert_eq!(lines(&world).await, before);
        assert_eq!(world.undo(&id).await.outcome, Outcome::Done);
        assert_eq!(state(&world, &id).await, ActionState::Undone);
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_show_may_come_for_ten_minutes_and_is_then_not_done() {
    for (action, service, write, _) in actions() {
        let world = flood(60.0).await;
        let planned = world.plan_action(&action).await;
        strike(&world, service, write, When::Always, Fault::Reset);
        let done = world.apply(planned).await;
        assert_eq!(done.outcome, Outcome::NotKnown, "{:?}", done.lines);
        let before = lines(&world).await;
        world.pass(9 * 60).await;
        assert!(again(&world).await.is_empty(), "it may come yet");
        assert_eq!((lines(&world).await, state(&world, &done.action_id).await), (before, ActionState::Unclear));
        world.pass(90).await;
        let found = again(&world).await;
        assert_eq!((found.len(), found[0].outcome), (1, Some(Outcome::NotDone)), "{found:?}");
        assert_eq!(state(&world, &done.action_id).await, ActionState::NotDone);
        let history = world.incident().await.fold().unwrap().history(&done.action_id).unwrap().clone();
        let ending = history.ending.unwrap();
        assert!(
            ending.lines.len() > 1 && ending.lines.last().unwrap().contains("does not show the change"),
            "{ending:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_late_is_found_however_late_it_is_looked_for() {
    let world = flood(60.0).await;
    let planned = world.plan_action(&blocking()).await;
    strike(&world, "wafv2", "UpdateIPSet", When::Always, Fault::Reset);
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::NotKnown, "{:?}", done.lines);
    world.range.with(|range| add_entry(range.account_mut(), "shop-blocklist", TARGET));
    let found = again(&world).await;
    assert_eq!(found[0].outcome, Some(Outcome::Done), "{found:?}");
    assert_eq!(state(&world, &done.action_id).await, ActionState::InForce);
}

#[tokio::test(start_paused = true)]
async fn an_undo_of_which_nobody_knew_leaves_the_action_where_it_was_or_takes_it_back() {
    for came in [false, true] {
        let world = flood(60.0).await;
        let done = world.apply(world.plan_action(&blocking()).await).await;
        let planned = world.plan_undo(&done.action_id).await;
        strike(&world, "wafv2", "UpdateIPSet", When::Always, if came { Fault::ResetAfter } else { Fault::Reset });
        if came {
            strike(&world, "wafv2", "GetIPSet", When::Always, Fault::Deny);
        }
        let undone = world.apply(planned).await;
        assert_eq!(undone.outcome, Outcome::NotKnown, "{:?}", undone.lines);
        assert_eq!(state(&world, &done.action_id).await, ActionState::Unclear);
        world.range.with(|range| range.faults().clear());
        world.pass(11 * 60).await;
        let found = again(&world).await;
        let (outcome, stands) =
            if came { (Outcome::Done, ActionState::Undone) } else { (Outcome::NotDone, ActionState::InForce) };
        assert_eq!(found[0].outcome, Some(outcome), "{found:?}");
        assert_eq!(state(&world, &done.action_id).await, stands);
        if !came {
            assert_eq!(world.undo(&done.action_id).await.outcome, Outcome::Done);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_changed_since_is_not_told() {
    let world = flood(60.0).await;
    let action = throttle(Some("POST /login"), 20, 40);
    let id = made_and_not_known(&world, &action, ("apigateway", "UpdateStage", "GetStage")).await;
    world.range.with(|range| range.faults().clear());
    world.edit_stage(|stage| {
        if let Some(entry) = stage.method_settings.get_mut("~1login/POST") {
            entry.throttling_rate_limit = 7.0;
        }
    });
    world.pass(11 * 60).await;
    assert!(again(&world).await.is_empty());
    assert_eq!(state(&world, &id).await, ActionState::Unclear);
}

#[tokio::test(start_paused = true)]
async fn a_flush_of_which_nobody_knows_is_listed_for_an_hour() {
    for authorizers in [false, true] {
        let world = cached().await;
        let planned = world.plan_action(&flush(authorizers)).await;
        let operation = if authorizers { "FlushStageAuthorizersCache" } else { "FlushStageCache" };
        strike(&world, "apigateway", operation, When::Always, Fault::ResetAfter);
        let done = world.apply(planned).await;
        assert_eq!(done.outcome, Outcome::NotKnown, "{:?}", done.lines);
        world.pass(58 * 60).await;
        assert!(again(&world).await.is_empty());
        assert_eq!(state(&world, &done.action_id).await, ActionState::Unclear);
        world.pass(3 * 60).await;
        let found = again(&world).await;
        // That nobody knows is still so: nothing is said that nobody can know.
        assert_eq!((found.len(), found[0].outcome), (1, Some(Outcome::NotKnown)), "{found:?}");
        assert_eq!(state(&world, &done.action_id).await, ActionState::Lapsed);
        assert!(again(&world).await.is_empty(), "it is told once");
        let identity = world.aws.identity(Lane::Plan).await.unwrap();
        let survey = world.store.survey(&identity.at).unwrap();
        assert!(survey.actions.iter().all(|action| action.state.is_over()), "{:?}", survey.actions);
    }
}
