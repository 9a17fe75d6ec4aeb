//! Who is sending what.

use portcullis::model::candidate::{CandidatePrefix, CandidateSet, Candidates, Standing};
use portcullis::model::source::{CountedBy, Legitimacy, Source, Sources};

use super::{HOSTILE, ago};

pub(crate) fn source(address: &str, requests: u64, legitimacy: Legitimacy) -> Source {
    let new = legitimacy == Legitimacy::NotSeenBefore;
    Source {
        address: address.parse().unwrap(),
        requests,
        share: requests as f64 / 61_000.0,
        per_second: requests as f64 / 60.0,
        samples: requests / 120,
        countries: vec![(if new { "BR" } else { "DE" }.into(), requests / 120)],
        requests_by_path: if new {
            vec![("POST /login".into(), requests / 200), ("GET /search".into(), requests / 300)]
        } else {
            vec![("GET /items".into(), requests / 120)]
        },
        rules: if new { vec![("sqli".into(), requests / 120)] } else { Vec::new() },
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
        standing: if new { Standing::Attack } else { Standing::Unclassified },
        counted_by: CountedBy::WafSamples,
    }
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
        population: 61_000,
        sampled: 480,
        seen: 5_000,
        missing: Vec::new(),
        sources: list,
        gone: Vec::new(),
        log: None,
        candidates: Candidates::default(),
    }
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
