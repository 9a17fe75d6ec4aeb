//! What the screen asks for. Whoever runs the console carries it out and answers with events.

use std::collections::BTreeMap;

use crate::model::action::{Action, Terms};
use crate::model::connection::ConnectionId;
use crate::model::export::Format;
use crate::model::plan::Plan;
use crate::model::playbook::{StepState, Value};
use crate::model::stage::StageId;

/// Something to be done outside the screen.
#[derive(Debug, Clone, PartialEq)]
// All but the last effect of a console are of the large kind.
#[allow(clippy::large_enum_variant)]
pub enum Effect {
    /// Something to be done in one of the accounts and regions watched, and in no other.
    To(ConnectionId, Ask),
    /// Leave: [`super::run`] returns.
    Quit,
}

impl Effect {
    /// What is asked, whoever is asked.
    #[must_use]
    pub fn ask(&self) -> Option<&Ask> {
        match self {
            Self::To(_, ask) => Some(ask),
            Self::Quit => None,
        }
    }
}

/// What is asked of a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Read who is sending what; answered by `News::Sources`.
    LoadSources(StageId),
    /// Read a stage in depth; answered by `News::Stage`.
    LoadStage(StageId),
    /// Somebody looks at these stages and at no others: they are read more often.
    LookAt(Vec<StageId>),
    /// What every way of closing a stage would do now; answered by `News::Ladder`, and then, with what would help and
    /// is lighter, by `News::Proposals`. Changes nothing.
    LoadLadder(StageId),
    /// What would help a stage, where nobody has asked: answered by `News::Proposals`. Reads the account and what its
    /// budget for log queries allows, and probes nothing.
    LoadNext(StageId),
    /// Plan an action; answered by `News::Plan` with the same number. Changes nothing.
    Plan {
        /// The number of the request.
        request: u64,
        /// What to plan.
        action: Action,
    },
    /// Plan to take an action back; answered by `News::Plan` with the same number. Changes nothing.
    PlanUndo {
        /// The number of the request.
        request: u64,
        /// Which action.
        action_id: String,
        /// Overrides and their reason, where guards of the first plan halted it.
        terms: Terms,
    },
    /// Carry a plan out. Sent only where the console may write, for a plan that no guard halts and whose phrase was
    /// typed; answered by `News::Progress` and `News::Finished`.
    Apply {
        /// The plan that was on the screen.
        plan: Box<Plan>,
        /// What was typed.
        phrase: String,
    },
    /// Plan the change of a playbook's step; answered by `News::Plan` with the same number. Changes nothing.
    PlanStep {
        /// The number of the request.
        request: u64,
        /// Which step.
        step: StepOf,
        /// Overrides and their reason, where guards of the first plan halted it: the responder's, never the playbook's.
        terms: Terms,
    },
    /// Carry the plan of a playbook's step out, as [`Ask::Apply`] does, and write that it was the step's.
    ApplyStep {
        /// The plan that was on the screen.
        plan: Box<Plan>,
        /// What was typed.
        phrase: String,
        /// Which step.
        step: StepOf,
    },
    /// Begin to observe what a playbook's step looks for; its end is in the journal. Changes nothing.
    ObserveStep(StepOf),
    /// Write that a step of a playbook was read or left out.
    EndStep {
        /// Which step.
        step: StepOf,
        /// `Read` or `Skipped`.
        state: StepState,
    },
    /// Let an action in force expire so many seconds from now (`None`: not at all). Sent only where the console may
    /// write; answered by `News::Progress`.
    Extend {
        /// Which action.
        action_id: String,
        /// Seconds of account time.
        expires_after_seconds: Option<u64>,
    },
    /// Write a note into the timeline; answered by `News::Noted`.
    Note(String),
    /// Export the timeline; answered by `News::Exported`.
    Export(Format),
    /// A confirmation was opened (a drill falls to real time) or closed.
    ConfirmationOpen(bool),
}

/// A step of a playbook, as the screen names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOf {
    /// The playbook's name.
    pub playbook: String,
    /// The stage that it runs for.
    pub stage: StageId,
    /// The step's id.
    pub step: String,
    /// The inputs given.
    pub inputs: BTreeMap<String, Value>,
}
