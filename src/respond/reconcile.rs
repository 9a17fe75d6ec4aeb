//! At the start: actions whose process ended between intent and outcome, and those of which it could not be known
//! whether they were done, are compared with AWS, and the journal is told.

use chrono::TimeDelta;

use super::running;
use super::shown::{Shown, shown};
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::incident::{CallPhase, Event, InFlight, IncidentError, IncidentStore};
use crate::model::change::{Edit, LONGEST_CACHED_SECONDS};
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
    /// Whether it had ended, without its being known how, and was looked at again.
    pub again: bool,
}

/// Account time after which what was sent and does not show will not show any more: no call to AWS is at work for as
/// long (inferred; the longest that is documented are WAF's "number of minutes").
const LANDS_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// Which actions are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Those in flight.
    AtInFlight,
    /// Those that ended without its being known whether they were done.
    Again,
}

/// Compares every action in flight of the connected account with AWS, or those of the incident `only`. One that another
/// process is carrying out now is left alone.
pub async fn reconcile(
    aws: &Aws,
    store: &IncidentStore,
    actor: &Actor,
    only: Option<&str>,
) -> Result<Vec<Reconciled>, ReconcileError> {
    look(Look::AtInFlight, aws, (store, only), actor).await
}

/// Looks again at every action of the connected account that ended without its being known whether it was done, or at
/// those of the incident `only`. Gives those of which something is known by now, and tells the journal; whatever cannot
/// be read yet stays as it is.
pub async fn look_again(
    aws: &Aws,
    store: &IncidentStore,
    actor: &Actor,
    only: Option<&str>,
) -> Result<Vec<Reconciled>, ReconcileError> {
    look(Look::Again, aws, (store, only), actor).await
}

async fn look(
    look: Look,
    aws: &Aws,
    (store, only): (&IncidentStore, Option<&str>),
    actor: &Actor,
) -> Result<Vec<Reconciled>, ReconcileError> {
    let identity = aws.identity(Lane::Plan).await?;
    let survey = store.survey(&identity.at)?;
    let flights = match look {
        Look::AtInFlight => survey.in_flight,
        Look::Again => survey.not_known,
    };
    let mut found = Vec::new();
    for flight in flights.into_iter().filter(|f| only.is_none_or(|only| f.incident == only)) {
        let one = match look {
            Look::AtInFlight => one(aws, store, actor, &flight).await,
            Look::Again => one_again(aws, store, actor, &flight).await,
        };
        // One journal that cannot be read or written must not keep the others from being dealt with.
        match (one, look) {
            (Ok(one), _) => found.extend(one),
            (Err(error), Look::AtInFlight) => found.push(reconciled(&flight, None, error.to_string())),
            // It is said elsewhere.
            (Err(_), Look::Again) => {}
        }
    }
    Ok(found)
}

async fn one_again(
    aws: &Aws,
    store: &IncidentStore,
    actor: &Actor,
    flight: &InFlight,
) -> Result<Option<Reconciled>, ReconcileError> {
    let Some((made, outcome, detail)) = told(aws, flight).await else { return Ok(None) };
    let incident = store.by_id(&flight.incident, actor)?;
    let Some(_alone) = running::alone(incident.path())? else { return Ok(None) };
    // Somebody else may have looked, or taken it back, since it was surveyed: then what was read is of before that.
    if !incident.known()?.not_known().contains(flight) {
        return Ok(None);
    }
    let action_id = flight.history.action_id.clone();
    let event = Event::Reconciled { action_id, made, outcome, detail: detail.clone() };
    incident.record(aws.clock().now(), &event)?;
    Ok(Some(Reconciled { again: true, ..reconciled(flight, Some(outcome), detail) }))
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
    let (incident, action_id) = (flight.incident.clone(), flight.history.action_id.clone());
    Reconciled { incident, action_id, outcome, detail, again: false }
}

/// What reading shows of what a confirmed plan was to change.
#[derive(Debug, Default)]
struct Found {
    made: Vec<String>,
    /// Of these a part shows.
    begun: Vec<String>,
    not_made: usize,
    cannot_tell: usize,
    lines: Vec<String>,
}

impl Found {
    /// Reads all of it; an error where something could not be read.
    async fn read(aws: &Aws, flight: &InFlight, changes: &[&Change]) -> Result<Self, String> {
        let mut found = Self::default();
        for change in changes {
            let name = &change.resource.name;
            if change.edit.is_passing() && matches!(shown(aws, change, Lane::Plan).await, Ok(Shown::Nothing)) {
                found.is_not_made(format!("{name} is as it was"));
                continue;
            }
            if !may_have_left(flight, change) {
                found.is_not_made(format!("the call for {name} was never sent, or was refused"));
                continue;
            }
            match shown(aws, change, Lane::Plan).await {
                Ok(Shown::All) => {
                    found.made.push(change.resource.arn.clone());
                    found.lines.push(format!("{name} shows the change"));
                }
                Ok(Shown::Nothing) => found.is_not_made(format!("{name} does not show the change")),
                Ok(Shown::Part { detail, begun }) => {
                    found.lines.push(format!("{name} shows part of the change: {detail}"));
                    if begun {
                        found.begun.push(change.resource.arn.clone());
                    }
                }
                Ok(Shown::CannotTell) => {
                    found.cannot_tell += 1;
                    found.lines.push(format!("nothing shows whether {name} was flushed"));
                }
                Err(AwsError { problem: Problem::NotFound(_), .. }) => found.is_not_made(format!("{name} is gone")),
                Err(error) => return Err(format!("{name} could not be read: {error}")),
            }
        }
        Ok(found)
    }

    fn is_not_made(&mut self, line: String) {
        self.not_made += 1;
        self.lines.push(line);
    }

    fn outcome(&self, changes: &[&Change]) -> Outcome {
        match (self.made.len(), self.not_made) {
            (0, n) if n == changes.len() => Outcome::NotDone,
            (0, n) if n + self.cannot_tell == changes.len() => Outcome::NotKnown,
            // What was to be put back stands: that is not how it was to end.
            (n, _) if n == changes.len() && !changes.iter().any(|c| c.edit.is_passing()) => Outcome::Done,
            (n, not) if n + not == changes.len() && n > 0 && lasting(changes) == self.made => Outcome::Done,
            _ => Outcome::Partly,
        }
    }
}

fn planned(flight: &InFlight) -> Vec<&Change> {
    flight.history.plan.changes.iter().filter(|c| !c.is_empty()).collect()
}

fn what(flight: &InFlight) -> &'static str {
    match flight.history.plan.purpose {
        Purpose::Apply => "the action",
        Purpose::Undo { .. } => "the undo",
    }
}

async fn compare(aws: &Aws, flight: &InFlight) -> (Vec<String>, Option<Outcome>, String) {
    let changes = planned(flight);
    let mut found = match Found::read(aws, flight, &changes).await {
        Ok(found) => found,
        Err(why) => return (Vec::new(), None, why),
    };
    let outcome = found.outcome(&changes);
    if outcome == Outcome::Partly && changes.iter().any(|change| change.edit.is_making()) {
        found.lines.push(match flight.history.plan.purpose {
            Purpose::Apply => format!(
                "apply it again to make what is missing, or delete what was made: portcullis undo {}",
                flight.history.action_id
            ),
            Purpose::Undo { .. } => "undo it again to delete the rest".to_owned(),
        });
    }
    let Found { mut made, begun, lines, .. } = found;
    made.extend(begun);
    let at = aws.clock().now().format("%H:%M:%SZ");
    (made, Some(outcome), format!("{} was cut short; read at {at}: {}", what(flight), lines.join("; ")))
}

/// What can be told by now of what ended without its being known whether it was done. `None` where that is still open:
/// what does not show may come for a while, and what shows in part tells nothing.
async fn told(aws: &Aws, flight: &InFlight) -> Option<(Vec<String>, Outcome, String)> {
    let since = aws.clock().now() - flight.history.ending.as_ref()?.at;
    let changes = planned(flight);
    if changes.iter().all(|change| matches!(change.edit, Edit::Flush(_))) {
        let outlived = aws.clock().now() - flight.history.begun_at >= TimeDelta::seconds(LONGEST_CACHED_SECONDS);
        let why = "an hour later everything that was cached has expired, flushed or not (documented: nothing is kept for longer)";
        return outlived.then(|| (Vec::new(), Outcome::NotKnown, why.to_owned()));
    }
    let found = Found::read(aws, flight, &changes).await.ok()?;
    let all_told = found.made.len() + found.not_made == changes.len();
    if !all_told || (found.not_made > 0 && since < LANDS_WITHIN) {
        return None;
    }
    let outcome = found.outcome(&changes);
    let at = aws.clock().now().format("%H:%M:%SZ");
    let line = format!("whether {} was done was not known; read at {at}: {}", what(flight), found.lines.join("; "));
    Some((found.made, outcome, line))
}

/// The resources that were to stay changed.
fn lasting(changes: &[&Change]) -> Vec<String> {
    changes.iter().filter(|c| !c.edit.is_passing()).map(|c| c.resource.arn.clone()).collect()
}

/// Whether a change's call may have reached AWS: its sending is on disk before anything leaves, and no refusal is.
fn may_have_left(flight: &InFlight, change: &Change) -> bool {
    // Values can be set in part by a call that is then refused; what is there tells.
    if matches!(change.edit, Edit::Assign(_)) {
        return flight.history.calls.iter().any(|call| call.resource == change.resource.arn);
    }
    // A refusal says nothing of an earlier attempt that nobody answered.
    if flight.history.doubtful().contains(&change.resource.arn) {
        return true;
    }
    let last = flight.history.last_steps().into_iter().find(|call| call.resource == change.resource.arn);
    last.is_some_and(|call| call.phase != CallPhase::Failed)
}
