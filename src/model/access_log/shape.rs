//! What a `$context` variable may hold: the table by which a line is taken apart.
//!
//! Documented are the variables and, of many, their form (API Gateway guide, variables for access logging of REST and
//! of HTTP APIs; access logging for REST APIs for the request's id, which callers choose but only as a UUID). Where the
//! guide shows no form, a form is inferred from who sets the value: AWS, or the owner of the API. What callers write,
//! what backends and authorizers answer, and every variable that is not listed, may hold anything: quotation marks,
//! separators and whatever looks like the rest of the line.

use super::expr::{Expr, Set};

/// What a variable holds; `None` where that may be anything at all. Whatever is absent is `-` (documented).
pub(super) fn shape(variable: &str) -> Option<Expr> {
    let value = match variable {
        // A UUID, also where callers choose it; `UUID_REPLACED_INVALID_REQUEST_ID` where they chose something else
        // (documented). HTTP APIs give the extended form.
        "requestId" | "extendedRequestId" => Expr::Many(Set::alphanumeric().and("+/=_-")),
        // `dd/MMM/yyyy:HH:mm:ss +-hhmm` (documented): it holds a space.
        "requestTime" => time(),
        "status" => Expr::Seq(vec![Expr::One(Set::digits()); 3]),
        "requestTimeEpoch"
        | "responseLatency"
        | "responseLength"
        | "integrationLatency"
        | "integrationStatus"
        | "integration.latency"
        | "integration.status"
        | "integration.integrationStatus"
        | "waf.status"
        | "waf.latency"
        | "authorize.status"
        | "authorize.latency"
        | "authenticate.status"
        | "authenticate.latency"
        | "dataProcessed"
        | "accountId" => Expr::Many(Set::digits()),
        "identity.sourceIp" => Expr::Many(Set::of("0123456789abcdefABCDEF.:")),
        // A token as HTTP has it: the guide lists seven methods, and does not say that others are not logged.
        "httpMethod" => Expr::Many(Set::alphanumeric().and("!#$%&'*+.^_`|~-")),
        "protocol" => Expr::Many(Set::alphanumeric().and("./")),
        "resourcePath" => path(),
        // `GET /pets`, `ANY /{proxy+}` or `$default` (documented): it may hold a space.
        "routeKey" => Expr::Either(vec![
            Expr::Seq(vec![Expr::Many(Set::letters()), Expr::Text(" ".into()), path()]),
            Expr::Seq(vec![Expr::Text("$".into()), Expr::Many(Set::letters())]),
        ]),
        "error.responseType" | "wafResponseCode" | "waf.wafResponseCode" => Expr::Many(Set::alphanumeric().and("_")),
        "apiId" | "deploymentId" | "resourceId" | "identity.apiKeyId" | "identity.accountId" | "isCanaryRequest" => {
            Expr::Many(Set::alphanumeric())
        }
        "identity.vpcId" | "identity.vpceId" | "identity.principalOrgId" => Expr::Many(Set::alphanumeric().and("-")),
        "tlsVersion" | "cipherSuite" => Expr::Many(Set::alphanumeric().and("._-")),
        "stage" => Expr::Many(Set::alphanumeric().and("_-$")),
        "webaclArn" | "waf.webaclArn" => Expr::Many(Set::alphanumeric().and(":/_-")),
        // Of IAM's making; the session's name is the caller's, of these characters (documented).
        "identity.caller" | "identity.user" | "identity.userArn" => Expr::Many(Set::alphanumeric().and("_+=,.@:/-")),
        _ => return None,
    };
    Some(Expr::Either(vec![value, Expr::Text("-".into())]))
}

/// A resource's path as the API's owner wrote it: its parts hold neither spaces nor quotation marks (documented:
/// letters, digits, a few signs, and braces).
fn path() -> Expr {
    Expr::Seq(vec![Expr::Text("/".into()), Expr::Any(Set::all().without(" \"\\\t\r\n"))])
}

fn time() -> Expr {
    let digit = || Expr::One(Set::digits());
    let letter = || Expr::One(Set::letters());
    let text = |text: &str| Expr::Text(text.to_owned());
    let mut parts = vec![digit(), digit(), text("/"), letter(), letter(), letter(), text("/")];
    parts.extend([digit(), digit(), digit(), digit()]);
    for _ in 0..3 {
        parts.extend([text(":"), digit(), digit()]);
    }
    parts.extend([text(" "), Expr::One(Set::of("+-")), digit(), digit(), digit(), digit()]);
    Expr::Seq(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callers_write_may_be_anything() {
        for name in ["path", "identity.userAgent", "domainName", "authorizer.claims.sub", "error.message", "made.up"] {
            assert!(shape(name).is_none(), "{name}");
        }
        assert!(shape("status").is_some() && shape("requestTime").is_some());
    }
}
