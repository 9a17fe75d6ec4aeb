//! Taking an action back, three-way: only where what is there is what we wrote.

use futures_util::future::join_all;

use super::action::block_ip;
use super::guard::{self, WithEvidence, settled};
use super::planned::{PlanError, Planned, finished};
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::model::action::Terms;
use crate::model::address;
use crate::model::plan::{Change, GuardResult, Plan, Purpose, WatchFor};
use crate::model::timeline::{ActionRecord, ActionState};
use crate::model::waf::IpSet;

/// The plan to take `action` back, from state read now. `others` are the actions of the open incidents: what another one in
/// force asked for as well is left in place. `watch` is the confirmed plan's, so that the undo's effect shows in the same
/// place; `terms` carry overrides and their reason.
pub async fn plan(
    aws: &Aws,
    action: &ActionRecord,
    others: &[ActionRecord],
    watch: &[WatchFor],
    terms: &Terms,
) -> Result<Planned, PlanError> {
    if matches!(action.state, ActionState::Undone | ActionState::NotDone) {
        return Err(PlanError::NotInForce { id: action.id.clone(), state: action.state });
    }
    let identity = aws.identity(Lane::Plan).await?;
    let made: Vec<&Change> = action.changes.iter().filter(|c| !c.is_empty()).collect();
    let read = join_all(made.iter().map(|c| aws.ip_set(&c.resource.arn, Lane::Plan))).await;
    let mut findings = Findings::default();
    let mut changes = Vec::new();
    let mut sets = Vec::new();
    for (change, set) in made.into_iter().zip(read) {
        match set {
            Ok(set) => {
                changes.push(reverse(change, &set, action, others, &mut findings));
                sets.push(set);
            }
            Err(AwsError { problem: Problem::NotFound(_), .. }) => findings.gone.push(change.resource.name.clone()),
            Err(error) => return Err(error.into()),
        }
    }
    let plan = Plan {
        purpose: Purpose::Undo { action_id: action.id.clone() },
        action: action.action.clone(),
        identity,
        stage: action.stage.clone(),
        read_at: aws.clock().now(),
        summary: summary(action, &changes),
        calls: changes.iter().filter(|c| !c.is_empty()).map(|c| block_ip::call(c, "Addresses")).collect(),
        guards: settled(findings.guards(), terms),
        preconditions: Vec::new(),
        watch: watch.to_vec(),
        undo: "apply the action again".to_owned(),
        notes: vec!["Propagation takes a few seconds to some minutes (WAFv2 API reference).".to_owned()],
        changes,
        digest: String::new(),
    };
    Ok(finished(plan, sets))
}

#[derive(Debug, Default)]
struct Findings {
    gone: Vec<String>,
    foreign: Vec<String>,
    claimed: Vec<String>,
}

impl Findings {
    fn guards(self) -> Vec<GuardResult> {
        let gone = match self.gone.first() {
            Some(_) => guard::UNDO_GONE
                .warn(format!("{} has been deleted: nothing is left to take back there", self.gone.join(", "))),
            None => guard::UNDO_GONE.pass("everything that was changed still exists"),
        };
        let foreign = match self.foreign.first() {
            Some(_) => guard::UNDO_FOREIGN
                .warn("somebody else changed some of our entries since; theirs stays")
                .because(self.foreign),
            None => guard::UNDO_FOREIGN.pass("our entries stand as we wrote them"),
        };
        let claimed = match self.claimed.first() {
            Some(_) => guard::UNDO_CLAIMED
                .warn("another action in force wants some of these entries; they stay")
                .because(self.claimed),
            None => guard::UNDO_CLAIMED.pass("no other action in force wants these entries"),
        };
        vec![gone, foreign, claimed]
    }
}

/// The change that takes `change` back from `set`, as far as what is there is what we wrote.
fn reverse(
    change: &Change,
    set: &IpSet,
    action: &ActionRecord,
    others: &[ActionRecord],
    findings: &mut Findings,
) -> Change {
    let mut removed = Vec::new();
    for entry in &change.added {
        let Some(net) = address::parsed(entry) else { continue };
        if let Some(other) = claimant(entry, change, action, others) {
            findings.claimed.push(format!("{entry} is wanted by action {other}"));
        } else if let Some(written) = set.entry_for(&net) {
            removed.push(written.to_owned());
        } else {
            let wider = set.covering(&net).map_or_else(String::new, |wide| format!("; {wide} covers it now"));
            findings.foreign.push(format!("{entry} is not in {} any more{wider}", set.name));
        }
    }
    Change {
        resource: change.resource.clone(),
        entries_before: set.addresses.len(),
        entries_after: set.addresses.len() - removed.len(),
        added: Vec::new(),
        removed,
    }
}

/// Another action in force whose targets include `entry` in the same set. It found the entry there and added nothing, yet it
/// counts on it.
fn claimant<'a>(entry: &str, change: &Change, action: &ActionRecord, others: &'a [ActionRecord]) -> Option<&'a str> {
    let net = address::parsed(entry)?;
    let wants = |other: &ActionRecord| {
        let crate::model::action::Action::BlockIp(block) = &other.action;
        let same_set = other.changes.iter().any(|c| c.resource.arn == change.resource.arn);
        same_set && block.targets.iter().any(|t| net.contains(&t.net))
    };
    let in_force = |other: &&ActionRecord| {
        other.id != action.id
            && matches!(other.state, ActionState::InForce | ActionState::Unclear | ActionState::InFlight)
    };
    others.iter().filter(in_force).find(|other| wants(other)).map(|other| other.id.as_str())
}

fn summary(action: &ActionRecord, changes: &[Change]) -> String {
    let removed: usize = changes.iter().map(|c| c.removed.len()).sum();
    if removed == 0 {
        return format!("Nothing to take back: none of action {}'s entries stands as written", action.id);
    }
    let entries = if removed == 1 { "entry" } else { "entries" };
    let sets: Vec<&str> = changes.iter().filter(|c| !c.is_empty()).map(|c| c.resource.name.as_str()).collect();
    format!("Take {removed} {entries} of action {} out of {}", action.id, sets.join(" and "))
}
