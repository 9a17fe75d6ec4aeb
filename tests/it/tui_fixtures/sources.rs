//! Who is sending what.

use portcullis::model::candidate::{CandidatePrefix, CandidateSet, Candidates, Standing};
use portcullis::model::counted::CountedBy;
use portcullis::model::source::{Legitimacy, RateRule, Source, Sources};

use portcullis::model::top_list::{TopList, TopOf, TopRow};

use super::{HOSTILE, ago};

pub(crate) fn source(address: &str, requests: u64, legitimacy: Legitimacy) -> Source {
    let new = legitimacy == Legitimacy::NotSeenBefore;
    Source {
        address: address.parse().unwrap(),
        requests: Some(requests),
        requests_bounds: None,
        share: Some(requests as f64 / 61_000.0),
        per_second: Some(requests as f64 / 60.0),
        samples: requests / 120,
        countries: vec![(if new { "BR" } else { "DE" }.into(), requests / 120)],
        requests_by_path: if new {
            vec![("POST /login".into(), requests / 200), ("GET /search".into(), requests / 300)]
        } else {
            vec![("GET /items".into(), requests / 120)]
        },
        rules: if new { vec![("sqli".into(), requests / 120)] } else { Vec::new() },
        over_limit_of: Vec::new(),
        user_agents: if new {
            vec![("sqlmap/1.7.2#stable (https://sqlmap.org)".into(), requests / 120)]
        } else {
            vec![("Shop/4.2 (iPhone)".into(), requests / 120)]
        },
        actions: vec![(if new { "COUNT" } else { "ALLOW" }.into(), requests / 120)],
        first_seen: ago(1),
        last_seen: ago(0),
        before_per_second: if legitimacy == Legitimacy::SeenBefore { requests as f64 / 60.0 } else { 0.0 },
        legitimacy,
        behind_proxy: false,
        against: if new { vec!["sqli".into()] } else { Vec::new() },
        follows: false,
        standing: if new { Standing::Attack } else { Standing::Unclassified },
        counted_by: CountedBy::WafSamples,
    }
}

fn row(name: &str, requests: u64, before: f64, addresses: usize) -> TopRow {
    TopRow {
        name: name.into(),
        prefix: name.parse().ok(),
        requests,
        requests_bounds: None,
        share: requests as f64 / 61_000.0,
        before_share: Some(before),
        addresses: Some(addresses),
    }
}

fn prefixes() -> TopList {
    let rows = vec![
        row("203.0.113.0/24", 38_700, 0.0, 12),
        row("2001:db8:77::/48", 1_500, 0.0, 1),
        row("198.51.100.0/24", 1_200, 0.000_4, 1),
        row("192.0.2.0/24", 1_080, 0.21, 2),
    ];
    TopList { of: TopOf::Prefixes, counted_by: CountedBy::WafSamples, distinct: rows.len(), rows, counted_share: 1.0 }
}

fn countries() -> TopList {
    let rows = vec![row("BR", 41_400, 0.01, 14), row("DE", 1_080, 0.78, 2)];
    TopList { of: TopOf::Countries, counted_by: CountedBy::WafSamples, distinct: 230, rows, counted_share: 0.7 }
}

pub(crate) fn sources() -> Sources {
    let mut list: Vec<Source> =
        (1..=12).map(|n| source(&format!("203.0.113.{n}"), 4_200 - 150 * n, Legitimacy::NotSeenBefore)).collect();
    list.push(source("2001:db8:77::1", 1_500, Legitimacy::NotSeenBefore));
    let mut proxy = source("198.51.100.20", 1_200, Legitimacy::NotSeenBefore);
    proxy.behind_proxy = true;
    proxy.actions = vec![("COUNT".into(), 8), ("ALLOW".into(), 2)];
    list.push(proxy);
    list.push(source("192.0.2.44", 600, Legitimacy::SeenBefore));
    list.push(source("192.0.2.45", 480, Legitimacy::Unknown));
    Sources {
        web_acl: "shop-acl".into(),
        stages_behind: 3,
        from: ago(1),
        to: ago(0),
        answered_seconds: Some(60.0),
        covered_seconds: Some(5.0),
        population: Some(61_000),
        sampled: 480,
        seen: Some(5_000),
        missing: Vec::new(),
        sources: list,
        rate_rules: Vec::new(),
        top: vec![prefixes(), countries()],
        gone: Vec::new(),
        log: None,
        candidates: Candidates::default(),
        followers: None,
        before_samples: None,
    }
}

/// The same, where a rate rule names three more that nothing counts.
pub(crate) fn limited_sources() -> Sources {
    let mut sources = sources();
    let rule = |name: &str, action: &str, addresses, at_least| RateRule {
        rule: name.into(),
        action: action.into(),
        limit: 300,
        window_seconds: 300,
        addresses: Some(addresses),
        at_least,
        reason: None,
    };
    sources.rate_rules = vec![rule("login-flood", "BLOCK", 3, false), rule("limits / soft", "COUNT", 10_000, true)];
    for n in 0..3 {
        sources.sources.push(Source {
            requests: None,
            share: None,
            per_second: None,
            samples: 0,
            countries: Vec::new(),
            requests_by_path: Vec::new(),
            rules: Vec::new(),
            user_agents: Vec::new(),
            actions: Vec::new(),
            over_limit_of: vec!["login-flood".into()],
            against: vec!["login-flood".into()],
            follows: false,
            counted_by: CountedBy::RateRule,
            ..source(&format!("198.51.100.{}", 200 + n), 0, Legitimacy::NotSeenBefore)
        });
    }
    sources
}

pub(crate) fn hostile_sources() -> Sources {
    let mut sources = sources();
    for source in &mut sources.sources {
        source.requests_by_path = vec![(format!("GET /{HOSTILE}"), 3)];
        source.user_agents = vec![(HOSTILE.into(), 3)];
        source.rules = vec![(HOSTILE.into(), 3)];
        source.countries = vec![("\x1b".into(), 3)];
        source.actions = vec![("\u{9b}31m".into(), 3)];
    }
    for row in sources.top.iter_mut().flat_map(|list| &mut list.rows) {
        row.name = HOSTILE.into();
    }
    sources.rate_rules = vec![RateRule {
        rule: HOSTILE.into(),
        action: "BLOCK".into(),
        limit: 100,
        window_seconds: 300,
        addresses: Some(3),
        at_least: false,
        reason: None,
    }];
    sources.web_acl = HOSTILE.into();
    sources.missing = vec![HOSTILE.into()];
    sources
}

/// The same with sets of prefixes to block.
pub(crate) fn sources_with_sets() -> Sources {
    let prefix = |net: &str, attack_share: f64| CandidatePrefix {
        prefix: net.parse().unwrap(),
        attack_share,
        legitimate_share: Some(0.001),
        addresses: 12,
        attack_addresses: 12,
        warnings: Vec::new(),
    };
    let set = |prefixes: Vec<CandidatePrefix>| CandidateSet {
        attack_share: prefixes.iter().map(|p| p.attack_share).sum(),
        legitimate_share: Some(0.001 * prefixes.len() as f64),
        unclassified_share: 0.01,
        addresses: 12 * prefixes.len(),
        weight: 5.0,
        prefixes,
    };
    let both = vec![prefix("203.0.113.0/28", 0.6), prefix("2001:db8:77::/48", 0.2)];
    let sets = vec![set(both[..1].to_vec()), set(both)];
    Sources { candidates: Candidates { sets, ..Candidates::default() }, ..sources() }
}
