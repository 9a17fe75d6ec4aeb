//! The guards of `allow-ip`, over what was read.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::callers;
use super::read::State;
use crate::model::action::AllowIp;
use crate::model::address;
use crate::model::plan::{Change, GuardResult};
use crate::model::settings::Settings;
use crate::model::waf::{IpSet, IpVersion};
use crate::model::words::counted;
use crate::respond::action::breadth;
use crate::respond::action::close::web_acl::{self, Closed};
use crate::respond::action::ip_set;
use crate::respond::guard::{self, WithEvidence, settled};

/// The IP sets that a plan uses, one an address version, and what stood in the way of choosing.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) sets: Vec<IpSet>,
    faults: Vec<String>,
}

/// Chooses: what the action names, else the only one that is let in.
pub(super) fn chosen(action: &AllowIp, state: &State) -> Chosen {
    let mut chosen = Chosen::default();
    let versions: BTreeSet<&str> = action.targets.iter().map(|t| IpVersion::of(&t.net).label()).collect();
    for version in [IpVersion::V4, IpVersion::V6].into_iter().filter(|v| versions.contains(v.label())) {
        let label = version.label();
        let read = state.ip_sets.values().filter_map(|set| set.as_ref().ok()).filter(|set| set.version == version);
        let all: Vec<&IpSet> = read.collect();
        let is_named = |set: &&IpSet| action.ip_sets.iter().any(|n| *n == set.name || *n == set.id || *n == set.arn);
        let named: Vec<&IpSet> = all.iter().copied().filter(is_named).collect();
        if named.is_empty() && !action.ip_sets.is_empty() {
            chosen
                .faults
                .push(format!("the closed web ACL lets in no {label} set called {}", action.ip_sets.join(", ")));
            continue;
        }
        match if named.is_empty() { all } else { named }.as_slice() {
            [set] => chosen.sets.push((*set).clone()),
            [] => {
                let failed = state.ip_sets.values().filter_map(|set| set.as_ref().err());
                let lines: Vec<String> = failed.map(ToString::to_string).collect();
                let unread = if lines.is_empty() { String::new() } else { format!(" ({})", lines.join("; ")) };
                chosen.faults.push(format!("the closed web ACL does not let in any {label} set{unread}"));
            }
            several => {
                let names: Vec<&str> = several.iter().map(|set| set.name.as_str()).collect();
                chosen
                    .faults
                    .push(format!("several {label} sets are possible: {}. Name one with --ip-set", names.join(", ")));
            }
        }
    }
    chosen
}

/// Every guard's result, overrides applied, worst first.
pub(super) fn guards(
    action: &AllowIp,
    state: &State,
    settings: &Settings,
    chosen: &Chosen,
    changes: &[Change],
) -> Vec<GuardResult> {
    let mut results = vec![everybody(action), breadth(action, settings, chosen), web_acl(state), expiry(action)];
    results.extend(ip_set::host_bits(&guard::ALLOW_HOST_BITS, &action.targets, "lets in"));
    if let Some(acl) = state.acl() {
        results.push(one_set(chosen));
        results.push(effective(state, chosen));
        let instead = "Name wider prefixes, or fewer";
        results.extend(ip_set::capacity(&guard::ALLOW_CAPACITY, changes, instead));
        results.extend(ip_set::covered(&guard::ALLOW_COVERED, &action.targets, &chosen.sets));
        results.push(blocked(action, state));
        results.push(callers::known(action, state, settings));
        results.push(ip_set::managed(&guard::ALLOW_MANAGED, &chosen.sets, &state.tags));
        let (label, own) = (state.at.stage.id.label(), state.at.arn());
        let hits = "they are let in there as well";
        let radius = &guard::ALLOW_BLAST_RADIUS;
        results.push(ip_set::blast_radius(radius, &acl.name, (&label, &own), &state.behind, hits));
    }
    settled(results, &action.terms)
}

fn everybody(action: &AllowIp) -> GuardResult {
    match action.targets.iter().find(|t| t.net.prefix_len() == 0) {
        Some(target) => guard::ALLOW_EVERYBODY
            .stop(format!("{} is everybody, and WAF refuses it. To let everybody in, undo the closure", target.net)),
        None => guard::ALLOW_EVERYBODY.pass("no target is everybody"),
    }
}

/// Each prefix, all of them together, and each set as it would be.
fn breadth(action: &AllowIp, settings: &Settings, chosen: &Chosen) -> GuardResult {
    let guard = &guard::ALLOW_BREADTH;
    let nets: Vec<IpNet> = action.targets.iter().map(|target| target.net).collect();
    let mut wide = breadth::each(&nets, &settings.guards);
    wide.extend(breadth::together(&nets, &settings.guards));
    for set in &chosen.sets {
        let mut after = set.networks();
        after.extend(nets.iter().filter(|net| IpVersion::of(net) == set.version));
        let more = breadth::exceeds(&after, set.version, &settings.guards);
        wide.extend(more.map(|more| format!("with these the entries of {} {more}", set.name)));
    }
    match wide.first() {
        Some(first) => guard
            .stop(format!(
                "{first}. A closure that lets so many in closes little: name narrower prefixes, or undo the closure"
            ))
            .because(wide),
        None => guard.pass("neither a single target nor all who are let in together are wider than the team allows"),
    }
}

fn web_acl(state: &State) -> GuardResult {
    let guard = &guard::ALLOW_ACL;
    let stage = state.at.stage.id.label();
    match &state.closed {
        Closed::Found(acl) => {
            let openings = web_acl::openings(acl);
            match openings.first() {
                Some(first) => {
                    guard.stop(format!("{} is not closed: {first}. Nobody needs to be let in there", acl.name)).because(openings)
                }
                None if state.is_before => guard.pass(format!("{stage} is closed by {}", acl.name)),
                None => guard.warn(format!(
                    "{} is not attached to {stage} now: they are let in once it closes that stage",
                    acl.name
                )),
            }
        }
        Closed::Missing(name) => guard.stop(format!("there is no web ACL {name} in this region. Name another with --web-acl")),
        Closed::Unread(error) => guard.unknown(format!("the closed web ACL could not be read: {error}")),
        Closed::Unnamed => guard.stop(format!(
            "{stage} is not closed by a web ACL, and none is named. Set guards.closed-web-acl in the configuration or pass --web-acl"
        )),
    }
}

fn expiry(action: &AllowIp) -> GuardResult {
    if action.terms.expires_after_seconds.is_some() {
        return guard::ALLOW_EXPIRY.stop(
            "those it lets in would be locked out when it expires. Leave out --for, and undo it when the stage is open again",
        );
    }
    guard::ALLOW_EXPIRY.pass("it stays until somebody undoes it")
}

fn one_set(chosen: &Chosen) -> GuardResult {
    if !chosen.faults.is_empty() {
        return guard::ALLOW_SET.stop(chosen.faults.join("; "));
    }
    let names: Vec<&str> = chosen.sets.iter().map(|set| set.name.as_str()).collect();
    guard::ALLOW_SET.pass(format!("uses {}", names.join(" and ")))
}

/// That an entry is all it takes to get in, as far as the web ACL goes.
fn effective(state: &State, chosen: &Chosen) -> GuardResult {
    let guard = &guard::ALLOW_EFFECTIVE;
    let hurdles = state.acl().map(web_acl::hurdles).unwrap_or_default();
    match (hurdles.first(), chosen.sets.is_empty()) {
        (Some(first), _) => guard.unknown(format!("whether it lets them in is not certain: {first}")).because(hurdles),
        (None, true) => guard.unknown("no IP set could be chosen that would let them in"),
        (None, false) => guard.pass("any address in it is let in, as far as the web ACL goes"),
    }
}

/// Whoever was blocked as an attacker is not let in by a list of many.
fn blocked(action: &AllowIp, state: &State) -> GuardResult {
    let guard = &guard::ALLOW_BLOCKED;
    let hit = |net: &IpNet| {
        let found = state.blocked.iter().find(|(blocked, _)| address::overlaps(net, blocked));
        found.map(|(blocked, by)| format!("{net} contains or lies in {blocked}, which is blocked by {by}"))
    };
    let hits: Vec<String> = action.targets.iter().filter_map(|target| hit(&target.net)).collect();
    match (hits.first(), state.unclear.first()) {
        (Some(first), _) => {
            guard.stop(format!("{first}: {} in all. Remove them", counted(hits.len(), "target"))).because(hits)
        }
        (None, Some(unclear)) => guard
            .unknown(format!(
                "whether this lets in somebody who is blocked while the stage is open is not known: {unclear}"
            ))
            .because(state.unclear.clone()),
        (None, None) => {
            guard.pass(format!("none of {} lies in a target", counted(state.blocked.len(), "blocked prefix")))
        }
    }
}
