//! Resource policies as API Gateway keeps and answers them. It does not evaluate them.

use serde_json::Value;

use super::bad_request;
use crate::error::AwsError;

/// Characters at most (documented; adjustable).
const MAX_CHARACTERS: usize = 8_192;

/// A policy as kept: plain JSON, with short `execute-api:/stage/METHOD/path` resources expanded to ARNs (documented).
/// Empty text means none.
pub(super) fn normalised(policy: &str, region: &str, account: &str, api: &str) -> Result<Option<String>, AwsError> {
    if policy.is_empty() {
        return Ok(None);
    }
    let refused =
        || bad_request("Invalid policy document. Please check the policy syntax and ensure that Principals are valid.");
    let mut document: Value = serde_json::from_str(policy).map_err(|_| refused())?;
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.iter_mut().collect(),
        Some(single @ Value::Object(_)) => vec![single],
        _ => return Err(refused()),
    };
    let arn = format!("arn:aws:execute-api:{region}:{account}:{api}");
    for statement in statements {
        let effect = statement.get("Effect").and_then(Value::as_str);
        let principal = statement.get("Principal").or_else(|| statement.get("NotPrincipal"));
        if !matches!(effect, Some("Allow" | "Deny")) || principal.is_none() {
            return Err(refused());
        }
        for member in ["Resource", "NotResource"] {
            match statement.get_mut(member) {
                Some(Value::String(resource)) => expand(resource, &arn),
                Some(Value::Array(resources)) => {
                    for resource in resources {
                        if let Value::String(resource) = resource {
                            expand(resource, &arn);
                        }
                    }
                }
                _ => {}
            }
        }
    }
    let kept = document.to_string();
    if kept.chars().count() > MAX_CHARACTERS {
        return Err(bad_request(format!("Policy document exceeds the limit of {MAX_CHARACTERS} characters")));
    }
    Ok(Some(kept))
}

fn expand(resource: &mut String, arn: &str) {
    if let Some(path) = resource.strip_prefix("execute-api:/") {
        *resource = format!("{arn}/{path}");
    }
}

/// A policy as answered: its quotes, slashes and backslashes escaped once more than JSON itself will (observed by
/// several public clients).
pub(super) fn escaped(policy: &str) -> String {
    policy.replace('\\', r"\\").replace('"', r#"\""#).replace('/', r"\/")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_answer_is_the_inside_of_a_json_string() {
        let policy = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Resource":"execute-api:/prod/GET/a\"b"}]}"#;
        let kept = normalised(policy, "eu-central-1", "1", "abc").unwrap().unwrap();
        let unescaped: String = serde_json::from_str(&format!("\"{}\"", escaped(&kept))).unwrap();
        assert_eq!(unescaped, kept);
        assert!(kept.contains("arn:aws:execute-api:eu-central-1:1:abc/prod/GET/"));
    }
}
