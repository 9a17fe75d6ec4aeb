//! Reports: an incident as a document for the review, or as lines for a machine.
//!
//! Made from what `incident/` folded and nothing else. Must not know how a journal is stored, nor anything of AWS.
//! Requests are quoted here, so everything is neutralised and escaped: attackers write some of these strings.

mod escape;
mod json_lines;
mod markdown;
mod parts;

use chrono::{DateTime, Utc};

use crate::incident::{Folded, Verification};
pub use crate::model::export::Format;

pub use json_lines::{ActionLine, FaultShape, IncidentLine, Line, SCHEMA, TornShape, VerificationLine, json_lines};
pub use markdown::markdown;

/// What a report is made from.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// The incident.
    pub folded: &'a Folded,
    /// What checking its journal found.
    pub verification: &'a Verification,
    /// When the report is written (account time, UTC); what has expired is judged by it.
    pub at: DateTime<Utc>,
}

/// The incident in a format.
///
/// # Errors
/// Only where something cannot be JSON at all.
pub fn write(format: Format, export: &Export<'_>) -> Result<String, serde_json::Error> {
    match format {
        Format::Markdown => Ok(markdown(export)),
        Format::JsonLines => json_lines(export),
    }
}
