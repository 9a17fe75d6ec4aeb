//! Closures that reopened by themselves, and may close again by themselves once.

use chrono::{DateTime, Utc};

use super::Folded;
use crate::incident::History;
use crate::model::action::{Action, Close, Reopening};
use crate::model::plan::Purpose;
use crate::model::timeline::{ActionRecord, ActionState};

impl Folded {
    /// When a closure reopened by itself that may close again by itself, as was consented to with it (account time, UTC); `None` where it may not,
    /// where somebody took it back, or where it has closed again.
    #[must_use]
    pub fn reopened(&self, closure: &ActionRecord) -> Option<DateTime<Utc>> {
        let consented = closure.action.terms().reopen == Reopening::WhenQuietCloseAgain;
        if !consented
            || closure.state != ActionState::Undone
            || self.actions.iter().any(|one| repeats(one, &closure.id))
        {
            return None;
        }
        let by_itself = |history: &&History| matches!(&history.plan.purpose, Purpose::Undo { terms, .. } if !terms.reopen.is_asked());
        self.undos_of(&closure.id).filter(by_itself).filter_map(|history| Some(history.ending.as_ref()?.at)).max()
    }

    /// Whether something may follow from an action though it is over: it may close again, or is the one time that another has.
    pub(super) fn has_a_sequel(&self, action: &ActionRecord) -> bool {
        self.reopened(action).is_some() || matches!(&action.action, Action::Close(Close { again: Some(_), .. }))
    }
}

/// Whether an action is the one repetition of the closure `id`.
fn repeats(action: &ActionRecord, id: &str) -> bool {
    matches!(&action.action, Action::Close(Close { again: Some(of), .. }) if of == id)
}
