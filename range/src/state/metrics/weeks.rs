//! The two weeks before the range: its own history again and again, higher and lower as the hour has it.

use std::sync::Arc;

use super::{MetricStore, Point, ZERO};
use crate::state::ids::mix;
use crate::state::rhythm::Swing;

/// The weeks before: a day and more before it, the range's own history again and again, as if every day had been alike.
#[derive(Debug, Clone)]
pub(super) struct Weeks {
    /// The first minute of the history that is repeated.
    pub(super) begin: i64,
    /// Its minutes, as many as are repeated.
    pub(super) length: i64,
    /// By series, its points.
    pub(super) points: Arc<Vec<Vec<Point>>>,
    /// By series, how it swings over the day; `None`: not at all.
    pub(super) swings: Arc<Vec<Option<Swing>>>,
}

/// Minutes of a day.
const MINUTES_A_DAY: i64 = 1_440;

impl Weeks {
    /// Points of a series in `[from, to)`, minutes since the epoch, as of minute `now`.
    pub(super) fn read(&self, series: usize, from: i64, to: i64, now: i64) -> impl Iterator<Item = Point> {
        let points = self.points.get(series).map_or(&[][..], Vec::as_slice);
        let swing = self.swings.get(series).and_then(Option::as_ref);
        let from = from.max(now - MetricStore::KEPT_DAYS * MINUTES_A_DAY);
        let to = to.min(self.begin - MINUTES_A_DAY);
        (from..to).filter_map(move |minute| {
            let again = self.begin + (minute - self.begin).rem_euclid(self.length);
            let at = points.binary_search_by_key(&again, |point| point.minute).ok()?;
            let point = Point { minute, ..points[at].clone() };
            match swing {
                Some(swing) => point.swung(swing, again),
                None => Some(point),
            }
        })
    }
}

/// The second in the middle of a minute.
const fn middle(minute: i64) -> i64 {
    minute * 60 + 30
}

impl Point {
    /// This minute, whose data are those of the minute `again`, as its own hour would have had it; `None` where nothing
    /// is left.
    fn swung(mut self, swing: &Swing, again: i64) -> Option<Self> {
        let (at, against) = (middle(self.minute), middle(again));
        let data = swing.data.ratio(at, against).unwrap_or(1.0);
        // One draw a minute rounds everything in it: small numbers keep their mean, figures of one minute agree.
        let draw = (mix(self.minute.cast_unsigned()) >> 11) as f64 / (1_u64 << 53) as f64;
        if swing.sums {
            let sum = (self.sum * data + draw).floor();
            (self.sum, self.min, self.max) = (sum, self.min * data, self.max * data);
            return (sum > 0.0).then_some(self);
        }
        let zeros = self.buckets.first().filter(|(index, _)| *index == ZERO).map_or(0, |(_, count)| *count);
        let above_zero = swing.above_zero.ratio(at, against).unwrap_or(data);
        let count = times(self.count, data, draw);
        let above = if zeros == 0 { count } else { times(self.count - zeros, above_zero, draw).min(count) };
        self.become_of(zeros, above, count - above);
        (self.count > 0).then_some(self)
    }

    /// Has `above` data above zero and `zeros` zeros instead of what it had, of which `had` were zeros.
    fn become_of(&mut self, had: u64, above: u64, zeros: u64) {
        let before = self.count - had;
        if before > 0 {
            self.sum = self.sum * above as f64 / before as f64;
        }
        let (mut seen, mut given) = (0_u64, 0_u64);
        for (_, count) in self.buckets.iter_mut().filter(|(index, _)| *index != ZERO) {
            seen += *count;
            // Rounded where they add up to, so that they add up to all.
            let upto = times(seen, above as f64 / before.max(1) as f64, 0.5).min(above);
            (*count, given) = (upto - given, upto);
        }
        if had > 0 {
            self.buckets[0].1 = zeros;
        }
        self.count = above + zeros;
        self.buckets.retain(|(_, count)| *count > 0);
        if had > 0 {
            (self.min, self.max) =
                (if zeros > 0 { self.min } else { self.max }, if above > 0 { self.max } else { self.min });
        }
    }
}

/// `ratio` times as many, rounded by `draw`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // no minute of any series comes near the ends
fn times(count: u64, ratio: f64, draw: f64) -> u64 {
    (count as f64 * ratio + draw).floor().max(0.0) as u64
}
