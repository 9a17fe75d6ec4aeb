//! What was read, minute by minute: the series of one API name and stage, or of one web ACL.
//!
//! Here it is decided when a missing minute is a gap and when it is zero. Knows nothing of calls, stages or screens.

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
    /// Start of the last minute up to which the first series was read completely: what is missing before it, AWS did not have.
    pub(super) through: Option<DateTime<Utc>>,
}

impl Held {
    /// `count` series without a minute in them.
    pub(super) fn new(count: usize) -> Self {
        let empty = Arc::new(Series::new(HISTORY_MINUTES));
        Self {
            series: std::iter::repeat_n(empty, count).collect(),
            status: vec![None; count],
            asked_at: None,
            polled_to: None,
            primed: false,
            through: None,
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

    /// How the last answer for a series ended; `None` before the first.
    pub(super) fn status(&self, index: usize) -> Option<MetricStatus> {
        self.status.get(index).copied().flatten()
    }

    /// The last answers that were less than complete.
    pub(super) fn worst(&self) -> Option<MetricStatus> {
        let with = |status| self.status.contains(&Some(status)).then_some(status);
        with(MetricStatus::Forbidden).or_else(|| with(MetricStatus::Failed)).or_else(|| with(MetricStatus::Partial))
    }

    /// Takes one series' answer in. A later answer for a minute replaces the earlier one: late and provisional points change.
    pub(super) fn take(&mut self, index: usize, result: &MetricResult, window: Window) {
        let Some(series) = self.series.get_mut(index) else {
            return;
        };
        self.status[index] = Some(result.status);
        if matches!(result.status, MetricStatus::Forbidden | MetricStatus::Failed) {
            return;
        }
        if !result.points.is_empty() {
            let series = Arc::make_mut(series);
            for (minute, value) in result.points.iter().filter(|(_, value)| value.is_finite()) {
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

    /// Writes zero into the minutes of `window` for which AWS had nothing, where that means zero.
    ///
    /// WAF publishes a series only for minutes in which it is not zero (documented), so that nothing means none; but only once
    /// the minute can no longer be late (`provisional` after its end: the publish delay is undocumented) and only where
    /// the answer was complete. A minute that comes later all the same replaces the zero.
    pub(super) fn settle(&mut self, window: Window, now: DateTime<Utc>, provisional: TimeDelta) {
        for (series, status) in self.series.iter_mut().zip(&self.status) {
            if *status != Some(MetricStatus::Complete) {
                continue;
            }
            let settled = |minute: &DateTime<Utc>| *minute + TimeDelta::minutes(1) + provisional <= now;
            for minute in window.minutes().take_while(settled) {
                if series.at(minute).is_none() {
                    Arc::make_mut(series).set(minute, 0.0);
                }
            }
        }
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

    #[test]
    fn nothing_is_zero_only_after_the_provisional_time() {
        let mut held = Held::new(2);
        let asked = window(0, 10);
        held.take(0, &answer(MetricStatus::Complete, &[(0, 5.0)]), asked);
        held.take(1, &answer(MetricStatus::Complete, &[]), asked);
        held.settle(asked, at(10), TimeDelta::seconds(180));
        assert_eq!(held.series()[0].window(at(7), 3), vec![Some(0.0), Some(0.0), None]);
        assert_eq!(held.series()[1].at(at(6)), Some(0.0));
        assert_eq!(held.series()[1].at(at(7)), None);
    }

    #[test]
    fn partial_data_are_taken_and_never_filled_with_zeros() {
        let mut held = Held::new(1);
        let asked = window(0, 10);
        held.take(0, &answer(MetricStatus::Partial, &[(0, 5.0), (2, 6.0)]), asked);
        held.settle(asked, at(20), TimeDelta::seconds(180));
        held.prime();
        assert_eq!(held.series()[0].window(at(2), 3), vec![Some(5.0), None, Some(6.0)]);
        assert_eq!(held.through, Some(at(2)));
        assert!(!held.primed, "the rest must be asked for again");
    }

    #[test]
    fn a_late_point_replaces_a_zero() {
        let mut held = Held::new(1);
        held.take(0, &answer(MetricStatus::Complete, &[]), window(0, 5));
        held.settle(window(0, 5), at(9), TimeDelta::seconds(180));
        assert_eq!(held.series()[0].at(at(4)), Some(0.0));
        held.take(0, &answer(MetricStatus::Complete, &[(4, 8.0)]), window(4, 9));
        assert_eq!(held.series()[0].at(at(4)), Some(8.0));
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
