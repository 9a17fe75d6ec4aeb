//! Probes: one request to a stage as its callers send them, and what the answer tells of who let it in or kept it out.
//!
//! Knows no network; the reading of an answer is a judgement over its bytes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::text::shortened;

/// A request that any caller could send: a `GET`, unsigned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Probe {
    /// The whole URL.
    pub url: String,
    /// Headers beside the usual ones. They may hold keys, and are written nowhere.
    #[serde(skip)]
    pub headers: Vec<(String, String)>,
}

impl Probe {
    /// The URL as it is shown and written: without what may be a secret in it.
    #[must_use]
    pub fn shown(&self) -> String {
        let plain = self.url.split(['?', '#']).next().unwrap_or_default();
        let bare = match plain.split_once("://") {
            Some((scheme, rest)) => {
                let (host, path) =
                    rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
                format!("{scheme}://{}{path}", host.rsplit('@').next().unwrap_or(host))
            }
            None => plain.to_owned(),
        };
        shortened(&bare, 200)
    }
}

/// An answer, as far as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// HTTP status.
    pub status: u16,
    /// The first two thousand characters of the body.
    pub body: String,
}

/// What an answer tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeReading {
    /// The request got through to the API.
    Admitted {
        /// HTTP status.
        status: u16,
    },
    /// The resource policy kept it out.
    DeniedByPolicy {
        /// By a Deny that matched, rather than by an Allow that did not.
        explicit: bool,
    },
    /// It cannot be told who answered, or why.
    Unclear(String),
}

/// What AWS says of a caller without a signature whom a resource policy refuses (seen in users' reports and in AWS's
/// support articles).
const DENIED: &str = "User: anonymous is not authorized to perform: execute-api:Invoke";
/// The longest piece of a body that is shown.
const SHOWN: usize = 120;

impl ProbeAnswer {
    /// Who let the request in or kept it out. A 403 is read by its body: WAF, a missing key and a disabled endpoint
    /// answer 403 as well.
    #[must_use]
    pub fn reading(&self) -> ProbeReading {
        let unclear = |why: &str| ProbeReading::Unclear(format!("HTTP {}: {why}", self.status));
        let message = self.message();
        match self.status {
            403 if message.contains(DENIED) => {
                ProbeReading::DeniedByPolicy { explicit: message.contains("with an explicit deny") }
            }
            403 => unclear(&format!(
                "not the resource policy's words, so WAF, a missing key or a disabled endpoint: {message}"
            )),
            202 | 405 => unclear("what WAF answers for a challenge or a CAPTCHA as well"),
            300..=399 => unclear("sent elsewhere; name the URL that it leads to in probes.stages"),
            401 | 407 => unclear("the method asks for credentials before the policy is asked"),
            429 => unclear("throttled"),
            500.. => unclear(&format!("the stage or its backend fails: {message}")),
            status => ProbeReading::Admitted { status },
        }
    }

    /// `Message` or `message` of the body, else its beginning.
    fn message(&self) -> String {
        let body: Option<Value> = serde_json::from_str(&self.body).ok();
        let said = body.as_ref().and_then(|body| body.get("Message").or_else(|| body.get("message")));
        shortened(said.and_then(Value::as_str).unwrap_or(&self.body), SHOWN.max(DENIED.len() * 4))
    }
}

impl ProbeReading {
    /// In a few words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Admitted { status } => format!("let in (HTTP {status})"),
            Self::DeniedByPolicy { explicit: true } => {
                "kept out by the resource policy, with an explicit deny".to_owned()
            }
            Self::DeniedByPolicy { explicit: false } => "kept out by the resource policy's silence".to_owned(),
            Self::Unclear(why) => format!("unclear: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(status: u16, body: &str) -> ProbeReading {
        ProbeAnswer { status, body: body.to_owned() }.reading()
    }

    #[test]
    fn a_403_is_read_by_its_body() {
        let denied = r#"{"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:eu-central-1:********3333:abc/dev/GET/ with an explicit deny"}"#;
        assert_eq!(reading(403, denied), ProbeReading::DeniedByPolicy { explicit: true });
        assert_eq!(
            reading(403, &denied.replace(" with an explicit deny", "")),
            ProbeReading::DeniedByPolicy { explicit: false }
        );
        for body in [r#"{"message":"Forbidden"}"#, r#"{"message":"Missing Authentication Token"}"#, "", "<html>"] {
            assert!(matches!(reading(403, body), ProbeReading::Unclear(_)), "{body}");
        }
        let authorizer = r#"{"Message":"User is not authorized to access this resource with an explicit deny"}"#;
        assert!(matches!(reading(403, authorizer), ProbeReading::Unclear(_)));
    }

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        let shown = |url: &str| Probe { url: url.to_owned(), headers: Vec::new() }.shown();
        assert_eq!(shown("https://ada:secret@api.example/health?key=1#x"), "https://api.example/health");
        assert_eq!(shown("https://api.example"), "https://api.example");
    }

    #[test]
    fn what_the_backend_answers_was_let_in_and_failures_tell_nothing() {
        for status in [200, 204, 400, 404, 422] {
            assert_eq!(reading(status, "{}"), ProbeReading::Admitted { status });
        }
        for status in [202, 301, 401, 405, 429, 500, 502, 503, 504] {
            assert!(matches!(reading(status, "{}"), ProbeReading::Unclear(_)), "{status}");
        }
    }
}
