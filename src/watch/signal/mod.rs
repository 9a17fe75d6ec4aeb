//! Signals: which conditions stand, since when, with what evidence; which have ended lately; and which could not be
//! judged.
//!
//! A pure function of the minutes read, the configured thresholds and what stood before. Knows nothing of calls, boards
//! or journals.
//!
//! How a minute is judged:
//! - A minute without the values that a condition needs is *not judged*: it neither raises nor ends anything by itself.
//!   Metrics may be late by any time.
//! - A signal stands until it is judged to be over: when there are `quiet-minutes` judged minutes after the last that
//!   met its condition, so that what comes and goes is one signal. Where nothing was judged lately, it stands by what
//!   was known then, and says since when.
//! - What did not stand before is raised by a minute of the last [`STALE_MINUTES`], however late it came.
//! - Its run reaches back as long as earlier minutes meet the condition at least as badly. Minutes that do not, or that
//!   are not judged, break it where there are as many in a row as are quiet.
//! - A limit must be crossed, not touched: a share equal to its threshold raises nothing. Multiples are raised *at*
//!   their multiple.

mod judge;
mod ours;
mod rules;
mod words;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::board::{HISTORY_MINUTES, History, Metric};
use crate::model::measure::Measures;
use crate::model::settings::Thresholds;
use crate::model::signal::{Figures, NotJudged, Peak, Signal, SignalKind};
use crate::model::usual::UsualOf;
use crate::watch::words::counted;
pub(super) use judge::own_blocks;
use judge::{Finding, Judge, Verdict};
use rules::rule;

/// How many minutes back the latest judged minute may lie for a condition to count as judged. AWS documents no publish
/// delay; points come within a few minutes.
pub const LOOKBACK_MINUTES: i64 = 5;

/// The oldest minute that raises what did not stand before: so late metrics may be.
pub const STALE_MINUTES: i64 = 20;

/// A run that begins within so many minutes of the oldest that is kept may have begun before.
const EDGE_MINUTES: i64 = 6;

/// How long what has ended is still told.
const ENDED_MINUTES: i64 = 60;

/// Where nothing of ours is in force.
static NO_MEASURES: Measures = Measures::none();

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
            Self::Shared { name, stages: Some(stages) } => format!("web ACL {name}, {}", counted(*stages, "stage")),
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
    /// Whether the account's limit is told on this stage.
    pub tells_account: bool,
    /// Whether a cache may answer its requests; `None` where that is not known.
    pub cache: Option<bool>,
    /// Our own measures that show in its figures: what they do is no attack.
    pub measures: &'a Measures,
    /// What was made of it last; `None` the first time.
    pub before: Option<&'a Judged>,
    /// Start of the last complete minute of account time, where that is another than the last that was read: readings
    /// may fail.
    pub now: Option<DateTime<Utc>>,
    /// How many minutes before that the latest judged one may lie: [`LOOKBACK_MINUTES`], and more where readings are
    /// further apart.
    pub lookback: i64,
    /// What was frozen as usual at a minute of an attack that is believed in: nothing where that cannot be told. `None`
    /// where none is believed in at that minute, which is judged by the minutes before it.
    pub usual: &'a dyn Fn(UsualOf, DateTime<Utc>) -> Option<Option<f64>>,
}

impl Situation<'_> {
    /// Where neither costs nor the account's limit are looked at.
    #[must_use]
    pub fn plain(acl: AclScope) -> Self {
        Self {
            acl,
            dollars: &|_| None,
            account: &|_| None,
            waf_last: None,
            throttles: true,
            tells_account: true,
            cache: None,
            measures: &NO_MEASURES,
            before: None,
            now: None,
            lookback: LOOKBACK_MINUTES,
            usual: &|_, _| None,
        }
    }
}

/// What stands, what has ended and what is not known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    /// Worst first.
    pub standing: Vec<Signal>,
    /// What has ended within the hour, newest first, one of a kind.
    pub ended: Vec<Signal>,
    /// What neither stands nor could be judged lately.
    pub not_judged: Vec<NotJudged>,
}

impl Judged {
    /// The same where nothing is known any more: all that stood stands by what was known then.
    #[must_use]
    pub fn forgotten(&self, at: DateTime<Utc>) -> Self {
        let standing = self.standing.iter().filter(|signal| signal.since <= at);
        Self {
            standing: standing.map(|signal| kept(signal, at)).collect(),
            ended: Vec::new(),
            not_judged: SignalKind::ALL.into_iter().map(|kind| NotJudged { kind, since: None }).collect(),
        }
    }

    fn is_quiet(&self) -> bool {
        self.standing.is_empty() && self.ended.is_empty()
    }
}

/// A signal that could not be judged since `judged_to` at the latest.
fn kept(signal: &Signal, judged_to: DateTime<Utc>) -> Signal {
    let since = signal.not_judged_since.map_or(judged_to, |since| since.min(judged_to));
    Signal { not_judged_since: Some(since), ..signal.clone() }
}

/// Keeps what was known of runs that reach further back than the minutes that are kept: without it a start would move
/// with the time.
fn carry_over(before: &Judged, now: &mut Judged, last: DateTime<Utc>) {
    let minutes = i64::try_from(HISTORY_MINUTES).unwrap_or(180) - EDGE_MINUTES;
    for signal in now.standing.iter_mut().filter(|signal| (last - signal.since).num_minutes() >= minutes) {
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

/// Every signal that stands or has ended lately, and what could not be judged. `last` is the start of the last complete
/// minute that was read of the stage.
#[must_use]
pub fn evaluate(history: &History, thresholds: &Thresholds, last: DateTime<Utc>, situation: &Situation<'_>) -> Judged {
    let judge = Judge { history, thresholds, situation };
    let mut judged = Judged::default();
    for kind in SignalKind::ALL.into_iter().filter(|kind| (rule(*kind).applies)(situation)) {
        judge.one(kind, last, &mut judged);
    }
    if let Some(before) = situation.before {
        carry_over(before, &mut judged, last);
    }
    // Stable: within a severity the order of the kinds stays.
    judged.standing.sort_by_key(|signal| std::cmp::Reverse(signal.severity));
    judged.ended.sort_by_key(|signal| std::cmp::Reverse(signal.ended));
    judged
}

/// What the minutes say of a condition.
#[derive(Debug, Default)]
struct Found {
    /// The latest minute that could be judged.
    judged: Option<DateTime<Utc>>,
    /// How many judged minutes after the latest that meets it do not; all of them where none does.
    fine: i64,
    /// The minute from which on as many that were judged do not meet it as are quiet.
    quiet_since: Option<DateTime<Utc>>,
    /// The latest minute that meets it.
    met: Option<(DateTime<Utc>, Finding)>,
}

impl Judge<'_> {
    fn quiet(&self) -> i64 {
        i64::from(self.thresholds.quiet_minutes.clamp(1, 60))
    }

    /// What a minute is by a condition.
    fn verdict(&self, kind: SignalKind, minute: DateTime<Utc>) -> Verdict {
        (rule(kind).verdict)(self, minute)
    }

    /// Puts a condition where it belongs.
    fn one(&self, kind: SignalKind, last: DateTime<Utc>, into: &mut Judged) {
        let last = self.situation.waf_last.filter(|_| kind.figures() == Figures::WebAcl).unwrap_or(last);
        let before = self.situation.before.and_then(|before| before.standing.iter().find(|b| b.kind == kind));
        let found = self.latest(kind, last);
        let now = self.situation.now.map_or(last, |now| now.max(last));
        let back = |minute: DateTime<Utc>| (now - minute).num_minutes();
        let end = |minute: DateTime<Utc>| minute + TimeDelta::minutes(1);
        let stale = found.judged.filter(|judged| back(*judged) >= self.situation.lookback).map(end);
        match (found.met, before) {
            (Some((minute, finding)), before)
                if found.fine >= self.quiet() && (before.is_some() || back(minute) < ENDED_MINUTES) =>
            {
                into.ended.push(self.signal(kind, minute, &finding, Some(end(minute))));
            }
            (Some((minute, finding)), before)
                if found.fine < self.quiet() && (before.is_some() || back(minute) < STALE_MINUTES) =>
            {
                into.standing.push(Signal { not_judged_since: stale, ..self.signal(kind, minute, &finding, None) });
                return;
            }
            // What showed it is forgotten, and enough was fine since.
            (None, Some(before)) if found.fine >= self.quiet() && found.judged.map(end) > before.not_judged_since => {
                // Enough was judged since then, whatever was corrected meanwhile.
                let ended = before.not_judged_since.into_iter().chain(found.quiet_since).min();
                into.ended.push(Signal { ended, not_judged_since: None, ..before.clone() });
            }
            (None, Some(before)) => {
                let since = stale.or(found.judged.map(end)).unwrap_or(end(last));
                into.standing.push(kept(before, since));
                return;
            }
            _ => {}
        }
        if stale.is_some() || found.judged.is_none() {
            into.not_judged.push(NotJudged { kind, since: stale });
        }
    }

    /// The minute from which is looked back: the latest that has what a condition rests on.
    fn newest(&self, kind: SignalKind, last: DateTime<Utc>) -> DateTime<Utc> {
        let metric = match kind.figures() {
            Figures::Stage => Metric::Requests,
            Figures::WebAcl => Metric::WafBlocked,
            // Told by the minutes of all stages together.
            Figures::Account => return last,
        };
        self.history[metric.index()].latest().map_or(last, |(minute, _)| minute.min(last))
    }

    /// The latest minute that meets a condition, and what was judged since.
    fn latest(&self, kind: SignalKind, last: DateTime<Utc>) -> Found {
        let quiet = self.situation.before.is_some_and(Judged::is_quiet);
        let far = if quiet { self.situation.lookback + self.quiet() } else { ENDED_MINUTES };
        let newest = self.newest(kind, last);
        let mut found = Found::default();
        for back in 0..far {
            let minute = newest - TimeDelta::minutes(back);
            match self.verdict(kind, minute) {
                Verdict::NotJudged => {}
                Verdict::Fine => {
                    found.fine += 1;
                    found.judged.get_or_insert(minute);
                    if found.fine == self.quiet() {
                        found.quiet_since = Some(minute);
                    }
                }
                Verdict::Stands(finding) => {
                    found.judged.get_or_insert(minute);
                    found.met = Some((minute, finding));
                    return found;
                }
            }
        }
        found
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
            not_judged_since: None,
            value: finding.value,
            peak: Some(peak),
            threshold: finding.threshold,
            ours: finding.ours,
            evidence: (rule(kind).evidence)(self, minute, finding),
            suggests: kind.suggests(finding.severity).to_owned(),
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
