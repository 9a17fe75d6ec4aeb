//! Undoing what has expired, through the same guards as any undo.

use super::error::DeskError;
use super::{Desk, Wish};
use crate::aws::Lane;
use crate::aws::read::ResourceKind;
use crate::incident::{Event, Folded, Incident, SignalRecord};
use crate::model::action::{Reopening, Terms};
use crate::model::attack::Attacks;
use crate::model::identity::{AccountRegion, Actor};
use crate::model::plan::{Finished, GuardResult, Plan, Verdict};
use crate::model::signal::Severity;
use crate::model::timeline::{ActionRecord, ActionState};
use crate::respond::confirm::{self, Confirmed};
use crate::respond::execute::back::{self, BackError, Consent};
use crate::respond::execute::execute;
use crate::respond::guard;
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
    /// Undoes every expired action of the connected account and region that `only` lets through. What another action
    /// still wants stays, and is tried again once that one has gone.
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
        let reopened = |a: &&ActionRecord| a.action.terms().reopen == Reopening::WhenQuietCloseAgain;
        for closure in known.iter().filter(reopened).filter(|a| a.state == ActionState::Undone && only(a)) {
            let Some(result) = self.closed_again(&actor, closure).await.transpose() else { continue };
            swept.push(Swept { action: closure.clone(), result });
        }
        Ok(swept)
    }

    /// Closes again what reopened by itself a moment ago and is attacked again, where that was consented to: once.
    async fn closed_again(&self, actor: &Actor, closure: &ActionRecord) -> Result<Option<Finished>, DeskError> {
        let incident = self.books.store().by_id(&closure.incident, actor)?;
        let folded = incident.known()?;
        let Some(reopened) = folded.reopened(closure) else { return Ok(None) };
        let now = self.aws.clock().now();
        let (Some(action), true) = (confirm::again(closure), now - reopened <= confirm::CLOSES_AGAIN) else {
            return Ok(None);
        };
        // What is not known closes nothing.
        if !matches!(self.knocking(closure, &folded.attacks()).await, Ok(Knocking::Loud { .. })) {
            return Ok(None);
        }
        let planned = self.plan(&Wish::Action(action)).await?.planned;
        if planned.plan.halting().next().is_some() {
            self.refused_again(&incident, &planned.plan)?;
        }
        // Somebody has closed it meanwhile, or this console was not the first.
        if planned.plan.is_empty() || incident.known()?.reopened(closure).is_none() {
            return Ok(None);
        }
        let confirmed = Confirmed::by_closing_again(planned, closure, reopened, now)?;
        Ok(Some(execute(&self.aws, &incident, confirmed, &mut |_| {}).await?))
    }

    /// Takes one back, from what the journals say now: it may have been extended, or taken back, while others were
    /// dealt with.
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
            a.expires_at.is_none_or(|end| end > now) || !a.changes.iter().all(|c| c.edit.is_entries())
        };
        let others: Vec<ActionRecord> = actions.iter().filter(keeps).cloned().collect();
        let attack = folded.attacks().on(&action.stage).cloned();
        let others = Others { actions: &others, unreadable: &unreadable, attack: attack.as_ref() };
        // That it is taken back by itself is part of the record.
        let terms = Terms { reopen: action.action.terms().reopen, ..Terms::default() };
        let planned = back::planned(&self.aws, &incident, action, others, &terms).await?;
        if planned.plan.is_empty() && !planned.plan.left.is_empty() {
            return Ok(None);
        }
        if planned.plan.halting().next().is_some() {
            self.refused_again(&incident, &planned.plan)?;
        }
        if let Some(why) = comes_back(action, &planned.plan)
            && !matches!(self.knocking(action, &folded.attacks()).await, Ok(Knocking::NoAttack | Knocking::Quiet))
        {
            return Err(DeskError::AttackStands { id: action.id.clone(), stage: action.stage.label(), why });
        }
        // An expiry that a jump of the clock brought about is told in the record.
        if let Some(jump) = self.aws.clock().jump().filter(|jump| action.expires_at.is_some_and(|end| jump.passed(end)))
        {
            incident.record(now, &Event::Note { text: format!("{} expires: {}", action.id, jump.words()) })?;
        }
        let consent = Consent::Expiry(now);
        Ok(Some(back::taken_back(&self.aws, &incident, action, planned, consent, &mut |_| {}).await?))
    }

    /// Whether a closure may end by itself: where that was consented to, and an attack is pinned, once hardly more than
    /// usual come; where none is pinned, once no attack-level signal stands.
    async fn may_reopen(&self, action: &ActionRecord, folded: &Folded) -> Result<(), DeskError> {
        let (id, stage, attacks) = (action.id.clone(), action.stage.label(), folded.attacks());
        if let (Reopening::Ask, Some(expired)) = (action.action.terms().reopen, action.expires_at) {
            return Err(DeskError::Asks { id, stage, expired });
        }
        if attacks.on(&action.stage).is_none() && attacks.over(&action.stage).is_none() {
            // Nobody knows what is usual: what was consented to cannot be told.
            let why = "no attack is pinned on the stage, so what is usual is not known".to_owned();
            let signal = folded.standing().find(|signal| stands(signal, action)).map(|one| one.kind.id().to_owned());
            return Err(match signal {
                Some(signal) => DeskError::StillAttacked { id, stage, signal },
                None => DeskError::StillKnocking { id, stage, why },
            });
        }
        let why = match self.knocking(action, &attacks).await {
            Ok(Knocking::NoAttack | Knocking::Quiet) => return Ok(()),
            Ok(Knocking::Loud { requests, usual }) => format!(
                "up to {requests:.0} requests a minute reach it, usually {usual:.0}; it reopens by itself once hardly \
                 more than usual have come for ten minutes"
            ),
            Ok(Knocking::NotKnown) => {
                "how many requests reach it is not known (figures of the last minutes, or of what is usual, are \
                 missing)"
                    .to_owned()
            }
            Err(error) => format!("how many requests reach it is not known ({error})"),
        };
        Err(DeskError::StillKnocking { id, stage, why })
    }

    /// How many come to the stage of an action, turned away or not. What the action itself turns away raises no signal.
    async fn knocking(&self, action: &ActionRecord, attacks: &Attacks) -> Result<Knocking, DeskError> {
        let (stage, kind) =
            resolve::stage_of_any(&self.aws, action.action.stage(), Lane::Plan).await.map_err(PlanError::from)?;
        // Of a web ACL before several stages the sums are everybody's: then the stage's own count, in which what WAF
        // blocks is as far as is known.
        let acl = match stage.web_acl_arn.as_deref() {
            Some(arn) if self.aws.resources_behind(arn, ResourceKind::API_GATEWAY, Lane::Plan).await?.len() <= 1 => {
                arn.rsplit('/').nth(1)
            }
            _ => None,
        };
        Ok(watch::knocking(&self.aws, &self.settings, (&stage.id, kind), acl, attacks).await?)
    }

    /// Writes that an undo was stopped, once for as long as the same guards stop it: a scheduler tries again and again.
    fn refused_again(&self, incident: &Incident, plan: &Plan) -> Result<(), DeskError> {
        let event = super::refusal(plan);
        incident.record_where(self.aws.clock().now(), |known| (!known.has_refused(&event)).then(|| event.clone()))?;
        Ok(())
    }
}

/// What would come back with a block or a throttle whose time is over, where an attack is pinned and something would or
/// nobody knows.
fn comes_back(action: &ActionRecord, undo: &Plan) -> Option<String> {
    if action.action.is_closure() {
        return None;
    }
    let stands = |guard: &&GuardResult| guard.id == guard::UNDO_ATTACK.id && guard.verdict != Verdict::Pass;
    undo.guards.iter().find(stands).map(|guard| guard.reason.clone())
}

/// Whether a signal says that the stage an action closed is still attacked: a closure never reopens by itself then.
fn stands(signal: &SignalRecord, action: &ActionRecord) -> bool {
    signal.severity == Severity::Attack && signal.stage == action.stage
}
