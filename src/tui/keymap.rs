//! Which key does what: the built-in keymap, a user's file laid over it, and what is wrong with that file.
//!
//! A keymap never falls back in silence: an unknown name, a key bound twice or a command without a key is an error that
//! names file and line. Knows nothing of the screen's state.

mod key;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use crokey::KeyCombination;
use crossterm::event::KeyEvent;
use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use self::key::{NAMED_KEYS, is_typed, key, never_comes, pressed, shown};
use super::command::{Command, Context};

const DEFAULT: &str = include_str!("../../keymaps/default.toml");
const DEFAULT_NAME: &str = "keymaps/default.toml (built in)";

/// What is wrong with a keymap; every message names file and line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeymapError {
    /// Not TOML.
    #[error("{at}: this is no TOML: {message}; write [board], and below it sources = \"w\"")]
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
    /// A key that never comes from a terminal as itself.
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

/// One command's keys in one context.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Binding {
    context: Context,
    command: Command,
    keys: Vec<KeyCombination>,
    at: String,
}

/// A complete, consistent keymap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<Binding>,
    lookup: HashMap<(Context, KeyCombination), Command>,
}

/// The built-in keymap with `user`'s file (its path, for messages, and its text) laid over it.
pub fn load(user: Option<(&Path, &str)>) -> Result<Keymap, KeymapError> {
    let mut bindings = parse(DEFAULT_NAME, DEFAULT)?;
    if let Some((path, text)) = user {
        for binding in parse(&path.display().to_string(), text)? {
            match bindings.iter_mut().find(|b| b.context == binding.context && b.command == binding.command) {
                Some(old) => *old = binding,
                None => bindings.push(binding),
            }
        }
    }
    Keymap::checked(bindings)
}

impl Keymap {
    fn checked(mut bindings: Vec<Binding>) -> Result<Self, KeymapError> {
        bindings.sort_by_key(|b| (b.context, b.command));
        for context in Context::ALL {
            for command in Command::ALL.iter().filter(|c| c.contexts().contains(&context)) {
                let found = bindings.iter().find(|b| b.context == context && b.command == *command);
                if found.is_none_or(|b| b.keys.is_empty()) {
                    return Err(KeymapError::NoKey {
                        at: found.map_or_else(|| DEFAULT_NAME.to_owned(), |b| b.at.clone()),
                        context: context.name(),
                        command: command.name(),
                    });
                }
            }
        }
        let mut lookup = HashMap::new();
        for binding in &bindings {
            for key in &binding.keys {
                if let Some(other) = clash(&bindings, binding, *key) {
                    // The user's line is the one to change, so it is the one named first.
                    let (blamed, other) =
                        if binding.at.starts_with(DEFAULT_NAME) { (other, binding) } else { (binding, other) };
                    return Err(KeymapError::Twice {
                        at: blamed.at.clone(),
                        key: shown(*key),
                        first: format!("[{}] {}", blamed.context.name(), blamed.command.name()),
                        second: format!("[{}] {} ({})", other.context.name(), other.command.name(), other.at),
                    });
                }
                lookup.insert((binding.context, *key), binding.command);
            }
        }
        Ok(Self { bindings, lookup })
    }

    /// What `key` does in `context`: the context's own binding, then the global one (a prompt has only its own).
    #[must_use]
    pub fn command(&self, context: Context, key: &KeyEvent) -> Option<Command> {
        let key = pressed(key);
        let own = self.lookup.get(&(context, key));
        let global = (context != Context::Prompt).then(|| self.lookup.get(&(Context::Global, key))).flatten();
        own.or(global).copied()
    }

    /// What `key` does on another screen, for a responder who presses it here.
    #[must_use]
    pub fn elsewhere(&self, key: &KeyEvent) -> Option<(Context, Command)> {
        let key = pressed(key);
        Context::ALL
            .into_iter()
            .filter(|context| *context != Context::Prompt)
            .find_map(|context| Some((context, *self.lookup.get(&(context, key))?)))
    }

    /// The commands of a context with their keys as they are shown, in the order of the documentation.
    pub fn commands(&self, context: Context) -> impl Iterator<Item = (Command, String)> {
        self.bindings.iter().filter(move |b| b.context == context).map(|b| {
            let keys: Vec<String> = b.keys.iter().map(|k| shown(*k)).collect();
            (b.command, keys.join(" "))
        })
    }

    /// The first key of a command as it is shown, in `context` or globally; empty where it has none there.
    #[must_use]
    pub fn key(&self, context: Context, command: Command) -> String {
        let in_context = |context| {
            self.bindings.iter().find(|b| b.context == context && b.command == command).and_then(|b| b.keys.first())
        };
        in_context(context).or_else(|| in_context(Context::Global)).map_or_else(String::new, |key| shown(*key))
    }
}

/// Another binding of the same key where both would answer: in one context, or one of them global.
fn clash<'a>(bindings: &'a [Binding], binding: &Binding, key: KeyCombination) -> Option<&'a Binding> {
    bindings.iter().find(|other| {
        let same_place = other.context == binding.context
            || (other.context == Context::Global && binding.context != Context::Prompt)
            || (binding.context == Context::Global && other.context != Context::Prompt);
        let itself = other.context == binding.context && other.command == binding.command;
        let times = other.keys.iter().filter(|k| **k == key).count();
        same_place && times > usize::from(itself)
    })
}

fn parse(file: &str, text: &str) -> Result<Vec<Binding>, KeymapError> {
    let at = |span: Range<usize>| format!("{file}:{}", line_of(text, span.start));
    let table = DeTable::parse(text).map_err(|error| KeymapError::Syntax {
        at: at(error.span().unwrap_or(0..0)),
        message: error.message().trim().replace('\n', ", "),
    })?;
    let mut bindings = Vec::new();
    for (name, value) in table.get_ref() {
        let context = Context::ALL.into_iter().find(|c| c.name() == name.get_ref().as_ref());
        let Some(context) = context else {
            return Err(KeymapError::UnknownContext {
                at: at(name.span()),
                name: name.get_ref().to_string(),
                hint: named(name.get_ref(), Context::ALL.iter().map(|c| c.name())),
            });
        };
        let Some(commands) = value.get_ref().as_table() else {
            return Err(KeymapError::NoTable { at: at(name.span()), name: context.name() });
        };
        for (name, value) in commands {
            let here = Command::ALL.iter().copied().filter(|c| c.contexts().contains(&context));
            let Some(command) = here.clone().find(|c| c.name() == name.get_ref().as_ref()) else {
                return Err(KeymapError::UnknownCommand {
                    at: at(name.span()),
                    context: context.name(),
                    name: name.get_ref().to_string(),
                    hint: named(name.get_ref(), here.map(Command::name)),
                });
            };
            bindings.push(Binding { context, command, keys: keys(context, command, value, &at)?, at: at(name.span()) });
        }
    }
    Ok(bindings)
}

fn keys(
    context: Context,
    command: Command,
    value: &Spanned<DeValue<'_>>,
    at: &impl Fn(Range<usize>) -> String,
) -> Result<Vec<KeyCombination>, KeymapError> {
    let list: Vec<&Spanned<DeValue<'_>>> = match value.get_ref() {
        DeValue::Array(array) => array.iter().collect(),
        _ => vec![value],
    };
    let mut keys = Vec::with_capacity(list.len());
    for item in list {
        let Some(text) = item.get_ref().as_str() else {
            return Err(KeymapError::NotAKey {
                at: at(item.span()),
                command: command.name().to_owned(),
                found: item.get_ref().type_str(),
            });
        };
        let key = key(text).ok_or_else(|| KeymapError::UnknownKey {
            at: at(item.span()),
            key: text.to_owned(),
            hint: nearest(text, NAMED_KEYS.iter().copied()),
        })?;
        if context == Context::Prompt && is_typed(key) {
            return Err(KeymapError::Typed { at: at(item.span()), key: shown(key) });
        }
        if let Some((why, instead)) = never_comes(key) {
            return Err(KeymapError::NeverComes { at: at(item.span()), key: text.to_owned(), why, instead });
        }
        keys.push(key);
    }
    Ok(keys)
}

fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match similar::get_close_matches(word, &names, 1, 0.5).first() {
        Some(name) => format!("; did you mean “{name}”?"),
        None if names.len() <= 10 && !names.is_empty() => {
            format!("; there is {}", names.join(", "))
        }
        None => String::new(),
    }
}

/// The same, and where all are listed.
fn named<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> String {
    let hint = nearest(word, names);
    if hint.is_empty() { "; `portcullis keys` lists them".to_owned() } else { hint }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.matches('\n').count() + 1
}

/// The keymap as a Markdown table that also reads well in a terminal, a table per context.
#[must_use]
pub fn table(keymap: &Keymap) -> String {
    let mut out = String::new();
    for context in Context::ALL {
        let rows: Vec<(String, &str, &str)> =
            keymap.commands(context).map(|(command, keys)| (keys, command.name(), command.doc())).collect();
        if rows.is_empty() {
            continue;
        }
        let wide = |pick: fn(&(String, &str, &str)) -> usize, least: usize| {
            rows.iter().map(pick).max().unwrap_or(0).max(least)
        };
        let keys = wide(|r| r.0.replace('|', "\\|").chars().count(), 4);
        let names = wide(|r| r.1.len(), 7);
        let docs = wide(|r| r.2.chars().count(), 12);
        let _ = write!(out, "## [{}] {}\n\n", context.name(), context.doc());
        let _ = writeln!(out, "| {:keys$} | {:names$} | {:docs$} |", "Keys", "Command", "What it does");
        let _ = writeln!(out, "| {:-<keys$} | {:-<names$} | {:-<docs$} |", "", "", "");
        for (key, name, doc) in rows {
            let _ = writeln!(out, "| {:keys$} | {name:names$} | {doc:docs$} |", key.replace('|', "\\|"));
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// `docs/keymaps.md`, whole: generated, so that it cannot be out of date.
#[must_use]
pub fn document(keymap: &Keymap) -> String {
    format!(
        "# Keys\n\n\
         <!-- Generated from keymaps/default.toml and src/tui/command.rs; `PORTCULLIS_BLESS=1 cargo test keymap` writes it anew. -->\n\n\
         These are the built-in keys. A file of your own is laid over them: it names only the commands whose keys it changes,\n\
         in a table per context (`[board]`), as `command = \"key\"` or `command = [\"key\", \"key\"]`. `portcullis keys` prints the\n\
         keymap in force, `portcullis keys check FILE` says what is wrong with a file, with its line.\n\n\
         A key is a character or one of `esc enter space tab backtab backspace delete insert home end pageup pagedown up down\n\
         left right f1`–`f24`, with `ctrl-`, `alt-` or `shift-` before it; a capital letter is shift and the letter. What terminals\n\
         never send as itself is refused: Ctrl with `i m h [`, and Alt with `[ ] O P X ^ _ \\`. A key may be\n\
         bound once per context, the global ones included, and every command keeps at least one. In a prompt, characters are\n\
         typed, so only other keys can be bound there; the line is edited with the usual keys (←, →, Home, End, Ctrl-w, Ctrl-u).\n\n{}",
        table(keymap)
    )
}
