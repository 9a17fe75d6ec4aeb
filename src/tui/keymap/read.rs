//! Reading a keymap file: every mistake is told with its line.

use std::ops::Range;

use crokey::KeyCombination;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::KeymapError;
use super::key::{NAMED_KEYS, is_escape, is_typed, never_comes, presses, several, shown, shown_all};
use super::{BUILT_IN, Binding, built_in};
use crate::tui::command::{Command, Context};

/// A keymap file: what it is laid over, where it says so, and what it binds.
pub(super) struct File {
    pub(super) base: Option<&'static str>,
    pub(super) bindings: Vec<Binding>,
}

/// Reads a file; `built_in` is whether it comes with the program.
pub(super) fn read(file: &str, text: &str, built_in: bool) -> Result<File, KeymapError> {
    let at = |span: Range<usize>| format!("{file}:{}", line_of(text, span.start));
    let table = DeTable::parse(text).map_err(|error| KeymapError::Syntax {
        at: at(error.span().unwrap_or(0..0)),
        message: error.message().trim().replace('\n', ", "),
    })?;
    let (mut base, mut bindings) = (None, Vec::new());
    for (name, value) in table.get_ref() {
        if name.get_ref() == "base" {
            base = Some(base_of(value, &at)?);
            continue;
        }
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
            let keys = keys(context, command, value, &at)?;
            bindings.push(Binding { context, command, keys, at: at(name.span()), built_in });
        }
    }
    Ok(File { base, bindings })
}

fn base_of(value: &Spanned<DeValue<'_>>, at: &impl Fn(Range<usize>) -> String) -> Result<&'static str, KeymapError> {
    let Some(name) = value.get_ref().as_str() else {
        return Err(KeymapError::NotABase { at: at(value.span()), found: value.get_ref().type_str() });
    };
    built_in(name).map(|(known, _)| known).ok_or_else(|| KeymapError::UnknownBase {
        at: at(value.span()),
        name: name.to_owned(),
        hint: near(name),
    })
}

/// The nearest name of a built-in keymap.
fn near(name: &str) -> String {
    let names = BUILT_IN.map(|(known, _)| known);
    let nearest = similar::get_close_matches(name, &names, 1, 0.5);
    nearest.first().map_or_else(String::new, |near| format!("; did you mean “{near}”?"))
}

fn keys(
    context: Context,
    command: Command,
    value: &Spanned<DeValue<'_>>,
    at: &impl Fn(Range<usize>) -> String,
) -> Result<Vec<Vec<KeyCombination>>, KeymapError> {
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
        let presses = presses(text).ok_or_else(|| KeymapError::UnknownKey {
            at: at(item.span()),
            key: text.to_owned(),
            hint: hint(text),
        })?;
        bindable(context, text, &presses, || at(item.span()))?;
        keys.push(presses);
    }
    Ok(keys)
}

/// Whether presses can be bound in a context at all.
fn bindable(
    context: Context,
    text: &str,
    presses: &[KeyCombination],
    at: impl Fn() -> String,
) -> Result<(), KeymapError> {
    if let Some((why, instead)) = presses.iter().find_map(|key| never_comes(*key)) {
        return Err(KeymapError::NeverComes { at: at(), key: text.to_owned(), why, instead });
    }
    match (context, presses) {
        (Context::Prompt, [key]) if is_typed(*key) => Err(KeymapError::Typed { at: at(), key: shown(*key) }),
        (_, [_] | []) => Ok(()),
        (Context::Prompt, _) => Err(KeymapError::SequenceInPrompt { at: at(), keys: shown_all(presses) }),
        _ if presses.iter().any(is_escape) => Err(KeymapError::Ends { at: at(), keys: shown_all(presses) }),
        _ => Ok(()),
    }
}

/// What may have been meant by a text that is no key, or by the first of several that is none.
fn hint(text: &str) -> String {
    let wrong = text.split(' ').find(|part| !part.is_empty() && presses(part).is_none()).unwrap_or(text);
    match several(wrong) {
        Some(characters) => format!("; “{wrong}” is {characters} characters, and a terminal sends them one by one"),
        None => nearest(wrong, NAMED_KEYS.iter().copied()),
    }
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
