//! What the screen asks for. Whoever runs the console carries it out and answers with events.

use crate::model::action::{Action, Terms};
use crate::model::plan::Plan;
use crate::model::stage::StageId;

/// Something to be done outside the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Read who is sending what; answered by `Event::Sources`.
    LoadSources(StageId),
    /// What every way of closing a stage would do now; answered by `Event::Ladder`. Changes nothing.
    LoadLadder(StageId),
    /// Plan an action; answered by `Event::Plan` with the same number. Changes nothing.
    Plan {
        /// The number of the request.
        request: u64,
        /// What to plan.
        action: Action,
    },
    /// Plan to take an action back; answered by `Event::Plan` with the same number. Changes nothing.
    PlanUndo {
        /// The number of the request.
        request: u64,
        /// Which action.
        action_id: String,
        /// Overrides and their reason, where guards of the first plan halted it.
        terms: Terms,
    },
    /// Carry a plan out. Sent only where the console may write, for a plan that no guard halts and whose phrase was typed;
    /// answered by `Event::Progress` and `Event::Finished`.
    Apply {
        /// The plan that was on the screen.
        plan: Box<Plan>,
        /// What was typed.
        phrase: String,
    },
    /// Let an action in force expire so many seconds from now (`None`: not at all). Sent only where the console may write; answered
    /// by `Event::Progress`.
    Extend {
        /// Which action.
        action_id: String,
        /// Seconds of account time.
        expires_after_seconds: Option<u64>,
    },
    /// Write a note into the timeline; answered by `Event::Noted`.
    Note(String),
    /// Export the timeline; answered by `Event::Exported`.
    Export(Format),
    /// A confirmation was opened (a drill falls to real time) or closed.
    ConfirmationOpen(bool),
    /// Leave: [`super::run`] returns.
    Quit,
}

/// The format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Markdown,
    /// For machines: the journal's lines.
    JsonLines,
}
