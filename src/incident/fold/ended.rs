//! How actions and undos ended, and where that leaves an action.

use chrono::{DateTime, Utc};

use super::{Folder, add, find, runs};
use crate::incident::folded::Folded;
use crate::incident::history::{Ending, History, InFlight};
use crate::model::change::LONGEST_CACHED_SECONDS;
use crate::model::plan::{Change, Left, Outcome};
use crate::model::timeline::ActionState;

impl Folded {
    /// Actions and undos that ended without its being known whether they were done, where nothing has become of that
    /// since.
    #[must_use]
    pub fn not_known(&self) -> Vec<InFlight> {
        let about = |history: &History| history.takes_back.clone().unwrap_or_else(|| history.action_id.clone());
        let counts = |h: &&History| {
            let nothing = h.ending.as_ref().is_some_and(|end| end.outcome == Outcome::NotDone) && h.made.is_empty();
            h.takes_back.is_none() || !nothing
        };
        let open = |history: &&History| {
            let ended = history.ending.as_ref().is_some_and(|end| end.outcome == Outcome::NotKnown);
            let id = about(history);
            let last = self.histories.iter().filter(counts).rfind(|h| about(h) == id);
            let unclear = self.action(&id).is_some_and(|action| action.state == ActionState::Unclear);
            ended && unclear && last.is_some_and(|last| last.action_id == history.action_id)
        };
        let found = self.histories.iter().filter(open);
        found.map(|history| InFlight { incident: self.incident.clone(), history: history.clone() }).collect()
    }
}

impl Folder {
    /// The end of an action or of an undo, or the discovery of it.
    pub(super) fn end(&mut self, id: &str, found: &[String], ending: Ending) -> Result<(), String> {
        let history = find(&mut self.folded.histories, id)?;
        for resource in found {
            add(&mut history.made, resource);
        }
        let (outcome, at, reconciled) = (ending.outcome, ending.at, ending.reconciled);
        let was_not_known = reconciled && history.ending.as_ref().is_some_and(|end| end.outcome == Outcome::NotKnown);
        if was_not_known && outcome == Outcome::NotDone {
            // All of it has been read to be as it was.
            history.unchanged = std::mem::take(&mut history.made);
        }
        runs::ended(&mut self.folded.runs, id, &ending);
        history.ending = Some(ending);
        let (changed, takes_back) = (!history.made.is_empty(), history.takes_back.clone());
        let left = history.plan.left.clone();
        self.copy_made(id);
        let target = takes_back.as_deref().unwrap_or(id);
        let only_undo = self.folded.undos_of(target).filter(|undo| undo.action_id != id).all(|undo| {
            undo.made.is_empty() && undo.ending.as_ref().is_some_and(|end| end.outcome == Outcome::NotDone)
        });
        if let Some(action) = self.folded.actions.iter_mut().find(|a| a.id == target) {
            if takes_back.is_some() {
                // That it was not known made the action unclear; now it stands where its own end had left it.
                let before = match action.outcome.filter(|_| was_not_known && only_undo) {
                    Some(own) => after_apply(own, !action.made.is_empty()),
                    None => action.state,
                };
                action.state = after_undo(before, outcome, changed);
                if action.state == ActionState::Undone && !left.is_empty() {
                    action.state = ActionState::InForce;
                    keep_only(&mut action.changes, &left);
                }
                action.undone_at = (action.state == ActionState::Undone).then_some(at);
            } else {
                action.outcome = Some(outcome);
                let all = |is: fn(&Change) -> bool| !action.changes.is_empty() && action.changes.iter().all(is);
                let passing = all(|c| c.edit.is_passing());
                let flushes = all(|c| !c.edit.can_be_undone());
                let for_good = passing || flushes;
                // An undo that ended before the action did cannot have seen what the action did.
                action.state = match (action.state, after_apply(outcome, changed)) {
                    (_, ActionState::InForce) if for_good => ActionState::Final,
                    // Looked at again, and it cannot be told any more what became of it, nor does it matter.
                    (_, ActionState::Unclear) if flushes && reconciled && outlived(action.begun_at, at) => {
                        ActionState::Lapsed
                    }
                    // What is put back before it ends was called for and is as it was all the same.
                    (ActionState::InFlight, _) if passing && outcome == Outcome::NotDone => ActionState::NotDone,
                    (ActionState::Undone, ActionState::NotDone) => ActionState::Undone,
                    (ActionState::Undone, _) => ActionState::Unclear,
                    (_, after) => after,
                };
            }
        }
        Ok(())
    }
}

/// What of an action's changes an undo has left in place.
fn keep_only(changes: &mut Vec<Change>, left: &[Left]) {
    for change in changes.iter_mut() {
        let kept = left.iter().find(|l| l.resource == change.resource.arn);
        change.added.retain(|entry| kept.is_some_and(|l| l.entries.contains(entry)));
    }
    changes.retain(|change| !change.is_empty());
}

/// Whether nothing can be in a cache any more that was in it at `begun`.
fn outlived(begun: DateTime<Utc>, at: DateTime<Utc>) -> bool {
    (at - begun).num_seconds() >= LONGEST_CACHED_SECONDS
}

/// Where an action stands after it ended so. `changed`: some call of it is known to have been answered.
fn after_apply(outcome: Outcome, changed: bool) -> ActionState {
    match outcome {
        Outcome::Done => ActionState::InForce,
        Outcome::NothingToChange | Outcome::NotDone if !changed => ActionState::NotDone,
        // Said not to be done although a call was answered: believe neither.
        Outcome::NothingToChange | Outcome::NotDone | Outcome::NotVerified | Outcome::Partly | Outcome::NotKnown => {
            ActionState::Unclear
        }
    }
}

/// Where an action stands after its undo ended so.
fn after_undo(before: ActionState, outcome: Outcome, changed: bool) -> ActionState {
    match outcome {
        Outcome::Done | Outcome::NothingToChange => ActionState::Undone,
        Outcome::NotDone if !changed => before,
        Outcome::NotDone | Outcome::NotVerified | Outcome::Partly | Outcome::NotKnown => ActionState::Unclear,
    }
}
