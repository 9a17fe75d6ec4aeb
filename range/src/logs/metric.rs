//! Metric filters: what of a log group becomes a metric.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::filter::Pattern;
use super::line::{Kind, Line, Second};
use crate::state::{MetricStore, SeriesKey};

/// What a metric filter publishes.
#[derive(Debug, Clone, PartialEq)]
pub struct Transformation {
    /// The metric's name.
    pub metric: String,
    /// Its namespace.
    pub namespace: String,
    /// A number, or `$.field` or `$column`.
    pub value: String,
    /// What is published for a minute that had events and none that matched.
    pub default: Option<f64>,
    /// Up to three dimensions and the selectors of their values.
    pub dimensions: BTreeMap<String, String>,
    /// Unit, as given.
    pub unit: Option<String>,
}

/// A metric filter.
#[derive(Debug, Clone)]
pub struct MetricFilter {
    /// The name.
    pub name: String,
    /// The pattern as given.
    pub pattern: String,
    /// What it publishes.
    pub transformation: Transformation,
    /// When it was put.
    pub created: DateTime<Utc>,
    read: Arc<Pattern>,
    /// What a kind of line publishes, where that is the same for all its lines.
    known: HashMap<u64, Published>,
    minute: Minute,
}

/// What this minute had so far.
#[derive(Debug, Clone, Copy, Default)]
struct Minute {
    at: i64,
    events: bool,
    matched: bool,
}

/// What lines of a kind publish.
#[derive(Debug, Clone, PartialEq)]
enum Published {
    /// What differs from line to line.
    Varies,
    /// What differs with how long they took, and with nothing else.
    ByTook,
    /// Nothing: none matches.
    Nothing,
    Always(Datum),
}

/// A value and the values of the dimensions.
#[derive(Debug, Clone, PartialEq)]
struct Datum {
    value: f64,
    dimensions: Vec<(String, String)>,
}

impl MetricFilter {
    /// A filter that sees what comes from now on: metric filters do not look back (documented).
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn new(name: &str, pattern: &str, transformation: Transformation, now: DateTime<Utc>) -> Result<Self, String> {
        Ok(Self {
            name: name.to_owned(),
            pattern: pattern.to_owned(),
            transformation,
            created: now,
            read: Arc::new(Pattern::read(pattern)?),
            known: HashMap::new(),
            minute: Minute::default(),
        })
    }

    /// Publishes what a second's lines hold. `second` is `None` where there were no lines.
    pub(super) fn see(&mut self, second: Option<&Second>, seed: u64, metrics: &mut MetricStore, at: DateTime<Utc>) {
        let minute = at.timestamp().div_euclid(60);
        if self.minute.at != minute {
            self.minute = Minute { at: minute, ..Minute::default() };
            // Kinds come and go; what is asked for again is found again.
            if self.known.len() > 10_000 {
                self.known.clear();
            }
        }
        for record in second.into_iter().flat_map(|second| &second.records) {
            self.minute.events = true;
            match self.published(&record.kind) {
                Published::Nothing => {}
                Published::Always(datum) => self.publish(&datum, u64::from(record.count), metrics, at),
                Published::ByTook => {
                    let [some, ..] = Line::strangers();
                    for (took, count) in second.into_iter().flat_map(|second| second.latencies(record, seed)) {
                        let line = Line { took, ..some.clone() };
                        if let Some(datum) = self.datum(&record.kind.render(&line)) {
                            self.publish(&datum, count, metrics, at);
                        }
                    }
                }
                Published::Varies => {
                    let lines = second.into_iter().flat_map(|second| second.lines(record, seed));
                    for datum in lines.filter_map(|line| self.datum(&record.kind.render(&line))).collect::<Vec<_>>() {
                        self.publish(&datum, 1, metrics, at);
                    }
                }
            }
        }
        let default = self.transformation.default.filter(|_| self.minute.events && !self.minute.matched);
        if let Some(default) = default.filter(|_| at.timestamp().rem_euclid(60) == 59) {
            self.publish(&Datum { value: default, dimensions: Vec::new() }, 1, metrics, at);
        }
    }

    fn publish(&mut self, datum: &Datum, count: u64, metrics: &mut MetricStore, at: DateTime<Utc>) {
        self.minute.matched = true;
        let Transformation { metric, namespace, .. } = &self.transformation;
        let dimensions: Vec<(&str, &str)> =
            datum.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let series = metrics.series(SeriesKey::new(namespace, metric, &dimensions));
        metrics.record(series, at, datum.value, count);
    }

    /// What lines of a kind publish.
    fn published(&mut self, kind: &Kind) -> Published {
        if let Some(known) = self.known.get(&kind.serial()) {
            return known.clone();
        }
        let [one, other, _] = Line::strangers();
        // Everything is another line's but for how long it took.
        let took = kind.render(&Line { took: one.took, ..other.clone() });
        let [one, other] = [one, other].map(|line| kind.render(&line));
        let selectors = self.transformation.dimensions.values().chain([&self.transformation.value]);
        let looks_at = |message: &str| {
            let mut seen = self.read.looks_at(message);
            seen.extend(selectors.clone().map(|selector| self.read.extract(message, selector)));
            seen
        };
        let published = match self.datum(&one) {
            _ if looks_at(&one) != looks_at(&other) && looks_at(&took) == looks_at(&one) => Published::ByTook,
            _ if looks_at(&one) != looks_at(&other) => Published::Varies,
            Some(datum) => Published::Always(datum),
            None => Published::Nothing,
        };
        self.known.insert(kind.serial(), published.clone());
        published
    }

    /// What a message publishes; `None` where it does not match, or what it should publish is not there or no number.
    fn datum(&self, message: &str) -> Option<Datum> {
        if !self.read.matches(message) {
            return None;
        }
        let value = &self.transformation.value;
        let value = match value.strip_prefix('$') {
            Some(_) => self.read.extract(message, value)?.parse().ok()?,
            None => value.parse().ok()?,
        };
        let dimension =
            |(name, selector): (&String, &String)| Some((name.clone(), self.read.extract(message, selector)?));
        let dimensions = self.transformation.dimensions.iter().map(dimension).collect::<Option<_>>()?;
        Some(Datum { value, dimensions })
    }
}
