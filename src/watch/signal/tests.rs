#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::sync::Arc;

use super::*;
use crate::model::board::Metric;
use crate::model::measure::{Measure, Shows, Turning};
use crate::model::series::Series;
use crate::model::signal::{Severity, SignalState};
use crate::model::stage::StageId;
use crate::watch::words::clock_time;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_040 + minute * 60, 0).unwrap()
}

struct World {
    history: History,
}

impl World {
    fn new() -> Self {
        Self { history: std::array::from_fn(|_| Arc::new(Series::new(HISTORY_MINUTES))) }
    }

    fn with(mut self, metric: Metric, minutes: std::ops::RangeInclusive<i64>, value: f64) -> Self {
        for minute in minutes {
            Arc::make_mut(&mut self.history[metric.index()]).set(at(minute), value);
        }
        self
    }

    fn signals(&self, last: i64, acl: AclScope) -> Vec<Signal> {
        evaluate(&self.history, &Thresholds::default(), at(last), &Situation::plain(acl)).standing
    }

    fn one(&self, last: i64, kind: SignalKind) -> Option<Signal> {
        self.signals(last, shared()).into_iter().find(|s| s.kind == kind)
    }
}

fn shared() -> AclScope {
    AclScope::Shared { name: "front".into(), stages: Some(3) }
}

fn alone() -> AclScope {
    AclScope::Alone { name: "front".into() }
}

fn errors(requests: f64, errors: f64) -> World {
    World::new().with(Metric::Requests, 0..=9, requests).with(Metric::ClientErrors, 0..=9, errors).with(
        Metric::ServerErrors,
        0..=9,
        0.0,
    )
}

#[test]
fn a_share_equal_to_its_threshold_raises_nothing() {
    let kind = SignalKind::ClientErrorsHigh;
    assert_eq!(errors(1000.0, 200.0).one(9, kind), None);
    let notice = errors(1000.0, 201.0).one(9, kind).unwrap();
    assert_eq!((notice.severity, notice.threshold), (Severity::Notice, 0.20));
    let edge = errors(1000.0, 500.0).one(9, kind).unwrap();
    assert_eq!(edge.severity, Severity::Notice);
    let attack = errors(1000.0, 501.0).one(9, kind).unwrap();
    assert_eq!((attack.severity, attack.threshold), (Severity::Attack, 0.50));
}

#[test]
fn few_requests_are_not_judged() {
    let kind = SignalKind::ClientErrorsHigh;
    assert_eq!(errors(59.0, 59.0).one(9, kind), None);
    assert!(errors(60.0, 60.0).one(9, kind).is_some());
}

#[test]
fn server_errors_have_their_own_thresholds() {
    let world = |errors| World::new().with(Metric::Requests, 0..=9, 1000.0).with(Metric::ServerErrors, 0..=9, errors);
    let kind = SignalKind::ServerErrorsHigh;
    assert_eq!(world(20.0).one(9, kind), None);
    assert_eq!(world(21.0).one(9, kind).unwrap().severity, Severity::Notice);
    assert_eq!(world(100.0).one(9, kind).unwrap().severity, Severity::Notice);
    assert_eq!(world(101.0).one(9, kind).unwrap().severity, Severity::Attack);
}

#[test]
fn the_run_begins_with_its_first_minute() {
    let world = errors(1000.0, 10.0).with(Metric::ClientErrors, 4..=9, 900.0);
    let signal = world.one(9, SignalKind::ClientErrorsHigh).unwrap();
    assert_eq!(signal.since, at(4));
    assert_eq!(
        signal.evidence,
        format!(
            "4XX 90.0 % of 1,000 requests at {} UTC; how many of them front blocked cannot be told",
            clock_time(at(9))
        )
    );
}

#[test]
fn a_run_at_attack_level_does_not_begin_with_the_notice_before_it() {
    let world = errors(1000.0, 300.0).with(Metric::ClientErrors, 7..=9, 900.0);
    let signal = world.one(9, SignalKind::ClientErrorsHigh).unwrap();
    assert_eq!((signal.severity, signal.since), (Severity::Attack, at(7)));
}

#[test]
fn missing_minutes_break_a_run_only_where_they_are_as_many_as_are_quiet() {
    let stretch = |minutes| {
        World::new().with(Metric::Requests, minutes, 1000.0).with(Metric::Requests, 6..=9, 1000.0).with(
            Metric::ClientErrors,
            0..=9,
            900.0,
        )
    };
    let kind = SignalKind::ClientErrorsHigh;
    assert_eq!(stretch(0..=3).one(9, kind).unwrap().since, at(0));
    assert_eq!(stretch(0..=2).one(9, kind).unwrap().since, at(6));
}

#[test]
fn what_comes_and_goes_is_one_signal_until_it_has_been_quiet() {
    let kind = SignalKind::ClientErrorsHigh;
    let world = errors(1000.0, 900.0).with(Metric::Requests, 4..=5, 10.0);
    assert_eq!(world.one(9, kind).unwrap().since, at(0), "two quiet minutes are a pause");
    let eased = |quiet: i64| {
        let world = errors(1000.0, 900.0).with(Metric::Requests, 10..=9 + quiet, 1000.0);
        world.with(Metric::ClientErrors, 10..=9 + quiet, 5.0)
    };
    assert!(eased(2).one(11, kind).is_some());
    assert_eq!(eased(3).one(12, kind), None);
}

#[test]
fn what_has_ended_is_told_with_its_peak_and_its_end() {
    let world = errors(1000.0, 700.0).with(Metric::ClientErrors, 4..=4, 950.0);
    let world = world.with(Metric::Requests, 10..=14, 1000.0).with(Metric::ClientErrors, 10..=14, 5.0);
    let judged = evaluate(&world.history, &Thresholds::default(), at(14), &Situation::plain(shared()));
    assert_eq!(judged.standing, Vec::new());
    let ended = &judged.ended[0];
    assert_eq!((ended.kind, ended.since, ended.ended), (SignalKind::ClientErrorsHigh, at(0), Some(at(10))));
    let peak = ended.peak.unwrap();
    assert_eq!(peak.at, at(4));
    assert!((peak.value - 0.95).abs() < 1e-6);
}

#[test]
fn throttling_is_judged_only_where_it_was_read() {
    let kind = SignalKind::Throttling;
    assert_eq!(errors(1000.0, 900.0).one(9, kind), None);
    let throttled = |n| errors(1000.0, 900.0).with(Metric::Throttled, 0..=9, n).one(9, kind);
    assert_eq!(throttled(10.0), None, "touched, not crossed");
    assert_eq!(throttled(11.0).unwrap().severity, Severity::Notice);
    assert_eq!(throttled(201.0).unwrap().severity, Severity::Attack);
}

#[test]
fn latency_is_high_against_what_was_usual_and_not_below_the_least() {
    let world = |before, now| {
        let calm = errors(1000.0, 5.0).with(Metric::Requests, 10..=40, 1000.0);
        calm.with(Metric::LatencyP99, 0..=37, before).with(Metric::LatencyP99, 38..=40, now)
    };
    let kind = SignalKind::LatencyHigh;
    assert_eq!(world(20.0, 480.0).one(40, kind), None, "24 times, and still nobody waits");
    assert_eq!(world(200.0, 580.0).one(40, kind), None);
    let high = world(200.0, 600.0).one(40, kind).unwrap();
    assert!((high.value - 3.0).abs() < 1e-6 && high.evidence.contains("usually 200 ms"), "{high:?}");
}

/// Requests climb at minute 35, latency with them; 5XX from minute `failing` on.
fn climbing(failing: i64) -> World {
    let calm = World::new().with(Metric::Requests, 0..=34, 600.0).with(Metric::ServerErrors, 0..=40, 0.0);
    let calm = calm.with(Metric::LatencyP99, 0..=34, 150.0).with(Metric::Requests, 35..=40, 1_500.0);
    calm.with(Metric::LatencyP99, 35..=40, 2_400.0).with(Metric::ServerErrors, failing..=40, 300.0)
}

#[test]
fn a_cascade_is_latency_that_climbs_with_requests_and_errors_that_follow() {
    let kind = SignalKind::ColdStartCascade;
    let signal = climbing(37).one(40, kind).unwrap();
    assert_eq!((signal.severity, signal.since), (Severity::Attack, at(37)));
    assert!(signal.evidence.contains("looks like"), "{}", signal.evidence);
    assert_eq!(climbing(41).one(40, kind), None, "no errors yet");
    assert_eq!(climbing(30).one(40, kind), None, "it failed before it was slow");
    let same = climbing(37).with(Metric::Requests, 35..=40, 700.0).one(40, kind);
    assert_eq!(same, None, "nobody asked for more");
}

#[test]
fn a_cache_that_answers_half_as_often_as_usual_has_collapsed() {
    let world = |hits| {
        let usual = World::new().with(Metric::CacheHits, 0..=30, 900.0).with(Metric::CacheMisses, 0..=40, 100.0);
        usual.with(Metric::CacheHits, 31..=40, hits)
    };
    let kind = SignalKind::CacheHitCollapse;
    assert_eq!(world(100.0).one(40, kind), None);
    let fell = world(60.0).one(40, kind).unwrap();
    assert!(fell.value < 0.5 && fell.evidence.contains("160 lookups"), "{fell:?}");
}

#[test]
fn costs_are_high_against_what_is_usual_and_above_the_least() {
    let world = World::new();
    let one = |before: f64, now: f64| {
        let dollars = move |minute: DateTime<Utc>| Some(if minute >= at(38) { now } else { before } / 60.0);
        let situation = Situation { dollars: &dollars, ..Situation::plain(shared()) };
        let judged = evaluate(&world.history, &Thresholds::default(), at(40), &situation);
        judged.standing.into_iter().find(|signal| signal.kind == SignalKind::CostBurn)
    };
    assert_eq!(one(0.1, 0.9), None);
    assert_eq!(one(1.0, 3.9), None);
    let burn = one(1.0, 4.0).unwrap();
    assert!(burn.evidence.contains("$4.00 an hour"), "{}", burn.evidence);
}

#[test]
fn the_accounts_limit_is_near_above_its_share() {
    let account = |_| Some(0.81);
    let situation = Situation { account: &account, ..Situation::plain(shared()) };
    let judged = evaluate(&World::new().history, &Thresholds::default(), at(9), &situation);
    assert_eq!(
        (judged.standing[0].kind, judged.standing[0].severity),
        (SignalKind::AccountLimitNear, Severity::Attack)
    );
}

#[test]
fn what_is_not_judged_any_more_stands_by_what_was_known_and_says_since_when() {
    let world = errors(1000.0, 900.0);
    let kind = SignalKind::ClientErrorsHigh;
    let state = |last| world.one(last, kind).map(|signal| (signal.state(), signal.not_judged_since));
    assert_eq!(state(9 + LOOKBACK_MINUTES - 1), Some((SignalState::Stands, None)));
    assert_eq!(state(9 + LOOKBACK_MINUTES), Some((SignalState::NotJudged, Some(at(10)))));
    assert_eq!(state(9 + STALE_MINUTES), None, "too old to raise what did not stand before");
    let before = evaluate(&world.history, &Thresholds::default(), at(9), &Situation::plain(shared()));
    let later = |last| {
        let situation = Situation { before: Some(&before), ..Situation::plain(shared()) };
        evaluate(&world.history, &Thresholds::default(), at(last), &situation)
    };
    let hour = later(9 + 59);
    assert_eq!((hour.standing[0].kind, hour.standing[0].not_judged_since), (kind, Some(at(10))));
    assert!(later(9 + 300).standing.iter().any(|signal| signal.kind == kind), "nothing has judged it to be over");
    // What did not stand is not known to be fine either.
    let servers = hour.not_judged.iter().find(|one| one.kind == SignalKind::ServerErrorsHigh).unwrap();
    assert_eq!(servers.since, Some(at(10)));
}

#[test]
fn what_is_forgotten_stands_until_enough_is_judged_fine() {
    let kind = SignalKind::ClientErrorsHigh;
    let bad = evaluate(&errors(1000.0, 900.0).history, &Thresholds::default(), at(9), &Situation::plain(shared()));
    let forgotten = bad.forgotten(at(10));
    let of = |fine: i64| {
        let world = World::new().with(Metric::Requests, 20..=19 + fine, 1000.0);
        let world = world.with(Metric::ClientErrors, 20..=19 + fine, 1.0);
        let situation = Situation { before: Some(&forgotten), ..Situation::plain(shared()) };
        let judged = evaluate(&world.history, &Thresholds::default(), at(19 + fine), &situation);
        let stands = judged.standing.iter().any(|signal| signal.kind == kind);
        (stands, judged.ended.iter().any(|signal| signal.kind == kind))
    };
    assert_eq!([of(0), of(2), of(3)], [(true, false), (true, false), (false, true)]);
}

#[test]
fn a_condition_that_does_not_concern_the_stage_is_not_said_to_be_unknown() {
    let without = Situation { tells_account: false, cache: Some(false), ..Situation::plain(AclScope::None) };
    let judged = evaluate(&errors(1000.0, 5.0).history, &Thresholds::default(), at(9), &without);
    let unknown: Vec<&str> = judged.not_judged.iter().map(|one| one.kind.id()).collect();
    assert!(unknown.contains(&"throttling") && unknown.contains(&"latency-high"), "{unknown:?}");
    for moot in ["allowed-share-low", "blocked-spike", "account-limit-near", "cache-hit-collapse", "server-errors-high"]
    {
        assert!(!unknown.contains(&moot), "{moot} of {unknown:?}");
    }
}

#[test]
fn our_own_blocks_are_told_apart_where_the_web_acl_guards_the_stage_alone() {
    let world = errors(1000.0, 800.0).with(Metric::WafBlocked, 0..=9, 700.0).with(Metric::WafAllowed, 0..=9, 300.0);
    let find = |acl| world.signals(9, acl).into_iter().find(|s| s.kind == SignalKind::ClientErrorsHigh).unwrap();
    let held = find(alone());
    assert_eq!(held.severity, Severity::Notice);
    assert!(held.evidence.contains("mostly our own blocks"), "{}", held.evidence);
    assert!(held.evidence.contains("the other 4XX are 10.0 %"));
    assert_eq!(find(shared()).severity, Severity::Attack);
}

#[test]
fn an_attack_that_our_blocks_do_not_explain_stays_one() {
    let world = errors(1000.0, 900.0).with(Metric::WafBlocked, 0..=9, 300.0).with(Metric::WafAllowed, 0..=9, 700.0);
    let signal = &world.signals(9, alone())[0];
    assert_eq!(signal.kind, SignalKind::ClientErrorsHigh);
    assert_eq!(signal.severity, Severity::Attack);
    assert!(!signal.evidence.contains("mostly"));
}

/// A measure of ours since minute 5.
fn measure(turning: Turning, shows: Shows) -> Measures {
    let stage = StageId { api_id: "a1".into(), api_name: "shop".into(), stage: "prod".into() };
    let lets_through = (shows == Shows::Throttled).then_some(10);
    Measures::new(vec![Measure { id: "m".into(), stage, turning, shows, since: at(5), until: None, lets_through }])
}

fn under(world: &World, measures: &Measures, kind: SignalKind) -> Option<(Severity, bool)> {
    let situation = Situation { measures, ..Situation::plain(alone()) };
    let judged = evaluate(&world.history, &Thresholds::default(), at(9), &situation);
    judged.standing.into_iter().find(|s| s.kind == kind).map(|s| (s.severity, s.ours))
}

#[test]
fn what_our_own_measures_turn_away_is_no_attack() {
    let (attack, ours) = (Some((Severity::Attack, false)), Some((Severity::Notice, true)));
    let low = |before: f64, now: f64| {
        let world = World::new().with(Metric::WafBlocked, 0..=4, before).with(Metric::WafAllowed, 0..=4, 1000.0);
        world.with(Metric::WafBlocked, 5..=9, now).with(Metric::WafAllowed, 5..=9, 100.0)
    };
    let block = measure(Turning::Blocks, Shows::Blocked);
    let kind = SignalKind::AllowedShareLow;
    assert_eq!(under(&low(10.0, 900.0), &Measures::none(), kind), attack);
    assert_eq!(under(&low(10.0, 900.0), &block, kind), ours);
    assert_eq!(under(&low(800.0, 900.0), &block, kind), attack, "other rules had blocked that much before");
    let closed = measure(Turning::Closes, Shows::Blocked);
    assert_eq!(under(&low(800.0, 900.0), &closed, kind), ours, "a closed web ACL blocks by default");
    let refused = errors(1000.0, 900.0);
    let kind = SignalKind::ClientErrorsHigh;
    assert_eq!(under(&refused, &measure(Turning::Closes, Shows::Refused), kind), ours);
    let taken_back = |until: i64| {
        let of = |one: &Measure| Measure { until: Some(at(until)), ..one.clone() };
        Measures::new(measure(Turning::Closes, Shows::Refused).iter().map(of).collect())
    };
    assert_eq!(under(&refused, &taken_back(10), kind), ours, "its minutes stay its own when it is taken back");
    assert_eq!(under(&refused, &taken_back(7), kind), attack, "and later ones are not");
    let throttle = measure(Turning::Throttles, Shows::Throttled);
    assert_eq!(under(&refused, &throttle, kind), attack, "no log tells how many of them are 429");
    let logged = |throttled: f64| errors(1000.0, 900.0).with(Metric::Throttled, 0..=9, throttled);
    assert_eq!(under(&logged(700.0), &throttle, kind), ours);
    assert_eq!(under(&logged(300.0), &throttle, kind), attack, "the others are too many");
    let kind = SignalKind::Throttling;
    assert_eq!(
        (under(&logged(700.0), &Measures::none(), kind), under(&logged(700.0), &throttle, kind)),
        (attack, ours)
    );
    let late = errors(1000.0, 900.0).with(Metric::Throttled, 0..=7, 700.0);
    assert_eq!(under(&late, &throttle, SignalKind::ClientErrorsHigh), ours, "a log that is late is waited for");
}

#[test]
fn a_web_acl_that_inspected_more_than_the_stage_received_is_not_alone() {
    let world = errors(1000.0, 800.0).with(Metric::WafBlocked, 0..=9, 700.0).with(Metric::WafAllowed, 0..=9, 5000.0);
    assert_eq!(own_blocks(&world.history, at(9), &alone()), None);
    let signals = world.signals(9, alone());
    assert_eq!(signals[0].severity, Severity::Attack);
}

#[test]
fn allowed_share_is_low_below_and_not_at_its_threshold() {
    let world = |allowed, blocked| {
        World::new().with(Metric::WafAllowed, 0..=9, allowed).with(Metric::WafBlocked, 0..=9, blocked)
    };
    let kind = SignalKind::AllowedShareLow;
    assert_eq!(world(500.0, 500.0).one(9, kind), None);
    let low = world(499.0, 501.0).one(9, kind).unwrap();
    assert_eq!((low.severity, low.since), (Severity::Attack, at(0)));
    assert!(low.evidence.contains("1,000 inspected"), "{}", low.evidence);
    assert!(low.evidence.contains("web ACL front, 3 stages"));
    assert_eq!(world(10.0, 49.0).one(9, kind), None, "too few");
}

#[test]
fn a_gap_in_one_waf_series_is_not_taken_for_zero() {
    let world = World::new().with(Metric::WafAllowed, 0..=5, 900.0).with(Metric::WafBlocked, 0..=9, 900.0);
    assert_eq!(world.one(9, SignalKind::AllowedShareLow), None);
}

#[test]
fn blocked_at_its_multiple_is_a_spike() {
    let world = |now| World::new().with(Metric::WafBlocked, 0..=30, 100.0).with(Metric::WafBlocked, 31..=31, now);
    let kind = SignalKind::BlockedSpike;
    assert_eq!(world(499.0).one(31, kind), None);
    let spike = world(500.0).one(31, kind).unwrap();
    assert!((spike.value - 5.0).abs() < 1e-9);
    assert!(spike.evidence.contains("usually 100 a minute"), "{}", spike.evidence);
}

#[test]
fn a_median_of_zero_needs_an_absolute_minimum() {
    let world = |now| World::new().with(Metric::WafBlocked, 0..=30, 0.0).with(Metric::WafBlocked, 31..=31, now);
    let kind = SignalKind::BlockedSpike;
    assert_eq!(world(59.0).one(31, kind), None);
    let spike = world(60.0).one(31, kind).unwrap();
    assert!(spike.value.is_finite() && spike.value >= spike.threshold);
}

#[test]
fn without_history_nothing_is_a_spike() {
    let world = World::new().with(Metric::WafBlocked, 28..=31, 900.0);
    assert_eq!(world.one(31, SignalKind::BlockedSpike), None);
}

#[test]
fn the_worst_comes_first() {
    let world = errors(1000.0, 900.0).with(Metric::ServerErrors, 0..=9, 30.0);
    let order: Vec<_> = world.signals(9, shared()).iter().map(|s| s.severity).collect();
    assert_eq!(order, vec![Severity::Attack, Severity::Notice]);
}
