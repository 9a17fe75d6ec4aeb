//! What time it is in the account, certain enough to decide by.

use chrono::{DateTime, Utc};

use crate::aws::{Aws, AwsError, Lane, Problem};

/// Answers that are asked for at most.
const MOST: usize = 6;

impl Aws {
    /// Account time once several answers agree on it: a single `Date` that is wrong must not decide what has expired.
    /// Asks no more than it needs, which is nothing where the machine's clock and an answer agree.
    ///
    /// # Errors
    /// Where they do not come to agree.
    pub async fn agreed_time(&self) -> Result<DateTime<Utc>, AwsError> {
        let mut failed = None;
        for _ in 0..MOST {
            if self.clock().is_settled() {
                return Ok(self.clock().now());
            }
            // A refusal has a date as well.
            failed = self.identity_now(Lane::Plan).await.err().or(failed);
        }
        if self.clock().is_settled() {
            return Ok(self.clock().now());
        }
        let problem = Problem::Unreadable(
            "its answers do not agree on the time, so nothing is decided by it; try again, and check this machine's \
             clock and what is between it and AWS"
                .to_owned(),
        );
        Err(failed.unwrap_or_else(|| AwsError::new("GetCallerIdentity", "account time", problem)))
    }
}
