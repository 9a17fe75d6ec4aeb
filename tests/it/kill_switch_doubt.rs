//! What the kill switch says where a policy of the API's own lets in by something else than addresses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use portcullis::model::action::{Action, KillSwitch};
use portcullis::model::plan::{GuardResult, Verdict};
use portcullis::respond::plan::Planned;
use serde_json::{Value, json};

use crate::kill_switch::switch;
use crate::world::{World, flood};

/// Deployed on both stages, and the draft's.
fn deploy(world: &World, statements: &Value) {
    let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    world.range.with(|range| {
        let account = range.account_mut();
        let api = account.gateway.apis.values_mut().find(|api| api.name == "shop").unwrap();
        api.draft.policy = Some(policy);
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
}

fn statement(effect: &str, more: &Value) -> Value {
    let mut one =
        json!({"Effect": effect, "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"});
    for (member, value) in more.as_object().unwrap() {
        one[member] = value.clone();
    }
    one
}

fn guard<'a>(planned: &'a Planned, id: &str) -> &'a GuardResult {
    planned.plan.guards.iter().find(|guard| guard.id == id).unwrap()
}

/// A plan to prove on dev, with these let in and asking from 127.0.0.1.
async fn planned(world: &mut World, allow: &[&str]) -> Planned {
    world.settings.guards.break_glass =
        Some(["192.0.2.240/28", "127.0.0.1/32"].map(|net| net.parse().unwrap()).to_vec());
    world.settings.guards.never_block =
        Some(["192.0.2.16/28", "198.51.100.192/27"].map(|net| net.parse().unwrap()).to_vec());
    let action = KillSwitch {
        allow: allow.iter().map(|net| net.parse().unwrap()).collect(),
        own: vec!["127.0.0.1".parse().unwrap()],
        ..switch(Some("shop/dev"))
    };
    world.plan_action(&Action::KillSwitch(action)).await
}

const ALL: [&str; 4] = ["127.0.0.1/32", "192.0.2.240/28", "192.0.2.16/28", "198.51.100.192/27"];

/// The case of decisions.md: applied, 192.0.2.241 got 403.
#[tokio::test(start_paused = true)]
async fn a_list_of_texts_is_no_list_of_ranges() {
    let mut world = flood(10.0).await;
    let condition = json!({"Condition": {"StringEquals": {"aws:SourceIp": ["127.0.0.1", "198.18.0.1"]}}});
    deploy(&world, &json!([statement("Allow", &condition)]));
    let planned = planned(&mut world, &ALL).await;
    let admits = guard(&planned, "close.admits");
    assert!(admits.verdict.halts(), "{admits:#?}");
    assert!(
        admits.reason.contains("192.0.2.240/28") && admits.reason.contains("not let in today either"),
        "{admits:#?}"
    );
    for net in ["break-glass range 192.0.2.240/28", "never-block range 192.0.2.16/28"] {
        let said = format!("{net} is not let in today, is kept out afterwards");
        assert!(admits.evidence.contains(&said), "no {said} in {admits:#?}");
    }
    assert!(admits.evidence.contains(&"break-glass range 127.0.0.1/32 gets in today, gets in afterwards".to_owned()));
    assert_eq!(guard(&planned, "kill-switch.responder").verdict, Verdict::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_date_that_has_passed_and_a_principal_that_nobody_has_are_certain() {
    let mut world = flood(10.0).await;
    let passed = json!({"Condition": {"DateLessThan": {"aws:CurrentTime": "2020-01-01"}}});
    deploy(&world, &json!([statement("Allow", &passed)]));
    let admits = guard(&planned(&mut world, &ALL).await, "close.admits").clone();
    assert_eq!(admits.verdict, Verdict::Stop, "{admits:#?}");
    assert!(admits.reason.contains("not let in today either"), "{admits:#?}");

    let partner = json!({"Principal": {"AWS": "arn:aws:iam::444455556666:role/partner"}});
    deploy(&world, &json!([statement("Allow", &json!({})), statement("Deny", &partner)]));
    let planned = planned(&mut world, &ALL).await;
    assert_eq!(guard(&planned, "close.admits").verdict, Verdict::Pass, "{:#?}", planned.plan.guards);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_told_of_callers_stops_and_is_said_of_all_others_too() {
    let mut world = flood(10.0).await;
    let by_agent = json!({"Condition": {"StringLike": {"aws:UserAgent": "Shop/*"}}});
    deploy(&world, &json!([statement("Allow", &by_agent)]));
    let planned = planned(&mut world, &ALL).await;
    for id in ["close.admits", "kill-switch.responder"] {
        let found = guard(&planned, id);
        assert_eq!(found.verdict, Verdict::Unknown, "{found:#?}");
        assert!(found.reason.contains("whether it gets in today is not known"), "{found:#?}");
    }
    assert_eq!(guard(&planned, "close.widens").verdict, Verdict::Pass, "a Deny more lets nobody in");
    let losers = &guard(&planned, "close.who-loses").evidence;
    let said = "all others are kept out; whether they get in today is not known";
    assert!(losers.iter().any(|line| line.contains(said)), "{losers:#?}");
}

/// A Deny of a few user agents keeps out whoever sends one, from wherever: said, and no reason to stop.
#[tokio::test(start_paused = true)]
async fn a_user_agent_that_is_denied_is_a_warning() {
    let mut world = flood(10.0).await;
    let tool = json!({"Condition": {"StringLike": {"aws:UserAgent": "sqlmap*"}}});
    deploy(&world, &json!([statement("Allow", &json!({})), statement("Deny", &tool)]));
    let planned = planned(&mut world, &ALL).await;
    for id in ["close.admits", "kill-switch.responder"] {
        let found = guard(&planned, id);
        assert_eq!(found.verdict, Verdict::Warn, "{found:#?}");
        assert!(found.reason.contains("user agent"), "{found:#?}");
    }
}

/// A part of a range that is kept out is found wherever it lies in it.
#[tokio::test(start_paused = true)]
async fn a_hole_in_a_range_is_found() {
    let mut world = flood(10.0).await;
    let hole = json!({"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.250"}}});
    deploy(&world, &json!([statement("Allow", &json!({})), statement("Deny", &hole)]));
    let admits = guard(&planned(&mut world, &ALL).await, "close.admits").clone();
    assert_eq!(admits.verdict, Verdict::Stop, "{admits:#?}");
    assert!(admits.reason.contains("of it 192.0.2.250/32"), "{admits:#?}");
}

#[tokio::test(start_paused = true)]
async fn partners_that_nobody_has_named_are_not_known_to_get_in() {
    let mut world = flood(10.0).await;
    world.settings.guards.never_block = None;
    let planned = world.plan_action(&Action::KillSwitch(switch(Some("shop/dev")))).await;
    assert_eq!(guard(&planned, "close.admits").verdict, Verdict::Unknown);
}

/// An API of `ANY` alone: ANY answers GET.
#[tokio::test(start_paused = true)]
async fn any_answers_the_probe() {
    let world = flood(10.0).await;
    world.range.with(|range| {
        let account = range.account_mut();
        let api = account.gateway.apis.values_mut().find(|api| api.name == "shop").unwrap();
        for resource in api.draft.resources.values_mut() {
            let first = resource.methods.first_key_value().map(|(_, method)| method.clone());
            resource.methods.clear();
            if let Some(mut any) = first {
                any.http_method = "ANY".into();
                resource.methods.insert("ANY".into(), any);
            }
        }
    });
    deploy(&world, &json!([statement("Allow", &json!({}))]));
    world.pass(15).await;
    let planned = world.plan_action(&Action::KillSwitch(switch(Some("shop/dev")))).await;
    let probe = guard(&planned, "kill-switch.probe");
    assert_eq!(probe.verdict, Verdict::Pass, "{probe:#?}");
}
