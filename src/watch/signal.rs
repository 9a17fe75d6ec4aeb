//! Signals: which conditions stand, since when, with what evidence.
//!
//! A pure function of the minutes read and the configured thresholds. Knows nothing of calls, boards or journals.
//!
//! How a minute is judged:
//! - A minute without the values that a condition needs is *not judged*: it neither raises nor ends anything by itself.
//! - A signal stands when the latest judged minute meets its condition; minutes older than [`LOOKBACK_MINUTES`] do not count.
//! - Its run reaches back as long as earlier minutes meet the condition at least as badly. One minute that is not judged does
//!   not break a run; two in a row do.
//! - A limit must be crossed, not touched: a share equal to its threshold raises nothing. A spike is raised *at* its multiple.

use chrono::{DateTime, TimeDelta, Utc};

use super::words::{clock_time, count, percent, plural};
use crate::model::board::{HISTORY_MINUTES, History, Metric};
use crate::model::settings::Thresholds;
use crate::model::signal::{Severity, Signal, SignalKind};

/// How many minutes back the latest judged minute may lie. AWS documents no publish delay; points come within a few minutes.
pub const LOOKBACK_MINUTES: i64 = 5;

/// The minutes before a minute that its blocked requests are compared with.
const MEDIAN_MINUTES: i64 = 30;

/// Fewer known minutes than this are no habit to compare with.
const LEAST_MEDIAN_MINUTES: usize = 5;

/// How much more than the stage's own requests the web ACL may have inspected before it cannot be guarding the stage alone.
/// The two series are counted at different places, so that they never agree to the request.
const ALONE_TOLERANCE: f64 = 1.10;

/// What the WAF series of a stage speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AclScope {
    /// No web ACL, or none that is known.
    None,
    /// A web ACL that no other stage of the board is behind.
    Alone {
        /// Its name.
        name: String,
    },
    /// A web ACL that other stages are behind as well, or that may guard more than the stage.
    Shared {
        /// Its name.
        name: String,
        /// Stages of the board behind it, where they were counted.
        stages: Option<usize>,
    },
}

impl AclScope {
    fn label(&self) -> String {
        match self {
            Self::None => "web ACL not known".to_owned(),
            Self::Alone { name } => format!("web ACL {name}"),
            Self::Shared { name, stages: Some(stages) } => format!("web ACL {name}, {}", plural(*stages, "stage")),
            Self::Shared { name, stages: None } => format!("web ACL {name}, all it guards"),
        }
    }
}

/// Every signal that stands, worst first. `last` is the start of the last complete minute that was read.
#[must_use]
pub fn evaluate(history: &History, thresholds: &Thresholds, last: DateTime<Utc>, acl: AclScope) -> Vec<Signal> {
    let judge = Judge { history, thresholds, acl };
    let mut signals: Vec<Signal> = KINDS.into_iter().filter_map(|kind| judge.standing(kind, last)).collect();
    // Stable: within a severity the order of `KINDS` stays.
    signals.sort_by_key(|signal| std::cmp::Reverse(signal.severity));
    signals
}

const KINDS: [SignalKind; 4] =
    [SignalKind::ServerErrorsHigh, SignalKind::ClientErrorsHigh, SignalKind::AllowedShareLow, SignalKind::BlockedSpike];

/// The requests of a minute that the stage's own web ACL blocked, where they can be told: the ACL guards this stage alone, on the
/// board and by the numbers (it did not inspect clearly more than the stage received).
///
/// WAF's 403s are counted in `Count` and `4XXError` (inferred). Were they not, the ACL would have inspected more than the stage
/// counted, and nothing would be told apart.
pub(super) fn own_blocks(history: &History, minute: DateTime<Utc>, acl: &AclScope) -> Option<f64> {
    if !matches!(acl, AclScope::Alone { .. }) {
        return None;
    }
    let at = |metric: Metric| history[metric.index()].at(minute);
    let (requests, blocked) = (at(Metric::Requests)?, at(Metric::WafBlocked)?);
    let inspected = blocked + at(Metric::WafAllowed).unwrap_or(0.0);
    (inspected <= requests * ALONE_TOLERANCE).then_some(blocked.min(requests))
}

struct Judge<'a> {
    history: &'a History,
    thresholds: &'a Thresholds,
    acl: AclScope,
}

enum Verdict {
    NotJudged,
    Fine,
    Stands(Finding),
}

struct Finding {
    severity: Severity,
    value: f64,
    threshold: f64,
}

impl From<Option<Finding>> for Verdict {
    fn from(finding: Option<Finding>) -> Self {
        finding.map_or(Self::Fine, Self::Stands)
    }
}

impl Judge<'_> {
    fn at(&self, metric: Metric, minute: DateTime<Utc>) -> Option<f64> {
        self.history[metric.index()].at(minute)
    }

    fn standing(&self, kind: SignalKind, last: DateTime<Utc>) -> Option<Signal> {
        for back in 0..LOOKBACK_MINUTES {
            let minute = last - TimeDelta::minutes(back);
            match self.verdict(kind, minute) {
                Verdict::NotJudged => {}
                Verdict::Fine => return None,
                Verdict::Stands(finding) => return Some(self.signal(kind, minute, &finding)),
            }
        }
        None
    }

    fn signal(&self, kind: SignalKind, minute: DateTime<Utc>, finding: &Finding) -> Signal {
        Signal {
            kind,
            severity: finding.severity,
            since: self.run_start(kind, minute, finding.severity),
            value: finding.value,
            threshold: finding.threshold,
            evidence: self.evidence(kind, minute, finding),
            suggests: suggestion(kind, finding.severity).to_owned(),
        }
    }

    /// First minute of the unbroken run that ends with `minute`.
    fn run_start(&self, kind: SignalKind, minute: DateTime<Utc>, severity: Severity) -> DateTime<Utc> {
        let mut first = minute;
        let mut missing = 0;
        for back in 1..=i64::try_from(HISTORY_MINUTES).unwrap_or(0) {
            let earlier = minute - TimeDelta::minutes(back);
            match self.verdict(kind, earlier) {
                Verdict::Stands(finding) if finding.severity >= severity => {
                    first = earlier;
                    missing = 0;
                }
                Verdict::NotJudged if missing == 0 => missing = 1,
                _ => break,
            }
        }
        first
    }

    fn verdict(&self, kind: SignalKind, minute: DateTime<Utc>) -> Verdict {
        let limits = self.thresholds;
        match kind {
            SignalKind::ClientErrorsHigh => {
                self.share(Metric::ClientErrors, minute, |share| self.client_errors(share, minute))
            }
            SignalKind::ServerErrorsHigh => self.share(Metric::ServerErrors, minute, |share| {
                above(share, limits.server_errors_notice, limits.server_errors_attack)
            }),
            SignalKind::AllowedShareLow => self.allowed_share(minute),
            SignalKind::BlockedSpike => self.blocked_spike(minute),
        }
    }

    /// Judges errors as a share of requests, where there are enough requests to judge.
    fn share(&self, errors: Metric, minute: DateTime<Utc>, judge: impl FnOnce(f64) -> Option<Finding>) -> Verdict {
        let Some(requests) = self.at(Metric::Requests, minute) else {
            return Verdict::NotJudged;
        };
        if requests < self.thresholds.least_requests_per_minute || requests <= 0.0 {
            return Verdict::Fine;
        }
        match self.at(errors, minute) {
            Some(errors) => judge(errors / requests).into(),
            None => Verdict::NotJudged,
        }
    }

    fn client_errors(&self, share: f64, minute: DateTime<Utc>) -> Option<Finding> {
        let limits = self.thresholds;
        let found = above(share, limits.client_errors_notice, limits.client_errors_attack)?;
        // Our own blocks answer with 403 too: an attack held off must not look like one that gets through.
        let explained = self.rest_of_client_errors(share, minute) <= limits.client_errors_attack;
        Some(if found.severity == Severity::Attack && explained {
            Finding { severity: Severity::Notice, threshold: limits.client_errors_notice, ..found }
        } else {
            found
        })
    }

    /// The 4XX share less what our own blocks explain; the whole where that cannot be told.
    fn rest_of_client_errors(&self, share: f64, minute: DateTime<Utc>) -> f64 {
        self.own_share(minute).map_or(share, |own| (share - own).max(0.0))
    }

    /// Our own blocks as a share of requests.
    fn own_share(&self, minute: DateTime<Utc>) -> Option<f64> {
        let requests = self.at(Metric::Requests, minute).filter(|r| *r > 0.0)?;
        Some(own_blocks(self.history, minute, &self.acl)? / requests)
    }

    fn allowed_share(&self, minute: DateTime<Utc>) -> Verdict {
        let (allowed, blocked) = (self.at(Metric::WafAllowed, minute), self.at(Metric::WafBlocked, minute));
        let (Some(allowed), Some(blocked)) = (allowed, blocked) else {
            return Verdict::NotJudged;
        };
        let inspected = allowed + blocked;
        if inspected < self.thresholds.least_requests_per_minute || inspected <= 0.0 {
            return Verdict::Fine;
        }
        let (value, threshold) = (allowed / inspected, self.thresholds.allowed_share_attack);
        let low = Finding { severity: Severity::Attack, value, threshold };
        Some(low).filter(|low| low.value < low.threshold).into()
    }

    /// Blocked against their own median. A median of zero would make any block a spike: the median counts as at least so much
    /// that a spike has the least number of requests that are judged at all.
    fn blocked_spike(&self, minute: DateTime<Utc>) -> Verdict {
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
        let spike = Finding { severity: Severity::Notice, value, threshold };
        Some(spike).filter(|spike| spike.value >= spike.threshold).into()
    }

    /// The median of the half hour before, gaps left out.
    fn usual_blocked(&self, minute: DateTime<Utc>) -> Option<f64> {
        let series = &self.history[Metric::WafBlocked.index()];
        let before = (1..=MEDIAN_MINUTES).filter_map(|n| series.at(minute - TimeDelta::minutes(n)));
        median(before.collect())
    }

    fn evidence(&self, kind: SignalKind, minute: DateTime<Utc>, finding: &Finding) -> String {
        let value = |metric| count(self.at(metric, minute).unwrap_or(0.0));
        let when = clock_time(minute);
        let of_requests = |word: &str| {
            format!("{word} {} of {} requests at {when} UTC", percent(finding.value), value(Metric::Requests))
        };
        match kind {
            SignalKind::ServerErrorsHigh => of_requests("5XX"),
            SignalKind::ClientErrorsHigh => {
                format!("{}{}", of_requests("4XX"), self.own_part(minute, finding))
            }
            SignalKind::AllowedShareLow => format!(
                "WAF let through {} of {} inspected at {when} UTC ({})",
                percent(finding.value),
                count(
                    self.at(Metric::WafAllowed, minute).unwrap_or(0.0)
                        + self.at(Metric::WafBlocked, minute).unwrap_or(0.0)
                ),
                self.acl.label()
            ),
            SignalKind::BlockedSpike => format!(
                "WAF blocked {} at {when} UTC, usually {} a minute ({})",
                value(Metric::WafBlocked),
                self.usual_blocked(minute).map_or("?".to_owned(), count),
                self.acl.label()
            ),
        }
    }

    /// What our own blocks explain of the 4XX, for the evidence.
    fn own_part(&self, minute: DateTime<Utc>, finding: &Finding) -> String {
        match (self.own_share(minute), &self.acl) {
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

fn above(value: f64, notice: f64, attack: f64) -> Option<Finding> {
    let (severity, threshold) = if value > attack {
        (Severity::Attack, attack)
    } else if value > notice {
        (Severity::Notice, notice)
    } else {
        return None;
    };
    Some(Finding { severity, value, threshold })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    if values.len() < LEAST_MEDIAN_MINUTES {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    Some(if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    })
}

fn suggestion(kind: SignalKind, severity: Severity) -> &'static str {
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
    }
}

#[cfg(test)]
mod tests;
