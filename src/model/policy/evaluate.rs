//! What a policy says of one call: allow, deny, nothing, or that it cannot be told.
//!
//! Three-valued throughout: a condition on what the console does not know of a caller is neither met nor unmet, and the
//! answer is then unknown unless it does not matter.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde_json::Value;

use super::{Policy, texts};

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
    /// The ARN of the IAM principal who signed; methods with other authorization do not see one (documented: condition keys).
    pub principal: Option<&'a str>,
    /// When (account time, UTC).
    pub at: DateTime<Utc>,
}

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

/// Whether something holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Holds {
    Yes,
    No,
    Unknown(String),
}

impl From<bool> for Holds {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl Holds {
    /// Both: what certainly fails outweighs what is not known.
    fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::No => Self::No,
            Self::Yes => other(),
            Self::Unknown(why) => match other() {
                Self::No => Self::No,
                _ => Self::Unknown(why),
            },
        }
    }
}

impl Policy {
    /// What it says of a call.
    #[must_use]
    pub fn says(&self, call: &Call<'_>) -> Saying {
        let sure = |said| Saying { possible: vec![said], doubt: None };
        let (mut allowed, mut doubt, mut denial_in_doubt) = (false, None, None);
        for statement in self.statements() {
            let denies = statement["Effect"] == "Deny";
            match (matches(statement, call), denies) {
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
}

fn matches(statement: &Value, call: &Call<'_>) -> Holds {
    named(statement, "Action", |action| Holds::from(wild(&action.to_lowercase(), "execute-api:invoke")))
        .and(|| named(statement, "Resource", |pattern| Holds::from(resource_matches(pattern, call.arn))))
        .and(|| principal(statement, call))
        .and(|| conditions(&statement["Condition"], call))
}

/// A member such as `Resource`, or its opposite such as `NotResource`.
fn named(statement: &Value, member: &str, fits: impl Fn(&str) -> Holds) -> Holds {
    let not = statement.get(format!("Not{member}"));
    let value = not.unwrap_or(&statement[member]);
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

/// Everybody, an account, its root, or the very ARN; a named one never means an anonymous caller. Other kinds than `AWS` mean
/// services and federated users, which reach an API as none of these.
fn principal(statement: &Value, call: &Call<'_>) -> Holds {
    let not = statement.get("NotPrincipal");
    let Some(value) = not.or_else(|| statement.get("Principal")) else {
        return Holds::Unknown("a statement has no Principal".to_owned());
    };
    let mut names = texts(value);
    names.extend(texts(&value["AWS"]));
    let any = any_of(names.iter().map(|name| is_principal(name, call.principal)));
    if not.is_some() { negated(any) } else { any }
}

fn is_principal(name: &str, caller: Option<&str>) -> Holds {
    if name == "*" {
        return Holds::Yes;
    }
    let Some(caller) = caller else { return Holds::No };
    let account = caller.split(':').nth(4).unwrap_or_default();
    Holds::from(name == caller || name == account || name == format!("arn:aws:iam::{account}:root"))
}

/// Full ARNs, part by part, and the short form `execute-api:/stage/METHOD/path` (documented).
fn resource_matches(pattern: &str, arn: &str) -> bool {
    if let Some(path) = pattern.strip_prefix("execute-api:/") {
        let rest = arn.splitn(6, ':').nth(5).and_then(|rest| rest.split_once('/'));
        return rest.is_some_and(|(_, of_call)| wild(path, of_call));
    }
    let (wanted, parts): (Vec<&str>, Vec<&str>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    if wanted.len() == parts.len() {
        wanted.iter().zip(&parts).all(|(pattern, part)| wild(pattern, part))
    } else {
        wild(pattern, arn)
    }
}

/// Whether a pattern with `*` (any run, also none) and `?` (one character) fits a text.
fn wild(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // reached[p]: the first p characters of the pattern fit what was read of the text.
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    let skip_stars = |reached: &mut Vec<bool>| {
        for p in 0..pattern.len() {
            reached[p + 1] |= reached[p] && pattern[p] == '*';
        }
    };
    skip_stars(&mut reached);
    for c in text {
        let mut next = vec![false; pattern.len() + 1];
        for p in 0..pattern.len() {
            match pattern[p] {
                '*' => next[p] |= reached[p],
                '?' => next[p + 1] |= reached[p],
                own => next[p + 1] |= reached[p] && own == c,
            }
        }
        // A star that has taken a character may take more.
        for p in 0..pattern.len() {
            next[p] |= pattern[p] == '*' && reached[p];
        }
        skip_stars(&mut next);
        reached = next;
    }
    reached[pattern.len()]
}

fn conditions(condition: &Value, call: &Call<'_>) -> Holds {
    let mut all = Holds::Yes;
    for (operator, keys) in condition.as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            all = all.and(|| holds(operator, key, &texts(values), call));
        }
    }
    all
}

/// What a request says about a key.
enum Fact {
    Address(IpAddr),
    Text(String),
    Time(DateTime<Utc>),
    /// It is certain that the request does not have it.
    Absent,
    /// The console does not know.
    NotKnown,
}

/// Names of keys are not case-sensitive (documented). A public caller comes from no VPC; every call comes over TLS.
fn fact(key: &str, call: &Call<'_>) -> Fact {
    let text = |value: Option<&str>| value.map_or(Fact::Absent, |value| Fact::Text(value.to_owned()));
    match key.to_lowercase().as_str() {
        "aws:sourceip" => Fact::Address(call.source_ip),
        "aws:useragent" => text(call.user_agent),
        "aws:referer" => text(call.referer),
        "aws:securetransport" => Fact::Text("true".to_owned()),
        "aws:currenttime" | "aws:epochtime" => Fact::Time(call.at),
        "aws:principalarn" => text(call.principal),
        "aws:principalaccount" => text(call.principal.and_then(|arn| arn.split(':').nth(4))),
        "aws:sourcevpc" | "aws:sourcevpce" | "aws:vpcsourceip" => Fact::Absent,
        // Whatever else is said of a principal: who did not sign has none.
        key if key.starts_with("aws:principal") && call.principal.is_none() => Fact::Absent,
        _ => Fact::NotKnown,
    }
}

/// One key under one operator (documented: IAM's condition operators). Where the key is not in the request it fails, but for
/// negated operators, `…IfExists`, `ForAllValues:` and `Null`.
fn holds(operator: &str, key: &str, values: &[String], call: &Call<'_>) -> Holds {
    let doubt = |why: &str| Holds::Unknown(format!("{operator} {key}: {why}"));
    let (set, operator) = operator.split_once(':').unwrap_or(("", operator));
    let (operator, if_exists) = operator.strip_suffix("IfExists").map_or((operator, false), |short| (short, true));
    let fact = fact(key, call);
    if operator == "Null" {
        let wanted = values.first().is_some_and(|value| value == "true");
        return match fact {
            Fact::NotKnown => doubt("not known of callers"),
            Fact::Absent => Holds::from(wanted),
            _ => Holds::from(!wanted),
        };
    }
    let not = operator.contains("Not");
    let plain = operator.replacen("Not", "", 1);
    let fits = match fact {
        Fact::NotKnown => return doubt("not known of callers"),
        Fact::Absent if is_operator(&plain) => return Holds::from(not || if_exists || set == "ForAllValues"),
        Fact::Address(address) if plain == "IpAddress" => among(values, address),
        Fact::Text(text) => text_fits(&plain, values, &text),
        Fact::Time(at) => plain.strip_prefix("Date").and_then(|compare| time_fits(compare, values, at)),
        Fact::Absent | Fact::Address(_) => None,
    };
    fits.map_or_else(|| doubt("not understood"), |fits| Holds::from(fits != not))
}

fn is_operator(plain: &str) -> bool {
    let compares = ["Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"];
    let compared = |kind: &str| plain.strip_prefix(kind).is_some_and(|compare| compares.contains(&compare));
    matches!(
        plain,
        "IpAddress" | "StringEquals" | "StringEqualsIgnoreCase" | "StringLike" | "ArnEquals" | "ArnLike" | "Bool"
    ) || compared("Numeric")
        || compared("Date")
}

/// Networks and bare addresses; host bits do not matter.
fn among(values: &[String], address: IpAddr) -> Option<bool> {
    let net = |text: &String| {
        let bare = || text.parse::<IpAddr>().ok().map(IpNet::from);
        text.parse::<IpNet>().ok().map(|net| net.trunc()).or_else(bare)
    };
    let nets: Option<Vec<IpNet>> = values.iter().map(net).collect();
    Some(nets?.iter().any(|net| net.contains(&address)))
}

fn text_fits(operator: &str, values: &[String], text: &str) -> Option<bool> {
    let any = |fits: &dyn Fn(&str) -> bool| Some(values.iter().any(|value| fits(value)));
    match operator {
        "StringEquals" => any(&|value| value == text),
        "StringEqualsIgnoreCase" | "Bool" => any(&|value| value.to_lowercase() == text.to_lowercase()),
        "StringLike" => any(&|value| wild(value, text)),
        "ArnEquals" | "ArnLike" => any(&|value| resource_matches(value, text)),
        _ => None,
    }
}

fn time_fits(compare: &str, values: &[String], at: DateTime<Utc>) -> Option<bool> {
    let seconds = |text: &String| {
        let written = || DateTime::parse_from_rfc3339(text).ok().map(|when| when.timestamp());
        text.parse::<i64>().ok().or_else(written)
    };
    let wanted: Option<Vec<i64>> = values.iter().map(seconds).collect();
    let now = at.timestamp();
    let any = |fits: fn(i64, i64) -> bool| Some(wanted.as_ref()?.iter().any(|value| fits(now, *value)));
    match compare {
        "Equals" => any(|now, value| now == value),
        "LessThan" => any(|now, value| now < value),
        "LessThanEquals" => any(|now, value| now <= value),
        "GreaterThan" => any(|now, value| now > value),
        "GreaterThanEquals" => any(|now, value| now >= value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_takes_any_run_and_a_question_mark_one_character() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*c", "abbbc", true),
            ("a*c", "ac", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("a?c", "ac", false),
            ("*/GET/*", "prod/GET/x/y", true),
            ("**a", "bba", true),
        ] {
            assert_eq!(wild(pattern, text), fits, "{pattern} {text}");
        }
    }
}
