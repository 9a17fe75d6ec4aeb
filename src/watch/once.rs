//! One reading, for commands that do not stay.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc::unbounded_channel;

use super::discover::discover;
use super::picture;
use super::poll::{Extent, Questions, ask, stage_history};
use super::signal::{self, AclScope, Situation};
use super::state::{Part, State};
use crate::aws::{Aws, AwsError};
use crate::model::board::Board;
use crate::model::settings::Settings;
use crate::model::signal::Severity;
use crate::model::stage::StageId;

/// Reads everything once and waits for the details: identity, stages, web ACLs, an hour of metrics.
///
/// # Errors
/// Where there is nothing to show: the credentials do not work, or neither API Gateway nor CloudWatch could be read. Anything
/// less is told in `polling.trouble` and in the figures that are missing.
pub async fn read_board(aws: &Aws, settings: &Settings) -> Result<Board, AwsError> {
    let (sender, mut found) = unbounded_channel();
    Box::pin(discover(aws, None, &sender)).await;
    let mut state = State::new(Arc::new(settings.clone()), aws.region());
    while let Ok(piece) = found.try_recv() {
        state.apply(piece);
    }
    let now = aws.clock().now();
    let questions = Questions::of(&state, Extent::All, now);
    if questions.len() > 0 && !state.troubles.values().any(AwsError::is_about_credentials) {
        match ask(aws, questions, now).await {
            Ok(answers) => answers.fold(&mut state, Extent::All, now),
            Err(error) => {
                state.troubles.insert(Part::Metrics, error);
            }
        }
    }
    let credentials = state.troubles.values().find(|e| e.is_about_credentials());
    if let Some(error) = credentials {
        return Err(error.clone());
    }
    let metrics = state.troubles.get(&Part::Metrics).or(state.troubles.get(&Part::Active));
    let apis = state.troubles.get(&Part::Apis);
    if let (Some(error), Some(_)) = (apis, metrics) {
        return Err(error.clone());
    }
    Ok(picture::board(&state, aws.clock().now(), aws.clock().rate()))
}

/// When the attack on a stage began, where one stands: the start of the oldest attack-level signal, UTC. One `GetMetricData` call
/// over the last three hours.
///
/// `web_acl_name` is the dimension value of the web ACL's series. How many stages are behind the ACL is not asked, so that
/// 4XX of our own making are not told apart here.
///
/// # Errors
/// As `GetMetricData` fails.
pub async fn attack_began(
    aws: &Aws,
    settings: &Settings,
    stage: &StageId,
    web_acl_name: Option<&str>,
) -> Result<Option<DateTime<Utc>>, AwsError> {
    let now = aws.clock().now();
    let history = stage_history(aws, settings, stage, web_acl_name, now).await?;
    let last = crate::model::series::floor_minute(now) - TimeDelta::minutes(1);
    let scope = web_acl_name.map_or(AclScope::None, |name| AclScope::Shared { name: name.to_owned(), stages: None });
    let signals = signal::evaluate(&history, &settings.signals, last, &Situation::plain(scope)).standing;
    let attacks = signals.iter().filter(|s| s.severity == Severity::Attack);
    Ok(attacks.map(|s| s.since).min())
}
