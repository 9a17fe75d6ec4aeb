//! Reading TOML with places: every mistake is kept with its file, line and column, and reading goes on.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::text::{neutralised, shortened};

pub(crate) type Node<'t> = Spanned<DeValue<'t>>;

/// Something wrong with a file that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, and a hint.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", neutralised(&self.file), self.line, self.column, neutralised(&self.message))
    }
}

/// A file being read.
pub(crate) struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    pub(crate) mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, mistakes: Vec::new() }
    }

    /// Notes a mistake at a place.
    pub(crate) fn wrong(&mut self, at: &Range<usize>, message: impl Into<String>) {
        let mistake = self.placed(at, message);
        self.mistakes.push(mistake);
    }

    /// A mistake at a place.
    pub(crate) fn placed(&self, at: &Range<usize>, message: impl Into<String>) -> Mistake {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
        Mistake { file: self.file.to_owned(), line, column, message: message.into() }
    }

    /// Notes that the file cannot be read as TOML.
    pub(crate) fn no_toml(&mut self, error: &toml::de::Error) {
        let why = error.message().trim().replace('\n', ", ");
        let message = format!("this is not TOML: {why}. Write key = value, and texts in quotes");
        self.wrong(&error.span().unwrap_or(0..0), message);
    }

    /// Notes every key of a table that is not among `known`.
    pub(crate) fn only(&mut self, table: &DeTable<'_>, place: &str, known: &[&str]) {
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let hint = if name.contains("override") || name == "confirm" {
                ". A playbook can neither lift a guard nor confirm a plan; the responder can".to_owned()
            } else if matches!(name, "shell" | "command" | "run" | "exec") {
                ". A playbook runs no commands; it names actions".to_owned()
            } else {
                near(name, known.iter().copied())
            };
            self.wrong(&key.span(), format!("{place} has no key “{}”{hint}", shortened(name, 60)));
        }
    }

    /// A text under `key`.
    pub(crate) fn text(&mut self, table: &DeTable<'_>, key: &str) -> Option<(String, Range<usize>)> {
        let node = table.get(key)?;
        match node.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some((text.trim().to_owned(), node.span())),
            Some(_) => {
                self.wrong(&node.span(), format!("“{key}” is empty. Write a text"));
                None
            }
            None => {
                self.wrong_type(node, key, "a text in quotes");
                None
            }
        }
    }

    /// A text that must be there; `of` is where it is noted where it is not.
    pub(crate) fn required(
        &mut self,
        table: &DeTable<'_>,
        key: &str,
        place: &str,
        of: &Range<usize>,
    ) -> Option<(String, Range<usize>)> {
        if table.get(key).is_none() {
            self.wrong(of, format!("{place} has no “{key}”. Write {key} = \"…\""));
        }
        self.text(table, key)
    }

    /// `true` or `false` under `key`; false where there is nothing.
    pub(crate) fn flag(&mut self, table: &DeTable<'_>, key: &str) -> bool {
        match table.get(key).map(|node| (node, node.get_ref())) {
            Some((_, DeValue::Boolean(flag))) => *flag,
            Some((node, _)) => {
                self.wrong_type(node, key, "true or false, without quotes");
                false
            }
            None => false,
        }
    }

    /// Texts under `key`, each with its place.
    pub(crate) fn texts(&mut self, table: &DeTable<'_>, key: &str) -> Vec<(String, Range<usize>)> {
        let Some(node) = table.get(key) else { return Vec::new() };
        let DeValue::Array(array) = node.get_ref() else {
            self.wrong_type(node, key, "a list of texts, for example [\"…\"]");
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in array {
            match item.get_ref().as_str() {
                Some(text) => found.push((text.to_owned(), item.span())),
                None => self.wrong_type(item, key, "a list of texts"),
            }
        }
        found
    }

    pub(crate) fn wrong_type(&mut self, node: &Node<'_>, key: &str, wanted: &str) {
        let found = node.get_ref().type_str();
        self.wrong(&node.span(), format!("“{key}” takes {wanted}, not {}", article(found)));
    }
}

fn article(found: &str) -> String {
    match found {
        "integer" | "array" | "offset datetime" => format!("an {found}"),
        "boolean" => "true or false".to_owned(),
        other => format!("a {other}"),
    }
}

/// `. Did you mean “x”?` for the nearest name, or the list where it is short.
pub(crate) fn near<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    match similar::get_close_matches(word, &names, 1, 0.5).first() {
        Some(name) => format!(". Did you mean “{name}”?"),
        None if names.is_empty() => String::new(),
        None if names.len() <= 16 => format!(". There is {}", names.join(", ")),
        None => String::new(),
    }
}
