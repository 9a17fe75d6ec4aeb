//! The process dies before and after every single call of every action and of its undo: the next start says what is so,
//! and the way back leads back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use portcullis::model::action::{Action, Closure};
use portcullis::model::plan::Outcome;
use portcullis::model::timeline::ActionState;
use portcullis::respond::confirm::Confirmed;
use portcullis::respond::execute::execute;
use portcullis::respond::plan::Planned;
use portcullis::respond::reconcile::reconcile;
use portcullis_range::state::{MethodSetting, Snapshot, Stage};
use portcullis_range::{Fault, When};

use crate::allow_ip::let_in;
use crate::draws::every;
use crate::kill_switch;
use crate::respond_prepare::prepare;
use crate::respond_stage::{cached, closable, close, flush, throttle};
use crate::world::{World, actor, block, young_flood};

/// Without `PROPTEST_CASES` the process dies at every such call, which is another one for each action and each way to
/// die.
const STEP: usize = 5;

/// What an action may change, of the whole account.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    prod: Stage,
    web_acl: Option<String>,
    entries: Vec<String>,
    let_in: Vec<String>,
    draft: Snapshot,
    dev: String,
    waf: Vec<String>,
}

pub(crate) fn picture(world: &World) -> Picture {
    let (mut prod, web_acl) = world.stage();
    prod.last_updated = chrono::DateTime::UNIX_EPOCH;
    let (draft, stages) = kill_switch::standing(world);
    // A snapshot of ours has another id at every run.
    let ours = |id: &str| {
        world.range.with(|range| {
            let api = range.account().gateway.apis.values().find(|api| api.name == "shop").unwrap();
            api.deployments[id].description.as_ref().is_some_and(|text| text.starts_with("portcullis "))
        })
    };
    if ours(&prod.deployment_id) {
        prod.deployment_id = "a snapshot of ours".into();
    }
    Picture {
        prod,
        web_acl,
        entries: world.entries("shop-blocklist"),
        // Of the worlds that have a closed web ACL.
        let_in: world.entries_of("shop-closed-v4").unwrap_or_default(),
        draft,
        dev: stages[0].1.clone(),
        waf: world.waf_names(),
    }
}

pub(crate) async fn world_for(action: &Action) -> World {
    let world = match action {
        Action::FlushCache(_) => cached().await,
        // Fast enough to end before the call's own time limit.
        Action::KillSwitch(_) => young_flood(600.0).await,
        _ => closable().await,
    };
    world.edit_stage(|stage| {
        stage
            .method_settings
            .insert("~1login/POST".into(), MethodSetting { throttling_rate_limit: 900.0, ..MethodSetting::fresh() });
    });
    if let Action::KillSwitch(one) = action
        && one.prove_on.is_none()
        && one.terms.overrides.is_empty()
    {
        let proof = world.plan_action(&Action::KillSwitch(kill_switch::switch(Some("shop/dev")))).await;
        let done = world.apply(proof).await;
        assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    }
    world
}

/// Carries out a plan and dies at the `nth` call from now on; says whether it died.
pub(crate) async fn cut_short(world: &World, planned: Planned, nth: u32, fault: &Fault) -> bool {
    let incident = world.incident().await;
    let phrase = planned.plan.phrase();
    let confirmed = Confirmed::by_phrase(planned, &phrase).unwrap();
    world.range.with(|range| range.faults().add("*", "*", When::Nth(nth), fault.clone()));
    // Short of the call's own time limit: nothing is heard of the answer any more.
    let mut quiet = |_: &str| {};
    let run = execute(&world.aws, &incident, confirmed, &mut quiet);
    let died = tokio::time::timeout(Duration::from_millis(900), run).await.is_err();
    world.range.with(|range| range.faults().clear());
    died
}

/// What the journal says must be what the account shows.
async fn truthful(world: &World, before: &Picture, after: &Picture, what: &str) {
    let found = reconcile(&world.aws, &world.store, &actor(), None).await.unwrap();
    assert!(found.iter().all(|one| one.outcome.is_some()), "{what}: {found:?}");
    let now = picture(world);
    let folded = world.incident().await.fold().unwrap();
    assert!(folded.in_flight().is_empty(), "{what}");
    for action in &folded.actions {
        match action.state {
            ActionState::InForce => assert_eq!(&now, after, "{what}: said to be in force"),
            ActionState::NotDone | ActionState::Undone => {
                assert_eq!(&now, before, "{what}: said to be {:?}", action.state);
            }
            ActionState::Unclear | ActionState::Final => {}
            ActionState::InFlight | ActionState::Lapsed => panic!("{what}: {:?}", action.state),
        }
    }
}

/// Kills the action, or its undo, at every call; gives how many points there were. Where only some are tried, the
/// `turn` says from which.
async fn killed_everywhere(action: &Action, undoing: bool, turn: usize) -> usize {
    let mut points = 0;
    let step = every(STEP);
    let after = wanted(action).await;
    for (n, fault) in [Fault::Hang, Fault::HangAfter].into_iter().enumerate() {
        let first = u32::try_from(1 + (turn + n) % step).unwrap();
        for nth in (first..).step_by(step) {
            let world = world_for(action).await;
            let before = picture(&world);
            let what = format!("{} {} at call {nth}, {fault:?}", action.name(), if undoing { "undo" } else { "apply" });
            let planned = world.plan_action(action).await;
            let died = if undoing {
                let done = world.apply(planned).await;
                assert_eq!(done.outcome, Outcome::Done, "{what}: {:?}", done.lines);
                cut_short(&world, world.plan_undo(&done.action_id).await, nth, &fault).await
            } else {
                cut_short(&world, planned, nth, &fault).await
            };
            if !died {
                break;
            }
            points += 1;
            truthful(&world, &before, &after, &what).await;
            way_back(&world, &before, &what).await;
        }
    }
    points
}

/// The account as it is once the action is done.
async fn wanted(action: &Action) -> Picture {
    let world = world_for(action).await;
    let planned = world.plan_action(action).await;
    world.apply(planned).await;
    picture(&world)
}

async fn way_back(world: &World, before: &Picture, what: &str) {
    let folded = world.incident().await.fold().unwrap();
    let live: Vec<String> = folded
        .actions
        .iter()
        .filter(|a| matches!(a.state, ActionState::InForce | ActionState::Unclear))
        .filter(|a| a.changes.iter().all(|c| c.edit.can_be_undone()))
        .map(|a| a.id.clone())
        .collect();
    for id in live {
        world.undo(&id).await;
        assert_eq!(&picture(world), before, "{what}: after the way back");
    }
}

/// Prints and gives how many points were tried.
async fn matrix(what: &str, actions: &[Action]) -> usize {
    let (mut points, mut turn) = (0, 0);
    for action in actions {
        for undoing in [false, true] {
            let nothing_stays = match action {
                Action::FlushCache(_) => true,
                Action::KillSwitch(one) => one.prove_on.is_some(),
                _ => false,
            };
            if undoing && nothing_stays {
                continue;
            }
            let here = killed_everywhere(action, undoing, turn).await;
            turn += 1;
            assert!(here > 0, "{}: no point was tried", action.name());
            points += here;
        }
    }
    println!("crash matrix, {what}: {points} points, {}", if every(STEP) == 1 { "all" } else { "a part" });
    points
}

#[tokio::test(start_paused = true)]
async fn killed_between_any_two_calls_the_next_start_tells_the_truth() {
    let mut block = block(&["203.0.113.7/32"]);
    block.terms.reason = Some("a test".into());
    let actions = [
        Action::BlockIp(block),
        throttle(Some("GET /search"), 20, 40),
        throttle(None, 100, 100),
        close(Closure::WebAcl),
        close(Closure::ThrottleZero),
        flush(false),
        flush(true),
        prepare("night"),
        let_in(&["198.51.100.64/27"]),
    ];
    assert!(Box::pin(matrix("one call each", &actions)).await * every(STEP) >= 2 * 2 * 5);
}

/// Its calls depend on each other, and the account is in between for most of them.
#[tokio::test(start_paused = true)]
async fn a_kill_switch_killed_between_any_two_calls_leads_back() {
    let actions = [
        Action::KillSwitch(kill_switch::switch(Some("shop/dev"))),
        Action::KillSwitch(kill_switch::switch(None)),
        Action::KillSwitch(kill_switch::unproven()),
    ];
    assert!(Box::pin(matrix("kill switch", &actions)).await * every(STEP) > 100);
}
