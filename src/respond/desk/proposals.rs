//! What would help a stage now.

use super::Desk;
use super::error::DeskError;
use crate::model::condition::Condition;
use crate::model::measure::Measure;
use crate::model::proposal::Proposals;
use crate::model::source::Sources;
use crate::model::stage::StageSelector;
use crate::model::timeline::ActionRecord;
use crate::respond::proposals::{self, Facts};

impl Desk {
    /// What would help a stage of a REST API now, the best first, by how it stands and who sends what. Plans every way of closing it, and changes
    /// nothing.
    ///
    /// # Errors
    /// Where the stage is not there, or it or the journals cannot be read.
    pub async fn proposals(
        &self,
        stage: &StageSelector,
        condition: &Condition,
        sources: Result<&Sources, String>,
    ) -> Result<Proposals, DeskError> {
        let ladder = self.ladder(stage, None).await?;
        let survey = self.books.survey(&self.aws).await?;
        let is_on = |one: &ActionRecord| {
            one.stage.is_same(&ladder.stage) && Measure::of(one).is_some_and(|measure| measure.is_in_force())
        };
        let in_force: Vec<_> = survey.actions.into_iter().filter(is_on).collect();
        Ok(proposals::proposals(&Facts {
            selector: stage,
            condition,
            sources,
            ladder: &ladder,
            in_force: &in_force,
            most_legitimate_share: self.settings.guards.most_legitimate_share,
        }))
    }
}
