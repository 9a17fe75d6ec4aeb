//! What each operation does, whatever it was encoded as.
//!
//! A handler takes the account and the input as a JSON tree and gives an answer or one of AWS's errors. Nothing here
//! knows of HTTP headers or encodings; nothing here counts quotas or plays faults.

pub(crate) mod apigateway;
mod apigatewayv2;
mod cloudtrail;
pub(crate) mod cloudwatch;
mod common;
mod logs;
mod sts;
pub(crate) mod wafv2;

use http::StatusCode;
use serde_json::Value;

use crate::error::AwsError;
use crate::state::Account;
use crate::wire::{Target, Tree};

/// A service of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    Sts,
    ApiGateway,
    ApiGatewayV2,
    Waf,
    CloudWatch,
    CloudTrail,
    Logs,
}

impl Service {
    /// The name in faults and in the trail.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::ApiGateway => "apigateway",
            Self::ApiGatewayV2 => "apigatewayv2",
            Self::Waf => "wafv2",
            Self::CloudWatch => "cloudwatch",
            Self::CloudTrail => "cloudtrail",
            Self::Logs => "logs",
        }
    }

    /// The service of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Sts,
            Self::ApiGateway,
            Self::ApiGatewayV2,
            Self::Waf,
            Self::CloudWatch,
            Self::CloudTrail,
            Self::Logs,
        ];
        all.into_iter().find(|service| service.name() == name)
    }

    /// Whether it speaks REST.
    pub(crate) const fn is_gateway(self) -> bool {
        matches!(self, Self::ApiGateway | Self::ApiGatewayV2)
    }

    /// The error of too many calls.
    pub(crate) fn throttled(self) -> AwsError {
        match self {
            Self::ApiGateway | Self::ApiGatewayV2 => {
                let mut error =
                    AwsError::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Too Many Requests");
                error.retry_after = Some(1);
                error
            }
            Self::Sts => AwsError::bad("Throttling", "Rate exceeded"),
            Self::Waf | Self::CloudWatch | Self::CloudTrail | Self::Logs => {
                AwsError::bad("ThrottlingException", "Rate exceeded").query("Throttling")
            }
        }
    }

    /// An internal error.
    pub(crate) fn failed(self, status: StatusCode) -> AwsError {
        let unavailable = status == StatusCode::SERVICE_UNAVAILABLE;
        let code = match self {
            _ if unavailable && self.is_gateway() => "ServiceUnavailableException",
            Self::Logs if unavailable => "ServiceUnavailableException",
            _ if unavailable => "ServiceUnavailable",
            Self::Waf => "WAFInternalErrorException",
            Self::CloudWatch => "InternalServiceFault",
            Self::ApiGateway | Self::ApiGatewayV2 | Self::Sts | Self::CloudTrail | Self::Logs => "InternalFailure",
        };
        AwsError::new(status, code, "The request processing has failed because of an unknown error.")
    }

    /// The error that the service answers with a status, where it has one of its own; else one that nobody documents.
    pub(crate) fn error_of(self, status: StatusCode) -> AwsError {
        let code = match (status.as_u16(), self) {
            (429, _) => self.throttled().code,
            (401, Self::ApiGateway | Self::ApiGatewayV2) => "UnauthorizedException".to_owned(),
            (400, Self::ApiGateway | Self::ApiGatewayV2) => "BadRequestException".to_owned(),
            (404, Self::ApiGateway | Self::ApiGatewayV2) => "NotFoundException".to_owned(),
            (400, Self::Waf) => "WAFInvalidParameterException".to_owned(),
            (404, Self::Waf) => "WAFNonexistentItemException".to_owned(),
            (403, _) => self.denied().code,
            (409, _) => "ConflictException".to_owned(),
            (500.., _) => self.failed(status).code,
            _ => "RequestFailed".to_owned(),
        };
        AwsError::new(status, &code, "The request could not be handled.")
    }

    /// The error of a caller without the permission. JSON services answer 400, the others 403 (documented).
    pub(crate) fn denied(self) -> AwsError {
        let (status, code) = match self {
            Self::Waf | Self::CloudTrail | Self::Logs => (StatusCode::BAD_REQUEST, "AccessDeniedException"),
            Self::CloudWatch | Self::Sts => (StatusCode::FORBIDDEN, "AccessDenied"),
            Self::ApiGateway | Self::ApiGatewayV2 => (StatusCode::FORBIDDEN, "AccessDeniedException"),
        };
        AwsError::new(
            status,
            code,
            "User: arn:aws:iam::000000000000:user/oncall is not authorized to perform this action",
        )
    }

    /// The error of credentials that have expired.
    pub(crate) fn expired(self) -> AwsError {
        let (status, code) = match self {
            Self::Waf | Self::CloudTrail | Self::Logs => (StatusCode::BAD_REQUEST, "ExpiredTokenException"),
            Self::ApiGateway | Self::ApiGatewayV2 => (StatusCode::FORBIDDEN, "ExpiredTokenException"),
            Self::CloudWatch | Self::Sts => (StatusCode::FORBIDDEN, "ExpiredToken"),
        };
        AwsError::new(status, code, "The security token included in the request is expired")
    }

    /// The error of an operation that the service does not have.
    pub(crate) fn unknown_operation(self) -> AwsError {
        match self {
            Self::ApiGateway | Self::ApiGatewayV2 => AwsError::new(
                StatusCode::FORBIDDEN,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ),
            Self::Sts => AwsError::bad("InvalidAction", "Could not find operation for version 2011-06-15"),
            Self::Waf | Self::CloudWatch | Self::CloudTrail | Self::Logs => {
                AwsError::new(StatusCode::BAD_REQUEST, "UnknownOperationException", "")
            }
        }
    }
}

/// Whether an operation is one that changes the account.
pub(crate) fn is_mutating(service: Service, operation: &str) -> bool {
    // Queries change nothing.
    let asks = service == Service::Logs && ["StartQuery", "StopQuery", "FilterLogEvents"].contains(&operation);
    !asks
        && service != Service::Sts
        && !["Get", "List", "Describe", "Lookup"].iter().any(|prefix| operation.starts_with(prefix))
}

/// What surrounds a call.
#[derive(Debug, Default)]
pub(crate) struct Context {
    /// Metric data are to come with status `PartialData`.
    pub(crate) partial_data: bool,
    /// Namespaces whose metrics the caller may not read.
    pub(crate) forbidden: Vec<String>,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    /// No body at all.
    Empty,
    /// JSON.
    Json(Value),
    /// A tree that knows timestamps, for services with more than one encoding.
    Tree(Tree),
    /// A file to be saved: its bytes are the answer.
    File(File),
}

/// A file, as an export is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) content_type: &'static str,
    pub(crate) name: String,
    pub(crate) content: String,
}

/// A successful answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Body,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: 200, body: Body::Json(body) }
    }

    pub(crate) fn created(body: Value) -> Self {
        Self { status: 201, body: Body::Json(body) }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, body: Body::Empty }
    }
}

/// Performs a call.
pub(crate) fn perform(account: &mut Account, target: &Target, context: &mut Context) -> Result<Answer, AwsError> {
    match target.service {
        Service::Sts => sts::perform(account, target),
        Service::ApiGateway => apigateway::perform(account, target),
        Service::ApiGatewayV2 => apigatewayv2::perform(account, target),
        Service::Waf => wafv2::perform(account, target),
        Service::CloudWatch => cloudwatch::perform(account, target, context),
        Service::CloudTrail => cloudtrail::perform(account, target),
        Service::Logs => logs::perform(account, target),
    }
}
