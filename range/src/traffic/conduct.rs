//! What a population does by itself and about the answers that it gets: the rhythm of its day, pulses, trying again,
//! going away, giving up.
//!
//! It acts on the second that has passed and on nothing else, so that it depends on the seed and on what happened,
//! never on who asks when.

mod conclude;
mod patience;
mod retries;
mod temper;

use super::rhythm;
use super::truth::Counts;
use crate::scenario::{Population, PulseSpec};
use crate::state::Rhythm;
use patience::Patience;
use retries::Retries;
use temper::Temper;

/// How one population conducts itself.
#[derive(Debug)]
pub(super) struct Conduct {
    /// How its rate follows the time of day.
    pub(super) rhythm: Rhythm,
    /// What it tries again, where it does.
    pub(super) retries: Option<Retries>,
    patience: Option<Patience>,
    pulse: Option<PulseSpec>,
    temper: Option<Temper>,
    /// Addresses that have given up and will come back.
    resting: Vec<Resting>,
}

/// An address that has given up and will come back.
#[derive(Debug)]
struct Resting {
    due: i64,
    address: usize,
    weight: f64,
}

impl Conduct {
    pub(super) fn of(spec: &Population) -> Self {
        Self {
            rhythm: spec.daily.map_or(Rhythm::EVEN, rhythm::of),
            retries: spec.retry.map(Retries::new),
            patience: spec.patience.map(Patience::new),
            pulse: spec.pulse.clone(),
            temper: spec.gives_up.map(Temper::new),
            resting: Vec::new(),
        }
    }

    /// What it makes of a rate at a second since the epoch, so many seconds after the opening and after its own start.
    pub(super) fn shape(&self, rate: f64, second: i64, since_open: i64, since_start: i64) -> f64 {
        if self.pulse.as_ref().is_some_and(|pulse| is_pause(pulse, since_open, since_start)) {
            return 0.0;
        }
        let rate = rate * self.rhythm.at(second) * self.patience.as_ref().map_or(1.0, Patience::present);
        self.temper.as_ref().map_or(rate, |temper| temper.of(rate))
    }

    /// Whether it does not notice what becomes of its addresses, because it sends nothing, or only probes.
    pub(super) fn is_quiet(&self, second: &Counts) -> bool {
        let pauses = self.pulse.is_some() || self.temper.is_some();
        pauses && (second.requests == 0 || self.temper.as_ref().is_some_and(Temper::is_gone))
    }
}

/// Whether a second lies between two pulses.
fn is_pause(pulse: &PulseSpec, since_open: i64, since_start: i64) -> bool {
    let is_over = pulse.until.as_ref().is_some_and(|until| since_open >= until.get_ref().seconds);
    let length = (pulse.on.seconds + pulse.off.seconds).max(1);
    !is_over && since_start.rem_euclid(length) >= pulse.on.seconds
}

/// What share of requests has come to something bad of late.
#[derive(Debug, Clone, Copy, Default)]
struct Recent {
    sent: f64,
    bad: f64,
}

impl Recent {
    /// Adds a second, which is forgotten over so many seconds. A second without requests says nothing.
    fn add(&mut self, sent: u64, bad: u64, seconds: f64) {
        if sent > 0 {
            let kept = 1.0 - 1.0 / seconds;
            (self.sent, self.bad) = (self.sent * kept + sent as f64, self.bad * kept + bad as f64);
        }
    }

    fn share(&self) -> f64 {
        if self.sent > 0.0 { self.bad / self.sent } else { 0.0 }
    }
}
