//! `actions` and `sweep`.

use super::args::{Common, ExtendArgs};
use super::error::{Exit, Failure};
use super::json::Printer;
use super::out;
use super::session::Session;
use super::shape::act::{ActionRow, ActionsDocument, Extension, ExtensionDocument, SweepDocument, SweptAction};
use super::shape::figure::time;
use super::text;
use crate::aws::Lane;
use crate::model::timeline::ActionRecord;
use crate::respond::desk::error::Standing;

/// `actions`: what is in force, and what expires when.
pub(super) async fn actions(common: &Common, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::open(common).await?;
    printer.aside(&session.reconciled().await?);
    let survey = session.survey().await?;
    let in_force: Vec<&ActionRecord> = survey.actions.iter().filter(|a| !a.state.is_over()).collect();
    if printer.is_json() {
        let document = ActionsDocument {
            at: time(session.now()),
            world: session.aws.identity(Lane::Plan).await?.at.world.into(),
            actions: in_force.iter().map(|a| row(a)).collect(),
            damaged_incidents: survey.damaged.iter().map(|l| l.id.clone()).collect(),
        };
        printer.object("actions", &document);
    } else {
        printer.text(&text::actions(&in_force, session.now()));
    }
    Ok(Exit::Done)
}

fn row(action: &ActionRecord) -> ActionRow {
    ActionRow {
        id: action.id.clone(),
        incident: action.incident.clone(),
        action: action.action.name().to_owned(),
        stage: action.stage.label(),
        state: action.state,
        effect: action.effect,
        outcome: action.outcome,
        begun_at: time(action.begun_at),
        expires_at: action.expires_at.map(time),
        changes: action.changes.clone(),
    }
}

/// `extend`: lets an action in force expire at another time. Changes nothing in the account.
pub(super) async fn extend(common: &Common, args: ExtendArgs, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::open(common).await?;
    printer.aside(&session.reconciled().await?);
    let lifetime = args.lifetime.and_then(|d| chrono::TimeDelta::from_std(d).ok());
    let (expires_at, incident) = session.desk.extend(&args.action_id, lifetime).await?;
    out::changed();
    printer.words(&match expires_at {
        Some(at) => format!("{} now expires {}", args.action_id, text::clock(at)),
        None => format!("{} no longer expires; it stays until somebody undoes it", args.action_id),
    });
    if printer.is_json() {
        let incident = incident.id().to_owned();
        let extension = Extension { id: args.action_id, incident, expires_at: expires_at.map(time) };
        printer.object("extension", &ExtensionDocument { extension });
    }
    Ok(Exit::Done)
}

/// `sweep`: undoes what has expired, for a scheduler.
pub(super) async fn sweep(common: &Common, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::open(common).await?;
    printer.aside(&session.reconciled().await?);
    let swept = session.desk.sweep(|_| true).await?;
    if let Some(jump) = session.aws.clock().jump().filter(|_| !swept.is_empty()) {
        printer.aside(&[jump.words()]);
    }
    // What has expired in an incident that cannot be read whole is not known: a scheduler must hear of it.
    let hidden = !session.survey().await?.unreadable().is_empty();
    let mut worst = if hidden { Exit::Error } else { Exit::Done };
    let mut actions = Vec::new();
    if !swept.is_empty() {
        out::changed();
    }
    for one in &swept {
        let exit = match &one.result {
            Ok(finished) => Exit::from(finished.outcome),
            // Nobody has typed anything: what is not confirmed was stopped.
            Err(error) if error.standing() == Standing::Failed => Exit::Error,
            Err(_) => Exit::Stopped,
        };
        if exit as u8 > worst as u8 {
            worst = exit;
        }
        let said = one.result.as_ref().map_or_else(ToString::to_string, |f| f.lines.join("; "));
        printer.words(&format!("{} on {}: {said}", one.action.id, one.action.stage.label()));
        actions.push(SweptAction {
            id: one.action.id.clone(),
            outcome: one.result.as_ref().ok().map(|f| f.outcome),
            error: one.result.as_ref().err().map(ToString::to_string),
        });
    }
    if swept.is_empty() {
        printer.words("nothing has expired");
    }
    if printer.is_json() {
        printer.object("sweep", &SweepDocument { actions });
    }
    Ok(worst)
}
