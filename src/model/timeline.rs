//! An incident as people read it: what happened when, and what of our doing is still in force.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::action::Action;
use super::identity::Actor;
use super::plan::{Change, Effect, Outcome};
use super::stage::StageId;

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TimelineEntry {
    /// The journal line it was read from.
    pub seq: u64,
    /// When, UTC (account time).
    pub at: DateTime<Utc>,
    /// The journal's kind: `signal`, `intent`, `call`, `effect`, `outcome`, `note`, …
    pub kind: String,
    /// Who.
    pub actor: Actor,
    /// The action it belongs to, where it belongs to one.
    pub action_id: Option<String>,
    /// One line for people.
    pub title: String,
    /// Further lines, in order.
    pub detail: Vec<String>,
}

/// What is known of an action that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ActionState {
    /// The intent is on disk and no outcome is: it may have been done, in part or whole.
    InFlight,
    /// Done and still in force as far as the journal knows.
    InForce,
    /// Nothing was changed.
    NotDone,
    /// Some parts done, others not, or not known.
    Unclear,
    /// Taken back.
    Undone,
    /// Done, and of a kind that cannot be taken back: nothing is in force.
    Final,
    /// Never known whether it was done, and by now nothing hangs on it any more: nothing is in force.
    Lapsed,
}

impl ActionState {
    /// Whether nothing of it is in force and nothing more will become of it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::NotDone | Self::Undone | Self::Final | Self::Lapsed)
    }

    /// The state as words that follow “is”.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::InFlight => "in flight",
            Self::InForce => "in force",
            Self::NotDone => "not done",
            Self::Unclear => "unclear",
            Self::Undone => "undone",
            Self::Final => "done for good",
            Self::Lapsed => "not known, no longer relevant",
        }
    }
}

/// An action out of the journal, folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRecord {
    /// The action's id, as `undo` takes it.
    pub id: String,
    /// The incident it belongs to.
    pub incident: String,
    /// What was asked for.
    pub action: Action,
    /// On which stage.
    pub stage: StageId,
    /// The changes that were planned; what undo compares with.
    pub changes: Vec<Change>,
    /// Changes known to have been made, by resource ARN.
    pub made: Vec<String>,
    /// Changes that may have been made, by resource ARN: their call was sent, and nobody knows what became of it.
    #[serde(default)]
    pub doubtful: Vec<String>,
    /// Who confirmed it.
    pub actor: Actor,
    /// When the intent was written.
    pub begun_at: DateTime<Utc>,
    /// When it is to be undone.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it is undone then since no probe has got through: consented to whatever the attack does.
    #[serde(default)]
    pub awaits_probe: bool,
    /// Where it stands.
    pub state: ActionState,
    /// How far its effect was seen.
    pub effect: Option<Effect>,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
    /// When it was taken back, where it was (account time, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_at: Option<DateTime<Utc>>,
}
