//! When the next frame is due: at once for a key, a moment later for news, and never more than thirty times in a
//! second.

use std::time::Duration;

use tokio::time::Instant;

/// The time between frames while everything moves, and how many may follow each other at once after a rest, so that an
/// answer to a key need not wait because news came a moment before: together thirty in any second.
const FRAME: Duration = Duration::from_millis(36);
const AT_ONCE: u32 = 3;

/// How long news waits for more of it. News comes in bursts: at the start, who we are, an empty board, the journal and
/// the first rows within a few milliseconds. A frame for each would use up what may follow at once, and the rows would
/// wait for it.
pub(super) const GATHER: Duration = Duration::from_millis(10);

/// Why there is something to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Somebody is looking for it: a key, or the start.
    Person,
    /// It came by itself.
    News,
}

#[derive(Debug)]
pub(super) struct Pacing {
    earliest: Instant,
    wanted: Option<Instant>,
}

impl Pacing {
    /// Nothing drawn yet, nothing wanted.
    pub(super) fn new() -> Self {
        Self { earliest: after_a_rest(), wanted: None }
    }

    /// Something has changed on the screen.
    pub(super) fn want(&mut self, cause: Cause) {
        let now = Instant::now();
        let at = if cause == Cause::Person { now } else { now + GATHER };
        self.wanted = Some(self.wanted.map_or(at, |wanted| wanted.min(at)));
    }

    /// When to draw; `None` while nothing has changed.
    pub(super) fn due(&self) -> Option<Instant> {
        self.wanted.map(|wanted| wanted.max(self.earliest))
    }

    /// A frame was drawn.
    pub(super) fn drawn(&mut self) {
        self.wanted = None;
        self.earliest = self.earliest.max(after_a_rest()) + FRAME;
    }
}

/// When the next frame would have been due, had there been none for a long time.
fn after_a_rest() -> Instant {
    let now = Instant::now();
    now.checked_sub(FRAME * (AT_ONCE - 1)).unwrap_or(now)
}
