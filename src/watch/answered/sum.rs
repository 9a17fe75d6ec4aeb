//! Requests of an attack that were answered, summed over windows of the log, and whether they are the attack's at all.
//! Arithmetic; knows nothing of how windows are asked for.
//!
//! What could not be read adds nothing, so that the sum is at least that many; where it is a good part of the time
//! nothing is told.

use chrono::{DateTime, TimeDelta, Utc};

use super::LATE;
use super::pool::Tally;
use crate::watch::callers::Window;

/// Minutes that go by between two windows.
pub(super) const EVERY: i64 = 2;

/// Minutes after which lines are there that come with the others.
pub(super) const SETTLES: i64 = 3;

/// The sum may be so many minutes old before what is missing counts as not read.
const BEHIND: i64 = SETTLES + LATE + EVERY + 2;

/// The part of the time since the beginning that may be missing from a sum that is told.
const MISSING: f64 = 0.2;

/// The attack has to bring so much more than usual, in parts of usual, and callers who were not there before have to be
/// as many more as that, give or take this part: else their answers are not the attack's.
const OF_USUAL: f64 = 0.2;
const ALIKE: f64 = 0.2;

/// The part of the requests that `CloudWatch` has counted that the log must have.
const LINES: f64 = 0.8;

/// Why answers to callers who were not there before are not told as the attack's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::watch) enum NotTheirs {
    /// There is hardly any attack.
    Quiet,
    /// Those callers are not the attack.
    Unlike,
}

impl NotTheirs {
    /// In words.
    pub(in crate::watch) fn words(self) -> &'static str {
        match self {
            Self::Quiet => "hardly more than usual is sent: who of those answered is an attacker cannot be told",
            Self::Unlike => "those who were not there before are not as many as came with the attack",
        }
    }
}

/// Whether callers who were not there before and sent `others` are the attack, where `above` came beyond the `usual`
/// number of requests, `again` of them from callers of before.
///
/// # Errors
/// Why not.
pub(in crate::watch) fn are_the_attack(others: f64, above: f64, again: f64, usual: f64) -> Result<(), NotTheirs> {
    if above < OF_USUAL * usual {
        return Err(NotTheirs::Quiet);
    }
    // Customers who try again what fails send more than usual, too; and so does an attacker who called before.
    let theirs = above - again;
    if theirs < OF_USUAL * usual || (others - theirs).abs() > ALIKE * theirs {
        return Err(NotTheirs::Unlike);
    }
    Ok(())
}

/// The next window, how many requests are usual in it, and how many `CloudWatch` has counted at least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SumOf {
    pub(super) window: Window,
    pub(super) usual: f64,
    pub(super) counted: f64,
}

/// The sum so far.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Total {
    /// Start of the first minute that it is of.
    from: DateTime<Utc>,
    /// End of the last one.
    pub(super) to: DateTime<Utc>,
    /// Requests of the attack that were answered without an error.
    requests: f64,
    /// Minutes that the sum is of, beside those in which hardly more than usual was sent.
    told: f64,
    /// Minutes between that could not be told, and why the last of them could not.
    missing: f64,
    why: Option<String>,
}

impl Total {
    /// With one window more: its callers of before and everybody else, or why they cannot be told.
    pub(super) fn with(total: Option<Self>, asked: SumOf, found: Result<(Tally, Tally), String>) -> Self {
        let (from, to) = asked.window;
        let start = Self { from, to: from, requests: 0.0, told: 0.0, missing: 0.0, why: None };
        let mut total = total.unwrap_or(start);
        let minutes_of = |span: TimeDelta| span.as_seconds_f64() / 60.0;
        // What lies further back than is asked for stays unread.
        total.missing += minutes_of(from - total.to).max(0.0);
        let minutes = minutes_of(to - from);
        total.to = to;
        let found = found.and_then(|(known, others)| {
            let lines = known.requests + others.requests;
            if lines < LINES * asked.counted {
                return Err("the access log has too few lines of it".to_owned());
            }
            let above = (lines - asked.usual).max(0.0);
            let again = (known.requests - asked.usual).max(0.0);
            match are_the_attack(others.requests, above, again, asked.usual) {
                Ok(()) => Ok(Some(others.ok)),
                Err(NotTheirs::Quiet) => Ok(None),
                Err(why @ NotTheirs::Unlike) => Err(why.words().to_owned()),
            }
        });
        match found {
            Ok(Some(answered)) => (total.requests, total.told) = (total.requests + answered, total.told + minutes),
            Ok(None) => {}
            Err(why) => (total.missing, total.why) = (total.missing + minutes, Some(why)),
        }
        total
    }

    /// The fewest requests, and from when to when, at the minute that starts at `last`.
    ///
    /// # Errors
    /// Why that is not known.
    pub(super) fn told(&self, last: DateTime<Utc>) -> Result<(f64, Window), String> {
        let behind = ((last - self.to).num_minutes() - BEHIND).max(0) as f64;
        let all = (self.to - self.from).as_seconds_f64() / 60.0 + behind;
        if self.missing + behind > MISSING * all {
            let why = self.why.as_deref().unwrap_or("it was not read");
            return Err(format!("for much of the time since the attack began it is not known: {why}"));
        }
        if self.told <= 0.0 {
            return Err(NotTheirs::Quiet.words().to_owned());
        }
        Ok((self.requests, (self.from, self.to)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn of(requests: f64, ok: f64) -> Tally {
        Tally { callers: 20.0, requests, ok, turned_away: requests - ok }
    }

    /// Usually a thousand a minute.
    fn asked(from: i64, to: i64) -> SumOf {
        SumOf { window: (at(from), at(to)), usual: 1_000.0 * (to - from) as f64, counted: 0.0 }
    }

    /// So many minutes in which customers send what is usual, and attackers so much a minute beside it.
    fn flood(from: i64, to: i64, sent: f64, answered: f64) -> (SumOf, Result<(Tally, Tally), String>) {
        let minutes = (to - from) as f64;
        let found = (of(1_000.0 * minutes, 950.0 * minutes), of(sent * minutes, answered * minutes));
        (asked(from, to), Ok(found))
    }

    fn sum(windows: impl IntoIterator<Item = (SumOf, Result<(Tally, Tally), String>)>) -> Total {
        let add = |total, (asked, found)| Some(Total::with(total, asked, found));
        windows.into_iter().fold(None, add).unwrap()
    }

    #[test]
    fn windows_add_up_to_what_one_over_all_of_them_says() {
        let parts = [flood(0, 1, 9_000.0, 600.0), flood(1, 6, 9_000.0, 600.0), flood(6, 11, 9_000.0, 0.0)];
        let whole = flood(0, 11, 9_000.0, 0.0);
        let together = (whole.0, Ok((of(11_000.0, 10_450.0), of(99_000.0, 3_600.0))));
        assert_eq!(sum(parts).told(at(13)), Ok((3_600.0, (at(0), at(11)))));
        assert_eq!(sum([together]).told(at(13)), Ok((3_600.0, (at(0), at(11)))), "who comes later is told the same");
    }

    #[test]
    fn what_could_not_be_read_is_not_nought() {
        let lost = |from, to| (asked(from, to), Err("too many callers".to_owned()));
        let few = sum([flood(0, 10, 9_000.0, 600.0), lost(10, 12), flood(12, 17, 9_000.0, 600.0)]);
        assert_eq!(few.told(at(19)), Ok((9_000.0, (at(0), at(17)))), "at least that many");
        let many = sum([flood(0, 10, 9_000.0, 600.0), lost(10, 15)]);
        assert!(many.told(at(17)).unwrap_err().contains("too many callers"));
        // The same where nothing was asked any more, and where what lies further back can no longer be.
        assert!(few.told(at(24)).is_ok() && few.told(at(60)).unwrap_err().contains("much of the time"));
        assert!(sum([flood(0, 10, 9_000.0, 600.0), flood(20, 25, 9_000.0, 600.0)]).told(at(27)).is_err());
        // A log that was turned on in the middle: CloudWatch has counted the attack, and there are no lines.
        let silent = (SumOf { counted: 100_000.0, ..asked(0, 10) }, Ok((Tally::default(), Tally::default())));
        assert!(sum([silent, flood(10, 15, 9_000.0, 600.0)]).told(at(17)).unwrap_err().contains("too few lines"));
    }

    #[test]
    fn answers_are_the_attack_s_only_where_its_callers_are() {
        // Hardly more than usual: it may still be told what was there before.
        let quiet = || (asked(10, 40), Ok((of(29_000.0, 28_000.0), of(2_000.0, 1_900.0))));
        assert_eq!(sum([flood(0, 10, 9_000.0, 600.0), quiet()]).told(at(42)), Ok((6_000.0, (at(0), at(40)))));
        assert!(sum([quiet()]).told(at(42)).unwrap_err().contains("hardly more than usual"));
        // Twice as many come, and all of them called before.
        let unlike = (asked(0, 10), Ok((of(20_000.0, 19_000.0), of(200.0, 190.0))));
        assert!(sum([unlike]).told(at(12)).unwrap_err().contains("not as many as came"));
    }
}
