//! A value as the control plane holds it, and as the data plane sees it.
//!
//! AWS answers a write at once and lets traffic notice later. [`Live`] keeps every version until the next one has
//! arrived everywhere. It knows nothing of what the value is.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};

/// A versioned value: what was saved last, and what is visible to traffic at a given moment.
#[derive(Debug, Clone)]
pub struct Live<T> {
    /// Ordered by the moment of becoming visible; never empty; the last one is what the control plane answers.
    versions: Vec<(DateTime<Utc>, Arc<T>)>,
}

impl<T> Live<T> {
    /// A value written at `at` that becomes visible to traffic `delay` later.
    pub fn new(value: T, at: DateTime<Utc>, delay: Duration) -> Self {
        Self { versions: vec![(at + delay, Arc::new(value))] }
    }

    /// What the control plane holds: the newest version.
    ///
    /// # Panics
    /// Never: a `Live` is never empty.
    #[must_use]
    pub fn saved(&self) -> &Arc<T> {
        &self.versions[self.versions.len() - 1].1
    }

    /// What traffic sees at `now`; `None` while the first version is still on its way.
    #[must_use]
    pub fn at(&self, now: DateTime<Utc>) -> Option<&Arc<T>> {
        self.versions.iter().rev().find(|(from, _)| *from <= now).map(|(_, value)| value)
    }

    /// When the newest version becomes visible.
    #[must_use]
    pub fn visible_from(&self) -> DateTime<Utc> {
        self.versions[self.versions.len() - 1].0
    }

    /// Writes a new version. Versions arrive in the order of writing: none overtakes an earlier one.
    pub fn write(&mut self, value: T, at: DateTime<Utc>, delay: Duration) {
        let from = (at + delay).max(self.visible_from());
        let first = self.versions.iter().rposition(|(from, _)| *from <= at).unwrap_or(0);
        self.versions.drain(..first);
        self.versions.push((from, Arc::new(value)));
    }

    /// Makes the newest version visible at once and forgets the others.
    pub fn settle(&mut self, now: DateTime<Utc>) {
        let keep = self.versions.len() - 1;
        self.versions.drain(..keep);
        self.versions[0].0 = self.versions[0].0.min(now);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn traffic_sees_a_write_only_after_its_delay_and_in_order() {
        let start = DateTime::UNIX_EPOCH;
        let second = Duration::seconds(1);
        let mut live = Live::new(1, start, second * 5);
        assert!(live.at(start + second * 4).is_none());
        live.write(2, start + second * 10, second * 20);
        live.write(3, start + second * 11, second);
        assert_eq!(**live.saved(), 3);
        assert_eq!(**live.at(start + second * 29).unwrap(), 1);
        assert_eq!(**live.at(start + second * 30).unwrap(), 3, "a later write must not overtake an earlier one");
    }
}
