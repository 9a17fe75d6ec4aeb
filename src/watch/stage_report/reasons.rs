//! From answers to what is known: a reason names the call, what happened, and the permission that it wants.

use crate::aws::permission::PERMISSIONS;
use crate::aws::{AwsError, Problem};
use crate::model::board::Known;
use crate::model::stage::ApiKind;

/// What was read, or why not.
pub(super) fn known<T>(read: Result<T, AwsError>, kind: ApiKind) -> Known<T> {
    match read {
        Ok(value) => Known::Yes(value),
        Err(error) => Known::No(reason(&error, kind)),
    }
}

/// Why a call failed; where the caller may not, with the permission that is missing.
pub(super) fn reason(error: &AwsError, kind: ApiKind) -> String {
    if !matches!(error.problem, Problem::Denied(_)) {
        return error.to_string();
    }
    let service = if kind == ApiKind::Http { "ApiGatewayV2" } else { "API Gateway" };
    let of_operation = || PERMISSIONS.iter().filter(|p| p.operation == error.operation);
    let found = of_operation().find(|p| p.service == service).or_else(|| of_operation().next());
    match found {
        Some(p) => format!("not permitted: {} needs {} on {}", p.operation, p.action, p.resource),
        None => error.to_string(),
    }
}

/// Something made of what is known; the reason stays where it is not.
pub(super) fn map<T, U>(known: &Known<T>, f: impl FnOnce(&T) -> U) -> Known<U> {
    match known {
        Known::Yes(value) => Known::Yes(f(value)),
        Known::NotYet => Known::NotYet,
        Known::No(reason) => Known::No(reason.clone()),
    }
}

/// The value, where it is known.
pub(super) fn value<T>(known: &Known<T>) -> Option<&T> {
    match known {
        Known::Yes(value) => Some(value),
        Known::NotYet | Known::No(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_permission_and_anything_else_what_happened() {
        let denied = |operation| AwsError::new(operation, "x", Problem::Denied("AccessDenied".to_owned()));
        let of = |operation, kind| reason(&denied(operation), kind);
        assert!(of("GetWebACL", ApiKind::Rest).contains("wafv2:GetWebACL"));
        assert!(of("GetStage", ApiKind::Rest).ends_with("on arn:aws:apigateway:*::/restapis/*/stages/*"));
        assert!(of("GetStage", ApiKind::Http).ends_with("on arn:aws:apigateway:*::/apis/*/stages/*"));
        let slow = AwsError::new("GetWebACL", "x", Problem::TimedOut("ten seconds".to_owned()));
        assert!(reason(&slow, ApiKind::Rest).contains("no answer in time"));
    }
}
