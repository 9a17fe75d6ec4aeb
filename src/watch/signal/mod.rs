//! Signals: which conditions stand, since when, with what evidence; and which have ended lately.
//!
//! A pure function of the minutes read and the configured thresholds. Knows nothing of calls, boards or journals.
//!
//! How a minute is judged:
//! - A minute without the values that a condition needs is *not judged*: it neither raises nor ends anything by itself.
//! - A signal stands when the latest judged minute meets its condition, and for `quiet-minutes` judged minutes after the last that did:
//!   what comes and goes is one signal. Minutes older than [`LOOKBACK_MINUTES`] and the quiet time do not count.
//! - Its run reaches back as long as earlier minutes meet the condition at least as badly. Minutes that do not, or that are not judged,
//!   break it where there are as many in a row as are quiet.
//! - A limit must be crossed, not touched: a share equal to its threshold raises nothing. Multiples are raised *at* their multiple.

mod judge;
mod words;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::board::{HISTORY_MINUTES, History};
use crate::model::settings::Thresholds;
use crate::model::signal::{Peak, Signal, SignalKind};
use crate::watch::words::plural;
pub(super) use judge::own_blocks;
use judge::{Finding, Judge, Verdict};

/// How many minutes back the latest judged minute may lie. AWS documents no publish delay; points come within a few minutes.
pub const LOOKBACK_MINUTES: i64 = 5;

/// A run that begins within so many minutes of the oldest that is kept may have begun before.
const EDGE_MINUTES: i64 = 6;

/// How long what has ended is still told.
const ENDED_MINUTES: i64 = 60;

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

/// What a stage's signals are judged by, besides its own minutes.
#[allow(missing_debug_implementations)]
pub struct Situation<'a> {
    /// What the WAF series speak of.
    pub acl: AclScope,
    /// Dollars that a minute of the stage's traffic costs, where it is known.
    pub dollars: &'a dyn Fn(DateTime<Utc>) -> Option<f64>,
    /// All APIs' requests a minute as a fraction of the account's limit, told on the busiest stage only.
    pub account: &'a dyn Fn(DateTime<Utc>) -> Option<f64>,
    /// Start of the last minute that was read of the web ACL: it may be read more often than the stage.
    pub waf_last: Option<DateTime<Utc>>,
    /// Whether throttled requests and requests are of the same stage, and can be compared.
    pub throttles: bool,
    /// Whether nothing stood or had ended when it was last judged: then there is nothing far back to look for.
    pub was_quiet: bool,
}

impl Situation<'_> {
    /// Where neither costs nor the account's limit are looked at.
    #[must_use]
    pub fn plain(acl: AclScope) -> Self {
        Self { acl, dollars: &|_| None, account: &|_| None, waf_last: None, throttles: true, was_quiet: false }
    }
}

/// What stands and what has ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    /// Worst first.
    pub standing: Vec<Signal>,
    /// What has ended within the hour, newest first, one of a kind.
    pub ended: Vec<Signal>,
}

/// Keeps what was known of runs that reach further back than the minutes that are kept: without it a start would move with the time.
pub fn carry_over(before: &Judged, now: &mut Judged, last: DateTime<Utc>) {
    let kept = i64::try_from(HISTORY_MINUTES).unwrap_or(180) - EDGE_MINUTES;
    for signal in now.standing.iter_mut().filter(|signal| (last - signal.since).num_minutes() >= kept) {
        let known = before.standing.iter().find(|b| b.kind == signal.kind && b.severity >= signal.severity);
        let Some(known) = known.filter(|known| known.since < signal.since) else { continue };
        signal.since = known.since;
        let worse = |a: &Peak, b: &Peak| signal.kind.is_worse(a.value, b.value);
        signal.peak = match (known.peak, signal.peak) {
            (Some(before), Some(now)) if !worse(&now, &before) => Some(before),
            (before, now) => now.or(before),
        };
    }
}

/// Every signal that stands or has ended lately. `last` is the start of the last complete minute that was read of the stage.
#[must_use]
pub fn evaluate(history: &History, thresholds: &Thresholds, last: DateTime<Utc>, situation: &Situation<'_>) -> Judged {
    let judge = Judge { history, thresholds, situation };
    let mut judged = Judged::default();
    for kind in SignalKind::ALL {
        let of_waf = matches!(kind, SignalKind::AllowedShareLow | SignalKind::BlockedSpike);
        let last = situation.waf_last.filter(|_| of_waf).unwrap_or(last);
        match judge.latest(kind, last) {
            Some((minute, finding, true)) => judged.standing.push(judge.signal(kind, minute, &finding, None)),
            Some((minute, finding, false)) => {
                let ended = Some(minute + TimeDelta::minutes(1));
                judged.ended.push(judge.signal(kind, minute, &finding, ended));
            }
            None => {}
        }
    }
    // Stable: within a severity the order of the kinds stays.
    judged.standing.sort_by_key(|signal| std::cmp::Reverse(signal.severity));
    judged.ended.sort_by_key(|signal| std::cmp::Reverse(signal.ended));
    judged
}

impl Judge<'_> {
    fn quiet(&self) -> i64 {
        i64::from(self.thresholds.quiet_minutes.clamp(1, 60))
    }

    /// The latest minute that meets the condition, and whether the signal still stands.
    fn latest(&self, kind: SignalKind, last: DateTime<Utc>) -> Option<(DateTime<Utc>, Finding, bool)> {
        let (mut fine, mut judged_lately) = (0, false);
        let far = if self.situation.was_quiet { LOOKBACK_MINUTES + self.quiet() } else { ENDED_MINUTES };
        for back in 0..far {
            let minute = last - TimeDelta::minutes(back);
            match self.verdict(kind, minute) {
                Verdict::NotJudged => {}
                Verdict::Fine => {
                    fine += 1;
                    judged_lately |= back < LOOKBACK_MINUTES;
                }
                Verdict::Stands(finding) => {
                    // Fine minutes after it keep it standing for the quiet time; silence does not.
                    let fresh = back < LOOKBACK_MINUTES || (judged_lately && back < LOOKBACK_MINUTES + self.quiet());
                    return Some((minute, finding, fine < self.quiet() && fresh));
                }
            }
        }
        None
    }

    fn signal(
        &self,
        kind: SignalKind,
        minute: DateTime<Utc>,
        finding: &Finding,
        ended: Option<DateTime<Utc>>,
    ) -> Signal {
        let (since, peak) = self.run(kind, minute, finding);
        Signal {
            kind,
            severity: finding.severity,
            since,
            ended,
            value: finding.value,
            peak: Some(peak),
            threshold: finding.threshold,
            evidence: self.evidence(kind, minute, finding),
            suggests: words::suggestion(kind, finding.severity).to_owned(),
        }
    }

    /// First minute of the run that ends with `minute`, and the worst of it.
    fn run(&self, kind: SignalKind, minute: DateTime<Utc>, finding: &Finding) -> (DateTime<Utc>, Peak) {
        let mut first = minute;
        let mut peak = Peak { value: finding.value, at: minute };
        // One minute that is not judged never breaks a run.
        let (mut broken, longest) = (0, self.quiet().max(2));
        for back in 1..=i64::try_from(HISTORY_MINUTES).unwrap_or(0) {
            let earlier = minute - TimeDelta::minutes(back);
            match self.verdict(kind, earlier) {
                Verdict::Stands(found) if found.severity >= finding.severity => {
                    (first, broken) = (earlier, 0);
                    if kind.is_worse(found.value, peak.value) {
                        peak = Peak { value: found.value, at: earlier };
                    }
                }
                _ => broken += 1,
            }
            if broken >= longest {
                break;
            }
        }
        (first, peak)
    }
}

#[cfg(test)]
mod tests;
