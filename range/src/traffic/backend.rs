//! What integrations call, as one queue with a capacity.
//!
//! The range's own model (nothing of AWS's): work beyond the capacity waits, then is refused; far over the capacity
//! some of it is lost to contention; waiting shows as latency, refusal as 5XX, waiting longer than API Gateway does as
//! a timeout (also 5XX, 504).

use crate::scenario::{BackendSpec, LatencySpec};

use super::chance::Chance;

/// One backend.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    spec: BackendSpec,
    /// Units of work that wait.
    queue: f64,
    /// Instances that are warm, for cold starts.
    warm: f64,
    /// The last second, for requests that come one by one.
    last: Second,
}

/// How a backend fares in one second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Second {
    /// Share of the requests that it refuses with 5XX.
    pub(crate) refused: f64,
    /// Milliseconds that a request waits before it is served.
    pub(crate) wait_ms: f64,
    /// What service times are multiplied with.
    pub(crate) slower: f64,
    /// Share of the requests that meet a cold start.
    pub(crate) cold: f64,
}

impl Second {
    /// Nothing is wrong.
    pub(crate) const CALM: Self = Self { refused: 0.0, wait_ms: 0.0, slower: 1.0, cold: 0.0 };
}

impl Backend {
    pub(crate) fn new(spec: BackendSpec) -> Self {
        Self { spec, queue: 0.0, warm: 1.0, last: Second::CALM }
    }

    /// Takes a second's demand: `work` units in `requests` requests that take `latency_ms` on average when nothing is
    /// wrong.
    pub(crate) fn second(&mut self, work: f64, requests: u64, latency_ms: f64) -> Second {
        let spec = &self.spec;
        let over = (work / spec.capacity - 1.0).clamp(0.0, 4.0) / 4.0;
        let capacity = (spec.capacity * (1.0 - spec.collapse * over)).max(spec.capacity * 0.01);
        let waiting = self.queue;
        let left = (waiting + work - capacity).max(0.0);
        let room = spec.capacity * spec.queue_seconds;
        self.queue = left.min(room);
        let refused = if work > 0.0 { ((left - self.queue) / work).min(1.0) } else { 0.0 };
        let busy = (work / capacity).min(0.95);
        let wait_ms = f64::midpoint(waiting, self.queue) / capacity * 1000.0;
        let slower = 1.0 / (1.0 - busy.powi(3)).sqrt();
        let cold = self.cold(requests, latency_ms * slower + wait_ms);
        self.last = Second { refused, wait_ms, slower, cold };
        self.last
    }

    fn cold(&mut self, requests: u64, latency_ms: f64) -> f64 {
        let Some(cold) = self.spec.cold_start else { return 0.0 };
        let wanted = requests as f64 * latency_ms / 1000.0;
        let started = (wanted - self.warm).max(0.0);
        self.warm = (self.warm * (1.0 - 1.0 / cold.idle_seconds.max(1.0))).max(wanted);
        if requests == 0 { 0.0 } else { (started / requests as f64).min(1.0) }
    }

    /// The last second.
    pub(crate) fn last(&self) -> Second {
        self.last
    }

    /// How long a refused request took to be refused: it waited for a place first.
    pub(crate) fn refusal_ms(&self) -> f64 {
        (self.last.wait_ms * 1.05).clamp(5.0, self.spec.timeout_ms)
    }

    /// How long API Gateway waits.
    pub(crate) fn timeout_ms(&self) -> f64 {
        self.spec.timeout_ms
    }

    /// Milliseconds that a cold start adds.
    pub(crate) fn cold_ms(&self) -> f64 {
        self.spec.cold_start.map_or(0.0, |cold| cold.ms)
    }
}

/// A log-normal distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Latency {
    mu: f64,
    sigma: f64,
}

/// Quantiles that stand for the whole distribution, with their shares: finer towards the tail, where p99 is read.
pub(crate) const QUANTILES: [(f64, f64); 15] = [
    (0.05, 0.10),
    (0.15, 0.10),
    (0.25, 0.10),
    (0.35, 0.10),
    (0.45, 0.10),
    (0.55, 0.10),
    (0.65, 0.10),
    (0.75, 0.10),
    (0.85, 0.10),
    (0.925, 0.05),
    (0.965, 0.03),
    (0.985, 0.01),
    (0.9925, 0.005),
    (0.9965, 0.003),
    (0.999, 0.002),
];

/// Standard normal deviates of [`QUANTILES`].
const DEVIATES: [f64; 15] = [
    -1.644_854, -1.036_433, -0.674_490, -0.385_320, -0.125_661, 0.125_661, 0.385_320, 0.674_490, 1.036_433, 1.439_531,
    1.811_911, 2.170_090, 2.432_379, 2.696_844, 3.090_232,
];

impl Latency {
    /// From two percentiles in milliseconds.
    pub(crate) fn new(spec: LatencySpec) -> Self {
        Self { mu: spec.p50.ln(), sigma: (spec.p99 / spec.p50).ln() / 2.326_348 }
    }

    /// Always just so many milliseconds.
    pub(crate) fn fixed(ms: f64) -> Self {
        Self { mu: ms.max(1e-3).ln(), sigma: 0.0 }
    }

    /// The mean in milliseconds.
    pub(crate) fn mean(&self) -> f64 {
        (self.mu + self.sigma * self.sigma / 2.0).exp()
    }

    /// Milliseconds at one of [`QUANTILES`].
    pub(crate) fn at(&self, quantile: usize) -> f64 {
        (self.mu + self.sigma * DEVIATES[quantile]).exp()
    }

    /// Share of the requests that take longer than so many milliseconds.
    pub(crate) fn over(&self, ms: f64) -> f64 {
        if ms <= 0.0 {
            return 1.0;
        }
        let z = (ms.ln() - self.mu) / self.sigma.max(1e-9);
        // The logistic approximation of the normal tail is good to a percent, which is more than the model deserves.
        1.0 / (1.0 + (1.5976 * z + 0.07056 * z.powi(3)).exp())
    }

    /// Milliseconds of one request.
    pub(crate) fn draw(&self, chance: &mut Chance) -> f64 {
        (self.mu + self.sigma * chance.normal()).exp()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn database() -> Backend {
        let spec = r#"name = "db"
capacity = 100
queue_seconds = 2
collapse = 0.3
"#;
        Backend::new(toml::from_str(spec).unwrap())
    }

    #[test]
    fn saturation_refuses_and_waits_and_then_drains() {
        let mut backend = database();
        let calm = backend.second(40.0, 40, 20.0);
        assert!(calm.refused == 0.0 && calm.wait_ms == 0.0, "{calm:?}");
        let attacked = (0..10).map(|_| backend.second(1000.0, 1000, 20.0)).last().unwrap();
        assert!(attacked.refused > 0.85, "{attacked:?}");
        assert!(attacked.wait_ms > 2_000.0, "{attacked:?}");
        let after = (0..6).map(|_| backend.second(40.0, 40, 20.0)).last().unwrap();
        assert!(after.refused == 0.0 && after.wait_ms == 0.0, "{after:?}");
    }

    #[test]
    fn more_at_once_than_before_meets_cold_starts_and_the_same_again_does_not() {
        let spec = "name = \"f\"\ncapacity = 10000\ncold_start = { ms = 800 }\n";
        let mut backend = Backend::new(toml::from_str(spec).unwrap());
        let first = backend.second(500.0, 500, 100.0);
        assert!((first.cold - 49.0 / 500.0).abs() < 0.01, "50 instances, one of them warm: {first:?}");
        assert!(backend.second(500.0, 500, 100.0).cold < 0.001);
    }

    #[test]
    fn just_over_capacity_serves_what_it_can() {
        let mut backend = database();
        let served: f64 = (0..100).map(|_| 110.0 * (1.0 - backend.second(110.0, 110, 20.0).refused)).sum();
        assert!(served > 95.0 * 100.0, "{served}");
    }

    #[test]
    fn quantiles_have_the_percentiles_they_were_made_of() {
        let latency = Latency::new(LatencySpec { p50: 20.0, p99: 200.0 });
        let share: f64 = QUANTILES.iter().map(|(_, share)| share).sum();
        assert!((share - 1.0).abs() < 1e-9);
        assert!(latency.at(11) < 200.0 && latency.at(12) > 200.0);
        assert!((latency.at(4) * latency.at(5)).sqrt() - 20.0 < 1e-6);
    }
}
