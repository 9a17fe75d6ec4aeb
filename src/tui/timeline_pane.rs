//! The timeline as it is shown.

use std::sync::Arc;

use crate::model::connection::ConnectionId;

use super::list::Cursor;
use super::timeline_view::TimelineView;

/// A line of the timeline screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// An index into the timeline's actions.
    Action(usize),
    /// An index into the timeline's entries.
    Entry(usize),
}

/// The timeline as it is shown: what is in force first, then what happened, newest first.
#[derive(Debug, Default)]
pub(crate) struct TimelinePane {
    /// Whose timeline it is.
    pub(crate) at: ConnectionId,
    pub(crate) view: Arc<TimelineView>,
    pub(crate) items: Vec<Item>,
    pub(crate) cursor: Cursor,
}
