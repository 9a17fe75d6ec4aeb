//! What can be wrong with a keymap.

use thiserror::Error;

use super::BUILT_IN;

/// What is wrong with a keymap; every message names file and line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeymapError {
    /// Not TOML.
    #[error("{at}: this is not TOML: {message}; write [board], and below it sources = \"w\"")]
    Syntax {
        /// File and line.
        at: String,
        /// What the TOML parser says.
        message: String,
    },
    /// A table that is no context.
    #[error("{at}: there is no context [{name}]{hint}")]
    UnknownContext {
        /// File and line.
        at: String,
        /// What was written.
        name: String,
        /// The nearest names.
        hint: String,
    },
    /// A context that holds no commands.
    #[error("{at}: “{name}” is a context, and takes commands; write [{name}], and below it a command = \"w\"")]
    NoTable {
        /// File and line.
        at: String,
        /// The context.
        name: &'static str,
    },
    /// A name that is no command of that context.
    #[error("{at}: there is no command “{name}” in [{context}]{hint}")]
    UnknownCommand {
        /// File and line.
        at: String,
        /// The context.
        context: &'static str,
        /// What was written.
        name: String,
        /// The nearest names.
        hint: String,
    },
    /// A text that is no key.
    #[error(
        "{at}: “{key}” is not a key{hint}; write a character, or esc, enter, f5, ctrl-x, alt-x, shift-tab and the like"
    )]
    UnknownKey {
        /// File and line.
        at: String,
        /// What was written.
        key: String,
        /// The nearest names.
        hint: String,
    },
    /// Something other than a text or a list of texts.
    #[error("{at}: “{command}” takes a key or a list of keys in quotes, not {found}; write {command} = \"w\"")]
    NotAKey {
        /// File and line.
        at: String,
        /// The command.
        command: String,
        /// The TOML type found.
        found: &'static str,
    },
    /// One key, two commands.
    #[error("{at}: {key} is bound twice: {first} and {second}; give one of them another key")]
    Twice {
        /// File and line.
        at: String,
        /// The key.
        key: String,
        /// `[context] command` with file and line.
        first: String,
        /// `[context] command`.
        second: String,
    },
    /// A key that is a binding, and the beginning of another one.
    #[error("{at}: {key} is bound by itself and begins {longer}: {first} and {second}; give one of them another key")]
    Begins {
        /// File and line.
        at: String,
        /// The key, or keys.
        key: String,
        /// What it begins.
        longer: String,
        /// `[context] command`.
        first: String,
        /// `[context] command` with file and line.
        second: String,
    },
    /// A sequence that has Esc in it.
    #[error("{at}: {keys} cannot be bound: Esc ends a sequence, and Esc before a key is Alt; use another key")]
    Ends {
        /// File and line.
        at: String,
        /// The keys.
        keys: String,
    },
    /// A sequence in `[prompt]`.
    #[error("{at}: {keys} cannot be bound in [prompt], where a line is typed: write one key, and no sequence")]
    SequenceInPrompt {
        /// File and line.
        at: String,
        /// The keys.
        keys: String,
    },
    /// A built-in keymap that there is not.
    #[error("{at}: there is no built-in keymap “{name}”{hint}; there is {}", BUILT_IN.map(|(known, _)| known).join(", "))]
    UnknownBase {
        /// File and line.
        at: String,
        /// What was written.
        name: String,
        /// The nearest name.
        hint: String,
    },
    /// A base that is no text.
    #[error("{at}: “base” takes the name of a built-in keymap in quotes, not {found}; write base = \"vim\"")]
    NotABase {
        /// File and line.
        at: String,
        /// The TOML type found.
        found: &'static str,
    },
    /// A command that could not be reached.
    #[error("{at}: [{context}] {command} has no key left; every command needs one: write {command} = \"w\"")]
    NoKey {
        /// File and line.
        at: String,
        /// The context.
        context: &'static str,
        /// The command.
        command: &'static str,
    },
    /// A key that no terminal sends as itself.
    #[error("{at}: {key} cannot be bound: {why}; {instead}")]
    NeverComes {
        /// File and line.
        at: String,
        /// The key.
        key: String,
        /// Why it never comes.
        why: &'static str,
        /// What to write.
        instead: &'static str,
    },
    /// A character in `[prompt]`, where characters are typed.
    #[error("{at}: {key} cannot be bound in [prompt], where it is typed; use a key with ctrl- or alt-, or a named one")]
    Typed {
        /// File and line.
        at: String,
        /// The key.
        key: String,
    },
}
