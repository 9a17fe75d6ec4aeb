//! How long a write takes to reach traffic.

use std::ops::RangeInclusive;

use chrono::Duration;

use super::ids;

/// Delays between a write's answer and its effect on traffic, in seconds of account time.
///
/// WAF documents "a few seconds to a number of minutes" (documented); the range uses 5 to 30 s so that drills move.
/// Stage settings were seen to act within 3 to 10 s by a chaos-engineering tool that drives real stages (inferred).
#[derive(Debug, Clone)]
pub struct Propagation {
    /// Off: every write is visible at once.
    pub enabled: bool,
    /// IP sets, rule groups, web ACLs and associations.
    pub waf_seconds: RangeInclusive<u32>,
    /// Stages: settings and the deployment they point at.
    pub stage_seconds: RangeInclusive<u32>,
    /// From a call to its event in `CloudTrail`. "About five minutes" on average (documented); just that here.
    pub trail_seconds: u32,
    seed: u64,
    writes: u64,
}

impl Propagation {
    /// The defaults, keyed by `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { enabled: true, waf_seconds: 5..=30, stage_seconds: 3..=10, trail_seconds: 300, seed, writes: 0 }
    }

    /// The delay of the next WAF write to `resource`.
    pub(crate) fn waf(&mut self, resource: &str) -> Duration {
        self.next(resource, self.waf_seconds.clone())
    }

    /// The delay of the next stage write to `resource`.
    pub(crate) fn stage(&mut self, resource: &str) -> Duration {
        self.next(resource, self.stage_seconds.clone())
    }

    /// The delay of every event of the trail.
    pub(crate) fn trail(&self) -> Duration {
        Duration::seconds(if self.enabled { i64::from(self.trail_seconds) } else { 0 })
    }

    fn next(&mut self, resource: &str, seconds: RangeInclusive<u32>) -> Duration {
        if !self.enabled {
            return Duration::zero();
        }
        self.writes += 1;
        let span = u64::from(seconds.end().saturating_sub(*seconds.start())) + 1;
        let drawn = ids::mix(self.seed ^ ids::hash(resource) ^ self.writes) % span;
        Duration::seconds(i64::from(*seconds.start()) + i64::try_from(drawn).unwrap_or(0))
    }
}
