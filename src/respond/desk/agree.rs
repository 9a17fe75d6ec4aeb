//! Whether what is confirmed is what was shown, and what is recorded of it.
//!
//! What was shown is what is recorded: the verdicts as they stood when somebody read them. A warning or a stop that was
//! not shown makes a confirmation stale; a warning that has vanished meanwhile does not.

use super::error::DeskError;
use super::{Agreed, Desk, Proposal};
use crate::model::plan::{GuardResult, Plan, Verdict};
use crate::respond::confirm::Confirmed;
use crate::respond::guard;
use crate::respond::plan::differences;

impl Desk {
    /// `proposal`, confirmed by `phrase` as it was `shown`; `None` where what the phrase was shown with is not known on
    /// this machine.
    ///
    /// # Errors
    /// Where guards stop it, the phrase is another one's, or the plan has changed since it was shown.
    pub fn agreed(proposal: Proposal, phrase: &str, shown: Option<&Plan>) -> Result<Agreed, DeskError> {
        let Proposal { mut planned, of } = proposal;
        if let Some(shown) = shown {
            Self::unchanged(shown, &planned.plan, "the plan has changed since it was shown, so nothing was done")?;
        } else {
            let warnings = warnings(&planned.plan).map(|guard| guard.id.clone()).collect::<Vec<_>>();
            let confirms = || Confirmed::by_phrase(planned.clone(), phrase).is_ok();
            if !warnings.is_empty() && confirms() {
                return Err(DeskError::NotShown { warnings, now: Box::new(planned.plan) });
            }
        }
        if let Some(shown) = shown.filter(|shown| shown.digest == planned.plan.digest) {
            planned.plan.guards.clone_from(&shown.guards);
        }
        Ok(Agreed { confirmed: Confirmed::by_phrase(planned, phrase)?, of })
    }

    /// Whether `now` is the plan that was `shown`; `what` says what is stale where it is not.
    ///
    /// # Errors
    /// [`DeskError::Stale`] with what differs.
    pub fn unchanged(shown: &Plan, now: &Plan, what: &str) -> Result<(), DeskError> {
        let unseen = unseen(shown, now);
        if shown.digest == now.digest && unseen.is_empty() {
            return Ok(());
        }
        let mut differences = differences(shown, now);
        differences.extend(unseen.into_iter().map(|line| format!("now: {line}")));
        Err(DeskError::Stale { what: what.to_owned(), differences, now: Box::new(now.clone()) })
    }
}

/// Warnings that come and go with what is sampled, so that the digest does not have them.
fn warnings(plan: &Plan) -> impl Iterator<Item = &GuardResult> {
    plan.guards.iter().filter(|one| one.verdict == Verdict::Warn && guard::by_id(&one.id).is_some_and(|g| g.varies))
}

/// Warnings of `now` that `shown` did not have.
fn unseen(shown: &Plan, now: &Plan) -> Vec<String> {
    let had = |one: &GuardResult| shown.guards.iter().any(|g| g.id == one.id && g.verdict >= Verdict::Warn);
    warnings(now).filter(|one| !had(one)).map(|one| format!("guard {} warns: {}", one.id, one.reason)).collect()
}
