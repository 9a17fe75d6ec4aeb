//! A plan with the state it was made from, and why there may be none.

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::digest::digest;
use super::recipe::Recipe;
use super::resolve::ResolveError;
use crate::aws::AwsError;
use crate::model::plan::Plan;
use crate::model::timeline::ActionState;
use crate::model::waf::IpSet;

/// A plan with the state it was made from, as execution needs it.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The IP sets as they were read, with their lock tokens.
    pub(super) sets: Vec<IpSet>,
    /// When the attack began (account time, UTC), where the incident did not say and the metrics did.
    pub(super) attack_found: Option<DateTime<Utc>>,
    /// For what takes more than its diff says.
    pub(super) recipe: Option<Box<Recipe>>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// The state could not be read.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The stage is not there, or not the only one.
    #[error(transparent)]
    Resolve(ResolveError),
    /// Nothing to block was named.
    #[error("no address to block. Name at least one, for example 203.0.113.7/32")]
    NoTargets,
    /// The action to undo is not known.
    #[error("no action {id} in the open incidents of this account and region; `portcullis actions` lists them")]
    UnknownAction {
        /// The id asked for.
        id: String,
    },
    /// The action to undo is not in force.
    #[error("action {id} was {}, so there is nothing to undo", match state { ActionState::Undone => "undone already", ActionState::Final => "done for good", ActionState::Lapsed => "of a kind that cannot be undone", _ => "not done" })]
    NotInForce {
        /// Its id.
        id: String,
        /// Where it stands.
        state: ActionState,
    },
}

impl PlanError {
    /// There is no action `id` to take back: it is `over`, or was never there.
    #[must_use]
    pub fn no_action(id: &str, over: Option<ActionState>) -> Self {
        let id = id.to_owned();
        over.map_or_else(|| Self::UnknownAction { id: id.clone() }, |state| Self::NotInForce { id: id.clone(), state })
    }
}

impl From<ResolveError> for PlanError {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Aws(error) => Self::Aws(error),
            error => Self::Resolve(error),
        }
    }
}

impl Planned {
    /// The same, judged by an attack that nobody had pinned: whoever carries it out writes down when it began. `known`
    /// is the one that was pinned.
    pub(super) fn by_attack(mut self, found: Option<DateTime<Utc>>, known: Option<DateTime<Utc>>) -> Self {
        self.attack_found = found.filter(|_| known.is_none());
        self
    }
}

/// A plan with its digest.
#[must_use]
pub(super) fn finished(mut plan: Plan, sets: Vec<IpSet>) -> Planned {
    plan.digest = digest(&plan);
    Planned { plan, sets, attack_found: None, recipe: None }
}
