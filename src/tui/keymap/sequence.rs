//! What has been pressed of a sequence.

use crossterm::event::KeyEvent;

use super::key::{pressed, shown_all};
use crate::tui::command::Context;

/// Keys that have been pressed and are the beginning of a sequence, on the screen where they were pressed. No time ends
/// it: what a key does never depends on how fast it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UnderWay {
    keys: Vec<KeyEvent>,
    context: Option<Context>,
}

impl UnderWay {
    /// A sequence of so many keys.
    pub(crate) fn of(context: Context, keys: Vec<KeyEvent>) -> Self {
        Self { keys, context: Some(context) }
    }

    /// The keys so far, for as long as the screen is the same; where there are none, no sequence is under way.
    pub(crate) fn keys(&self, context: Context) -> &[KeyEvent] {
        if self.context == Some(context) { &self.keys } else { &[] }
    }

    /// Whether keys wait for another one.
    pub(crate) fn is_there(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Ends it: none of its keys has done anything.
    pub(crate) fn end(&mut self) {
        *self = Self::default();
    }
}

/// Presses as they are shown: `Ctrl-x g`.
pub(crate) fn words(keys: &[KeyEvent]) -> String {
    shown_all(&keys.iter().map(pressed).collect::<Vec<_>>())
}
