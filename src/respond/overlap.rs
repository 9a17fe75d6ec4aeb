//! What of a plan rests on other actions: a target that is blocked already, by an action of ours that will expire.

use crate::model::action::Action;
use crate::model::address;
use crate::model::plan::Plan;
use crate::model::timeline::{ActionRecord, ActionState};

/// Lines for a plan to block that adds nothing for some targets, since an action in force added them and will take them
/// out again.
#[must_use]
pub fn expiring(plan: &Plan, actions: &[ActionRecord]) -> Vec<String> {
    let Action::BlockIp(block) = &plan.action else { return Vec::new() };
    let in_force = |a: &&ActionRecord| matches!(a.state, ActionState::InForce | ActionState::Unclear);
    let mut lines = Vec::new();
    for action in actions.iter().filter(in_force) {
        let Some(end) = action.expires_at else { continue };
        let added =
            || action.changes.iter().flat_map(|change| &change.added).filter_map(|entry| address::parsed(entry));
        let covered = block.targets.iter().filter(|t| added().any(|net| net.contains(&t.net))).count();
        if covered > 0 {
            lines.push(format!(
                "{covered} of the targets are blocked by action {} until {}; to keep them longer: portcullis extend {} --for 4h",
                action.id,
                end.format("%Y-%m-%d %H:%M:%SZ"),
                action.id
            ));
        }
    }
    lines
}
