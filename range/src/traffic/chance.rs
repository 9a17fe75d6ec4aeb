//! Randomness that depends on nothing but its key.
//!
//! Every draw of the traffic engine comes from a generator keyed by the seed, a name and the step, so that the same
//! seed gives the same drill whoever polls when, and however account time is chopped up. The generator (`SplitMix64`)
//! and the draws are written out here, so that no release of a library changes what a seed means.

use crate::state::ids::mix;

/// A stream of draws.
#[derive(Debug, Clone)]
pub(crate) struct Chance {
    state: u64,
}

impl Chance {
    /// The stream of a seed, a name's hash (see [`crate::state::ids::hash`]) and a step.
    pub(crate) fn keyed(seed: u64, name: u64, step: i64) -> Self {
        Self { state: mix(seed ^ mix(name ^ mix(step.cast_unsigned()))) }
    }

    /// 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// From 0 inclusive to 1 exclusive.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// A standard normal deviate (Box-Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// How many events of a mean number happen.
    pub(crate) fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 30.0 {
            return whole(mean + mean.sqrt() * self.normal());
        }
        let (mut left, mut events) = (self.unit(), 0_u64);
        let mut probability = (-mean).exp();
        while left >= probability && events < 200 {
            left -= probability;
            events += 1;
            probability *= mean / events as f64;
        }
        events
    }

    /// How many of `trials` succeed. Exact where a normal deviate would be a poor stand-in.
    pub(crate) fn binomial(&mut self, trials: u64, probability: f64) -> u64 {
        if trials == 0 || probability <= 0.0 {
            return 0;
        }
        if probability >= 1.0 {
            return trials;
        }
        if probability > 0.5 {
            return trials - self.binomial(trials, 1.0 - probability);
        }
        let mean = trials as f64 * probability;
        if mean > 12.0 {
            let spread = (mean * (1.0 - probability)).sqrt();
            return whole(mean + spread * self.normal()).min(trials);
        }
        // Inversion: walk up the probability mass function.
        let odds = probability / (1.0 - probability);
        let mut mass = (trials as f64 * (-probability).ln_1p()).exp();
        let (mut left, mut successes) = (self.unit(), 0_u64);
        while left >= mass && successes < trials {
            left -= mass;
            mass *= odds * (trials - successes) as f64 / (successes + 1) as f64;
            successes += 1;
        }
        successes
    }

    /// `value` rounded up or down so that its mean stays.
    pub(crate) fn round(&mut self, value: f64) -> u64 {
        let floor = value.max(0.0).floor();
        whole(floor) + u64::from(self.unit() < value - floor)
    }

    /// An index below `len`; 0 for a `len` of 0.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        if len == 0 {
            return 0;
        }
        usize::try_from(self.bits() % len as u64).unwrap_or(0)
    }
}

/// The nearest whole number that is not negative.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // both ends are clamped
pub(crate) fn whole(value: f64) -> u64 {
    value.round().clamp(0.0, 9e15) as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn mean(draws: u32, mut draw: impl FnMut() -> u64) -> f64 {
        (0..draws).map(|_| draw() as f64).sum::<f64>() / f64::from(draws)
    }

    #[test]
    fn draws_have_the_mean_they_should() {
        let mut chance = Chance::keyed(1, 2, 3);
        for expected in [0.2, 5.0, 29.0, 400.0] {
            let found = mean(20_000, || chance.poisson(expected));
            assert!((found - expected).abs() < expected.sqrt() * 0.05, "poisson({expected}) had a mean of {found}");
        }
        for (trials, probability) in [(3, 0.5), (40, 0.02), (1000, 0.9), (1_200, 0.3)] {
            let expected = trials as f64 * probability;
            let found = mean(20_000, || chance.binomial(trials, probability));
            assert!(
                (found - expected).abs() < 0.05 * expected.sqrt().max(1.0),
                "binomial({trials}, {probability}) had {found}"
            );
        }
        let found = mean(20_000, || chance.round(2.3));
        assert!((found - 2.3).abs() < 0.02, "round(2.3) had a mean of {found}");
    }

    #[test]
    fn a_key_gives_the_same_stream_and_another_key_another() {
        let draw = |seed, name, step| Chance::keyed(seed, name, step).bits();
        assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
        let keys = [draw(1, 2, 3), draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4)];
        assert_eq!(std::collections::HashSet::from(keys).len(), 4);
    }
}
