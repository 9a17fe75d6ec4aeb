//! Scripted trouble: what goes wrong with which call.
//!
//! Faults are for tests and drills. They match a service and an operation, count the calls that match, and strike at
//! the one asked for, or at every one. A hook plays another writer who changes the account just before a call or just
//! after it.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};

use crate::error::AwsError;
use crate::service::Service;
use crate::state::Account;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The service's throttling error.
    Throttle,
    /// An internal error with this status: 500 or 503.
    ServerError(u16),
    /// The call is taken, not performed, and never answered.
    Hang,
    /// The call is performed and never answered.
    HangAfter,
    /// The connection is dropped; the call is not performed.
    Reset,
    /// The call is performed, then the connection is dropped: a write whose answer is lost.
    ResetAfter,
    /// `WAFOptimisticLockException`.
    StaleLock,
    /// `WAFUnavailableEntityException`: what the call refers to was made a moment ago and is not to be seen yet
    /// (documented: developer guide, "Temporary inconsistencies during updates").
    NotYetThere,
    /// The call is performed and its answer cut short.
    Truncate,
    /// Another answer than the service's own comes: a proxy's, or one that was damaged on its way.
    Answered {
        /// Whether the call is performed.
        performed: bool,
        /// The status of the answer.
        status: u16,
        /// What it holds.
        body: Damage,
    },
    /// The caller lacks the permission.
    Deny,
    /// The caller's credentials have expired.
    ExpiredToken,
    /// The service does not know the operation.
    UnknownOperation,
    /// Metric data come with status `PartialData`.
    PartialData,
    /// Metrics of these namespaces come with status `Forbidden` and no points; the rest of the answer is whole.
    ForbiddenMetrics(Vec<String>),
}

impl Fault {
    /// The error that stands for the call's result; `None` where the call is performed or goes unanswered.
    pub(crate) fn error(&self, service: Service) -> Option<AwsError> {
        match self {
            Self::Throttle => Some(service.throttled()),
            Self::ServerError(status) => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Some(service.failed(status))
            }
            Self::StaleLock => Some(AwsError::bad(
                "WAFOptimisticLockException",
                "AWS WAF couldn\u{2019}t save your changes because someone changed the resource after you started to \
                 edit it. Reapply your changes.",
            )),
            Self::NotYetThere => Some(AwsError::bad(
                "WAFUnavailableEntityException",
                "AWS WAF couldn\u{2019}t retrieve the resource that you requested. Retry your request.",
            )),
            Self::Deny => Some(service.denied()),
            Self::ExpiredToken => Some(service.expired()),
            Self::UnknownOperation => Some(service.unknown_operation()),
            Self::Hang
            | Self::HangAfter
            | Self::Reset
            | Self::ResetAfter
            | Self::Truncate
            | Self::Answered { .. }
            | Self::PartialData
            | Self::ForbiddenMetrics(_) => None,
        }
    }

    /// Whether a call that goes unanswered is performed all the same.
    pub(crate) const fn performs(&self) -> bool {
        !matches!(self, Self::Hang | Self::Reset | Self::Answered { performed: false, .. })
    }

    /// What the trail says of a call that the client got no whole answer to.
    pub(crate) const fn unanswered(&self) -> Option<&'static str> {
        match self {
            Self::Hang | Self::HangAfter => Some("Hang"),
            Self::Reset | Self::ResetAfter => Some("Reset"),
            Self::Truncate => Some("Truncate"),
            Self::Answered { .. } => Some("Answered"),
            _ => None,
        }
    }
}

/// What becomes of an answer on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// It comes as the service writes it for that status.
    Whole,
    /// Its body is lost, and the header that names an error.
    Empty,
    /// Somebody else answers: a page of HTML, and none of AWS's headers.
    Foreign,
    /// The last two bytes of its body are lost and its length is corrected; the headers are whole.
    Cut,
}

impl Damage {
    /// The answer as it arrives.
    pub(crate) fn done_to(self, mut answer: Response<Bytes>) -> Response<Bytes> {
        match self {
            Self::Whole => {}
            Self::Empty => {
                *answer.body_mut() = Bytes::new();
                answer.headers_mut().remove("x-amzn-errortype");
            }
            Self::Foreign => {
                *answer.body_mut() = Bytes::from_static(b"<html><body>The request was handled.</body></html>");
                answer.headers_mut().clear();
                answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
            }
            Self::Cut => {
                let kept = answer.body().len().saturating_sub(2);
                answer.body_mut().truncate(kept);
            }
        }
        answer
    }
}

/// Which of the calls that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Every one.
    Always,
    /// The nth from now on, counted from 1.
    Nth(u32),
    /// The first so many from now on.
    First(u32),
    /// The nth from now on and every later one.
    From(u32),
    /// Every nth from now on.
    Every(u32),
}

impl When {
    fn is(self, seen: u32) -> bool {
        match self {
            Self::Always => true,
            Self::Every(nth) => seen.is_multiple_of(nth),
            Self::Nth(nth) => seen == nth,
            Self::First(count) => seen <= count,
            Self::From(nth) => seen >= nth,
        }
    }
}

/// A service and an operation, each `*` for any, and which of the calls that match.
#[derive(Debug, Clone)]
struct Match {
    service: String,
    operation: String,
    when: When,
    seen: u32,
}

impl Match {
    fn new(service: &str, operation: &str, when: When) -> Self {
        Self { service: service.to_owned(), operation: operation.to_owned(), when, seen: 0 }
    }

    /// Counts a call if it matches; says whether this is the one.
    fn strikes(&mut self, service: &str, operation: &str) -> bool {
        let matches =
            (self.service == "*" || self.service == service) && (self.operation == "*" || self.operation == operation);
        if matches {
            self.seen += 1;
        }
        matches && self.when.is(self.seen)
    }
}

/// On which side of a call a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

/// Another writer: changes the account just before a call is performed, or just after.
type Hook = Box<dyn FnMut(&mut Account) + Send>;

/// The script.
#[derive(Default)]
pub struct Faults {
    rules: Vec<(Match, Fault)>,
    hooks: Vec<(Match, Side, Hook)>,
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Faults").field("rules", &self.rules).field("hooks", &self.hooks.len()).finish()
    }
}

impl Faults {
    /// Lets a fault strike. `service` is `sts`, `apigateway`, `apigatewayv2`, `wafv2`, `cloudwatch`, `cloudtrail`,
    /// `logs` or `*`; `operation` is AWS's name or `*`. Where several match, the one added first strikes; all of them
    /// count the call.
    pub fn add(&mut self, service: &str, operation: &str, when: When, fault: Fault) {
        self.rules.push((Match::new(service, operation, when), fault));
    }

    /// Runs a closure on the account just before a call is performed, as another writer between a client's read and its
    /// write. The account's clock and lock tokens behave as for any write.
    pub fn before(
        &mut self,
        service: &str,
        operation: &str,
        when: When,
        hook: impl FnMut(&mut Account) + Send + 'static,
    ) {
        self.hooks.push((Match::new(service, operation, when), Side::Before, Box::new(hook)));
    }

    /// The same just after a call has been performed, or refused, and before the client's next one.
    pub fn after(
        &mut self,
        service: &str,
        operation: &str,
        when: When,
        hook: impl FnMut(&mut Account) + Send + 'static,
    ) {
        self.hooks.push((Match::new(service, operation, when), Side::After, Box::new(hook)));
    }

    /// Forgets every fault and hook.
    pub fn clear(&mut self) {
        self.rules.clear();
        self.hooks.clear();
    }

    pub(crate) fn run_hooks(&mut self, side: Side, service: &str, operation: &str, account: &mut Account) {
        for (rule, _, hook) in self.hooks.iter_mut().filter(|(_, runs, _)| *runs == side) {
            if rule.strikes(service, operation) {
                hook(account);
            }
        }
    }

    pub(crate) fn take(&mut self, service: &str, operation: &str) -> Option<Fault> {
        let mut struck = None;
        for (rule, fault) in &mut self.rules {
            if rule.strikes(service, operation) && struck.is_none() {
                struck = Some(fault.clone());
            }
        }
        struck
    }
}
