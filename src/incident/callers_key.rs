//! The key that the callers of before an attack can be asked by: a file beside the journal that keeps their hashes.
//!
//! The file goes when its time is over: what is left in the journal tells nobody anything.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::error::IncidentError;
use super::handle::Incident;
use super::index;
use super::store::IncidentStore;
use crate::journal::{self, JournalError};
use crate::model::callers::{CallersKey, KEY_BYTES};

/// The key's file, beside the journal.
const KEY_FILE: &str = "callers.key";

impl Incident {
    fn key_file(&self) -> PathBuf {
        self.path().parent().unwrap_or(Path::new("")).join(KEY_FILE)
    }

    /// The key of the callers that it keeps, where there is one.
    #[must_use]
    pub fn callers_key(&self) -> Option<CallersKey> {
        let mut bytes = [0; KEY_BYTES];
        journal::reading(&self.key_file()).ok()?.read_exact(&mut bytes).ok()?;
        Some(CallersKey::new(bytes))
    }

    /// The same, made by `fresh` where there is none yet; `None` where that makes none.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn callers_key_or(
        &self,
        fresh: impl FnOnce() -> Option<CallersKey>,
    ) -> Result<Option<CallersKey>, IncidentError> {
        if let Some(key) = self.callers_key() {
            return Ok(Some(key));
        }
        let Some(key) = fresh() else { return Ok(None) };
        let path = self.key_file();
        journal::establish(&path, key.bytes()).map_err(|error| JournalError::io("write", &path, error))?;
        // Another process may have been first: what lies there counts.
        Ok(self.callers_key())
    }
}

impl IncidentStore {
    /// Deletes the keys of callers whose time is over at `now` (account time), whatever has become of their incidents:
    /// nobody can ask any more who was there.
    pub fn forget_callers(&self, now: DateTime<Utc>) {
        for id in self.ids().unwrap_or_default() {
            let dir = self.root().join(&id);
            let key = dir.join(KEY_FILE);
            if !key.is_file() {
                continue;
            }
            let until = index::known(&id, &dir).ok().and_then(|known| known.folded.callers.until());
            if until.is_some_and(|until| until <= now) {
                let _ = std::fs::remove_file(key);
            }
        }
    }
}
