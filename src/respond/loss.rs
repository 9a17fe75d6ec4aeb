//! What a change takes from the traffic of before the attack: one figure, one limit and one wording for blocks,
//! throttles and closures.

use chrono::{DateTime, Utc};

use crate::model::bounds;
use crate::model::text::grouped;

/// The share of what came before that a change takes, a fraction, and between what it may lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Taken {
    /// As far as it was seen.
    pub(super) share: f64,
    /// At least, and at most.
    pub(super) bounds: (f64, f64),
    /// The samples that it rests on, where it rests on any: those that it takes, and all.
    samples: Option<(u64, u64)>,
}

/// How a share stands to the largest that the team allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    /// Above it.
    Above,
    /// Not above it as far as it was seen, and it may be.
    MayBeAbove,
    /// Not above it, nineteen times out of twenty.
    Within,
}

/// Requests a second, and between what they may lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pace {
    /// As far as they were seen.
    pub(super) rate: f64,
    /// At least, and at most.
    pub(super) bounds: (f64, f64),
}

impl Pace {
    /// A rate that was counted.
    pub(super) fn counted(rate: f64) -> Self {
        Self { rate, bounds: (rate, rate) }
    }

    /// ` (between 3.1 and 9.0)`; nothing where it was counted.
    pub(super) fn bounded(self) -> String {
        match self.bounds {
            (low, high) if (high - low) < 0.05 => String::new(),
            (low, high) if low <= 0.0 => format!(" (at most {high:.1})"),
            (low, high) => format!(" (between {low:.1} and {high:.1})"),
        }
    }
}

impl Taken {
    /// Out of samples of before: so many of `of` would not get through any more. Nothing sampled tells nothing.
    pub(super) fn of_samples(hits: u64, of: u64) -> Option<Self> {
        (of > 0).then(|| Self {
            share: hits.min(of) as f64 / of as f64,
            bounds: bounds::share(hits, of),
            samples: Some((hits.min(of), of)),
        })
    }

    /// By rate: what is above `limit` of so many requests a second.
    pub(super) fn above(limit: f64, pace: Pace) -> Self {
        let above = |rate: f64| if rate > limit { 1.0 - limit / rate } else { 0.0 };
        let (low, high) = pace.bounds;
        Self { share: above(pace.rate), bounds: (above(low), above(high)), samples: None }
    }

    /// How it stands to the largest share that the team allows.
    pub(super) fn against(self, most: f64) -> Against {
        match self {
            Self { share, .. } if share > most => Against::Above,
            Self { bounds: (_, high), .. } if high > most => Against::MayBeAbove,
            _ => Against::Within,
        }
    }

    /// `none of 1,091, so at most 0.3 %`, `6.1 % (12 of 197, between 3.5 % and 10.4 %)`, `none`.
    pub(super) fn words(self) -> String {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let (seen, low, high) = (percent(self.share), percent(self.bounds.0), percent(self.bounds.1));
        match self.samples {
            Some((0, of)) => format!("none of {}, so at most {high}", grouped(of)),
            Some((hits, of)) if hits == of => format!("all of {}, so at least {low}", grouped(of)),
            Some((hits, of)) => {
                format!("{seen} ({} of {}, between {low} and {high})", grouped(hits), grouped(of))
            }
            None if high == percent(0.0) => "none".to_owned(),
            None if self.share <= 0.0 => format!("none as far as seen, and at most {high}"),
            None if low == high => seen,
            None => format!("{seen} (between {low} and {high})"),
        }
    }
}

/// When the traffic is of that a change is measured against.
pub(super) fn before(began: Option<DateTime<Utc>>) -> String {
    match began {
        Some(at) => format!("before the attack began at {}", at.format("%H:%M")),
        None => "in the last half hour (no attack is known)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sampled(hits: u64, of: u64) -> Taken {
        Taken::of_samples(hits, of).unwrap()
    }

    #[test]
    fn nought_of_n_is_at_most_three_of_n() {
        assert_eq!(Taken::of_samples(0, 0), None);
        for of in 1..500u64 {
            let (low, high) = sampled(0, of).bounds;
            assert!(low.to_bits() == 0 && (high - (3.0 / of as f64).min(1.0)).abs() < 1e-9, "{of}");
            let all = sampled(of, of);
            assert!((all.share - 1.0).abs() < 1e-9 && (all.bounds.0 - (1.0 - high)).abs() < 1e-9, "{of}");
        }
        assert_eq!(sampled(0, 1_091).words(), "none of 1,091, so at most 0.3 %");
        assert_eq!(sampled(60, 60).words(), "all of 60, so at least 95.0 %");
        assert_eq!(sampled(12, 197).words(), "6.1 % (12 of 197, between 3.5 % and 10.3 %)");
    }

    #[test]
    fn a_share_is_within_only_where_its_bound_is() {
        assert_eq!(sampled(0, 12).against(0.05), Against::MayBeAbove, "it may be a quarter");
        assert_eq!(sampled(0, 60).against(0.05), Against::Within);
        assert_eq!(sampled(6, 100).against(0.05), Against::Above);
        assert_eq!(sampled(3, 100).against(0.05), Against::MayBeAbove);
    }

    #[test]
    fn of_a_rate_what_is_above_the_limit_is_taken() {
        let counted = |rate| Taken::above(9.0, Pace::counted(rate));
        assert_eq!((counted(9.0).words().as_str(), counted(9.0).against(0.0)), ("none", Against::Within));
        assert_eq!((counted(12.0).words().as_str(), counted(12.0).against(0.05)), ("25.0 %", Against::Above));
        let few = Taken::above(9.0, Pace { rate: 5.0, bounds: (1.0, 12.0) });
        assert_eq!(few.words(), "none as far as seen, and at most 25.0 %");
        assert_eq!(few.against(0.05), Against::MayBeAbove);
        let some = Taken::above(9.0, Pace { rate: 12.0, bounds: (10.0, 18.0) });
        assert_eq!(some.words(), "25.0 % (between 10.0 % and 50.0 %)");
        assert_eq!(counted(0.0).share.to_bits(), 0, "nothing is above nothing");
    }
}
