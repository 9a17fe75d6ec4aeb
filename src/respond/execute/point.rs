//! Which deployment a stage points at: read, set, and set back.

use chrono::TimeDelta;
use serde_json::Value;

use super::step::Trouble;
use super::tries::{Manner, Tries};
use super::{Ended, Run, Step};
use crate::aws::{AwsError, Lane};
use crate::model::change::{Assignment, DEPLOYMENT, Part, Place};
use crate::model::plan::{Change, ChangedKind, ResourceRef};
use crate::model::stage::StageId;
use crate::respond::recipe::{ProofRecipe, Recipe};

/// Account time after which a call without an answer that may have come late has most likely come.
pub(super) const LANDS_IN: TimeDelta = TimeDelta::seconds(4);
/// Account time for which it is tried to point a stage back.
const BACK_FOR: TimeDelta = TimeDelta::minutes(5);

impl From<Ended> for Trouble {
    /// Why a stage was not pointed elsewhere; where a call may have done it, or may do it yet, in doubt.
    fn from(ended: Ended) -> Self {
        Self { doubt: ended.may_land || ended.step != Step::NotDone, ..Self::from(ended.line) }
    }
}

impl Run<'_> {
    pub(super) async fn pointed_at(&mut self, stage: &StageId) -> Result<String, AwsError> {
        let settings = self.aws.stage_settings(&stage.api_id, &stage.stage, Lane::Write).await?;
        Ok(settings.deployment_id.unwrap_or_default())
    }

    pub(super) async fn still_at(&mut self, stage: &StageId, deployment: &str) -> Result<(), Trouble> {
        let now = self.pointed_at(stage).await.map_err(|e| e.to_string())?;
        if now == deployment {
            return Ok(());
        }
        Err(Trouble::from(format!(
            "{} points at {now} now, not at {deployment}: it was deployed meanwhile. Plan again",
            stage.label()
        )))
    }

    /// Points a stage from one deployment at another, where it is still at the first. How that ended where it is not
    /// seen to.
    pub(super) async fn point(&mut self, at: (&StageId, &str), from: &str, to: &str) -> Result<(), Ended> {
        let tries = Tries::new(Manner::Confirmed, self.patience());
        let ended = self.change(&pointing(at, from, to), tries).await;
        self.pointed(ended)
    }

    fn pointed(&mut self, ended: Ended) -> Result<(), Ended> {
        self.late |= ended.may_land;
        if ended.step != Step::Verified {
            return Err(ended);
        }
        self.say(ended.line);
        Ok(())
    }

    /// The draft and the stage that the proof was on, as they were; what somebody else changed since is left and said.
    /// Each is tried whatever becomes of the other.
    pub(super) async fn all_back(&mut self, recipe: &Recipe, proof: &ProofRecipe, doubt: bool) -> Result<(), String> {
        let draft = self.draft_back(recipe, false).await;
        let until = self.aws.clock().now() + BACK_FOR;
        let mut doubt = doubt || self.late;
        let mut stage = self.stage_back(recipe, proof, &mut doubt).await;
        while stage.is_err() && self.aws.clock().now() < until {
            self.aws.clock().sleep(TimeDelta::seconds(2)).await;
            stage = self.stage_back(recipe, proof, &mut doubt).await;
        }
        match (draft, stage) {
            (Ok(()), Ok(())) => Ok(()),
            (Err(one), Err(other)) => Err(format!("{one}; {other}")),
            (Err(one), Ok(())) | (Ok(()), Err(one)) => Err(one),
        }
    }

    /// With a `doubt` an earlier call may land after we have looked: the deployment of before is then written whatever
    /// shows, and it has to be looked once more.
    async fn stage_back(&mut self, recipe: &Recipe, proof: &ProofRecipe, doubt: &mut bool) -> Result<(), String> {
        let label = proof.on.label();
        let now = self.pointed_at(&proof.on).await.map_err(|e| e.to_string())?;
        if now != proof.base {
            let there = self.aws.deployment(&proof.on.api_id, &now, Lane::Write).await.map_err(|e| e.to_string())?;
            if !there.description.starts_with(&recipe.mark) {
                return Err(format!(
                    "{label} has been pointed at {now} by somebody else meanwhile; leaving it unchanged"
                ));
            }
        } else if !*doubt {
            return Ok(());
        }
        let tries = Tries::new(Manner::Back { doubt: *doubt }, self.patience());
        let ended = self.change(&pointing((&proof.on, &proof.arn), &now, &proof.base), tries).await;
        self.pointed(ended).map_err(|ended| {
            *doubt |= ended.may_land;
            ended.line
        })?;
        if std::mem::take(doubt) {
            self.aws.clock().sleep(LANDS_IN).await;
            return Err(format!("{label} was pointed back once more, to be sure"));
        }
        Ok(())
    }
}

/// A stage (by its ARN) from one deployment to another.
fn pointing((stage, arn): (&StageId, &str), from: &str, to: &str) -> Change {
    let place = Place::Deployment { api_id: stage.api_id.clone(), stage: stage.stage.clone(), mark: None };
    let value = |id: &str| Some(Value::String(id.to_owned()));
    let part = Part { name: DEPLOYMENT.to_owned(), before: value(from), after: value(to) };
    let resource = ResourceRef {
        kind: ChangedKind::Stage,
        name: stage.label(),
        id: format!("{}/{}", stage.api_id, stage.stage),
        arn: arn.to_owned(),
    };
    Change::of_values(resource, Assignment { place, parts: vec![part], passing: true })
}
