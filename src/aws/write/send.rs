//! Sending a write: who we are, a turn in the account's quotas, the call, once.
//!
//! Where AWS says that it was one call too many, the write is not sent again from here: first the journal is told, and
//! what is there is read. It keeps its place in its lane, though, and has its turn before that reading: between reading
//! and sending nothing is waited for.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_wafv2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::Answer;
use crate::aws::ask::is_too_many;
use crate::aws::gate::{self, WithTicket};
use crate::aws::pace::{Caller, Quota};
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::journal::Ticket;

/// How a call leaves: once, without the SDK's own retries, and marked with its ticket.
macro_rules! once {
    ($sdk:ident, $call:expr) => {{
        let call = $call.customize();
        let settings = $sdk::config::Builder::default().retry_config($sdk::config::retry::RetryConfig::disabled());
        move |mark| call.config_override(settings).interceptor(mark).send()
    }};
}

pub(super) use once;

/// The places that the writes of one change have kept.
#[derive(Debug, Default)]
pub(in crate::aws) struct Places(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    places: HashMap<Quota, Place>,
    /// Whose write was turned away last.
    last: Option<Quota>,
}

#[derive(Debug)]
struct Place {
    caller: Caller,
    /// Whether its token has been taken, so that it may be sent at once.
    has_turn: bool,
}

impl Places {
    fn take(&self, quota: Quota) -> Option<Place> {
        self.with(|kept| kept.places.remove(&quota))
    }

    fn turned_away(&self, quota: Quota, caller: Caller) {
        self.with(|kept| {
            kept.places.insert(quota, Place { caller, has_turn: false });
            kept.last = Some(quota);
        });
    }

    /// The one that was turned away last. No other: what is to be put back at once must not wait for what is to be
    /// made.
    fn last(&self) -> Option<(Quota, Place)> {
        self.with(|kept| {
            let quota = kept.last.take()?;
            kept.places.remove(&quota).map(|place| (quota, place))
        })
    }

    fn has_turn(&self, quota: Quota, caller: Caller) {
        self.with(|kept| kept.places.insert(quota, Place { caller, has_turn: true }));
    }

    fn with<T>(&self, f: impl FnOnce(&mut Kept) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Aws {
    /// The same clients for one change: a write of it that AWS turns away keeps its place among all writes.
    #[must_use]
    pub fn for_one_change(&self) -> Self {
        Self(Arc::clone(&self.0), self.1.clone(), Some(Arc::default()))
    }

    /// Waits until the write that AWS turned away last may be sent again; at once where there is none. To be called
    /// before what is there is read.
    pub async fn turn_again(&self) {
        if let Some((quota, place)) = self.2.as_ref().and_then(|places| places.last()) {
            self.in_turn(quota, place).await;
        }
    }

    /// Has the turn of a write taken before it is sent.
    pub(super) async fn turn_before(&self, quota: Quota) {
        let place = self.2.as_ref().and_then(|places| places.take(quota));
        self.in_turn(quota, place.unwrap_or_else(|| self.new_place(quota))).await;
    }

    async fn in_turn(&self, quota: Quota, mut place: Place) {
        if !place.has_turn {
            // Without an end there is no being late.
            let _ = self.0.pace.wait(&mut place.caller, None).await;
        }
        if let Some(places) = &self.2 {
            places.has_turn(quota, place.caller);
        }
    }

    fn new_place(&self, quota: Quota) -> Place {
        Place { caller: self.0.pace.persistent(quota, Lane::Write), has_turn: false }
    }

    /// The one way in which a write leaves: admitted, in its turn, and marked with its ticket. `call` is made once.
    pub(super) async fn send<T, E, F>(
        &self,
        ticket: &Arc<Ticket>,
        quota: Quota,
        (operation, subject): (&str, &str),
        call: impl FnOnce(WithTicket) -> F,
    ) -> Answer<T>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        if let Err(error) = self.admitted(ticket, operation, subject).await {
            return Answer::Refused(error);
        }
        let pace = &self.0.pace;
        let kept = self.2.as_ref().and_then(|places| places.take(quota));
        let Place { mut caller, has_turn } = kept.unwrap_or_else(|| self.new_place(quota));
        if !has_turn {
            let _ = pace.wait(&mut caller, None).await;
        }
        let answer = call(WithTicket(Arc::clone(ticket))).await;
        match &answer {
            Ok(_) => pace.accepted(&caller),
            // Also where it does not say so in a way that counts as a refusal: others use the quota up all the same.
            Err(error) if error.raw_response().is_some_and(is_too_many) => {
                pace.refused(&mut caller);
                if let Some(places) = &self.2 {
                    places.turned_away(quota, caller);
                }
            }
            Err(_) => {}
        }
        Answer::of(operation, subject, answer)
    }

    /// Asked anew before every write: what was confirmed for one account must not be carried out with another's
    /// credentials.
    async fn admitted(&self, ticket: &Ticket, operation: &str, subject: &str) -> Result<(), AwsError> {
        let identity = self.identity_now(Lane::Write).await?;
        gate::pass(ticket, &identity.at).map_err(|r| AwsError::new(operation, subject, Problem::Gate(r)))
    }
}
