//! What would help a stage, as it was read last.

use chrono::{DateTime, Utc};

use crate::model::condition::StageState;
use crate::model::connection::StageAt;
use crate::model::proposal::Proposals;

/// What would help a stage, as it was read last.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) stage: StageAt,
    /// The state that it was asked for in.
    pub(crate) of: StageState,
    /// Account time.
    pub(crate) asked_at: DateTime<Utc>,
    /// `None` until it has arrived.
    pub(crate) answer: Option<Result<Box<Proposals>, String>>,
    /// What was answered before, shown until then.
    pub(crate) shown: Option<Result<Box<Proposals>, String>>,
}

impl Next {
    /// What is known of it, new or not.
    pub(crate) fn known(&self) -> Option<&Result<Box<Proposals>, String>> {
        self.answer.as_ref().or(self.shown.as_ref())
    }
}
