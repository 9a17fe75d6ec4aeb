//! HTTP APIs.

use serde_json::{Value, json};

use crate::client::Client;

/// An HTTP API with `GET /pets` and stage `$default`; gives its id.
fn api(client: &mut Client) -> String {
    let made = client.rest("POST", "/v2/apis", json!({"name": "pets", "protocolType": "HTTP"})).ok();
    let id = made["apiId"].as_str().unwrap().to_owned();
    client.rest("POST", &format!("/v2/apis/{id}/routes"), json!({"routeKey": "GET /pets"})).ok();
    client.rest("POST", &format!("/v2/apis/{id}/stages"), json!({"stageName": "$default", "autoDeploy": true})).ok();
    id
}

fn stage(id: &str) -> String {
    format!("/v2/apis/{id}/stages/$default")
}

/// Members have small first letters, times are text, lists are `items`. (documented: service model)
#[test]
fn answers_have_the_form_of_the_service_model() {
    let mut client = Client::new();
    let id = api(&mut client);
    let all = client.get("/v2/apis").ok();
    assert_eq!((&all["items"][0]["apiId"], &all["items"][0]["protocolType"]), (&json!(id), &json!("HTTP")));
    assert_eq!(all["items"][0]["createdDate"], "2026-03-01T03:00:00Z");
    assert_eq!(client.get(&format!("/v2/apis/{id}/routes")).ok()["items"][0]["routeKey"], "GET /pets");
    let integration = json!({"integrationType": "HTTP_PROXY", "integrationUri": "https://x.example"});
    let made = client.rest("POST", &format!("/v2/apis/{id}/integrations"), integration).ok();
    assert!(made["integrationId"].is_string() && made.get("apiId").is_none());
    assert_eq!(client.get("/v2/apis/nope").refused(), (404, "NotFoundException".to_owned()));
    assert!(client.get("/restapis").ok()["item"].as_array().unwrap().is_empty(), "no REST API");
}

/// A route's key is a method and a path, or `$default`, and there once. (documented: developer guide)
#[test]
fn a_route_key_is_a_method_and_a_path_and_there_once() {
    let mut client = Client::new();
    let id = api(&mut client);
    let mut put = |key: &str| client.rest("POST", &format!("/v2/apis/{id}/routes"), json!({"routeKey": key})).status;
    assert_eq!(
        [put("POST /pets"), put("$default"), put("GET /pets"), put("pets"), put("FETCH /pets")],
        [201, 201, 409, 400, 400]
    );
}

/// Limits that were never written are absent. A settings object replaces the one before, and what it leaves out becomes
/// 0. (absence: crate; the outage: inferred from users' reports)
#[test]
fn a_limit_that_is_left_out_becomes_zero() {
    let mut client = Client::new();
    let id = api(&mut client);
    let fresh = client.get(&stage(&id)).ok();
    assert!(fresh["defaultRouteSettings"].get("throttlingRateLimit").is_none());
    let both = json!({"defaultRouteSettings": {"throttlingRateLimit": 50.5, "throttlingBurstLimit": 20}});
    let set = client.rest("PATCH", &stage(&id), both).ok();
    assert_eq!(set["defaultRouteSettings"]["throttlingRateLimit"].as_f64(), Some(50.5));
    let one = json!({"defaultRouteSettings": {"throttlingRateLimit": 60}});
    let set = client.rest("PATCH", &stage(&id), one).ok();
    assert_eq!(set["defaultRouteSettings"]["throttlingBurstLimit"], 0, "an outage");
    let untouched = client.rest("PATCH", &stage(&id), json!({"description": "x"})).ok();
    assert_eq!(untouched["defaultRouteSettings"]["throttlingRateLimit"].as_f64(), Some(60.0));
}

/// A route's settings are set by its key and cleared by `DeleteRouteSettings`; a route that there is not is refused.
/// (documented: service model; that entries are replaced one by one is inferred)
#[test]
fn settings_of_a_route_come_and_go() {
    let mut client = Client::new();
    let id = api(&mut client);
    client.rest("POST", &format!("/v2/apis/{id}/routes"), json!({"routeKey": "POST /pets"})).ok();
    let of = |key: &str| json!({"routeSettings": {key: {"throttlingRateLimit": 5, "throttlingBurstLimit": 5}}});
    client.rest("PATCH", &stage(&id), of("GET /pets")).ok();
    let set = client.rest("PATCH", &stage(&id), of("POST /pets")).ok();
    assert_eq!(set["routeSettings"].as_object().unwrap().len(), 2);
    assert_eq!(client.rest("PATCH", &stage(&id), of("GET /cats")).refused().0, 404);
    let path = format!("{}/routesettings/GET%20%2Fpets", stage(&id));
    assert_eq!(client.rest("DELETE", &path, Value::Null).status, 204);
    let left = client.get(&stage(&id)).ok()["routeSettings"].clone();
    assert_eq!(left.as_object().unwrap().keys().collect::<Vec<_>>(), ["POST /pets"]);
    assert_eq!(client.rest("DELETE", &path, Value::Null).refused().0, 404);
}

/// A managed stage is not changed. (documented: service model; the error is unverified)
#[test]
fn a_managed_stage_is_not_changed() {
    let mut client = Client::new();
    let id = api(&mut client);
    client.range.account_mut().edit_http_stage(&id, "$default", |stage| stage.managed = true).unwrap();
    assert_eq!(client.get(&stage(&id)).ok()["apiGatewayManaged"], true);
    let patch = json!({"description": "x"});
    assert_eq!(client.rest("PATCH", &stage(&id), patch).refused(), (400, "BadRequestException".to_owned()));
}

/// Both kinds of API share the control plane's quota. (inferred: it is the control plane's as a whole)
#[test]
fn both_kinds_share_the_quota() {
    let mut client = Client::new();
    client.range.set_quotas(true);
    assert!((0..20).all(|_| client.get("/account").status == 200 && client.get("/v2/apis").status == 200));
    assert_eq!(client.get("/v2/apis").refused(), (429, "TooManyRequestsException".to_owned()));
}
