//! The timeline of an incident as it is told to the screen. Knows nothing of how it is shown.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::model::attack::Attacks;
use crate::model::timeline::{ActionRecord, TimelineEntry};

/// The timeline as the screen shows it.
#[derive(Debug, Clone, Default)]
pub struct TimelineView {
    /// The incident's id, where one is open.
    pub incident: Option<String>,
    /// When it was opened, account time.
    pub opened_at: Option<DateTime<Utc>>,
    /// What happened, oldest first.
    pub entries: Arc<[TimelineEntry]>,
    /// Every action of the incident, oldest first.
    pub actions: Vec<ActionRecord>,
    /// The attacks that are pinned in it and stand.
    pub attacks: Attacks,
}
