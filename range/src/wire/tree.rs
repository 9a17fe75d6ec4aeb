//! A tree of values that knows timestamps, so that one handler serves every encoding.

use chrono::{DateTime, Utc};
use serde_json::{Map, Number, Value};

/// A value of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Double(f64),
    Text(String),
    Time(DateTime<Utc>),
    List(Vec<Tree>),
    Map(Vec<(&'static str, Tree)>),
    /// A map whose keys are data.
    Names(Vec<(String, Tree)>),
}

impl Tree {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// As JSON: timestamps are seconds since the epoch.
    pub(crate) fn into_json(self) -> Value {
        match self {
            Self::Double(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
            Self::Text(text) => text.into(),
            Self::Time(at) => seconds(at),
            Self::List(items) => items.into_iter().map(Self::into_json).collect(),
            Self::Map(members) => {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value.into_json())).collect())
            }
            Self::Names(members) => {
                Value::Object(members.into_iter().map(|(name, value)| (name, value.into_json())).collect::<Map<_, _>>())
            }
        }
    }
}

/// Seconds since the epoch as JSON protocols write them: a whole number where it is one.
pub(crate) fn seconds(at: DateTime<Utc>) -> Value {
    let millis = at.timestamp_millis();
    if millis % 1_000 == 0 { (millis / 1_000).into() } else { (millis as f64 / 1e3).into() }
}
