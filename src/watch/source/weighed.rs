//! What a sample stands for, and what the requests of an address are counted by.

use std::collections::HashMap;

use super::{Answer, Sampled};
use crate::model::counted::Bounds;
use crate::model::source::SampledRequest;
use crate::model::waf::RuleAction;

/// WAF draws its sample out of the first so many requests of a window (documented).
const FIRST: u64 = 5_000;

/// The most requests that an answer holds (documented).
const MOST_ITEMS: f64 = 500.0;

/// Requests, and what they rest on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Amount {
    /// How many.
    pub(super) requests: f64,
    /// Samples that stand for them.
    samples: u64,
    /// Whether any of those stands for more than itself.
    estimated: bool,
}

impl Amount {
    pub(super) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.samples += other.samples;
        self.estimated |= other.estimated;
    }

    /// What it may really be, out of `all` requests; `None` where every request was sampled.
    pub(super) fn bounds(self, all: f64) -> Option<Bounds> {
        self.estimated.then(|| Bounds::of_sampled(self.requests, self.samples, all))
    }
}

/// A sample with what it stands for in the whole window.
pub(super) struct Weighed<'a> {
    pub(super) of: &'a Sampled,
    pub(super) sample: &'a SampledRequest,
    pub(super) requests: f64,
    /// Requests of those that the sample was really drawn from.
    drawn: f64,
    /// How many sampled requests it is.
    samples: u64,
    /// Whether it stands for more than itself.
    estimated: bool,
}

impl Weighed<'_> {
    pub(super) fn amount(&self) -> Amount {
        Amount { requests: self.requests, samples: self.samples, estimated: self.estimated }
    }

    /// Whether it is of what ended the request: nothing else ends it as well. An action that is no word we know does
    /// not.
    pub(super) fn ends(&self) -> bool {
        match self.of {
            Sampled::Default(_) => true,
            Sampled::Rule(_) => !matches!(self.sample.action, None | Some(RuleAction::Count)),
        }
    }
}

/// What an address's requests may be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Basis<'a> {
    Ended,
    Counted(&'a str),
}

pub(super) fn basis<'a>(w: &Weighed<'a>) -> Basis<'a> {
    match w.of {
        _ if w.ends() => Basis::Ended,
        Sampled::Rule(name) | Sampled::Default(name) => Basis::Counted(name),
    }
}

/// Requests of one minute, by what they may be counted by.
#[derive(Default)]
pub(super) struct Volume<'a>(HashMap<Basis<'a>, (f64, f64)>);

impl<'a> Volume<'a> {
    pub(super) fn add(&mut self, w: &Weighed<'a>) {
        let sum = self.0.entry(basis(w)).or_default();
        sum.0 += w.requests;
        sum.1 += w.drawn;
    }

    /// All requests, and those drawn from: what ended them, or where that is not whole the largest there is.
    pub(super) fn best(&self, whole: bool) -> (f64, f64) {
        let ended = self.0.get(&Basis::Ended).copied();
        if let Some(ended) = ended.filter(|_| whole) {
            return ended;
        }
        let most = |a: (f64, f64), b: &(f64, f64)| if b.0 > a.0 { *b } else { a };
        self.0.values().fold((0.0, 0.0), most)
    }
}

/// The samples of an answer with the requests each stands for.
pub(super) fn weighed(answer: &Answer) -> Vec<Weighed<'_>> {
    let set = &answer.set;
    let weight = |sample: &SampledRequest| sample.weight.max(1) as f64;
    let weights: f64 = set.samples.iter().map(weight).sum();
    let asked = (answer.to - answer.from).as_seconds_f64();
    let stretch = (asked / covered(answer)).max(1.0);
    let drawn_from = set.population.min(FIRST) as f64;
    // Weights are proportions (documented). Where they add up to no more than an answer holds, they are taken for how
    // often a request was drawn (inferred); else a sample is one request, whatever its weight: that makes bounds wider,
    // and never too narrow.
    let drawn_alike = weights <= MOST_ITEMS;
    let drawn = if drawn_alike { weights } else { set.samples.len() as f64 };
    let estimated = stretch > 1.0 || drawn < set.population as f64;
    let times = |sample: &SampledRequest| {
        if drawn_alike { u64::try_from(sample.weight.max(1)).unwrap_or(1) } else { 1 }
    };
    set.samples
        .iter()
        .map(|sample| {
            let part = weight(sample) / weights;
            Weighed {
                of: &answer.of,
                sample,
                requests: part * set.population as f64 * stretch,
                drawn: part * drawn_from,
                samples: times(sample),
                estimated,
            }
        })
        .collect()
}

/// Seconds of an answer's window that its samples were drawn from: one at least, since WAF's own clock ticks no finer
/// in its answers.
pub(super) fn covered(answer: &Answer) -> f64 {
    let set = &answer.set;
    (set.to.min(answer.to) - set.from.max(answer.from)).as_seconds_f64().max(1.0)
}
