//! Confirmation: the phrase a responder types, and what it yields.

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;

use super::planned::Planned;
use crate::model::action::{Action, Close, Reopening, Terms};
use crate::model::plan::{Plan, Purpose};
use crate::model::timeline::ActionRecord;

/// A plan that somebody confirmed. Cannot be made in any other way, and is used up by carrying it out.
#[derive(Debug)]
pub struct Confirmed(pub(super) Planned);

/// Why a plan is not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfirmError {
    /// Guards stop it.
    #[error("stopped by {}; nothing was changed", .guards.join(", "))]
    Halted {
        /// Their ids.
        guards: Vec<String>,
    },
    /// The phrase belongs to an older plan.
    #[error(
        "the plan has changed since it was confirmed. Plan again: the plan as it is now is confirmed by “{expected}”"
    )]
    Stale {
        /// The phrase of the plan as it is now.
        expected: String,
    },
    /// Not the phrase.
    #[error("“{given}” does not confirm this plan; type “{expected}”")]
    Wrong {
        /// What was typed.
        given: String,
        /// What confirms it.
        expected: String,
    },
    /// An expiry that is not due, or of another action.
    #[error("action {id} is not due to expire")]
    NotDue {
        /// The action.
        id: String,
    },
}

impl Confirmed {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.0.plan
    }

    /// When an attack began that the plan found in the metrics (account time, UTC): nobody had said so before.
    #[must_use]
    pub fn attack_found(&self) -> Option<DateTime<Utc>> {
        self.0.attack_found
    }

    /// `planned`, confirmed by `phrase`.
    ///
    /// # Errors
    /// When a guard halts it, when the phrase is of an older plan, or no phrase of it at all.
    pub fn by_phrase(planned: Planned, phrase: &str) -> Result<Self, ConfirmError> {
        not_halted(&planned)?;
        let expected = planned.plan.phrase();
        let given = phrase.split_whitespace().collect::<Vec<_>>().join(" ");
        if given == expected {
            return Ok(Self(planned));
        }
        let is_older = given.rsplit_once(' ').is_some_and(|(stage, digest)| {
            let hexadecimal = digest.len() == 4 && digest.chars().all(|c| c.is_ascii_hexdigit());
            hexadecimal && expected.rsplit_once(' ').is_some_and(|(of, _)| of == stage)
        });
        Err(if is_older { ConfirmError::Stale { expected } } else { ConfirmError::Wrong { given, expected } })
    }

    /// The undo of `action`, consented to when the action was confirmed with its expiry, which has passed at `now`.
    ///
    /// # Errors
    /// When a guard halts it, or the action is not due.
    pub fn by_expiry(planned: Planned, action: &ActionRecord, now: DateTime<Utc>) -> Result<Self, ConfirmError> {
        not_halted(&planned)?;
        let undoes_it = matches!(&planned.plan.purpose, Purpose::Undo { action_id, .. } if *action_id == action.id);
        if undoes_it && action.expires_at.is_some_and(|end| end <= now) {
            return Ok(Self(planned));
        }
        Err(ConfirmError::NotDue { id: action.id.clone() })
    }
}

impl Confirmed {
    /// The undo of `action` that was part of the very plan that was confirmed: it takes itself back where no probe gets
    /// through.
    pub(super) fn by_way_back(planned: Planned, action: &ActionRecord) -> Result<Self, ConfirmError> {
        not_halted(&planned)?;
        let undoes_it = matches!(&planned.plan.purpose, Purpose::Undo { action_id, .. } if *action_id == action.id);
        if undoes_it && action.action.commit_within().is_some() {
            return Ok(Self(planned));
        }
        Err(ConfirmError::NotDue { id: action.id.clone() })
    }

    /// Closing again, once, what reopened by itself at `reopened`: consented to when `closure` was confirmed, for a
    /// quarter of an hour.
    pub(super) fn by_closing_again(
        planned: Planned,
        closure: &ActionRecord,
        reopened: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Self, ConfirmError> {
        not_halted(&planned)?;
        let consented = closure.action.terms().reopen == Reopening::WhenQuietCloseAgain;
        let repeats = planned.plan.purpose == Purpose::Apply && again(closure).as_ref() == Some(&planned.plan.action);
        if consented && repeats && now - reopened <= CLOSES_AGAIN {
            return Ok(Self(planned));
        }
        Err(ConfirmError::NotDue { id: closure.id.clone() })
    }
}

/// For so long after it reopened by itself a closure may close again by itself.
pub(super) const CLOSES_AGAIN: TimeDelta = TimeDelta::minutes(15);

/// What closing again is: the same, as long, for a reason of its own, and with nothing that happens by itself
/// afterwards.
pub(super) fn again(closure: &ActionRecord) -> Option<Action> {
    let Action::Close(close) = &closure.action else { return None };
    let reason = match &close.terms.reason {
        Some(reason) => {
            format!("the attack came back after {} had reopened: closed again, as agreed ({reason})", closure.id)
        }
        None => format!("the attack came back after {} had reopened: closed again, as agreed", closure.id),
    };
    let terms = Terms { reason: Some(reason), reopen: Reopening::Ask, ..close.terms.clone() };
    Some(Action::Close(Close { again: Some(closure.id.clone()), terms, ..close.clone() }))
}

fn not_halted(planned: &Planned) -> Result<(), ConfirmError> {
    let guards: Vec<String> = planned.plan.halting().map(|g| g.id.clone()).collect();
    if guards.is_empty() { Ok(()) } else { Err(ConfirmError::Halted { guards }) }
}
