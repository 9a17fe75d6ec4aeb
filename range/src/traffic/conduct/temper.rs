//! Attackers who give up as a whole, and come back.

use super::Recent;
use crate::scenario::{GivesUpSpec, Returns};
use crate::traffic::truth::Counts;

/// Seconds over which refusals are looked at.
const SEEN: f64 = 10.0;
/// How much of its rate is left as probes, and how many a second there are at least.
const PROBES: (f64, f64) = (0.01, 0.2);
/// How many of the last probes are looked at. It comes back where half of them get through.
const LAST_PROBES: f64 = 20.0;

/// Whether a population is at it.
#[derive(Debug)]
pub(super) struct Temper {
    spec: GivesUpSpec,
    recent: Recent,
    /// Seconds of sending for which enough has been refused.
    refused_for: i64,
    /// When it gave up, while it is gone.
    gone: Option<i64>,
}

impl Temper {
    pub(super) fn new(spec: GivesUpSpec) -> Self {
        Self { spec, recent: Recent::default(), refused_for: 0, gone: None }
    }

    /// Whether it has given up.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.is_some()
    }

    /// What is left of a rate.
    pub(super) fn of(&self, rate: f64) -> f64 {
        match (self.gone, self.spec.returns) {
            (None, _) => rate,
            (Some(_), Some(Returns::WhenLetIn)) => rate.min((rate * PROBES.0).max(PROBES.1)),
            (Some(_), _) => 0.0,
        }
    }

    /// Takes what became of a second's requests. `sends`: it is not between two pulses, which would neither count nor
    /// be forgiven.
    pub(super) fn see(&mut self, second: &Counts, sends: bool, at: i64) {
        let refused = second.waf_blocked + second.denied + second.throttled;
        let Some(since) = self.gone else {
            self.recent.add(second.requests, refused, SEEN);
            if self.recent.share() < self.spec.blocked {
                self.refused_for = 0;
            } else if sends {
                self.refused_for += 1;
            }
            if self.refused_for >= self.spec.lasting.seconds.max(1) {
                self.turn(Some(at));
            }
            return;
        };
        let is_back = match self.spec.returns {
            None => false,
            Some(Returns::After(span)) => at - since >= span.seconds,
            Some(Returns::WhenLetIn) => {
                let probes = second.requests.max(1) as f64;
                self.recent.add(second.requests, refused, (LAST_PROBES / probes).max(1.0));
                self.recent.sent >= LAST_PROBES / 2.0 && self.recent.share() <= 0.5
            }
        };
        if is_back {
            self.turn(None);
        }
    }

    fn turn(&mut self, gone: Option<i64>) {
        (self.gone, self.recent, self.refused_for) = (gone, Recent::default(), 0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn see(temper: &mut Temper, seconds: std::ops::Range<i64>, blocked: u64) {
        let second = Counts { requests: 100, waf_blocked: blocked, ..Counts::default() };
        seconds.for_each(|at| temper.see(&second, true, at));
    }

    fn temper(fields: &str) -> Temper {
        Temper::new(toml::from_str(&format!("blocked = 0.8\nfor = \"1m\"\n{fields}")).unwrap())
    }

    #[test]
    fn it_gives_up_only_where_enough_is_refused_for_long_enough() {
        let mut little = temper("");
        see(&mut little, 0..600, 70);
        assert!(!little.is_gone());
        see(&mut little, 600..650, 100);
        see(&mut little, 650..660, 0);
        see(&mut little, 660..720, 100);
        assert!(!little.is_gone(), "what gets through in between is a new beginning");
        see(&mut little, 720..760, 100);
        assert!(little.is_gone() && little.of(400.0) == 0.0);
        see(&mut little, 760..9_000, 0);
        assert!(little.is_gone(), "for ever");
    }

    #[test]
    fn a_pause_neither_counts_nor_is_forgiven() {
        let mut temper = temper("");
        see(&mut temper, 0..50, 100);
        (50..500).for_each(|at| temper.see(&Counts::default(), false, at));
        assert!(!temper.is_gone());
        see(&mut temper, 500..512, 100);
        assert!(temper.is_gone());
    }

    #[test]
    fn probes_are_a_hundredth_and_not_fewer_than_one_in_five_seconds() {
        let mut temper = temper("returns = \"when-let-in\"");
        see(&mut temper, 0..60, 100);
        for (rate, probes) in [(400.0, 4.0), (10.0, 0.2), (0.1, 0.1), (0.0, 0.0)] {
            assert!((temper.of(rate) - probes).abs() < 1e-9, "{rate}");
        }
    }
}
