//! Attackers that pulse, give up and come back.

use super::*;

const EVERYBODY: &str = "203.0.113.0/24";
const NOBODY: &str = "192.0.2.66/32";

/// A hundred requests a second from minute 2 on, with some more fields.
fn botnet(fields: &str) -> String {
    format!(
        r#"
[[world.populations]]
name = "botnet"
kind = "botnet"
stage = "shop/prod"
rate = 100
start = "2m"
client_errors = 0.9
sources = [{{ prefix = "203.0.113.0/24", count = 60 }}]
requests = [{{ route = "POST /login" }}]
{fields}
"#
    )
}

/// A shop under attack, whose botnet is blocked from minute 5 on.
fn blocked(fields: &str, minutes: i64) -> Range {
    let mut range = shop(&[&customers(""), &botnet(fields)]);
    after(&mut range, 5);
    write_blocklist(&mut range, &[EVERYBODY]);
    after(&mut range, minutes - 5);
    range
}

/// What it has sent in a minute.
fn sent(range: &Range, at: i64) -> u64 {
    minute(range, "botnet", at).requests
}

/// The minutes, of so many, in which it sends at its full rate; in no other more than probes.
fn full(range: &Range, minutes: i64) -> Vec<i64> {
    let full: Vec<i64> = (0..minutes).filter(|at| sent(range, *at) > 5_500).collect();
    let halves = (0..minutes).filter(|at| (120..5_500).contains(&sent(range, *at))).count();
    assert!(halves <= 2 * (full.windows(2).filter(|two| two[1] > two[0] + 1).count() + 1), "{full:?}");
    full
}

#[test]
fn pulses_begin_and_end_at_their_minute_until_they_are_over() {
    let mut range = shop(&[&botnet(r#"pulse = { on = "4m", off = "6m" }"#)]);
    after(&mut range, 33);
    assert_eq!(full(&range, 33), [2, 3, 4, 5, 12, 13, 14, 15, 22, 23, 24, 25, 32]);
    assert!([0, 1, 6, 11, 16, 21, 26, 31].iter().all(|at| sent(&range, *at) == 0));
    let mut range = shop(&[&botnet(r#"pulse = { on = "4m", off = "6m", until = "18m" }"#)]);
    after(&mut range, 30);
    let steady = (18..30).collect::<Vec<_>>();
    assert_eq!(full(&range, 30), [vec![2, 3, 4, 5, 12, 13, 14, 15], steady].concat());
}

#[test]
fn who_has_always_been_there_pulses_before_the_opening_too() {
    let fields = r#"pulse = { on = "2m", off = "2m" }"#;
    let mut range = shop(&[&botnet(fields).replace("start = \"2m\"\n", "")]);
    after(&mut range, 3);
    let on: Vec<bool> = (-6..3).map(|at| sent(&range, at) > 0).collect();
    assert_eq!(on, [false, false, true, true, false, false, true, true, false]);
}

#[test]
fn a_botnet_gives_up_once_it_has_been_refused_for_long_enough() {
    let range = blocked(r#"gives_up = { blocked = 0.8, for = "5m" }"#, 20);
    assert_eq!(full(&range, 20), [2, 3, 4, 5, 6, 7, 8, 9]);
    assert!((12..20).all(|at| sent(&range, at) == 0));
    let mut range = range;
    write_blocklist(&mut range, &[NOBODY]);
    after(&mut range, 20);
    assert!((20..40).all(|at| sent(&range, at) == 0), "it does not know that it would be let in");
}

#[test]
fn a_throttle_makes_it_give_up_as_well_and_half_a_block_does_not() {
    let mut range = shop(&[&botnet(r#"gives_up = { blocked = 0.8, for = "3m" }"#)]);
    throttle(&mut range, 10);
    after(&mut range, 10);
    assert_eq!(full(&range, 10), [2, 3, 4]);
    assert!(minute(&range, "botnet", 4).throttled > 4_800);
    let mut range = shop(&[&botnet(r#"gives_up = { blocked = 0.8, for = "3m" }"#)]);
    write_blocklist(&mut range, &["203.0.113.0/25"]);
    after(&mut range, 12);
    assert_eq!(full(&range, 12), (2..12).collect::<Vec<_>>());
}

#[test]
fn it_comes_back_after_its_time_and_gives_up_again() {
    let range = blocked(r#"gives_up = { blocked = 0.8, for = "5m", returns = "10m" }"#, 40);
    let full = full(&range, 40);
    assert_eq!(full, [2, 3, 4, 5, 6, 7, 8, 9, 21, 22, 23, 24, 36, 37, 38, 39]);
    assert!((12..20).all(|at| sent(&range, at) == 0));
}

#[test]
fn it_comes_back_when_its_probes_get_through_and_not_before() {
    let mut range = blocked(r#"gives_up = { blocked = 0.8, for = "5m", returns = "when-let-in" }"#, 30);
    assert_eq!(full(&range, 30), [2, 3, 4, 5, 6, 7, 8, 9]);
    let probes: u64 = (12..30).map(|at| sent(&range, at)).sum();
    assert!((900..1_260).contains(&probes), "a hundredth of its rate: {probes} in 18 minutes");
    assert!((12..30).all(|at| minute(&range, "botnet", at).waf_blocked == sent(&range, at)));
    write_blocklist(&mut range, &[NOBODY]);
    after(&mut range, 5);
    assert!((32..35).all(|at| sent(&range, at) > 5_500));
}

#[test]
fn addresses_that_gave_up_one_by_one_come_back_one_by_one() {
    let habits = r#"habits = [{ when_blocked = "give-up", after = "2m", share = 0.5, returns = "5m" }]"#;
    let mut range = blocked(habits, 25);
    let half = |at| (2_400..3_600).contains(&sent(&range, at));
    assert!([8, 9, 10, 11, 15, 16, 17, 18, 22, 23, 24].into_iter().all(half));
    assert!([5, 6, 13, 20].into_iter().all(|at| sent(&range, at) > 5_500));
    write_blocklist(&mut range, &[NOBODY]);
    after(&mut range, 10);
    assert!((31..35).all(|at| sent(&range, at) > 5_500));
}
