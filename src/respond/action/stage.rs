//! What every action on a stage itself reads first: the stage, its settings, whose account.

use chrono::{DateTime, Utc};

use crate::aws::{Aws, Lane};
use crate::model::identity::Identity;
use crate::model::plan::{ChangedKind, GuardResult, ResourceRef};
use crate::model::stage::{StageDetail, StageSelector, StageSettings};
use crate::model::text::shortened;
use crate::respond::guard::{Guard, WithEvidence};
use crate::respond::planned::PlanError;
use crate::respond::resolve;

/// A stage as it was read for a plan.
#[derive(Debug, Clone)]
pub(super) struct StageState {
    /// Whose account.
    pub identity: Identity,
    /// Account time of the reading.
    pub read_at: DateTime<Utc>,
    /// The stage.
    pub stage: StageDetail,
    /// Its settings, absent told from 0.
    pub settings: StageSettings,
}

/// Reads the stage that `selector` names.
pub(super) async fn read(aws: &Aws, selector: &StageSelector) -> Result<StageState, PlanError> {
    let (identity, stage) = tokio::join!(aws.identity(Lane::Plan), resolve::stage(aws, selector, Lane::Plan));
    let (identity, stage) = (identity?, stage?);
    let settings = aws.stage_settings(&stage.id.api_id, &stage.id.stage, Lane::Plan).await?;
    Ok(StageState { identity, read_at: aws.clock().now(), stage, settings })
}

impl StageState {
    /// The stage as a plan names it.
    #[must_use]
    pub(super) fn resource(&self) -> ResourceRef {
        ResourceRef {
            kind: ChangedKind::Stage,
            name: self.stage.id.label(),
            id: format!("{}/{}", self.stage.id.api_id, self.stage.id.stage),
            arn: self.arn(),
        }
    }

    /// The stage's ARN.
    #[must_use]
    pub(super) fn arn(&self) -> String {
        self.stage.id.arn(self.identity.partition(), &self.identity.at.region)
    }

    /// What `guard` says of signs that infrastructure as code owns the stage.
    #[must_use]
    pub(super) fn managed(&self, guard: &Guard) -> GuardResult {
        let signs: Vec<String> = self.settings.tags.iter().filter_map(|(key, value)| sign(key, value)).collect();
        match signs.first() {
            Some(_) => guard
                .warn("infrastructure as code may own the stage: its next run can revert this; tell its owners")
                .because(signs),
            None => guard.pass("no tag says that infrastructure as code owns the stage"),
        }
    }
}

/// A tag that speaks of infrastructure as code, as text.
#[must_use]
pub(super) fn sign(key: &str, value: &str) -> Option<String> {
    let text = format!("{key}={value}").to_lowercase();
    let tools = ["aws:cloudformation:", "terraform", "pulumi", "cdk", "serverless", "opentofu"];
    tools.iter().any(|tool| text.contains(tool)).then(|| shortened(&format!("{key}={value}"), 100))
}
