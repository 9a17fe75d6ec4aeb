//! Account time as a function of wall time.

use std::time::Instant;

use chrono::{DateTime, Duration, Utc};

/// A clock that runs at a rate: so many seconds of account time in a second of wall time. It never reads the wall
/// itself.
#[derive(Debug, Clone)]
pub struct RangeClock {
    base: DateTime<Utc>,
    wall: Instant,
    rate: f64,
}

impl RangeClock {
    /// A clock that shows `start` at `wall` and runs at `rate`, which is kept within 0 and 3,600.
    #[must_use]
    pub fn new(start: DateTime<Utc>, wall: Instant, rate: f64) -> Self {
        Self { base: start, wall, rate: sane(rate) }
    }

    /// Account time at `wall`; a wall time before the last change of rate counts as that change.
    #[must_use]
    pub fn now(&self, wall: Instant) -> DateTime<Utc> {
        let elapsed = wall.saturating_duration_since(self.wall).as_secs_f64() * self.rate;
        // Microseconds of any session fit i64 many times over; the cast saturates.
        #[allow(clippy::cast_possible_truncation)]
        let micros = (elapsed * 1e6) as i64;
        self.base.checked_add_signed(Duration::microseconds(micros)).unwrap_or(self.base)
    }

    /// Seconds of account time in a second of wall time.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Changes the rate from `wall` on; account time does not jump.
    pub fn set_rate(&mut self, wall: Instant, rate: f64) {
        self.base = self.now(wall);
        self.wall = self.wall.max(wall);
        self.rate = sane(rate);
    }
}

fn sane(rate: f64) -> f64 {
    if rate.is_finite() { rate.clamp(0.0, 3_600.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_change_of_rate_rebases_and_never_jumps() {
        let wall = Instant::now();
        let seconds = std::time::Duration::from_secs;
        let mut clock = RangeClock::new(DateTime::UNIX_EPOCH, wall, 20.0);
        assert_eq!(clock.now(wall + seconds(3)), DateTime::UNIX_EPOCH + Duration::seconds(60));
        clock.set_rate(wall + seconds(3), 1.0);
        assert_eq!(clock.now(wall + seconds(3)), DateTime::UNIX_EPOCH + Duration::seconds(60));
        assert_eq!(clock.now(wall + seconds(5)), DateTime::UNIX_EPOCH + Duration::seconds(62));
        assert_eq!(clock.now(wall), DateTime::UNIX_EPOCH + Duration::seconds(60), "time never runs backwards");
    }
}
