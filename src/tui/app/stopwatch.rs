//! How long what somebody waits for has taken: looked at twice a second, and only while there is something.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::tui::busy::{Busy, UNTOLD};
use crate::tui::event::Event;
use crate::tui::state::State;

/// What is waited for since when, and how often that was told.
#[derive(Debug, Default)]
pub(super) struct Stopwatch(Option<(Busy, Instant, u32)>);

impl Stopwatch {
    /// Begins, goes on or ends, by what the screen waits for now.
    pub(super) fn watch(&mut self, state: &mut State) {
        let busy = Busy::of(state);
        if busy == self.0.map(|(busy, ..)| busy) {
            return;
        }
        self.0 = busy.map(|busy| (busy, Instant::now(), 0));
        state.asked.elapsed = None;
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Waits until the time is told again.
    pub(super) async fn next(&self) {
        match self.0 {
            Some((_, since, told)) => sleep_until(since + UNTOLD * (told + 1)).await,
            None => std::future::pending().await,
        }
    }

    pub(super) fn tick(&mut self) -> Event {
        let Some((_, since, told)) = &mut self.0 else { return Event::Elapsed(Duration::ZERO) };
        *told += 1;
        // By how often it was told: a frame that came late does not make it late for good.
        let elapsed = since.elapsed().max(UNTOLD * *told);
        Event::Elapsed(elapsed)
    }
}
