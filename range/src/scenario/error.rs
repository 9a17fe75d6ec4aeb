//! What is wrong with a scenario file, where, and what was probably meant.

use std::ops::Range;

/// A scenario that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scenario, line {line}, column {column}: {message}{}", hint_suffix(.hint.as_deref()))]
pub struct ScenarioError {
    /// Line of the first offending character, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead, where that can be guessed.
    pub hint: Option<String>,
}

fn hint_suffix(hint: Option<&str>) -> String {
    hint.map(|hint| format!(" ({hint})")).unwrap_or_default()
}

impl ScenarioError {
    /// An error at a byte range of `text`.
    pub(super) fn at(text: &str, span: &Range<usize>, message: impl Into<String>) -> Self {
        let before = text.get(..span.start.min(text.len())).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Self { line, column, message: message.into(), hint: None }
    }

    /// Adds a hint.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the nearest of `known` as the hint, or lists them when none is near.
    pub(super) fn nearest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        match closest(word, &known) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None if known.is_empty() => self.hint("none is defined"),
            None => self.hint(format!("known: {}", known.join(", "))),
        }
    }

    pub(super) fn from_toml(text: &str, error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().trim().replace('\n', " ");
        // serde says "unknown field `x`, expected one of `a`, `b`": the backticked words are all that is needed for a
        // hint.
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let hint = match quoted.split_first() {
            // Without a near one serde's own words list them.
            Some((word, known)) if message.starts_with("unknown ") => {
                closest(word, known).map(|near| format!("did you mean `{near}`?"))
            }
            Some((word, _)) if message.starts_with("missing field ") => Some(format!("write `{word} = …` there")),
            _ if message.starts_with("duplicate ") => Some("take one of the two out".to_owned()),
            // What the format's own values say ends with what to write.
            _ if message.contains("; write `") || message.contains(" such as ") => None,
            _ => Some(kind_hint(&message).to_owned()),
        };
        Self { hint, ..Self::at(text, &span, message.clone()) }
    }
}

/// How what serde or TOML expected is written.
fn kind_hint(message: &str) -> &'static str {
    match message.rsplit_once("expected ").map_or("", |(_, wanted)| wanted) {
        w if w.contains("string") => "write a text in quotes",
        w if w.starts_with(['f', 'u', 'i']) => "write a number without quotes",
        w if w.contains("boolean") => "write true or false without quotes",
        w if w.contains("sequence") || w.contains("array") => "write a list: [ … ]",
        w if w.contains("map") || w.contains("struct") || w.contains("table") => "write a table: { key = value }",
        _ => "write key = value, and texts in quotes",
    }
}

/// The known word within a third of `word`'s length in edits.
fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    known
        .iter()
        .map(|candidate| (edits(word, candidate), *candidate))
        .filter(|(far, _)| *far <= limit)
        .min()
        .map(|(_, near)| near)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
