//! From what was asked for to a plan with its digest.

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::action::block_ip;
use super::digest::digest;
use super::resolve::ResolveError;
use crate::aws::{Aws, AwsError};
use crate::model::action::Action;
use crate::model::plan::Plan;
use crate::model::settings::Settings;
use crate::model::timeline::ActionState;
use crate::model::waf::IpSet;

/// A plan with the state it was made from, as execution needs it.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The IP sets as they were read, with their lock tokens.
    pub(super) sets: Vec<IpSet>,
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
    #[error("action {id} was {}, so there is nothing to take back", if *state == ActionState::Undone { "undone already" } else { "not done" })]
    NotInForce {
        /// Its id.
        id: String,
        /// Where it stands.
        state: ActionState,
    },
}

impl From<ResolveError> for PlanError {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Aws(error) => Self::Aws(error),
            error => Self::Resolve(error),
        }
    }
}

/// The plan for `action`, from state read now. `attack_began` is when the attack began (account time), where that is known:
/// callers sampled before it count as legitimate.
pub async fn plan(
    aws: &Aws,
    settings: &Settings,
    action: &Action,
    attack_began: Option<DateTime<Utc>>,
) -> Result<Planned, PlanError> {
    match action {
        Action::BlockIp(block) if block.targets.is_empty() => Err(PlanError::NoTargets),
        Action::BlockIp(block) => {
            let state = block_ip::read(aws, settings, block, attack_began).await?;
            Ok(block_ip::plan(block, &state, settings))
        }
    }
}

/// A plan with its digest.
#[must_use]
pub(super) fn finished(mut plan: Plan, sets: Vec<IpSet>) -> Planned {
    plan.digest = digest(&plan);
    Planned { plan, sets }
}

/// What differs between a plan that was shown and the one made now, a line each; for a stale confirmation.
#[must_use]
pub fn differences(shown: &Plan, now: &Plan) -> Vec<String> {
    let lines = |plan: &Plan| {
        let mut lines: Vec<String> = Vec::new();
        for change in &plan.changes {
            lines.extend(change.added.iter().map(|e| format!("{}: +{e}", change.resource.name)));
            lines.extend(change.removed.iter().map(|e| format!("{}: -{e}", change.resource.name)));
        }
        lines.extend(plan.preconditions.iter().map(|p| format!("{}: {}", p.subject, p.expected)));
        lines.extend(plan.guards.iter().map(|g| {
            let overridden = if g.overridden { " (overridden)" } else { "" };
            format!("guard {}: {}{overridden}", g.id, g.verdict.word())
        }));
        lines.push(format!("expires after: {:?} s", plan.action.terms().expires_after_seconds));
        lines
    };
    let (before, after) = (lines(shown), lines(now));
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("was: {line}"));
    let come = after.iter().filter(|line| !before.contains(line)).map(|line| format!("now: {line}"));
    gone.chain(come).collect()
}
