//! How a change ended, in a step and a sentence, and what the ends of several make of the whole.

use chrono::{DateTime, Utc};

use crate::model::change::Edit;
use crate::model::plan::{Change, Outcome};

/// How one change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Verified,
    NotVerified,
    NotDone,
    NotKnown,
}

/// How one change ended, and why.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) step: Step,
    /// One sentence, for the responder.
    pub(super) line: String,
    /// Whether reading plainly shows what was read for the plan, whatever was answered.
    pub(super) unmoved: bool,
    /// Whether a call of it may take effect yet, or once more.
    pub(super) may_land: bool,
    /// When the last call of it was sent, account time; `None` where none was.
    pub(super) sent_at: Option<DateTime<Utc>>,
    /// Whether what is there is somebody else's: neither what was read, nor what it was to be.
    pub(super) foreign: bool,
}

impl Ended {
    pub(super) fn of(step: Step, line: String) -> Self {
        Self { step, line, unmoved: false, may_land: false, sent_at: None, foreign: false }
    }

    pub(super) fn verified(change: &Change) -> Self {
        let name = &change.resource.name;
        let deployment = match &change.edit {
            Edit::Assign(assignment) => assignment.deployment(),
            Edit::Entries | Edit::Flush(_) => None,
        };
        let seen = deployment.map_or_else(
            || format!("{name}: read back as set"),
            |deployment| format!("{name} points at deployment {deployment}"),
        );
        Self::of(Step::Verified, seen)
    }

    pub(super) fn made_all_the_same(change: &Change) -> Self {
        Self::of(Step::Verified, format!("{}: the change was made anyway", change.resource.name))
    }

    pub(super) fn not_done(line: String) -> Self {
        Self::of(Step::NotDone, line)
    }

    pub(super) fn not_known(change: &Change, why: &str) -> Self {
        let name = &change.resource.name;
        Self::of(Step::NotKnown, format!("{name}: not known whether it was changed: {why}"))
    }
}

pub(super) fn outcome_of(steps: &[Step], planned: usize) -> Outcome {
    let all = |step| steps.len() == planned && steps.iter().all(|s| *s == step);
    let any = |step| steps.contains(&step);
    if all(Step::Verified) {
        Outcome::Done
    } else if steps.iter().all(|step| *step == Step::NotDone) {
        Outcome::NotDone
    } else if any(Step::NotKnown) && !any(Step::Verified) && !any(Step::NotVerified) {
        Outcome::NotKnown
    } else if steps.len() == planned && !any(Step::NotDone) && !any(Step::NotKnown) {
        Outcome::NotVerified
    } else {
        Outcome::Partly
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_is_no_better_than_its_worst_step() {
        use Step::{NotDone, NotKnown, NotVerified, Verified};
        assert_eq!(outcome_of(&[Verified, Verified], 2), Outcome::Done);
        assert_eq!(outcome_of(&[Verified, NotVerified], 2), Outcome::NotVerified);
        assert_eq!(outcome_of(&[Verified, NotDone], 2), Outcome::Partly);
        assert_eq!(outcome_of(&[NotDone, NotDone], 2), Outcome::NotDone);
        // The rest was not begun.
        assert_eq!(outcome_of(&[NotDone], 3), Outcome::NotDone);
        assert_eq!(outcome_of(&[NotVerified], 3), Outcome::Partly);
        assert_eq!(outcome_of(&[NotKnown], 1), Outcome::NotKnown);
        assert_eq!(outcome_of(&[NotKnown], 2), Outcome::NotKnown);
        assert_eq!(outcome_of(&[NotDone, NotKnown], 2), Outcome::NotKnown);
        assert_eq!(outcome_of(&[Verified, NotKnown], 2), Outcome::Partly);
    }
}
