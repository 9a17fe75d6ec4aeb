//! One minute of an attacked stage: what came, what was turned away, what went on.

use chrono::{DateTime, TimeDelta, Utc};

use super::Subject;
use crate::model::board::{History, Metric};
use crate::model::measure::{SPREADS, Shows, Turning};
use crate::model::series::floor_minute;
use crate::model::usual::UsualOf;
use crate::watch::signal::AclScope;

/// How far apart two sums may be that speak of the same requests: they are counted at different places.
const SAME: f64 = 0.05;

/// Of a web ACL before several stages the blocks may be anybody's: more than this part of a stage's requests tells
/// nothing.
const WIDEST: f64 = 0.2;

/// Throttled requests whose number is not known are many where they may be this part of what is usual.
const OPEN: f64 = 0.2;

/// Of so few errors it hardly matters whom they hit.
const FEW_ERRORS: f64 = 0.05;

/// So many fewer customers than usual may call in a minute without anything being wrong, at least, as a part of usual:
/// without it one minute in twenty told less than was served, by up to fifteen points (over four drills and twenty
/// seeds).
pub(super) const FEWER: f64 = 0.07;

/// Bounds of the share of errors that are further apart leave it open.
const LOOSE: f64 = 0.05;

/// A minute whose requests differ from those of the one before by more than this part was not alike from beginning to
/// end.
const STEADY: f64 = 0.3;

/// Minutes that tell whether a stage's own requests include what WAF blocks.
const COMPARED: i64 = 30;

/// How what WAF blocks stands to a stage's own requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocking {
    /// No web ACL stands before it.
    None,
    /// They are among its requests, as 403.
    Included,
    /// They come on top of its requests.
    Beside,
    /// Any part of them may be its own: the web ACL guards more.
    Shared,
}

/// How it stands, by the minutes in which WAF blocked much; `None` where they say neither, or it is not known whether a
/// web ACL stands before the stage.
pub(super) fn blocking(history: &History, (acl, is_known): (&AclScope, bool), last: DateTime<Utc>) -> Option<Blocking> {
    match acl {
        AclScope::None => return is_known.then_some(Blocking::None),
        AclScope::Shared { .. } => return Some(Blocking::Shared),
        AclScope::Alone { .. } => {}
    }
    let at = |metric: Metric, minute| history[metric.index()].at(minute);
    let (mut included, mut beside, mut neither) = (0, 0, 0);
    for minute in (0..COMPARED).map(|n| last - TimeDelta::minutes(n)) {
        let figures = (at(Metric::Requests, minute), at(Metric::WafAllowed, minute), at(Metric::WafBlocked, minute));
        let (Some(requests), Some(allowed), Some(blocked)) = figures else { continue };
        let inspected = allowed + blocked;
        // Where hardly anything is blocked the two sums are one.
        if blocked <= 2.0 * SAME * inspected || inspected <= 0.0 {
            continue;
        }
        if (requests - inspected).abs() <= SAME * inspected {
            included += 1;
        } else if (requests - allowed).abs() <= SAME * allowed.max(1.0) {
            beside += 1;
        } else {
            neither += 1;
        }
    }
    match included.max(beside).max(neither) {
        // WAF's 403s are in `Count` and `4XXError` as far as is known (inferred).
        0 => Some(Blocking::Included),
        most if most == included => Some(Blocking::Included),
        most if most == beside => Some(Blocking::Beside),
        _ => None,
    }
}

/// One minute, or several pooled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Minute {
    /// Its start, account time.
    pub(super) at: DateTime<Utc>,
    /// Requests that came, those that WAF blocked among them.
    pub(super) requests: f64,
    /// What is usual; `None` where that is not known.
    pub(super) usual: Option<f64>,
    /// Answered without an error.
    ok: f64,
    usual_ok: Option<f64>,
    /// 5XX.
    failed: f64,
    /// Turned away by WAF: at least and at most.
    blocked: (f64, f64),
    /// Turned away by our throttles and closures: at least and at most.
    refused: (f64, f64),
    /// What throttles let through beside what is usual.
    allowance: f64,
    /// Whether it was alike from beginning to end, so that errors may have hit all alike: as many requests as a minute
    /// before, and nothing of ours was spreading.
    pub(super) steady: bool,
    /// How many minutes it is.
    pub(super) minutes: f64,
    /// By how much fewer than usual may be answered without anything being wrong, as a part of usual.
    fewer: f64,
}

impl Minute {
    /// The minute that starts at `at`; `None` where a part of it is not known.
    pub(super) fn read(subject: &Subject<'_>, blocking: Option<Blocking>, at: DateTime<Utc>) -> Option<Self> {
        let of = |metric: Metric| subject.history[metric.index()].at(at);
        let (counted, client, failed) = (of(Metric::Requests)?, of(Metric::ClientErrors)?, of(Metric::ServerErrors)?);
        let (usual, usual_ok) = ((subject.usual)(UsualOf::Requests, at), (subject.usual)(UsualOf::Answers, at));
        let (blocked, beside) = match (blocking, of(Metric::WafBlocked)) {
            (Some(Blocking::None), _) => ((0.0, 0.0), 0.0),
            (Some(Blocking::Included), Some(waf)) => ((waf, waf), 0.0),
            (Some(Blocking::Beside), Some(waf)) => ((waf, waf), waf),
            // A closure swaps the web ACL, and the other one's series come later: what it blocks is among 4XX.
            (Some(Blocking::Included), None) if blocks(subject, at) => ((0.0, client), 0.0),
            (Some(Blocking::Shared), Some(waf)) if waf.min(client) <= WIDEST * counted => ((0.0, waf.min(client)), 0.0),
            // Before any measure it takes no more than bounds to tell that an attack stands.
            _ if subject.measures.in_force(at).next().is_none() => ((0.0, client), 0.0),
            _ => return None,
        };
        let rest = (client - if beside > 0.0 { 0.0 } else { blocked.0 }).max(0.0);
        let refused = refused(subject, at, rest, of(Metric::Throttled));
        let rates = subject.measures.in_force(at).filter(|one| one.turning == Turning::Throttles);
        let allowance = rates.filter_map(|one| one.lets_through).map(|rate| f64::from(rate) * 60.0).fold(0.0, f64::max);
        let ok = (counted - client - failed).max(0.0);
        let requests = counted + beside;
        let steady = is_steady(subject, at, counted);
        Some(Self {
            at,
            requests,
            usual,
            ok,
            usual_ok,
            failed,
            blocked,
            refused,
            allowance,
            steady,
            minutes: 1.0,
            fewer: subject.fewer.max(FEWER),
        })
    }

    /// The two together; the time stays this one's.
    pub(super) fn with(self, other: Self) -> Self {
        let both = |a: (f64, f64), b: (f64, f64)| (a.0 + b.0, a.1 + b.1);
        let known = |a: Option<f64>, b: Option<f64>| Some(a? + b?);
        Self {
            at: self.at,
            requests: self.requests + other.requests,
            usual: known(self.usual, other.usual),
            ok: self.ok + other.ok,
            usual_ok: known(self.usual_ok, other.usual_ok),
            failed: self.failed + other.failed,
            blocked: both(self.blocked, other.blocked),
            refused: both(self.refused, other.refused),
            allowance: self.allowance + other.allowance,
            steady: self.steady && other.steady,
            minutes: self.minutes + other.minutes,
            fewer: self.fewer,
        }
    }

    /// How much more than usual was sent; `None` where that is not known.
    pub(super) fn above(&self) -> Option<f64> {
        Some((self.requests - self.usual?).max(0.0))
    }

    /// Turned away by WAF and by us, at least and at most.
    pub(super) fn turned_away(&self) -> (f64, f64) {
        (self.blocked.0 + self.refused.0, self.blocked.1 + self.refused.1)
    }

    /// What went on to the API, at least.
    fn passed_at_least(&self) -> f64 {
        (self.requests - self.turned_away().1).max(0.0)
    }

    /// What went on beyond what is usual and what a throttle lets through on purpose, at least, as a part of usual;
    /// `None` where that is not known.
    pub(super) fn past_at_least(&self) -> Option<f64> {
        let usual = self.usual.filter(|usual| *usual > 0.0)?;
        Some((self.passed_at_least() - usual - self.allowance).max(0.0) / usual)
    }

    /// Whether what was turned away explains at least half of the answers that are missing against `served_before`, a
    /// share of usual.
    pub(super) fn explains_half_of(&self, served_before: f64) -> bool {
        let missing = self.usual_ok.map_or(0.0, |usual| served_before * usual - self.ok);
        self.turned_away().1 >= missing / 2.0
    }

    /// 5XX as a part of what went on.
    pub(super) fn error_share(&self) -> f64 {
        let passed = (self.requests - self.turned_away().0).max(self.failed);
        if passed > 0.0 { self.failed / passed } else { 0.0 }
    }

    /// Whether what WAF blocked is known so badly that the share of errors is not.
    fn is_loose(&self) -> bool {
        let fewest = self.passed_at_least().max(self.failed);
        fewest > 0.0 && self.failed / fewest - self.error_share() > LOOSE
    }

    /// Whether errors may have hit all alike, or are so few that it hardly matters whom they hit.
    fn is_alike(&self) -> bool {
        self.steady || self.error_share() <= FEW_ERRORS
    }

    /// The share of customers served; `None` where hardly anything goes on and hardly anybody comes, or bounds leave it
    /// open.
    pub(super) fn served(&self, measured: bool) -> Option<f64> {
        let alike = (1.0 - self.error_share()).clamp(0.0, 1.0);
        if !measured {
            return (self.is_alike() && !self.is_loose()).then_some(alike);
        }
        let nobody = self.requests - self.turned_away().0 <= 1.0 && self.requests < self.usual? / 2.0;
        let usual_ok = self.usual_ok.filter(|ok| *ok > 0.0 && !nobody)?;
        // Where hardly anything is turned away or fails, those who are missing do not call.
        let lost = (self.turned_away().1 + self.failed) / self.requests.min(self.usual?).max(1.0);
        let at_most = (self.ok / (usual_ok * (1.0 - self.fewer))).max(1.0 - lost);
        // Who is answered is at most that many of them, whenever in the minute the errors came.
        if self.is_alike() { Some(alike.min(at_most)) } else { (at_most < alike).then_some(at_most) }
    }

    /// Whether it is not known how many our throttles turned away, and they may be many: then it is not known whom
    /// either.
    pub(super) fn is_open(&self) -> bool {
        self.usual.is_some_and(|usual| self.refused.1 - self.refused.0 > OPEN * usual)
    }

    /// Why no share is told.
    pub(super) fn why_unserved(&self) -> &'static str {
        if !self.is_alike() {
            "within the minute the attack, or what was done about it, has changed: errors did not hit all alike"
        } else if self.is_loose() {
            "how many of its requests WAF blocked is not known"
        } else if self.usual_ok.is_none() {
            "what is usual is not known"
        } else if self.usual_ok <= Some(0.0) {
            "usually nothing is answered without an error"
        } else {
            "nothing goes on to the API, and fewer than usual come: nothing tells which of them are customers"
        }
    }
}

/// Whether a minute was alike from beginning to end.
fn is_steady(subject: &Subject<'_>, at: DateTime<Utc>, requests: f64) -> bool {
    let before = subject.history[Metric::Requests.index()].at(at - TimeDelta::minutes(1));
    let alike = before.is_none_or(|before| (requests - before).abs() <= STEADY * requests.max(before));
    let spreads = |change: DateTime<Utc>| (floor_minute(change)..change + SPREADS).contains(&at);
    alike && !subject.measures.changes().any(spreads)
}

/// Whether something of ours makes WAF block.
fn blocks(subject: &Subject<'_>, at: DateTime<Utc>) -> bool {
    subject.measures.in_force(at).any(|one| one.shows == Shows::Blocked)
}

/// What our throttles and closures turned away, of `rest` 4XX that WAF did not answer: at least and at most.
fn refused(subject: &Subject<'_>, at: DateTime<Utc>, rest: f64, throttled: Option<f64>) -> (f64, f64) {
    let mut bounds = (0.0, 0.0);
    for one in subject.measures.in_force(at) {
        match (one.turning, one.shows) {
            // Whoever is not let in gets a 403 or a 429.
            (Turning::Closes, Shows::Refused | Shows::Throttled) => return (rest, rest),
            (_, Shows::Throttled) => {
                bounds = throttled.map_or((0.0, rest), |throttled| (throttled.min(rest), throttled.min(rest)));
            }
            _ => {}
        }
    }
    bounds
}
