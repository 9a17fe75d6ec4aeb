//! `CloudWatch` Logs: log groups, what API Gateway has written into them, and metric filters on them.
//!
//! Lines are not kept one by one. A record says that so many requests of one kind came in one second; which addresses
//! sent them, when in that second and how long each took is drawn when somebody asks, from a stream that the record
//! names, so that everybody who asks sees the same lines. What is counted by kind therefore costs as much as there are
//! kinds, however many requests there were.
//!
//! The store knows neither how a request fared nor what a client asks in; the first is `traffic`'s, the second
//! `service::logs`'.

pub(crate) mod filter;
pub(crate) mod format;
pub(crate) mod insights;
mod json;
mod line;
mod metric;
mod query;

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::{Arc, Weak};

use chrono::{DateTime, Duration, Utc};

pub(crate) use line::{Kind, Line, Own, Pace, Record, Roster, Second};
pub use metric::{MetricFilter, Transformation};
pub(crate) use query::{Query, Results};

use crate::state::ids::{self, Ids};
use crate::state::metrics::MetricStore;

/// A log group.
#[derive(Debug, Clone)]
pub struct LogGroup {
    /// The name.
    pub name: String,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// Days for which lines are kept; `None` for ever.
    pub retention_days: Option<i64>,
    /// Bytes of all lines so far, estimated from one line of each kind.
    pub stored_bytes: u64,
    /// Metric filters by name.
    pub filters: BTreeMap<String, MetricFilter>,
    seconds: VecDeque<Second>,
}

/// Every log group of the account.
#[derive(Debug, Clone)]
pub struct LogStore {
    groups: BTreeMap<String, LogGroup>,
    queries: VecDeque<Query>,
    /// Addresses that lines are drawn from, as long as any line may be.
    rosters: Vec<Weak<Roster>>,
    /// Seconds from a request to the moment its line can be read. AWS documents no figure (unverified).
    pub delay_seconds: u32,
    /// Seconds that a query of Logs Insights takes; 0: it is complete at once. AWS documents no figure (unverified).
    pub query_seconds: u32,
    /// Whether quotes, backslashes and control characters in what clients sent are escaped as in JSON (unverified).
    /// Where they are not, a user agent with a quotation mark makes a line that is no JSON.
    pub escape_values: bool,
    seed: u64,
    serial: u64,
    /// Queries so far.
    asked: u64,
}

impl LogStore {
    /// Seconds for which lines are kept: three hours and a little. A bound on memory, not one of AWS's.
    const KEPT_SECONDS: i64 = 190 * 60;
    /// Addresses kept for lines of the past; beyond it the oldest lines are forgotten sooner. A bound on memory, not
    /// one of AWS's.
    const KEPT_ADDRESSES: usize = 2_000_000;

    /// An account without log groups, whose lines are keyed by `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            groups: BTreeMap::new(),
            queries: VecDeque::new(),
            rosters: Vec::new(),
            delay_seconds: 5,
            query_seconds: 2,
            escape_values: true,
            seed,
            serial: 0,
            asked: 0,
        }
    }

    /// Creates a log group where there is none of that name.
    pub fn create_group(&mut self, name: &str, now: DateTime<Utc>) -> &mut LogGroup {
        self.groups.entry(name.to_owned()).or_insert_with(|| LogGroup {
            name: name.to_owned(),
            created: now,
            retention_days: None,
            stored_bytes: 0,
            filters: BTreeMap::new(),
            seconds: VecDeque::new(),
        })
    }

    /// Deletes a log group with everything in it.
    pub fn delete_group(&mut self, name: &str) {
        self.groups.remove(name);
    }

    /// A log group.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&LogGroup> {
        self.groups.get(name)
    }

    /// A log group, to be changed.
    pub fn group_mut(&mut self, name: &str) -> Option<&mut LogGroup> {
        self.groups.get_mut(name)
    }

    /// All log groups, by name.
    pub fn groups(&self) -> impl Iterator<Item = &LogGroup> {
        self.groups.values()
    }

    /// A number that no other kind of line has.
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Registers addresses that lines are drawn from, and forgets the oldest lines where all of them together are too
    /// many.
    pub(crate) fn keep_roster(&mut self, roster: &Arc<Roster>) {
        self.rosters.push(Arc::downgrade(roster));
        let kept = |rosters: &mut Vec<Weak<Roster>>| -> usize {
            rosters.retain(|roster| roster.strong_count() > 0);
            rosters.iter().filter_map(Weak::upgrade).map(|roster| roster.len()).sum()
        };
        while kept(&mut self.rosters) > Self::KEPT_ADDRESSES {
            let oldest = self.groups.values().filter_map(|group| Some(group.seconds.front()?.at)).min();
            let Some(oldest) = oldest else { return };
            self.forget(oldest + 60);
        }
    }

    fn forget(&mut self, before: i64) {
        for group in self.groups.values_mut() {
            while group.seconds.front().is_some_and(|second| second.at < before) {
                group.seconds.pop_front();
            }
        }
    }

    /// Adds what came in the second that begins at `at`.
    pub(crate) fn write(&mut self, group: &str, at: DateTime<Utc>, record: Record, pace: Pace) {
        let bytes = record.kind.line_bytes() * u64::from(record.count);
        let second = at.timestamp();
        let group = self.create_group(group, at);
        group.stored_bytes += bytes;
        if group.seconds.back().is_none_or(|last| last.at < second) {
            group.seconds.push_back(Second { at: second, records: Vec::new(), paces: Vec::new() });
            while group.seconds.front().is_some_and(|first| first.at < second - Self::KEPT_SECONDS) {
                group.seconds.pop_front();
            }
        }
        if let Some(last) = group.seconds.iter_mut().rev().find(|known| known.at <= second) {
            last.put(record, pace);
        }
    }

    /// Lets the metric filters of every group see the second that begins at `at`. Its lines are all there.
    pub(crate) fn meter(&mut self, metrics: &mut MetricStore, at: DateTime<Utc>) {
        let seed = self.seed;
        for group in self.groups.values_mut().filter(|group| !group.filters.is_empty()) {
            let second = group.seconds.back().filter(|second| second.at == at.timestamp());
            for filter in group.filters.values_mut() {
                filter.see(second, seed, metrics, at);
            }
        }
    }

    /// Seconds whose lines can be read at `now`, out of those in the range.
    pub(crate) fn readable(
        &self,
        group: &str,
        seconds: RangeInclusive<i64>,
        now: DateTime<Utc>,
    ) -> impl DoubleEndedIterator<Item = &Second> + Clone {
        let last = (now - Duration::seconds(i64::from(self.delay_seconds))).timestamp() - 1;
        let (from, to) = (*seconds.start(), last.min(*seconds.end()));
        let all = self.groups.get(group).map(|group| &group.seconds);
        let first = all.map_or(0, |all| all.partition_point(|second| second.at < from));
        let end = all.map_or(0, |all| all.partition_point(|second| second.at <= to)).max(first);
        all.into_iter().flat_map(move |all| all.range(first..end))
    }

    /// Key of what lines are drawn from.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The id of a new query. Apart from the account's other names, so that asking changes none of them.
    pub(crate) fn next_query(&mut self) -> String {
        self.asked += 1;
        Ids::new(self.seed ^ ids::mix(self.asked)).uuid()
    }

    /// Keeps a query.
    pub(crate) fn keep_query(&mut self, query: Query) {
        /// A bound on memory, not one of AWS's.
        const QUERIES: usize = 200;
        self.queries.push_back(query);
        while self.queries.len() > QUERIES {
            self.queries.pop_front();
        }
    }

    /// A query by id.
    pub(crate) fn query_mut(&mut self, id: &str) -> Option<&mut Query> {
        self.queries.iter_mut().find(|query| query.id == id)
    }

    /// How many queries are at work.
    pub(crate) fn running(&self, now: DateTime<Utc>) -> usize {
        self.queries.iter().filter(|query| query.is_running(now)).count()
    }
}

impl LogGroup {
    /// ARN without the trailing `:*`.
    pub(crate) fn arn(&self, region: &str, account: &str) -> String {
        format!("arn:aws:logs:{region}:{account}:log-group:{}", self.name)
    }
}
