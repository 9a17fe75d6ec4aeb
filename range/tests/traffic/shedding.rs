//! Throttles, capacity, cache.

use super::*;
use portcullis_range::state::MethodSetting;

#[test]
fn a_method_throttle_sheds_that_method_in_proportion_and_counts_as_4xx() {
    let mut range = sqli_flood(4);
    let id = api(&range, "shop");
    range.account_mut().edit_stage(&id, "prod", |stage| {
        let setting =
            MethodSetting { throttling_rate_limit: 100.0, throttling_burst_limit: 100, ..MethodSetting::fresh() };
        stage.method_settings.insert("login/POST".to_owned(), setting);
    });
    after(&mut range, 2);
    let at = last_minute(&range);
    let (botnet, customers) =
        (range.truth().population(PROD, "botnet", at), range.truth().population(PROD, "customers", at));
    let all = range.truth().stage(PROD, at);
    let logins = (botnet.requests as f64 * 0.62 + customers.requests as f64 * 0.11, all.throttled as f64);
    assert!((logins.0 - logins.1 - 6_000.0).abs() < 600.0, "about 100 a second pass: {logins:?}");
    let shed = customers.throttled as f64 / (customers.requests as f64 * 0.11);
    assert!((0.8..0.95).contains(&shed), "a bucket does not know friend from foe: {shed}");
    assert_eq!(whole(gateway(&range, "4XXError", at).sum), all.status_4xx());
    assert!(all.status_4xx() > all.throttled);
}

#[test]
fn a_throttle_of_zero_closes_and_a_method_with_its_own_entry_stays_open() {
    let mut range = sqli_flood(0);
    let id = api(&range, "shop");
    range.account_mut().edit_stage(&id, "prod", |stage| {
        stage.method_settings.insert("payments/POST".to_owned(), MethodSetting::fresh());
        let all = stage.method_settings.get_mut("*/*").unwrap();
        (all.throttling_rate_limit, all.throttling_burst_limit) = (0.0, 0);
    });
    after(&mut range, 2);
    let counts = range.truth().stage(PROD, last_minute(&range));
    assert_eq!(counts.throttled + counts.integrated(), counts.requests);
    let paid = counts.integrated() as f64 / counts.requests as f64;
    assert!((0.01..0.05).contains(&paid), "payments alone go on: {paid}");
}

#[test]
fn the_accounts_limit_holds_for_every_stage_together() {
    let text = SQLI_FLOOD.replace("[world]\n", "[world]\nthrottle = { rate = 60, burst = 60 }\n");
    let mut range = Range::from_scenario(&text.replace("45m", "2m"), None).unwrap();
    after(&mut range, 1);
    let at = last_minute(&range);
    let (prod, dev) = (range.truth().stage(PROD, at), range.truth().stage("shop/dev", at));
    let passed = prod.integrated() + dev.integrated();
    assert!((3_500..3_700).contains(&passed), "60 a second pass: {passed}");
    assert!(dev.throttled > 0, "dev suffers with prod");
}

#[test]
fn throttled_and_blocked_requests_can_be_left_out_of_the_metrics() {
    let text = SQLI_FLOOD.replace("[world]\n", "[world]\ncounting = { waf_blocked = false }\n");
    let mut range = Range::from_scenario(&text.replace("45m", "2m"), None).unwrap();
    after(&mut range, 3);
    write_blocklist(&mut range, &["203.0.113.0/25"]);
    after(&mut range, 2);
    let at = last_minute(&range);
    let truth = range.truth().stage(PROD, at);
    assert!(truth.waf_blocked > 0);
    assert_eq!(gateway(&range, "Count", at).count, truth.requests - truth.waf_blocked);
}

/// The drill with a cache on prod and most of the load cacheable.
fn cached() -> Range {
    let text = SQLI_FLOOD
        .replace("path = \"/products\",", "path = \"/products\", cacheable = { keys = 300 },")
        .replace("web_acl = \"shop-acl\"\n", "web_acl = \"shop-acl\"\ncache = { size = \"0.5\" }\n");
    let mut range = Range::from_scenario(&text.replace("45m", "20m"), None).unwrap();
    after(&mut range, 1);
    range
}

#[test]
fn a_warm_cache_answers_and_a_flush_brings_the_load_back() {
    let mut range = cached();
    let hits = |range: &Range| gateway(range, "CacheHitCount", last_minute(range)).average().unwrap_or(0.0);
    assert!(hits(&range) > 0.85, "{}", hits(&range));
    let load = |range: &Range| range.truth().stage(PROD, last_minute(range)).integrated();
    let warm = load(&range);
    let id = api(&range, "shop");
    range.account_mut().flush_cache(&id, "prod").unwrap();
    range.advance(range.now() + Duration::seconds(60));
    assert!(load(&range) > warm + 500, "{warm} then {}", load(&range));
}

#[test]
fn waiting_longer_than_the_gateway_does_is_a_5xx_of_just_that_latency() {
    let text = SQLI_FLOOD.replace("timeout_ms = 29000\n", "timeout_ms = 1500\n");
    let mut range = Range::from_scenario(&text.replace("45m", "2m"), None).unwrap();
    after(&mut range, 1);
    let calm = gateway(&range, "5XXError", last_minute(&range)).average().unwrap();
    assert!(calm < 0.02, "{calm}");
    after(&mut range, 3);
    let at = last_minute(&range);
    assert!(gateway(&range, "5XXError", at).average().unwrap() > 0.9, "everything waits longer than that");
    assert!((gateway(&range, "IntegrationLatency", at).max - 1_500.0).abs() < 1e-9);
}
