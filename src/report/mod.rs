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

pub use json_lines::{SCHEMA, json_lines};
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

/// A form in which an incident can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A Markdown document (GitHub's dialect, for its tables).
    Markdown,
    /// JSON Lines, schema [`SCHEMA`].
    JsonLines,
}

impl Format {
    /// Its name, as it is typed and as the journal records it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::JsonLines => "json-lines",
        }
    }

    /// The usual file name extension, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::JsonLines => "jsonl",
        }
    }

    /// The report in this form.
    ///
    /// # Errors
    /// Only where something cannot be JSON at all.
    pub fn write(self, export: &Export<'_>) -> Result<String, serde_json::Error> {
        match self {
            Self::Markdown => Ok(markdown(export)),
            Self::JsonLines => json_lines(export),
        }
    }
}
