//! What can go wrong with a call, in words a responder can act on.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_wafv2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use thiserror::Error;

use super::gate::Refusal;
use crate::model::text::shortened;

/// A failed call: which operation, on what, and what happened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{operation} on {subject}: {problem}")]
pub struct AwsError {
    /// The operation, as AWS names it.
    pub operation: String,
    /// What it was about: a resource or `the account`.
    pub subject: String,
    /// What happened.
    pub problem: Problem,
}

/// What happened to a call.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The caller may not.
    #[error("not permitted ({0}). Ask for the permission named in docs/iam.md, or use another profile")]
    Denied(String),
    /// No credentials, or they could not be loaded.
    #[error("no AWS credentials: {0}. Sign in (for example `aws sso login`) or name a profile with --profile")]
    NoCredentials(String),
    /// The credentials were refused as expired or unknown.
    #[error("the credentials were refused ({0}). Sign in again; Portcullis picks the new ones up by itself")]
    BadCredentials(String),
    /// The endpoint is of another region than the calls are signed for.
    #[error("the endpoint is of another region ({0}). Check --region, AWS_REGION and the region in the stage's name")]
    WrongRegion(String),
    /// The resource is not there.
    #[error("not found ({0}). Check the name, the region and the account")]
    NotFound(String),
    /// Somebody else changed it since it was read.
    #[error("changed by somebody else since it was read")]
    StaleLock,
    /// AWS is limiting calls.
    #[error("AWS is limiting calls ({0}). Wait a moment and repeat")]
    Throttled(String),
    /// Our own patience with a quota ended: nothing was found out, and nothing is said by it.
    #[error("quota busy: {0}; others use it as well. Try again")]
    QuotaBusy(String),
    /// WAF does not know yet what was made a moment ago; it may take minutes (documented).
    #[error("WAF does not see yet what was just made ({0}). Wait a minute and repeat")]
    NotYet(String),
    /// Something that must be configured is not.
    #[error("{0}")]
    Unset(String),
    /// AWS refused the parameters.
    #[error("refused as invalid: {0}")]
    Invalid(String),
    /// The service does not know the operation: an emulator, or a wrong endpoint.
    #[error("the service does not know this operation ({0}). Check --endpoint-url")]
    UnknownOperation(String),
    /// No connection.
    #[error("no connection: {0}. Check the network, the region and --endpoint-url")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer in time: {0}")]
    TimedOut(String),
    /// The service failed.
    #[error("the service failed ({0})")]
    ServiceFailed(String),
    /// An answer that could not be understood.
    #[error("an answer that could not be read: {0}")]
    Unreadable(String),
    /// Our own write gate refused it; nothing was sent.
    #[error("{0}; nothing was sent")]
    Gate(Refusal),
    /// Anything else AWS said no to.
    #[error("refused ({0})")]
    Refused(String),
}

impl AwsError {
    /// An error of our own making about an operation.
    #[must_use]
    pub fn new(operation: &str, subject: &str, problem: Problem) -> Self {
        Self { operation: operation.to_owned(), subject: subject.to_owned(), problem }
    }

    /// Whether a write that ended like this may have happened all the same: nobody said no.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        matches!(
            self.problem,
            Problem::TimedOut(_) | Problem::ServiceFailed(_) | Problem::Unreadable(_) | Problem::Unreachable(_)
        )
    }

    /// Whether it is about credentials or what they are for: everything else will fail the same way until that is mended.
    #[must_use]
    pub fn is_about_credentials(&self) -> bool {
        matches!(self.problem, Problem::NoCredentials(_) | Problem::BadCredentials(_) | Problem::WrongRegion(_))
    }

    pub(super) fn of<E>(operation: &str, subject: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        Self::new(operation, subject, problem_of(error))
    }
}

fn problem_of<E>(error: &SdkError<E, HttpResponse>) -> Problem
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    if let Some(refusal) = in_chain::<Refusal>(error) {
        return Problem::Gate(refusal.clone());
    }
    if let Some(credentials) = in_chain::<CredentialsError>(error) {
        return Problem::NoCredentials(first_line(&last_cause(credentials).to_string()));
    }
    match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            service_problem(status, context.err().code(), context.err().message())
        }
        SdkError::TimeoutError(_) => Problem::TimedOut("the call's own time limit".to_owned()),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Problem::TimedOut(deepest(error)),
        SdkError::DispatchFailure(_) => Problem::Unreachable(deepest(error)),
        SdkError::ResponseError(context) => {
            let status = context.raw().status().as_u16();
            if status >= 500 {
                Problem::ServiceFailed(format!("HTTP {status}"))
            } else {
                Problem::Unreadable(deepest(error))
            }
        }
        _ => Problem::Refused(deepest(error)),
    }
}

/// The SDK's own error types differ by service; the code on the wire does not.
fn service_problem(status: u16, code: Option<&str>, message: Option<&str>) -> Problem {
    let code = code.unwrap_or("");
    let said = match (code, message) {
        ("", None) => format!("HTTP {status}"),
        ("", Some(message)) => format!("HTTP {status}: {}", shortened(message, 200)),
        (code, None) => code.to_owned(),
        (code, Some(message)) => format!("{code}: {}", shortened(message, 200)),
    };
    match code {
        // Documented for Signature Version 4: "Credential should be scoped to a valid Region".
        "InvalidSignatureException" | "SignatureDoesNotMatch" if said.contains("should be scoped to") => {
            Problem::WrongRegion(said)
        }
        "WAFOptimisticLockException" => Problem::StaleLock,
        "WAFUnavailableEntityException" => Problem::NotYet(said),
        "WAFNonexistentItemException" | "NotFoundException" => Problem::NotFound(said),
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedException" | "NotAuthorized" => Problem::Denied(said),
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "RequestExpired"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature" => Problem::BadCredentials(said),
        "TooManyRequestsException"
        | "ThrottlingException"
        | "Throttling"
        | "LimitExceededException"
        | "RequestLimitExceeded"
        | "ThrottledException" => Problem::Throttled(said),
        "WAFInvalidParameterException"
        | "ValidationError"
        | "ValidationException"
        | "BadRequestException"
        | "InvalidParameterValue"
        | "InvalidParameterValueException"
        | "WAFLimitsExceededException" => Problem::Invalid(said),
        "UnknownOperationException" | "InvalidAction" | "MissingAuthenticationTokenException" | "UnknownOperation" => {
            Problem::UnknownOperation(said)
        }
        _ if status == 429 => Problem::Throttled(said),
        _ if status >= 500 => Problem::ServiceFailed(said),
        _ if status == 403 => Problem::Denied(said),
        _ => Problem::Refused(said),
    }
}

fn in_chain<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The last cause of an error, in a line: the one that names the matter.
fn deepest(error: &(dyn StdError + 'static)) -> String {
    shortened(&last_cause(error).to_string(), 200)
}

fn last_cause<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last
}

/// The first sentence of what may be a list of everything that was tried.
fn first_line(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    shortened(first.strip_suffix(". Attempted:").unwrap_or(first), 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_refused_may_have_happened() {
        let of = |problem| AwsError::new("UpdateIPSet", "set", problem).may_have_happened();
        assert!(of(Problem::TimedOut(String::new())));
        assert!(of(service_problem(503, None, None)));
        assert!(!of(Problem::StaleLock));
        assert!(!of(service_problem(400, Some("WAFInvalidParameterException"), None)));
    }

    #[test]
    fn a_signature_for_another_region_is_no_matter_of_signing_in() {
        let said = "Credential should be scoped to a valid region, not 'us-east-1'.";
        let problem = service_problem(403, Some("InvalidSignatureException"), Some(said));
        assert!(matches!(problem, Problem::WrongRegion(_)) && problem.to_string().contains("--region"), "{problem}");
        let problem = service_problem(403, Some("InvalidSignatureException"), Some("Signature expired"));
        assert!(matches!(problem, Problem::BadCredentials(_)), "{problem}");
    }

    #[test]
    fn an_error_message_of_the_service_is_neutralised() {
        let Problem::Denied(text) = service_problem(403, Some("AccessDenied"), Some("\x1b]0;x\x07")) else {
            unreachable!()
        };
        assert!(!text.contains('\x1b'));
    }
}
