#![allow(clippy::unwrap_used)]
use super::*;
use crate::model::settings::Prices;
use crate::model::stage::ApiKind;
use crate::watch::signal::AclScope;

/// The attack begins at minute 0 of this.
fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_040, 0).unwrap() + TimeDelta::minutes(minute)
}

fn history(sets: &[(Metric, std::ops::Range<i64>, f64)]) -> History {
    let mut history: History = std::array::from_fn(|_| Arc::new(Series::new(300)));
    for (metric, minutes, value) in sets {
        for minute in minutes.clone() {
            Arc::make_mut(&mut history[metric.index()]).set(at(minute), *value);
        }
    }
    history
}

fn requests(minutes: std::ops::Range<i64>, value: f64) -> Arc<History> {
    Arc::new(history(&[(Metric::Requests, minutes, value)]))
}

fn told(frozen: &Frozen, of: UsualOf, minute: i64) -> Option<Result<f64, String>> {
    let prices = Prices::default();
    let meter = Meter {
        history: &frozen.before,
        prices: &prices,
        kind: ApiKind::Rest,
        inspected: Some(false),
        acl: &AclScope::None,
        line_bytes: Some(0.0),
    };
    Reckoned::of(frozen, &meter).at(of, at(minute))
}

/// Frozen with so many requests a minute before, and in the weeks before: then, and at this time of day.
fn frozen(before: f64, then: f64, around: f64) -> Frozen {
    let week = |days: i64| -days * 1_440;
    let half_hour = |days| Some(requests(week(days) - 30..week(days), then));
    let now = |days| Some(requests(week(days) + 60..week(days) + 120, around));
    Frozen {
        before: requests(-30..0, before),
        then: [half_hour(7), half_hour(14)],
        around: [now(7), now(14)],
        ..Frozen::new(at(0), None)
    }
}

#[test]
fn the_half_hour_before_is_usual_for_an_hour() {
    let frozen = frozen(600.0, 600.0, 900.0);
    assert_eq!(told(&frozen, UsualOf::Requests, -1), None, "before an attack nothing is frozen");
    for minute in [0, 30, 59] {
        assert_eq!(told(&frozen, UsualOf::Requests, minute), Some(Ok(600.0)));
    }
    assert_eq!(told(&frozen, UsualOf::Requests, 60), Some(Ok(900.0)), "then the time of day counts");
}

#[test]
fn the_weeks_before_are_scaled_by_how_today_began() {
    let scaled = |before| told(&frozen(before, 600.0, 1_000.0), UsualOf::Requests, 90).unwrap();
    assert_eq!(scaled(1_200.0), Ok(2_000.0));
    assert_eq!(scaled(300.0), Ok(500.0));
    for unlike in [1_201.0, 299.0] {
        let why = scaled(unlike).unwrap_err();
        assert!(why.contains("times what it was in the weeks before"), "{why}");
    }
    let why = told(&frozen(5.0, 0.0, 0.0), UsualOf::Requests, 90).unwrap().unwrap_err();
    assert!(why.contains("was there, and not in the weeks before"), "{why}");
    assert_eq!(
        told(&frozen(0.0, 0.0, 7.0), UsualOf::Requests, 90),
        Some(Ok(7.0)),
        "nothing then and nothing now are alike"
    );
}

#[test]
fn what_is_not_known_has_no_usual_and_says_why() {
    let four = Frozen { before: requests(-4..0, 600.0), ..Frozen::new(at(0), None) };
    assert!(told(&four, UsualOf::Requests, 5).unwrap().unwrap_err().contains("fewer than five minutes"));
    let five = Frozen { before: requests(-5..0, 600.0), ..Frozen::new(at(0), None) };
    assert_eq!(told(&five, UsualOf::Requests, 5), Some(Ok(600.0)));
    assert_eq!(told(&five, UsualOf::Requests, 60), Some(Err(NOT_READ.to_owned())));
    let failed = Frozen { trouble: Some("CloudWatch is throttled".to_owned()), ..five };
    assert!(told(&failed, UsualOf::Requests, 60).unwrap().unwrap_err().contains("CloudWatch is throttled"));
    assert!(told(&frozen(1.0, 1.0, 1.0), UsualOf::Latency, 5).unwrap().is_err(), "no latency was kept");
}

#[test]
fn one_week_alone_will_do() {
    let mut one = frozen(600.0, 600.0, 900.0);
    (one.then[1], one.around[1]) = (None, None);
    assert_eq!(told(&one, UsualOf::Requests, 90), Some(Ok(900.0)));
}

#[test]
fn an_attack_that_lasts_a_week_is_not_what_is_usual() {
    let week = 7 * 1_440;
    // A week into it the same time a week ago is the attack itself; the week before that is not.
    let mut long = frozen(600.0, 600.0, 0.0);
    long.around = [Some(requests(0..120, 90_000.0)), Some(requests(-week..-week + 120, 630.0))];
    assert_eq!(told(&long, UsualOf::Requests, week + 60), Some(Ok(630.0)));
}

#[test]
fn answers_and_cache_hits_are_made_of_their_parts() {
    let before = history(&[
        (Metric::Requests, -30..0, 600.0),
        (Metric::ClientErrors, -30..0, 30.0),
        (Metric::ServerErrors, -30..0, 6.0),
        (Metric::CacheHits, -30..0, 90.0),
        (Metric::CacheMisses, -30..0, 10.0),
    ]);
    let frozen = Frozen { before: Arc::new(before), ..Frozen::new(at(0), None) };
    assert_eq!(told(&frozen, UsualOf::Answers, 1), Some(Ok(564.0)));
    assert_eq!(told(&frozen, UsualOf::CacheHits, 1), Some(Ok(0.9)));
    let dollars = told(&frozen, UsualOf::Cost, 1).unwrap().unwrap();
    assert!((dollars - 600.0 * 3.5e-6).abs() < 1e-9, "{dollars}");
}

#[test]
fn the_half_hour_is_kept_when_history_has_it_no_more() {
    let long_ago = Frozen::new(at(0), None);
    let first = Frozen { before: Arc::new(long_ago.half_hour(&requests(-40..20, 600.0))), ..long_ago };
    assert_eq!(first.known_before(), 30);
    // By now minutes from before are forgotten; one that is still there was corrected.
    let later = first.half_hour(&requests(-1..170, 610.0));
    let at_minute = |minute| later[Metric::Requests.index()].at(at(minute));
    assert_eq!((at_minute(-30), at_minute(-1), at_minute(0)), (Some(600.0), Some(610.0), None));
}

#[test]
fn an_attack_that_was_over_a_moment_ago_is_not_what_is_usual() {
    let wave = |ended| Frozen { before: requests(-30..0, 90_000.0), ..Frozen::new(at(0), Some((at(-50), at(ended)))) };
    let two = |ended| {
        let before = history(&[(Metric::Requests, -30..-9, 90_000.0), (Metric::Requests, -9..0, 600.0)]);
        Frozen { before: Arc::new(before), ..wave(ended) }
    };
    assert_eq!(told(&two(-10), UsualOf::Requests, 5), Some(Ok(600.0)), "nine minutes of peace");
    assert!(told(&wave(-3), UsualOf::Requests, 5).unwrap().is_err(), "two minutes tell nothing");
}

#[test]
fn a_share_is_not_scaled_beyond_all() {
    let week = |days: i64| -days * 1_440;
    let of = |minutes: std::ops::Range<i64>, hits: f64| {
        Arc::new(history(&[(Metric::CacheHits, minutes.clone(), hits), (Metric::CacheMisses, minutes, 100.0 - hits)]))
    };
    let frozen = Frozen {
        before: of(-30..0, 95.0),
        then: [Some(of(week(7) - 30..week(7), 60.0)), None],
        around: [Some(of(week(7) + 60..week(7) + 120, 90.0)), None],
        ..Frozen::new(at(0), None)
    };
    assert_eq!(told(&frozen, UsualOf::CacheHits, 90), Some(Ok(0.9)));
}
