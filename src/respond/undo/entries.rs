//! Taking entries out of an IP set again.

use super::Findings;
use crate::model::action::Action;
use crate::model::address;
use crate::model::change::Edit;
use crate::model::plan::{Change, Left};
use crate::model::timeline::{ActionRecord, ActionState};
use crate::model::waf::IpSet;

/// The change that takes `change` back from `set`, as far as what is there is what we wrote.
pub(super) fn reverse(
    change: &Change,
    set: &IpSet,
    action: &ActionRecord,
    others: &[ActionRecord],
    findings: &mut Findings,
) -> Change {
    let (mut removed, mut left) = (Vec::new(), Vec::new());
    for entry in &change.added {
        let Some(net) = address::parsed(entry) else { continue };
        if let Some(other) = claimant(entry, change, action, others) {
            findings.claimed.push(format!("{entry} is needed by action {other}"));
            if set.entry_for(&net).is_some() {
                left.push(entry.clone());
            }
        } else if let Some(written) = set.entry_for(&net) {
            removed.push(written.to_owned());
        } else if action.made.contains(&change.resource.arn) {
            let wider = set.covering(&net).map_or_else(String::new, |wide| format!("; {wide} covers it now"));
            findings.foreign.push(format!("{entry} is not in {} any more{wider}", set.name));
        }
    }
    if !left.is_empty() {
        findings.left.push(Left { resource: change.resource.arn.clone(), entries: left });
    }
    Change {
        resource: change.resource.clone(),
        entries_before: set.addresses.len(),
        entries_after: set.addresses.len() - removed.len(),
        added: Vec::new(),
        removed,
        edit: Edit::Entries,
    }
}

/// Another action in force whose targets include `entry` in the same set. It found the entry there and added nothing,
/// yet it counts on it.
fn claimant<'a>(entry: &str, change: &Change, action: &ActionRecord, others: &'a [ActionRecord]) -> Option<&'a str> {
    let net = address::parsed(entry)?;
    let wants = |other: &ActionRecord| {
        if !matches!(other.action, Action::BlockIp(_) | Action::AllowIp(_)) {
            return false;
        }
        let same_set = other.changes.iter().any(|c| c.resource.arn == change.resource.arn);
        same_set && other.action.prefixes().iter().any(|t| net.contains(&t.net))
    };
    let in_force = |other: &&ActionRecord| {
        other.id != action.id
            && matches!(other.state, ActionState::InForce | ActionState::Unclear | ActionState::InFlight)
    };
    others.iter().filter(in_force).find(|other| wants(other)).map(|other| other.id.as_str())
}
