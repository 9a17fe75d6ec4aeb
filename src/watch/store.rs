//! What was read, minute by minute: the series of one API name and stage, or of one web ACL.
//!
//! Here it is decided when a missing minute is a gap and when it is zero: only where something that was published
//! proves that the minute was. Metrics can be late by any time (AWS documents no delay), so that a minute's age alone
//! proves nothing. What is taken for granted, and inferred: of one series, or of one web ACL's, a later minute is not
//! published before an earlier one. Knows nothing of calls, stages or screens.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::aws::read::{MetricResult, MetricStatus};
use crate::model::board::HISTORY_MINUTES;
use crate::model::series::{Series, floor_minute};

/// The minutes one poll asked for: from the start of `from` up to and not including `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Start of the first minute.
    pub(super) from: DateTime<Utc>,
    /// End of the last minute.
    pub(super) to: DateTime<Utc>,
}

impl Window {
    /// The `minutes` complete minutes before `now`.
    pub(super) fn last(minutes: i64, now: DateTime<Utc>) -> Self {
        let to = floor_minute(now);
        Self { from: to - TimeDelta::minutes(minutes), to }
    }

    /// So many series that keep all of its minutes, and three hours at least.
    pub(super) fn held(self, count: usize) -> Held {
        let minutes = usize::try_from((self.to - self.from).num_minutes()).unwrap_or(HISTORY_MINUTES);
        Held::keeping(minutes.max(HISTORY_MINUTES), count)
    }

    /// Start of the last minute in it.
    fn last_minute(self) -> DateTime<Utc> {
        self.to - TimeDelta::minutes(1)
    }

    fn minutes(self) -> impl Iterator<Item = DateTime<Utc>> {
        let count = (self.to - self.from).num_minutes();
        (0..count).map(move |n| self.from + TimeDelta::minutes(n))
    }
}

/// Series that are read together.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// Shared with the boards that show them: written to by making them one's own.
    series: Vec<Arc<Series>>,
    status: Vec<Option<MetricStatus>>,
    /// When it was last asked for and answered, account time.
    pub(super) asked_at: Option<DateTime<Utc>>,
    /// End of the last window that was answered.
    pub(super) polled_to: Option<DateTime<Utc>>,
    /// Whether the long first window was read completely; until then it is asked for again.
    pub(super) primed: bool,
    /// Start of the last minute up to which the first series was read completely: what is missing before it, AWS did
    /// not have.
    pub(super) through: Option<DateTime<Utc>>,
    /// Start of the first minute that an answer brought or changed and that is not noted yet.
    changed: Option<DateTime<Utc>>,
    /// Start of the first minute that was not the same in the last two readings; the same before the last reading, and
    /// when that was.
    fresh: Option<DateTime<Utc>>,
    fresh_before: Option<DateTime<Utc>>,
    fresh_at: Option<DateTime<Utc>>,
}

/// What is younger than this when it is read for the first time may still change, however late it came.
const FIRST_FRESH: TimeDelta = TimeDelta::minutes(15);

/// How much more requests may be than what the web ACL inspected in the same minute before a part of it must be
/// missing: the two are counted at different places and never agree to the request.
const MISSING: f64 = 1.10;

/// Places of a web ACL's series: what it allowed and what it blocked is what it inspected.
const INSPECTED: [usize; 2] = [0, 1];

impl Held {
    /// `count` series without a minute in them.
    pub(super) fn new(count: usize) -> Self {
        Self::keeping(HISTORY_MINUTES, count)
    }

    /// The same, of which so many minutes are kept.
    pub(super) fn keeping(minutes: usize, count: usize) -> Self {
        let empty = Arc::new(Series::new(minutes));
        Self {
            series: std::iter::repeat_n(empty, count).collect(),
            status: vec![None; count],
            asked_at: None,
            polled_to: None,
            primed: false,
            through: None,
            changed: None,
            fresh: None,
            fresh_before: None,
            fresh_at: None,
        }
    }

    /// The series, in the order in which they are asked for.
    pub(super) fn series(&self) -> &[Arc<Series>] {
        &self.series
    }

    /// Whether an answer ever came.
    pub(super) fn was_asked(&self) -> bool {
        self.asked_at.is_some()
    }

    /// Notes that it was answered.
    pub(super) fn answered(&mut self, status: MetricStatus, window: Window, now: DateTime<Utc>) {
        self.asked_at = Some(now);
        if self.fresh_at != Some(now) {
            (self.fresh_before, self.fresh_at) = (self.fresh.take(), Some(now));
        }
        // What was not read again may have changed since.
        let not_again = self.fresh_before.filter(|first| status != MetricStatus::Complete || *first < window.from);
        self.fresh = [self.fresh, not_again, self.changed.take()].into_iter().flatten().min();
        // What failed is read again from where it last came.
        if status != MetricStatus::Failed || self.polled_to.is_none() {
            self.polled_to = self.polled_to.max(Some(window.to));
        }
    }

    /// Series from `first` on are not asked for any more: what they last answered is no answer of now.
    pub(super) fn no_longer_asked(&mut self, first: usize) {
        self.status.iter_mut().skip(first).for_each(|status| *status = None);
    }

    /// Whether the first series, requests, has a minute within the three hours that are kept before the last reading.
    pub(super) fn was_called_lately(&self) -> bool {
        let kept = TimeDelta::minutes(i64::try_from(HISTORY_MINUTES).unwrap_or(180));
        let latest = self.series.first().and_then(|series| series.latest());
        match (latest, self.polled_to) {
            (Some((minute, _)), Some(to)) => to - minute <= kept,
            (latest, _) => latest.is_some(),
        }
    }

    /// Whether any series has a minute in it.
    pub(super) fn has_data(&self) -> bool {
        self.series.iter().any(|series| !series.is_empty())
    }

    /// Start of the first minute that was not the same in the last two readings; `None` where all were.
    pub(super) fn fresh(&self) -> Option<DateTime<Utc>> {
        self.fresh
    }

    /// Start of the latest minute that any series has: up to there it was published.
    pub(super) fn published(&self) -> Option<DateTime<Utc>> {
        self.series.iter().filter_map(|series| series.latest()).map(|(minute, _)| minute).max()
    }

    /// How the last answer for a series ended; `None` before the first.
    pub(super) fn status(&self, index: usize) -> Option<MetricStatus> {
        self.status.get(index).copied().flatten()
    }

    /// The last answers that were less than complete.
    pub(super) fn worst(&self) -> Option<MetricStatus> {
        let with = |status| self.status.contains(&Some(status)).then_some(status);
        with(MetricStatus::Forbidden).or_else(|| with(MetricStatus::Failed)).or_else(|| with(MetricStatus::Partial))
    }

    /// Takes one series' answer in. A later answer for a minute replaces the earlier one: late and provisional points
    /// change.
    pub(super) fn take(&mut self, index: usize, result: &MetricResult, window: Window) {
        let Some(series) = self.series.get_mut(index) else {
            return;
        };
        self.status[index] = Some(result.status);
        if matches!(result.status, MetricStatus::Forbidden | MetricStatus::Failed) {
            return;
        }
        if !result.points.is_empty() {
            // Of a first reading nothing is known to have been the same before: what is old is taken to be whole.
            let new = if series.is_empty() { window.to - FIRST_FRESH } else { DateTime::UNIX_EPOCH };
            let series = Arc::make_mut(series);
            for (minute, value) in result.points.iter().filter(|(_, value)| value.is_finite()) {
                if *minute >= new && !is_same(series.at(*minute), *value) {
                    let minute = floor_minute(*minute);
                    self.changed = Some(self.changed.map_or(minute, |first| first.min(minute)));
                }
                series.set(*minute, *value);
            }
        }
        if index == 0 {
            let through = match result.status {
                MetricStatus::Complete => Some(window.last_minute()),
                _ => result.points.last().map(|(minute, _)| floor_minute(*minute)),
            };
            self.through = self.through.max(through);
        }
    }

    /// Notes that a first, long window has been answered; it counts only where every answer was complete.
    pub(super) fn prime(&mut self) {
        let complete = |status: &Option<MetricStatus>| {
            matches!(status, None | Some(MetricStatus::Complete | MetricStatus::Forbidden))
        };
        if self.status.iter().all(complete) {
            self.primed = true;
        }
    }

    /// Writes zero into the minutes of a stage's requests for which AWS had nothing, where that means that nobody
    /// called.
    ///
    /// A stage's metrics are published by its requests: a minute without any has no point. It is told from one that is
    /// late by a later minute that is there, where both are past the time in which minutes still come (`provisional`)
    /// and the answer was complete.
    pub(super) fn settle_own(&mut self, window: Window, now: DateTime<Utc>, provisional: TimeDelta) {
        if self.status(0) != Some(MetricStatus::Complete) {
            return;
        }
        let Some(series) = self.series.first_mut() else { return };
        let Some(proof) = latest_settled(series, now, provisional) else { return };
        let silent: Vec<DateTime<Utc>> =
            window.minutes().take_while(|minute| *minute < proof).filter(|m| series.at(*m).is_none()).collect();
        write_zeros(series, &silent);
    }

    /// Writes zero into the minutes of a web ACL's series for which AWS had nothing, where that means zero.
    ///
    /// WAF publishes a series only for minutes in which it is not zero (documented), so that nothing means none; but
    /// only where the answer was complete, the minute is past the time in which it may still come, and it is proven to
    /// be published: by the requests of the stages behind it (`requests` of a minute, `None` where of none of them they
    /// are known), and by what else the web ACL has of it. Where it has nothing at all of it, nobody called and a later
    /// minute is there. What it inspected must not be clearly less than what the stages received: then a part is
    /// missing. A minute that comes later all the same replaces the zero.
    pub(super) fn settle(
        &mut self,
        window: Window,
        now: DateTime<Utc>,
        provisional: TimeDelta,
        requests: &dyn Fn(DateTime<Utc>) -> Option<f64>,
    ) {
        let later = self.series.iter().filter_map(|series| latest_settled(series, now, provisional)).max();
        let proven = |minute: &DateTime<Utc>| {
            let requests = requests(*minute)?;
            let has = self.series.iter().any(|series| series.at(*minute).is_some_and(|value| value > 0.0));
            let inspected: f64 = INSPECTED.iter().filter_map(|n| self.series.get(*n)?.at(*minute)).sum();
            let silent = requests <= 0.0 && later.is_some_and(|later| *minute < later);
            (has || silent).then_some((*minute, requests <= inspected * MISSING))
        };
        let minutes: Vec<(DateTime<Utc>, bool)> =
            settled(window, now, provisional).filter_map(|m| proven(&m)).collect();
        for (index, (series, status)) in self.series.iter_mut().zip(&self.status).enumerate() {
            if *status == Some(MetricStatus::Complete) {
                let whole = |(minute, whole): &(DateTime<Utc>, bool)| {
                    (*whole || !INSPECTED.contains(&index)).then_some(*minute).filter(|m| series.at(*m).is_none())
                };
                let silent: Vec<DateTime<Utc>> = minutes.iter().filter_map(whole).collect();
                write_zeros(series, &silent);
            }
        }
    }

    /// The same of series whose web ACL has minutes of its own, `total` of which were settled: its rules' and labels'.
    /// What it has of a minute proves theirs.
    pub(super) fn settle_by(&mut self, total: &Self, window: Window, now: DateTime<Utc>, provisional: TimeDelta) {
        let has = |minute: &DateTime<Utc>| total.series.iter().any(|series| series.at(*minute).is_some());
        let minutes: Vec<DateTime<Utc>> = settled(window, now, provisional).filter(has).collect();
        for (series, status) in self.series.iter_mut().zip(&self.status) {
            if *status == Some(MetricStatus::Complete) {
                let silent: Vec<DateTime<Utc>> = minutes.iter().copied().filter(|m| series.at(*m).is_none()).collect();
                write_zeros(series, &silent);
            }
        }
    }

    /// The same of a web ACL's totals where requests of the stages behind it are not read: another of its series, or a
    /// later minute of any of them, must do.
    pub(super) fn settle_alone(&mut self, window: Window, now: DateTime<Utc>, provisional: TimeDelta) {
        let Some(later) = self.series.iter().filter_map(|series| latest_settled(series, now, provisional)).max() else {
            return;
        };
        let minutes: Vec<DateTime<Utc>> = settled(window, now, provisional).take_while(|m| *m <= later).collect();
        for (series, status) in self.series.iter_mut().zip(&self.status) {
            if *status == Some(MetricStatus::Complete) {
                let silent: Vec<DateTime<Utc>> = minutes.iter().copied().filter(|m| series.at(*m).is_none()).collect();
                write_zeros(series, &silent);
            }
        }
    }
}

/// The minutes of a window that are past the time in which they may still come.
fn settled(window: Window, now: DateTime<Utc>, provisional: TimeDelta) -> impl Iterator<Item = DateTime<Utc>> {
    window.minutes().take_while(move |minute| *minute + TimeDelta::minutes(1) + provisional <= now)
}

/// Start of the latest minute of a series that was published, and is past that time.
fn latest_settled(series: &Series, now: DateTime<Utc>, provisional: TimeDelta) -> Option<DateTime<Utc>> {
    let (latest, _) = series.latest()?;
    let last = floor_minute(now - provisional) - TimeDelta::minutes(1);
    if latest <= last {
        return Some(latest);
    }
    let back = (0..i64::try_from(HISTORY_MINUTES).unwrap_or(180)).map(|n| last - TimeDelta::minutes(n));
    back.into_iter().find(|minute| series.at(*minute).is_some())
}

/// Whether a minute that is read again is as it was: what is kept is less exact than what was read.
#[allow(clippy::cast_possible_truncation)]
fn is_same(before: Option<f64>, now: f64) -> bool {
    before.is_some_and(|before| (before as f32).to_bits() == (now as f32).to_bits())
}

fn write_zeros(series: &mut Arc<Series>, minutes: &[DateTime<Utc>]) {
    if minutes.is_empty() {
        return;
    }
    let series = Arc::make_mut(series);
    for minute in minutes {
        series.set(*minute, 0.0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_040 + minute * 60, 0).unwrap()
    }

    fn answer(status: MetricStatus, points: &[(i64, f64)]) -> MetricResult {
        MetricResult { status, points: points.iter().map(|(m, v)| (at(*m), *v)).collect() }
    }

    fn window(from: i64, to: i64) -> Window {
        Window { from: at(from), to: at(to) }
    }

    const PROVISIONAL: TimeDelta = TimeDelta::seconds(180);

    /// A web ACL of which ten minutes were asked: allowed, blocked, counted.
    fn acl(allowed: &[(i64, f64)], blocked: &[(i64, f64)]) -> Held {
        let mut held = Held::new(3);
        let asked = window(0, 10);
        held.take(0, &answer(MetricStatus::Complete, allowed), asked);
        held.take(1, &answer(MetricStatus::Complete, blocked), asked);
        held.take(2, &answer(MetricStatus::Complete, &[]), asked);
        held
    }

    fn every(value: f64) -> Vec<(i64, f64)> {
        (0..10).map(|minute| (minute, value)).collect()
    }

    #[test]
    fn nothing_is_zero_only_after_the_provisional_time() {
        let mut held = acl(&every(5.0), &[]);
        held.settle(window(0, 10), at(10), PROVISIONAL, &|_| Some(5.0));
        assert_eq!(held.series()[1].window(at(7), 3), vec![Some(0.0), Some(0.0), None]);
        assert_eq!(held.series()[2].at(at(6)), Some(0.0));
        assert_eq!(held.series()[2].at(at(7)), None);
    }

    #[test]
    fn a_minute_that_nothing_proves_published_is_not_zero() {
        let settled = |mut held: Held, requests: &dyn Fn(DateTime<Utc>) -> Option<f64>| {
            held.settle(window(0, 10), at(20), PROVISIONAL, requests);
            held.series()[1].window(at(9), 3)
        };
        // Five minutes late: neither the stage nor the web ACL has anything after minute 7.
        let late: Vec<(i64, f64)> = (0..8).map(|minute| (minute, 5.0)).collect();
        assert_eq!(settled(acl(&late, &[]), &|m| (m < at(8)).then_some(5.0)), vec![Some(0.0), None, None]);
        assert_eq!(settled(acl(&late, &[]), &|_| Some(5.0)), vec![Some(0.0), None, None], "WAF alone is late");
        assert_eq!(settled(acl(&every(5.0), &[]), &|m| (m < at(8)).then_some(5.0)), vec![Some(0.0), None, None]);
        assert_eq!(settled(acl(&every(5.0), &[]), &|_| Some(50.0)), vec![None; 3], "most of it is not published yet");
        let quiet = [(0, 5.0), (9, 5.0)];
        let nobody = |m| Some(if m == at(8) { 0.0 } else { 5.0 });
        assert_eq!(settled(acl(&quiet, &[]), &nobody), vec![None, Some(0.0), Some(0.0)], "nobody called");
    }

    #[test]
    fn a_minute_without_requests_is_proven_by_a_later_one() {
        let settled = |status, points: &[(i64, f64)]| {
            let mut held = Held::new(5);
            held.take(0, &answer(status, points), window(0, 10));
            held.settle_own(window(0, 10), at(10), PROVISIONAL);
            held.series()[0].window(at(9), 10)
        };
        let told = settled(MetricStatus::Complete, &[(1, 5.0), (4, 7.0), (8, 3.0)]);
        let (five, zero) = (Some(5.0), Some(0.0));
        assert_eq!(told, [zero, five, zero, zero, Some(7.0), None, None, None, Some(3.0), None]);
        let partial = settled(MetricStatus::Partial, &[(1, 5.0), (4, 7.0)]);
        assert_eq!(partial[2..4], [None, None]);
    }

    #[test]
    fn a_minute_is_fresh_until_it_was_read_twice_alike() {
        let mut held = Held::new(1);
        let mut read = |now: i64, status, points: &[(i64, f64)]| {
            held.take(0, &answer(status, points), window(-20, now));
            held.answered(status, window(-20, now), at(now));
            held.fresh()
        };
        let (complete, failed) = (MetricStatus::Complete, MetricStatus::Failed);
        assert_eq!(
            read(10, complete, &[(-9, 5.0), (1, 5.0), (2, 5.0)]),
            Some(at(1)),
            "what is old is taken to be whole"
        );
        assert_eq!(read(11, complete, &[(-9, 5.0), (1, 5.0), (2, 6.0), (3, 1.0)]), Some(at(2)));
        assert_eq!(read(12, failed, &[]), Some(at(2)), "it was not read again");
        assert_eq!(read(13, complete, &[(-9, 5.0), (1, 5.0), (2, 6.0), (3, 1.0)]), None);
    }

    #[test]
    fn partial_data_are_taken_and_never_filled_with_zeros() {
        let mut held = Held::new(1);
        let asked = window(0, 10);
        held.take(0, &answer(MetricStatus::Partial, &[(0, 5.0), (2, 6.0)]), asked);
        held.settle(asked, at(20), PROVISIONAL, &|_| Some(5.0));
        held.settle_own(asked, at(20), PROVISIONAL);
        held.prime();
        assert_eq!(held.series()[0].window(at(2), 3), vec![Some(5.0), None, Some(6.0)]);
        assert_eq!(held.through, Some(at(2)));
        assert!(!held.primed, "the rest must be asked for again");
    }

    #[test]
    fn a_late_point_replaces_a_zero() {
        let mut held = acl(&every(5.0), &[]);
        held.settle(window(0, 10), at(20), PROVISIONAL, &|_| Some(5.0));
        assert_eq!(held.series()[1].at(at(4)), Some(0.0));
        held.take(1, &answer(MetricStatus::Complete, &[(4, 8.0)]), window(4, 9));
        assert_eq!(held.series()[1].at(at(4)), Some(8.0));
    }

    #[test]
    fn a_forbidden_series_keeps_what_it_had_and_says_so() {
        let mut held = Held::new(2);
        held.take(0, &answer(MetricStatus::Complete, &[(1, 3.0)]), window(0, 2));
        held.take(0, &answer(MetricStatus::Forbidden, &[]), window(0, 4));
        assert_eq!(held.series()[0].at(at(1)), Some(3.0));
        assert_eq!(held.worst(), Some(MetricStatus::Forbidden));
        assert_eq!(held.through, Some(at(1)), "nothing was read since");
    }
}
