//! A plan on its way from asked for to done. Plain data.

use super::effect::StepOf;
use super::list::Scroll;
use crate::model::action::{Action, Terms};
use crate::model::connection::ConnectionId;
use crate::model::plan::{Finished, Plan};
use crate::model::proposal::ProposedStep;

/// What a plan is asked for.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    Action(Action),
    Undo { action_id: String, terms: Terms },
    Step { step: StepOf, terms: Terms },
}

impl Subject {
    pub(crate) fn terms_mut(&mut self) -> &mut Terms {
        match self {
            Self::Action(action) => action.terms_mut(),
            Self::Undo { terms, .. } | Self::Step { terms, .. } => terms,
        }
    }
}

/// How far a review has got.
#[derive(Debug)]
pub(crate) enum Phase {
    Planning,
    Failed(String),
    Ready(Box<Plan>),
    Applying { plan: Box<Plan>, lines: Vec<String> },
    Done { plan: Box<Plan>, lines: Vec<String>, result: Result<Box<Finished>, String> },
}

/// A plan on its way from asked for to done.
#[derive(Debug)]
pub(crate) struct Review {
    /// Whose account it changes; no other connection's plan is ever shown or carried out here.
    pub(crate) at: ConnectionId,
    pub(crate) request: u64,
    pub(crate) subject: Subject,
    pub(crate) phase: Phase,
    pub(crate) scroll: Scroll,
    /// What was proposed, where it was.
    pub(crate) proposed: Option<ProposedStep>,
    /// What it has become, where something else is proposed in its place now.
    pub(crate) proposed_now: Option<String>,
    /// Whether every guard is listed, and the diff whole.
    pub(crate) all_guards: bool,
    pub(crate) whole_diff: bool,
}
