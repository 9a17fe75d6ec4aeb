//! Closures that reopened by themselves, and may close again by themselves once.

use chrono::{DateTime, Utc};

use crate::incident::folded::Folded;
use crate::incident::history::History;
use crate::model::action::{Action, Close, Reopening};
use crate::model::plan::{Outcome, Purpose};
use crate::model::timeline::{ActionRecord, ActionState};

impl Folded {
    /// When a closure began to reopen by itself that may close again by itself, as was consented to with it (account
    /// time, UTC); `None` where it may not, where it has closed again, or where a person has taken it back or done
    /// anything to its stage since.
    #[must_use]
    pub fn reopened(&self, closure: &ActionRecord) -> Option<DateTime<Utc>> {
        let consented = closure.action.terms().reopen == Reopening::WhenQuietCloseAgain;
        if !consented || closure.state != ActionState::Undone || self.has_closed_again(&closure.id) {
            return None;
        }
        let outcome = |history: &History| history.ending.as_ref().map(|ending| ending.outcome);
        let last = self.undos_of(&closure.id).filter(|undo| outcome(undo) != Some(Outcome::NotDone)).last()?;
        let done = matches!(outcome(last), Some(Outcome::Done | Outcome::NothingToChange));
        let by_hand = |history: &History| {
            history.begun_at > last.begun_at && history.plan.stage.is_same(&closure.stage) && !by_itself(history)
        };
        (done && by_itself(last) && !self.histories.iter().any(by_hand)).then_some(last.begun_at)
    }

    /// Whether a closure was repeated by itself already.
    #[must_use]
    pub fn has_closed_again(&self, id: &str) -> bool {
        self.actions.iter().any(|one| repeats(one, id))
    }

    /// Whether something may follow from an action though it is over: it may close again, or is the one time that
    /// another has.
    pub(super) fn has_a_sequel(&self, action: &ActionRecord) -> bool {
        self.reopened(action).is_some() || matches!(&action.action, Action::Close(Close { again: Some(_), .. }))
    }
}

/// Whether an undo was made by itself.
fn by_itself(history: &History) -> bool {
    matches!(&history.plan.purpose, Purpose::Undo { terms, .. } if !terms.reopen.is_asked())
}

/// Whether an action is the one repetition of the closure `id`, or may be.
fn repeats(action: &ActionRecord, id: &str) -> bool {
    action.state != ActionState::NotDone
        && matches!(&action.action, Action::Close(Close { again: Some(of), .. }) if of == id)
}
