#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::sync::Arc;

use super::*;
use crate::model::series::Series;

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
        evaluate(&self.history, &Thresholds::default(), at(last), acl)
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
fn one_missing_minute_breaks_no_run_and_two_do() {
    let stretch = |minutes| {
        World::new().with(Metric::Requests, minutes, 1000.0).with(Metric::Requests, 6..=9, 1000.0).with(
            Metric::ClientErrors,
            0..=9,
            900.0,
        )
    };
    let kind = SignalKind::ClientErrorsHigh;
    assert_eq!(stretch(0..=4).one(9, kind).unwrap().since, at(0));
    assert_eq!(stretch(0..=3).one(9, kind).unwrap().since, at(6));
}

#[test]
fn a_quiet_minute_ends_a_run() {
    let world = errors(1000.0, 900.0).with(Metric::Requests, 5..=5, 10.0);
    let signal = world.one(9, SignalKind::ClientErrorsHigh).unwrap();
    assert_eq!(signal.since, at(6));
}

#[test]
fn what_is_older_than_the_lookback_raises_nothing() {
    let world = errors(1000.0, 900.0);
    let kind = SignalKind::ClientErrorsHigh;
    assert!(world.one(9 + LOOKBACK_MINUTES - 1, kind).is_some());
    assert_eq!(world.one(9 + LOOKBACK_MINUTES, kind), None);
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
