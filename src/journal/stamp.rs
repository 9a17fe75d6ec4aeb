//! Whether a journal is whole, without reading all of it every time.
//!
//! Beside the journal stands a stamp: how the system saw the file (device, inode, length, times) when every line up to
//! its end was last known to be as it was written, or known not to be. Whoever appends under the lock moves it on;
//! anybody else who touches the file changes what the system sees, and then every line is checked again. It is derived,
//! never the truth: `verify` does not look at it.

use std::fs::{File, Metadata};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::line;
use super::read::Reader;
use super::{JournalError, NO_PREVIOUS, lock, private};

/// What a stamp looks like; another number is another program's.
const FORMAT: u32 = 1;
/// The longest stamp worth reading, bytes.
const LONGEST: u64 = 16 * 1024;

/// A journal's chain as it was last checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chain {
    /// Whole lines.
    pub(crate) lines: u64,
    /// Where the last of them ends, bytes.
    pub(crate) end: u64,
    /// The hash of the last of them.
    pub(crate) hash: String,
    /// The first line that is not as it was written, and what is wrong with it.
    pub(crate) fault: Option<ChainFault>,
}

/// Where a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChainFault {
    /// Which line of the file, from 1.
    pub(crate) line: u64,
    /// What is wrong.
    pub(crate) wrong: String,
    /// Whether lines that were there are there no more.
    pub(crate) cut: bool,
    /// Whether the journal has a line that says so.
    pub(crate) told: bool,
}

impl Chain {
    fn nothing() -> Self {
        Self { lines: 0, end: 0, hash: NO_PREVIOUS.to_owned(), fault: None }
    }
}

/// What the system says of a file: it changes whenever anything in the file does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Seen {
    #[cfg(unix)]
    fn of(meta: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            length: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    fn of(meta: &Metadata) -> Self {
        let since = |time: std::io::Result<std::time::SystemTime>| {
            let passed = time.ok().and_then(|t| t.duration_since(std::time::SystemTime::UNIX_EPOCH).ok());
            passed.map_or((0, 0), |d| (i64::try_from(d.as_secs()).unwrap_or(0), i64::from(d.subsec_nanos())))
        };
        Self { device: 0, inode: 0, length: meta.len(), modified: since(meta.modified()), changed: (0, 0) }
    }
}

/// What stands beside the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    format: u32,
    seen: Seen,
    pub(super) chain: Chain,
}

impl Stamp {
    /// The stamp beside the journal at `path`, whether it fits or not.
    fn beside(path: &Path) -> Option<Self> {
        let file = private::reading(&stamp_of(path)).ok()?;
        let known = file.metadata().ok().filter(|meta| meta.len() <= LONGEST)?;
        let mut bytes = Vec::with_capacity(usize::try_from(known.len()).ok()?);
        std::io::Read::read_to_end(&mut std::io::Read::take(file, LONGEST), &mut bytes).ok()?;
        serde_json::from_slice::<Self>(&bytes).ok().filter(|stamp| stamp.format == FORMAT)
    }

    /// The stamp beside the journal, where it fits the file as it is now.
    pub(super) fn fitting(file: &File, path: &Path) -> Option<Self> {
        let now = Seen::of(&file.metadata().ok()?);
        Self::beside(path).filter(|stamp| stamp.seen == now)
    }

    /// Puts a stamp beside a journal that is as `file` is now. Best effort: without one everything is checked again.
    pub(super) fn put(file: &File, path: &Path, chain: Chain) {
        let Ok(meta) = file.metadata() else { return };
        let stamp = Self { format: FORMAT, seen: Seen::of(&meta), chain };
        if let Ok(bytes) = serde_json::to_vec(&stamp) {
            let _ = private::replace(&stamp_of(path), &bytes);
        }
    }
}

fn stamp_of(path: &Path) -> std::path::PathBuf {
    path.with_extension("stamp")
}

/// The chain of the journal at `path` as it is now: from its stamp where that fits, else by checking every line.
pub(crate) fn chain(path: &Path) -> Result<Chain, JournalError> {
    let file = private::reading(path).map_err(|e| JournalError::io("open", path, e))?;
    let settled = lock::settled(&file);
    if let Some(stamp) = Stamp::fitting(&file, path) {
        return Ok(stamp.chain);
    }
    let before = Stamp::beside(path).map(|stamp| stamp.chain);
    let seen = file.metadata().map(|meta| Seen::of(&meta)).ok();
    let (mut chain, passed) = checked(path, before.as_ref())?;
    if let (Some(before), None) = (&before, &chain.fault)
        && !passed
    {
        chain.fault = Some(ChainFault {
            line: chain.lines + 1,
            wrong: format!(
                "{} lines were here, and {} of them are: lines were removed from its end",
                before.lines, chain.lines
            ),
            cut: true,
            told: false,
        });
    }
    if let (Some(fault), Some(known)) = (&mut chain.fault, before.and_then(|before| before.fault)) {
        fault.told = known.told && known.line == fault.line;
    }
    // Only what nobody was writing to meanwhile.
    if settled && seen == file.metadata().map(|meta| Seen::of(&meta)).ok() {
        Stamp::put(&file, path, chain.clone());
    }
    Ok(chain)
}

/// Checks every line; says as well whether the last line that was known before is among them.
fn checked(path: &Path, before: Option<&Chain>) -> Result<(Chain, bool), JournalError> {
    let mut chain = Chain::nothing();
    let known = |chain: &Chain| before.is_none_or(|b| b.lines == chain.lines && b.hash == chain.hash);
    let mut passed = known(&chain);
    let mut reader = Reader::open(path)?;
    while let Some(raw) = reader.next_raw()? {
        if raw.is_torn() {
            break;
        }
        match line::follows(raw.bytes, raw.number, &chain.hash) {
            Ok(hash) => chain.hash.replace_range(.., hash),
            Err(wrong) => {
                let fault = ChainFault { line: raw.number, wrong: wrong.to_string(), cut: false, told: false };
                chain.fault = Some(fault);
                break;
            }
        }
        chain.lines += 1;
        chain.end = raw.offset + raw.length;
        passed |= known(&chain);
    }
    Ok((chain, passed))
}
