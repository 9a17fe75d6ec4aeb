//! What a policy says of one call: allow, deny, nothing, or that it cannot be told.
//!
//! Three-valued throughout: a condition on what the console does not know of a caller is neither met nor unmet, and the
//! answer is then unknown unless it does not matter.

use serde_json::Value;

use super::call::{Call, Holds, Seen};
use super::condition::conditions;
use super::wild::{parts_match, wild};
use super::{Policy, texts};
use crate::model::text::shortened;

/// What a policy says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// An Allow matches and no Deny does.
    Allow,
    /// Nothing matches.
    Silent,
    /// A Deny matches.
    Deny,
}

/// What a policy may say of a call: one thing, or several where that rests on what is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    /// All that it may say; never empty.
    pub possible: Vec<Said>,
    /// What is not known, where there are several.
    pub doubt: Option<String>,
}

impl Policy {
    /// What it says of a call to a method that sees who signed.
    #[must_use]
    pub fn says(&self, call: &Call<'_>) -> Saying {
        self.says_to(&Seen { call: *call, signed: true, ordinary: false, reach: None })
    }

    /// What it says of a call, as its method lets it see it.
    pub(super) fn says_to(&self, seen: &Seen<'_>) -> Saying {
        let sure = |said| Saying { possible: vec![said], doubt: None };
        let (mut allowed, mut doubt, mut denial_in_doubt) = (false, None, None);
        for (place, statement) in self.statements().into_iter().enumerate() {
            let denies = statement["Effect"] == "Deny";
            let reached = seen.reach.and_then(|reach| reach.get(place));
            match (self.understood(statement).and(|| matches(statement, reached, seen)), denies) {
                (Holds::Yes, true) => return sure(Said::Deny),
                (Holds::Yes, false) => allowed = true,
                (Holds::Unknown(why), true) => denial_in_doubt = Some(why),
                (Holds::Unknown(why), false) => doubt = Some(why),
                (Holds::No, _) => {}
            }
        }
        let mut possible = match (allowed, &doubt) {
            (true, _) => vec![Said::Allow],
            (false, Some(_)) => vec![Said::Allow, Said::Silent],
            (false, None) => vec![Said::Silent],
        };
        if denial_in_doubt.is_some() {
            possible.push(Said::Deny);
        }
        Saying { doubt: denial_in_doubt.or(doubt).filter(|_| possible.len() > 1), possible }
    }

    /// Which statements are about a resource: calls of which this is the same differ in nothing that a resource is
    /// asked for.
    pub(super) fn reach(&self, arn: &str) -> Vec<Holds> {
        self.statements().into_iter().map(|statement| resource(statement, arn)).collect()
    }

    /// Whether a statement is one that IAM would take: a member that is none of its own may have been meant to narrow
    /// it.
    fn understood(&self, statement: &Value) -> Holds {
        if !matches!(self.document["Version"].as_str(), None | Some("2012-10-17" | "2008-10-17"))
            || !(self.document["Version"].is_null() || self.document["Version"].is_string())
        {
            return Holds::Unknown("the policy's Version is not one that IAM has".to_owned());
        }
        let strange = statement.as_object().into_iter().flatten().find(|(name, _)| !MEMBERS.contains(&name.as_str()));
        match strange {
            Some((name, _)) => {
                Holds::Unknown(format!("a statement has a member {} that IAM does not", shortened(name, 40)))
            }
            None => Holds::Yes,
        }
    }
}

/// The members of a statement (documented).
const MEMBERS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

fn matches(statement: &Value, reached: Option<&Holds>, seen: &Seen<'_>) -> Holds {
    let about = || reached.cloned().unwrap_or_else(|| resource(statement, seen.call.arn));
    named(statement, "Action", |action| Holds::from(wild(&action.to_lowercase(), "execute-api:invoke")))
        .and(about)
        .and(|| principal(statement, seen))
        .and(|| conditions(statement.get("Condition"), seen))
}

fn resource(statement: &Value, arn: &str) -> Holds {
    named(statement, "Resource", |pattern| resource_matches(pattern, arn))
}

/// A member such as `Resource`, or its opposite such as `NotResource`.
fn named(statement: &Value, member: &str, fits: impl Fn(&str) -> Holds) -> Holds {
    let not = statement.get(format!("Not{member}"));
    let value = match (statement.get(member), not) {
        (Some(_), Some(_)) => return Holds::Unknown(format!("a statement has both {member} and Not{member}")),
        (Some(value), None) | (None, Some(value)) => value,
        (None, None) => return Holds::Unknown(format!("a statement has no {member}")),
    };
    let names = texts(value);
    if names.is_empty() {
        return Holds::Unknown(format!("a statement has no {member}"));
    }
    let any = any_of(names.iter().map(|name| fits(name)));
    if not.is_some() { negated(any) } else { any }
}

fn any_of(all: impl Iterator<Item = Holds>) -> Holds {
    let mut doubt = Holds::No;
    for one in all {
        match one {
            Holds::Yes => return Holds::Yes,
            Holds::Unknown(why) => doubt = Holds::Unknown(why),
            Holds::No => {}
        }
    }
    doubt
}

fn negated(holds: Holds) -> Holds {
    match holds {
        Holds::Yes => Holds::No,
        Holds::No => Holds::Yes,
        unknown @ Holds::Unknown(_) => unknown,
    }
}

/// Kinds of principals (documented). All but `AWS` mean services and federated users, which reach an API as none of
/// these.
const KINDS: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];

/// Everybody, an account, its root, or the very ARN; a named one never means an anonymous caller, which is what every
/// caller is to a method that asks for no signature (documented: principal keys are there with IAM only).
fn principal(statement: &Value, seen: &Seen<'_>) -> Holds {
    let strange = || Holds::Unknown("a statement's Principal is not what IAM takes".to_owned());
    let (value, not) = match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(value), None) => (value, false),
        (None, Some(value)) => (value, true),
        _ => return Holds::Unknown("a statement has not one Principal".to_owned()),
    };
    let names = match value {
        Value::String(all) if all == "*" => vec![all.clone()],
        Value::Object(kinds) if !kinds.is_empty() && kinds.keys().all(|kind| KINDS.contains(&kind.as_str())) => {
            texts(&value["AWS"])
        }
        _ => return strange(),
    };
    // Part of an ARN is no principal.
    if names.iter().any(|name| name != "*" && name.contains(['*', '?'])) {
        return strange();
    }
    let any = any_of(names.iter().map(|name| is_principal(name, seen)));
    if not { negated(any) } else { any }
}

fn is_principal(name: &str, seen: &Seen<'_>) -> Holds {
    if name == "*" {
        return Holds::Yes;
    }
    if !seen.signed {
        return Holds::No;
    }
    match seen.call.principal {
        _ if !seen.call.exact => Holds::Unknown(format!("whether the caller is {} is not known", shortened(name, 80))),
        None => Holds::No,
        Some(caller) => {
            let account = caller.split(':').nth(4).unwrap_or_default();
            Holds::from(name == caller || name == account || name == format!("arn:aws:iam::{account}:root"))
        }
    }
}

/// Everything, full ARNs, part by part, and the short form `execute-api:/stage/METHOD/path` (documented). What else AWS
/// would make of a pattern is not known.
fn resource_matches(pattern: &str, arn: &str) -> Holds {
    if pattern == "*" {
        return Holds::Yes;
    }
    let doubt = || Holds::Unknown(format!("what the resource {} means is not known", shortened(pattern, 80)));
    if pattern.contains("${") {
        return doubt();
    }
    if let Some(path) = pattern.strip_prefix("execute-api:/") {
        let rest = arn.splitn(6, ':').nth(5).and_then(|rest| rest.split_once('/'));
        return rest.is_some_and(|(_, of_call)| wild(path, of_call)).into();
    }
    parts_match(pattern, arn).map_or_else(doubt, Holds::from)
}
