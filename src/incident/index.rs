//! What stands in an incident, without reading all of its journal.
//!
//! Beside a long journal stands an index: what followed from its lines up to some place (what is in force, in flight,
//! standing), without the story. It is derived and checked: the chain is whole, and the line before that place is the
//! one it was made after. What was written since is read from the journal, and where it does not fit everything is read
//! again. `verify`, `show` and exports never look at it.

use std::collections::VecDeque;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::fold::Folder;
use super::folded::{Folded, Opened};
use super::lost::{Lost, MayClaim};
use super::reading;
use crate::journal::{self, Chain, FILE_NAME, Found, JournalError, Line, NO_PREVIOUS, Reader};
use crate::model::identity::AccountRegion;

/// Says what follows from a line, and how that is written down: raise it with every change of either. An index of
/// another format is not used.
const FORMAT: u32 = 7;
/// How much may have been written since an index was made before it is made anew, bytes.
const STALE: u64 = 128 * 1024;
/// The longest index worth reading, bytes.
const LONGEST: u64 = 256 * 1024 * 1024;

/// What is known of an incident.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// What stands in it, without the story.
    pub(super) folded: Folded,
    /// Lines that could be read.
    pub(super) lines: u64,
    /// The first thing that is wrong with it.
    pub(super) damage: Option<String>,
    /// What may be in force without being among what could be read.
    pub(super) may_claim: MayClaim,
    /// Whether there is nothing but, at most, the remains of one line of so many bytes.
    pub(super) remains: Option<u64>,
    /// Up to where the index on the disk goes, bytes.
    indexed: u64,
}

/// What stands beside the journal.
#[derive(Debug, Serialize, Deserialize)]
struct Index {
    format: u32,
    console: String,
    incident: String,
    /// Up to where the journal was read: bytes, lines.
    offset: u64,
    lines: u64,
    /// The hash of the last line read.
    hash: String,
    folded: Folded,
}

impl Index {
    fn beside(path: &Path, incident: &str) -> Option<Self> {
        let index: Self = serde_json::from_slice(&bytes_beside(path)?).ok()?;
        let ours = index.format == FORMAT && index.console == env!("CARGO_PKG_VERSION") && index.incident == incident;
        ours.then_some(index)
    }

    /// Whether the journal, whose chain is whole, goes on from where this was made.
    fn fits(&self, path: &Path, chain: &Chain) -> bool {
        let within = self.offset <= chain.end && self.lines <= chain.lines;
        within && journal::hash_before(path, self.offset).is_some_and(|hash| hash == self.hash)
    }
}

/// The index beside the journal at `path`, as it was written.
fn bytes_beside(path: &Path) -> Option<Vec<u8>> {
    let file = journal::reading(&index_of(path)).ok()?;
    let length = file.metadata().ok().filter(|meta| meta.len() <= LONGEST)?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(length).ok()?);
    file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn index_of(path: &Path) -> PathBuf {
    path.with_extension("index")
}

/// Of an index as any version wrote it: whose the incident is.
#[derive(Deserialize)]
struct Owned {
    incident: String,
    folded: OwnedBy,
}

#[derive(Deserialize)]
struct OwnedBy {
    opened: Option<Opened>,
}

/// Whose an incident is whose journal does not say so any more.
pub(super) fn owner(incident: &str, dir: &Path) -> Option<AccountRegion> {
    let owned: Owned = serde_json::from_slice(&bytes_beside(&dir.join(FILE_NAME))?).ok()?;
    let opened = owned.folded.opened.filter(|_| owned.incident == incident);
    Some(opened?.identity.at)
}

/// Puts an index beside a journal that has just been begun, so that whose it is stays known whatever becomes of its
/// first line.
pub(super) fn begun(incident: &str, dir: &Path) {
    let path = dir.join(FILE_NAME);
    let (Ok(chain), Ok(reader)) = (journal::chain(&path), Reader::open(&path)) else { return };
    let mut reading = Reading::from_the_start(incident);
    if reading.take(reader).is_ok() {
        reading.known(&path, &chain, 0);
    }
}

/// Reads the incident in `dir`.
pub(super) fn known(incident: &str, dir: &Path) -> Result<Known, JournalError> {
    let path = dir.join(FILE_NAME);
    let chain = journal::chain(&path)?;
    if let Some(known) = read_before(&path, &chain) {
        return Ok(known);
    }
    let known = read(incident, &path, &chain)?;
    keep(&path, chain, &known);
    Ok(known)
}

/// How many incidents are kept as they were read last.
const KEPT: usize = 16;

/// What was read last, by path: one command asks several times. Lines chained to the same hash are the same lines.
static KEPT_BEFORE: Mutex<VecDeque<(PathBuf, Chain, Known)>> = Mutex::new(VecDeque::new());

fn read_before(path: &Path, chain: &Chain) -> Option<Known> {
    let kept = KEPT_BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    let same = |(of, with, _): &&(PathBuf, Chain, Known)| of == path && with == chain;
    kept.iter().find(same).map(|(.., known)| known.clone())
}

/// What was read last, as an index of it, and up to where the one on the disk goes.
fn kept_index(incident: &str, path: &Path) -> Option<(u64, Index)> {
    let kept = KEPT_BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, chain, known) = kept.iter().find(|(of, ..)| of == path)?;
    let index = Index {
        format: FORMAT,
        console: env!("CARGO_PKG_VERSION").to_owned(),
        incident: incident.to_owned(),
        offset: chain.end,
        lines: chain.lines,
        hash: chain.hash.clone(),
        folded: known.folded.clone(),
    };
    Some((known.indexed, index))
}

/// Keeps what was read of a journal that is whole up to its end.
fn keep(path: &Path, chain: Chain, known: &Known) {
    let mut kept = KEPT_BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    kept.retain(|(of, ..)| of != path);
    if chain.fault.is_none() && known.damage.is_none() && known.lines == chain.lines && known.remains.is_none() {
        kept.truncate(KEPT - 1);
        kept.push_front((path.to_owned(), chain, known.clone()));
    }
}

fn read(incident: &str, path: &Path, chain: &Chain) -> Result<Known, JournalError> {
    // What an index was made of must be what is there. What this process has read itself is the best of them: a command
    // asks again after each line that it writes.
    let whole = chain.fault.is_none();
    let fits = |index: &Index| whole && index.fits(path, chain);
    let of_disk = || Index::beside(path, incident).map(|index| (index.offset, index)).filter(|(_, index)| fits(index));
    let index = kept_index(incident, path).filter(|(_, index)| fits(index)).or_else(of_disk);
    if let Some((indexed, index)) = index {
        let reader = Reader::open_at(path, index.offset, index.lines)?;
        let mut reading = Reading::after(index, indexed);
        reading.take(reader)?;
        if !reading.folder.lacks_something() {
            return Ok(reading.known(path, chain, STALE));
        }
    }
    let mut reading = Reading::from_the_start(incident);
    reading.take(Reader::open(path)?)?;
    Ok(reading.known(path, chain, STALE))
}

/// A journal being read.
struct Reading {
    folder: Folder,
    lost: Lost,
    began: u64,
    /// Where the last line that was read ends.
    offset: u64,
    lines: u64,
    hash: String,
    damage: Option<String>,
    torn: Option<u64>,
}

impl Reading {
    fn from_the_start(incident: &str) -> Self {
        Self {
            folder: Folder::going_on(Folded::nothing(incident)),
            lost: Lost::default(),
            began: 0,
            offset: 0,
            lines: 0,
            hash: NO_PREVIOUS.to_owned(),
            damage: None,
            torn: None,
        }
    }

    fn after(index: Index, indexed: u64) -> Self {
        let Index { offset, lines, hash, folded, incident, .. } = index;
        Self {
            folder: Folder::going_on(folded),
            lost: Lost::after(lines, hash.clone()),
            began: indexed,
            offset,
            lines,
            hash,
            ..Self::from_the_start(&incident)
        }
    }

    fn take(&mut self, mut reader: Reader) -> Result<(), JournalError> {
        while let Some(raw) = reader.next_raw()? {
            // An event that can be read as one needs no more; anything else is read whole.
            let event = raw.head().map(|line| (reading::Reading::of_bytes(&line, raw.bytes), line));
            if let Some((reading @ reading::Reading::Known { .. }, line)) = event {
                self.line(&line, &reading, raw.end());
                continue;
            }
            match raw.found() {
                Found::Line(line) => self.line(&line, &reading::Reading::of(&line), raw.end()),
                Found::Unreadable(bad) => {
                    self.lost.unreadable(&bad);
                    self.damage.get_or_insert(format!("line {}: {}", bad.number, bad.wrong));
                }
                Found::Torn(torn) => self.torn = Some(torn.bytes),
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &Line, reading: &reading::Reading, end: u64) {
        self.lines += 1;
        self.offset = end;
        self.lost.line(line);
        self.folder.push_read(line, reading);
        self.hash.clone_from(&line.hash);
    }

    /// What is known at the end; the index is made anew where more than `stale` bytes were read.
    fn known(self, path: &Path, chain: &Chain, stale: u64) -> Known {
        let mut damage = self.damage;
        let mut may_claim = self.lost.claims();
        if let Some(fault) = &chain.fault {
            damage = Some(format!("line {}: {}", fault.line, fault.wrong));
            if fault.cut {
                may_claim = MayClaim::Anything;
            }
        }
        let remains = (self.lines == 0 && damage.is_none()).then(|| self.torn.unwrap_or(0));
        let mut folded = self.folder.finish();
        let mut indexed = self.began;
        let is_stale = self.offset.saturating_sub(self.began) > stale;
        if is_stale && damage.is_none() && self.offset == chain.end && self.hash == chain.hash {
            folded.forget();
            let index = Index {
                format: FORMAT,
                console: env!("CARGO_PKG_VERSION").to_owned(),
                incident: folded.incident.clone(),
                offset: self.offset,
                lines: self.lines,
                hash: self.hash,
                folded,
            };
            // Best effort: without one everything is read again.
            if let Ok(bytes) = serde_json::to_vec(&index) {
                let _ = journal::replace(&index_of(path), &bytes);
            }
            indexed = index.offset;
            folded = index.folded;
        }
        Known { folded, lines: self.lines, damage, may_claim, remains, indexed }
    }
}
