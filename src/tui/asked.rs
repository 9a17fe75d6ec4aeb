//! What the outside was asked for, and what is known of that so far. Plain data.

use std::time::Duration;

use super::next::Next;
use crate::model::connection::{ConnectionId, StageAt};
use crate::model::proposal::Proposals;

/// What the outside was asked for, and what is known of that so far.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// How many plans: the number of the last.
    requests: u64,
    /// Which stage is known to be looked at.
    pub(crate) looked_at: Option<StageAt>,
    /// What would help the stages that were looked at, one each.
    pub(crate) next: Vec<Next>,
    /// A note that is on its way to the disk, kept in case it does not get there.
    pub(crate) note: Option<(ConnectionId, String)>,
    /// How long what is waited for has taken, as it was told last; wall time.
    pub(crate) elapsed: Option<Duration>,
}

impl Asked {
    /// The number of the next plan.
    pub(crate) fn request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// What would help a stage, where it was looked at.
    pub(crate) fn next_of(&self, stage: &StageAt) -> Option<&Next> {
        self.next.iter().find(|next| next.stage == *stage)
    }

    /// What would help a stage, as it was read last.
    pub(crate) fn proposals(&self, stage: &StageAt) -> Option<&Proposals> {
        let known = self.next_of(stage)?.known()?;
        known.as_ref().ok().map(AsRef::as_ref)
    }
}
