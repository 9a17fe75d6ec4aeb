//! Resource policies of REST APIs, as a deployed snapshot holds them, and what they and a method's authorization make
//! of a call.
//!
//! The range's own evaluator of what API Gateway's policies use: Allow and Deny, principals, `execute-api:Invoke`,
//! resources with `*` and `?`, and conditions. `decide` follows the documented authorization flow. [`verdict`] puts
//! both behind one pure function, so that others' evaluators can be compared with this one. Nothing here knows of
//! traffic or of the wire.

mod condition;

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::Value;

use condition::Condition;

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

/// How a method wants its callers authorized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authorization {
    /// Not at all.
    None,
    /// `AWS_IAM`.
    Iam,
    /// `CUSTOM`: a Lambda authorizer.
    Lambda,
    /// `COGNITO_USER_POOLS`.
    Cognito,
}

impl Authorization {
    /// By AWS's name; what is not known counts as `NONE`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "AWS_IAM" => Self::Iam,
            "CUSTOM" => Self::Lambda,
            "COGNITO_USER_POOLS" => Self::Cognito,
            _ => Self::None,
        }
    }
}

/// What a caller brings to be authorized with, whatever the method asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// Nothing: no signature, no token.
    Absent,
    /// A signature or a token that is not valid.
    Invalid,
    /// Valid; the identity policy, or the authorizer's, allows the call.
    Allows,
    /// Valid; the identity policy, or the authorizer's, says nothing of the call.
    Silent,
    /// Valid; the identity policy, or the authorizer's, denies the call.
    Denies,
}

/// A call, as policies see it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/path`.
    pub arn: &'a str,
    /// The caller's address.
    pub source_ip: IpAddr,
    /// The `User-Agent` header.
    pub user_agent: Option<&'a str>,
    /// The `Referer` header.
    pub referer: Option<&'a str>,
    /// The ARN of the IAM principal who signed; only methods with `AWS_IAM` look at it (documented: condition keys).
    pub principal: Option<&'a str>,
    /// Account time.
    pub at: DateTime<Utc>,
}

/// Whether a call may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Granted,
    /// It may not.
    Refused(Refusal),
}

impl Access {
    /// Whether it may.
    #[must_use]
    pub fn is_granted(self) -> bool {
        self == Self::Granted
    }
}

/// Who refuses a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 403: the resource policy, by a Deny or by its silence.
    Policy {
        /// By a Deny.
        explicit: bool,
    },
    /// 403: the identity policy of the principal who signed.
    Identity {
        /// By a Deny.
        explicit: bool,
    },
    /// 403: the policy that the Lambda authorizer answered.
    Authorizer {
        /// By a Deny.
        explicit: bool,
    },
    /// 403: the method wants a signature and there is none.
    Unsigned,
    /// 403: the signature does not hold.
    BadSignature,
    /// 401: there is no token, or it does not hold.
    Unauthorized,
}

impl Refusal {
    /// The HTTP status (documented: gateway response types).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            _ => 403,
        }
    }
}

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not JSON at all.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// No statements.
    #[error("no `Statement`")]
    NoStatement,
    /// A statement that neither allows nor denies.
    #[error("an `Effect` is `Allow` or `Deny`")]
    Effect,
}

/// What becomes of a call to a method, by the very rules that traffic meets. `policy` is the deployed resource policy.
pub fn verdict(
    policy: Option<&str>,
    call: &Call<'_>,
    authorization: Authorization,
    credential: Credential,
) -> Result<Access, PolicyError> {
    let policy = policy.map(Policy::parse).transpose()?;
    Ok(decide(policy.as_ref(), call, authorization, credential))
}

/// Policy and authorization together (documented: authorization flow).
///
/// Without authorization, and with Cognito, an explicit Allow is needed as soon as there is a policy. With IAM in one
/// account and with a Lambda authorizer either Allow suffices. An explicit Deny always wins. IAM and Cognito
/// authenticate before the policy is asked; a Lambda authorizer is called only where the policy has no Deny.
pub(crate) fn decide(
    policy: Option<&Policy>,
    call: &Call<'_>,
    authorization: Authorization,
    credential: Credential,
) -> Access {
    let call = &Call { principal: call.principal.filter(|_| authorization == Authorization::Iam), ..*call };
    let said = || policy.map(|policy| policy.judge(call));
    let missing = matches!(credential, Credential::Absent | Credential::Invalid);
    match authorization {
        Authorization::Cognito if missing => Access::Refused(Refusal::Unauthorized),
        Authorization::None | Authorization::Cognito => alone(said()),
        Authorization::Iam if credential == Credential::Absent => Access::Refused(Refusal::Unsigned),
        Authorization::Iam if credential == Credential::Invalid => Access::Refused(Refusal::BadSignature),
        Authorization::Iam => either(said(), credential, |explicit| Refusal::Identity { explicit }),
        Authorization::Lambda if missing && said() != Some(Verdict::Deny) => Access::Refused(Refusal::Unauthorized),
        Authorization::Lambda => either(said(), credential, |explicit| Refusal::Authorizer { explicit }),
    }
}

/// The policy alone decides, where there is one.
fn alone(said: Option<Verdict>) -> Access {
    match said {
        None | Some(Verdict::Allow) => Access::Granted,
        Some(Verdict::Silent) => Access::Refused(Refusal::Policy { explicit: false }),
        Some(Verdict::Deny) => Access::Refused(Refusal::Policy { explicit: true }),
    }
}

/// Either Allow suffices, any Deny refuses.
fn either(said: Option<Verdict>, credential: Credential, other: impl Fn(bool) -> Refusal) -> Access {
    match (said, credential) {
        (Some(Verdict::Deny), _) => Access::Refused(Refusal::Policy { explicit: true }),
        (_, Credential::Denies) => Access::Refused(other(true)),
        (Some(Verdict::Allow), _) | (_, Credential::Allows) => Access::Granted,
        _ => Access::Refused(other(false)),
    }
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
    /// Whether it is about `execute-api:Invoke`.
    invokes: bool,
    principals: Named,
    resources: Named,
    conditions: Vec<Condition>,
}

/// A member such as `Resource`, or its opposite such as `NotResource`.
#[derive(Debug)]
struct Named {
    names: Vec<String>,
    not: bool,
}

impl Named {
    fn read(json: &Value, member: &str) -> Self {
        let (value, not) = json.get(format!("Not{member}")).map_or((&json[member], false), |value| (value, true));
        let mut names = list(value);
        names.extend(list(&value["AWS"]));
        Self { names, not }
    }

    /// Whether it means what fits.
    fn means(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.names.iter().any(|name| fits(name)) != self.not
    }
}

impl Policy {
    /// Reads a policy document; one that is not JSON allows nothing (AWS would not have taken it).
    pub(crate) fn read(text: &str) -> Self {
        Self::parse(text).unwrap_or(Self { statements: Vec::new(), uses_time: false })
    }

    fn parse(text: &str) -> Result<Self, PolicyError> {
        let json: Value = serde_json::from_str(text).map_err(|error| PolicyError::NotJson(error.to_string()))?;
        let all = match &json["Statement"] {
            Value::Array(all) => all.iter().collect(),
            one @ Value::Object(_) => vec![one],
            _ => return Err(PolicyError::NoStatement),
        };
        let statements = all.into_iter().map(Statement::read).collect::<Result<Vec<_>, _>>()?;
        let uses_time = statements.iter().flat_map(|statement| &statement.conditions).any(Condition::uses_time);
        Ok(Self { statements, uses_time })
    }

    /// What its conditions on addresses say of one, for grouping addresses that it treats alike.
    pub(crate) fn address_bits(&self, address: IpAddr) -> impl Iterator<Item = bool> {
        let conditions = self.statements.iter().flat_map(|statement| &statement.conditions);
        conditions.filter_map(move |condition| condition.holds_for(address))
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

/// A member that is one text or several.
fn list(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

impl Statement {
    fn read(json: &Value) -> Result<Self, PolicyError> {
        let deny = match json["Effect"].as_str() {
            Some("Allow") => false,
            Some("Deny") => true,
            _ => return Err(PolicyError::Effect),
        };
        let action = Named::read(json, "Action");
        Ok(Self {
            deny,
            invokes: action.means(|action| wild(&action.to_lowercase(), "execute-api:invoke")),
            principals: Named::read(json, "Principal"),
            resources: Named::read(json, "Resource"),
            conditions: condition::read(&json["Condition"]),
        })
    }

    fn matches(&self, call: &Call<'_>) -> bool {
        self.invokes
            && self.principals.means(|named| is_principal(named, call.principal))
            && self.resources.means(|pattern| resource_matches(pattern, call.arn))
            && self.conditions.iter().all(|condition| condition.holds(call))
    }
}

/// Whether a policy's principal means the caller: everybody, an account, its root, or the very ARN. A named principal
/// never means an anonymous caller.
fn is_principal(named: &str, caller: Option<&str>) -> bool {
    if named == "*" {
        return true;
    }
    let Some(caller) = caller else { return false };
    let account = caller.split(':').nth(4).unwrap_or("");
    named == caller || named == account || named == format!("arn:aws:iam::{account}:root")
}

/// Full ARNs and the short form `execute-api:/stage/METHOD/path`.
fn resource_matches(pattern: &str, arn: &str) -> bool {
    match pattern.strip_prefix("execute-api:/") {
        Some(path) => {
            let after_api =
                arn.splitn(6, ':').nth(5).and_then(|tail| tail.split_once('/')).map_or("", |(_, path)| path);
            wild(path, after_api)
        }
        None => wild(pattern, arn),
    }
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
mod tests;
