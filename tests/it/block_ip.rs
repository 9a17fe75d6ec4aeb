//! `block-ip` from plan to undo against the range: what must hold whatever others do meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use portcullis::aws::Lane;
use portcullis::model::plan::{Effect, GuardResult, Outcome, Verdict};
use portcullis::model::timeline::ActionState;
use portcullis::respond::confirm::{ConfirmError, Confirmed};
use portcullis::respond::execute::execute;
use portcullis::respond::observe::observe;
use portcullis::respond::plan::Planned;
use portcullis::respond::reconcile::reconcile;
use portcullis_range::{Fault, When};

use crate::world::{World, actor, add_entry, block, flood};

pub(crate) fn guard<'a>(planned: &'a Planned, id: &str) -> &'a GuardResult {
    let found = planned.plan.guards.iter().find(|g| g.id == id);
    found.unwrap_or_else(|| panic!("no {id} in {:#?}", planned.plan.guards))
}

pub(crate) fn halts(planned: &Planned) -> Vec<String> {
    planned.plan.halting().map(|g| g.id.clone()).collect()
}

async fn in_force(world: &World, id: &str) -> ActionState {
    world.incident().await.fold().unwrap().action(id).unwrap().state
}

#[tokio::test(start_paused = true)]
async fn apply_adds_and_undo_restores_byte_for_byte() {
    let world = flood(60.0).await;
    let (v4, v6) = (world.entries("shop-blocklist"), world.entries("shop-blocklist-v6"));
    let planned = world.plan(&block(&["203.0.113.7/32", "2001:db8:bad::5"])).await;
    assert_eq!(halts(&planned), Vec::<String>::new());
    let done = world.apply(planned).await;
    assert_eq!((done.outcome, done.effect), (Outcome::Done, Some(Effect::Saved)));
    assert!(world.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned()));
    assert!(world.entries("shop-blocklist-v6").contains(&"2001:db8:bad::5/128".to_owned()));
    let undone = world.undo(&done.action_id).await;
    assert_eq!(undone.outcome, Outcome::Done);
    assert_eq!((world.entries("shop-blocklist"), world.entries("shop-blocklist-v6")), (v4, v6));
    assert_eq!(in_force(&world, &done.action_id).await, ActionState::Undone);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_entry_written_in_between_is_merged_and_never_lost() {
    let world = flood(60.0).await;
    let planned = world.plan(&block(&["203.0.113.7"])).await;
    let token = planned.plan.digest.clone();
    world.range.with(|range| {
        range.faults().before("wafv2", "UpdateIPSet", When::Nth(1), |account| {
            add_entry(account, "shop-blocklist", "192.0.2.99/32");
        });
    });
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    let entries = world.entries("shop-blocklist");
    assert!(entries.contains(&"192.0.2.99/32".to_owned()) && entries.contains(&"203.0.113.7/32".to_owned()));
    // Another writer's unrelated entry does not make a plan stale.
    let world = flood(60.0).await;
    world.range.with(|range| add_entry(range.account_mut(), "shop-blocklist", "192.0.2.99/32"));
    assert_eq!(world.plan(&block(&["203.0.113.7"])).await.plan.digest, token);
}

#[tokio::test(start_paused = true)]
async fn writers_that_never_stop_are_given_up_on_with_nothing_changed() {
    let world = flood(60.0).await;
    let planned = world.plan(&block(&["203.0.113.7"])).await;
    world.range.with(|range| range.faults().add("wafv2", "UpdateIPSet", When::Always, Fault::StaleLock));
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::NotDone);
    assert!(!world.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned()));
    assert_eq!(in_force(&world, &done.action_id).await, ActionState::NotDone);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_diff_in_between_is_not_carried_out() {
    let world = flood(60.0).await;
    let planned = world.plan(&block(&["203.0.113.7"])).await;
    world.range.with(|range| {
        range.faults().before("wafv2", "UpdateIPSet", When::Nth(1), |account| {
            add_entry(account, "shop-blocklist", "203.0.113.0/24");
        });
    });
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::NotDone, "{:?}", done.lines);
    assert!(done.lines.iter().any(|l| l.contains("diff has changed")), "{:?}", done.lines);
}

#[tokio::test(start_paused = true)]
async fn a_phrase_of_another_state_is_stale() {
    let world = flood(60.0).await;
    let old = world.plan(&block(&["203.0.113.7"])).await.plan.phrase();
    let new = world.plan(&block(&["203.0.113.7", "203.0.113.66"])).await;
    assert!(matches!(Confirmed::by_phrase(new.clone(), &old), Err(ConfirmError::Stale { .. })));
    assert!(matches!(Confirmed::by_phrase(new.clone(), "yes"), Err(ConfirmError::Wrong { .. })));
    assert!(matches!(Confirmed::by_phrase(new.clone(), ""), Err(ConfirmError::Wrong { .. })));
    let spaced = format!("  {}  ", new.plan.phrase().replace(' ', "   "));
    assert!(Confirmed::by_phrase(new, &spaced).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_out_by_reading() {
    for fault in [Fault::ResetAfter, Fault::HangAfter, Fault::Truncate] {
        let world = flood(60.0).await;
        let planned = world.plan(&block(&["203.0.113.7"])).await;
        world.range.with(|range| range.faults().add("wafv2", "UpdateIPSet", When::Nth(1), fault.clone()));
        let done = world.apply(planned).await;
        assert_eq!(done.outcome, Outcome::Done, "{fault:?} {:?}", done.lines);
        assert_eq!(world.mutating_calls().len(), 1, "what reading shows is not written again");
    }
}

#[tokio::test(start_paused = true)]
async fn what_never_arrived_is_sent_once_more_under_the_same_lock_token() {
    for fault in [Fault::Reset, Fault::Hang, Fault::ServerError(503)] {
        let world = flood(60.0).await;
        let planned = world.plan(&block(&["203.0.113.7"])).await;
        world.range.with(|range| range.faults().add("wafv2", "UpdateIPSet", When::Nth(1), fault.clone()));
        let done = world.apply(planned).await;
        assert_eq!(done.outcome, Outcome::Done, "{fault:?} {:?}", done.lines);
        assert!(world.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_ever_answers_is_not_known_and_never_called_not_done() {
    for fault in [Fault::Reset, Fault::Hang, Fault::ServerError(503)] {
        let world = flood(60.0).await;
        let planned = world.plan(&block(&["203.0.113.7"])).await;
        world.range.with(|range| range.faults().add("wafv2", "UpdateIPSet", When::Always, fault.clone()));
        let done = world.apply(planned).await;
        assert_eq!(done.outcome, Outcome::NotKnown, "{fault:?} {:?}", done.lines);
        assert_eq!(in_force(&world, &done.action_id).await, ActionState::Unclear);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_is_not_done() {
    for fault in [Fault::Deny, Fault::ExpiredToken, Fault::Throttle] {
        let world = flood(60.0).await;
        let planned = world.plan(&block(&["203.0.113.7"])).await;
        world.range.with(|range| range.faults().add("wafv2", "UpdateIPSet", When::Always, fault.clone()));
        let done = world.apply(planned).await;
        assert_eq!(done.outcome, Outcome::NotDone, "{fault:?} {:?}", done.lines);
        assert!(!world.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn undo_takes_out_only_what_was_made() {
    let world = flood(60.0).await;
    let planned = world.plan(&block(&["203.0.113.7", "2001:db8:bad::5"])).await;
    // A colleague blocks the v6 address by hand before our second write.
    world.range.with(|range| {
        range.faults().before("wafv2", "UpdateIPSet", When::Nth(2), |account| {
            add_entry(account, "shop-blocklist-v6", "2001:db8:bad::5/128");
        });
    });
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Partly, "{:?}", done.lines);
    let planned = world.plan_undo(&done.action_id).await;
    assert_eq!(guard(&planned, "undo.not-made").verdict, Verdict::Warn);
    world.apply(planned).await;
    assert!(world.entries("shop-blocklist-v6").contains(&"2001:db8:bad::5/128".to_owned()), "the colleague's entry");
    assert!(!world.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_action_in_flight_or_being_taken_back_cannot_be_taken_back() {
    let world = flood(60.0).await;
    let done = world.apply(world.plan(&block(&["203.0.113.7"])).await).await;
    let first = world.plan_undo(&done.action_id).await;
    let second = world.plan_undo(&done.action_id).await;
    world.apply(first).await;
    let incident = world.incident().await;
    let phrase = second.plan.phrase();
    let confirmed = Confirmed::by_phrase(second, &phrase).unwrap();
    let error = execute(&world.aws, &incident, confirmed, &mut |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("it is undone"), "{error}");

    let (world, _) = cut_at_without_reconciling(&block(&["203.0.113.7"]), 1, Fault::Hang).await;
    let identity = world.aws.identity(Lane::Plan).await.unwrap();
    let actions = world.store.actions(&identity.at).unwrap();
    let none = portcullis::model::action::Terms::default();
    let refused = portcullis::respond::undo::plan(&world.aws, &actions[0], &actions, &[], &none).await;
    assert!(refused.is_err(), "an action in flight");
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_another_action_wants_stays_in_somebodys_care() {
    let world = flood(60.0).await;
    let first = world.apply(world.plan(&block(&["203.0.113.7"])).await).await;
    let second = world.apply(world.plan(&block(&["203.0.113.7", "203.0.113.70"])).await).await;
    world.undo(&first.action_id).await;
    assert_eq!(in_force(&world, &first.action_id).await, ActionState::InForce, "its entry still stands");
    world.undo(&second.action_id).await;
    world.undo(&first.action_id).await;
    assert!(!world.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned()), "nobody's any more, and gone");
    assert_eq!(in_force(&world, &first.action_id).await, ActionState::Undone);
}

#[tokio::test(start_paused = true)]
async fn what_was_never_sent_is_not_taken_for_done_because_somebody_else_did_it() {
    let world = flood(60.0).await;
    let planned = world.plan(&block(&["203.0.113.7"])).await;
    let incident = world.incident().await;
    // The process dies between the intent and its first call; a colleague blocks the same address.
    incident.record_intent(world.aws.clock().now(), &planned.plan).unwrap();
    world.range.with(|range| add_entry(range.account_mut(), "shop-blocklist", "203.0.113.7/32"));
    let found = reconcile(&world.aws, &world.store, &actor(), None).await.unwrap();
    assert_eq!(found[0].outcome, Some(Outcome::NotDone), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn what_can_be_neither_answered_nor_read_is_not_known_and_found_out_at_the_next_start() {
    let world = flood(60.0).await;
    let planned = world.plan(&block(&["203.0.113.7"])).await;
    world.range.with(|range| {
        range.faults().add("wafv2", "UpdateIPSet", When::Nth(1), Fault::ResetAfter);
        range.faults().add("wafv2", "GetIPSet", When::Always, Fault::Reset);
    });
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::NotKnown, "{:?}", done.lines);
    assert_eq!(in_force(&world, &done.action_id).await, ActionState::Unclear);
}

#[tokio::test(start_paused = true)]
async fn accepted_but_unreadable_is_not_verified() {
    let world = flood(60.0).await;
    let planned = world.plan(&block(&["203.0.113.7"])).await;
    world.range.with(|range| range.faults().add("wafv2", "GetIPSet", When::Always, Fault::Deny));
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::NotVerified, "{:?}", done.lines);
}

#[tokio::test(start_paused = true)]
async fn one_set_done_and_the_other_refused_is_partly() {
    let world = flood(60.0).await;
    let planned = world.plan(&block(&["203.0.113.7", "2001:db8:bad::5"])).await;
    world.range.with(|range| range.faults().add("wafv2", "UpdateIPSet", When::Nth(2), Fault::Deny));
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Partly, "{:?}", done.lines);
    // Taking it back takes back what was made.
    let undone = world.undo(&done.action_id).await;
    assert_eq!(undone.outcome, Outcome::Done, "{:?}", undone.lines);
    assert!(!world.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn undo_leaves_alone_what_somebody_else_changed() {
    let world = flood(60.0).await;
    let done = world.apply(world.plan(&block(&["203.0.113.7", "203.0.113.66"])).await).await;
    // Somebody removes one of ours and widens the other.
    world.write_entries("shop-blocklist", &["192.0.2.66/32", "203.0.113.64/28"]);
    let planned = world.plan_undo(&done.action_id).await;
    assert_eq!(guard(&planned, "undo.foreign-change").verdict, Verdict::Warn);
    assert!(planned.plan.is_empty());
    assert_eq!(world.entries("shop-blocklist"), ["192.0.2.66/32", "203.0.113.64/28"]);
}

#[tokio::test(start_paused = true)]
async fn undo_leaves_in_place_what_another_action_counts_on() {
    let world = flood(60.0).await;
    let first = world.apply(world.plan(&block(&["203.0.113.7", "203.0.113.66"])).await).await;
    let second = world.apply(world.plan(&block(&["203.0.113.7", "203.0.113.70"])).await).await;
    let planned = world.plan_undo(&first.action_id).await;
    assert_eq!(guard(&planned, "undo.claimed").verdict, Verdict::Warn);
    assert_eq!(planned.plan.changes[0].removed, ["203.0.113.66/32"]);
    world.apply(planned).await;
    assert!(world.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned()));
    assert_eq!(in_force(&world, &second.action_id).await, ActionState::InForce);
}

#[tokio::test(start_paused = true)]
async fn a_block_is_seen_to_work() {
    let world = flood(60.0).await;
    world.pass(240).await;
    let planned = world.plan(&block(&["203.0.113.7", "203.0.113.66"])).await;
    let plan = planned.plan.clone();
    let done = world.apply(planned).await;
    let incident = world.incident().await;
    let patience = chrono::TimeDelta::minutes(6);
    let seen = observe(&world.aws, &incident, &done.action_id, &plan, world.aws.clock().now(), patience).await.unwrap();
    assert!(seen.observed, "{:?}", seen.evidence);
    assert!(seen.evidence[0].contains("by rule"), "{:?}", seen.evidence);
    assert_eq!(incident.fold().unwrap().action(&done.action_id).unwrap().effect, Some(Effect::Observed));
}

#[tokio::test(start_paused = true)]
async fn what_expires_is_swept_and_nothing_else() {
    let world = flood(60.0).await;
    let mut short = block(&["203.0.113.7"]);
    short.terms.expires_after_seconds = Some(600);
    let short = world.apply(world.plan(&short).await).await;
    let lasting = world.apply(world.plan(&block(&["203.0.113.66"])).await).await;
    assert!(world.sweep().await.unwrap().is_empty(), "not due yet");
    world.pass(700).await;
    let swept = world.sweep().await.unwrap();
    assert_eq!(swept.len(), 1);
    assert_eq!(swept[0].result.as_ref().unwrap().outcome, Outcome::Done);
    let entries = world.entries("shop-blocklist");
    assert!(!entries.contains(&"203.0.113.7/32".to_owned()) && entries.contains(&"203.0.113.66/32".to_owned()));
    assert_eq!(in_force(&world, &short.action_id).await, ActionState::Undone);
    assert_eq!(in_force(&world, &lasting.action_id).await, ActionState::InForce);
}

/// Cuts an action short at its nth update, as a killed process would be.
async fn cut_at_without_reconciling(
    block: &portcullis::model::action::BlockIp,
    nth: u32,
    fault: Fault,
) -> (World, bool) {
    cut_short("UpdateIPSet", block, nth, fault).await
}

async fn cut_short(
    operation: &str,
    block: &portcullis::model::action::BlockIp,
    nth: u32,
    fault: Fault,
) -> (World, bool) {
    let world = flood(60.0).await;
    let planned = world.plan(block).await;
    world.range.with(|range| range.faults().add("wafv2", operation, When::Nth(nth), fault));
    let incident = world.incident().await;
    let phrase = planned.plan.phrase();
    let confirmed = Confirmed::by_phrase(planned, &phrase).unwrap();
    // The call hangs; the process is gone before its own time limit is up.
    let mut progress = |_: &str| {};
    let running = execute(&world.aws, &incident, confirmed, &mut progress);
    let ended = tokio::time::timeout(std::time::Duration::from_millis(900), running).await.is_ok();
    world.range.with(|range| range.faults().clear());
    (world, ended)
}

/// Cuts an action short and lets the next start find out.
async fn cut_at(operation: &str, nth: u32, fault: Fault) -> (World, Option<(Outcome, Vec<String>)>) {
    let (world, ended) = cut_short(operation, &block(&["203.0.113.7", "2001:db8:bad::5"]), nth, fault).await;
    if ended {
        return (world, None);
    }
    let found = reconcile(&world.aws, &world.store, &actor(), None).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let action = world.incident().await.fold().unwrap().actions[0].clone();
    (world, Some((found[0].outcome.unwrap(), action.made)))
}

#[tokio::test(start_paused = true)]
async fn a_process_killed_at_any_call_leaves_a_journal_that_tells_the_truth() {
    let mut points = 0;
    for (operation, calls) in [("UpdateIPSet", 2), ("GetIPSet", 2)] {
        for nth in 1..=calls {
            for fault in [Fault::Hang, Fault::HangAfter] {
                let (world, found) = cut_at(operation, nth, fault.clone()).await;
                let (outcome, made) = found.unwrap_or_else(|| panic!("{operation} {nth} {fault:?} was not cut short"));
                let v4 = world.entries("shop-blocklist").contains(&"203.0.113.7/32".to_owned());
                let v6 = world.entries("shop-blocklist-v6").contains(&"2001:db8:bad::5/128".to_owned());
                let truth = match (v4, v6) {
                    (true, true) => Outcome::Done,
                    (false, false) => Outcome::NotDone,
                    _ => Outcome::Partly,
                };
                assert_eq!(outcome, truth, "{operation} {nth} {fault:?}");
                assert_eq!(made.len(), usize::from(v4) + usize::from(v6), "{operation} {nth} {fault:?}");
                points += 1;
            }
        }
    }
    assert_eq!(points, 8);
}

#[tokio::test(start_paused = true)]
async fn an_action_that_is_being_carried_out_is_not_taken_for_dead() {
    let world = flood(60.0).await;
    let planned = world.plan(&block(&["203.0.113.7"])).await;
    world.range.with(|range| range.faults().add("wafv2", "UpdateIPSet", When::Nth(1), Fault::Hang));
    let incident = world.incident().await;
    let phrase = planned.plan.phrase();
    let confirmed = Confirmed::by_phrase(planned, &phrase).unwrap();
    let mut progress = |_: &str| {};
    let running = execute(&world.aws, &incident, confirmed, &mut progress);
    tokio::pin!(running);
    let other = async {
        while incident.fold().unwrap().in_flight().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        reconcile(&world.aws, &world.store, &actor(), None).await.unwrap()
    };
    tokio::select! {
        _ = &mut running => panic!("it hangs"),
        found = other => assert_eq!(found[0].outcome, None, "{found:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_description_survives_an_update() {
    let world = flood(60.0).await;
    let description = |world: &World| {
        world.range.with(|range| {
            let sets = &range.account().waf.ip_sets;
            sets.values().find(|s| s.saved().name == "shop-blocklist").unwrap().saved().description.clone()
        })
    };
    let before = description(&world);
    assert!(before.is_some());
    world.apply(world.plan(&block(&["203.0.113.7"])).await).await;
    assert_eq!(description(&world), before);
}

#[tokio::test(start_paused = true)]
async fn writers_that_interleave_lose_nothing() {
    let world = flood(60.0).await;
    let mut others = Vec::new();
    for n in 0..20u8 {
        let target = format!("203.0.113.{n}");
        let planned = world.plan(&block(&[&target])).await;
        let foreign = format!("192.0.2.{}/32", 160 + n);
        others.push(foreign.clone());
        world.range.with(|range| {
            range.faults().clear();
            range.faults().before("wafv2", "UpdateIPSet", When::First(u32::from(n % 4)), move |account| {
                if !has(account, &foreign) {
                    add_entry(account, "shop-blocklist", &foreign);
                }
            });
        });
        assert_eq!(world.apply(planned).await.outcome, Outcome::Done);
    }
    let entries = world.entries("shop-blocklist");
    for (n, foreign) in others.iter().enumerate() {
        assert!(entries.contains(&format!("203.0.113.{n}/32")));
        assert!(n % 4 == 0 || entries.contains(foreign), "{foreign} was lost");
    }
}

fn has(account: &portcullis_range::state::Account, entry: &str) -> bool {
    let sets = &account.waf.ip_sets;
    sets.values().any(|s| s.saved().addresses.iter().any(|a| a == entry))
}

#[tokio::test(start_paused = true)]
async fn a_deleted_set_is_said_on_undo() {
    let world = flood(60.0).await;
    let done = world.apply(world.plan(&block(&["203.0.113.7"])).await).await;
    world.range.with(|range| {
        let sets = &mut range.account_mut().waf.ip_sets;
        sets.retain(|_, set| set.saved().name != "shop-blocklist");
    });
    let planned = world.plan_undo(&done.action_id).await;
    assert_eq!(guard(&planned, "undo.resource-gone").verdict, Verdict::Warn);
}
