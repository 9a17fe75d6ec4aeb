//! Resource policies of REST APIs: as AWS answers them, as they are written, and closed to all but a few addresses.
//!
//! A policy acts on callers of a stage only, and only as deployed. What it makes of a call is [`access()`]'s business.
//! Knows no calls.

mod access;
mod call;
mod compare;
mod condition;
mod evaluate;
mod meant;
mod parts;
mod wild;

use std::fmt::Write as _;

use ipnet::IpNet;
use serde_json::{Map, Value, json};
use thiserror::Error;

pub use access::{Access, Authorization, Credential, access};
pub use call::Call;
pub use compare::{Admission, Comparison, Entry, Fate};
pub use evaluate::{Said, Saying};

use super::limits::DeployedMethod;

/// The `Sid` of the statement that closes.
pub const SID: &str = "PortcullisKillSwitch";
/// The `Sid` of the statement that keeps open, where there was no policy, what needed none.
pub const ALLOW_SID: &str = "PortcullisKillSwitchAllow";
/// Addresses reserved for documentation (RFC 5737): a list of one of them lets nobody in.
pub const NOBODY: [&str; 3] = ["192.0.2.255/32", "198.51.100.255/32", "203.0.113.255/32"];
/// The extension that holds the resource policy in an export (inferred from published exports).
pub const EXTENSION: &str = "x-amazon-apigateway-policy";
/// The most characters that a policy may have (documented; AWS raises it on request).
pub const MOST_CHARACTERS: usize = 8_192;

/// Why a text is no policy that the console can work with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// Not JSON.
    #[error("it is not JSON: {0}")]
    NotJson(String),
    /// JSON of another kind.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// No statements.
    #[error("it has no `Statement`")]
    NoStatement,
    /// A list of statements with nothing in it.
    #[error("its `Statement` is an empty list")]
    EmptyStatement,
    /// A `Statement` that is none.
    #[error("its `Statement` is neither a statement nor a list of them")]
    WrongStatement,
    /// A statement that neither allows nor denies.
    #[error("statement {0} has no `Effect` of `Allow` or `Deny`")]
    Effect(usize),
}

/// A policy document, with the very text it was read from or is to be written as.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    text: String,
    document: Value,
}

/// The API that a policy is about, as ARNs name it.
#[derive(Debug, Clone, Copy)]
pub struct ApiScope<'a> {
    /// `aws`, `aws-cn`, …
    pub partition: &'a str,
    /// The region.
    pub region: &'a str,
    /// The account, twelve digits.
    pub account: &'a str,
    /// The REST API's id.
    pub api_id: &'a str,
}

impl ApiScope<'_> {
    /// `arn:PARTITION:execute-api:REGION:ACCOUNT:API` and what follows it: a stage, a method, a path.
    #[must_use]
    pub fn arn(&self, rest: &str) -> String {
        format!("arn:{}:execute-api:{}:{}:{}/{rest}", self.partition, self.region, self.account, self.api_id)
    }
}

impl Policy {
    /// The policy out of `RestApi.policy`; `None` where there is none. AWS answers it as the inside of a JSON string,
    /// escaped once more than JSON is (seen by several public clients); emulators answer it plain.
    ///
    /// # Errors
    /// Where it is neither.
    pub fn of_answer(raw: &str) -> Result<Option<Self>, PolicyError> {
        if raw.trim().is_empty() {
            return Ok(None);
        }
        // Which of the two it is, JSON tells; what is wrong with it then is said of that reading.
        let unescaped = serde_json::from_str::<String>(&format!("\"{raw}\"")).ok();
        let inside = unescaped.filter(|text| serde_json::from_str::<Value>(text).is_ok());
        Self::parse(inside.as_deref().unwrap_or(raw)).map(Some)
    }

    /// The policy that `text` is.
    ///
    /// # Errors
    /// Where it is not JSON, has no statements, or one that neither allows nor denies.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let document: Value = serde_json::from_str(text).map_err(|error| PolicyError::NotJson(error.to_string()))?;
        let policy = Self { text: text.to_owned(), document };
        let statements = policy.statements();
        if statements.is_empty() {
            return Err(match policy.document.as_object().map(|fields| fields.get("Statement")) {
                None => PolicyError::NotAnObject,
                Some(None) => PolicyError::NoStatement,
                Some(Some(Value::Array(_))) => PolicyError::EmptyStatement,
                Some(Some(_)) => PolicyError::WrongStatement,
            });
        }
        let effect = |statement: &Value| matches!(statement["Effect"].as_str(), Some("Allow" | "Deny"));
        match statements.iter().position(|statement| !effect(statement)) {
            Some(place) => Err(PolicyError::Effect(place + 1)),
            None => Ok(policy),
        }
    }

    /// The policy of a JSON document, as exports hold it.
    ///
    /// # Errors
    /// As [`Policy::parse`].
    pub fn of_document(document: &Value) -> Result<Self, PolicyError> {
        Self::parse(&document.to_string())
    }

    /// The policy in a stage's export; `None` where it has none.
    #[must_use]
    pub fn of_export(export: &Value) -> Option<Result<Self, PolicyError>> {
        export.get(EXTENSION).map(Self::of_document)
    }

    /// The policy that a stage has deployed, as its export tells. An export without one tells that there is none only
    /// where the draft has none either: that exports carry it at all is inferred.
    ///
    /// # Errors
    /// One sentence that says why it is not known.
    pub fn deployed(export: &Value, draft_has_one: bool) -> Result<Option<Self>, String> {
        match (Self::of_export(export), draft_has_one) {
            (Some(read), _) => read.map(Some).map_err(|error| format!("the deployed policy cannot be read: {error}")),
            (None, false) => Ok(None),
            (None, true) => {
                Err("the export shows no policy and the draft has one: it is not deployed, or exports do not carry it"
                    .to_owned())
            }
        }
    }

    /// The text, as it was read or is to be written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many characters AWS would count.
    #[must_use]
    pub fn characters(&self) -> usize {
        self.text.chars().count()
    }

    /// Its statements, in order.
    #[must_use]
    pub fn statements(&self) -> Vec<&Value> {
        match &self.document["Statement"] {
            Value::Array(all) => all.iter().collect(),
            one @ Value::Object(_) => vec![one],
            _ => Vec::new(),
        }
    }

    /// Whether a statement of ours is in it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.statements().iter().any(|statement| statement["Sid"] == SID)
    }

    /// The addresses that a statement of ours lets in, sorted; none where there is no such statement.
    #[must_use]
    pub fn admitted(&self) -> Vec<String> {
        let ours = self.statements().into_iter().filter(|statement| statement["Sid"] == SID);
        let mut all: Vec<String> =
            ours.flat_map(|statement| texts(&statement["Condition"]["NotIpAddress"]["aws:SourceIp"])).collect();
        all.sort();
        all
    }

    /// One line a statement, for reading.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.statements().into_iter().map(line).collect()
    }

    /// This policy, or none, with a Deny for whoever does not come from `allow`; every statement stays as it is.
    ///
    /// An explicit Deny wins whatever a method asks of its callers (documented: authorization flow), so that it closes
    /// where an Allow of a few would not: whom IAM or a Lambda authorizer allows is not refused by a policy's silence.
    /// Where there was no policy, its mere presence would turn silence into refusal for methods without authorization
    /// and with Cognito; those, and no others, get an Allow, on each of `stages` by name: a `*` for the stage would
    /// reach over slashes into other paths.
    #[must_use]
    pub fn closed(
        base: Option<&Self>,
        scope: &ApiScope<'_>,
        allow: &[IpNet],
        methods: &[DeployedMethod],
        stages: &[String],
    ) -> Self {
        let mut statements: Vec<Value> = match base {
            Some(policy) => policy.statements().into_iter().filter(|s| s["Sid"] != SID).cloned().collect(),
            None => open_statement(scope, methods, stages).into_iter().collect(),
        };
        let addresses: Vec<String> = allow.iter().map(ToString::to_string).collect();
        statements.push(json!({
            "Sid": SID,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "execute-api:Invoke",
            "Resource": scope.arn("*"),
            "Condition": { "NotIpAddress": { "aws:SourceIp": addresses } },
        }));
        let mut document = base.map_or_else(|| json!({ "Version": "2012-10-17" }), |policy| policy.document.clone());
        document["Statement"] = Value::Array(statements);
        Self { text: document.to_string(), document }
    }

    /// Whether two policies, or none, mean the same text: order of members, one value or a list of one, spaces aside.
    #[must_use]
    pub fn same(a: Option<&Self>, b: Option<&Self>) -> bool {
        a.map(|policy| canonical(&policy.document)) == b.map(|policy| canonical(&policy.document))
    }

    /// Whether two policies, or none, mean the same, or both carry a statement of ours with the same list, or with the
    /// one that leaves everybody out: what AWS makes of the rest on the way does not matter where the question is
    /// whether ours is there.
    #[must_use]
    pub fn same_or_both_closed(a: Option<&Self>, b: Option<&Self>) -> bool {
        let lists = (a.filter(|policy| policy.is_closed()), b.filter(|policy| policy.is_closed()));
        let (Some(one), Some(other)) = (lists.0.map(Self::admitted), lists.1.map(Self::admitted)) else {
            return Self::same(a, b);
        };
        // One of the two may be the list of a proof that leaves everybody out.
        let nobody = |list: &[String]| matches!(list, [only] if NOBODY.contains(&only.as_str()));
        one == other || nobody(&one) || nobody(&other)
    }
}

/// The Allow for methods that need one as soon as there is a policy; `None` where no method does.
fn open_statement(scope: &ApiScope<'_>, methods: &[DeployedMethod], stages: &[String]) -> Option<Value> {
    let needs = |method: &&DeployedMethod| {
        matches!(Authorization::named(&method.authorization), Authorization::None | Authorization::Cognito)
    };
    let wanting: Vec<&DeployedMethod> = methods.iter().filter(needs).collect();
    let resources: Vec<String> = if wanting.len() == methods.len() {
        vec![scope.arn("*")]
    } else {
        let of_stage = |stage: &String| {
            let arn = |method: &&DeployedMethod| scope.arn(&format!("{stage}/{}", pattern(method)));
            wanting.iter().map(arn).collect::<Vec<_>>()
        };
        stages.iter().flat_map(of_stage).collect()
    };
    (!wanting.is_empty()).then(|| {
        json!({
            "Sid": ALLOW_SID,
            "Effect": "Allow",
            "Principal": "*",
            "Action": "execute-api:Invoke",
            "Resource": resources,
        })
    })
}

/// Methods that ask a signature or an authorizer, and that an Allow of `policy` reaches all the same: whoever's
/// credentials say nothing of them would be let in there. Patterns are compared whole, so that no call has to be
/// guessed that shows it.
#[must_use]
pub fn reached_by_allow(
    policy: &Policy,
    scope: &ApiScope<'_>,
    methods: &[DeployedMethod],
    stages: &[String],
) -> Vec<String> {
    let guarded = |method: &&DeployedMethod| {
        !matches!(Authorization::named(&method.authorization), Authorization::None | Authorization::Cognito)
    };
    let allows: Vec<String> = policy
        .statements()
        .into_iter()
        .filter(|statement| statement["Sid"] == ALLOW_SID)
        .flat_map(|statement| texts(&statement["Resource"]))
        .collect();
    let reached = |method: &&DeployedMethod| {
        let own = stages.iter().map(|stage| scope.arn(&format!("{stage}/{}", pattern(method))));
        own.into_iter().any(|own| allows.iter().any(|allow| wild::intersect(allow, &own)))
    };
    methods.iter().filter(guarded).filter(reached).map(|method| method.name.to_string()).collect()
}

/// `GET/pets/*` for `GET /pets/{id}`.
fn pattern(method: &DeployedMethod) -> String {
    let verb = if method.name.verb == "ANY" { "*" } else { method.name.verb.as_str() };
    let parts = method.name.path.split('/').map(|part| if part.starts_with('{') { "*" } else { part });
    format!("{verb}{}", parts.collect::<Vec<_>>().join("/"))
}

/// A statement in one line, what tells most first:
/// `Deny * if NotIpAddress aws:SourceIp 192.0.2.0/24: execute-api:Invoke on arn:… (PortcullisKillSwitch)`.
fn line(statement: &Value) -> String {
    let mut text = statement["Effect"].as_str().unwrap_or("?").to_owned();
    let named = |text: &mut String, members: &[(&str, &str)]| {
        for (member, before) in members {
            if let Some(value) = statement.get(*member) {
                let _ = write!(text, " {before}{}", words(value));
            }
        }
    };
    named(&mut text, &[("Principal", ""), ("NotPrincipal", "all but ")]);
    for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let _ = write!(text, " if {operator} {key} {}", words(values));
        }
    }
    text.push(':');
    named(&mut text, &[("Action", ""), ("NotAction", "all but "), ("Resource", "on "), ("NotResource", "on all but ")]);
    if let Some(sid) = statement["Sid"].as_str() {
        let _ = write!(text, " ({sid})");
    }
    text
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            members.iter().map(|(name, value)| format!("{name} {}", words(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// A document with its members sorted, lists sorted, and lists of one as that one.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(all) => {
            let mut all: Vec<Value> = all.iter().map(canonical).collect();
            all.sort_by_key(ToString::to_string);
            all.dedup();
            if all.len() == 1 { all.remove(0) } else { Value::Array(all) }
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            let sorted: Map<String, Value> =
                names.into_iter().map(|name| (name.clone(), canonical(&members[name]))).collect();
            Value::Object(sorted)
        }
        other => other.clone(),
    }
}

/// The texts of a member that is one text or several.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
