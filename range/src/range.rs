//! The range itself: account time, traffic, and one request after another.

use std::net::IpAddr;

use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use http::header::DATE;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};

use crate::fault::{Fault, Faults, Side};
use crate::operator::CALLER;
use crate::quota::Quotas;
use crate::scenario::ScenarioError;
use crate::service::{self, Context};
use crate::state::{Account, Call, Ids};
use crate::traffic::{Traffic, Truth};
use crate::wire::{self, Target};
use crate::{error::AwsError, world};

/// The header that tells, on every answer, how many seconds of account time pass in a second of wall time.
pub const RATE_HEADER: &str = "x-range-rate";

/// The header that tells, on every answer, which range it comes from: what a client keeps of one range does not hold in
/// another, even behind the same port.
pub const ID_HEADER: &str = "x-range-id";

/// What becomes of a request.
#[derive(Debug)]
pub enum Reply {
    /// An answer.
    Response(Response<Bytes>),
    /// The request is taken and never answered.
    Hang,
    /// The connection is dropped without an answer.
    Reset,
    /// An answer whose `content-length` promises more than the body holds; then the connection ends.
    Truncated(Response<Bytes>),
}

/// Answers with the address that a request comes from, as `checkip.amazonaws.com` does: an address and a line end.
const ADDRESS_SERVICE: &str = "/checkip";

/// A simulated account with its traffic.
pub struct Range {
    account: Account,
    traffic: Traffic,
    start: DateTime<Utc>,
    faults: Faults,
    quotas: Quotas,
    rate: f64,
    id: Option<HeaderValue>,
    /// Apart from the account's, so that reading changes no later name.
    request_ids: Ids,
    trust_forwarded_for: bool,
    date_skew: Duration,
}

impl std::fmt::Debug for Range {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Range")
            .field("account", &self.account.id)
            .field("region", &self.account.region)
            .field("now", &self.account.now)
            .finish_non_exhaustive()
    }
}

impl Range {
    /// A range built from a scenario's text, its history already simulated. `seed` overrides the file's.
    pub fn from_scenario(text: &str, seed: Option<u64>) -> Result<Self, ScenarioError> {
        let (account, traffic) = world::build(text, seed)?;
        Ok(Self::new(account, traffic))
    }

    /// An account with nothing in it and no traffic.
    #[must_use]
    pub fn empty(account: &str, region: &str, start: DateTime<Utc>) -> Self {
        Self::new(Account::new(account, region, start, 0), Traffic::idle())
    }

    fn new(account: Account, traffic: Traffic) -> Self {
        Self {
            start: account.now,
            account,
            traffic,
            faults: Faults::default(),
            quotas: Quotas::new(),
            rate: 1.0,
            id: None,
            request_ids: Ids::new(1),
            trust_forwarded_for: false,
            date_skew: Duration::zero(),
        }
    }

    /// Account time at which the scenario opens, after its history.
    #[must_use]
    pub fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// Account time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.account.now
    }

    /// Runs traffic up to `to`, in steps of one second on whole seconds; a moment in the past changes nothing.
    pub fn advance(&mut self, to: DateTime<Utc>) {
        let target = to.timestamp();
        while self.account.now.timestamp() < target {
            let second = self.account.now.timestamp() + 1;
            let Some(at) = DateTime::from_timestamp(second, 0) else { break };
            self.account.now = at;
            self.traffic.step(&mut self.account, at - Duration::seconds(1));
        }
        self.account.now = self.account.now.max(to);
    }

    /// Answers one request that arrives at account time `now` from `peer`.
    ///
    /// Every answer carries account time in `Date`, the rate in [`RATE_HEADER`] and the range's id in [`ID_HEADER`].
    // A request is used up by being answered; callers have no more use for it.
    #[allow(clippy::needless_pass_by_value)]
    pub fn handle(&mut self, request: Request<Bytes>, peer: Option<IpAddr>, now: DateTime<Utc>) -> Reply {
        self.advance(now);
        let mut reply = if wire::is_data_plane(request.uri().path()) {
            Reply::Response(self.data_plane(&request, peer))
        } else if request.method() == http::Method::GET && request.uri().path() == ADDRESS_SERVICE {
            Reply::Response(Response::new(format!("{}\n", self.client(&request, peer)).into()))
        } else {
            self.control_plane(&request)
        };
        if let Reply::Response(response) | Reply::Truncated(response) = &mut reply {
            self.stamp(response);
        }
        reply
    }

    fn stamp(&self, response: &mut Response<Bytes>) {
        let date = (self.account.now + self.date_skew).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if let Ok(date) = HeaderValue::from_str(&date) {
            response.headers_mut().insert(DATE, date);
        }
        if let Ok(rate) = HeaderValue::from_str(&self.rate.to_string()) {
            response.headers_mut().insert(HeaderName::from_static(RATE_HEADER), rate);
        }
        if let Some(id) = &self.id {
            response.headers_mut().insert(HeaderName::from_static(ID_HEADER), id.clone());
        }
    }

    fn data_plane(&mut self, request: &Request<Bytes>, peer: Option<IpAddr>) -> Response<Bytes> {
        let client = self.client(request, peer);
        let now = self.account.now;
        match wire::data_plane_stage(request.uri().path()) {
            Some((api, stage)) if self.account.stage_live(api, stage, now).is_some() => {
                self.traffic.data_plane(&mut self.account, request, client, now)
            }
            _ => wire::forbidden(&self.request_ids.uuid()),
        }
    }

    /// From where a caller's request comes.
    fn client(&self, request: &Request<Bytes>, peer: Option<IpAddr>) -> IpAddr {
        let forwarded = self.trust_forwarded_for.then(|| wire::forwarded_for(request)).flatten();
        forwarded.or(peer).unwrap_or(self.account.responder)
    }

    fn control_plane(&mut self, request: &Request<Bytes>) -> Reply {
        let request_id = self.request_ids.uuid();
        let target = match wire::route(request) {
            Ok(target) => target,
            Err((protocol, error)) => return Reply::Response(protocol.error(&error, &request_id)),
        };
        self.faults.run_hooks(Side::Before, target.service.name(), &target.operation, &mut self.account);
        let fault = self.faults.take(target.service.name(), &target.operation);
        let mut context = Context { partial_data: fault == Some(Fault::PartialData), ..Context::default() };
        if let Some(Fault::ForbiddenMetrics(namespaces)) = &fault {
            context.forbidden.clone_from(namespaces);
        }
        let outcome = match fault.as_ref().and_then(|fault| fault.error(target.service)) {
            Some(error) => Err(error),
            None => match fault {
                Some(Fault::Hang | Fault::Reset) => Ok(service::Answer::empty(200)),
                // As it would have been answered.
                Some(Fault::Answered { performed: false, .. }) => {
                    let saved = self.account.clone();
                    let outcome = self.perform(request, &target, &mut context);
                    self.account = saved;
                    outcome
                }
                _ => self.perform(request, &target, &mut context),
            },
        };
        let unanswered = fault.as_ref().and_then(|fault| Some((fault.unanswered()?, fault.performs())));
        self.account.record(&target, CALLER, outcome.as_ref().err(), unanswered);
        self.faults.run_hooks(Side::After, target.service.name(), &target.operation, &mut self.account);
        match fault {
            Some(Fault::Hang | Fault::HangAfter) => Reply::Hang,
            Some(Fault::Reset | Fault::ResetAfter) => Reply::Reset,
            Some(Fault::Truncate) => Reply::Truncated(target.protocol.encode(outcome, &request_id)),
            Some(Fault::Answered { status, body, .. }) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
                let failed = status.is_client_error() || status.is_server_error();
                let outcome = if failed { Err(target.service.error_of(status)) } else { outcome };
                let mut answer = target.protocol.encode(outcome, &request_id);
                *answer.status_mut() = status;
                Reply::Response(body.done_to(answer))
            }
            _ => Reply::Response(target.protocol.encode(outcome, &request_id)),
        }
    }

    fn perform(
        &mut self,
        request: &Request<Bytes>,
        target: &Target,
        context: &mut Context,
    ) -> Result<service::Answer, AwsError> {
        wire::check_scope(request, target.service, &self.account.region)?;
        self.quotas.take(target.service, &target.operation, self.account.now)?;
        service::perform(&mut self.account, target, context)
    }

    /// Every control-plane call so far, in order.
    #[must_use]
    pub fn calls(&self) -> &[Call] {
        &self.account.trail
    }

    /// The scripted faults.
    pub fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// Switches control-plane quotas; on by default.
    pub fn set_quotas(&mut self, on: bool) {
        self.quotas.on = on;
    }

    /// Sets the rate that answers carry in [`RATE_HEADER`]; changes nothing else.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// Sets the id that answers carry in [`ID_HEADER`]. It is the caller's to draw, since a range draws no chance of
    /// its own: a range that is served needs one that no other has. Without one, and with one that no header can hold,
    /// answers carry none, and the range stands in for AWS itself.
    pub fn set_id(&mut self, id: &str) {
        self.id = HeaderValue::from_str(id).ok().filter(|value| !value.is_empty());
    }

    /// The id that answers carry in [`ID_HEADER`], where there is one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_ref().and_then(|id| id.to_str().ok())
    }

    /// Sets how far the `Date` of answers is off from account time. Data keep account time.
    pub fn set_date_skew(&mut self, skew: Duration) {
        self.date_skew = skew;
    }

    /// Whether a data-plane request's client is the first address of its `X-Forwarded-For` rather than the socket's
    /// peer. Off by default.
    pub fn set_trust_forwarded_for(&mut self, trust: bool) {
        self.trust_forwarded_for = trust;
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The account, to be changed as another writer would: without quotas, calls or validation.
    pub fn account_mut(&mut self) -> &mut Account {
        &mut self.account
    }

    /// Who belongs to a population, with each address' part of what it sends, a fraction; empty where there is no such
    /// population.
    #[must_use]
    pub fn senders(&self, population: &str) -> Vec<(IpAddr, f64)> {
        self.traffic.senders(population)
    }

    /// What traffic really was, whoever asked.
    #[must_use]
    pub fn truth(&self) -> &Truth {
        self.traffic.truth()
    }
}
