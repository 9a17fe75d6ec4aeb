//! Exit codes and failures.

use std::process::ExitCode;

use crate::aws::AwsError;
use crate::incident::IncidentError;
use crate::model::plan::Outcome;
use crate::model::reader::Mistake;
use crate::playbook::values::ValueError;
use crate::respond::desk::error::{DeskError, Standing};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, or nothing to change.
    Done = 0,
    /// An error, and nothing was changed.
    Error = 1,
    /// Changes are pending.
    Pending = 2,
    /// Stopped by a guard.
    Stopped = 3,
    /// Done but not verified.
    NotVerified = 4,
    /// Not confirmed, or the plan is stale.
    NotConfirmed = 5,
    /// Partly changed, or not known.
    Partly = 6,
    /// Wrong usage.
    Usage = 64,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done | Outcome::NothingToChange => Self::Done,
            Outcome::NotDone => Self::Error,
            Outcome::NotVerified => Self::NotVerified,
            Outcome::Partly | Outcome::NotKnown => Self::Partly,
        }
    }
}

/// A command that failed: the exit code and a sentence with the next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) message: String,
    /// Further lines: differences of a stale plan, for example.
    pub(super) detail: Vec<String>,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), detail: Vec::new() }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }
}

macro_rules! failure_from {
    ($($error:ty => $exit:expr;)*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new($exit, error.to_string())
            }
        })*
    };
}

failure_from! {
    AwsError => Exit::Error;
    IncidentError => Exit::Error;
    crate::respond::resolve::ResolveError => Exit::Error;
    crate::playbook::ObserveError => Exit::Error;
    std::io::Error => Exit::Error;
}

impl From<crate::drill::DrillError> for Failure {
    fn from(error: crate::drill::DrillError) -> Self {
        match error {
            crate::drill::DrillError::Malformed { mistakes } => refused(&mistakes),
            error => Self::usage(error.to_string()),
        }
    }
}

impl From<ValueError> for Failure {
    fn from(error: ValueError) -> Self {
        let exit = match error {
            ValueError::Missing { .. }
            | ValueError::Unknown { .. }
            | ValueError::Malformed { .. }
            | ValueError::NotAnInput(_) => Exit::Usage,
            _ => Exit::Error,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<Standing> for Exit {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Failed => Self::Error,
            Standing::Stopped => Self::Stopped,
            Standing::NotConfirmed => Self::NotConfirmed,
        }
    }
}

impl From<DeskError> for Failure {
    fn from(error: DeskError) -> Self {
        Self { detail: error.differences(), ..Self::new(error.standing().into(), error.to_string()) }
    }
}

/// A file with mistakes: the first one as the message, all others beside it.
pub(super) fn refused(mistakes: &[Mistake]) -> Failure {
    let mut lines = mistakes.iter().map(ToString::to_string);
    let first = lines.next().unwrap_or_else(|| "the file cannot be used".to_owned());
    Failure { detail: lines.collect(), ..Failure::usage(first) }
}
