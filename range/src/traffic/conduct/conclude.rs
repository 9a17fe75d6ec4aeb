//! What populations make of the second that has passed: who falls silent, who comes back, what is tried again.

use chrono::{DateTime, Utc};

use super::Resting;
use super::retries::Loss;
use crate::traffic::Traffic;
use crate::traffic::chance::Chance;
use crate::traffic::crowd::Crowd;
use crate::traffic::front::Front;
use crate::traffic::gate::Gate;
use crate::traffic::outcome::{Outcome, Slot};
use crate::traffic::record::Family;

/// Name of the stream that decides what is tried again.
const AGAIN: u64 = 0xa6a1;

impl Crowd {
    /// Silences an address; for some time, where its habit says so.
    pub(in crate::traffic) fn rest(&mut self, at: usize, second: i64) {
        let address = &mut self.addresses[at];
        let weight = std::mem::take(&mut address.weight);
        let habit = address.habit.and_then(|habit| self.spec.habits.get(habit));
        if let Some(returns) = habit.and_then(|habit| habit.returns.as_ref()) {
            self.conduct.resting.push(Resting { due: second + returns.get_ref().seconds, address: at, weight });
        }
    }

    /// Wakes the addresses whose time has come; says whether there were any.
    pub(in crate::traffic) fn come_back(&mut self, second: i64) -> bool {
        let before = self.conduct.resting.len();
        for back in self.conduct.resting.extract_if(.., |one| one.due <= second) {
            let address = &mut self.addresses[back.address];
            (address.weight, address.refused_since) = (back.weight, None);
        }
        self.conduct.resting.len() < before
    }

    /// Lets clients try again what has failed.
    fn try_again(&mut self, front: &Front, works: impl Iterator<Item = (usize, u64)>, second: i64) {
        let Some(retries) = &mut self.conduct.retries else { return };
        let mut chance = Chance::keyed(self.seed, self.key ^ AGAIN, second);
        let (classes, http) = (self.plan.classes.len(), front.id.family == Family::Http);
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
    pub(in crate::traffic) fn conclude(&mut self, at: DateTime<Utc>) {
        for (index, crowd) in self.crowds.iter_mut().enumerate() {
            let works = self.work.iter().map(|work| (work.place(), work.sent()));
            let mine = works.filter(|((of, _), _)| *of == index).map(|((_, flow), sent)| (flow, sent));
            crowd.try_again(&self.fronts[crowd.front], mine, at.timestamp());
            if let Some(patience) = &mut crowd.conduct.patience {
                patience.see(&crowd.second);
            }
            if crowd.conduct.temper.is_some() {
                let sends = crowd.rate(at, self.open) > 0.0;
                crowd.conduct.temper.iter_mut().for_each(|temper| temper.see(&crowd.second, sends, at.timestamp()));
            }
        }
    }
}
