//! What can go wrong with a journal, and what to do about it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::private::WrongKind;

/// Why a journal could not be written or read. Each message says what happened, to what, and the next step.
#[derive(Debug, Error)]
pub enum JournalError {
    /// No journal there.
    #[error("there is no journal at {}; list the incidents with `portcullis timeline list`", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Something else stands where the journal should.
    #[error("{} is {found}, not a file, so it was not opened; move it away, or look for the journal that it stands for", path.display())]
    NotAFile {
        /// What is in the way.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// Somebody else has written since it was read.
    #[error("{} has grown since it was read; read it again and decide again", path.display())]
    MovedOn {
        /// The journal.
        path: PathBuf,
    },
    /// A journal is there already.
    #[error("{} exists already; open it instead of creating it", path.display())]
    AlreadyThere {
        /// The journal.
        path: PathBuf,
    },
    /// The disk or the quota is full.
    #[error("no room left to write {}: {source}; nothing was changed in AWS. Free some space, or set XDG_STATE_HOME to another disk, and try again", path.display())]
    Full {
        /// What could not be written.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file or its directory may not be used.
    #[error("not allowed to {doing} {}: {source}; give your user access to it, or set XDG_STATE_HOME to a directory you own", path.display())]
    Denied {
        /// What was attempted.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Another process has held the lock for too long.
    #[error("{} has been locked by another process for {seconds} s; see who holds it (`fuser -v FILE`), end or resume that process, and try again", path.display())]
    Locked {
        /// What is locked.
        path: PathBuf,
        /// How long it was waited for, wall seconds.
        seconds: u64,
    },
    /// The last line is whole and no journal line: something other than this program wrote it.
    #[error("the last line of {} is damaged ({why}), so nothing can be chained to it; keep the file as it is and open a new incident", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// What is wrong with the line.
        why: String,
    },
    /// The entry is longer than a line may be.
    #[error("a journal line of {bytes} bytes is longer than the {limit} allowed; split the action into smaller ones")]
    TooLong {
        /// What it would have taken.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// An entry could not be turned into JSON.
    #[error("an entry could not be written as JSON: {0}; this is a defect of the console, please report it")]
    NotJson(#[from] serde_json::Error),
    /// Any other answer of the system.
    #[error("could not {doing} {}: {source}; check the disk, then try again", path.display())]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl JournalError {
    /// The error for a system's answer, sorted by what a person can do about it.
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if let Some(WrongKind { found, .. }) = WrongKind::of(&source) {
            return Self::NotAFile { path, found };
        }
        match source.kind() {
            ErrorKind::NotFound => Self::Missing { path },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::Full { path, source },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::Denied { doing, path, source },
            _ => Self::Io { doing, path, source },
        }
    }
}
