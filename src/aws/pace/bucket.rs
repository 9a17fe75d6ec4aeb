//! One quota's bucket: what is left of it, and who waits for it. Pure: the time is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

use super::quota::Lane;

/// A call's place among others: by lane, then by who asked first. A call that AWS turned away keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) lane: Lane,
    pub(super) number: u64,
}

/// The longest that one answer of too many calls holds a bucket up, account seconds; a bucket that fills more slowly is
/// held up until it holds a token.
const LONGEST_PAUSE: f64 = 5.0;

/// How often the pause doubles at most while AWS goes on turning calls away.
const MOST_DOUBLINGS: u32 = 2;

/// The same as [`LONGEST_PAUSE`] for a call that is sent for minutes, and with every doubling: what it does not get
/// because others take it, no call of ours of a later lane may take either.
const LONGEST_PAUSE_OF_PERSISTENT: f64 = 8.0;

/// Tokens that such a call waits for at most: of a bucket that fills in seconds, a few.
const MOST_TOKENS_OF_PERSISTENT: f64 = 4.0;

#[derive(Debug)]
pub(super) struct Bucket {
    /// Below zero after AWS turned a call away: so much is owed.
    tokens: f64,
    at: DateTime<Utc>,
    rate: f64,
    burst: f64,
    waiting: BTreeMap<Rank, Arc<Notify>>,
    /// Answers of too many calls, those to calls sent before the last one not counted.
    refusals: u64,
    /// Of these, how many without an accepted call in between.
    in_a_row: u32,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(rate: f64, burst: f64, now: DateTime<Utc>) -> Self {
        Self { tokens: burst, at: now, rate, burst, waiting: BTreeMap::new(), refusals: 0, in_a_row: 0 }
    }

    /// Account time that stands still or goes back fills nothing.
    pub(super) fn fill(&mut self, now: DateTime<Utc>) {
        let elapsed = (now - self.at).as_seconds_f64().max(0.0);
        self.tokens = (self.tokens + elapsed * self.rate).min(self.burst);
        self.at = now;
    }

    /// Takes a token for `rank`, leaving `reserve`; `Err` is how long until there is one, `None` where others go first.
    pub(super) fn take(&mut self, rank: Rank, reserve: f64) -> Result<(), Option<TimeDelta>> {
        if self.waiting.first_key_value().is_some_and(|(first, _)| *first < rank) {
            return Err(None);
        }
        let wanted = 1.0 + reserve.min(self.burst - 1.0).max(0.0);
        // A hair below one token is one, so that a second's wait is a second's wait.
        if self.tokens >= wanted - 1e-6 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(Some(seconds((wanted - self.tokens) / self.rate)))
    }

    /// Half of what gathers: what polling leaves.
    pub(super) fn half(&self) -> f64 {
        self.burst / 2.0
    }

    /// Joins the queue.
    pub(super) fn join(&mut self, rank: Rank) -> Arc<Notify> {
        Arc::clone(self.waiting.entry(rank).or_default())
    }

    /// Leaves the queue, whether with a token or without: whoever is first now looks for itself.
    pub(super) fn leave(&mut self, rank: Rank) {
        self.waiting.remove(&rank);
        if let Some((_, first)) = self.waiting.first_key_value() {
            first.notify_one();
        }
    }

    /// How often AWS has turned calls away: a call remembers it, so that one wave of refusals counts once.
    pub(super) fn refusals(&self) -> u64 {
        self.refusals
    }

    /// AWS turned away a call that was sent when `sent_at` refusals were known. What is left is gone: others use the
    /// quota as well. The next token comes after a pause that doubles while this goes on, between half and one and a
    /// half times that long by `chance` (0 to 1), so that two consoles that were turned away together do not come back
    /// together. `again` is how often a call that is sent for minutes has been turned away before; 0 for any other.
    pub(super) fn refused(&mut self, sent_at: u64, again: u32, chance: f64) {
        if sent_at < self.refusals {
            self.tokens = self.tokens.min(0.0);
            return;
        }
        self.refusals += 1;
        let doublings = self.in_a_row.min(MOST_DOUBLINGS).max(again.min(16));
        self.in_a_row = self.in_a_row.saturating_add(1);
        let one = 1.0 / self.rate;
        let longest = match again {
            0 => LONGEST_PAUSE.max(one),
            _ => LONGEST_PAUSE_OF_PERSISTENT.max(one * MOST_TOKENS_OF_PERSISTENT),
        };
        let base = (one * f64::from(1_u32 << doublings)).min(longest);
        let pause = base * (0.5 + chance.clamp(0.0, 1.0));
        self.tokens = self.tokens.min(1.0 - pause * self.rate);
    }

    /// AWS took a call that was sent when `sent_at` refusals were known.
    pub(super) fn accepted(&mut self, sent_at: u64) {
        if sent_at >= self.refusals {
            self.in_a_row = 0;
        }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

fn seconds(seconds: f64) -> TimeDelta {
    // A wait of hours is looked at again long before.
    #[allow(clippy::cast_possible_truncation)]
    let micros = (seconds.clamp(0.0, 3_600.0) * 1e6).ceil() as i64;
    TimeDelta::microseconds(micros)
}
