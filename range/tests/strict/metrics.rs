//! `CloudWatch`.

use chrono::Duration;
use portcullis_range::state::SeriesKey;
use serde_json::{Value, json};

use crate::client::Client;

/// Ten minutes of `Count`, `4XXError` and `Latency` of `shop/prod`: minute `n` holds `n + 1` requests, one of them 4XX.
fn measured() -> Client {
    let mut client = Client::new();
    let start = client.now;
    let store = &mut client.range.account_mut().metrics;
    let dimensions = [("ApiName", "shop"), ("Stage", "prod")];
    let [count, errors, latency] =
        ["Count", "4XXError", "Latency"].map(|name| store.series(SeriesKey::new("AWS/ApiGateway", name, &dimensions)));
    for minute in 0..10_u32 {
        let at = start + Duration::minutes(i64::from(minute)) + Duration::seconds(5);
        store.record(count, at, 1.0, u64::from(minute) + 1);
        store.record(errors, at, 1.0, 1);
        store.record(errors, at, 0.0, u64::from(minute));
        store.record(latency, at, 100.0, 99);
        store.record(latency, at, 900.0, 1);
    }
    client.wait(10 * 60 + 60);
    client
}

fn query(id: &str, metric: &str, stat: &str) -> Value {
    json!({"Id": id, "MetricStat": {"Period": 60, "Stat": stat, "Metric": {
        "Namespace": "AWS/ApiGateway", "MetricName": metric,
        "Dimensions": [{"Name": "Stage", "Value": "prod"}, {"Name": "ApiName", "Value": "shop"}]}}})
}

fn ask(client: &Client, queries: &[Value]) -> Value {
    let start = client.range.start().timestamp();
    json!({
        "StartTime": start, "EndTime": start + 600, "ScanBy": "TimestampAscending", "MetricDataQueries": queries,
    })
}

fn values(answer: &Value, index: usize) -> Vec<f64> {
    answer["MetricDataResults"][index]["Values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect()
}

/// One handler answers CBOR and JSON 1.0: the same data, timestamps as tag 1 in one and as numbers in the other.
/// (documented: protocol specifications)
#[test]
fn cbor_and_json_agree() {
    let mut client = measured();
    let input = ask(&client, &[query("m1", "Count", "SampleCount"), query("m2", "Latency", "p99")]);
    let json = client.metrics("GetMetricData", &input).ok();
    let cbor = client.cbor("GetMetricData", &input).ok();
    assert_eq!(values(&json, 0), (1..=10).map(f64::from).collect::<Vec<_>>());
    for index in 0..2 {
        assert_eq!(values(&json, index), values(&cbor, index));
        let times = |answer: &Value| answer["MetricDataResults"][index]["Timestamps"].as_array().unwrap().clone();
        let unwrapped: Vec<f64> = times(&cbor).iter().map(|time| time["timestamp"].as_f64().unwrap()).collect();
        let plain: Vec<f64> = times(&json).iter().map(|time| time.as_f64().unwrap()).collect();
        assert_eq!(unwrapped, plain);
    }
}

/// Sum of an error metric is a number, Average the rate; requests are `Count`'s `SampleCount`. (documented: developer
/// guide)
#[test]
fn the_average_of_an_error_metric_is_its_rate() {
    let mut client = measured();
    let input = ask(&client, &[query("sum", "4XXError", "Sum"), query("rate", "4XXError", "Average")]);
    let answer = client.metrics("GetMetricData", &input).ok();
    assert_eq!(values(&answer, 0), [1.0; 10]);
    assert!((values(&answer, 1)[9] - 0.1).abs() < 1e-9);
}

/// A minute can be read only some time after it ended. (unverified: how long)
#[test]
fn a_minute_is_published_late() {
    let mut early = measured();
    early.now -= Duration::seconds(1);
    let input = ask(&early, &[query("m1", "Count", "SampleCount")]);
    assert_eq!(values(&early.metrics("GetMetricData", &input).ok(), 0).len(), 9);
    early.now += Duration::seconds(1);
    assert_eq!(values(&early.metrics("GetMetricData", &input).ok(), 0).len(), 10);
}

/// `EndTime` is exclusive. (documented: service model)
#[test]
fn the_end_is_exclusive() {
    let mut client = measured();
    let mut input = ask(&client, &[query("m1", "Count", "SampleCount")]);
    input["EndTime"] = (client.range.start().timestamp() + 120).into();
    assert_eq!(values(&client.metrics("GetMetricData", &input).ok(), 0), [1.0, 2.0]);
}

/// Newest first unless asked otherwise. (documented: service model)
#[test]
fn the_newest_point_comes_first_by_default() {
    let mut client = measured();
    let mut input = ask(&client, &[query("m1", "Count", "SampleCount")]);
    input.as_object_mut().unwrap().shift_remove("ScanBy");
    let answer = client.metrics("GetMetricData", &input).ok();
    assert_eq!(values(&answer, 0)[..2], [10.0, 9.0]);
}

/// Longer periods merge minutes, percentiles included. (documented: service model)
#[test]
fn periods_merge_minutes() {
    let mut client = measured();
    let mut five = query("m1", "Latency", "p50");
    five["MetricStat"]["Period"] = 300.into();
    let mut sum = query("m2", "Count", "Sum");
    sum["MetricStat"]["Period"] = 300.into();
    let input = ask(&client, &[five, sum]);
    let answer = client.metrics("GetMetricData", &input).ok();
    assert_eq!(values(&answer, 1), [15.0, 40.0]);
    assert!((values(&answer, 0)[0] / 100.0 - 1.0).abs() < 0.02);
}

/// At most 500 queries in a call. (documented: service model)
#[test]
fn five_hundred_queries_and_no_more() {
    let mut client = measured();
    let queries: Vec<Value> = (0..501).map(|n| query(&format!("m{n}"), "Count", "Sum")).collect();
    let over = ask(&client, &queries);
    assert_eq!(client.metrics("GetMetricData", &over).refused().1, "ValidationError");
    let full = ask(&client, &queries[..500]);
    let answer = client.metrics("GetMetricData", &full).ok();
    assert_eq!(answer["MetricDataResults"].as_array().unwrap().len(), 500);
}

/// An id begins with a lower-case letter, and is used once. (documented: service model)
#[test]
fn ids_start_lower_case_and_are_unique() {
    let mut client = measured();
    for ids in [["M1", "m2"], ["1m", "m2"], ["", "m2"], ["m2", "m2"]] {
        let input = ask(&client, &ids.map(|id| query(id, "Count", "Sum")));
        assert_eq!(client.metrics("GetMetricData", &input).refused().1, "ValidationError", "{ids:?}");
    }
}

/// More points than a call may give come in pages; a page that ends inside a series says `PartialData`. (documented:
/// service model)
#[test]
fn points_are_paged() {
    let mut client = measured();
    let mut input = ask(&client, &[query("m1", "Count", "SampleCount"), query("m2", "Count", "SampleCount")]);
    input["MaxDatapoints"] = 7.into();
    let mut gathered = [Vec::new(), Vec::new()];
    let mut pages = 0;
    loop {
        let page = client.cbor("GetMetricData", &input).ok();
        pages += 1;
        for (index, result) in page["MetricDataResults"].as_array().unwrap().iter().enumerate() {
            let which = usize::from(result["Id"] == "m2");
            gathered[which].extend(values(&page, index));
            let open = page.get("NextToken").is_some() && result["StatusCode"] == "PartialData";
            assert!(open || result["StatusCode"] == "Complete");
        }
        match page.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(pages, 3);
    assert_eq!(gathered[0], (1..=10).map(f64::from).collect::<Vec<_>>());
    assert_eq!(gathered[0], gathered[1]);
    input["NextToken"] = "nonsense".into();
    let answer = client.cbor("GetMetricData", &input);
    assert_eq!(answer.headers["x-amzn-query-error"], "InvalidNextToken;Sender");
    assert_eq!(answer.refused().1, "InvalidNextToken");
}

/// A series is its exact set of dimensions; another set is another series, and an unknown one is empty and complete.
/// (documented: user guide)
#[test]
fn dimensions_are_matched_exactly() {
    let mut client = measured();
    let mut loose = query("m1", "Count", "Sum");
    loose["MetricStat"]["Metric"]["Dimensions"] = json!([{"Name": "ApiName", "Value": "shop"}]);
    let input = ask(&client, &[loose]);
    let answer = client.metrics("GetMetricData", &input).ok();
    assert_eq!(values(&answer, 0), Vec::<f64>::new());
    assert_eq!(answer["MetricDataResults"][0]["StatusCode"], "Complete");
}

/// Expressions use other queries, which need not be returned. (documented: user guide)
#[test]
fn expressions_use_hidden_queries() {
    let mut client = measured();
    let mut hidden = query("m1", "4XXError", "Sum");
    hidden["ReturnData"] = false.into();
    let mut also = query("m2", "Count", "SampleCount");
    also["ReturnData"] = false.into();
    let input = ask(&client, &[hidden, also, json!({"Id": "e1", "Expression": "m1/m2*100"})]);
    let answer = client.metrics("GetMetricData", &input).ok();
    assert_eq!(answer["MetricDataResults"].as_array().unwrap().len(), 1);
    assert!((values(&answer, 0)[9] - 10.0).abs() < 1e-9);
    let odd = ask(&client, &[json!({"Id": "e1", "Expression": "SEARCH('x', 'Sum', 60)"})]);
    assert_eq!(client.metrics("GetMetricData", &odd).refused().1, "ValidationError");
    let circle = ask(&client, &[json!({"Id": "e1", "Expression": "e1+e1+e1+e1"})]);
    assert_eq!(client.metrics("GetMetricData", &circle).refused().1, "ValidationError");
}

/// A period is 1, 5, 10, 20, 30 or a multiple of 60, a statistic one that is known. (documented: service model)
#[test]
fn odd_periods_and_statistics_are_refused() {
    let mut client = measured();
    for (period, stat, status) in [(60, "p99.9", 200), (61, "Sum", 400), (60, "p101", 400), (60, "Median", 400)] {
        let mut one = query("m1", "Latency", stat);
        one["MetricStat"]["Period"] = period.into();
        let input = ask(&client, &[one]);
        assert_eq!(client.metrics("GetMetricData", &input).status, status, "{period} {stat}");
    }
}

/// `ListMetrics` gives what was active, filtered by part of the dimensions. (documented: service model)
#[test]
fn metrics_are_listed_by_part_of_their_dimensions() {
    let mut client = measured();
    let all = client.cbor("ListMetrics", &json!({"Namespace": "AWS/ApiGateway", "RecentlyActive": "PT3H"})).ok();
    assert_eq!(all["Metrics"].as_array().unwrap().len(), 3);
    let filter = json!({"MetricName": "Count", "Dimensions": [{"Name": "Stage"}]});
    assert_eq!(client.cbor("ListMetrics", &filter).ok()["Metrics"].as_array().unwrap().len(), 1);
    let other = json!({"Dimensions": [{"Name": "Stage", "Value": "dev"}]});
    assert_eq!(client.cbor("ListMetrics", &other).ok()["Metrics"], json!([]));
    client.wait(4 * 3_600);
    let later = client.cbor("ListMetrics", &json!({"RecentlyActive": "PT3H"})).ok();
    assert_eq!(later["Metrics"], json!([]));
}

/// A new series can be read before it is listed: up to 15 minutes. (documented: service model)
#[test]
fn a_new_series_is_listed_late() {
    let mut client = measured();
    client.range.account_mut().metrics.list_delay = 900;
    let listed = |client: &mut Client| client.cbor("ListMetrics", &json!({})).ok()["Metrics"].as_array().unwrap().len();
    assert_eq!(listed(&mut client), 0);
    client.wait(359);
    assert_eq!(listed(&mut client), 0, "published after 2 minutes, listed 15 later");
    client.wait(1);
    assert_eq!(listed(&mut client), 3);
}

/// 500 metrics a page. (documented: service model)
#[test]
fn five_hundred_metrics_a_page() {
    let mut client = Client::new();
    let at = client.now;
    for number in 0..501 {
        let store = &mut client.range.account_mut().metrics;
        let name = format!("api-{number}");
        let id = store.series(SeriesKey::new("AWS/ApiGateway", "Count", &[("ApiName", &name)]));
        store.record(id, at, 1.0, 1);
    }
    client.wait(180);
    let page = client.metrics("ListMetrics", &json!({})).ok();
    assert_eq!(page["Metrics"].as_array().unwrap().len(), 500);
    let last = client.metrics("ListMetrics", &json!({"NextToken": page["NextToken"]})).ok();
    assert_eq!(last["Metrics"].as_array().unwrap().len(), 1);
    assert!(last.get("NextToken").is_none());
}

/// `GetMetricStatistics` gives at most 1,440 points, and wants a statistic. (documented: service model)
#[test]
fn statistics_are_bounded() {
    let mut client = measured();
    let start = client.range.start().timestamp();
    let mut input = json!({
        "Namespace": "AWS/ApiGateway", "MetricName": "Latency", "Period": 300, "Statistics": ["Maximum"],
        "Dimensions": [{"Name": "ApiName", "Value": "shop"}, {"Name": "Stage", "Value": "prod"}],
        "ExtendedStatistics": ["p50"], "StartTime": start, "EndTime": start + 600,
    });
    let answer = client.metrics("GetMetricStatistics", &input).ok();
    assert_eq!(answer["Datapoints"].as_array().unwrap().len(), 2);
    assert_eq!(answer["Datapoints"][0]["Maximum"].as_f64(), Some(900.0));
    assert!(answer["Datapoints"][0]["ExtendedStatistics"]["p50"].as_f64().is_some());
    input["StartTime"] = (start - 600_000).into();
    let wide = client.metrics("GetMetricStatistics", &input);
    assert_eq!(wide.refused().1, "InvalidParameterCombinationException");
}
