//! The guards of `block-ip`, over what was read.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::callers;
use super::evidence::evidence;
use super::read::State;
use crate::aws::Problem;
use crate::aws::read::ResourceKind;
use crate::model::action::BlockIp;
use crate::model::address;
use crate::model::plan::{Change, GuardResult};
use crate::model::settings::Settings;
use crate::model::text::shortened;
use crate::model::waf::{IP_SET_CAPACITY, IpSet, IpVersion};
use crate::respond::action::breadth;
use crate::respond::action::stage::sign;
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
            Err(format!("several {label} sets would do: {}. Name one with --ip-set", names.join(", ")))
        }
        None => Err(format!("no {label} set is wired into the web ACL{}", unread(state))),
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
    results.extend(host_bits(action));
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
        results.push(ip_set(chosen));
        results.extend(wiring(state, chosen));
        results.extend(capacity(changes));
        results.extend(covered(action, chosen));
        let evidence = evidence(action, state);
        results.push(callers::legitimate(state, settings, &evidence));
        results.push(callers::suspicion(state, &evidence));
        results.push(callers::proxy(state, &evidence));
        results.push(managed(state, chosen));
        results.push(blast_radius(state));
    }
    settled(results, &action.terms)
}

fn zero_prefix(action: &BlockIp) -> GuardResult {
    match action.targets.iter().find(|t| t.net.prefix_len() == 0) {
        Some(target) => guard::ZERO_PREFIX.stop(format!("{} is everybody. Name the prefixes that attack", target.net)),
        None => guard::ZERO_PREFIX.pass("no target is everybody"),
    }
}

fn host_bits(action: &BlockIp) -> Option<GuardResult> {
    let masked = action.targets.iter().filter_map(|t| Some((t.masked_from.as_ref()?, t.net)));
    let lines: Vec<String> =
        masked.map(|(from, net)| format!("{from} becomes {net}: {} addresses", address::size(&net))).collect();
    let said = || {
        guard::HOST_BITS.warn(format!("{} had host bits and blocks more than it looks", plural(lines.len(), "target")))
    };
    (!lines.is_empty()).then(|| said().because(lines.clone()))
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
        (None, None) => guard::BREADTH.pass("no target is wider than allowed, nor are all of them together"),
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
        None => guard.pass(format!("no target overlaps any of {}", plural(ranges.len(), what))),
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

fn ip_set(chosen: &Chosen) -> GuardResult {
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

fn capacity(changes: &[Change]) -> Vec<GuardResult> {
    let judged = |change: &Change| {
        let (name, after) = (&change.resource.name, change.entries_after);
        if after > IP_SET_CAPACITY {
            guard::CAPACITY.stop(format!(
                "{name} would hold {after} entries; WAF allows {IP_SET_CAPACITY}. Block wider prefixes, or clear old entries first"
            ))
        } else {
            guard::CAPACITY.pass(format!("{name} would hold {after} of {IP_SET_CAPACITY} entries"))
        }
    };
    changes.iter().filter(|c| !c.is_empty()).map(judged).collect()
}

fn covered(action: &BlockIp, chosen: &Chosen) -> Option<GuardResult> {
    let line = |net: &IpNet| {
        let found = chosen.sets.iter().find_map(|set| Some((set, set.covering(net)?)));
        found.map(|(set, entry)| format!("{net} is covered by {entry} in {}", set.name))
    };
    let lines: Vec<String> = action.targets.iter().filter_map(|t| line(&t.net)).collect();
    let result = || guard::COVERED.warn(format!("{} already in the set", plural(lines.len(), "target")));
    (!lines.is_empty()).then(|| result().because(lines.clone()))
}

fn is_rare(kind: ResourceKind) -> bool {
    ResourceKind::others().any(|rare| rare == kind)
}

/// Warns of what was seen behind the web ACL, and of kinds that could not be asked for. Which kinds there was no time to ask for is said and
/// no warning: they are the same on every plan, and whoever reads a warning every time reads none.
fn blast_radius(state: &State) -> GuardResult {
    let own = state.stage.id.arn(state.identity.partition(), &state.identity.at.region);
    let (mut others, mut unread) = (Vec::new(), Vec::new());
    let mut asked = BTreeSet::new();
    for (kind, read) in &state.behind {
        asked.insert(kind.label());
        match read {
            Ok(arns) => others.extend(arns.iter().filter(|arn| **arn != own).map(|arn| shortened(arn, 160))),
            // An emulator or a region without the kind cannot have resources of it.
            Err(error)
                if is_rare(*kind) && matches!(error.problem, Problem::Invalid(_) | Problem::UnknownOperation(_)) => {}
            Err(error) => unread.push((kind, format!("{}: {}", kind.label(), error.problem))),
        }
    }
    let acl = state.web_acl.as_ref().map_or("", |acl| acl.name.as_str());
    let rarer: Vec<&str> = ResourceKind::others().map(ResourceKind::label).filter(|l| !asked.contains(l)).collect();
    let not_asked = (!rarer.is_empty())
        .then(|| format!("not asked, since AWS grants one such call a second: {}", rarer.join(", ")));
    if unread.iter().any(|(kind, _)| !is_rare(**kind)) {
        let lines = unread.into_iter().map(|(_, line)| line).collect();
        return guard::BLAST_RADIUS.unknown(format!("what stands behind {acl} could not be listed")).because(lines);
    }
    let only = format!("{} is the only API Gateway stage or load balancer behind {acl}", state.stage.id.label());
    let result = match (others.len(), unread.len()) {
        (0, 0) if not_asked.is_none() => guard::BLAST_RADIUS.pass(format!("{only}, and no other kind of resource is")),
        (0, 0) => guard::BLAST_RADIUS.pass(format!("{only}; not every rarer kind of resource was asked for")),
        (0, n) => {
            guard::BLAST_RADIUS.warn(format!("{only}; {} of resource could not be listed", plural(n, "rarer kind")))
        }
        (n, _) => guard::BLAST_RADIUS
            .warn(format!("{} besides this stage behind {acl}: the same block hits them", plural(n, "resource"))),
    };
    let unread = unread.into_iter().map(|(_, line)| line);
    result.because(others.into_iter().chain(unread).chain(not_asked).collect())
}

fn managed(state: &State, chosen: &Chosen) -> GuardResult {
    let mut signs = Vec::new();
    for set in &chosen.sets {
        match state.tags.get(&set.arn) {
            Some(Ok(tags)) => {
                signs.extend(tags.iter().filter_map(|(k, v)| sign(k, v)).map(|s| format!("{}: {s}", set.name)));
            }
            Some(Err(error)) => signs.push(format!("{}: tags could not be read: {}", set.name, error.problem)),
            None => signs.push(format!("{}: tags were not read", set.name)),
        }
    }
    match signs.first() {
        Some(_) => guard::MANAGED
            .warn("infrastructure as code may own the IP set: its next run can take the entries out; tell its owners")
            .because(signs),
        None => guard::MANAGED.pass("no tag says that infrastructure as code owns the IP set"),
    }
}

/// Things to know that are no guard's business.
#[must_use]
pub(super) fn notes(action: &BlockIp, state: &State, chosen: &Chosen) -> Vec<String> {
    let mut notes = Vec::new();
    if state.web_acl.is_none() {
        notes.push(format!(
            "To wire a web ACL: aws wafv2 associate-web-acl --web-acl-arn ARN --resource-arn {}",
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
        "4XX does not fall when requests are blocked: WAF's 403s are counted in it as far as is known (inferred)."
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
            "To wire one: aws wafv2 create-ip-set --name block-list --scope REGIONAL --ip-address-version {version} --addresses"
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

pub(super) fn plural(count: usize, what: &str) -> String {
    let ending = if what.ends_with('s') { "es" } else { "s" };
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}{ending}") }
}
