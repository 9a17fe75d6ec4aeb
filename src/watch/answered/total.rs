//! What attackers got since the beginning: windows of the log that follow one another, each read once and added to the
//! sum. Makes no calls.
//!
//! A window is asked for once its lines are all there and it is known what was usual in it: without that nobody can say
//! whose the answers are.

use chrono::{DateTime, TimeDelta, Utc};

use super::answers::Answered;
use super::pool::{Before, by_address, by_address_apart};
use super::sum::{EVERY, SETTLES, SumOf, Total};
use super::{Answer, Job, LONGEST};
use crate::watch::callers::Window;

/// The next window to ask for at `to`, of an attack that began then, by what is usual and what was counted in a minute;
/// `None` where none is due, or what is usual is not known.
pub(super) fn next(
    answered: Option<&Answered>,
    (began, to): Window,
    requests: impl Fn(DateTime<Utc>) -> Option<(f64, Option<f64>)>,
) -> Option<SumOf> {
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
    (to > from).then_some(SumOf { window: (from, to), usual, counted })
}

impl Answered {
    /// Adds what came since the minutes that were added last. What AWS could not answer is asked again, as part of the
    /// next ones.
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

    /// The fewest requests of the attack that were answered without an error since it began, and from when to when that
    /// is, at the minute that starts at `last`.
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
    use crate::watch::answered::pool::Tally;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    #[test]
    fn windows_follow_one_another_and_are_asked_seldom() {
        let usual = |_| Some((1_000.0, Some(900.0)));
        let ask = |answered: Option<&Answered>, to: i64| next(answered, (at(0), at(to)), usual).map(|one| one.window);
        assert_eq!(ask(None, 3), None, "lines are still to come");
        assert_eq!(ask(None, 13), Some((at(0), at(10))));
        assert_eq!(ask(None, 303), Some((at(120), at(300))), "no more than three hours");
        let tally = |requests, ok| Tally { callers: 20.0, requests, ok, turned_away: requests - ok };
        let first = SumOf { window: (at(0), at(10)), usual: 10_000.0, counted: 0.0 };
        let total = Total::with(None, first, Ok((tally(10_000.0, 9_500.0), tally(90_000.0, 6_000.0))));
        let mut answered = Answered::new(at(0), at(13));
        (answered.total, answered.total_tried) = (Some(total), Some(at(13)));
        assert_eq!((ask(Some(&answered), 14), ask(Some(&answered), 18)), (None, Some((at(10), at(15)))));
        answered.late = 2;
        assert_eq!(ask(Some(&answered), 18), Some((at(10), at(13))));
        // As far as it is known what is usual.
        let known = |minute| (minute < at(12)).then_some((500.0, Some(400.0)));
        let asked = next(Some(&answered), (at(0), at(18)), known).unwrap();
        assert_eq!(asked, SumOf { window: (at(10), at(12)), usual: 1_000.0, counted: 800.0 });
        assert_eq!(next(Some(&answered), (at(0), at(18)), |_| None), None);
    }
}
