//! Minutes of one metric, gaps kept as gaps.

use chrono::{DateTime, TimeDelta, Utc};

/// One value a minute, oldest first; a missing minute is `None`, never zero.
///
/// Bounded: holds at most the number of minutes it was made for and forgets the oldest.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Start of the first minute held.
    first: DateTime<Utc>,
    /// NaN marks a gap: half the memory of `Option<f32>`, and a thousand stages keep three hours.
    values: Vec<f32>,
    capacity: usize,
}

impl Series {
    /// An empty series for at most `capacity` minutes.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { first: DateTime::UNIX_EPOCH, values: Vec::new(), capacity: capacity.max(1) }
    }

    /// Sets the value of the minute that starts at `minute` (seconds are cut off). Minutes skipped become gaps; a
    /// minute older than what is kept is ignored.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn set(&mut self, minute: DateTime<Utc>, value: f64) {
        let minute = floor_minute(minute);
        if self.values.is_empty() {
            self.first = minute;
        }
        let mut offset = (minute - self.first).num_minutes();
        if offset < 0 {
            let missing = (-offset) as usize;
            if missing + self.values.len() > self.capacity {
                return;
            }
            self.values.splice(0..0, std::iter::repeat_n(f32::NAN, missing));
            self.first = minute;
            offset = 0;
        }
        let mut index = offset as usize;
        if index >= self.values.len() {
            if index - self.values.len() > self.capacity {
                self.values.clear();
                self.first = minute;
                self.values.push(value as f32);
                return;
            }
            index -= self.forget_for(index);
            // Exactly: what a growing vector takes in advance is as much again, five thousand times.
            self.values.reserve_exact(index + 1 - self.values.len());
            self.values.resize(index + 1, f32::NAN);
        }
        self.values[index] = value as f32;
    }

    /// Forgets as many of the oldest minutes as the one at `index` needs; gives how many places everything has moved.
    fn forget_for(&mut self, index: usize) -> usize {
        let excess = (index + 1).saturating_sub(self.capacity);
        self.values.drain(..excess.min(self.values.len()));
        self.first += TimeDelta::minutes(i64::try_from(excess).unwrap_or(0));
        excess
    }

    /// The value of the minute that starts at `minute`, if it was read.
    #[must_use]
    pub fn at(&self, minute: DateTime<Utc>) -> Option<f64> {
        self.value(minute.timestamp().div_euclid(60))
    }

    /// The value of a minute, counted from the epoch. Boards look up tens of minutes for each of a thousand stages, so
    /// that this is arithmetic on whole numbers and not on dates.
    fn value(&self, minute: i64) -> Option<f64> {
        let offset = usize::try_from(minute - self.first.timestamp().div_euclid(60)).ok()?;
        self.values.get(offset).copied().filter(|v| !v.is_nan()).map(f64::from)
    }

    /// Start of the latest minute with a value, and the value.
    #[must_use]
    pub fn latest(&self) -> Option<(DateTime<Utc>, f64)> {
        let index = self.values.iter().rposition(|v| !v.is_nan())?;
        let minutes = TimeDelta::minutes(i64::try_from(index).unwrap_or(0));
        Some((self.first + minutes, f64::from(self.values[index])))
    }

    /// The `count` minutes that end with the minute starting at `last`, oldest first, gaps as `None`.
    #[must_use]
    pub fn window(&self, last: DateTime<Utc>, count: usize) -> Vec<Option<f64>> {
        let last = last.timestamp().div_euclid(60);
        (0..count).rev().map(|back| self.value(last - i64::try_from(back).unwrap_or(i64::MAX / 2))).collect()
    }

    /// Whether nothing was ever read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(|v| v.is_nan())
    }
}

/// `time` with its seconds cut off.
#[must_use]
pub fn floor_minute(time: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = time.timestamp();
    DateTime::from_timestamp(seconds - seconds.rem_euclid(60), 0).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(n: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(n)
    }

    #[test]
    fn a_skipped_minute_is_a_gap_and_not_zero() {
        let mut series = Series::new(10);
        series.set(minute(1), 0.0);
        series.set(minute(3), 7.0);
        assert_eq!(series.window(minute(4), 4), vec![Some(0.0), None, Some(7.0), None]);
    }

    #[test]
    fn the_oldest_minutes_are_forgotten() {
        let mut series = Series::new(3);
        for n in 0..10 {
            series.set(minute(n), 1.0);
        }
        assert_eq!(series.at(minute(6)), None);
        assert_eq!(series.at(minute(7)), Some(1.0));
        series.set(minute(2), 9.0);
        assert_eq!(series.at(minute(2)), None);
    }

    #[test]
    fn an_earlier_minute_may_arrive_late() {
        let mut series = Series::new(10);
        series.set(minute(5), 5.0);
        series.set(minute(3), 3.0);
        assert_eq!(series.window(minute(5), 3), vec![Some(3.0), None, Some(5.0)]);
        assert_eq!(series.latest(), Some((minute(5), 5.0)));
    }

    #[test]
    fn a_jump_of_all_that_is_kept_forgets_the_rest() {
        for jump in [2, 3, 4, 5] {
            let mut series = Series::new(3);
            series.set(minute(1), 1.0);
            series.set(minute(2), 2.0);
            series.set(minute(2 + jump), 9.0);
            assert_eq!(series.at(minute(2 + jump)), Some(9.0), "{jump}");
            assert_eq!(series.at(minute(2)), (jump < 3).then_some(2.0), "{jump}");
            assert_eq!(series.at(minute(1)), None, "{jump}");
            assert!(series.values.len() <= 3, "{jump}");
        }
    }

    #[test]
    fn a_jump_of_a_day_does_not_fill_memory() {
        let mut series = Series::new(10);
        series.set(minute(0), 1.0);
        series.set(minute(100_000), 2.0);
        assert_eq!(series.latest(), Some((minute(100_000), 2.0)));
        assert!(series.values.len() <= 10);
    }
}
