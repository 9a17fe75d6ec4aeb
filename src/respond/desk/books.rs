//! Which incident a process writes to, and in whose name.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::error::DeskError;
use crate::aws::{Aws, Lane};
use crate::incident::{CALM, Incident, IncidentStore, Survey, left_aside};
use crate::model::identity::{AccountRegion, Actor, Identity};

/// What a process may do to an account, beyond what the account itself permits.
pub trait Permit: fmt::Debug + Send + Sync {
    /// Whether it keeps that account's journal.
    ///
    /// # Errors
    /// Why it does not, and who does.
    fn may_keep(&self, at: &AccountRegion) -> Result<(), String>;

    /// Whether it may change the account.
    ///
    /// # Errors
    /// Why it may not.
    fn may_change(&self, at: &AccountRegion) -> Result<(), String>;
}

/// A command that a person gave for this account alone.
#[derive(Debug, Clone, Copy)]
pub struct ByCommand;

impl Permit for ByCommand {
    fn may_keep(&self, _: &AccountRegion) -> Result<(), String> {
        Ok(())
    }

    fn may_change(&self, _: &AccountRegion) -> Result<(), String> {
        Ok(())
    }
}

/// Which of the incidents there are a process works on.
#[derive(Debug, Clone)]
pub enum Whose {
    /// The newest open one of the account, else a new one; for an attack none that has been calm for too long.
    Newest,
    /// The one with this id.
    Named(String),
    /// One of its own, opened for this title: a drill's account is gone with its process.
    Own(String),
}

/// Somebody's word that an incident goes on, however long it has been calm.
#[derive(Debug)]
struct GoesOn {
    incident: String,
    /// When it was said, account time.
    said_at: DateTime<Utc>,
}

/// Where incidents are, which one is written to, and by whom. Cheap to clone; clones share the incident once it is
/// open.
#[derive(Debug, Clone)]
pub struct Books {
    store: IncidentStore,
    whose: Whose,
    /// The person and the machine; whose credentials they are is the account's to say.
    who: Actor,
    permit: Arc<dyn Permit>,
    open: Arc<Mutex<Option<Incident>>>,
    goes_on: Arc<Mutex<Option<GoesOn>>>,
}

impl Books {
    /// The books of `store`, kept by `who`, whose ARN is not looked at.
    #[must_use]
    pub fn new(store: IncidentStore, whose: Whose, who: Actor, permit: Arc<dyn Permit>) -> Self {
        Self { store, whose, who, permit, open: Arc::default(), goes_on: Arc::default() }
    }

    /// Where the incidents are.
    #[must_use]
    pub fn store(&self) -> &IncidentStore {
        &self.store
    }

    /// What this process may do.
    #[must_use]
    pub fn permit(&self) -> &dyn Permit {
        &*self.permit
    }

    /// Whether only its own incident concerns it.
    #[must_use]
    pub fn is_own(&self) -> bool {
        matches!(self.whose, Whose::Own(_))
    }

    /// Who writes, with the credentials of `identity`.
    #[must_use]
    pub fn actor(&self, identity: &Identity) -> Actor {
        Actor { arn: identity.arn.clone(), ..self.who.clone() }
    }

    /// The incident that this process has opened or joined.
    #[must_use]
    pub fn opened(&self) -> Option<Incident> {
        self.locked().clone()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Option<Incident>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, found: Incident) -> Incident {
        // Somebody may have opened it while we looked.
        self.locked().get_or_insert(found).clone()
    }

    /// Since when an incident has been calm, where that is too long for it to take an attack.
    fn long_calm(&self, incident: &Incident, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.goes_on_however_calm(incident.id(), now) { None } else { incident.known().ok()?.long_calm(now) }
    }

    /// Whether an incident takes the next attack however long it has been calm: it was named, or somebody has said so.
    #[must_use]
    pub fn goes_on_however_calm(&self, id: &str, now: DateTime<Utc>) -> bool {
        !matches!(self.whose, Whose::Newest) || self.is_said_to_go_on(id, now)
    }

    /// Whether somebody has said that it goes on, less than that time ago.
    fn is_said_to_go_on(&self, id: &str, now: DateTime<Utc>) -> bool {
        let said = self.goes_on.lock().unwrap_or_else(PoisonError::into_inner);
        said.as_ref().is_some_and(|said| said.incident == id && now.signed_duration_since(said.said_at) < CALM)
    }

    /// The incident that tells of the attack and is acted in, where there is one: of the newest that are open, none
    /// that has been calm for too long.
    ///
    /// # Errors
    /// Where AWS does not say who we are, another world answers by now, or the incidents cannot be read.
    pub async fn existing(&self, aws: &Aws) -> Result<Option<Incident>, DeskError> {
        // Asked even where one is open: another range may answer by now, which is no business of that incident.
        let identity = aws.identity(Lane::Plan).await?;
        let now = aws.clock().now();
        if let Some(incident) = self.opened().filter(|incident| self.long_calm(incident, now).is_none()) {
            return Ok(Some(incident));
        }
        let actor = self.actor(&identity);
        match &self.whose {
            Whose::Own(_) => Ok(None),
            Whose::Named(id) => Ok(Some(self.keep(self.store.by_id(id, &actor)?))),
            Whose::Newest => {
                let found = self.store.newest_stirred(&identity.at, now, &actor)?;
                if let Some(found) = &found {
                    *self.locked() = Some(found.clone());
                }
                Ok(found)
            }
        }
    }

    /// The incident to look at and to write about, where there is one: however long it has been calm.
    ///
    /// # Errors
    /// As [`Books::existing`].
    pub async fn joined(&self, aws: &Aws) -> Result<Option<Incident>, DeskError> {
        if let Some(incident) = self.existing(aws).await?.or_else(|| self.opened()) {
            return Ok(Some(incident));
        }
        let identity = aws.identity(Lane::Plan).await?;
        let found = match &self.whose {
            Whose::Newest => self.store.newest_open(&identity.at, &self.actor(&identity))?,
            Whose::Named(_) | Whose::Own(_) => None,
        };
        Ok(found.map(|incident| self.keep(incident)))
    }

    /// The incident to write about, however long it has been calm; opened for `title` where there is none.
    ///
    /// # Errors
    /// Where another connection keeps this account's journal, AWS does not say who we are, or the incidents cannot be
    /// read or written.
    pub async fn incident(&self, aws: &Aws, title: &str) -> Result<Incident, DeskError> {
        self.may_join(aws).await?;
        match self.joined(aws).await? {
            Some(incident) => Ok(incident),
            None => Ok(self.to_act_in(aws, title).await?.0),
        }
    }

    /// The incident to act in, or that an attack is written to: [`Books::existing`], else a new one for `title`. And
    /// what is to be said where that leaves one aside which has been calm for too long.
    ///
    /// # Errors
    /// As [`Books::incident`].
    pub async fn to_act_in(&self, aws: &Aws, title: &str) -> Result<(Incident, Option<String>), DeskError> {
        self.may_join(aws).await?;
        if let Some(incident) = self.existing(aws).await? {
            return Ok((incident, None));
        }
        let aside = self.left_aside(aws).await?;
        let identity = aws.identity(Lane::Plan).await?;
        let actor = self.actor(&identity);
        let now = aws.clock().now();
        let mut open = self.locked();
        // Somebody may have opened it meanwhile.
        if let Some(incident) = open.as_ref().filter(|incident| self.long_calm(incident, now).is_none()) {
            return Ok((incident.clone(), None));
        }
        let incident = match &self.whose {
            Whose::Named(id) => self.store.by_id(id, &actor),
            Whose::Own(title) => self.store.create(&identity, title, now, &actor),
            Whose::Newest => self.store.open_for_attack(&identity, title, now, &actor),
        }?;
        *open = Some(incident.clone());
        let said = aside.map(|(id, since)| left_aside(&id, since, incident.id()));
        Ok((incident, said))
    }

    /// The open incident that acting now would leave aside, since it has been calm for too long, and since when.
    ///
    /// # Errors
    /// As [`Books::existing`].
    pub async fn left_aside(&self, aws: &Aws) -> Result<Option<(String, DateTime<Utc>)>, DeskError> {
        if !matches!(self.whose, Whose::Newest) || self.existing(aws).await?.is_some() {
            return Ok(None);
        }
        let identity = aws.identity(Lane::Plan).await?;
        let calm = self.store.newest_calm(&identity.at, aws.clock().now())?;
        Ok(calm.map(|(listed, since)| (listed.id, since)))
    }

    /// Somebody says that an incident goes on, however long it has been calm.
    ///
    /// # Errors
    /// As [`Books::existing`], and where it is not there.
    pub async fn go_on(&self, aws: &Aws, id: &str) -> Result<(), DeskError> {
        let actor = self.actor(&aws.identity(Lane::Plan).await?);
        *self.locked() = Some(self.store.by_id(id, &actor)?);
        let said = GoesOn { incident: id.to_owned(), said_at: aws.clock().now() };
        *self.goes_on.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
        Ok(())
    }

    /// Whether this process keeps the account's journal, where it has not opened it yet.
    async fn may_join(&self, aws: &Aws) -> Result<(), DeskError> {
        if self.opened().is_some() {
            return Ok(());
        }
        let identity = aws.identity(Lane::Plan).await?;
        self.permit.may_keep(&identity.at).map_err(DeskError::NotPermitted)
    }

    /// What was done in the account, across its incidents; of a process that has its own, in that one.
    ///
    /// # Errors
    /// Where AWS does not say who we are, or the incidents cannot be listed.
    pub async fn survey(&self, aws: &Aws) -> Result<Survey, DeskError> {
        if self.is_own() {
            let folded = self.opened().map(|incident| incident.known()).transpose()?;
            return Ok(folded.map(Survey::of).unwrap_or_default());
        }
        let identity = aws.identity(Lane::Plan).await?;
        Ok(self.store.survey(&identity.at)?)
    }
}
