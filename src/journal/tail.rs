//! The end of a journal: the last whole line, and what a write that never finished left behind it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::line::{self, Line};
use super::{JournalError, LONGEST_LINE, private};

/// Bytes read at a time, backwards.
const STEP: usize = 64 * 1024;

/// What stands at the end of a journal.
pub(super) struct Tail {
    /// The last whole line, where there is one.
    pub(super) last: Option<Line>,
    /// Where the next line goes.
    pub(super) end: u64,
    /// The last line is whole except for its line end.
    pub(super) lacks_line_end: bool,
    /// Bytes after `end` of a write that never finished.
    pub(super) torn: Option<Vec<u8>>,
}

/// Reads the end of `file`, and no more of it than its last two lines.
pub(super) fn read(file: &mut File, path: &Path) -> Result<Tail, JournalError> {
    let length = file.metadata().map_err(|e| JournalError::io("read", path, e))?.len();
    if length == 0 {
        return Ok(Tail { last: None, end: 0, lacks_line_end: false, torn: None });
    }
    let (start, mut bytes, ended) = last_line(file, length, path)?;
    if !ended && line::check_hash(&bytes).is_ok() {
        return Ok(Tail { last: Some(parsed(&bytes, path)?), end: length, lacks_line_end: true, torn: None });
    }
    if ended && !is_torn(&bytes, ended) {
        return Ok(Tail { last: Some(parsed(&bytes, path)?), end: length, lacks_line_end: false, torn: None });
    }
    if ended {
        bytes.push(b'\n');
    }
    let last = if start == 0 {
        None
    } else {
        let (_, before, _) = last_line(file, start, path)?;
        Some(parsed(&before, path)?)
    };
    Ok(Tail { last, end: start, lacks_line_end: false, torn: Some(bytes) })
}

/// Whether the last line's bytes are a write that never finished: no line end, or bytes that never reached the disk.
pub(super) fn is_torn(bytes: &[u8], ended: bool) -> bool {
    if ended {
        // JSON never holds a zero byte; a file system that lost power may.
        bytes.contains(&0)
    } else {
        line::check_hash(bytes).is_err()
    }
}

/// The hash that the line which ends at `end` says it has.
pub(crate) fn hash_before(path: &Path, end: u64) -> Option<String> {
    let mut file = private::reading(path).ok()?;
    let (_, bytes, ended) = last_line(&mut file, end, path).ok()?;
    line::said_hash(&bytes).filter(|_| ended).map(str::to_owned)
}

fn parsed(bytes: &[u8], path: &Path) -> Result<Line, JournalError> {
    line::parse(bytes).map_err(|wrong| JournalError::Damaged { path: path.to_owned(), why: wrong.to_string() })
}

/// The line that ends at `end`: where it starts, its bytes without the line end, and whether it had one.
fn last_line(file: &mut File, end: u64, path: &Path) -> Result<(u64, Vec<u8>, bool), JournalError> {
    let failed = |e| JournalError::io("read", path, e);
    let mut reversed: Vec<u8> = Vec::new();
    let mut at = end;
    let mut ended = false;
    while at > 0 {
        let step = usize::try_from(at).map_or(STEP, |left| left.min(STEP));
        at -= step as u64;
        let mut chunk = vec![0; step];
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        file.read_exact(&mut chunk).map_err(failed)?;
        if reversed.is_empty() && !ended && chunk.last() == Some(&b'\n') {
            chunk.pop();
            ended = true;
        }
        if let Some(newline) = chunk.iter().rposition(|b| *b == b'\n') {
            reversed.extend(chunk[newline + 1..].iter().rev());
            reversed.reverse();
            return Ok((at + newline as u64 + 1, reversed, ended));
        }
        reversed.extend(chunk.iter().rev());
        if reversed.len() > LONGEST_LINE {
            return Err(JournalError::Damaged {
                path: path.to_owned(),
                why: format!("it is longer than {LONGEST_LINE} bytes"),
            });
        }
    }
    reversed.reverse();
    Ok((0, reversed, ended))
}
