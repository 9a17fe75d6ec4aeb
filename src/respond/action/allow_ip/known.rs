//! The guard of `allow-ip` that asks who the targets are: callers from before the attack, or nobody known.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::read::State;
use crate::model::action::AllowIp;
use crate::model::callers::{KnownCallers, Membership};
use crate::model::plan::GuardResult;
use crate::model::settings::Settings;
use crate::respond::action::close::web_acl::uncovered;
use crate::respond::action::ip_set::plural;
use crate::respond::guard::{self, WithEvidence};
use crate::respond::taken;

/// As many targets as may be nobody who was seen: somebody may know better than samples, one by one.
const STRANGERS: usize = 3;

/// Whether the targets called before the attack.
pub(super) fn known(action: &AllowIp, state: &State, settings: &Settings) -> GuardResult {
    let guard = &guard::ALLOW_KNOWN;
    let clients = |of: &crate::respond::samples::Samples| -> BTreeSet<IpAddr> {
        of.sets.iter().flat_map(|set| &set.samples).map(|sample| sample.client).collect()
    };
    let before = clients(&state.earlier);
    let kept = state.known.as_ref();
    if before.is_empty() && kept.is_none() {
        let why = state.earlier.missing.first().map_or("nothing was sampled then", String::as_str);
        return guard
            .unknown(format!("nothing tells who called before the attack, so who these are is not known: {why}"));
    }
    // Whoever the team names is no stranger.
    let named: Vec<IpNet> =
        [&settings.guards.never_block, &settings.guards.break_glass].into_iter().flatten().flatten().copied().collect();
    let was_seen = |net: &IpNet| {
        before.iter().any(|address| net.contains(address)) || kept.is_some_and(|kept| kept.part_of(&[*net]).0 > 0.0)
    };
    let nets: Vec<IpNet> = action.targets.iter().map(|target| target.net).collect();
    let unseen: Vec<IpNet> = uncovered(&nets, &named).into_iter().filter(|net| !was_seen(net)).collect();
    let then = taken::before(state.attack_began);
    let mut evidence: Vec<String> =
        unseen.iter().take(20).map(|net| format!("nobody was seen calling from {net}")).collect();
    let knocking = knocking(state, &nets, &before, kept);
    evidence.extend(knocking.line());
    let seen = nets.len() - unseen.len();
    match unseen.len() {
        n if n > STRANGERS => guard.stop(format!(
            "nobody was seen calling from {} {then}: they may be attackers. Take them out",
            plural(n, "target")
        )),
        n if n > 0 => {
            guard.warn(format!("nobody was seen calling from {} {then}: they may be attackers", plural(n, "target")))
        }
        _ if knocking.strangers > 0 => guard.warn(format!(
            "somebody was seen calling from each of {} {then}, and others come from there now as well",
            plural(seen, "target")
        )),
        _ => guard.pass(format!("somebody was seen calling from each of {} {then}", plural(seen, "target"))),
    }
    .because(evidence)
}

/// Who is sampled now inside the targets.
struct Knocking {
    requests: u64,
    /// Of these, from addresses of which nothing says that they were there before.
    strangers: u64,
}

impl Knocking {
    fn line(&self) -> Option<String> {
        (self.requests > 0).then(|| {
            format!(
                "of {} sampled now from the targets {} come from addresses that were not seen before the attack",
                plural(usize::try_from(self.requests).unwrap_or(usize::MAX), "request"),
                self.strangers
            )
        })
    }
}

fn knocking(state: &State, nets: &[IpNet], before: &BTreeSet<IpAddr>, kept: Option<&KnownCallers>) -> Knocking {
    let was_there = |address: &IpAddr| {
        before.contains(address) || kept.is_some_and(|kept| matches!(kept.membership(*address), Membership::There(_)))
    };
    let inside = state.recent.sets.iter().flat_map(|set| &set.samples);
    let inside: Vec<IpAddr> =
        inside.map(|sample| sample.client).filter(|client| nets.iter().any(|net| net.contains(client))).collect();
    let strangers = inside.iter().filter(|client| !was_there(client)).count() as u64;
    Knocking { requests: inside.len() as u64, strangers }
}
