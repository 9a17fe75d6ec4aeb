//! What keys mean, and what has been pressed. Plain data.

use super::command::{Command, Context};
use super::keymap::{Keymap, UnderWay};

/// What keys mean, and what has been pressed of what takes more than one press.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) map: Keymap,
    /// What has been pressed of a sequence.
    pub(crate) sequence: UnderWay,
    /// Whether leaving was asked for while a change is being made: once more leaves anyway.
    pub(crate) quit_warned: bool,
}

impl Keys {
    /// Nothing has been pressed.
    pub(crate) fn new(map: Keymap) -> Self {
        Self { map, sequence: UnderWay::default(), quit_warned: false }
    }

    /// The first key of a command as it is shown, in `context` or globally; empty where it has none there.
    pub(crate) fn key(&self, context: Context, command: Command) -> String {
        self.map.key(context, command)
    }
}
