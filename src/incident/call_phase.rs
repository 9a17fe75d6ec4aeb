//! How far a call that changes the account has got.

use serde::{Deserialize, Serialize};

/// How far one API call has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CallPhase {
    /// About to leave the process.
    Sending,
    /// AWS said yes.
    Answered,
    /// AWS said no, or it never left: it did not take effect.
    Failed,
    /// No answer: it may have taken effect.
    NoAnswer,
}

impl CallPhase {
    /// The phase as a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::NoAnswer => "no answer",
        }
    }
}
