//! What would help a stage now.

use super::error::DeskError;
use super::{Desk, Wish};
use crate::model::action::{Action, FlushCache, Terms};
use crate::model::attack::AttackKind;
use crate::model::condition::Condition;
use crate::model::ladder::Ladder;
use crate::model::measure::{Blocked, Measure};
use crate::model::proposal::Proposals;
use crate::model::source::Sources;
use crate::model::stage::{StageId, StageSelector};
use crate::model::timeline::ActionRecord;
use crate::respond::proposals::{self, Facts};

impl Desk {
    /// What the blocks of ours hold that are in force on a stage; `None` where there is none.
    ///
    /// # Errors
    /// Where the journals cannot be read.
    pub async fn blocked(&self, stage: &StageId) -> Result<Option<Blocked>, DeskError> {
        Ok(Blocked::of(&self.books.survey(&self.aws).await?.actions, stage))
    }

    /// What would help a stage of a REST API now, the best first, by how it stands, who sends what and the ways of closing it. Changes nothing.
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
        let is_on = |one: &ActionRecord| {
            one.stage.is_same(&ladder.stage) && Measure::of(one).is_some_and(|measure| measure.is_in_force())
        };
        let in_force: Vec<_> = survey.actions.into_iter().filter(is_on).collect();
        let flush = self.flush(stage, ladder).await;
        Ok(proposals::proposals(&Facts {
            flush,
            selector: stage,
            condition,
            sources,
            ladder,
            in_force: &in_force,
            most_legitimate_share: self.settings.guards.most_legitimate_share,
        }))
    }

    /// A flush of the stage's cache, where somebody has said that the attack takes what it should not get, the stage has a cache, and no guard stops
    /// the flush: at the peak the backend would not bear it.
    async fn flush(&self, stage: &StageSelector, ladder: &Ladder) -> Option<Action> {
        let attack = self.attack_on(&ladder.stage).await.ok()??;
        if attack.kind != Some(AttackKind::Theft) {
            return None;
        }
        let flush = FlushCache { stage: stage.clone(), authorizers: false, terms: Terms::default() };
        let planned = self.plan(&Wish::Action(Action::FlushCache(flush))).await.ok()?;
        let plan = planned.plan();
        (!plan.is_empty() && plan.halting().next().is_none()).then(|| plan.action.clone())
    }
}
