//! How an attacked stage stands: contained or not, and whether customers are served, minute by minute since the attack
//! began.
//!
//! A pure function of the minutes read, of what was frozen as usual and of our own measures, so that every process
//! comes to the same; nothing is kept. Where no state's condition holds the last one stands. Knows nothing of calls,
//! boards or journals.
//!
//! In a minute N requests came, F were answered with 4XX and V with 5XX, WAF blocked B, our throttles and closures
//! turned T away; P went on to the API, `ok` were answered without an error, and u are usual.

mod logged;
mod minute;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};

use super::answered::answers::Answered;
use super::signal::{AclScope, Judged};
use super::words::{clock_time, percent, rounded};
use crate::model::board::{History, Metric};
use crate::model::condition::{Condition, Followers, ServedBy, StageState, Sureness, WorstMethod};
use crate::model::figure::{Figure, Origin, Reading, Scope};
use crate::model::measure::{Measures, SPREADS, Turning};
use crate::model::settings::Thresholds;
use crate::model::signal::{NotJudged, Severity, Signal, SignalKind};
use crate::model::usual::UsualOf;
use logged::{Logged, Served};
use minute::{Blocking, Minute, blocking};

/// A minute of so few requests is pooled with the four before it.
const FEW: f64 = 60.0;

/// Minutes that are pooled.
const POOLED: i64 = 5;

/// After so many minutes without a known one the state is not known.
const SILENT_MINUTES: i64 = 5;

/// For so long a share served stands where newer minutes tell none.
const SERVED_MINUTES: i64 = 3;

/// Without an attack-level signal for so long it is calm.
const CALM_MINUTES: i64 = 15;

/// For so long hardly more than usual is sent before it recovers.
const RECOVERING_MINUTES: i64 = 10;

/// So long it is contained before that is firm.
const CONTAINED_MINUTES: i64 = 6;

/// So many sources that are new since a block and get past it are a leak, where they send this part of what is usual.
const FOLLOWERS: u64 = 5;
const FOLLOWERS_SEND: f64 = 0.05;

/// Customers are in again where so much more are served than would be too few.
const BACK: f64 = 0.1;

/// With more 5XX than this among what went on, it is the attack that keeps customers out.
const OUT_ERRORS: f64 = 0.1;

/// What a stage's condition is reckoned from.
pub(super) struct Subject<'a> {
    pub(super) history: &'a History,
    /// When the attack began that is believed in.
    pub(super) began: DateTime<Utc>,
    /// Whether a person has said that there is one: then it stands until somebody says that it is over.
    pub(super) declared: bool,
    /// What was frozen as usual at a minute of the attack.
    pub(super) usual: &'a dyn Fn(UsualOf, DateTime<Utc>) -> Option<f64>,
    /// How many fewer than usual were answered in the quietest of the minutes before the attack, as a part of usual.
    pub(super) fewer: f64,
    pub(super) measures: &'a Measures,
    /// What the access log says of who is answered.
    pub(super) answered: Option<&'a Answered>,
    pub(super) acl: &'a AclScope,
    /// Whether it is known which web ACL stands before it, or that none does.
    pub(super) acl_is_known: bool,
    pub(super) judged: &'a Judged,
    /// Start of the last complete minute of account time.
    pub(super) last: DateTime<Utc>,
    /// How long after its end a minute may change.
    pub(super) provisional: TimeDelta,
    /// What the stage's figures speak of.
    pub(super) scope: &'a Scope,
    /// The stage's.
    pub(super) thresholds: &'a Thresholds,
}

/// A stage on which no attack is believed.
pub(super) fn unattacked(judged: &Judged, measures: &Measures) -> Condition {
    let of_answers = |signal: &Signal| signal.severity == Severity::Attack;
    let of_errors = |one: &NotJudged| matches!(one.kind, SignalKind::ClientErrorsHigh | SignalKind::ServerErrorsHigh);
    let state = match judged.standing.iter().find(|signal| of_answers(signal)) {
        Some(_) => StageState::Attack,
        None if measures.any_in_force() || judged.not_judged.iter().any(of_errors) => StageState::Unknown,
        None => StageState::Calm,
    };
    let evidence = match state {
        StageState::Attack => judged.standing.first().map(|signal| signal.evidence.clone()).unwrap_or_default(),
        StageState::Unknown if !measures.any_in_force() => "its answers could not be judged lately".to_owned(),
        StageState::Unknown => "a measure is in force and no attack is pinned, so nothing tells what is usual; set \
                                when it began with timeline attack-began"
            .to_owned(),
        _ => "no attack-level signal is active".to_owned(),
    };
    let since = judged.standing.iter().filter(|signal| of_answers(signal)).map(|signal| signal.since).min();
    let unknown = || Figure::unknown("no attack is assumed, so nothing is frozen as usual");
    Condition {
        state,
        since,
        served: unknown(),
        latency_of_usual: unknown(),
        attackers_total: unknown(),
        evidence,
        measures: measures.words(),
        ..Condition::unread()
    }
}

/// A stage under an attack that is believed in.
pub(super) fn condition(subject: &Subject<'_>) -> Condition {
    Walk::new(subject).through()
}

/// The way through the minutes of an attack.
struct Walk<'a> {
    subject: &'a Subject<'a>,
    blocking: Option<Blocking>,
    state: StageState,
    since: DateTime<Utc>,
    /// The most above usual that was sent in a minute.
    peak: f64,
    /// Known minutes in a row in which hardly more than usual was sent.
    quiet: i64,
    /// Shares served before any measure, the last few.
    served_before: Vec<f64>,
    /// The last minute that told anything.
    told: Option<Minute>,
    served: Option<(DateTime<Utc>, f64, ServedBy)>,
    /// What the log told last.
    logged: Option<Logged>,
    bounded: bool,
}

impl<'a> Walk<'a> {
    fn new(subject: &'a Subject<'a>) -> Self {
        Self {
            subject,
            blocking: blocking(subject.history, (subject.acl, subject.acl_is_known), subject.last),
            state: StageState::Attack,
            since: subject.began,
            peak: 0.0,
            quiet: 0,
            served_before: Vec::new(),
            told: None,
            served: None,
            logged: None,
            bounded: false,
        }
    }

    fn through(mut self) -> Condition {
        let kept = i64::try_from(crate::model::board::HISTORY_MINUTES).unwrap_or(180);
        let first = self.subject.began.max(self.subject.last - TimeDelta::minutes(kept - 1));
        let minutes = (self.subject.last - first).num_minutes();
        for at in (0..=minutes).map(|n| first + TimeDelta::minutes(n)) {
            let measured = self.subject.measures.in_force(at).next().is_some();
            // What a measure has come to is told against what is usual, or not at all.
            if let Some(minute) = self.minute(at).filter(|minute| !measured || minute.usual.is_some()) {
                self.step(minute, measured);
            }
        }
        self.told()
    }

    /// A minute that can be told, pooled with those before it where it has few requests.
    fn minute(&self, at: DateTime<Utc>) -> Option<Minute> {
        let read = |at| Minute::read(self.subject, self.blocking, at);
        let one = read(at)?;
        if one.requests >= FEW {
            return Some(one);
        }
        let pooled = (1..POOLED).filter_map(|n| read(at - TimeDelta::minutes(n))).fold(one, Minute::with);
        (pooled.requests >= FEW).then_some(pooled)
    }

    fn step(&mut self, minute: Minute, measured: bool) {
        self.peak = self.peak.max(minute.above().unwrap_or(0.0));
        // An attack that brings no more requests than usual has no peak: what is usual is the least that counts as one.
        let least = self.subject.thresholds.recovering_below * self.peak.max(minute.usual.unwrap_or(0.0));
        self.quiet = if minute.above().is_some_and(|above| above <= least) { self.quiet + 1 } else { 0 };
        let lately = |at: DateTime<Utc>| minute.at - at <= TimeDelta::minutes(SERVED_MINUTES);
        let logged = self.subject.answered.and_then(|answered| Logged::of(answered, &minute));
        // What was told before something was done says nothing of after it.
        let stands = |logged: &Logged| {
            let end = logged.at + TimeDelta::minutes(1);
            lately(logged.at) && !self.subject.measures.changes().any(|change| end <= change && change <= minute.at)
        };
        self.logged = logged.or(self.logged.take().filter(stands));
        // What the log has told of who called before is better than what all answers together say.
        let (served, by) = match self.logged.as_ref().map(|logged| logged.served) {
            Some(Served::Told(share)) => (Some(share), ServedBy::KnownCallers),
            // Who called before hardly comes any more, and who else is answered says nothing of them. Only where whole
            // callers are kept out does that tell something.
            Some(Served::Away) if !self.keeps_callers_out(minute.at) => (None, ServedBy::KnownCallers),
            _ => (minute.served(measured), if measured { ServedBy::AtMost } else { ServedBy::AllAlike }),
        };
        if let Some(share) = served.filter(|_| !measured) {
            self.served_before.push(share);
            let old = self.served_before.len().saturating_sub(usize::try_from(POOLED).unwrap_or(5));
            self.served_before.drain(..old);
        }
        // WAF's figures come later than the stage's: the last share that was told stands for a while, but never over a
        // measure.
        let stands = |(at, _, of): &(DateTime<Utc>, f64, ServedBy)| *of == by && lately(*at);
        let of = self.logged.as_ref().filter(|_| by == ServedBy::KnownCallers).map_or(minute.at, |logged| logged.at);
        self.served = served.map(|share| (of, share, by)).or(self.served.filter(stands));
        let (state, bounded) = self.next(&minute, served, measured);
        if state != self.state {
            (self.state, self.since) = (state, minute.at);
        }
        self.bounded = bounded;
        self.told = Some(minute);
    }

    /// Whether something in force in a minute turns away all that some callers send.
    fn keeps_callers_out(&self, at: DateTime<Utc>) -> bool {
        self.subject.measures.in_force(at).any(|measure| measure.turning != Turning::Throttles)
    }

    /// The first state that fits; the last one where none does.
    fn next(&self, minute: &Minute, served: Option<f64>, measured: bool) -> (StageState, bool) {
        let signal = self.attacked_at(minute.at);
        if measured {
            if self.is_out(minute, served) {
                return (StageState::CustomersOut, false);
            }
            if self.leaks(minute) {
                return (StageState::Leaking, false);
            }
            if self.is_calm(minute.at) && self.quiet >= CALM_MINUTES {
                return (StageState::Calm, false);
            }
            if self.quiet >= RECOVERING_MINUTES {
                return (StageState::Recovering, false);
            }
            if let Some(bounded) = self.is_contained(minute, served) {
                return (StageState::Contained, bounded);
            }
        }
        if signal || self.subject.declared {
            return (StageState::Attack, false);
        }
        if !measured && self.is_calm(minute.at) {
            return (StageState::Calm, false);
        }
        // Customers are in again, or nothing gets past any more, and nothing else fits: the attack is what is left to
        // be said.
        let is_over = matches!(self.state, StageState::CustomersOut | StageState::Leaking);
        let state = if is_over { StageState::Attack } else { self.state };
        (state, self.bounded)
    }

    fn is_out(&self, minute: &Minute, served: Option<f64>) -> bool {
        let Some(served) = served else { return self.state == StageState::CustomersOut };
        // Where the measure came with the first minute, all were served before it.
        let before = match self.served_before.len() {
            0 => 1.0,
            minutes => self.served_before.iter().sum::<f64>() / minutes as f64,
        };
        let Thresholds { out_below, out_drop, .. } = *self.subject.thresholds;
        let low = out_below.max(before - out_drop);
        let low = if self.state == StageState::CustomersOut { low + BACK } else { low };
        // Whoever is not there is not kept out: what we turn away has to explain half of the loss.
        let explained = match self.logged.as_ref().filter(|logged| matches!(logged.served, Served::Told(_))) {
            Some(logged) => logged.turned_away >= (before - served) / 2.0,
            None => minute.error_share() < OUT_ERRORS && minute.explains_half_of(before),
        };
        served < low && explained
    }

    fn leaks(&self, minute: &Minute) -> bool {
        let newest = self.subject.measures.in_force(minute.at).map(|one| one.since).max();
        if self.state != StageState::Leaking && newest.is_some_and(|since| minute.at < since + SPREADS) {
            return false;
        }
        let some = FOLLOWERS_SEND * minute.usual.unwrap_or(0.0) / minute.minutes;
        let leak = |one: Followers| one.sources >= FOLLOWERS && one.per_second * 60.0 >= some;
        if self.logged.as_ref().and_then(|logged| logged.followers).is_some_and(leak) {
            return true;
        }
        let above = self.subject.thresholds.leaking_above;
        let limit = if self.state == StageState::Leaking { above / 2.0 } else { above };
        minute.past_at_least().is_some_and(|past| past >= limit)
    }

    /// Whether it is contained, and whether that holds within bounds only.
    fn is_contained(&self, minute: &Minute, served: Option<f64>) -> Option<bool> {
        let above = minute.above()?;
        let Thresholds { recovering_below, contained_turned_away, contained_served, .. } = *self.subject.thresholds;
        if above < recovering_below * self.peak || above <= 0.0 || served.is_none_or(|served| served < contained_served)
        {
            return None;
        }
        let (least, most) = minute.turned_away();
        let wanted = contained_turned_away * above;
        if least >= wanted { Some(false) } else { (most >= wanted).then_some(true) }
    }

    /// Whether an attack-level signal stood in a minute that is not of our own making.
    fn attacked_at(&self, at: DateTime<Utc>) -> bool {
        self.attacks().any(|signal| signal.since <= at && signal.ended.is_none_or(|ended| at < ended))
    }

    fn attacks(&self) -> impl Iterator<Item = &Signal> {
        let Judged { standing, ended, .. } = self.subject.judged;
        standing.iter().chain(ended).filter(|signal| signal.severity == Severity::Attack)
    }

    fn is_calm(&self, at: DateTime<Utc>) -> bool {
        let from = at - TimeDelta::minutes(CALM_MINUTES);
        let lately = self.attacks().any(|signal| signal.since <= at && signal.ended.is_none_or(|ended| ended > from));
        !lately && !self.subject.declared && from >= self.subject.began
    }

    // Long: one condition built whole; each of its fields is told from what the others are.
    fn told(self) -> Condition {
        let subject = self.subject;
        let measures = subject.measures.words();
        let (attackers_total, attackers_total_since) = logged::total(subject);
        let unknown = |evidence: String, last_known| Condition {
            state: StageState::Unknown,
            last_known,
            served: Figure::unknown("the state is not known"),
            latency_of_usual: Figure::unknown("the state is not known"),
            attackers_total: attackers_total.clone(),
            attackers_total_since,
            evidence,
            measures: measures.clone(),
            ..Condition::unread()
        };
        let Some(minute) = &self.told else {
            return Condition { since: Some(subject.began), ..unknown(self.why_untold(), None) };
        };
        if (subject.last - minute.at).num_minutes() >= SILENT_MINUTES {
            let since = minute.at + TimeDelta::minutes(1);
            let why = format!("not known since {} UTC: {}", clock_time(since), self.why_untold());
            return Condition { since: Some(since), ..unknown(why, Some(self.state)) };
        }
        let is_idle = |share: f64, by: ServedBy| {
            by == ServedBy::AtMost && minute.is_open() && share >= subject.thresholds.out_below
        };
        let served = match self.served {
            // Attackers who are answered count as customers, and whom the throttle turns away nobody can tell: at most
            // says next to nothing.
            Some((_, share, by)) if is_idle(share, by) => Figure::unknown(
                "whom the throttle turns away is not known: an access log with $context.status and the caller's address tells",
            ),
            Some((at, share, _)) => {
                let end = at + TimeDelta::minutes(1);
                let provisional = subject.last - at < subject.provisional;
                let by_log = matches!(self.served, Some((_, _, ServedBy::KnownCallers)));
                let origin = if by_log { Origin::AccessLog } else { Origin::Derived };
                let scope = subject.scope.clone();
                Figure::Known(Reading { value: share, at: end, origin, scope, provisional })
            }
            None if self.logged.as_ref().is_some_and(|logged| logged.served == Served::Away) => {
                Figure::unknown("fewer than a fifth of those who called before do so now")
            }
            None => Figure::unknown(minute.why_unserved()),
        };
        let figure = |value, at| {
            let end = at + TimeDelta::minutes(1);
            let provisional = subject.last - at < subject.provisional;
            let scope = subject.scope.clone();
            Figure::Known(Reading { value, at: end, origin: Origin::AccessLog, scope, provisional })
        };
        let attackers_answered = match &self.logged {
            Some(logged) => match logged.attackers {
                Ok(per_second) => figure(per_second, logged.at),
                Err(why) => Figure::unknown(why),
            },
            None => Figure::unknown(
                subject
                    .answered
                    .and_then(|answered| answered.trouble.clone())
                    .map_or_else(|| logged::NO_LOG.to_owned(), |why| format!("access log: {why}")),
            ),
        };
        let fares_badly = |worst: &WorstMethod| worst.answered < subject.thresholds.contained_served * worst.usually;
        Condition {
            state: self.state,
            sureness: self.sureness(minute.at),
            since: Some(self.since),
            last_known: None,
            served,
            served_by: self.served.map_or(ServedBy::AtMost, |(_, _, by)| by),
            latency_of_usual: self.latency_of_usual(minute.at),
            attackers_answered,
            attackers_total,
            attackers_total_since,
            worst: self.logged.as_ref().and_then(|logged| logged.worst.clone()).filter(fares_badly),
            followers: self.logged.as_ref().and_then(|logged| logged.followers),
            evidence: Self::evidence(minute),
            measures,
        }
    }

    /// How many times the usual median of latency is waited.
    fn latency_of_usual(&self, at: DateTime<Utc>) -> Figure {
        let subject = self.subject;
        let Some(now) = subject.history[Metric::LatencyP50.index()].at(at) else {
            return Figure::unknown("the median of latency is not known");
        };
        match (subject.usual)(UsualOf::MedianLatency, at).filter(|usual| *usual > 0.0) {
            Some(usual) => {
                let (end, scope) = (at + TimeDelta::minutes(1), subject.scope.clone());
                let provisional = subject.last - at < subject.provisional;
                let origin = Origin::Derived;
                Figure::Known(Reading { value: now / usual, at: end, origin, scope, provisional })
            }
            None => Figure::unknown("what median of latency is usual is not known"),
        }
    }

    /// Bad news is firm with a minute that changes no more, good news with the second; contained takes six.
    fn sureness(&self, at: DateTime<Utc>) -> Sureness {
        if self.bounded {
            return Sureness::Bounded;
        }
        let settled = self.subject.last + TimeDelta::minutes(1) - self.subject.provisional;
        let settled = (settled.min(at + TimeDelta::minutes(1)) - self.since).num_minutes();
        let wanted = match self.state {
            StageState::Contained => CONTAINED_MINUTES - self.subject.provisional.num_minutes(),
            state if state.is_bad() => 1,
            _ => 2,
        };
        if settled >= wanted { Sureness::Firm } else { Sureness::Provisional }
    }

    fn evidence(minute: &Minute) -> String {
        let (least, most) = minute.turned_away();
        let turned = if (most - least).abs() < 0.5 {
            rounded(least)
        } else {
            format!("{} to {}", rounded(least), rounded(most))
        };
        format!(
            "{} requests at {} UTC, usually {}; {turned} turned away; 5XX {} of what went on",
            rounded(minute.requests),
            clock_time(minute.at),
            minute.usual.map_or_else(|| "?".to_owned(), rounded),
            percent(minute.error_share())
        )
    }

    fn why_untold(&self) -> String {
        let at = |metric: Metric| self.subject.history[metric.index()].at(self.subject.last).is_some();
        if self.blocking.is_none() {
            return "whether requests that WAF blocks are among the stage's own cannot be told".to_owned();
        }
        if (self.subject.usual)(UsualOf::Requests, self.subject.last).is_none() {
            return "what is usual is not known".to_owned();
        }
        if at(Metric::Requests) {
            "too few requests, or a part of the figures is not known"
        } else {
            "its metrics are late"
        }
        .to_owned()
    }
}
