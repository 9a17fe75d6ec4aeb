//! What the access log adds to one minute of an attacked stage: how callers of before fare, and what the attack's get.

use chrono::{DateTime, Utc};

use super::Subject;
use super::minute::Minute;
use crate::model::condition::{Followers, WorstMethod};
use crate::model::figure::{Figure, Origin, Reading};
use crate::watch::answered::answers::Answered;
use crate::watch::answered::{NotTheirs, are_the_attack};

/// Why nothing is told of attackers.
pub(super) const NO_LOG: &str = "no access log tells whom the answers went to";

/// Fewer requests, or callers, of before tell no share.
const LEAST_REQUESTS: f64 = 60.0;
const LEAST_CALLERS: f64 = 10.0;

/// Where callers of before send less than this part of what they sent then, who still comes says little of all.
const LEAST_VOLUME: f64 = 0.2;

/// The part of a minute's requests that has to be in the log to say who does not call.
const MOST_LINES: f64 = 0.8;

/// The share of customers served, as callers of before tell it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Served {
    /// A fraction of what is usual.
    Told(f64),
    /// They hardly come any more.
    Away,
    /// Too few of them to tell.
    Few,
}

/// What the log says of a minute.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Logged {
    /// The minute's start, account time.
    pub(super) at: DateTime<Utc>,
    pub(super) served: Served,
    /// The part of what callers of before usually get that is answered with 403 or 429 beyond what is usual.
    pub(super) turned_away: f64,
    /// Requests a second of the attack that were answered without an error, or why that is not known.
    pub(super) attackers: Result<f64, &'static str>,
    pub(super) worst: Option<WorstMethod>,
    pub(super) followers: Option<Followers>,
}

impl Logged {
    /// What is told of a minute; `None` where nothing is.
    pub(super) fn of(answered: &Answered, minute: &Minute) -> Option<Self> {
        let (pool, before) = answered.at(minute.at)?;
        let known = pool.known;
        // Where many lines are still to come nobody can say who does not.
        let lines = (known.requests + pool.others.requests) / pool.minutes;
        let are_there = lines >= MOST_LINES * minute.requests / minute.minutes;
        let is_blurred = pool.minutes > minute.minutes && !minute.steady;
        let served = if is_blurred {
            // Minutes before and after a change together are neither.
            Served::Few
        } else if known.requests < LEAST_VOLUME * before.per_minute * pool.minutes {
            if are_there { Served::Away } else { Served::Few }
        } else if known.requests < LEAST_REQUESTS || known.callers < LEAST_CALLERS {
            Served::Few
        } else {
            Served::Told((known.ok_share() / before.ok_share).min(1.0))
        };
        // What an API itself refuses as usual is not of our making.
        let refused = if known.requests > 0.0 { known.turned_away / known.requests } else { 0.0 };
        let turned_away = ((refused - before.turned_away) / before.ok_share).max(0.0);
        let attackers = attackers(minute, pool.others_share(), pool.others_answered());
        let (worst, followers) = (pool.worst.clone(), pool.followers);
        Some(Self { at: minute.at, served, turned_away, attackers, worst, followers })
    }
}

/// What the attack's requests get, a second: as the shares of the log and the requests that `CloudWatch` counts tell
/// it.
fn attackers(minute: &Minute, others: f64, answered: f64) -> Result<f64, &'static str> {
    let above = minute.above().ok_or("what is usual is not known")?;
    let usual = minute.usual.unwrap_or(0.0);
    let again = (minute.requests * (1.0 - others) - usual).max(0.0);
    let theirs = are_the_attack(minute.requests * others, above, again, usual);
    theirs.map_err(NotTheirs::words)?;
    Ok(minute.requests * answered / (60.0 * minute.minutes))
}

/// What attackers got since the beginning, at least: how many requests, and since when that is.
pub(super) fn total(subject: &Subject<'_>) -> (Figure, Option<DateTime<Utc>>) {
    let Some(answered) = subject.answered else { return (Figure::unknown(NO_LOG), None) };
    match answered.total(subject.last) {
        Ok((value, (from, to))) => {
            let (origin, scope) = (Origin::AccessLog, subject.scope.clone());
            (Figure::Known(Reading { value, at: to, origin, scope, provisional: false }), Some(from))
        }
        Err(why) => (Figure::unknown(why), None),
    }
}
