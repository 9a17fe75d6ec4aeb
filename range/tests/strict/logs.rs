//! `CloudWatch` Logs, and the access logs that API Gateway writes into it.

use bytes::Bytes;
use http::Request;
use portcullis_range::logs::{MetricFilter, Transformation};
use portcullis_range::{Fault, When};
use serde_json::{Value, json};

use crate::client::{ACCOUNT, Answer, Client, REGION};

const FORMAT: &str = r#"{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","status":$context.status,"none":"$context.nothing","latency":"$context.responseLatency","agent":"$context.identity.userAgent"}"#;

fn arn(group: &str) -> String {
    format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}")
}

/// A client whose account lets API Gateway write logs; queries are complete at once.
fn client() -> Client {
    let mut client = Client::new();
    let account = client.range.account_mut();
    account.gateway.cloudwatch_role_arn = Some(format!("arn:aws:iam::{ACCOUNT}:role/logs"));
    account.logs.query_seconds = 0;
    client
}

fn set_log(client: &mut Client, api: &str, group: &str, format: &str) -> Answer {
    let operations = json!([
        {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": arn(group)},
        {"op": "replace", "path": "/accessLogSettings/format", "value": format},
    ]);
    client.patch(&format!("/restapis/{api}/stages/prod"), operations)
}

/// `POST /login` so many times, with a user agent.
fn knock(client: &mut Client, api: &str, agent: &str, times: usize) {
    for _ in 0..times {
        let uri = format!("/restapis/{api}/prod/_user_request_/login");
        client.send(Request::post(uri).header("user-agent", agent).body(Bytes::new()).unwrap());
    }
}

/// A stage whose log, in group `shop`, has three lines of one caller and two of another; ten seconds later.
fn with_lines() -> (Client, String) {
    let mut client = client();
    let api = client.api();
    set_log(&mut client, &api, "shop", FORMAT).ok();
    client.wait(30);
    knock(&mut client, &api, "curl/8", 3);
    client.wait(1);
    knock(&mut client, &api, "say \"x\"", 2);
    client.wait(10);
    (client, api)
}

fn start(client: &mut Client, query: &str) -> Answer {
    let now = client.now.timestamp();
    let input = json!({"logGroupName": "shop", "queryString": query, "startTime": now - 60, "endTime": now});
    client.logs("StartQuery", input)
}

/// Values of a query's rows, in the order of its columns, without the pointer.
fn rows(client: &mut Client, query: &str) -> Vec<Vec<String>> {
    let id = start(client, query).ok()["queryId"].clone();
    let found = client.logs("GetQueryResults", json!({ "queryId": id })).ok();
    assert_eq!(found["status"], "Complete");
    let row = |row: &Value| {
        let cells = row.as_array().unwrap().iter().filter(|cell| cell["field"] != "@ptr");
        cells.map(|cell| cell["value"].as_str().unwrap().to_owned()).collect()
    };
    found["results"].as_array().unwrap().iter().map(row).collect()
}

fn malformed(client: &mut Client, query: &str) -> bool {
    start(client, query).error.as_deref() == Some("MalformedQueryException")
}

/// API Gateway writes only where the account names a role. (documented: developer guide, "Set up CloudWatch logging";
/// the error's words are from users' reports)
#[test]
fn an_access_log_needs_a_role_of_the_account() {
    let mut client = Client::new();
    let api = client.api();
    let refused = set_log(&mut client, &api, "shop", FORMAT);
    assert!(refused.body["message"].as_str().unwrap().contains("CloudWatch Logs role ARN must be set"), "{refused:?}");
    assert_eq!(refused.refused(), (400, "BadRequestException".to_owned()));
}

/// A format is one line and holds `requestId` or `extendedRequestId`; a destination is a log group or a Firehose
/// stream. (documented)
#[test]
fn an_access_log_has_a_request_id_on_one_line() {
    let mut client = client();
    let api = client.api();
    for format in ["$context.status", "$context.requestId\n$context.status", "requestId"] {
        assert_eq!(set_log(&mut client, &api, "shop", format).refused().1, "BadRequestException", "{format}");
    }
    assert_eq!(set_log(&mut client, &api, "shop", "$context.extendedRequestId $context.status\n").status, 200);
    let stream = "arn:aws:kinesis:eu-central-1:123456789012:stream/x";
    let operations = json!([{"op": "replace", "path": "/accessLogSettings/destinationArn", "value": stream}]);
    assert_eq!(client.patch(&format!("/restapis/{api}/stages/prod"), operations).status, 400);
    let made = client.rest("POST", "/v2/apis", json!({"name": "pets", "protocolType": "HTTP"})).ok();
    let stages = format!("/v2/apis/{}/stages", made["apiId"].as_str().unwrap());
    let log = json!({"destinationArn": arn("pets"), "format": "$context.status"});
    let refused = client.rest("POST", &stages, json!({"stageName": "$default", "accessLogSettings": log}));
    assert_eq!(refused.refused(), (400, "BadRequestException".to_owned()));
}

/// A variable without a value is `-`. (documented: developer guide) Quotation marks that a client sent are escaped,
/// unless told otherwise. (unverified)
#[test]
fn a_line_is_the_format_with_its_variables_filled_in() {
    let (mut client, api) = with_lines();
    let found = client.logs("FilterLogEvents", json!({"logGroupName": "shop"})).ok();
    let events = found["events"].as_array().unwrap().clone();
    let message = |at: usize| events[at]["message"].as_str().unwrap().to_owned();
    let first: Value = serde_json::from_str(&message(0)).unwrap();
    assert_eq!((&first["status"], &first["none"], &first["ip"]), (&json!(200), &json!("-"), &json!("127.0.0.1")));
    let last: Value = serde_json::from_str(&message(4)).unwrap();
    assert_eq!(last["agent"], "say \"x\"");
    assert_eq!((events.len(), found["searchedLogStreams"].as_array().unwrap().len()), (5, 0));
    client.range.account_mut().logs.escape_values = false;
    // What is written differently is a new deployment of the setting.
    set_log(&mut client, &api, "shop", &format!("{FORMAT} ")).ok();
    client.wait(30);
    knock(&mut client, &api, "say \"y\"", 1);
    client.wait(10);
    let found = client.logs("FilterLogEvents", json!({"logGroupName": "shop", "filterPattern": "say"})).ok();
    let message = found["events"][2]["message"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(message).is_err(), "{message}");
}

/// 50 groups a page, by name; an ARN with `:*` and one without. (documented: service model)
#[test]
fn log_groups_come_by_name_page_by_page_with_both_arns() {
    let mut client = client();
    for at in 0..60 {
        let now = client.now;
        client.range.account_mut().logs.create_group(&format!("group-{at:02}"), now);
    }
    let first = client.logs("DescribeLogGroups", json!({})).ok();
    assert_eq!(first["logGroups"].as_array().unwrap().len(), 50);
    assert_eq!(first["logGroups"][0]["arn"], format!("{}:*", arn("group-00")));
    assert_eq!(first["logGroups"][0]["logGroupArn"], arn("group-00"));
    let next = client.logs("DescribeLogGroups", json!({"nextToken": first["nextToken"]})).ok();
    assert_eq!(next["logGroups"].as_array().unwrap().len(), 10);
    assert!(next.get("nextToken").is_none());
    let one = client.logs("DescribeLogGroups", json!({"logGroupNamePrefix": "group-1", "limit": 3})).ok();
    assert_eq!(one["logGroups"][2]["logGroupName"], "group-12");
    let named = client.logs("DescribeLogGroups", json!({"logGroupIdentifiers": [arn("group-07")]})).ok();
    assert_eq!(named["logGroups"].as_array().unwrap().len(), 1);
    for input in [
        json!({"limit": 51}),
        json!({"limit": 0}),
        json!({"logGroupNamePrefix": "a b"}),
        json!({"logGroupNamePrefix": "a", "logGroupNamePattern": "b"}),
        json!({"logGroupNamePrefix": "a", "logGroupIdentifiers": ["b"]}),
    ] {
        assert_eq!(client.logs("DescribeLogGroups", input).refused(), (400, "InvalidParameterException".to_owned()));
    }
}

/// Both ends of the range are inclusive, in milliseconds; pages hold what is asked and go on by token. (documented:
/// service model)
#[test]
fn events_come_by_time_page_by_page() {
    let (mut client, _) = with_lines();
    let all = client.logs("FilterLogEvents", json!({"logGroupName": "shop"})).ok();
    let times: Vec<i64> =
        all["events"].as_array().unwrap().iter().map(|event| event["timestamp"].as_i64().unwrap()).collect();
    assert!(times.is_sorted());
    let input = json!({"logGroupIdentifier": arn("shop"), "startTime": times[3], "endTime": times[3]});
    assert_eq!(client.logs("FilterLogEvents", input).ok()["events"].as_array().unwrap().len(), 2);
    let input = json!({"logGroupName": "shop", "startTime": times[0], "endTime": times[3] - 1});
    assert_eq!(client.logs("FilterLogEvents", input).ok()["events"].as_array().unwrap().len(), 3);
    let (mut input, mut ids) = (json!({"logGroupName": "shop", "limit": 2}), Vec::new());
    loop {
        let page = client.logs("FilterLogEvents", input.clone()).ok();
        ids.extend(page["events"].as_array().unwrap().iter().map(|event| event["eventId"].clone()));
        match page.get("nextToken") {
            Some(token) => input["nextToken"] = token.clone(),
            None => break,
        }
    }
    let known: Vec<Value> = all["events"].as_array().unwrap().iter().map(|event| event["eventId"].clone()).collect();
    assert_eq!(ids, known);
}

/// Exactly one name of the group; limits, patterns, tokens and streams that fit. (documented: service model, user
/// guide)
#[test]
fn what_does_not_fit_is_an_invalid_parameter() {
    let (mut client, _) = with_lines();
    for input in [
        json!({}),
        json!({"logGroupName": "shop", "logGroupIdentifier": "shop"}),
        json!({"logGroupName": "shop", "limit": 10_001}),
        json!({"logGroupName": "shop", "filterPattern": "{ $.status = }"}),
        json!({"logGroupName": "shop", "filterPattern": "4.2"}),
        json!({"logGroupName": "shop", "nextToken": "zzz"}),
        json!({"logGroupName": "shop", "startTime": 2, "endTime": 1}),
        json!({"logGroupName": "shop", "logStreamNames": ["a"], "logStreamNamePrefix": "a"}),
        json!({"logGroupIdentifier": format!("{}:*", arn("shop"))}),
    ] {
        let answer = client.logs("FilterLogEvents", input.clone());
        assert_eq!(answer.refused(), (400, "InvalidParameterException".to_owned()), "{input}");
    }
    let unknown = client.logs("FilterLogEvents", json!({"logGroupName": "other"}));
    assert_eq!(unknown.refused(), (400, "ResourceNotFoundException".to_owned()));
}

/// `Scheduled`, `Running`, then `Complete` with statistics; rows of events carry `@ptr`. (documented: service model;
/// how long it takes is unverified)
#[test]
fn a_query_takes_its_time() {
    let (mut client, _) = with_lines();
    client.range.account_mut().logs.query_seconds = 2;
    let id = start(&mut client, "fields status | filter agent like /curl/").ok()["queryId"].clone();
    let mut look = |wait: i64| {
        client.wait(wait);
        client.logs("GetQueryResults", json!({ "queryId": id })).ok()
    };
    assert_eq!(look(0)["status"], "Scheduled");
    let running = look(1);
    assert_eq!((&running["status"], &running["results"]), (&json!("Running"), &json!([])));
    let done = look(1);
    assert_eq!(done["status"], "Complete");
    assert_eq!(done["results"].as_array().unwrap().len(), 3);
    let row = done["results"][0].as_array().unwrap();
    assert_eq!((&row[0], &row[1]["field"]), (&json!({"field": "status", "value": "200"}), &json!("@ptr")));
    let statistics = &done["statistics"];
    assert_eq!((statistics["recordsMatched"].as_f64(), statistics["recordsScanned"].as_f64()), (Some(3.0), Some(5.0)));
    assert!(statistics["bytesScanned"].as_f64().unwrap() > 500.0);
}

/// A query that has ended cannot be stopped, one that has not can; there is no query of an unknown id. (inferred from
/// users' reports)
#[test]
fn only_a_running_query_can_be_stopped() {
    let (mut client, _) = with_lines();
    client.range.account_mut().logs.query_seconds = 2;
    let id = start(&mut client, "stats count(*)").ok()["queryId"].clone();
    assert_eq!(client.logs("StopQuery", json!({ "queryId": id })).ok(), json!({"success": true}));
    assert_eq!(client.logs("GetQueryResults", json!({ "queryId": id })).ok()["status"], "Cancelled");
    assert_eq!(client.logs("StopQuery", json!({ "queryId": id })).refused().1, "InvalidParameterException");
    assert_eq!(client.logs("GetQueryResults", json!({"queryId": "x"})).refused().1, "ResourceNotFoundException");
}

/// 30 queries at once. (documented: API reference of `StartQuery`)
#[test]
fn thirty_queries_run_at_once() {
    let (mut client, _) = with_lines();
    client.range.account_mut().logs.query_seconds = 2;
    assert!((0..30).all(|_| start(&mut client, "stats count(*)").status == 200));
    assert_eq!(start(&mut client, "stats count(*)").refused(), (400, "LimitExceededException".to_owned()));
    client.wait(2);
    assert_eq!(start(&mut client, "stats count(*)").status, 200);
}

/// The language as the user guide has it; whatever else is malformed, with the place. (documented; a subset)
#[test]
fn queries_are_read_strictly() {
    let (mut client, _) = with_lines();
    assert_eq!(rows(&mut client, "stats count(*) as n by status"), [["200", "5"]]);
    assert_eq!(
        rows(&mut client, "filter status = 200 and (agent = 'curl/8' or not ispresent(agent)) | stats count(*)"),
        [["3"]]
    );
    assert_eq!(
        rows(&mut client, "filter status in [429, \"200\"] | stats count(agent) by agent | sort agent desc"),
        [["say \"x\"", "2"], ["curl/8", "3"]]
    );
    assert_eq!(
        rows(&mut client, "filter agent not like 'curl' # a comment\n| stats count_distinct(ip), max(status)"),
        [["1", "200"]]
    );
    assert_eq!(rows(&mut client, "fields agent as who, status | sort who asc | limit 1 | display who"), [["curl/8"]]);
    assert_eq!(
        rows(&mut client, "parse @message '\"status\":*,' as code | stats pct(code, 99), avg(code), sum(code) by code"),
        [["200", "200", "200", "1000"]]
    );
    assert_eq!(rows(&mut client, "stats count(*) as n by agent | filter n > 2 | limit 5"), [["curl/8", "3"]]);
    assert_eq!(rows(&mut client, "filter none = '-' | stats count(*) by bin(1h)"), [["2026-03-01 03:00:00.000", "5"]]);
    assert_eq!(rows(&mut client, "fields @message | limit 2").len(), 2);
    assert_eq!(rows(&mut client, "filter missing = 1 | stats count(*)").len(), 0);
    for query in [
        "",
        "field status",
        "fields status,",
        "filter status = ",
        "filter status == 200",
        "filter abs(status) = 200",
        "stats count(* by status",
        "stats median(status)",
        "stats count(*) by bin(5)",
        "limit 10001",
        "limit 0",
        "sort by status",
        "parse @message 'a * b *' as one",
        "parse @message /(x)/",
        "filter agent like /(/",
        "fields status | | limit 1",
        "filter agent = 'open",
    ] {
        assert!(malformed(&mut client, query), "{query}");
    }
    let refused = start(&mut client, "filter status ~ 200");
    let location = &refused.body["queryCompileError"]["location"];
    assert_eq!((&location["startCharOffset"], &location["endCharOffset"]), (&json!(14), &json!(15)));
}

/// Start and end are seconds and both inclusive; exactly one member names the groups. (documented: service model)
#[test]
fn a_query_has_a_range_and_groups() {
    let (mut client, _) = with_lines();
    let second = client.now.timestamp() - 11;
    let base = json!({"queryString": "stats count(*) as n", "startTime": second, "endTime": second, "logGroupNames": ["shop"]});
    let id = client.logs("StartQuery", base.clone()).ok()["queryId"].clone();
    let found = client.logs("GetQueryResults", json!({ "queryId": id })).ok();
    assert_eq!(found["results"][0][0], json!({"field": "n", "value": "3"}));
    let with = |member: &str, value: Value| {
        let mut input = base.clone();
        input[member] = value;
        input
    };
    for input in [
        with("logGroupName", json!("shop")),
        with("logGroupNames", json!([])),
        with("endTime", json!(second - 1)),
        with("queryLanguage", json!("SQL")),
        with("startTime", Value::Null),
    ] {
        assert_eq!(client.logs("StartQuery", input.clone()).refused().1, "InvalidParameterException", "{input}");
    }
    let early = with("startTime", json!(1));
    assert_eq!(client.logs("StartQuery", early.clone()).status, 200);
    let mut too_early = early;
    too_early["endTime"] = json!(2);
    assert_eq!(client.logs("StartQuery", too_early).refused().1, "MalformedQueryException");
    let unknown = client.logs("StartQuery", with("logGroupNames", json!(["other"])));
    assert_eq!(unknown.refused(), (400, "ResourceNotFoundException".to_owned()));
}

fn put(client: &mut Client, filter: &str, pattern: &str, transformation: Value) -> Answer {
    let input = json!({
        "logGroupName": "shop", "filterName": filter, "filterPattern": pattern, "metricTransformations": [transformation],
    });
    client.logs("PutMetricFilter", input)
}

/// One transformation, three dimensions, a value that is a number or a selector, no default value beside dimensions,
/// 100 filters. (documented: service model, user guide)
#[test]
fn metric_filters_are_checked_and_listed_by_name() {
    let (mut client, _) = with_lines();
    let made = |more: Value| {
        let mut transformation = json!({"metricName": "N", "metricNamespace": "Shop", "metricValue": "1"});
        for (member, value) in more.as_object().unwrap() {
            transformation[member] = value.clone();
        }
        transformation
    };
    put(&mut client, "b", "{ $.status = 429 }", made(json!({"defaultValue": 0.0}))).ok();
    put(&mut client, "a", "", made(json!({"metricValue": "$.latency", "metricName": "M"}))).ok();
    let found = client.logs("DescribeMetricFilters", json!({"logGroupName": "shop"})).ok();
    let names: Vec<&Value> =
        found["metricFilters"].as_array().unwrap().iter().map(|filter| &filter["filterName"]).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(found["metricFilters"][1]["metricTransformations"][0]["defaultValue"].as_f64(), Some(0.0));
    let one = client.logs("DescribeMetricFilters", json!({"metricName": "M", "metricNamespace": "Shop"})).ok();
    assert_eq!(one["metricFilters"][0]["filterName"], "a");
    let dimensions = json!({"a": "$.a", "b": "$.b", "c": "$.c", "d": "$.d"});
    for (filter, pattern, transformation) in [
        ("x", "{ $.status }", made(json!({}))),
        ("x:y", "", made(json!({}))),
        ("x", "", made(json!({"metricValue": "one"}))),
        ("x", "", made(json!({"metricNamespace": "A:B"}))),
        ("x", "", made(json!({ "dimensions": dimensions }))),
        ("x", "", made(json!({"dimensions": {"Status": "$.status"}, "defaultValue": 0}))),
    ] {
        let refused = put(&mut client, filter, pattern, transformation.clone());
        assert_eq!(
            refused.refused(),
            (400, "InvalidParameterException".to_owned()),
            "{filter} {pattern} {transformation}"
        );
    }
    assert_eq!(
        client.logs("DescribeMetricFilters", json!({"metricName": "M"})).refused().1,
        "InvalidParameterException"
    );
    let gone = json!({"logGroupName": "shop", "filterName": "a"});
    client.logs("DeleteMetricFilter", gone.clone()).ok();
    assert_eq!(client.logs("DeleteMetricFilter", gone).refused().1, "ResourceNotFoundException");
    let now = client.now;
    let transformation = Transformation {
        metric: "N".to_owned(),
        namespace: "Shop".to_owned(),
        value: "1".to_owned(),
        default: None,
        dimensions: std::collections::BTreeMap::new(),
        unit: None,
    };
    let group = client.range.account_mut().logs.group_mut("shop").unwrap();
    for at in group.filters.len()..100 {
        let name = format!("filter-{at}");
        group.filters.insert(name.clone(), MetricFilter::new(&name, "", transformation.clone(), now).unwrap());
    }
    assert_eq!(put(&mut client, "one-more", "", made(json!({}))).refused().1, "LimitExceededException");
}

/// A metric filter's metric is read as any other; a filter changes the account, a query does not. (documented)
#[test]
fn a_filters_metric_can_be_read_and_only_its_write_is_one() {
    let (mut client, api) = with_lines();
    let transformation = json!({"metricName": "N", "metricNamespace": "Shop", "metricValue": "1"});
    put(&mut client, "all", "{ $.status = 2* }", transformation).ok();
    knock(&mut client, &api, "curl/8", 4);
    client.wait(180);
    let metric = json!({"Namespace": "Shop", "MetricName": "N"});
    let input = json!({
        "StartTime": client.now.timestamp() - 600, "EndTime": client.now.timestamp(),
        "MetricDataQueries": [{"Id": "n", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}],
    });
    let found = client.metrics("GetMetricData", &input).ok();
    assert_eq!(found["MetricDataResults"][0]["Values"], json!([4.0]));
    start(&mut client, "stats count(*)").ok();
    let mutating: Vec<&str> = client
        .range
        .calls()
        .iter()
        .filter(|call| call.service == "logs" && call.mutating)
        .map(|call| call.operation.as_str())
        .collect();
    assert_eq!(mutating, ["PutMetricFilter"]);
}

/// JSON 1.1 answers of a service that denies are 400. (documented) Five reads a second. (documented for
/// `FilterLogEvents`; others unverified, as are bursts)
#[test]
fn logs_can_be_denied_and_throttled() {
    let (mut client, _) = with_lines();
    client.range.faults().add("logs", "StartQuery", When::First(1), Fault::Deny);
    assert_eq!(start(&mut client, "stats count(*)").refused(), (400, "AccessDeniedException".to_owned()));
    assert_eq!(start(&mut client, "stats count(*)").status, 200);
    assert_eq!(client.logs("CreateLogGroup", json!({})).refused().1, "UnknownOperationException");
    client.range.set_quotas(true);
    let read = json!({"logGroupName": "shop"});
    assert!((0..10).all(|_| client.logs("FilterLogEvents", read.clone()).status == 200));
    assert_eq!(client.logs("FilterLogEvents", read).refused(), (400, "ThrottlingException".to_owned()));
}
