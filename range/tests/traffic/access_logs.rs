//! What access logs tell is what happened: line by line, in sums, and in the metrics that filters make of them.

use bytes::Bytes;
use http::Request;
use portcullis_range::logs::{MetricFilter, Transformation};
use portcullis_range::state::MethodSetting;
use portcullis_range::{Counts, Reply};
use serde_json::{Value, json};

use super::*;

const STUFFING: &str = include_str!("../../../drills/credential-stuffing.toml");
const STAGE: &str = "accounts/prod";
const GROUP: &str = "/aws/apigateway/accounts-prod";

/// The drill of stolen passwords, its log in a format, its log-in throttled, some of its attackers on the block list;
/// five minutes in.
fn stuffing(format: &str) -> Range {
    let log = format!("access_log = {{ group = \"{GROUP}\", format = '''{format}''' }}");
    let mut lines: Vec<String> =
        STUFFING.lines().filter(|line| !line.starts_with("access_log")).map(str::to_owned).collect();
    let prod = lines.iter().position(|line| line == "description = \"What customers use\"").unwrap();
    lines.insert(prod + 1, log);
    let text = lines.join("\n").replace(r#"history = "45m""#, r#"history = "3m""#);
    let mut range = Range::from_scenario(&text, None).unwrap();
    let id = api(&range, "accounts");
    let account = range.account_mut();
    account.edit_stage(&id, "prod", |stage| {
        let setting =
            MethodSetting { throttling_rate_limit: 60.0, throttling_burst_limit: 60, ..MethodSetting::fresh() };
        stage.method_settings.insert("login/POST".to_owned(), setting);
    });
    let set = ip_set(&range, "accounts-blocklist");
    range.account_mut().write_ip_set(&set, &["203.0.113.0/24".to_owned()], None).unwrap();
    after(&mut range, 5);
    range
}

fn call(range: &mut Range, operation: &str, input: &Value) -> Value {
    let request = Request::post("/")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("Logs_20140328.{operation}"))
        .body(Bytes::from(input.to_string()))
        .unwrap();
    let now = range.now();
    match range.handle(request, None, now) {
        Reply::Response(response) => {
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(response.status(), 200, "{operation} {input}: {body}");
            body
        }
        other => panic!("{other:?}"),
    }
}

/// Rows of a query over one minute, by name.
fn query(range: &mut Range, query: &str, from: DateTime<Utc>, seconds: i64) -> Vec<BTreeMap<String, String>> {
    range.account_mut().logs.query_seconds = 0;
    range.set_quotas(false);
    let input = json!({
        "logGroupName": GROUP, "queryString": query,
        "startTime": from.timestamp(), "endTime": from.timestamp() + seconds - 1,
    });
    let id = call(range, "StartQuery", &input)["queryId"].clone();
    let found = call(range, "GetQueryResults", &json!({ "queryId": id }));
    assert_eq!(found["status"], "Complete");
    let cell = |cell: &Value| (cell["field"].as_str().unwrap().to_owned(), cell["value"].as_str().unwrap().to_owned());
    found["results"].as_array().unwrap().iter().map(|row| row.as_array().unwrap().iter().map(cell).collect()).collect()
}

/// Every line of a minute, page by page.
fn events(range: &mut Range, from: DateTime<Utc>, pattern: &str) -> Vec<Value> {
    range.set_quotas(false);
    let (from, to) = (from.timestamp_millis(), from.timestamp_millis() + 59_999);
    let mut input = json!({ "logGroupName": GROUP, "startTime": from, "endTime": to, "filterPattern": pattern });
    let mut all = Vec::new();
    loop {
        let page = call(range, "FilterLogEvents", &input);
        all.extend(page["events"].as_array().unwrap().iter().cloned());
        match page.get("nextToken") {
            Some(token) => input["nextToken"] = token.clone(),
            None => return all,
        }
    }
}

/// A minute whose lines can all be read.
fn minute(range: &Range) -> DateTime<Utc> {
    last_minute(range) - Duration::minutes(1)
}

/// Requests by status and type of response, as the truth has them.
fn by_outcome(truth: &Counts, lines: &BTreeMap<(String, String), u64>) {
    let of = |status: &str, kind: &str| lines.get(&(status.to_owned(), kind.to_owned())).copied().unwrap_or(0);
    assert_eq!(lines.values().sum::<u64>(), truth.requests);
    assert_eq!(of("403", "WAF_FILTERED"), truth.waf_blocked);
    assert_eq!(of("429", "THROTTLED"), truth.throttled);
    assert_eq!(of("401", "-") + of("400", "-"), truth.client_errors);
    assert_eq!(of("200", "-"), truth.served + truth.cache_hits);
    assert_eq!(
        of("500", "-") + of("500", "INTEGRATION_FAILURE") + of("504", "INTEGRATION_TIMEOUT"),
        truth.server_errors
    );
}

#[test]
fn sums_by_outcome_are_the_truth_by_query_and_line_by_line() {
    let mut range = stuffing("json");
    let at = minute(&range);
    let truth = range.truth().stage(STAGE, at);
    assert!(truth.waf_blocked > 500 && truth.throttled > 5_000 && truth.client_errors > 1_000, "{truth:?}");
    let rows = query(&mut range, "stats count(*) as n by status, responseType", at, 60);
    let grouped = rows
        .iter()
        .map(|row| ((row["status"].clone(), row["responseType"].clone()), row["n"].parse().unwrap()))
        .collect();
    by_outcome(&truth, &grouped);
    let mut single = BTreeMap::new();
    for event in events(&mut range, at, "") {
        let line: Value = serde_json::from_str(event["message"].as_str().unwrap()).unwrap();
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        *single.entry((text("status"), text("responseType"))).or_default() += 1;
    }
    assert_eq!(single, grouped);
}

/// However a query is answered, by kinds, by addresses or by lines, it must say what the lines say.
#[test]
fn what_a_query_adds_up_is_what_the_lines_add_up_to() {
    let mut range = stuffing("json");
    let at = minute(&range);
    let (mut latency, mut addresses, mut ids, mut slow) = (0_u64, BTreeMap::<String, u64>::new(), BTreeSet::new(), 0);
    let all = events(&mut range, at, "");
    for event in &all {
        let line: Value = serde_json::from_str(event["message"].as_str().unwrap()).unwrap();
        let ms: u64 = line["responseLatency"].as_str().unwrap().parse().unwrap();
        latency += ms;
        slow += u64::from(ms >= 100 && line["ip"].as_str().unwrap().starts_with("198.18."));
        *addresses.entry(line["ip"].as_str().unwrap().to_owned()).or_default() += 1;
        ids.insert(line["requestId"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), all.len(), "every request has an id of its own");
    let sum = query(&mut range, "stats sum(responseLatency) as ms, count(*) as n", at, 60);
    assert_eq!((sum[0]["ms"].parse(), sum[0]["n"].parse()), (Ok(latency), Ok(all.len())));
    let top = query(&mut range, "stats count(*) as n by ip | sort n desc | limit 10000", at, 60);
    let found: BTreeMap<String, u64> = top.iter().map(|row| (row["ip"].clone(), row["n"].parse().unwrap())).collect();
    assert_eq!(found, addresses);
    assert!(top.windows(2).all(|two| two[0]["n"].parse::<u64>().unwrap() >= two[1]["n"].parse().unwrap()));
    // Address and latency together: line by line.
    let both =
        query(&mut range, "filter responseLatency >= 100 and ip like /^198\\.18\\./ | stats count(*) as n", at, 60);
    assert_eq!(both[0]["n"], slow.to_string());
    let distinct = query(&mut range, "stats count_distinct(ip) as ips, count_distinct(requestId) as ids", at, 60);
    assert_eq!((distinct[0]["ips"].parse(), distinct[0]["ids"].parse()), (Ok(addresses.len()), Ok(ids.len())));
}

#[test]
fn bins_hold_what_their_minutes_hold() {
    let mut range = stuffing("json");
    let at = minute(&range) - Duration::minutes(1);
    let rows = query(
        &mut range,
        r#"filter responseType = "THROTTLED" | stats count(*) as n by bin(1m) as t | sort t asc"#,
        at,
        120,
    );
    let throttled = |at| range.truth().stage(STAGE, at).throttled.to_string();
    assert_eq!(
        rows.iter().map(|row| row["n"].clone()).collect::<Vec<_>>(),
        [throttled(at), throttled(at + Duration::minutes(1))]
    );
    assert_eq!(rows[0]["t"], at.format("%Y-%m-%d %H:%M:00.000").to_string());
}

#[test]
fn the_common_log_format_is_parsed_to_the_same_sums() {
    let mut range = stuffing("clf");
    let at = minute(&range);
    let truth = range.truth().stage(STAGE, at);
    let glob = r#"parse @message '* * * [*] "* * *" * * *' as ip, caller, user, time, method, path, protocol, status, bytes, id
        | filter status = 429 | stats count(*) as n by path"#;
    let rows = query(&mut range, glob, at, 60);
    assert_eq!(
        (rows.len(), rows[0]["path"].as_str(), rows[0]["n"].clone()),
        (1, "/login", truth.throttled.to_string())
    );
    let regex = r#"parse @message /" (?<status>\d{3}) / | stats count(*) as n by status"#;
    let rows = query(&mut range, regex, at, 60);
    let n: u64 = rows.iter().map(|row| row["n"].parse::<u64>().unwrap()).sum();
    assert_eq!(n, truth.requests);
    let throttled = events(&mut range, at, "[ip, caller, user, time, request, status = 429, bytes, id]");
    assert_eq!(throttled.len() as u64, truth.throttled);
    let all = events(&mut range, at, "");
    let ids: BTreeSet<&str> =
        all.iter().map(|event| event["message"].as_str().unwrap().rsplit(' ').next().unwrap()).collect();
    assert_eq!((ids.len(), all.len() as u64), (all.len(), truth.requests), "kinds that read alike are drawn apart");
    let line = throttled[0]["message"].as_str().unwrap();
    assert!(
        line.contains(" - - [14/Apr/2026:18:33:") && line.contains(r#" +0000] "POST /login HTTP/1.1" 429 31 "#),
        "{line}"
    );
}

#[test]
fn metric_filters_publish_what_matches_and_nothing_that_came_before_them() {
    let mut range = stuffing("json");
    let counts = Transformation {
        metric: "Throttled".into(),
        namespace: "Shop".into(),
        value: "1".into(),
        default: Some(0.0),
        dimensions: BTreeMap::new(),
        unit: None,
    };
    let latency = Transformation {
        metric: "Latency".into(),
        value: "$.responseLatency".into(),
        default: None,
        dimensions: BTreeMap::from([("Path".to_owned(), "$.resourcePath".to_owned())]),
        ..counts.clone()
    };
    let now = range.now();
    let group = range.account_mut().logs.group_mut(GROUP).unwrap();
    for (name, pattern, made) in
        [("throttled", "{ $.status = 429 }", counts), ("latency", "{ $.integrationLatency = * }", latency)]
    {
        group.filters.insert(name.to_owned(), MetricFilter::new(name, pattern, made, now).unwrap());
    }
    after(&mut range, 3);
    let at = minute(&range);
    let truth = range.truth().stage(STAGE, at);
    let found = point(&range, "Shop", "Throttled", &[], at).unwrap();
    assert_eq!((whole(found.sum), found.count), (truth.throttled, truth.throttled));
    assert!(point(&range, "Shop", "Throttled", &[], at - Duration::minutes(3)).is_none(), "filters do not look back");
    let rows = query(
        &mut range,
        r#"filter resourcePath = "/orders" | stats sum(responseLatency) as ms, count(*) as n"#,
        at,
        60,
    );
    let found = point(&range, "Shop", "Latency", &[("Path", "/orders")], at).unwrap();
    assert_eq!((whole(found.sum).to_string(), found.count.to_string()), (rows[0]["ms"].clone(), rows[0]["n"].clone()));
}

#[test]
fn a_default_value_is_published_for_minutes_with_lines_and_no_match() {
    let mut range = stuffing("json");
    let made = Transformation {
        metric: "Quota".into(),
        namespace: "Shop".into(),
        value: "1".into(),
        default: Some(0.0),
        dimensions: BTreeMap::new(),
        unit: None,
    };
    let filter = MetricFilter::new("quota", "{ $.responseType = QUOTA_EXCEEDED }", made, range.now()).unwrap();
    range.account_mut().logs.group_mut(GROUP).unwrap().filters.insert("quota".to_owned(), filter);
    after(&mut range, 3);
    let at = minute(&range);
    let found = point(&range, "Shop", "Quota", &[], at).unwrap();
    assert_eq!((whole(found.sum), found.count), (0, 1));
}

#[test]
fn a_line_can_be_read_after_its_delay_and_not_before() {
    let mut range = stuffing("json");
    range.account_mut().logs.delay_seconds = 30;
    let (from, now) = (range.now() - Duration::minutes(2), range.now());
    let rows = query(&mut range, "fields @timestamp | sort @timestamp desc | limit 1", from, 200);
    let newest = format!("{}", (now - Duration::seconds(31)).format("%Y-%m-%d %H:%M:%S"));
    assert!(rows[0]["@timestamp"].starts_with(&newest), "{rows:?}, not {newest}");
}

#[test]
fn a_real_request_leaves_its_own_line() {
    let mut range = stuffing("json");
    let send = |range: &mut Range, path: &str, client: &str| {
        let uri = format!("/restapis/{}/prod/_user_request_{path}", api(range, "accounts"));
        let request = Request::post(uri).header("user-agent", "probe \"7f3a\"").body(Bytes::new()).unwrap();
        let now = range.now();
        let Reply::Response(response) = range.handle(request, Some(client.parse().unwrap()), now) else { panic!() };
        (response.status().as_u16(), response.headers()["x-amzn-requestid"].to_str().unwrap().to_owned())
    };
    let from = range.now();
    let answers = [
        send(&mut range, "/password-reset", "192.0.2.9"),
        send(&mut range, "/orders", "192.0.2.9"),
        send(&mut range, "/nowhere", "192.0.2.9"),
        send(&mut range, "/login", "203.0.113.77"),
    ];
    after(&mut range, 1);
    let rows = query(
        &mut range,
        "filter userAgent like '7f3a' | fields status, responseType, ip, requestId, wafStatus, resourcePath",
        from,
        5,
    );
    let types: Vec<_> = answers
        .iter()
        .map(|(status, id)| {
            let row = rows.iter().find(|row| row["requestId"] == *id).unwrap();
            assert_eq!(row["status"], status.to_string());
            (row["responseType"].as_str(), row["wafStatus"].as_str(), row["resourcePath"].as_str())
        })
        .collect();
    assert_eq!(
        types,
        [
            ("-", "200", "/password-reset"),
            ("UNAUTHORIZED", "200", "/orders"),
            ("MISSING_AUTHENTICATION_TOKEN", "200", "-"),
            ("WAF_FILTERED", "403", "/login"),
        ]
    );
}

#[test]
fn a_stage_without_a_log_or_an_account_without_a_role_keeps_nothing() {
    let mut range = stuffing("json");
    let from = range.now();
    range.account_mut().gateway.cloudwatch_role_arn = None;
    after(&mut range, 1);
    assert!(query(&mut range, "stats count(*) as n", from + Duration::seconds(1), 30).is_empty());
    assert_eq!(range.account().logs.groups().count(), 1, "dev has none");
}

/// Whatever becomes of requests, minute by minute, the lines say the same as the truth: cache hits, refusals of
/// authorizers, a drill's peak.
#[test]
fn every_drill_s_log_is_its_truth_in_every_minute() {
    let drills = [
        (SQLI_FLOOD, "description = \"What customers use\"\n", "shop/prod"),
        (
            include_str!("../../../drills/cache-stale-privileges.toml"),
            "description = \"Wards and surgeries\"\n",
            "records/prod",
        ),
        (include_str!("../../../drills/lockout-trap.toml"), "description = \"What merchants use\"\n", "pay/prod"),
    ];
    for (text, prod, stage) in drills {
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("access_log")).collect();
        let text = lines.join("\n").replace(r#"history = "45m""#, r#"history = "2m""#);
        assert!(text.contains(prod), "{stage}");
        let text = text.replace(prod, &format!("{prod}access_log = {{ group = \"{GROUP}\" }}\n"));
        let mut range = Range::from_scenario(&text, None).unwrap();
        after(&mut range, 8);
        let from = last_minute(&range) - Duration::minutes(7);
        let rows = query(
            &mut range,
            "stats count(*) as n by bin(1m) as t, status, responseType, integrationStatus",
            from,
            420,
        );
        for minute in 0..7 {
            let at = from + Duration::minutes(minute);
            let truth = range.truth().stage(stage, at);
            let name = at.format("%Y-%m-%d %H:%M:00.000").to_string();
            let here: Vec<_> = rows.iter().filter(|row| row["t"] == name).collect();
            let sum = |fits: &dyn Fn(&BTreeMap<String, String>) -> bool| -> u64 {
                here.iter().filter(|row| fits(row)).map(|row| row["n"].parse::<u64>().unwrap()).sum()
            };
            let of = |column: &'static str, value: &'static str| sum(&|row| row[column] == value);
            assert_eq!(sum(&|_| true), truth.requests, "{stage} {at}");
            assert_eq!(of("responseType", "WAF_FILTERED"), truth.waf_blocked);
            assert_eq!(of("responseType", "THROTTLED"), truth.throttled);
            assert_eq!(of("responseType", "UNAUTHORIZED"), truth.unauthorized);
            assert_eq!(of("responseType", "ACCESS_DENIED"), truth.denied);
            assert_eq!(sum(&|row| row["status"] == "200" && row["integrationStatus"] == "-"), truth.cache_hits);
            assert_eq!(of("integrationStatus", "200"), truth.served);
            assert_eq!(sum(&|row| row["status"].starts_with('5')), truth.server_errors);
            assert_eq!(sum(&|row| row["status"].starts_with('4')), truth.status_4xx());
        }
    }
}

/// A log is written for an HTTP API as well, without a role of the account's; routes have keys there. (documented; the
/// role is inferred)
#[test]
fn an_http_api_logs_its_routes() {
    let text = format!(
        r#"schema = "portcullis.scenario/1"
name = "pets"
title = "Pets"
[world]
account = "111122223333"
region = "eu-central-1"
start = 2026-04-14T18:30:00Z
logs_delay = "20s"
[[world.apis]]
name = "pets"
protocol = "HTTP"
methods = [{{ method = "GET", path = "/pets" }}, {{ method = "GET", path = "/mine", authorization = "JWT" }}]
[[world.apis.stages]]
name = "$default"
throttle = {{ rate = 40, burst = 40 }}
access_log = {{ group = "{GROUP}", format = '$context.requestId "$context.routeKey" $context.status $context.error.responseType $context.waf.status' }}
[[world.populations]]
name = "everybody"
kind = "legitimate"
stage = "pets/$default"
rate = 100
sources = [{{ prefix = "198.18.0.0/16", count = 40 }}]
requests = [{{ route = "GET /pets", share = 4 }}, {{ route = "GET /mine" }}]
"#
    );
    let mut range = Range::from_scenario(&text, None).unwrap();
    range.account_mut().gateway.cloudwatch_role_arn = None;
    after(&mut range, 4);
    let at = minute(&range);
    let truth = range.truth().stage("pets/$default", at);
    let parse = r#"parse @message '* "*" * * *' as id, route, status, kind, waf | stats count(*) as n by route, status, kind, waf"#;
    let rows = query(&mut range, parse, at, 60);
    let n = |route: &str, status: &str, kind: &str| -> u64 {
        let found = rows.iter().find(|row| row["route"] == route && row["status"] == status && row["kind"] == kind);
        assert!(found.is_none_or(|row| row["waf"] == "-"), "an HTTP API has no web ACL");
        found.map_or(0, |row| row["n"].parse().unwrap())
    };
    assert!(truth.throttled > 1_000 && truth.unauthorized > 500, "{truth:?}");
    assert_eq!(n("GET /pets", "429", "THROTTLED"), truth.throttled);
    assert_eq!(n("GET /mine", "401", "UNAUTHORIZED"), truth.unauthorized);
    assert_eq!(n("GET /pets", "200", "-"), truth.served);
    let (from, now) = (range.now() - Duration::minutes(1), range.now());
    let newest = query(&mut range, "fields @timestamp | sort @timestamp desc | limit 1", from, 60);
    assert!(
        newest[0]["@timestamp"].starts_with(&(now - Duration::seconds(21)).format("%Y-%m-%d %H:%M:%S").to_string())
    );
}

#[test]
fn a_hundred_thousand_addresses_are_told_apart() {
    let text = STUFFING
        .replace(r#"history = "45m""#, r#"history = "1m""#)
        .replace(r#"prefix = "100.64.0.0/10", count = 1300"#, r#"prefix = "100.64.0.0/10", count = 100000"#)
        .replace("rate = 420", "rate = 20000");
    let mut range = Range::from_scenario(&text, None).unwrap();
    after(&mut range, 4);
    let at = minute(&range);
    let rows = query(&mut range, "stats count_distinct(ip) as ips, count(*) as n", at, 60);
    let (ips, n): (u64, u64) = (rows[0]["ips"].parse().unwrap(), rows[0]["n"].parse().unwrap());
    assert_eq!(n, range.truth().stage(STAGE, at).requests);
    assert!(ips > 95_000, "{ips}");
}

/// Percentiles of lines, of metrics and of the truth are of the same requests; lines are drawn apart from the metrics'
/// data.
#[test]
fn latencies_in_the_log_are_those_of_the_metric_and_of_the_truth() {
    let mut range = stuffing("json");
    let at = minute(&range);
    let truth = range.truth().latencies(STAGE, at);
    let dimensions = [("ApiName", "accounts"), ("Stage", "prod")];
    let metric = point(&range, "AWS/ApiGateway", "Latency", &dimensions, at).unwrap();
    assert_eq!(truth.count(), metric.count);
    assert_eq!(truth.count(), range.truth().stage(STAGE, at).requests);
    let near = |one: f64, other: f64, share: f64| (one / other - 1.0).abs() < share;
    for percent in [50.0, 90.0, 99.0] {
        let (exact, published) = (truth.percentile(percent).unwrap(), metric.percentile(percent).unwrap());
        assert!(near(published, exact, 0.02), "p{percent}: {published} published of {exact}");
        let ask = format!("filter responseLatency >= 20 | stats pct(responseLatency, {percent}) as ms");
        assert_eq!(query(&mut range, &ask, at, 60).len(), 1);
    }
    let served = |range: &mut Range, percent: f64| -> f64 {
        let ask = format!("filter integrationLatency >= 0 | stats pct(integrationLatency, {percent}) as ms");
        query(range, &ask, at, 60)[0]["ms"].parse().unwrap()
    };
    let integration = point(&range, "AWS/ApiGateway", "IntegrationLatency", &dimensions, at).unwrap();
    for percent in [50.0, 90.0, 99.0] {
        let (logged, published) = (served(&mut range, percent), integration.percentile(percent).unwrap());
        assert!(near(logged, published, 0.1), "p{percent}: {logged} logged, {published} published");
    }
}
