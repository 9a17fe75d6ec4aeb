//! What is known of access logs: who writes where, what is being asked of them, what that has cost.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::rows::{Entry, RowKey};
use crate::aws::read::MetricFilter;

/// What log queries have cost, in dollars (estimates).
#[derive(Debug, Default)]
pub(in crate::watch) struct LogCosts {
    /// Those that nobody asked for: the budget limits them.
    pub(in crate::watch) by_itself: f64,
    /// Those that somebody asked for.
    pub(in crate::watch) by_hand: f64,
    /// When logs could first be asked, account time: the budget is by the hour.
    pub(in crate::watch) began: Option<DateTime<Utc>>,
}

impl LogCosts {
    /// All of them.
    pub(in crate::watch) fn all(&self) -> f64 {
        self.by_itself + self.by_hand
    }
}

/// The access logs of the stages.
#[derive(Default)]
pub(in crate::watch) struct Logs {
    pub(in crate::watch) costs: LogCosts,
    /// Stages whose logs are being asked.
    pub(in crate::watch) jobs: HashSet<RowKey>,
    /// The same for who is answered.
    pub(in crate::watch) answer_jobs: HashSet<RowKey>,
    /// Bytes of a line, by log group, as queries have seen them.
    pub(in crate::watch) line_bytes: HashMap<String, f64>,
    /// Metric filters by log group.
    pub(in crate::watch) filters: HashMap<String, Vec<MetricFilter>>,
    /// Stages of the board by the log group that they write to.
    groups: HashMap<String, usize>,
}

impl Logs {
    /// How many of the known stages write to a log group.
    pub(super) fn sharing(&self, group: &str) -> usize {
        self.groups.get(group).copied().unwrap_or(1)
    }

    /// A stage that wrote to `before` writes to `now`.
    pub(super) fn moved(&mut self, before: Option<&str>, now: Option<&str>) {
        if before == now {
            return;
        }
        if let Some(stages) = before.and_then(|group| self.groups.get_mut(group)) {
            *stages = stages.saturating_sub(1);
        }
        if let Some(group) = now {
            *self.groups.entry(group.to_owned()).or_default() += 1;
        }
    }

    /// How many of these stages write to each log group.
    pub(super) fn count_groups<'a>(&mut self, rows: impl Iterator<Item = &'a Entry>) {
        self.groups.clear();
        for group in rows.filter_map(Entry::log_group) {
            *self.groups.entry(group.to_owned()).or_default() += 1;
        }
    }

    /// Forgets the filters of log groups that nobody writes to any more.
    pub(super) fn forget_unused(&mut self) {
        self.filters.retain(|group, _| self.groups.contains_key(group));
    }
}
