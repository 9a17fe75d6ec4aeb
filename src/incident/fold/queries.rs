//! What is asked of an incident that was folded, and what may be left out of it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::stoppers;
use crate::incident::event::Event;
use crate::incident::folded::{Folded, in_force};
use crate::incident::history::{History, InFlight, SignalRecord};
use crate::model::attack::Attacks;
use crate::model::callers::CallersBefore;
use crate::model::stage::StageId;
use crate::model::timeline::{ActionRecord, ActionState};

/// So long a console looks back.
const SHOWS: TimeDelta = TimeDelta::hours(3);

impl Folded {
    /// Where the action with this id stands, be it over or not.
    #[must_use]
    pub fn state_of(&self, id: &str) -> Option<ActionState> {
        self.action(id).map(|action| action.state).or_else(|| self.finished.get(id))
    }

    /// Whether the id is a plan's that was confirmed here.
    #[must_use]
    pub fn is_taken(&self, id: &str) -> bool {
        self.history(id).is_some() || self.past.contains(id)
    }

    /// Leaves out what nothing can follow from any more: actions that are over with what became of them, signals that
    /// have ended.
    pub(in crate::incident) fn forget(&mut self) {
        let over = |action: &ActionRecord| {
            let ended = action.state.is_over() && !self.has_a_sequel(action) && !self.still_shows(action);
            let own = |h: &&History| h.action_id == action.id || h.takes_back.as_deref() == Some(&action.id);
            ended && self.histories.iter().filter(own).all(|h| !h.is_in_flight())
        };
        let over: Vec<bool> = self.actions.iter().map(over).collect();
        let mut over = over.into_iter();
        let (gone, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.actions).into_iter().partition(|_| over.next().unwrap_or(false));
        self.actions = kept;
        let ids: BTreeMap<String, ActionState> = gone.into_iter().map(|action| (action.id, action.state)).collect();
        let of_them = |h: &History| ids.contains_key(h.takes_back.as_ref().unwrap_or(&h.action_id));
        let (past, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.histories).into_iter().partition(of_them);
        self.histories = kept;
        self.past.extend(past.into_iter().map(|history| history.action_id));
        self.finished.extend(ids);
        self.signals.retain(|signal| signal.ended_at.is_none());
    }

    /// Whether what was taken back may still be among the minutes that are looked at: what it turned away is no attack.
    fn still_shows(&self, action: &ActionRecord) -> bool {
        let since = action.undone_at.zip(self.last_at).map(|(undone, last)| last - undone);
        since.is_some_and(|since| since < SHOWS)
    }

    /// The action with this id.
    #[must_use]
    pub fn action(&self, id: &str) -> Option<&ActionRecord> {
        self.actions.iter().find(|action| action.id == id)
    }

    /// The history of an action or of an undo.
    #[must_use]
    pub fn history(&self, id: &str) -> Option<&History> {
        self.histories.iter().find(|h| h.action_id == id)
    }

    /// The undos of an action, in order.
    pub fn undos_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a History> {
        self.histories.iter().filter(move |h| h.takes_back.as_deref() == Some(id))
    }

    /// Actions begun by `at` that were made, in whole or in part, and are not known to have been taken back. One that
    /// should have expired is still among them until somebody undoes it.
    pub fn actions_in_force(&self, at: DateTime<Utc>) -> impl Iterator<Item = &ActionRecord> {
        self.actions.iter().filter(move |action| action.begun_at <= at && in_force(action))
    }

    /// Actions in force that should have been undone by `at`.
    pub fn expired(&self, at: DateTime<Utc>) -> impl Iterator<Item = &ActionRecord> {
        self.actions_in_force(at).filter(move |action| action.expires_at.is_some_and(|end| end <= at))
    }

    /// Actions and undos that were begun and are not known to have ended.
    #[must_use]
    pub fn in_flight(&self) -> Vec<InFlight> {
        self.histories
            .iter()
            .filter(|history| history.is_in_flight())
            .map(|history| InFlight { incident: self.incident.clone(), history: history.clone() })
            .collect()
    }

    /// Whether the last refusal of the same plan was by the same guards.
    #[must_use]
    pub fn has_refused(&self, event: &Event) -> bool {
        let Event::Refused { summary, guards } = event else { return false };
        self.refusals.get(summary).is_some_and(|known| *known == stoppers(guards))
    }

    /// The attacks that stand.
    #[must_use]
    pub fn attacks(&self) -> Attacks {
        self.attacks.iter().cloned().collect()
    }

    /// Who called a stage before an attack that began then, as hashes.
    #[must_use]
    pub fn callers_before(&self, stage: &StageId, began: DateTime<Utc>) -> Option<&CallersBefore> {
        self.callers.of(stage, began)
    }

    /// Signals that still stand.
    pub fn standing(&self) -> impl Iterator<Item = &SignalRecord> {
        self.signals.iter().filter(|s| s.ended_at.is_none())
    }
}
