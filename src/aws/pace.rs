//! Pacing: calls wait their turn inside the account's quotas, writes before plan reads before polling.
//!
//! The control plane's quotas are the account's, shared with its pipelines and everybody else on call; polling therefore
//! takes at most half of each. Buckets fill in account time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::AccountClock;

/// Who is asking; earlier ones go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Carrying out what was confirmed.
    Write,
    /// Reading for a plan.
    Plan,
    /// Watching.
    Poll,
}

/// Which quota a call counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quota {
    /// API Gateway's control plane: 10 a second, burst 40, all operations together (documented).
    ApiGateway,
    /// `CreateDeployment`: one in five seconds (documented).
    CreateDeployment,
    /// `GetResources`: five in two seconds (documented).
    Resources,
    /// WAFv2 Get/List: 5 a second per operation (documented).
    WafRead(&'static str),
    /// `GetWebACLForResource`, `ListResourcesForWebACL`: 1 a second (documented).
    WafSlowRead(&'static str),
    /// WAFv2 Create/Put/Update: 1 a second per operation (documented).
    WafWrite(&'static str),
    /// `AssociateWebACL`, `DisassociateWebACL`: one in two seconds (documented).
    WebAclAssociation(&'static str),
    /// `GetMetricData`: 50 a second (CloudWatch quotas 2023, now unverified).
    MetricData,
    /// `ListMetrics`: 25 a second (CloudWatch quotas 2023, now unverified).
    ListMetrics,
    /// CloudWatch Logs queries and lists: 5 a second per operation (CloudWatch Logs quotas; the least of those documented).
    Logs(&'static str),
    /// STS: not worth pacing.
    Identity,
}

impl Quota {
    /// Calls a second, and how many may be made at once after a rest. AWS does not document WAF's bursts: some are assumed
    /// (inferred: token buckets are how AWS throttles elsewhere), and a throttled answer is handled where it comes.
    fn limits(self) -> (f64, f64) {
        match self {
            Self::ApiGateway => (10.0, 40.0),
            Self::CreateDeployment => (0.2, 1.0),
            Self::Resources => (2.5, 5.0),
            Self::WafRead(_) => (5.0, 10.0),
            Self::WafSlowRead(_) | Self::WafWrite(_) => (1.0, 2.0),
            Self::WebAclAssociation(_) => (0.5, 1.0),
            Self::MetricData => (50.0, 50.0),
            Self::ListMetrics => (25.0, 25.0),
            Self::Logs(_) => (5.0, 5.0),
            Self::Identity => (100.0, 100.0),
        }
    }
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: DateTime<Utc>,
    rate: f64,
    burst: f64,
    /// Calls of higher lanes now waiting, by lane.
    waiting: [usize; 3],
}

impl Bucket {
    fn fill(&mut self, now: DateTime<Utc>) {
        let elapsed = (now - self.at).as_seconds_f64().max(0.0);
        self.tokens = (self.tokens + elapsed * self.rate).min(self.burst);
        self.at = now;
    }

    /// Takes a token for `lane`, or says how many account seconds are missing.
    fn take(&mut self, lane: Lane, polling_share: bool) -> Option<f64> {
        let outranked = self.waiting[..lane as usize].iter().any(|n| *n > 0);
        let reserve = if polling_share { 0.0 } else { self.reserve(lane).min(self.burst - 1.0) };
        if !outranked && self.tokens - 1.0 >= reserve {
            self.tokens -= 1.0;
            return None;
        }
        Some(((reserve + 1.0 - self.tokens).max(0.05) / self.rate).min(60.0))
    }

    /// Tokens that `lane` must leave: polling may only use the upper half of the bucket, and so at most half of the rate.
    fn reserve(&self, lane: Lane) -> f64 {
        if lane == Lane::Poll { self.burst / 2.0 } else { 0.0 }
    }
}

/// The buckets of one account and region.
#[derive(Debug)]
pub struct Pace {
    clock: AccountClock,
    buckets: Mutex<HashMap<(Quota, bool), Bucket>>,
}

impl Pace {
    /// Full buckets on `clock`.
    #[must_use]
    pub fn new(clock: AccountClock) -> Self {
        Self { clock, buckets: Mutex::new(HashMap::new()) }
    }

    /// Waits until `lane` may make a call against `quota`, and takes its token.
    pub async fn turn(&self, quota: Quota, lane: Lane) {
        if lane == Lane::Poll {
            self.take((quota, true), lane).await;
        }
        self.take((quota, false), lane).await;
    }

    async fn take(&self, key: (Quota, bool), lane: Lane) {
        // Dropped with a cancelled call as well, so that nobody waits for a caller who has gone.
        let mut place: Option<Place<'_>> = None;
        loop {
            let Some(wait) = self.attempt(key, lane) else {
                return;
            };
            place.get_or_insert_with(|| Place::take(self, key, lane));
            tokio::time::sleep(wait.clamp(Duration::from_millis(1), Duration::from_millis(500))).await;
        }
    }

    fn with_bucket<T>(&self, key: (Quota, bool), f: impl FnOnce(&mut Bucket) -> T) -> T {
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(key).or_insert_with(|| {
            let (rate, burst) = key.0.limits();
            let share = if key.1 { 0.5 } else { 1.0 };
            let burst = (burst * share).max(1.0);
            Bucket { tokens: burst, at: now, rate: rate * share, burst, waiting: [0; 3] }
        });
        bucket.fill(now);
        f(bucket)
    }

    /// Takes a token, or says how long to wait.
    fn attempt(&self, key: (Quota, bool), lane: Lane) -> Option<Duration> {
        let missing_seconds = self.with_bucket(key, |bucket| bucket.take(lane, key.1))?;
        let missing = TimeDelta::from_std(Duration::from_secs_f64(missing_seconds)).unwrap_or_default();
        Some(self.clock.wall(missing))
    }
}

/// A waiting call's place in the queue of its bucket.
struct Place<'a> {
    pace: &'a Pace,
    key: (Quota, bool),
    lane: Lane,
}

impl<'a> Place<'a> {
    fn take(pace: &'a Pace, key: (Quota, bool), lane: Lane) -> Self {
        pace.with_bucket(key, |bucket| bucket.waiting[lane as usize] += 1);
        Self { pace, key, lane }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pace.with_bucket(self.key, |bucket| {
            let waiting = &mut bucket.waiting[self.lane as usize];
            *waiting = waiting.saturating_sub(1);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    fn pace() -> Pace {
        Pace::new(AccountClock::new(DateTime::UNIX_EPOCH, 1.0))
    }

    #[tokio::test(start_paused = true)]
    async fn polling_takes_at_most_half_of_the_rate() {
        let pace = pace();
        let start = Instant::now();
        for _ in 0..120 {
            pace.turn(Quota::ApiGateway, Lane::Poll).await;
        }
        // Twenty at once, a hundred more at five a second.
        let seconds = start.elapsed().as_secs_f64();
        assert!((19.9..21.0).contains(&seconds), "{seconds}");
        let before = Instant::now();
        pace.turn(Quota::ApiGateway, Lane::Plan).await;
        assert_eq!(before.elapsed(), Duration::ZERO, "a plan's read must not wait behind polling");
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_goes_before_a_waiting_read() {
        let pace = std::sync::Arc::new(pace());
        let quota = Quota::WafWrite("UpdateIPSet");
        pace.turn(quota, Lane::Write).await;
        pace.turn(quota, Lane::Write).await;
        let order = std::sync::Arc::new(Mutex::new(Vec::new()));
        let spawn = |lane: Lane| {
            let (pace, order) = (std::sync::Arc::clone(&pace), std::sync::Arc::clone(&order));
            tokio::spawn(async move {
                pace.turn(quota, lane).await;
                order.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
            })
        };
        let plan = spawn(Lane::Plan);
        tokio::time::sleep(Duration::from_millis(10)).await;
        let write = spawn(Lane::Write);
        let _ = tokio::join!(plan, write);
        assert_eq!(*order.lock().unwrap_or_else(PoisonError::into_inner), vec![Lane::Write, Lane::Plan]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_call_leaves_the_queue() {
        let pace = pace();
        let quota = Quota::WafWrite("UpdateIPSet");
        pace.turn(quota, Lane::Write).await;
        pace.turn(quota, Lane::Write).await;
        let gone = tokio::time::timeout(Duration::from_millis(1), pace.turn(quota, Lane::Write)).await;
        assert!(gone.is_err());
        assert!(tokio::time::timeout(Duration::from_secs(5), pace.turn(quota, Lane::Plan)).await.is_ok());
    }
}
