//! Traffic: what populations and real requests do to an account, second by second.
//!
//! Requests are simulated as flows: populations' kinds of request from classes of addresses that are treated alike pass
//! WAF -> resource policy and authorization -> throttles (usage plan, method, account) -> cache -> integration, and
//! leave metrics, samples and the range's own truth behind. A step is one second; its randomness is keyed by seed,
//! population and second, so results depend neither on who asks when nor on how the time is chopped up. Nothing here
//! knows of the wire.

mod backend;
mod cache;
pub(crate) mod chance;
mod conduct;
mod credential;
mod crowd;
mod data_plane;
mod draw;
mod flow;
mod flows;
mod front;
mod gate;
mod log;
mod meters;
mod outcome;
mod places;
mod plan;
mod record;
mod request;
mod rhythm;
mod shield;
mod stage_log;
mod throttle;
mod truth;
pub(crate) mod waf;

use chrono::{DateTime, Utc};

use crate::scenario::{BackendSpec, CountingSpec, Population};
use crate::state::Account;
use backend::Backend;
pub(crate) use backend::Latency;
use crowd::Crowd;
use flow::{Kept, Work};
use front::Front;
pub(crate) use front::Profile;
use meters::Meters;
use places::Places;
pub(crate) use record::{OVERHEAD_MS, spread};
use shield::Shield;
use throttle::Bucket;
pub use truth::{Counts, Latencies, Truth};
use waf::Acl;

/// The traffic of an account.
#[derive(Debug)]
pub(crate) struct Traffic {
    seed: u64,
    open: DateTime<Utc>,
    counting: CountingSpec,
    profiles: Vec<Profile>,
    backends: Vec<Backend>,
    crowds: Vec<Crowd>,
    fronts: Vec<Front>,
    shields: Vec<Shield>,
    account_bucket: Option<Bucket>,
    meters: Meters,
    places: Places,
    truth: Truth,
    /// Rises with every change that could change a request's fate.
    version: u64,
    /// Real requests so far: key of their randomness.
    real: i64,
    // Room that is used again in every step.
    work: Vec<Work>,
    kept: Vec<Kept>,
}

impl Traffic {
    /// No populations; only real requests.
    pub(crate) fn idle() -> Self {
        Self::new(0, DateTime::UNIX_EPOCH, CountingSpec::default(), &[], Vec::new())
    }

    /// Traffic for an account whose drill opens at `open`.
    pub(crate) fn new(
        seed: u64,
        open: DateTime<Utc>,
        counting: CountingSpec,
        backends: &[BackendSpec],
        profiles: Vec<Profile>,
    ) -> Self {
        Self {
            seed,
            open,
            counting,
            profiles,
            backends: backends.iter().cloned().map(Backend::new).collect(),
            crowds: Vec::new(),
            fronts: Vec::new(),
            shields: Vec::new(),
            account_bucket: None,
            meters: Meters::default(),
            places: Places::default(),
            truth: Truth::default(),
            version: 1,
            real: 0,
            work: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// Adds a population that talks to a stage (by API id and stage name).
    pub(crate) fn add(&mut self, account: &mut Account, population: Population, api: &str) {
        let stage = population.stage.get_ref().stage.clone();
        let front = self.front(account, api, &stage);
        let book = self.truth.open(&self.fronts[front].id.label, population.name.get_ref());
        let host = format!("{api}.execute-api.{}.amazonaws.com", account.region);
        self.crowds.push(Crowd::new(population, front, book, &host, self.seed));
        let sources = self.crowds.iter().flat_map(|crowd| &crowd.spec.sources);
        self.places = Places::new(sources.map(|source| (*source.prefix.get_ref(), source.country.as_str().into())));
    }

    /// Who belongs to a population, with each address' part of what it sends.
    pub(crate) fn senders(&self, population: &str) -> Vec<(std::net::IpAddr, f64)> {
        let named = self.crowds.iter().filter(|crowd| crowd.spec.name.get_ref() == population);
        let addresses: Vec<_> = named.flat_map(|crowd| &crowd.addresses).map(|one| (one.ip, one.weight)).collect();
        let whole: f64 = addresses.iter().map(|(_, weight)| weight).sum();
        addresses.into_iter().map(|(address, weight)| (address, weight / whole)).collect()
    }

    /// What traffic really was.
    pub(crate) fn truth(&self) -> &Truth {
        &self.truth
    }

    /// The front of a stage, made on first sight.
    fn front(&mut self, account: &mut Account, api: &str, stage: &str) -> usize {
        let known = self.fronts.iter().position(|front| front.id.api == api && front.id.stage == stage);
        known.unwrap_or_else(|| {
            self.fronts.push(Front::new(account, api, stage));
            self.fronts.len() - 1
        })
    }

    /// Simulates the second that begins at `at`. `account.now` is its end.
    pub(crate) fn step(&mut self, account: &mut Account, at: DateTime<Utc>) {
        self.refresh(account, at);
        self.gather(account, at);
        self.keep_samples(account, at);
        self.throttle(at);
        self.integrate(account, at);
        self.write_logs(account, at);
        for shield in &mut self.shields {
            shield.publish(&mut account.metrics, &account.region, at);
        }
        self.conclude(at);
        self.end_step(account, at);
    }

    /// Looks at what traffic sees now: stages, associations, web ACLs, the account's throttle.
    fn refresh(&mut self, account: &mut Account, at: DateTime<Utc>) {
        let (rate, burst) = (account.gateway.throttle_rate_limit, account.gateway.throttle_burst_limit as f64);
        self.account_bucket.get_or_insert_with(|| Bucket::new(rate, burst)).set(rate, burst);
        for front in 0..self.fronts.len() {
            self.refresh_front(account, front, at);
        }
        if self.meters.refresh(account, at) {
            self.hand_over_rates();
            self.version += 1;
            self.fronts.iter_mut().for_each(|front| front.version = self.version);
        }
    }

    fn refresh_front(&mut self, account: &mut Account, index: usize, at: DateTime<Utc>) {
        let front = &mut self.fronts[index];
        let changed = front.refresh(account, &self.profiles, &self.backends, at) || front.version == 0;
        let arn = front.association(account, at);
        let shield = arn.and_then(|arn| self.shield(account, &arn, at));
        if changed || self.fronts[index].shield != shield {
            self.hand_over_rates();
            self.version += 1;
            self.fronts[index].shield = shield;
            self.fronts[index].version = self.version;
        }
    }

    /// The shield of a web ACL, compiled anew where anything in it has changed.
    fn shield(&mut self, account: &mut Account, arn: &str, at: DateTime<Utc>) -> Option<usize> {
        let known = self.shields.iter().position(|shield| shield.acl.arn == arn);
        if let Some(known) = known.filter(|known| self.shields[*known].acl.is_current(account, at)) {
            return Some(known);
        }
        let live = account.waf.web_acl_live(arn, at).cloned()?;
        let acl = Acl::read(&live, account, at, &self.places);
        let Some(known) = known else {
            self.shields.push(Shield::new(acl, None));
            return Some(self.shields.len() - 1);
        };
        self.hand_over_rates();
        account.waf.rate_limited.retain(|(of, _), _| of != arn);
        let old = self.shields.remove(known);
        self.shields.insert(known, Shield::new(acl, Some(old)));
        self.renew(known);
        Some(known)
    }

    /// Lets everybody behind a shield notice that it has changed.
    fn renew(&mut self, shield: usize) {
        self.version += 1;
        let version = self.version;
        self.fronts.iter_mut().filter(|front| front.shield == Some(shield)).for_each(|front| front.version = version);
    }

    /// Rates, habits: what this second changes for the next.
    fn end_step(&mut self, account: &mut Account, at: DateTime<Utc>) {
        let second = at.timestamp();
        if second % waf::rate::CHECK_SECONDS == 0 {
            self.hand_over_rates();
            for index in 0..self.shields.len() {
                if self.shields[index].check_rates(account, at) {
                    self.renew(index);
                }
            }
            // A policy with a date in it is asked again.
            for front in &mut self.fronts {
                if front.policy.as_ref().is_some_and(|policy| policy.uses_time) {
                    self.version += 1;
                    front.version = self.version;
                }
            }
        }
        for index in 0..self.crowds.len() {
            if self.crowds[index].react(second) {
                self.hand_over_rates();
                self.crowds[index].plan.version = 0;
            }
        }
    }

    /// Gives the rate rules what has come since they were last told, address by address. Must happen before a plan is
    /// made anew.
    fn hand_over_rates(&mut self) {
        for crowd in &mut self.crowds {
            let Some(shield) = self.fronts[crowd.front].shield.and_then(|shield| self.shields.get_mut(shield)) else {
                continue;
            };
            let classes = crowd.plan.classes.len();
            for (at, flow) in crowd.plan.flows.iter_mut().enumerate() {
                let requests = std::mem::take(&mut flow.rated);
                if requests <= 0.0 {
                    continue;
                }
                let class = &crowd.plan.classes[at % classes];
                let per_weight = requests / class.weight();
                let busiest = class.members.iter().map(|member| crowd.addresses[*member].weight).fold(0.0, f64::max);
                for leaf in &flow.fate.rates {
                    // Crowds of small callers could never reach the limit: no books are kept of them.
                    if class.members.len() > 200
                        && !shield.rate_matters(*leaf, busiest * per_weight * crowd.shapes.len() as f64)
                    {
                        continue;
                    }
                    for member in &class.members {
                        let address = &crowd.addresses[*member];
                        shield.count_rate(*leaf, address.ip, address.weight * per_weight);
                    }
                }
            }
        }
    }
}
