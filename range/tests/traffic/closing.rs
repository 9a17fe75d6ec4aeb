//! The resource policy acts when it is deployed, and not before.

use super::*;

const CLOSED: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"},
    {"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/prod/*",
     "Condition":{"NotIpAddress":{"aws:SourceIp":["198.18.0.0/16"]}}}]}"#;

/// Deploys the draft to a stage.
fn deploy(range: &mut Range, stage: &str) {
    let id = api(range, "shop");
    let account = range.account_mut();
    let deployment = account.create_deployment(&id, None).unwrap();
    let snapshot = account.gateway.apis[&id].deployments[&deployment].snapshot.clone();
    account
        .edit_stage(&id, stage, |stage| {
            stage.deployment_id = deployment;
            stage.snapshot = snapshot;
        })
        .unwrap();
}

#[test]
fn a_draft_policy_changes_nothing_and_a_deployed_one_closes() {
    let mut range = sqli_flood(4);
    let id = api(&range, "shop");
    range.account_mut().gateway.apis.get_mut(&id).unwrap().draft.policy = Some(CLOSED.to_owned());
    after(&mut range, 1);
    assert_eq!(range.truth().stage(PROD, last_minute(&range)).denied, 0, "a draft does nothing");
    deploy(&mut range, "prod");
    after(&mut range, 2);
    let at = last_minute(&range);
    let botnet = range.truth().population(PROD, "botnet", at);
    assert_eq!(botnet.denied, botnet.requests);
    let customers = range.truth().population(PROD, "customers", at);
    let kept = 1.0 - customers.denied as f64 / customers.requests as f64;
    assert!((0.3..0.6).contains(&kept), "900 of 2,000 customers are let in: {kept}");
    assert_eq!(range.truth().stage("shop/dev", at).denied, 0, "dev points at the old deployment");
    assert_eq!(whole(gateway(&range, "4XXError", at).sum), range.truth().stage(PROD, at).status_4xx());
}

#[test]
fn a_policy_for_prod_proves_nothing_on_dev() {
    let mut range = sqli_flood(0);
    let id = api(&range, "shop");
    range.account_mut().gateway.apis.get_mut(&id).unwrap().draft.policy = Some(CLOSED.to_owned());
    deploy(&mut range, "dev");
    after(&mut range, 2);
    assert_eq!(range.truth().stage("shop/dev", last_minute(&range)).denied, 0);
}

#[test]
fn taking_the_web_acl_off_opens_the_stage_to_what_it_blocked() {
    let mut range = sqli_flood(4);
    write_blocklist(&mut range, &["203.0.113.0/25"]);
    after(&mut range, 2);
    assert!(range.truth().stage(PROD, last_minute(&range)).waf_blocked > 0);
    let id = api(&range, "shop");
    let arn = range.account().stage_arn(&id, "prod");
    range.account_mut().associate(&arn, None);
    after(&mut range, 2);
    let at = last_minute(&range);
    assert_eq!(range.truth().stage(PROD, at).waf_blocked, 0);
    assert_eq!(waf(&range, "AllowedRequests", "ALL", at), 0);
}

/// A stage that is pointed at another deployment serves the old one for some seconds: a probe must wait, and pointing
/// back takes as long. (inferred: seen for stage settings within 3 to 10 s)
#[test]
fn pointing_a_stage_reaches_callers_within_ten_seconds() {
    let mut range = sqli_flood(0);
    let id = api(&range, "shop");
    range.account_mut().gateway.apis.get_mut(&id).unwrap().draft.policy = Some(CLOSED.to_owned());
    let closed = range.account_mut().create_deployment(&id, Some("proof")).unwrap();
    let open = range.account().gateway.apis[&id].stage("prod").unwrap().deployment_id.clone();
    let probe = |range: &mut Range, seconds: i64| {
        let at = range.now() + Duration::seconds(seconds);
        let uri = format!("/restapis/{id}/prod/_user_request_/products");
        let request = http::Request::get(uri).body(bytes::Bytes::new()).unwrap();
        match range.handle(request, Some("192.0.2.9".parse().unwrap()), at) {
            portcullis_range::Reply::Response(response) => response.status().as_u16(),
            other => panic!("{other:?}"),
        }
    };
    for (deployment, before, after) in [(&closed, 200, 403), (&open, 403, 200)] {
        let patch = serde_json::json!({"restApiId": id, "stageName": "prod", "patchOperations": [
            {"op": "replace", "path": "/deploymentId", "value": deployment}]});
        range.account_mut().act("oncall", "apigateway", "UpdateStage", patch).unwrap();
        assert_eq!([probe(&mut range, 0), probe(&mut range, 2), probe(&mut range, 8)], [before, before, after]);
    }
}
