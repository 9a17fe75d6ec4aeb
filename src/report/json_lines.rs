//! The export for machines: JSON Lines, one object a line, described in `docs/timeline.md`.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Export;
use crate::incident::{Folded, History, NotUnderstood, SignalRecord, Verification, ascii_json};
use crate::model::identity::Actor;
use crate::model::plan::Effect;
use crate::model::timeline::{ActionState, TimelineEntry};

/// The schema's name; every line carries it.
pub const SCHEMA: &str = "portcullis.timeline/1";

/// The incident as JSON Lines in plain ASCII: first `incident`, then every `entry`, `signal`, `action`,
/// `not-understood` line, last `verification`.
///
/// # Errors
/// Only where something cannot be JSON at all.
pub fn json_lines(export: &Export<'_>) -> Result<String, serde_json::Error> {
    let folded = export.folded;
    let mut out = Lines(Vec::new());
    out.push(&Line::Incident(incident(export)))?;
    for entry in &folded.timeline {
        out.push(&Line::Entry(entry))?;
    }
    for signal in &folded.signals {
        out.push(&Line::Signal(signal))?;
    }
    for history in &folded.histories {
        let record = folded.action(&history.action_id);
        let (state, effect) = (record.map(|r| r.state), record.and_then(|r| r.effect));
        out.push(&Line::Action(ActionLine { history, state, effect }))?;
    }
    for line in &folded.not_understood {
        out.push(&Line::NotUnderstood(line))?;
    }
    out.push(&Line::Verification(verification(export.verification)))?;
    // The writer escapes everything outside ASCII.
    Ok(out.0.into_iter().map(char::from).collect())
}

/// A line of `timeline export --format json-lines`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Line<'a> {
    /// The incident; once, first.
    Incident(IncidentLine),
    /// One line of the journal, for people.
    Entry(&'a TimelineEntry),
    /// A signal.
    Signal(&'a SignalRecord),
    /// An action, or an undo.
    Action(ActionLine<'a>),
    /// A line of the journal that was not understood.
    NotUnderstood(&'a NotUnderstood),
    /// Whether the journal is as it was written; once, last.
    Verification(VerificationLine),
}

/// An incident.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IncidentLine {
    /// Its id.
    pub id: String,
    /// What it is about; null if its first line cannot be read.
    pub title: Option<String>,
    /// The account's number.
    pub account: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// `aws`, or `range:` and the range's id.
    pub world: Option<String>,
    /// The endpoint that takes the place of AWS's, where there is one.
    pub endpoint: Option<String>,
    /// The ARN of whoever opened it.
    pub caller: Option<String>,
    /// When it was opened, account time, UTC.
    pub opened_at: Option<DateTime<Utc>>,
    /// By whom.
    pub opened_by: Option<Actor>,
    /// When it was closed; null if it is open.
    pub closed_at: Option<DateTime<Utc>>,
    /// The time of its last line.
    pub last_at: Option<DateTime<Utc>>,
    /// The number of its last line.
    pub last_seq: u64,
    /// Who took part, in order of appearance.
    pub actors: Vec<Actor>,
    /// When the export was written, account time, UTC.
    pub written_at: DateTime<Utc>,
}

/// An action, or the undo of one.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActionLine<'a> {
    /// What became of the plan that was confirmed.
    #[serde(flatten)]
    pub history: &'a History,
    /// Where the action stands; null for an undo.
    pub state: Option<ActionState>,
    /// How far its effect was seen; null for an undo.
    pub effect: Option<Effect>,
}

/// Whether the journal is as it was written.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerificationLine {
    /// Whether every line is.
    pub intact: bool,
    /// Lines that are, from the first.
    pub lines: u64,
    /// The hash of the last of them; null if there is none.
    pub last_hash: Option<String>,
    /// The first line that is not; nothing after it was checked.
    pub fault: Option<FaultShape>,
    /// The remains of a write that never finished.
    pub torn: Option<TornShape>,
    /// Names of files that hold torn lines set aside earlier.
    pub set_aside: Vec<String>,
}

/// A line that is not as it was written.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FaultShape {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub wrong: String,
}

/// The remains of a write that never finished.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TornShape {
    /// The line's number, from 1.
    pub line: u64,
    /// Where it begins, bytes from the beginning of the file.
    pub offset: u64,
    /// How long it is, bytes.
    pub bytes: u64,
}

struct Lines(Vec<u8>);

#[derive(Serialize)]
struct Tagged<'a> {
    schema: &'static str,
    #[serde(flatten)]
    line: &'a Line<'a>,
}

impl Lines {
    fn push(&mut self, line: &Line<'_>) -> Result<(), serde_json::Error> {
        let line = ascii_json(&Tagged { schema: SCHEMA, line })?;
        self.0.extend_from_slice(&line);
        self.0.push(b'\n');
        Ok(())
    }
}

fn incident(export: &Export<'_>) -> IncidentLine {
    let folded: &Folded = export.folded;
    let opened = folded.opened.as_ref();
    let identity = opened.map(|o| &o.identity);
    IncidentLine {
        id: folded.incident.clone(),
        title: opened.map(|o| o.title.clone()),
        account: identity.map(|i| i.at.account.clone()),
        region: identity.map(|i| i.at.region.clone()),
        world: identity.map(|i| i.at.world.clone().into()),
        endpoint: identity.and_then(|i| i.endpoint.clone()),
        caller: identity.map(|i| i.arn.clone()),
        opened_at: opened.map(|o| o.at),
        opened_by: opened.map(|o| o.by.clone()),
        closed_at: folded.closed,
        last_at: folded.last_at,
        last_seq: folded.last_seq,
        actors: folded.actors.clone(),
        written_at: export.at,
    }
}

fn verification(found: &Verification) -> VerificationLine {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    VerificationLine {
        intact: found.is_intact(),
        lines: found.lines,
        last_hash: found.last_hash.clone(),
        fault: found.fault.as_ref().map(|f| FaultShape { line: f.number, wrong: f.wrong.to_string() }),
        torn: found.torn.as_ref().map(|t| TornShape { line: t.number, offset: t.offset, bytes: t.bytes }),
        set_aside: found.set_aside.iter().filter_map(|p| name(p)).collect(),
    }
}
