//! One incident in a list: read quickly, whatever state it is in.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::event::{Event, Reading};
use super::lost::{Lost, MayClaim};
use crate::journal::{FILE_NAME, Found, JournalError, Line, Reader, TornLine};
use crate::model::identity::{AccountRegion, Identity};

/// The file beside a journal that whoever carries out a plan holds a lock on, from before the intent is written. Without it nothing was ever
/// carried out in an incident.
pub const AT_WORK: &str = "at-work.lock";

/// What an incident is whose first line was never written.
pub const NEVER_BEGUN: &str = "never begun: its first line was not written, so nothing was done in it";

/// The longest remains of a first line.
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
    /// The account and region it belongs to, by its first line or by what was done in it.
    pub owner: Option<AccountRegion>,
    /// When it was opened (account time, UTC).
    pub opened_at: Option<DateTime<Utc>>,
    /// The time of its last line.
    pub last_at: Option<DateTime<Utc>>,
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
    /// Reads the incident in `dir`.
    pub(super) fn read(id: &str, dir: &Path) -> Self {
        let mut listed = Self::nothing(id, dir);
        let untouched = is_absent(&dir.join(AT_WORK));
        let mut seen = Seen::default();
        let is_link = fs::symlink_metadata(dir).is_ok_and(|meta| meta.is_symlink());
        match Reader::open(&listed.journal) {
            _ if is_link => {
                listed.damage = Some("its folder is a link, and links are not followed".to_owned());
                seen.unknown = true;
            }
            Ok(reader) => listed.take(reader, &mut seen),
            // Where nothing was carried out, a folder without a journal is one whose making was cut short.
            Err(JournalError::Missing { .. }) if untouched => listed.never_begun = true,
            Err(error) => {
                listed.damage = Some(error.to_string());
                seen.unknown = true;
            }
        }
        listed.never_begun |= untouched && seen.is_empty();
        if listed.opened_at.is_none() && listed.damage.is_none() && !listed.never_begun {
            listed.damage = Some("its first line does not say who opened it, and where".to_owned());
        }
        listed.may_claim = match (untouched && !seen.done, seen.unknown) {
            (true, _) => MayClaim::Nothing,
            (false, true) => MayClaim::Anything,
            // A journal without a line, in which something was carried out, has lost it.
            (false, false) if listed.lines == 0 => MayClaim::Anything,
            (false, false) => seen.lost.claims(),
        };
        if listed.may_claim != MayClaim::Nothing {
            listed.damage.get_or_insert_with(|| "lines of it are missing".to_owned());
        }
        listed
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
            lines: 0,
            closed_at: None,
            never_begun: false,
            damage: None,
            may_claim: MayClaim::Nothing,
        }
    }

    /// Whether new lines belong here: it is open, and what is in it can be read.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.damage.is_none() && self.closed_at.is_none() && !self.never_begun
    }

    fn take(&mut self, reader: Reader, seen: &mut Seen) {
        for found in reader {
            match found {
                Ok(Found::Line(line)) => {
                    self.lines += 1;
                    self.last_at = Some(line.at);
                    seen.lost.line(&line);
                    seen.done |= matches!(line.kind.as_str(), "intent" | "call" | "outcome" | "reconciled");
                    if line.kind == "closed" {
                        self.closed_at = Some(line.at);
                    }
                    self.learn_whose(&line);
                }
                Ok(Found::Unreadable(bad)) => {
                    seen.lost.unreadable(&bad);
                    seen.unreadable = true;
                    let what = format!("line {}: {}", bad.number, bad.wrong);
                    self.damage.get_or_insert(what);
                }
                Ok(Found::Torn(torn)) => seen.torn = Some(torn),
                Err(error) => {
                    seen.unknown = true;
                    self.damage.get_or_insert(error.to_string());
                }
            }
        }
        seen.lines = self.lines;
    }

    /// Whose it is: the first line says so; where that cannot be read, a plan that was confirmed in it does.
    fn learn_whose(&mut self, line: &Line) {
        if self.owner.is_some() || !matches!(line.kind.as_str(), "opened" | "intent") {
            return;
        }
        let Reading::Known { event, .. } = Reading::of(line) else { return };
        match *event {
            Event::Opened { title, identity, .. } if line.seq == 1 => {
                self.title = Some(title);
                self.owner = Some(identity.at.clone());
                self.identity = Some(identity);
                self.opened_at = Some(line.at);
            }
            Event::Intent { plan, .. } => self.owner = Some(plan.identity.at),
            _ => {}
        }
    }
}

/// What was met while reading.
#[derive(Debug, Default)]
struct Seen {
    lines: u64,
    lost: Lost,
    torn: Option<TornLine>,
    unreadable: bool,
    /// Whether anything was carried out.
    done: bool,
    /// Whether some of it could not be looked at.
    unknown: bool,
}

impl Seen {
    /// Whether there is nothing but, at most, the remains of a first line.
    fn is_empty(&self) -> bool {
        let remains = self.torn.as_ref().is_none_or(|torn| torn.number == 1 && torn.bytes <= LONGEST_FIRST);
        self.lines == 0 && !self.unreadable && !self.unknown && remains
    }
}

/// Whether nothing stands there, for certain.
fn is_absent(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}
