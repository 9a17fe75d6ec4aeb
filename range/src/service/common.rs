//! Reading inputs and cutting pages, for every service.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::AwsError;
use crate::logs::format;

/// A text member; `None` where it is absent or null.
pub(crate) fn text<'a>(input: &'a Value, member: &str) -> Option<&'a str> {
    input.get(member).and_then(Value::as_str)
}

/// A required text member; AWS's validation error where it is missing.
pub(crate) fn required<'a>(input: &'a Value, member: &str) -> Result<&'a str, AwsError> {
    text(input, member).ok_or_else(|| missing(member))
}

/// AWS's validation error for a required member that is missing. Services name it with a small first letter.
pub(crate) fn missing(member: &str) -> AwsError {
    AwsError::bad(
        "ValidationException",
        format!(
            "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
            small(member)
        ),
    )
}

/// AWS's validation error for a member whose value breaks a constraint.
pub(crate) fn invalid(member: &str, value: &str, constraint: &str) -> AwsError {
    AwsError::bad(
        "ValidationException",
        format!(
            "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: {constraint}",
            small(member)
        ),
    )
}

fn small(member: &str) -> String {
    let mut letters = member.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// An integer member, also where a client sent it as text.
pub(crate) fn integer(input: &Value, member: &str) -> Option<i64> {
    let value = input.get(member)?;
    value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// An object whose members are texts, such as tags; a member that is none counts as empty. `None` where there is no
/// object.
pub(crate) fn texts(input: &Value, member: &str) -> Option<BTreeMap<String, String>> {
    let members = input.get(member)?.as_object()?;
    Some(members.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap_or("").to_owned())).collect())
}

/// The members of an input that are kept as sent.
pub(crate) fn kept(input: &Value, members: &[&str]) -> Map<String, Value> {
    let given = |member: &&str| {
        let value = input.get(*member).filter(|value| !value.is_null())?;
        Some(((*member).to_owned(), value.clone()))
    };
    members.iter().filter_map(given).collect()
}

/// One page of items: from the item after `marker` on, at most `limit`, and the marker of the next page. A marker is
/// the key of the last item given.
pub(crate) fn page<'a, T>(
    items: impl Iterator<Item = &'a T>,
    key: impl Fn(&T) -> &str,
    marker: Option<&str>,
    limit: usize,
) -> (Vec<&'a T>, Option<String>) {
    let mut rest = items.peekable();
    if let Some(marker) = marker {
        while rest.next_if(|item| key(item) <= marker).is_some() {}
    }
    let taken: Vec<&T> = rest.by_ref().take(limit).collect();
    let next = rest.peek().and(taken.last()).map(|last| key(last).to_owned());
    (taken, next)
}

/// What is wrong with the destination and the format of an access log, in API Gateway's words (seen in users' reports).
/// What is not given is not checked.
pub(crate) fn access_log(destination: Option<&str>, format: Option<&str>) -> Result<(), String> {
    if let Some(arn) = destination {
        let parts: Vec<&str> = arn.splitn(7, ':').collect();
        let group = matches!(parts[..], ["arn", _, "logs", _, _, "log-group", name] if !name.is_empty());
        // Firehose is a destination as well (documented); what goes there is not kept here.
        if !group && !arn.starts_with("arn:aws:firehose:") {
            return Err(format!("Invalid ARN specified in the request: {arn}"));
        }
    }
    match format.and_then(format::refusal) {
        Some(words) => Err(words.to_owned()),
        None => Ok(()),
    }
}
