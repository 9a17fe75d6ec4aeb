//! Who is sending what.

use portcullis::model::source::{Legitimacy, Source, Sources};

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
        legitimacy,
        behind_proxy: false,
        against: if new { vec!["sqli".into()] } else { Vec::new() },
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
