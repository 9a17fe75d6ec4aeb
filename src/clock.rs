//! Account time and wall time.
//!
//! Account time is the time the account lives in: AWS's own, or a range's, which may run faster. It drives metric windows,
//! polling, pacing, expiry and the age of a proof. Wall time drives frames, timeouts and signing. Wall time is tokio's, so
//! that tests on paused time move both.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

/// Account time, learnt from the answers' `Date` and rate headers. Cheap to clone; all clones tell the same time.
#[derive(Clone)]
pub struct AccountClock {
    state: Arc<Mutex<State>>,
    /// The machine's own clock, which goes on while the machine sleeps; wall time does not.
    machine: Option<MachineClock>,
}

type MachineClock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

impl fmt::Debug for AccountClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountClock").field("now", &self.now()).field("rate", &self.rate()).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy)]
struct State {
    base: DateTime<Utc>,
    at: Instant,
    rate: f64,
    learnt: bool,
    /// What the machine's own clock showed at `at`.
    machine_at: Option<DateTime<Utc>>,
}

/// The machine's own clock is ahead of wall time by more than this only after a sleep, or where somebody set it.
const SLEPT: TimeDelta = TimeDelta::seconds(30);

/// How far the `Date` of an answer may lie from our own reckoning before we believe it: it is cut to whole seconds and was
/// written before the answer travelled.
const TOLERANCE: TimeDelta = TimeDelta::milliseconds(1_500);

impl AccountClock {
    /// A clock that shows `now` and runs at `rate` account seconds per wall second until an answer says otherwise.
    #[must_use]
    pub fn new(now: DateTime<Utc>, rate: f64) -> Self {
        let state = State { base: now, at: Instant::now(), rate, learnt: false, machine_at: None };
        Self { state: Arc::new(Mutex::new(state)), machine: None }
    }

    /// A clock that starts from the machine's own clock, and notices by it that the machine slept: figures that were read before are old
    /// at once then, and not only with the next answer.
    #[must_use]
    pub fn system() -> Self {
        Self::by_machine(Arc::new(Utc::now))
    }

    fn by_machine(machine: MachineClock) -> Self {
        let now = machine();
        let state = State { base: now, at: Instant::now(), rate: 1.0, learnt: false, machine_at: Some(now) };
        Self { state: Arc::new(Mutex::new(state)), machine: Some(machine) }
    }

    /// Account time now, UTC.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let machine = self.machine.as_ref().map(|machine| machine());
        self.locked().now(machine)
    }

    /// Account seconds per wall second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.locked().rate
    }

    /// Takes note of an answer's `Date` (whole seconds) and, on a range, of its rate.
    pub fn learn(&self, date: DateTime<Utc>, rate: Option<f64>) {
        let machine_at = self.machine.as_ref().map(|machine| machine());
        let mut state = self.locked();
        let reckoned = state.now(machine_at);
        let rate = rate.filter(|r| r.is_finite() && *r > 0.0).unwrap_or(1.0);
        // At twenty account seconds a wall second, a millisecond of travel is twenty of account time.
        let slack = TOLERANCE + scaled(Duration::from_millis(250), rate);
        let off = (date + TimeDelta::milliseconds(500)) - reckoned;
        let rate_changed = (rate - state.rate).abs() > f64::EPSILON;
        // What a sleep added is taken into the base, so that setting the machine's clock does not take it away again.
        let slept = state.slept(machine_at) > TimeDelta::zero();
        if !state.learnt || off.abs() > slack {
            *state = State { base: date, at: Instant::now(), rate, learnt: true, machine_at };
        } else if rate_changed || slept {
            *state = State { base: reckoned, at: Instant::now(), rate, learnt: true, machine_at };
        }
    }

    /// The wall time that `account` lasts at the present rate.
    #[must_use]
    pub fn wall(&self, account: TimeDelta) -> Duration {
        let seconds = account.as_seconds_f64().max(0.0) / self.rate().max(f64::MIN_POSITIVE);
        Duration::from_secs_f64(seconds.min(86_400.0))
    }

    /// Waits for `account` of account time, noticing a change of rate within a quarter of a wall second. Account time that stands
    /// still or jumps back is not waited for: it takes no longer than the same time by the wall, and five seconds.
    pub async fn sleep(&self, account: TimeDelta) {
        let until = self.now() + account;
        let slowest = account.as_seconds_f64().max(0.0) / self.rate().clamp(1e-3, 1.0);
        let limit = Instant::now() + Duration::from_secs_f64(slowest.min(86_400.0) + 5.0);
        loop {
            let left = until - self.now();
            if left <= TimeDelta::zero() || Instant::now() >= limit {
                return;
            }
            tokio::time::sleep(self.wall(left).min(Duration::from_millis(250)).max(Duration::from_micros(200))).await;
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn now(&self, machine: Option<DateTime<Utc>>) -> DateTime<Utc> {
        self.base + scaled(self.at.elapsed(), self.rate) + self.slept(machine)
    }

    /// For how long the machine slept; a range that runs faster runs on this machine and sleeps with it.
    fn slept(&self, machine: Option<DateTime<Utc>>) -> TimeDelta {
        let Some((now, then)) = machine.zip(self.machine_at) else { return TimeDelta::zero() };
        let slept = (now - then) - scaled(self.at.elapsed(), 1.0);
        if slept > SLEPT && (self.rate - 1.0).abs() < f64::EPSILON { slept } else { TimeDelta::zero() }
    }
}

/// `wall` at `rate` account seconds per wall second.
#[allow(clippy::cast_possible_truncation)]
fn scaled(wall: Duration, rate: f64) -> TimeDelta {
    TimeDelta::microseconds((wall.as_secs_f64() * rate * 1e6) as i64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn t(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn account_time_runs_at_its_rate() {
        let clock = AccountClock::new(t(0), 20.0);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(clock.now(), t(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_rate_does_not_make_time_jump() {
        let clock = AccountClock::new(t(0), 20.0);
        clock.learn(t(0), Some(20.0));
        tokio::time::advance(Duration::from_secs(1)).await;
        clock.learn(t(20), Some(1.0));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.now(), t(21));
    }

    #[tokio::test(start_paused = true)]
    async fn a_date_far_off_is_believed() {
        let clock = AccountClock::new(t(0), 1.0);
        clock.learn(t(86_400), None);
        assert_eq!(clock.now(), t(86_400));
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_slept_is_noticed_before_any_answer() {
        let shown = Arc::new(Mutex::new(t(0)));
        let machine = Arc::clone(&shown);
        let clock = AccountClock::by_machine(Arc::new(move || *machine.lock().unwrap()));
        let show = |seconds| *shown.lock().unwrap() = t(seconds);
        clock.learn(t(100), None);
        tokio::time::advance(Duration::from_secs(20)).await;
        show(25);
        assert_eq!(clock.now(), t(120), "the two clocks never agree to the second");
        // Wall time stands still while the machine sleeps.
        show(3_620);
        assert_eq!(clock.now(), t(3_720));
        clock.learn(t(3_721), None);
        tokio::time::advance(Duration::from_secs(10)).await;
        show(3_630);
        assert_eq!(clock.now(), t(3_730), "an hour's sleep is counted once");
        // Somebody set the machine's clock back: account time does not care.
        show(0);
        assert_eq!(clock.now(), t(3_730));
    }

    #[tokio::test(start_paused = true)]
    async fn sleeping_lasts_account_time() {
        let clock = AccountClock::new(t(0), 60.0);
        let before = Instant::now();
        clock.sleep(TimeDelta::seconds(120)).await;
        assert!(before.elapsed() >= Duration::from_secs(2));
        assert!(before.elapsed() < Duration::from_millis(2_300));
    }
}
