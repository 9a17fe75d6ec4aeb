//! One line: how an entry becomes bytes, and how bytes are taken apart and checked.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::json::ascii_json;
use super::{JournalError, LONGEST_LINE};
use crate::model::identity::Actor;

/// What stands between the hashed bytes and the hash.
const HASH_KEY: &[u8] = b",\"hash\":\"";
/// What follows the hash.
const END: &[u8] = b"\"}";
/// Hexadecimal characters of a SHA-256.
const HASH_LENGTH: usize = 64;

/// Something to be written: what the caller decides. Sequence number and chain are the journal's business.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When, account time, UTC; written with milliseconds.
    pub at: DateTime<Utc>,
    /// What kind of thing; this layer does not interpret it.
    pub kind: String,
    /// Who.
    pub actor: Actor,
    /// Everything else, a JSON object.
    pub data: Value,
}

/// A line as it was read. Unknown keys beside these are ignored; `data` is kept whole.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Line {
    /// Its number in the journal, from 1.
    pub seq: u64,
    /// When, account time, UTC.
    pub at: DateTime<Utc>,
    /// What kind of thing.
    pub kind: String,
    /// Who.
    pub actor: Actor,
    /// Everything else.
    #[serde(default)]
    pub data: Value,
    /// The previous line's hash.
    pub prev: String,
    /// SHA-256 over the line's raw bytes before `,"hash"`, lowercase hexadecimal.
    pub hash: String,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Wrong {
    /// Not JSON, or JSON without what every line has.
    #[error("it is not a journal line: {0}")]
    NotALine(String),
    /// Longer than a line may be.
    #[error("it is {0} bytes long, more than a line may be")]
    TooLong(u64),
    /// Its bytes do not give its hash: the line was changed after it was written.
    #[error("its bytes give {computed}, and it says {said}: the line was changed after it was written")]
    Hash {
        /// What the bytes give.
        computed: String,
        /// What the line says.
        said: String,
    },
    /// It does not follow the line before it: a line was changed, taken out or put in.
    #[error(
        "it says that it follows {said}, and the line before it is {expected}: a line before it was changed, removed or inserted"
    )]
    Chain {
        /// The previous line's hash.
        expected: String,
        /// What the line says.
        said: String,
    },
    /// Its number is not the next one.
    #[error("it is numbered {said} where {expected} is due")]
    Sequence {
        /// The next number.
        expected: u64,
        /// What the line says.
        said: u64,
    },
}

/// A line in the making.
#[derive(Serialize)]
struct Body<'a> {
    seq: u64,
    at: String,
    kind: &'a str,
    actor: &'a Actor,
    data: &'a Value,
    prev: &'a str,
}

/// The bytes of `entry` as line `seq` after `prev`, with its line end, and its hash.
pub(super) fn encode(entry: &Entry, seq: u64, prev: &str) -> Result<(Vec<u8>, String), JournalError> {
    let mut bytes = ascii_json(&Body {
        seq,
        at: entry.at.to_rfc3339_opts(SecondsFormat::Millis, true),
        kind: &entry.kind,
        actor: &entry.actor,
        data: &entry.data,
        prev,
    })?;
    bytes.pop();
    let hash = digest(&bytes);
    bytes.extend_from_slice(HASH_KEY);
    bytes.extend_from_slice(hash.as_bytes());
    bytes.extend_from_slice(END);
    if bytes.len() > LONGEST_LINE {
        return Err(JournalError::TooLong { bytes: bytes.len(), limit: LONGEST_LINE });
    }
    bytes.push(b'\n');
    Ok((bytes, hash))
}

/// A line taken out of its bytes (without the line end). Its hash is not checked here.
pub(super) fn parse(raw: &[u8]) -> Result<Line, Wrong> {
    serde_json::from_slice(raw).map_err(|error| Wrong::NotALine(error.to_string()))
}

/// A line without its data, which is passed over.
pub(super) fn parse_head(raw: &[u8]) -> Result<Line, serde_json::Error> {
    #[derive(Deserialize)]
    struct Head {
        seq: u64,
        at: DateTime<Utc>,
        kind: String,
        actor: Actor,
        prev: String,
        hash: String,
    }
    let Head { seq, at, kind, actor, prev, hash } = serde_json::from_slice(raw)?;
    Ok(Line { seq, at, kind, actor, data: Value::Null, prev, hash })
}

/// Whether the line's bytes give the hash that ends it.
pub(super) fn check_hash(raw: &[u8]) -> Result<(), Wrong> {
    let without = || Wrong::NotALine("it does not end with its hash".to_owned());
    let body_length = raw.len().checked_sub(HASH_KEY.len() + HASH_LENGTH + END.len()).ok_or_else(without)?;
    let (body, rest) = raw.split_at(body_length);
    let said = rest
        .strip_prefix(HASH_KEY)
        .and_then(|rest| rest.strip_suffix(END))
        .and_then(|said| std::str::from_utf8(said).ok())
        .ok_or_else(without)?;
    let computed = digest(body);
    if computed == said { Ok(()) } else { Err(Wrong::Hash { computed, said: said.to_owned() }) }
}

/// The hash that a line says it has.
pub(super) fn said_hash(raw: &[u8]) -> Option<&str> {
    let said = raw.strip_suffix(END)?;
    let said = &said[said.len().checked_sub(HASH_LENGTH)?..];
    std::str::from_utf8(said).ok().filter(|said| said.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The hash of a line that is as it was written, stands in its place and follows the line of the hash `prev`; what it
/// says is not looked at.
pub(super) fn follows<'a>(raw: &'a [u8], number: u64, prev: &str) -> Result<&'a str, Wrong> {
    check_hash(raw)?;
    let body = &raw[..raw.len() - HASH_KEY.len() - HASH_LENGTH - END.len()];
    let in_place = || {
        let tail = body.strip_suffix(b"\"")?.strip_suffix(prev.as_bytes())?;
        let head = body.strip_prefix(b"{\"seq\":")?.strip_prefix(number.to_string().as_bytes())?;
        (tail.ends_with(b",\"prev\":\"") && head.starts_with(b",")).then_some(())
    };
    if in_place().is_none() {
        // Another order of keys, or another place: the slow way tells.
        let line = parse(raw)?;
        if line.seq != number {
            return Err(Wrong::Sequence { expected: number, said: line.seq });
        }
        if line.prev != prev {
            return Err(Wrong::Chain { expected: prev.to_owned(), said: line.prev });
        }
    }
    said_hash(raw).ok_or_else(|| Wrong::NotALine("it does not end with its hash".to_owned()))
}

/// Lowercase hexadecimal SHA-256.
pub(super) fn digest(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(HASH_LENGTH);
    for byte in Sha256::digest(bytes) {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}
