//! Taking an action back without anybody typing a phrase: what was consented to with the action itself.

use chrono::{DateTime, Utc};

use super::{ExecuteError, execute};
use crate::aws::Aws;
use crate::incident::{Incident, IncidentError};
use crate::model::action::Terms;
use crate::model::plan::Finished;
use crate::model::timeline::ActionRecord;
use crate::respond::confirm::{ConfirmError, Confirmed};
use crate::respond::planned::{PlanError, Planned};
use crate::respond::undo::{self, Others};

/// What the responder consented to when the action was confirmed.
#[derive(Debug, Clone, Copy)]
pub(in crate::respond) enum Consent {
    /// That it is taken back when it expires, which was before this moment (account time, UTC).
    Expiry(DateTime<Utc>),
    /// That it is taken back where no probe gets through.
    WayBack,
}

/// Why nothing was taken back.
#[derive(Debug, thiserror::Error)]
pub(in crate::respond) enum BackError {
    /// No plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Stopped, or not consented to.
    #[error(transparent)]
    Confirm(#[from] ConfirmError),
    /// Not begun.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// The journal.
    #[error(transparent)]
    Incident(#[from] IncidentError),
}

/// The undo of an action of `incident`, planned from state read now.
pub(in crate::respond) async fn planned(
    aws: &Aws,
    incident: &Incident,
    action: &ActionRecord,
    others: Others<'_>,
    terms: &Terms,
) -> Result<Planned, BackError> {
    let watch = incident.known()?.history(&action.id).map(|history| history.plan.watch.clone()).unwrap_or_default();
    Ok(undo::plan(aws, action, others, &watch, terms).await?)
}

/// Carries out the undo of `action` by what was consented to.
// Wide: whose action it is, by what it is taken back, and who is told.
pub(in crate::respond) async fn taken_back(
    aws: &Aws,
    incident: &Incident,
    action: &ActionRecord,
    planned: Planned,
    consent: Consent,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Finished, BackError> {
    let confirmed = match consent {
        Consent::Expiry(now) => Confirmed::by_expiry(planned, action, now)?,
        Consent::WayBack => Confirmed::by_way_back(planned, action)?,
    };
    Ok(execute(aws, incident, confirmed, progress).await?)
}
