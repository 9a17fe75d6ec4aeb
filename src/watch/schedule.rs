//! How often what is read: attacked and looked-at stages more often, uncalled ones less, all of it inside the budget.
//!
//! Plain arithmetic on account time. Readings are aligned: CloudWatch has a point a minute, so that everything of one
//! pace falls due at the same moment and goes in one call.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::board::Pace;
use crate::model::settings::PollingSettings;

/// Polls come this much after the full interval, so that the minute that just ended may be there.
const AFTER_THE_MINUTE: TimeDelta = TimeDelta::seconds(3);

/// The furthest apart that readings are put for the sake of the budget, seconds: uncalled stages, and all others.
const FURTHEST: (u64, u64) = (1_800, 600);

/// How often each pace is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Schedule {
    /// Account seconds between two readings: close, usual, idle.
    pub(super) every: [u64; 3],
    /// Why they are further apart than configured, where they are.
    pub(super) slowed: Option<String>,
}

impl Schedule {
    /// For so many metrics of each pace: as configured, or as far apart as the budget needs. What is attacked or looked
    /// at is slowed last, and never beyond the usual.
    pub(super) fn of(settings: &PollingSettings, metrics: [usize; 3]) -> Self {
        let usual = settings.interval_seconds.clamp(1, 86_400);
        let close = settings.close_seconds.clamp(1, usual);
        let configured = [close, usual, settings.idle_seconds.clamp(usual, 86_400.max(usual))];
        let mut every = configured;
        let over = |every: &[u64; 3]| dollars_per_hour(settings, metrics, every) > settings.budget_dollars_per_hour;
        while over(&every) && every[2] < FURTHEST.0 && metrics[2] > 0 {
            every[2] = (every[2] * 2).min(FURTHEST.0);
        }
        while over(&every) && every[1] < FURTHEST.1 {
            every[1] = (every[1] + usual.max(60)).min(FURTHEST.1);
            every[2] = every[2].max(every[1]);
        }
        if over(&every) {
            every[0] = usual;
        }
        let slowed = (every != configured).then(|| {
            let budget = settings.budget_dollars_per_hour;
            let left = if over(&every) { ", and is not kept" } else { "" };
            format!(
                "readings are further apart than configured: a stage that is called may go unread for {}, one that nobody calls for {}; the \
                 budget is ${budget:.2} an hour{left}",
                span(every[1]),
                span(every[2])
            )
        });
        Self { every, slowed }
    }

    pub(super) fn every(&self, pace: Pace) -> u64 {
        self.every[index(pace)]
    }

    /// Whether something last asked for at `asked` is due again.
    pub(super) fn is_due(&self, pace: Pace, asked: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        let every = self.every(pace);
        asked.is_none_or(|asked| slot(asked, every) < slot(now, every))
    }
}

/// `20 s`, `3 min`.
fn span(seconds: u64) -> String {
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}

pub(super) fn index(pace: Pace) -> usize {
    match pace {
        Pace::Close => 0,
        Pace::Usual => 1,
        Pace::Idle => 2,
    }
}

/// Dollars an hour for reading so many metrics so often: an estimate.
///
/// `GetMetricData` is billed per metric asked for, not per call or per point (documented).
pub(super) fn dollars_per_hour(settings: &PollingSettings, metrics: [usize; 3], every: &[u64; 3]) -> f64 {
    let of = |(metrics, every): (usize, &u64)| metrics as f64 * 3_600.0 / (*every).max(1) as f64;
    let asked: f64 = metrics.into_iter().zip(every).map(of).sum();
    asked * settings.dollars_per_thousand_metrics / 1_000.0
}

fn slot(at: DateTime<Utc>, every: u64) -> i64 {
    (at - AFTER_THE_MINUTE).timestamp().div_euclid(i64::try_from(every.max(1)).unwrap_or(60))
}

/// The next full interval of account time, and a little.
pub(super) fn next_after(now: DateTime<Utc>, seconds: u64) -> DateTime<Utc> {
    let seconds = i64::try_from(seconds.max(1)).unwrap_or(60);
    let past = (now - AFTER_THE_MINUTE).timestamp().rem_euclid(seconds);
    let start = now - TimeDelta::nanoseconds(i64::from(now.timestamp_subsec_nanos()));
    start + TimeDelta::seconds(seconds - past)
}

/// A quarter of the interval, twice as long with every failure, `longest` at most: credentials that were renewed are
/// noticed, and a service in trouble is left in peace.
pub(super) fn backoff(interval: TimeDelta, failures: u32, longest: TimeDelta) -> TimeDelta {
    let factor = 1_i32 << failures.saturating_sub(1).min(10);
    (interval / 4 * factor).min(longest.max(interval / 4))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn t(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_040 + seconds, 0).unwrap()
    }

    #[test]
    fn polls_come_a_little_after_the_minute() {
        assert_eq!(next_after(t(0), 60), t(3));
        assert_eq!(next_after(t(3), 60), t(63));
        assert_eq!(next_after(t(59) + TimeDelta::milliseconds(700), 60), t(63));
        assert_eq!(next_after(t(10), 30), t(33));
    }

    #[test]
    fn what_was_asked_in_this_interval_is_not_due_again() {
        let schedule = Schedule::of(&PollingSettings::default(), [1, 1, 1]);
        assert!(schedule.is_due(Pace::Idle, None, t(0)));
        assert!(!schedule.is_due(Pace::Usual, Some(t(5)), t(62)));
        assert!(schedule.is_due(Pace::Usual, Some(t(5)), t(63)));
        assert!(schedule.is_due(Pace::Close, Some(t(5)), t(23)));
        assert!(!schedule.is_due(Pace::Idle, Some(t(65)), t(123)));
    }

    #[test]
    fn twenty_metrics_a_minute_cost_a_cent_and_a_fifth_an_hour() {
        let cost = dollars_per_hour(&PollingSettings::default(), [0, 20, 0], &[20, 60, 300]);
        assert!((cost - 0.012).abs() < 1e-9, "{cost}");
    }

    #[test]
    fn the_budget_slows_the_uncalled_first_and_the_attacked_last() {
        let settings = PollingSettings::default();
        assert_eq!(Schedule::of(&settings, [8, 5_000, 100]).every, [20, 60, 300]);
        let idle = Schedule::of(&settings, [0, 5_000, 20_000]);
        assert_eq!((idle.every[0], idle.every[1]), (20, 60));
        assert!(idle.every[2] > 300 && idle.slowed.is_some());
        let many = Schedule::of(&settings, [40, 20_000, 0]);
        assert_eq!((many.every[0], many.every[1]), (20, 240));
        let hopeless = Schedule::of(&PollingSettings { budget_dollars_per_hour: 0.0, ..settings }, [40, 100, 0]);
        assert_eq!(hopeless.every, [60, 600, 600]);
        assert!(hopeless.slowed.unwrap().contains("not kept"));
        let slowed = many.slowed.unwrap();
        assert!(slowed.contains("called may go unread for 4 min, one that nobody calls for 5 min"), "{slowed}");
    }

    #[test]
    fn retries_are_never_closer_than_a_quarter_of_the_interval() {
        let minute = TimeDelta::seconds(60);
        let seconds = |n| backoff(minute, n, minute).num_seconds();
        assert_eq!([seconds(1), seconds(2), seconds(3), seconds(9)], [15, 30, 60, 60]);
        assert_eq!(backoff(minute, 40, TimeDelta::minutes(5)).num_seconds(), 300);
    }
}
