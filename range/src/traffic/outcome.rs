//! How a request ended, in the words of API Gateway's access log.
//!
//! Types of gateway response and their statuses are documented (developer guide, "Gateway response types"); which of
//! them a refusal is, is inferred where the guide does not say.

use super::gate::Gate;
use super::waf::Fate;
use crate::policy::Refusal;

/// How a flow's requests can end; the index of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// By WAF, policy, authorization or for want of a method or a key: always the same for one flow.
    Refused,
    Throttled,
    CacheHit,
    Served,
    /// The application's 4XX.
    ClientError,
    /// The application's 403 to somebody whose privileges have ended.
    Revoked,
    /// The application's 5XX.
    ServerError,
    /// The integration had no room.
    Overloaded,
    /// API Gateway waited no longer.
    Late,
}

impl Slot {
    pub(crate) const ALL: [Self; 9] = [
        Self::Refused,
        Self::Throttled,
        Self::CacheHit,
        Self::Served,
        Self::ClientError,
        Self::Revoked,
        Self::ServerError,
        Self::Overloaded,
        Self::Late,
    ];

    /// Whether a client takes it that trying again may help.
    pub(crate) fn is_failure(self) -> bool {
        matches!(self, Self::Throttled | Self::ServerError | Self::Overloaded | Self::Late)
    }

    /// Whether the integration was asked.
    pub(crate) fn integrated(self) -> bool {
        !matches!(self, Self::Refused | Self::Throttled | Self::CacheHit)
    }
}

/// What the log says of an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    /// What the integration answered; `None` where it was not asked, or did not.
    pub(crate) integration_status: Option<u16>,
    /// `$context.error.responseType`; `None` where API Gateway made no error of its own.
    pub(crate) response_type: Option<&'static str>,
    /// `$context.error.message`.
    pub(crate) message: Option<&'static str>,
    /// Bytes of the body.
    pub(crate) length: usize,
}

impl Outcome {
    fn gateway(status: u16, response_type: &'static str, message: &'static str) -> Self {
        let length = message.len() + r#"{"message":""}"#.len();
        Self { status, integration_status: None, response_type: Some(response_type), message: Some(message), length }
    }

    fn application(status: u16, length: usize) -> Self {
        Self { status, integration_status: Some(status), response_type: None, message: None, length }
    }

    /// Blocked by WAF, which may answer with a status of its own.
    pub(crate) fn waf(status: u16) -> Self {
        Self { status, ..Self::gateway(403, "WAF_FILTERED", "Forbidden") }
    }

    /// Refused before the throttles. `http`: of an HTTP API, which answers 404 where there is no route (documented).
    pub(crate) fn gate(gate: Gate, http: bool) -> Self {
        match gate {
            Gate::NoMethod if http => Self::gateway(404, "RESOURCE_NOT_FOUND", "Not Found"),
            // No such method and no signature are not told apart (documented).
            Gate::NoMethod | Gate::Refused(Refusal::Unsigned) => {
                Self::gateway(403, "MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")
            }
            Gate::NoKey => Self::gateway(403, "INVALID_API_KEY", "Forbidden"),
            Gate::Refused(Refusal::BadSignature) => Self::gateway(403, "INVALID_SIGNATURE", "Forbidden"),
            Gate::Refused(Refusal::Unauthorized) => Self::gateway(401, "UNAUTHORIZED", "Unauthorized"),
            Gate::Disabled => Self::gateway(403, "ACCESS_DENIED", "Forbidden"),
            Gate::Open | Gate::Refused(_) => {
                Self::gateway(403, "ACCESS_DENIED", "User is not authorized to access this resource")
            }
        }
    }

    /// The end of a flow's requests. `login`: what a password fails at; then the application's refusal is 401.
    pub(crate) fn of(slot: Slot, fate: &Fate, gate: Gate, http: bool, login: bool) -> Self {
        match slot {
            Slot::Refused if !fate.passed => Self::waf(fate.code),
            Slot::Refused => Self::gate(gate, http),
            slot => Self::let_in(slot, login),
        }
    }

    /// The end of a request that WAF, policy and authorization let through.
    pub(crate) fn let_in(slot: Slot, login: bool) -> Self {
        match slot {
            Slot::Refused => Self::gate(Gate::Disabled, false),
            Slot::Throttled => Self::gateway(429, "THROTTLED", "Too Many Requests"),
            Slot::CacheHit => Self { integration_status: None, ..Self::application(200, 1_180) },
            Slot::Served => Self::application(200, 1_180),
            Slot::ClientError => Self::application(if login { 401 } else { 400 }, 64),
            Slot::Revoked => Self::application(403, 48),
            Slot::ServerError => Self::application(500, 52),
            // 500 as real requests get it here; that it is this type is inferred.
            Slot::Overloaded => Self::gateway(500, "INTEGRATION_FAILURE", "Internal server error"),
            Slot::Late => Self::gateway(504, "INTEGRATION_TIMEOUT", "Endpoint request timed out"),
        }
    }
}
