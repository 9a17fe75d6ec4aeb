//! What traffic really was, minute by minute: the range's own books, for tests and scores. No AWS client can see them.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

/// Requests of one population on one stage in one minute, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All requests sent.
    pub requests: u64,
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

/// What traffic really was.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    books: Vec<Book>,
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
