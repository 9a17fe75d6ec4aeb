//! `ByteMatchStatement`: a string at some place in a text.

use memchr::memmem::Finder;
use serde_json::Value;

use super::super::flaw::Flaw;
use super::super::transform::blob;

/// Where the string must be; documented in `API_ByteMatchStatement.html`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Exactly,
    StartsWith,
    EndsWith,
    Contains,
    ContainsWord,
}

/// A string to look for, compiled. It may hold any bytes, and capitals count (documented).
#[derive(Debug)]
pub(crate) struct ByteMatch {
    finder: Finder<'static>,
    position: Position,
}

/// What a word is made of: letters A to Z, digits and `_` (documented).
const fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl ByteMatch {
    /// Reads `SearchString` and `PositionalConstraint`. The string travels in Base64; text that is none stands for
    /// itself, so that a scenario may be written by hand.
    pub(super) fn read(body: &Value) -> Result<Self, Flaw> {
        const FIELD: &str = "BYTE_MATCH_STATEMENT";
        let position = match body["PositionalConstraint"].as_str() {
            Some("EXACTLY") => Position::Exactly,
            Some("STARTS_WITH") => Position::StartsWith,
            Some("ENDS_WITH") => Position::EndsWith,
            Some("CONTAINS") => Position::Contains,
            Some("CONTAINS_WORD") => Position::ContainsWord,
            _ => return Err(Flaw::missing(FIELD, "PositionalConstraint")),
        };
        let text = body["SearchString"].as_str().ok_or_else(|| Flaw::missing(FIELD, "SearchString"))?;
        let search = blob(text).unwrap_or_else(|| text.as_bytes().to_vec());
        if position == Position::ContainsWord && !search.iter().all(|byte| in_word(*byte)) {
            let reason = "For CONTAINS_WORD the string contains only alphanumeric characters and underscores.";
            return Err(Flaw::wrong(FIELD, text, reason));
        }
        Ok(Self { finder: Finder::new(&search).into_owned(), position })
    }

    /// Whether the string is there.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let search = self.finder.needle();
        match self.position {
            Position::Exactly => text == search,
            Position::StartsWith => text.starts_with(search),
            Position::EndsWith => text.ends_with(search),
            Position::Contains => self.finder.find(text).is_some(),
            Position::ContainsWord => self.finder.find_iter(text).any(|at| {
                let (before, after) = (&text[..at], &text[at + search.len()..]);
                !before.last().is_some_and(|byte| in_word(*byte)) && !after.first().is_some_and(|byte| in_word(*byte))
            }),
        }
    }
}
