//! Questions beside the polls, each in a task of its own.

use tokio::task::JoinSet;

use crate::aws::AwsError;
use crate::aws::read::LogRows;
use crate::watch::{answered, baseline, logs};

/// What the past had to say.
pub(super) type Past = Vec<(baseline::Job, baseline::Answer)>;

/// Questions beside the polls.
#[derive(Default)]
pub(super) struct Queries {
    /// How many requests access logs have.
    pub(super) logs: JoinSet<(logs::Job, Result<LogRows, AwsError>)>,
    /// Who is answered, by access logs.
    pub(super) answers: JoinSet<(answered::Job, answered::Answer)>,
    /// What is usual where an attack is believed in.
    pub(super) past: JoinSet<Past>,
}
