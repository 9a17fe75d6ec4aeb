//! Usage plans at work: what each client of a plan may take.
//!
//! A plan limits each of its keys by itself, per method where it says so and over all methods; these limits come before
//! the stage's and the account's (documented). Keys count on methods that require one, and nowhere else (inferred).

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::front::{Front, Lane};
use super::throttle::Bucket;
use crate::state::{Account, ApiKey, Live, Throttle, UsagePlan};

/// The plans and keys that traffic sees now, and a bucket for every limit of every key.
#[derive(Debug, Default)]
pub(super) struct Meters {
    plans: Vec<Arc<UsagePlan>>,
    keys: Vec<Arc<ApiKey>>,
    all: Vec<Meter>,
}

#[derive(Debug)]
struct Meter {
    name: Name,
    bucket: Bucket,
}

/// Whose limit it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    plan: String,
    key: String,
    /// API, stage and `/path/METHOD`; `None` for all methods together.
    method: Option<(String, String, String)>,
}

impl Meters {
    /// Looks at what traffic sees now; says whether anything has changed. What is in a bucket stays there.
    pub(super) fn refresh(&mut self, account: &Account, now: DateTime<Utc>) -> bool {
        let plans: Vec<_> = account.gateway.usage_plans.values().filter_map(|plan| Live::at(plan, now)).collect();
        let keys: Vec<_> = account.gateway.api_keys.values().filter_map(|key| Live::at(key, now)).collect();
        if same(&plans, &self.plans) && same(&keys, &self.keys) {
            return false;
        }
        (self.plans, self.keys) = (plans.into_iter().cloned().collect(), keys.into_iter().cloned().collect());
        let mut old = std::mem::take(&mut self.all);
        for (name, throttle) in self.plans.iter().flat_map(|plan| limits(plan)) {
            let (rate, burst) = (throttle.rate, throttle.burst as f64);
            let known = old.iter().position(|meter| meter.name == name).map(|at| old.swap_remove(at).bucket);
            let mut bucket = known.unwrap_or_else(|| Bucket::new(rate, burst));
            bucket.set(rate, burst);
            self.all.push(Meter { name, bucket });
        }
        true
    }

    /// The value of a key by name.
    pub(super) fn key_named(&self, name: &str) -> Option<&str> {
        self.keys.iter().find(|key| key.name == name).map(|key| key.value.as_str())
    }

    /// The buckets that a call with a key takes from, the method's first; `None` where the key does not let it in:
    /// unknown, not enabled, or in no plan of the stage.
    pub(super) fn of(&self, value: Option<&str>, front: &Front, lane: &Lane) -> Option<Vec<usize>> {
        let key = self.keys.iter().find(|key| Some(key.value.as_str()) == value && key.enabled)?;
        let is_here = |plan: &&Arc<UsagePlan>| {
            plan.keys.contains(&key.id)
                && plan.stages.iter().any(|stage| stage.api == front.id.api && stage.stage == front.id.stage)
        };
        let plan = self.plans.iter().find(is_here)?;
        let method = format!("{}/{}", lane.path, lane.method);
        let mine = |meter: &Meter| meter.name.plan == plan.id && meter.name.key == key.id;
        let here = |meter: &Meter| match &meter.name.method {
            Some((api, stage, wanted)) => *api == front.id.api && *stage == front.id.stage && *wanted == method,
            None => true,
        };
        let meters = self.all.iter().enumerate().filter(|(_, meter)| mine(meter) && here(meter));
        Some(meters.map(|(at, _)| at).collect())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Takes a second's demand of one; gives the share that passes.
    pub(super) fn second(&mut self, meter: usize, demand: u64) -> f64 {
        self.all.get_mut(meter).map_or(1.0, |meter| meter.bucket.second(demand))
    }

    /// Takes one token of each, if there is one.
    pub(super) fn one(&mut self, meters: &[usize]) -> bool {
        meters.iter().all(|at| self.all.get_mut(*at).is_none_or(|meter| meter.bucket.one()))
    }
}

/// The limits of every key of a plan, those of methods first.
fn limits(plan: &UsagePlan) -> Vec<(Name, Throttle)> {
    let mut limits = Vec::new();
    for key in &plan.keys {
        let name = |method| Name { plan: plan.id.clone(), key: key.clone(), method };
        for stage in &plan.stages {
            for (method, throttle) in &stage.throttle {
                limits.push((name(Some((stage.api.clone(), stage.stage.clone(), method.clone()))), *throttle));
            }
        }
        limits.extend(plan.throttle.map(|throttle| (name(None), throttle)));
    }
    limits
}

fn same<T>(now: &[&Arc<T>], before: &[Arc<T>]) -> bool {
    now.len() == before.len() && now.iter().zip(before).all(|(now, before)| Arc::ptr_eq(now, before))
}
