//! How traffic waxes and wanes over a day.

/// A smooth curve over the 24 hours of UTC: 1 at its peak, lowest twelve hours from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rhythm {
    /// Second of the day at which it peaks.
    pub peak: i64,
    /// What is left twelve hours from the peak, as a share of it.
    pub trough: f64,
}

impl Rhythm {
    /// Every hour like every other.
    pub const EVEN: Self = Self { peak: 0, trough: 1.0 };

    /// The share of the peak at a second since the epoch.
    #[must_use]
    pub fn at(&self, second: i64) -> f64 {
        let day = (second - self.peak).rem_euclid(DAY) as f64 / DAY as f64;
        let height = f64::midpoint(1.0, (std::f64::consts::TAU * day).cos());
        self.trough + (1.0 - self.trough) * height
    }
}

/// Seconds of a day.
const DAY: i64 = 86_400;

/// What a series is made of: parts of so much at their peak, each with its rhythm.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mix {
    parts: Vec<(f64, Rhythm)>,
}

impl Mix {
    /// Adds a part. Nothing happens for one of nothing.
    pub fn add(&mut self, peak: f64, rhythm: Rhythm) {
        if peak > 0.0 {
            self.parts.push((peak, rhythm));
        }
    }

    /// How many times as much there is at one second as at another; `None` without parts.
    #[must_use]
    pub fn ratio(&self, at: i64, against: i64) -> Option<f64> {
        let whole = |second| self.parts.iter().map(|(peak, rhythm)| peak * rhythm.at(second)).sum::<f64>();
        let below = whole(against);
        (below > 0.0).then(|| whole(at) / below)
    }
}

/// By what the minutes of a series swing over the day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Swing {
    /// What all its data are made of.
    pub data: Mix,
    /// What those above zero are made of, where zeros say that something did not happen.
    pub above_zero: Mix,
    /// Whether it is the values that swing, not their number: of one datum a second that is a sum.
    pub sums: bool,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn it_is_whole_at_the_peak_and_lowest_twelve_hours_away() {
        let rhythm = Rhythm { peak: 19 * 3_600, trough: 0.4 };
        let at = |hour: i64| rhythm.at(20_000 * DAY + hour * 3_600);
        assert!((at(19) - 1.0).abs() < 1e-9 && (at(7) - 0.4).abs() < 1e-9 && (at(1) - 0.7).abs() < 1e-9);
        assert!((0..24).all(|hour| (0.4..=1.0).contains(&at(hour))));
        assert!((Rhythm::EVEN.at(12_345) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_mix_swings_less_the_more_of_it_is_even() {
        let rhythm = Rhythm { peak: 0, trough: 0.5 };
        let mut mix = Mix::default();
        assert_eq!(mix.ratio(0, DAY / 2), None);
        mix.add(10.0, rhythm);
        assert!((mix.ratio(0, DAY / 2).unwrap() - 2.0).abs() < 1e-9);
        mix.add(5.0, Rhythm::EVEN);
        assert!((mix.ratio(0, DAY / 2).unwrap() - 1.5).abs() < 1e-9);
    }
}
