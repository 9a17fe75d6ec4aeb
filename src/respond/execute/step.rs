//! The steps of a proof, of a snapshot and of a confirmation: how often and how far apart they are tried, and how they
//! end.
//!
//! Knows nothing of what the steps are.

use chrono::TimeDelta;

use crate::aws::AwsError;
use crate::model::action::COMMIT_SECONDS;

/// How many answers in a row must agree.
pub(super) const AGREEING: usize = 3;
/// Account time between two probes.
pub(super) const BETWEEN: TimeDelta = TimeDelta::milliseconds(1_500);
/// How often a call is repeated whose answer does not tell and that shows nothing.
pub(super) const ATTEMPTS: usize = 6;

/// [`COMMIT_SECONDS`].
pub(super) fn commit_after() -> TimeDelta {
    TimeDelta::seconds(i64::try_from(COMMIT_SECONDS).unwrap_or(0))
}

/// Why it was given up.
pub(super) struct Trouble {
    pub(super) line: String,
    /// Something stays in the account that is not ours to put right.
    pub(super) stays: bool,
    /// A stage may yet be pointed elsewhere: a call was sent, and what became of it does not show.
    pub(super) doubt: bool,
}

impl From<String> for Trouble {
    fn from(line: String) -> Self {
        Self { line, stays: false, doubt: false }
    }
}

/// How one call ended.
pub(super) enum Sent<T> {
    Done(T),
    /// AWS turned it away as one too many.
    Throttled(AwsError),
    /// Nobody knows; `ended` where it cannot take effect any more, if it has not.
    Perhaps {
        error: AwsError,
        ended: bool,
    },
    /// What it rests on was never written, and will not be: it may be tried again.
    Never(String),
    Refused(String),
}
