//! APIs, resources, policies.

use serde_json::{Value, json};

use crate::client::Client;

fn policy_of(answer: &Value) -> Value {
    let escaped = answer["policy"].as_str().unwrap();
    let plain: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
    serde_json::from_str(&plain).unwrap()
}

fn set_policy(client: &mut Client, api: &str, policy: &str) -> crate::client::Answer {
    client.patch(&format!("/restapis/{api}"), json!([{"op": "replace", "path": "/policy", "value": policy}]))
}

/// The policy is answered escaped once more than JSON does; slashes too. (inferred: Terraform's provider, a public
/// emulator's issue)
#[test]
fn the_policy_is_answered_escaped_twice() {
    let mut client = Client::new();
    let api = client.draft();
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/prod/POST/login"}]});
    let answer = set_policy(&mut client, &api, &policy.to_string()).ok();
    assert!(answer["policy"].as_str().unwrap().starts_with(r#"{\"Version\":\"2012-10-17\""#));
    assert!(answer["policy"].as_str().unwrap().contains(r"\/prod\/POST\/login"));
    let read = client.get(&format!("/restapis/{api}")).ok();
    assert_eq!(policy_of(&read)["Statement"][0]["Effect"], "Deny");
}

/// A short `execute-api:/…` resource comes back as an ARN. (documented: developer guide)
#[test]
fn short_resources_come_back_as_arns() {
    let mut client = Client::new();
    let api = client.draft();
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": ["execute-api:/*"]}]});
    let answer = set_policy(&mut client, &api, &policy.to_string()).ok();
    let arn = format!("arn:aws:execute-api:eu-central-1:123456789012:{api}/*");
    assert_eq!(policy_of(&answer)["Statement"][0]["Resource"], json!([arn]));
}

/// Empty text clears the policy. (inferred: Terraform's provider)
#[test]
fn empty_text_clears_the_policy() {
    let mut client = Client::new();
    let api = client.draft();
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
    assert!(set_policy(&mut client, &api, policy).ok().get("policy").is_some());
    assert!(set_policy(&mut client, &api, "").ok().get("policy").is_none());
}

/// What is not a policy is refused, and so is one of more than 8,192 characters. (documented: quotas; wording seen in
/// the wild)
#[test]
fn a_policy_that_is_none_or_too_long_is_refused() {
    let mut client = Client::new();
    let api = client.draft();
    for bad in ["{", "[]", r#"{"Statement":[{"Effect":"Maybe","Principal":"*"}]}"#] {
        assert_eq!(set_policy(&mut client, &api, bad).refused(), (400, "BadRequestException".to_owned()), "{bad}");
    }
    let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "x".repeat(8_192)});
    let long = json!({"Statement": [statement]}).to_string();
    assert_eq!(set_policy(&mut client, &api, &long).refused().0, 400);
}

/// `limit` and `position` page; an unknown API is 404. (documented: service model)
#[test]
fn lists_are_paged_by_position() {
    let mut client = Client::new();
    for number in 0..5 {
        client.rest("POST", "/restapis", json!({"name": format!("api-{number}")})).ok();
    }
    let (mut seen, mut path) = (0, "/restapis?limit=2".to_owned());
    loop {
        let page = client.get(&path).ok();
        let items = page["item"].as_array().unwrap().len();
        assert!(items <= 2);
        seen += items;
        let Some(position) = page.get("position") else { break };
        path = format!("/restapis?limit=2&position={}", position.as_str().unwrap());
    }
    assert_eq!(seen, 5);
    assert_eq!(client.get("/restapis/aaaaaaaaaa").refused(), (404, "NotFoundException".to_owned()));
}

/// Two APIs may have the same name. (documented: developer guide)
#[test]
fn names_of_apis_are_not_unique() {
    let mut client = Client::new();
    let one = client.rest("POST", "/restapis", json!({"name": "shop"})).ok();
    let two = client.rest("POST", "/restapis", json!({"name": "shop"})).ok();
    assert_ne!(one["id"], two["id"]);
    assert_eq!(one["id"].as_str().unwrap().len(), 10);
}

/// Methods come with resources only when they are asked for. (documented: service model)
#[test]
fn resources_embed_methods_on_request() {
    let mut client = Client::new();
    let api = client.draft();
    let find = |page: Value| {
        let items = page["item"].as_array().unwrap().clone();
        items.into_iter().find(|item| item["path"] == "/login").unwrap()
    };
    let plain = find(client.get(&format!("/restapis/{api}/resources")).ok());
    assert_eq!(plain["resourceMethods"], json!({"POST": {}}));
    let full = find(client.get(&format!("/restapis/{api}/resources?embed=methods")).ok());
    assert_eq!(full["resourceMethods"]["POST"]["authorizationType"], "NONE");
    assert_eq!(full["resourceMethods"]["POST"]["methodIntegration"]["type"], "MOCK");
}

/// A method or a sibling resource that exists already is a conflict. (seen in the wild)
#[test]
fn what_exists_already_is_a_conflict() {
    let mut client = Client::new();
    let api = client.draft();
    let items = client.get(&format!("/restapis/{api}/resources")).ok()["item"].clone();
    let of = |path: &str| {
        let found = items.as_array().unwrap().iter().find(|item| item["path"] == path).unwrap();
        found["id"].as_str().unwrap().to_owned()
    };
    let twin = client.rest("POST", &format!("/restapis/{api}/resources/{}", of("/")), json!({"pathPart": "login"}));
    assert_eq!(twin.refused(), (409, "ConflictException".to_owned()));
    let method = format!("/restapis/{api}/resources/{}/methods/POST", of("/login"));
    let again = client.rest("PUT", &method, json!({"authorizationType": "NONE"}));
    assert_eq!(again.refused().0, 409);
}

/// `disableExecuteApiEndpoint` takes effect with the next stage update, on any stage. (documented: developer guide)
#[test]
fn a_disabled_endpoint_takes_effect_with_a_stage_update() {
    let mut client = Client::new();
    let api = client.api();
    let patch = json!([{"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "true"}]);
    assert_eq!(client.patch(&format!("/restapis/{api}"), patch).ok()["disableExecuteApiEndpoint"], true);
    assert!(!client.range.account().gateway.apis[&api].execute_api_endpoint_disabled);
    let unrelated = json!([{"op": "replace", "path": "/variables/a", "value": "b"}]);
    client.patch(&format!("/restapis/{api}/stages/prod"), unrelated).ok();
    assert!(client.range.account().gateway.apis[&api].execute_api_endpoint_disabled);
}

/// Tags are read and written by ARN, percent-encoded in the path. (documented: service model)
#[test]
fn tags_are_kept_by_arn() {
    let mut client = Client::new();
    let api = client.api();
    let path = format!("/tags/arn%3Aaws%3Aapigateway%3Aeu-central-1%3A%3A%2Frestapis%2F{api}%2Fstages%2Fprod");
    assert_eq!(client.rest("PUT", &path, json!({"tags": {"owner": "shop"}})).status, 204);
    assert_eq!(client.get(&path).ok(), json!({"tags": {"owner": "shop"}}));
    assert_eq!(client.get(&format!("/restapis/{api}/stages/prod")).ok()["tags"]["owner"], "shop");
}
