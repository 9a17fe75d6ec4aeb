//! What would help a stage now.

use std::net::IpAddr;

use super::error::DeskError;
use super::{Desk, Wish};
use crate::incident::Survey;
use crate::model::action::{Action, AllowIp, FlushCache, Terms};
use crate::model::address::Target;
use crate::model::attack::AttackKind;
use crate::model::condition::{Condition, StageState};
use crate::model::ladder::Ladder;
use crate::model::measure::{Blocked, Measure};
use crate::model::proposal::Proposals;
use crate::model::source::Sources;
use crate::model::stage::{StageId, StageSelector};
use crate::model::timeline::ActionRecord;
use crate::respond::plan;
use crate::respond::proposals::{self, Facts, MOST_LET_IN, Relief};

impl Desk {
    /// What the blocks of ours hold that are in force on a stage; `None` where there is none.
    ///
    /// # Errors
    /// Where the journals cannot be read.
    pub async fn blocked(&self, stage: &StageId) -> Result<Option<Blocked>, DeskError> {
        Ok(Blocked::of(&self.books.survey(&self.aws).await?.actions, stage))
    }

    /// What would help a stage of a REST API now, the best first, by how it stands, who sends what and the ways of
    /// closing it. Changes nothing.
    ///
    /// # Errors
    /// Where the journals cannot be read.
    pub async fn proposals(
        &self,
        stage: &StageSelector,
        condition: &Condition,
        sources: Result<&Sources, String>,
        ladder: &Ladder,
    ) -> Result<Proposals, DeskError> {
        let survey = self.books.survey(&self.aws).await?;
        let relief = match sources {
            Ok(sources) if condition.state == StageState::CustomersOut => self.relief(stage, sources, &survey).await,
            _ => Ok(None),
        };
        let is_on = |one: &ActionRecord| {
            one.stage.is_same(&ladder.stage) && Measure::of(one).is_some_and(|measure| measure.is_in_force())
        };
        let in_force: Vec<_> = survey.actions.into_iter().filter(is_on).collect();
        let kind = self.attack_on(&ladder.stage).await.ok().flatten().and_then(|attack| attack.kind);
        let flush = if kind == Some(AttackKind::Theft) { self.flush(stage).await } else { None };
        Ok(proposals::proposals(&Facts {
            flush,
            relief,
            selector: stage,
            condition,
            kind,
            sources,
            ladder,
            in_force: &in_force,
            most_legitimate_share: self.settings.guards.most_legitimate_share,
        }))
    }

    /// To let in through the closed web ACL who called before the attack and is kept out; the reason where that is not
    /// known, or a guard stops it.
    async fn relief(
        &self,
        stage: &StageSelector,
        sources: &Sources,
        survey: &Survey,
    ) -> Result<Option<Relief>, String> {
        let mut customers = proposals::customers(sources);
        let all: f64 = customers.iter().map(|(_, per_second)| per_second).sum();
        customers.truncate(MOST_LET_IN);
        let targets: Vec<Target> =
            customers.iter().map(|(address, _)| Target { net: (*address).into(), masked_from: None }).collect();
        if targets.is_empty() || all <= 0.0 {
            return Err("who called before the attack is not known".to_owned());
        }
        let (name, terms) = (stage.clone(), Terms::default());
        let allow = AllowIp { stage: name, targets, ip_sets: Vec::new(), web_acl: None, terms };
        let said = |error: DeskError| error.to_string();
        let circumstances = self.circumstances(stage, survey.proofs.clone(), &survey.actions).await.map_err(said)?;
        let planned = plan::relief(&self.aws, &self.settings, allow, circumstances).await;
        let Some(planned) = planned.map_err(|error| error.to_string())? else { return Ok(None) };
        let plan = &planned.plan;
        if let Some(stops) = plan.halting().next() {
            return Err(format!("{}: {}", stops.id, stops.reason));
        }
        // It would show nowhere, since something else keeps them out.
        if plan.is_empty() || plan.watch.is_empty() {
            return Ok(None);
        }
        let is_let_in = |address: &IpAddr| plan.action.prefixes().iter().any(|target| target.net.contains(address));
        let let_in: f64 = customers.iter().filter(|(address, _)| is_let_in(address)).map(|(_, rate)| rate).sum();
        Ok(Some(Relief { action: plan.action.clone(), share: let_in / all }))
    }

    /// A flush of the stage's cache, where the stage has one and no guard stops the flush: at the peak the backend
    /// would not bear it.
    async fn flush(&self, stage: &StageSelector) -> Option<Action> {
        let flush = FlushCache { stage: stage.clone(), authorizers: false, terms: Terms::default() };
        let planned = self.plan(&Wish::Action(Action::FlushCache(flush))).await.ok()?;
        let plan = planned.plan();
        (!plan.is_empty() && plan.halting().next().is_none()).then(|| plan.action.clone())
    }
}
