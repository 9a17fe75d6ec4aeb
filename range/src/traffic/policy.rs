//! Resource policies of REST APIs, as the deployed snapshot holds them.
//!
//! The range's own evaluator of the subset that API Gateway's policies use: Allow and Deny, principals, `execute-api:Invoke`, resources with
//! `*` and `?`, and conditions on address, user agent, referer, time and transport (documented condition keys). How the verdict meets the
//! method's authorization follows the documented authorization flow: without authorization and with Cognito an explicit Allow is needed as soon
//! as there is a policy; with IAM in the same account and with Lambda authorizers either Allow suffices; an explicit Deny always wins.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde_json::Value;

use super::addresses::IpMatcher;
use super::request::Request;

/// What a policy says of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// An Allow matches and no Deny does.
    Allow,
    /// Nothing matches.
    Silent,
    /// A Deny matches.
    Deny,
}

/// What becomes of a call that WAF let through, before throttles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Goes on.
    Open,
    /// 403 by the policy; whether by an explicit Deny.
    Denied { explicit: bool },
    /// 401 or 403: no valid credentials.
    Unauthorized(u16),
    /// 403: there is no such method.
    NoMethod,
    /// 403: the `execute-api` endpoint is disabled.
    Disabled,
}

/// A call, as conditions see it.
pub(crate) struct Call<'a> {
    /// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/path`.
    pub(crate) arn: &'a str,
    /// The caller.
    pub(crate) address: IpAddr,
    /// The request.
    pub(crate) request: &'a Request,
    /// Account time.
    pub(crate) now: DateTime<Utc>,
}

/// A policy, compiled.
#[derive(Debug)]
pub(crate) struct Policy {
    statements: Vec<Statement>,
    /// Whether the verdict can change with time alone.
    pub(crate) uses_time: bool,
}

#[derive(Debug)]
struct Statement {
    deny: bool,
    /// Names everybody and `execute-api:Invoke`: a principal that is not everybody never matches an anonymous caller.
    applies: bool,
    resources: Vec<String>,
    not_resources: bool,
    conditions: Vec<Condition>,
}

#[derive(Debug)]
enum Condition {
    Address {
        matcher: IpMatcher,
        negated: bool,
    },
    Text {
        key: TextKey,
        values: Vec<String>,
        like: bool,
        fold: bool,
        negated: bool,
    },
    Before(Option<DateTime<Utc>>),
    After(Option<DateTime<Utc>>),
    Secure(bool),
    /// A key that a public caller does not have: holds for negated operators and `…IfExists` only (documented).
    Absent {
        holds: bool,
    },
}

#[derive(Debug, Clone, Copy)]
enum TextKey {
    UserAgent,
    Referer,
}

impl Policy {
    /// Reads a policy document; one that is not JSON allows nothing (AWS would not have taken it).
    pub(crate) fn read(text: &str) -> Self {
        let json: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        let statements: Vec<Statement> = match &json["Statement"] {
            Value::Array(all) => all.iter().map(Statement::read).collect(),
            one @ Value::Object(_) => vec![Statement::read(one)],
            _ => Vec::new(),
        };
        let timed = |condition: &Condition| matches!(condition, Condition::Before(_) | Condition::After(_));
        let uses_time = statements.iter().any(|statement| statement.conditions.iter().any(timed));
        Self { statements, uses_time }
    }

    /// The networks that its conditions ask about, for grouping addresses that it treats alike.
    pub(crate) fn address_bits(&self, address: IpAddr) -> impl Iterator<Item = bool> {
        self.statements.iter().flat_map(|statement| &statement.conditions).filter_map(
            move |condition| match condition {
                Condition::Address { matcher, .. } => Some(matcher.contains(address)),
                _ => None,
            },
        )
    }

    /// What it says of a call.
    pub(crate) fn judge(&self, call: &Call<'_>) -> Verdict {
        let mut verdict = Verdict::Silent;
        for statement in self.statements.iter().filter(|statement| statement.matches(call)) {
            if statement.deny {
                return Verdict::Deny;
            }
            verdict = Verdict::Allow;
        }
        verdict
    }
}

/// Policy and authorization together.
pub(crate) fn gate(policy: Option<&Policy>, call: &Call<'_>, authorization: &str, authenticated: bool) -> Gate {
    let verdict = policy.map(|policy| policy.judge(call));
    if verdict == Some(Verdict::Deny) {
        return Gate::Denied { explicit: true };
    }
    let refused = Gate::Unauthorized(if authorization == "AWS_IAM" { 403 } else { 401 });
    match (authorization, verdict) {
        // The policy's own Allow stands in for the caller's permission, not for a signature: an anonymous call
        // to an IAM method passes only a policy that names everybody, which `judge` has seen.
        ("AWS_IAM", Some(Verdict::Allow)) => Gate::Open,
        ("AWS_IAM" | "CUSTOM", _) if authenticated => Gate::Open,
        ("AWS_IAM" | "CUSTOM", _) => refused,
        ("COGNITO_USER_POOLS" | "NONE", Some(Verdict::Silent)) => Gate::Denied { explicit: false },
        ("COGNITO_USER_POOLS", _) if !authenticated => refused,
        _ => Gate::Open,
    }
}

impl Statement {
    fn read(json: &Value) -> Self {
        let list = |value: &Value| -> Vec<String> {
            match value {
                Value::String(one) => vec![one.clone()],
                Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => Vec::new(),
            }
        };
        let principal = &json["Principal"];
        let everybody = list(principal).iter().chain(&list(&principal["AWS"])).any(|who| who == "*");
        let actions = list(&json["Action"]);
        let invokes = actions.iter().any(|action| wild(&action.to_lowercase(), "execute-api:invoke"));
        let not_resources = json.get("NotResource").is_some();
        let mut conditions = Vec::new();
        for (operator, keys) in json["Condition"].as_object().into_iter().flatten() {
            for (key, values) in keys.as_object().into_iter().flatten() {
                conditions.push(Condition::read(operator, key, &list(values)));
            }
        }
        Self {
            deny: json["Effect"] == "Deny",
            applies: everybody && invokes,
            resources: list(&json[if not_resources { "NotResource" } else { "Resource" }]),
            not_resources,
            conditions,
        }
    }

    fn matches(&self, call: &Call<'_>) -> bool {
        self.applies
            && self.resources.iter().any(|pattern| resource_matches(pattern, call.arn)) != self.not_resources
            && self.conditions.iter().all(|condition| condition.holds(call))
    }
}

/// Full ARNs and the short form `execute-api:/stage/METHOD/path`.
fn resource_matches(pattern: &str, arn: &str) -> bool {
    match pattern.strip_prefix("execute-api:/") {
        Some(path) => {
            let after_api =
                arn.rsplit_once(':').and_then(|(_, tail)| tail.split_once('/')).map_or("", |(_, path)| path);
            wild(path, after_api)
        }
        None => wild(pattern, arn),
    }
}

impl Condition {
    fn read(operator: &str, key: &str, values: &[String]) -> Self {
        let (operator, if_exists) = match operator.strip_suffix("IfExists") {
            Some(operator) => (operator, true),
            None => (operator, false),
        };
        let negated = operator.contains("Not");
        let fold = operator.contains("IgnoreCase");
        let text = |key| Self::Text { key, values: values.to_vec(), like: operator.ends_with("Like"), fold, negated };
        let time = || values.first().and_then(|value| parse_time(value));
        match (key.to_lowercase().as_str(), operator) {
            ("aws:sourceip", "IpAddress" | "NotIpAddress") => {
                let nets: Vec<IpNet> = values.iter().filter_map(|value| parse_net(value)).collect();
                Self::Address { matcher: IpMatcher::new(&nets), negated }
            }
            ("aws:useragent", _) => text(TextKey::UserAgent),
            ("aws:referer", _) => text(TextKey::Referer),
            ("aws:currenttime" | "aws:epochtime", "DateLessThan" | "DateLessThanEquals" | "NumericLessThan") => {
                Self::Before(time())
            }
            (
                "aws:currenttime" | "aws:epochtime",
                "DateGreaterThan" | "DateGreaterThanEquals" | "NumericGreaterThan",
            ) => Self::After(time()),
            ("aws:securetransport", "Bool") => Self::Secure(values.first().is_some_and(|value| value == "true")),
            _ => Self::Absent { holds: negated || if_exists },
        }
    }

    fn holds(&self, call: &Call<'_>) -> bool {
        match self {
            Self::Address { matcher, negated } => matcher.contains(call.address) != *negated,
            Self::Text { key, values, like, fold, negated } => {
                let header = match key {
                    TextKey::UserAgent => "User-Agent",
                    TextKey::Referer => "Referer",
                };
                let Some(text) = call.request.header(header) else { return *negated };
                let text = if *fold { text.to_lowercase() } else { text.to_owned() };
                let one = |value: &String| {
                    let value = if *fold { value.to_lowercase() } else { value.clone() };
                    if *like { wild(&value, &text) } else { value == text }
                };
                values.iter().any(one) != *negated
            }
            Self::Before(when) => when.is_some_and(|when| call.now < when),
            Self::After(when) => when.is_some_and(|when| call.now > when),
            // Everything reaches API Gateway over TLS.
            Self::Secure(wanted) => *wanted,
            Self::Absent { holds } => *holds,
        }
    }
}

fn parse_net(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let epoch = text.parse::<i64>().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    epoch.or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|when| when.with_timezone(&Utc)))
}

/// Whether a pattern with `*` (any run, also empty, also over `/`) and `?` (one character) fits a text.
fn wild(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const ARN: &str = "arn:aws:execute-api:eu-central-1:111122223333:abc123defg/prod/POST/login";

    fn judge(policy: &str, address: &str) -> Verdict {
        let request = Request { headers: vec![("User-Agent".into(), "curl/8".into())], ..Request::default() };
        let call = Call { arn: ARN, address: address.parse().unwrap(), request: &request, now: DateTime::UNIX_EPOCH };
        Policy::read(policy).judge(&call)
    }

    const CLOSED: &str = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"},
        {"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/prod/*",
         "Condition":{"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]}}}]}"#;

    #[test]
    fn deny_not_ip_address_shuts_everybody_else_out() {
        assert_eq!(judge(CLOSED, "192.0.2.9"), Verdict::Allow);
        assert_eq!(judge(CLOSED, "2001:db8::9"), Verdict::Allow);
        assert_eq!(judge(CLOSED, "203.0.113.7"), Verdict::Deny);
        assert_eq!(judge(&CLOSED.replace("/prod/*", "/dev/*"), "203.0.113.7"), Verdict::Allow, "names another stage");
    }

    #[test]
    fn a_policy_turns_silence_into_deny_for_open_methods_only() {
        let other = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*",
            "Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.1"}}}}"#;
        let request = Request::default();
        let call =
            Call { arn: ARN, address: "203.0.113.7".parse().unwrap(), request: &request, now: DateTime::UNIX_EPOCH };
        let policy = Policy::read(other);
        assert_eq!(policy.judge(&call), Verdict::Silent);
        let at = |authorization, authenticated| gate(Some(&policy), &call, authorization, authenticated);
        assert_eq!(at("NONE", true), Gate::Denied { explicit: false });
        assert_eq!(at("COGNITO_USER_POOLS", true), Gate::Denied { explicit: false });
        assert_eq!(at("CUSTOM", true), Gate::Open);
        assert_eq!(at("AWS_IAM", false), Gate::Unauthorized(403));
        assert_eq!(gate(None, &call, "NONE", false), Gate::Open);
    }

    #[test]
    fn wildcards_and_keys_match_as_iam_says() {
        assert!(wild("arn:*:abc123defg/*/POST/*", ARN) && wild("*log?n", ARN) && !wild("*/GET/*", ARN));
        let agent = r#"{"Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"execute-api:*","Resource":"*",
            "Condition":{"StringLike":{"aws:UserAgent":"curl/*"}}}]}"#;
        assert_eq!(judge(agent, "192.0.2.1"), Verdict::Deny);
        let principal = agent.replace(r#"{"AWS":"*"}"#, r#"{"AWS":"arn:aws:iam::111122223333:root"}"#);
        assert_eq!(judge(&principal, "192.0.2.1"), Verdict::Silent);
    }
}
