//! Reading a journal line by line, in bounded memory, whatever state it is in.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::line::{self, Line, Wrong};
use super::{JournalError, LONGEST_LINE, lock, private, tail};

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Which line of the file, from 1.
    pub number: u64,
    /// Where it begins, bytes.
    pub offset: u64,
    /// What is wrong with it.
    pub wrong: Wrong,
    /// Its bytes without the line end, cut short where it is too long: what can still be read of it.
    pub bytes: Vec<u8>,
}

/// The remains of a write that never finished, at the end of the file. Not tampering; the next append sets it aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornLine {
    /// Which line of the file, from 1.
    pub number: u64,
    /// Where it begins, bytes.
    pub offset: u64,
    /// How long it is, bytes.
    pub bytes: u64,
}

/// Everything in a journal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// The lines that could be read, in order.
    pub lines: Vec<Line>,
    /// Those that could not.
    pub unreadable: Vec<BadLine>,
    /// The torn last line, where there is one.
    pub torn: Option<TornLine>,
    /// Files beside the journal that hold torn lines set aside earlier.
    pub set_aside: Vec<PathBuf>,
}

/// One thing found in a journal.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// A line. Its hash is not checked; [`super::verify()`] does that.
    Line(Box<Line>),
    /// A line that could not be read.
    Unreadable(BadLine),
    /// The remains of a write that never finished; always last.
    Torn(TornLine),
}

/// Reads the whole journal. For a long one prefer [`Reader`], which keeps one line at a time.
pub fn read(path: &Path) -> Result<Contents, JournalError> {
    let mut contents = Contents { set_aside: set_aside(path)?, ..Contents::default() };
    for found in Reader::open(path)? {
        match found? {
            Found::Line(line) => contents.lines.push(*line),
            Found::Unreadable(bad) => contents.unreadable.push(bad),
            Found::Torn(torn) => contents.torn = Some(torn),
        }
    }
    Ok(contents)
}

/// The files beside the journal that hold torn lines, in order of name.
pub fn set_aside(path: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(Vec::new());
    };
    let prefix = format!("{}.torn-", name.to_string_lossy());
    let mut found: Vec<PathBuf> = fs::read_dir(dir)
        .map_err(|e| JournalError::io("list", dir, e))?
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    Ok(found)
}

/// A line's bytes and where they stand.
pub(crate) struct Raw<'a> {
    /// Without the line end; cut short where it is too long.
    pub(crate) bytes: &'a [u8],
    /// Which line of the file, from 1.
    pub(super) number: u64,
    /// Where it begins.
    pub(super) offset: u64,
    /// How long it is in the file, the line end included.
    pub(super) length: u64,
    /// Whether it had a line end.
    pub(super) ended: bool,
    /// Whether nothing follows.
    pub(super) last: bool,
}

impl Raw<'_> {
    /// What this line is.
    pub(crate) fn found(&self) -> Found {
        if self.is_torn() {
            return Found::Torn(TornLine { number: self.number, offset: self.offset, bytes: self.length });
        }
        match self.parse() {
            Ok(line) => Found::Line(Box::new(line)),
            Err(wrong) => Found::Unreadable(BadLine {
                number: self.number,
                offset: self.offset,
                wrong,
                bytes: self.bytes.to_vec(),
            }),
        }
    }

    /// The line without its data, where it is one as far as that can be told without.
    pub(crate) fn head(&self) -> Option<Line> {
        if !self.bytes.is_ascii() || self.is_torn() || self.is_too_long() {
            return None;
        }
        line::parse_head(self.bytes).ok()
    }

    /// Where it ends in the file.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.length
    }

    /// Whether this is the remains of a write that never finished.
    pub(super) fn is_torn(&self) -> bool {
        self.last && !self.is_too_long() && tail::is_torn(self.bytes, self.ended)
    }

    /// The line in these bytes, whatever its hash.
    pub(super) fn parse(&self) -> Result<Line, Wrong> {
        if self.is_too_long() {
            return Err(Wrong::TooLong(self.length));
        }
        line::parse(self.bytes)
    }

    fn is_too_long(&self) -> bool {
        self.length > LONGEST_LINE as u64 + 1
    }
}

/// Reads a journal one line at a time, up to where it ended when it was opened.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    source: BufReader<File>,
    number: u64,
    offset: u64,
    limit: u64,
    buffer: Vec<u8>,
}

impl Reader {
    /// Opens a journal for reading. Waits for an append under way, briefly, so as not to take it for a torn line.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let file = private::reading(path).map_err(|e| JournalError::io("open", path, e))?;
        let limit = lock::settled_length(&file).map_err(|e| JournalError::io("read", path, e))?;
        Ok(Self::over(file, path, 0, 0, limit))
    }

    /// Opens a journal at `offset`, where line `number` has just ended, without waiting for anybody.
    pub(crate) fn open_at(path: &Path, offset: u64, number: u64) -> Result<Self, JournalError> {
        let failed = |e| JournalError::io("read", path, e);
        let mut file = private::reading(path).map_err(|e| JournalError::io("open", path, e))?;
        let limit = file.metadata().map_err(failed)?.len();
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        Ok(Self::over(file, path, offset, number, limit))
    }

    fn over(file: File, path: &Path, offset: u64, number: u64, limit: u64) -> Self {
        Self {
            path: path.to_owned(),
            source: BufReader::with_capacity(64 * 1024, file),
            number,
            offset,
            limit,
            buffer: Vec::new(),
        }
    }

    /// Where the journal ended when it was opened.
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// Where the next line begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line's bytes; a line too long to be one is skipped over, not kept.
    pub(crate) fn next_raw(&mut self) -> Result<Option<Raw<'_>>, JournalError> {
        self.buffer.clear();
        let left = self.limit.saturating_sub(self.offset);
        let most = left.min(LONGEST_LINE as u64 + 2);
        let failed = |e| JournalError::io("read", &self.path, e);
        let mut length = (&mut self.source).take(most).read_until(b'\n', &mut self.buffer).map_err(failed)? as u64;
        let mut ended = self.buffer.last() == Some(&b'\n');
        if ended {
            self.buffer.pop();
        }
        // Too long to be one: the rest of it is skipped over, not kept.
        while !ended && length >= most && length < left {
            let mut bounded = (&mut self.source).take(left - length);
            let chunk = bounded.fill_buf().map_err(failed)?;
            if chunk.is_empty() {
                break;
            }
            let newline = chunk.iter().position(|b| *b == b'\n');
            let used = newline.map_or(chunk.len(), |at| at + 1);
            bounded.consume(used);
            ended = newline.is_some();
            length += used as u64;
        }
        if length == 0 {
            return Ok(None);
        }
        let offset = self.offset;
        self.offset += length;
        self.number += 1;
        Ok(Some(Raw {
            bytes: &self.buffer,
            number: self.number,
            offset,
            length,
            ended,
            last: self.offset >= self.limit,
        }))
    }
}

impl Iterator for Reader {
    type Item = Result<Found, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_raw() {
            Ok(raw) => raw.map(|raw| Ok(raw.found())),
            Err(error) => {
                // An unreadable disk stays unreadable: end here rather than answer the same for ever.
                self.limit = self.offset;
                Some(Err(error))
            }
        }
    }
}
