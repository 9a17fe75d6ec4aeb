//! What every action carries: how long it lasts, why it is done, which guards are overridden.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::duration::{self, NotADuration};
use crate::model::text::quoted;

/// How it is typed that an action stays until somebody undoes it.
pub const UNTIL_UNDONE: &str = "until-undone";
/// How long a block that is proposed lasts, seconds: four hours.
pub const BLOCK_LIFE: u64 = 4 * 3_600;
/// How long a closure lasts where nobody says for how long, seconds: an hour.
pub const CLOSURE_LIFE: u64 = 3_600;
/// The shortest life of an action, seconds.
pub const SHORTEST_LIFE: u64 = 60;
/// The longest life of an action, seconds: a year.
pub const LONGEST_LIFE: u64 = 365 * 24 * 3_600;

/// Why an action cannot last so long.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LifeError {
    /// It is no length of time.
    #[error(transparent)]
    NotADuration(#[from] NotADuration),
    /// Less than [`SHORTEST_LIFE`].
    #[error("at least a minute, for example 30m")]
    TooShort,
    /// More than [`LONGEST_LIFE`].
    #[error("a year at most; leave it out for until undone")]
    TooLong,
}

/// How long an action is to last, seconds, as it is typed: a minute to a year.
///
/// # Errors
/// Where it is no length of time, or not in these bounds.
pub fn life(text: &str) -> Result<u64, LifeError> {
    match duration::parse(text)? {
        ..SHORTEST_LIFE => Err(LifeError::TooShort),
        seconds @ SHORTEST_LIFE..=LONGEST_LIFE => Ok(seconds),
        _ => Err(LifeError::TooLong),
    }
}

/// What every action carries: how long, why, and which guards are overridden.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Terms {
    /// Seconds after which it is to be undone; `None` means until somebody undoes it.
    pub expires_after_seconds: Option<u64>,
    /// Why, in the responder's words.
    pub reason: Option<String>,
    /// Ids of guards whose `stop` is overridden; needs a reason.
    pub overrides: Vec<String>,
    /// Of a closure: what becomes of it when its time is over.
    #[serde(default, skip_serializing_if = "Reopening::is_asked")]
    pub reopen: Reopening,
}

/// What becomes of a closure when its time is over. It is consented to with the plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Reopening {
    /// It stays closed, and somebody is asked.
    #[default]
    Ask,
    /// It reopens by itself once hardly more than usual come; while more do, or nobody knows, it stays closed.
    WhenQuiet,
    /// The same, and it closes again by itself, once, where the attack comes back within a quarter of an hour.
    WhenQuietCloseAgain,
}

impl Reopening {
    /// Each.
    pub const ALL: [Self; 3] = [Self::Ask, Self::WhenQuiet, Self::WhenQuietCloseAgain];

    /// It as it is typed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::WhenQuiet => "when-quiet",
            Self::WhenQuietCloseAgain => "when-quiet-close-again",
        }
    }

    /// What happens when the time is over, in words behind “when its time is over”.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Ask => "it stays closed and asks you",
            Self::WhenQuiet => {
                "it reopens by itself once hardly more requests than usual come, and otherwise stays closed"
            }
            Self::WhenQuietCloseAgain => {
                "it reopens by itself once hardly more requests than usual come, and closes again by itself, once, if the attack comes back within 15 min"
            }
        }
    }

    /// Whether somebody is asked.
    #[must_use]
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub fn is_asked(&self) -> bool {
        *self == Self::Ask
    }
}

impl Terms {
    /// Reason and overrides as a command line takes them, each with a space before it; how long is the action's own to
    /// say.
    #[must_use]
    pub fn command(&self) -> String {
        let reason = self.reason.iter().flat_map(|reason| ["--reason".to_owned(), quoted(reason)]);
        let overrides = self.overrides.iter().flat_map(|guard| ["--override".to_owned(), quoted(guard)]);
        reason.chain(overrides).fold(String::new(), |line, word| format!("{line} {word}"))
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
