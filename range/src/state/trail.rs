//! What was called: the raw material of `CloudTrail`, and of every test that counts calls.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// One control-plane call, whether it succeeded or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Account time of the call.
    pub at: DateTime<Utc>,
    /// `sts`, `apigateway`, `apigatewayv2`, `wafv2`, `cloudwatch`, `cloudtrail` or `logs`.
    pub service: &'static str,
    /// The operation's AWS name, such as `UpdateIPSet`.
    pub operation: String,
    /// Whether the operation is one that changes the account (true also where it failed).
    pub mutating: bool,
    /// AWS's error name where the call failed; for faults without an answer `Hang`, `Reset` or `Truncate`.
    pub error: Option<String>,
    /// What it was about, in short: an id, a name, a path.
    pub resource: String,
    /// The IAM user who called: `oncall` for every client of the range.
    pub user: String,
    /// Whether it came as far as AWS; a fault may have swallowed it before.
    pub performed: bool,
    /// AWS's words where the call failed.
    pub message: Option<String>,
    /// The members of path, query string and body.
    pub input: Value,
}
