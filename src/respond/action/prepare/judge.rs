//! The guards of `prepare-closed-web-acl`, over what was read.

use super::State;
use crate::model::action::PrepareClosedWebAcl;
use crate::model::address;
use crate::model::made_resource::{LONGEST_NAME, is_name, lines};
use crate::model::plan::GuardResult;
use crate::model::settings::Settings;
use crate::model::text::shortened;
use crate::model::waf::{IP_SET_CAPACITY, IpVersion};
use crate::respond::action::breadth;
use crate::respond::action::close::web_acl::uncovered;
use crate::respond::admission::configured;
use crate::respond::guard::{self, WithEvidence, settled};

/// Regional web ACLs, and regional IP sets, that an account may have unless AWS has raised it (unverified).
const DEFAULT_QUOTA: usize = 100;

/// Every guard's result, overrides applied, worst first.
pub(super) fn guards(action: &PrepareClosedWebAcl, state: &State, settings: &Settings) -> Vec<GuardResult> {
    let results = vec![
        whole_internet(state),
        host_bits(action),
        breadth(state, settings),
        admits(state, settings),
        name(state),
        quota(state),
        expiry(action),
    ];
    settled(results, &action.terms)
}

fn whole_internet(state: &State) -> GuardResult {
    let guard = &guard::PREPARE_ALLOW;
    let sets = [IpVersion::V4, IpVersion::V6];
    let most = sets.map(|version| state.allow.iter().filter(|net| IpVersion::of(net) == version).count());
    match state.allow.iter().find(|net| net.prefix_len() == 0) {
        Some(net) => guard.stop(format!("{net} would let everybody in, and WAF refuses it. Name who should get in")),
        None if state.allow.is_empty() => guard.stop(
            "nobody would be let in, not even responders. Pass --allow, or set guards.break-glass in the configuration",
        ),
        None if most.iter().any(|n| *n > IP_SET_CAPACITY) => {
            guard.stop(format!("an IP set holds {IP_SET_CAPACITY} entries at most. Name fewer, wider prefixes"))
        }
        None => guard.pass(format!("{} prefixes", state.allow.len())),
    }
}

fn host_bits(action: &PrepareClosedWebAcl) -> GuardResult {
    let masked = action.allow.iter().filter_map(|target| Some((target.masked_from.as_ref()?, target.net)));
    let wider: Vec<String> = masked
        .map(|(written, net)| format!("{written} becomes {net}: {} addresses get in", address::size(&net)))
        .collect();
    match wider.first() {
        Some(first) => guard::PREPARE_HOST_BITS.warn(first.clone()).because(wider),
        None => guard::PREPARE_HOST_BITS.pass("nothing was written with host bits"),
    }
}

fn breadth(state: &State, settings: &Settings) -> GuardResult {
    let mut wide = breadth::each(&state.allow, &settings.guards);
    wide.extend(breadth::together(&state.allow, &settings.guards));
    match wide.first() {
        Some(first) => {
            guard::PREPARE_BREADTH.stop(format!("{first}. A closure that lets so many in closes little")).because(wide)
        }
        None => guard::PREPARE_BREADTH
            .pass("neither a single prefix nor all of them together are wider than the team allows"),
    }
}

fn admits(state: &State, settings: &Settings) -> GuardResult {
    let guard = &guard::PREPARE_ADMITS;
    let (wanted, never_block) = match configured(guard, &settings.guards) {
        Ok(ranges) => ranges,
        Err(unknown) => return unknown,
    };
    let out = uncovered(wanted, &state.allow);
    let partners = uncovered(never_block, &state.allow);
    let mut evidence: Vec<String> = out.iter().map(|net| format!("break-glass range {net} would not get in")).collect();
    evidence.extend(partners.iter().map(|net| format!("never-block range {net} would not get in")));
    match (out.first(), partners.first()) {
        (Some(net), _) => guard.stop(format!("break-glass range {net} would be locked out. Add --allow {net}")),
        (None, Some(net)) => guard.warn(format!(
            "never-block range {net} would be locked out: {} in all; --allow lets them in",
            partners.len()
        )),
        (None, None) => guard.pass("break-glass and never-block ranges get in"),
    }
    .because(evidence)
}

fn name(state: &State) -> GuardResult {
    let guard = &guard::PREPARE_NAME;
    if !is_name(&state.name) {
        let said = shortened(&state.name, 60);
        return guard.stop(format!(
            "WAF does not take the name “{said}”: letters, digits, _ and -, {LONGEST_NAME} at most. Pass another with --name"
        ));
    }
    let taken: Vec<String> = state
        .pieces
        .iter()
        .filter(|piece| piece.is_there() && !piece.is_as_wanted())
        .flat_map(|piece| {
            let there = piece.there.get(piece.part).map(lines).unwrap_or_default();
            there
                .into_iter()
                .map(move |line| format!("{} {}: {}", piece.kind.word(), piece.name, shortened(&line, 200)))
        })
        .collect();
    let used = state.pieces.iter().filter(|piece| piece.is_as_wanted()).count();
    match (taken.is_empty(), used) {
        (false, _) => guard
            .stop(format!(
                "something else already uses the name {}. It is left unchanged: pass another --name, or check it manually",
                state.name
            ))
            .because(taken),
        (true, 0) => guard.pass("nothing of that name is there"),
        (true, used) => guard.pass(format!("{used} of {} already exist as they would be made, and are used", state.pieces.len())),
    }
}

fn quota(state: &State) -> GuardResult {
    let missing = |part: &str| state.pieces.iter().filter(|piece| piece.part == part && !piece.is_there()).count();
    let sets = ("IP sets", state.counts.0, missing(super::IP_SET));
    let acls = ("web ACLs", state.counts.1, missing(super::CLOSED_WEB_ACL));
    let over: Vec<String> = [sets, acls]
        .iter()
        .filter(|(_, have, more)| *more > 0 && have + more > DEFAULT_QUOTA)
        .map(|(what, have, more)| format!("{have} {what} exist and {more} more are needed; AWS allows {DEFAULT_QUOTA} unless it granted an increase (unverified)"))
        .collect();
    match over.first() {
        Some(first) => guard::PREPARE_QUOTA.warn(format!("{first}. AWS may refuse")).because(over),
        None => guard::PREPARE_QUOTA.pass("the account's quotas of IP sets and web ACLs leave room"),
    }
}

fn expiry(action: &PrepareClosedWebAcl) -> GuardResult {
    if action.terms.expires_after_seconds.is_some() {
        return guard::PREPARE_EXPIRY.stop("it must be there when it is needed, and does not expire. Leave out --for");
    }
    guard::PREPARE_EXPIRY.pass("it stays until somebody undoes it")
}

/// Things to know that are no guard's business.
pub(super) fn notes(state: &State, settings: &Settings) -> Vec<String> {
    let mut notes = vec![
        "No traffic is affected: it is not attached to any stage. Its effect on a stage is judged when that stage is \
         closed."
            .to_owned(),
        "AWS bills it: about $5 for a web ACL and $1 for a rule a month (third-party pages quoting AWS).".to_owned(),
        "WAF may take seconds to minutes until a new IP set or web ACL can be used (documented).".to_owned(),
    ];
    if settings.guards.closed_web_acl.as_deref() != Some(state.name.as_str()) {
        notes.push(format!("Name it in the configuration: closed-web-acl = \"{}\" under [guards].", state.name));
    }
    notes
}
