//! What a journal says, as far as it was read. Plain data: how lines come to mean it is `fold`'s, and what is asked of
//! it stands with whoever asks.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::callers::Callers;
use super::history::{History, SignalRecord};
use super::past::{Finished, Ids};
use super::states::States;
use crate::model::attack::Attack;
use crate::model::condition::StageState;
use crate::model::identity::{Actor, Identity};
use crate::model::playbook::RunRecord;
use crate::model::proof::Proof;
use crate::model::stage::StageId;
use crate::model::timeline::{ActionRecord, ActionState, TimelineEntry};

/// How an incident began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// What it is about.
    pub title: String,
    /// Whose account, in which region.
    pub identity: Identity,
    /// When (account time, UTC).
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: Actor,
}

/// A line that this version could not make sense of. It stays in the journal and in the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotUnderstood {
    /// The line's number.
    pub seq: u64,
    /// Its kind, where that could be read.
    pub kind: String,
    /// Why, in one line.
    pub why: String,
}

/// What a journal says, as far as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Folded {
    /// The incident's id.
    pub incident: String,
    /// How it began; `None` where the first line is missing or damaged.
    pub opened: Option<Opened>,
    /// When it was closed, where it was.
    pub closed: Option<DateTime<Utc>>,
    /// Every line, for people. Text is neutralised.
    pub timeline: Vec<TimelineEntry>,
    /// The actions, in the order in which they were begun; undos are part of the action they take back.
    pub actions: Vec<ActionRecord>,
    /// Actions that are over and done with and are not among `actions` any more; only where the story was left out.
    #[serde(default)]
    pub finished: Finished,
    /// Ids of confirmed plans, actions and undos alike, that are not among `histories` any more; only where the story
    /// was left out.
    #[serde(default)]
    pub(super) past: Ids,
    /// Every confirmed plan, actions and undos alike, with what became of it.
    pub histories: Vec<History>,
    /// Runs of playbooks, in the order in which they were begun.
    pub runs: Vec<RunRecord>,
    /// Every proof, in the order in which they were made.
    pub proofs: Vec<Proof>,
    /// Every signal, in the order in which they began.
    pub signals: Vec<SignalRecord>,
    /// The attacks, in the order in which they were pinned; the last of a stage counts.
    #[serde(default)]
    pub attacks: Vec<Attack>,
    /// Who called before them, one a stage.
    #[serde(default)]
    pub(super) callers: Callers,
    /// How stages stand.
    #[serde(default)]
    pub(super) states: States,
    /// Who took part, in order of appearance.
    pub actors: Vec<Actor>,
    /// Plans that guards stopped.
    pub refused: usize,
    /// What stopped a plan the last time, by what it would have done: guards with their verdicts.
    #[serde(default)]
    pub(super) refusals: BTreeMap<String, Vec<String>>,
    /// Notes written.
    pub notes: usize,
    /// Lines that were not understood.
    pub not_understood: Vec<NotUnderstood>,
    /// The time of the last line.
    pub last_at: Option<DateTime<Utc>>,
    /// When something was last done, or an attack last began or ended.
    pub(super) stirred_at: Option<DateTime<Utc>>,
    /// The number of the last line.
    pub last_seq: u64,
}

impl Folded {
    /// An incident of which nothing has been read.
    #[must_use]
    pub fn nothing(incident: &str) -> Self {
        Self {
            incident: incident.to_owned(),
            opened: None,
            closed: None,
            timeline: Vec::new(),
            actions: Vec::new(),
            finished: Finished::default(),
            past: Ids::default(),
            histories: Vec::new(),
            runs: Vec::new(),
            proofs: Vec::new(),
            signals: Vec::new(),
            attacks: Vec::new(),
            callers: Callers::default(),
            states: States::default(),
            actors: Vec::new(),
            refused: 0,
            refusals: BTreeMap::new(),
            notes: 0,
            not_understood: Vec::new(),
            last_at: None,
            stirred_at: None,
            last_seq: 0,
        }
    }

    /// How a stage stood when that was last written; `None` where nothing was.
    #[must_use]
    pub fn state_on(&self, stage: &StageId) -> Option<StageState> {
        self.states.on(stage)
    }

    /// Every stage of which a state was written, and the last one.
    pub fn states(&self) -> impl Iterator<Item = &(StageId, StageState)> {
        self.states.iter()
    }
}

/// Whether an action is in force, or may be in part.
pub(super) fn in_force(action: &ActionRecord) -> bool {
    matches!(action.state, ActionState::InForce | ActionState::Unclear)
}
