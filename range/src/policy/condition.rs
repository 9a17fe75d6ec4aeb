//! Conditions of a policy's statements.
//!
//! Operators are IAM's: text, numbers, dates, booleans, addresses and `Null`, with `…IfExists` and the set prefixes.
//! Where a key is not in the request a condition fails, but for negated operators, `…IfExists`, `ForAllValues:` and
//! `Null` (documented: IAM's condition operators). Keys are those that a public caller has: address, user agent,
//! referer, time, transport, and for signed callers the principal.

use std::net::IpAddr;

use chrono::{DateTime, SecondsFormat, Utc};
use ipnet::IpNet;
use serde_json::Value;

use super::{Call, list, wild};
use crate::addresses::IpMatcher;

/// One key under one operator.
#[derive(Debug)]
pub(super) struct Condition {
    key: Key,
    test: Test,
    negated: bool,
    /// What it says where the key is not in the request.
    absent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    SourceIp,
    UserAgent,
    Referer,
    SecureTransport,
    CurrentTime,
    EpochTime,
    PrincipalArn,
    PrincipalAccount,
    /// One that no caller of the range has.
    Unknown,
}

#[derive(Debug)]
enum Test {
    Addresses(IpMatcher),
    Text {
        values: Vec<String>,
        like: bool,
        fold: bool,
    },
    /// Numbers, and dates as seconds.
    Number {
        values: Vec<f64>,
        compare: Compare,
    },
    /// `Null`: whether the key must be absent.
    Null(bool),
    /// An operator that IAM does not have, or values that it does not take.
    Never,
}

#[derive(Debug, Clone, Copy)]
enum Compare {
    Equals,
    Less,
    LessEquals,
    Greater,
    GreaterEquals,
}

/// What a request says about a key.
enum Fact<'a> {
    Address(IpAddr),
    Text(&'a str),
    Time(DateTime<Utc>),
}

/// The conditions of a statement: all of them must hold.
pub(super) fn read(json: &Value) -> Vec<Condition> {
    let operators = json.as_object().into_iter().flatten();
    operators
        .flat_map(|(operator, keys)| {
            keys.as_object().into_iter().flatten().map(move |(key, values)| Condition::read(operator, key, values))
        })
        .collect()
}

impl Condition {
    fn read(operator: &str, key: &str, values: &Value) -> Self {
        let (all, operator) = match operator.split_once(':') {
            Some((prefix, operator)) => (prefix == "ForAllValues", operator),
            None => (false, operator),
        };
        let (operator, if_exists) =
            operator.strip_suffix("IfExists").map_or((operator, false), |operator| (operator, true));
        let negated = operator.contains("Not");
        let test = test(&operator.replacen("Not", "", 1), &texts(values));
        Self { key: Key::read(key), test, negated, absent: negated || if_exists || all }
    }

    pub(super) fn uses_time(&self) -> bool {
        matches!(self.key, Key::CurrentTime | Key::EpochTime)
    }

    /// What it says of an address; `None` where it is about something else.
    pub(super) fn holds_for(&self, address: IpAddr) -> Option<bool> {
        (self.key == Key::SourceIp).then(|| self.holds_of(Some(&Fact::Address(address))))
    }

    pub(super) fn holds(&self, call: &Call<'_>) -> bool {
        self.holds_of(self.key.of(call).as_ref())
    }

    fn holds_of(&self, fact: Option<&Fact<'_>>) -> bool {
        match (&self.test, fact) {
            (Test::Null(wanted), fact) => fact.is_none() == *wanted,
            (Test::Never, _) => false,
            (_, None) => self.absent,
            (test, Some(fact)) => test.fits(fact) != self.negated,
        }
    }
}

impl Key {
    /// Names of keys are not case-sensitive (documented).
    fn read(name: &str) -> Self {
        match name.to_lowercase().as_str() {
            "aws:sourceip" => Self::SourceIp,
            "aws:useragent" => Self::UserAgent,
            "aws:referer" => Self::Referer,
            "aws:securetransport" => Self::SecureTransport,
            "aws:currenttime" => Self::CurrentTime,
            "aws:epochtime" => Self::EpochTime,
            "aws:principalarn" => Self::PrincipalArn,
            "aws:principalaccount" => Self::PrincipalAccount,
            _ => Self::Unknown,
        }
    }

    fn of<'a>(self, call: &Call<'a>) -> Option<Fact<'a>> {
        match self {
            Self::SourceIp => Some(Fact::Address(call.source_ip)),
            Self::UserAgent => call.user_agent.map(Fact::Text),
            Self::Referer => call.referer.map(Fact::Text),
            // Everything reaches API Gateway over TLS.
            Self::SecureTransport => Some(Fact::Text("true")),
            Self::CurrentTime | Self::EpochTime => Some(Fact::Time(call.at)),
            Self::PrincipalArn => call.principal.map(Fact::Text),
            Self::PrincipalAccount => call.principal.and_then(|arn| arn.split(':').nth(4)).map(Fact::Text),
            Self::Unknown => None,
        }
    }
}

/// Values may be written as text, numbers or booleans.
fn texts(values: &Value) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
        value => list(value),
    };
    match values {
        Value::Array(all) => all.iter().flat_map(one).collect(),
        value => one(value),
    }
}

/// The test of an operator without its `Not`.
fn test(operator: &str, values: &[String]) -> Test {
    let text = |like, fold| Test::Text { values: values.to_vec(), like, fold };
    let number = |compare, read: fn(&str) -> Option<f64>| {
        let read: Option<Vec<f64>> = values.iter().map(|value| read(value)).collect();
        read.map_or(Test::Never, |values| Test::Number { values, compare })
    };
    match operator {
        "IpAddress" => {
            let nets: Option<Vec<IpNet>> = values.iter().map(|value| parse_net(value)).collect();
            nets.map_or(Test::Never, |nets| Test::Addresses(IpMatcher::new(&nets)))
        }
        "StringEquals" => text(false, false),
        "StringEqualsIgnoreCase" | "Bool" => text(false, true),
        "StringLike" | "ArnLike" | "ArnEquals" => text(true, false),
        "Null" => Test::Null(values.first().is_some_and(|value| value == "true")),
        _ => {
            let (kind, compare) = if let Some(compare) = operator.strip_prefix("Numeric") {
                (parse_number as fn(&str) -> Option<f64>, compare)
            } else if let Some(compare) = operator.strip_prefix("Date") {
                (parse_time as fn(&str) -> Option<f64>, compare)
            } else {
                return Test::Never;
            };
            match compare {
                "Equals" => number(Compare::Equals, kind),
                "LessThan" => number(Compare::Less, kind),
                "LessThanEquals" => number(Compare::LessEquals, kind),
                "GreaterThan" => number(Compare::Greater, kind),
                "GreaterThanEquals" => number(Compare::GreaterEquals, kind),
                _ => Test::Never,
            }
        }
    }
}

impl Test {
    fn fits(&self, fact: &Fact<'_>) -> bool {
        match (self, fact) {
            (Self::Addresses(matcher), Fact::Address(address)) => matcher.contains(*address),
            (Self::Text { values, like, fold }, fact) => {
                let fold = |text: String| if *fold { text.to_lowercase() } else { text };
                let text = fold(fact.text());
                values.iter().any(|value| {
                    let value = fold(value.clone());
                    if *like { wild(&value, &text) } else { value == text }
                })
            }
            (Self::Number { values, compare }, fact) => {
                fact.number().is_some_and(|fact| values.iter().any(|value| compare.holds(fact, *value)))
            }
            _ => false,
        }
    }
}

impl Compare {
    fn holds(self, fact: f64, value: f64) -> bool {
        match self {
            Self::Equals => (fact - value).abs() < f64::EPSILON,
            Self::Less => fact < value,
            Self::LessEquals => fact <= value,
            Self::Greater => fact > value,
            Self::GreaterEquals => fact >= value,
        }
    }
}

impl Fact<'_> {
    fn text(&self) -> String {
        match self {
            Self::Address(address) => address.to_string(),
            Self::Text(text) => (*text).to_owned(),
            Self::Time(at) => at.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Time(at) => Some(at.timestamp() as f64),
            Self::Text(text) => text.parse().ok(),
            Self::Address(_) => None,
        }
    }
}

/// A network or a bare address; host bits do not matter.
fn parse_net(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn parse_number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Seconds since the epoch, of such seconds or of an ISO 8601 date.
fn parse_time(text: &str) -> Option<f64> {
    parse_number(text).or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|when| when.timestamp() as f64))
}
