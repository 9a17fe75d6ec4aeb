//! A query of Logs Insights that has been started.

use chrono::{DateTime, Utc};

/// What a query found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Results {
    /// Names and values.
    pub(crate) rows: Vec<Vec<(String, String)>>,
    /// Events that the filters let through.
    pub(crate) matched: u64,
    /// Events of the range.
    pub(crate) scanned: u64,
    /// Their bytes, estimated from one line of each kind.
    pub(crate) bytes: u64,
}

/// A query.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) id: String,
    pub(crate) started: DateTime<Utc>,
    /// When it is complete.
    pub(crate) done: DateTime<Utc>,
    pub(crate) stopped: bool,
    pub(crate) results: Results,
}

impl Query {
    pub(crate) fn is_running(&self, now: DateTime<Utc>) -> bool {
        !self.stopped && now < self.done
    }

    /// AWS's name of its status.
    pub(crate) fn status(&self, now: DateTime<Utc>) -> &'static str {
        match self.is_running(now) {
            _ if self.stopped => "Cancelled",
            true if now <= self.started => "Scheduled",
            true => "Running",
            false => "Complete",
        }
    }
}
