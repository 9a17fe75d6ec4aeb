//! The guards of `block-ip` that rest on samples: who would be hit, and what speaks against the targets.

use super::evidence::{Evidence, Kept};
use super::read::State;
use crate::model::bounds;
use crate::model::plan::GuardResult;
use crate::model::settings::Settings;
use crate::model::text::grouped;
use crate::model::words::{counted, percent, tenths, whole_percent};
use crate::respond::guard::{self, WithEvidence};
use crate::respond::loss::{self, Against, Taken};

pub(super) fn legitimate(state: &State, settings: &Settings, evidence: &Evidence) -> GuardResult {
    let guard = &guard::LEGITIMATE;
    if let Some(kept) = evidence.kept.filter(|_| !state.recent.sets.is_empty() && state.recent.missing.is_empty()) {
        return by_what_is_kept(evidence, kept, settings.guards.most_legitimate_share);
    }
    let missing: Vec<String> = state.recent.missing.iter().chain(&state.earlier.missing).cloned().collect();
    if state.recent.sets.is_empty() || state.earlier.sets.is_empty() || !missing.is_empty() {
        return guard
            .unknown("WAF does not give all samples of this web ACL, so who would be hit is not known")
            .because(missing);
    }
    let before = loss::before(state.attack_began);
    let known = evidence.known_addresses.iter().take(10).map(|a| format!("{a} was there before")).collect();
    let Some(taken) = Taken::of_samples(evidence.earlier_inside, evidence.earlier) else {
        return guard
            .unknown(format!("no request was sampled {before}, so customers and attackers cannot be told apart"));
    };
    judged_share(evidence, taken, settings.guards.most_legitimate_share, &before).because(known)
}

/// By the share of those who were there before, inside the targets now and of all who came then, as far as the samples
/// bound them: a prefix may hold few of its own callers beside a flood, and many of the stage's.
fn judged_share(evidence: &Evidence, taken: Taken, most: f64, before: &str) -> GuardResult {
    let guard = &guard::LEGITIMATE;
    let Some(share) = evidence.seen_before_share() else {
        // What they were of all who came before is what can be told: nothing of them is here now.
        let (hits, of) = (evidence.earlier_inside, evidence.earlier);
        let (seen, (_, high)) = (taken.share, taken.bounds);
        let said = format!(
            "no request from the targets is among {} current samples, {hits} of {of} {before}",
            evidence.recent
        );
        return match taken.against(most) {
            Against::Above => guard.stop(format!(
                "{said}: {} of those seen then; at most {} is allowed",
                whole_percent(seen),
                tenths(most)
            )),
            Against::MayBeAbove => guard.unknown(format!(
                "{said}: too few to tell who they are, up to {} of those seen then; at most {} is allowed",
                percent(high),
                tenths(most)
            )),
            // That nothing speaks against them is suspicion's to say, of so few one by one.
            Against::Within if evidence.unsampled.len() <= UNSUSPECTED => {
                guard.pass(format!("{said}: at most {} of those seen then", percent(high)))
            }
            Against::Within => guard.warn(format!("{said}: at most {} of those seen then", percent(high))),
        };
    };
    let (hits, of) = (evidence.drawn_seen_before, evidence.drawn);
    let bounded = bounds::words(hits, of).map_or_else(String::new, |words| format!(" ({words}, of {of} sampled)"));
    let said = format!(
        "{} of {} requests sampled from the targets come from callers seen {before}{bounded}; of the requests \
         sampled {before}, the targets sent {}",
        percent(share),
        grouped(evidence.inside),
        taken.words()
    );
    if share > most || taken.against(most) == Against::Above {
        return guard.stop(format!("{said}; at most {} of either is allowed", tenths(most)));
    }
    if bounds::share(hits, of).1 > most || taken.against(most) == Against::MayBeAbove {
        return guard.warn(said);
    }
    guard.pass(said)
}

/// The same where the samples of before are gone, after three hours, and the incident keeps who called then.
fn by_what_is_kept(evidence: &Evidence, kept: Kept, most: f64) -> GuardResult {
    let guard = &guard::LEGITIMATE;
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let (taken, at_most) = kept.taken;
    let bounded = |share: f64, high: f64| {
        if high - share < 0.000_5 {
            percent(share)
        } else {
            format!("{} and at most {}", percent(share), percent(high))
        }
    };
    let of_before = format!(
        "by the incident's record from before the attack, the targets sent {} of the requests then",
        bounded(taken, at_most)
    );
    if evidence.inside == 0 {
        let said = format!("no request from the targets is among {} current samples; {of_before}", evidence.recent);
        return match (taken > most, at_most > most) {
            (true, _) => guard.stop(format!("{said}; at most {} is allowed", percent(most))),
            (false, true) => guard.unknown(format!("{said}, so who would be hit is not known")),
            (false, false) if evidence.unsampled.len() <= UNSUSPECTED => guard.pass(said),
            (false, false) => guard.warn(said),
        };
    }
    let (share, high) = kept.of_now;
    let said = format!(
        "{} of {} requests sampled from the targets come from callers seen before the attack; {of_before}",
        bounded(share, high),
        grouped(evidence.inside)
    );
    if share > most || taken > most {
        return guard.stop(format!("{said}; at most {} of either is allowed", percent(most)));
    }
    match (high > most || at_most > most, kept.counted) {
        (false, _) => guard.pass(said),
        // Those who are not listed may be the very ones.
        (true, true) => guard.unknown(format!("{said}: too few are listed to tell who would be hit")),
        (true, false) => guard.warn(said),
    }
}

/// As many targets as may go without anything against them: somebody may know better than the rules, address by
/// address.
const UNSUSPECTED: usize = 3;

pub(super) fn suspicion(state: &State, evidence: &Evidence) -> GuardResult {
    let guard = &guard::SUSPICION;
    if state.recent.sets.is_empty() || !state.recent.missing.is_empty() {
        return guard
            .unknown("WAF does not give all samples, so the evidence against the targets is not known")
            .because(state.recent.missing.clone());
    }
    let bare = &evidence.bare;
    let mut some: Vec<String> = bare.iter().take(20).map(ToString::to_string).collect();
    some.extend(evidence.unsuspected.iter().take(20).map(ToString::to_string));
    let unsampled = match evidence.unsampled.len() {
        0 => String::new(),
        n => format!(", {} of them not sampled at all", grouped(n as u64)),
    };
    match (bare.len(), evidence.unsuspected.len()) {
        (0, 0) => guard.pass("a rule that tells attackers from others matched every target"),
        (n, _) if n > UNSUSPECTED => guard
            .stop(format!(
                "there is no evidence against {}{unsampled}: they may be customers. Remove them",
                counted(n, "target")
            ))
            .because(some),
        (_, n) if n > UNSUSPECTED => guard
            .stop(format!("no rule implicates {}: they may be customers. Remove them", counted(n, "address")))
            .because(some),
        (0, n) => {
            guard.warn(format!("no rule implicates {}: they may be customers", counted(n, "address"))).because(some)
        }
        (n, _) => guard
            .warn(format!("there is no evidence against {}{unsampled}: they may be customers", counted(n, "target")))
            .because(some),
    }
}

/// One client keeps one `X-Forwarded-For`; a proxy shows as many as it has clients.
pub(super) fn proxy(state: &State, evidence: &Evidence) -> GuardResult {
    if state.recent.sets.is_empty() || !state.recent.missing.is_empty() {
        return guard::PROXY
            .unknown("WAF does not give all samples, so a proxy could not be told from a client")
            .because(state.recent.missing.clone());
    }
    let mut proxies: Vec<String> = evidence
        .forwarding
        .iter()
        .filter(|(_, clients)| **clients > 1)
        .map(|(address, clients)| format!("{address} forwards for at least {clients} clients"))
        .collect();
    proxies.sort();
    match proxies.first() {
        Some(first) => guard::PROXY
            .stop(format!("{first}: blocking it blocks all of them (the header is the sender's own claim)"))
            .because(proxies.clone()),
        None if !evidence.unsampled.is_empty() => guard::PROXY.warn(format!(
            "no request was sampled from {}, so a proxy there cannot be told from a client",
            counted(evidence.unsampled.len(), "target")
        )),
        None => guard::PROXY.pass("no sampled request from the targets carries several forwarding headers"),
    }
}
