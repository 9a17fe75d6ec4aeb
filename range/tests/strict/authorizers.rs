//! Authorizers and the methods that name them.

use serde_json::json;

use crate::client::Client;

/// Each kind has what it needs, or is refused; names are unique in their API. (documented: service model; that names
/// are unique is seen in the wild)
#[test]
fn an_authorizer_has_what_its_kind_needs() {
    let mut client = Client::new();
    let api = client.draft();
    let path = format!("/restapis/{api}/authorizers");
    let (uri, source, arn) = (
        "arn:aws:apigateway:eu-central-1:lambda:path/x",
        "method.request.header.Authorization",
        "arn:aws:cognito-idp:x",
    );
    for (input, status) in [
        (json!({"name": "a", "type": "TOKEN", "authorizerUri": uri, "identitySource": source}), 201),
        (json!({"name": "a", "type": "TOKEN", "authorizerUri": uri, "identitySource": source}), 400),
        (json!({"name": "b", "type": "TOKEN", "authorizerUri": uri}), 400),
        (json!({"name": "c", "type": "TOKEN", "identitySource": source}), 400),
        (json!({"name": "d", "type": "REQUEST", "authorizerUri": uri}), 400),
        (json!({"name": "e", "type": "REQUEST", "authorizerUri": uri, "authorizerResultTtlInSeconds": 0}), 201),
        (json!({"name": "f", "type": "COGNITO_USER_POOLS", "providerARNs": [arn], "identitySource": source}), 201),
        (json!({"name": "g", "type": "COGNITO_USER_POOLS", "identitySource": source}), 400),
        (json!({"name": "h", "type": "JWT"}), 400),
        (
            json!({"name": "i", "type": "TOKEN", "authorizerUri": uri, "identitySource": source,
            "authorizerResultTtlInSeconds": 3_601}),
            400,
        ),
    ] {
        assert_eq!(client.rest("POST", &path, input.clone()).status, status, "{input}");
    }
    let all = client.get(&path).ok()["item"].as_array().unwrap().clone();
    let mut names: Vec<&str> = all.iter().map(|item| item["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "e", "f"]);
    let one = all.iter().find(|item| item["name"] == "a").unwrap();
    assert_eq!(client.get(&format!("{path}/{}", one["id"].as_str().unwrap())).ok(), *one);
    assert_eq!((&one["authType"], &one["authorizerResultTtlInSeconds"]), (&json!("custom"), &json!(300)));
    assert_eq!(client.get(&format!("{path}/nope00")).refused(), (404, "NotFoundException".to_owned()));
}

/// `CUSTOM` and `COGNITO_USER_POOLS` name an authorizer that there is, of the right kind. (seen in the wild)
#[test]
fn a_method_names_an_authorizer_that_fits() {
    let mut client = Client::new();
    let api = client.draft();
    let id = client.authorizer(&api);
    for bad in [
        json!({"authorizationType": "CUSTOM"}),
        json!({"authorizationType": "CUSTOM", "authorizerId": "nope00"}),
        json!({"authorizationType": "COGNITO_USER_POOLS", "authorizerId": id}),
    ] {
        assert_eq!(client.put_get(&api, bad.clone()).refused(), (400, "BadRequestException".to_owned()), "{bad}");
    }
    let made = client.put_get(&api, json!({"authorizationType": "CUSTOM", "authorizerId": id})).ok();
    assert_eq!((&made["authorizationType"], &made["authorizerId"]), (&json!("CUSTOM"), &json!(id)));
}

/// An authorizer acts when it is deployed. (documented: developer guide, updates that require redeployment)
#[test]
fn an_authorizer_is_part_of_the_deployment() {
    let mut client = Client::new();
    let api = client.draft();
    let id = client.authorizer(&api);
    client.put_get(&api, json!({"authorizationType": "CUSTOM", "authorizerId": id})).ok();
    client.rest("POST", &format!("/restapis/{api}/deployments"), json!({"stageName": "prod"})).ok();
    client.range.account_mut().gateway.apis.get_mut(&api).unwrap().draft.authorizers.clear();
    let shown = client.export(&api, "prod", "oas30?extensions=authorizers");
    assert!(shown["components"]["securitySchemes"]["tokens"].is_object());
}
