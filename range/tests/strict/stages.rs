//! Stages and their method settings.

use serde_json::{Value, json};

use crate::client::{Answer, Client};

fn stage_path(api: &str) -> String {
    format!("/restapis/{api}/stages/prod")
}

fn patch(client: &mut Client, api: &str, operations: &[(&str, &str, &str)]) -> Answer {
    let operations: Vec<Value> = operations
        .iter()
        .map(|(op, path, value)| match *op {
            "remove" => json!({"op": op, "path": path}),
            _ => json!({"op": op, "path": path, "value": value}),
        })
        .collect();
    client.patch(&stage_path(api), operations.into())
}

fn entry(answer: &Value, key: &str) -> Value {
    answer["methodSettings"][key].clone()
}

/// A fresh stage has no method settings. (recorded against AWS by a third party)
#[test]
fn a_fresh_stage_has_no_method_settings() {
    let mut client = Client::new();
    let api = client.api();
    assert_eq!(client.get(&stage_path(&api)).ok()["methodSettings"], json!({}));
}

/// Patching one field writes the whole entry: missing fields are the account's defaults. (recorded against AWS by a
/// third party)
#[test]
fn one_field_materialises_the_whole_entry() {
    let mut client = Client::new();
    let api = client.api();
    let answer = patch(&mut client, &api, &[("replace", "/*/*/throttling/rateLimit", "50")]).ok();
    let all = entry(&answer, "*/*");
    assert_eq!((all["throttlingRateLimit"].as_f64(), all["throttlingBurstLimit"].as_i64()), (Some(50.0), Some(5_000)));
    assert_eq!((&all["cachingEnabled"], &all["cacheTtlInSeconds"]), (&json!(false), &json!(300)));
}

/// A method's entry begins as a copy of `*/*`, and later changes of `*/*` do not reach it. (recorded against AWS by a
/// third party)
#[test]
fn a_method_entry_is_a_copy_that_stays_behind() {
    let mut client = Client::new();
    let api = client.api();
    patch(
        &mut client,
        &api,
        &[("replace", "/*/*/throttling/burstLimit", "7"), ("replace", "/*/*/logging/loglevel", "INFO")],
    )
    .ok();
    let answer = patch(&mut client, &api, &[("replace", "/~1login/POST/throttling/rateLimit", "2")]).ok();
    let own = entry(&answer, "~1login/POST");
    assert_eq!((own["throttlingBurstLimit"].as_i64(), own["loggingLevel"].as_str()), (Some(7), Some("INFO")));
    let answer = patch(&mut client, &api, &[("replace", "/*/*/throttling/burstLimit", "1")]).ok();
    assert_eq!(entry(&answer, "~1login/POST")["throttlingBurstLimit"], 7);
}

/// Both ways of writing a method's path name the same entry; its key stays as it was first written. (documented by CLI
/// examples and recorded against AWS; that both meet is inferred)
#[test]
fn both_forms_of_a_path_name_one_entry() {
    let mut client = Client::new();
    let api = client.api();
    patch(&mut client, &api, &[("replace", "/login/POST/throttling/rateLimit", "2")]).ok();
    let answer = patch(&mut client, &api, &[("replace", "/~1login/POST/throttling/burstLimit", "3")]).ok();
    let keys: Vec<&String> = answer["methodSettings"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["login/POST"]);
    let now = client.range.now();
    client.range.account_mut().settle();
    let stage = client.range.account().stage_live(&api, "prod", now).unwrap().clone();
    assert_eq!(stage.setting_for("/login", "POST").unwrap().throttling_burst_limit, 3);
    assert!(stage.setting_for("/login", "GET").is_none());
}

/// `remove` takes a whole entry; one that is not there is refused, and so is a part of one. (recorded against AWS by a
/// third party)
#[test]
fn remove_takes_whole_entries_that_exist() {
    let mut client = Client::new();
    let api = client.api();
    patch(&mut client, &api, &[("replace", "/*/*/throttling/rateLimit", "50")]).ok();
    let part = patch(&mut client, &api, &[("remove", "/*/*/throttling/rateLimit", "")]);
    assert_eq!(part.refused(), (400, "BadRequestException".to_owned()));
    let gone = patch(&mut client, &api, &[("remove", "/*/*", "")]).ok();
    assert_eq!(gone["methodSettings"], json!({}));
    let again = patch(&mut client, &api, &[("remove", "/*/*", "")]);
    assert!(again.body["message"].as_str().unwrap().contains("no method setting"));
    assert_eq!(again.refused().0, 400);
}

/// Operations act in order. (recorded against AWS by a third party.) What fails leaves nothing behind. (unverified)
#[test]
fn operations_act_in_order_and_together() {
    let mut client = Client::new();
    let api = client.api();
    let answer = patch(&mut client, &api, &[("replace", "/variables/a", "1"), ("replace", "/variables/a", "2")]).ok();
    assert_eq!(answer["variables"], json!({"a": "2"}));
    let half = patch(&mut client, &api, &[("replace", "/variables/a", "3"), ("replace", "/nonsense", "1")]);
    assert_eq!(half.refused().0, 400);
    assert_eq!(client.get(&stage_path(&api)).ok()["variables"], json!({"a": "2"}));
}

/// Values of patches are text, and numbers in them are checked. (documented: service model)
#[test]
fn values_are_text_and_checked() {
    let mut client = Client::new();
    let api = client.api();
    for bad in ["fast", "NaN", "-2", ""] {
        let answer = patch(&mut client, &api, &[("replace", "/*/*/throttling/rateLimit", bad)]);
        assert_eq!(answer.refused().0, 400, "{bad}");
    }
    let number = json!([{"op": "replace", "path": "/*/*/throttling/rateLimit", "value": 5}]);
    assert_eq!(client.patch(&stage_path(&api), number).refused().0, 400);
    let zero = patch(&mut client, &api, &[("replace", "/*/*/throttling/rateLimit", "0")]).ok();
    assert_eq!(entry(&zero, "*/*")["throttlingRateLimit"].as_f64(), Some(0.0));
}

/// Every update stamps the stage; reading does not. (documented: service model)
#[test]
fn an_update_stamps_the_stage() {
    let mut client = Client::new();
    let api = client.api();
    let created = client.get(&stage_path(&api)).ok()["lastUpdatedDate"].as_i64().unwrap();
    client.wait(30);
    let stamped = patch(&mut client, &api, &[("replace", "/description", "x")]).ok()["lastUpdatedDate"].as_i64();
    assert_eq!(stamped, Some(created + 30));
}

/// A cache takes minutes to be made; a flush answers 202 and shows as `FLUSH_IN_PROGRESS`. (documented; how long is
/// unverified)
#[test]
fn a_cache_is_made_and_flushed_over_time() {
    let mut client = Client::new();
    let api = client.api();
    let status =
        |client: &mut Client| client.get(&stage_path(&api)).ok()["cacheClusterStatus"].as_str().unwrap().to_owned();
    assert_eq!(status(&mut client), "NOT_AVAILABLE");
    patch(&mut client, &api, &[("replace", "/cacheClusterEnabled", "true")]).ok();
    assert_eq!(status(&mut client), "CREATE_IN_PROGRESS");
    client.wait(240);
    assert_eq!(status(&mut client), "AVAILABLE");
    let flushed = client.rest("DELETE", &format!("{}/cache/data", stage_path(&api)), Value::Null);
    assert_eq!(flushed.status, 202);
    assert_eq!(status(&mut client), "FLUSH_IN_PROGRESS");
    client.wait(20);
    assert_eq!(status(&mut client), "AVAILABLE");
}

/// A stage's name is used once, its deployment must exist. (seen in the wild)
#[test]
fn a_stage_is_made_once_and_on_a_deployment() {
    let mut client = Client::new();
    let api = client.api();
    let id = client.get(&stage_path(&api)).ok()["deploymentId"].clone();
    let path = format!("/restapis/{api}/stages");
    let twice = client.rest("POST", &path, json!({"stageName": "prod", "deploymentId": id}));
    assert_eq!(twice.refused(), (409, "ConflictException".to_owned()));
    let nowhere = client.rest("POST", &path, json!({"stageName": "dev", "deploymentId": "nope"}));
    assert_eq!(nowhere.refused(), (404, "NotFoundException".to_owned()));
    let named = client.rest("POST", &path, json!({"stageName": "a b", "deploymentId": id}));
    assert_eq!(named.refused().0, 400);
    assert_eq!(client.rest("POST", &path, json!({"stageName": "dev", "deploymentId": id})).status, 201);
}

/// Deleting a stage takes its association along. (inferred)
#[test]
fn a_deleted_stage_leaves_no_association() {
    let mut client = Client::new();
    let api = client.api();
    let acl = client.web_acl("acl", json!([]));
    let arn = format!("arn:aws:apigateway:eu-central-1::{}", stage_path(&api));
    client.waf("AssociateWebACL", json!({"WebACLArn": acl["ARN"], "ResourceArn": arn})).ok();
    assert_eq!(client.rest("DELETE", &stage_path(&api), Value::Null).status, 202);
    let input = json!({"WebACLArn": acl["ARN"], "ResourceType": "API_GATEWAY"});
    assert_eq!(client.waf("ListResourcesForWebACL", input).ok()["ResourceArns"], json!([]));
    assert_eq!(client.get(&stage_path(&api)).refused().0, 404);
}
