//! Boards: when the next one goes out, and how.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::model::board::Board;
use crate::model::series::floor_minute;

/// Wall time between boards.
const BETWEEN_BOARDS: Duration = Duration::from_millis(250);

/// The same while details stream in that nobody looks at, for each stage known: as polls out of turn, and for the same
/// reason.
const BETWEEN_DETAILS_A_STAGE: Duration = Duration::from_millis(20);

/// The first boards go out at once: the first rows and figures are what somebody is waiting for.
const AT_ONCE: u32 = 20;

/// What is known that no board shows yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unshown {
    Nothing,
    /// Details that nobody looks at: they may wait for more.
    Details,
    /// What somebody may be waiting for.
    WaitedFor,
}

/// The boards that go out.
pub(super) struct Boards {
    sender: watch::Sender<Arc<Board>>,
    /// Wall time of the last one, at first of the start.
    published: Instant,
    /// How many have gone out.
    out: u32,
    /// The minute of the last one.
    minute: DateTime<Utc>,
    unshown: Unshown,
}

impl Boards {
    pub(super) fn new(sender: watch::Sender<Arc<Board>>, now: DateTime<Utc>) -> Self {
        let minute = floor_minute(now);
        Self { sender, published: Instant::now(), out: 0, minute, unshown: Unshown::Nothing }
    }

    /// Something is known that no board shows yet.
    pub(super) fn changed(&mut self, urgent: bool) {
        self.unshown = self.unshown.max(if urgent { Unshown::WaitedFor } else { Unshown::Details });
    }

    /// When the next one goes out, wall time, with so many stages known; `None` where nothing has changed.
    pub(super) fn due_at(&self, stages: usize) -> Option<Instant> {
        if self.unshown == Unshown::Nothing {
            return None;
        }
        // Never reckoned from the present: a board would then always be due a moment later.
        if self.out < AT_ONCE {
            return Some(self.published);
        }
        let stages = u32::try_from(stages).unwrap_or(u32::MAX);
        let details = BETWEEN_BOARDS.max(BETWEEN_DETAILS_A_STAGE.saturating_mul(stages));
        Some(self.published + if self.unshown == Unshown::WaitedFor { BETWEEN_BOARDS } else { details })
    }

    /// Whether one is to be made: a minute has turned, or something has changed.
    pub(super) fn is_due(&self, now: DateTime<Utc>, stages: usize) -> bool {
        floor_minute(now) != self.minute || self.due_at(stages).is_some_and(|at| Instant::now() >= at)
    }

    /// Account time at which the minute turns: figures grow old even where nothing comes.
    pub(super) fn turns_at(&self) -> DateTime<Utc> {
        self.minute + TimeDelta::minutes(1)
    }

    /// One was made of everything that is known.
    pub(super) fn made(&mut self) {
        self.unshown = Unshown::Nothing;
    }

    /// Sends one out.
    pub(super) fn send(&mut self, board: Board) {
        self.minute = floor_minute(board.at);
        self.sender.send_replace(Arc::new(board));
        self.published = Instant::now();
        self.out = self.out.saturating_add(1);
    }
}
