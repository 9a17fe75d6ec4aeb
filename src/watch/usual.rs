//! What is usual on an attacked stage, frozen when the attack begins: none of it learns the attack.
//!
//! For the first hour it is the median of the half hour before. Then the time of day counts: the median of the same
//! minutes 7 and 14 days ago, scaled by that half hour against the same half hour then; `CloudWatch` keeps minutes for
//! 15 days (documented). Where the weeks were unlike, or are not known, there is no usual. Plain arithmetic on minutes:
//! makes no calls, and knows nothing of who believes what.

use std::cell::OnceCell;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::cost::Meter;
use super::habit::{BEFORE_MINUTES, median};
use crate::model::board::{History, Metric};
use crate::model::figure::{Figure, Origin, Reading, Scope};
use crate::model::series::{Series, floor_minute};
use crate::model::usual::{UsualFrom, UsualOf, Usuals};

/// For so long after the beginning they do: then the time of day is another.
pub(super) const VALID_MINUTES: i64 = 60;

/// Days back at which the same time of day is looked at.
pub(super) const WEEKS: [i64; 2] = [7, 14];

/// Minutes on either side of the same minute then.
pub(super) const AROUND_MINUTES: i64 = 15;

/// However quiet the quietest minute before was, no fewer than this part less are taken for usual.
const MOST_FEWER: f64 = 0.4;

/// How unlike the weeks before may have been, half an hour before the attack: beyond it they tell nothing of today.
const ALIKE: std::ops::RangeInclusive<f64> = 0.5..=2.0;

/// Why there is no usual before the minutes that tell it are read.
const NOT_READ: &str = "the weeks before are not read yet";

/// The minutes that usuals are reckoned from, of one stage and one attack.
#[derive(Debug, Clone)]
pub(super) struct Frozen {
    /// When the attack began, account time.
    pub(super) began: DateTime<Utc>,
    /// The attack before it, from when to when: its minutes are no habit.
    pub(super) earlier: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// The half hour before.
    pub(super) before: Arc<History>,
    /// Whether that changes no more.
    pub(super) settled: bool,
    /// The same half hour in the [`WEEKS`] before, in their own time.
    pub(super) then: [Option<Arc<History>>; WEEKS.len()],
    /// Minutes around now in the [`WEEKS`] before, in their own time.
    pub(super) around: [Option<Arc<History>>; WEEKS.len()],
    /// Start of the hour of the attack that those are of.
    pub(super) hour: Option<DateTime<Utc>>,
    /// When the past was last asked, account time.
    pub(super) asked_at: Option<DateTime<Utc>>,
    /// Why it could not be read, where it could not.
    pub(super) trouble: Option<String>,
}

impl Frozen {
    /// Of an attack that began then, before anything of it is known.
    pub(super) fn new(began: DateTime<Utc>, earlier: Option<(DateTime<Utc>, DateTime<Utc>)>) -> Self {
        let began = floor_minute(began);
        let empty = Arc::new(Series::new(1));
        Self {
            began,
            earlier,
            before: Arc::new(std::array::from_fn(|_| Arc::clone(&empty))),
            settled: false,
            then: [None, None],
            around: [None, None],
            hour: None,
            asked_at: None,
            trouble: None,
        }
    }

    /// The half hour before, as `history` has it, and as it was known where that has it no more, or tells nothing of a
    /// metric.
    pub(super) fn half_hour(&self, history: &History) -> History {
        let first = self.began - TimeDelta::minutes(BEFORE_MINUTES);
        std::array::from_fn(|n| {
            let mut kept = Series::new(usize::try_from(BEFORE_MINUTES).unwrap_or(1));
            for minute in (0..BEFORE_MINUTES).map(|n| first + TimeDelta::minutes(n)) {
                if let Some(value) = history[n].at(minute).or_else(|| self.before[n].at(minute)) {
                    kept.set(minute, value);
                }
            }
            Arc::new(kept)
        })
    }

    /// How many minutes of the half hour before have requests that are known.
    pub(super) fn known_before(&self) -> usize {
        let requests = &self.before[Metric::Requests.index()];
        self.minutes_before(0).filter(|minute| requests.at(*minute).is_some()).count()
    }

    /// The half hour before, so many days earlier.
    fn minutes_before(&self, days: i64) -> impl Iterator<Item = DateTime<Utc>> + use<> {
        let began = self.began - TimeDelta::days(days);
        (1..=BEFORE_MINUTES).map(move |n| began - TimeDelta::minutes(n))
    }

    /// Whether a minute belongs to the attack before.
    fn is_of_earlier(&self, minute: DateTime<Utc>) -> bool {
        self.earlier.is_some_and(|(began, ended)| floor_minute(began) <= minute && minute <= ended)
    }

    /// What usuals rest on at a minute of the attack.
    pub(super) fn rests_on(&self, minute: DateTime<Utc>) -> UsualFrom {
        if minute < self.began + TimeDelta::minutes(VALID_MINUTES) {
            UsualFrom::HalfHourBefore
        } else {
            UsualFrom::WeeksBefore
        }
    }
}

/// Usuals of one stage, and what they came to so far: a board asks for many minutes of each.
pub(super) struct Reckoned<'a> {
    frozen: &'a Frozen,
    meter: Option<&'a Meter<'a>>,
    before: [OnceCell<Option<f64>>; UsualOf::ALL.len()],
    scale: [OnceCell<Result<f64, String>>; UsualOf::ALL.len()],
}

impl<'a> Reckoned<'a> {
    /// By the minutes that were frozen, with costs as `meter` reckons them, where there is one.
    pub(super) fn of(frozen: &'a Frozen, meter: impl Into<Option<&'a Meter<'a>>>) -> Self {
        Self {
            frozen,
            meter: meter.into(),
            before: std::array::from_fn(|_| OnceCell::new()),
            scale: std::array::from_fn(|_| OnceCell::new()),
        }
    }

    /// How many fewer than usual were answered in the quietest of the minutes before the attack, as a part of usual.
    pub(super) fn fewer(&self) -> f64 {
        let minutes = || self.frozen.minutes_before(0).filter(|minute| !self.frozen.is_of_earlier(*minute));
        let answers = || minutes().filter_map(|minute| self.value(UsualOf::Answers, &self.frozen.before, minute));
        let (least, usual) = (answers().reduce(f64::min), median(answers()));
        least
            .zip(usual)
            .filter(|(_, usual)| *usual > 0.0)
            .map_or(0.0, |(least, usual)| (1.0 - least / usual).clamp(0.0, MOST_FEWER))
    }

    /// What is usual at a minute of the attack; `None` for a minute before it, which is judged by the minutes before
    /// itself.
    pub(super) fn at(&self, of: UsualOf, minute: DateTime<Utc>) -> Option<Result<f64, String>> {
        if minute < self.frozen.began {
            return None;
        }
        Some(match self.frozen.rests_on(minute) {
            UsualFrom::HalfHourBefore => self.half_hour(of),
            UsualFrom::WeeksBefore => self.weeks(of, minute),
        })
    }

    /// All of them, for the figures of the minute `last`.
    pub(super) fn usuals(&self, last: DateTime<Utc>, scope: &Scope) -> Usuals {
        let at = last + TimeDelta::minutes(1);
        let figure = |of| match self.at(of, last).unwrap_or_else(|| self.half_hour(of)) {
            Ok(value) => {
                Figure::Known(Reading { value, at, origin: Origin::Derived, scope: scope.clone(), provisional: false })
            }
            Err(why) => Figure::unknown(why),
        };
        Usuals { began: self.frozen.began, from: self.frozen.rests_on(last), figures: UsualOf::ALL.map(figure) }
    }

    fn half_hour(&self, of: UsualOf) -> Result<f64, String> {
        let known = *self.before[of.index()].get_or_init(|| {
            let calm = self.frozen.minutes_before(0).filter(|minute| !self.frozen.is_of_earlier(*minute));
            median(calm.filter_map(|minute| self.value(of, &self.frozen.before, minute)))
        });
        known.ok_or_else(|| {
            let why = "fewer than five minutes of the half hour before the attack are known";
            self.frozen.trouble.as_ref().map_or_else(|| why.to_owned(), |trouble| format!("{why}: {trouble}"))
        })
    }

    /// The same minutes in the weeks before, scaled.
    fn weeks(&self, of: UsualOf, minute: DateTime<Utc>) -> Result<f64, String> {
        let scale = self.scale[of.index()].get_or_init(|| self.scale(of)).clone()?;
        let around = WEEKS.iter().zip(&self.frozen.around).filter_map(|(days, week)| Some((days, week.as_ref()?)));
        let values = around.flat_map(|(days, week)| {
            let then = minute - TimeDelta::days(*days);
            (-AROUND_MINUTES..=AROUND_MINUTES)
                .map(move |n| then + TimeDelta::minutes(n))
                // A week into an attack, the week before is the attack.
                .filter(|minute| *minute < self.frozen.began)
                .filter_map(move |minute| self.value(of, week, minute))
        });
        let usual = median(values).ok_or_else(|| self.no_weeks())?;
        // A share is what it is, however many ask.
        Ok(if of == UsualOf::CacheHits { usual } else { usual * scale })
    }

    /// The half hour before the attack against the same half hour in the weeks before.
    fn scale(&self, of: UsualOf) -> Result<f64, String> {
        let before = self.half_hour(of)?;
        let weeks = WEEKS.iter().zip(&self.frozen.then).filter_map(|(days, week)| Some((days, week.as_ref()?)));
        let then = weeks.flat_map(|(days, week)| {
            self.frozen.minutes_before(*days).filter_map(move |minute| self.value(of, week, minute))
        });
        let then = median(then).ok_or_else(|| self.no_weeks())?;
        if before <= 0.0 && then <= 0.0 {
            return Ok(1.0);
        }
        let scale = before / then;
        if then > 0.0 && ALIKE.contains(&scale) {
            return Ok(scale);
        }
        Err(format!(
            "before the attack it was {} the weeks before, which therefore do not tell what is usual",
            if then > 0.0 { format!("{scale:.1} times what it was in") } else { "there, and not in".to_owned() }
        ))
    }

    fn no_weeks(&self) -> String {
        let read = self.frozen.around.iter().chain(&self.frozen.then).any(Option::is_some);
        match &self.frozen.trouble {
            Some(trouble) => format!("the weeks before could not be read: {trouble}"),
            None if read => "fewer than five minutes of this time of day 7 and 14 days ago are known".to_owned(),
            None => NOT_READ.to_owned(),
        }
    }

    /// A quantity of one minute.
    fn value(&self, of: UsualOf, history: &History, minute: DateTime<Utc>) -> Option<f64> {
        let at = |metric: Metric| history[metric.index()].at(minute);
        match of {
            UsualOf::Requests => at(Metric::Requests),
            UsualOf::Answers => {
                Some((at(Metric::Requests)? - at(Metric::ClientErrors)? - at(Metric::ServerErrors)?).max(0.0))
            }
            UsualOf::MedianLatency => at(Metric::LatencyP50),
            UsualOf::Latency => at(Metric::LatencyP99),
            UsualOf::IntegrationLatency => at(Metric::IntegrationP99),
            UsualOf::Blocked => at(Metric::WafBlocked),
            UsualOf::CacheHits => {
                let (hits, misses) = (at(Metric::CacheHits)?, at(Metric::CacheMisses)?);
                (hits + misses > 0.0).then(|| hits / (hits + misses))
            }
            UsualOf::Cost => self.meter?.of(history).minute(minute),
        }
    }
}

#[cfg(test)]
mod tests;
