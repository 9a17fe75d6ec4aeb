//! The events an incident is made of: one per journal line, `kind` and `data` as `docs/timeline.md` describes them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::journal::{BROKEN_KIND, Line, TORN_KIND};
use crate::model::attack::{AttackKind, RestsOn};
use crate::model::callers::CallersBefore;
use crate::model::condition::{ServedBy, StageState, Sureness};
use crate::model::identity::Identity;
use crate::model::plan::{Effect, GuardResult, Outcome, Plan};
use crate::model::playbook::StepState;
use crate::model::proof::Proof;
use crate::model::signal::{Signal, SignalKind};
use crate::model::stage::StageId;

/// How far one API call has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallPhase {
    /// About to leave the process.
    Sending,
    /// AWS said yes.
    Answered,
    /// AWS said no, or it never left: it did not take effect.
    Failed,
    /// No answer: it may have taken effect.
    NoAnswer,
}

impl CallPhase {
    /// The phase as a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::NoAnswer => "no answer",
        }
    }
}

/// Something that happened, or was done, in an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "kebab-case")]
pub enum Event {
    /// The incident was opened; always the first line.
    Opened {
        /// What it is about.
        title: String,
        /// Whose account, in which region.
        identity: Identity,
        /// The console's version that opened it.
        #[serde(default)]
        console: Option<String>,
    },
    /// A signal began to stand, or got worse while standing.
    SignalRaised {
        /// On which stage.
        stage: StageId,
        /// The signal with its evidence.
        signal: Signal,
    },
    /// A signal no longer stands.
    SignalEnded {
        /// On which stage.
        stage: StageId,
        /// Which signal.
        kind: SignalKind,
        /// Since when it had stood (account time, UTC).
        since: DateTime<Utc>,
        /// Its worst value, in the threshold's unit, where it was measured throughout.
        #[serde(default)]
        peak: Option<f64>,
    },
    /// An attack on a stage began. The first such line of a stage counts until the attack is said to be over; it is written before any other line
    /// that rests on it.
    AttackBegan {
        /// On which stage.
        stage: StageId,
        /// When (account time, UTC): the first bad minute.
        began: DateTime<Utc>,
        /// What that rests on.
        rests_on: RestsOn,
        /// What it is after, where a person has said so.
        #[serde(default)]
        attack: Option<AttackKind>,
        /// What shows it, in one line.
        #[serde(default)]
        evidence: String,
    },
    /// A person corrected when an attack began, or what it is after: the only thing that moves its beginning.
    AttackCorrected {
        /// On which stage.
        stage: StageId,
        /// When it began instead (account time, UTC).
        began: DateTime<Utc>,
        /// What it is after; `None` leaves that as it was.
        #[serde(default)]
        attack: Option<AttackKind>,
    },
    /// A person said that the attack on a stage is over.
    AttackEnded {
        /// On which stage.
        stage: StageId,
        /// Since when (account time, UTC).
        ended: DateTime<Utc>,
    },
    /// How a stage stands has changed, by the figures of the console that wrote it: contained or not, customers served or not.
    StateChanged {
        /// Which stage.
        stage: StageId,
        /// Its state now.
        state: StageState,
        /// Its state before, as the journal had it; `None` where it had none.
        #[serde(default)]
        before: Option<StageState>,
        /// The minute since which it is in it (account time, UTC), where that is known.
        #[serde(default)]
        since: Option<DateTime<Utc>>,
        /// How sure that is.
        sureness: Sureness,
        /// The share of customers served, a fraction, where it is known.
        #[serde(default)]
        served_share: Option<f64>,
        /// What that share is worth.
        served_by: ServedBy,
        /// Whether answers take more than three times as long as usual, where that is known.
        #[serde(default)]
        slow: Option<bool>,
        /// How many requests of the attack were answered since `attackers_answered_since`, at least, where that is known.
        #[serde(default)]
        attackers_answered_requests_at_least: Option<u64>,
        /// Since when that is: the beginning, or as far back as was read (account time, UTC).
        #[serde(default)]
        attackers_answered_since: Option<DateTime<Utc>>,
        /// What the state rests on, in one line with numbers.
        #[serde(default)]
        evidence: String,
    },
    /// Who called a stage before the attack on it, as hashes under the incident's key. In no report.
    CallersBefore {
        /// Which stage.
        stage: StageId,
        /// When the attack began that they were there before (account time, UTC).
        began: DateTime<Utc>,
        /// Who.
        callers: Box<CallersBefore>,
    },
    /// A plan was stopped by its guards.
    Refused {
        /// What it would have done, in one line.
        summary: String,
        /// The guards that stopped it.
        guards: Vec<GuardResult>,
    },
    /// A confirmed plan is about to be carried out. Written before the first mutating call.
    Intent {
        /// The action's id; for an undo, the undo's own.
        action_id: String,
        /// The plan, whole. Its purpose says which action an undo takes back.
        plan: Box<Plan>,
        /// When it is to be undone (account time, UTC).
        #[serde(default)]
        expires_at: Option<DateTime<Utc>>,
    },
    /// A mutating call of an action.
    Call {
        /// The action's id.
        action_id: String,
        /// The service as IAM names it.
        service: String,
        /// The operation.
        operation: String,
        /// The resource's ARN.
        resource: String,
        /// How far it has got.
        phase: CallPhase,
        /// The answer or the error, in one line; empty while sending.
        #[serde(default)]
        detail: String,
    },
    /// An action in force expires at another time than was confirmed with it.
    Extended {
        /// The action's id.
        action_id: String,
        /// When it is to be undone, account time; `None` for not before somebody does it.
        expires_at: Option<DateTime<Utc>>,
        /// Whether it is undone then unless a probe has got through by then, whatever the attack does.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        awaits_probe: bool,
    },
    /// Somebody else had changed the resource: it was read again and both changes were merged.
    Merged {
        /// The action's id.
        action_id: String,
        /// What was merged.
        detail: String,
    },
    /// An action's effect was seen.
    Effect {
        /// The action's id.
        action_id: String,
        /// How far.
        effect: Effect,
        /// What shows it, a line each.
        #[serde(default)]
        evidence: Vec<String>,
    },
    /// It was proven on another stage what a resource policy would do.
    Proved {
        /// The action's id.
        action_id: String,
        /// What was proven.
        proof: Box<Proof>,
    },
    /// An action, or an undo, ended.
    Outcome {
        /// The action's id.
        action_id: String,
        /// How.
        outcome: Outcome,
        /// What was done and found, a line each.
        #[serde(default)]
        lines: Vec<String>,
        /// ARNs of the resources that reading plainly showed as they had been, whatever their calls were answered.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unchanged: Vec<String>,
    },
    /// An action that was in flight when its process ended was compared with AWS.
    Reconciled {
        /// The action's id.
        action_id: String,
        /// ARNs of the resources found changed as planned.
        made: Vec<String>,
        /// How it ended, as far as AWS shows.
        outcome: Outcome,
        /// What was compared with what.
        detail: String,
    },
    /// A playbook was begun for a stage, or a run of it was given other inputs.
    PlaybookRun {
        /// The run's id.
        run_id: String,
        /// The playbook's name.
        playbook: String,
        /// The playbook's title.
        title: String,
        /// For which stage.
        stage: StageId,
        /// SHA-256 of the playbook's text.
        digest: String,
        /// The inputs given, by name, as text.
        #[serde(default)]
        inputs: BTreeMap<String, String>,
    },
    /// A step of a playbook has got so far. A change's `started` comes before its intent and names the plan by its digest; what becomes
    /// of the action becomes of the step.
    PlaybookStep {
        /// The run's id.
        run_id: String,
        /// The step's id.
        step: String,
        /// The step's title.
        title: String,
        /// How far.
        state: StepState,
        /// The action, or the undo, that it made.
        #[serde(default)]
        action_id: Option<String>,
        /// The digest of its plan.
        #[serde(default)]
        plan: Option<String>,
        /// Values read from the situation for it, by input.
        #[serde(default)]
        inputs: BTreeMap<String, String>,
        /// What was found, a line each.
        #[serde(default)]
        detail: Vec<String>,
    },
    /// A responder's note.
    Note {
        /// The text.
        text: String,
    },
    /// The timeline was exported.
    Exported {
        /// `markdown` or `json-lines`.
        format: String,
        /// Where to.
        path: String,
    },
    /// The incident was closed.
    Closed {},
}

impl Event {
    /// The journal's `kind` and `data`.
    ///
    /// # Errors
    /// Only where a value cannot be JSON at all, which none of these is.
    pub(super) fn to_parts(&self) -> Result<(String, Value), serde_json::Error> {
        let mut whole = serde_json::to_value(self)?;
        let kind = whole["kind"].as_str().unwrap_or_default().to_owned();
        Ok((kind, whole["data"].take()))
    }

    /// The action it belongs to.
    #[must_use]
    pub fn action_id(&self) -> Option<&str> {
        match self {
            Self::Intent { action_id, .. }
            | Self::Call { action_id, .. }
            | Self::Extended { action_id, .. }
            | Self::Merged { action_id, .. }
            | Self::Effect { action_id, .. }
            | Self::Proved { action_id, .. }
            | Self::Outcome { action_id, .. }
            | Self::Reconciled { action_id, .. } => Some(action_id),
            Self::PlaybookStep { action_id, .. } => action_id.as_deref(),
            _ => None,
        }
    }
}

/// A journal line as this version of the console reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// An event this version knows. `unknown` holds the fields it does not know.
    Known {
        /// The event.
        event: Box<Event>,
        /// Fields that a newer version wrote.
        unknown: Map<String, Value>,
    },
    /// The journal's own remark that a torn line was set aside.
    TornLineSetAside,
    /// The journal's own remark that a line in it is not as it was written.
    ChainBroken,
    /// A kind that this version does not know.
    UnknownKind,
    /// A kind that this version knows, with data that it cannot read; the reason.
    Unreadable(String),
}

impl Reading {
    /// Reads a line out of its bytes, `head` being the line without its data; what a newer version added is passed over. The same as
    /// [`Reading::of`] for what follows from a line, at a fraction of the cost.
    pub(super) fn of_bytes(head: &Line, raw: &[u8]) -> Self {
        match head.kind.as_str() {
            TORN_KIND => Self::TornLineSetAside,
            BROKEN_KIND => Self::ChainBroken,
            kind if !KINDS.contains(&kind) => Self::UnknownKind,
            // The kind stands before the data, and the other keys are passed over.
            _ => match serde_json::from_slice::<Event>(raw) {
                Ok(event) => Self::Known { event: Box::new(event), unknown: Map::new() },
                Err(error) => Self::Unreadable(error.to_string()),
            },
        }
    }

    /// Reads a line. Never fails: what is not understood is said to be so.
    #[must_use]
    pub fn of(line: &Line) -> Self {
        if line.kind == TORN_KIND {
            return Self::TornLineSetAside;
        }
        if line.kind == BROKEN_KIND {
            return Self::ChainBroken;
        }
        match serde_json::from_value::<Event>(json!({ "kind": line.kind, "data": line.data })) {
            Ok(event) => {
                let unknown = unknown_fields(&event, &line.data);
                Self::Known { event: Box::new(event), unknown }
            }
            Err(_) if !KINDS.contains(&line.kind.as_str()) => Self::UnknownKind,
            Err(error) => Self::Unreadable(error.to_string()),
        }
    }
}

/// Every kind of [`Event`].
pub(super) const KINDS: [&str; 22] = [
    "opened",
    "signal-raised",
    "signal-ended",
    "attack-began",
    "attack-corrected",
    "attack-ended",
    "state-changed",
    "callers-before",
    "refused",
    "intent",
    "call",
    "extended",
    "merged",
    "effect",
    "proved",
    "outcome",
    "reconciled",
    "playbook-run",
    "playbook-step",
    "note",
    "exported",
    "closed",
];

/// The fields of `data` that `event` does not have.
fn unknown_fields(event: &Event, data: &Value) -> Map<String, Value> {
    let (Value::Object(data), Ok((_, Value::Object(known)))) = (data, event.to_parts()) else {
        return Map::new();
    };
    data.iter()
        .filter(|(name, _)| !known.contains_key(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_unknown_kind_is_told_from_unreadable_data() {
        let error =
            serde_json::from_value::<Event>(json!({ "kind": "teleported", "data": {} })).unwrap_err().to_string();
        for kind in KINDS {
            assert!(error.contains(&format!("`{kind}`")), "{kind} is no kind: {error}");
        }
        assert_eq!(error.matches('`').count(), 2 * (KINDS.len() + 1), "{error}");
    }
}
