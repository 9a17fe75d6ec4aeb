#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::model::board::HISTORY_MINUTES;
use crate::model::measure::{Measure, Shows, Turning};
use crate::model::series::Series;
use crate::model::signal::SignalKind;
use crate::model::stage::StageId;

fn at(minute: i64) -> DateTime<Utc> {
    "2026-03-03T03:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
}

/// What a minute had: requests, 4XX, 5XX, blocked by WAF, throttled by the log.
type Had = (f64, f64, f64, Option<f64>, Option<f64>);

/// An attack since minute 0: usually a thousand requests a minute, all answered.
struct World {
    minutes: Vec<Had>,
    measures: Vec<(i64, Turning, Shows, Option<u32>)>,
    acl: AclScope,
    standing: Vec<Signal>,
    declared: bool,
    last: Option<i64>,
    thresholds: Thresholds,
    /// The median of latency in every minute, and what is usual of it.
    waited: Option<f64>,
    usually_waited: Option<f64>,
}

fn attack(ended: Option<i64>) -> Signal {
    Signal {
        kind: SignalKind::ServerErrorsHigh,
        severity: Severity::Attack,
        since: at(0),
        ended: ended.map(at),
        not_judged_since: None,
        value: 0.3,
        peak: None,
        threshold: 0.05,
        ours: false,
        evidence: String::new(),
        suggests: String::new(),
    }
}

impl World {
    fn of(minutes: impl IntoIterator<Item = Had>) -> Self {
        let acl = AclScope::Alone { name: "acl".to_owned() };
        Self {
            minutes: minutes.into_iter().collect(),
            measures: vec![],
            acl,
            standing: vec![],
            declared: false,
            last: None,
            thresholds: Thresholds::default(),
            waited: None,
            usually_waited: None,
        }
    }

    fn with(mut self, since: i64, turning: Turning, shows: Shows) -> Self {
        self.measures.push((since, turning, shows, (turning == Turning::Throttles).then_some(1)));
        self
    }

    fn told(&self) -> Condition {
        let mut series: [Series; Metric::ALL.len()] = std::array::from_fn(|_| Series::new(HISTORY_MINUTES));
        for (n, (requests, client, server, blocked, throttled)) in self.minutes.iter().enumerate() {
            let minute = at(i64::try_from(n).unwrap());
            let mut set = |metric: Metric, value: f64| series[metric.index()].set(minute, value);
            set(Metric::Requests, *requests);
            set(Metric::ClientErrors, *client);
            set(Metric::ServerErrors, *server);
            if let Some(blocked) = blocked {
                set(Metric::WafBlocked, *blocked);
                set(Metric::WafAllowed, requests - blocked);
            }
            if let Some(throttled) = throttled {
                set(Metric::Throttled, *throttled);
            }
            if let Some(waited) = self.waited {
                set(Metric::LatencyP50, waited);
            }
        }
        let history: History = series.map(Arc::new);
        let stage = StageId { api_id: "a1".into(), api_name: "shop".into(), stage: "prod".into() };
        let measure = |(since, turning, shows, lets_through): &(i64, Turning, Shows, Option<u32>)| Measure {
            id: format!("m{since}"),
            stage: stage.clone(),
            turning: *turning,
            shows: *shows,
            since: at(*since),
            until: None,
            lets_through: *lets_through,
        };
        let measures = Measures::new(self.measures.iter().map(measure).collect());
        let of_kind = |ended: bool| self.standing.iter().filter(move |s| s.ended.is_some() == ended).cloned().collect();
        let judged = Judged { standing: of_kind(false), ended: of_kind(true), not_judged: vec![] };
        condition(&Subject {
            history: &history,
            began: at(0),
            declared: self.declared,
            usual: &|of, _| match of {
                UsualOf::Requests | UsualOf::Answers => Some(1_000.0),
                UsualOf::MedianLatency => self.usually_waited,
                _ => None,
            },
            fewer: 0.0,
            measures: &measures,
            answered: None,
            acl: &self.acl,
            acl_is_known: true,
            judged: &judged,
            last: at(self.last.unwrap_or(i64::try_from(self.minutes.len()).unwrap() - 1)),
            provisional: TimeDelta::minutes(3),
            scope: &Scope::Stage,
            thresholds: &self.thresholds,
        })
    }
}

const FLOOD: Had = (10_000.0, 0.0, 3_000.0, Some(0.0), None);
const HELD: Had = (10_000.0, 9_000.0, 0.0, Some(9_000.0), None);
const CALM: Had = (1_000.0, 0.0, 0.0, Some(0.0), None);

fn many(had: Had, minutes: usize) -> impl Iterator<Item = Had> {
    std::iter::repeat_n(had, minutes)
}

fn blocked(minutes: impl IntoIterator<Item = Had>) -> World {
    World::of(minutes).with(5, Turning::Blocks, Shows::Blocked)
}

#[test]
fn a_block_that_holds_is_contained_and_firm_after_six_minutes() {
    for (minutes, sureness) in [(1, Sureness::Provisional), (5, Sureness::Provisional), (6, Sureness::Firm)] {
        let told = blocked(many(FLOOD, 8).chain(many(HELD, minutes))).told();
        assert_eq!(
            (told.state, told.sureness, told.since),
            (StageState::Contained, sureness, Some(at(8))),
            "{minutes}"
        );
        assert_eq!(told.served.value(), Some(1.0));
        assert_eq!(told.measures.as_deref(), Some("a block in force"));
    }
    // Without a measure the same minutes are the attack's, whoever turns it away.
    let mut nobody = World::of(many(FLOOD, 8).chain(many(HELD, 8)));
    nobody.standing.push(attack(None));
    assert_eq!(nobody.told().state, StageState::Attack);
}

#[test]
fn whoever_is_not_there_is_not_kept_out() {
    // A quarter fewer than usual come, and nobody is turned away.
    let fewer: Had = (750.0, 0.0, 0.0, Some(0.0), None);
    assert_ne!(blocked(many(FLOOD, 8).chain(many(fewer, 4))).told().state, StageState::CustomersOut);
    // Seven in ten are served where our block turns the others away; once nine in ten are, they are in again.
    let (all_served, out): (Had, Had) =
        ((10_000.0, 0.0, 0.0, Some(0.0), None), (1_000.0, 300.0, 0.0, Some(300.0), None));
    let world = |then: Had| blocked(many(all_served, 5).chain(many(out, 4)).chain(many(then, 4))).told().state;
    assert_eq!(world(out), StageState::CustomersOut, "it neither flaps nor is forgotten");
    assert_ne!(world((1_000.0, 50.0, 0.0, Some(50.0), None)), StageState::CustomersOut);
}

#[test]
fn a_quiet_end_is_one_however_little_or_long_ago_the_attack_was() {
    // No more requests than usual, a third of them failed: the attack has no peak.
    let mut small = blocked(many((1_000.0, 0.0, 300.0, Some(0.0), None), 8).chain(many(CALM, 30)));
    small.standing.push(attack(Some(9)));
    assert_eq!(small.told().state, StageState::Calm);
    // The flood has left the minutes that are kept.
    let mut long = blocked(many(FLOOD, 8).chain(many(CALM, 200)));
    long.standing.push(attack(Some(9)));
    assert_eq!(long.told().state, StageState::Calm);
}

#[test]
fn thresholds_are_the_team_s() {
    let state = |thresholds: Thresholds, had: Had| {
        let world = World::of(many(FLOOD, 8).chain(many(had, 8))).with(8, Turning::Blocks, Shows::Blocked);
        World { thresholds, ..world }.told().state
    };
    let default = Thresholds::default;
    // Of 9,000 above usual 8,000 are turned away, and 1,000 more than usual get past.
    let past: Had = (10_000.0, 8_000.0, 0.0, Some(8_000.0), None);
    assert_eq!(state(default(), past), StageState::Leaking);
    assert_eq!(state(Thresholds { leaking_above: 1.0, ..default() }, past), StageState::Leaking, "at the limit");
    let tighter: Had = (10_000.0, 8_100.0, 0.0, Some(8_100.0), None);
    assert_eq!(state(Thresholds { leaking_above: 1.0, ..default() }, tighter), StageState::Contained);
    let strict = Thresholds { leaking_above: 1.0, contained_turned_away: 0.95, ..default() };
    assert_eq!(state(strict, tighter), StageState::Attack, "nothing gets past any more, and it is not contained");
    // Four fifths of the customers are served: at most 86 of a hundred.
    let some: Had = (10_000.0, 9_200.0, 0.0, Some(9_000.0), None);
    assert_eq!(state(Thresholds { contained_served: 0.75, ..default() }, some), StageState::Contained);
    assert_eq!(state(Thresholds { out_below: 0.87, ..default() }, some), StageState::CustomersOut);
    assert_eq!(state(Thresholds { out_drop: 0.05, ..default() }, HELD), StageState::Contained);
}

#[test]
fn what_gets_past_is_a_leak_once_the_measure_had_time_to_spread() {
    let past: Had = (10_000.0, 8_000.0, 0.0, Some(8_000.0), None);
    let spreading = blocked(many(FLOOD, 6).chain(many(past, 1))).told();
    assert_ne!(spreading.state, StageState::Leaking);
    let leaks = blocked(many(FLOOD, 7).chain(many(past, 2))).told();
    assert_eq!((leaks.state, leaks.sureness), (StageState::Leaking, Sureness::Provisional));
    // It is left below fifteen parts of a hundred, not below thirty.
    let less: Had = (10_000.0, 8_800.0, 0.0, Some(8_800.0), None);
    let still = blocked(many(FLOOD, 7).chain(many(past, 2)).chain(many(less, 3))).told();
    assert_eq!(still.state, StageState::Leaking);
    let over = blocked(many(FLOOD, 7).chain(many(past, 2)).chain(many(HELD, 3))).told();
    assert_eq!(over.state, StageState::Contained);
}

#[test]
fn customers_are_out_by_what_we_do_and_not_by_the_attack() {
    let shut: Had = (10_000.0, 9_900.0, 0.0, Some(9_900.0), None);
    let out = World::of(many(FLOOD, 8).chain(many(shut, 2))).with(5, Turning::Closes, Shows::Blocked);
    assert_eq!(out.told().state, StageState::CustomersOut);
    let served = out.told().served.value().unwrap();
    assert!((served - 0.1 / 0.93).abs() < 1e-9, "a tenth, where no fewer than 93 of a hundred call: {served}");
    // Before the closed web ACL's own figures are there, too.
    let unread: Had = (10_000.0, 9_900.0, 0.0, None, None);
    let early = World::of(many(FLOOD, 8).chain(many(unread, 1))).with(5, Turning::Closes, Shows::Blocked);
    assert_eq!(early.told().state, StageState::CustomersOut);
    // Left at sixty of a hundred.
    let some: Had = (10_000.0, 9_450.0, 0.0, Some(9_450.0), None);
    let half = World::of(many(FLOOD, 8).chain(many(shut, 2)).chain(many(some, 2)));
    assert_eq!(half.with(5, Turning::Closes, Shows::Blocked).told().state, StageState::CustomersOut);
    let mut by_attack = blocked(many((10_000.0, 5_000.0, 4_700.0, Some(5_000.0), None), 9));
    by_attack.standing.push(attack(None));
    assert_ne!(by_attack.told().state, StageState::CustomersOut, "the backend fails: that is the attack's");
}

#[test]
fn it_recovers_after_ten_quiet_minutes_and_is_calm_after_fifteen() {
    let after = |quiet: usize| {
        let mut world = blocked(many(FLOOD, 8).chain(many(HELD, 8)).chain(many(CALM, quiet)));
        world.standing.push(attack(Some(9)));
        world.told().state
    };
    assert_eq!(
        (after(9), after(10), after(14)),
        (StageState::Contained, StageState::Recovering, StageState::Recovering)
    );
    assert_eq!(after(15), StageState::Calm);
    let mut declared = blocked(many(FLOOD, 8).chain(many(CALM, 30)));
    declared.declared = true;
    assert_eq!(declared.told().state, StageState::Recovering, "who said that it stands has to say that it is over");
}

#[test]
fn what_no_log_tells_is_contained_within_bounds_only() {
    let held: Had = (10_000.0, 9_000.0, 0.0, Some(0.0), None);
    let untold = World::of(many(FLOOD, 8).chain(many(held, 8))).with(5, Turning::Throttles, Shows::Throttled).told();
    assert_eq!((untold.state, untold.sureness), (StageState::Contained, Sureness::Bounded));
    let told: Had = (10_000.0, 9_000.0, 0.0, Some(0.0), Some(9_000.0));
    let logged = World::of(many(FLOOD, 8).chain(many(told, 8))).with(5, Turning::Throttles, Shows::Throttled).told();
    assert_eq!((logged.state, logged.sureness), (StageState::Contained, Sureness::Firm));
}

#[test]
fn where_nothing_tells_the_state_is_not_known_and_never_calm() {
    let mut silent = blocked(many(FLOOD, 8).chain(many(HELD, 4)));
    silent.last = Some(20);
    let told = silent.told();
    assert_eq!(
        (told.state, told.last_known, told.since),
        (StageState::Unknown, Some(StageState::Contained), Some(at(12)))
    );
    assert_eq!(told.served.value(), None);
    assert_eq!(told.word(), "? (was CONTAINED)");
    // A web ACL before others, too: whose the blocks are nobody can tell.
    let mut shared = blocked(many(FLOOD, 8).chain(many(HELD, 8)));
    shared.acl = AclScope::Shared { name: "acl".to_owned(), stages: Some(2) };
    assert_eq!(shared.told().state, StageState::Unknown);
    let few: Had = (3.0, 0.0, 0.0, Some(0.0), None);
    assert_eq!(blocked(many(few, 12)).told().state, StageState::Unknown, "too few to tell");
}

#[test]
fn whether_requests_include_what_is_blocked_is_found_out() {
    let requests = |counted: f64, allowed: f64, blocked: f64| {
        let mut series: [Series; Metric::ALL.len()] = std::array::from_fn(|_| Series::new(HISTORY_MINUTES));
        for (metric, value) in
            [(Metric::Requests, counted), (Metric::WafAllowed, allowed), (Metric::WafBlocked, blocked)]
        {
            series[metric.index()].set(at(0), value);
        }
        blocking(&series.map(Arc::new), (&AclScope::Alone { name: "acl".to_owned() }, true), at(0))
    };
    assert_eq!(requests(10_000.0, 1_000.0, 9_000.0), Some(Blocking::Included));
    assert_eq!(requests(1_000.0, 1_000.0, 9_000.0), Some(Blocking::Beside));
    assert_eq!(requests(5_000.0, 1_000.0, 9_000.0), None);
    assert_eq!(requests(1_000.0, 990.0, 10.0), Some(Blocking::Included), "where hardly any are, both are one");
}

#[test]
fn slow_is_told_by_the_median_of_the_minute_against_what_is_usual() {
    let slow = |waited: Option<f64>, usual: Option<f64>| {
        let world = World { waited, usually_waited: usual, ..blocked(many(FLOOD, 8)) };
        world.told().is_slow()
    };
    assert_eq!(slow(Some(310.0), Some(100.0)), Some(true));
    assert_eq!(slow(Some(300.0), Some(100.0)), Some(false), "three times is not above");
    assert_eq!((slow(None, Some(100.0)), slow(Some(310.0), None), slow(Some(310.0), Some(0.0))), (None, None, None));
}
