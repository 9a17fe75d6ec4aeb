//! Why the desk did not do what was wished for.

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::aws::AwsError;
use crate::incident::IncidentError;
use crate::model::plan::Plan;
use crate::respond::confirm::ConfirmError;
use crate::respond::execute::ExecuteError;
use crate::respond::planned::PlanError;
use crate::respond::reconcile::ReconcileError;

/// Why a wish was not carried out. Nothing was changed by the step that failed.
#[derive(Debug, Error)]
pub enum DeskError {
    /// AWS could not be asked.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The journal could not be read or written.
    #[error(transparent)]
    Incident(#[from] IncidentError),
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Not confirmed: stopped by guards, or by another phrase.
    #[error(transparent)]
    Confirm(#[from] ConfirmError),
    /// The plan is another one than was shown.
    #[error("{what}. Plan again: the plan as it is now is confirmed by “{}”", now.phrase())]
    Stale {
        /// What is stale, in words.
        what: String,
        /// What differs, a line each.
        differences: Vec<String>,
        /// The plan as it is now.
        now: Box<Plan>,
    },
    /// A warning stands that nobody has been shown.
    #[error(
        "the plan for that phrase was not shown on this machine, and it now has a warning that may not have been there \
         then: {}. Read the plan, and repeat the phrase “{}”",
        .warnings.join(", "), now.phrase()
    )]
    NotShown {
        /// The guards that warn.
        warnings: Vec<String>,
        /// The plan as it is now.
        now: Box<Plan>,
    },
    /// This process may not keep that account's journal, or change it.
    #[error("{0}")]
    NotPermitted(String),
    /// A plan of another account or region than the connection leads to.
    #[error("the plan is for {of}, this connection is to {here}; nothing was done")]
    OtherAccount {
        /// The plan's.
        of: String,
        /// The connection's.
        here: String,
    },
    /// A closure that has expired, and the attack it was made against goes on.
    #[error(
        "{id} closes {stage} and stays: the journal still shows an attack there ({signal}). When it is over, undo it \
         with `portcullis undo {id}`"
    )]
    StillAttacked {
        /// The action.
        id: String,
        /// The stage.
        stage: String,
        /// A signal that stands.
        signal: String,
    },
    /// What was wished for cannot be.
    #[error("{0}; nothing was planned")]
    Unsound(String),
    /// A closure that has expired and asks, as was confirmed.
    #[error(
        "{id} closes {stage}; it expired at {}, and the stage stays closed until somebody decides, as was confirmed. \
         To reopen: `portcullis undo {id}`; to keep it closed: `portcullis extend {id} --for 1h`",
        .expired.format("%H:%MZ")
    )]
    Asks {
        /// The action.
        id: String,
        /// The stage.
        stage: String,
        /// When its time was over, account time, UTC.
        expired: DateTime<Utc>,
    },
    /// Something else that has expired while the attack stands that it was done against.
    #[error(
        "{id} on {stage} has expired and stays: {why}. To undo it anyway: `portcullis undo {id}`; to keep it: \
         `portcullis extend {id} --for 1h`"
    )]
    AttackStands {
        /// The action.
        id: String,
        /// The stage.
        stage: String,
        /// What would come back.
        why: String,
    },
    /// A closure that has expired, and more than usual still come to the stage, or nobody knows.
    #[error("{id} closes {stage} and stays: {why}. To reopen it anyway: `portcullis undo {id}`")]
    StillKnocking {
        /// The action.
        id: String,
        /// The stage.
        stage: String,
        /// How many come, or why that is not known.
        why: String,
    },
    /// Not begun.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// What was in flight could not be looked at.
    #[error(transparent)]
    Reconcile(#[from] ReconcileError),
}

/// How an error of the desk ends a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// An error, and nothing was changed.
    Failed,
    /// Guards stop it, or an attack does.
    Stopped,
    /// Not confirmed, or confirmed for another plan.
    NotConfirmed,
}

impl DeskError {
    /// The plan as it is now, where what was confirmed is another one.
    #[must_use]
    pub fn plan_now(&self) -> Option<&Plan> {
        match self {
            Self::Stale { now, .. } | Self::NotShown { now, .. } => Some(now),
            _ => None,
        }
    }

    /// What has changed since the plan that was confirmed, a line each.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        match self {
            Self::Stale { differences, .. } => differences.clone(),
            Self::Confirm(ConfirmError::Stale { .. }) => {
                vec!["the plan for that phrase was not shown on this machine, so what differs is not known".to_owned()]
            }
            _ => Vec::new(),
        }
    }

    /// All of it in one line: what it is, and what has changed.
    #[must_use]
    pub fn in_full(&self) -> String {
        match self.differences().as_slice() {
            [] => self.to_string(),
            lines => format!("{self}. What differs: {}", lines.join("; ")),
        }
    }

    /// Whether somebody has to decide about something that has expired: whoever shows it rings.
    #[must_use]
    pub fn asks(&self) -> bool {
        matches!(self, Self::Asks { .. } | Self::AttackStands { .. })
    }

    /// Whether something that has expired waits, as was consented to: said once.
    #[must_use]
    pub fn waits(&self) -> bool {
        matches!(self, Self::StillAttacked { .. } | Self::StillKnocking { .. })
    }

    /// How it ends a command.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self {
            Self::Confirm(ConfirmError::Halted { .. })
            | Self::StillAttacked { .. }
            | Self::Asks { .. }
            | Self::AttackStands { .. }
            | Self::StillKnocking { .. } => Standing::Stopped,
            Self::Confirm(_) | Self::Stale { .. } | Self::NotShown { .. } => Standing::NotConfirmed,
            Self::Aws(_)
            | Self::Incident(_)
            | Self::Plan(_)
            | Self::Unsound(_)
            | Self::NotPermitted(_)
            | Self::OtherAccount { .. }
            | Self::Execute(_)
            | Self::Reconcile(_) => Standing::Failed,
        }
    }
}
