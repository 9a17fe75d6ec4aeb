//! What traffic really was, minute by minute: the range's own books, for tests and scores. No AWS client can see them.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};

/// Requests of one population on one stage in one minute, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All requests sent.
    pub requests: u64,
    /// Of them, those that were tried before and failed.
    pub retries: u64,
    /// Refused by WAF.
    pub waf_blocked: u64,
    /// Refused by the resource policy, a disabled endpoint or for want of such a method.
    pub denied: u64,
    /// Refused for want of credentials.
    pub unauthorized: u64,
    /// Refused by a throttle.
    pub throttled: u64,
    /// Answered out of the stage's cache.
    pub cache_hits: u64,
    /// Answered with success by the integration.
    pub served: u64,
    /// Answered with 4XX by the application.
    pub client_errors: u64,
    /// Answered with 5XX: refused, timed out or failed.
    pub server_errors: u64,
}

impl Counts {
    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.retries += other.retries;
        self.waf_blocked += other.waf_blocked;
        self.denied += other.denied;
        self.unauthorized += other.unauthorized;
        self.throttled += other.throttled;
        self.cache_hits += other.cache_hits;
        self.served += other.served;
        self.client_errors += other.client_errors;
        self.server_errors += other.server_errors;
    }

    /// All answers with a status of 400 to 499, whoever gave them.
    #[must_use]
    pub const fn status_4xx(&self) -> u64 {
        self.waf_blocked + self.denied + self.unauthorized + self.throttled + self.client_errors
    }

    /// Requests without those that repeat one that failed: what clients had in mind.
    #[must_use]
    pub const fn first_tries(&self) -> u64 {
        self.requests - self.retries
    }

    /// Requests that the integration was asked for.
    #[must_use]
    pub const fn integrated(&self) -> u64 {
        self.served + self.client_errors + self.server_errors
    }
}

/// One population on one stage.
#[derive(Debug, Clone)]
struct Book {
    stage: String,
    population: String,
    minutes: VecDeque<(i64, Counts)>,
}

/// How long the requests of a stage took in one minute, as its metric `Latency` counts them; to a thousandth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latencies {
    /// Requests by the logarithm of their milliseconds, in thousandths.
    counts: BTreeMap<i32, u64>,
}

impl Latencies {
    /// How many requests.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Milliseconds that `percent` percent of the requests do not exceed; `None` without requests.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        let rank = percent / 100.0 * self.count() as f64;
        let mut below = 0.0;
        let reaches = |(_, count): &(&i32, &u64)| {
            below += **count as f64;
            below >= rank
        };
        let found = self.counts.iter().find(reaches).or(self.counts.last_key_value());
        found.map(|(index, _)| (f64::from(*index) / Self::STEPS).exp())
    }

    const STEPS: f64 = 1_000.0;

    fn add(&mut self, ms: f64, count: u64) {
        // A thousandth of the logarithm of any time that a request can take fits i32; the cast saturates.
        #[allow(clippy::cast_possible_truncation)]
        let index = (ms.max(1e-3).ln() * Self::STEPS).round() as i32;
        *self.counts.entry(index).or_default() += count;
    }
}

/// What traffic really was.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    books: Vec<Book>,
    /// By stage, `api/stage` by name.
    latencies: BTreeMap<String, VecDeque<(i64, Latencies)>>,
}

impl Truth {
    /// The name under which requests count that really came in over HTTP.
    pub const REAL: &'static str = "(real requests)";

    /// Minutes kept.
    const MINUTES: usize = 360;

    /// Opens a book; gives its index.
    pub(super) fn open(&mut self, stage: &str, population: &str) -> usize {
        let known = self.books.iter().position(|book| book.stage == stage && book.population == population);
        known.unwrap_or_else(|| {
            let (stage, population) = (stage.to_owned(), population.to_owned());
            self.books.push(Book { stage, population, minutes: VecDeque::new() });
            self.books.len() - 1
        })
    }

    /// Adds to a book.
    pub(super) fn add(&mut self, book: usize, at: DateTime<Utc>, counts: &Counts) {
        let minute = minute(at);
        let Some(book) = self.books.get_mut(book) else { return };
        match book.minutes.back_mut() {
            Some((last, sum)) if *last == minute => sum.add(counts),
            _ => {
                book.minutes.push_back((minute, *counts));
                if book.minutes.len() > Self::MINUTES {
                    book.minutes.pop_front();
                }
            }
        }
    }

    /// The minutes of a book that are kept, since the epoch, with what was in them.
    pub(super) fn minutes(&self, book: usize) -> impl Iterator<Item = (i64, &Counts)> {
        let minutes = self.books.get(book).into_iter().flat_map(|book| &book.minutes);
        minutes.map(|(minute, counts)| (*minute, counts))
    }

    /// One population on one stage (`api/stage`, by name) in the minute of `at`.
    #[must_use]
    pub fn population(&self, stage: &str, population: &str, at: DateTime<Utc>) -> Counts {
        self.sum(at, |book| book.stage == stage && book.population == population)
    }

    /// Everybody on one stage (`api/stage`, by name) in the minute of `at`.
    #[must_use]
    pub fn stage(&self, stage: &str, at: DateTime<Utc>) -> Counts {
        self.sum(at, |book| book.stage == stage)
    }

    /// How long requests of one stage (`api/stage`, by name) took in the minute of `at`.
    #[must_use]
    pub fn latencies(&self, stage: &str, at: DateTime<Utc>) -> Latencies {
        let minutes = self.latencies.get(stage).into_iter().flatten();
        minutes
            .filter(|(known, _)| *known == minute(at))
            .map(|(_, latencies)| latencies.clone())
            .next()
            .unwrap_or_default()
    }

    /// Notes how long requests of a stage took, in milliseconds.
    pub(super) fn took(&mut self, stage: &str, at: DateTime<Utc>, took: &[(f64, u64)]) {
        if took.is_empty() {
            return;
        }
        if !self.latencies.contains_key(stage) {
            self.latencies.insert(stage.to_owned(), VecDeque::new());
        }
        let Some(minutes) = self.latencies.get_mut(stage) else { return };
        if minutes.back().is_none_or(|(last, _)| *last != minute(at)) {
            minutes.push_back((minute(at), Latencies::default()));
            if minutes.len() > Self::MINUTES {
                minutes.pop_front();
            }
        }
        if let Some((_, latencies)) = minutes.back_mut() {
            for (ms, count) in took {
                latencies.add(*ms, *count);
            }
        }
    }

    /// Every stage and population that has a book.
    pub fn books(&self) -> impl Iterator<Item = (&str, &str)> {
        self.books.iter().map(|book| (book.stage.as_str(), book.population.as_str()))
    }

    fn sum(&self, at: DateTime<Utc>, wanted: impl Fn(&Book) -> bool) -> Counts {
        let minute = minute(at);
        let mut total = Counts::default();
        for book in self.books.iter().filter(|book| wanted(book)) {
            if let Some((_, counts)) = book.minutes.iter().rev().find(|(known, _)| *known == minute) {
                total.add(counts);
            }
        }
        total
    }
}

fn minute(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(60)
}
