//! What is known so far of who is answered on a stage. Plain data: asks nothing, and knows nothing of what else is kept
//! of a stage.

use std::collections::{HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::pool::{Before, Pool};
use super::sum::Total;

/// The most minutes that are looked at together.
pub(super) const POOLED: i64 = 5;

/// What is known of who is answered on a stage.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::watch) struct Answered {
    /// The attack that it is of.
    pub(super) began: DateTime<Utc>,
    /// The end of the minutes that were asked for last.
    pub(super) tried_to: DateTime<Utc>,
    /// Who called before; the reason where the log will never tell.
    pub(super) before: Option<Result<Arc<Before>, String>>,
    /// When that was asked for last.
    pub(super) before_asked: Option<DateTime<Utc>>,
    /// Who was there before the block of this id; `None` where that cannot be told.
    pub(super) blocked: Option<(String, Option<Arc<HashSet<IpAddr>>>)>,
    /// How many minutes lines take to come.
    pub(super) late: i64,
    /// What attackers got since the beginning, when more of it was asked for last, and why it was not.
    pub(super) total: Option<Total>,
    pub(super) total_tried: Option<DateTime<Utc>>,
    pub(super) total_trouble: Option<String>,
    /// By the end of their minutes.
    pub(super) pools: VecDeque<(DateTime<Utc>, Pool)>,
    /// Why nothing new is told.
    pub(in crate::watch) trouble: Option<String>,
}

impl Answered {
    pub(super) fn new(began: DateTime<Utc>, tried_to: DateTime<Utc>) -> Self {
        Self {
            began,
            tried_to,
            before: None,
            before_asked: None,
            blocked: None,
            late: 0,
            total: None,
            total_tried: None,
            total_trouble: None,
            pools: VecDeque::new(),
            trouble: None,
        }
    }

    /// What is told of the minute that starts at `minute`, and the callers of before that it is compared with.
    pub(in crate::watch) fn at(&self, minute: DateTime<Utc>) -> Option<(&Pool, &Before)> {
        let of = |n: i64| {
            let found = self.pools.iter().find(|(to, _)| *to == minute + TimeDelta::minutes(n));
            found.map(|(_, pool)| pool).filter(|pool| pool.minutes >= n as f64)
        };
        Some(((1..=POOLED).find_map(of)?, self.before.as_ref()?.as_ref().ok()?))
    }
}
