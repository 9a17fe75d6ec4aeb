//! `throttle` on an HTTP API from plan to undo against the range: what cannot be unset is said before, and nothing
//! becomes an outage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use portcullis::model::action::{Action, Close, Closure, Terms, Throttle};
use portcullis::model::change::Edit;
use portcullis::model::plan::{GuardResult, Outcome, Verdict};
use portcullis::model::timeline::ActionState;
use portcullis::respond::plan::{PlanError, Planned};
use portcullis::respond::reconcile::reconcile;
use portcullis::respond::resolve::ResolveError;
use portcullis_range::state::{HttpStage, RouteSettings};
use portcullis_range::{Fault, Range};
use proptest::prelude::*;

use crate::draws::draws;
use crate::respond_crash::cut_short;
use crate::world::{World, actor, flood, of_range};

pub(crate) const PETS: &str = r#"schema = "portcullis.scenario/1"
name = "pets"
title = "Pets"

[world]
account = "111122223333"
region = "eu-central-1"
start = 2026-03-03T03:00:00Z
history = "15m"

[[world.apis]]
name = "pets"
id = "pets000001"
protocol = "HTTP"
methods = [
    { method = "GET", path = "/pets" },
    { method = "POST", path = "/pets/{id}" },
]
stages = [{ name = "live", throttle = { rate = 200, burst = 300 } }]

[[world.populations]]
name = "visitors"
kind = "legitimate"
stage = "pets/live"
rate = 50
sources = [{ prefix = "192.0.2.0/24", count = 4 }]
requests = [{ route = "GET /pets", share = 4 }, { route = "POST /pets/{id}", share = 1 }]
"#;

/// Four addresses flood one of its routes from the second minute on.
pub(crate) const PETS_FLOOD: &str = r#"
[[world.populations]]
name = "botnet"
kind = "botnet"
stage = "pets/live"
rate = 150
start = "2m"
client_errors = 0.95
sources = [{ prefix = "203.0.113.0/25", count = 4 }]
requests = [{ route = "GET /pets", share = 1 }]
"#;

pub(crate) async fn pets() -> World {
    of_range(Range::from_scenario(PETS, None).unwrap(), 1.0).await
}

pub(crate) fn throttle(method: Option<&str>, rate: u32, burst: u32) -> Action {
    let terms =
        Terms { reason: Some("a test".into()), overrides: vec!["throttle.shedding".into()], ..Terms::default() };
    let method = method.map(|m| m.parse().unwrap());
    Action::Throttle(Throttle { stage: "pets/live".parse().unwrap(), method, rate, burst, terms })
}

fn stage(world: &World) -> HttpStage {
    world.range.with(|range| {
        let api = &range.account().gateway.http_apis["pets000001"];
        HttpStage::clone(api.stages["live"].saved())
    })
}

pub(crate) type Picture = (RouteSettings, BTreeMap<String, RouteSettings>);

pub(crate) fn picture(world: &World) -> Picture {
    let stage = stage(world);
    (stage.default_settings, stage.route_settings)
}

fn edit(world: &World, edit: impl FnOnce(&mut HttpStage)) {
    world.range.with(|range| range.account_mut().edit_http_stage("pets000001", "live", edit).unwrap());
}

fn limits(rate: f64, burst: i64) -> RouteSettings {
    RouteSettings { detailed_metrics: false, burst: Some(burst), rate: Some(rate) }
}

fn guard<'a>(planned: &'a Planned, id: &str) -> &'a GuardResult {
    planned.plan.guards.iter().find(|g| g.id == id).unwrap_or_else(|| panic!("no {id} in {:#?}", planned.plan.guards))
}

fn halts(planned: &Planned) -> Vec<String> {
    planned.plan.halting().map(|g| g.id.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_route_gets_settings_of_its_own_and_loses_them_by_the_undo() {
    let world = pets().await;
    let before = picture(&world);
    let planned = world.plan_action(&throttle(Some("POST /pets/{id}"), 20, 40)).await;
    assert_eq!(halts(&planned), Vec::<String>::new(), "{:#?}", planned.plan.guards);
    assert_eq!(guard(&planned, "throttle.unset").verdict, Verdict::Pass);
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    assert_eq!(picture(&world), (before.0, [("POST /pets/{id}".to_owned(), limits(20.0, 40))].into()));
    let undo = world.plan_undo(&done.action_id).await;
    assert_eq!(undo.plan.calls[0].operation, "DeleteRouteSettings");
    let undone = world.apply(undo).await;
    assert_eq!(undone.outcome, Outcome::Done, "{:?}", undone.lines);
    assert_eq!(picture(&world), before);
}

#[tokio::test(start_paused = true)]
async fn every_route_is_reached_and_what_was_never_set_gets_the_account_s() {
    let world = pets().await;
    edit(&world, |stage| {
        stage.default_settings = RouteSettings { detailed_metrics: true, burst: None, rate: None };
        stage.route_settings.insert("GET /pets".into(), limits(900.0, 900));
    });
    let planned = world.plan_action(&throttle(None, 20, 40)).await;
    let unset = guard(&planned, "throttle.unset");
    assert_eq!(unset.verdict, Verdict::Warn, "{unset:#?}");
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    let throttled = RouteSettings { detailed_metrics: true, ..limits(20.0, 40) };
    assert_eq!(picture(&world), (throttled, [("GET /pets".to_owned(), limits(20.0, 40))].into()));
    let undo = world.plan_undo(&done.action_id).await;
    assert!(guard(&undo, "undo.entry-kept").reason.contains("cannot be unset"), "{:#?}", undo.plan.guards);
    world.apply(undo).await;
    // No limit is the account's; none at all would be an outage.
    let (default, routes) = picture(&world);
    assert_eq!(default, RouteSettings { detailed_metrics: true, ..limits(10_000.0, 5_000) });
    assert_eq!(routes["GET /pets"], limits(900.0, 900));
}

#[tokio::test(start_paused = true)]
async fn an_http_api_takes_throttles_only_and_says_so() {
    let world = pets().await;
    let close = |by| {
        Action::Close(Close {
            stage: "pets/live".parse().unwrap(),
            by,
            web_acl: None,
            again: None,
            terms: Terms::default(),
        })
    };
    for by in [Closure::WebAcl, Closure::ThrottleZero] {
        let refused = world.try_action(&close(by)).await.unwrap_err();
        assert!(matches!(refused, PlanError::Resolve(ResolveError::HttpApi { .. })), "{refused:?}");
        assert!(refused.to_string().contains("no web ACL, no cache and no resource policy"), "{refused}");
    }
    let stops = async |action: &Action| halts(&world.plan_action(action).await);
    assert_eq!(stops(&throttle(Some("PUT /pets"), 20, 40)).await, ["throttle.method"]);
    assert_eq!(stops(&throttle(None, 6000, 40)).await, ["throttle.tighter"]);
    edit(&world, |stage| stage.managed = true);
    assert_eq!(stops(&throttle(None, 20, 40)).await, ["throttle.immutable"]);
    // Of whom a throttle hits nothing tells: that is no pass.
    let mut blind = throttle(None, 20, 40);
    *blind.terms_mut() = Terms::default();
    world.pass(120).await;
    assert_eq!(guard(&world.plan_action(&blind).await, "throttle.shedding").verdict, Verdict::Unknown);
    // A name that a REST API has as well is refused, with the ids.
    let world = flood(1.0).await;
    world.range.with(|range| drop(range.account_mut().create_http_api("shop", Some("http000001"))));
    let Action::Throttle(mut both) = throttle(None, 20, 40) else { unreachable!() };
    both.stage = "shop/prod".parse().unwrap();
    let refused = world.try_action(&Action::Throttle(both)).await.unwrap_err();
    assert!(refused.to_string().contains("names 2 APIs") && refused.to_string().contains("http000001"), "{refused}");
}

/// The one name that has to be escaped on the wire, where the gate reads it.
#[tokio::test(start_paused = true)]
async fn a_stage_called_default_is_throttled_like_any_other() {
    let world = pets().await;
    world.range.with(|range| range.account_mut().create_http_stage("pets000001", "$default", true).unwrap());
    let settings = || {
        world.range.with(|range| {
            let stage = &range.account().gateway.http_apis["pets000001"].stages["$default"];
            stage.saved().route_settings.clone()
        })
    };
    let Action::Throttle(mut action) = throttle(Some("POST /pets/{id}"), 20, 40) else { unreachable!() };
    action.stage = "pets/$default".parse().unwrap();
    let done = world.apply(world.plan_action(&Action::Throttle(action)).await).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
    assert_eq!(settings()["POST /pets/{id}"], limits(20.0, 40));
    let undone = world.undo(&done.action_id).await;
    assert_eq!(undone.outcome, Outcome::Done, "{:?}", undone.lines);
    assert!(settings().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_did_in_between_stops_it_and_stays() {
    let world = pets().await;
    let planned = world.plan_action(&throttle(None, 20, 40)).await;
    edit(&world, |stage| stage.default_settings = limits(70.0, 70));
    let stale = world.apply(planned).await;
    assert_eq!(stale.outcome, Outcome::NotDone, "{:?}", stale.lines);
    assert_eq!(picture(&world).0, limits(70.0, 70));
    let done = world.apply(world.plan_action(&throttle(None, 20, 40)).await).await;
    edit(&world, |stage| stage.default_settings = limits(33.0, 33));
    let undo = world.plan_undo(&done.action_id).await;
    assert!(undo.plan.is_empty() && guard(&undo, "undo.foreign-change").verdict == Verdict::Warn);
}

#[tokio::test(start_paused = true)]
async fn killed_between_any_two_calls_the_next_start_tells_the_truth() {
    let mut points = 0;
    for undoing in [false, true] {
        for fault in [Fault::Hang, Fault::HangAfter] {
            for nth in 1.. {
                let world = pets().await;
                edit(&world, |stage| {
                    stage.route_settings.insert("GET /pets".into(), limits(900.0, 900));
                });
                let before = picture(&world);
                let what = format!("undoing: {undoing}, at call {nth}, {fault:?}");
                let planned = world.plan_action(&throttle(None, 20, 40)).await;
                let died = if undoing {
                    let done = world.apply(planned).await;
                    cut_short(&world, world.plan_undo(&done.action_id).await, nth, &fault).await
                } else {
                    cut_short(&world, planned, nth, &fault).await
                };
                if !died {
                    break;
                }
                points += 1;
                let told = reconcile(&world.aws, &world.store, &actor(), None).await.unwrap();
                assert!(told.iter().all(|one| one.outcome.is_some()), "{what}: {told:?}");
                let folded = world.incident().await.fold().unwrap();
                let action = &folded.actions[0];
                let throttled = (limits(20.0, 40), [("GET /pets".to_owned(), limits(20.0, 40))].into());
                match action.state {
                    ActionState::InForce => assert_eq!(picture(&world), throttled, "{what}"),
                    ActionState::NotDone | ActionState::Undone => assert_eq!(picture(&world), before, "{what}"),
                    _ => {}
                }
                if matches!(action.state, ActionState::InForce | ActionState::Unclear) {
                    world.undo(&action.id.clone()).await;
                    assert_eq!(picture(&world), before, "{what}: after the way back");
                }
            }
        }
    }
    assert!(points > 20, "{points}");
}

fn settings(unset: bool) -> impl Strategy<Value = RouteSettings> {
    let limit = (prop::sample::select(vec![0.0, 0.5, 7.0, 900.0, 10_000.0]), 0i64..6000);
    let limit = prop_oneof![4 => limit.prop_map(Some), u32::from(unset) => Just(None)];
    (any::<bool>(), limit).prop_map(|(detailed_metrics, limit)| RouteSettings {
        detailed_metrics,
        burst: limit.map(|(_, burst)| burst),
        rate: limit.map(|(rate, _)| rate),
    })
}

/// The names of the settings that a change sets.
fn touched_by(edit: &Edit) -> Vec<String> {
    let Edit::Assign(assignment) = edit else { panic!("{edit:?}") };
    assignment.parts.iter().map(|part| part.name.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: draws(32), ..ProptestConfig::default() })]

    #[test]
    fn undo_after_apply_is_the_identity_but_for_what_cannot_be_unset(
        default in settings(true),
        routes in prop::collection::btree_map(
            prop::sample::select(vec!["GET /pets".to_owned(), "POST /pets/{id}".to_owned()]), settings(true), 0..3),
        method in prop::sample::select(vec![None, Some("GET /pets"), Some("POST /pets/{id}")]),
        (rate, burst) in (1u32..2000, 1u32..2000),
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = pets().await;
            edit(&world, |stage| (stage.default_settings, stage.route_settings) = (default, routes.clone()));
            let before = picture(&world);
            let planned = world.plan_action(&throttle(method, rate, burst)).await;
            if planned.plan.is_empty() || planned.plan.halting().next().is_some() {
                return Ok(());
            }
            let touched: Vec<String> =
                planned.plan.changes.iter().flat_map(|change| touched_by(&change.edit)).collect();
            let done = world.apply(planned).await;
            prop_assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
            prop_assert_eq!(world.undo(&done.action_id).await.outcome, Outcome::Done);
            // A limit that was not there is the account's now, where it was touched.
            let back = |name: &str, was: RouteSettings| if touched.iter().any(|t| t == name) {
                RouteSettings { burst: was.burst.or(Some(5_000)), rate: was.rate.or(Some(10_000.0)), ..was }
            } else { was };
            let wanted = (
                back("*/*", before.0),
                before.1.iter().map(|(name, was)| (name.clone(), back(name, *was))).collect::<BTreeMap<_, _>>(),
            );
            prop_assert_eq!(picture(&world), wanted);
            Ok(())
        })?;
    }
}
