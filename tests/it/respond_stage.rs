//! `throttle`, `flush-cache` and `close` from plan to undo against the range: what must hold whatever others do
//! meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use portcullis::incident::{MayClaim, Unreadable};
use portcullis::model::action::{Action, Close, Closure, FlushCache, Reopening, Terms, Throttle};
use portcullis::model::plan::{GuardResult, Outcome, Verdict};
use portcullis::model::timeline::ActionState;
use portcullis::respond::desk::error::DeskError;
use portcullis::respond::observe::observe;
use portcullis::respond::plan::{PlanError, Planned};
use portcullis_range::state::MethodSetting;
use portcullis_range::{Fault, When};

use crate::world::{World, closed_web_acl, edit_stage, flood};

pub(crate) fn throttle(method: Option<&str>, rate: u32, burst: u32) -> Action {
    let method = method.map(|m| m.parse().unwrap());
    Action::Throttle(Throttle { stage: "shop/prod".parse().unwrap(), method, rate, burst, terms: unsampled() })
}

pub(crate) fn flush(authorizers: bool) -> Action {
    Action::FlushCache(FlushCache { stage: "shop/prod".parse().unwrap(), authorizers, terms: Terms::default() })
}

pub(crate) fn close(by: Closure) -> Action {
    // To everybody it takes a reason.
    let reason = (by == Closure::ThrottleZero).then(|| "a test".to_owned());
    let terms = Terms { reason, ..Terms::default() };
    Action::Close(Close { stage: "shop/prod".parse().unwrap(), by, web_acl: None, again: None, terms })
}

/// Before the attack every caller was there before: a throttle that sheds any of them stops.
fn unsampled() -> Terms {
    Terms { reason: Some("a test".into()), overrides: vec!["throttle.shedding".into()], ..Terms::default() }
}

/// The flood's account with a closed web ACL that lets in whom the drill's settings name.
pub(crate) async fn closable() -> World {
    let mut world = flood(60.0).await;
    let guards = &world.settings.guards;
    let wanted = guards.break_glass.iter().chain(&guards.never_block).flatten().map(ToString::to_string);
    let wanted: Vec<String> = wanted.collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    world.range.with(|range| drop(closed_web_acl(range.account_mut(), "shop-closed", &wanted)));
    world.settings.guards.closed_web_acl = Some("shop-closed".into());
    world
}

pub(crate) async fn cached() -> World {
    let world = flood(60.0).await;
    world.edit_stage(|stage| stage.cache.enabled = true);
    world
}

fn guard<'a>(planned: &'a Planned, id: &str) -> &'a GuardResult {
    let found = planned.plan.guards.iter().find(|g| g.id == id);
    found.unwrap_or_else(|| panic!("no {id} in {:#?}", planned.plan.guards))
}

fn halts(planned: &Planned) -> Vec<String> {
    planned.plan.halting().map(|g| g.id.clone()).collect()
}

async fn in_force(world: &World, id: &str) -> ActionState {
    world.incident().await.fold().unwrap().action(id).unwrap().state
}

fn limits(world: &World, key: &str) -> Option<(f64, i64)> {
    let (stage, _) = world.stage();
    stage.method_settings.get(key).map(|s| (s.throttling_rate_limit, s.throttling_burst_limit))
}

#[tokio::test(start_paused = true)]
async fn a_method_s_entry_is_made_by_throttling_and_removed_whole_by_undoing() {
    let world = flood(60.0).await;
    let before = world.stage().0.method_settings;
    let planned = world.plan_action(&throttle(Some("POST /login"), 20, 40)).await;
    assert_eq!(halts(&planned), Vec::<String>::new(), "{:#?}", planned.plan.guards);
    assert_eq!(guard(&planned, "throttle.copies").verdict, Verdict::Warn);
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    assert_eq!(limits(&world, "~1login/POST"), Some((20.0, 40)));
    assert_eq!(limits(&world, "*/*"), Some((5000.0, 5000)), "*/* must not be touched");
    let undone = world.undo(&done.action_id).await;
    assert_eq!(undone.outcome, Outcome::Done, "{:?}", undone.lines);
    assert_eq!(world.stage().0.method_settings, before);
    assert_eq!(in_force(&world, &done.action_id).await, ActionState::Undone);
}

#[tokio::test(start_paused = true)]
async fn a_stage_wide_throttle_reaches_entries_that_do_not_follow_and_leaves_tighter_ones() {
    let world = flood(60.0).await;
    world.edit_stage(|stage| {
        let own = |rate, burst| MethodSetting {
            throttling_rate_limit: rate,
            throttling_burst_limit: burst,
            logging_level: "INFO".into(),
            ..MethodSetting::fresh()
        };
        stage.method_settings.insert("~1login/POST".into(), own(900.0, 900));
        stage.method_settings.insert("search/GET".into(), own(5.0, 5));
    });
    let before = world.stage().0.method_settings;
    let planned = world.plan_action(&throttle(None, 100, 50)).await;
    assert_eq!(guard(&planned, "throttle.own-entries").evidence.len(), 2);
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    assert_eq!(limits(&world, "*/*"), Some((100.0, 50)));
    assert_eq!(limits(&world, "~1login/POST"), Some((100.0, 50)));
    assert_eq!(limits(&world, "search/GET"), Some((5.0, 5)));
    world.undo(&done.action_id).await;
    assert_eq!(world.stage().0.method_settings, before);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_throttle_is_stopped() {
    let world = flood(60.0).await;
    let stops = async |action: &Action| halts(&world.plan_action(action).await);
    assert_eq!(stops(&throttle(Some("POST /logn"), 20, 40)).await, ["throttle.method"]);
    assert_eq!(stops(&throttle(Some("POST /login"), 6000, 40)).await, ["throttle.tighter"]);
    assert_eq!(stops(&throttle(Some("POST /login"), 20, 6000)).await, ["throttle.tighter"]);
    assert_eq!(stops(&throttle(Some("POST /login"), 0, 40)).await, ["throttle.zero"]);
    let mut forced = throttle(Some("POST /login"), 6000, 40);
    forced.terms_mut().overrides.push("throttle.tighter".into());
    assert!(stops(&forced).await.contains(&"throttle.tighter".to_owned()), "looser yields to no override");
    // As tight already: nothing to change.
    world.apply(world.plan_action(&throttle(Some("POST /login"), 20, 40)).await).await;
    let again = world.plan_action(&throttle(Some("POST /login"), 20, 40)).await;
    assert!(again.plan.is_empty() && halts(&again).is_empty(), "{:#?}", again.plan);
}

#[tokio::test(start_paused = true)]
async fn shedding_tells_attack_from_those_who_were_there_before() {
    let world = flood(60.0).await;
    // Every caller was there before the attack: most of what is shed is theirs.
    let mut calm = throttle(Some("POST /login"), 2, 5);
    *calm.terms_mut() = Terms::default();
    let planned = world.plan_action(&calm).await;
    assert_eq!(
        guard(&planned, "throttle.shedding").verdict,
        Verdict::Stop,
        "{:#?}",
        guard(&planned, "throttle.shedding")
    );
    world.pass(420).await;
    // Two a second are less than customers sent before it, whatever share of the flood they are now.
    let planned = world.plan_action(&calm).await;
    let shedding = guard(&planned, "throttle.shedding");
    assert_eq!(shedding.verdict, Verdict::Stop, "{shedding:#?}");
    assert!(shedding.reason.contains("at most 5 % is allowed"), "{shedding:#?}");
    let mut roomy = throttle(Some("POST /login"), 50, 100);
    *roomy.terms_mut() = Terms::default();
    let planned = world.plan_action(&roomy).await;
    let shedding = guard(&planned, "throttle.shedding");
    assert!(!shedding.verdict.halts(), "{shedding:#?}");
    assert!(shedding.reason.contains("legitimate requests/s"), "{shedding:#?}");
    assert!(shedding.reason.contains("the limit turns away none of them"), "{shedding:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_somebody_else_s_in_between_is_not_overwritten() {
    let world = flood(60.0).await;
    let planned = world.plan_action(&throttle(None, 100, 50)).await;
    world.edit_stage(|stage| {
        if let Some(all) = stage.method_settings.get_mut("*/*") {
            all.throttling_rate_limit = 700.0;
        }
    });
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::NotDone, "{:?}", done.lines);
    assert!(done.lines.iter().any(|l| l.contains("diff has changed")), "{:?}", done.lines);
    assert_eq!(limits(&world, "*/*"), Some((700.0, 5000)));
}

#[tokio::test(start_paused = true)]
async fn undoing_leaves_what_somebody_else_set_since() {
    let world = flood(60.0).await;
    let done = world.apply(world.plan_action(&throttle(Some("POST /login"), 20, 40)).await).await;
    // Other settings of the entry that we made: it stays, its limits go back.
    world.edit_stage(|stage| {
        if let Some(entry) = stage.method_settings.get_mut("~1login/POST") {
            entry.logging_level = "ERROR".into();
        }
    });
    let planned = world.plan_undo(&done.action_id).await;
    assert_eq!(guard(&planned, "undo.entry-kept").verdict, Verdict::Warn);
    assert_eq!(world.apply(planned).await.outcome, Outcome::Done);
    assert_eq!(limits(&world, "~1login/POST"), Some((5000.0, 5000)));
    assert_eq!(world.stage().0.method_settings["~1login/POST"].logging_level, "ERROR");
    // The limits themselves: they are somebody else's now.
    let done = world.apply(world.plan_action(&throttle(Some("GET /search"), 30, 30)).await).await;
    world.edit_stage(|stage| {
        if let Some(entry) = stage.method_settings.get_mut("~1search/GET") {
            entry.throttling_rate_limit = 7.0;
        }
    });
    let planned = world.plan_undo(&done.action_id).await;
    assert_eq!(guard(&planned, "undo.foreign-change").verdict, Verdict::Warn);
    assert!(planned.plan.is_empty());
    world.apply(planned).await;
    assert_eq!(limits(&world, "~1search/GET"), Some((7.0, 30)));
}

#[tokio::test(start_paused = true)]
async fn the_later_of_two_throttles_is_taken_back_first() {
    let world = flood(60.0).await;
    let before = world.stage().0.method_settings;
    let first = world.apply(world.plan_action(&throttle(Some("POST /login"), 200, 200)).await).await;
    let second = world.apply(world.plan_action(&throttle(Some("POST /login"), 20, 40)).await).await;
    assert_eq!(halts(&world.plan_undo(&first.action_id).await), ["undo.later-action"]);
    world.undo(&second.action_id).await;
    assert_eq!(limits(&world, "~1login/POST"), Some((200.0, 200)));
    world.undo(&first.action_id).await;
    assert_eq!(world.stage().0.method_settings, before);
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_on_every_second_call_is_waited_out() {
    let world = closable().await;
    for action in [throttle(Some("POST /login"), 20, 40), close(Closure::WebAcl)] {
        let planned = world.plan_action(&action).await;
        world.range.with(|range| {
            for nth in [1, 3, 5, 7, 9] {
                range.faults().add("apigateway", "UpdateStage", When::Nth(nth), Fault::Throttle);
                range.faults().add("wafv2", "AssociateWebACL", When::Nth(nth), Fault::Throttle);
            }
        });
        let done = world.apply(planned).await;
        world.range.with(|range| range.faults().clear());
        assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
        assert_eq!(world.undo(&done.action_id).await.outcome, Outcome::Done);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_read_back_and_not_guessed() {
    for fault in [Fault::Hang, Fault::HangAfter, Fault::ResetAfter, Fault::Reset, Fault::ServerError(503)] {
        let world = flood(60.0).await;
        let planned = world.plan_action(&throttle(Some("POST /login"), 20, 40)).await;
        world.range.with(|range| range.faults().add("apigateway", "UpdateStage", When::Nth(1), fault.clone()));
        let done = world.apply(planned).await;
        assert_eq!(done.outcome, Outcome::Done, "{fault:?}: {:?}", done.lines);
        assert_eq!(limits(&world, "~1login/POST"), Some((20.0, 40)), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_swap_of_the_web_acl_closes_this_stage_and_is_taken_back_by_one_call() {
    let world = closable().await;
    let before = world.stage();
    let planned = world.plan_action(&close(Closure::WebAcl)).await;
    assert_eq!(halts(&planned), Vec::<String>::new(), "{:#?}", planned.plan.guards);
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    assert!(world.stage().1.unwrap().contains("/shop-closed/"));
    assert_eq!(world.mutating_calls().len(), 1);
    // It works: nearly nothing reaches the backend.
    let plan = world.incident().await.fold().unwrap().history(&done.action_id).unwrap().plan.clone();
    let incident = world.incident().await;
    let patience = chrono::TimeDelta::minutes(8);
    let seen = observe(&world.aws, &incident, &done.run_id, &plan, world.aws.clock().now(), patience).await.unwrap();
    assert!(seen.observed, "{:?}", seen.evidence);
    assert_eq!(world.undo(&done.action_id).await.outcome, Outcome::Done);
    assert_eq!(world.stage().1, before.1);
    assert_eq!(world.mutating_calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_web_acl_that_does_not_close_is_not_swapped_in() {
    let mut world = closable().await;
    let stops = async |world: &World| halts(&world.plan_action(&close(Closure::WebAcl)).await);
    world.settings.guards.closed_web_acl = Some("shop-acl".into());
    assert!(stops(&world).await.contains(&"close.web-acl".to_owned()));
    world.settings.guards.closed_web_acl = Some("no-such-acl".into());
    assert!(stops(&world).await.contains(&"close.web-acl".to_owned()));
    world.settings.guards.closed_web_acl = None;
    assert!(stops(&world).await.contains(&"close.web-acl".to_owned()));
    // Break-glass ranges left out, and an address let in that is blocked today.
    world.range.with(|range| {
        closed_web_acl(range.account_mut(), "too-tight", &["192.0.2.240/28"]);
        closed_web_acl(range.account_mut(), "too-wide", &["192.0.2.0/24", "2001:db8:0:feed::/64", "198.51.100.192/27"]);
    });
    world.settings.guards.closed_web_acl = Some("too-tight".into());
    assert_eq!(stops(&world).await, ["close.admits"]);
    world.settings.guards.closed_web_acl = Some("too-wide".into());
    assert_eq!(stops(&world).await, ["close.widens"]);
    let Action::Close(mut forced) = close(Closure::WebAcl) else { unreachable!() };
    forced.terms = Terms { reason: Some("please".into()), overrides: vec!["close.widens".into()], ..Terms::default() };
    let planned = world.plan_action(&Action::Close(forced)).await;
    assert!(halts(&planned).contains(&"close.widens".to_owned()), "widening yields to no override");
}

#[tokio::test(start_paused = true)]
async fn zero_closes_every_method_and_undo_reopens_byte_for_byte() {
    let world = flood(60.0).await;
    world.edit_stage(|stage| {
        stage
            .method_settings
            .insert("~1login/POST".into(), MethodSetting { throttling_rate_limit: 3.5, ..MethodSetting::fresh() });
    });
    let before = world.stage().0.method_settings;
    let done = world.apply(world.plan_action(&close(Closure::ThrottleZero)).await).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    assert_eq!((limits(&world, "*/*"), limits(&world, "~1login/POST")), (Some((0.0, 0)), Some((0.0, 0))));
    assert_eq!(world.undo(&done.action_id).await.outcome, Outcome::Done);
    assert_eq!(world.stage().0.method_settings, before);
}

#[tokio::test(start_paused = true)]
async fn a_closure_does_not_reopen_by_itself_while_the_attack_stands() {
    use portcullis::incident::Event;
    use portcullis::model::signal::{Severity, Signal, SignalKind};
    let world = closable().await;
    let mut action = close(Closure::WebAcl);
    action.terms_mut().expires_after_seconds = Some(60);
    action.terms_mut().reopen = Reopening::WhenQuiet;
    let done = world.apply(world.plan_action(&action).await).await;
    let incident = world.incident().await;
    let stage = incident.fold().unwrap().action(&done.action_id).unwrap().stage.clone();
    let now = world.aws.clock().now();
    let signal = Signal {
        kind: SignalKind::ServerErrorsHigh,
        severity: Severity::Attack,
        value: 0.4,
        threshold: 0.1,
        ours: false,
        since: world.aws.clock().now(),
        ended: None,
        not_judged_since: None,
        peak: None,
        evidence: "40 % of the requests fail".into(),
        suggests: "look".into(),
    };
    incident.record(world.aws.clock().now(), &Event::SignalRaised { stage: stage.clone(), signal }).unwrap();
    world.pass(120).await;
    let swept = world.sweep().await.unwrap();
    // Two minutes tell nothing of ten, and what is not known keeps it closed.
    assert!(matches!(swept[0].result, Err(DeskError::StillKnocking { .. })), "{swept:?}");
    assert!(world.stage().1.unwrap().contains("/shop-closed/"));
    let ended =
        Event::SignalEnded { stage: stage.clone(), kind: SignalKind::ServerErrorsHigh, since: now, peak: Some(0.4) };
    incident.record(world.aws.clock().now(), &ended).unwrap();
    let swept = world.sweep().await.unwrap();
    assert!(matches!(swept[0].result, Err(DeskError::StillKnocking { .. })), "a signal that ended does not open it");
    world.desk().attack_ended(&stage, world.aws.clock().now()).await.unwrap();
    let swept = world.sweep().await.unwrap();
    assert_eq!(swept[0].result.as_ref().unwrap().outcome, Outcome::Done);
    assert!(world.stage().1.unwrap().contains("/shop-acl/"));
}

#[tokio::test(start_paused = true)]
async fn a_flush_needs_a_cache_and_is_final() {
    let world = flood(60.0).await;
    assert_eq!(halts(&world.plan_action(&flush(false)).await), ["flush-cache.available"]);
    let world = cached().await;
    let done = world.apply(world.plan_action(&flush(false)).await).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    assert!(done.lines.iter().any(|l| l.contains("FLUSH_IN_PROGRESS")), "{:?}", done.lines);
    assert_eq!(in_force(&world, &done.action_id).await, ActionState::Final);
    let identity = world.aws.identity(portcullis::aws::Lane::Plan).await.unwrap();
    let actions = world.store.actions(&identity.at).unwrap();
    let undo = portcullis::respond::undo::plan(&world.aws, &actions[0], &actions, &[], &Terms::default()).await;
    assert!(matches!(undo, Err(PlanError::NotInForce { state: ActionState::Final, .. })), "{undo:?}");
    // A second one while the first goes on.
    assert_eq!(halts(&world.plan_action(&flush(false)).await), ["flush-cache.available"]);
    let mut expiring = flush(true);
    expiring.terms_mut().expires_after_seconds = Some(600);
    assert_eq!(halts(&world.plan_action(&expiring).await), ["flush-cache.expiry"]);
    assert_eq!(world.apply(world.plan_action(&flush(true)).await).await.outcome, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn a_flush_is_stopped_while_the_backend_fails() {
    let world = cached().await;
    world.pass(420).await;
    let planned = world.plan_action(&flush(false)).await;
    assert_eq!(guard(&planned, "flush-cache.backend").verdict, Verdict::Stop, "{:#?}", planned.plan.guards);
}

#[tokio::test(start_paused = true)]
async fn two_operators_at_once_lose_nothing_of_each_other_s() {
    let world = flood(60.0).await;
    let planned = world.plan_action(&throttle(Some("POST /login"), 20, 40)).await;
    world.range.with(|range| {
        range.faults().before("apigateway", "UpdateStage", When::Nth(1), |account| {
            edit_stage(account, |stage| drop(stage.variables.insert("colour".into(), "green".into())));
        });
    });
    assert_eq!(world.apply(planned).await.outcome, Outcome::Done);
    assert_eq!(world.stage().0.variables["colour"], "green");
}

#[tokio::test(start_paused = true)]
async fn an_action_expires_when_it_was_last_said_to() {
    let world = flood(60.0).await;
    let mut action = throttle(Some("POST /login"), 20, 40);
    action.terms_mut().expires_after_seconds = Some(60);
    let done = world.apply(world.plan_action(&action).await).await;
    let incident = world.incident().await;
    let later = world.aws.clock().now() + chrono::TimeDelta::seconds(600);
    incident.extend(world.aws.clock().now(), &done.action_id, Some(later)).unwrap();
    world.pass(120).await;
    assert!(world.sweep().await.unwrap().is_empty(), "it was extended");
    assert!(limits(&world, "~1login/POST").is_some());
    world.pass(600).await;
    assert_eq!(world.sweep().await.unwrap().len(), 1);
    assert_eq!(limits(&world, "~1login/POST"), None);
    let error = incident.extend(world.aws.clock().now(), &done.action_id, None).unwrap_err().to_string();
    assert!(error.contains("is undone"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_read_makes_claims_unknown() {
    use portcullis::respond::undo::{self, Others};
    let world = flood(60.0).await;
    let done = world.apply(world.plan(&crate::world::block(&["203.0.113.7"])).await).await;
    let identity = world.aws.identity(portcullis::aws::Lane::Plan).await.unwrap();
    let actions = world.store.actions(&identity.at).unwrap();
    let unreadable = vec![Unreadable { incident: "2026-03-03-0300-torn".to_owned(), may_claim: MayClaim::Anything }];
    let plan = async |terms: &Terms| {
        let others = Others { actions: &actions, unreadable: &unreadable, attack: None };
        undo::plan(&world.aws, actions.iter().find(|a| a.id == done.action_id).unwrap(), others, &[], terms)
            .await
            .unwrap()
    };
    assert_eq!(halts(&plan(&Terms::default()).await), ["undo.claimed"]);
    let terms =
        Terms { reason: Some("looked myself".into()), overrides: vec!["undo.claimed".into()], ..Terms::default() };
    assert_eq!(world.apply(plan(&terms).await).await.outcome, Outcome::Done);
}

#[tokio::test(start_paused = true)]
async fn a_block_that_rests_on_one_that_expires_is_said() {
    use portcullis::respond::overlap;
    let world = flood(60.0).await;
    let mut first = crate::world::block(&["203.0.113.7"]);
    first.terms.expires_after_seconds = Some(600);
    let done = world.apply(world.plan(&first).await).await;
    let identity = world.aws.identity(portcullis::aws::Lane::Plan).await.unwrap();
    let actions = world.store.actions(&identity.at).unwrap();
    let again = world.plan(&crate::world::block(&["203.0.113.7"])).await;
    assert!(again.plan.is_empty());
    let lines = overlap::expiring(&again.plan, &actions);
    assert!(lines.len() == 1 && lines[0].contains(&format!("portcullis extend {}", done.action_id)), "{lines:?}");
    let other = world.plan(&crate::world::block(&["198.51.100.7"])).await;
    assert_eq!(overlap::expiring(&other.plan, &actions), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn of_two_expired_throttles_the_later_goes_first_and_nothing_stays() {
    let world = flood(60.0).await;
    let before = world.stage().0.method_settings;
    for (rate, seconds) in [(200, 60), (20, 90)] {
        let mut action = throttle(Some("POST /login"), rate, rate);
        action.terms_mut().expires_after_seconds = Some(seconds);
        world.apply(world.plan_action(&action).await).await;
    }
    world.pass(200).await;
    let swept = world.sweep().await.unwrap();
    assert!(swept.iter().all(|one| one.result.as_ref().is_ok_and(|f| f.outcome == Outcome::Done)), "{swept:?}");
    assert_eq!(world.stage().0.method_settings, before);
}

#[tokio::test(start_paused = true)]
async fn an_entry_changed_after_the_plan_to_remove_it_is_not_removed() {
    let world = flood(60.0).await;
    let done = world.apply(world.plan_action(&throttle(Some("POST /login"), 20, 40)).await).await;
    let undo = world.plan_undo(&done.action_id).await;
    world.edit_stage(|stage| {
        if let Some(entry) = stage.method_settings.get_mut("~1login/POST") {
            entry.caching_enabled = true;
        }
    });
    assert_eq!(world.apply(undo).await.outcome, Outcome::NotDone);
    assert!(world.stage().0.method_settings["~1login/POST"].caching_enabled);
}

#[tokio::test(start_paused = true)]
async fn a_phrase_for_one_list_of_those_let_in_does_not_confirm_another() {
    let world = closable().await;
    let planned = world.plan_action(&close(Closure::WebAcl)).await;
    world.range.with(|range| crate::world::add_entry(range.account_mut(), "shop-closed-v4", "203.0.113.0/24"));
    let now = world.plan_action(&close(Closure::WebAcl)).await;
    assert_ne!(planned.plan.digest, now.plan.digest);
}
