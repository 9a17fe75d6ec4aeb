//! What populations do by themselves and about the answers that they get.

mod attackers;
mod repeat;
mod retries;
mod rhythm;

use super::*;
use portcullis_range::Counts;
use portcullis_range::state::MethodSetting;

/// A small shop; `{people}` says who calls.
const SHOP: &str = r#"schema = "portcullis.scenario/1"
name = "small"
title = "Small"

[world]
account = "111122223333"
region = "eu-central-1"
start = 2026-03-03T03:00:00Z
history = "30m"

[[world.backends]]
name = "db"
capacity = 200

[[world.apis]]
name = "shop"
backend = "db"
methods = [
    { method = "GET", path = "/products", cacheable = { keys = 300, ttl = 60 } },
    { method = "POST", path = "/login" },
]
stages = [
    { name = "prod", web_acl = "shop-acl", throttle = { rate = 5000, burst = 5000 }, cache = { ttl = 60 } },
    { name = "dev" },
]

[[world.ip_sets]]
name = "shop-blocklist"
version = "IPV4"
addresses = ["192.0.2.66/32"]

[[world.ip_sets]]
name = "shop-blocklist-v6"
version = "IPV6"
addresses = []

[[world.web_acls]]
name = "shop-acl"
rules = [{ name = "blocklist", ip_set = "shop-blocklist", action = "block" }]
"#;

/// A shop with some populations.
pub(super) fn shop(populations: &[&str]) -> Range {
    Range::from_scenario(&format!("{SHOP}\n{}", populations.concat()), None).unwrap()
}

/// A population of customers with some more fields.
pub(super) fn customers(fields: &str) -> String {
    format!(
        r#"
[[world.populations]]
name = "customers"
kind = "legitimate"
stage = "shop/prod"
rate = 80
client_errors = 0.05
server_errors = 0.02
sources = [{{ prefix = "198.18.0.0/16", count = 300 }}]
requests = [{{ route = "GET /products", share = 3 }}, {{ route = "POST /login" }}]
{fields}
"#
    )
}

/// What floods the shop's database from minute 2 to minute 12.
pub(super) const FLOOD: &str = r#"
[[world.populations]]
name = "botnet"
kind = "botnet"
stage = "shop/prod"
rate = 2000
start = "2m"
stop = "12m"
sources = [{ prefix = "203.0.113.0/25", count = 30 }]
requests = [{ route = "POST /login" }]
"#;

/// Limits every method of the stage.
pub(super) fn throttle(range: &mut Range, limit: i64) {
    let id = api(range, "shop");
    let setting = MethodSetting {
        throttling_rate_limit: limit as f64,
        throttling_burst_limit: limit,
        ..range.account().gateway.apis[&id].stage("prod").unwrap().method_settings["*/*"].clone()
    };
    range.account_mut().edit_stage(&id, "prod", |stage| {
        stage.method_settings.insert("*/*".to_owned(), setting);
    });
}

/// What became of a population in the minute that many after the opening.
pub(super) fn minute(range: &Range, population: &str, minute: i64) -> Counts {
    range.truth().population(PROD, population, range.start() + Duration::minutes(minute))
}
