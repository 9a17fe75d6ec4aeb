//! `CloudWatch` metrics: per-minute statistics with a compact distribution, published late, kept for three hours; and
//! the two weeks before, which repeat what was there before the scenario opened.
//!
//! The store takes data and gives back points. It knows neither queries nor which metrics AWS has.

mod weeks;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};

use super::rhythm::Swing;
use weeks::Weeks;

/// What identifies a series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey {
    /// Such as `AWS/ApiGateway`.
    pub namespace: String,
    /// Such as `Latency`.
    pub metric: String,
    /// Names and values, sorted by name.
    pub dimensions: Vec<(String, String)>,
}

impl SeriesKey {
    /// A key; dimensions may come in any order.
    #[must_use]
    pub fn new(namespace: &str, metric: &str, dimensions: &[(&str, &str)]) -> Self {
        let mut dimensions: Vec<(String, String)> =
            dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        dimensions.sort();
        Self { namespace: namespace.to_owned(), metric: metric.to_owned(), dimensions }
    }
}

/// A handle to a series, cheap to keep and to record with. Valid for the store that gave it and its clones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeriesId(usize);

/// One minute of a series, or several merged into a longer period.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Point {
    /// Start of the minute, in minutes since the epoch.
    pub minute: i64,
    /// Sum of the values.
    pub sum: f64,
    /// Number of values.
    pub count: u64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Logarithmic buckets: index and number of values, sorted by index.
    buckets: Vec<(i16, u64)>,
}

/// Buckets grow by 2 %, so a percentile is off by at most 1 %.
const GROWTH: f64 = 1.02;
/// The bucket of zero and of anything smaller than one thousandth.
const ZERO: i16 = i16::MIN;

fn bucket(value: f64) -> i16 {
    if value < 1e-3 {
        return ZERO;
    }
    // The range of f64 logarithms to this base fits i16 for every value a metric can hold (1e-3 to 1e250).
    #[allow(clippy::cast_possible_truncation)]
    let index = (value.ln() / GROWTH.ln()).floor() as i16;
    index
}

impl Point {
    /// A point with nothing in it.
    #[must_use]
    pub fn empty(minute: i64) -> Self {
        Self { minute, min: f64::INFINITY, max: f64::NEG_INFINITY, ..Self::default() }
    }

    /// Adds `count` data of one value.
    fn record(&mut self, value: f64, count: u64) {
        self.sum += value * count as f64;
        self.count += count;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.put(bucket(value), count);
    }

    fn put(&mut self, index: i16, count: u64) {
        match self.buckets.binary_search_by_key(&index, |(index, _)| *index) {
            Ok(at) => self.buckets[at].1 += count,
            Err(at) => self.buckets.insert(at, (index, count)),
        }
    }

    /// Adds another point to this one.
    pub fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        for (index, count) in &other.buckets {
            self.put(*index, *count);
        }
    }

    /// The mean; `None` without data.
    #[must_use]
    pub fn average(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// The value that `percent` percent of the data do not exceed, interpolated inside its bucket and kept between
    /// the extremes.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let rank = percent / 100.0 * self.count as f64;
        let mut below = 0.0;
        for (index, count) in &self.buckets {
            let here = *count as f64;
            if below + here >= rank {
                if *index == ZERO {
                    return Some(self.min.max(0.0).min(self.max));
                }
                let inside = ((rank - below) / here).clamp(0.0, 1.0);
                let value = GROWTH.powf(f64::from(*index) + inside);
                return Some(value.clamp(self.min, self.max));
            }
            below += here;
        }
        Some(self.max)
    }
}

#[derive(Debug, Clone)]
struct Series {
    key: SeriesKey,
    points: VecDeque<Point>,
    /// The first minute that ever had data.
    first: Option<i64>,
}

/// Every series of the account.
#[derive(Debug, Clone)]
pub struct MetricStore {
    series: Vec<Series>,
    index: HashMap<SeriesKey, SeriesId>,
    /// Seconds between the end of a minute and the moment its point can be read, for namespaces not in
    /// `publish_delays`. AWS documents no figure (unverified).
    pub publish_delay: u32,
    /// The same, by namespace.
    pub publish_delays: HashMap<String, u32>,
    /// By namespace, the first minute that was not published yet when it last became later: what is published stays so.
    published: HashMap<String, i64>,
    /// Seconds for which a new series can be read but is not listed yet. AWS says up to 15 minutes (documented); 0 here
    /// unless set, as it is often far less.
    pub list_delay: u32,
    /// What there was before the range, where anything was.
    weeks: Option<Weeks>,
}

impl Default for MetricStore {
    fn default() -> Self {
        Self {
            series: Vec::new(),
            index: HashMap::new(),
            publish_delay: 60,
            publish_delays: HashMap::new(),
            published: HashMap::new(),
            list_delay: 0,
            weeks: None,
        }
    }
}

impl MetricStore {
    /// Minutes kept of what the range itself has seen: three hours and a little, as the console asks for no more but of
    /// the weeks before.
    pub const RETENTION_MINUTES: i64 = 190;

    /// Days for which minutes are kept (documented).
    pub const KEPT_DAYS: i64 = 15;

    /// Lets the weeks before repeat what there is from `begin` up to and not including `until`, each series as it
    /// swings over the day.
    pub fn repeat_before(
        &mut self,
        begin: DateTime<Utc>,
        until: DateTime<Utc>,
        swing: impl Fn(&SeriesKey) -> Option<Swing>,
    ) {
        let (begin, until) = (begin.timestamp().div_euclid(60), until.timestamp().div_euclid(60));
        let repeated = |series: &Series| -> Vec<Point> {
            series.points.iter().filter(|point| (begin..until).contains(&point.minute)).cloned().collect()
        };
        let points = Arc::new(self.series.iter().map(repeated).collect());
        let swings = Arc::new(self.series.iter().map(|series| swing(&series.key)).collect());
        self.weeks = (until > begin).then_some(Weeks { begin, length: until - begin, points, swings });
    }

    /// The handle of a series, made on first sight. A series without data is invisible to clients.
    pub fn series(&mut self, key: SeriesKey) -> SeriesId {
        if let Some(id) = self.index.get(&key) {
            return *id;
        }
        let id = SeriesId(self.series.len());
        self.series.push(Series { key: key.clone(), points: VecDeque::new(), first: None });
        self.index.insert(key, id);
        id
    }

    /// The handle of a series that exists.
    #[must_use]
    pub fn find(&self, key: &SeriesKey) -> Option<SeriesId> {
        self.index.get(key).copied()
    }

    /// Adds `count` data of one value at `at`. Nothing happens for a count of 0.
    pub fn record(&mut self, id: SeriesId, at: DateTime<Utc>, value: f64, count: u64) {
        let Some(series) = self.series.get_mut(id.0) else { return };
        if count == 0 {
            return;
        }
        let minute = at.timestamp().div_euclid(60);
        series.first = Some(series.first.map_or(minute, |first| first.min(minute)));
        let from_end = series.points.iter().rev().take_while(|point| point.minute > minute).count();
        let at = series.points.len() - from_end;
        if at == 0 || series.points[at - 1].minute != minute {
            series.points.insert(at, Point::empty(minute));
            while series.points.front().is_some_and(|first| first.minute < minute - Self::RETENTION_MINUTES) {
                series.points.pop_front();
            }
        }
        if let Some(point) = series.points.iter_mut().rev().find(|point| point.minute == minute) {
            point.record(value, count);
        }
    }

    /// Seconds from the end of a minute to its publication.
    #[must_use]
    pub fn delay(&self, namespace: &str) -> u32 {
        self.publish_delays.get(namespace).copied().unwrap_or(self.publish_delay)
    }

    /// Lets the minutes of a namespace be published `seconds` after their end from `now` on. What is published stays
    /// so, as on AWS, where a service that comes late takes nothing back (inferred).
    pub fn set_delay(&mut self, namespace: &str, seconds: u32, now: DateTime<Utc>) {
        let published = self.published_until(namespace, now);
        self.published.insert(namespace.to_owned(), published);
        self.publish_delays.insert(namespace.to_owned(), seconds);
    }

    /// The points of a series that have been published by `now`, in `[from, to)` by the start of their minute.
    #[must_use]
    pub fn read(
        &self,
        id: SeriesId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Vec<Cow<'_, Point>> {
        let Some(series) = self.series.get(id.0) else { return Vec::new() };
        let last = self.published_until(&series.key.namespace, now);
        let asked = |point: &&Point| point.minute * 60 >= from.timestamp() && point.minute * 60 < to.timestamp();
        let (first, end) = (-(-from.timestamp()).div_euclid(60), -(-to.timestamp()).div_euclid(60));
        let weeks = self.weeks.iter().flat_map(|weeks| weeks.read(id.0, first, end, now.timestamp().div_euclid(60)));
        let own = series.points.iter().filter(asked).filter(|point| point.minute < last);
        weeks.map(Cow::Owned).chain(own.map(Cow::Borrowed)).collect()
    }

    /// Series with a published point no older than `since` (any age where `None`), sorted by key.
    #[must_use]
    pub fn list(&self, since: Option<Duration>, now: DateTime<Utc>) -> Vec<&SeriesKey> {
        let mut keys: Vec<&SeriesKey> = self
            .series
            .iter()
            .filter(|series| {
                let last = self.published_until(&series.key.namespace, now);
                let first = since.map_or(i64::MIN, |since| (now - since).timestamp().div_euclid(60));
                let listed = last - i64::from(self.list_delay).div_euclid(60);
                series.first.is_some_and(|first| first < listed)
                    && series.points.iter().any(|point| point.minute < last && point.minute >= first)
            })
            .map(|series| &series.key)
            .collect();
        keys.sort();
        keys
    }

    /// The first minute that is not published yet.
    fn published_until(&self, namespace: &str, now: DateTime<Utc>) -> i64 {
        let by_delay = (now.timestamp() - i64::from(self.delay(namespace))).div_euclid(60);
        self.published.get(namespace).map_or(by_delay, |published| by_delay.max(*published))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_minute_is_read_only_after_its_publish_delay() {
        let mut store = MetricStore::default();
        let id = store.series(SeriesKey::new("AWS/ApiGateway", "Count", &[("ApiName", "shop")]));
        let start = DateTime::UNIX_EPOCH + Duration::hours(1);
        store.record(id, start, 1.0, 7);
        let all = |now| store.read(id, start, start + Duration::hours(1), now).len();
        assert_eq!(all(start + Duration::seconds(119)), 0);
        assert_eq!(all(start + Duration::seconds(120)), 1);
    }

    #[test]
    fn what_is_published_stays_so_where_later_minutes_come_late() {
        let mut store = MetricStore::default();
        let id = store.series(SeriesKey::new("AWS/ApiGateway", "Count", &[("ApiName", "shop")]));
        let start = DateTime::UNIX_EPOCH + Duration::hours(1);
        (0..10).for_each(|minute| store.record(id, start + Duration::minutes(minute), 1.0, 7));
        let minute = |n: i64| start + Duration::minutes(n);
        store.set_delay("AWS/ApiGateway", 300, minute(4));
        let read = |at| store.read(id, start, minute(60), at).len();
        assert_eq!([read(minute(4)), read(minute(8)), read(minute(9)), read(minute(12))], [3, 3, 4, 7]);
    }

    #[test]
    fn the_weeks_before_repeat_the_history_and_end_a_day_before_it() {
        let mut store = MetricStore::default();
        let id = store.series(SeriesKey::new("AWS/ApiGateway", "Count", &[("ApiName", "shop")]));
        let begin = DateTime::UNIX_EPOCH + Duration::days(100);
        let opens = begin + Duration::minutes(45);
        (0..60).for_each(|n| store.record(id, begin + Duration::minutes(n), 1.0, u64::try_from(n + 1).unwrap()));
        store.repeat_before(begin, opens, |_| None);
        let counts = |from: DateTime<Utc>, minutes| -> Vec<u64> {
            let to = from + Duration::minutes(minutes);
            store.read(id, from, to, opens).iter().map(|point| point.count).collect()
        };
        assert_eq!(counts(begin - Duration::days(7), 3), [1, 2, 3], "a day is 32 times 45 minutes");
        assert_eq!(counts(opens - Duration::days(14) - Duration::minutes(1), 2), [45, 1]);
        assert_eq!(
            counts(begin - Duration::days(1) - Duration::minutes(1), 3),
            [45],
            "of the day before there is nothing"
        );
        assert_eq!(counts(begin - Duration::days(16), 60), [0_u64; 0], "CloudWatch keeps minutes for fifteen days");
    }

    #[test]
    fn percentiles_are_within_two_percent() {
        let mut point = Point::empty(0);
        for value in 1..=1000 {
            point.record(f64::from(value), 1);
        }
        for percent in [50.0, 90.0, 99.0] {
            let found = point.percentile(percent).unwrap();
            assert!((found / (percent * 10.0) - 1.0).abs() < 0.02, "p{percent} was {found}");
        }
        assert!((point.average().unwrap() - 500.5).abs() < 1e-9);
    }
}
