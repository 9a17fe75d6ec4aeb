//! Checking a journal: every line's own hash, the chain between lines, and the numbering.

use std::path::{Path, PathBuf};

use super::line::{self, Wrong};
use super::read::{Raw, Reader, TornLine, set_aside};
use super::{JournalError, NO_PREVIOUS};

/// The first line that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which line of the file, from 1.
    pub number: u64,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What checking a journal found. Lines cut off at the end leave a chain that is whole: compare `last_hash` with one
/// that was kept elsewhere (an export names it) to notice that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Lines that are as they were written, from the first.
    pub lines: u64,
    /// The hash of the last of them.
    pub last_hash: Option<String>,
    /// The first line that is not, where there is one. Nothing after it was checked.
    pub fault: Option<Fault>,
    /// The remains of a write that never finished: a crash, not tampering.
    pub torn: Option<TornLine>,
    /// Files that hold torn lines set aside earlier.
    pub set_aside: Vec<PathBuf>,
}

impl Verification {
    /// Whether every line is as it was written. A torn last line does not count against it.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.fault.is_none()
    }
}

/// Checks the journal at `path`, one line in memory at a time, up to the first fault.
pub fn verify(path: &Path) -> Result<Verification, JournalError> {
    let mut result = Verification { lines: 0, last_hash: None, fault: None, torn: None, set_aside: set_aside(path)? };
    let mut reader = Reader::open(path)?;
    while let Some(raw) = reader.next_raw()? {
        if raw.is_torn() {
            result.torn = Some(TornLine { number: raw.number, offset: raw.offset, bytes: raw.length });
            break;
        }
        let prev = result.last_hash.as_deref().unwrap_or(NO_PREVIOUS);
        match check(&raw, prev) {
            Ok(hash) => {
                result.lines += 1;
                result.last_hash = Some(hash);
            }
            Err(wrong) => {
                result.fault = Some(Fault { number: raw.number, wrong });
                break;
            }
        }
    }
    Ok(result)
}

/// The line's hash, once it was found right in itself, in its place and after its predecessor.
fn check(raw: &Raw<'_>, prev: &str) -> Result<String, Wrong> {
    let line = raw.parse()?;
    line::check_hash(raw.bytes)?;
    if line.seq != raw.number {
        return Err(Wrong::Sequence { expected: raw.number, said: line.seq });
    }
    if line.prev != prev {
        return Err(Wrong::Chain { expected: prev.to_owned(), said: line.prev });
    }
    Ok(line.hash)
}
