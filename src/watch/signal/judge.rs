//! One minute and one condition: not judged, fine, or met.

use chrono::{DateTime, TimeDelta, Utc};

use super::{AclScope, Situation};
use crate::model::board::{HISTORY_MINUTES, History, Metric};
use crate::model::settings::Thresholds;
use crate::model::signal::Severity;
use crate::model::usual::UsualOf;
use crate::watch::habit::{BEFORE_MINUTES, LEAST_MINUTES, median};

/// How much more than the stage's own requests the web ACL may have inspected before it cannot be guarding the stage
/// alone. The two series are counted at different places, so that they never agree to the request.
const ALONE_TOLERANCE: f64 = 1.10;

/// How much more than usual there must be asked for latency to have climbed with it.
const MORE_REQUESTS: f64 = 1.5;

/// Minutes within which 5XX follow latency in a cascade.
const CASCADE_MINUTES: i64 = 10;

/// The requests of a minute that the stage's own web ACL blocked, where they can be told: the ACL guards this stage
/// alone, on the board and by the numbers (it did not inspect clearly more than the stage received).
///
/// WAF's 403s are counted in `Count` and `4XXError` (inferred). Were they not, the ACL would have inspected more than
/// the stage counted, and nothing would be told apart.
pub(in crate::watch) fn own_blocks(history: &History, minute: DateTime<Utc>, acl: &AclScope) -> Option<f64> {
    if !matches!(acl, AclScope::Alone { .. }) {
        return None;
    }
    let at = |metric: Metric| history[metric.index()].at(minute);
    let (requests, blocked) = (at(Metric::Requests)?, at(Metric::WafBlocked)?);
    let inspected = blocked + at(Metric::WafAllowed)?;
    (inspected <= requests * ALONE_TOLERANCE).then_some(blocked.min(requests))
}

/// What minutes are judged by.
pub(super) struct Judge<'a> {
    pub(super) history: &'a History,
    pub(super) thresholds: &'a Thresholds,
    pub(super) situation: &'a Situation<'a>,
}

/// The lower quartile of what there is of an hour or more.
fn lower_quartile(mut values: Vec<f64>) -> Option<f64> {
    if values.len() < LEAST_MINUTES {
        return None;
    }
    let place = values.len() / 4;
    Some(*values.select_nth_unstable_by(place, f64::total_cmp).1)
}

/// What one minute is by one condition.
pub(super) enum Verdict {
    NotJudged,
    Fine,
    Stands(Finding),
}

/// A condition that is met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) value: f64,
    pub(super) threshold: f64,
    /// Whether it would be an attack, were it not for what we do ourselves.
    pub(super) ours: bool,
}

impl From<Option<Finding>> for Verdict {
    fn from(finding: Option<Finding>) -> Self {
        finding.map_or(Self::Fine, Self::Stands)
    }
}

impl Judge<'_> {
    pub(super) fn at(&self, metric: Metric, minute: DateTime<Utc>) -> Option<f64> {
        self.history[metric.index()].at(minute)
    }

    /// Judges a part of the requests as a share of them, where there are enough to judge.
    pub(super) fn share(
        &self,
        part: Metric,
        minute: DateTime<Utc>,
        judge: impl FnOnce(f64) -> Option<Finding>,
    ) -> Verdict {
        let Some(requests) = self.at(Metric::Requests, minute) else {
            return Verdict::NotJudged;
        };
        if requests < self.thresholds.least_requests_per_minute || requests <= 0.0 {
            return Verdict::Fine;
        }
        match self.at(part, minute) {
            Some(part) => judge(part / requests).into(),
            None => Verdict::NotJudged,
        }
    }

    pub(super) fn server_errors(&self, minute: DateTime<Utc>) -> Verdict {
        let limits = self.thresholds;
        self.share(Metric::ServerErrors, minute, |share| {
            above(share, limits.server_errors_notice, limits.server_errors_attack)
        })
    }

    pub(super) fn client_errors(&self, share: f64, minute: DateTime<Utc>) -> Option<Finding> {
        let limits = self.thresholds;
        let found = above(share, limits.client_errors_notice, limits.client_errors_attack)?;
        // Our own blocks answer with 403 too: an attack held off must not look like one that gets through.
        let explained = self.rest_of_client_errors(share, minute) <= limits.client_errors_attack;
        Some(if found.severity == Severity::Attack && explained {
            Finding { severity: Severity::Notice, threshold: limits.client_errors_notice, ours: true, ..found }
        } else {
            found
        })
    }

    pub(super) fn allowed_share(&self, minute: DateTime<Utc>) -> Verdict {
        let (allowed, blocked) = (self.at(Metric::WafAllowed, minute), self.at(Metric::WafBlocked, minute));
        let (Some(allowed), Some(blocked)) = (allowed, blocked) else {
            return Verdict::NotJudged;
        };
        let inspected = allowed + blocked;
        if inspected < self.thresholds.least_requests_per_minute || inspected <= 0.0 {
            return Verdict::Fine;
        }
        let (value, threshold) = (allowed / inspected, self.thresholds.allowed_share_attack);
        let rest = self.blocked_by_us(minute).map(|ours| allowed / (inspected - ours.min(blocked)).max(1.0));
        let ours = rest.is_some_and(|rest| rest >= threshold);
        let severity = if ours { Severity::Notice } else { Severity::Attack };
        let low = Finding { severity, value, threshold, ours };
        Some(low).filter(|low| low.value < low.threshold).into()
    }

    /// Blocked against their own median. A median of zero would make any block a spike: the median counts as at least
    /// so much that a spike has the least number of requests that are judged at all.
    pub(super) fn blocked_spike(&self, minute: DateTime<Utc>) -> Verdict {
        let Some(blocked) = self.at(Metric::WafBlocked, minute) else {
            return Verdict::NotJudged;
        };
        let (least, threshold) = (self.thresholds.least_requests_per_minute, self.thresholds.blocked_spike);
        if blocked < least || blocked <= 0.0 || threshold <= 0.0 {
            return Verdict::Fine;
        }
        let Some(usual) = self.usual_blocked(minute) else {
            return Verdict::NotJudged;
        };
        let value = blocked / usual.max(least / threshold).max(1.0);
        multiple(value, threshold)
    }

    /// What was frozen where an attack is believed in, else what `moving` makes of the minutes before.
    fn frozen_or(&self, of: UsualOf, minute: DateTime<Utc>, moving: impl FnOnce() -> Option<f64>) -> Option<f64> {
        (self.situation.usual)(of, minute).unwrap_or_else(moving)
    }

    /// The median of the half hour before, gaps left out.
    pub(super) fn usual_blocked(&self, minute: DateTime<Utc>) -> Option<f64> {
        let series = &self.history[Metric::WafBlocked.index()];
        let before = (1..=BEFORE_MINUTES).filter_map(|n| series.at(minute - TimeDelta::minutes(n)));
        self.frozen_or(UsualOf::Blocked, minute, || median(before))
    }

    /// What a metric usually is: the lower quartile of all that was kept before `minute`, so that an attack of two
    /// hours that nobody has seen begin does not become what is usual.
    pub(super) fn usual(
        &self,
        of: UsualOf,
        minute: DateTime<Utc>,
        value: impl Fn(DateTime<Utc>) -> Option<f64>,
    ) -> Option<f64> {
        let kept = i64::try_from(HISTORY_MINUTES).unwrap_or(0);
        let values = || (1..kept).filter_map(|n| value(minute - TimeDelta::minutes(n))).collect();
        self.frozen_or(of, minute, || lower_quartile(values()))
    }

    /// The same of one metric. A run is judged minute by minute, and each minute by all before it: those are taken as
    /// they lie there.
    fn usual_of(&self, of: UsualOf, minute: DateTime<Utc>, metric: Metric) -> Option<f64> {
        let before = || self.history[metric.index()].window(minute - TimeDelta::minutes(1), HISTORY_MINUTES - 1);
        self.frozen_or(of, minute, || lower_quartile(before().into_iter().flatten().collect()))
    }

    /// What latency usually is, ms: a 99th percentile.
    pub(super) fn usual_latency(&self, metric: Metric, minute: DateTime<Utc>) -> Option<f64> {
        let of = if metric == Metric::IntegrationP99 { UsualOf::IntegrationLatency } else { UsualOf::Latency };
        self.usual_of(of, minute, metric)
    }

    /// What is usually asked for, requests a minute.
    pub(super) fn usual_requests(&self, minute: DateTime<Utc>) -> Option<f64> {
        self.usual_of(UsualOf::Requests, minute, Metric::Requests)
    }

    pub(super) fn latency(&self, metric: Metric, minute: DateTime<Utc>) -> Verdict {
        let limits = self.thresholds;
        let Some(requests) = self.at(Metric::Requests, minute) else {
            return Verdict::NotJudged;
        };
        // Whom nobody calls nobody waits for: such a minute has no latency.
        if requests < limits.least_requests_per_minute {
            return Verdict::Fine;
        }
        let Some(latency) = self.at(metric, minute) else {
            return Verdict::NotJudged;
        };
        if latency < limits.latency_least_ms {
            return Verdict::Fine;
        }
        let Some(usual) = self.usual_latency(metric, minute) else {
            return Verdict::NotJudged;
        };
        multiple(latency / usual.max(1.0), limits.latency_multiple)
    }

    /// Latency that climbs while requests climb, and 5XX that follow it.
    pub(super) fn cascade(&self, minute: DateTime<Utc>) -> Verdict {
        // Where hardly anything fails there is no cascade, whatever is usual: so that it ends where nothing tells what
        // is.
        if matches!(self.server_errors(minute), Verdict::Fine) {
            return Verdict::Fine;
        }
        let finding = match self.latency(Metric::LatencyP99, minute) {
            Verdict::Stands(finding) => finding,
            other => return other,
        };
        let Some(usual) = self.usual_requests(minute) else {
            return Verdict::NotJudged;
        };
        let climbed = self.at(Metric::Requests, minute).is_some_and(|now| now >= usual * MORE_REQUESTS);
        if !climbed || !self.errors_follow(minute) {
            return Verdict::Fine;
        }
        Verdict::Stands(Finding { severity: Severity::Attack, ..finding })
    }

    /// Whether 5XX are up at `minute`, and were not before latency was.
    fn errors_follow(&self, minute: DateTime<Utc>) -> bool {
        let failing = |minute| matches!(self.server_errors(minute), Verdict::Stands(_));
        let slow = |minute| matches!(self.latency(Metric::LatencyP99, minute), Verdict::Stands(_));
        let back = |n: &i64| minute - TimeDelta::minutes(*n);
        let first = |met: &dyn Fn(DateTime<Utc>) -> bool| (0..CASCADE_MINUTES).take_while(|n| met(back(n))).last();
        match (first(&slow), first(&failing)) {
            (Some(slow), Some(failing)) => slow >= failing,
            _ => false,
        }
    }

    /// Cache hits as a fraction of what was looked up.
    pub(super) fn hit_share(&self, minute: DateTime<Utc>) -> Option<f64> {
        let (hits, misses) = (self.at(Metric::CacheHits, minute)?, self.at(Metric::CacheMisses, minute)?);
        let all = hits + misses;
        (all >= self.thresholds.least_requests_per_minute && all > 0.0).then(|| hits / all)
    }

    pub(super) fn cache(&self, minute: DateTime<Utc>) -> Verdict {
        let few = |requests: f64| requests < self.thresholds.least_requests_per_minute;
        let looked_up = self.at(Metric::CacheHits, minute).zip(self.at(Metric::CacheMisses, minute));
        let Some(share) = self.hit_share(minute) else {
            let too_few =
                looked_up.map(|(hits, misses)| hits + misses).or(self.at(Metric::Requests, minute)).is_some_and(few);
            return if too_few { Verdict::Fine } else { Verdict::NotJudged };
        };
        let kept = i64::try_from(HISTORY_MINUTES).unwrap_or(0);
        let before = || median((1..kept).filter_map(|n| self.hit_share(minute - TimeDelta::minutes(n))));
        let Some(usual) = self.frozen_or(UsualOf::CacheHits, minute, before).filter(|usual| *usual > 0.0) else {
            return Verdict::NotJudged;
        };
        let (value, threshold) = (share / usual, self.thresholds.cache_hit_collapse);
        let low = Finding { severity: Severity::Notice, value, threshold, ours: false };
        Some(low).filter(|low| low.value < low.threshold).into()
    }

    pub(super) fn cost(&self, minute: DateTime<Utc>) -> Verdict {
        let Some(dollars) = (self.situation.dollars)(minute) else {
            return Verdict::NotJudged;
        };
        let limits = self.thresholds;
        if dollars * 60.0 < limits.cost_least_dollars_per_hour {
            return Verdict::Fine;
        }
        match self.usual(UsualOf::Cost, minute, self.situation.dollars).filter(|usual| *usual > 0.0) {
            Some(usual) => multiple(dollars / usual, limits.cost_multiple),
            None => Verdict::NotJudged,
        }
    }
}

fn multiple(value: f64, threshold: f64) -> Verdict {
    let found = Finding { severity: Severity::Notice, value, threshold, ours: false };
    Some(found).filter(|found| found.value >= found.threshold).into()
}

pub(super) fn above(value: f64, notice: f64, attack: f64) -> Option<Finding> {
    let (severity, threshold) = if value > attack {
        (Severity::Attack, attack)
    } else if value > notice {
        (Severity::Notice, notice)
    } else {
        return None;
    };
    Some(Finding { severity, value, threshold, ours: false })
}
