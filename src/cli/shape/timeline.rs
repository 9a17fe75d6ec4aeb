//! `timeline …`: incidents and what happened in them.

use serde::Serialize;

use super::figure::Moment;
use crate::model::attack::AttackKind;
use crate::model::timeline::TimelineEntry;

/// `timeline list`: the incidents on this machine.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Incidents {
    /// The incidents, drills' last.
    pub incidents: Vec<IncidentRow>,
}

/// An incident in a list.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IncidentRow {
    /// Its id.
    pub id: String,
    /// What it is about; null if that could not be read.
    pub title: Option<String>,
    /// When it was opened.
    pub opened_at: Option<Moment>,
    /// When it was closed; null if it is open.
    pub closed_at: Option<Moment>,
    /// The account's number.
    pub account: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// `aws`, or `range:` and the range's id; null if it could not be read.
    pub world: Option<String>,
    /// Lines of its journal.
    pub lines: u64,
    /// What is wrong with a journal that cannot be read whole.
    pub damage: Option<String>,
    /// Whether nothing was done in it: its first line was never written.
    pub never_begun: bool,
    /// Whether it is of a drill.
    pub drill: bool,
    /// Where its journal is.
    pub journal: String,
}

/// `timeline show`: what happened in an incident.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TimelineDocument {
    /// The incident's id.
    pub incident: String,
    /// `aws`, or `range:` and the range's id; null if it could not be read.
    pub world: Option<String>,
    /// What happened, in order.
    pub timeline: Vec<TimelineEntry>,
}

/// `timeline note`: where a note was written.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NoteDocument {
    /// Where it was written.
    pub note: Note,
}

/// Where a note was written.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Note {
    /// The incident's id.
    pub incident: String,
}

/// `timeline attack-began` and `attack-ended`: what was written of an attack.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttackDocument {
    /// What was written.
    pub attack: AttackShape,
}

/// What was written of an attack.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum AttackShape {
    /// When it began.
    Began(AttackBegan),
    /// That it is over.
    Ended(AttackEnded),
}

/// When an attack began.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttackBegan {
    /// The incident that it is written to.
    pub incident: String,
    /// The stage as it is typed: `shop/prod`.
    pub stage: String,
    /// When it began.
    pub began_at: Moment,
    /// When it was said to have begun before; null if nobody had said so.
    pub began_at_before: Option<Moment>,
    /// What it is after; null if nobody said so now.
    pub kind: Option<AttackKind>,
}

/// That an attack is over.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttackEnded {
    /// The stage as it is typed: `shop/prod`.
    pub stage: String,
    /// Since when it is over.
    pub ended_at: Moment,
}

/// `timeline verify`: whether a journal is as it was written.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerificationDocument {
    /// Whether it is.
    pub verification: VerificationShape,
}

/// Whether a journal is as it was written.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerificationShape {
    /// The incident's id.
    pub incident: String,
    /// Whether every line is as it was written.
    pub intact: bool,
    /// Lines that are, from the first.
    pub lines: u64,
    /// The hash of the last of them; null if there is none.
    pub last_hash: Option<String>,
    /// The first line that is wrong, and why.
    pub fault: Option<String>,
    /// Whether the last line was cut short.
    pub torn: bool,
    /// Whether nothing was done in it: its first line was never written.
    pub never_begun: bool,
}

/// `timeline export --to FILE`: where an export was written.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportDocument {
    /// Where it was written.
    pub export: ExportShape,
}

/// Where an export was written.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportShape {
    /// The incident's id.
    pub incident: String,
    /// The format: `markdown`, `json-lines`.
    pub format: String,
    /// The file.
    pub path: String,
}

/// `timeline close`: the incident that is closed.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IncidentDocument {
    /// The incident.
    pub incident: ClosedIncident,
}

/// An incident that is closed.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClosedIncident {
    /// Its id.
    pub id: String,
    /// When it was closed; null if it was never begun.
    pub closed_at: Option<Moment>,
    /// Whether nothing was done in it: its first line was never written.
    pub never_begun: bool,
}
