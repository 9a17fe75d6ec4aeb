//! `kill-switch` from proof to undo against the range: the policy, the snapshots, and who gets in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::IpAddr;

use bytes::Bytes;
use portcullis::model::action::{Action, KillSwitch, Terms};
use portcullis::model::plan::{GuardResult, Outcome, Verdict};
use portcullis::model::timeline::ActionState;
use portcullis::respond::plan::Planned;
use portcullis_range::state::{Account, Snapshot};
use portcullis_range::{Fault, Reply, When};

use crate::world::{World, actor, flood};

pub(crate) const ALLOW: [&str; 4] = ["192.0.2.240/28", "2001:db8:0:feed::/64", "192.0.2.16/28", "198.51.100.192/27"];
pub(crate) const OUTSIDE: &str = "203.0.113.77";
const OURS: &str = "192.0.2.241";

pub(crate) fn switch(prove_on: Option<&str>) -> KillSwitch {
    KillSwitch {
        stage: "shop/prod".parse().unwrap(),
        allow: ALLOW.iter().map(|net| net.parse().unwrap()).collect(),
        prove_on: prove_on.map(|stage| Box::new(stage.parse().unwrap())),
        commit_confirmed: false,
        own: Vec::new(),
        terms: Terms::default(),
    }
}

/// Closing without a proof.
pub(crate) fn unproven() -> KillSwitch {
    let mut one = switch(None);
    one.terms =
        Terms { reason: Some("a test".into()), overrides: vec!["kill-switch.proof".into()], ..Terms::default() };
    one
}

pub(crate) fn guard<'a>(planned: &'a Planned, id: &str) -> &'a GuardResult {
    let found = planned.plan.guards.iter().find(|g| g.id == id);
    found.unwrap_or_else(|| panic!("no {id} in {:#?}", planned.plan.guards))
}

pub(crate) fn halts(planned: &Planned) -> Vec<String> {
    planned.plan.halting().map(|g| g.id.clone()).collect()
}

/// What a request from an address gets from a stage of the shop.
pub(crate) fn get(world: &World, stage: &str, from: &str) -> u16 {
    let now = world.range.now();
    world.range.with(|range| {
        let id = range.account().gateway.apis.values().find(|api| api.name == "shop").unwrap().id.clone();
        let uri = format!("http://range.invalid/restapis/{id}/{stage}/_user_request_/products");
        let request = http::Request::get(uri).body(Bytes::new()).unwrap();
        match range.handle(request, Some(from.parse::<IpAddr>().unwrap()), now) {
            Reply::Response(response) => response.status().as_u16(),
            _ => panic!("no answer"),
        }
    })
}

/// The shop's draft, and what its stages point at.
pub(crate) fn standing(world: &World) -> (Snapshot, Vec<(String, String)>) {
    world.range.with(|range| {
        let api = range.account().gateway.apis.values().find(|api| api.name == "shop").unwrap();
        let stages = ["dev", "prod"].map(|name| (name.to_owned(), api.stage(name).unwrap().deployment_id.clone()));
        (api.draft.clone(), stages.to_vec())
    })
}

fn edit_draft(account: &mut Account, edit: impl FnOnce(&mut Snapshot)) {
    let api = account.gateway.apis.values_mut().find(|api| api.name == "shop").unwrap();
    edit(&mut api.draft);
}

pub(crate) async fn proven(world: &World) {
    let planned = world.plan_action(&Action::KillSwitch(switch(Some("shop/dev")))).await;
    assert_eq!(halts(&planned), Vec::<String>::new(), "{:#?}", planned.plan.guards);
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done, "{:#?}", done.lines);
}

#[tokio::test(start_paused = true)]
async fn proven_on_dev_it_closes_prod_and_opens_it_again() {
    let world = flood(10.0).await;
    let before = standing(&world);
    let planned = world.plan_action(&Action::KillSwitch(switch(None))).await;
    assert_eq!(halts(&planned), ["kill-switch.proof"], "{:#?}", planned.plan.guards);

    let planned = world.plan_action(&Action::KillSwitch(switch(Some("shop/dev")))).await;
    assert_eq!(planned.plan.stage.label(), "shop/dev", "a proof is confirmed with the stage it changes");
    proven(&world).await;
    assert_eq!(standing(&world), before, "the proof leaves draft and stages as they were");
    let folded = world.incident().await.fold().unwrap();
    assert_eq!(folded.actions[0].state, ActionState::Final, "nothing of a proof stays in force");
    assert_eq!(folded.proofs.len(), 1);

    let planned = world.plan_action(&Action::KillSwitch(switch(None))).await;
    assert_eq!(halts(&planned), Vec::<String>::new(), "{:#?}", planned.plan.guards);
    assert_eq!(planned.plan.calls.len(), 1, "the very snapshot that was proven");
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done, "{:#?}", done.lines);
    world.pass(15).await;
    assert_eq!(standing(&world).1[1].1, folded.proofs[0].snapshot);
    assert_eq!((get(&world, "prod", OUTSIDE), get(&world, "prod", OURS)), (403, 200));
    assert_eq!(get(&world, "dev", OUTSIDE), 200, "dev is open");

    let undone = world.undo(&done.action_id).await;
    assert_eq!(undone.outcome, Outcome::Done, "{:#?}", undone.lines);
    world.pass(15).await;
    assert_eq!(standing(&world), before);
    assert_eq!(get(&world, "prod", OUTSIDE), 200);
}

#[tokio::test(start_paused = true)]
async fn the_draft_is_another_for_less_than_three_seconds() {
    let world = flood(1.0).await;
    proven(&world).await;
    let times: Vec<_> =
        world.mutating_calls().iter().filter(|c| c.operation == "UpdateRestApi").map(|c| c.at).collect();
    assert_eq!(times.len(), 4, "two windows");
    for window in times.chunks(2) {
        let open = (window[1] - window[0]).num_milliseconds();
        assert!(open < 3_000, "{open} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_leaves_somebody_out_is_stopped() {
    let world = flood(10.0).await;
    let with = |allow: &[&str]| {
        let mut one = switch(Some("shop/dev"));
        one.allow = allow.iter().map(|net| net.parse().unwrap()).collect();
        Action::KillSwitch(one)
    };
    let stops = async |allow: &[&str]| halts(&world.plan_action(&with(allow)).await);
    assert_eq!(stops(&["192.0.2.16/28", "198.51.100.192/27"]).await, ["close.admits", "kill-switch.responder"]);
    assert_eq!(stops(&["192.0.2.240/28", "192.0.2.16/28"]).await, ["close.admits"], "the v6 break-glass range");
    assert_eq!(stops(&["0.0.0.0/0"]).await, ["kill-switch.allow-list", "close.admits"]);
    let planned = world.plan_action(&with(&["192.0.2.240/28", "2001:db8:0:feed::/64"])).await;
    assert_eq!(halts(&planned), Vec::<String>::new());
    assert_eq!(guard(&planned, "close.admits").verdict, Verdict::Warn, "a partner is left out");
    let mut own = switch(Some("shop/dev"));
    own.own = vec!["203.0.113.9".parse().unwrap()];
    assert_eq!(halts(&world.plan_action(&Action::KillSwitch(own)).await), ["kill-switch.responder"]);
}

#[tokio::test(start_paused = true)]
async fn what_would_widen_access_yields_to_no_override() {
    let world = flood(10.0).await;
    // `/orders/{id}` is open to everybody, and `/orders/export` asks a Lambda authorizer: one Allow would reach both.
    world.range.with(|range| {
        let account = range.account_mut();
        let api = account.gateway.apis.values_mut().find(|api| api.name == "shop").unwrap();
        let mut guarded = api.draft.resources.values().find(|r| r.path == "/orders/{id}").unwrap().clone();
        guarded.id = "export".into();
        guarded.path = "/orders/export".into();
        guarded.methods.values_mut().for_each(|m| m.authorization_type = "CUSTOM".into());
        api.draft.resources.insert("export".into(), guarded);
        let id = api.id.clone();
        let made = account.create_deployment(&id, Some("with export")).unwrap();
        let snapshot = account.gateway.apis[&id].deployments[&made].snapshot.clone();
        account.edit_stage(&id, "prod", |stage| {
            stage.deployment_id.clone_from(&made);
            stage.snapshot = snapshot;
        });
    });
    let planned = world.plan_action(&Action::KillSwitch(switch(Some("shop/dev")))).await;
    assert_eq!(halts(&planned), ["close.widens"], "{:#?}", planned.plan.guards);
    let mut forced = switch(Some("shop/dev"));
    forced.terms = Terms { reason: Some("no".into()), overrides: vec!["close.widens".into()], ..Terms::default() };
    let planned = world.plan_action(&Action::KillSwitch(forced)).await;
    assert_eq!(halts(&planned), ["close.widens", "plan.overrides"]);
}

#[tokio::test(start_paused = true)]
async fn undeployed_work_stops_it_by_name() {
    let world = flood(10.0).await;
    world.range.with(|range| {
        edit_draft(range.account_mut(), |draft| {
            let resource = draft.resources.values_mut().find(|r| r.path == "/login").unwrap();
            let mut method = resource.methods["POST"].clone();
            method.http_method = "DELETE".into();
            resource.methods.insert("DELETE".into(), method);
        });
    });
    let planned = world.plan_action(&Action::KillSwitch(switch(Some("shop/dev")))).await;
    assert_eq!(halts(&planned), ["kill-switch.drift"]);
    assert!(guard(&planned, "kill-switch.drift").reason.contains("DELETE /login"));
}

/// An integration that nobody deployed shows in no list of methods: the proof compares exports.
#[tokio::test(start_paused = true)]
async fn a_changed_integration_fails_the_proof_by_name_and_everything_goes_back() {
    let world = flood(10.0).await;
    world.range.with(|range| {
        edit_draft(range.account_mut(), |draft| {
            let resource = draft.resources.values_mut().find(|r| r.path == "/login").unwrap();
            let method = resource.methods.get_mut("POST").unwrap();
            method.integration.as_mut().unwrap()["uri"] = "https://new.example/login".into();
        });
    });
    let before = standing(&world);
    let planned = world.plan_action(&Action::KillSwitch(switch(Some("shop/dev")))).await;
    assert_eq!(halts(&planned), Vec::<String>::new());
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::NotDone, "{:#?}", done.lines);
    assert!(
        done.lines.iter().any(|line| line.contains("POST /login differs between the draft and the deployment")),
        "{:#?}",
        done.lines
    );
    assert_eq!(standing(&world), before);
    let folded = world.incident().await.fold().unwrap();
    assert_eq!((folded.actions[0].state, folded.proofs.len()), (ActionState::NotDone, 0));
}

#[tokio::test(start_paused = true)]
async fn somebody_else_s_deployment_while_the_draft_is_another_is_named() {
    let world = flood(10.0).await;
    let before = standing(&world);
    let planned = world.plan_action(&Action::KillSwitch(switch(Some("shop/dev")))).await;
    world.range.with(|range| {
        range.faults().after("apigateway", "UpdateRestApi", When::Nth(1), |account: &mut Account| {
            let id = account.gateway.apis.values().find(|api| api.name == "shop").unwrap().id.clone();
            let input = serde_json::json!({"restApiId": id, "description": "the pipeline's"});
            account.act("pipeline", "apigateway", "CreateDeployment", input).unwrap();
        });
    });
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Partly, "{:#?}", done.lines);
    assert!(done.lines.iter().any(|line| line.contains("somebody else deployed meanwhile")), "{:#?}", done.lines);
    assert_eq!(standing(&world), before);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_times_out_after_it_was_made_is_found_and_not_made_twice() {
    let world = flood(10.0).await;
    world.range.with(|range| range.faults().add("apigateway", "CreateDeployment", When::First(1), Fault::HangAfter));
    proven(&world).await;
    let made = world.mutating_calls().iter().filter(|c| c.operation == "CreateDeployment").count();
    assert_eq!(made, 2, "one for each of the two policies");
}

#[tokio::test(start_paused = true)]
async fn aws_turning_away_every_second_call_does_not_stop_it() {
    let world = flood(10.0).await;
    let before = standing(&world);
    let planned = world.plan_action(&Action::KillSwitch(switch(Some("shop/dev")))).await;
    for operation in ["UpdateRestApi", "UpdateStage", "CreateDeployment"] {
        world.range.with(|range| range.faults().add("apigateway", operation, When::Every(2), Fault::Throttle));
    }
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done, "{:#?}", done.lines);
    assert_eq!(standing(&world), before);
}

#[tokio::test(start_paused = true)]
async fn an_unproven_closure_stays_where_a_probe_gets_through() {
    let world = flood(10.0).await;
    let before = standing(&world);
    let planned = world.plan_action(&Action::KillSwitch(unproven())).await;
    assert_eq!(halts(&planned), Vec::<String>::new(), "{:#?}", planned.plan.guards);
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Done, "{:#?}", done.lines);
    let folded = world.incident().await.fold().unwrap();
    let action = folded.action(&done.action_id).unwrap();
    assert_eq!((action.state, action.expires_at), (ActionState::InForce, None));
    world.pass(60).await;
    assert_eq!((get(&world, "prod", OUTSIDE), get(&world, "prod", OURS)), (403, 200));
    assert_eq!(standing(&world).0, before.0, "the draft is as it was");
    world.undo(&done.action_id).await;
    assert_eq!(standing(&world), before);
}

/// From where we really are, the policy keeps us out: what was said of our own address was wrong.
fn locks_us_out() -> KillSwitch {
    let mut one = unproven();
    one.own = vec!["192.0.2.242".parse().unwrap()];
    one
}

fn somewhere_else(world: &World) {
    world.range.with(|range| range.account_mut().responder = OUTSIDE.parse().unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_unproven_closure_reopens_by_itself_where_no_probe_gets_through() {
    let world = flood(10.0).await;
    somewhere_else(&world);
    let before = standing(&world);
    let planned = world.plan_action(&Action::KillSwitch(locks_us_out())).await;
    let began = world.range.now();
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::NotDone, "{:#?}", done.lines);
    assert_eq!(standing(&world), before);
    let closed =
        world.mutating_calls().iter().filter(|c| c.operation == "UpdateStage").map(|c| c.at).collect::<Vec<_>>();
    assert!((closed[1] - closed[0]).num_seconds() < 60, "{closed:?} since {began}");
    let folded = world.incident().await.fold().unwrap();
    assert_eq!(folded.action(&done.action_id).unwrap().state, ActionState::Undone);
}

#[tokio::test(start_paused = true)]
async fn it_reopens_also_when_the_console_was_killed_and_started_again() {
    let world = flood(10.0).await;
    somewhere_else(&world);
    let before = standing(&world);
    let planned = world.plan_action(&Action::KillSwitch(locks_us_out())).await;
    let incident = world.incident().await;
    let phrase = planned.plan.phrase();
    let confirmed = portcullis::respond::confirm::Confirmed::by_phrase(planned, &phrase).unwrap();
    let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let mut progress = |line: &str| said.send(line.to_owned()).unwrap();
    {
        let mut run =
            std::pin::pin!(portcullis::respond::execute::execute(&world.aws, &incident, confirmed, &mut progress));
        // Killed as it begins to probe.
        loop {
            tokio::select! {
                biased;
                line = heard.recv() => if line.unwrap().contains("probing from here") { break },
                ended = &mut run => panic!("{ended:?}"),
            }
        }
    }
    assert_ne!(standing(&world), before);
    // Somebody starts it again; an attack that stands does not hold this one closed.
    let found = portcullis::respond::reconcile::reconcile(&world.aws, &world.store, &actor(), None).await.unwrap();
    assert!(found.iter().all(|one| one.outcome.is_some()), "{found:?}");
    world.pass(50).await;
    let swept = world.sweep().await.unwrap();
    assert_eq!(swept.len(), 1);
    assert_eq!(swept[0].result.as_ref().unwrap().outcome, Outcome::Done);
    assert_eq!(standing(&world), before);
}

#[tokio::test(start_paused = true)]
async fn a_proof_is_of_one_policy_one_deployment_and_half_an_hour() {
    let world = flood(10.0).await;
    proven(&world).await;
    let mut other = switch(None);
    other.allow.push("203.0.113.7/32".parse().unwrap());
    let planned = world.plan_action(&Action::KillSwitch(other)).await;
    assert_eq!(halts(&planned), ["kill-switch.proof"]);
    assert!(guard(&planned, "kill-switch.proof").reason.contains("another policy"));
    world.pass(31 * 60).await;
    let planned = world.plan_action(&Action::KillSwitch(switch(None))).await;
    assert!(guard(&planned, "kill-switch.proof").reason.contains("31 minutes old"), "{:#?}", planned.plan.guards);
}

#[tokio::test(start_paused = true)]
async fn nobody_can_point_back_at_a_deployment_that_is_gone() {
    let world = flood(10.0).await;
    proven(&world).await;
    let planned = world.plan_action(&Action::KillSwitch(switch(None))).await;
    let base = standing(&world).1[1].1.clone();
    let done = world.apply(planned).await;
    world.range.with(|range| {
        let api = range.account_mut().gateway.apis.values_mut().find(|api| api.name == "shop").unwrap();
        api.deployments.remove(&base);
    });
    let planned = world.plan_undo(&done.action_id).await;
    assert_eq!(halts(&planned), ["undo.deployment-gone"], "{:#?}", planned.plan.guards);
}
