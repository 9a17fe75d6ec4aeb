//! From addresses to what to block: the prefixes that carry most of an attack for least of the rest.
//!
//! The objective is stated and met exactly: among all sets of at most k disjoint prefixes that may be blocked, the one
//! whose share of the attack less `rest-weight` times its share of the rest is largest. It is a dynamic programme over
//! the compressed trie of the addresses (`trie`), in time that grows with addresses times the largest size. The rest is
//! what callers sent before the attack; where nobody is known from then, it is what could not be told.
//!
//! A prefix may not be blocked where it is wider than the guards allow, where more than `most-legitimate-share` of what
//! comes out of it is legitimate, or where it overlaps a protected range, one containing the other either way round. A
//! set that would hit more than `most-legitimate-share` of the rest is looked for again with the rest weighing twice as
//! much, until one does not.
//!
//! Knows nothing of where the addresses come from.

mod trie;

use std::net::IpAddr;

use ipnet::IpNet;

use self::trie::{Node, Sums, Trie};
use crate::model::address::{overlaps, size};
use crate::model::candidate::{CandidatePrefix, CandidateSet, Candidates, Classified, Excluded, Standing};
use crate::model::settings::Settings;

/// The sizes for which a set is given.
pub const SIZES: [usize; 8] = [1, 2, 3, 5, 10, 20, 50, 100];

/// How often the rest may come to weigh twice as much; after that a legitimate request in a thousand million outweighs
/// the attack.
const DOUBLINGS: i32 = 30;

/// One caller: who, which side, and how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Caller {
    /// The address.
    pub address: IpAddr,
    /// Which side it is on.
    pub standing: Standing,
    /// Requests a second in the window of the attack.
    pub now_per_second: f64,
    /// Requests a second before the attack.
    pub before_per_second: f64,
}

/// What may be blocked, and what that is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Shortest IPv4 prefix, bits.
    pub widest_v4: u8,
    /// Shortest IPv6 prefix, bits.
    pub widest_v6: u8,
    /// The largest legitimate part of what comes out of a prefix, and the largest part of the rest that a set may hit;
    /// fractions.
    pub most_legitimate_share: f64,
    /// What a share of the rest weighs against a share of the attack.
    pub rest_weight: f64,
    /// Whether anybody is known from before the attack.
    pub known_before: bool,
    /// Ranges that no prefix may touch, with the reason.
    pub protected: Vec<(IpNet, String)>,
}

impl Rules {
    /// Those of the settings.
    #[must_use]
    pub fn of(settings: &Settings, known_before: bool) -> Self {
        let guards = &settings.guards;
        let named = |nets: &[IpNet], reason: &str| -> Vec<(IpNet, String)> {
            nets.iter().map(|net| (net.trunc(), reason.to_owned())).collect()
        };
        let mut protected = named(guards.never_block.as_deref().unwrap_or_default(), "never to be blocked");
        protected.extend(named(guards.break_glass.as_deref().unwrap_or_default(), "break-glass range"));
        protected.extend(named(&settings.sources.front_doors, "a front door of your own"));
        Self {
            widest_v4: guards.widest_v4,
            widest_v6: guards.widest_v6,
            most_legitimate_share: guards.most_legitimate_share,
            rest_weight: settings.sources.rest_weight,
            known_before,
            protected,
        }
    }
}

/// What to block. `all_per_second` is every request of the window, those of addresses that are not among `callers` too.
#[must_use]
pub fn candidates(callers: &[Caller], all_per_second: f64, rules: &Rules) -> Candidates {
    let search = Search::of(callers, rules);
    let classified = search.classified(callers, all_per_second);
    let excluded = search.excluded(callers);
    let sets = if search.total.attack > 0.0 { search.sets() } else { Vec::new() };
    let reason = sets.is_empty().then(|| search.why_none(&excluded));
    Candidates { sets, classified, excluded, reason }
}

struct Search<'r> {
    rules: &'r Rules,
    trie: Trie,
    /// Of everybody.
    total: Sums,
    may: Vec<bool>,
}

impl<'r> Search<'r> {
    fn of(callers: &[Caller], rules: &'r Rules) -> Self {
        let trie = Trie::of(callers);
        let mut total = Sums::default();
        for caller in callers {
            total.add(&Sums::of(caller));
        }
        let may = trie.nodes.iter().map(|node| may_be_blocked(node, rules)).collect();
        Self { rules, trie, total, may }
    }

    fn classified(&self, callers: &[Caller], all_per_second: f64) -> Classified {
        let told = callers.iter().filter(|caller| caller.standing != Standing::Unclassified);
        let told: f64 = told.map(|caller| caller.now_per_second).sum();
        let listed: f64 = callers.iter().map(|caller| caller.now_per_second).sum();
        Classified {
            attack_per_second: self.total.attack,
            legitimate_per_second: self.rules.known_before.then_some(self.total.legitimate),
            unclassified_per_second: self.total.unclassified + (all_per_second - listed).max(0.0),
            share: part(told, all_per_second.max(listed)),
        }
    }

    fn excluded(&self, callers: &[Caller]) -> Vec<Excluded> {
        let attack = |range: &IpNet| -> f64 {
            let inside = callers.iter().filter(|caller| range.contains(&caller.address.to_canonical()));
            inside.map(|caller| Sums::of(caller).attack).sum()
        };
        let shares = self.rules.protected.iter().map(|(range, reason)| {
            let attack_share = part(attack(range), self.total.attack);
            Excluded { range: *range, reason: reason.clone(), attack_share }
        });
        shares.filter(|excluded| excluded.attack_share > 0.0).collect()
    }

    /// The part of the rest below a node, as it is weighed.
    fn rest(&self, sums: &Sums) -> f64 {
        if self.rules.known_before {
            part(sums.legitimate, self.total.legitimate)
        } else {
            part(sums.unclassified, self.total.unclassified)
        }
    }

    fn sets(&self) -> Vec<CandidateSet> {
        let mut found: Vec<Option<CandidateSet>> = vec![None; SIZES.len()];
        for doubling in 0..=DOUBLINGS {
            let weight = self.rules.rest_weight * f64::from(doubling).exp2();
            let best = self.trie.best(SIZES[SIZES.len() - 1], &self.values(weight));
            for (size, set) in SIZES.iter().zip(&mut found).filter(|(_, set)| set.is_none()) {
                let taken = &best[*size];
                let rest: f64 = taken.iter().map(|node| self.rest(&self.trie.nodes[*node].sums)).sum();
                if rest <= self.rules.most_legitimate_share + 1e-12 {
                    *set = Some(self.set(taken, weight));
                }
            }
            if found.iter().all(Option::is_some) || self.rules.rest_weight <= 0.0 {
                break;
            }
        }
        let mut sets: Vec<CandidateSet> = found.into_iter().flatten().filter(|set| !set.prefixes.is_empty()).collect();
        sets.dedup_by(|larger, smaller| larger.prefixes == smaller.prefixes);
        sets
    }

    fn values(&self, weight: f64) -> Vec<Option<f64>> {
        let value = |(node, may): (&Node, &bool)| {
            may.then(|| part(node.sums.attack, self.total.attack) - weight * self.rest(&node.sums))
        };
        self.trie.nodes.iter().zip(&self.may).map(value).collect()
    }

    fn set(&self, taken: &[usize], weight: f64) -> CandidateSet {
        let mut prefixes: Vec<CandidatePrefix> =
            taken.iter().map(|node| self.prefix(&self.trie.nodes[*node])).collect();
        prefixes.sort_by(|a, b| b.attack_share.total_cmp(&a.attack_share).then(a.prefix.cmp(&b.prefix)));
        let mut sums = Sums::default();
        for node in taken {
            sums.add(&self.trie.nodes[*node].sums);
        }
        CandidateSet {
            prefixes,
            attack_share: part(sums.attack, self.total.attack).min(1.0),
            legitimate_share: self.rules.known_before.then(|| part(sums.legitimate, self.total.legitimate).min(1.0)),
            unclassified_share: part(sums.unclassified, self.total.unclassified).min(1.0),
            addresses: sums.addresses,
            weight,
        }
    }

    fn prefix(&self, node: &Node) -> CandidatePrefix {
        let sums = &node.sums;
        CandidatePrefix {
            prefix: node.prefix,
            attack_share: part(sums.attack, self.total.attack),
            legitimate_share: self.rules.known_before.then(|| part(sums.legitimate, self.total.legitimate)),
            addresses: sums.addresses,
            attack_addresses: sums.attack_addresses,
            warnings: warnings(node),
        }
    }

    fn why_none(&self, excluded: &[Excluded]) -> String {
        let protected: f64 = excluded.iter().map(|excluded| excluded.attack_share).sum();
        if self.total.attack <= 0.0 && self.rules.known_before {
            "no caller could be told to belong to the attack: none is new and matched by a telling rule or asks mostly for what rose"
                .to_owned()
        } else if self.total.attack <= 0.0 {
            "no caller could be told to belong to the attack: nothing is known from before it, and no rule tells"
                .to_owned()
        } else if protected > 0.99 {
            "the attack comes from protected ranges".to_owned()
        } else {
            "no prefix is worth blocking: each hits more of the legitimate callers than of the attack".to_owned()
        }
    }
}

fn may_be_blocked(node: &Node, rules: &Rules) -> bool {
    let widest = if node.prefix.addr().is_ipv4() { rules.widest_v4 } else { rules.widest_v6 };
    let sums = &node.sums;
    let all = sums.attack + sums.legitimate + sums.unclassified;
    sums.attack > 0.0
        && node.prefix.prefix_len() >= widest
        && (!rules.known_before || part(sums.legitimate, all) <= rules.most_legitimate_share)
        && !rules.protected.iter().any(|(range, _)| overlaps(range, &node.prefix))
}

fn part(some: f64, all: f64) -> f64 {
    if all > 0.0 { some / all } else { 0.0 }
}

fn warnings(node: &Node) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(kind) = inside(node.prefix.addr()) {
        warnings.push(format!("{} is {kind}: this is not a client on the internet", node.prefix));
    }
    let held = size(&node.prefix);
    let seen = node.sums.addresses;
    let sparse = node.prefix.addr().is_ipv4() && held > 256 && held / 16 > u128::try_from(seen).unwrap_or(u128::MAX);
    if sparse {
        warnings.push(format!("{seen} of its {held} addresses were seen: it is not known who has the others"));
    }
    warnings
}

/// Addresses of networks inside (RFC 1918, RFC 4193 and their kin).
fn inside(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) if address.is_private() => Some("private"),
        IpAddr::V4(address) if address.is_loopback() => Some("loopback"),
        IpAddr::V4(address) if address.is_link_local() => Some("link-local"),
        IpAddr::V6(address) if address.is_unique_local() => Some("unique local"),
        IpAddr::V6(address) if address.is_loopback() => Some("loopback"),
        IpAddr::V6(address) if address.is_unicast_link_local() => Some("link-local"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
