//! One second of flows: who sends how much, and what becomes of it.

use chrono::{DateTime, Utc};

use super::Traffic;
use super::backend::Second;
use super::chance::Chance;
use super::crowd::Crowd;
use super::front::{Front, Lane, LaneSecond};
use super::gate::Gate;
use super::outcome::Slot;
use super::record::{Answered, Tally};
use super::truth::Counts;
use crate::state::{Account, Sample};

/// Requests of one flow in this second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    crowd: usize,
    flow: usize,
    /// Sent.
    sent: u64,
    /// Not answered yet.
    left: u64,
}

impl Work {
    /// Crowd and flow.
    pub(super) fn place(&self) -> (usize, usize) {
        (self.crowd, self.flow)
    }

    /// How many were sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }
}

/// A request that is kept as a sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    /// Decides the order within the second.
    order: u64,
    crowd: usize,
    flow: usize,
    address: usize,
    /// How many it stands for.
    count: u32,
}

/// Fewest and most samples of one population in one second.
const SAMPLES: (u64, u64) = (4, 32);
/// Name of the stream that rounds.
const ROUNDING: u64 = 0x00f1_0a75;

impl Traffic {
    /// Draws what every population sends, lets WAF, policy and authorization judge it, and notes what goes on.
    pub(super) fn gather(&mut self, account: &Account, at: DateTime<Utc>) {
        self.work.clear();
        self.kept.clear();
        for index in 0..self.crowds.len() {
            self.replan(account, index, at);
            let crowd = &mut self.crowds[index];
            crowd.second = Counts::default();
            if !self.fronts[crowd.front].is_up() {
                continue;
            }
            let rate = crowd.rate(at, self.open);
            let first = self.work.len();
            if rate > 0.0 {
                send(crowd, index, rate, at, &mut self.work);
            }
            send_again(crowd, index, at, first, &mut self.work);
            choose_samples(crowd, &self.work[first..], at, &mut self.kept);
            self.judge(index, first);
        }
    }

    fn judge(&mut self, crowd: usize, first: usize) {
        let crowd = &mut self.crowds[crowd];
        let front = &mut self.fronts[crowd.front];
        let mut shield = front.shield.and_then(|shield| self.shields.get_mut(shield));
        for work in &mut self.work[first..] {
            let flow = &mut crowd.plan.flows[work.flow];
            crowd.second.requests += work.sent;
            if !flow.fate.rates.is_empty() {
                flow.rated += work.sent as f64;
            }
            if let Some(shield) = &mut shield {
                shield.count(&flow.fate, work.sent);
            }
            let tally = tally(front, flow.lane);
            if !flow.fate.passed {
                crowd.second.waf_blocked += work.sent;
                if self.counting.waf_blocked {
                    tally.refuse(work.sent, (400..500).contains(&flow.fate.code));
                }
            } else if flow.gate == Gate::Open {
                continue;
            } else {
                let unauthorized = flow.gate.wants_credentials();
                *if unauthorized { &mut crowd.second.unauthorized } else { &mut crowd.second.denied } += work.sent;
                tally.refuse(work.sent, true);
            }
            flow.end(Slot::Refused, work.sent);
            work.left = 0;
        }
    }

    /// Hands the chosen requests to the store of samples, in order.
    pub(super) fn keep_samples(&mut self, account: &mut Account, at: DateTime<Utc>) {
        self.kept.sort_unstable_by_key(|kept| kept.order);
        for kept in &self.kept {
            let crowd = &self.crowds[kept.crowd];
            let Some(shield) = self.fronts[crowd.front].shield.and_then(|shield| self.shields.get(shield)) else {
                continue;
            };
            let shape = &crowd.shapes[kept.flow / crowd.plan.classes.len()];
            let address = &crowd.addresses[kept.address];
            for event in &crowd.plan.flows[kept.flow].fate.events {
                let Some(verdict) = &event.verdict else { continue };
                let sample = Sample {
                    at,
                    client_ip: address.ip,
                    country: address.country.clone(),
                    request: shape.sampled.clone(),
                    verdict: verdict.clone(),
                    count: kept.count,
                };
                account.samples.record_sample(&shield.acl.arn, &shield.acl.metrics[event.rule], sample);
            }
        }
    }

    /// Usage plans, method buckets, then the account's: each sheds everyone who asks, in proportion.
    pub(super) fn throttle(&mut self, at: DateTime<Utc>) {
        let mut chance = Chance::keyed(self.seed, ROUNDING, at.timestamp());
        self.fronts.iter_mut().flat_map(|front| &mut front.lanes).for_each(|lane| lane.second = LaneSecond::default());
        self.throttle_clients(&mut chance);
        let mut demand = 0;
        for work in &self.work {
            if let Some(lane) = lane(&self.crowds, &mut self.fronts, work) {
                lane.second.demand += work.left;
            }
        }
        for lane in self.fronts.iter_mut().flat_map(|front| &mut front.lanes) {
            let asked = lane.second.demand;
            lane.second.pass = lane.bucket.as_mut().map_or(1.0, |bucket| bucket.second(asked));
        }
        for work in &mut self.work {
            let Some(lane) = lane(&self.crowds, &mut self.fronts, work) else { continue };
            let passed = share_of(work.left, lane.second.pass, &mut chance);
            shed(&mut self.crowds[work.crowd], lane, work, passed, self.counting.throttled);
            demand += work.left;
        }
        let pass = self.account_bucket.as_mut().map_or(1.0, |bucket| bucket.second(demand));
        if pass < 1.0 {
            for work in &mut self.work {
                let Some(lane) = lane(&self.crowds, &mut self.fronts, work) else { continue };
                let passed = share_of(work.left, pass, &mut chance);
                shed(&mut self.crowds[work.crowd], lane, work, passed, self.counting.throttled);
            }
        }
    }

    /// The buckets of usage plans: those of methods, then those of all methods together.
    fn throttle_clients(&mut self, chance: &mut Chance) {
        if self.meters.len() == 0 {
            return;
        }
        let mut asked = vec![false; self.meters.len()];
        for round in 0..2 {
            let mut demand = vec![0; self.meters.len()];
            for work in &self.work {
                if let Some(meter) = meter(&self.crowds, work, round) {
                    demand[meter] += work.left;
                }
            }
            let mut pass = vec![1.0; demand.len()];
            for (at, demand) in demand.into_iter().enumerate().filter(|(_, demand)| *demand > 0) {
                (pass[at], asked[at]) = (self.meters.second(at, demand), true);
            }
            for work in &mut self.work {
                let Some(meter) = meter(&self.crowds, work, round) else { continue };
                let Some(lane) = lane(&self.crowds, &mut self.fronts, work) else { continue };
                let passed = share_of(work.left, pass[meter], chance);
                shed(&mut self.crowds[work.crowd], lane, work, passed, self.counting.throttled);
            }
        }
        // A bucket fills once a second, also where nobody asks.
        for at in (0..asked.len()).filter(|at| !asked[*at]) {
            self.meters.second(at, 0);
        }
    }

    /// Cache, then integration; writes the second's metrics and truth.
    // Long: one second's steps in their order; each takes what the one before it left.
    pub(super) fn integrate(&mut self, account: &mut Account, at: DateTime<Utc>) {
        let mut chance = Chance::keyed(self.seed, ROUNDING ^ 1, at.timestamp());
        self.serve_from_cache(at, &mut chance);
        let seconds = self.load_backends();
        for work in &self.work {
            let Some(lane) = lane(&self.crowds, &mut self.fronts, work) else { continue };
            let second = lane.integration.backend.map_or(Second::CALM, |backend| seconds[backend]);
            let crowd = &mut self.crowds[work.crowd];
            let refused = share_of(work.left, second.refused, &mut chance);
            let late = share_of(work.left - refused, lane.integration.late(&second), &mut chance);
            let answered = work.left - refused - late;
            let bad = match crowd.revoked_for(at, self.open) {
                Some(_) => answered,
                None => chance.binomial(answered, crowd.spec.client_errors),
            };
            let broken = chance.binomial(answered - bad, crowd.spec.server_errors);
            crowd.second.client_errors += bad;
            crowd.second.server_errors += refused + late + broken;
            crowd.second.served += answered - bad - broken;
            let revoked = crowd.revoked_for(at, self.open).is_some();
            let flow = &mut crowd.plan.flows[work.flow];
            flow.end(Slot::Overloaded, refused);
            flow.end(Slot::Late, late);
            flow.end(if revoked { Slot::Revoked } else { Slot::ClientError }, bad);
            flow.end(Slot::ServerError, broken);
            flow.end(Slot::Served, answered - bad - broken);
            lane.second.refused += refused;
            lane.second.late += late;
            lane.second.answered += answered;
            lane.tally.requests += work.left;
            lane.tally.client_errors += bad;
            lane.tally.server_errors += refused + late + broken;
        }
        for front in &mut self.fronts {
            for lane in &mut front.lanes {
                let failure = lane.integration.backend.and_then(|backend| self.backends.get(backend));
                let second = lane.integration.backend.map_or(Second::CALM, |backend| seconds[backend]);
                let cold = share_of(lane.second.answered, second.cold, &mut chance);
                lane.cache.fared(lane.second.answered, lane.second.refused + lane.second.late);
                let cold_ms = failure.map_or(0.0, super::backend::Backend::cold_ms);
                let how = lane.integration.answered(&second);
                (lane.second.slower, lane.second.wait_ms) = (how.slower, how.wait_ms);
                lane.second.cold = (second.cold, cold_ms);
                lane.second.refusal_ms = failure.map_or(0.0, super::backend::Backend::refusal_ms);
                lane.tally.integrated(&how, lane.second.answered - cold, &mut chance);
                lane.tally.integrated(&Answered { wait_ms: how.wait_ms + cold_ms, ..how }, cold, &mut chance);
                if let Some(backend) = failure {
                    lane.tally.failed(backend.refusal_ms(), lane.second.refused);
                    lane.tally.failed(backend.timeout_ms(), lane.second.late);
                }
                lane.tally.finish(&mut chance);
                if let Some(series) = &lane.series {
                    series.write(&mut account.metrics, at, &lane.tally);
                }
                front.tally.absorb(&lane.tally);
                lane.tally.clear();
            }
            front.tally.finish(&mut chance);
            front.series.iter().for_each(|series| series.write(&mut account.metrics, at, &front.tally));
            self.truth.took(&front.id.label, at, &front.tally.latency);
            front.tally.clear();
        }
        for crowd in &self.crowds {
            if crowd.second.requests > 0 {
                self.truth.add(crowd.book, at, &crowd.second);
            }
        }
    }

    fn serve_from_cache(&mut self, at: DateTime<Utc>, chance: &mut Chance) {
        self.fronts.iter_mut().flat_map(|front| &mut front.lanes).for_each(|lane| lane.second.demand = 0);
        for work in &self.work {
            let fills = !is_unique(&self.crowds, work) && self.crowds[work.crowd].revoked_for(at, self.open).is_none();
            if let Some(lane) = lane(&self.crowds, &mut self.fronts, work)
                && fills
            {
                lane.second.demand += work.left;
            }
        }
        for lane in self.fronts.iter_mut().flat_map(|front| &mut front.lanes) {
            if let Some((how, ttl)) = lane.caching {
                lane.second.hits = lane.cache.second(lane.second.demand, &how, ttl);
            }
        }
        for work in &mut self.work {
            let unique = is_unique(&self.crowds, work);
            let Some(lane) = lane(&self.crowds, &mut self.fronts, work) else { continue };
            let Some((how, ttl)) = lane.caching else { continue };
            let share = match self.crowds[work.crowd].revoked_for(at, self.open) {
                _ if unique => 0.0,
                Some(since) => lane.cache.stale_share(&how, ttl, at.timestamp(), since),
                None => lane.second.hits,
            };
            let hits = share_of(work.left, share, chance);
            work.left -= hits;
            self.crowds[work.crowd].second.cache_hits += hits;
            self.crowds[work.crowd].plan.flows[work.flow].end(Slot::CacheHit, hits);
            lane.tally.requests += hits;
            lane.tally.hits += hits;
            lane.tally.misses += work.left;
        }
    }

    /// Gives every backend the second's work; gives back how each fares.
    fn load_backends(&mut self) -> Vec<Second> {
        let mut loads = vec![(0.0, 0_u64, 0.0); self.backends.len()];
        for work in &self.work {
            let cost = self.crowds[work.crowd].spec.cost;
            let Some(lane) = lane(&self.crowds, &mut self.fronts, work) else { continue };
            let by = &lane.integration;
            if let Some((units, requests, latency)) = by.backend.and_then(|backend| loads.get_mut(backend)) {
                *units += work.left as f64 * by.cost * cost;
                *requests += work.left;
                *latency += work.left as f64 * by.latency.mean();
            }
        }
        let loads = self.backends.iter_mut().zip(loads);
        loads
            .map(|(backend, (units, requests, latency))| {
                backend.second(units, requests, latency / requests.max(1) as f64)
            })
            .collect()
    }
}

fn lane<'f>(crowds: &[Crowd], fronts: &'f mut [Front], work: &Work) -> Option<&'f mut Lane> {
    if work.left == 0 {
        return None;
    }
    let crowd = &crowds[work.crowd];
    let lane = crowd.plan.flows[work.flow].lane?;
    fronts[crowd.front].lanes.get_mut(lane)
}

/// The bucket of a usage plan that a flow takes from in a round.
fn meter(crowds: &[Crowd], work: &Work, round: usize) -> Option<usize> {
    crowds[work.crowd].plan.flows[work.flow].meters.get(round).copied().filter(|_| work.left > 0)
}

fn tally(front: &mut Front, lane: Option<usize>) -> &mut Tally {
    match lane {
        Some(lane) if lane < front.lanes.len() => &mut front.lanes[lane].tally,
        _ => &mut front.tally,
    }
}

fn is_unique(crowds: &[Crowd], work: &Work) -> bool {
    let crowd = &crowds[work.crowd];
    crowd.shapes[work.flow / crowd.plan.classes.len().max(1)].unique
}

/// `share` of `requests`; all and none are exact.
fn share_of(requests: u64, share: f64, chance: &mut Chance) -> u64 {
    if share >= 1.0 {
        requests
    } else if share <= 0.0 || requests == 0 {
        0
    } else {
        chance.round(requests as f64 * share).min(requests)
    }
}

fn shed(crowd: &mut Crowd, lane: &mut Lane, work: &mut Work, passed: u64, counted: bool) {
    let shed = work.left - passed;
    if shed > 0 {
        crowd.second.throttled += shed;
        crowd.plan.flows[work.flow].end(Slot::Throttled, shed);
        if counted {
            lane.tally.refuse(shed, true);
        }
        work.left = passed;
    }
}

/// Draws how often each shape is sent, then which class of addresses sends it. What is sent does not depend on how
/// addresses are classed.
fn send(crowd: &Crowd, index: usize, rate: f64, at: DateTime<Utc>, works: &mut Vec<Work>) {
    let mut arrivals = Chance::keyed(crowd.seed, crowd.key, at.timestamp());
    let mut split = Chance::keyed(crowd.seed, crowd.key ^ 0x59f1, at.timestamp());
    let whole: f64 = crowd.plan.classes.iter().map(super::flows::Class::weight).sum();
    let classes = crowd.plan.classes.len();
    for (shape, kind) in crowd.shapes.iter().enumerate() {
        let mut left = arrivals.poisson(rate * kind.share);
        let mut weight_left = whole;
        for (class, members) in crowd.plan.classes.iter().enumerate() {
            if left == 0 {
                break;
            }
            let weight = members.weight();
            let sent = if class + 1 == classes { left } else { split.binomial(left, weight / weight_left) };
            weight_left -= weight;
            left -= sent;
            if sent > 0 {
                works.push(Work { crowd: index, flow: shape * classes + class, sent, left: sent });
            }
        }
    }
}

/// Adds what clients try again to what they send, from `first` on and in the order of flows.
fn send_again(crowd: &mut Crowd, index: usize, at: DateTime<Utc>, first: usize, works: &mut Vec<Work>) {
    let Some(retries) = &mut crowd.conduct.retries else { return };
    for (flow, sent) in retries.take(at.timestamp(), &crowd.plan) {
        crowd.second.retries += sent;
        match works[first..].binary_search_by_key(&flow, |work| work.flow) {
            Ok(known) => {
                let known = &mut works[first + known];
                (known.sent, known.left) = (known.sent + sent, known.left + sent);
            }
            Err(place) => works.insert(first + place, Work { crowd: index, flow, sent, left: sent }),
        }
    }
}

/// Chooses requests evenly out of everything that a population sends in this second, each standing for as many.
fn choose_samples(crowd: &Crowd, works: &[Work], at: DateTime<Utc>, kept: &mut Vec<Kept>) {
    let total: u64 = works.iter().map(|work| work.sent).sum();
    let samples = (total / 8).clamp(SAMPLES.0, SAMPLES.1).min(total);
    if samples == 0 {
        return;
    }
    let mut chance = Chance::keyed(crowd.seed, crowd.key ^ 0x5a3e, at.timestamp());
    let offset = chance.unit();
    let (mut upto, mut works) = (0, works.iter());
    let mut current = works.next();
    for sample in 0..samples {
        let position = super::chance::whole(((sample as f64 + offset) * total as f64 / samples as f64).floor());
        while let Some(work) = current
            && upto + work.sent <= position
        {
            upto += work.sent;
            current = works.next();
        }
        let Some(work) = current else { break };
        let class = &crowd.plan.classes[work.flow % crowd.plan.classes.len()];
        let count = total / samples + u64::from(sample < total % samples);
        kept.push(Kept {
            order: chance.bits(),
            crowd: work.crowd,
            flow: work.flow,
            address: class.pick(&mut chance),
            count: u32::try_from(count).unwrap_or(u32::MAX),
        });
    }
}
