//! Top lists out of what was counted: prefixes out of the sources, the rest out of the access log where it counted.

use std::collections::HashMap;

use ipnet::IpNet;

use super::reading::Prefixes;
use crate::model::address::surroundings;
use crate::model::counted::{Bounds, CountedBy};
use crate::model::source::Sources;
use crate::model::text::shortened;
use crate::model::top_list::{TopList, TopOf, TopRow};

/// Characters kept of an attacker's text.
const TEXT: usize = 200;

/// Counts by name of one window, and how many lines the window has.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) by_name: HashMap<String, f64>,
    pub(super) total: f64,
    /// Whether every name is among them.
    pub(super) whole: bool,
}

impl Counts {
    fn share(&self, name: &str) -> Option<f64> {
        share_of(self.by_name.get(name).copied(), self.total, self.whole)
    }
}

/// A part of a window's lines. What is not listed is nothing only where everything is listed.
fn share_of(requests: Option<f64>, total: f64, whole: bool) -> Option<f64> {
    match requests {
        _ if total <= 0.0 => None,
        Some(requests) => Some(part(requests, total)),
        None => whole.then_some(0.0),
    }
}

/// A list of what the access log counted.
pub(super) fn logged(of: TopOf, now: &Counts, before: Option<&Counts>) -> TopList {
    let rows = now.by_name.iter().map(|(name, requests)| TopRow {
        name: shortened(name, TEXT),
        prefix: None,
        requests: super::whole(*requests),
        requests_bounds: None,
        share: part(*requests, now.total),
        before_share: before.and_then(|before| before.share(name)),
        addresses: None,
    });
    let counted: f64 = now.by_name.values().sum();
    list(of, CountedBy::AccessLog, rows.collect(), part(counted, now.total).min(1.0))
}

/// A list of the prefixes that the access log counted by itself.
pub(super) fn logged_prefixes(now: &Prefixes, before: Option<&Prefixes>) -> Option<TopList> {
    let share_before = |before: &Prefixes, net: &IpNet| {
        share_of(before.by.get(net).map(|sum| sum.requests), before.total, before.whole)
    };
    let rows = now.by.iter().map(|(net, sum)| TopRow {
        name: net.to_string(),
        prefix: Some(*net),
        requests: super::whole(sum.requests),
        requests_bounds: None,
        share: part(sum.requests, now.total),
        before_share: before.and_then(|before| share_before(before, net)),
        addresses: usize::try_from(super::whole(sum.addresses)).ok(),
    });
    let counted: f64 = now.by.values().map(|sum| sum.requests).sum();
    let list = list(TopOf::Prefixes, CountedBy::AccessLog, rows.collect(), part(counted, now.total).min(1.0));
    (list.distinct > 0).then_some(list)
}

/// The /24 and /48 around the sources. Those that nothing counts are in no prefix.
pub(super) fn prefixes(sources: &Sources) -> Option<TopList> {
    #[derive(Default)]
    struct Sum {
        requests: f64,
        /// Of its addresses' together: wider than they must be, and never too narrow.
        bounds: Option<Bounds>,
        share: f64,
        before: f64,
        addresses: usize,
    }
    let mut sums: HashMap<IpNet, Sum> = HashMap::new();
    for source in &sources.sources {
        let (Some(requests), Some(share)) = (source.requests, source.share) else { continue };
        let sum = sums.entry(surroundings(source.address)).or_default();
        sum.requests += requests as f64;
        if let Some(bounds) = source.requests_bounds {
            sum.bounds = Some(sum.bounds.map_or(bounds, |sum| sum.plus(bounds)));
        }
        sum.share += share;
        sum.before += source.before_per_second;
        sum.addresses += 1;
    }
    let now_before: f64 = sources.sources.iter().map(|source| source.before_per_second).sum();
    let gone: f64 = sources.gone.iter().map(|(_, per_second)| per_second).sum();
    let before = now_before + gone;
    // Estimates out of samples are not held against lines of a log.
    let compared = sources.log.as_ref().is_none_or(|log| log.before_listed_share.is_some());
    for (address, per_second) in &sources.gone {
        if let Some(sum) = sums.get_mut(&surroundings(*address)) {
            sum.before += per_second;
        }
    }
    let rows = sums.into_iter().map(|(prefix, sum)| TopRow {
        name: prefix.to_string(),
        prefix: Some(prefix),
        requests: super::whole(sum.requests),
        requests_bounds: sum.bounds,
        share: sum.share,
        before_share: (compared && before > 0.0).then(|| part(sum.before, before)),
        addresses: Some(sum.addresses),
    });
    let (by, counted) = match &sources.log {
        Some(log) => (CountedBy::AccessLog, log.listed_share),
        None => (CountedBy::WafSamples, 1.0),
    };
    let list = list(TopOf::Prefixes, by, rows.collect(), counted);
    (list.distinct > 0).then_some(list)
}

fn list(of: TopOf, counted_by: CountedBy, mut rows: Vec<TopRow>, counted_share: f64) -> TopList {
    let distinct = rows.len();
    rows.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.name.cmp(&b.name)));
    rows.truncate(TopList::MOST);
    TopList { of, counted_by, rows, distinct, counted_share }
}

/// The better lists, and of the others those of which there is no better one, in the order in which they are shown.
pub(super) fn arranged(better: Vec<TopList>, others: Vec<TopList>) -> Vec<TopList> {
    let mut all = better;
    for list in others {
        if all.iter().all(|have| have.of != list.of) {
            all.push(list);
        }
    }
    all.sort_by_key(|list| list.of);
    all
}

fn part(some: f64, all: f64) -> f64 {
    if all > 0.0 { some / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_left_out_is_not_known_and_not_nothing() {
        let counts = |names: &[(&str, f64)], whole| Counts {
            by_name: names.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect(),
            total: 100.0,
            whole,
        };
        let now = counts(&[("old", 50.0), ("new", 50.0)], true);
        let before = |whole| {
            let before = counts(&[("old", 40.0)], whole);
            let list = logged(TopOf::UserAgents, &now, Some(&before));
            let of = |name: &str| list.rows.iter().find(|row| row.name == name).and_then(|row| row.before_share);
            (of("old"), of("new"))
        };
        assert_eq!(before(true), (Some(0.4), Some(0.0)));
        assert_eq!(before(false), (Some(0.4), None));
    }
}
