//! A stage's cache, per method, as a share of hits.
//!
//! With `n` requests a second over `keys` keys that live `ttl` seconds, a warm cache answers `x / (1 + x)` of them, `x = n * ttl / keys`
//! (renewal argument for exponential arrivals; the range's own model, not AWS's word). A flush empties it and misses fill it again.

use crate::scenario::Cacheable;

/// How warm one method's cache is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CacheState {
    /// Share of the keys in use that are held, 0 to 1.
    fill: f64,
    /// Requests a second, smoothed over about a minute.
    rate: f64,
}

impl CacheState {
    /// Takes a second's cacheable requests; gives the share that hits.
    pub(crate) fn second(&mut self, requests: u64, how: &Cacheable, ttl: f64) -> f64 {
        let n = requests as f64;
        self.rate += (n - self.rate) / 60.0;
        let hits = self.hit_share(how, ttl);
        let misses = n * (1.0 - hits);
        self.fill += (1.0 - self.fill) * (1.0 - (-misses / how.keys.max(1.0)).exp());
        // Nothing asked for: entries run out.
        if requests == 0 {
            self.fill *= 1.0 - (1.0 / ttl.max(1.0)).min(1.0);
        }
        hits
    }

    /// The share of requests that would hit now.
    pub(crate) fn hit_share(&self, how: &Cacheable, ttl: f64) -> f64 {
        let x = self.rate * ttl / how.keys.max(1.0);
        self.fill * x / (1.0 + x)
    }

    /// A flush.
    pub(crate) fn flush(&mut self) {
        self.fill = 0.0;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_cache_warms_and_a_flush_empties_it() {
        let how = Cacheable { keys: 200.0, ttl: 300.0 };
        let mut cache = CacheState::default();
        let first = cache.second(40, &how, 300.0);
        let warm = (0..600).map(|_| cache.second(40, &how, 300.0)).last().unwrap();
        assert!(first < 0.01 && warm > 0.9, "{first} then {warm}");
        cache.flush();
        assert!(cache.second(40, &how, 300.0) < 0.01);
    }
}
