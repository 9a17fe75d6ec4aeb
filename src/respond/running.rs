//! Who is at work on an incident: so that nobody takes an action that is being carried out for one whose process died.
//!
//! A shared lock on a file beside the journal, held while a plan is carried out. The system releases it when the
//! process ends, however it ends.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::incident::AT_WORK;
use crate::journal::lock_file;

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
    journal.with_file_name(AT_WORK)
}

fn open(journal: &Path) -> std::io::Result<File> {
    lock_file(&lock_path(journal))
}

/// How long somebody may reconcile before others give up waiting.
const PATIENCE: Duration = Duration::from_secs(10);

/// Says that this process is at work; waits, for ten seconds at most, while somebody reconciles.
pub(super) async fn at_work(journal: &Path) -> std::io::Result<AtWork> {
    let file = open(journal)?;
    let began = Instant::now();
    loop {
        match file.try_lock_shared() {
            Ok(()) => return Ok(AtWork { _file: file }),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if began.elapsed() >= PATIENCE => {
                return Err(std::io::Error::new(
                    ErrorKind::TimedOut,
                    "another console holds it to reconcile; end that one, or wait",
                ));
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
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
