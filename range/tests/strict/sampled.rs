//! Sampled requests.

use std::sync::Arc;

use chrono::Duration;
use portcullis_range::state::{Sample, SampledRequest, SampledVerdict};
use serde_json::{Value, json};

use crate::client::Client;

/// A web ACL with `seconds` seconds of samples up to now, `each` requests a second; gives its ARN.
fn sampled(client: &mut Client, seconds: i64, each: u32) -> Value {
    let acl = client.web_acl("acl", json!([]));
    let arn = acl["ARN"].as_str().unwrap().to_owned();
    let request = Arc::new(SampledRequest {
        method: "POST".into(),
        uri: "/login?u=\u{1b}]0;owned\u{7}".into(),
        http_version: "HTTP/1.1".into(),
        headers: vec![("User-Agent".into(), "=cmd|' /C calc'!A0".into())],
    });
    let verdict = Arc::new(SampledVerdict {
        action: "ALLOW".into(),
        rule_within_group: None,
        labels: vec!["awswaf:managed:aws:sql-database:SQLi_Body".into()],
        response_code: None,
        overridden_action: None,
    });
    for back in (1..=seconds).rev() {
        let sample = Sample {
            at: client.now - Duration::seconds(back),
            client_ip: format!("203.0.113.{}", back % 40).parse().unwrap(),
            country: "DE".into(),
            request: Arc::clone(&request),
            verdict: Arc::clone(&verdict),
            count: each,
        };
        client.range.account_mut().samples.record_sample(&arn, "acl", sample);
    }
    acl["ARN"].clone()
}

fn ask(client: &Client, arn: &Value, seconds: i64, max: i64) -> Value {
    json!({
        "WebAclArn": arn, "RuleMetricName": "acl", "Scope": "REGIONAL", "MaxItems": max,
        "TimeWindow": {"StartTime": client.now.timestamp() - seconds, "EndTime": client.now.timestamp()},
    })
}

fn weights(answer: &Value) -> u64 {
    answer["SampledRequests"].as_array().unwrap().iter().map(|row| row["Weight"].as_u64().unwrap()).sum()
}

/// Only the first 5,000 requests of a window are candidates; the answer's window ends where they end. (documented:
/// service model)
#[test]
fn only_the_first_five_thousand_requests_are_candidates() {
    let mut client = Client::new();
    let arn = sampled(&mut client, 60, 500);
    let input = ask(&client, &arn, 60, 100);
    let answer = client.waf("GetSampledRequests", input).ok();
    assert_eq!(answer["PopulationSize"], 5_000);
    assert_eq!(weights(&answer), 100);
    let start = client.now.timestamp() - 60;
    assert_eq!(answer["TimeWindow"]["EndTime"], start + 10, "ten seconds of 500 a second");
    for row in answer["SampledRequests"].as_array().unwrap() {
        assert!(row["Timestamp"].as_i64().unwrap() < start + 10);
    }
}

/// A population smaller than what was asked for is answered whole, and the window stays. (documented: service model)
#[test]
fn a_small_population_is_answered_whole() {
    let mut client = Client::new();
    let arn = sampled(&mut client, 20, 3);
    let input = ask(&client, &arn, 60, 500);
    let answer = client.waf("GetSampledRequests", input).ok();
    assert_eq!((answer["PopulationSize"].as_u64(), weights(&answer)), (Some(60), 60));
    assert_eq!(answer["TimeWindow"]["EndTime"], client.now.timestamp());
    let row = &answer["SampledRequests"][0];
    assert_eq!(row["Request"]["URI"], "/login?u=\u{1b}]0;owned\u{7}", "an attacker's text is passed on as it came");
    assert_eq!(row["Labels"][0]["Name"], "awswaf:managed:aws:sql-database:SQLi_Body");
}

/// `MaxItems` is 1 to 500. (documented: service model)
#[test]
fn at_most_five_hundred_items() {
    let mut client = Client::new();
    let arn = sampled(&mut client, 60, 50);
    for (max, status) in [(0, 400), (500, 200), (501, 400)] {
        let input = ask(&client, &arn, 60, max);
        assert_eq!(client.waf("GetSampledRequests", input).status, status, "{max}");
    }
}

/// A start more than three hours ago is moved to three hours ago. (documented: service model)
#[test]
fn the_window_reaches_back_three_hours() {
    let mut client = Client::new();
    let arn = sampled(&mut client, 20, 1);
    let input = ask(&client, &arn, 5 * 3_600, 10);
    let answer = client.waf("GetSampledRequests", input).ok();
    assert_eq!(answer["TimeWindow"]["StartTime"], client.now.timestamp() - 3 * 3_600);
}

/// An unknown rule metric name is something that does not exist. (unverified)
#[test]
fn an_unknown_metric_name_does_not_exist() {
    let mut client = Client::new();
    let arn = sampled(&mut client, 20, 1);
    let mut input = ask(&client, &arn, 60, 10);
    input["RuleMetricName"] = "nothing".into();
    assert_eq!(client.waf("GetSampledRequests", input).refused().1, "WAFNonexistentItemException");
}
