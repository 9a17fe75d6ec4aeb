//! What a population does by itself and about the answers that it gets: the rhythm of its day, trying again, going away.
//!
//! It acts on the second that has passed and on nothing else, so that it depends on the seed and on what happened, never on who asks when.

mod patience;
mod retries;

use chrono::{DateTime, Utc};

use super::Traffic;
use super::chance::Chance;
use super::crowd::Crowd;
use super::front::Front;
use super::outcome::{Outcome, Slot};
use super::plan::Gate;
use super::record::Family;
use super::rhythm;
use crate::scenario::Population;
use crate::state::Rhythm;
use patience::Patience;
use retries::{Loss, Retries};

/// Name of the stream that decides what is tried again.
const AGAIN: u64 = 0xa6a1;

/// How one population conducts itself.
#[derive(Debug)]
pub(super) struct Conduct {
    /// How its rate follows the time of day.
    pub(super) rhythm: Rhythm,
    /// What it tries again, where it does.
    pub(super) retries: Option<Retries>,
    patience: Option<Patience>,
}

impl Conduct {
    pub(super) fn of(spec: &Population) -> Self {
        Self {
            rhythm: spec.daily.map_or(Rhythm::EVEN, rhythm::of),
            retries: spec.retry.map(Retries::new),
            patience: spec.patience.map(Patience::new),
        }
    }

    /// What it makes of a rate at a second since the epoch.
    pub(super) fn shape(&self, rate: f64, second: i64) -> f64 {
        rate * self.rhythm.at(second) * self.patience.as_ref().map_or(1.0, Patience::present)
    }
}

impl Crowd {
    /// Lets clients try again what has failed.
    fn try_again(&mut self, front: &Front, works: impl Iterator<Item = (usize, u64)>, second: i64) {
        let Some(retries) = &mut self.conduct.retries else { return };
        let mut chance = Chance::keyed(self.seed, self.key ^ AGAIN, second);
        let (classes, http) = (self.plan.classes.len(), front.family == Family::Http);
        for (at, sent) in works {
            let flow = &mut self.plan.flows[at];
            let mut failed = std::mem::take(&mut flow.failed);
            if retries.after_forbidden() && (!flow.fate.passed || flow.gate != Gate::Open) {
                let is_403 = Outcome::of(Slot::Refused, &flow.fate, flow.gate, http, false).status == 403;
                failed = if is_403 { sent } else { failed };
            }
            if failed > 0 {
                let address = self.plan.classes[at % classes].pick(&mut chance);
                let loss = Loss { flow: at, shape: at / classes, address, sent, failed };
                retries.note(&loss, second, &mut chance);
            }
        }
    }
}

impl Traffic {
    /// Lets populations draw their conclusions from the second that began at `at`.
    pub(super) fn conclude(&mut self, at: DateTime<Utc>) {
        for (index, crowd) in self.crowds.iter_mut().enumerate() {
            let works = self.work.iter().map(|work| (work.place(), work.sent()));
            let mine = works.filter(|((of, _), _)| *of == index).map(|((_, flow), sent)| (flow, sent));
            crowd.try_again(&self.fronts[crowd.front], mine, at.timestamp());
            if let Some(patience) = &mut crowd.conduct.patience {
                patience.see(&crowd.second);
            }
        }
    }
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
