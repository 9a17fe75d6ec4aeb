//! The services that there are, each with the errors that it answers where it did not come to the operation at all.

use http::StatusCode;

use crate::error::AwsError;

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

    /// The error of an operation that the range does not know, whether AWS has it or not: never one of a missing
    /// permission. REST services answer an unknown path with 404 and this name (documented for Smithy's REST protocol).
    pub(crate) fn not_known(self, operation: &str) -> AwsError {
        let words = format!("The Portcullis range does not know {operation} of {}.", self.name());
        match self {
            Self::ApiGateway | Self::ApiGatewayV2 => {
                AwsError::new(StatusCode::NOT_FOUND, "UnknownOperationException", words)
            }
            Self::Sts => AwsError::bad("InvalidAction", words),
            Self::Waf | Self::CloudWatch | Self::CloudTrail | Self::Logs => {
                AwsError::bad("UnknownOperationException", words)
            }
        }
    }

    /// AWS's own error of an operation that the service does not have, for faults that play it.
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
