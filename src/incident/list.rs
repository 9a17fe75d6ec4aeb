//! One incident in a list: read quickly, whatever state it is in.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::calm;
use super::folded::Folded;
use super::index::{self, Known};
use super::lost::MayClaim;
use crate::journal::{FILE_NAME, JournalError};
use crate::model::identity::{AccountRegion, Identity};

/// The file beside a journal that whoever carries out a plan holds a lock on, from before the intent is written.
/// Without it nothing was ever carried out in an incident.
pub const AT_WORK: &str = "at-work.lock";

/// What an incident is whose first line was never written.
pub const NEVER_BEGUN: &str = "never begun: its first line was not written, so nothing was done in it";

/// The longest remains of a first line, bytes.
const LONGEST_FIRST: u64 = 64 * 1024;

/// An incident as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its journal.
    pub journal: PathBuf,
    /// What it is about, where that could be read.
    pub title: Option<String>,
    /// Whose account, where that could be read.
    pub identity: Option<Identity>,
    /// The account and region it belongs to, and their world, by its first line or by what was done in it.
    pub owner: Option<AccountRegion>,
    /// When it was opened (account time, UTC).
    pub opened_at: Option<DateTime<Utc>>,
    /// The time of its last line.
    pub last_at: Option<DateTime<Utc>>,
    /// Since when nothing was done and no attack stood; `None` while one stands, and where that could not be read.
    pub calm_since: Option<DateTime<Utc>>,
    /// Lines that could be read.
    pub lines: u64,
    /// When it was closed, where it was.
    pub closed_at: Option<DateTime<Utc>>,
    /// Whether a process ended, or the disk was full, before its first line was written. It holds nothing.
    pub never_begun: bool,
    /// What is wrong with it, where something is.
    pub damage: Option<String>,
    /// What may be in force in it without being among what could be read.
    pub may_claim: MayClaim,
}

impl Listed {
    /// Reads the incident in `dir`: how a list shows it, and what stands in it as far as it could be read.
    pub(super) fn read(id: &str, dir: &Path) -> (Self, Folded) {
        let mut listed = Self::nothing(id, dir);
        let untouched = is_absent(&dir.join(AT_WORK));
        if fs::symlink_metadata(dir).is_ok_and(|meta| meta.is_symlink()) {
            let why = "its folder is a link, and links are not followed".to_owned();
            listed.cannot_be_read(why, untouched, None);
            return (listed, Folded::nothing(id));
        }
        match index::known(id, dir) {
            Ok(known) => {
                let folded = listed.take(known, untouched);
                if listed.owner.is_none() && !listed.never_begun {
                    listed.owner = index::owner(id, dir);
                }
                (listed, folded)
            }
            Err(error) => {
                // Where nothing was carried out, a folder without a journal is one whose making was cut short.
                if untouched && matches!(error, JournalError::Missing { .. }) {
                    listed.never_begun = true;
                } else {
                    listed.cannot_be_read(error.to_string(), untouched, index::owner(id, dir));
                }
                (listed, Folded::nothing(id))
            }
        }
    }

    fn nothing(id: &str, dir: &Path) -> Self {
        Self {
            id: id.to_owned(),
            journal: dir.join(FILE_NAME),
            title: None,
            identity: None,
            owner: None,
            opened_at: None,
            last_at: None,
            calm_since: None,
            lines: 0,
            closed_at: None,
            never_begun: false,
            damage: None,
            may_claim: MayClaim::Nothing,
        }
    }

    fn cannot_be_read(&mut self, why: String, untouched: bool, owner: Option<AccountRegion>) {
        self.owner = owner;
        self.damage = Some(why);
        self.may_claim = if untouched { MayClaim::Nothing } else { MayClaim::Anything };
    }

    fn take(&mut self, known: Known, untouched: bool) -> Folded {
        let Known { folded, lines, damage, may_claim, remains, .. } = known;
        self.lines = lines;
        self.last_at = folded.last_at;
        self.calm_since = folded.calm_since();
        self.closed_at = folded.closed;
        self.damage = damage;
        // The first line says whose it is; where that cannot be read, a plan that was confirmed in it does.
        self.owner = folded.histories.first().map(|history| history.plan.identity.at.clone());
        if let Some(opened) = &folded.opened {
            self.title = Some(opened.title.clone());
            self.opened_at = Some(opened.at);
            self.owner = Some(opened.identity.at.clone());
            self.identity = Some(opened.identity.clone());
        }
        self.never_begun = untouched && remains.is_some_and(|bytes| bytes <= LONGEST_FIRST);
        if self.opened_at.is_none() && self.damage.is_none() && !self.never_begun {
            self.damage = Some("its first line does not say who opened it, and where".to_owned());
        }
        let nothing_done = untouched && folded.histories.is_empty() && folded.past.is_empty();
        self.may_claim = match (nothing_done, lines) {
            (true, _) => MayClaim::Nothing,
            // A journal without a line, in which something was carried out, has lost it.
            (false, 0) => MayClaim::Anything,
            (false, _) => may_claim,
        };
        if self.may_claim != MayClaim::Nothing {
            self.damage.get_or_insert_with(|| "lines of it are missing".to_owned());
        }
        folded
    }

    /// Since when it has been calm, where at `now` (account time) that is so long that the next attack may be another
    /// one.
    #[must_use]
    pub fn long_calm(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        calm::too_long(self.calm_since, now)
    }

    /// Whether it is of this account and region, in this world.
    #[must_use]
    pub fn is_of(&self, at: &AccountRegion) -> bool {
        self.identity.as_ref().is_some_and(|who| who.at == *at)
    }

    /// Whether new lines belong here: it is open, and what is in it can be read.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.damage.is_none() && self.closed_at.is_none() && !self.never_begun
    }
}

/// Whether nothing stands there, for certain.
fn is_absent(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}
