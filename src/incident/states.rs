//! How stages stand, by the lines of a journal: the last of a stage counts.

use serde::{Deserialize, Serialize};

use crate::model::condition::StageState;
use crate::model::stage::StageId;

/// The state of each stage that was written last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct States(Vec<(StageId, StageState)>);

impl States {
    /// Takes a line.
    pub(super) fn keep(&mut self, stage: &StageId, state: StageState) {
        self.0.retain(|(known, _)| !known.is_same(stage));
        self.0.push((stage.clone(), state));
    }

    /// The last state of a stage; `None` where nothing was written.
    pub(super) fn on(&self, stage: &StageId) -> Option<StageState> {
        self.iter().find(|(known, _)| known.is_same(stage)).map(|(_, state)| *state)
    }

    /// Every stage of which a state was written, and the last one.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(StageId, StageState)> {
        self.0.iter()
    }
}
