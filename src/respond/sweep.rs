//! Undoing what has expired, through the same guards as any undo.

use super::confirm::Confirmed;
use super::execute::{ExecuteError, execute};
use super::planned::PlanError;
use super::undo::{self, Others};
use crate::aws::{Aws, Lane};
use crate::incident::{Event, IncidentError, IncidentStore, SignalRecord};
use crate::model::action::Terms;
use crate::model::identity::{AccountRegion, Actor};
use crate::model::plan::Finished;
use crate::model::signal::Severity;
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
    /// A closure, and the attack it was made against goes on.
    #[error(
        "{id} closes {stage} and stays: an attack still stands there in the journal ({signal}). When it is over, take it back with \
         `portcullis undo {id}`"
    )]
    StillAttacked {
        /// The action.
        id: String,
        /// The stage.
        stage: String,
        /// A signal that stands.
        signal: String,
    },
    /// Not begun.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// The journal.
    #[error(transparent)]
    Incident(#[from] IncidentError),
}

/// Undoes every expired action of the connected account and region that `only` lets through. What another action still wants
/// stays, and is tried again once that one has gone.
pub async fn sweep(
    aws: &Aws,
    store: &IncidentStore,
    actor: &Actor,
    only: impl Fn(&ActionRecord) -> bool,
) -> Result<Vec<Swept>, SweepError> {
    let identity = aws.identity(Lane::Plan).await.map_err(PlanError::from)?;
    let now = aws.agreed_time().await.map_err(PlanError::from)?;
    let due = |a: &&ActionRecord| {
        let live = matches!(a.state, ActionState::InForce | ActionState::Unclear);
        live && a.expires_at.is_some_and(|end| end <= now)
    };
    let known = store.survey(&identity.at)?.actions;
    let mut swept = Vec::new();
    // The later of two that set the same goes first: what it found is what the earlier one had set.
    for action in known.iter().rev().filter(due).filter(|a| only(a)) {
        let result = match one(aws, store, actor, &identity.at, &action.id).await {
            Ok(Some(finished)) => Ok(finished),
            Ok(None) => continue,
            Err(error) => Err(error),
        };
        swept.push(Swept { action: action.clone(), result });
    }
    Ok(swept)
}

/// Takes one back, from what the journals say now: it may have been extended, or taken back, while others were dealt with.
async fn one(
    aws: &Aws,
    store: &IncidentStore,
    actor: &Actor,
    at: &AccountRegion,
    id: &str,
) -> Result<Option<Finished>, SweepError> {
    let survey = store.survey(at)?;
    let (unreadable, actions) = (survey.unreadable(), survey.actions);
    let now = aws.clock().now();
    let expired = |a: &&ActionRecord| a.id == id && a.expires_at.is_some_and(|end| end <= now);
    let live = |a: &&ActionRecord| matches!(a.state, ActionState::InForce | ActionState::Unclear);
    let Some(action) = actions.iter().filter(live).find(expired) else { return Ok(None) };
    let incident = store.by_id(&action.incident, actor)?;
    let folded = incident.known()?;
    let holds = action.action.is_closure() && !action.awaits_probe;
    if let Some(signal) = folded.standing().find(|s| holds && stands(s, action)) {
        let (id, stage) = (action.id.clone(), action.stage.label());
        return Err(SweepError::StillAttacked { id, stage, signal: signal.kind.id().to_owned() });
    }
    let watch = folded.history(&action.id).map(|h| h.plan.watch.clone()).unwrap_or_default();
    // Others that have expired as well do not keep an entry in place; values that a later one set stay its own.
    let keeps =
        |a: &&ActionRecord| a.expires_at.is_none_or(|end| end > now) || !a.changes.iter().all(|c| c.doing.is_entries());
    let others: Vec<ActionRecord> = actions.iter().filter(keeps).cloned().collect();
    let others = Others { actions: &others, unreadable: &unreadable };
    let planned = undo::plan(aws, action, others, &watch, &Terms::default()).await?;
    if planned.plan.is_empty() && !planned.plan.left.is_empty() {
        return Ok(None);
    }
    let confirmed = Confirmed::by_expiry(planned, action, now)?;
    // An expiry that a jump of the clock brought about is told in the record.
    if let Some(jump) = aws.clock().jump().filter(|jump| action.expires_at.is_some_and(|end| jump.passed(end))) {
        incident.record(now, &Event::Note { text: format!("{} expires: {}", action.id, jump.words()) })?;
    }
    Ok(Some(execute(aws, &incident, confirmed, &mut |_| {}).await?))
}

/// Whether a signal says that the stage an action closed is still attacked: a closure never reopens by itself then.
fn stands(signal: &SignalRecord, action: &ActionRecord) -> bool {
    signal.severity == Severity::Attack && signal.stage == action.stage
}
