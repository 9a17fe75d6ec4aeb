//! `kill-switch` in worlds that are not as it needs them, and beside others who deploy meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use portcullis::model::action::{Action, KillSwitch};
use portcullis::model::plan::{Outcome, Verdict};
use portcullis_range::state::{Account, Snapshot};
use portcullis_range::{Damage, Fault, When};

use crate::kill_switch::{OUTSIDE, get, guard, halts, proven, standing, switch};
use crate::world::{World, flood};

/// Its Deny has no condition here.
const KEEPS_ALL_OUT: [&str; 4] = ["kill-switch.policy", "kill-switch.base", "close.admits", "kill-switch.responder"];

/// What stops a proof, each in the world that it is about.
#[tokio::test(start_paused = true)]
async fn bad_weather_stops_it_by_name() {
    type Change = fn(&mut Account, &mut KillSwitch);
    fn api(account: &mut Account) -> &mut portcullis_range::state::Api {
        account.gateway.apis.values_mut().find(|api| api.name == "shop").unwrap()
    }
    fn canary(account: &mut Account, stage: &str) {
        let id = api(account).id.clone();
        account
            .act(
                "ada",
                "apigateway",
                "UpdateStage",
                serde_json::json!({"restApiId": id, "stageName": stage, "patchOperations": [
                    {"op": "replace", "path": "/canarySettings/percentTraffic", "value": "10"}]}),
            )
            .unwrap();
    }
    let weather: [(&str, &[&str], Change); 13] = [
        ("a canary on dev", &["kill-switch.canary"], |account, _| canary(account, "dev")),
        ("a canary on prod", &["kill-switch.canary"], |account, _| canary(account, "prod")),
        ("a private API", &["kill-switch.endpoint"], |account, _| api(account).endpoint_types = vec!["PRIVATE".into()]),
        ("a disabled endpoint", &["kill-switch.probe"], |account, _| {
            api(account).disable_execute_api_endpoint = true;
        }),
        ("dev answers 5xx", &["kill-switch.probe"], |account, _| {
            // Nobody is behind it any more.
            let id = api(account).id.clone();
            account.edit_stage(&id, "dev", |stage| {
                let mut snapshot = Snapshot::clone(&stage.snapshot);
                for method in snapshot.resources.values_mut().flat_map(|r| r.methods.values_mut()) {
                    method.authorization_type = "AWS_IAM".into();
                }
                stage.snapshot = std::sync::Arc::new(snapshot);
            });
        }),
        ("a policy that is none", &["kill-switch.policy", "kill-switch.base", "close.widens"], |account, _| {
            api(account).draft.policy = Some(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps"}]}"#.into());
        }),
        ("our own statement, left behind", &KEEPS_ALL_OUT, |account, _| {
            let ours = r#"{"Version":"2012-10-17","Statement":[{"Sid":"PortcullisKillSwitch","Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}]}"#;
            api(account).draft.policy = Some(ours.into());
        }),
        ("a policy that is not known to be deployed", &["kill-switch.base", "close.widens"], |account, _| {
            let allow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}]}"#;
            api(account).draft.policy = Some(allow.into());
        }),
        ("too many prefixes", &["kill-switch.policy"], |_, action| {
            for n in 0..600 {
                action.allow.push(format!("198.18.{}.{}/32", n / 250, n % 250).parse().unwrap());
            }
        }),
        ("a stage of another API", &["kill-switch.proof-stage", "kill-switch.probe"], |account, action| {
            let other = account.create_api("other", None);
            let made = account.create_deployment(&other, None).unwrap();
            account.create_stage(&other, "dev", &made);
            action.prove_on = Some(Box::new("other/dev".parse().unwrap()));
        }),
        ("the stage itself", &["kill-switch.proof-stage"], |_, action| {
            action.prove_on = Some(Box::new("shop/prod".parse().unwrap()));
        }),
        ("dual stack, seen over IPv4 only", &[], |account, _| api(account).ip_address_type = "dualstack".into()),
        ("seen over IPv6 only", &[], |account, action| {
            api(account).ip_address_type = "dualstack".into();
            action.own = vec!["2001:db8:0:feed::7".parse().unwrap()];
        }),
    ];
    for (what, stops, change) in weather {
        let world = flood(10.0).await;
        let mut action = switch(Some("shop/dev"));
        world.range.with(|range| change(range.account_mut(), &mut action));
        world.pass(60).await;
        let planned = world.plan_action(&Action::KillSwitch(action)).await;
        let mut halted = halts(&planned);
        halted.sort();
        let mut stops: Vec<String> = stops.iter().map(|id| (*id).to_owned()).collect();
        stops.sort();
        assert_eq!(halted, stops, "{what}: {:#?}", planned.plan.guards);
        if what.starts_with("dual stack") {
            assert_eq!(guard(&planned, "kill-switch.responder").verdict, Verdict::Warn, "{what}");
        }
    }
}

/// A policy of its own that keeps everybody out keeps the responder out too, on the list or not.
#[tokio::test(start_paused = true)]
async fn a_deployed_policy_that_denies_everybody_is_said() {
    let world = flood(10.0).await;
    world.range.with(|range| {
        let account = range.account_mut();
        let api = account.gateway.apis.values_mut().find(|api| api.name == "shop").unwrap();
        let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}]}"#;
        api.draft.policy = Some(deny.into());
        let id = api.id.clone();
        let made = account.create_deployment(&id, None).unwrap();
        let snapshot = account.gateway.apis[&id].deployments[&made].snapshot.clone();
        for stage in ["dev", "prod"] {
            account.edit_stage(&id, stage, |stage| {
                stage.deployment_id.clone_from(&made);
                stage.snapshot = snapshot.clone();
            });
        }
    });
    world.pass(15).await;
    let planned = world.plan_action(&Action::KillSwitch(switch(Some("shop/dev")))).await;
    let mut halted = halts(&planned);
    halted.sort();
    assert_eq!(halted, ["close.admits", "kill-switch.probe", "kill-switch.responder"], "{:#?}", planned.plan.guards);
}

/// The address changed between proof and production: it is learned anew.
#[tokio::test(start_paused = true)]
async fn an_address_that_changed_after_the_proof_stops_the_closure() {
    let world = flood(10.0).await;
    proven(&world).await;
    world.range.with(|range| range.account_mut().responder = OUTSIDE.parse().unwrap());
    let planned = world.plan_action(&Action::KillSwitch(switch(None))).await;
    assert_eq!(halts(&planned), ["kill-switch.responder"]);
}

/// Somebody deploys to prod between the plan and its confirmation, and between closing and undoing.
#[tokio::test(start_paused = true)]
async fn another_operator_s_deployment_is_neither_closed_over_nor_undone() {
    let world = flood(10.0).await;
    proven(&world).await;
    let stale = world.plan_action(&Action::KillSwitch(switch(None))).await;
    let deploy = |world: &World| {
        world.range.with(|range| {
            let account = range.account_mut();
            let id = account.gateway.apis.values().find(|api| api.name == "shop").unwrap().id.clone();
            let input = serde_json::json!({"restApiId": id, "stageName": "prod"});
            account.act("pipeline", "apigateway", "CreateDeployment", input).unwrap();
        });
    };
    deploy(&world);
    let theirs = standing(&world);
    let done = world.apply(stale).await;
    assert_eq!(done.outcome, Outcome::NotDone, "{:#?}", done.lines);
    assert_eq!(standing(&world), theirs);
    let planned = world.plan_action(&Action::KillSwitch(switch(None))).await;
    assert_eq!(halts(&planned), ["kill-switch.proof"], "the proof was against another deployment");

    proven(&world).await;
    let done = world.apply(world.plan_action(&Action::KillSwitch(switch(None))).await).await;
    assert_eq!(done.outcome, Outcome::Done, "{:#?}", done.lines);
    deploy(&world);
    let theirs = standing(&world);
    let planned = world.plan_undo(&done.action_id).await;
    assert!(planned.plan.is_empty(), "{:#?}", planned.plan.changes);
    assert_eq!(guard(&planned, "undo.foreign-change").verdict, Verdict::Warn);
    assert_eq!(standing(&world), theirs);
}

/// AWS says yes to every call from the second on and does nothing: the proof's stage stays pointed at a snapshot that
/// keeps everybody out, and the way back still leads there.
#[tokio::test(start_paused = true)]
async fn a_stage_that_could_not_be_pointed_back_stays_on_the_list_with_its_undo() {
    let world = flood(10.0).await;
    let before = standing(&world);
    let planned = world.plan_action(&Action::KillSwitch(switch(Some("shop/dev")))).await;
    let fault = Fault::Answered { performed: false, status: 200, body: Damage::Whole };
    world.range.with(|range| range.faults().add("apigateway", "UpdateStage", When::From(2), fault));
    let done = world.apply(planned).await;
    assert_eq!(done.outcome, Outcome::Partly, "{:#?}", done.lines);
    let left = standing(&world);
    assert_eq!(left.0, before.0, "the draft is back");
    assert_ne!(left.1, before.1, "dev keeps everybody out");
    assert_eq!(get(&world, "dev", OUTSIDE), 403);

    world.range.with(|range| range.faults().clear());
    let undone = world.undo(&done.action_id).await;
    assert_eq!(undone.outcome, Outcome::Done, "{:#?}", undone.lines);
    assert_eq!(standing(&world), before);
}

/// Three writes of the closing policy go unanswered and may land yet, and the next one is turned away, or goes
/// unanswered too: the draft counts as restored once AWS has taken its own policy, and not because it still shows.
#[tokio::test(start_paused = true)]
async fn a_draft_that_may_yet_be_written_is_written_back_whatever_shows() {
    for next in [Fault::Throttle, Fault::Reset, Fault::ServerError(500)] {
        let world = flood(10.0).await;
        let before = standing(&world);
        let planned = world.plan_action(&Action::KillSwitch(switch(Some("shop/dev")))).await;
        let lost = Fault::Answered { performed: false, status: 504, body: Damage::Foreign };
        world.range.with(|range| {
            range.faults().add("apigateway", "UpdateRestApi", When::First(3), lost);
            range.faults().add("apigateway", "UpdateRestApi", When::Nth(4), next.clone());
        });
        let done = world.apply(planned).await;
        let writes: Vec<_> =
            world.mutating_calls().into_iter().filter(|call| call.operation == "UpdateRestApi").collect();
        assert!(writes.len() > 4, "{next:?}: {writes:#?}");
        assert_eq!(writes.last().unwrap().error, None, "{next:?}: {:#?}", done.lines);
        assert_eq!(standing(&world), before, "{next:?}");
    }
}

/// AWS refuses to point the stage back for a minute: it is tried for as long.
#[tokio::test(start_paused = true)]
async fn pointing_back_is_tried_for_minutes() {
    let world = flood(10.0).await;
    let before = standing(&world);
    let planned = world.plan_action(&Action::KillSwitch(switch(Some("shop/dev")))).await;
    world.range.with(|range| range.faults().add("apigateway", "UpdateStage", When::From(2), Fault::ServerError(500)));
    let (range, clock) = (world.range.clone(), world.aws.clock());
    let mended = async {
        while range.with(|range| range.calls().iter().filter(|call| call.operation == "UpdateStage").count()) < 3 {
            clock.sleep(chrono::TimeDelta::seconds(1)).await;
        }
        clock.sleep(chrono::TimeDelta::seconds(90)).await;
        range.with(|range| range.faults().clear());
    };
    let (done, ()) = tokio::join!(world.apply(planned), mended);
    assert_eq!(done.outcome, Outcome::NotDone, "{:#?}", done.lines);
    assert_eq!(standing(&world), before, "{:#?}", done.lines);
}
