//! One reading, for commands that do not stay.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::answered;
use super::baseline;
use super::discover::{Found, discover, discover_api};
use super::logs::{self, Whose};
use super::picture;
use super::poll::{Answers, Extent, Questions, ask, stage_history};
use super::signal::{self, AclScope, Situation};
use super::state::{Part, State};
use crate::aws::{Aws, AwsError};
use crate::model::belief::Beliefs;
use crate::model::board::Board;
use crate::model::settings::Settings;
use crate::model::signal::Severity;
use crate::model::stage::{ApiKind, StageId};

/// Log queries under way at once.
const LOGS_AT_ONCE: usize = 4;

/// Reads everything once and waits for the details: identity, stages, web ACLs, an hour of metrics. What is usual is
/// frozen by the attacks that are believed in, and by what the figures themselves say of one; what measures in force do
/// is no attack.
///
/// # Errors
/// Where there is nothing to show: the credentials do not work, or neither API Gateway nor CloudWatch could be read.
/// Anything less is told in `polling.trouble` and in the figures that are missing.
pub async fn read_board(aws: &Aws, settings: &Settings, beliefs: &Beliefs) -> Result<Board, AwsError> {
    let (sender, found) = unbounded_channel();
    Box::pin(discover(aws, None, &sender)).await;
    let state = State::new(Arc::new(settings.clone()), aws.region()).of_profile(aws.profile());
    Box::pin(board_of(aws, state, beliefs, found)).await
}

/// The same of the stages of one API alone: a few calls, however many stages the account has.
///
/// # Errors
/// As [`read_board`].
pub async fn read_board_of_api(
    aws: &Aws,
    settings: &Settings,
    beliefs: &Beliefs,
    api_id: &str,
) -> Result<Board, AwsError> {
    let (sender, found) = unbounded_channel();
    let is_part = Box::pin(discover_api(aws, api_id, &sender)).await;
    let mut state = State::new(Arc::new(settings.clone()), aws.region()).of_profile(aws.profile());
    state.apis.is_part = is_part;
    Box::pin(board_of(aws, state, beliefs, found)).await
}

/// A board of what was found.
async fn board_of(
    aws: &Aws,
    mut state: State,
    beliefs: &Beliefs,
    mut found: UnboundedReceiver<Found>,
) -> Result<Board, AwsError> {
    while let Ok(piece) = found.try_recv() {
        state.apply(piece);
    }
    let now = aws.clock().now();
    let questions = Questions::of(&state, Extent::All, now);
    let wanted = questions.len() > 0 && state.troubles.credentials().is_none();
    if wanted && take(&mut state, Extent::All, ask(aws, questions, now).await, now) {
        state.believe(beliefs.clone());
        ask_more(aws, &mut state, now).await;
        ask_logs(aws, &mut state, now).await;
        freeze(aws, &mut state, now).await;
        ask_who_is_answered(aws, &mut state, now).await;
    }
    if let Some(error) = state.troubles.credentials() {
        return Err(error.clone());
    }
    let metrics = state.troubles.of(Part::Metrics).or(state.troubles.of(Part::Active));
    let apis = state.troubles.of(Part::Apis);
    if let (Some(error), Some(_)) = (apis, metrics) {
        return Err(error.clone());
    }
    Ok(picture::board(&state, aws.clock().now(), aws.clock().rate()))
}

/// Asks for the rest of what looks attacked.
async fn ask_more(aws: &Aws, state: &mut State, now: DateTime<Utc>) {
    state.attacks.suspected = picture::attacked(&picture::board(state, now, aws.clock().rate()));
    let questions = Questions::of(state, Extent::New, now);
    if questions.len() == 0 {
        return;
    }
    let answers = ask(aws, questions, now).await;
    take(state, Extent::New, answers, now);
}

/// Freezes what is usual on stages that are believed attacked.
async fn freeze(aws: &Aws, state: &mut State, now: DateTime<Utc>) {
    state.note_attacks(&picture::board(state, now, aws.clock().rate()));
    state.freeze(now);
    for job in baseline::due(state, now) {
        let answer = baseline::ask(aws, &state.settings, &job).await;
        baseline::take(state, &job, answer, now);
    }
}

/// Takes what came, and keeps what went wrong; gives whether anything came.
fn take(state: &mut State, extent: Extent, mut answers: Answers, now: DateTime<Utc>) -> bool {
    let (failed, empty) = (answers.take_failure(), answers.is_empty());
    answers.fold(state, extent, now);
    if let Some(error) = failed {
        state.troubles.begin(Part::Metrics, error);
    }
    !empty
}

/// Asks the access logs of all stages that are called, some at once.
async fn ask_logs(aws: &Aws, state: &mut State, now: DateTime<Utc>) {
    let jobs = logs::due(state, Whose::Called, now);
    let asked = stream::iter(jobs).map(|job| async move {
        let answer = logs::ask(aws, &job).await;
        (job, answer)
    });
    let answers: Vec<_> = asked.buffer_unordered(LOGS_AT_ONCE).collect().await;
    for (job, answer) in answers {
        logs::take(state, &job, answer);
    }
}

/// Asks the access logs of attacked stages who is answered.
async fn ask_who_is_answered(aws: &Aws, state: &mut State, now: DateTime<Utc>) {
    let jobs = answered::due(state, now, answered::Whose::Once);
    let asked = stream::iter(jobs).map(|job| async move {
        let answer = Box::pin(answered::ask(aws, &job)).await;
        (job, answer)
    });
    let answers: Vec<_> = asked.buffer_unordered(LOGS_AT_ONCE).collect().await;
    for (job, answer) in &answers {
        answered::take(state, job, answer);
    }
}

/// When the attack on a stage began, where one stands: the start of the oldest attack-level signal, UTC. One
/// `GetMetricData` call over the last three hours.
///
/// `web_acl_name` is the dimension value of the web ACL's series. How many stages are behind the ACL is not asked, so
/// that 4XX of our own making are not told apart here.
///
/// # Errors
/// As `GetMetricData` fails.
pub async fn attack_began(
    aws: &Aws,
    settings: &Settings,
    stage: &StageId,
    web_acl_name: Option<&str>,
) -> Result<Option<DateTime<Utc>>, AwsError> {
    attack_began_on(aws, settings, (stage, ApiKind::Rest), web_acl_name).await
}

/// The same on a stage of an API of any kind.
///
/// # Errors
/// As `GetMetricData` fails.
pub async fn attack_began_on(
    aws: &Aws,
    settings: &Settings,
    stage: (&StageId, ApiKind),
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
