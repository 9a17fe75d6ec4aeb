//! Methods of an API: how a responder names one, and which requests are its.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The method setting that holds for every method without one of its own.
pub const ALL_METHODS: &str = "*/*";

/// A method and its resource's path as the API has it, `POST /orders/{id}`; `ANY` is a method too.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct MethodName {
    /// `GET`, …, `ANY`.
    pub verb: String,
    /// The resource's path, `/` first.
    pub path: String,
}

/// Why a method could not be read from what was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("“{0}” does not name a method; write for example \"POST /login\"")]
pub struct MethodError(String);

const VERBS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];

impl FromStr for MethodName {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, MethodError> {
        let bad = || MethodError(super::text::shortened(text, 80));
        let (verb, path) = text.trim().split_once(char::is_whitespace).ok_or_else(bad)?;
        let (verb, path) = (verb.to_ascii_uppercase(), path.trim());
        if !VERBS.contains(&verb.as_str()) || !path.starts_with('/') || path.contains(char::is_whitespace) {
            return Err(bad());
        }
        Ok(Self { verb, path: path.to_owned() })
    }
}

impl TryFrom<String> for MethodName {
    type Error = MethodError;

    fn try_from(text: String) -> Result<Self, MethodError> {
        text.parse()
    }
}

impl From<MethodName> for String {
    fn from(method: MethodName) -> Self {
        method.to_string()
    }
}

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.path)
    }
}

impl MethodName {
    /// Whether a request of `verb` for `uri` (a path, perhaps with a query and with the stage's name in front, as WAF
    /// sees it) is for this method.
    #[must_use]
    pub fn takes(&self, verb: &str, uri: &str, stage: &str) -> bool {
        let path = uri.split(['?', '#']).next().unwrap_or_default();
        let staged =
            path.strip_prefix('/').and_then(|rest| rest.strip_prefix(stage)).filter(|rest| rest.starts_with('/'));
        (self.verb == "ANY" || self.verb == verb)
            && (fits(&self.path, path) || staged.is_some_and(|path| fits(&self.path, path)))
    }
}

/// Whether a path fits a resource's, whose `{name}` takes one segment and whose `{name+}` takes all that follow.
fn fits(resource: &str, path: &str) -> bool {
    let mut segments = path.trim_matches('/').split('/');
    for wanted in resource.trim_matches('/').split('/') {
        if wanted.starts_with('{') && wanted.ends_with("+}") {
            return segments.next().is_some_and(|segment| !segment.is_empty());
        }
        let Some(segment) = segments.next() else { return false };
        let variable = wanted.starts_with('{') && wanted.ends_with('}') && !segment.is_empty();
        if segment != wanted && !variable {
            return false;
        }
    }
    segments.next().is_none()
}

/// The name of a method setting out of a stage's `methodSettings`: [`ALL_METHODS`] or a method. The key echoes the form
/// in which it was written, `~1login/POST` (AWS CLI examples) or `login/POST` (recorded by LocalStack).
#[must_use]
pub fn setting_name(key: &str) -> String {
    if key == ALL_METHODS {
        return key.to_owned();
    }
    let Some((path, verb)) = key.rsplit_once('/') else { return key.to_owned() };
    let path = path.replace("~1", "/").replace("~0", "~");
    format!("{verb} /{}", path.trim_start_matches('/'))
}

/// The path of a method setting in a patch of a stage, without the setting's own name: `/*/*` or `/~1login/POST`
/// (documented escapes: `~1` for `/`, `~0` for `~`).
#[must_use]
pub fn setting_path(name: &str) -> String {
    match name.parse::<MethodName>() {
        Ok(method) => format!("/{}/{}", method.path.replace('~', "~0").replace('/', "~1"), method.verb),
        Err(_) => format!("/{name}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_method_is_a_verb_and_a_path() {
        let method: MethodName = " post  /login ".parse().unwrap();
        assert_eq!(method.to_string(), "POST /login");
        for text in ["/login", "POST", "POST login", "BREW /tea", "", "GET /a b"] {
            assert!(text.parse::<MethodName>().is_err(), "{text}");
        }
    }

    #[test]
    fn requests_find_their_method() {
        let takes =
            |method: &str, verb: &str, uri: &str| method.parse::<MethodName>().unwrap().takes(verb, uri, "prod");
        assert!(takes("GET /orders/{id}", "GET", "/orders/7?x=1"));
        assert!(takes("GET /orders/{id}", "GET", "/prod/orders/7"));
        assert!(takes("ANY /{proxy+}", "PUT", "/a/b/c"));
        assert!(takes("GET /", "GET", "/"));
        assert!(!takes("GET /orders/{id}", "GET", "/orders"));
        assert!(!takes("GET /orders/{id}", "GET", "/orders/7/items"));
        assert!(!takes("GET /orders/{id}", "POST", "/orders/7"));
        assert!(!takes("GET /login", "GET", "/productslogin"));
    }

    #[test]
    fn both_forms_of_a_key_are_the_same_setting() {
        assert_eq!(setting_name("~1orders~1{id}/GET"), "GET /orders/{id}");
        assert_eq!(setting_name("orders/GET"), "GET /orders");
        assert_eq!(setting_name("~1/GET"), "GET /");
        assert_eq!(setting_name("/GET"), "GET /");
        assert_eq!(setting_name("*/*"), "*/*");
        assert_eq!(setting_path("GET /orders/{id}"), "/~1orders~1{id}/GET");
        assert_eq!(setting_path("*/*"), "/*/*");
    }

    proptest! {
        #[test]
        fn a_setting_is_found_again_under_the_path_it_was_written_to(path in "(/[a-z0-9{}~_.-]{1,8}){1,4}") {
            let name = format!("PUT {path}");
            prop_assert_eq!(setting_name(setting_path(&name).trim_start_matches('/')), name);
        }
    }
}
