//! The board's rows, in the order in which they are shown. Plain data.

use std::collections::HashSet;

use super::list::Cursor;
use crate::model::connection::{ConnectionId, StageAt};

/// By what the board is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sort {
    #[default]
    Worst,
    Requests,
    ClientErrors,
    ServerErrors,
    Throttled,
    Latency,
    Blocked,
    Name,
}

impl Sort {
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Worst => Self::Requests,
            Self::Requests => Self::ClientErrors,
            Self::ClientErrors => Self::ServerErrors,
            Self::ServerErrors => Self::Throttled,
            Self::Throttled => Self::Latency,
            Self::Latency => Self::Blocked,
            Self::Blocked => Self::Name,
            Self::Name => Self::Worst,
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Worst => "the worst first",
            Self::Requests => "requests",
            Self::ClientErrors => "4XX share",
            Self::ServerErrors => "5XX share",
            Self::Throttled => "throttled (429)",
            Self::Latency => "p99 latency",
            Self::Blocked => "blocked",
            Self::Name => "name",
        }
    }
}

/// A row of the board: an index into the stages of a connection's board, or a connection that has none and says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RowAt {
    pub(crate) at: ConnectionId,
    pub(crate) index: usize,
}

impl RowAt {
    /// The row of a connection that could not be read and so has no stages.
    pub(crate) fn unread(at: ConnectionId) -> Self {
        Self { at, index: usize::MAX }
    }

    pub(crate) fn is_unread(self) -> bool {
        self.index == usize::MAX
    }
}

/// The board's rows as they are shown.
#[derive(Debug, Default)]
pub(crate) struct BoardPane {
    /// The rows, filtered and sorted.
    pub(crate) order: Vec<RowAt>,
    pub(crate) cursor: Cursor,
    /// The stage the responder moved to; `None` follows the first row, which is the worst.
    pub(crate) held: Option<StageAt>,
    /// The connection without stages that the responder moved to.
    pub(crate) held_unread: Option<ConnectionId>,
    /// Whether the stage that is held has gone from its board: then nothing is selected, least of all another stage.
    pub(crate) gone: bool,
    /// Stages kept on top, until the console is left.
    pub(crate) pinned: Vec<StageAt>,
    pub(crate) sort: Sort,
    pub(crate) reversed: bool,
    /// Rows whose name another one has as well: they show their API's id.
    pub(crate) twins: HashSet<RowAt>,
    /// Columns of the longest name among the rows.
    pub(crate) label_width: u16,
    pub(crate) filter: String,
}
