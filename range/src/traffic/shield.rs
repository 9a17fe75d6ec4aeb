//! A web ACL at work: its compiled rules, its rate counts, its metrics.

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};

use super::waf::rate::{CHECK_SECONDS, Limiter};
use super::waf::{Acl, Counter, Fate};
use crate::state::{Account, MetricStore, SeriesId, SeriesKey};

/// How many of each [`Counter`].
type Tally = [u64; Counter::ALL.len()];
const NOTHING: Tally = [0; Counter::ALL.len()];

/// A web ACL at work.
#[derive(Debug)]
pub(crate) struct Shield {
    /// The compiled rules.
    pub(crate) acl: Acl,
    limiters: Vec<(usize, Limiter)>,
    tallies: Vec<Tally>,
    all: Tally,
    series: Vec<[Option<SeriesId>; Counter::ALL.len()]>,
    /// Rule groups' own series.
    grouped: Vec<Tally>,
    /// Requests by label, allowed and blocked.
    labels: BTreeMap<String, Tally>,
}

impl Shield {
    /// Takes up a web ACL. Rates of rules that have not been edited go on, the others begin anew (documented).
    pub(crate) fn new(acl: Acl, before: Option<Self>) -> Self {
        let mut old: Vec<(usize, Limiter)> = before.map(|shield| shield.limiters).unwrap_or_default();
        let limiters = acl
            .rate_leaves()
            .map(|(at, leaf)| match old.iter().position(|(_, limiter)| limiter.counts_for(leaf)) {
                Some(known) => (at, old.swap_remove(known).1),
                None => (at, Limiter::new(leaf)),
            })
            .collect();
        let rules = acl.metrics.len();
        Self {
            limiters,
            tallies: vec![NOTHING; rules],
            all: NOTHING,
            series: vec![[None; Counter::ALL.len()]; rules + 1],
            grouped: vec![NOTHING; acl.groups_series.len()],
            labels: BTreeMap::new(),
            acl,
        }
    }

    /// What the leaves say of an address, for requests that carry no forwarding header.
    pub(crate) fn bits(&self, address: IpAddr) -> Vec<bool> {
        self.acl.bits(address, None, |leaf| self.over(leaf, address))
    }

    /// Whether an address is over the rate of a leaf.
    pub(crate) fn over(&self, leaf: usize, address: IpAddr) -> bool {
        self.limiter(leaf).is_some_and(|limiter| limiter.over(address))
    }

    fn limiter(&self, leaf: usize) -> Option<&Limiter> {
        self.limiters.iter().find(|(at, _)| *at == leaf).map(|(_, limiter)| limiter)
    }

    /// Counts requests of an address for a rate leaf.
    pub(crate) fn count_rate(&mut self, leaf: usize, address: IpAddr, requests: f64) {
        if let Some((_, limiter)) = self.limiters.iter_mut().find(|(at, _)| *at == leaf) {
            limiter.count(address, requests);
        }
    }

    /// Whether so many requests of one address in ten seconds could ever matter to a leaf: a quarter of its limit if
    /// they went on.
    pub(crate) fn rate_matters(&self, leaf: usize, in_ten_seconds: f64) -> bool {
        self.acl.rate_leaves().any(|(at, rate)| at == leaf && in_ten_seconds * rate.checks as f64 > rate.limit / 4.0)
    }

    /// Closes ten seconds of every rate; says whether who is limited has changed.
    pub(crate) fn check_rates(&mut self, account: &mut Account, at: DateTime<Utc>) -> bool {
        if at.timestamp() % CHECK_SECONDS != 0 {
            return false;
        }
        let mut changed = false;
        for (_, limiter) in &mut self.limiters {
            changed |= limiter.check();
            if !limiter.limited().is_empty() || changed {
                account.waf.rate_limited.insert((self.acl.arn.clone(), limiter.rule().to_owned()), limiter.limited());
            }
        }
        changed
    }

    /// Counts `requests` of this fate.
    pub(crate) fn count(&mut self, fate: &Fate, requests: u64) {
        for (series, counter) in &fate.grouped {
            self.grouped[*series][*counter as usize] += requests;
        }
        // Only the first 100 labels of a request show in metrics (documented).
        for label in fate.labels.iter().take(100) {
            if !self.labels.contains_key(label) {
                self.labels.insert(label.clone(), NOTHING);
            }
            if let Some(tally) = self.labels.get_mut(label) {
                tally[fate.end as usize] += requests;
            }
        }
        let mut seen = [false; Counter::ALL.len()];
        for event in &fate.events {
            if let Some(counter) = event.counts {
                let at = counter as usize;
                self.tallies[event.rule][at] += requests;
                // `Rule=ALL` counts a request once, however many rules counted it (inferred).
                if !std::mem::replace(&mut seen[at], true) {
                    self.all[at] += requests;
                }
            }
        }
    }

    /// Writes what has been counted. A metric exists only where it is not zero (documented).
    pub(crate) fn publish(&mut self, metrics: &mut MetricStore, region: &str, at: DateTime<Utc>) {
        let all_at = self.tallies.len();
        for rule in 0..=all_at {
            let tally = if rule == all_at { &mut self.all } else { &mut self.tallies[rule] };
            let tally = std::mem::take(tally);
            for (counter, count) in Counter::ALL.into_iter().zip(tally).filter(|(_, count)| *count > 0) {
                let name = self.acl.metrics.get(rule).map_or("ALL", String::as_str);
                let series = *self.series[rule][counter as usize].get_or_insert_with(|| {
                    let dimensions = [("WebACL", self.acl.name.as_str()), ("Rule", name), ("Region", region)];
                    metrics.series(SeriesKey::new("AWS/WAFV2", counter.metric(), &dimensions))
                });
                // Only Sum means anything for WAF's metrics (documented): one datum a second.
                metrics.record(series, at, count as f64, 1);
            }
        }
        self.publish_groups(metrics, region, at);
        self.publish_labels(metrics, region, at);
    }

    /// Series of this account's rule groups: by `RuleGroup` and `Rule`, of whatever web ACL they are part (documented).
    /// That the web ACL's rule that holds a group is counted in the web ACL's own series is documented; `Rule=ALL` here
    /// is inferred.
    fn publish_groups(&mut self, metrics: &mut MetricStore, region: &str, at: DateTime<Utc>) {
        for (tally, (group, rule)) in self.grouped.iter_mut().zip(&self.acl.groups_series) {
            let dimensions = [("RuleGroup", group.as_str()), ("Rule", rule.as_str()), ("Region", region)];
            record(metrics, std::mem::replace(tally, NOTHING), &dimensions, at);
        }
    }

    /// Series of labels: by `LabelNamespace` and `LabelName`, by how the evaluation of the request ended (documented;
    /// the names of the dimensions are from users' dashboards).
    fn publish_labels(&mut self, metrics: &mut MetricStore, region: &str, at: DateTime<Utc>) {
        for (label, tally) in &mut self.labels {
            let (namespace, name) = label.rsplit_once(':').unwrap_or(("", label));
            let acl = self.acl.name.as_str();
            let dimensions = [("LabelNamespace", namespace), ("LabelName", name), ("Region", region), ("WebACL", acl)];
            record(metrics, std::mem::replace(tally, NOTHING), &dimensions, at);
        }
    }
}

/// Writes what is not zero: a metric exists only where it is not (documented).
fn record(metrics: &mut MetricStore, tally: Tally, dimensions: &[(&str, &str)], at: DateTime<Utc>) {
    for (counter, count) in Counter::ALL.into_iter().zip(tally).filter(|(_, count)| *count > 0) {
        let series = metrics.series(SeriesKey::new("AWS/WAFV2", counter.metric(), dimensions));
        metrics.record(series, at, count as f64, 1);
    }
}
