//! `allow-ip`: let prefixes in through a closed web ACL, by adding them to the IP set that it lets in.
//!
//! For a list that keeps customers out, and before closing with one that would.

mod callers;
mod judge;
mod read;

use ipnet::IpNet;

use self::judge::Chosen;
use self::read::State;
use super::ip_set;
use crate::aws::Aws;
use crate::model::action::{Action, AllowIp};
use crate::model::address;
use crate::model::plan::{Change, Plan, Precondition, WatchFor};
use crate::model::settings::Settings;
use crate::model::waf::IpSet;
use crate::model::words::counted;
use crate::respond::circumstances::Circumstances;
use crate::respond::planned::{PlanError, Planned, finished};

/// The plan to let in, from state read now.
pub(in crate::respond) async fn plan(
    aws: &Aws,
    settings: &Settings,
    action: &AllowIp,
    circumstances: Circumstances,
) -> Result<Planned, PlanError> {
    let attack_began = circumstances.attack_began;
    let state = Box::pin(read::read(aws, settings, action, circumstances)).await?;
    Ok(planned(action, &state, settings).by_attack(state.attack_began, attack_began))
}

/// The same for those of the targets who can be let in: nobody who is let in already, and nobody who is blocked while
/// the stage is open. `None` where nobody is left.
pub(in crate::respond) async fn relief(
    aws: &Aws,
    settings: &Settings,
    mut action: AllowIp,
    circumstances: Circumstances,
) -> Result<Option<Planned>, PlanError> {
    let state = Box::pin(read::read(aws, settings, &action, circumstances)).await?;
    let chosen = judge::chosen(&action, &state);
    let is_in = |net: &IpNet| chosen.sets.iter().any(|set| set.covering(net).is_some());
    let is_blocked = |net: &IpNet| state.blocked.iter().any(|(blocked, _)| address::overlaps(net, blocked));
    action.targets.retain(|target| !is_in(&target.net) && !is_blocked(&target.net));
    Ok((!action.targets.is_empty()).then(|| planned(&action, &state, settings)))
}

fn planned(action: &AllowIp, state: &State, settings: &Settings) -> Planned {
    let chosen = judge::chosen(action, state);
    let changes: Vec<Change> = chosen.sets.iter().map(|set| ip_set::change(&action.targets, set)).collect();
    let plan = Plan {
        summary: summary(action, state, &changes),
        calls: changes.iter().filter(|c| !c.is_empty()).map(ip_set::call).collect(),
        guards: judge::guards(action, state, settings, &chosen, &changes),
        preconditions: preconditions(state),
        watch: watch(state, &chosen),
        undo: ip_set::undo(&changes),
        notes: notes(state),
        changes,
        ..Plan::of(
            Action::AllowIp(action.clone()),
            state.at.identity.clone(),
            state.at.stage.id.clone(),
            state.at.read_at,
        )
    };
    finished(plan, chosen.sets)
}

fn summary(action: &AllowIp, state: &State, changes: &[Change]) -> String {
    let added: usize = changes.iter().map(|c| c.added.len()).sum();
    let stage = state.at.stage.id.label();
    if added == 0 {
        return format!("Nothing to add: the {} targets are already let into {stage}", action.targets.len());
    }
    let sets: Vec<&str> = changes.iter().filter(|c| !c.is_empty()).map(|c| c.resource.name.as_str()).collect();
    let when = if state.is_before { "" } else { ", once it is closed by that web ACL" };
    format!("Add {} to {} to let them into {stage}{when}", counted(added, "entry"), sets.join(" and "))
}

/// Which web ACL stands before the stage, and what else the one that lets in does: an entry means something else under
/// other rules.
fn preconditions(state: &State) -> Vec<Precondition> {
    let own = state.at.settings.web_acl_arn.clone().unwrap_or_else(|| "none".to_owned());
    let mut all = vec![Precondition { subject: format!("web ACL of {}", state.at.stage.id.label()), expected: own }];
    all.extend(state.acl().map(super::close::web_acl::rules));
    all
}

/// Where it shows that they get in: nowhere until the web ACL stands before the stage.
fn watch(state: &State, chosen: &Chosen) -> Vec<WatchFor> {
    let Some(acl) = state.acl().filter(|_| state.is_before) else { return Vec::new() };
    let of = |set: &IpSet| {
        let rule = super::close::web_acl::admitting_rule(acl, &set.arn)?;
        Some(WatchFor {
            resource: set.arn.clone(),
            web_acl: acl.name.clone(),
            web_acl_arn: acl.arn.clone(),
            rule: rule.metric_name.clone(),
            inner: None,
        })
    };
    chosen.sets.iter().filter_map(of).collect()
}

/// Things to know that are no guard's business.
fn notes(state: &State) -> Vec<String> {
    let mut notes = vec![
        "Propagation takes a few seconds to some minutes, and regions may differ meanwhile (WAFv2 API reference)."
            .to_owned(),
    ];
    if let Some(acl) = state.acl() {
        notes.push(format!(
            "They stay on the list when the stage is opened again: every stage closed by {} lets them in until this is undone.",
            acl.name
        ));
    }
    notes
}
