//! What a plan is made from beside the account's state. Plain data.

use chrono::{DateTime, Utc};

use crate::model::attack::Attack;
use crate::model::callers::KnownCallers;
use crate::model::proof::Proof;
use crate::model::timeline::ActionRecord;

/// What is known beside the account's state.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// When the attack began (account time), where the incident says so: callers seen before it count as legitimate.
    /// Where it does not, the metrics are asked.
    pub attack_began: Option<DateTime<Utc>>,
    /// The attack as somebody has corrected it: a plan made before is another one.
    pub corrected: Option<Attack>,
    /// The proofs that the journals hold, oldest first.
    pub proofs: Vec<Proof>,
    /// Who called before the attack, as the incident keeps it: told by where the samples of then are gone.
    pub known: Option<KnownCallers>,
    /// What was done by us and stands, or may stand, of every stage.
    pub actions: Vec<ActionRecord>,
}

impl From<Option<DateTime<Utc>>> for Circumstances {
    /// Nothing was proven, and nothing corrected.
    fn from(attack_began: Option<DateTime<Utc>>) -> Self {
        Self { attack_began, ..Self::default() }
    }
}
