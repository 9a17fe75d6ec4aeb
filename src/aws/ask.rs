//! Asking: a turn in the account's quotas, then the call, again where AWS says that it was one too many.
//!
//! Such an answer costs a wait and never a verdict: whoever asked is told of it only where its patience ends. The SDK
//! repeats what fails on the way; it does not repeat this, which it would do past everybody else's turn.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_wafv2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use tokio::sync::watch;
use tokio::time::Instant;

use super::pace::{Quota, Waits};
use super::{Aws, AwsError, Lane, Problem};

/// Wall time that all calls of one plan together wait for quotas: longer than three plans in a row take, no longer than
/// a person waits.
const PLAN: Duration = Duration::from_secs(15);

/// Wall time for which a call that belongs to no plan, and is not polling, is repeated after it was turned away first.
const CALL: Duration = Duration::from_secs(20);

/// The same for one that belongs to a change: what it may take back within a minute must not stand still for as long.
const WRITE: Duration = Duration::from_secs(10);

/// How often polling is sent in all: the next poll asks again.
const POLLED: usize = 3;

/// Until when a plan's calls wait, and whether that was long enough.
pub(super) struct Patience {
    until: Instant,
    ended: watch::Sender<Option<AwsError>>,
}

impl fmt::Debug for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patience").field("until", &self.until).finish_non_exhaustive()
    }
}

impl Aws {
    /// The same clients for one plan: together its calls wait fifteen seconds for quotas. Part of a larger plan it
    /// shares its patience.
    #[must_use]
    pub fn patient(&self) -> Self {
        let patience = self
            .1
            .clone()
            .unwrap_or_else(|| Arc::new(Patience { until: Instant::now() + PLAN, ended: watch::Sender::new(None) }));
        Self(Arc::clone(&self.0), Some(patience), self.2.clone())
    }

    /// What `work` comes to, unless [`Aws::patient`]'s time is up before: what could not be asked must not be judged.
    ///
    /// # Errors
    /// [`Problem::QuotaBusy`].
    pub async fn unless_busy<T>(&self, work: impl Future<Output = T>) -> Result<T, AwsError> {
        let Some(patience) = &self.1 else { return Ok(work.await) };
        let mut ended = patience.ended.subscribe();
        let busy = async {
            // The sender lives as long as these clients.
            match ended.wait_for(Option::is_some).await.ok().and_then(|error| error.clone()) {
                Some(error) => error,
                None => std::future::pending().await,
            }
        };
        let done = tokio::select! {
            biased;
            error = busy => return Err(error),
            done = work => done,
        };
        let error = patience.ended.borrow().clone();
        error.map_or(Ok(done), Err)
    }

    /// What plans and changes wait for, as it changes.
    #[must_use]
    pub fn waits(&self) -> Waits {
        self.0.pace.waits()
    }

    /// Takes a turn and sends; again, in the same place of the queue, where AWS says that it was one call too many.
    pub(super) async fn ask<T, E, F>(
        &self,
        (quota, lane): (Quota, Lane),
        (operation, subject): (&str, &str),
        mut call: impl FnMut() -> F,
    ) -> Result<T, AwsError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let pace = &self.0.pace;
        let patience = self.1.as_deref().filter(|_| lane != Lane::Poll);
        let mut until = patience.map(|patience| patience.until);
        let mut caller = pace.caller(quota, lane);
        let mut refused: Option<AwsError> = None;
        for sent in 1.. {
            if pace.wait(&mut caller, until).await.is_err() {
                return Err(too_late(patience, quota, (operation, subject), refused));
            }
            let error = match call().await {
                Ok(answer) => {
                    pace.accepted(&caller);
                    return Ok(answer);
                }
                Err(error) => AwsError::of(operation, subject, &error),
            };
            if !matches!(error.problem, Problem::Throttled(_)) {
                return Err(error);
            }
            pace.refused(&mut caller);
            tracing::debug!(operation, sent, "one call too many: it waits again");
            if lane == Lane::Poll && sent >= POLLED {
                return Err(error);
            }
            let repeated = match lane {
                Lane::Write => Some(WRITE),
                Lane::Plan => Some(CALL),
                Lane::Poll => None,
            };
            until = until.or_else(|| repeated.map(|time| Instant::now() + time));
            refused = Some(error);
        }
        Err(AwsError::new(operation, subject, Problem::TimedOut("its turn".to_owned())))
    }
}

/// Nothing was found out, and that is no answer: the plan ends with it.
fn too_late(
    patience: Option<&Patience>,
    quota: Quota,
    (operation, subject): (&str, &str),
    refused: Option<AwsError>,
) -> AwsError {
    let Some(patience) = patience else {
        let unheard = || AwsError::new(operation, subject, Problem::Throttled(quota.to_string()));
        return refused.unwrap_or_else(unheard);
    };
    let busy = Problem::QuotaBusy(format!("{} s were not enough for {quota}", PLAN.as_secs()));
    let error = AwsError::new(operation, subject, busy);
    patience.ended.send_if_modified(|ended| {
        let first = ended.is_none();
        ended.get_or_insert_with(|| error.clone());
        first
    });
    error
}

/// Keeps the SDK from repeating a call that AWS says was one too many.
#[derive(Debug)]
pub(super) struct OwnPace;

/// Codes that say so, whichever the service.
const TOO_MANY: [&str; 9] = [
    "TooManyRequestsException",
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "RequestThrottledException",
    "RequestThrottled",
    "RequestLimitExceeded",
    "LimitExceededException",
    "SlowDown",
];

impl ClassifyRetry for OwnPace {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response() {
            Some(response) if is_too_many(response) => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "OwnPace"
    }
}

/// By status, by the header that names the error, or by a code in the body. A code that only stands in a message keeps
/// the SDK from nothing: it repeats no other answer of 4XX.
pub(super) fn is_too_many(response: &HttpResponse) -> bool {
    let status = response.status().as_u16();
    if status == 429 {
        return true;
    }
    if status < 400 {
        return false;
    }
    let named = response.headers().get("x-amzn-errortype").or_else(|| response.headers().get("x-amzn-query-error"));
    let named = named.map(|name| name.split([':', ';']).next().unwrap_or(name));
    if let Some(name) = named {
        return TOO_MANY.contains(&name.trim());
    }
    let body = response.body().bytes().unwrap_or_default();
    let holds = |code: &&str| body.windows(code.len()).any(|part| part == code.as_bytes());
    status < 500 && TOO_MANY.iter().any(holds)
}
