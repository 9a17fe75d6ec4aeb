//! Guards over IP sets as they would be, whatever is done by them.

use super::ByArn;
use crate::model::address::{self, Target};
use crate::model::plan::{Change, GuardResult};
use crate::model::waf::{IP_SET_CAPACITY, IpSet};
use crate::model::words::counted;
use crate::respond::action::stage::sign;
use crate::respond::guard::{Guard, WithEvidence};

/// Says which targets were written with host bits, and so mean more than they look; `does` is what is done to them:
/// `blocks`.
pub(in crate::respond::action) fn host_bits(guard: &Guard, targets: &[Target], does: &str) -> Option<GuardResult> {
    let masked = targets.iter().filter_map(|t| Some((t.masked_from.as_ref()?, t.net)));
    let lines: Vec<String> =
        masked.map(|(from, net)| format!("{from} becomes {net}: {} addresses", address::size(&net))).collect();
    let said = || guard.warn(format!("{} had host bits and {does} more than it looks", counted(lines.len(), "target")));
    (!lines.is_empty()).then(|| said().because(lines.clone()))
}

/// Whether each set has room for what it would hold; `instead` says what to do where it has not.
pub(in crate::respond::action) fn capacity(guard: &Guard, changes: &[Change], instead: &str) -> Vec<GuardResult> {
    let judged = |change: &Change| {
        let (name, after) = (&change.resource.name, change.entries_after);
        if after > IP_SET_CAPACITY {
            guard.stop(format!("{name} would hold {after} entries; WAF allows {IP_SET_CAPACITY}. {instead}"))
        } else {
            guard.pass(format!("{name} would hold {after} of {IP_SET_CAPACITY} entries"))
        }
    };
    changes.iter().filter(|c| !c.is_empty()).map(judged).collect()
}

/// Says which targets are in a set already.
pub(in crate::respond::action) fn covered(guard: &Guard, targets: &[Target], sets: &[IpSet]) -> Option<GuardResult> {
    let line = |target: &Target| {
        let found = sets.iter().find_map(|set| Some((set, set.covering(&target.net)?)));
        found.map(|(set, entry)| format!("{} is covered by {entry} in {}", target.net, set.name))
    };
    let lines: Vec<String> = targets.iter().filter_map(line).collect();
    let result = || guard.warn(format!("{} already in the set", counted(lines.len(), "target")));
    (!lines.is_empty()).then(|| result().because(lines.clone()))
}

/// Says where infrastructure as code may own a set.
pub(in crate::respond::action) fn managed(
    guard: &Guard,
    sets: &[IpSet],
    tags: &ByArn<Vec<(String, String)>>,
) -> GuardResult {
    let mut signs = Vec::new();
    for set in sets {
        match tags.get(&set.arn) {
            Some(Ok(tags)) => {
                signs.extend(tags.iter().filter_map(|(k, v)| sign(k, v)).map(|s| format!("{}: {s}", set.name)));
            }
            Some(Err(error)) => signs.push(format!("{}: tags could not be read: {}", set.name, error.problem)),
            None => signs.push(format!("{}: tags were not read", set.name)),
        }
    }
    match signs.first() {
        Some(_) => guard
            .warn("infrastructure as code may own the IP set: its next run can remove the entries; tell its owners")
            .because(signs),
        None => guard.pass("no tag says that infrastructure as code owns the IP set"),
    }
}
