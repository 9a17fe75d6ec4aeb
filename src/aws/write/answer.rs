//! What is known of a write once its call has ended.

use std::error::Error as StdError;

use aws_sdk_wafv2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::aws::error::{Said, said};
use crate::aws::{AwsError, Problem};

/// How a write was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a write whose answer nobody looks at is not known to have happened"]
pub enum Answer<T = ()> {
    /// AWS said yes. Whether it shows, reading tells.
    Accepted(T),
    /// Nothing happened: it was not sent, or AWS said so by a code that it documents.
    Refused(AwsError),
    /// It may have happened: no answer came, or one that does not say. To be read before anything else is done.
    Uncertain {
        /// What came instead of an answer.
        error: AwsError,
        /// Whether it has come to an end: what was answered without being said cannot take effect later, what timed out
        /// can.
        ended: bool,
    },
}

impl<T> Answer<T> {
    pub(super) fn of<E>(operation: &str, subject: &str, answer: Result<T, SdkError<E, HttpResponse>>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let error = match answer {
            Ok(output) => return Self::Accepted(output),
            Err(error) => error,
        };
        let problem = AwsError::of(operation, subject, &error);
        match said(&error) {
            Said::Nothing => Self::Refused(problem),
            Said::Anything { ended } => Self::Uncertain { error: undecided(problem), ended },
        }
    }

    /// The same with what an acceptance holds taken for `accepted` of it.
    pub(super) fn map<U>(self, accepted: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Self::Accepted(output) => Answer::Accepted(accepted(output)),
            Self::Refused(error) => Answer::Refused(error),
            Self::Uncertain { error, ended } => Answer::Uncertain { error, ended },
        }
    }

    /// The same without what an acceptance holds.
    pub(super) fn plain(self) -> Answer {
        self.map(|_| ())
    }

    /// An acceptance that AWS has not put its name to, where nothing but the answer tells what became of a call.
    pub(super) fn unsigned(operation: &str, subject: &str) -> Self {
        let problem = Problem::Unreadable("it carries no request id, so it may not be AWS's".to_owned());
        Self::Uncertain { error: AwsError::new(operation, subject, problem), ended: true }
    }
}

/// An error in words that do not say no: nobody has.
fn undecided(mut error: AwsError) -> AwsError {
    error.problem = match error.problem {
        Problem::Refused(said)
        | Problem::Denied(said)
        | Problem::NotFound(said)
        | Problem::Invalid(said)
        | Problem::Throttled(said)
        | Problem::NotYet(said)
        | Problem::BadCredentials(said)
        | Problem::WrongRegion(said)
        | Problem::UnknownOperation(said) => Problem::Undecided(said),
        Problem::StaleLock => Problem::Undecided("WAFOptimisticLockException".to_owned()),
        other => other,
    };
    error
}
