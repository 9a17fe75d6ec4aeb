//! What is kept of one action, one call, one signal while a journal is folded.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::call_phase::CallPhase;
use crate::model::identity::Actor;
use crate::model::plan::{Effect, Outcome, Plan};
use crate::model::signal::{Severity, Signal, SignalKind};
use crate::model::stage::StageId;

/// A remark with its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Remark {
    /// When (account time, UTC).
    pub at: DateTime<Utc>,
    /// The text, as it was written.
    pub text: String,
}

/// One step of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallRecord {
    /// When (account time, UTC).
    pub at: DateTime<Utc>,
    /// The service as IAM names it.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// The resource's ARN.
    pub resource: String,
    /// How far it had got.
    pub phase: CallPhase,
    /// The answer or the error.
    pub detail: String,
}

/// How an action or an undo ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ending {
    /// When (account time, UTC).
    pub at: DateTime<Utc>,
    /// How.
    pub outcome: Outcome,
    /// What was done and found.
    pub lines: Vec<String>,
    /// Whether it was found out later, by comparing with AWS: its process had ended before, or could not tell.
    pub reconciled: bool,
}

/// One confirmed plan from its intent to its end: an action, or the undo of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct History {
    /// The action's id, or the undo's own.
    pub action_id: String,
    /// For an undo, the action it takes back.
    pub takes_back: Option<String>,
    /// The plan that was confirmed.
    pub plan: Plan,
    /// Who confirmed it.
    pub actor: Actor,
    /// When the intent was written (account time, UTC).
    pub begun_at: DateTime<Utc>,
    /// When it is to be undone.
    pub expires_at: Option<DateTime<Utc>>,
    /// Its calls, step by step.
    pub calls: Vec<CallRecord>,
    /// Where somebody else's change was merged.
    pub merges: Vec<Remark>,
    /// How far its effect was seen, with the evidence.
    pub effects: Vec<(Effect, Remark)>,
    /// ARNs of the resources whose call was answered, or that were found changed.
    pub made: Vec<String>,
    /// ARNs of the resources that reading plainly showed as they had been.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchanged: Vec<String>,
    /// Its end, where it is known.
    pub ending: Option<Ending>,
}

impl History {
    /// Whether it had begun and is not known to have ended.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        self.ending.is_none()
    }

    /// ARNs of the resources that may have been changed, since a call of theirs was sent and nobody knows what became
    /// of it.
    #[must_use]
    pub fn doubtful(&self) -> Vec<String> {
        let mut doubtful: Vec<(&str, bool, CallPhase)> = Vec::new();
        for call in &self.calls {
            let unanswered = call.phase == CallPhase::NoAnswer;
            match doubtful.iter_mut().find(|(resource, ..)| *resource == call.resource) {
                Some(found) => *found = (found.0, found.1 || unanswered, call.phase),
                None => doubtful.push((&call.resource, unanswered, call.phase)),
            }
        }
        let known = |resource: &str| self.made.iter().chain(&self.unchanged).any(|known| known == resource);
        doubtful
            .into_iter()
            .filter(|(resource, unanswered, last)| (*unanswered || *last == CallPhase::Sending) && !known(resource))
            .map(|(resource, ..)| resource.to_owned())
            .collect()
    }

    /// The last step of every call, by resource and operation, in the order in which they were first sent.
    #[must_use]
    pub fn last_steps(&self) -> Vec<&CallRecord> {
        let mut last: Vec<&CallRecord> = Vec::new();
        for call in &self.calls {
            let same = |have: &&CallRecord| have.resource == call.resource && have.operation == call.operation;
            match last.iter().position(same) {
                Some(place) => last[place] = call,
                None => last.push(call),
            }
        }
        last
    }
}

/// A confirmed plan that was begun and is not known to have ended, or not how: what the next start compares with AWS.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InFlight {
    /// The incident whose journal is to be told.
    pub incident: String,
    /// What is known of it.
    pub history: History,
}

/// A signal from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignalRecord {
    /// On which stage.
    pub stage: StageId,
    /// Which signal.
    pub kind: SignalKind,
    /// Its worst severity.
    pub severity: Severity,
    /// Since when it has stood, or had stood (account time, UTC).
    pub since: DateTime<Utc>,
    /// When it ended; `None` while it stands.
    pub ended_at: Option<DateTime<Utc>>,
    /// The worst value that was recorded, in the threshold's unit. It may have been worse in between.
    pub peak: f64,
    /// The threshold it crossed.
    pub threshold: f64,
    /// The evidence for the worst value that came with any; a peak told at the end comes without.
    pub evidence: String,
}

impl SignalRecord {
    pub(super) fn begun(stage: &StageId, signal: &Signal) -> Self {
        Self {
            stage: stage.clone(),
            kind: signal.kind,
            severity: signal.severity,
            since: signal.since,
            ended_at: None,
            peak: signal.value,
            threshold: signal.threshold,
            evidence: signal.evidence.clone(),
        }
    }

    /// Takes a further measurement of the same signal.
    pub(super) fn measured(&mut self, signal: &Signal) {
        self.severity = self.severity.max(signal.severity);
        self.since = self.since.min(signal.since);
        if self.kind.is_worse(signal.value, self.peak) {
            self.peak = signal.value;
            self.threshold = signal.threshold;
            self.evidence.clone_from(&signal.evidence);
        }
    }

    /// Ends it.
    pub(super) fn ended(&mut self, at: DateTime<Utc>, peak: Option<f64>) {
        self.ended_at = Some(at);
        if let Some(peak) = peak.filter(|p| self.kind.is_worse(*p, self.peak)) {
            self.peak = peak;
        }
    }
}
