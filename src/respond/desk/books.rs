//! Which incident a process writes to, and in whose name.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::DeskError;
use crate::aws::{Aws, Lane};
use crate::incident::{Incident, IncidentStore, Survey};
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
    /// The newest open one of the account, else a new one.
    Newest,
    /// The one with this id.
    Named(String),
    /// One of its own, opened for this title: a drill's account is gone with its process.
    Own(String),
}

/// Where incidents are, which one is written to, and by whom. Cheap to clone; clones share the incident once it is open.
#[derive(Debug, Clone)]
pub struct Books {
    store: IncidentStore,
    whose: Whose,
    /// The person and the machine; whose credentials they are is the account's to say.
    who: Actor,
    permit: Arc<dyn Permit>,
    open: Arc<Mutex<Option<Incident>>>,
}

impl Books {
    /// The books of `store`, kept by `who`, whose ARN is not looked at.
    #[must_use]
    pub fn new(store: IncidentStore, whose: Whose, who: Actor, permit: Arc<dyn Permit>) -> Self {
        Self { store, whose, who, permit, open: Arc::default() }
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

    /// The incident that is written to, where there is one.
    ///
    /// # Errors
    /// Where AWS does not say who we are, or the incidents cannot be read.
    pub async fn existing(&self, aws: &Aws) -> Result<Option<Incident>, DeskError> {
        if let Some(incident) = self.opened() {
            return Ok(Some(incident));
        }
        let actor = |identity: &Identity| self.actor(identity);
        let found = match &self.whose {
            Whose::Own(_) => None,
            Whose::Named(id) => Some(self.store.by_id(id, &actor(&aws.identity(Lane::Plan).await?))?),
            Whose::Newest => {
                let identity = aws.identity(Lane::Plan).await?;
                self.store.newest_open(&identity.at, &actor(&identity))?
            }
        };
        Ok(found.map(|incident| self.keep(incident)))
    }

    /// The incident that is written to, opened for `title` where there is none.
    ///
    /// # Errors
    /// Where another connection keeps this account's journal, AWS does not say who we are, or the incidents cannot be read or written.
    pub async fn incident(&self, aws: &Aws, title: &str) -> Result<Incident, DeskError> {
        if let Some(incident) = self.opened() {
            return Ok(incident);
        }
        let identity = aws.identity(Lane::Plan).await?;
        self.permit.may_keep(&identity.at).map_err(DeskError::NotPermitted)?;
        let actor = self.actor(&identity);
        let now = aws.clock().now();
        let mut open = self.locked();
        // Somebody may have opened it while we asked who we are.
        if let Some(incident) = open.as_ref() {
            return Ok(incident.clone());
        }
        let incident = match &self.whose {
            Whose::Named(id) => self.store.by_id(id, &actor),
            Whose::Own(title) => self.store.create(&identity, title, now, &actor),
            Whose::Newest => self.store.open_or_create(&identity, title, now, &actor),
        }?;
        *open = Some(incident.clone());
        Ok(incident)
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
