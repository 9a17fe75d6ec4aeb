//! Clients' own limits, and the one that all APIs of the account share.

use super::*;
use bytes::Bytes;
use http::Request;
use portcullis_range::Reply;

/// Two APIs; `GET /quotes` of the first wants a key, and two partners have one each.
const PARTNERS: &str = r#"schema = "portcullis.scenario/1"
name = "partners"
title = "Partners"

[world]
account = "111122223333"
region = "eu-central-1"
start = 2026-03-03T03:00:00Z

[[world.apis]]
name = "shop"
methods = [
    { method = "GET", path = "/quotes", api_key_required = true },
    { method = "GET", path = "/products" },
]
stages = [{ name = "prod" }]

[[world.apis]]
name = "club"
methods = [{ method = "GET", path = "/points" }]
stages = [{ name = "prod" }]

[[world.api_keys]]
name = "big"
value = "key-of-the-big-partner-0001"

[[world.api_keys]]
name = "small"

[[world.usage_plans]]
name = "partners"
throttle = { rate = 30, burst = 30 }
keys = ["big", "small"]
stages = [{ stage = "shop/prod", methods = [{ route = "GET /quotes", rate = 20, burst = 20 }] }]
"#;

fn population(name: &str, stage: &str, route: &str, rate: u32, key: &str) -> String {
    let key = if key.is_empty() { String::new() } else { format!("api_key = \"{key}\"\n") };
    format!(
        "\n[[world.populations]]\nname = \"{name}\"\nkind = \"legitimate\"\nstage = \"{stage}\"\nrate = {rate}\n{key}\
         sources = [{{ prefix = \"192.0.2.0/24\", count = 4 }}]\nrequests = [{{ route = \"{route}\" }}]\n"
    )
}

fn run(more: &str, minutes: i64) -> Range {
    let mut range = Range::from_scenario(&format!("{PARTNERS}{more}"), None).unwrap();
    after(&mut range, minutes);
    range
}

/// Each key has its own bucket: one partner's flood costs the other nothing. A key is wanted where the method says so,
/// and counts nowhere else. (documented: usage plans throttle per client; the last is inferred)
#[test]
fn a_plan_limits_each_key_by_itself() {
    let range = run(
        &[
            population("big", "shop/prod", "GET /quotes", 100, "big"),
            population("small", "shop/prod", "GET /quotes", 10, "small"),
            population("keyless", "shop/prod", "GET /quotes", 10, ""),
            population("browsing", "shop/prod", "GET /products", 100, "big"),
        ]
        .concat(),
        3,
    );
    let at = last_minute(&range);
    let counts = |name| range.truth().population(PROD, name, at);
    let passed = counts("big").served;
    assert!((1_190..=1_210).contains(&passed), "20 a second pass: {passed}");
    assert_eq!(counts("big").throttled + passed, counts("big").requests);
    assert_eq!(counts("small").served, counts("small").requests);
    assert_eq!(counts("keyless").unauthorized, counts("keyless").requests);
    assert_eq!(counts("browsing").served, counts("browsing").requests);
    assert_eq!(whole(gateway(&range, "4XXError", at).sum), range.truth().stage(PROD, at).status_4xx());
}

/// A plan's limit comes before the stage's: what the plan sheds takes nothing from the method's bucket. (documented:
/// order of throttling limits)
#[test]
fn a_plans_limit_comes_before_the_methods() {
    let text = PARTNERS.replacen(
        r#"stages = [{ name = "prod" }]"#,
        r#"stages = [{ name = "prod", throttle = { rate = 25, burst = 25 } }]"#,
        1,
    );
    let more = [
        population("big", "shop/prod", "GET /quotes", 500, "big"),
        population("small", "shop/prod", "GET /quotes", 4, "small"),
    ]
    .concat();
    let mut range = Range::from_scenario(&format!("{text}{more}"), None).unwrap();
    after(&mut range, 3);
    let small = range.truth().population(PROD, "small", last_minute(&range));
    assert!(small.served * 100 > small.requests * 97, "{small:?}");
}

/// One API's flood eats the limit that all APIs of the account share. (documented: account-level throttling)
#[test]
fn the_accounts_limit_is_shared_by_its_apis() {
    let text = PARTNERS.replace("[world]\n", "[world]\nthrottle = { rate = 200, burst = 200 }\n");
    let members = population("members", "club/prod", "GET /points", 50, "");
    let flood = population("flood", "shop/prod", "GET /products", 1_000, "");
    for (populations, starved) in [(members.clone(), false), (format!("{members}{flood}"), true)] {
        let mut range = Range::from_scenario(&format!("{text}{populations}"), None).unwrap();
        after(&mut range, 3);
        let members = range.truth().population("club/prod", "members", last_minute(&range));
        let shed = members.throttled as f64 / members.requests as f64;
        assert!(if starved { (0.75..0.87).contains(&shed) } else { shed == 0.0 }, "{shed}");
    }
}

/// A real request says its key in `x-api-key`; without a good one it is forbidden. (documented: gateway response types)
#[test]
fn a_real_request_needs_its_key() {
    let mut range = run("", 0);
    let mut get = |key: Option<&str>| {
        let mut request = Request::get(format!("/restapis/{}/prod/_user_request_/quotes", api(&range, "shop")));
        if let Some(key) = key {
            request = request.header("x-api-key", key);
        }
        let now = range.now();
        match range.handle(request.body(Bytes::new()).unwrap(), None, now) {
            Reply::Response(response) => response,
            other => panic!("{other:?}"),
        }
    };
    for key in [None, Some("no-such-key")] {
        let refused = get(key);
        assert_eq!((refused.status().as_u16(), &refused.body()[..]), (403, &br#"{"message":"Forbidden"}"#[..]));
    }
    let good = (0..25).map(|_| get(Some("key-of-the-big-partner-0001")).status().as_u16()).collect::<Vec<_>>();
    assert_eq!(good.iter().filter(|status| **status == 200).count(), 20);
    assert_eq!(good[24], 429);
}
