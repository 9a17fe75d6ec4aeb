//! `GetExport`: what a stage has deployed.

use serde_json::{Value, json};

use crate::client::Client;

const ALL: &str = "oas30?extensions=integrations,authorizers";

fn close(client: &mut Client, api: &str) {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/prod/*"}]});
    let patch = json!([{"op": "replace", "path": "/policy", "value": policy.to_string()}]);
    client.patch(&format!("/restapis/{api}"), patch).ok();
}

/// An export is of a stage's deployment, not of the draft. (documented: service model)
#[test]
fn an_export_shows_the_deployment_and_not_the_draft() {
    let mut client = Client::new();
    let api = client.api();
    let before = client.export(&api, "prod", ALL);
    client.put_get(&api, json!({"authorizationType": "AWS_IAM"})).ok();
    close(&mut client, &api);
    assert_eq!(client.export(&api, "prod", ALL), before);
    client.rest("POST", &format!("/restapis/{api}/deployments"), json!({"stageName": "prod"})).ok();
    let after = client.export(&api, "prod", ALL);
    assert_eq!(after["paths"]["/login"]["get"]["security"], json!([{"sigv4": []}]));
    assert!(before.get("x-amazon-apigateway-policy").is_none());
}

/// The body is the document itself, as a file with a name and a type. (documented: service model; which is unverified)
#[test]
fn an_export_is_a_file() {
    let mut client = Client::new();
    let api = client.api();
    let answer = client.get(&format!("/restapis/{api}/stages/prod/exports/oas30"));
    assert_eq!(answer.headers["content-type"], "application/octet-stream");
    let name = answer.headers["content-disposition"].to_str().unwrap().to_owned();
    assert!(name.starts_with("attachment; filename=\"oas30_") && name.ends_with(".json\""), "{name}");
    assert_eq!(answer.body["openapi"], "3.0.1");
    assert_eq!(answer.body["servers"][0]["variables"]["basePath"]["default"], "/prod");
    let swagger = client.export(&api, "prod", "swagger");
    assert_eq!((&swagger["swagger"], &swagger["basePath"]), (&json!("2.0"), &json!("/prod")));
    assert_eq!(client.get(&format!("/restapis/{api}/stages/prod/exports/raml")).refused().0, 400);
    assert_eq!(client.get(&format!("/restapis/{api}/stages/none/exports/oas30")).refused().0, 404);
}

/// Integrations come when they are asked for, by either name; types in small letters. (documented: service model; the
/// letters are inferred from published exports)
#[test]
fn integrations_come_on_request() {
    let mut client = Client::new();
    let api = client.draft();
    let path = format!("/restapis/{api}/resources/{}/methods/POST/integration", client.resource(&api, "/login"));
    let input = json!({"type": "HTTP_PROXY", "httpMethod": "POST", "uri": "https://x.example/${stageVariables.to}",
        "cacheKeyParameters": ["method.request.querystring.q"]});
    client.rest("PUT", &path, input).ok();
    client.rest("POST", &format!("/restapis/{api}/deployments"), json!({"stageName": "prod"})).ok();
    let name = "x-amazon-apigateway-integration";
    assert!(client.export(&api, "prod", "oas30")["paths"]["/login"]["post"].get(name).is_none());
    assert!(client.export(&api, "prod", "oas30?extensions=authorizers")["paths"]["/login"]["post"].get(name).is_none());
    for asked in ["integrations", "apigateway", "integrations,authorizers"] {
        let shown = client.export(&api, "prod", &format!("oas30?extensions={asked}"));
        let shown = &shown["paths"]["/login"]["post"][name];
        assert_eq!((&shown["type"], &shown["passthroughBehavior"]), (&json!("http_proxy"), &json!("when_no_match")));
        assert_eq!(shown["uri"], "https://x.example/${stageVariables.to}");
        assert_eq!(shown["cacheKeyParameters"], json!(["method.request.querystring.q"]));
    }
}

/// Authorizers are security schemes, and their own settings come on request. (documented: service model; form inferred
/// from published exports)
#[test]
fn authorizers_are_security_schemes() {
    let mut client = Client::new();
    let api = client.draft();
    let id = client.authorizer(&api);
    let method = json!({"authorizationType": "CUSTOM", "authorizerId": id, "apiKeyRequired": true});
    client.put_get(&api, method).ok();
    client.rest("POST", &format!("/restapis/{api}/deployments"), json!({"stageName": "prod"})).ok();
    let shown = client.export(&api, "prod", ALL);
    assert_eq!(shown["paths"]["/login"]["get"]["security"], json!([{"tokens": []}, {"api_key": []}]));
    let scheme = &shown["components"]["securitySchemes"]["tokens"];
    assert_eq!((&scheme["name"], &scheme["x-amazon-apigateway-authtype"]), (&json!("Authorization"), &json!("custom")));
    assert_eq!(scheme["x-amazon-apigateway-authorizer"]["type"], "token");
    assert_eq!(scheme["x-amazon-apigateway-authorizer"]["authorizerResultTtlInSeconds"], 300);
    let plain = client.export(&api, "prod", "oas30?extensions=integrations");
    assert!(plain["components"]["securitySchemes"]["tokens"].get("x-amazon-apigateway-authorizer").is_none());
    let swagger = client.export(&api, "prod", "swagger");
    assert_eq!(swagger["securityDefinitions"]["api_key"]["name"], "x-api-key");
}

/// The deployed policy comes with the extensions, as an object. (inferred: published exports have it; AWS does not
/// say.) A range can be told that it does not.
#[test]
fn the_policy_comes_with_the_extensions_unless_switched_off() {
    let mut client = Client::new();
    let api = client.draft();
    close(&mut client, &api);
    client.rest("POST", &format!("/restapis/{api}/deployments"), json!({"stageName": "prod"})).ok();
    let policy = |client: &mut Client, query: &str| {
        client.export(&api, "prod", query).get("x-amazon-apigateway-policy").map(|policy| policy["Statement"].clone())
    };
    let arn = format!("arn:aws:execute-api:eu-central-1:123456789012:{api}/prod/*");
    assert_eq!(policy(&mut client, ALL).unwrap()[0]["Resource"], Value::from(arn));
    assert_eq!(policy(&mut client, "oas30"), None);
    client.range.account_mut().gateway.export_carries_policy = false;
    assert_eq!(policy(&mut client, ALL), None);
}

/// Two stages on one deployment export the same but for what names the stage. (inferred)
#[test]
fn two_stages_on_one_deployment_differ_in_their_base_path_only() {
    let mut client = Client::new();
    let api = client.api();
    let id = client.get(&format!("/restapis/{api}/stages/prod")).ok()["deploymentId"].clone();
    client.rest("POST", &format!("/restapis/{api}/stages"), json!({"stageName": "dev", "deploymentId": id})).ok();
    let (mut prod, mut dev) = (client.export(&api, "prod", ALL), client.export(&api, "dev", ALL));
    assert_ne!(prod, dev);
    for export in [&mut prod, &mut dev] {
        export["servers"] = Value::Null;
    }
    assert_eq!(prod, dev);
}
