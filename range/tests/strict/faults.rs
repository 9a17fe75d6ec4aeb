//! Scripted faults.

use portcullis_range::{Fault, Reply, When};
use serde_json::json;

use crate::client::{Client, naming, waf_request};

/// Each service says it in its own words. (documented: service models, common errors)
#[test]
fn faults_speak_the_service_s_words() {
    let cases = [
        (Fault::Throttle, "ThrottlingException", "TooManyRequestsException"),
        (Fault::ServerError(500), "WAFInternalErrorException", "InternalFailure"),
        (Fault::ServerError(503), "ServiceUnavailable", "ServiceUnavailableException"),
        (Fault::Deny, "AccessDeniedException", "AccessDeniedException"),
        (Fault::ExpiredToken, "ExpiredTokenException", "ExpiredTokenException"),
        (Fault::UnknownOperation, "UnknownOperationException", "MissingAuthenticationTokenException"),
    ];
    for (fault, waf, rest) in cases {
        let mut client = Client::new();
        client.range.faults().add("*", "*", When::Always, fault);
        assert_eq!(client.waf("ListWebACLs", json!({"Scope": "REGIONAL"})).refused().1, waf);
        assert_eq!(client.get("/restapis").refused().1, rest);
    }
}

#[test]
fn a_fault_strikes_the_call_it_was_asked_for() {
    let mut client = Client::new();
    client.range.faults().add("wafv2", "ListIPSets", When::Nth(2), Fault::Throttle);
    let mut list = || client.waf("ListIPSets", json!({"Scope": "REGIONAL"})).status;
    assert_eq!([list(), list(), list()], [200, 400, 200]);
}

/// A hang and a reset before the call leave the account alone; a lost answer does not.
#[test]
fn a_lost_answer_is_a_change_all_the_same() {
    for (fault, changed) in
        [(Fault::Hang, false), (Fault::Reset, false), (Fault::HangAfter, true), (Fault::ResetAfter, true)]
    {
        let mut client = Client::new();
        let set = client.ip_set("list", "IPV4", &[]);
        client.range.faults().add("wafv2", "UpdateIPSet", When::Always, fault.clone());
        let reply = client.reply(waf_request("UpdateIPSet", &naming(&set, json!({"Addresses": ["192.0.2.1/32"]}))));
        match fault {
            Fault::Hang | Fault::HangAfter => assert!(matches!(reply, Reply::Hang)),
            _ => assert!(matches!(reply, Reply::Reset)),
        }
        let read = client.waf("GetIPSet", naming(&set, json!({}))).ok();
        assert_eq!(read["IPSet"]["Addresses"].as_array().unwrap().len() == 1, changed, "{fault:?}");
    }
}

/// Another writer between a client's read and its write: the lock token is stale, and nothing of theirs is lost.
#[test]
fn a_foreign_writer_makes_a_token_stale() {
    let mut client = Client::new();
    let set = client.ip_set("list", "IPV4", &["192.0.2.1/32"]);
    let id = set["Id"].as_str().unwrap().to_owned();
    client.range.faults().before("wafv2", "UpdateIPSet", When::Nth(1), move |account| {
        account.write_ip_set(&id, &["192.0.2.1/32".to_owned(), "198.51.100.0/24".to_owned()], None);
    });
    let write = client.waf("UpdateIPSet", naming(&set, json!({"Addresses": ["203.0.113.7/32"]})));
    assert_eq!(write.refused().1, "WAFOptimisticLockException");
    let read = client.waf("GetIPSet", naming(&set, json!({}))).ok();
    assert_eq!(read["IPSet"]["Addresses"], json!(["192.0.2.1/32", "198.51.100.0/24"]));
}

/// Another operator between two calls of a client: once after the first deployment has been made, and before the stage
/// is pointed at it.
#[test]
fn an_operator_acts_between_two_calls() {
    let mut client = Client::new();
    let api = client.api();
    let id = api.clone();
    client.range.faults().after("apigateway", "CreateDeployment", When::Nth(1), move |account| {
        let input = json!({"restApiId": id, "stageName": "prod", "description": "theirs"});
        account.act("pipeline", "apigateway", "CreateDeployment", input).unwrap();
    });
    let ours = client.rest("POST", &format!("/restapis/{api}/deployments"), json!({"description": "proof"})).ok();
    let stage = client.get(&format!("/restapis/{api}/stages/prod")).ok();
    let pointed = stage["deploymentId"].as_str().unwrap();
    assert_ne!(json!(pointed), ours["id"]);
    let theirs = client.get(&format!("/restapis/{api}/deployments/{pointed}")).ok();
    assert_eq!(theirs["description"], "theirs");
    assert_eq!(client.range.calls().last().unwrap().user, "oncall");
}

/// A deployment whose answer is lost is there, and can be told by its description.
#[test]
fn a_deployment_without_an_answer_is_there() {
    for fault in [Fault::HangAfter, Fault::ResetAfter, Fault::Truncate] {
        let mut client = Client::new();
        let api = client.api();
        client.range.faults().add("apigateway", "CreateDeployment", When::Nth(1), fault);
        let body = json!({"description": "portcullis 7f3a"}).to_string();
        let request = http::Request::post(format!("/restapis/{api}/deployments")).body(body.into()).unwrap();
        assert!(!matches!(client.reply(request), Reply::Response(_)));
        let all = client.get(&format!("/restapis/{api}/deployments")).ok()["item"].clone();
        let found = all.as_array().unwrap().iter().filter(|item| item["description"] == "portcullis 7f3a").count();
        assert_eq!(found, 1);
    }
}

#[test]
fn partial_data_says_so() {
    let mut client = Client::new();
    client.range.faults().add("cloudwatch", "GetMetricData", When::First(1), Fault::PartialData);
    let input = json!({"StartTime": 0, "EndTime": 600, "MetricDataQueries": [
        {"Id": "m", "MetricStat": {"Period": 60, "Stat": "Sum", "Metric": {"Namespace": "a", "MetricName": "b"}}}]});
    let mut status = || client.cbor("GetMetricData", &input).ok()["MetricDataResults"][0]["StatusCode"].clone();
    assert_eq!([status(), status()], ["PartialData", "Complete"]);
}

/// Every call is on the trail, with what became of it.
#[test]
fn every_call_is_recorded() {
    let mut client = Client::new();
    let set = client.ip_set("list", "IPV4", &[]);
    client.waf("UpdateIPSet", naming(&set, json!({"Addresses": ["::/0"]})));
    client.range.faults().add("*", "GetIPSet", When::Always, Fault::Reset);
    client.reply(waf_request("GetIPSet", &naming(&set, json!({}))));
    let seen: Vec<(&str, bool, Option<&str>)> = client
        .range
        .calls()
        .iter()
        .map(|call| (call.operation.as_str(), call.mutating, call.error.as_deref()))
        .collect();
    let expected = [
        ("CreateIPSet", true, None),
        ("UpdateIPSet", true, Some("WAFInvalidParameterException")),
        ("GetIPSet", false, Some("Reset")),
    ];
    assert_eq!(seen, expected);
    assert!(client.range.calls()[1].resource.contains("list"));
}

/// Whatever a client reads and writes can be denied, service by service.
#[test]
fn every_service_can_be_denied() {
    let mut client = Client::new();
    for service in ["wafv2", "cloudwatch", "logs", "cloudtrail", "apigateway", "apigatewayv2"] {
        client.range.faults().clear();
        client.range.faults().add(service, "*", When::Always, Fault::Deny);
        let answers = [
            ("wafv2", client.waf("ListWebACLs", json!({"Scope": "REGIONAL"}))),
            ("cloudwatch", client.metrics("ListMetrics", &json!({}))),
            ("logs", client.logs("DescribeLogGroups", json!({}))),
            ("cloudtrail", client.trail(json!({}))),
            ("apigateway", client.get("/restapis")),
            ("apigatewayv2", client.get("/v2/apis")),
        ];
        for (name, answer) in answers {
            let denied = answer.error.as_deref().is_some_and(|error| error.starts_with("AccessDenied"));
            assert_eq!(denied, name == service, "{service} denied: {name} {answer:?}");
        }
    }
}

/// Metrics that a caller may not read come with status `Forbidden`, in an answer that is a success. (documented:
/// service model)
#[test]
fn some_metrics_can_be_forbidden() {
    let mut client = Client::new();
    let forbidden = Fault::ForbiddenMetrics(vec!["AWS/WAFV2".to_owned()]);
    client.range.faults().add("cloudwatch", "GetMetricData", When::Always, forbidden);
    let query = |id: &str, namespace: &str| {
        let metric = json!({"Namespace": namespace, "MetricName": "Count"});
        json!({"Id": id, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}})
    };
    let now = client.now.timestamp();
    let input = json!({
        "StartTime": now - 600, "EndTime": now,
        "MetricDataQueries": [query("waf", "AWS/WAFV2"), query("api", "AWS/ApiGateway")],
    });
    let found = client.metrics("GetMetricData", &input).ok()["MetricDataResults"].clone();
    assert_eq!((&found[0]["StatusCode"], &found[1]["StatusCode"]), (&json!("Forbidden"), &json!("Complete")));
    assert_eq!(found[0]["Values"], json!([]));
}

/// A region that hangs takes every call and answers none.
#[test]
fn a_whole_region_can_hang() {
    let mut client = Client::new();
    client.range.faults().add("*", "*", When::Always, Fault::Hang);
    let scope = json!({"Scope": "REGIONAL"});
    for operation in ["ListWebACLs", "ListIPSets"] {
        assert!(matches!(client.reply(waf_request(operation, &scope)), Reply::Hang));
    }
    client.range.faults().clear();
    assert_eq!(client.waf("ListWebACLs", scope).status, 200);
}

/// A clock that is off shows in `Date` and nowhere else.
#[test]
fn the_date_of_answers_can_be_off() {
    let mut client = Client::new();
    client.range.set_date_skew(chrono::Duration::minutes(-7));
    let answer = client.get("/restapis");
    assert_eq!(answer.headers["date"], "Sun, 01 Mar 2026 02:53:00 GMT");
    assert_eq!(client.range.now(), client.now);
}
