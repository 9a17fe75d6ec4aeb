//! Where a stage's access log goes, and in which format.

use std::sync::Arc;

use super::record::Family;
use crate::logs::format::Format;
use crate::state::{Account, Stage, ids};

/// Where a stage's access log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StageLog {
    pub(super) group: String,
    pub(super) format: Format,
    pub(super) stream: Arc<str>,
}

impl StageLog {
    /// The access log of a stage; `None` without one, or where it goes somewhere else than into a log group of this
    /// account. A REST API writes only where the account names a role (`cloudwatchRoleArn`; documented); an HTTP API
    /// needs none (inferred).
    pub(super) fn of(account: &Account, api: &str, family: Family, stage: &Stage) -> Option<Self> {
        if family == Family::Rest && account.gateway.cloudwatch_role_arn.is_none() {
            return None;
        }
        let (arn, format) = (stage.access_log.get("destinationArn")?, stage.access_log.get("format")?);
        let home = format!("arn:aws:logs:{}:{}:log-group:", account.region, account.id);
        let group = arn.strip_prefix(&home)?.trim_end_matches(":*").to_owned();
        let name = ids::hash(&format!("{api}/{}", stage.name));
        let stream = format!("{:016x}{:016x}", name, ids::mix(name)).into();
        Some(Self { group, format: Format::read(format), stream })
    }
}
