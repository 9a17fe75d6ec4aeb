//! Log groups.

use serde_json::{Value, json};

use super::{Outcome, check_name, identified, invalid, limit};
use crate::logs::LogGroup;
use crate::service::Answer;
use crate::service::common::{page, text};
use crate::state::Account;

pub(super) fn describe(account: &Account, input: &Value) -> Outcome {
    let (prefix, pattern) = (text(input, "logGroupNamePrefix"), text(input, "logGroupNamePattern"));
    if prefix.is_some() && pattern.is_some() {
        return Err(invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."));
    }
    prefix.map_or(Ok(()), check_name)?;
    let identifiers = input.get("logGroupIdentifiers").and_then(Value::as_array);
    if identifiers.is_some() && (prefix.is_some() || pattern.is_some()) {
        return Err(invalid("logGroupIdentifiers excludes other filters."));
    }
    let named = identifiers.into_iter().flatten().filter_map(Value::as_str);
    let named: Vec<String> = named.map(|name| identified(account, name)).collect::<Result<_, _>>()?;
    let fits = |group: &&LogGroup| {
        (identifiers.is_none() || named.contains(&group.name))
            && prefix.is_none_or(|prefix| group.name.starts_with(prefix))
            && pattern.is_none_or(|pattern| group.name.contains(pattern))
    };
    // 50 a page at most, and unless asked otherwise (service model).
    let size = limit(input, 50)?;
    let (groups, next) = page(account.logs.groups().filter(fits), |group| &group.name, text(input, "nextToken"), size);
    let groups: Vec<Value> = groups.into_iter().map(|group| document(account, group)).collect();
    let mut body = json!({ "logGroups": groups });
    if let Some(next) = next {
        body["nextToken"] = next.into();
    }
    Ok(Answer::ok(body))
}

fn document(account: &Account, group: &LogGroup) -> Value {
    let arn = group.arn(&account.region, &account.id);
    let mut body = json!({
        "logGroupName": group.name,
        "creationTime": group.created.timestamp_millis(),
        "metricFilterCount": group.filters.len(),
        "arn": format!("{arn}:*"),
        "logGroupArn": arn,
        "storedBytes": group.stored_bytes,
        "logGroupClass": "STANDARD",
    });
    if let Some(days) = group.retention_days {
        body["retentionInDays"] = days.into();
    }
    body
}
