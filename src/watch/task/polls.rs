//! Polls: when one is due, what it asks for, how it ended.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use crate::watch::poll::{Answers, Extent};
use crate::watch::schedule::backoff;

/// Account time after a poll before stages found meanwhile are read out of turn: so long at least, and so long for each
/// stage known. A poll is linear in the stages, and so is the time that discovery takes: polls so far apart are as many
/// for three thousand stages as for three hundred, and what they cost together is linear.
const OUT_OF_TURN: TimeDelta = TimeDelta::seconds(2);
const OUT_OF_TURN_A_STAGE: TimeDelta = TimeDelta::milliseconds(8);

/// What was asked for, when, and what came.
pub(super) type Polled = (Extent, DateTime<Utc>, Answers);

/// Polls, one at a time.
pub(super) struct Polls {
    pub(super) running: JoinSet<Polled>,
    /// What the next one asks for: what is due, or everything.
    pub(super) extent: Extent,
    /// Account time at which the next one is due.
    pub(super) next: DateTime<Utc>,
    /// Account time from which on what was found meanwhile is read out of turn.
    pub(super) out_of_turn: DateTime<Utc>,
    /// Whether discovery brought anything since the last one began.
    pub(super) news: bool,
    failures: u32,
}

impl Polls {
    /// The first one is due, and asks for everything.
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        Self { running: JoinSet::new(), extent: Extent::All, next: now, out_of_turn: now, news: false, failures: 0 }
    }

    /// Account time between polls out of turn, with so many stages known.
    pub(super) fn apart(stages: usize) -> TimeDelta {
        OUT_OF_TURN.max(OUT_OF_TURN_A_STAGE * i32::try_from(stages).unwrap_or(i32::MAX))
    }

    /// What the poll asks for that begins at `now`; `None` where none is due.
    pub(super) fn begin(&mut self, now: DateTime<Utc>) -> Option<Extent> {
        let extent = if now >= self.next {
            std::mem::replace(&mut self.extent, Extent::Due)
        } else if self.news && now >= self.out_of_turn {
            Extent::New
        } else {
            return None;
        };
        self.news = false;
        Some(extent)
    }

    /// Account time at which one is to begin; `None` while one is running.
    pub(super) fn due_at(&self) -> Option<DateTime<Utc>> {
        let next = if self.news { self.next.min(self.out_of_turn) } else { self.next };
        self.running.is_empty().then_some(next)
    }

    /// Everything is read anew at `now`.
    pub(super) fn read_all(&mut self, now: DateTime<Utc>) {
        self.extent = Extent::All;
        self.next = self.next.min(now);
    }

    pub(super) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// One has ended well, with so many stages known.
    pub(super) fn succeeded(&mut self, now: DateTime<Utc>, stages: usize) {
        self.failures = 0;
        self.out_of_turn = now + Self::apart(stages);
    }

    /// One has failed, by itself or by its answers.
    pub(super) fn failed(&mut self, now: DateTime<Utc>, interval: TimeDelta) {
        self.failures = self.failures.saturating_add(1);
        self.next = now + backoff(interval, self.failures, interval);
        self.out_of_turn = self.next;
    }

    /// What `extent` asked for has not come: it is asked for again.
    pub(super) fn missed(&mut self, extent: Extent) {
        if extent == Extent::All {
            self.extent = Extent::All;
        }
        self.news |= extent == Extent::New;
    }
}
