//! What is printed under `-o json`, as types: one a document, with its parts. `docs/schemas` is made of them, and
//! their words are the descriptions there.
//!
//! Who prints a document fills one of these. Nothing in here reads or decides.

pub mod act;
pub mod board;
pub mod check;
pub mod figure;
pub mod ladder;
pub mod playbook;
pub mod sources;
pub mod stage;
pub mod timeline;

use serde::Serialize;

/// A command that failed, instead of its document.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorDocument {
    /// What went wrong.
    pub error: ErrorShape,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorShape {
    /// One sentence, with the next step where there is one.
    pub message: String,
    /// Further lines: what differs from the plan that was confirmed, for example.
    pub detail: Vec<String>,
    /// The exit code of the process.
    pub exit_code: u8,
}

/// `keys`: the keymap in force, or the one that was checked.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Keys {
    /// Every command that has a key or could have one, context by context.
    pub keys: Vec<KeyRow>,
    /// What only some terminals send.
    pub warnings: Vec<KeyWarning>,
}

/// A command of the screen and its keys.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRow {
    /// Where on the screen it is in force.
    pub context: String,
    /// The command, as a keymap names it.
    pub command: String,
    /// Its keys, as people write them; empty where it has none.
    pub keys: String,
    /// What it does, in one line.
    pub does: String,
}

/// Something about a keymap that may surprise.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyWarning {
    /// Where: file and line.
    pub at: String,
    /// What may happen.
    pub message: String,
}
