//! Following a journal: the lines that other processes appended since the last look, for the price of a `stat` when
//! there are none.

use std::fs;
use std::path::{Path, PathBuf};

use super::line::Line;
use super::read::{BadLine, Found, Reader};
use super::{JournalError, NO_PREVIOUS};

/// Reads a journal in instalments. Never waits for a lock, and takes only whole lines.
#[derive(Debug, Clone)]
pub struct Follower {
    path: PathBuf,
    offset: u64,
    number: u64,
    last_hash: String,
}

/// One instalment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// New lines, in order.
    pub lines: Vec<Line>,
    /// New lines that could not be read.
    pub unreadable: Vec<BadLine>,
    /// Whether there is more to take at once.
    pub more: bool,
    /// The journal is not the one followed so far (cut back, or replaced): this instalment begins at its first line,
    /// and what was made of earlier ones is void.
    pub restarted: bool,
}

impl Follower {
    /// Follows from the first line.
    #[must_use]
    pub fn from_start(path: &Path) -> Self {
        Self { path: path.to_owned(), offset: 0, number: 0, last_hash: NO_PREVIOUS.to_owned() }
    }

    /// Where the next line begins, bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes up to `most` new lines. An unreadable last line is left until something follows it: it may be an append
    /// under way, or about to be set aside.
    pub fn poll(&mut self, most: usize) -> Result<Batch, JournalError> {
        let length = fs::metadata(&self.path).map_err(|e| JournalError::io("read", &self.path, e))?.len();
        if length == self.offset {
            return Ok(Batch::default());
        }
        if length < self.offset {
            return self.restart(most);
        }
        let batch = self.take(most)?;
        match batch {
            Some(batch) => Ok(batch),
            None => self.restart(most),
        }
    }

    fn restart(&mut self, most: usize) -> Result<Batch, JournalError> {
        *self = Self::from_start(&self.path);
        let mut batch = self.take(most)?.unwrap_or_default();
        batch.restarted = true;
        Ok(batch)
    }

    /// The next instalment, or `None` where the next line does not follow the last one taken.
    fn take(&mut self, most: usize) -> Result<Option<Batch>, JournalError> {
        let resumed = self.offset > 0;
        let mut reader = Reader::open_at(&self.path, self.offset, self.number)?;
        let mut batch = Batch::default();
        let mut first = true;
        while batch.lines.len() + batch.unreadable.len() < most {
            let Some(raw) = reader.next_raw()? else {
                break;
            };
            if !raw.ended {
                break;
            }
            let (number, last, end) = (raw.number, raw.last, raw.offset + raw.length);
            match raw.found() {
                Found::Torn(_) => break,
                Found::Unreadable(_) if last => break,
                // Perhaps the middle of a line of another journal: begin again to see.
                Found::Unreadable(_) if first && resumed => return Ok(None),
                Found::Unreadable(bad) => batch.unreadable.push(bad),
                Found::Line(line) => {
                    if first && resumed && line.prev != self.last_hash {
                        return Ok(None);
                    }
                    self.last_hash.clone_from(&line.hash);
                    batch.lines.push(*line);
                }
            }
            first = false;
            self.offset = end;
            self.number = number;
        }
        batch.more = reader.offset() < reader.limit() && self.offset == reader.offset();
        Ok(Some(batch))
    }
}
