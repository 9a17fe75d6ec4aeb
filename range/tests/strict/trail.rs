//! `CloudTrail`: who did what, some minutes later.

use portcullis_range::{Fault, When};
use serde_json::{Value, json};

use crate::client::{Client, naming, waf_request};

fn names(answer: &Value) -> Vec<&str> {
    answer["Events"].as_array().unwrap().iter().map(|event| event["EventName"].as_str().unwrap()).collect()
}

/// What a filter finds, newest first.
fn found(client: &mut Client, key: &str, value: &str) -> Value {
    client.trail(json!({"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]})).ok()
}

/// Events are there some five minutes after the call, newest first. (documented: user guide, service model; the delay
/// is an average, just five minutes here)
#[test]
fn events_come_five_minutes_later_and_newest_first() {
    let mut client = Client::new();
    client.api();
    client.wait(299);
    assert_eq!(names(&client.trail(json!({})).ok()), Vec::<&str>::new());
    client.wait(1);
    let all = client.trail(json!({})).ok();
    assert_eq!(names(&all).first(), Some(&"CreateDeployment"));
    assert_eq!(names(&all).last(), Some(&"CreateRestApi"));
}

/// One attribute at most; what it is about is checked, and so are times and sizes. (documented: service model)
#[test]
fn one_attribute_filters() {
    let mut client = Client::new();
    let api = client.api();
    client.ip_set("list", "IPV4", &[]);
    client.wait(300);
    assert_eq!(names(&found(&mut client, "EventSource", "wafv2.amazonaws.com")), ["CreateIPSet"]);
    assert_eq!(names(&found(&mut client, "EventName", "PutMethod")), ["PutMethod"]);
    assert_eq!(names(&found(&mut client, "ReadOnly", "true")), Vec::<&str>::new());
    assert_eq!(names(&found(&mut client, "ResourceName", &api)).len(), 4);
    let two = json!([{"AttributeKey": "EventName", "AttributeValue": "x"}, {"AttributeKey": "Username", "AttributeValue": "y"}]);
    let refused = client.trail(json!({"LookupAttributes": two}));
    assert_eq!(refused.refused(), (400, "InvalidLookupAttributesException".to_owned()));
    let unknown = json!([{"AttributeKey": "Colour", "AttributeValue": "x"}]);
    assert_eq!(client.trail(json!({"LookupAttributes": unknown})).refused().1, "InvalidLookupAttributesException");
    assert_eq!(client.trail(json!({"StartTime": 2, "EndTime": 1})).refused().1, "InvalidTimeRangeException");
    assert_eq!(client.trail(json!({"MaxResults": 51})).refused().1, "InvalidMaxResultsException");
    assert_eq!(client.trail(json!({"NextToken": "x"})).refused().1, "InvalidNextTokenException");
}

/// Fifty a page, the rest by token. (documented: service model)
#[test]
fn pages_have_fifty_events() {
    let mut client = Client::new();
    for _ in 0..60 {
        client.get("/account").ok();
    }
    client.wait(300);
    let first = client.trail(json!({})).ok();
    assert_eq!(names(&first).len(), 50);
    let rest = client.trail(json!({"NextToken": first["NextToken"]})).ok();
    assert_eq!(names(&rest).len(), 10);
    assert!(rest.get("NextToken").is_none());
}

/// An event says who, what and with which parameters; a refusal has its error. (documented: record contents; where API
/// Gateway puts a call's body is inferred from published events)
#[test]
fn an_event_says_who_and_what() {
    let mut client = Client::new();
    let api = client.api();
    let patch = json!([{"op": "replace", "path": "/description", "value": "x"}]);
    client.patch(&format!("/restapis/{api}/stages/prod"), patch.clone()).ok();
    client.patch(&format!("/restapis/{api}/stages/none"), patch.clone()).refused();
    client.wait(300);
    let events = found(&mut client, "EventName", "UpdateStage");
    let record = |at: usize| -> Value {
        serde_json::from_str(events["Events"][at]["CloudTrailEvent"].as_str().unwrap()).unwrap()
    };
    assert_eq!(record(0)["errorCode"], "NotFoundException");
    let good = record(1);
    assert!(good.get("errorCode").is_none());
    assert_eq!(good["eventSource"], "apigateway.amazonaws.com");
    assert_eq!(good["userIdentity"]["userName"], "oncall");
    let parameters = json!({"restApiId": api, "stageName": "prod", "updateStageInput": {"patchOperations": patch}});
    assert_eq!(good["requestParameters"], parameters);
    assert_eq!(events["Events"][1]["EventTime"].as_i64(), Some(client.now.timestamp() - 300));
}

/// What never reached AWS is on no trail; what lost only its answer is, as a success. Readings of metrics are data
/// events. (documented)
#[test]
fn only_what_reached_aws_is_on_the_trail() {
    for (fault, count) in [(Fault::Reset, 0), (Fault::ResetAfter, 1), (Fault::HangAfter, 1)] {
        let mut client = Client::new();
        let set = client.ip_set("list", "IPV4", &[]);
        client.range.faults().add("wafv2", "UpdateIPSet", When::Nth(1), fault.clone());
        client.reply(waf_request("UpdateIPSet", &naming(&set, json!({"Addresses": []}))));
        client.metrics("ListMetrics", &json!({})).ok();
        client.wait(300);
        let events = found(&mut client, "EventName", "UpdateIPSet");
        assert_eq!(names(&events).len(), count, "{fault:?}");
        assert_eq!(names(&client.trail(json!({})).ok()).len(), count + 1, "with CreateIPSet");
    }
}

/// `LookupEvents`: two a second. (documented: service model)
#[test]
fn two_look_ups_a_second() {
    let mut client = Client::new();
    client.range.set_quotas(true);
    let mut look = || client.trail(json!({})).error;
    assert_eq!([look(), look(), look()], [None, None, Some("ThrottlingException".to_owned())]);
}

/// Another operator's call is answered, takes effect and is on the trail under their name.
#[test]
fn another_operator_is_on_the_trail() {
    let mut client = Client::new();
    let api = client.api();
    let input = json!({"restApiId": api, "stageName": "prod", "description": "release 7"});
    let made = client.range.account_mut().act("pipeline", "apigateway", "CreateDeployment", input).unwrap();
    let stage = client.get(&format!("/restapis/{api}/stages/prod")).ok();
    assert_eq!(stage["deploymentId"], made["id"]);
    let bad = client.range.account_mut().act("pipeline", "apigateway", "CreateDeployment", json!({"restApiId": "no"}));
    assert_eq!(bad.unwrap_err().code, "NotFoundException");
    client.wait(300);
    assert_eq!(names(&found(&mut client, "Username", "pipeline")), ["CreateDeployment", "CreateDeployment"]);
}
