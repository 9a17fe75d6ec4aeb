//! What is proposed in each drill, beside the range's own books.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::TimeDelta;

use portcullis::aws::Lane;
use portcullis::model::action::{Action, Close, Closure, Terms};
use portcullis::model::attack::AttackKind;
use portcullis::model::callers::{CallersKey, KEY_BYTES};
use portcullis::model::condition::StageState;
use portcullis::model::proposal::{Proposals, Proposed};
use portcullis::model::source::Sources;
use portcullis::respond::desk::Wish;
use portcullis::respond::resolve::stage_of_any;
use portcullis::watch::{CallersOf, callers};

use crate::conditions::Story;
use crate::watch::row;
use crate::world::block;

/// Who is sending what to a stage.
async fn sources_now(story: &mut Story, stage: &str) -> Sources {
    let selector = stage.parse().unwrap();
    let (of, kind) = stage_of_any(&story.world.aws, &selector, Lane::Plan).await.unwrap();
    let board = story.boards.borrow_and_update().clone();
    let condition = row(&board, stage).condition.clone();
    let blocked = story.desk.blocked(&of.id).await.unwrap();
    let known = story.desk.callers_before(&of.id).await.unwrap();
    let pinned = story.desk.attack_on(&of.id).await.unwrap().map(|attack| attack.began);
    let asked = CallersOf {
        meter: &portcullis::watch::Meter::default(),
        stage: &of.id,
        kind,
        web_acl_arn: of.web_acl_arn.as_deref(),
        stages_behind: 1,
        access_log: Ok(of.access_log.as_ref()),
        began: pinned.or(condition.since),
        known: known.as_ref(),
        blocked: blocked.as_ref(),
    };
    let sources = callers(&story.world.aws, &story.world.settings, asked).await.unwrap();
    // As whoever reads them does.
    let key = || Some(CallersKey::new([7; KEY_BYTES]));
    story.desk.keep_callers((&of.id, pinned), &sources, key).await.unwrap();
    sources
}

/// What is proposed for a stage by the board as it is now.
pub(crate) async fn proposed(story: &mut Story, stage: &str) -> Proposals {
    let selector = stage.parse().unwrap();
    let sources = Box::pin(sources_now(story, stage)).await;
    let board = story.boards.borrow_and_update().clone();
    let condition = row(&board, stage).condition.clone();
    let ladder = Box::pin(story.desk.ladder(&selector, None)).await.unwrap();
    let found = Box::pin(story.desk.proposals(&selector, &condition, Ok(&sources), &ladder)).await.unwrap();
    println!("{stage} {}", condition.words(None));
    for step in &found.proposals {
        println!("  {} stops {:?} costs {:?}: {}", step.what, step.stops, step.costs, step.because);
    }
    println!("  none: {:?}; unknown: {:?}", found.none, found.unknown);
    assert!(found.proposals.len() <= 3);
    for step in &found.proposals {
        assert!(!step.command.contains("throttle-zero"), "{}", step.command);
        assert!(step.command.starts_with("portcullis "), "{}", step.command);
    }
    found
}

fn targets(found: &Proposals) -> BTreeSet<IpAddr> {
    let Some(Action::BlockIp(block)) = &found.proposals[0].action else { panic!("{found:#?}") };
    block.targets.iter().map(|target| target.net.addr()).collect()
}

fn senders(story: &Story, name: &str) -> BTreeSet<IpAddr> {
    story.world.range.with(|range| range.senders(name).into_iter().map(|(address, _)| address).collect())
}

#[tokio::test(start_paused = true)]
async fn in_a_flood_the_forty_are_to_be_blocked_and_then_those_who_moved() {
    let mut story = Story::of("sqli-flood", "shop/prod").await;
    story.attacked().await;
    story.watch(4).await;
    let found = proposed(&mut story, "shop/prod").await;
    assert_eq!(found.proposals[0].kind, Proposed::Block);
    let forty = senders(&story, "botnet");
    assert_eq!(targets(&found), forty, "exactly they, and none of the carrier's customers");
    assert!(found.proposals[0].stops.unwrap() > 0.95 && found.proposals[0].served_after_at_most.unwrap() > 0.99);
    let names: Vec<String> = forty.iter().map(ToString::to_string).collect();
    story.act(Action::BlockIp(block(&names.iter().map(String::as_str).collect::<Vec<_>>()))).await;
    story.until(30, |row| row.condition.state == StageState::Contained).await;
    let found = proposed(&mut story, "shop/prod").await;
    assert!(found.proposals.is_empty() && found.none.unwrap().contains("contained"));
    story.until(30, |row| row.condition.state == StageState::Leaking).await;
    story.watch(4).await;
    let found = proposed(&mut story, "shop/prod").await;
    assert_eq!(found.proposals[0].kind, Proposed::Block);
    let moved = targets(&found);
    let followers = sources_now(&mut story, "shop/prod").await.followers.unwrap();
    let truly = senders(&story, "botnet").difference(&forty).count();
    println!("{followers:?}, in truth {truly}");
    assert_eq!(followers.sources, truly as u64, "who moved, and nobody else");
    assert!(!moved.is_empty() && moved.is_disjoint(&forty), "{moved:?}");
}

#[tokio::test(start_paused = true)]
async fn where_too_many_call_the_attacked_method_is_to_be_throttled() {
    for (drill, stage, method) in
        [("credential-stuffing", "accounts/prod", "POST /login"), ("lockout-trap", "pay/prod", "POST /payments")]
    {
        let mut story = Story::of(drill, stage).await;
        story.attacked().await;
        story.watch(4).await;
        let found = proposed(&mut story, stage).await;
        let Some(Action::Throttle(throttle)) = &found.proposals[0].action else { panic!("{drill}: {found:#?}") };
        assert_eq!(throttle.method.as_ref().unwrap().to_string(), method);
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_peak_of_a_stale_cache_nothing_is_proposed_and_the_flush_after_it() {
    let mut story = Story::of("cache-stale-privileges", "records/prod").await;
    story.world.pass(600).await;
    let began = story.world.aws.clock().now() - TimeDelta::minutes(5);
    story.declare(began, AttackKind::Theft).await;
    story.watch(3).await;
    let found = proposed(&mut story, "records/prod").await;
    assert!(found.proposals.is_empty(), "{found:#?}");
    // Once the shift has gone home the backend bears it.
    story.world.pass(600).await;
    story.watch(3).await;
    let found = proposed(&mut story, "records/prod").await;
    assert_eq!(found.proposals.iter().map(|step| step.kind).collect::<Vec<_>>(), [Proposed::Flush], "{found:#?}");
    assert_eq!(found.proposals[0].command, "portcullis apply flush-cache --stage records/prod");
}

#[tokio::test(start_paused = true)]
async fn where_a_list_keeps_customers_out_it_is_to_be_repaired_before_it_is_taken_back() {
    let mut story = Story::of("lockout-trap", "pay/prod").await;
    story.attacked().await;
    story.watch(3).await;
    let stage = "pay/prod".parse().unwrap();
    let close = Close { stage, by: Closure::WebAcl, web_acl: None, again: None, terms: Terms::default() };
    story.act(Action::Close(close)).await;
    story.until(20, |row| row.condition.state == StageState::CustomersOut).await;
    let found = proposed(&mut story, "pay/prod").await;
    let kinds: Vec<Proposed> = found.proposals.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, [Proposed::Allow, Proposed::Undo], "{found:#?}");
    let [repair, back] = found.proposals.as_slice() else { panic!("{found:#?}") };
    assert!(repair.command.starts_with("portcullis apply allow-ip --stage pay/prod "), "{}", repair.command);
    assert!(back.command.starts_with("portcullis undo "), "{}", back.command);
    assert!(repair.served_after_at_most.unwrap() > 0.95, "{repair:#?}");
    let action = repair.action.clone().unwrap();
    let let_in: BTreeSet<IpAddr> = action.prefixes().iter().map(|target| target.net.addr()).collect();
    let scheme = senders(&story, "card-scheme");
    assert!(!scheme.is_empty() && scheme.is_subset(&let_in), "whose call-backs end every payment");
    assert!(senders(&story, "thieves").is_disjoint(&let_in), "no attacker is let in");
    // Done as proposed, over no guard, customers are served, and attackers still are not.
    let planned = story.desk.plan(&Wish::Action(action.clone())).await.unwrap();
    assert_eq!(planned.plan().halting().count(), 0, "{:#?}", planned.plan().guards);
    story.act(action).await;
    story.until(20, |row| row.condition.served.value().is_some_and(|share| share > 0.9)).await;
    story.until(20, |row| row.condition.state == StageState::Contained).await;
}
