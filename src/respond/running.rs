//! Who is at work on an incident: so that nobody takes an action that is being carried out for one whose process died.
//!
//! A shared lock on a file beside the journal, held while a plan is carried out. The system releases it when the process
//! ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// Held while plans are carried out on an incident.
#[derive(Debug)]
pub(super) struct AtWork {
    _file: File,
}

/// Held while nobody carries out anything.
#[derive(Debug)]
pub(super) struct Alone {
    _file: File,
}

fn lock_path(journal: &Path) -> PathBuf {
    journal.with_file_name("at-work.lock")
}

fn open(journal: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).open(lock_path(journal))
}

/// Says that this process is at work; waits only while somebody reconciles.
pub(super) fn at_work(journal: &Path) -> std::io::Result<AtWork> {
    let file = open(journal)?;
    file.lock_shared()?;
    Ok(AtWork { _file: file })
}

/// The right to reconcile, or `None` where somebody is at work.
pub(super) fn alone(journal: &Path) -> std::io::Result<Option<Alone>> {
    let file = open(journal)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Alone { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
