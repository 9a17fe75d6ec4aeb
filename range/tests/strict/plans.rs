//! Usage plans and API keys.

use serde_json::{Value, json};

use crate::client::Client;

/// A plan for stage `prod` of a new API; gives both ids.
fn plan(client: &mut Client) -> (String, String) {
    let api = client.api();
    let input = json!({
        "name": "partners", "throttle": {"rateLimit": 5, "burstLimit": 10},
        "apiStages": [{"apiId": api, "stage": "prod", "throttle": {"/login/POST": {"rateLimit": 1, "burstLimit": 2}}}],
    });
    let made = client.rest("POST", "/usageplans", input).ok();
    (api, made["id"].as_str().unwrap().to_owned())
}

/// A plan answers what it was made of; its stages must be there. (documented: service model; that is seen in the wild)
#[test]
fn a_plan_is_made_of_stages_that_there_are() {
    let mut client = Client::new();
    let (api, id) = plan(&mut client);
    let shown = client.get(&format!("/usageplans/{id}")).ok();
    assert_eq!(shown["throttle"]["rateLimit"].as_f64(), Some(5.0));
    assert_eq!(shown["apiStages"][0]["throttle"]["/login/POST"]["burstLimit"], 2);
    let input = json!({"name": "x", "apiStages": [{"apiId": api, "stage": "none"}]});
    assert_eq!(client.rest("POST", "/usageplans", input).refused(), (404, "NotFoundException".to_owned()));
    assert_eq!(client.get("/usageplans").ok()["item"].as_array().unwrap().len(), 1);
    assert_eq!(client.get("/usageplans/nope00").refused().0, 404);
}

/// Limits are patched one by one, of all methods or of one; a method's path has its slashes escaped. (documented: CLI
/// examples, service model; the form of a method's path is unverified)
#[test]
fn limits_are_patched_one_by_one() {
    let mut client = Client::new();
    let (api, id) = plan(&mut client);
    let of = |member: &str| format!("/apiStages/{api}:prod/throttle/{member}");
    let patch = json!([
        {"op": "replace", "path": "/throttle/rateLimit", "value": "7"},
        {"op": "replace", "path": of("~1login/POST/rateLimit"), "value": "0"},
        {"op": "add", "path": of("~1search/GET/burstLimit"), "value": "3"},
    ]);
    let shown = client.patch(&format!("/usageplans/{id}"), patch).ok();
    assert_eq!((shown["throttle"]["rateLimit"].as_f64(), &shown["throttle"]["burstLimit"]), (Some(7.0), &json!(10)));
    let methods = &shown["apiStages"][0]["throttle"];
    assert_eq!(methods["/login/POST"]["rateLimit"].as_f64(), Some(0.0));
    assert_eq!(methods["/search/GET"]["burstLimit"], 3);
    let remove = json!([{"op": "remove", "path": of("~1search/GET")}]);
    let shown = client.patch(&format!("/usageplans/{id}"), remove).ok();
    assert!(shown["apiStages"][0]["throttle"].get("/search/GET").is_none());
    let bad = json!([{"op": "replace", "path": "/throttle/rateLimit", "value": "fast"}]);
    assert_eq!(client.patch(&format!("/usageplans/{id}"), bad).refused().0, 400);
}

/// Values of keys are shown on request only; a value has 20 characters or more. (documented: service model, developer
/// guide)
#[test]
fn values_of_keys_are_shown_on_request() {
    let mut client = Client::new();
    let made = client.rest("POST", "/apikeys", json!({"name": "partner", "enabled": true})).ok();
    assert_eq!(made["value"].as_str().unwrap().len(), 40);
    let shown =
        |client: &mut Client, query: &str| client.get(&format!("/apikeys{query}")).ok()["item"][0]["value"].clone();
    assert_eq!(shown(&mut client, ""), Value::Null);
    assert_eq!(shown(&mut client, "?includeValues=true&name=part"), made["value"]);
    let short = client.rest("POST", "/apikeys", json!({"name": "x", "value": "short"}));
    assert_eq!(short.refused(), (400, "BadRequestException".to_owned()));
    let path = format!("/apikeys/{}", made["id"].as_str().unwrap());
    let off = client.patch(&path, json!([{"op": "replace", "path": "/enabled", "value": "false"}])).ok();
    assert_eq!(off["enabled"], false);
}

/// A key joins a plan once. (seen in the wild)
#[test]
fn a_key_joins_a_plan_once() {
    let mut client = Client::new();
    let (_, id) = plan(&mut client);
    let key = client.rest("POST", "/apikeys", json!({"name": "partner", "enabled": true})).ok()["id"].clone();
    let path = format!("/usageplans/{id}/keys");
    let made = client.rest("POST", &path, json!({"keyId": key, "keyType": "API_KEY"})).ok();
    assert_eq!((&made["type"], &made["name"]), (&json!("API_KEY"), &json!("partner")));
    let again = client.rest("POST", &path, json!({"keyId": key, "keyType": "API_KEY"}));
    assert_eq!(again.refused(), (409, "ConflictException".to_owned()));
    assert_eq!(client.get(&path).ok()["item"].as_array().unwrap().len(), 1);
    let by_key = client.get(&format!("/usageplans?keyId={}", key.as_str().unwrap())).ok();
    assert_eq!(by_key["item"][0]["id"], json!(id));
}

/// `UpdateUsagePlan`: one in twenty seconds. (documented: quotas)
#[test]
fn a_plan_is_updated_once_in_twenty_seconds() {
    let mut client = Client::new();
    let (_, id) = plan(&mut client);
    client.range.set_quotas(true);
    let patch = json!([{"op": "replace", "path": "/description", "value": "x"}]);
    let mut status = |wait| {
        client.wait(wait);
        client.patch(&format!("/usageplans/{id}"), patch.clone()).status
    };
    assert_eq!([status(0), status(19), status(1)], [200, 429, 200]);
}

/// `GetAccount` tells the account's limits. (documented: service model)
#[test]
fn the_account_tells_its_limits() {
    let mut client = Client::new();
    let shown = client.get("/account").ok()["throttleSettings"].clone();
    assert_eq!((shown["rateLimit"].as_f64(), &shown["burstLimit"]), (Some(10_000.0), &json!(5_000)));
}
