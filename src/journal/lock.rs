//! The lock that several processes and threads share, waited for with a limit: a stopped process must not stop us.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::JournalError;

/// How long to wait for another writer, wall time. An append takes milliseconds; longer means it is stuck.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a reader waits to see a file between two appends; it can do without.
const READER_PATIENCE: Duration = Duration::from_millis(200);

/// Takes the exclusive lock on `file`; dropping the file gives it back.
///
/// # Errors
/// [`JournalError::Locked`] when another process holds it for ten seconds.
pub(crate) fn exclusive(file: &File, path: &Path) -> Result<(), JournalError> {
    match wait_for(|| file.try_lock(), PATIENCE) {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(JournalError::Locked { path: path.to_owned(), seconds: PATIENCE.as_secs() })
        }
        Err(TryLockError::Error(source)) => Err(JournalError::io("lock", path, source)),
    }
}

/// The file's length between two appends where that can be had, else its length just now.
pub(super) fn settled_length(file: &File) -> std::io::Result<u64> {
    let locked = wait_for(|| file.try_lock_shared(), READER_PATIENCE).is_ok();
    let length = file.metadata().map(|meta| meta.len());
    if locked {
        // Giving a lock back fails only where it is gone already; closing the file gives it back in any case.
        let _ = file.unlock();
    }
    length
}

/// Waits, briefly, until nobody appends; whether that could be had.
pub(super) fn settled(file: &File) -> bool {
    let locked = wait_for(|| file.try_lock_shared(), READER_PATIENCE).is_ok();
    if locked {
        let _ = file.unlock();
    }
    locked
}

/// Tries until it works, fails for another reason than being held, or `patience` has run out.
fn wait_for(mut attempt: impl FnMut() -> Result<(), TryLockError>, patience: Duration) -> Result<(), TryLockError> {
    let started = Instant::now();
    let mut pause = Duration::from_micros(200);
    loop {
        match attempt() {
            Err(TryLockError::WouldBlock) if started.elapsed() < patience => {
                thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(10));
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_held_lock_is_given_up_on_and_a_free_one_taken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let (holder, waiter) = (File::create(&path).unwrap(), File::create(&path).unwrap());
        exclusive(&holder, &path).unwrap();
        let refused = wait_for(|| waiter.try_lock(), Duration::ZERO);
        assert!(matches!(refused, Err(TryLockError::WouldBlock)));
        drop(holder);
        exclusive(&waiter, &path).unwrap();
    }
}
