//! A stage's cache, per method, as a share of hits.
//!
//! With `n` requests a second over `keys` keys that live `ttl` seconds, a warm cache answers `x / (1 + x)` of them,
//! `x = n * ttl / keys` (renewal argument for exponential arrivals; the range's own model, not AWS's word). A flush
//! empties it and misses fill it again, as far as the backend answers them: failures are not kept.

use crate::scenario::Cacheable;

/// How warm one method's cache is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CacheState {
    /// Share of the keys in use that are held, 0 to 1.
    fill: f64,
    /// Requests a second, smoothed over about a minute.
    rate: f64,
    /// Share of the misses that the backend failed in the last second.
    failed: f64,
    /// When it was emptied last, in seconds since the epoch.
    emptied: Option<i64>,
}

impl CacheState {
    /// Takes a second's cacheable requests; gives the share that hits.
    pub(crate) fn second(&mut self, requests: u64, how: &Cacheable, ttl: f64) -> f64 {
        let n = requests as f64;
        self.rate += (n - self.rate) / 60.0;
        let hits = self.hit_share(how, ttl);
        let misses = n * (1.0 - hits) * (1.0 - self.failed);
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

    /// The share of a caller's requests that hit answers from before its privileges ended, `since` seconds ago: what
    /// was held then runs out evenly over the time to live, and nothing new comes in.
    pub(crate) fn stale_share(&self, how: &Cacheable, ttl: f64, now: i64, since: i64) -> f64 {
        let emptied = self.emptied.is_some_and(|emptied| emptied >= now - since);
        let left = 1.0 - since as f64 / ttl.max(1.0);
        if emptied { 0.0 } else { self.hit_share(how, ttl) * left.max(0.0) }
    }

    /// Notes how the backend fared with the misses of a second.
    pub(crate) fn fared(&mut self, answered: u64, failed: u64) {
        let all = answered + failed;
        self.failed = if all == 0 { 0.0 } else { failed as f64 / all as f64 };
    }

    /// A flush, at so many seconds since the epoch.
    pub(crate) fn flush(&mut self, at: i64) {
        (self.fill, self.emptied) = (0.0, Some(at));
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
        cache.flush(0);
        assert!(cache.second(40, &how, 300.0) < 0.01);
    }
}
