//! What a service answers to an input that its model does not allow.
//!
//! | Service | Error of a broken constraint | From |
//! | --- | --- | --- |
//! | `WAFv2` | `ValidationException`, all constraints in one message | users' reports (pulumi-aws 2357) |
//! | `CloudWatch` Logs | `InvalidParameterException`, the same words | users' reports; moto |
//! | `CloudWatch`, STS | `ValidationError`, the same words | moto; users' reports |
//! | API Gateway, an enumeration | `ValidationException`, the path begins with `createRestApiInput` | moto, LocalStack |
//! | API Gateway, anything else | `BadRequestException` | service model; the words are inferred |
//! | HTTP APIs | `BadRequestException` | service model; the words are inferred |
//! | `CloudTrail` | the error that the model has for the member, else `ValidationException` | service model; the words are inferred |
//!
//! A value of another type is a `SerializationException` everywhere (users' reports; inferred for API Gateway).

use super::check::{Beyond, Findings, Violation, Why};
use super::path::small;
use crate::error::AwsError;
use crate::service::Service;

/// Broken constraints that one message tells; AWS tells them all, the range bounds its answers.
const TOLD: usize = 20;

/// What errors call the input of an operation: nothing, or as API Gateway does.
pub(super) fn input_name(service: Service, operation: &str) -> String {
    if service == Service::ApiGateway { format!("{}Input", small(operation)) } else { String::new() }
}

/// The error of what was found, if anything was.
pub(super) fn refusal(service: Service, operation: &str, findings: &Findings) -> Result<(), AwsError> {
    if let Some(words) = &findings.unreadable {
        return Err(AwsError::bad("SerializationException", words));
    }
    if let Some(first) = findings.violations.first() {
        return Err(AwsError::bad(code(service, first), words(&findings.violations)));
    }
    findings.beyond.as_ref().map_or(Ok(()), |beyond| Err(not_here(service, operation, beyond)))
}

fn code(service: Service, violation: &Violation) -> &'static str {
    match service {
        Service::Waf => "ValidationException",
        Service::CloudWatch | Service::Sts => "ValidationError",
        Service::Logs => "InvalidParameterException",
        Service::ApiGateway if violation.enumeration => "ValidationException",
        Service::ApiGateway | Service::ApiGatewayV2 => "BadRequestException",
        Service::CloudTrail => match violation.top.as_str() {
            "LookupAttributes" => "InvalidLookupAttributesException",
            "MaxResults" => "InvalidMaxResultsException",
            "EventCategory" => "InvalidEventCategoryException",
            "NextToken" => "InvalidNextTokenException",
            _ => "ValidationException",
        },
    }
}

fn words(violations: &[Violation]) -> String {
    let each = |violation: &Violation| {
        let Violation { path, value, constraint, .. } = violation;
        format!("Value {value} at '{path}' failed to satisfy constraint: {constraint}")
    };
    let all: Vec<String> = violations.iter().take(TOLD).map(each).collect();
    let (count, plural) = (violations.len(), if violations.len() == 1 { "" } else { "s" });
    format!("{count} validation error{plural} detected: {}", all.join("; "))
}

/// The range's own refusal, under the name that the service has for a bad parameter.
fn not_here(service: Service, operation: &str, beyond: &Beyond) -> AwsError {
    let Beyond { member, path, why } = beyond;
    let words = match why {
        Why::Unknown => format!("The Portcullis range does not know `{member}` of {operation} (at {path})"),
        Why::Member(reason) => {
            format!("The Portcullis range does not evaluate `{member}` of {operation} (at {path}): {reason}")
        }
        Why::Value(reason) => {
            format!("The Portcullis range does not evaluate the value `{member}` at {path} of {operation}: {reason}")
        }
    };
    match service {
        Service::Waf => AwsError::bad("WAFInvalidParameterException", words.clone())
            .with("Parameter", member.as_str())
            .with("Reason", words),
        Service::CloudWatch => AwsError::bad("InvalidParameterValueException", words).query("InvalidParameterValue"),
        Service::Logs => AwsError::bad("InvalidParameterException", words),
        Service::CloudTrail => AwsError::bad("UnsupportedOperationException", words),
        Service::Sts => AwsError::bad("ValidationError", words),
        Service::ApiGateway | Service::ApiGatewayV2 => AwsError::bad("BadRequestException", words),
    }
}
