//! What a signal says: its evidence in numbers, and what it suggests.

use chrono::{DateTime, Utc};

use super::AclScope;
use super::judge::{Finding, Judge};
use crate::model::board::Metric;
use crate::model::signal::{Severity, SignalKind};
use crate::watch::words::{clock_time, count, dollars, percent};

impl Judge<'_> {
    pub(super) fn evidence(&self, kind: SignalKind, minute: DateTime<Utc>, finding: &Finding) -> String {
        let number = |metric| self.at(metric, minute).unwrap_or(0.0);
        let value = |metric| count(number(metric));
        let when = clock_time(minute);
        let of_requests = |word: &str| {
            format!("{word} {} of {} requests at {when} UTC", percent(finding.value), value(Metric::Requests))
        };
        let acl = &self.situation.acl;
        match kind {
            SignalKind::ServerErrorsHigh => of_requests("5XX"),
            SignalKind::ClientErrorsHigh => format!("{}{}", of_requests("4XX"), self.own_part(minute, finding)),
            SignalKind::Throttling if finding.ours => {
                format!("{}; a throttle of ours is in force", of_requests("throttled"))
            }
            SignalKind::Throttling => of_requests("throttled"),
            SignalKind::AllowedShareLow => format!(
                "WAF let through {} of {} inspected at {when} UTC ({}){}",
                percent(finding.value),
                count(number(Metric::WafAllowed) + number(Metric::WafBlocked)),
                acl.label(),
                self.blocked_by_us(minute)
                    .map_or_else(String::new, |ours| format!("; our own blocks are about {} of it", count(ours)))
            ),
            SignalKind::BlockedSpike => format!(
                "WAF blocked {} at {when} UTC, usually {} a minute ({})",
                value(Metric::WafBlocked),
                self.usual_blocked(minute).map_or("?".to_owned(), count),
                acl.label()
            ),
            SignalKind::LatencyHigh => self.slow("p99", Metric::LatencyP99, minute),
            SignalKind::IntegrationLatencyHigh => self.slow("integration p99", Metric::IntegrationP99, minute),
            SignalKind::ColdStartCascade => format!(
                "{}; {} requests, usually {}; then 5XX {} (looks like more instances starting than the backend can start, or a backend at \
                 its end)",
                self.slow("p99", Metric::LatencyP99, minute),
                value(Metric::Requests),
                self.usual_requests(minute).map_or("?".to_owned(), count),
                percent(number(Metric::ServerErrors) / number(Metric::Requests).max(1.0)),
            ),
            SignalKind::CacheHitCollapse => format!(
                "the cache answered {} of {} lookups at {when} UTC, {} of what is usual",
                percent(self.hit_share(minute).unwrap_or(0.0)),
                count(number(Metric::CacheHits) + number(Metric::CacheMisses)),
                percent(finding.value)
            ),
            SignalKind::AccountLimitNear => {
                format!(
                    "all APIs of the board together use {} of the account's limit at {when} UTC",
                    percent(finding.value)
                )
            }
            SignalKind::CostBurn => format!(
                "about {} an hour at {when} UTC, {:.1} times what is usual (estimate)",
                dollars((self.situation.dollars)(minute).unwrap_or(0.0) * 60.0),
                finding.value
            ),
        }
    }

    fn slow(&self, what: &str, metric: Metric, minute: DateTime<Utc>) -> String {
        let usual = self.usual_latency(metric, minute);
        format!(
            "{what} {} ms at {} UTC, usually {} ms",
            count(self.at(metric, minute).unwrap_or(0.0)),
            clock_time(minute),
            usual.map_or("?".to_owned(), count)
        )
    }

    /// What our own blocks explain of the 4XX, for the evidence.
    fn own_part(&self, minute: DateTime<Utc>, finding: &Finding) -> String {
        if self.is_closed(minute) {
            return "; the stage is closed by us, and whoever is turned away gets one".to_owned();
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

/// What to do next, and why.
pub(super) fn suggestion(kind: SignalKind, severity: Severity) -> &'static str {
    match (kind, severity) {
        (SignalKind::ClientErrorsHigh, Severity::Attack) => {
            "See who is sending it; block the sources or throttle the attacked method"
        }
        (SignalKind::ClientErrorsHigh, Severity::Notice) => "See which sources cause the 4XX before doing anything",
        (SignalKind::ServerErrorsHigh, _) => {
            "The backend is failing: see who is sending it; do not flush the cache now"
        }
        (SignalKind::AllowedShareLow, _) => {
            "WAF refuses most of the traffic: check that it is the attack and not the customers"
        }
        (SignalKind::BlockedSpike, _) => "See whom WAF blocks, and whether something gets past it",
        (SignalKind::Throttling, Severity::Attack) => {
            "Callers are turned away in proportion, customers too: block the sources, so that the limit is left to the others"
        }
        (SignalKind::Throttling, Severity::Notice) => {
            "See whether it is the attack or the customers who meet the limit"
        }
        (SignalKind::LatencyHigh, _) => {
            "See whether the integration or API Gateway is slow (stage detail), and who is sending more than usual"
        }
        (SignalKind::IntegrationLatencyHigh, _) => {
            "The backend is slow: throttle the costly method before it fails for everybody"
        }
        (SignalKind::ColdStartCascade, _) => {
            "Throttle the method whose requests climb: the backend recovers once less reaches it; do not flush the cache now"
        }
        (SignalKind::CacheHitCollapse, _) => {
            "Requests get past the cache: look for queries that are never the same, and do not flush the cache now"
        }
        (SignalKind::AccountLimitNear, _) => {
            "Soon every API of the account is throttled: throttle or close the attacked stage, not the others"
        }
        (SignalKind::CostBurn, _) => {
            "Blocked requests cost as well: throttling and blocking end the backend's part, WAF's goes on"
        }
    }
}
