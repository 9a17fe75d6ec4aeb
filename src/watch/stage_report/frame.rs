//! From minutes to figures: the latest minute that is known, with its age, origin and scope, or the reason why there is
//! none.

use chrono::{DateTime, TimeDelta, Utc};

use crate::aws::read::MetricStatus;
use crate::model::figure::{Figure, Origin, Reading, Scope};
use crate::model::series::{Series, floor_minute};
use crate::model::settings::PollingSettings;
use crate::watch::signal::LOOKBACK_MINUTES;
use crate::watch::store::Held;

/// Minutes of a median: the half hour before an attack.
pub(super) const BEFORE_MINUTES: i64 = 30;

/// Fewer known minutes than this are no habit to compare with.
const LEAST_MINUTES: usize = 5;

/// How long after its end a minute may still change.
pub(super) fn provisional(polling: &PollingSettings) -> TimeDelta {
    TimeDelta::seconds(i64::try_from(polling.provisional_seconds.min(86_400)).unwrap_or(180))
}

/// When figures are made, and what they speak of.
#[derive(Debug, Clone)]
pub(super) struct Frame<'a> {
    /// Account time.
    pub(super) now: DateTime<Utc>,
    pub(super) polling: &'a PollingSettings,
    pub(super) scope: Scope,
}

impl Frame<'_> {
    /// A value of the minute that starts at `minute`.
    pub(super) fn reading(&self, value: f64, minute: DateTime<Utc>, origin: Origin) -> Figure {
        let end = minute + TimeDelta::minutes(1);
        let provisional = self.now - end < provisional(self.polling);
        Figure::Known(Reading { value, at: end, origin, scope: self.scope.clone(), provisional })
    }

    /// The minutes that a figure may be of, the latest first: as far back as the board's, and as long as a zero may
    /// take to be known.
    pub(super) fn minutes(&self) -> impl Iterator<Item = DateTime<Utc>> + use<> {
        let last = floor_minute(self.now) - TimeDelta::minutes(1);
        let back = LOOKBACK_MINUTES + provisional(self.polling).num_minutes();
        (0..back).map(move |n| last - TimeDelta::minutes(n))
    }

    /// The latest minute for which `of` knows something.
    pub(super) fn latest<T>(&self, of: impl Fn(DateTime<Utc>) -> Option<T>) -> Option<(DateTime<Utc>, T)> {
        self.minutes().find_map(|minute| Some((minute, of(minute)?)))
    }

    /// A series' latest minute, times `factor`.
    pub(super) fn figure(&self, series: &Series, factor: f64, missing: &'static str) -> Figure {
        match self.latest(|minute| series.at(minute)) {
            Some((minute, value)) => self.reading(value * factor, minute, Origin::CloudWatch),
            None => Figure::unknown(missing),
        }
    }

    /// Numbers over others of the same minute, a fraction of at most 1; `latest` minute that has both, and some of the
    /// others.
    pub(super) fn share(&self, part: &Series, of: &Series, missing: &'static str) -> Figure {
        let both = |minute| Some((part.at(minute)?, of.at(minute).filter(|whole| *whole > 0.0)?));
        match self.latest(both) {
            Some((minute, (part, whole))) => self.reading((part / whole).min(1.0), minute, Origin::CloudWatch),
            None => Figure::unknown(missing),
        }
    }
}

/// Why a series that was asked for has no minute.
pub(super) fn missing(held: &Held, index: usize) -> &'static str {
    match held.status(index) {
        Some(MetricStatus::Forbidden) => "not permitted: cloudwatch:GetMetricData refused this metric",
        Some(MetricStatus::Failed) => "CloudWatch failed on this metric",
        Some(MetricStatus::Partial) => "CloudWatch gave only a part of this metric",
        Some(MetricStatus::Complete) => "no data in the last minutes: nothing happened, or it is not published yet",
        None => "not read",
    }
}

/// What is compared with: half an hour before the attack, or before the last minutes where no attack is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Before {
    /// End of it: the attack's first minute.
    end: DateTime<Utc>,
    attack: bool,
    /// An attack that was over, whose minutes are left out.
    earlier: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Before {
    /// Before the attack that began at `began`, else before the last minutes; without the minutes of an `earlier`
    /// attack, from when to when.
    pub(super) fn new(
        began: Option<DateTime<Utc>>,
        earlier: Option<(DateTime<Utc>, DateTime<Utc>)>,
        now: DateTime<Utc>,
    ) -> Self {
        let recent = floor_minute(now) - TimeDelta::minutes(LOOKBACK_MINUTES);
        Self { end: began.map_or(recent, floor_minute), attack: began.is_some(), earlier }
    }

    /// `median of 02:32 to 03:02, before the attack`.
    pub(super) fn words(self) -> String {
        let begin = self.end - TimeDelta::minutes(BEFORE_MINUTES);
        let what = if self.attack { "before the attack" } else { "no attack is known" };
        format!("median of {} to {}, {what}", begin.format("%H:%M"), self.end.format("%H:%M"))
    }

    /// The median of what `of` knows of those minutes, as a figure a second.
    pub(super) fn median(self, frame: &Frame<'_>, of: impl Fn(DateTime<Utc>) -> Option<f64>) -> Figure {
        let last = self.end - TimeDelta::minutes(1);
        let attacked = |minute: &DateTime<Utc>| {
            self.earlier.is_some_and(|(from, to)| *minute >= floor_minute(from) && *minute < to)
        };
        let minutes = (0..BEFORE_MINUTES).map(|n| last - TimeDelta::minutes(n)).filter(|minute| !attacked(minute));
        let mut values: Vec<f64> = minutes.filter_map(of).collect();
        if values.len() < LEAST_MINUTES {
            return Figure::unknown(format!("fewer than {LEAST_MINUTES} minutes are known from then"));
        }
        values.sort_by(f64::total_cmp);
        frame.reading(values[values.len() / 2] / 60.0, last, Origin::Derived)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_040 + minute * 60, 0).unwrap()
    }

    fn series(values: &[(i64, f64)]) -> Series {
        let mut series = Series::new(180);
        for (minute, value) in values {
            series.set(at(*minute), *value);
        }
        series
    }

    #[test]
    fn a_figure_is_of_the_latest_minute_and_an_old_one_is_none() {
        let polling = PollingSettings::default();
        let frame = Frame { now: at(20) + TimeDelta::seconds(5), polling: &polling, scope: Scope::Stage };
        let figure = frame.figure(&series(&[(17, 60.0), (18, 120.0)]), 1.0 / 60.0, "none");
        let reading = figure.reading().unwrap();
        assert!((reading.value - 2.0).abs() < 1e-6 && reading.at == at(19) && reading.provisional);
        assert_eq!(frame.figure(&series(&[(3, 60.0)]), 1.0, "none").reason(), Some("none"));
        let share = frame.share(&series(&[(17, 30.0), (18, 5.0)]), &series(&[(17, 60.0), (18, 0.0)]), "none");
        assert!((share.value().unwrap() - 0.5).abs() < 1e-6, "a minute without requests has no share");
    }

    #[test]
    fn before_is_the_median_before_the_attack_and_needs_some_minutes() {
        let polling = PollingSettings::default();
        let frame = Frame { now: at(60), polling: &polling, scope: Scope::Stage };
        let past: Vec<(i64, f64)> = (20..60).map(|n| (n, if n < 50 { 60.0 } else { 6000.0 })).collect();
        let past = series(&past);
        let before = Before::new(Some(at(50)), None, frame.now);
        assert!((before.median(&frame, |m| past.at(m)).value().unwrap() - 1.0).abs() < 1e-6);
        assert!(before.words().ends_with("before the attack"));
        let young = series(&[(48, 60.0), (49, 60.0)]);
        assert_eq!(before.median(&frame, |m| young.at(m)).value(), None);
        assert!(Before::new(None, None, frame.now).words().ends_with("no attack is known"));
        let after_another = Before::new(Some(at(60)), Some((at(50), at(60))), at(70));
        assert!(
            (after_another.median(&frame, |m| past.at(m)).value().unwrap() - 1.0).abs() < 1e-6,
            "an earlier attack is no habit"
        );
    }
}
