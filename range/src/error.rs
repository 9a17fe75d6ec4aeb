//! AWS's errors: a name, a status, a message, sometimes more.

use http::StatusCode;
use serde_json::Value;

/// An error as an AWS service answers it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    /// The HTTP status.
    pub status: StatusCode,
    /// AWS's name of the error, such as `WAFOptimisticLockException`.
    pub code: String,
    /// The name that the query protocol uses where it differs (`InvalidParameterValue`).
    pub query_code: Option<&'static str>,
    /// Words for people.
    pub message: String,
    /// Further members of the body, such as `Field`, `Parameter` and `Reason`.
    pub members: Vec<(&'static str, Value)>,
    /// Seconds for the `Retry-After` header.
    pub retry_after: Option<u32>,
}

impl AwsError {
    /// An error with a status, a name and a message.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            query_code: None,
            message: message.into(),
            members: Vec::new(),
            retry_after: None,
        }
    }

    /// A client's error: status 400.
    #[must_use]
    pub fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// The same with a member in the body.
    #[must_use]
    pub fn with(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((member, value.into()));
        self
    }

    /// The same with the name that the query protocol uses.
    #[must_use]
    pub fn query(mut self, code: &'static str) -> Self {
        self.query_code = Some(code);
        self
    }
}
