//! The line that is being typed with what is shown beside it, and what the next one offers. Plain data.

use super::palette::Palette;
use super::prompt::{LadderPane, Prompt, PromptKind};
use super::throttle_pane::ThrottlePane;
use crate::model::connection::StageAt;

/// The line that is being typed with what is shown beside it, and what the next one offers.
#[derive(Debug, Default)]
pub(crate) struct Typing {
    pub(crate) prompt: Option<Prompt>,
    /// The palette while it is open.
    pub(crate) palette: Option<Palette>,
    /// The methods, while a throttle is being typed.
    pub(crate) throttle: Option<ThrottlePane>,
    /// The ways of closing, while one is being chosen.
    pub(crate) ladder: Option<LadderPane>,
    /// What was looked for last.
    pub(crate) found: String,
    /// The stage of the last proof, and whom it lets in.
    pub(crate) proven: Option<(StageAt, String)>,
}

impl Typing {
    /// Whether the phrase of a plan is being typed.
    pub(crate) fn is_confirming(&self) -> bool {
        self.prompt.as_ref().is_some_and(|prompt| prompt.kind == PromptKind::Confirm)
    }

    /// Ends the line and takes away what was shown beside it; gives what it was.
    pub(crate) fn close(&mut self) -> Option<Prompt> {
        (self.palette, self.throttle, self.ladder) = (None, None, None);
        self.prompt.take()
    }
}
