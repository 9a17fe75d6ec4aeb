//! The traffic engine from outside: what an account's books say after a scenario has run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod access_logs;
mod authorization;
mod books;
mod closing;
mod conduct;
mod drills;
mod http_apis;
mod http_requests;
mod inspection;
mod plans;
mod repeat;
mod respond;
mod shedding;
mod waf_series;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use chrono::{DateTime, Duration, Utc};
use portcullis_range::Range;
use portcullis_range::state::{SeriesKey, metrics::Point};

/// The first drill.
pub(crate) const SQLI_FLOOD: &str = include_str!("../../../drills/sqli-flood.toml");
/// The stage under attack.
pub(crate) const PROD: &str = "shop/prod";

/// The first drill, without its long history, advanced by some minutes.
pub(crate) fn sqli_flood(minutes: i64) -> Range {
    assert!(SQLI_FLOOD.contains(r#"history = "45m""#));
    let mut range = Range::from_scenario(&SQLI_FLOOD.replace(r#"history = "45m""#, r#"history = "3m""#), None).unwrap();
    after(&mut range, minutes);
    range
}

/// Advances by minutes.
pub(crate) fn after(range: &mut Range, minutes: i64) {
    range.advance(range.now() + Duration::minutes(minutes));
}

/// The last whole minute.
pub(crate) fn last_minute(range: &Range) -> DateTime<Utc> {
    DateTime::from_timestamp(range.now().timestamp().div_euclid(60) * 60 - 60, 0).unwrap()
}

/// One published point, however late it is published.
pub(crate) fn point(
    range: &Range,
    namespace: &str,
    metric: &str,
    dimensions: &[(&str, &str)],
    at: DateTime<Utc>,
) -> Option<Point> {
    let metrics = &range.account().metrics;
    let series = metrics.find(&SeriesKey::new(namespace, metric, dimensions))?;
    metrics
        .read(series, at, at + Duration::minutes(1), at + Duration::hours(1))
        .first()
        .map(|point| point.clone().into_owned())
}

/// A stage's metric of API Gateway.
pub(crate) fn gateway(range: &Range, metric: &str, at: DateTime<Utc>) -> Point {
    point(range, "AWS/ApiGateway", metric, &[("ApiName", "shop"), ("Stage", "prod")], at)
        .unwrap_or_else(|| Point::empty(0))
}

/// Sum of a metric of WAF; 0 where there is none.
pub(crate) fn waf(range: &Range, metric: &str, rule: &str, at: DateTime<Utc>) -> u64 {
    let dimensions = [("WebACL", "shop-acl"), ("Rule", rule), ("Region", "eu-central-1")];
    point(range, "AWS/WAFV2", metric, &dimensions, at).map_or(0, |point| whole(point.sum))
}

/// A sum of ones as the number it is.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn whole(sum: f64) -> u64 {
    assert!(sum >= 0.0 && sum.fract() == 0.0, "{sum}");
    sum as u64
}

/// Id of an API by name.
pub(crate) fn api(range: &Range, name: &str) -> String {
    range.account().gateway.apis.values().find(|api| api.name == name).unwrap().id.clone()
}

/// Id of an IP set by name.
pub(crate) fn ip_set(range: &Range, name: &str) -> String {
    range.account().waf.ip_sets.values().find(|set| set.saved().name == name).unwrap().saved().id.clone()
}

/// ARN of the only web ACL.
pub(crate) fn acl_arn(range: &Range) -> String {
    range.account().waf.web_acls.values().next().unwrap().saved().arn.clone()
}

/// The addresses that a rule's samples show over the last minutes, as a responder would find them.
pub(crate) fn seen(range: &Range, rule: &str, minutes: i64) -> BTreeSet<IpAddr> {
    let mut found = BTreeSet::new();
    for minute in 0..minutes {
        let to = range.now() - Duration::minutes(minute);
        let drawn = range.account().samples.draw(&acl_arn(range), rule, to - Duration::minutes(1), to, 500);
        found.extend(drawn.rows.iter().map(|(sample, _)| sample.client_ip));
    }
    found
}

/// Adds single addresses to the drill's two block lists, as `UpdateIPSet` would.
pub(crate) fn block(range: &mut Range, addresses: &BTreeSet<IpAddr>) {
    for (name, v6) in [("shop-blocklist", false), ("shop-blocklist-v6", true)] {
        let id = ip_set(range, name);
        let mut entries = range.account().waf.ip_sets[&id].saved().addresses.clone();
        let family = addresses.iter().filter(|address| address.is_ipv6() == v6);
        entries.extend(family.map(|address| format!("{address}/{}", if v6 { 128 } else { 32 })));
        range.account_mut().write_ip_set(&id, &entries, None).unwrap();
    }
}

/// Replaces the drill's first block list.
pub(crate) fn write_blocklist(range: &mut Range, entries: &[&str]) {
    let id = ip_set(range, "shop-blocklist");
    let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
    range.account_mut().write_ip_set(&id, &entries, None).unwrap();
}
