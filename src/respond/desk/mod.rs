//! The desk: the one way from a wish to a change, for command line, screen, playbook and sweep alike.
//!
//! It surveys what was done, says what is believed of the attack, plans, has guards refuse, compares what is confirmed
//! with what was shown, carries out, observes, and takes back what has expired. Whoever asks only prints and asks. What
//! is believed of an attack comes from the incident and from nowhere else; where there is none yet, a plan reads the
//! metrics, and what it found is pinned with the first line that is written.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`books`] | which incident is written to, and by whom |
//! | [`belief`] | what is believed of the attacks, and how that is pinned and corrected |
//! | `agree` | whether what is confirmed is what was shown |
//! | [`error`] | why a wish was not carried out |
//! | [`sweep`] | undoing what has expired |
//!
//! Knows nothing of screens, of phrases typed, or of how anything is printed.

mod agree;
pub mod belief;
pub mod books;
pub mod error;
mod proposals;
pub mod sweep;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use self::books::Books;
use self::error::DeskError;
use super::confirm::Confirmed;
use super::execute::execute;
use super::ladder::{self, Wanted};
use super::observe;
use super::overlap;
use super::plan::{self, Circumstances};
use super::planned::{PlanError, Planned};
use super::reconcile::{self, Reconciled};
use super::undo::Others;
use crate::aws::{Aws, Lane};
use crate::incident::mark::Mark;
use crate::incident::{Event, Incident};
use crate::model::action::{Action, Terms};
use crate::model::ladder::Ladder;
use crate::model::plan::{Finished, Observation, Plan, Purpose};
use crate::model::proof::Proof;
use crate::model::settings::Settings;
use crate::model::stage::StageSelector;
use crate::model::timeline::ActionRecord;

/// Account time for which an effect is watched for.
pub const PATIENCE: TimeDelta = TimeDelta::minutes(8);

/// What somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// A change.
    Action(Action),
    /// That an action is taken back.
    Undo {
        /// Its id.
        action_id: String,
        /// Overrides and their reason.
        terms: Terms,
    },
}

impl Wish {
    /// What a plan was made for.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        match &plan.purpose {
            Purpose::Apply => Self::Action(plan.action.clone()),
            Purpose::Undo { action_id, terms } => Self::Undo { action_id: action_id.clone(), terms: terms.clone() },
        }
    }
}

/// A plan that is on the desk: made from state read just now.
#[derive(Debug, Clone)]
pub struct Proposal {
    planned: Planned,
    /// The incident of the action that it takes back.
    of: Option<Incident>,
}

impl Proposal {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.planned.plan
    }
}

/// A proposal that was confirmed as it was shown. Used up by carrying it out.
#[derive(Debug)]
pub struct Agreed {
    confirmed: Confirmed,
    of: Option<Incident>,
}

/// What was carried out, and where it is written.
#[derive(Debug, Clone)]
pub struct Carried {
    /// How it ended.
    pub finished: Finished,
    /// The plan as it was confirmed.
    pub plan: Plan,
    /// The incident.
    pub incident: Incident,
    /// Why the end of a playbook's step was not written, where it was not.
    pub step_unwritten: Option<String>,
}

/// One account's desk. Cheap to clone; clones share their books.
#[derive(Debug, Clone)]
pub struct Desk {
    aws: Aws,
    settings: Arc<Settings>,
    books: Books,
}

impl Carried {
    /// Where it is written: the incident, and its own id there.
    #[must_use]
    pub fn place(&self) -> (&Incident, &str) {
        (&self.incident, &self.finished.run_id)
    }
}

impl Desk {
    /// The desk of a connection.
    #[must_use]
    pub fn new(aws: Aws, settings: Arc<Settings>, books: Books) -> Self {
        Self { aws, settings, books }
    }

    /// Which incident it writes to.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.books
    }

    fn now(&self) -> DateTime<Utc> {
        self.aws.clock().now()
    }

    /// The plan for a wish, from state read now and what is believed of the attack.
    ///
    /// # Errors
    /// Where the state could not be read, or there is nothing to take back.
    pub async fn plan(&self, wish: &Wish) -> Result<Proposal, DeskError> {
        match wish {
            Wish::Action(action) => {
                if let Some(why) = action.out_of_range() {
                    return Err(DeskError::Unsound(why));
                }
                let survey = self.books.survey(&self.aws).await?;
                let circumstances = self.circumstances(action.stage(), survey.proofs, &survey.actions).await?;
                let mut planned = plan::plan(&self.aws, &self.settings, action, circumstances).await?;
                planned.plan.notes.extend(overlap::expiring(&planned.plan, &survey.actions));
                Ok(Proposal { planned, of: None })
            }
            Wish::Undo { action_id, terms } => self.plan_undo(action_id, terms).await,
        }
    }

    /// What is known of a stage beside the account's state.
    async fn circumstances(
        &self,
        stage: &StageSelector,
        proofs: Vec<Proof>,
        actions: &[ActionRecord],
    ) -> Result<Circumstances, DeskError> {
        let attack = self.attack_named(stage).await?;
        Ok(Circumstances {
            attack_began: attack.as_ref().map(|attack| attack.began),
            known: match &attack {
                Some(attack) => self.callers_before(&attack.stage).await?,
                None => None,
            },
            corrected: attack.filter(|attack| attack.corrected_at.is_some()),
            proofs,
            actions: actions.to_vec(),
        })
    }

    async fn plan_undo(&self, action_id: &str, terms: &Terms) -> Result<Proposal, DeskError> {
        let survey = self.books.survey(&self.aws).await?;
        let unreadable = survey.unreadable();
        let action = survey.action(action_id).map_err(|over| PlanError::no_action(action_id, over))?;
        let identity = self.aws.identity(Lane::Plan).await?;
        let incident = self.books.store().by_id(&action.incident, &self.books.actor(&identity))?;
        let attack = self.attack_on(&action.stage).await?;
        let others = Others { actions: &survey.actions, unreadable: &unreadable, attack: attack.as_ref() };
        let planned = super::execute::back::planned(&self.aws, &incident, action, others, terms).await?;
        Ok(Proposal { planned, of: Some(incident) })
    }

    /// Every way of closing a stage, planned.
    ///
    /// # Errors
    /// Where the stage is not there or cannot be read.
    pub async fn ladder(&self, stage: &StageSelector, web_acl: Option<&str>) -> Result<Ladder, DeskError> {
        let began = self.attack_named(stage).await?.map(|attack| attack.began);
        Ok(ladder::ladder(&self.aws, &self.settings, stage, (web_acl, Wanted::All), began).await?)
    }

    /// The same where nobody has asked: without what probes anything from outside.
    ///
    /// # Errors
    /// As [`Desk::ladder`].
    pub async fn ladder_unasked(&self, stage: &StageSelector) -> Result<Ladder, DeskError> {
        let began = self.attack_named(stage).await?.map(|attack| attack.began);
        Ok(ladder::ladder(&self.aws, &self.settings, stage, (None, Wanted::Unasked), began).await?)
    }

    /// Writes that guards stopped a plan somebody wanted to carry out, where there is an incident to write it to.
    ///
    /// # Errors
    /// Where the journal cannot be written.
    pub async fn refuse(&self, plan: &Plan) -> Result<(), DeskError> {
        let Some(incident) = self.books.existing(&self.aws).await? else { return Ok(()) };
        incident.record(self.now(), &refusal(plan))?;
        Ok(())
    }

    /// Whether this process may carry out a plan: its permit, and that the plan is for the account that the connection
    /// leads to.
    ///
    /// # Errors
    /// Why it may not.
    pub async fn may_carry_out(&self, plan: &Plan) -> Result<(), DeskError> {
        let own = self.aws.identity(Lane::Plan).await?;
        self.books.permit().may_change(&own.at).map_err(DeskError::NotPermitted)?;
        if own.at == plan.identity.at {
            return Ok(());
        }
        Err(DeskError::OtherAccount { of: plan.identity.label(), here: own.label() })
    }

    /// Carries out what was agreed, as the step of a playbook where it is one. `progress` is told every step in words.
    ///
    /// # Errors
    /// Where nothing was begun: another account, or the journal cannot be written.
    pub async fn carry_out(
        &self,
        agreed: Agreed,
        step: Option<&Mark<'_>>,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Carried, DeskError> {
        let plan = agreed.confirmed.plan().clone();
        self.may_carry_out(&plan).await?;
        let incident = match (agreed.of, step) {
            (Some(incident), _) => incident,
            (None, Some(step)) => step.incident.clone(),
            (None, None) => {
                let title = format!("{} on {}", plan.action.name(), plan.stage.label());
                let (incident, aside) = self.books.to_act_in(&self.aws, &title).await?;
                if let Some(aside) = aside {
                    progress(&aside);
                }
                incident
            }
        };
        self.pin_found(&incident, &agreed.confirmed)?;
        if let Some(step) = step {
            step.confirmed(self.now(), &plan)?;
        }
        let finished = execute(&self.aws, &incident, agreed.confirmed, progress).await?;
        // The change is made, whatever becomes of the line: the step's end follows from the action's as well.
        let step_unwritten =
            step.and_then(|step| step.carried_out(self.now(), &finished).err()).map(|error| error.to_string());
        Ok(Carried { finished, plan, incident, step_unwritten })
    }

    /// Watches until the effect of `plan`, carried out at `done_at` as `run_id`, is seen, or until `patience` has
    /// passed (account time); the incident is told.
    ///
    /// # Errors
    /// Where what was seen could not be written.
    pub async fn observe(
        &self,
        (incident, run_id): (&Incident, &str),
        plan: &Plan,
        done_at: DateTime<Utc>,
        patience: TimeDelta,
    ) -> Result<Observation, DeskError> {
        Ok(observe::observe(&self.aws, incident, run_id, plan, done_at, patience).await?)
    }

    /// Compares with AWS what was in flight when an earlier process ended, and what was not known. A process with an
    /// incident of its own looks at that one.
    ///
    /// # Errors
    /// Where AWS or the journals cannot be asked.
    pub async fn reconcile(&self) -> Result<Vec<Reconciled>, DeskError> {
        let own = self.books.opened().map(|incident| incident.id().to_owned());
        let only = self.books.is_own().then(|| own.unwrap_or_default());
        let actor = self.books.actor(&self.aws.identity(Lane::Plan).await?);
        let mut found = reconcile::reconcile(&self.aws, self.books.store(), &actor, only.as_deref()).await?;
        self.books.store().forget_callers(self.now());
        found.extend(reconcile::look_again(&self.aws, self.books.store(), &actor, only.as_deref()).await?);
        Ok(found)
    }

    /// Lets an action in force expire `lifetime` from now (account time), or not at all; gives when. Changes nothing in
    /// the account.
    ///
    /// # Errors
    /// Where there is no such action, it is not in force, or this process may not change the account.
    pub async fn extend(
        &self,
        action_id: &str,
        lifetime: Option<TimeDelta>,
    ) -> Result<(Option<DateTime<Utc>>, Incident), DeskError> {
        let identity = self.aws.identity(Lane::Plan).await?;
        self.books.permit().may_change(&identity.at).map_err(DeskError::NotPermitted)?;
        let survey = self.books.survey(&self.aws).await?;
        let action = survey.action(action_id).map_err(|over| PlanError::no_action(action_id, over))?;
        if lifetime.is_some() && matches!(action.action, Action::AllowIp(_)) {
            return Err(DeskError::Unsound(format!(
                "action {action_id} lets customers in, and does not expire: they would be locked out at expiry. To undo: portcullis undo {action_id}"
            )));
        }
        let incident = self.books.store().by_id(&action.incident, &self.books.actor(&identity))?;
        let now = self.aws.agreed_time().await?;
        let expires_at = lifetime.and_then(|lifetime| now.checked_add_signed(lifetime));
        incident.extend(now, action_id, expires_at)?;
        Ok((expires_at, incident))
    }
}

/// The line that says which guards stopped a plan.
fn refusal(plan: &Plan) -> Event {
    Event::Refused { summary: plan.summary.clone(), guards: plan.halting().cloned().collect() }
}
