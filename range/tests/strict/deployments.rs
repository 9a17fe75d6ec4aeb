//! Deployments: snapshots of the draft.

use serde_json::{Value, json};

use crate::client::{Answer, Client};

fn deploy(client: &mut Client, api: &str, input: Value) -> Answer {
    client.rest("POST", &format!("/restapis/{api}/deployments"), input)
}

fn policy(client: &mut Client, api: &str, effect: &str) {
    let document = json!({"Statement": [{"Effect": effect, "Principal": "*", "Action": "*", "Resource": "*"}]});
    let patch = json!([{"op": "replace", "path": "/policy", "value": document.to_string()}]);
    client.patch(&format!("/restapis/{api}"), patch).ok();
}

/// The effect in the policy that traffic on a stage meets.
fn in_force(client: &mut Client, api: &str, stage: &str) -> Option<String> {
    client.range.account_mut().settle();
    let now = client.range.now();
    let stage = client.range.account().stage_live(api, stage, now)?.clone();
    let document: Value = serde_json::from_str(stage.snapshot.policy.as_ref()?).unwrap();
    Some(document["Statement"][0]["Effect"].as_str().unwrap().to_owned())
}

/// A deployment is a snapshot, the policy included: a later draft does not reach the stage, and an older deployment
/// brings its policy back while the draft stays. (documented; that the policy is part of it is inferred)
#[test]
fn a_deployment_freezes_the_policy() {
    let mut client = Client::new();
    let api = client.draft();
    policy(&mut client, &api, "Allow");
    let first = deploy(&mut client, &api, json!({"stageName": "prod"})).ok()["id"].clone();
    policy(&mut client, &api, "Deny");
    assert_eq!(in_force(&mut client, &api, "prod").as_deref(), Some("Allow"), "the draft alone changes nothing");
    deploy(&mut client, &api, json!({"stageName": "prod"})).ok();
    assert_eq!(in_force(&mut client, &api, "prod").as_deref(), Some("Deny"));
    let back = json!([{"op": "replace", "path": "/deploymentId", "value": first}]);
    client.patch(&format!("/restapis/{api}/stages/prod"), back).ok();
    assert_eq!(in_force(&mut client, &api, "prod").as_deref(), Some("Allow"));
    let draft = client.get(&format!("/restapis/{api}")).ok();
    assert!(draft["policy"].as_str().unwrap().contains("Deny"), "the draft keeps its policy");
}

/// A deployment without a stage points no stage anywhere. (documented: service model)
#[test]
fn a_deployment_without_a_stage_touches_no_stage() {
    let mut client = Client::new();
    let api = client.api();
    let before = client.get(&format!("/restapis/{api}/stages/prod")).ok();
    let made = deploy(&mut client, &api, json!({"description": "proof"})).ok();
    assert_eq!(made["description"], "proof");
    assert_eq!(client.get(&format!("/restapis/{api}/stages/prod")).ok(), before);
}

/// A stage with a canary takes no plain deployment; removing the canary lifts that. (inferred: a public issue of the
/// Serverless framework)
#[test]
fn a_canary_refuses_a_plain_deployment() {
    let mut client = Client::new();
    let api = client.api();
    let canary = json!({"stageName": "prod", "canarySettings": {"percentTraffic": 10}});
    let made = deploy(&mut client, &api, canary).ok()["id"].clone();
    let stage = client.get(&format!("/restapis/{api}/stages/prod")).ok();
    assert_eq!(stage["canarySettings"]["deploymentId"], made);
    assert_ne!(stage["deploymentId"], made);
    let refused = deploy(&mut client, &api, json!({"stageName": "prod"}));
    let words = refused.body["message"].as_str().unwrap().to_owned();
    assert!(words.contains("Non canary deployment not supported on stage prod"), "{words}");
    assert_eq!(refused.refused(), (400, "BadRequestException".to_owned()));
    let remove = json!([{"op": "remove", "path": "/canarySettings"}]);
    client.patch(&format!("/restapis/{api}/stages/prod"), remove).ok();
    deploy(&mut client, &api, json!({"stageName": "prod"})).ok();
}

/// A deployment that a stage points at is not deleted. (recorded against AWS by a third party)
#[test]
fn a_deployment_in_use_is_not_deleted() {
    let mut client = Client::new();
    let api = client.draft();
    let first = deploy(&mut client, &api, json!({"stageName": "prod"})).ok()["id"].as_str().unwrap().to_owned();
    let path = format!("/restapis/{api}/deployments/{first}");
    assert_eq!(client.rest("DELETE", &path, Value::Null).refused(), (400, "BadRequestException".to_owned()));
    deploy(&mut client, &api, json!({"stageName": "prod"})).ok();
    assert_eq!(client.rest("DELETE", &path, Value::Null).status, 202);
    assert_eq!(client.get(&path).refused(), (404, "NotFoundException".to_owned()));
}

/// An API without methods is not deployed. (seen in the wild)
#[test]
fn a_draft_without_methods_is_not_deployed() {
    let mut client = Client::new();
    let api = client.rest("POST", "/restapis", json!({"name": "empty"})).ok()["id"].as_str().unwrap().to_owned();
    assert_eq!(deploy(&mut client, &api, json!({})).refused().1, "BadRequestException");
}

/// `apisummary` tells authorization and key requirement of each method, when asked. (documented: service model)
#[test]
fn the_summary_is_embedded_on_request() {
    let mut client = Client::new();
    let api = client.draft();
    let id = deploy(&mut client, &api, json!({})).ok()["id"].as_str().unwrap().to_owned();
    let path = format!("/restapis/{api}/deployments/{id}");
    assert!(client.get(&path).ok().get("apiSummary").is_none());
    let summary = client.get(&format!("{path}?embed=apisummary")).ok()["apiSummary"].clone();
    assert_eq!(summary, json!({"/login": {"POST": {"authorizationType": "NONE", "apiKeyRequired": false}}}));
}
