//! The guards of `block-ip`, over what was read.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::callers;
use super::evidence::evidence;
use super::read::State;
use crate::model::action::BlockIp;
use crate::model::address;
use crate::model::plan::{Change, GuardResult};
use crate::model::settings::Settings;
use crate::model::waf::{IpSet, IpVersion};
use crate::model::words::counted;
use crate::respond::action::breadth;
use crate::respond::action::ip_set;
use crate::respond::guard::{self, WithEvidence, settled};
use crate::respond::wiring::{Reference, Standing};

/// The IP sets that a plan uses, one an address version.
#[derive(Debug, Clone, Default)]
pub(super) struct Chosen {
    /// The sets.
    pub(super) sets: Vec<IpSet>,
    /// The best reference to each.
    pub(super) references: Vec<Reference>,
    /// What stood in the way of choosing, a sentence each.
    pub(super) faults: Vec<String>,
}

/// Chooses a set for each address version among the targets: what the action names, else what the configuration names,
/// else the only effective one.
#[must_use]
pub(super) fn chosen_sets(action: &BlockIp, state: &State, settings: &Settings) -> Chosen {
    let mut chosen = Chosen::default();
    let versions: BTreeSet<&str> = action.targets.iter().map(|t| IpVersion::of(&t.net).label()).collect();
    for version in [IpVersion::V4, IpVersion::V6].into_iter().filter(|v| versions.contains(v.label())) {
        match choose(version, action, state, settings) {
            Ok((set, reference)) => {
                chosen.sets.push(set);
                chosen.references.push(reference);
            }
            Err(fault) => chosen.faults.push(fault),
        }
    }
    chosen
}

fn choose(
    version: IpVersion,
    action: &BlockIp,
    state: &State,
    settings: &Settings,
) -> Result<(IpSet, Reference), String> {
    let label = version.label();
    let mut candidates: Vec<(&IpSet, &Reference)> = Vec::new();
    for reference in &state.references {
        let Some(Ok(set)) = state.ip_sets.get(&reference.ip_set) else { continue };
        if set.version != version {
            continue;
        }
        match candidates.iter_mut().find(|(have, _)| have.arn == set.arn) {
            Some((_, best)) if reference.standing < best.standing => *best = reference,
            Some(_) => {}
            None => candidates.push((set, reference)),
        }
    }
    let named = |names: &[String]| -> Vec<(&IpSet, &Reference)> {
        let is_named = |set: &IpSet| names.iter().any(|n| *n == set.name || *n == set.id || *n == set.arn);
        candidates.iter().filter(|(set, _)| is_named(set)).copied().collect()
    };
    let asked = named(&action.ip_sets);
    let configured = named(&settings.guards.block_lists);
    let effective =
        || candidates.iter().filter(|(_, r)| r.standing == Standing::Effective).copied().collect::<Vec<_>>();
    let pool = [asked, configured, effective(), candidates.clone()].into_iter().find(|pool| !pool.is_empty());
    match pool.as_deref() {
        Some([(set, reference)]) => Ok(((*set).clone(), (*reference).clone())),
        Some(several) => {
            let names: Vec<&str> = several.iter().map(|(set, _)| set.name.as_str()).collect();
            Err(format!("several {label} sets are possible: {}. Name one with --ip-set", names.join(", ")))
        }
        None => Err(format!("the web ACL uses no {label} set{}", unread(state))),
    }
}

fn unread(state: &State) -> String {
    let failed = state.ip_sets.values().filter_map(|set| set.as_ref().err());
    let lines: Vec<String> = failed.map(ToString::to_string).collect();
    if lines.is_empty() { String::new() } else { format!(" ({})", lines.join("; ")) }
}

/// Every guard's result, overrides applied, worst first.
#[must_use]
pub(super) fn guards(
    action: &BlockIp,
    state: &State,
    settings: &Settings,
    chosen: &Chosen,
    changes: &[Change],
) -> Vec<GuardResult> {
    let mut results = vec![zero_prefix(action), breadth(action, settings, chosen)];
    results.extend(ip_set::host_bits(&guard::HOST_BITS, &action.targets, "blocks"));
    results.push(listed(
        &guard::NEVER_BLOCK,
        "never-block range",
        "never-block",
        settings.guards.never_block.as_deref(),
        action,
    ));
    results.push(listed(
        &guard::BREAK_GLASS,
        "break-glass range",
        "break-glass",
        settings.guards.break_glass.as_deref(),
        action,
    ));
    results.push(web_acl(state));
    if state.web_acl.is_some() {
        results.push(one_set(chosen));
        results.extend(wiring(state, chosen));
        let instead = "Block wider prefixes, or clear old entries first";
        results.extend(ip_set::capacity(&guard::CAPACITY, changes, instead));
        results.extend(ip_set::covered(&guard::COVERED, &action.targets, &chosen.sets));
        let evidence = evidence(action, state);
        results.push(callers::legitimate(state, settings, &evidence));
        results.push(callers::suspicion(state, &evidence));
        results.push(callers::proxy(state, &evidence));
        results.push(ip_set::managed(&guard::MANAGED, &chosen.sets, &state.tags));
        let own = state.stage.id.arn(state.identity.partition(), &state.identity.at.region);
        let (acl, label) = (state.web_acl.as_ref().map_or("", |acl| acl.name.as_str()), state.stage.id.label());
        let hits = "the same block hits them";
        results.push(ip_set::blast_radius(&guard::BLAST_RADIUS, acl, (&label, &own), &state.behind, hits));
    }
    settled(results, &action.terms)
}

fn zero_prefix(action: &BlockIp) -> GuardResult {
    match action.targets.iter().find(|t| t.net.prefix_len() == 0) {
        Some(target) => guard::ZERO_PREFIX.stop(format!("{} is everybody. Name the prefixes that attack", target.net)),
        None => guard::ZERO_PREFIX.pass("no target is everybody"),
    }
}

/// Each prefix, all of them together, and each set as it would be: many plans of a little are one of much.
fn breadth(action: &BlockIp, settings: &Settings, chosen: &Chosen) -> GuardResult {
    let nets: Vec<IpNet> = action.targets.iter().map(|target| target.net).collect();
    let mut wide = breadth::each(&nets, &settings.guards);
    wide.extend(breadth::together(&nets, &settings.guards));
    let mut full = Vec::new();
    for set in &chosen.sets {
        let held = set.networks();
        let after: Vec<IpNet> =
            held.iter().chain(nets.iter().filter(|n| IpVersion::of(n) == set.version)).copied().collect();
        let before = breadth::exceeds(&held, set.version, &settings.guards);
        match (before, breadth::exceeds(&after, set.version, &settings.guards)) {
            (Some(more), _) => full.push(format!("the entries of {} {more} already", set.name)),
            (None, Some(more)) => wide.push(format!("with these the entries of {} {more}", set.name)),
            (None, None) => {}
        }
    }
    match (wide.first(), full.first()) {
        (Some(first), _) => guard::BREADTH
            .stop(format!("{first}. Name narrower prefixes, or fewer, or override with a reason"))
            .because(wide.iter().chain(&full).cloned().collect()),
        (None, Some(first)) => guard::BREADTH.warn(first.clone()).because(full),
        (None, None) => guard::BREADTH.pass("neither a single target nor all of them together are wider than allowed"),
    }
}

/// Overlap both ways: a listed range inside the target is as bad as one around it.
fn listed(guard: &guard::Guard, what: &str, key: &str, ranges: Option<&[IpNet]>, action: &BlockIp) -> GuardResult {
    let Some(ranges) = ranges else {
        return guard
            .unknown(format!("no {what} is configured. Set guards.{key} in the configuration ([] if there is none)"));
    };
    let hits: Vec<String> = action
        .targets
        .iter()
        .flat_map(|t| ranges.iter().filter(|r| address::overlaps(&t.net, r)).map(move |r| overlap(&t.net, r)))
        .collect();
    match hits.first() {
        Some(first) => guard.stop(format!("{first}, a {what}")).because(hits.clone()),
        None => guard.pass(format!("no target overlaps any of {}", counted(ranges.len(), what))),
    }
}

fn overlap(target: &IpNet, range: &IpNet) -> String {
    if target == range {
        format!("{target} is {range}")
    } else if target.contains(range) {
        format!("{target} contains {range}")
    } else {
        format!("{target} lies inside {range}")
    }
}

fn web_acl(state: &State) -> GuardResult {
    let stage = state.stage.id.label();
    match &state.web_acl {
        Some(acl) => guard::WEB_ACL.pass(format!("{stage} is behind web ACL {}", acl.name)),
        None => {
            guard::WEB_ACL.stop(format!("{stage} has no web ACL, so there is nothing to block with; see the notes"))
        }
    }
}

fn one_set(chosen: &Chosen) -> GuardResult {
    if !chosen.faults.is_empty() {
        return guard::IP_SET.stop(chosen.faults.join("; "));
    }
    let names: Vec<&str> = chosen.sets.iter().map(|set| set.name.as_str()).collect();
    guard::IP_SET.pass(format!("uses {}", names.join(" and ")))
}

/// A set that blocks in one rule may let through in another: every reference to it is looked at.
fn wiring(state: &State, chosen: &Chosen) -> Vec<GuardResult> {
    let elsewhere = |set: &IpSet| {
        let inverted = |r: &&Reference| r.ip_set == set.arn && matches!(r.standing, Standing::Inverted(_));
        state.references.iter().find(inverted).cloned()
    };
    let inverted = chosen.sets.iter().filter_map(|set| Some((set, elsewhere(set)?)));
    let stops: Vec<GuardResult> = inverted.flat_map(|(set, reference)| standing(set, &reference)).collect();
    if !stops.is_empty() {
        return stops;
    }
    chosen.sets.iter().zip(&chosen.references).flat_map(|(set, reference)| standing(set, reference)).collect()
}

fn standing(set: &IpSet, reference: &Reference) -> Vec<GuardResult> {
    let place = format!("{} in rule {}", set.name, reference.rule);
    let earlier: Vec<String> =
        reference.earlier_allows.iter().map(|rule| format!("rule {rule} runs earlier and allows")).collect();
    let result = match &reference.standing {
        Standing::Inverted(why) => {
            return vec![guard::INVERTED.stop(format!("{place}: {why}. Use an IP set whose rule blocks"))];
        }
        Standing::Ineffective(why) => guard::EFFECTIVE.stop(format!("{place} blocks nobody: {why}")),
        Standing::Conditional(why) => guard::EFFECTIVE.stop(format!("{place} blocks only sometimes: {why}")),
        Standing::Effective if !reference.unread_before.is_empty() => guard::EFFECTIVE.unknown(format!(
            "{} could not be read and runs before {place}: it may allow what should be blocked",
            reference.unread_before.join(", ")
        )),
        Standing::Effective if !earlier.is_empty() => guard::EFFECTIVE
            .warn(format!("{place} blocks, except what {} lets through first", reference.earlier_allows.join(", "))),
        Standing::Effective => guard::EFFECTIVE.pass(format!("{place} blocks, and nothing before it allows")),
    };
    vec![result.because(earlier)]
}

/// Things to know that are no guard's business.
#[must_use]
pub(super) fn notes(action: &BlockIp, state: &State, chosen: &Chosen) -> Vec<String> {
    let mut notes = Vec::new();
    if state.web_acl.is_none() {
        notes.push(format!(
            "To attach a web ACL: aws wafv2 associate-web-acl --web-acl-arn ARN --resource-arn {}",
            state.stage.id.arn(state.identity.partition(), &state.identity.at.region)
        ));
    } else if !chosen.faults.is_empty() && state.references.is_empty() {
        notes.extend(wiring_change(action, state));
    }
    notes.push(
        "Propagation takes a few seconds to some minutes, and regions may differ meanwhile (WAFv2 API reference)."
            .to_owned(),
    );
    notes.push(
        "4XX does not fall when requests are blocked: WAF's 403s count as 4XX as far as is known (inferred)."
            .to_owned(),
    );
    notes
}

/// The rule that would make an IP set block, to be added to the web ACL by its owners.
fn wiring_change(action: &BlockIp, state: &State) -> Vec<String> {
    let acl = state.web_acl.as_ref().map_or("the web ACL", |acl| acl.name.as_str());
    let first = state.web_acl.iter().flat_map(|acl| &acl.rules).map(|r| r.priority).min().unwrap_or(1);
    let version = action.targets.first().map_or("IPV4", |t| match IpVersion::of(&t.net) {
        IpVersion::V4 => "IPV4",
        IpVersion::V6 => "IPV6",
    });
    vec![
        format!(
            "To add one: aws wafv2 create-ip-set --name block-list --scope REGIONAL --ip-address-version {version} --addresses"
        ),
        format!(
            "then add this rule to {acl}, before priority {first} (update-web-acl replaces the whole ACL: start from get-web-acl):"
        ),
        format!(
            r#"{{"Name":"block-list","Priority":{},"Action":{{"Block":{{}}}},"Statement":{{"IPSetReferenceStatement":{{"ARN":"<the set's ARN>"}}}},"VisibilityConfig":{{"SampledRequestsEnabled":true,"CloudWatchMetricsEnabled":true,"MetricName":"block-list"}}}}"#,
            (first - 1).max(0)
        ),
    ]
}
