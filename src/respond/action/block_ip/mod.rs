//! `block-ip`: add prefixes to the IP sets that block on a stage.

mod callers;
mod evidence;
mod judge;
mod read;

pub use read::{State, read};

use super::super::wiring::Reference;
use super::ip_set;
use crate::model::action::{Action, BlockIp};
use crate::model::plan::{Change, Plan, Precondition, WatchFor};
use crate::model::settings::Settings;
use crate::model::words::counted;
use crate::respond::planned::{Planned, finished};

/// The plan to block, from state read for it.
#[must_use]
pub fn plan(action: &BlockIp, state: &State, settings: &Settings) -> Planned {
    let chosen = judge::chosen_sets(action, state, settings);
    let changes: Vec<Change> = chosen.sets.iter().map(|set| ip_set::change(&action.targets, set)).collect();
    let guards = judge::guards(action, state, settings, &chosen, &changes);
    let mut notes = judge::notes(action, state, &chosen);
    notes.extend(state.recent.left.clone());
    let plan = Plan {
        summary: summary(action, state, &changes),
        calls: changes.iter().filter(|c| !c.is_empty()).map(ip_set::call).collect(),
        undo: ip_set::undo(&changes),
        notes,
        preconditions: preconditions(state, &chosen),
        watch: watch(state, &chosen),
        changes,
        guards,
        ..Plan::of(Action::BlockIp(action.clone()), state.identity.clone(), state.stage.id.clone(), state.read_at)
    };
    finished(plan, chosen.sets)
}

fn summary(action: &BlockIp, state: &State, changes: &[Change]) -> String {
    let added: usize = changes.iter().map(|c| c.added.len()).sum();
    let stage = state.stage.id.label();
    if added == 0 {
        return format!(
            "Nothing to add: the IP sets that block on {stage} already hold all {} targets",
            action.targets.len()
        );
    }
    let sets: Vec<&str> = changes.iter().filter(|c| !c.is_empty()).map(|c| c.resource.name.as_str()).collect();
    format!("Add {} to {} to block on {stage}", counted(added, "entry"), sets.join(" and "))
}

fn watch(state: &State, chosen: &judge::Chosen) -> Vec<WatchFor> {
    let Some(acl) = &state.web_acl else { return Vec::new() };
    let watch = |reference: &Reference| WatchFor {
        resource: reference.ip_set.clone(),
        web_acl: acl.name.clone(),
        web_acl_arn: acl.arn.clone(),
        rule: reference.metric_name.clone(),
        inner: reference.rule.split_once(" / ").map(|(_, inner)| inner.to_owned()),
    };
    chosen.references.iter().map(watch).collect()
}

fn preconditions(state: &State, chosen: &judge::Chosen) -> Vec<Precondition> {
    let acl = state.web_acl.as_ref().map_or_else(String::new, |acl| acl.arn.clone());
    let mut all = vec![Precondition { subject: format!("web ACL of {}", state.stage.id.label()), expected: acl }];
    all.extend(chosen.references.iter().map(|reference| Precondition {
        subject: reference.ip_set.clone(),
        expected: format!("{}: {}", reference.rule, reference.standing),
    }));
    all
}
