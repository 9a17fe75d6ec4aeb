//! Clients that try again, and clients that go away.

use super::*;

const RETRY: &str = r#"retry = { share = 0.7, times = 2, after = "2s" }"#;
const RETRY_ALWAYS: &str = r#"retry = { share = 0.7, times = 2, after = "2s", forbidden = true }"#;

fn between(least: f64, found: u64, most: f64) {
    assert!((least..most).contains(&(found as f64)), "{found} is not in {least} to {most}");
}

#[test]
fn what_is_throttled_is_tried_again_and_counted_apart() {
    let mut range = shop(&[&customers(RETRY)]);
    throttle(&mut range, 10);
    after(&mut range, 4);
    let counts = minute(&range, "customers", 3);
    between(4_600.0, counts.first_tries(), 5_000.0);
    // 20 of 160 a second pass; of what fails 7 of 10 come a second time, and 49 of 100 of what fails then a third.
    between(4_300.0, counts.retries, 5_200.0);
    assert_eq!(gateway(&range, "Count", range.start() + Duration::minutes(3)).count, counts.requests);
    let mut without = shop(&[&customers("")]);
    throttle(&mut without, 10);
    after(&mut without, 4);
    assert_eq!(minute(&without, "customers", 3).retries, 0);
}

#[test]
fn a_failure_now_and_then_is_tried_again_once() {
    let mut range = shop(&[&customers(RETRY)]);
    after(&mut range, 2);
    let counts = minute(&range, "customers", 1);
    assert!(counts.server_errors > 0);
    let again = counts.retries as f64 / counts.server_errors as f64;
    assert!((0.4..1.0).contains(&again), "{counts:?}");
}

#[test]
fn a_403_is_tried_again_only_where_it_says_so() {
    for (retry, least, most) in [(RETRY, 0.0, 1.0), (RETRY_ALWAYS, 5_300.0, 6_200.0)] {
        let mut range = shop(&[&customers(retry)]);
        write_blocklist(&mut range, &["198.18.0.0/16"]);
        after(&mut range, 3);
        let counts = minute(&range, "customers", 2);
        assert_eq!(counts.waf_blocked, counts.requests);
        between(least, counts.retries, most);
    }
}

#[test]
fn a_retry_comes_from_whom_it_came_from_before() {
    let mut range = shop(&[&customers(RETRY_ALWAYS)]);
    write_blocklist(&mut range, &["198.18.0.0/17"]);
    after(&mut range, 3);
    let counts = minute(&range, "customers", 2);
    let passed = counts.requests - counts.waf_blocked;
    // About half of the customers are blocked; the others' first tries get in, and nothing of the blocked ones' does.
    assert!((0.4..0.6).contains(&(passed as f64 / counts.first_tries() as f64)), "{counts:?}");
    between(2_000.0, counts.retries, 3_600.0);
}

#[test]
fn retries_load_the_backend_further() {
    let served = |fields: &str| {
        let mut range = shop(&[&customers(fields), FLOOD]);
        after(&mut range, 8);
        let counts = minute(&range, "customers", 7);
        assert!(counts.server_errors > 1_000, "{counts:?}");
        counts
    };
    let (with, without) = (served(RETRY), served(""));
    assert!(with.requests as f64 > 1.2 * without.requests as f64, "{with:?} {without:?}");
}

#[test]
fn demand_falls_while_nothing_works_and_returns_some_minutes_after() {
    let patience = r#"patience = { lasts = "1m", away = "3m" }"#;
    // The cache answers the flood's victims none of these.
    let logging_in = |fields| customers(fields).replace(r#"{ route = "GET /products", share = 3 }, "#, "");
    let mut range = shop(&[&logging_in(patience), FLOOD]);
    after(&mut range, 30);
    let requests = |at| minute(&range, "customers", at).requests as f64;
    let before = requests(1);
    assert!((4_500.0..5_100.0).contains(&before), "{before}");
    assert!(requests(11) < 0.25 * before, "{} of {before}", requests(11));
    let (falling, back, later) = (requests(11), requests(14), requests(25));
    assert!(back > falling && later > back, "{falling} {back} {later}");
    assert!(later > 0.95 * before, "{later} of {before}");
    let mut stays = shop(&[&logging_in(""), FLOOD]);
    after(&mut stays, 12);
    assert!(minute(&stays, "customers", 11).requests as f64 > 0.95 * before);
}

#[test]
fn whom_a_block_keeps_out_goes_away_nearly_altogether() {
    let mut range = shop(&[&customers(r#"patience = { lasts = "30s", away = "2m" }"#)]);
    write_blocklist(&mut range, &["198.18.0.0/16"]);
    after(&mut range, 10);
    let counts = minute(&range, "customers", 9);
    between(50.0, counts.requests, 150.0);
    write_blocklist(&mut range, &["192.0.2.66/32"]);
    after(&mut range, 10);
    between(4_500.0, minute(&range, "customers", 19).requests, 5_100.0);
}
