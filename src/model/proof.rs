//! The proof that a resource policy closes a stage and lets the right ones in: what was tried where, and for how long
//! it counts.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::stage::StageId;

/// Account time for which a proof counts.
pub const GOOD_FOR: TimeDelta = TimeDelta::minutes(30);

/// A snapshot that was seen, on another stage of the same API, to let the responder in where a snapshot that leaves
/// them out did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The stage to be closed with it.
    pub stage: StageId,
    /// The stage it was tried on.
    pub proven_on: StageId,
    /// The deployment that was tried: the very one that closes.
    pub snapshot: String,
    /// The deployment that the stage to be closed pointed at; what was compared with the snapshot.
    pub base: String,
    /// The policy in the snapshot.
    pub policy: String,
    /// Account time at which it was proven, UTC.
    pub at: DateTime<Utc>,
    /// What was seen, a line each.
    pub evidence: Vec<String>,
}

impl Proof {
    /// Whether it still counts at `now`.
    #[must_use]
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        (TimeDelta::zero()..=GOOD_FOR).contains(&(now - self.at))
    }
}
