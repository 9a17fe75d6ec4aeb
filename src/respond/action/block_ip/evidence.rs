//! What samples say about the targets: how many of their requests come from callers that were there before, and whether
//! a proxy stands in front of many clients.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;

use super::read::State;
use crate::model::action::BlockIp;
use crate::model::bounds;
use crate::model::callers::{KnownCallers, Membership};
use crate::model::source::SampledRequest;
use crate::respond::samples::Samples;

/// What samples say about the targets.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Evidence {
    /// Sampled requests from inside the targets in the last minutes.
    pub(super) inside: u64,
    /// Of these, from addresses that also appear in samples of before the attack.
    pub(super) inside_seen_before: u64,
    /// Addresses inside the targets that appear in samples of before the attack.
    pub(super) known_addresses: BTreeSet<IpAddr>,
    /// As many of them were drawn: a drawn one may stand for several.
    pub(super) drawn: u64,
    /// Of these, from addresses that also appear in samples of before the attack.
    pub(super) drawn_seen_before: u64,
    /// Sampled requests of before the attack from inside the targets.
    pub(super) earlier_inside: u64,
    /// Targets from which no request was sampled in the last minutes.
    pub(super) unsampled: Vec<IpNet>,
    /// Targets of which no telling rule matched any address, sampled or not.
    pub(super) bare: Vec<IpNet>,
    /// Sampled requests in all in the last minutes.
    pub(super) recent: u64,
    /// Sampled requests in all of before the attack.
    pub(super) earlier: u64,
    /// Addresses that were sampled in the last minutes and that no telling rule matched, inside targets that it matched
    /// elsewhere.
    pub(super) unsuspected: BTreeSet<IpAddr>,
    /// What the incident keeps of before the attack, where the samples of then are gone.
    pub(super) kept: Option<Kept>,
    /// Addresses inside the targets with forwarding headers, and how many different values those had.
    pub(super) forwarding: HashMap<IpAddr, usize>,
}

/// What is kept of before the attack says of the targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Kept {
    /// The part of the requests of then that the targets sent, a fraction: as far as it is kept, and at most.
    pub(super) taken: (f64, f64),
    /// The part of the requests of now from inside the targets whose callers were there, a fraction: as far as they are
    /// kept, and at most.
    pub(super) of_now: (f64, f64),
    /// Whether everybody of then was counted, and not only sampled.
    pub(super) counted: bool,
}

/// Reads the evidence out of the samples.
///
/// A request that several Count rules matched is in the samples of each; the share is of samples inside one target set,
/// so that this weighs numerator and denominator alike.
#[must_use]
pub(super) fn evidence(action: &BlockIp, state: &State) -> Evidence {
    let nets: Vec<IpNet> = action.targets.iter().map(|target| target.net).collect();
    let inside = |address: &IpAddr| nets.iter().any(|net| net.contains(address));
    // Several samples of one address are looked up once.
    let clients: BTreeSet<IpAddr> = requests(&state.recent).map(|request| request.client).collect();
    let sampled: BTreeSet<IpAddr> = clients.into_iter().filter(inside).collect();
    let gone = state.earlier.sets.is_empty() || !state.earlier.missing.is_empty();
    let known = state.known.as_ref().filter(|_| gone);
    let was_there = |address: &IpAddr| known.is_some_and(|k| matches!(k.membership(*address), Membership::There(_)));
    let earlier: BTreeSet<IpAddr> = requests(&state.earlier).map(|r| r.client).collect();
    let recalled = requests(&state.recent).map(|r| r.client).collect::<BTreeSet<_>>();
    let earlier: BTreeSet<IpAddr> = earlier.into_iter().chain(recalled.into_iter().filter(was_there)).collect();
    let mut forwarded: HashMap<IpAddr, BTreeSet<&str>> = HashMap::new();
    let mut out = Evidence { earlier: count(&state.earlier), recent: count(&state.recent), ..Evidence::default() };
    out.known_addresses = earlier.iter().copied().filter(inside).collect();
    out.earlier_inside = requests(&state.earlier).filter(|r| out.known_addresses.contains(&r.client)).count() as u64;
    for request in requests(&state.recent).filter(|r| sampled.contains(&r.client)) {
        let weight = u64::try_from(request.weight).unwrap_or(1).max(1);
        (out.inside, out.drawn) = (out.inside + weight, out.drawn + 1);
        if earlier.contains(&request.client) {
            out.inside_seen_before += weight;
            out.drawn_seen_before += 1;
        }
        if let Some(value) = &request.forwarded_for {
            forwarded.entry(request.client).or_default().insert(value);
        }
    }
    out.kept = known.map(|known| kept(known, &nets, state, &sampled));
    let suspects = suspects(state, &earlier);
    let holds = |net: &IpNet, some: &[IpAddr]| some.iter().any(|address| net.contains(address));
    let (against, rest): (Vec<IpAddr>, Vec<IpAddr>) = sampled.iter().partition(|client| suspects.contains(*client));
    out.bare = nets.iter().filter(|net| !holds(net, &against)).copied().collect();
    out.unsampled = out.bare.iter().filter(|net| !holds(net, &rest)).copied().collect();
    out.unsuspected = rest.into_iter().filter(|client| !out.bare.iter().any(|net| net.contains(client))).collect();
    out.forwarding = forwarded.into_iter().map(|(address, values)| (address, values.len())).collect();
    out
}

fn kept(known: &KnownCallers, nets: &[IpNet], state: &State, sampled: &BTreeSet<IpAddr>) -> Kept {
    let (mut all, mut there, mut unlisted, mut drawn, mut drawn_there) = (0, 0, 0, 0, 0);
    for request in requests(&state.recent).filter(|r| sampled.contains(&r.client)) {
        let weight = u64::try_from(request.weight).unwrap_or(1).max(1);
        (all, drawn) = (all + weight, drawn + 1);
        match known.membership(request.client) {
            Membership::There(_) => (there, drawn_there) = (there + weight, drawn_there + 1),
            Membership::NotListed => unlisted += weight,
            Membership::NotThere => {}
        }
    }
    let part = |requests: u64| if all > 0 { requests as f64 / all as f64 } else { 0.0 };
    let counted = known.is_counted();
    // Counted, whoever is not listed may have been there; sampled, so few samples say so much, as they do while they
    // can still be read.
    let at_most = if counted { part(there + unlisted) } else { bounds::share(drawn_there, drawn).1.max(part(there)) };
    Kept { taken: known.part_of(nets), of_now: (part(there), at_most), counted }
}

/// The largest share of addresses that were there before among those a rule matched, for the rule to speak against the
/// others.
const TELLING: f64 = 0.1;

/// Addresses that a telling rule matched: one that hardly matches anybody who was there before. The default action
/// matches whoever is left, and tells nothing.
fn suspects(state: &State, earlier: &BTreeSet<IpAddr>) -> BTreeSet<IpAddr> {
    let default = state.web_acl.as_ref().map(|acl| acl.metric_name.as_str());
    let mut matched: HashMap<&str, BTreeSet<IpAddr>> = HashMap::new();
    for set in state.recent.sets.iter().filter(|set| Some(set.rule.as_str()) != default) {
        matched.entry(&set.rule).or_default().extend(set.samples.iter().map(|s| s.client));
    }
    let telling = matched.into_values().filter(|clients| {
        let before = clients.intersection(earlier).count();
        before as f64 <= clients.len() as f64 * TELLING
    });
    telling.flatten().collect()
}

fn requests(samples: &Samples) -> impl Iterator<Item = &SampledRequest> {
    samples.sets.iter().flat_map(|set| &set.samples)
}

fn count(samples: &Samples) -> u64 {
    samples.sets.iter().map(|set| set.samples.len() as u64).sum()
}

impl Evidence {
    /// The share of the requests inside the targets that comes from callers seen before, a fraction; `None` where no
    /// request from inside was sampled.
    #[must_use]
    pub(super) fn seen_before_share(&self) -> Option<f64> {
        (self.inside > 0).then(|| self.inside_seen_before as f64 / self.inside as f64)
    }
}
