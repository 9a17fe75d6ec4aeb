//! One incident in a list: read quickly, whatever state it is in.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::event::{Event, Reading};
use crate::journal::{FILE_NAME, Found, Reader};
use crate::model::identity::Identity;

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
    /// When it was opened (account time, UTC).
    pub opened_at: Option<DateTime<Utc>>,
    /// The time of its last line.
    pub last_at: Option<DateTime<Utc>>,
    /// Lines that could be read.
    pub lines: u64,
    /// When it was closed, where it was.
    pub closed_at: Option<DateTime<Utc>>,
    /// What is wrong with it, where something is.
    pub damage: Option<String>,
}

impl Listed {
    /// Reads the incident in `dir`.
    pub(super) fn read(id: &str, dir: &Path) -> Self {
        let mut listed = Self {
            id: id.to_owned(),
            journal: dir.join(FILE_NAME),
            title: None,
            identity: None,
            opened_at: None,
            last_at: None,
            lines: 0,
            closed_at: None,
            damage: None,
        };
        match Reader::open(&listed.journal) {
            Ok(reader) => listed.take(reader),
            Err(error) => listed.damage = Some(error.to_string()),
        }
        if listed.opened_at.is_none() && listed.damage.is_none() {
            listed.damage = Some("its first line does not say who opened it, and where".to_owned());
        }
        listed
    }

    /// Whether new lines belong here: it is open, and what is in it can be read.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.damage.is_none() && self.closed_at.is_none()
    }

    fn take(&mut self, reader: Reader) {
        for found in reader {
            match found {
                Ok(Found::Line(line)) => {
                    self.lines += 1;
                    self.last_at = Some(line.at);
                    if line.seq == 1
                        && let Reading::Known { event, .. } = Reading::of(&line)
                        && let Event::Opened { title, identity, .. } = *event
                    {
                        self.title = Some(title);
                        self.identity = Some(identity);
                        self.opened_at = Some(line.at);
                    } else if line.kind == "closed" {
                        self.closed_at = Some(line.at);
                    }
                }
                Ok(Found::Unreadable(bad)) => {
                    let what = format!("line {}: {}", bad.number, bad.wrong);
                    self.damage.get_or_insert(what);
                }
                Ok(Found::Torn(_)) => {}
                Err(error) => {
                    self.damage.get_or_insert(error.to_string());
                }
            }
        }
    }
}
