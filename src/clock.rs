//! Account time and wall time.
//!
//! Account time is the time the account lives in: AWS's own, or a range's, which may run faster. It drives metric
//! windows, polling, pacing, expiry and the age of a proof. Wall time drives frames, timeouts and signing. Wall time is
//! tokio's, so that tests on paused time move both.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

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
    /// What the machine's own clock showed at `at`.
    machine_at: Option<DateTime<Utc>>,
    /// How many speak for this time: the machine's own clock, or a range in this process, and the answers that agreed.
    witnesses: u32,
    /// Whether any answer was taken note of.
    answered: bool,
    /// When an answer agreed last.
    agreed: Instant,
    /// Another time that answers have told since.
    rival: Option<Rival>,
    jump: Option<Jump>,
}

/// A time that answers tell and that is not ours.
#[derive(Debug, Clone, Copy)]
struct Rival {
    date: DateTime<Utc>,
    at: Instant,
    rate: f64,
    answers: u32,
}

/// Account time that became another at once, since several answers agreed on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// What it had been.
    pub from: DateTime<Utc>,
    /// What it was then.
    pub to: DateTime<Utc>,
}

impl Jump {
    /// Whether `time` was still to come before it, and was past after it.
    #[must_use]
    pub fn passed(&self, time: DateTime<Utc>) -> bool {
        self.from < time && time <= self.to
    }

    /// What happened, in one line.
    #[must_use]
    pub fn words(&self) -> String {
        let (way, by) =
            if self.to > self.from { ("ahead", self.to - self.from) } else { ("back", self.from - self.to) };
        let by = Duration::from_secs(u64::try_from(by.num_seconds()).unwrap_or(0));
        format!(
            "account time jumped {way} by {}, to {}: several answers agree on it",
            humantime::format_duration(by),
            self.to.format("%Y-%m-%d %H:%M:%SZ")
        )
    }
}

/// The machine's own clock is ahead of wall time by more than this only after a sleep, or where somebody set it.
const SLEPT: TimeDelta = TimeDelta::seconds(30);

/// How far the `Date` of an answer may lie from our own reckoning and still agree with it: it is cut to whole seconds
/// and was written before the answer travelled.
const TOLERANCE: TimeDelta = TimeDelta::milliseconds(1_500);

/// How many witnesses make a time certain.
const SETTLED: u32 = 2;

/// How many answers in a row must agree on another time before one that is certain is given up.
const TO_MOVE: u32 = 3;

/// What the machine's own clock shows, even where that is before 1970.
fn machine_now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// Whether the machine's own clock can be right at all.
///
/// # Errors
/// A sentence for people where it shows a time before 1970.
pub fn check_machine(now: SystemTime) -> Result<(), String> {
    match now.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "this machine's clock shows {}, which is before 1970: no request can be signed, and no certificate is valid. \
             Set the clock (`timedatectl set-ntp true`, or `date -s`), then try again",
            DateTime::<Utc>::from(now).format("%Y-%m-%d %H:%M:%SZ")
        )),
    }
}

impl AccountClock {
    /// A clock that shows `now` and runs at `rate` account seconds per wall second until answers say otherwise.
    #[must_use]
    pub fn new(now: DateTime<Utc>, rate: f64) -> Self {
        let state = State { witnesses: SETTLED, answered: true, ..State::starting(now, rate, None) };
        Self { state: Arc::new(Mutex::new(state)), machine: None }
    }

    /// A clock that starts from the machine's own clock, and notices by it that the machine slept: figures that were
    /// read before are old at once then, and not only with the next answer.
    #[must_use]
    pub fn system() -> Self {
        Self::by_machine(Arc::new(machine_now))
    }

    fn by_machine(machine: MachineClock) -> Self {
        let now = machine();
        let state = State::starting(now, 1.0, Some(now));
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

    /// Takes note of an answer's `Date` (whole seconds) and, on a range, of its rate. A single answer that tells
    /// another time moves nothing: it takes several in a row that agree with each other.
    pub fn learn(&self, date: DateTime<Utc>, rate: Option<f64>) {
        let machine_at = self.machine.as_ref().map(|machine| machine());
        let rate = rate.filter(|r| r.is_finite() && *r > 0.0);
        self.locked().learn(date, rate, machine_at);
    }

    /// Whether the time is certain enough to decide what has expired: two witnesses at least agree on it, and nothing
    /// speaks against it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let machine = self.machine.as_ref().map(|machine| machine());
        let state = self.locked();
        state.witnesses >= SETTLED && state.rival.is_none() && state.slept(machine) == TimeDelta::zero()
    }

    /// The last time that account time became another at once, where it did.
    #[must_use]
    pub fn jump(&self) -> Option<Jump> {
        self.locked().jump
    }

    /// The wall time that `account` lasts at the present rate.
    #[must_use]
    pub fn wall(&self, account: TimeDelta) -> Duration {
        let seconds = account.as_seconds_f64().max(0.0) / self.rate().max(f64::MIN_POSITIVE);
        Duration::from_secs_f64(seconds.min(86_400.0))
    }

    /// Waits for `account` of account time, noticing a change of rate within a quarter of a wall second. Account time
    /// that stands still or jumps back is not waited for: it takes no longer than the same time by the wall, and five
    /// seconds.
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
    fn starting(now: DateTime<Utc>, rate: f64, machine_at: Option<DateTime<Utc>>) -> Self {
        let at = Instant::now();
        Self { base: now, at, rate, machine_at, witnesses: 1, answered: false, agreed: at, rival: None, jump: None }
    }

    fn now(&self, machine: Option<DateTime<Utc>>) -> DateTime<Utc> {
        self.awake() + self.slept(machine)
    }

    /// The time as though the machine had not slept.
    fn awake(&self) -> DateTime<Utc> {
        self.base + scaled(self.at.elapsed(), self.rate)
    }

    fn learn(&mut self, date: DateTime<Utc>, told_rate: Option<f64>, machine_at: Option<DateTime<Utc>>) {
        let rate = told_rate.unwrap_or(1.0);
        // At twenty account seconds a wall second, a millisecond of travel is twenty of account time.
        let slack = TOLERANCE + scaled(Duration::from_millis(250), rate);
        let near = |time: DateTime<Utc>, slack: TimeDelta| (date + TimeDelta::milliseconds(500) - time).abs() <= slack;
        let (awake, slept) = (self.awake(), self.now(machine_at));
        // A rate that changed since the last answer explains that much.
        let by_rate = scaled(self.agreed.elapsed(), (rate - self.rate).abs());
        // What a sleep added is taken into the base, so that setting the machine's clock does not take it away again;
        // where the machine did not sleep and its clock was set, the answers say so.
        if near(slept, slack) {
            self.agree(slept, rate, machine_at);
        } else if near(awake, slack) {
            self.agree(awake, rate, machine_at);
        } else if by_rate > TimeDelta::zero() && near(awake, slack + by_rate) {
            self.agree(date, rate, machine_at);
        } else if !self.answered && told_rate.is_some() {
            // A range's time has nothing to do with the machine's clock: its first answer is the first witness.
            self.set(date, rate, machine_at, 1);
        } else {
            self.disagree(date, rate, machine_at, slack);
        }
        self.answered = true;
    }

    fn agree(&mut self, now: DateTime<Utc>, rate: f64, machine_at: Option<DateTime<Utc>>) {
        let witnesses = self.witnesses.saturating_add(1);
        let slept = self.slept(machine_at) > TimeDelta::zero();
        if slept || (rate - self.rate).abs() > f64::EPSILON {
            self.set(now, rate, machine_at, witnesses);
        } else {
            *self = Self { witnesses, answered: true, agreed: Instant::now(), rival: None, ..*self };
        }
    }

    fn set(&mut self, now: DateTime<Utc>, rate: f64, machine_at: Option<DateTime<Utc>>, witnesses: u32) {
        let at = Instant::now();
        *self = Self {
            base: now,
            at,
            rate,
            machine_at,
            witnesses,
            answered: true,
            agreed: at,
            rival: None,
            jump: self.jump,
        };
    }

    fn disagree(&mut self, date: DateTime<Utc>, rate: f64, machine_at: Option<DateTime<Utc>>, slack: TimeDelta) {
        let same = |rival: &Rival| (date - rival.date - scaled(rival.at.elapsed(), rival.rate)).abs() <= slack;
        let answers = self.rival.as_ref().filter(|rival| same(rival)).map_or(0, |rival| rival.answers) + 1;
        let needed = if self.witnesses >= SETTLED { TO_MOVE } else { self.witnesses + 1 };
        if answers < needed {
            self.rival = Some(Rival { date, at: Instant::now(), rate, answers });
            return;
        }
        let from = self.now(machine_at);
        self.set(date, rate, machine_at, answers);
        self.jump = Some(Jump { from, to: date });
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
    async fn a_single_strange_date_moves_nothing_and_several_that_agree_do() {
        let clock = AccountClock::new(t(0), 1.0);
        for strange in [86_400, -86_400, 3_600, 7_200, 40] {
            clock.learn(t(strange), None);
            assert_eq!(clock.now(), t(0), "{strange}");
            assert!(!clock.is_settled());
            clock.learn(t(strange), None);
            clock.learn(t(0), None);
            assert!(clock.is_settled() && clock.jump().is_none(), "{strange}");
        }
        for answer in 0..3 {
            assert_eq!(clock.now(), t(answer), "{answer}");
            clock.learn(t(86_400 + answer), None);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(clock.now(), t(86_403));
        let jump = clock.jump().unwrap();
        assert_eq!(jump, Jump { from: t(2), to: t(86_402) });
        assert!(jump.passed(t(3)) && !jump.passed(t(2)) && !jump.passed(t(86_403)));
        assert!(jump.words().contains("ahead by 1day"), "{}", jump.words());
        assert!(clock.is_settled());
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_answers_are_held_against_the_machine_s_clock() {
        let clock = AccountClock::by_machine(Arc::new(|| t(0)));
        assert!(!clock.is_settled());
        clock.learn(t(86_400), None);
        assert_eq!((clock.now(), clock.is_settled()), (t(0), false));
        clock.learn(t(0), None);
        assert_eq!((clock.now(), clock.is_settled()), (t(0), true));

        // A machine whose own clock is wrong: two answers outweigh it.
        let clock = AccountClock::by_machine(Arc::new(|| t(-7_200)));
        clock.learn(t(0), None);
        clock.learn(t(0), None);
        assert_eq!((clock.now(), clock.is_settled()), (t(0), true));
        assert_eq!(clock.jump(), Some(Jump { from: t(-7_200), to: t(0) }));
    }

    #[tokio::test(start_paused = true)]
    async fn a_range_s_time_is_taken_from_its_first_answer_and_certain_with_the_second() {
        let clock = AccountClock::by_machine(Arc::new(|| t(500_000)));
        clock.learn(t(0), Some(20.0));
        assert_eq!((clock.now(), clock.is_settled(), clock.jump()), (t(0), false, None));
        tokio::time::advance(Duration::from_secs(1)).await;
        clock.learn(t(20), Some(20.0));
        assert!(clock.is_settled());
        // Its first answer was the strange one.
        let clock = AccountClock::by_machine(Arc::new(|| t(500_000)));
        clock.learn(t(86_400), Some(20.0));
        clock.learn(t(0), Some(20.0));
        assert!(!clock.is_settled());
        clock.learn(t(0), Some(20.0));
        assert_eq!((clock.now(), clock.is_settled()), (t(0), true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_that_changed_unseen_explains_what_it_can() {
        let clock = AccountClock::new(t(0), 60.0);
        clock.learn(t(0), Some(60.0));
        // Ten seconds of wall time, of which the last nine at one to one.
        tokio::time::advance(Duration::from_secs(10)).await;
        clock.learn(t(69), Some(1.0));
        assert_eq!(clock.now(), t(69));
        clock.learn(t(69 + 86_400), Some(60.0));
        assert_eq!(clock.now(), t(69), "a day is more than any rate of these explains");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_before_1970_is_said_so() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_hours(24);
        let said = check_machine(before).unwrap_err();
        assert!(said.contains("1969-12-31 00:00:00Z") && said.contains("timedatectl"), "{said}");
        assert_eq!(check_machine(SystemTime::now()), Ok(()));
        let before: DateTime<Utc> = before.into();
        assert_eq!(AccountClock::by_machine(Arc::new(move || before)).now(), before);
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_s_clock_that_was_set_ahead_is_undone_by_the_next_answer() {
        let shown = Arc::new(Mutex::new(t(0)));
        let machine = Arc::clone(&shown);
        let clock = AccountClock::by_machine(Arc::new(move || *machine.lock().unwrap()));
        clock.learn(t(0), None);
        assert!(clock.is_settled());
        *shown.lock().unwrap() = t(86_400);
        assert!(!clock.is_settled(), "it slept a day, or somebody set its clock: not known yet");
        clock.learn(t(0), None);
        assert_eq!((clock.now(), clock.is_settled()), (t(0), true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_slept_is_noticed_before_any_answer() {
        let shown = Arc::new(Mutex::new(t(0)));
        let machine = Arc::clone(&shown);
        let clock = AccountClock::by_machine(Arc::new(move || *machine.lock().unwrap()));
        let show = |seconds| *shown.lock().unwrap() = t(seconds);
        clock.learn(t(100), None);
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
