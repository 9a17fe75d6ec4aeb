//! What part of a minute's figures our own measures explain: it is no attack.
//!
//! By arithmetic on minutes: a block shows among what the web ACL blocked, above what it had blocked just before; a
//! throttle among throttled requests, where a log tells them; a closure turns away whatever fails.

use chrono::{DateTime, TimeDelta, Utc};

use super::judge::{Judge, own_blocks};
use crate::model::board::Metric;
use crate::model::measure::{Measure, Shows, Turning};
use crate::model::series::floor_minute;
use crate::model::usual::UsualOf;

/// Minutes before a block that tell what the web ACL turned away without it.
const BEFORE_BLOCK: i64 = 5;

/// A log that tells nothing for longer than this is not waited for.
const LOG_MINUTES: i64 = 10;

impl Judge<'_> {
    /// When the first of a kind of measure began that is in force in a minute.
    fn in_force(&self, turning: Turning, minute: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.situation.measures.since(turning, minute)
    }

    /// Whether a closure of ours is in force.
    pub(super) fn is_closed(&self, minute: DateTime<Utc>) -> bool {
        self.in_force(Turning::Closes, minute).is_some()
    }

    /// Whether our own limits answer 429: by a throttle, or by a closure that is one.
    pub(super) fn is_throttled(&self, minute: DateTime<Utc>) -> bool {
        self.situation.measures.in_force(minute).any(|one| one.shows == Shows::Throttled)
    }

    /// Our web ACL's blocks as a share of requests.
    pub(super) fn own_share(&self, minute: DateTime<Utc>) -> Option<f64> {
        let requests = self.at(Metric::Requests, minute).filter(|r| *r > 0.0)?;
        Some(own_blocks(self.history, minute, &self.situation.acl)? / requests)
    }

    /// What our throttles answered with 429 as a share of requests; `None` where no log tells it, or none is in force.
    pub(super) fn throttled_share(&self, minute: DateTime<Utc>) -> Option<f64> {
        let requests = self.at(Metric::Requests, minute).filter(|r| *r > 0.0)?;
        let told = self.is_throttled(minute) && self.situation.throttles;
        Some(self.at(Metric::Throttled, minute).filter(|_| told)? / requests)
    }

    /// Whether the log that tells what our throttles answered is not there yet for a minute, and tells it of minutes
    /// just before.
    pub(super) fn awaits_log(&self, minute: DateTime<Utc>) -> bool {
        if !self.situation.throttles || !self.is_throttled(minute) || self.is_closed(minute) {
            return false;
        }
        let lately = self.history[Metric::Throttled.index()].latest();
        lately.is_some_and(|(last, _)| last < minute && minute - last <= TimeDelta::minutes(LOG_MINUTES))
    }

    /// The 4XX share less what our own blocks, throttles and closures explain; the whole where that cannot be told.
    pub(super) fn rest_of_client_errors(&self, share: f64, minute: DateTime<Utc>) -> f64 {
        if self.is_closed(minute) {
            return 0.0;
        }
        let own = self.own_share(minute).unwrap_or(0.0) + self.throttled_share(minute).unwrap_or(0.0);
        (share - own).max(0.0)
    }

    /// Requests of a minute that our own blocks turned away: what the web ACL blocked beyond what it blocked just
    /// before them, or usually blocks. `None` where none is in force, or neither is known.
    pub(super) fn blocked_by_us(&self, minute: DateTime<Utc>) -> Option<f64> {
        let blocked = self.at(Metric::WafBlocked, minute)?;
        // A closed web ACL blocks by default: all of it is ours.
        let closed = |one: &Measure| one.turning == Turning::Closes && one.shows == Shows::Blocked;
        if self.situation.measures.in_force(minute).any(closed) {
            return Some(blocked);
        }
        let since = floor_minute(self.in_force(Turning::Blocks, minute)?);
        let minutes = (1..=BEFORE_BLOCK).map(|n| since - TimeDelta::minutes(n));
        let mut before: Vec<f64> = minutes.filter_map(|minute| self.at(Metric::WafBlocked, minute)).collect();
        before.sort_by(f64::total_cmp);
        let middle = before.get(before.len() / 2).copied();
        let without = middle.or_else(|| (self.situation.usual)(UsualOf::Blocked, minute).flatten())?;
        Some((blocked - without).max(0.0))
    }
}
