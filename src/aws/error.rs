//! What can go wrong with a call, in words a responder can act on.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_wafv2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use thiserror::Error;

use super::refusal::Refusal;
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
    #[error("WAF does not see yet what was just created ({0}). Wait a minute and repeat")]
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
    #[error("no answer in time ({0}). Try again; if it persists, check the network, the region and --endpoint-url")]
    TimedOut(String),
    /// The service failed.
    #[error("the service failed ({0})")]
    ServiceFailed(String),
    /// An answer that could not be understood.
    #[error("an answer that could not be read: {0}")]
    Unreadable(String),
    /// An answer that does not say whether a write was done.
    #[error("an answer that does not say whether it was done ({0})")]
    Undecided(String),
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

    /// Whether a log query was begun and its answer did not come: it may have scanned, and is billed then.
    #[must_use]
    pub fn leaves_a_query(&self) -> bool {
        self.operation == "GetQueryResults"
    }

    /// Whether it is about credentials or what they are for: everything else will fail the same way until that is
    /// mended.
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
            service_problem(status, code_of(context.err(), context.raw()), context.err().message())
        }
        SdkError::TimeoutError(_) => Problem::TimedOut("the call's time limit".to_owned()),
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

/// What a failed call says of the write that it was to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Nothing happened: it never left, or AWS answered with a code that it documents so.
    Nothing,
    /// It may have happened. `ended`: whoever did it has answered, so that it cannot happen any more.
    Anything { ended: bool },
}

/// Decided by status first, then by the code: whatever else is in an answer may be of anybody.
pub(super) fn said<E>(error: &SdkError<E, HttpResponse>) -> Said
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    if in_chain::<Refusal>(error).is_some() || in_chain::<CredentialsError>(error).is_some() {
        return Said::Nothing;
    }
    match error {
        SdkError::ConstructionFailure(_) => Said::Nothing,
        SdkError::ServiceError(context) => {
            let raw = context.raw();
            said_by(raw.status().as_u16(), code_of(context.err(), raw))
        }
        SdkError::ResponseError(context) => {
            let raw = context.raw();
            said_by(raw.status().as_u16(), header_code(raw))
        }
        _ => Said::Anything { ended: false },
    }
}

fn said_by(status: u16, code: Option<&str>) -> Said {
    match status {
        // Somebody lost patience, or failed: what is behind may still be at it.
        408 | 499 | 500.. => Said::Anything { ended: false },
        // AWS was at work on the same resource.
        409 => Said::Anything { ended: true },
        400..=498 if code.is_some_and(|code| NOTHING_HAPPENED.contains(&code)) => Said::Nothing,
        _ => Said::Anything { ended: true },
    }
}

/// The code in the body; where the body is lost, the header's.
fn code_of<'a>(error: &'a impl ProvideErrorMetadata, answer: &'a HttpResponse) -> Option<&'a str> {
    error.code().or_else(|| header_code(answer))
}

/// Written `code`, `code:address` or `namespace#code` (AWS JSON protocols, documented).
fn header_code(answer: &HttpResponse) -> Option<&str> {
    let header = answer.headers().get("x-amzn-errortype")?;
    let code = header.split(':').next().unwrap_or(header);
    Some(code.rsplit('#').next().unwrap_or(code).trim()).filter(|code| !code.is_empty())
}

/// Codes by which AWS documents that a call changed nothing: the services' own for what they refuse, and those common
/// to all.
const NOTHING_HAPPENED: &[&str] = &[
    // WAFv2
    "WAFInvalidParameterException",
    "WAFInvalidOperationException",
    "WAFNonexistentItemException",
    "WAFOptimisticLockException",
    "WAFDuplicateItemException",
    "WAFAssociatedItemException",
    "WAFLimitsExceededException",
    "WAFUnavailableEntityException",
    "WAFSubscriptionNotFoundException",
    // API Gateway
    "BadRequestException",
    "NotFoundException",
    "UnauthorizedException",
    "TooManyRequestsException",
    "LimitExceededException",
    // Access
    "AccessDenied",
    "AccessDeniedException",
    "NotAuthorized",
    "OptInRequired",
    // Signature and credentials
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    // Throttling
    "RequestLimitExceeded",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    // Validation
    "InvalidParameterCombination",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "MissingParameter",
    "ValidationError",
    "ValidationException",
    // Unknown operation
    "InvalidAction",
    "UnknownOperation",
    "UnknownOperationException",
];

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
        // The SDK reports an answer that it cannot parse as an error of the service, with the status of the answer.
        _ if status < 400 => Problem::Unreadable(said),
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
        "" => Problem::Unreadable(said),
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
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_documented_code_of_a_4xx_says_that_nothing_happened() {
        let maybe = |ended| Said::Anything { ended };
        for code in NOTHING_HAPPENED {
            for status in [400, 401, 403, 404, 413, 429] {
                assert_eq!(said_by(status, Some(code)), Said::Nothing, "{status} {code}");
            }
            // By status first: a code in a 200, a conflict or a failure counts for nothing.
            for status in [200, 202, 204, 301, 307, 409] {
                assert_eq!(said_by(status, Some(code)), maybe(true), "{status} {code}");
            }
            for status in [408, 499, 500, 502, 503, 504] {
                assert_eq!(said_by(status, Some(code)), maybe(false), "{status} {code}");
            }
        }
        for code in [None, Some(""), Some("ConflictException"), Some("WAFInternalErrorException"), Some("Perhaps")] {
            for status in 400..408 {
                assert_eq!(said_by(status, code), maybe(true), "{status} {code:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_parsed_was_not_refused() {
        for status in [200, 204, 301, 304] {
            assert!(matches!(service_problem(status, None, None), Problem::Unreadable(_)), "{status}");
        }
        assert!(matches!(service_problem(400, None, None), Problem::Unreadable(_)));
        assert!(matches!(service_problem(503, None, None), Problem::ServiceFailed(_)));
        assert!(matches!(service_problem(400, Some("WAFInvalidParameterException"), None), Problem::Invalid(_)));
    }

    #[test]
    fn the_header_s_code_counts_where_the_body_is_lost() {
        use aws_smithy_types::body::SdkBody;
        for (header, code) in [
            ("WAFOptimisticLockException", Some("WAFOptimisticLockException")),
            ("AccessDeniedException:http://internal.amazon.com/coral/", Some("AccessDeniedException")),
            ("com.amazon.coral.service#NotFoundException", Some("NotFoundException")),
            (" ", None),
        ] {
            let answer = http::Response::builder().status(400).header("X-Amzn-ErrorType", header);
            let answer = HttpResponse::try_from(answer.body(SdkBody::empty()).unwrap()).unwrap();
            assert_eq!(header_code(&answer), code);
        }
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
