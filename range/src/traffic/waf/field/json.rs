//! `JsonBody`: the keys and values of a body that is JSON, or nearly.
//!
//! "AWS WAF does its best to parse the entire JSON body, but might be forced to stop for reasons such as invalid
//! characters, duplicate keys, truncation, and any content whose root node isn't an object or an array" (documented in
//! `waf-rule-statement-fields-list.html`, which also lists what is taken all the same: a missing comma, a missing
//! colon, extra colons). What else AWS lets pass is not documented; here nothing else is. Escapes in strings are
//! decoded, and numbers, `true`, `false` and `null` are looked at as they are written (both inferred).

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use super::super::flaw::Flaw;
use super::super::statement::strings;
use super::{Oversize, Seen, Subject, single};

/// `InvalidFallbackBehavior`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fallback {
    /// Not given: "evaluates the content only up to the first parsing failure" (documented).
    Partial,
    /// `EVALUATE_AS_STRING`: the body as plain text.
    Text,
    /// `MATCH`, `NO_MATCH`.
    Settled(bool),
}

/// `JsonBody` of a `FieldToMatch`; documented in `API_JsonBody.html`.
#[derive(Debug, Clone)]
pub(crate) struct JsonBody {
    /// What is below one of these JSON Pointers, each in parts; one without parts stands for everything.
    pointers: Vec<Vec<Vec<u8>>>,
    keys: bool,
    values: bool,
    fallback: Fallback,
    oversize: Oversize,
}

impl JsonBody {
    /// Reads the member.
    pub(super) fn read(json: &Value) -> Result<Self, Flaw> {
        const PATTERN: &str = "JSON_MATCH_PATTERN";
        let one = "Exactly one of All and IncludedPaths";
        let pointers = match single(&json["MatchPattern"]).ok_or_else(|| Flaw::missing(PATTERN, one))? {
            ("All", _) => vec![Vec::new()],
            ("IncludedPaths", paths) => {
                let paths = strings(paths);
                if paths.is_empty() {
                    return Err(Flaw::missing(PATTERN, "IncludedPaths"));
                }
                paths.iter().map(|path| pointer(path)).collect::<Result<_, _>>()?
            }
            (other, _) => return Err(Flaw::missing(PATTERN, other)),
        };
        let (keys, values) = match json["MatchScope"].as_str() {
            Some("ALL") => (true, true),
            Some("KEY") => (true, false),
            Some("VALUE") => (false, true),
            other => return Err(Flaw::missing("JSON_MATCH_SCOPE", other.unwrap_or("MatchScope"))),
        };
        let fallback = match json["InvalidFallbackBehavior"].as_str() {
            None => Fallback::Partial,
            Some("EVALUATE_AS_STRING") => Fallback::Text,
            Some("MATCH") => Fallback::Settled(true),
            Some("NO_MATCH") => Fallback::Settled(false),
            Some(other) => return Err(Flaw::missing("BODY_PARSING_FALLBACK_BEHAVIOR", other)),
        };
        Ok(Self { pointers, keys, values, fallback, oversize: Oversize::read(json, false)? })
    }

    /// The elements that are looked at.
    pub(super) fn look<'r>(&self, subject: Subject<'r>) -> Seen<'r> {
        if let Oversize::Settled(verdict) = self.oversize
            && subject.body_is_oversize()
        {
            return Seen::Settled(verdict);
        }
        let body = subject.body();
        if body.is_empty() {
            return Seen::Texts(Vec::new());
        }
        let mut reader = Reader { wanted: self, rest: body, path: Vec::new(), stack: Vec::new(), found: Vec::new() };
        let whole = reader.document();
        match self.fallback {
            _ if whole.is_some() => Seen::Texts(reader.found),
            Fallback::Partial => Seen::Texts(reader.found),
            Fallback::Text => Seen::one(body),
            Fallback::Settled(verdict) => Seen::Settled(verdict),
        }
    }

    /// Whether what is at a path is below one of the pointers.
    fn includes(&self, path: &[Vec<u8>]) -> bool {
        self.pointers.iter().any(|pointer| path.starts_with(pointer))
    }
}

/// The parts of a JSON Pointer (RFC 6901).
fn pointer(path: &str) -> Result<Vec<Vec<u8>>, Flaw> {
    let parts = path.strip_prefix('/').ok_or_else(|| Flaw::missing("JSON_MATCH_PATTERN", path))?;
    Ok(parts.split('/').map(|part| part.replace("~1", "/").replace("~0", "~").into_bytes()).collect())
}

/// An object or array that is open.
enum Open {
    /// Its keys so far.
    Object(HashSet<Vec<u8>>),
    /// How many elements so far.
    Array(usize),
}

/// Reads a body as far as it goes. Not by calling itself: a body of brackets would go deeper than the stack.
struct Reader<'j, 'r> {
    wanted: &'j JsonBody,
    rest: &'r [u8],
    path: Vec<Vec<u8>>,
    stack: Vec<Open>,
    found: Vec<Cow<'r, [u8]>>,
}

impl<'r> Reader<'_, 'r> {
    /// The whole body; `None` where parsing has to stop.
    fn document(&mut self) -> Option<()> {
        self.skip_space();
        match self.rest.first()? {
            b'{' | b'[' => self.value()?,
            _ => return None,
        }
        let mut comma = false;
        while let Some(open) = self.stack.last() {
            let is_object = matches!(open, Open::Object(_));
            let is_empty = match open {
                Open::Object(keys) => keys.is_empty(),
                Open::Array(count) => *count == 0,
            };
            self.skip_space();
            match self.rest.first()? {
                b',' if !comma && !is_empty => {
                    self.rest = &self.rest[1..];
                    comma = true;
                    continue;
                }
                b'}' if is_object && !comma => self.close(),
                b']' if !is_object && !comma => self.close(),
                b'"' if is_object => self.member()?,
                _ if is_object => return None,
                _ => self.element()?,
            }
            comma = false;
        }
        self.skip_space();
        self.rest.is_empty().then_some(())
    }

    fn close(&mut self) {
        self.rest = &self.rest[1..];
        self.stack.pop();
        // The root has no part of a path.
        self.path.pop();
    }

    /// A key and its value, with any number of colons between them (documented: none, or too many, do not matter).
    fn member(&mut self) -> Option<()> {
        let key = self.string()?;
        let Some(Open::Object(keys)) = self.stack.last_mut() else { return None };
        if !keys.insert(key.clone()) {
            return None;
        }
        if self.wanted.keys && self.wanted.includes(&self.path) {
            self.found.push(Cow::Owned(key.clone()));
        }
        self.skip_space();
        while let Some(rest) = self.rest.strip_prefix(b":") {
            self.rest = rest;
            self.skip_space();
        }
        self.path.push(key);
        self.value()
    }

    fn element(&mut self) -> Option<()> {
        let Some(Open::Array(count)) = self.stack.last_mut() else { return None };
        self.path.push(count.to_string().into_bytes());
        *count += 1;
        self.value()
    }

    /// A value at the path; one that opens stays on the stack, and its part on the path.
    fn value(&mut self) -> Option<()> {
        match self.rest.first()? {
            b'{' => self.stack.push(Open::Object(HashSet::new())),
            b'[' => self.stack.push(Open::Array(0)),
            first => {
                let text = if *first == b'"' { Cow::Owned(self.string()?) } else { Cow::Borrowed(self.word()?) };
                if self.wanted.values && self.wanted.includes(&self.path) {
                    self.found.push(text);
                }
                self.path.pop();
                return Some(());
            }
        }
        self.rest = &self.rest[1..];
        Some(())
    }

    fn string(&mut self) -> Option<Vec<u8>> {
        let mut at = 1;
        loop {
            at += memchr::memchr2(b'"', b'\\', self.rest.get(at..)?)?;
            if self.rest[at] == b'"' {
                break;
            }
            at += 2;
        }
        let (text, rest) = self.rest.split_at(at + 1);
        let decoded = serde_json::from_slice::<String>(text).ok()?;
        self.rest = rest;
        Some(decoded.into_bytes())
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<&'r [u8]> {
        let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let (word, rest) = self.rest.split_at(self.rest.iter().take_while(belongs).count());
        serde_json::from_slice::<serde::de::IgnoredAny>(word).ok()?;
        self.rest = rest;
        Some(word)
    }

    fn skip_space(&mut self) {
        let count = self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.rest = &self.rest[count..];
    }
}
