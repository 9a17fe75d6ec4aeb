//! Undoing what has expired, through the same guards as any undo.

use super::Desk;
use super::error::DeskError;
use crate::aws::Lane;
use crate::incident::{Event, Folded, Incident, SignalRecord};
use crate::model::action::Terms;
use crate::model::attack::Attacks;
use crate::model::identity::{AccountRegion, Actor};
use crate::model::plan::{Finished, Plan};
use crate::model::signal::Severity;
use crate::model::timeline::{ActionRecord, ActionState};
use crate::respond::execute::back::{self, BackError, Consent};
use crate::respond::planned::PlanError;
use crate::respond::resolve;
use crate::respond::undo::Others;
use crate::watch::{self, Knocking};

/// What became of one expired action.
#[derive(Debug)]
pub struct Swept {
    /// The action.
    pub action: ActionRecord,
    /// How its undo ended, or why there was none.
    pub result: Result<Finished, DeskError>,
}

impl From<BackError> for DeskError {
    fn from(error: BackError) -> Self {
        match error {
            BackError::Plan(error) => error.into(),
            BackError::Confirm(error) => error.into(),
            BackError::Execute(error) => error.into(),
            BackError::Incident(error) => error.into(),
        }
    }
}

impl Desk {
    /// Undoes every expired action of the connected account and region that `only` lets through. What another action still wants
    /// stays, and is tried again once that one has gone.
    ///
    /// # Errors
    /// Where AWS or the journals cannot be asked at all; what becomes of each action is told with it.
    pub async fn sweep(&self, only: impl Fn(&ActionRecord) -> bool) -> Result<Vec<Swept>, DeskError> {
        let identity = self.aws.identity(Lane::Plan).await?;
        let actor = self.books.actor(&identity);
        let now = self.aws.agreed_time().await.map_err(PlanError::from)?;
        let due = |a: &&ActionRecord| {
            let live = matches!(a.state, ActionState::InForce | ActionState::Unclear);
            live && a.expires_at.is_some_and(|end| end <= now)
        };
        let known = self.books.store().survey(&identity.at)?.actions;
        let mut swept = Vec::new();
        // The later of two that set the same goes first: what it found is what the earlier one had set.
        for action in known.iter().rev().filter(due).filter(|a| only(a)) {
            let result = match self.expired(&actor, &identity.at, &action.id).await {
                Ok(Some(finished)) => Ok(finished),
                Ok(None) => continue,
                Err(error) => Err(error),
            };
            swept.push(Swept { action: action.clone(), result });
        }
        Ok(swept)
    }

    /// Takes one back, from what the journals say now: it may have been extended, or taken back, while others were dealt with.
    async fn expired(&self, actor: &Actor, at: &AccountRegion, id: &str) -> Result<Option<Finished>, DeskError> {
        let survey = self.books.store().survey(at)?;
        let (unreadable, actions) = (survey.unreadable(), survey.actions);
        let now = self.aws.clock().now();
        let expired = |a: &&ActionRecord| a.id == id && a.expires_at.is_some_and(|end| end <= now);
        let live = |a: &&ActionRecord| matches!(a.state, ActionState::InForce | ActionState::Unclear);
        let Some(action) = actions.iter().filter(live).find(expired) else { return Ok(None) };
        let incident = self.books.store().by_id(&action.incident, actor)?;
        let folded = incident.known()?;
        if action.action.is_closure() && !action.awaits_probe {
            self.may_reopen(action, &folded).await?;
        }
        // Others that have expired as well do not keep an entry in place; values that a later one set stay its own.
        let keeps = |a: &&ActionRecord| {
            a.expires_at.is_none_or(|end| end > now) || !a.changes.iter().all(|c| c.doing.is_entries())
        };
        let others: Vec<ActionRecord> = actions.iter().filter(keeps).cloned().collect();
        let attack = folded.attacks().on(&action.stage).cloned();
        let others = Others { actions: &others, unreadable: &unreadable, attack: attack.as_ref() };
        let planned = back::planned(&self.aws, &incident, action, others, &Terms::default()).await?;
        if planned.plan.is_empty() && !planned.plan.left.is_empty() {
            return Ok(None);
        }
        if planned.plan.halting().next().is_some() {
            self.refused_again(&incident, &planned.plan)?;
        }
        // An expiry that a jump of the clock brought about is told in the record.
        if let Some(jump) = self.aws.clock().jump().filter(|jump| action.expires_at.is_some_and(|end| jump.passed(end)))
        {
            incident.record(now, &Event::Note { text: format!("{} expires: {}", action.id, jump.words()) })?;
        }
        let consent = Consent::Expiry(now);
        Ok(Some(back::taken_back(&self.aws, &incident, action, planned, consent, &mut |_| {}).await?))
    }

    /// Whether a closure may end by itself: where an attack is pinned, once hardly more than usual come; else once no attack-level signal stands.
    async fn may_reopen(&self, action: &ActionRecord, folded: &Folded) -> Result<(), DeskError> {
        let (id, stage, attacks) = (action.id.clone(), action.stage.label(), folded.attacks());
        if attacks.on(&action.stage).is_some() {
            let why = self.knocks(action, &attacks).await;
            return why.map_or(Ok(()), |why| Err(DeskError::StillKnocking { id, stage, why }));
        }
        match folded.standing().find(|signal| stands(signal, action)) {
            Some(signal) => Err(DeskError::StillAttacked { id, stage, signal: signal.kind.id().to_owned() }),
            None => Ok(()),
        }
    }

    /// Why a closure stays, where whoever attacked the stage still knocks or nobody knows. What the closure itself turns away raises no signal.
    async fn knocks(&self, action: &ActionRecord, attacks: &Attacks) -> Option<String> {
        let not_known = |why: String| Some(format!("how many come to it is not known ({why})"));
        let (stage, kind) = match resolve::stage_of_any(&self.aws, action.action.stage(), Lane::Plan).await {
            Ok(found) => found,
            Err(error) => return not_known(error.to_string()),
        };
        let acl = stage.web_acl_arn.as_deref().and_then(|arn| arn.rsplit('/').nth(1));
        match watch::knocking(&self.aws, &self.settings, (&stage.id, kind), acl, attacks).await {
            Ok(Knocking::NoAttack | Knocking::Quiet) => None,
            Ok(Knocking::Loud { requests, usual }) => Some(format!(
                "up to {requests:.0} requests a minute come to it, usually {usual:.0}; it reopens by itself once hardly more than usual have \
                 come for ten minutes"
            )),
            Ok(Knocking::NotKnown) => {
                not_known("figures of the last minutes, or of what is usual, are missing".to_owned())
            }
            Err(error) => not_known(error.to_string()),
        }
    }

    /// Writes that an undo was stopped, once for as long as the same guards stop it: a scheduler tries again and again.
    fn refused_again(&self, incident: &Incident, plan: &Plan) -> Result<(), DeskError> {
        let event = super::refusal(plan);
        incident.record_where(self.aws.clock().now(), |known| (!known.has_refused(&event)).then(|| event.clone()))?;
        Ok(())
    }
}

/// Whether a signal says that the stage an action closed is still attacked: a closure never reopens by itself then.
fn stands(signal: &SignalRecord, action: &ActionRecord) -> bool {
    signal.severity == Severity::Attack && signal.stage == action.stage
}
