//! What log queries have scanned, which is what AWS bills: counted where they are asked, so that one whose answer is
//! lost counts too.

use std::sync::{Mutex, PoisonError};

use super::Window;
use crate::aws::read::LogRows;
use crate::aws::{Aws, AwsError, Lane};

/// What was scanned.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scanned {
    /// Bytes, of the queries that were answered.
    pub bytes: f64,
    /// How many those were.
    pub answered: usize,
    /// Queries that were begun and whose answer did not come: they may have scanned as well.
    pub unanswered: usize,
}

impl Scanned {
    /// Bytes of all of them (an estimate): those whose answer was lost have scanned as much as the others on average.
    #[must_use]
    pub fn bytes_of_all(&self) -> f64 {
        let all = (self.answered + self.unanswered) as f64;
        if self.answered == 0 { 0.0 } else { self.bytes / self.answered as f64 * all }
    }
}

/// Counts what is scanned. Shared by everything that one question asks.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Scanned>);

impl Meter {
    /// What was scanned until now.
    #[must_use]
    pub fn scanned(&self) -> Scanned {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, answer: &Result<LogRows, AwsError>) {
        let mut scanned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(rows) => {
                scanned.bytes += rows.bytes_scanned;
                scanned.answered += 1;
            }
            Err(error) if error.leaves_a_query() => scanned.unanswered += 1,
            Err(_) => {}
        }
    }
}

/// Asks log queries, counted by a meter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metered<'a> {
    pub(super) aws: &'a Aws,
    pub(super) meter: &'a Meter,
}

impl Metered<'_> {
    /// Asks one query over a window of a log group.
    ///
    /// # Errors
    /// As [`Aws::log_query`].
    pub(super) async fn log_query(self, group: &str, query: &str, (from, to): Window) -> Result<LogRows, AwsError> {
        let answer = self.aws.log_query(group, query, from, to, Lane::Plan).await;
        self.meter.count(&answer);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_answer_costs_as_much_as_the_others() {
        let scanned = Scanned { bytes: 4e9, answered: 4, unanswered: 1 };
        assert!((scanned.bytes_of_all() - 5e9).abs() < 1.0);
        assert!(Scanned { unanswered: 3, ..Scanned::default() }.bytes_of_all().abs() < f64::EPSILON);
    }
}
