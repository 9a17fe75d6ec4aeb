//! Rounds of discovery: when one is due, what it sends, how it ended.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::aws::Aws;
use crate::watch::discover::{Found, discover};
use crate::watch::schedule::backoff;

/// Account time between rounds.
pub(super) const REDISCOVERY: TimeDelta = TimeDelta::seconds(300);

/// Account time over which a later round's `GetStages` calls are spread.
const SPREAD: TimeDelta = TimeDelta::seconds(240);

/// Rounds of discovery, one at a time.
pub(super) struct Discovery {
    /// Whether a round that ended was complete.
    pub(super) running: JoinSet<bool>,
    pub(super) found: UnboundedReceiver<Found>,
    sender: UnboundedSender<Found>,
    /// Account time at which the last round began.
    began: DateTime<Utc>,
    /// Account time at which the next one is due.
    pub(super) next: DateTime<Utc>,
    /// Whether one that ended has read stages: later ones may take their time.
    has_stages: bool,
    failures: u32,
}

impl Discovery {
    /// The first round is due.
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        let (sender, found) = unbounded_channel();
        Self { running: JoinSet::new(), found, sender, began: now, next: now, has_stages: false, failures: 0 }
    }

    /// Begins a round, where one is due.
    pub(super) fn start_if_due(&mut self, aws: &Aws, now: DateTime<Utc>) {
        if self.due_at().is_none_or(|due| now < due) {
            return;
        }
        let (aws, found) = (aws.clone(), self.sender.clone());
        let spread = self.has_stages.then_some(SPREAD);
        self.began = now;
        self.running.spawn(async move { Box::pin(discover(&aws, spread, &found)).await });
    }

    /// Account time at which a round is to begin; `None` while one is running.
    pub(super) fn due_at(&self) -> Option<DateTime<Utc>> {
        self.running.is_empty().then_some(self.next)
    }

    /// A round has ended; `has_stages`: stages are known by now.
    pub(super) fn ended(&mut self, complete: bool, has_stages: bool, (now, interval): (DateTime<Utc>, TimeDelta)) {
        self.has_stages |= has_stages;
        if complete {
            self.failures = 0;
            self.next = self.began + REDISCOVERY;
        } else {
            self.failures = self.failures.saturating_add(1);
            self.next = now + backoff(interval, self.failures, REDISCOVERY);
        }
    }
}
