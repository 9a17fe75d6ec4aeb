//! The events an incident is made of: one per journal line, `kind` and `data` as `docs/timeline.md` describes them.
//!
//! All that a new kind needs is here, its title included, and in `fold`, which says what follows from it.
#![deny(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call_phase::CallPhase;
use super::words;
use crate::model::attack::{AttackKind, RestsOn};
use crate::model::callers::CallersBefore;
use crate::model::condition::{ServedBy, StageState, Sureness};
use crate::model::identity::Identity;
use crate::model::plan::{Effect, GuardResult, Outcome, Plan};
use crate::model::playbook::StepState;
use crate::model::proof::Proof;
use crate::model::signal::{Signal, SignalKind};
use crate::model::stage::StageId;
use crate::model::words::sentence;

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
    /// An attack on a stage began. The first such line of a stage counts until the attack is said to be over; it is
    /// written before any other line that rests on it.
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
    /// How a stage stands has changed, by the figures of the console that wrote it: contained or not, customers served
    /// or not.
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
        /// How many requests of the attack were answered since `attackers_answered_since`, at least.
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
    /// A step of a playbook has got so far. A change's `started` comes before its intent and names the plan by its
    /// digest; what becomes of the action becomes of the step.
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

/// What an event is about.
enum About<'a> {
    /// Something that is done, by the action of this id where it is one, or an attack that begins or ends.
    Deed(Option<&'a str>),
    /// What is looked at and written down.
    Record,
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

    /// What it is about.
    fn about(&self) -> About<'_> {
        match self {
            Self::Intent { action_id, .. }
            | Self::Call { action_id, .. }
            | Self::Extended { action_id, .. }
            | Self::Merged { action_id, .. }
            | Self::Effect { action_id, .. }
            | Self::Proved { action_id, .. }
            | Self::Outcome { action_id, .. }
            | Self::Reconciled { action_id, .. } => About::Deed(Some(action_id)),
            Self::PlaybookStep { action_id, .. } => About::Deed(action_id.as_deref()),
            Self::Opened { .. }
            | Self::AttackBegan { .. }
            | Self::AttackCorrected { .. }
            | Self::AttackEnded { .. }
            | Self::PlaybookRun { .. } => About::Deed(None),
            Self::SignalRaised { .. }
            | Self::SignalEnded { .. }
            | Self::StateChanged { .. }
            | Self::CallersBefore { .. }
            | Self::Refused { .. }
            | Self::Note { .. }
            | Self::Exported { .. }
            | Self::Closed {} => About::Record,
        }
    }

    /// The action it belongs to.
    #[must_use]
    pub fn action_id(&self) -> Option<&str> {
        match self.about() {
            About::Deed(action_id) => action_id,
            About::Record => None,
        }
    }

    /// Whether something is done by it, or an attack begins or ends. Looking and writing are no deeds.
    pub(super) fn is_deed(&self) -> bool {
        matches!(self.about(), About::Deed(_))
    }

    /// The event as people read it: a title, and further lines. Not neutralised yet.
    // Long: one arm for each kind of event, with all that it says.
    #[expect(clippy::too_many_lines, reason = "a table: an entry for each kind")]
    pub(super) fn told(&self) -> (String, Vec<String>) {
        match self {
            Self::Opened { title, identity, .. } => {
                let mut detail = vec![format!("{} as {}", identity.label(), identity.arn)];
                if !identity.at.world.is_aws() {
                    detail.push(format!("in {}, not in AWS", identity.at.world));
                }
                (format!("Incident opened: {title}"), detail)
            }
            Self::SignalRaised { stage, signal } => (
                format!("{} on {} ({})", signal.kind.id(), stage.label(), signal.severity.word()),
                vec![signal.evidence.clone(), signal.suggests.clone()],
            ),
            Self::SignalEnded { stage, kind, since, .. } => (
                format!("{} on {} ended", kind.id(), stage.label()),
                vec![format!("It had been active since {}", words::to_the_second(*since))],
            ),
            Self::AttackBegan { stage, began, rests_on, attack, evidence } => (
                format!(
                    "Attack on {} began {}{}",
                    stage.label(),
                    words::to_the_second(*began),
                    words::of_kind(*attack)
                ),
                std::iter::once(format!("By {}", rests_on.words()))
                    .chain(Some(evidence.clone()).filter(|evidence| !evidence.is_empty()))
                    .collect(),
            ),
            Self::AttackCorrected { stage, began, attack } => (
                format!(
                    "Corrected: the attack on {} began {}{}",
                    stage.label(),
                    words::to_the_second(*began),
                    words::of_kind(*attack)
                ),
                Vec::new(),
            ),
            Self::StateChanged {
                stage,
                state,
                before,
                since,
                sureness,
                served_share,
                served_by,
                slow,
                attackers_answered_requests_at_least: requests,
                attackers_answered_since: answered_since,
                evidence,
            } => words::state_changed(&words::StateWritten {
                stage,
                state: *state,
                before: *before,
                since: *since,
                sureness: *sureness,
                served: (*served_share, *served_by),
                slow: *slow == Some(true),
                answered: requests.zip(*answered_since),
                evidence,
            }),
            Self::AttackEnded { stage, ended } => {
                (format!("Attack on {} over since {}", stage.label(), words::to_the_second(*ended)), Vec::new())
            }
            Self::CallersBefore { stage, began, callers } => (
                format!("Callers of {} before {} recorded", stage.label(), words::to_the_second(*began)),
                vec![format!(
                    "{} addresses, as hashes, until {}",
                    callers.addresses.len(),
                    words::to_the_second(callers.until)
                )],
            ),
            Self::Refused { summary, guards } => {
                (format!("Stopped by a guard: {summary}"), guards.iter().map(words::guard).collect())
            }
            Self::Intent { plan, expires_at, .. } => {
                let mut detail = words::plan_lines(plan);
                if let Some(end) = expires_at {
                    detail.push(format!("Expires {}", words::to_the_second(*end)));
                }
                (words::intent_title(plan), detail)
            }
            Self::Extended { action_id, expires_at, .. } => (
                match expires_at {
                    Some(end) => format!("{action_id} now expires {}", words::to_the_second(*end)),
                    None => format!("{action_id} no longer expires: it stays until somebody undoes it"),
                },
                Vec::new(),
            ),
            Self::PlaybookRun { playbook, title, stage, inputs, .. } => (
                format!("Playbook {playbook} for {}: {title}", stage.label()),
                inputs.iter().map(|(name, value)| format!("{name} = {value}")).collect(),
            ),
            Self::PlaybookStep { step, title, state, action_id, inputs, detail, .. } => {
                let by = action_id.as_ref().map_or_else(String::new, |id| format!(" by {id}"));
                let mut lines: Vec<String> = inputs.iter().map(|(name, value)| format!("{name} = {value}")).collect();
                lines.extend(detail.iter().cloned());
                (format!("Step {step} {}{by}: {title}", state.words()), lines)
            }
            Self::Note { text } => {
                let mut lines = text.lines().map(str::to_owned);
                (lines.next().unwrap_or_default(), lines.collect())
            }
            Self::Exported { format, path } => (format!("Exported as {format} to {path}"), Vec::new()),
            Self::Closed {} => ("Incident closed".to_owned(), Vec::new()),
            Self::Call { service, operation, resource, phase, detail, .. } => (
                format!("{service}:{operation} {}", words::phase_words(*phase)),
                std::iter::once(resource).chain(Some(detail).filter(|d| !d.is_empty())).cloned().collect(),
            ),
            Self::Merged { detail, .. } => {
                ("Somebody else had changed it: read again and merged".to_owned(), vec![detail.clone()])
            }
            Self::Effect { effect, evidence, .. } => (effect.title().to_owned(), evidence.clone()),
            Self::Proved { proof, .. } => (
                format!(
                    "Proven on {}: snapshot {} closes {}",
                    proof.proven_on.label(),
                    proof.snapshot,
                    proof.stage.label()
                ),
                proof.evidence.clone(),
            ),
            Self::Outcome { outcome, lines, .. } => (sentence(outcome.words()), lines.clone()),
            Self::Reconciled { outcome, made, detail, .. } => {
                let mut lines = vec![detail.clone()];
                lines.extend(made.iter().map(|arn| format!("Found changed: {arn}")));
                (format!("Compared with AWS after the fact: {}", outcome.words()), lines)
            }
        }
    }
}

/// Every kind of [`Event`].
#[rustfmt::skip]
pub(super) const KINDS: [&str; 22] = [
    "opened", "signal-raised", "signal-ended", "attack-began", "attack-corrected", "attack-ended",
    "state-changed", "callers-before", "refused", "intent", "call", "extended", "merged", "effect",
    "proved", "outcome", "reconciled", "playbook-run", "playbook-step", "note", "exported",
    "closed",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

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
