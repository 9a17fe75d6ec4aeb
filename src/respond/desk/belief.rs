//! What is believed of the attacks: pinned in the incident by the first who writes of one, moved by a person's
//! correction only.

use chrono::{DateTime, Utc};

use super::Desk;
use super::error::DeskError;
use crate::incident::{Event, Folded, Incident};
use crate::model::attack::{Attack, AttackKind, Attacks, RestsOn};
use crate::model::belief::Beliefs;
use crate::model::callers::{CallersBefore, CallersKey, KnownCallers};
use crate::model::measure::Measures;
use crate::model::plan::Purpose;
use crate::model::source::Sources;
use crate::model::stage::{StageId, StageSelector};
use crate::respond::confirm::Confirmed;

/// What a person's word about the beginning of an attack has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It was the first word of it.
    Began,
    /// It corrects what stood at this time before (account time, UTC).
    Corrected(DateTime<Utc>),
}

impl Desk {
    /// The attacks that are pinned in the incident this process works on. None where there is no incident yet.
    ///
    /// # Errors
    /// Where AWS does not say who we are, or the incident cannot be read.
    pub async fn attacks(&self) -> Result<Attacks, DeskError> {
        let Some(incident) = self.books.existing(&self.aws).await? else { return Ok(Attacks::default()) };
        Ok(incident.known()?.attacks())
    }

    /// What is believed of every stage: the attacks that are pinned in the incident this process works on, and the
    /// measures in force of all open ones.
    ///
    /// # Errors
    /// As [`Desk::attacks`], or where the incidents cannot be listed.
    pub async fn beliefs(&self) -> Result<Beliefs, DeskError> {
        let measures = Measures::of(&self.books.survey(&self.aws).await?.actions);
        Ok(Beliefs { attacks: self.attacks().await?, measures })
    }

    /// The attack on the stage that a selector names, where one is pinned.
    ///
    /// # Errors
    /// As [`Desk::attacks`].
    pub async fn attack_named(&self, stage: &StageSelector) -> Result<Option<Attack>, DeskError> {
        Ok(self.attacks().await?.named_by(stage).cloned())
    }

    /// The attack on a stage, where one is pinned.
    ///
    /// # Errors
    /// As [`Desk::attacks`].
    pub async fn attack_on(&self, stage: &StageId) -> Result<Option<Attack>, DeskError> {
        Ok(self.attacks().await?.on(stage).cloned())
    }

    /// Who called a stage before the attack on it, as the incident keeps it; `None` where it keeps nothing, or no
    /// longer.
    ///
    /// # Errors
    /// As [`Desk::attacks`].
    pub async fn callers_before(&self, stage: &StageId) -> Result<Option<KnownCallers>, DeskError> {
        let Some(incident) = self.books.existing(&self.aws).await? else { return Ok(None) };
        let known = incident.known()?;
        let began = known.attacks().began(stage);
        let Some(callers) = began.and_then(|began| known.callers_before(stage, began)) else { return Ok(None) };
        let is_over = callers.until <= self.now();
        let key = incident.callers_key().filter(|key| !is_over && callers.is_under(key));
        Ok(key.map(|key| KnownCallers { callers: callers.clone(), key }))
    }

    /// Keeps who called a stage before the attack that is pinned on it, as `sources` tell that were read for an attack
    /// that began at `read_for`, where nothing is kept yet; `fresh` makes a key for the hashes. Samples of now beside
    /// those of before do not say how many those are, and are not kept. Whether anything was written. Samples are gone
    /// after three hours: whoever asks later is told out of this.
    ///
    /// # Errors
    /// Where AWS does not say who we are, or the journal cannot be read or written.
    pub async fn keep_callers(
        &self,
        (stage, read_for): (&StageId, Option<DateTime<Utc>>),
        sources: &Sources,
        fresh: impl FnOnce() -> Option<CallersKey>,
    ) -> Result<bool, DeskError> {
        let Some(incident) = self.books.existing(&self.aws).await? else { return Ok(false) };
        let known = incident.known()?;
        let Some(began) = known.attacks().began(stage).filter(|began| Some(*began) == read_for) else {
            return Ok(false);
        };
        let nobody = sources.sources.iter().all(|one| one.before_per_second <= 0.0) && sources.gone.is_empty();
        let counted = sources.log.as_ref().is_some_and(|log| log.before.is_some());
        if nobody || !(counted || sources.sources.is_empty()) {
            return Ok(false);
        }
        let Some(key) = incident.callers_key_or(fresh)? else { return Ok(false) };
        // What samples alone tell makes room for what was counted, and what nobody has the key of for either.
        let is_kept = |known: &Folded, counted: bool| {
            let kept = known.callers_before(stage, began).filter(|kept| kept.is_under(&key));
            kept.is_some_and(|kept| !counted || kept.listed_share.is_some())
        };
        if is_kept(&known, counted) {
            return Ok(false);
        }
        let Some(callers) = CallersBefore::of(sources, &key, self.now()) else { return Ok(false) };
        let event = Event::CallersBefore { stage: stage.clone(), began, callers: Box::new(callers) };
        let wanted = |known: &Folded| known.attacks().began(stage) == Some(began) && !is_kept(known, counted);
        Ok(incident.record_where(self.now(), |known| wanted(known).then(|| event.clone()))?)
    }

    /// Pins when an attack began, unless one is pinned on that stage already; `evidence` shows it, in a line.
    ///
    /// # Errors
    /// Where the journal cannot be read or written.
    pub fn pin(&self, incident: &Incident, attack: &Attack, evidence: &str) -> Result<(), DeskError> {
        let event = Event::AttackBegan {
            stage: attack.stage.clone(),
            began: attack.began,
            rests_on: attack.rests_on,
            attack: attack.kind,
            evidence: evidence.to_owned(),
        };
        incident.record_where(self.now(), |known| {
            let is_known = known.attacks.iter().any(|one| one.accounts_for(&attack.stage, attack.began));
            (!is_known).then(|| event.clone())
        })?;
        Ok(())
    }

    /// Pins what a plan found in the metrics, where the incident says nothing of an attack: the action rests on it.
    pub(super) fn pin_found(&self, incident: &Incident, confirmed: &Confirmed) -> Result<(), DeskError> {
        let plan = confirmed.plan();
        let Some(began) = confirmed.attack_found().filter(|_| plan.purpose == Purpose::Apply) else { return Ok(()) };
        let attack = Attack::begun(plan.stage.clone(), began, RestsOn::Metrics, None);
        self.pin(incident, &attack, "read for a plan, with no console watching")
    }

    /// A person says when the attack on a stage began, and perhaps what it is after. The first word opens an incident
    /// where there is none; what is to be said where that leaves one aside comes last, as from
    /// [`Books::to_act_in`](super::books::Books::to_act_in).
    ///
    /// # Errors
    /// Where this process does not keep the account's journal, or it cannot be read or written.
    pub async fn attack_began(
        &self,
        stage: &StageId,
        began: DateTime<Utc>,
        kind: Option<AttackKind>,
    ) -> Result<(Told, Incident, Option<String>), DeskError> {
        let title = format!("attack on {}", stage.label());
        // A word about the night before belongs to its incident, and one about what came after it does not.
        let (incident, aside) = match self.books.left_aside(&self.aws).await? {
            Some((_, calm_since)) if began <= calm_since => (self.books.incident(&self.aws, &title).await?, None),
            _ => self.books.to_act_in(&self.aws, &title).await?,
        };
        let first = Event::AttackBegan {
            stage: stage.clone(),
            began,
            rests_on: RestsOn::Person,
            attack: kind,
            evidence: String::new(),
        };
        let other = Event::AttackCorrected { stage: stage.clone(), began, attack: kind };
        let before = incident.known()?.attacks().began(stage);
        incident.record_where(self.now(), |known| {
            Some(if known.attacks().on(stage).is_some() { other.clone() } else { first.clone() })
        })?;
        Ok((before.map_or(Told::Began, Told::Corrected), incident, aside))
    }

    /// A person says that the attack on a stage is over, since `ended`; whether one was pinned.
    ///
    /// # Errors
    /// Where the journal cannot be read or written.
    pub async fn attack_ended(&self, stage: &StageId, ended: DateTime<Utc>) -> Result<bool, DeskError> {
        let Some(incident) = self.books.joined(&self.aws).await? else { return Ok(false) };
        let event = Event::AttackEnded { stage: stage.clone(), ended };
        Ok(incident.record_where(self.now(), |known| known.attacks().on(stage).map(|_| event.clone()))?)
    }
}
