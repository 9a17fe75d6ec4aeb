//! Which key does what: the built-in keymaps, a user's file laid over one of them, and what is wrong with that file.
//!
//! A keymap never falls back in silence: an unknown name, a key bound twice or a command without a key is an error that
//! names file and line. What only some terminals send is bound, and warned of. Knows nothing of the screen's state.

mod document;
mod error;
mod key;
mod plain;
mod read;
mod sequence;

use std::collections::HashMap;
use std::path::Path;

use crokey::KeyCombination;
use crossterm::event::KeyEvent;

pub use self::document::{document, table};
pub use self::error::KeymapError;
use self::key::{pressed, shown_all};
pub use self::plain::Warning;
pub(crate) use self::sequence::{UnderWay, words};
use super::command::{Command, Context};

/// The keymaps that come with the program, the default first: name and file. The others are laid over the default.
pub const BUILT_IN: [(&str, &str); 3] = [
    ("default", include_str!("../../keymaps/default.toml")),
    ("vim", include_str!("../../keymaps/vim.toml")),
    ("emacs", include_str!("../../keymaps/emacs.toml")),
];

/// One command's keys in one context.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Binding {
    context: Context,
    command: Command,
    /// Each a key, or several that are pressed one after the other.
    keys: Vec<Vec<KeyCombination>>,
    at: String,
    built_in: bool,
}

impl Binding {
    fn name(&self) -> String {
        format!("[{}] {}", self.context.name(), self.command.name())
    }

    /// Whether a key of both would be answered by both: in one context, or one of them global.
    fn meets(&self, other: &Self) -> bool {
        let is_everywhere = |one: Context, two: Context| one == Context::Global && two != Context::Prompt;
        self.context == other.context
            || is_everywhere(self.context, other.context)
            || is_everywhere(other.context, self.context)
    }
}

/// A complete, consistent keymap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<Binding>,
    lookup: HashMap<Context, HashMap<Vec<KeyCombination>, Command>>,
    warnings: Vec<Warning>,
}

/// What one or several presses are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A command's keys.
    Command(Command),
    /// The beginning of a sequence.
    Begins,
    /// Nothing.
    Nothing,
}

/// What a user's file is laid over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base<'a> {
    /// This built-in keymap, whatever the file says.
    Named(&'a str),
    /// The one that the file names, else this one.
    Usual(&'a str),
}

/// A built-in keymap of that name.
#[must_use]
pub fn built_in(name: &str) -> Option<(&'static str, &'static str)> {
    BUILT_IN.into_iter().find(|(known, _)| *known == name)
}

/// The default keymap, or the one that the file names, with `user`'s file (its path, for messages, and its text) laid
/// over it.
pub fn load(user: Option<(&Path, &str)>) -> Result<Keymap, KeymapError> {
    load_over(Base::Usual(BUILT_IN[0].0), user)
}

/// A built-in keymap with `user`'s file laid over it. A name that is none is the default.
pub fn load_over(base: Base<'_>, user: Option<(&Path, &str)>) -> Result<Keymap, KeymapError> {
    let user = user.map(|(path, text)| read::read(&path.display().to_string(), text, false)).transpose()?;
    let own = user.as_ref().and_then(|file| file.base);
    let name = match base {
        Base::Named(name) => name,
        Base::Usual(name) => own.unwrap_or(name),
    };
    let mut bindings = of_the_program(BUILT_IN[0])?;
    if let Some(over) = built_in(name).filter(|over| *over != BUILT_IN[0]) {
        lay(&mut bindings, of_the_program(over)?);
    }
    lay(&mut bindings, user.map_or_else(Vec::new, |file| file.bindings));
    Keymap::checked(bindings)
}

fn of_the_program((name, text): (&str, &str)) -> Result<Vec<Binding>, KeymapError> {
    read::read(&format!("keymaps/{name}.toml (built in)"), text, true).map(|file| file.bindings)
}

/// Lays bindings over others: a command that is named has the keys that are named with it, and no other.
fn lay(bindings: &mut Vec<Binding>, over: Vec<Binding>) {
    for binding in over {
        match bindings.iter_mut().find(|b| b.context == binding.context && b.command == binding.command) {
            Some(old) => *old = binding,
            None => bindings.push(binding),
        }
    }
}

impl Keymap {
    fn checked(mut bindings: Vec<Binding>) -> Result<Self, KeymapError> {
        bindings.sort_by_key(|b| (b.context, b.command));
        complete(&bindings)?;
        let mut lookup: HashMap<Context, HashMap<_, _>> = HashMap::new();
        for binding in &bindings {
            for keys in &binding.keys {
                clear(&bindings, binding, keys)?;
                lookup.entry(binding.context).or_default().insert(keys.clone(), binding.command);
            }
        }
        let mut keymap = Self { bindings, lookup, warnings: Vec::new() };
        keymap.warnings = plain::warnings(&keymap);
        Ok(keymap)
    }

    /// What presses one after the other are in `context`: by the context's own bindings, then by the global ones (a
    /// prompt has only its own). No binding begins another one where both would answer.
    #[must_use]
    pub fn find(&self, context: Context, keys: &[KeyEvent]) -> Found {
        self.looked_up(context, &keys.iter().map(pressed).collect::<Vec<_>>())
    }

    fn looked_up(&self, context: Context, keys: &[KeyCombination]) -> Found {
        let places = || in_force(context).filter_map(|place| self.lookup.get(&place));
        if let Some(command) = places().find_map(|place| place.get(keys)) {
            return Found::Command(*command);
        }
        if places().any(|place| place.keys().any(|bound| bound.starts_with(keys))) {
            Found::Begins
        } else {
            Found::Nothing
        }
    }

    /// What `key` by itself does in `context`.
    #[must_use]
    pub fn command(&self, context: Context, key: &KeyEvent) -> Option<Command> {
        match self.find(context, std::slice::from_ref(key)) {
            Found::Command(command) => Some(command),
            Found::Begins | Found::Nothing => None,
        }
    }

    /// What may follow `keys` in `context`, as it is shown, and what that does.
    #[must_use]
    pub fn follows(&self, context: Context, keys: &[KeyEvent]) -> Vec<(String, Command)> {
        let keys: Vec<KeyCombination> = keys.iter().map(pressed).collect();
        let of = |place: Context| self.bindings.iter().filter(move |b| b.context == place);
        let rest = |b: &Binding| {
            let longer = b.keys.iter().filter_map(|bound| bound.strip_prefix(keys.as_slice()));
            longer.map(|rest| (shown_all(rest), b.command)).collect::<Vec<_>>()
        };
        in_force(context).flat_map(of).flat_map(rest).collect()
    }

    /// What `key` does on another screen, for a responder who presses it here.
    #[must_use]
    pub fn elsewhere(&self, key: &KeyEvent) -> Option<(Context, Command)> {
        let key = [pressed(key)];
        Context::ALL
            .into_iter()
            .filter(|context| *context != Context::Prompt)
            .find_map(|context| Some((context, *self.lookup.get(&context)?.get(key.as_slice())?)))
    }

    /// The commands of a context with their keys as they are shown, in the order of the documentation. Where one of
    /// them is a sequence, commas stand between them.
    pub fn commands(&self, context: Context) -> impl Iterator<Item = (Command, String)> {
        self.bindings.iter().filter(move |b| b.context == context).map(|b| {
            let keys: Vec<String> = b.keys.iter().map(|keys| shown_all(keys)).collect();
            let has_sequence = b.keys.iter().any(|keys| keys.len() > 1);
            (b.command, keys.join(if has_sequence { ", " } else { " " }))
        })
    }

    /// The first key of a command as it is shown, in `context` or globally; empty where it has none there.
    #[must_use]
    pub fn key(&self, context: Context, command: Command) -> String {
        let in_context = |context| {
            self.bindings.iter().find(|b| b.context == context && b.command == command).and_then(|b| b.keys.first())
        };
        in_context(context).or_else(|| in_context(Context::Global)).map_or_else(String::new, |keys| shown_all(keys))
    }

    /// What is bound, and comes as another key from a plain terminal.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The warnings in one line; `None` where there are none.
    pub(super) fn warned(&self) -> Option<String> {
        let (first, rest) = self.warnings.split_first()?;
        let more = if rest.is_empty() { String::new() } else { format!("; {} more: portcullis keys", rest.len()) };
        Some(format!("{}{more}", first.short()))
    }
}

/// Where keys are looked up while `context` is shown, the first that has them first.
fn in_force(context: Context) -> impl Iterator<Item = Context> {
    let global = (!matches!(context, Context::Prompt | Context::Global)).then_some(Context::Global);
    std::iter::once(context).chain(global)
}

/// Every command has a key wherever it applies.
fn complete(bindings: &[Binding]) -> Result<(), KeymapError> {
    for context in Context::ALL {
        for command in Command::ALL.iter().filter(|c| c.contexts().contains(&context)) {
            let found = bindings.iter().find(|b| b.context == context && b.command == *command);
            if found.is_none_or(|b| b.keys.is_empty()) {
                return Err(KeymapError::NoKey {
                    at: found.map_or_else(|| "keymaps/default.toml (built in)".to_owned(), |b| b.at.clone()),
                    context: context.name(),
                    command: command.name(),
                });
            }
        }
    }
    Ok(())
}

/// No other binding has the same keys where both would answer, nor has one that they begin.
fn clear(bindings: &[Binding], binding: &Binding, keys: &[KeyCombination]) -> Result<(), KeymapError> {
    let meeting = || bindings.iter().filter(|other| other.meets(binding));
    // Its own keys stand once in its list.
    let same = meeting().find(|other| {
        let itself = other.context == binding.context && other.command == binding.command;
        other.keys.iter().filter(|bound| *bound == keys).count() > usize::from(itself)
    });
    if let Some(other) = same {
        let (blamed, other) = blamed(binding, other);
        return Err(KeymapError::Twice {
            at: blamed.at.clone(),
            key: shown_all(keys),
            first: blamed.name(),
            second: format!("{} ({})", other.name(), other.at),
        });
    }
    let is_longer = |bound: &&Vec<KeyCombination>| bound.len() > keys.len() && bound.starts_with(keys);
    let begun = meeting().find_map(|other| Some((other, other.keys.iter().find(is_longer)?)));
    if let Some((other, longer)) = begun {
        let (blamed, other) = blamed(binding, other);
        return Err(KeymapError::Begins {
            at: blamed.at.clone(),
            key: shown_all(keys),
            longer: shown_all(longer),
            first: blamed.name(),
            second: format!("{} ({})", other.name(), other.at),
        });
    }
    Ok(())
}

/// The user's line is the one to change, so it is the one named first.
fn blamed<'a>(one: &'a Binding, other: &'a Binding) -> (&'a Binding, &'a Binding) {
    if one.built_in { (other, one) } else { (one, other) }
}
