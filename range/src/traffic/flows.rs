//! What a population sends as flows: kinds of request from classes of addresses that are treated alike, and what
//! becomes of each.

use std::sync::{Arc, Weak};

use super::chance::Chance;
use super::gate::Gate;
use super::outcome::Slot;
use super::waf::Fate;
use crate::logs::{Kind, Roster};

/// Addresses that web ACL and policy treat alike.
#[derive(Debug)]
pub(crate) struct Class {
    /// Indices of addresses.
    pub(crate) members: Vec<usize>,
    /// Running sums of their weights.
    pub(crate) sums: Vec<f64>,
    /// What the web ACL's leaves say of them.
    pub(crate) bits: Vec<bool>,
    /// The same addresses for the access log, once there has been a line.
    pub(super) roster: Option<Arc<Roster>>,
}

impl Class {
    /// Sum of the weights.
    pub(crate) fn weight(&self) -> f64 {
        self.sums.last().copied().unwrap_or(0.0)
    }

    /// A member, by weight.
    pub(crate) fn pick(&self, chance: &mut Chance) -> usize {
        let target = chance.unit() * self.weight();
        let at = self.sums.partition_point(|sum| *sum <= target);
        self.members.get(at).or(self.members.last()).copied().unwrap_or(0)
    }
}

/// One kind of request from one class of addresses.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) fate: Fate,
    pub(crate) gate: Gate,
    /// Where the front sends it.
    pub(crate) lane: Option<usize>,
    /// The buckets of its usage plan, in the order in which it takes from them.
    pub(crate) meters: Vec<usize>,
    /// Requests that count for rates since these were last handed over.
    pub(crate) rated: f64,
    /// This second's requests by how they ended ([`Slot`]), for the access log.
    pub(crate) ended: [u64; Slot::ALL.len()],
    /// Those that have failed since the crowd last drew its conclusions: 5XX, timeouts, 429.
    pub(crate) failed: u64,
    /// The kinds of line that they leave in it, by [`Slot`], once there have been any.
    pub(crate) kinds: [Option<Arc<Kind>>; Slot::ALL.len()],
}

impl Flow {
    pub(super) fn new(fate: Fate, gate: Gate, lane: Option<usize>, meters: Vec<usize>) -> Self {
        Self { fate, gate, lane, meters, rated: 0.0, ended: [0; Slot::ALL.len()], failed: 0, kinds: Default::default() }
    }

    /// Notes how so many of this second's requests ended.
    pub(super) fn end(&mut self, slot: Slot, requests: u64) {
        self.ended[slot as usize] += requests;
        self.failed += if slot.is_failure() { requests } else { 0 };
    }
}

/// What becomes of everything a population sends; good until the front's version changes.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The front's version; 0 for none.
    pub(crate) version: u64,
    pub(crate) classes: Vec<Class>,
    /// By shape, then by class.
    pub(crate) flows: Vec<Flow>,
}

/// Kinds of line by shape and end.
pub(super) type KnownKinds = Vec<((usize, Slot), Weak<Kind>)>;
