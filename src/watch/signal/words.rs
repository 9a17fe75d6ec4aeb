//! Parts of what signals say of their evidence.

use chrono::{DateTime, Utc};

use super::AclScope;
use super::judge::{Finding, Judge};
use crate::model::board::Metric;
use crate::watch::words::{clock_time, percent, rounded};

impl Judge<'_> {
    pub(super) fn slow(&self, what: &str, metric: Metric, minute: DateTime<Utc>) -> String {
        let usual = self.usual_latency(metric, minute);
        format!(
            "{what} {} ms at {} UTC, usually {} ms",
            rounded(self.at(metric, minute).unwrap_or(0.0)),
            clock_time(minute),
            usual.map_or("?".to_owned(), rounded)
        )
    }

    /// What our own blocks explain of the 4XX, for the evidence.
    pub(super) fn own_part(&self, minute: DateTime<Utc>, finding: &Finding) -> String {
        if self.is_closed(minute) {
            return "; the stage is closed by us, and everybody turned away gets one".to_owned();
        }
        if let Some(throttled) = self.throttled_share(minute).filter(|share| *share > 0.0) {
            let rest = self.rest_of_client_errors(finding.value, minute);
            return format!(
                "; a throttle of ours is in force, throttled are {} of requests, the other 4XX are {}",
                percent(throttled),
                percent(rest)
            );
        }
        if self.is_throttled(minute) && self.throttled_share(minute).is_none() {
            return "; a throttle of ours is in force, and no log tells how many of them it answered".to_owned();
        }
        match (self.own_share(minute), &self.situation.acl) {
            (Some(own), _) if own > 0.0 => {
                let rest = (finding.value - own).max(0.0);
                let mostly = if rest <= self.thresholds.client_errors_attack && own > rest {
                    "mostly our own blocks: "
                } else {
                    ""
                };
                format!("; {mostly}WAF blocked {} of requests, the other 4XX are {}", percent(own), percent(rest))
            }
            (None, AclScope::Shared { name, .. }) => {
                format!("; how many of them {name} blocked cannot be told")
            }
            (None, AclScope::Alone { .. }) => "; WAF's blocks of that minute are not published, or not yet".to_owned(),
            _ => String::new(),
        }
    }
}
