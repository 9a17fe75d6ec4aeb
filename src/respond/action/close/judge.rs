//! The guards of `close`, over what was read.

use ipnet::IpNet;

use super::State;
use super::web_acl::{self, Closed};
use crate::model::action::{Close, Closure, Terms};
use crate::model::address;
use crate::model::plan::GuardResult;
use crate::model::settings::Settings;
use crate::model::waf::{RuleAction, WebAcl};
use crate::respond::admission::configured;
use crate::respond::guard::{self, WithEvidence, settled};
use crate::respond::samples::EVERYTHING;

/// Every guard's result, overrides applied, worst first.
pub(super) fn guards(action: &Close, state: &State, settings: &Settings) -> Vec<GuardResult> {
    let mut results = Vec::new();
    match action.by {
        Closure::WebAcl => {
            results.push(found(state));
            if let Some(Closed::Found(closed)) = &state.closed {
                results.extend(of_swap(state, closed, settings));
            }
        }
        Closure::ThrottleZero => {
            results.push(guard::CLOSE_LOSERS.warn(format!(
                "everybody loses access, responders and monitors too: nothing passes, and {EVERYTHING}"
            )));
            results.push(reason(&action.terms));
            results.push(guard::CLOSE_ADMITS.warn(
                "the break-glass ranges and the partners are kept out like everybody else: this way of closing lets nobody in",
            ));
        }
    }
    if state.at.stage.endpoint_disabled && action.by == Closure::ThrottleZero {
        results.push(guard::STAGE_ENDPOINT.warn(
            "the API's execute-api endpoint is set to be disabled; if that has not taken effect yet, this change makes it",
        ));
    }
    results.push(state.at.managed(&guard::THROTTLE_MANAGED));
    settled(results, &action.terms)
}

/// Nobody closes to everybody by a key too many.
fn reason(terms: &Terms) -> GuardResult {
    match terms.reason.as_deref().filter(|reason| reason.chars().any(char::is_alphanumeric)) {
        Some(_) => guard::CLOSE_REASON.pass("a reason is given"),
        None => guard::CLOSE_REASON.stop(
            "this closes the stage to everybody, and no reason is given. Give one: --reason \"…\", on the screen: throttle-zero because …",
        ),
    }
}

fn found(state: &State) -> GuardResult {
    let guard = &guard::CLOSE_ACL;
    match &state.closed {
        Some(Closed::Found(acl)) => {
            let openings = web_acl::openings(acl);
            match openings.first() {
                Some(first) => guard.stop(format!("{} is not closed: {first}", acl.name)).because(openings),
                None => guard.pass(format!("{} blocks by default and lets in addresses only", acl.name)),
            }
        }
        Some(Closed::Missing(name)) => guard.stop(format!(
            "there is no web ACL {name} in this region. Build one in advance (docs/safety.md), or close by throttle-zero"
        )),
        Some(Closed::Unread(error)) => guard.unknown(format!("the closed web ACL could not be read: {error}")),
        Some(Closed::Unnamed) | None => guard.stop(
            "no closed web ACL is named. Set guards.closed-web-acl in the configuration or pass --web-acl, or close by throttle-zero",
        ),
    }
}

fn of_swap(state: &State, closed: &WebAcl, settings: &Settings) -> Vec<GuardResult> {
    let (admitted, unread) = networks(state, &web_acl::admitting_sets(closed));
    vec![
        widens(state, &admitted, &unread),
        admits(closed, &admitted, &unread, settings),
        losers(state, &admitted, &unread),
        protection(state, closed),
        guard::CLOSE_GAP.warn(
            "AWS replaces the association in one call; whether requests pass unchecked for a moment is unverified, and \
             it takes seconds to minutes to spread",
        ),
    ]
}

/// The networks of IP sets, and which could not be read.
pub(super) fn networks(state: &State, arns: &[String]) -> (Vec<IpNet>, Vec<String>) {
    let (mut nets, mut unread) = (Vec::new(), Vec::new());
    for arn in arns {
        match state.ip_sets.get(arn) {
            Some(Ok(set)) => {
                let own = set.networks();
                if own.len() < set.addresses.len() {
                    unread.push(format!("{} holds entries that are not understood", set.name));
                }
                nets.extend(own);
            }
            Some(Err(error)) => unread.push(error.to_string()),
            None => unread.push(format!("{arn} was not read")),
        }
    }
    (nets, unread)
}

/// Whoever is kept out today by the stage's own lists stays out.
fn widens(state: &State, admitted: &[IpNet], unread: &[String]) -> GuardResult {
    let guard = &guard::CLOSE_WIDENS;
    if let Some(Err(error)) = &state.own {
        return guard.unknown(format!("the stage's own web ACL could not be read: {error}"));
    }
    if let Some(Ok(own)) =
        state.own.as_ref().filter(|own| own.as_ref().is_ok_and(|o| o.default_action == RuleAction::Block))
    {
        let (inside, unread_own) = networks(state, &web_acl::admitting_sets(own));
        // Whoever is on its lists need not get in: then it is not known who does today.
        if let Some(first) = web_acl::hurdles(own).first() {
            return guard
                .unknown(format!("{} blocks by default, and whom it lets in is not certain: {first}", own.name));
        }
        let gains = web_acl::uncovered(admitted, &inside);
        if let Some(net) = gains.first() {
            let all: Vec<String> =
                gains.iter().map(|net| format!("{net} is kept out today")).chain(unread_own).collect();
            return guard
                .stop(format!("{} blocks by default and keeps {net} out, but the closed web ACL lets it in", own.name))
                .because(all);
        }
    }
    let (blocked, unread_own) = networks(state, &state.blocking);
    let unread: Vec<String> = unread.iter().chain(&unread_own).chain(&state.unclear).cloned().collect();
    if let Some(first) = unread.first() {
        return guard.unknown(format!("who would gain access is not known: {first}")).because(unread);
    }
    let by_origin = match &state.own {
        Some(Ok(own)) => web_acl::by_origin(own),
        _ => Vec::new(),
    };
    let gains: Vec<String> = blocked
        .iter()
        .flat_map(|net| admitted.iter().filter(|have| address::overlaps(net, have)).map(move |have| (net, have)))
        .map(|(net, have)| format!("{net} is blocked today, but the closed web ACL lets {have} in"))
        .collect();
    match gains.first() {
        Some(first) => guard.stop(format!("{first}. Remove it from the closed web ACL's IP set")).because(gains),
        None if !by_origin.is_empty() => guard.warn(format!(
            "none of the {} blocked prefixes would be let in; whom rule {} keeps out today by origin is not known here",
            blocked.len(),
            by_origin.join(", ")
        )),
        None => guard.pass(format!("none of the {} blocked prefixes would be let in", blocked.len())),
    }
}

fn admits(closed: &WebAcl, admitted: &[IpNet], unread: &[String], settings: &Settings) -> GuardResult {
    let guard = &guard::CLOSE_ADMITS;
    let (wanted, never_block) = match configured(guard, &settings.guards) {
        Ok(ranges) => ranges,
        Err(unknown) => return unknown,
    };
    let out = web_acl::uncovered(wanted, admitted);
    let partners = web_acl::uncovered(never_block, admitted);
    let mut evidence: Vec<String> = out.iter().map(|net| format!("break-glass range {net} is not let in")).collect();
    evidence.extend(partners.iter().map(|net| format!("never-block range {net} is not let in")));
    let hurdles = web_acl::hurdles(closed);
    let doubts: Vec<&String> = unread.iter().chain(&hurdles).collect();
    evidence.extend(doubts.iter().map(|line| (*line).clone()));
    match (out.first(), doubts.first(), partners.first()) {
        (Some(net), ..) => {
            guard.stop(format!("break-glass range {net} would be locked out. Add it to the closed web ACL's IP set"))
        }
        (None, Some(doubt), _) => guard.unknown(format!("whether they still get in is not certain: {doubt}")),
        (None, None, Some(net)) => {
            guard.warn(format!("never-block range {net} would be locked out: {} in all", partners.len()))
        }
        (None, None, None) => {
            guard.pass("the closed web ACL lets break-glass and never-block ranges in, as far as a web ACL can")
        }
    }
    .because(evidence)
}

/// Who loses access, by what was sampled before the attack: the callers that belong there.
fn losers(state: &State, admitted: &[IpNet], unread: &[String]) -> GuardResult {
    let who =
        if admitted.is_empty() { "everybody".to_owned() } else { format!("everybody but {} prefixes", admitted.len()) };
    let losses = state.callers.losses(admitted);
    let mut evidence = losses.lines;
    evidence.extend(admitted.iter().map(|net| format!("{net} keeps access")));
    evidence.extend(unread.iter().cloned());
    let fewer = if unread.is_empty() { "" } else { ", or less: not all who are let in could be read" };
    guard::CLOSE_LOSERS
        .warn(format!(
            "{who} loses access to this stage; {}{fewer}. Other stages behind either web ACL are not affected",
            losses.said
        ))
        .because(evidence)
}

fn protection(state: &State, closed: &WebAcl) -> GuardResult {
    let guard = &guard::CLOSE_PROTECTION;
    let own = match &state.own {
        Some(Ok(own)) => own,
        Some(Err(error)) => {
            return guard.unknown(format!("the stage's own web ACL could not be read, nor what it does: {error}"));
        }
        None => return guard.pass("the stage has no web ACL whose protection would be lost"),
    };
    let kept = web_acl::protections(closed);
    let lost: Vec<String> = web_acl::protections(own).into_iter().filter(|rule| !kept.contains(rule)).collect();
    match lost.first() {
        Some(_) => guard
            .warn("the rules of the stage's own web ACL no longer act on those who are let in")
            .because(lost.iter().map(|rule| format!("{rule} is not in {}", closed.name)).collect()),
        None => guard.pass("the stage's own web ACL blocks by address only"),
    }
}

/// Things to know that are no guard's business.
pub(super) fn notes(action: &Close, state: &State) -> Vec<String> {
    let mut notes = Vec::new();
    if action.terms.expires_after_seconds.is_some() {
        notes.push(format!("When it expires, {}.", action.terms.reopen.words()));
    }
    match action.by {
        Closure::WebAcl => notes.push("Blocked requests get 403 from WAF and are inspected and billed by it.".to_owned()),
        Closure::ThrottleZero => notes.push(
            "That a limit of 0 lets nothing through is proven for HTTP APIs and reported for REST APIs; check that it does.".to_owned(),
        ),
    }
    if state.at.settings.canary {
        notes.push("The stage has a canary, which shares the stage's settings.".to_owned());
    }
    notes
}
