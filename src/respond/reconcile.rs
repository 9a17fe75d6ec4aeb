//! At the start: actions whose process ended between intent and outcome are compared with AWS, and the journal is told.

use super::running;
use super::shown::{Shown, shown};
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::incident::{CallPhase, Event, InFlight, IncidentError, IncidentStore};
use crate::model::change::Doing;
use crate::model::identity::Actor;
use crate::model::plan::{Change, Outcome, Purpose};

/// What was found out about one action in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciled {
    /// The incident.
    pub incident: String,
    /// The action, or the undo.
    pub action_id: String,
    /// How it ended; `None` where it could not be found out.
    pub outcome: Option<Outcome>,
    /// What was compared with what, in one line.
    pub detail: String,
}

/// Compares every action in flight of the connected account with AWS, or those of the incident `only`. One that another process is carrying out now is left alone.
pub async fn reconcile(
    aws: &Aws,
    store: &IncidentStore,
    actor: &Actor,
    only: Option<&str>,
) -> Result<Vec<Reconciled>, ReconcileError> {
    let identity = aws.identity(Lane::Plan).await?;
    let survey = store.survey(&identity.at)?;
    let mut found = Vec::new();
    for flight in survey.in_flight.into_iter().filter(|f| only.is_none_or(|only| f.incident == only)) {
        // One journal that cannot be read or written must not keep the others from being dealt with.
        match one(aws, store, actor, &flight).await {
            Ok(Some(one)) => found.push(one),
            Ok(None) => {}
            Err(error) => found.push(reconciled(&flight, None, error.to_string())),
        }
    }
    Ok(found)
}

/// `None` where it has ended meanwhile.
async fn one(
    aws: &Aws,
    store: &IncidentStore,
    actor: &Actor,
    flight: &InFlight,
) -> Result<Option<Reconciled>, ReconcileError> {
    let incident = store.by_id(&flight.incident, actor)?;
    let Some(_alone) = running::alone(incident.path())? else {
        return Ok(Some(reconciled(flight, None, "another process is carrying it out now".to_owned())));
    };
    // It may have ended between the survey and the lock.
    let still = incident.known()?.in_flight().into_iter().find(|f| f.history.action_id == flight.history.action_id);
    let Some(flight) = still else { return Ok(None) };
    let (made, outcome, detail) = compare(aws, &flight).await;
    if let Some(outcome) = outcome {
        let action_id = flight.history.action_id.clone();
        let event = Event::Reconciled { action_id, made, outcome, detail: detail.clone() };
        incident.record(aws.clock().now(), &event)?;
    }
    Ok(Some(reconciled(&flight, outcome, detail)))
}

/// Why nothing could be reconciled.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// AWS could not be asked.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// A journal could not be read or written.
    #[error(transparent)]
    Incident(#[from] IncidentError),
    /// An incident's folder could not be locked.
    #[error("an incident's folder could not be locked: {0}")]
    Lock(#[from] std::io::Error),
}

fn reconciled(flight: &InFlight, outcome: Option<Outcome>, detail: String) -> Reconciled {
    Reconciled { incident: flight.incident.clone(), action_id: flight.history.action_id.clone(), outcome, detail }
}

async fn compare(aws: &Aws, flight: &InFlight) -> (Vec<String>, Option<Outcome>, String) {
    let changes: Vec<&Change> = flight.history.plan.changes.iter().filter(|c| !c.is_empty()).collect();
    let (mut made, mut begun_only, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    let (mut not_made, mut cannot_tell) = (0, 0);
    for change in &changes {
        let name = &change.resource.name;
        if change.doing.is_passing() && matches!(shown(aws, change, Lane::Plan).await, Ok(Shown::Nothing)) {
            not_made += 1;
            lines.push(format!("{name} is as it was"));
            continue;
        }
        if !may_have_left(flight, change) {
            not_made += 1;
            lines.push(format!("the call for {name} was never sent, or was refused"));
            continue;
        }
        match shown(aws, change, Lane::Plan).await {
            Ok(Shown::All) => {
                made.push(change.resource.arn.clone());
                lines.push(format!("{name} shows the change"));
            }
            Ok(Shown::Nothing) => {
                not_made += 1;
                lines.push(format!("{name} does not show the change"));
            }
            Ok(Shown::Part { detail, begun }) => {
                lines.push(format!("{name} shows part of the change: {detail}"));
                if begun {
                    begun_only.push(change.resource.arn.clone());
                }
            }
            Ok(Shown::CannotTell) => {
                cannot_tell += 1;
                lines.push(format!("nothing shows whether {name} was flushed"));
            }
            Err(AwsError { problem: Problem::NotFound(_), .. }) => {
                not_made += 1;
                lines.push(format!("{name} is gone"));
            }
            Err(error) => return (made, None, format!("{name} could not be read: {error}")),
        }
    }
    let what = match flight.history.plan.purpose {
        Purpose::Apply => "the action",
        Purpose::Undo { .. } => "the undo",
    };
    let outcome = match (made.len(), not_made) {
        (0, n) if n == changes.len() => Outcome::NotDone,
        (0, n) if n + cannot_tell == changes.len() => Outcome::NotKnown,
        // What was to be put back stands: that is not how it was to end.
        (n, _) if n == changes.len() && !changes.iter().any(|c| c.doing.is_passing()) => Outcome::Done,
        (n, not) if n + not == changes.len() && n > 0 && lasting(&changes) == made => Outcome::Done,
        _ => Outcome::Partly,
    };
    if outcome == Outcome::Partly && changes.iter().any(|change| change.doing.is_making()) {
        lines.push(match flight.history.plan.purpose {
            Purpose::Apply => format!(
                "apply it again to make what is missing, or delete what was made: portcullis undo {}",
                flight.history.action_id
            ),
            Purpose::Undo { .. } => "undo it again to delete the rest".to_owned(),
        });
    }
    made.extend(begun_only);
    let at = aws.clock().now().format("%H:%M:%SZ");
    (made, Some(outcome), format!("{what} was cut short; read at {at}: {}", lines.join("; ")))
}

/// The resources that were to stay changed.
fn lasting(changes: &[&Change]) -> Vec<String> {
    changes.iter().filter(|c| !c.doing.is_passing()).map(|c| c.resource.arn.clone()).collect()
}

/// Whether a change's call may have reached AWS: its sending is on disk before anything leaves, and no refusal is.
fn may_have_left(flight: &InFlight, change: &Change) -> bool {
    // Values can be set in part by a call that is then refused; what is there tells.
    if matches!(change.doing, Doing::Assign(_)) {
        return flight.history.calls.iter().any(|call| call.resource == change.resource.arn);
    }
    let last = flight.history.last_steps().into_iter().find(|call| call.resource == change.resource.arn);
    last.is_some_and(|call| call.phase != CallPhase::Failed)
}
