//! Where incidents live, and how one is found or begun.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use etcetera::base_strategy::{BaseStrategy, Xdg};

use super::error::IncidentError;
use super::event::Event;
use super::folded::{Folded, in_force};
use super::handle::{self, Incident, hex_prefix};
use super::history::InFlight;
use super::index;
use super::list::Listed;
use super::lost::MayClaim;
use super::past::Finished;
use crate::journal::{self, Journal, JournalError};
use crate::model::identity::{AccountRegion, Actor, Identity};
use crate::model::proof::Proof;
use crate::model::timeline::{ActionRecord, ActionState};

/// The lock taken while an incident is looked for and begun, so that two consoles do not begin two.
const LOCK_NAME: &str = ".lock";
/// The longest part of a title that goes into an id.
const LONGEST_SLUG: usize = 24;
/// How many ids are offered when one is not known.
const MOST_NEAR: usize = 3;

/// Where incidents are kept: `$XDG_STATE_HOME/portcullis/incidents`, by default `~/.local/state/portcullis/incidents`.
///
/// # Errors
/// [`IncidentError::NoHome`] where there is neither.
pub fn default_root() -> Result<PathBuf, IncidentError> {
    // Where HOME is missing an absolute XDG_STATE_HOME still does; etcetera would give up on it.
    let named = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = match named {
        Some(path) => Some(path),
        None => Xdg::new().ok().and_then(|xdg| xdg.state_dir()),
    };
    Ok(state.ok_or(IncidentError::NoHome)?.join("portcullis").join("incidents"))
}

/// All incidents under one directory.
#[derive(Debug, Clone)]
pub struct IncidentStore {
    root: PathBuf,
}

/// What was done in an account and region, across its incidents; what was done in another world is not among it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Survey {
    /// Every action of the open incidents, and of closed ones what is still in force or in flight; oldest first. Of
    /// long incidents those that are over are in `finished` instead.
    pub actions: Vec<ActionRecord>,
    /// Where actions stand that are over and not among `actions`.
    pub finished: Finished,
    /// Actions and undos that were begun and are not known to have ended, whatever their incident's state.
    pub in_flight: Vec<InFlight>,
    /// Actions and undos that ended without its being known whether they were done, whatever their incident's state.
    pub not_known: Vec<InFlight>,
    /// Every proof of the open incidents, oldest first.
    pub proofs: Vec<Proof>,
    /// Incidents that could not be read whole, so that this may not be everything. Those of other accounts, regions and
    /// worlds are not among them.
    pub damaged: Vec<Listed>,
}

/// An incident that cannot be read whole, and what may be in force in it for all anybody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Which.
    pub incident: String,
    /// What of the account actions in it may count on.
    pub may_claim: MayClaim,
}

impl Survey {
    /// Of one incident alone.
    #[must_use]
    pub fn of(folded: Folded) -> Self {
        Self {
            in_flight: folded.in_flight(),
            not_known: folded.not_known(),
            actions: folded.actions,
            finished: folded.finished,
            proofs: folded.proofs,
            damaged: Vec::new(),
        }
    }

    /// The incidents in which something may be in force that could not be read.
    #[must_use]
    pub fn unreadable(&self) -> Vec<Unreadable> {
        let of = |listed: &Listed| Unreadable { incident: listed.id.clone(), may_claim: listed.may_claim.clone() };
        self.damaged.iter().filter(|listed| listed.may_claim != MayClaim::Nothing).map(of).collect()
    }

    /// The action of this id, or where it stands where it is over and done with.
    ///
    /// # Errors
    /// The state of an action that is over; `None` where there is no such action.
    pub fn action(&self, id: &str) -> Result<&ActionRecord, Option<ActionState>> {
        let action = self.actions.iter().find(|action| action.id == id);
        action.ok_or_else(|| self.finished.get(id))
    }

    fn take(&mut self, folded: Folded) {
        self.in_flight.extend(folded.in_flight());
        self.not_known.extend(folded.not_known());
        let closed = folded.closed.is_some();
        if !closed {
            self.proofs.extend(folded.proofs);
            self.finished.join(folded.finished);
        }
        self.actions.extend(
            folded
                .actions
                .into_iter()
                .filter(|action| !closed || in_force(action) || action.state == ActionState::InFlight),
        );
    }
}

impl IncidentStore {
    /// The incidents under `root`, which need not exist yet.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where they are.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every incident, newest first; damaged ones are listed as such.
    pub fn list(&self) -> Result<Vec<Listed>, IncidentError> {
        let mut all: Vec<Listed> = self.ids()?.iter().map(|id| Listed::read(id, &self.root.join(id)).0).collect();
        all.sort_by(|a, b| (b.opened_at, &b.id).cmp(&(a.opened_at, &a.id)));
        Ok(all)
    }

    /// The incident with this id, to be worked on by `actor`.
    ///
    /// # Errors
    /// [`IncidentError::Unknown`] with the ids that come close; [`IncidentError::Damaged`] where its beginning is not
    /// readable.
    pub fn by_id(&self, id: &str, actor: &Actor) -> Result<Incident, IncidentError> {
        open(self.listed(id)?, actor)
    }

    /// The incident with this id, whatever state it is in.
    ///
    /// # Errors
    /// [`IncidentError::Unknown`] with the ids that come close.
    pub fn listed(&self, id: &str) -> Result<Listed, IncidentError> {
        let ids = self.ids()?;
        if !ids.iter().any(|have| have == id) {
            return Err(IncidentError::Unknown { id: id.to_owned(), near: near(id, &ids) });
        }
        Ok(Listed::read(id, &self.root.join(id)).0)
    }

    /// The newest incident of this account, region and world that is open and undamaged, to be worked on by `actor`.
    pub fn newest_open(&self, at: &AccountRegion, actor: &Actor) -> Result<Option<Incident>, IncidentError> {
        let newest = self.list()?.into_iter().find(|listed| listed.is_open() && listed.is_of(at));
        newest.map(|listed| open(listed, actor)).transpose()
    }

    /// The same, of those that take an attack at `now` (account time) without a word: none that has been calm for
    /// [`CALM`](super::CALM).
    pub fn newest_stirred(
        &self,
        at: &AccountRegion,
        now: DateTime<Utc>,
        actor: &Actor,
    ) -> Result<Option<Incident>, IncidentError> {
        let mut open_here = self.list()?.into_iter().filter(|listed| listed.is_open() && listed.is_of(at));
        open_here.find(|listed| listed.long_calm(now).is_none()).map(|listed| open(listed, actor)).transpose()
    }

    /// The incident that an attack on this account, region and world would open another one beside: the newest open
    /// one, where none takes an attack at `now` without a word. Also since when it has been calm.
    pub fn newest_calm(
        &self,
        at: &AccountRegion,
        now: DateTime<Utc>,
    ) -> Result<Option<(Listed, DateTime<Utc>)>, IncidentError> {
        let open_here: Vec<Listed> = self.list()?.into_iter().filter(|l| l.is_open() && l.is_of(at)).collect();
        if open_here.iter().any(|listed| listed.long_calm(now).is_none()) {
            return Ok(None);
        }
        let newest = open_here.into_iter().next();
        Ok(newest.and_then(|listed| listed.long_calm(now).map(|since| (listed, since))))
    }

    /// The newest open incident of the identity's account, region and world, however long it has been calm, or a new
    /// one about `title`, begun at `at` (account time) by `actor`. Not for an attack: see
    /// [`IncidentStore::open_for_attack`].
    pub fn open_or_create(
        &self,
        identity: &Identity,
        title: &str,
        at: DateTime<Utc>,
        actor: &Actor,
    ) -> Result<Incident, IncidentError> {
        let _lock = self.locked()?;
        if let Some(incident) = self.newest_open(&identity.at, actor)? {
            return Ok(incident);
        }
        self.begin(identity, title, at, actor)
    }

    /// What an attack is written to that nobody says belongs to an earlier one: [`IncidentStore::newest_stirred`], or a
    /// new incident about `title`.
    pub fn open_for_attack(
        &self,
        identity: &Identity,
        title: &str,
        at: DateTime<Utc>,
        actor: &Actor,
    ) -> Result<Incident, IncidentError> {
        let _lock = self.locked()?;
        if let Some(incident) = self.newest_stirred(&identity.at, at, actor)? {
            return Ok(incident);
        }
        self.begin(identity, title, at, actor)
    }

    /// Begins a new incident, even where another is open.
    pub fn create(
        &self,
        identity: &Identity,
        title: &str,
        at: DateTime<Utc>,
        actor: &Actor,
    ) -> Result<Incident, IncidentError> {
        let _lock = self.locked()?;
        self.begin(identity, title, at, actor)
    }

    /// Held while an incident is looked for and begun.
    fn locked(&self) -> Result<File, IncidentError> {
        journal::folder(&self.root).map_err(|e| JournalError::io("create", &self.root, e))?;
        let path = self.root.join(LOCK_NAME);
        let lock = journal::lock_file(&path).map_err(|e| JournalError::io("open", &path, e))?;
        journal::exclusive(&lock, &path)?;
        Ok(lock)
    }

    fn begin(
        &self,
        identity: &Identity,
        title: &str,
        at: DateTime<Utc>,
        actor: &Actor,
    ) -> Result<Incident, IncidentError> {
        self.tidy();
        let base = new_id(identity, title, at);
        let opened = Event::Opened {
            title: title.to_owned(),
            identity: identity.clone(),
            console: Some(env!("CARGO_PKG_VERSION").to_owned()),
        };
        let first = handle::entry(at, actor, &opened)?;
        let mut number = 1u32;
        let (id, journal) = loop {
            let id = if number == 1 { base.clone() } else { format!("{base}-{number}") };
            match Journal::begin(&self.root.join(&id), &first) {
                Ok(journal) => break (id, journal),
                Err(JournalError::AlreadyThere { .. }) => number += 1,
                Err(error) => return Err(error.into()),
            }
        };
        index::begun(&id, &self.root.join(&id));
        Ok(Incident::new(id, title.to_owned(), identity.clone(), at, actor.clone(), journal))
    }

    /// Removes what was left of incidents whose making was cut short. Nobody else makes one meanwhile: the lock is
    /// held.
    fn tidy(&self) {
        let Ok(entries) = fs::read_dir(&self.root) else { return };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(".new-") && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                // It holds its first line at most, and never had a name that anybody could write to.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Every action of an account and region in their world; see [`Survey::actions`].
    pub fn actions(&self, at: &AccountRegion) -> Result<Vec<ActionRecord>, IncidentError> {
        Ok(self.survey(at)?.actions)
    }

    /// What was done in an account and region, across its incidents. A damaged incident contributes what can be read
    /// of it; one that does not even say whose it is, is only named. One that was never begun has nothing to say.
    pub fn survey(&self, at: &AccountRegion) -> Result<Survey, IncidentError> {
        let mut survey = Survey::default();
        for id in self.ids()?.into_iter().rev() {
            let (listed, folded) = Listed::read(&id, &self.root.join(&id));
            if listed.never_begun || listed.owner.as_ref().is_some_and(|owner| owner != at) {
                continue;
            }
            survey.take(folded);
            if listed.damage.is_some() {
                survey.damaged.push(listed);
            }
        }
        survey.actions.sort_by(|a, b| (a.begun_at, &a.id).cmp(&(b.begun_at, &b.id)));
        Ok(survey)
    }

    /// The names of the directories under the root.
    pub(super) fn ids(&self) -> Result<Vec<String>, IncidentError> {
        let failed = |source| IncidentError::List { path: self.root.clone(), source };
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(e)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            // A link is listed, too, so that what it stands for is not missed in silence; it is not followed.
            let is_incident = kind.is_dir() || kind.is_symlink();
            if let (true, Ok(name)) = (is_incident, entry.file_name().into_string())
                && !name.starts_with('.')
            {
                ids.push(name);
            }
        }
        ids.sort();
        Ok(ids)
    }
}

/// Opens what a list found.
fn open(listed: Listed, actor: &Actor) -> Result<Incident, IncidentError> {
    if listed.never_begun {
        return Err(IncidentError::NeverBegun { id: listed.id });
    }
    let (Some(title), Some(identity), Some(opened_at)) = (listed.title, listed.identity, listed.opened_at) else {
        return Err(IncidentError::Damaged { id: listed.id, why: listed.damage.unwrap_or_default() });
    };
    let journal = Journal::open(&listed.journal)?;
    Ok(Incident::new(listed.id, title, identity, opened_at, actor.clone(), journal))
}

/// `2026-03-01-0302-shop-prod`: when it began, to the minute, and what it is about; four characters of a hash where the
/// title has nothing to offer.
fn new_id(identity: &Identity, title: &str, at: DateTime<Utc>) -> String {
    let mut slug = String::new();
    for c in title.chars() {
        if slug.len() >= LONGEST_SLUG {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_matches('-');
    let minute = at.format("%Y-%m-%d-%H%M");
    if slug.is_empty() {
        let subject = format!("{}\n{title}\n{}", identity.label(), at.to_rfc3339_opts(SecondsFormat::Millis, true));
        format!("{minute}-{}", hex_prefix(&subject, 4))
    } else {
        format!("{minute}-{slug}")
    }
}

/// Ids that come close to `id`, best first; the newest where none does.
fn near(id: &str, ids: &[String]) -> Vec<String> {
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut near: Vec<&str> = all.iter().rev().copied().filter(|have| !id.is_empty() && have.contains(id)).collect();
    for close in similar::get_close_matches(id, &all, MOST_NEAR, 0.6) {
        if !near.contains(&close) {
            near.push(close);
        }
    }
    if near.is_empty() {
        near = all.into_iter().rev().collect();
    }
    near.truncate(MOST_NEAR);
    near.into_iter().map(str::to_owned).collect()
}
