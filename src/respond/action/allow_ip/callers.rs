//! The guard of `allow-ip` that asks who the targets are: callers from before the attack, or nobody known.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::read::State;
use crate::model::action::AllowIp;
use crate::model::callers::{KnownCallers, Membership};
use crate::model::plan::GuardResult;
use crate::model::settings::Settings;
use crate::model::source::most_of_a_customer;
use crate::model::words::counted;
use crate::respond::action::close::web_acl::uncovered;
use crate::respond::guard::{self, WithEvidence};
use crate::respond::loss;

/// As many targets as may be nobody who was seen: somebody may know better than samples, one by one.
const STRANGERS: usize = 3;

/// Whether the targets called before the attack.
pub(super) fn known(action: &AllowIp, state: &State, settings: &Settings) -> GuardResult {
    let guard = &guard::ALLOW_KNOWN;
    let clients = |of: &crate::respond::samples::Samples| -> BTreeSet<IpAddr> {
        of.sets.iter().flat_map(|set| &set.samples).map(|sample| sample.client).collect()
    };
    let kept = state.known.as_ref();
    if let Some(why) = &state.uncertain_beginning {
        return guard.unknown(format!("who called before the attack is not known: {why}"));
    }
    let before = clients(&state.earlier);
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
    let then = loss::before(state.attack_began);
    let mut evidence: Vec<String> =
        unseen.iter().take(20).map(|net| format!("nobody was seen calling from {net}")).collect();
    let knocking = knocking(state, &nets, &before, kept);
    evidence.extend(knocking.line());
    let seen = uncovered(&nets, &named).len() - unseen.len();
    let is_wide = nets.iter().any(|net| net.prefix_len() < net.max_prefix_len());
    match unseen.len() {
        n if n > STRANGERS => guard.stop(format!(
            "nobody was seen calling from {} {then}: they may be attackers. Remove them",
            counted(n, "target")
        )),
        n if n > 0 => {
            guard.warn(format!("nobody was seen calling from {} {then}: they may be attackers", counted(n, "target")))
        }
        // Who else is in a prefix nobody has looked at.
        _ if knocking.unseen.is_some() && is_wide => guard.unknown(format!(
            "who else calls from the targets now is not known: {}",
            knocking.unseen.clone().unwrap_or_default()
        )),
        _ if knocking.unseen.is_some() => guard.warn(format!(
            "callers were seen from each of {} {then}; what comes from there now is not known: {}",
            counted(seen, "target"),
            knocking.unseen.clone().unwrap_or_default()
        )),
        _ if knocking.strangers > 0 => guard.warn(format!(
            "callers were seen from each of {} {then}, but others call from there now as well, or far more comes than then",
            counted(seen, "target")
        )),
        _ => guard.pass(format!(
            "callers were seen {then} from each of {} that the configuration does not name",
            counted(seen, "target")
        )),
    }
    .because(evidence)
}

/// Who is sampled now inside the targets.
struct Knocking {
    requests: u64,
    /// Of these, from addresses of which nothing says that they were there before, or that send far more than then.
    strangers: u64,
    /// Why nothing could be sampled, where that is so.
    unseen: Option<String>,
}

impl Knocking {
    fn line(&self) -> Option<String> {
        (self.requests > 0).then(|| {
            format!(
                "of {} sampled now from the targets, {} come from addresses that were not seen before the attack, or send far more than then",
                counted(usize::try_from(self.requests).unwrap_or(usize::MAX), "request"),
                self.strangers
            )
        })
    }
}

fn knocking(state: &State, nets: &[IpNet], before: &BTreeSet<IpAddr>, kept: Option<&KnownCallers>) -> Knocking {
    let unseen = match (state.recent.missing.first(), state.recent.sets.is_empty()) {
        (Some(why), _) => Some(why.clone()),
        (None, true) => Some("nothing samples it".to_owned()),
        (None, false) => None,
    };
    // Samples of one address, and for how many requests a second they stand.
    let mut inside: BTreeMap<IpAddr, (u64, f64)> = BTreeMap::new();
    for set in &state.recent.sets {
        let seconds = (set.to - set.from).as_seconds_f64().max(1.0);
        let each = set.population as f64 / (set.samples.len().max(1) as f64 * seconds);
        for sample in set.samples.iter().filter(|sample| nets.iter().any(|net| net.contains(&sample.client))) {
            let one = inside.entry(sample.client).or_default();
            *one = (one.0 + 1, one.1 + each);
        }
    }
    let is_stranger = |address: &IpAddr, now: f64| match kept.map(|kept| kept.membership(*address)) {
        Some(Membership::There(then)) => now > most_of_a_customer(then),
        Some(Membership::NotThere) => true,
        Some(Membership::NotListed) | None => !before.contains(address),
    };
    let strangers = inside.iter().filter(|(address, (_, now))| is_stranger(address, *now)).map(|(_, (n, _))| n).sum();
    Knocking { requests: inside.values().map(|(n, _)| n).sum(), strangers, unseen }
}
