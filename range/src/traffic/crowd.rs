//! A population at work: its addresses, its kinds of request, its rate, and what its addresses do when refused.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::chance::Chance;
use super::conduct::Conduct;
use super::draw::draw;
use super::flows::{Class, KnownKinds, Plan};
use super::gate::Gate;
use super::request::{Shape, shapes};
use super::truth::Counts;
use crate::logs::Roster;
use crate::scenario::{Population, WhenBlocked};
use crate::state::ids;

/// Seconds between two knots of the slow wobble of a rate.
const KNOT_SECONDS: i64 = 30;

/// One address of a population.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) ip: IpAddr,
    /// Share of the population's requests, unscaled; 0 once it has fallen silent.
    pub(crate) weight: f64,
    pub(crate) country: Arc<str>,
    source: usize,
    pub(super) habit: Option<usize>,
    pub(super) refused_since: Option<i64>,
    moves: u32,
}

/// A population at work.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) spec: Population,
    /// Index of the front that it talks to.
    pub(crate) front: usize,
    /// Index of its book in the truth.
    pub(crate) book: usize,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) addresses: Vec<Address>,
    pub(crate) plan: Plan,
    /// What became of this second's requests.
    pub(crate) second: Counts,
    /// Hash of the name: key of its randomness.
    pub(crate) key: u64,
    pub(super) seed: u64,
    /// What it does by itself and about the answers that it gets.
    pub(super) conduct: Conduct,
    whole_weight: f64,
    used: HashSet<IpAddr>,
    /// What lines have been drawn from, as long as any may be.
    pub(super) rosters: Vec<Arc<Roster>>,
    /// The kinds of line that it has left, by shape and end, as long as any is kept.
    pub(super) kinds: KnownKinds,
}

impl Crowd {
    pub(crate) fn new(spec: Population, front: usize, book: usize, host: &str, seed: u64) -> Self {
        let key = ids::hash(spec.name.get_ref());
        let mut crowd = Self {
            shapes: shapes(&spec, host, seed),
            conduct: Conduct::of(&spec),
            spec,
            front,
            book,
            addresses: Vec::new(),
            plan: Plan::default(),
            second: Counts::default(),
            key,
            seed,
            whole_weight: 0.0,
            used: HashSet::new(),
            rosters: Vec::new(),
            kinds: Vec::new(),
        };
        crowd.people();
        crowd
    }

    fn people(&mut self) {
        let mut chance = Chance::keyed(self.seed, self.key, -2);
        for (at, source) in self.spec.sources.iter().enumerate() {
            let country: Arc<str> = Arc::from(source.country.as_str());
            let mut wanted: Vec<IpAddr> = Vec::new();
            for address in &source.addresses {
                if self.used.insert(*address) {
                    wanted.push(*address);
                }
            }
            for _ in 0..source.count {
                wanted.push(fresh(&source.prefix, &mut self.used, &mut chance));
            }
            for ip in wanted {
                // Some callers are busier than others, mildly.
                let weight = (0.25 * chance.normal()).exp();
                self.whole_weight += weight;
                let country = Arc::clone(&country);
                self.addresses.push(Address {
                    ip,
                    weight,
                    country,
                    source: at,
                    habit: None,
                    refused_since: None,
                    moves: 0,
                });
            }
        }
        self.give_habits(&mut chance);
    }

    /// Hands the habits out to a random choice of the addresses.
    fn give_habits(&mut self, chance: &mut Chance) {
        let mut order: Vec<usize> = (0..self.addresses.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, chance.index(at + 1));
        }
        let mut free = order.into_iter();
        for (habit, spec) in self.spec.habits.iter().enumerate() {
            let count =
                usize::try_from(super::chance::whole(spec.share.get_ref() * self.addresses.len() as f64)).unwrap_or(0);
            for at in free.by_ref().take(count) {
                self.addresses[at].habit = Some(habit);
            }
        }
    }

    /// Mean requests per second at `at`, for a drill that opens at `open`.
    pub(crate) fn rate(&self, at: DateTime<Utc>, open: DateTime<Utc>) -> f64 {
        let since = (at - open).num_seconds();
        let begun = self.spec.start.map(|start| since - start.seconds);
        if begun.is_some_and(|begun| begun < 0) || self.spec.stop.is_some_and(|stop| since >= stop.seconds) {
            return 0.0;
        }
        let ramp = match begun {
            Some(begun) if self.spec.ramp.seconds > 0 => (begun as f64 / self.spec.ramp.as_f64()).min(1.0),
            _ => 1.0,
        };
        let silent = self.addresses_weight() / self.whole_weight.max(f64::MIN_POSITIVE);
        let rate = self.spec.rate * ramp * self.wobble(at.timestamp()) * silent;
        self.conduct.shape(rate, at.timestamp(), since, begun.unwrap_or(since))
    }

    /// Seconds since its privileges ended; `None` while it has them.
    pub(crate) fn revoked_for(&self, at: DateTime<Utc>, open: DateTime<Utc>) -> Option<i64> {
        let since = (at - open).num_seconds() - self.spec.revoked?.seconds;
        (since >= 0).then_some(since)
    }

    fn addresses_weight(&self) -> f64 {
        self.plan.classes.iter().map(Class::weight).sum()
    }

    /// A slow factor around 1, drawn at knots and joined smoothly.
    fn wobble(&self, second: i64) -> f64 {
        if self.spec.noise <= 0.0 {
            return 1.0;
        }
        let knot = second.div_euclid(KNOT_SECONDS);
        let height = |knot| Chance::keyed(self.seed, self.key ^ 0x0b1e, knot).normal();
        let part = second.rem_euclid(KNOT_SECONDS) as f64 / KNOT_SECONDS as f64;
        let smooth = part * part * (3.0 - 2.0 * part);
        let x = height(knot) * (1.0 - smooth) + height(knot + 1) * smooth;
        (1.0 + self.spec.noise * x).max(0.0)
    }

    /// Lets addresses act on being refused; says whether any has moved or fallen silent.
    pub(crate) fn react(&mut self, second: i64) -> bool {
        if self.spec.habits.is_empty() {
            return false;
        }
        let mut changed = self.come_back(second);
        if self.conduct.is_quiet(&self.second) {
            return changed;
        }
        for class in 0..self.plan.classes.len() {
            let refused = self.is_refused(class);
            for member in 0..self.plan.classes[class].members.len() {
                let at = self.plan.classes[class].members[member];
                let address = &mut self.addresses[at];
                if !refused {
                    address.refused_since = None;
                    continue;
                }
                let since = *address.refused_since.get_or_insert(second);
                let Some(habit) = address.habit.and_then(|habit| self.spec.habits.get(habit)) else { continue };
                if second - since < habit.after.seconds {
                    continue;
                }
                changed |= self.act(at, habit.when_blocked, second);
            }
        }
        changed
    }

    /// Whether at least half of what a class sends is refused by WAF or policy.
    fn is_refused(&self, class: usize) -> bool {
        let classes = self.plan.classes.len();
        let refused: f64 = self
            .shapes
            .iter()
            .zip(self.plan.flows.chunks(classes))
            .filter(|(_, flows)| !flows[class].fate.passed || flows[class].gate != Gate::Open)
            .map(|(shape, _)| shape.share)
            .sum();
        refused >= 0.5
    }

    fn act(&mut self, at: usize, how: WhenBlocked, second: i64) -> bool {
        let address = &mut self.addresses[at];
        match how {
            WhenBlocked::Persist => return false,
            WhenBlocked::GiveUp => self.rest(at, second),
            WhenBlocked::Move => {
                address.moves += 1;
                let step = i64::try_from(at).unwrap_or(0) * 1_000 + i64::from(address.moves);
                let mut chance = Chance::keyed(self.seed, self.key ^ 0x3077, step);
                let prefix = &self.spec.sources[address.source].prefix;
                address.ip = fresh(prefix, &mut self.used, &mut chance);
                address.refused_since = None;
            }
        }
        true
    }
}

/// An address of the prefix that nobody of the population has had; after many failures one that somebody has.
fn fresh(prefix: &toml::Spanned<ipnet::IpNet>, used: &mut HashSet<IpAddr>, chance: &mut Chance) -> IpAddr {
    let mut address = draw(prefix.get_ref(), chance);
    for _ in 0..1_000 {
        if used.insert(address) {
            break;
        }
        address = draw(prefix.get_ref(), chance);
    }
    address
}
