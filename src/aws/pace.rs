//! Pacing: calls wait their turn inside the account's quotas, writes before plan reads before polling.
//!
//! The control plane's quotas are the account's, shared with its pipelines and everybody else on call; polling
//! therefore takes at most half of each. Buckets fill in account time. Nobody tells us what others take: an answer that
//! says "too many calls" does, and empties the bucket.

mod bucket;
mod quota;
mod waits;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use self::bucket::{Bucket, Rank};
pub use self::quota::{Lane, Quota};
use self::waits::Book;
pub use self::waits::{Waited, Waits};
use crate::clock::AccountClock;

/// The longest that a waiting call sleeps before it looks again, wall time: the clock's rate may have changed.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A bucket: a quota's own, or the share of it that polling may take.
type Key = (Quota, bool);

/// Chance between 0 and 1.
type Chance = Box<dyn Fn() -> f64 + Send + Sync>;

/// The buckets of one account and region.
pub struct Pace {
    clock: AccountClock,
    buckets: Mutex<HashMap<Key, Bucket>>,
    next: AtomicU64,
    chance: Chance,
    book: Arc<Book>,
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").field("clock", &self.clock).field("buckets", &self.buckets).finish_non_exhaustive()
    }
}

/// One call on its way, however often it is sent: it keeps its place among those of its lane.
#[derive(Debug)]
pub(in crate::aws) struct Caller {
    quota: Quota,
    rank: Rank,
    /// When it first had to wait.
    since: Option<Instant>,
    /// Refusals that were known when it was last sent.
    sent_at: u64,
    /// How often AWS has turned it away, where it is sent for minutes.
    turned_away: Option<u32>,
}

/// The time until which a call would wait has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::aws) struct TooLate;

impl Pace {
    /// Full buckets on `clock`.
    #[must_use]
    pub fn new(clock: AccountClock) -> Self {
        Self::with_chance(clock, Box::new(chance()))
    }

    fn with_chance(clock: AccountClock, chance: Chance) -> Self {
        Self { clock, buckets: Mutex::default(), next: AtomicU64::new(0), chance, book: Book::new() }
    }

    /// What is waited for, as it changes.
    #[must_use]
    pub fn waits(&self) -> Waits {
        Waits::of(&self.book)
    }

    /// Waits until `lane` may make a call against `quota`, and takes its token.
    pub async fn turn(&self, quota: Quota, lane: Lane) {
        let mut caller = self.caller(quota, lane);
        // Without an end there is no being late.
        let _ = self.wait(&mut caller, None).await;
    }

    /// A call that is to be made.
    pub(in crate::aws) fn caller(&self, quota: Quota, lane: Lane) -> Caller {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Caller { quota, rank: Rank { lane, number }, since: None, sent_at: 0, turned_away: None }
    }

    /// Waits until the call may be sent, again if it was turned away, and takes its token; no longer than `until` (wall
    /// time).
    pub(in crate::aws) async fn wait(&self, caller: &mut Caller, until: Option<Instant>) -> Result<(), TooLate> {
        if caller.rank.lane == Lane::Poll {
            self.take((caller.quota, true), caller, until).await?;
        }
        self.take((caller.quota, false), caller, until).await
    }

    /// A call that is sent for minutes: while AWS turns it away, it comes back more and more slowly.
    pub(in crate::aws) fn persistent(&self, quota: Quota, lane: Lane) -> Caller {
        Caller { turned_away: Some(0), ..self.caller(quota, lane) }
    }

    /// AWS said that the call was one too many.
    pub(in crate::aws) fn refused(&self, caller: &mut Caller) {
        let chance = (self.chance)();
        let again = caller.turned_away.unwrap_or(0);
        caller.turned_away = caller.turned_away.map(|times| times.saturating_add(1));
        self.with_bucket((caller.quota, false), |bucket| bucket.refused(caller.sent_at, again, chance));
    }

    /// AWS took the call, whatever became of it.
    pub(in crate::aws) fn accepted(&self, caller: &Caller) {
        self.with_bucket((caller.quota, false), |bucket| bucket.accepted(caller.sent_at));
    }

    async fn take(&self, key: Key, caller: &mut Caller, until: Option<Instant>) -> Result<(), TooLate> {
        // Dropped with a cancelled call as well, so that nobody waits for a caller who has gone.
        let mut place: Option<Place<'_>> = None;
        loop {
            let Some(wait) = self.attempt(key, caller, &mut place) else { return Ok(()) };
            let Some(place) = &place else { continue };
            let end = Instant::now() + wait.clamp(Duration::from_millis(1), LOOK_AGAIN);
            if until.is_some_and(|until| until <= Instant::now()) {
                return Err(TooLate);
            }
            let end = until.map_or(end, |until| until.min(end));
            tokio::select! {
                () = place.first.notified() => {}
                () = tokio::time::sleep_until(end) => {}
            }
        }
    }

    /// Takes a token, or joins the queue and says how long to wait at most.
    fn attempt<'a>(&'a self, key: Key, caller: &mut Caller, place: &mut Option<Place<'a>>) -> Option<Duration> {
        let rank = caller.rank;
        let taken = self.with_bucket(key, |bucket| {
            // Polling may only use the upper half of the bucket, and so at most half of the rate.
            let reserve = if rank.lane == Lane::Poll && !key.1 { bucket.half() } else { 0.0 };
            match bucket.take(rank, reserve) {
                Ok(()) => Ok(bucket.refusals()),
                Err(missing) => Err((missing, place.is_none().then(|| bucket.join(rank)))),
            }
        });
        let (missing, joined) = match taken {
            Ok(refusals) => {
                if !key.1 {
                    caller.sent_at = refusals;
                }
                return None;
            }
            Err(waiting) => waiting,
        };
        if let Some(first) = joined {
            let since = *caller.since.get_or_insert_with(Instant::now);
            let told = rank.lane != Lane::Poll;
            if told {
                self.book.enter(rank.number, key.0, since);
            }
            *place = Some(Place { pace: self, key, rank, first, told });
        }
        Some(missing.map_or(LOOK_AGAIN, |missing| self.clock.wall(missing)))
    }

    fn with_bucket<T>(&self, key: Key, f: impl FnOnce(&mut Bucket) -> T) -> T {
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(key).or_insert_with(|| {
            let (rate, burst) = key.0.limits();
            let share = if key.1 { 0.5 } else { 1.0 };
            Bucket::new(rate * share, (burst * share).max(1.0), now)
        });
        bucket.fill(now);
        f(bucket)
    }
}

/// Chance that differs from process to process and from call to call: for spreading calls out, and for nothing that
/// must not be guessed.
fn chance() -> impl Fn() -> f64 + Send + Sync {
    use std::hash::{BuildHasher, RandomState};
    let (keyed, drawn) = (RandomState::new(), AtomicU64::new(0));
    move || {
        let drawn = drawn.fetch_add(1, Ordering::Relaxed);
        // 32 bits fit the fraction of a double.
        f64::from((keyed.hash_one(drawn) >> 32) as u32) / f64::from(u32::MAX)
    }
}

/// A waiting call's place in the queue of its bucket.
struct Place<'a> {
    pace: &'a Pace,
    key: Key,
    rank: Rank,
    /// Told when it is first.
    first: Arc<Notify>,
    /// Whether it stands among what is waited for.
    told: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pace.with_bucket(self.key, |bucket| bucket.leave(self.rank));
        if self.told {
            self.pace.book.strike(self.rank.number);
        }
    }
}

#[cfg(test)]
mod tests;
