//! Taking an action back, three-way: only where what is there is what we wrote.

mod assigned;
mod attack;
mod deletion;
mod entries;

use futures_util::future::join_all;
use serde_json::{Map, Value};

use super::action::{close, ip_set, kill_switch, prepare, throttle};
use super::assigned::current;
use super::guard::{self, WithEvidence, settled};
use super::planned::{PlanError, Planned, finished};
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::incident::Unreadable;
use crate::model::action::{Action, Terms};
use crate::model::attack::Attack;
use crate::model::change::{Assignment, Edit, Place};
use crate::model::plan::{Change, GuardResult, Left, Plan, PlannedCall, Purpose, WatchFor};
use crate::model::timeline::{ActionRecord, ActionState};
use crate::model::waf::IpSet;
use crate::model::words::counted;

/// What else was done in the account: what another action in force asked for as well is left in place.
#[derive(Debug, Clone, Copy)]
pub struct Others<'a> {
    /// The actions of the open incidents.
    pub actions: &'a [ActionRecord],
    /// Incidents that could not be read whole, and what may be in force there.
    pub unreadable: &'a [Unreadable],
    /// The attack on the stage, where one stands.
    pub attack: Option<&'a Attack>,
}

impl<'a> From<&'a Vec<ActionRecord>> for Others<'a> {
    /// All that was done is known.
    fn from(actions: &'a Vec<ActionRecord>) -> Self {
        Self { actions, unreadable: &[], attack: None }
    }
}

/// The plan to take `action` back, from state read now, in view of `others`. `watch` is the confirmed plan's, so that
/// the undo's effect shows in the same place; `terms` carry overrides and their reason. Its reads wait for the
/// account's quotas as those of any plan do.
pub async fn plan(
    aws: &Aws,
    action: &ActionRecord,
    others: impl Into<Others<'_>>,
    watch: &[WatchFor],
    terms: &Terms,
) -> Result<Planned, PlanError> {
    let aws = &aws.patient();
    aws.unless_busy(Box::pin(back(aws, action, others.into(), watch, terms))).await?
}

// Long: every change's way back is sorted here, once, into what goes back, stays, or stops it.
async fn back(
    aws: &Aws,
    action: &ActionRecord,
    others: Others<'_>,
    watch: &[WatchFor],
    terms: &Terms,
) -> Result<Planned, PlanError> {
    let Others { actions: others, unreadable, attack } = others;
    if !matches!(action.state, ActionState::InForce | ActionState::Unclear) {
        return Err(PlanError::NotInForce { id: action.id.clone(), state: action.state });
    }
    let identity = aws.identity(Lane::Plan).await?;
    // What is not known to have been made is not ours to take back: what looks like ours may be somebody else's.
    let (made, not_made): (Vec<&Change>, Vec<&Change>) =
        action.changes.iter().filter(|c| !c.is_empty()).partition(|c| {
            // Values are compared one by one with what we set, so that looking costs nothing where it is not known.
            let to_be_seen =
                action.state == ActionState::Unclear && matches!(c.edit, Edit::Assign(_)) && !c.edit.is_making();
            let known = action.made.contains(&c.resource.arn) || action.doubtful.contains(&c.resource.arn);
            to_be_seen || known
        });
    let mut findings =
        Findings { not_made: not_made.iter().map(|c| c.resource.name.clone()).collect(), ..Findings::default() };
    // Others may want the same entries; values have one owner, and are compared one by one.
    let shared = || made.iter().filter(|change| change.edit.is_entries());
    let may_want = |one: &&Unreadable| shared().any(|change| one.may_claim.covers(&change.resource.arn));
    findings.unreadable = unreadable.iter().filter(may_want).map(|one| one.incident.clone()).collect();
    let nothing_made = made.is_empty();
    let read = join_all(made.iter().map(|change| there(aws, change))).await;
    let mut changes = Vec::new();
    let mut sets = Vec::new();
    for (change, there) in made.into_iter().zip(read) {
        match there {
            Ok(There::Entries(set)) => {
                let reversed = entries::reverse(change, &set, action, others, &mut findings);
                // Nothing of what may have been made is there: that is how it was before, and nobody has changed it.
                if action.made.contains(&change.resource.arn) || !reversed.is_empty() {
                    changes.push(reversed);
                }
                sets.push(set);
            }
            Ok(There::Values(assignment, now)) => {
                if change.edit.is_making() && now.is_empty() && action.made.contains(&change.resource.arn) {
                    findings.gone.push(change.resource.name.clone());
                }
                changes.extend(assigned::reverse(change, assignment, &now, action, others, &mut findings));
            }
            Ok(There::Nothing) => findings.kept_for_good.push(change.resource.name.clone()),
            Err(AwsError { problem: Problem::NotFound(_), .. }) => findings.gone.push(change.resource.name.clone()),
            Err(error) => return Err(error.into()),
        }
    }
    if action.changes.iter().any(|change| change.edit.is_making()) {
        changes = deletion::whole(aws, action, changes, &mut findings).await;
    }
    let in_doubt = |change: &&Change| !change.is_empty() && action.doubtful.contains(&change.resource.arn);
    findings.doubtful = changes.iter().filter(in_doubt).map(|change| change.resource.name.clone()).collect();
    for change in &changes {
        findings.deployments_gone.extend(deployment_gone(aws, change).await?);
    }
    let left = std::mem::take(&mut findings.left);
    let mut guards = findings.guards(nothing_made);
    if matches!(action.action, Action::AllowIp(_)) && changes.iter().any(|change| !change.is_empty()) {
        guards.push(attack::shut_out(aws, &changes, watch).await);
    }
    if let Some(attack) = attack.filter(|_| changes.iter().any(|change| !change.is_empty())) {
        guards.extend(attack::coming_back(aws, action, &changes, watch, attack).await);
    }
    let plan = Plan {
        purpose: Purpose::Undo { action_id: action.id.clone(), terms: terms.clone() },
        summary: summary(action, &changes),
        calls: changes.iter().filter(|c| !c.is_empty()).map(call).collect(),
        left,
        guards: settled(guards, terms),
        watch: watch.to_vec(),
        undo: "apply the action again".to_owned(),
        notes: notes(action),
        changes,
        ..Plan::of(action.action.clone(), identity, action.stage.clone(), aws.clock().now())
    };
    Ok(finished(plan, sets))
}

#[derive(Debug, Default)]
struct Findings {
    not_made: Vec<String>,
    /// What may have been made, and shows.
    doubtful: Vec<String>,
    /// What stays because another action wants it: this action is not wholly taken back.
    left: Vec<Left>,
    gone: Vec<String>,
    foreign: Vec<String>,
    claimed: Vec<String>,
    /// Incidents whose claims are not known.
    unreadable: Vec<String>,
    /// Later actions in force that set the same values.
    later: Vec<String>,
    /// Entries of a stage that stay, with other limits.
    kept: Vec<String>,
    /// Why what was made is not deleted; `None` where nothing of the kind was.
    used: Option<GuardResult>,
    /// What cannot be taken back at all.
    kept_for_good: Vec<String>,
    /// Deployments to point back at that are no more.
    deployments_gone: Vec<String>,
}

/// What is left to do where the deployment that a change points back at has been deleted.
async fn deployment_gone(aws: &Aws, change: &Change) -> Result<Option<String>, AwsError> {
    let Edit::Assign(Assignment { place: Place::Deployment { api_id, .. }, parts, .. }) = &change.edit else {
        return Ok(None);
    };
    let Some(id) = parts.first().and_then(|part| part.after.as_ref()).and_then(Value::as_str) else { return Ok(None) };
    match aws.deployment(api_id, id, Lane::Plan).await {
        Ok(_) => Ok(None),
        Err(AwsError { problem: Problem::NotFound(_), .. }) => Ok(Some(format!(
            "{}: the previous deployment {id} has been deleted. Deploy the API again (its draft has its own policy) and point the stage at that",
            change.resource.name
        ))),
        Err(error) => Err(error),
    }
}

/// What is there now, of what a change changed.
enum There<'a> {
    Entries(IpSet),
    Values(&'a Assignment, Map<String, Value>),
    Nothing,
}

async fn there<'a>(aws: &Aws, change: &'a Change) -> Result<There<'a>, AwsError> {
    match &change.edit {
        Edit::Entries => aws.ip_set(&change.resource.arn, Lane::Plan).await.map(There::Entries),
        Edit::Assign(assignment) => {
            let now = current(aws, &assignment.place, Lane::Plan).await?;
            Ok(There::Values(assignment, now))
        }
        Edit::Flush(_) => Ok(There::Nothing),
    }
}

/// The call that a change amounts to.
fn call(change: &Change) -> PlannedCall {
    match &change.edit {
        Edit::Entries => ip_set::call(change),
        Edit::Assign(assignment) if assignment.place.is_made() => prepare::call(change),
        Edit::Assign(Assignment { place: Place::RouteThrottles { .. }, .. }) => throttle::http::call(change),
        Edit::Assign(_) | Edit::Flush(_) => kill_switch::undo_call(change).unwrap_or_else(|| close::call(change)),
    }
}

fn notes(action: &ActionRecord) -> Vec<String> {
    vec![action.action.form().undone.to_owned()]
}

impl Findings {
    // Long: one guard after another, in the order in which they are shown.
    fn guards(self, nothing_made: bool) -> Vec<GuardResult> {
        let gone = match self.gone.first() {
            Some(_) => guard::UNDO_GONE
                .warn(format!("{} has been deleted: nothing is left to undo there", self.gone.join(", "))),
            None => guard::UNDO_GONE.pass("everything that was changed still exists"),
        };
        let foreign = match self.foreign.first() {
            Some(_) => guard::UNDO_FOREIGN
                .warn("somebody else changed some of our entries since; theirs stays")
                .because(self.foreign),
            None => guard::UNDO_FOREIGN.pass("our entries are as we wrote them"),
        };
        let not_made = (!self.not_made.is_empty() || !self.doubtful.is_empty()).then(|| {
            let left = (!self.not_made.is_empty()).then(|| {
                let names = self.not_made.join(", ");
                format!(
                    "{names}: not known to have been changed by this action, so it was left alone; check it manually"
                )
            });
            let doubtful = (!self.doubtful.is_empty()).then(|| {
                let names = self.doubtful.join(", ");
                format!(
                    "{names}: whether this action changed it is not known; what it was to set is there now and was not \
                     when it was planned, so it is undone"
                )
            });
            let halts = left.is_some() && nothing_made;
            let said = left.into_iter().chain(doubtful).collect::<Vec<_>>().join("; ");
            // With nothing to take back at all, carrying this out would say that it was.
            if halts { guard::UNDO_NOT_MADE.stop(said) } else { guard::UNDO_NOT_MADE.warn(said) }
        });
        let claimed = match self.claimed.first() {
            _ if !self.unreadable.is_empty() => guard::UNDO_CLAIMED.unknown(format!(
                "incident {} cannot be read completely, so whether an action there needs the same entries is not \
                 known. Check it (`portcullis timeline verify {}`), or override with a reason",
                self.unreadable.join(", "),
                self.unreadable[0]
            )),
            Some(_) => guard::UNDO_CLAIMED
                .warn("another action in force needs some of these entries; they stay")
                .because(self.claimed),
            None => guard::UNDO_CLAIMED.pass("no other action in force needs these entries"),
        };
        let later = (!self.later.is_empty()).then(|| {
            guard::UNDO_LATER.stop(format!("{}: undo that one first", self.later.join("; "))).because(self.later)
        });
        let kept = self.kept.first().map(|first| guard::UNDO_KEPT.warn(first.clone()).because(self.kept.clone()));
        let for_good = self.kept_for_good.first().map(|name| {
            guard::UNDO_FINAL.stop(format!("a flush of {name} cannot be undone; the cache fills again by itself"))
        });
        let deployment = self.deployments_gone.first().map(|first| guard::UNDO_DEPLOYMENT.stop(first.clone()));
        [gone, foreign, claimed]
            .into_iter()
            .chain(deployment)
            .chain(not_made)
            .chain(later)
            .chain(kept)
            .chain(for_good)
            .chain(self.used)
            .collect()
    }
}

fn summary(action: &ActionRecord, changes: &[Change]) -> String {
    let live: Vec<&Change> = changes.iter().filter(|c| !c.is_empty()).collect();
    if live.is_empty() {
        return format!("Nothing to undo: nothing of action {} is still as written", action.id);
    }
    let names: Vec<&str> = live.iter().map(|c| c.resource.name.as_str()).collect();
    if live.iter().any(|c| !c.edit.is_entries()) {
        return format!("Undo action {}: {} as before", action.id, names.join(" and "));
    }
    let removed: usize = live.iter().map(|c| c.removed.len()).sum();
    format!("Remove {} of action {} from {}", counted(removed, "entry"), action.id, names.join(" and "))
}
