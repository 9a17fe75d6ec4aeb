//! Writing: lock, read the tail, chain, write once, flush, unlock. Every append stands alone, so that a second
//! terminal, a headless command and a scheduled sweep can share one journal.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::line::{self, Entry};
use super::stamp::{self, Chain, ChainFault, Stamp};
use super::tail::{self, Tail};
use super::ticket::{Grant, Ticket};
use super::{BROKEN_KIND, FILE_NAME, JournalError, NO_PREVIOUS, TORN_KIND, lock, private};

/// A journal that can be appended to. Holds no lock and no open file: cheap to clone, safe to share between threads.
#[derive(Debug, Clone)]
pub struct Journal {
    path: PathBuf,
}

/// What an append left on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The line's number.
    pub seq: u64,
    /// The line's hash.
    pub hash: String,
    /// Where a torn line was set aside, where there was one.
    pub set_aside: Option<PathBuf>,
}

/// An intent to be written, and what it would permit.
#[derive(Debug)]
pub struct Intent {
    /// The line.
    pub entry: Entry,
    /// The calls it permits.
    pub grants: Vec<Grant>,
    /// The action's id.
    pub action_id: String,
    /// The twelve-digit account.
    pub account: String,
    /// The region.
    pub region: String,
}

impl Journal {
    /// Begins a journal in `dir`, which is not there yet, with its first line: made under another name, flushed, and
    /// given its own only then, so that whoever is killed on the way leaves nothing behind that looks like an incident.
    pub fn begin(dir: &Path, first: &Entry) -> Result<Self, JournalError> {
        let taken = || JournalError::AlreadyThere { path: dir.join(FILE_NAME) };
        let parent = dir.parent().unwrap_or(Path::new(""));
        private::folder(parent).map_err(|e| JournalError::io("create", parent, e))?;
        if fs::symlink_metadata(dir).is_ok() {
            return Err(taken());
        }
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        let beside = parent.join(private::own_name(&name));
        let made = Self::begun(&beside, first).and_then(|()| {
            fs::rename(&beside, dir).map_err(|e| match e.kind() {
                ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory => taken(),
                _ => JournalError::io("create", dir, e),
            })
        });
        if let Err(error) = made {
            let _ = fs::remove_dir_all(&beside);
            return Err(error);
        }
        private::flush_folder(parent).map_err(|e| JournalError::io("flush", parent, e))?;
        Ok(Self { path: dir.join(FILE_NAME) })
    }

    fn begun(dir: &Path, first: &Entry) -> Result<(), JournalError> {
        private::new_folder(dir).map_err(|e| JournalError::io("create", dir, e))?;
        let path = dir.join(FILE_NAME);
        let failed = |e| JournalError::io("create", &path, e);
        let mut file = private::new_file(&path).map_err(failed)?;
        let (bytes, hash) = line::encode(first, 1, NO_PREVIOUS)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
        Stamp::put(&file, &path, Chain { lines: 1, end: bytes.len() as u64, hash, fault: None });
        private::flush_folder(dir).map_err(|e| JournalError::io("flush", dir, e))
    }

    /// A journal that exists.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        private::reading(path).map_err(|e| JournalError::io("open", path, e))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one line and returns once it is on disk. On an error nothing of it stays in the journal, as far as the
    /// disk still obeys.
    pub fn append(&self, entry: &Entry) -> Result<Receipt, JournalError> {
        self.append_with(|_| Ok(entry)).map(|(receipt, _)| receipt)
    }

    /// Appends one line that rests on what the journal said up to line `after`: nothing is written where another line
    /// stands last.
    ///
    /// # Errors
    /// [`JournalError::MovedOn`] where somebody else has written meanwhile: read again, and decide again.
    pub fn append_after(&self, after: u64, entry: &Entry) -> Result<Receipt, JournalError> {
        let expected = after.saturating_add(1);
        let made = |seq| {
            let moved_on = || JournalError::MovedOn { path: self.path.clone() };
            if seq == expected { Ok(entry) } else { Err(moved_on()) }
        };
        self.append_with(made).map(|(receipt, _)| receipt)
    }

    /// Writes an intent and yields the ticket for it, only after the line is on disk.
    pub fn append_intent(
        &self,
        entry: &Entry,
        grants: Vec<Grant>,
        action_id: impl Into<String>,
        account: impl Into<String>,
        region: impl Into<String>,
    ) -> Result<Ticket, JournalError> {
        let intent = Intent {
            entry: entry.clone(),
            grants,
            action_id: action_id.into(),
            account: account.into(),
            region: region.into(),
        };
        self.append_intent_with(|_| Ok(intent))
    }

    /// Like [`Journal::append_intent`], for an intent that must know its own line number: `make` is given it under the
    /// lock, so that an id derived from it is nobody else's. `make` must not touch the journal.
    pub fn append_intent_with<E: From<JournalError>>(
        &self,
        make: impl FnOnce(u64) -> Result<Intent, E>,
    ) -> Result<Ticket, E> {
        let (_, intent) = self.append_with(make)?;
        Ok(Ticket::issue(intent.action_id, intent.account, intent.region, intent.grants))
    }

    /// The one way to the disk. What `make` returns is handed back only once its line is flushed.
    fn append_with<T: AsRef<Entry>, E: From<JournalError>>(
        &self,
        make: impl FnOnce(u64) -> Result<T, E>,
    ) -> Result<(Receipt, T), E> {
        // Checks every line where anybody but an append of ours has touched the file; before the lock, since it may
        // take a moment.
        let known = stamp::chain(&self.path)?;
        let mut file = private::appending(&self.path).map_err(|e| JournalError::io("open", &self.path, e))?;
        lock::exclusive(&file, &self.path)?;
        let stamped = Stamp::fitting(&file, &self.path).map(|stamp| stamp.chain);
        let tail = tail::read(&mut file, &self.path)?;
        let mut chain = NewLines::after(&tail);
        let broken = stamped.as_ref().unwrap_or(&known).fault.clone().filter(|fault| !fault.told);
        // Made before anything is touched: a refusal here leaves the file as it was, torn line and all.
        let subject = make(chain.seq + u64::from(tail.torn.is_some()) + u64::from(broken.is_some()))?;
        let entry = subject.as_ref();
        let set_aside = match &tail.torn {
            Some(torn) => {
                let kept = self.set_aside(torn)?;
                chain.push(&torn_entry(entry, torn, &kept))?;
                Some(kept)
            }
            None => None,
        };
        if let Some(fault) = &broken {
            chain.push(&broken_entry(entry, fault))?;
        }
        let (seq, hash) = chain.push(entry)?;
        self.write(&mut file, &tail, &chain.bytes)?;
        if let Some(before) = stamped {
            Stamp::put(&file, &self.path, chain.stamped(before, &tail));
        }
        Ok((Receipt { seq, hash, set_aside }, subject))
    }

    /// One write, one flush; on failure the file is cut back to what it was.
    fn write(&self, file: &mut File, tail: &Tail, bytes: &[u8]) -> Result<(), JournalError> {
        if tail.torn.is_some() {
            file.set_len(tail.end).map_err(|e| JournalError::io("cut back", &self.path, e))?;
        }
        let written = file
            .write_all(bytes)
            .map_err(|e| JournalError::io("write", &self.path, e))
            .and_then(|()| file.sync_data().map_err(|e| JournalError::io("flush", &self.path, e)));
        if written.is_err() {
            // The caller is told that nothing was recorded; leave no half line that says otherwise. If this fails too,
            // the next append sets the remains aside.
            let _ = file.set_len(tail.end);
        }
        written
    }

    /// Copies a torn line into `journal.jsonl.torn-N`, flushed, before it is cut off.
    fn set_aside(&self, torn: &[u8]) -> Result<PathBuf, JournalError> {
        let mut number = 1u32;
        loop {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".torn-{number}"));
            let kept = PathBuf::from(name);
            let mut file = match private::new_file(&kept) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                    number += 1;
                    continue;
                }
                other => other.map_err(|e| JournalError::io("create", &kept, e))?,
            };
            file.write_all(torn).and_then(|()| file.sync_all()).map_err(|e| JournalError::io("write", &kept, e))?;
            if let Some(dir) = self.path.parent() {
                private::flush_folder(dir).map_err(|e| JournalError::io("flush", dir, e))?;
            }
            return Ok(kept);
        }
    }
}

impl AsRef<Entry> for Intent {
    fn as_ref(&self) -> &Entry {
        &self.entry
    }
}

impl AsRef<Self> for Entry {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Lines in the making, each chained to the one before.
struct NewLines {
    seq: u64,
    prev: String,
    bytes: Vec<u8>,
}

impl NewLines {
    fn after(tail: &Tail) -> Self {
        let (seq, prev) = match &tail.last {
            // Its hash as it says, even if its bytes give another: the record goes on, and `verify` names the line.
            Some(line) => (line.seq.saturating_add(1), line.hash.clone()),
            None => (1, NO_PREVIOUS.to_owned()),
        };
        let bytes = if tail.lacks_line_end { vec![b'\n'] } else { Vec::new() };
        Self { seq, prev, bytes }
    }

    fn push(&mut self, entry: &Entry) -> Result<(u64, String), JournalError> {
        let (bytes, hash) = line::encode(entry, self.seq, &self.prev)?;
        self.bytes.extend_from_slice(&bytes);
        let seq = self.seq;
        self.seq += 1;
        self.prev.clone_from(&hash);
        Ok((seq, hash))
    }

    /// What is known of the chain once these lines stand after `tail`, where `before` was known then.
    fn stamped(&self, before: Chain, tail: &Tail) -> Chain {
        match before.fault {
            // Nothing after a fault is checked.
            Some(fault) => Chain { fault: Some(ChainFault { told: true, ..fault }), ..before },
            None => Chain {
                lines: self.seq - 1,
                end: tail.end + self.bytes.len() as u64,
                hash: self.prev.clone(),
                fault: None,
            },
        }
    }
}

/// The line that says where the chain is broken: before anything else is written to a journal that is not as it was.
fn broken_entry(next: &Entry, fault: &ChainFault) -> Entry {
    Entry {
        at: next.at,
        kind: BROKEN_KIND.to_owned(),
        actor: next.actor.clone(),
        data: json!({ "line": fault.line, "wrong": fault.wrong }),
    }
}

/// The line that says that a torn line was set aside: where to, how much, and its hash.
fn torn_entry(next: &Entry, torn: &[u8], kept: &Path) -> Entry {
    let file = kept.file_name().map(|name| name.to_string_lossy().into_owned());
    Entry {
        at: next.at,
        kind: TORN_KIND.to_owned(),
        actor: next.actor.clone(),
        data: json!({ "file": file, "bytes": torn.len(), "sha256": line::digest(torn) }),
    }
}
