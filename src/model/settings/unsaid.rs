//! What a sound configuration leaves unsaid, or says without effect, and what follows from that.

use ipnet::IpNet;
use serde::Serialize;

use super::Settings;
use crate::model::address;

/// Something to know about a configuration that is sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsaid {
    /// The key, `guards.break-glass`.
    pub key: String,
    /// What is so, what follows, and what to write.
    pub says: String,
}

/// What a configuration leaves unsaid, what stops an action first.
#[must_use]
pub fn unsaid(settings: &Settings) -> Vec<Unsaid> {
    let mut found = Vec::new();
    let mut put = |key: &str, says: String| found.push(Unsaid { key: key.to_owned(), says });
    people(settings, &mut put);
    reach(settings, &mut put);
    order(settings, &mut put);
    carried(settings, &mut put);
    found
}

/// Whom guards ask for.
fn people(settings: &Settings, put: &mut impl FnMut(&str, String)) {
    let guards = &settings.guards;
    if guards.never_block.is_none() {
        let says = "not set: nobody has said whom never to block, so block-ip stops. Name partners, monitors and offices, or write []";
        put("guards.never-block", says.to_owned());
    }
    match guards.break_glass.as_deref() {
        None => put(
            "guards.break-glass",
            "not set: nobody has said from where responders get in, so block-ip and every closure stop. Name the ranges, or write []".to_owned(),
        ),
        Some([]) => put(
            "guards.break-glass",
            "empty: no range is promised a way in, so a closure may lock every responder out. Name from where you reach the API".to_owned(),
        ),
        Some(_) => {}
    }
    if guards.closed_web_acl.is_none() {
        let says = "not set: `close --by web-acl` needs --web-acl each time. Prepare one with `portcullis apply prepare-closed-web-acl`";
        put("guards.closed-web-acl", says.to_owned());
    }
    if settings.sources.front_doors.is_empty() {
        let says = "empty: where a CDN or proxy of your own stands in front of an API, its addresses look like callers. Name its prefixes";
        put("sources.front-doors", says.to_owned());
    }
}

/// How the responder's own addresses and the stages are found out.
fn reach(settings: &Settings, put: &mut impl FnMut(&str, String)) {
    if settings.probes.address_services.is_empty() {
        let says = "empty: your own address is looked up at https://checkip.amazonaws.com/, which knows IPv4 only; over IPv6 it is not known. Name a service for each, or pass --own-address";
        put("probes.address-services", says.to_owned());
    }
    if settings.probes.stages.is_empty() {
        let says = "empty: a stage is probed at AWS's own address with a GET without parameters, authorization and key; one without such a method, or behind a custom domain only, cannot be proven";
        put("probes.stages", says.to_owned());
    }
    if settings.prices.lambda_memory_gb.is_none() {
        put(
            "prices.lambda-memory-gb",
            "not set: what Lambda costs is not known. Write the functions' memory in GB".to_owned(),
        );
    }
}

/// What is said and cannot take effect.
fn order(settings: &Settings, put: &mut impl FnMut(&str, String)) {
    let named: Vec<(&str, &str)> = settings.stages_named().collect();
    for (at, (key, stage)) in named.iter().enumerate() {
        if named[..at].contains(&(*key, *stage)) {
            put(key, format!("“{stage}” is listed twice: the first counts. Remove one"));
        }
    }
}

/// Prefixes that may not mean what they were written for.
fn carried(settings: &Settings, put: &mut impl FnMut(&str, String)) {
    let guards = &settings.guards;
    let lists: [(&str, &[IpNet]); 3] = [
        ("guards.never-block", guards.never_block.as_deref().unwrap_or_default()),
        ("guards.break-glass", guards.break_glass.as_deref().unwrap_or_default()),
        ("sources.front-doors", &settings.sources.front_doors),
    ];
    for (key, nets) in lists {
        nets.iter().filter_map(address::note).for_each(|note| put(key, note));
    }
}
