//! Clients who go away once nothing works, and come back.
//!
//! The range's own model: three failures in a row let a client leave and three successes in a row let one return, at a
//! share `f` of failures therefore `f^3` and `(1 - f)^3` of those who would at most. What fails now and then drives
//! hardly anybody away.

use super::Recent;
use crate::scenario::PatienceSpec;
use crate::traffic::truth::Counts;

/// Seconds over which failures are looked at.
const SEEN: f64 = 15.0;
/// Share of the clients that always keeps looking in: without it nobody would notice that it works again.
const STEADFAST: f64 = 0.02;

/// How many of a population's clients are there.
#[derive(Debug)]
pub(super) struct Patience {
    spec: PatienceSpec,
    recent: Recent,
    present: f64,
}

impl Patience {
    pub(super) fn new(spec: PatienceSpec) -> Self {
        Self { spec, recent: Recent::default(), present: 1.0 }
    }

    /// Share of the clients who have not gone away.
    pub(super) fn present(&self) -> f64 {
        self.present
    }

    /// Takes what became of a second's requests. The application's own 4XX are answers.
    pub(super) fn see(&mut self, second: &Counts) {
        let refused = second.waf_blocked + second.denied + second.unauthorized + second.throttled;
        self.recent.add(second.requests, refused + second.server_errors, SEEN);
        let failing = self.recent.share();
        let leaving = self.present * failing.powi(3) / self.spec.lasts.as_f64().max(1.0);
        let returning = (1.0 - self.present) * (1.0 - failing).powi(3) / self.spec.away.as_f64().max(1.0);
        self.present = (self.present - leaving + returning).clamp(STEADFAST, 1.0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn after(patience: &mut Patience, seconds: u32, failing: u64) -> f64 {
        (0..seconds).for_each(|_| {
            patience.see(&Counts { requests: 100, server_errors: failing, ..Counts::default() });
        });
        patience.present()
    }

    #[test]
    fn what_fails_for_good_drives_nearly_everybody_away_and_they_come_back() {
        let mut patience = Patience::new(toml::from_str("lasts = \"1m\"\naway = \"5m\"").unwrap());
        assert!(after(&mut patience, 3_600, 3) > 0.999, "a few failures drive nobody away");
        let minute = after(&mut patience, 60, 100);
        assert!((0.35..0.6).contains(&minute), "{minute}");
        assert!((after(&mut patience, 600, 100) - STEADFAST).abs() < 1e-9);
        let back: Vec<f64> = (0..3).map(|_| after(&mut patience, 300, 0)).collect();
        assert!((0.5..0.7).contains(&back[0]) && back[2] > 0.9, "{back:?}");
    }
}
