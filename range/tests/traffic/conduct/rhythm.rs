//! The rhythm of the day, today and in the weeks before.

use super::*;
use serde_json::{Value, json};

/// Peaks at 19:00, sixteen hours after the opening.
const DAILY: &str = r#"daily = { peak = "19:00", trough = 0.25 }"#;

const DEVELOPERS: &str = r#"
[[world.populations]]
name = "developers"
kind = "legitimate"
stage = "shop/dev"
rate = 4
sources = [{ prefix = "192.0.2.0/24", count = 4 }]
requests = [{ route = "GET /products" }]
"#;

/// Ten minutes of a metric, one value a minute, as a client of `CloudWatch` reads it.
fn read(range: &mut Range, of: (&str, &str, &str), dimensions: &[(&str, &str)], from: DateTime<Utc>) -> Vec<f64> {
    let (namespace, metric, statistic) = of;
    let dimensions: Vec<Value> = dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
    let query = json!({"Id": "m", "MetricStat": {"Period": 60, "Stat": statistic,
        "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}}});
    let from = from.timestamp();
    let input = json!({"StartTime": from, "EndTime": from + 600, "MetricDataQueries": [query]});
    let request = http::Request::post("/")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "GraniteServiceVersion20100801.GetMetricData")
        .body(bytes::Bytes::from(input.to_string()))
        .unwrap();
    let now = range.now();
    let portcullis_range::Reply::Response(response) = range.handle(request, None, now) else { panic!("no answer") };
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    let values = answer["MetricDataResults"][0]["Values"].as_array().unwrap_or_else(|| panic!("{answer}"));
    values.iter().map(|value| value.as_f64().unwrap()).collect()
}

const STAGE: &[(&str, &str)] = &[("ApiName", "shop"), ("Stage", "prod")];

/// The sum of ten minutes of a metric of the stage.
fn sum(range: &mut Range, metric: &str, statistic: &str, from: DateTime<Utc>) -> f64 {
    read(range, ("AWS/ApiGateway", metric, statistic), STAGE, from).iter().sum()
}

fn assert_near(found: f64, wanted: f64, share: f64) {
    assert!((found / wanted - 1.0).abs() < share, "{found}, not {wanted}");
}

/// The middle of ten minutes at an hour, some days ago.
fn ago(range: &Range, days: i64, hour: i64) -> DateTime<Utc> {
    range.start() - Duration::days(days) + Duration::hours(hour - 3) - Duration::minutes(5)
}

#[test]
fn the_rate_follows_the_time_of_day() {
    // 03:00 is eight hours from the peak: 0.25 + 0.75 * (1 + cos(120 degrees)) / 2.
    for (opens, share) in [("T03:00", 0.4375), ("T19:00", 1.0), ("T07:00", 0.25)] {
        let text = format!("{SHOP}{}", customers(DAILY)).replace("T03:00", opens);
        let mut range = Range::from_scenario(&text, None).unwrap();
        after(&mut range, 2);
        for at in [-5, 1] {
            assert_near(minute(&range, "customers", at).requests as f64, 4_800.0 * share, 0.06);
        }
    }
}

#[test]
fn a_week_ago_every_hour_has_its_own_rate() {
    let mut range = shop(&[&customers(DAILY), DEVELOPERS]);
    let history = range.start() - Duration::minutes(20);
    let failing = sum(&mut range, "4XXError", "Average", history);
    assert!(failing > 0.1, "{failing}");
    for (days, hour, share) in [(7, 19, 1.0), (14, 19, 1.0), (7, 7, 0.25), (7, 13, 0.625), (2, 1, 0.625)] {
        let from = ago(&range, days, hour);
        let whole = 600.0 * 80.0 * share;
        let count = sum(&mut range, "Count", "SampleCount", from);
        assert_near(count, whole, 0.03);
        assert_near(sum(&mut range, "Count", "Sum", from), count, 1e-9);
        for metric in ["4XXError", "5XXError"] {
            let data = sum(&mut range, metric, "SampleCount", from);
            assert!((data - count).abs() < 0.5, "{metric}: {data}, not {count}");
        }
        assert_near(sum(&mut range, "4XXError", "Average", from), failing, 0.3);
        let allowed = [("WebACL", "shop-acl"), ("Rule", "ALL"), ("Region", "eu-central-1")];
        let allowed = read(&mut range, ("AWS/WAFV2", "AllowedRequests", "Sum"), &allowed, from);
        assert_near(allowed.iter().sum(), whole, 0.03);
        assert!(allowed.iter().all(|minute| minute.fract() == 0.0), "{allowed:?}");
        let cached = sum(&mut range, "CacheHitCount", "Sum", from) + sum(&mut range, "CacheMissCount", "Sum", from);
        assert_near(cached, whole * 0.75, 0.05);
    }
}

#[test]
fn latencies_stay_as_they_are_and_whoever_has_no_rhythm_does_too() {
    let mut range = shop(&[&customers(DAILY), DEVELOPERS]);
    let (night, evening) = (ago(&range, 7, 3), ago(&range, 7, 19));
    let mut p99 = |from| read(&mut range, ("AWS/ApiGateway", "Latency", "p99"), STAGE, from);
    let (low, high) = (p99(night), p99(evening));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert_near(mean(&high), mean(&low), 0.15);
    let mut data = |from| sum(&mut range, "Latency", "SampleCount", from);
    assert_near(data(evening) / data(night), 1.0 / 0.4375, 0.03);
    let dev = [("ApiName", "shop"), ("Stage", "dev")];
    for from in [night, evening] {
        let counts = read(&mut range, ("AWS/ApiGateway", "Count", "Sum"), &dev, from);
        assert_near(counts.iter().sum(), 2_400.0, 0.1);
    }
    let api = read(&mut range, ("AWS/ApiGateway", "Count", "Sum"), &[("ApiName", "shop")], evening);
    assert_near(api.iter().sum(), 600.0 * 84.0, 0.03);
}

#[test]
fn without_a_rhythm_the_weeks_before_are_the_history_to_the_last_datum() {
    let range = shop(&[&customers(""), DEVELOPERS]);
    let metrics = &range.account().metrics;
    let read = |key, days| {
        let id = metrics.find(key).unwrap();
        let from = range.start() - Duration::minutes(30) - Duration::days(days);
        let points = metrics.read(id, from, from + Duration::minutes(30), range.now() + Duration::hours(1));
        let plain = |mut point: Point| {
            point.minute = 0;
            point
        };
        points.into_iter().map(|point| plain(point.into_owned())).collect::<Vec<_>>()
    };
    let keys = metrics.list(None, range.now() + Duration::hours(1));
    assert!(keys.len() > 10);
    for key in keys {
        assert_eq!(read(key, 0), read(key, 7), "{key:?}");
    }
}
