//! One incident, open for reading and writing.

use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use sha2::{Digest, Sha256};

use super::error::IncidentError;
use super::event::Event;
use super::fold::Folder;
use super::folded::Folded;
use super::history::History;
use super::index;
use crate::journal::{
    self, Entry, Follower, Found, Grant, Intent, Journal, JournalError, Reader, Receipt, Ticket, Verification,
};
use crate::model::action::{Action, Close};
use crate::model::identity::{Actor, Identity};
use crate::model::plan::{Plan, Purpose};
use crate::model::stage::StageId;
use crate::model::timeline::ActionState;

/// How many hexadecimal characters an action's id has.
const ID_LENGTH: usize = 6;

/// The closure that a plan repeats by itself.
fn repeated(plan: &Plan) -> Option<&str> {
    match &plan.action {
        Action::Close(Close { again, .. }) if plan.purpose == Purpose::Apply => again.as_deref(),
        _ => None,
    }
}

/// How often a line is decided on anew while others write.
const AGREEING: usize = 16;

/// An incident and who is working on it. Holds no lock; blocks on the disk.
#[derive(Debug, Clone)]
pub struct Incident {
    id: String,
    title: String,
    identity: Identity,
    opened_at: DateTime<Utc>,
    actor: Actor,
    journal: Journal,
}

impl Incident {
    // Wide: its fields, all of them.
    pub(super) fn new(
        id: String,
        title: String,
        identity: Identity,
        opened_at: DateTime<Utc>,
        actor: Actor,
        journal: Journal,
    ) -> Self {
        Self { id, title, identity, opened_at, actor, journal }
    }

    /// Its id, which is also its directory's name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is about.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Whose account, in which region.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// When it was opened (account time, UTC).
    #[must_use]
    pub fn opened_at(&self) -> DateTime<Utc> {
        self.opened_at
    }

    /// The journal's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.journal.path()
    }

    /// Writes an event, in the name of whom the incident was opened for, and returns once it is on disk.
    ///
    /// An [`Event::Intent`] written this way permits nothing; use [`Incident::record_intent`].
    pub fn record(&self, at: DateTime<Utc>, event: &Event) -> Result<Receipt, IncidentError> {
        Ok(self.journal.append(&self.entry(at, event)?)?)
    }

    /// Writes what `decide` makes of what stands in the incident, where it makes anything of it. Another process may
    /// write at the same time: then it is asked again, with what that one wrote. Says whether anything was written.
    ///
    /// # Errors
    /// Where the journal cannot be read or written.
    pub fn record_where(
        &self,
        at: DateTime<Utc>,
        decide: impl Fn(&Folded) -> Option<Event>,
    ) -> Result<bool, IncidentError> {
        for _ in 0..AGREEING {
            let known = self.known()?;
            let Some(event) = decide(&known) else { return Ok(false) };
            match self.journal.append_after(known.last_seq, &self.entry(at, &event)?) {
                Ok(_) => return Ok(true),
                Err(JournalError::MovedOn { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // A journal with a torn end never stands where it was read to: the line is written all the same, and the first
        // of its kind counts.
        let Some(event) = decide(&self.known()?) else { return Ok(false) };
        self.record(at, &event).map(|_| true)
    }

    /// Writes the intent to carry out a confirmed plan, and yields the action's id and the ticket for its calls once
    /// the intent is on disk. For an undo plan both are the undo's own; its purpose names the action it takes back,
    /// which must be of this incident.
    pub fn record_intent(&self, at: DateTime<Utc>, plan: &Plan) -> Result<(String, Ticket), IncidentError> {
        if self.identity.at != plan.identity.at {
            return Err(IncidentError::OtherAccount {
                incident: self.id.clone(),
                of: self.identity.at.in_full(),
                wanted: plan.identity.at.in_full(),
            });
        }
        let known = self.known()?;
        if let Purpose::Undo { action_id, .. } = &plan.purpose {
            self.may_be_undone(&known, action_id)?;
        }
        let again = repeated(plan);
        if again.is_some_and(|id| known.has_closed_again(id)) {
            return Err(JournalError::MovedOn { path: self.journal.path().to_owned() }.into());
        }
        let expires_at = match plan.purpose {
            Purpose::Apply => plan.first_lifetime().and_then(|d| at.checked_add_signed(d)),
            Purpose::Undo { .. } => None,
        };
        let ticket = self.journal.append_intent_with(|seq| {
            // What closes again by itself does so once: two processes may have asked in the same moment.
            if again.is_some() && seq != known.last_seq + 1 {
                return Err(JournalError::MovedOn { path: self.journal.path().to_owned() }.into());
            }
            let action_id = self.action_id(seq, at, plan, |id| known.is_taken(id));
            let event = Event::Intent { action_id: action_id.clone(), plan: Box::new(plan.clone()), expires_at };
            Ok::<_, IncidentError>(Intent {
                entry: self.entry(at, &event)?,
                grants: grants(plan),
                action_id,
                account: plan.identity.at.account.clone(),
                region: plan.identity.at.region.clone(),
            })
        })?;
        Ok((ticket.action_id().to_owned(), ticket))
    }

    /// Whether an action may be taken back now: it is of this incident, in force, and nobody is taking it back already.
    fn may_be_undone(&self, known: &Folded, action_id: &str) -> Result<(), IncidentError> {
        let Some(state) = known.state_of(action_id) else {
            return Err(IncidentError::ForeignUndo { action_id: action_id.to_owned(), incident: self.id.clone() });
        };
        let under_way = known.undos_of(action_id).any(History::is_in_flight);
        if under_way || !matches!(state, ActionState::InForce | ActionState::Unclear) {
            let state = if under_way { "being undone" } else { state.word() };
            return Err(IncidentError::NotUndoable { action_id: action_id.to_owned(), state });
        }
        Ok(())
    }

    /// Lets an action in force expire at another time, or not at all (`None`). Changes nothing in the account.
    pub fn extend(
        &self,
        at: DateTime<Utc>,
        action_id: &str,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<(), IncidentError> {
        let known = self.known()?;
        let state = known.state_of(action_id);
        let under_way = known.undos_of(action_id).any(History::is_in_flight);
        let probing = known.action(action_id).is_some_and(|action| action.awaits_probe);
        if under_way || probing || !matches!(state, Some(ActionState::InForce | ActionState::Unclear)) {
            let state = if probing {
                "waiting for a probe to get through"
            } else if under_way {
                "being undone"
            } else {
                state.map_or("not of this incident", ActionState::word)
            };
            return Err(IncidentError::NotExtendable { action_id: action_id.to_owned(), state });
        }
        self.record(at, &Event::Extended { action_id: action_id.to_owned(), expires_at, awaits_probe: false })?;
        Ok(())
    }

    /// An id for a run of a playbook that begins now, six hexadecimal characters.
    #[must_use]
    pub fn new_run_id(&self, at: DateTime<Utc>, playbook: &str, stage: &StageId) -> String {
        let (user, host) = (&self.actor.user, &self.actor.host);
        let place = format!("{}\n{playbook}\n{}/{}", self.id, stage.api_id, stage.stage);
        let subject = format!("{place}\n{user}\n{host}\n{}", at.timestamp_micros());
        hex_prefix(&subject, ID_LENGTH)
    }

    /// What stands in the incident, as decisions need it: without the timeline, and of actions that are over only where
    /// they stand. Costs next to nothing, however long the journal is.
    pub fn known(&self) -> Result<Folded, IncidentError> {
        let dir = self.path().parent().unwrap_or(Path::new(""));
        Ok(index::known(&self.id, dir)?.folded)
    }

    /// Reads the whole journal and folds it.
    pub fn fold(&self) -> Result<Folded, IncidentError> {
        fold(&self.id, self.path())
    }

    /// Checks every line of the journal.
    pub fn verify(&self) -> Result<Verification, IncidentError> {
        Ok(journal::verify(self.path())?)
    }

    /// Follows the journal, to notice what other processes write.
    #[must_use]
    pub fn follow(&self) -> Live {
        Live { follower: Follower::from_start(self.path()), folder: Folder::new(&self.id) }
    }

    fn entry(&self, at: DateTime<Utc>, event: &Event) -> Result<Entry, IncidentError> {
        entry(at, &self.actor, event)
    }

    /// Six hexadecimal characters that no other action of the incident has: `seq` is known under the journal's lock.
    fn action_id(&self, seq: u64, at: DateTime<Utc>, plan: &Plan, taken: impl Fn(&str) -> bool) -> String {
        let mut attempt = 0u32;
        loop {
            let subject = format!(
                "{}\n{seq}\n{}\n{}\n{attempt}",
                self.id,
                plan.digest,
                at.to_rfc3339_opts(SecondsFormat::Millis, true)
            );
            let id = hex_prefix(&subject, ID_LENGTH);
            if !taken(&id) {
                return id;
            }
            attempt += 1;
        }
    }
}

/// An event as the line that `actor` writes at `at`.
pub(super) fn entry(at: DateTime<Utc>, actor: &Actor, event: &Event) -> Result<Entry, IncidentError> {
    let (kind, data) = event.to_parts()?;
    Ok(Entry { at, kind, actor: actor.clone(), data })
}

/// The first `length` hexadecimal characters of the SHA-256 of `subject`.
pub(super) fn hex_prefix(subject: &str, length: usize) -> String {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(subject.as_bytes()) {
        let _ = write!(out, "{byte:02x}");
    }
    out.truncate(length);
    out
}

/// What a plan's calls need permitted, and nothing else.
fn grants(plan: &Plan) -> Vec<Grant> {
    plan.calls
        .iter()
        .map(|call| Grant {
            service: call.service.clone(),
            operation: call.operation.clone(),
            resource: call.resource.clone(),
        })
        .collect()
}

/// Folds the journal at `path`, one line in memory at a time.
fn fold(id: &str, path: &Path) -> Result<Folded, IncidentError> {
    let mut folder = Folder::new(id);
    for found in Reader::open(path)? {
        match found? {
            Found::Line(line) => folder.push(&line),
            Found::Unreadable(bad) => folder.push_unreadable(&bad),
            Found::Torn(_) => {}
        }
    }
    Ok(folder.finish())
}

/// An incident that is kept up to date as its journal grows.
#[derive(Debug, Clone)]
pub struct Live {
    follower: Follower,
    folder: Folder,
}

/// Lines taken from a journal at a time.
const INSTALMENT: usize = 1_000;

impl Live {
    /// What is known as of the last [`Live::poll`].
    #[must_use]
    pub fn folded(&self) -> &Folded {
        self.folder.folded()
    }

    /// Takes in what was appended since the last time; says whether anything was. Costs a `stat` when nothing was.
    pub fn poll(&mut self) -> Result<bool, IncidentError> {
        let mut changed = false;
        loop {
            let batch = self.follower.poll(INSTALMENT)?;
            if batch.restarted {
                changed = true;
                let incident = self.folder.folded().incident.clone();
                self.folder = Folder::new(&incident);
            }
            changed |= !batch.lines.is_empty() || !batch.unreadable.is_empty();
            for line in &batch.lines {
                self.folder.push(line);
            }
            for bad in &batch.unreadable {
                self.folder.push_unreadable(bad);
            }
            if !batch.more {
                return Ok(changed);
            }
        }
    }
}
