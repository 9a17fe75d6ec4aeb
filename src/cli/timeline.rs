//! `timeline list|show|note|attack-began|attack-ended|verify|export|close`.

use std::path::Path;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use super::args::{Common, ExportFormat, TimelineCommand};
use super::error::{Exit, Failure};
use super::json::Printer;
use super::out;
use super::session::{self, Session};
use super::shape::figure::time;
use super::shape::timeline::{
    AttackBegan, AttackDocument, AttackEnded, AttackShape, ClosedIncident, ExportDocument, ExportShape,
    IncidentDocument, IncidentRow, Incidents, Note, NoteDocument, TimelineDocument, VerificationDocument,
    VerificationShape,
};
use super::text;
use crate::aws::Lane;
use crate::incident::{Event, Incident, IncidentError, IncidentStore, Listed, NEVER_BEGUN};
use crate::journal;
use crate::model::attack::AttackKind;
use crate::model::identity::AccountRegion;
use crate::model::stage::StageSelector;
use crate::model::text::{is_blank, neutralised};
use crate::report::{self, Export};
use crate::respond::desk::belief::Told;
use crate::respond::resolve;

/// Runs a timeline command. Only `note` and `close` write, and only `note` without `--incident` needs credentials.
pub(super) async fn timeline(common: &Common, command: TimelineCommand, printer: Printer) -> Result<Exit, Failure> {
    match command {
        TimelineCommand::List => list(printer),
        TimelineCommand::Show { id } => show(&named(common, id)?.incident()?, printer),
        TimelineCommand::Note { text } => note(common, text, printer).await,
        TimelineCommand::AttackBegan { stage, began, kind } => {
            attack_began(common, &stage, &began, kind.map(|kind| kind.0), printer).await
        }
        TimelineCommand::AttackEnded { stage, ended } => attack_ended(common, &stage, ended.as_deref(), printer).await,
        TimelineCommand::Verify { id } => verify(&named(common, id)?.listed, printer),
        TimelineCommand::Export { id, format, to } => {
            export(&named(common, id)?.incident()?, format, to.as_deref(), printer)
        }
        TimelineCommand::Close { id } => close(&named(common, id)?, printer),
    }
}

/// Incidents of AWS accounts, and those of drills, which are kept apart.
fn stores() -> Result<[IncidentStore; 2], Failure> {
    Ok([session::store()?, session::drill_store()?])
}

fn all() -> Result<Vec<(Listed, bool)>, Failure> {
    let [accounts, drills] = stores()?;
    let mut all: Vec<(Listed, bool)> = accounts.list()?.into_iter().map(|l| (l, false)).collect();
    // Those of AWS by themselves, before any range's: nobody is to look for one of them among exercises.
    all.sort_by_key(|(listed, _)| !of_aws(listed));
    all.extend(drills.list()?.into_iter().map(|l| (l, true)));
    Ok(all)
}

/// Whether an incident is of AWS, or may be for all that can be read of it.
fn of_aws(listed: &Listed) -> bool {
    listed.owner.as_ref().is_none_or(|at| at.world.is_aws())
}

/// What an incident's title is followed by where it is not of AWS: which world it is of.
fn world_words(at: Option<&AccountRegion>, is_drill: bool) -> String {
    match at {
        _ if is_drill => " (drill)".to_owned(),
        Some(at) if !at.world.is_aws() => format!(" ({})", neutralised(&at.world.to_string())),
        _ => String::new(),
    }
}

/// The world as JSON has it; null where it could not be read.
fn world_value(at: Option<&AccountRegion>) -> Option<String> {
    at.map(|at| at.world.clone().into())
}

/// An incident that was asked for, whatever state it is in.
struct Named {
    listed: Listed,
    store: IncidentStore,
}

impl Named {
    /// It, where its beginning can be read.
    fn incident(&self) -> Result<Incident, Failure> {
        Ok(self.store.by_id(&self.listed.id, &session::actor("not asked"))?)
    }
}

/// The incident named, else the one whose journal was written to last.
fn named(common: &Common, id: Option<String>) -> Result<Named, Failure> {
    let [accounts, drills] = stores()?;
    if let Some(id) = id.or_else(|| common.incident.clone()) {
        return match accounts.listed(&id) {
            Ok(listed) => Ok(Named { listed, store: accounts }),
            Err(error) => match drills.listed(&id) {
                Ok(listed) => Ok(Named { listed, store: drills }),
                Err(_) => Err(error.into()),
            },
        };
    }
    let written = |listed: &Listed| std::fs::metadata(&listed.journal).and_then(|m| m.modified()).ok();
    let whole = |l: &Listed| l.damage.is_none() && !l.never_begun;
    let newest = all()?.into_iter().filter(|(l, _)| whole(l)).max_by_key(|(l, _)| written(l));
    let Some((listed, is_drill)) = newest else {
        return Err(Failure::new(
            Exit::Error,
            "there is no incident yet; one is opened by the first action, note or attack signal",
        ));
    };
    let store = if is_drill { drills } else { accounts };
    Ok(Named { listed, store })
}

fn list(printer: Printer) -> Result<Exit, Failure> {
    let all = all()?;
    if printer.is_json() {
        let incidents = all.iter().map(|(listed, drill)| row(listed, *drill)).collect();
        printer.object("incidents", &Incidents { incidents });
        return Ok(Exit::Done);
    }
    if all.is_empty() {
        printer.text("no incidents");
    }
    for (listed, drill) in &all {
        let state = match (&listed.damage, listed.closed_at) {
            (Some(damage), _) => format!("DAMAGED: {damage}"),
            _ if listed.never_begun => NEVER_BEGUN.to_owned(),
            (None, Some(at)) => format!("closed {}", text::clock(at)),
            (None, None) => "open".to_owned(),
        };
        let title = neutralised(listed.title.as_deref().unwrap_or("?")).into_owned();
        let world = world_words(listed.owner.as_ref(), *drill);
        printer.text(&format!("{}  {title}{world}  {} lines  {state}", listed.id, listed.lines));
    }
    Ok(Exit::Done)
}

fn row(listed: &Listed, drill: bool) -> IncidentRow {
    let at = listed.identity.as_ref().map(|identity| &identity.at);
    IncidentRow {
        id: listed.id.clone(),
        title: listed.title.clone(),
        opened_at: listed.opened_at.map(time),
        closed_at: listed.closed_at.map(time),
        account: at.map(|at| at.account.clone()),
        region: at.map(|at| at.region.clone()),
        world: world_value(listed.owner.as_ref()),
        lines: listed.lines,
        damage: listed.damage.clone(),
        never_begun: listed.never_begun,
        drill,
        journal: listed.journal.display().to_string(),
    }
}

fn show(incident: &Incident, printer: Printer) -> Result<Exit, Failure> {
    let folded = incident.fold()?;
    if printer.is_json() {
        let world = world_value(Some(&incident.identity().at));
        let incident = incident.id().to_owned();
        printer.object("timeline", &TimelineDocument { incident, world, timeline: folded.timeline });
        return Ok(Exit::Done);
    }
    let world = world_words(Some(&incident.identity().at), false);
    printer.text(&format!("{}  {}{world}", incident.id(), neutralised(incident.title())));
    for entry in &folded.timeline {
        printer.text(&format!("{}  {:<14} {}", text::clock(entry.at), entry.kind, neutralised(&entry.title)));
        for line in &entry.detail {
            printer.text(&format!("{:38}{}", "", neutralised(line)));
        }
    }
    Ok(Exit::Done)
}

async fn note(common: &Common, text: String, printer: Printer) -> Result<Exit, Failure> {
    if is_blank(&text) {
        return Err(Failure::usage("the note is empty"));
    }
    let session = Session::open(common).await?;
    printer.aside(&session.damaged().await?);
    let incident = session.incident("noted by a responder").await?;
    incident.record(session.now(), &Event::Note { text })?;
    out::changed();
    printer.words(&format!("noted in incident {}", incident.id()));
    if printer.is_json() {
        let note = Note { incident: incident.id().to_owned() };
        printer.object("note", &NoteDocument { note });
    }
    Ok(Exit::Done)
}

/// The time a person names: a moment, or a time of day, which is the last one. Account time, UTC.
fn moment(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Failure> {
    let of_day = |format| NaiveTime::parse_from_str(text.trim_end_matches(['Z', 'z']), format).ok();
    let parsed = match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Some(at.with_timezone(&Utc)),
        Err(_) => of_day("%H:%M").or_else(|| of_day("%H:%M:%S")).map(|time| {
            let today = now.date_naive().and_time(time).and_utc();
            if today > now { today - TimeDelta::days(1) } else { today }
        }),
    };
    match parsed {
        Some(at) if at > now => Err(Failure::usage(format!("{text} is in the future: it is {} now", text::clock(now)))),
        Some(at) => Ok(at),
        None => Err(Failure::usage(format!("“{text}” is not a time. Write 03:01 (UTC) or 2026-03-03T03:01:00Z"))),
    }
}

async fn attack_began(
    common: &Common,
    stage: &StageSelector,
    began: &str,
    kind: Option<AttackKind>,
    printer: Printer,
) -> Result<Exit, Failure> {
    let session = Session::open_for(common, stage).await?;
    printer.aside(&session.damaged().await?);
    let began = moment(began, session.aws.agreed_time().await?)?;
    let (stage, _) = resolve::stage_of_any(&session.aws, stage, Lane::Plan).await?;
    let (told, incident, aside) = session.desk.attack_began(&stage.id, began, kind).await?;
    out::changed();
    printer.aside(aside.as_slice());
    let (label, at) = (stage.id.label(), text::clock(began));
    printer.words(&match told {
        Told::Began => format!("the attack on {label} began {at}; written to incident {}", incident.id()),
        Told::Corrected(before) => format!(
            "the attack on {label} began {at}, no longer {}; plans made before are stale; written to incident {}",
            text::clock(before),
            incident.id()
        ),
    });
    if printer.is_json() {
        let before = if let Told::Corrected(before) = told { Some(time(before)) } else { None };
        let attack = AttackShape::Began(AttackBegan {
            incident: incident.id().to_owned(),
            stage: label,
            began_at: time(began),
            began_at_before: before,
            kind,
        });
        printer.object("attack", &AttackDocument { attack });
    }
    Ok(Exit::Done)
}

async fn attack_ended(
    common: &Common,
    stage: &StageSelector,
    ended: Option<&str>,
    printer: Printer,
) -> Result<Exit, Failure> {
    let session = Session::open_for(common, stage).await?;
    printer.aside(&session.damaged().await?);
    let now = session.aws.agreed_time().await?;
    let ended = ended.map_or(Ok(now), |text| moment(text, now))?;
    let (stage, _) = resolve::stage_of_any(&session.aws, stage, Lane::Plan).await?;
    let label = stage.id.label();
    if !session.desk.attack_ended(&stage.id, ended).await? {
        let why = format!("no attack on {label} is recorded. Set when one began: portcullis timeline attack-began");
        return Err(Failure::new(Exit::Error, why));
    }
    out::changed();
    printer.words(&format!("the attack on {label} is over since {}", text::clock(ended)));
    if printer.is_json() {
        let attack = AttackShape::Ended(AttackEnded { stage: label, ended_at: time(ended) });
        printer.object("attack", &AttackDocument { attack });
    }
    Ok(Exit::Done)
}

fn verify(listed: &Listed, printer: Printer) -> Result<Exit, Failure> {
    if listed.never_begun {
        if printer.is_json() {
            let verification = VerificationShape {
                incident: listed.id.clone(),
                intact: true,
                lines: 0,
                last_hash: None,
                fault: None,
                torn: false,
                never_begun: true,
            };
            printer.object("verification", &VerificationDocument { verification });
        } else {
            printer.text(&format!("{}: {NEVER_BEGUN}", listed.id));
        }
        return Ok(Exit::Done);
    }
    let verification = journal::verify(&listed.journal).map_err(IncidentError::from)?;
    let fault = verification.fault.as_ref().map(|fault| format!("line {}: {}", fault.number, fault.wrong));
    if printer.is_json() {
        let shape = VerificationShape {
            incident: listed.id.clone(),
            intact: verification.is_intact(),
            lines: verification.lines,
            last_hash: verification.last_hash.clone(),
            fault,
            torn: verification.torn.is_some(),
            never_begun: false,
        };
        printer.object("verification", &VerificationDocument { verification: shape });
    } else {
        match &fault {
            Some(fault) => printer.text(&format!("{}: NOT intact; {fault}", listed.journal.display())),
            None => printer.text(&format!("{}: {} lines, intact", listed.journal.display(), verification.lines)),
        }
        if verification.torn.is_some() {
            printer.text("the last line is torn: a write that never finished; the next write sets it aside");
        }
    }
    Ok(if verification.is_intact() { Exit::Done } else { Exit::Error })
}

fn export(incident: &Incident, format: ExportFormat, to: Option<&Path>, printer: Printer) -> Result<Exit, Failure> {
    let folded = incident.fold()?;
    let verification = incident.verify()?;
    let at = folded.last_at.unwrap_or(incident.opened_at());
    let format = format.0;
    let document = report::write(format, &Export { folded: &folded, verification: &verification, at })
        .map_err(|error| Failure::new(Exit::Error, format!("the export failed: {error}")))?;
    let Some(path) = to else {
        printer.text(&document);
        return Ok(Exit::Done);
    };
    journal::save(path, document.as_bytes())
        .map_err(|error| Failure::new(Exit::Error, format!("{} could not be written: {error}", path.display())))?;
    incident.record(at, &Event::Exported { format: format.name().to_owned(), path: path.display().to_string() })?;
    out::changed();
    printer.words(&format!("exported to {}", path.display()));
    if printer.is_json() {
        let export = ExportShape {
            incident: incident.id().to_owned(),
            format: format.name().to_owned(),
            path: path.display().to_string(),
        };
        printer.object("export", &ExportDocument { export });
    }
    Ok(Exit::Done)
}

fn close(named: &Named, printer: Printer) -> Result<Exit, Failure> {
    if named.listed.never_begun {
        printer.words(&format!("incident {} was {NEVER_BEGUN}; there is nothing to close", named.listed.id));
        if printer.is_json() {
            let incident = ClosedIncident { id: named.listed.id.clone(), closed_at: None, never_begun: true };
            printer.object("incident", &IncidentDocument { incident });
        }
        return Ok(Exit::Done);
    }
    let incident = &named.incident()?;
    let folded = incident.fold()?;
    let now = folded.last_at.unwrap_or(incident.opened_at());
    let at = folded.closed.unwrap_or(now);
    if folded.closed.is_none() {
        incident.record(at, &Event::Closed {})?;
        out::changed();
        printer.words(&format!("incident {} is closed", incident.id()));
    } else {
        printer.words(&format!("incident {} was closed already", incident.id()));
    }
    if printer.is_json() {
        let closed_at = Some(time(at));
        let incident = ClosedIncident { id: incident.id().to_owned(), closed_at, never_begun: false };
        printer.object("incident", &IncidentDocument { incident });
    }
    Ok(Exit::Done)
}
