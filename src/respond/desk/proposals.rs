//! What would help a stage now.

use super::Desk;
use super::error::DeskError;
use crate::model::condition::Condition;
use crate::model::ladder::Ladder;
use crate::model::measure::Measure;
use crate::model::proposal::Proposals;
use crate::model::source::Sources;
use crate::model::stage::StageSelector;
use crate::model::timeline::ActionRecord;
use crate::respond::proposals::{self, Facts};

impl Desk {
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
        Ok(proposals::proposals(&Facts {
            selector: stage,
            condition,
            sources,
            ladder,
            in_force: &in_force,
            most_legitimate_share: self.settings.guards.most_legitimate_share,
        }))
    }
}
