//! What attackers got since the beginning: summed by windows of the log that follow one another, each read once. Arithmetic; makes no calls.
//!
//! What could not be read adds nothing, so that the sum is at least that many; where it is a good part of the time nothing is told. A window is
//! asked for once its lines are all there and it is known what was usual in it: without that nobody can say whose the answers are.

use chrono::{DateTime, TimeDelta, Utc};

use super::pool::{Before, Tally, by_address, by_address_apart};
use super::{Answer, Answered, Job, LATE, LONGEST};
use crate::watch::callers::Window;

/// Minutes that go by between two windows.
const EVERY: i64 = 2;

/// Minutes after which lines are there that come with the others.
const SETTLES: i64 = 3;

/// The sum may be so many minutes old before what is missing counts as not read.
const BEHIND: i64 = SETTLES + LATE + EVERY + 2;

/// The part of the time since the beginning that may be missing from a sum that is told.
const MISSING: f64 = 0.2;

/// The attack has to bring so much more than usual, in parts of usual, and callers who were not there before have to be as many more as that, give
/// or take this part: else their answers are not the attack's.
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

/// Whether callers who were not there before and sent `others` are the attack, where `above` came beyond the `usual` number of requests, `again` of
/// them from callers of before.
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
pub(super) struct Asked {
    pub(super) window: Window,
    pub(super) usual: f64,
    pub(super) counted: f64,
}

/// The next window to ask for at `to`, of an attack that began then, by what is usual and what was counted in a minute; `None` where none is due,
/// or what is usual is not known.
pub(super) fn next(
    answered: Option<&Answered>,
    (began, to): Window,
    requests: impl Fn(DateTime<Utc>) -> Option<(f64, Option<f64>)>,
) -> Option<Asked> {
    if answered.and_then(|one| one.total_tried).is_some_and(|tried| to < tried + TimeDelta::minutes(EVERY)) {
        return None;
    }
    let end = to - TimeDelta::minutes(SETTLES + answered.map_or(0, |one| one.late));
    let from = answered.and_then(|one| one.total.as_ref()).map_or(began, |total| total.to).max(end - LONGEST);
    let minutes = (0..(end - from).num_minutes()).map(|n| from + TimeDelta::minutes(n));
    // Up to the first minute of which it is not known.
    let known: Vec<(f64, Option<f64>)> = minutes.map_while(requests).collect();
    let to = from + TimeDelta::minutes(i64::try_from(known.len()).ok()?);
    let (usual, counted) = (known.iter().map(|one| one.0).sum(), known.iter().filter_map(|one| one.1).sum());
    (to > from).then_some(Asked { window: (from, to), usual, counted })
}

/// The sum so far.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::watch) struct Total {
    /// Start of the first minute that it is of.
    from: DateTime<Utc>,
    /// End of the last one.
    to: DateTime<Utc>,
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
    pub(super) fn with(total: Option<Self>, asked: Asked, found: Result<(Tally, Tally), String>) -> Self {
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
    fn told(&self, last: DateTime<Utc>) -> Result<(f64, Window), String> {
        let behind = ((last - self.to).num_minutes() - BEHIND).max(0) as f64;
        let all = (self.to - self.from).as_seconds_f64() / 60.0 + behind;
        if self.missing + behind > MISSING * all {
            let why = self.why.as_deref().unwrap_or("it was not read");
            return Err(format!("of a good part of the time since the attack began it is not known: {why}"));
        }
        if self.told <= 0.0 {
            return Err(NotTheirs::Quiet.words().to_owned());
        }
        Ok((self.requests, (self.from, self.to)))
    }
}

impl Answered {
    /// Adds what came since the minutes that were added last. What AWS could not answer is asked again, as part of the next ones.
    pub(super) fn add_up(&mut self, job: &Job, answer: &Answer, before: &Before) {
        let Some(asked) = job.total else { return };
        if let Some(error) = answer.total.iter().find_map(|one| one.as_ref().err()) {
            self.total_trouble = Some(error.to_string());
            return;
        }
        let callers = match answer.total.as_slice() {
            [Ok(together)] => by_address(together, &job.names),
            [_, Ok(all), Ok(answered)] => by_address_apart(all, answered, &job.names),
            _ => return,
        };
        let (from, to) = asked.window;
        let found = callers.map(|callers| before.tell_apart(&callers, (to - from).as_seconds_f64() / 60.0));
        self.total = Some(Total::with(self.total.take(), asked, found));
    }

    /// The fewest requests of the attack that were answered without an error since it began, and from when to when that is, at the minute that
    /// starts at `last`.
    ///
    /// # Errors
    /// Why that is not known.
    pub(in crate::watch) fn total(&self, last: DateTime<Utc>) -> Result<(f64, Window), String> {
        let trouble = self.total_trouble.as_ref();
        match &self.total {
            Some(total) => total.told(last).map_err(|why| match trouble {
                Some(trouble) => format!("{why}; {trouble}"),
                None => why,
            }),
            None => Err(trouble.or(self.trouble.as_ref()).map_or_else(
                || "not read yet: lines are asked for once they are some minutes old".to_owned(),
                |trouble| format!("access log: {trouble}"),
            )),
        }
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
    fn asked(from: i64, to: i64) -> Asked {
        Asked { window: (at(from), at(to)), usual: 1_000.0 * (to - from) as f64, counted: 0.0 }
    }

    /// So many minutes in which customers send what is usual, and attackers so much a minute beside it.
    fn flood(from: i64, to: i64, sent: f64, answered: f64) -> (Asked, Result<(Tally, Tally), String>) {
        let minutes = (to - from) as f64;
        let found = (of(1_000.0 * minutes, 950.0 * minutes), of(sent * minutes, answered * minutes));
        (asked(from, to), Ok(found))
    }

    fn sum(windows: impl IntoIterator<Item = (Asked, Result<(Tally, Tally), String>)>) -> Total {
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
        assert!(few.told(at(24)).is_ok() && few.told(at(60)).unwrap_err().contains("good part"));
        assert!(sum([flood(0, 10, 9_000.0, 600.0), flood(20, 25, 9_000.0, 600.0)]).told(at(27)).is_err());
        // A log that was turned on in the middle: CloudWatch has counted the attack, and there are no lines.
        let silent = (Asked { counted: 100_000.0, ..asked(0, 10) }, Ok((Tally::default(), Tally::default())));
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

    #[test]
    fn windows_follow_one_another_and_are_asked_seldom() {
        let usual = |_| Some((1_000.0, Some(900.0)));
        let ask = |answered: Option<&Answered>, to: i64| next(answered, (at(0), at(to)), usual).map(|one| one.window);
        assert_eq!(ask(None, 3), None, "lines are still to come");
        assert_eq!(ask(None, 13), Some((at(0), at(10))));
        assert_eq!(ask(None, 303), Some((at(120), at(300))), "no more than three hours");
        let mut answered = Answered::new(at(0), at(13));
        (answered.total, answered.total_tried) = (Some(sum([flood(0, 10, 9_000.0, 600.0)])), Some(at(13)));
        assert_eq!((ask(Some(&answered), 14), ask(Some(&answered), 18)), (None, Some((at(10), at(15)))));
        answered.late = 2;
        assert_eq!(ask(Some(&answered), 18), Some((at(10), at(13))));
        // As far as it is known what is usual.
        let known = |minute| (minute < at(12)).then_some((500.0, Some(400.0)));
        let asked = next(Some(&answered), (at(0), at(18)), known).unwrap();
        assert_eq!(asked, Asked { window: (at(10), at(12)), usual: 1_000.0, counted: 800.0 });
        assert_eq!(next(Some(&answered), (at(0), at(18)), |_| None), None);
    }
}
