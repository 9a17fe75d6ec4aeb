//! Rate-based rules: how many requests each address has sent within the window.
//!
//! Counts are checked every ten seconds over a window of 1, 2, 5 or 10 minutes (documented); editing the rule resets
//! them (documented). An address stays limited until its count within the window is below the limit again. Aggregation
//! by IP and by constant is simulated; by forwarded address or custom keys is not, and the API refuses such a rule.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;

use serde_json::Value;

/// Seconds between two checks.
pub(crate) const CHECK_SECONDS: i64 = 10;

/// Addresses that one rate rule limits at once; of more, those with the highest rates (documented).
const MOST_LIMITED: usize = 10_000;

/// What a rate rule limits by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Each address.
    Ip,
    /// Everybody together.
    Everybody,
    /// Something that is not simulated.
    Unknown,
}

/// A `RateBasedStatement`.
#[derive(Debug, Clone)]
pub(crate) struct RateLeaf {
    /// Name of the rule it is in; `group/rule` inside a rule group.
    pub(crate) rule: String,
    /// Requests in the window.
    pub(crate) limit: f64,
    /// Checks in the window.
    pub(crate) checks: usize,
    /// What is counted together.
    pub(crate) by: By,
    /// The statement, to notice an edit.
    json: Value,
}

impl RateLeaf {
    pub(crate) fn read(rule: &str, json: &Value) -> Self {
        let seconds = json["EvaluationWindowSec"].as_i64().unwrap_or(300);
        Self {
            rule: rule.to_owned(),
            limit: json["Limit"].as_f64().unwrap_or(f64::INFINITY),
            checks: usize::try_from(seconds / CHECK_SECONDS).unwrap_or(30).max(1),
            by: match json["AggregateKeyType"].as_str() {
                Some("IP") | None => By::Ip,
                Some("CONSTANT") => By::Everybody,
                Some(_) => By::Unknown,
            },
            json: json.clone(),
        }
    }
}

/// The counts of one rate rule.
#[derive(Debug)]
pub(crate) struct Limiter {
    leaf: RateLeaf,
    /// Since the last check, by address.
    fresh: HashMap<IpAddr, f64>,
    /// Closed tens of seconds, oldest first.
    closed: VecDeque<HashMap<IpAddr, f64>>,
    sums: HashMap<IpAddr, f64>,
    limited: BTreeSet<IpAddr>,
    everybody: bool,
}

impl Limiter {
    pub(crate) fn new(leaf: &RateLeaf) -> Self {
        Self {
            leaf: leaf.clone(),
            fresh: HashMap::new(),
            closed: VecDeque::new(),
            sums: HashMap::new(),
            limited: BTreeSet::new(),
            everybody: false,
        }
    }

    /// The rule it counts for.
    pub(crate) fn rule(&self) -> &str {
        &self.leaf.rule
    }

    /// Whether it still counts for this statement.
    pub(crate) fn counts_for(&self, leaf: &RateLeaf) -> bool {
        self.leaf.rule == leaf.rule && self.leaf.json == leaf.json
    }

    /// Whether an address is over the limit.
    pub(crate) fn over(&self, address: IpAddr) -> bool {
        self.everybody || self.limited.contains(&address)
    }

    /// The addresses over the limit.
    pub(crate) fn limited(&self) -> Vec<IpAddr> {
        self.limited.iter().copied().collect()
    }

    /// Counts requests of one address.
    pub(crate) fn count(&mut self, address: IpAddr, requests: f64) {
        // One key is enough where everybody is counted together.
        let key = if self.leaf.by == By::Ip { address } else { IpAddr::from([0, 0, 0, 0]) };
        *self.fresh.entry(key).or_default() += requests;
    }

    /// Closes ten seconds; says whether who is limited has changed.
    pub(crate) fn check(&mut self) -> bool {
        let fresh = std::mem::take(&mut self.fresh);
        for (address, count) in &fresh {
            *self.sums.entry(*address).or_default() += count;
        }
        self.closed.push_back(fresh);
        if self.closed.len() > self.leaf.checks
            && let Some(oldest) = self.closed.pop_front()
        {
            for (address, count) in oldest {
                if let Some(sum) = self.sums.get_mut(&address) {
                    *sum -= count;
                }
            }
            self.sums.retain(|_, sum| *sum > 1e-6);
        }
        let mut over: Vec<(IpAddr, f64)> = self.sums.iter().map(|(address, sum)| (*address, *sum)).collect();
        over.retain(|(_, sum)| *sum > self.leaf.limit);
        if over.len() > MOST_LIMITED {
            over.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
            over.truncate(MOST_LIMITED);
        }
        let over: BTreeSet<IpAddr> = over.into_iter().map(|(address, _)| address).collect();
        match self.leaf.by {
            By::Ip => {
                let changed = over != self.limited;
                self.limited = over;
                changed
            }
            By::Everybody => {
                let changed = self.everybody == over.is_empty();
                self.everybody = !over.is_empty();
                changed
            }
            By::Unknown => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn an_address_is_limited_over_its_window_and_freed_after_it() {
        let leaf = RateLeaf::read(
            "rate",
            &serde_json::json!({"Limit": 100, "EvaluationWindowSec": 60, "AggregateKeyType": "IP"}),
        );
        let mut limiter = Limiter::new(&leaf);
        let (busy, calm): (IpAddr, IpAddr) = ("203.0.113.7".parse().unwrap(), "192.0.2.1".parse().unwrap());
        let mut limited_at = None;
        for check in 0..6 {
            limiter.count(busy, 30.0);
            limiter.count(calm, 3.0);
            if limiter.check() {
                limited_at = Some(check);
            }
        }
        assert_eq!(limited_at, Some(3), "120 requests are over 100 at the fourth check");
        assert!(limiter.over(busy) && !limiter.over(calm));
        for _ in 0..3 {
            limiter.check();
        }
        assert!(!limiter.over(busy), "90 requests are left in the window");
    }
}
