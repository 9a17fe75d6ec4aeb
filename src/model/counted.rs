//! How requests were counted: where a count comes from, and between what an estimate lies.
//!
//! Knows no sources and no lists.

use serde::{Deserialize, Serialize};

/// Where a count comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CountedBy {
    /// WAF's samples: an estimate.
    WafSamples,
    /// The stage's access log: every request has a line.
    AccessLog,
    /// Nothing counts it: a rate rule names it, and neither samples nor the access log do.
    RateRule,
}

/// What a number out of samples may really be: at 95 % each, so that one in twenty is below the least and one in twenty
/// above the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bounds {
    /// The least.
    pub at_least: u64,
    /// The most.
    pub at_most: u64,
}

impl Bounds {
    /// One-sided, 95 %.
    const Z: f64 = 1.645;

    /// Of an estimate of `requests` that rests on so many sampled requests, out of `all` requests. Nought of n samples
    /// is at most 3/n, one is a twentieth to five times what it stands for (Byar's approximation of the Poisson
    /// limits).
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn of_sampled(requests: f64, samples: u64, all: f64) -> Self {
        let count = samples as f64;
        let each = if samples == 0 { requests } else { requests / count };
        let limit = |count: f64, z: f64| count * (1.0 - 1.0 / (9.0 * count) + z / (3.0 * count.sqrt())).powi(3);
        let least = if samples == 0 { 0.0 } else { limit(count, -Self::Z).max(0.0) };
        // Every sample is a request that was really sent, and no more were sent than there are.
        let at_least = (least * each).floor().max(count.min(requests.round()));
        let at_most = (limit(count + 1.0, Self::Z) * each).ceil().min(all.ceil()).max(at_least);
        Self { at_least: at_least as u64, at_most: at_most as u64 }
    }

    /// The bounds of a sum whose parts have these.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            at_least: self.at_least.saturating_add(other.at_least),
            at_most: self.at_most.saturating_add(other.at_most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_say_little_and_many_say_more() {
        let one = Bounds::of_sampled(2_600.0, 1, 200_000.0);
        assert!((1..=150).contains(&one.at_least) && (12_000..=12_700).contains(&one.at_most), "{one:?}");
        let nought = Bounds::of_sampled(10.0, 0, 1_000.0);
        assert!(nought.at_least == 0 && (29..=31).contains(&nought.at_most), "3/n: {nought:?}");
        let many = Bounds::of_sampled(2_600.0, 400, 200_000.0);
        assert!(many.at_least > 2_350 && many.at_most < 2_850, "{many:?}");
        assert_eq!(Bounds::of_sampled(50.0, 40, 50.0).at_most, 50, "no more than there are");
        assert_eq!(Bounds::of_sampled(50.0, 40, 50.0).at_least, 40, "what was seen was sent");
    }
}
