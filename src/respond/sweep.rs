//! Undoing what has expired, through the same guards as any undo.

use super::confirm::Confirmed;
use super::execute::{ExecuteError, execute};
use super::planned::PlanError;
use super::undo;
use crate::aws::{Aws, Lane};
use crate::incident::{IncidentError, IncidentStore};
use crate::model::action::Terms;
use crate::model::identity::Actor;
use crate::model::plan::Finished;
use crate::model::timeline::{ActionRecord, ActionState};

/// What became of one expired action.
#[derive(Debug)]
pub struct Swept {
    /// The action.
    pub action: ActionRecord,
    /// How its undo ended, or why there was none.
    pub result: Result<Finished, SweepError>,
}

/// Why an expired action was not undone.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// No plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Not to be confirmed.
    #[error(transparent)]
    Confirm(#[from] super::confirm::ConfirmError),
    /// Not begun.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// The journal.
    #[error(transparent)]
    Incident(#[from] IncidentError),
}

/// Undoes every expired action of the connected account and region.
pub async fn sweep(aws: &Aws, store: &IncidentStore, actor: &Actor) -> Result<Vec<Swept>, SweepError> {
    let identity = aws.identity(Lane::Plan).await.map_err(PlanError::from)?;
    let now = aws.clock().now();
    let actions = store.actions(&identity.at)?;
    let due = |a: &&ActionRecord| {
        let live = matches!(a.state, ActionState::InForce | ActionState::Unclear);
        live && a.expires_at.is_some_and(|end| end <= now)
    };
    let mut swept = Vec::new();
    for action in actions.iter().filter(due) {
        let result = one(aws, store, actor, action, &actions).await;
        swept.push(Swept { action: action.clone(), result });
    }
    Ok(swept)
}

async fn one(
    aws: &Aws,
    store: &IncidentStore,
    actor: &Actor,
    action: &ActionRecord,
    actions: &[ActionRecord],
) -> Result<Finished, SweepError> {
    let incident = store.by_id(&action.incident, actor)?;
    let watch = incident.fold()?.history(&action.id).map(|h| h.plan.watch.clone()).unwrap_or_default();
    // Others that have expired as well do not keep an entry in place.
    let now = aws.clock().now();
    let lasting = |a: &&ActionRecord| a.expires_at.is_none_or(|end| end > now);
    let others: Vec<ActionRecord> = actions.iter().filter(lasting).cloned().collect();
    let planned = undo::plan(aws, action, &others, &watch, &Terms::default()).await?;
    let confirmed = Confirmed::by_expiry(planned, action, now)?;
    Ok(execute(aws, &incident, confirmed, &mut |_| {}).await?)
}
