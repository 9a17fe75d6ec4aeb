//! `config check`, `drill check`, `playbook check`: what is wrong with files.

use serde::Serialize;

use crate::model::reader::Mistake;

/// Something wrong with a file.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MistakeShape {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, and a hint.
    pub message: String,
}

impl MistakeShape {
    /// A mistake as every check prints it.
    #[must_use]
    pub fn of(one: &Mistake) -> Self {
        let Mistake { file, line, column, message } = one.clone();
        Self { file, line, column, message }
    }

    /// Mistakes as every check prints them.
    #[must_use]
    pub fn each(all: &[Mistake]) -> Vec<Self> {
        all.iter().map(Self::of).collect()
    }
}

/// `playbook check` and `drill check`: the files that were checked.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckedFiles {
    /// Each file that was named.
    pub files: Vec<CheckedFile>,
}

/// A file that was checked.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckedFile {
    /// The file, as it was named.
    pub file: String,
    /// What is wrong with it.
    pub mistakes: Vec<MistakeShape>,
}

/// `config check`: what is wrong with the configuration, and what it leaves unsaid.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigCheck {
    /// The configuration.
    pub config: ConfigShape,
}

/// What is wrong with a configuration, and what it leaves unsaid.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigShape {
    /// The file; null if there is none: then the defaults hold.
    pub file: Option<String>,
    /// Whether there are no mistakes.
    pub sound: bool,
    /// What is wrong with it.
    pub mistakes: Vec<MistakeShape>,
    /// What it leaves unsaid, what stops an action first.
    pub unsaid: Vec<UnsaidShape>,
    /// What it names that does not exist; null unless `--account` was given.
    pub unmatched: Option<Vec<UnmatchedShape>>,
}

/// What a configuration leaves unsaid.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnsaidShape {
    /// The key: `guards.break-glass`.
    pub key: String,
    /// What follows, and what to write.
    pub message: String,
}

/// A name of the configuration that is nobody's.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnmatchedShape {
    /// The key: `signals.stages`.
    pub key: String,
    /// The name.
    pub name: String,
    /// Why it applies to nothing.
    pub message: String,
}
