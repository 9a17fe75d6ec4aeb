//! The drills that come with the program: what their descriptions say holds, by numbers.

use super::*;
use portcullis_range::Counts;
use portcullis_range::state::MethodSetting;
use serde_json::{Value, json};

const STUFFING: &str = include_str!("../../../drills/credential-stuffing.toml");
const STALE: &str = include_str!("../../../drills/cache-stale-privileges.toml");
const TRAP: &str = include_str!("../../../drills/lockout-trap.toml");

/// A drill, advanced by some minutes.
fn drill(text: &str, minutes: i64) -> Range {
    let mut range = Range::from_scenario(text, None).unwrap();
    after(&mut range, minutes);
    range
}

/// What became of a population in the last whole minute.
fn fate(range: &Range, stage: &str, population: &str) -> Counts {
    range.truth().population(stage, population, last_minute(range))
}

/// A share of a population's requests.
fn share(part: u64, of: Counts) -> f64 {
    part as f64 / of.requests.max(1) as f64
}

/// Sets one method's limit.
fn throttle(range: &mut Range, name: &str, method: &str, limit: i64) {
    let id = api(range, name);
    let setting = MethodSetting {
        throttling_rate_limit: limit as f64,
        throttling_burst_limit: limit,
        ..range.account().gateway.apis[&id].stage("prod").unwrap().method_settings["*/*"].clone()
    };
    range.account_mut().edit_stage(&id, "prod", |stage| {
        stage.method_settings.insert(method.to_owned(), setting);
    });
}

#[test]
fn every_drill_opens_calm_and_has_a_dev_stage() {
    for (text, stage, populations) in [
        (STUFFING, "accounts/prod", &["customers", "customers-logging-in"][..]),
        (STALE, "records/prod", &["day-shift", "night-duty"]),
        (TRAP, "pay/prod", &["merchants", "card-scheme", "monitors"]),
    ] {
        let range = drill(text, 1);
        for population in populations {
            let counts = fate(&range, stage, population);
            let good = share(counts.served + counts.cache_hits, counts);
            assert!(counts.requests > 30 && good > 0.9 && counts.server_errors * 100 < counts.requests, "{counts:?}");
        }
        let (name, _) = stage.split_once('/').unwrap();
        assert!(fate(&range, &format!("{name}/dev"), "developers").served > 20);
    }
}

mod stuffing {
    use super::*;

    const STAGE: &str = "accounts/prod";

    #[test]
    fn the_service_gives_way_and_no_rate_rule_sees_it() {
        let range = drill(STUFFING, 8);
        let (customers, stuffers) = (fate(&range, STAGE, "customers"), fate(&range, STAGE, "stuffers"));
        assert_eq!(stuffers.waf_blocked, 0, "everyone stays under the rate rule");
        assert!((22_000..28_000).contains(&stuffers.requests), "{stuffers:?}");
        assert!(share(customers.server_errors, customers) > 0.5, "{customers:?}");
    }

    #[test]
    fn blocking_the_busiest_addresses_does_not_help() {
        let mut range = drill(STUFFING, 6);
        let mut seen: std::collections::BTreeMap<IpAddr, u64> = std::collections::BTreeMap::new();
        let to = range.now();
        for minute in 0..4 {
            let to = to - Duration::minutes(minute);
            let arn = acl_arn(&range);
            let drawn = range.account().samples.draw(&arn, "accounts-acl-metric", to - Duration::minutes(1), to, 500);
            for (sample, weight) in drawn.rows.iter().filter(|(sample, _)| sample.request.uri == "/prod/login") {
                *seen.entry(sample.client_ip).or_default() += weight;
            }
        }
        let mut busiest: Vec<(u64, IpAddr)> = seen.into_iter().map(|(ip, weight)| (weight, ip)).collect();
        busiest.sort_unstable_by(|a, b| b.cmp(a));
        let ten = busiest.iter().take(10).map(|(_, ip)| *ip);
        let before = fate(&range, STAGE, "stuffers");
        for (name, v6) in [("accounts-blocklist", false), ("accounts-blocklist-v6", true)] {
            let id = ip_set(&range, name);
            let family = ten.clone().filter(|ip| ip.is_ipv6() == v6);
            let entries: Vec<String> = family.map(|ip| format!("{ip}/{}", if v6 { 128 } else { 32 })).collect();
            range.account_mut().write_ip_set(&id, &entries, None).unwrap();
        }
        after(&mut range, 3);
        let (blocked, customers) = (fate(&range, STAGE, "stuffers"), fate(&range, STAGE, "customers"));
        assert!(blocked.waf_blocked > 0 && share(blocked.waf_blocked, before) < 0.02, "{blocked:?}");
        assert!(share(customers.server_errors, customers) > 0.5, "{customers:?}");
    }

    #[test]
    fn a_throttle_on_the_log_in_saves_the_rest_at_a_price() {
        let mut range = drill(STUFFING, 6);
        throttle(&mut range, "accounts", "login/POST", 50);
        after(&mut range, 3);
        let customers = fate(&range, STAGE, "customers");
        assert!(share(customers.served, customers) > 0.97 && share(customers.server_errors, customers) < 0.01);
        let price = fate(&range, STAGE, "customers-logging-in");
        // 50 of 429 log-ins a second pass; one in twenty of theirs is a reset, which nobody sheds.
        let shed = share(price.throttled, price);
        assert!((0.78..0.9).contains(&shed), "{shed}");
        let stuffers = fate(&range, STAGE, "stuffers");
        assert!(share(stuffers.throttled, stuffers) > 0.85, "{stuffers:?}");
    }
}

mod stale {
    use super::*;

    const STAGE: &str = "records/prod";

    fn flush(range: &mut Range) {
        let id = api(range, "records");
        range.account_mut().flush_cache(&id, "prod").unwrap();
        after(range, 2);
    }

    #[test]
    fn the_cache_serves_who_was_shut_out_for_an_hour() {
        let mut range = drill(STALE, 3);
        let contractor = fate(&range, STAGE, "contractor");
        assert!(share(contractor.cache_hits, contractor) > 0.85, "{contractor:?}");
        assert_eq!(contractor.served, 0, "the backend refuses whom the cache does not serve");
        after(&mut range, 30);
        let later = fate(&range, STAGE, "contractor");
        assert!((0.3..0.6).contains(&share(later.cache_hits, later)), "what was held runs out: {later:?}");
        let shift = fate(&drill(STALE, 3), STAGE, "day-shift");
        assert!(share(shift.cache_hits, shift) > 0.88, "{shift:?}");
    }

    #[test]
    fn a_flush_at_the_peak_stops_the_leak_and_kills_the_backend() {
        let mut range = drill(STALE, 5);
        flush(&mut range);
        let (contractor, shift) = (fate(&range, STAGE, "contractor"), fate(&range, STAGE, "day-shift"));
        assert_eq!((contractor.cache_hits, contractor.served), (0, 0), "the leak is closed");
        assert!(share(shift.server_errors, shift) > 0.5, "{shift:?}");
        after(&mut range, 3);
        let shift = fate(&range, STAGE, "day-shift");
        assert!(share(shift.server_errors, shift) > 0.2, "failures warm no cache: {shift:?}");
    }

    #[test]
    fn a_flush_after_the_shift_is_safe() {
        let mut range = drill(STALE, 15);
        assert_eq!(fate(&range, STAGE, "day-shift").requests, 0);
        assert!(fate(&range, STAGE, "contractor").cache_hits > 200);
        flush(&mut range);
        let (contractor, duty) = (fate(&range, STAGE, "contractor"), fate(&range, STAGE, "night-duty"));
        assert_eq!(contractor.cache_hits, 0);
        assert!(share(duty.server_errors, duty) < 0.01, "{duty:?}");
    }

    #[test]
    fn a_throttle_before_the_flush_saves_the_backend_and_is_paid_in_429s() {
        let mut range = drill(STALE, 5);
        throttle(&mut range, "records", "records/{id}/GET", 120);
        after(&mut range, 1);
        flush(&mut range);
        let shift = fate(&range, STAGE, "day-shift");
        assert!(share(shift.server_errors, shift) < 0.02, "{shift:?}");
        assert!((0.7..0.9).contains(&share(shift.throttled, shift)), "{shift:?}");
    }
}

mod trap {
    use super::*;

    const STAGE: &str = "pay/prod";
    const OFFICES: [&str; 2] = ["192.0.2.16/28", "192.0.2.240/28"];

    /// Ships a policy to prod.
    fn deploy(range: &mut Range, policy: &Value) {
        let id = api(range, "pay");
        let account = range.account_mut();
        let patch = json!([{"op": "replace", "path": "/policy", "value": policy.to_string()}]);
        account
            .act("oncall", "apigateway", "UpdateRestApi", json!({"restApiId": id, "patchOperations": patch}))
            .unwrap();
        let input = json!({"restApiId": id, "stageName": "prod"});
        account.act("oncall", "apigateway", "CreateDeployment", input).unwrap();
        after(range, 2);
    }

    fn statement(effect: &str, operator: &str, addresses: &[&str]) -> Value {
        json!({"Effect": effect, "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/prod/*",
            "Condition": {operator: {"aws:SourceIp": addresses}}})
    }

    /// Everything may, but for who is not on the list; the methods without an authorizer need an Allow.
    fn closed_but_for(addresses: &[&str]) -> Value {
        let mut open = statement("Allow", "IpAddress", addresses);
        open["Resource"] = json!(["execute-api:/*/POST/callbacks/*", "execute-api:/*/GET/health"]);
        json!({"Version": "2012-10-17", "Statement": [open, statement("Deny", "NotIpAddress", addresses)]})
    }

    #[test]
    fn the_obvious_allow_list_cuts_off_the_partner_and_keeps_no_thief_out() {
        let mut range = drill(TRAP, 5);
        let merchants = fate(&range, STAGE, "merchants");
        assert!(share(merchants.server_errors, merchants) > 0.5, "the attack saturates: {merchants:?}");
        deploy(&mut range, &json!({"Version": "2012-10-17", "Statement": [statement("Allow", "IpAddress", &OFFICES)]}));
        let (partner, thieves) = (fate(&range, STAGE, "card-scheme"), fate(&range, STAGE, "thieves"));
        assert_eq!(partner.denied, partner.requests);
        assert_eq!(thieves.denied, 0, "the authorizer lets them in, and silence does not keep them out");
        let monitors = fate(&range, STAGE, "monitors");
        assert_eq!(monitors.denied, 0);
    }

    #[test]
    fn the_same_list_as_a_deny_shuts_everybody_out_with_the_thieves() {
        let mut range = drill(TRAP, 5);
        deploy(&mut range, &closed_but_for(&OFFICES));
        for population in ["thieves", "card-scheme", "merchants"] {
            let counts = fate(&range, STAGE, population);
            assert_eq!(counts.denied, counts.requests, "{population}");
        }
        assert!(fate(&range, STAGE, "monitors").served > 30);
    }

    #[test]
    fn with_partner_and_merchants_on_it_only_the_thieves_are_out() {
        let mut range = drill(TRAP, 5);
        let all = [OFFICES[0], OFFICES[1], "198.51.100.64/27", "198.18.0.0/15"];
        deploy(&mut range, &closed_but_for(&all));
        let thieves = fate(&range, STAGE, "thieves");
        assert_eq!(thieves.denied, thieves.requests);
        for population in ["merchants", "card-scheme", "monitors"] {
            let counts = fate(&range, STAGE, population);
            assert!(counts.denied == 0 && share(counts.served, counts) > 0.97, "{population}: {counts:?}");
        }
    }

    #[test]
    fn the_prebuilt_closed_web_acl_has_the_same_hole() {
        let mut range = drill(TRAP, 5);
        let id = api(&range, "pay");
        let arn = range.account().stage_arn(&id, "prod");
        let closed = range.account().waf.web_acls.values().find(|acl| acl.saved().name == "pay-closed").unwrap();
        let closed = closed.saved().arn.clone();
        range.account_mut().associate(&arn, Some(&closed));
        after(&mut range, 2);
        for population in ["thieves", "card-scheme", "merchants"] {
            let counts = fate(&range, STAGE, population);
            assert_eq!(counts.waf_blocked, counts.requests, "{population}");
        }
        assert!(fate(&range, STAGE, "monitors").served > 30);
        assert_eq!(fate(&range, "pay/dev", "developers").waf_blocked, 0, "dev has its own");
    }
}
