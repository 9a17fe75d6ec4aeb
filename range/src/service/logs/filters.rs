//! Metric filters.

use serde_json::{Value, json};

use super::{Outcome, check_name, group, invalid, limit, not_found, required};
use crate::error::AwsError;
use crate::logs::{MetricFilter, Transformation};
use crate::service::Answer;
use crate::service::common::{page, text, texts};
use crate::state::Account;

/// Metric filters of a log group (documented).
const FILTERS: usize = 100;
/// Dimensions of a metric filter (documented).
const DIMENSIONS: usize = 3;

pub(super) fn describe(account: &Account, input: &Value) -> Outcome {
    let name = text(input, "logGroupName");
    if let Some(name) = name {
        group(account, name)?;
    }
    let (metric, namespace) = (text(input, "metricName"), text(input, "metricNamespace"));
    if metric.is_some() != namespace.is_some() {
        return Err(invalid("metricName and metricNamespace must be given together."));
    }
    // Without a group the prefix is ignored (documented).
    let prefix = text(input, "filterNamePrefix").filter(|_| name.is_some()).unwrap_or("");
    let mut filters: Vec<(String, &str, &MetricFilter)> = Vec::new();
    for group in account.logs.groups().filter(|group| name.is_none_or(|name| group.name == name)) {
        let fits = |filter: &&MetricFilter| {
            filter.name.starts_with(prefix)
                && metric.is_none_or(|metric| filter.transformation.metric == metric)
                && namespace.is_none_or(|namespace| filter.transformation.namespace == namespace)
        };
        // Names are a group's own: the group tells them apart.
        let key = |filter: &MetricFilter| format!("{}\n{}", filter.name, group.name);
        filters.extend(group.filters.values().filter(fits).map(|filter| (key(filter), group.name.as_str(), filter)));
    }
    filters.sort_by(|one, other| one.0.cmp(&other.0));
    let (found, next) = page(filters.iter(), |(key, _, _)| key, text(input, "nextToken"), limit(input, 50)?);
    let found: Vec<Value> = found.into_iter().map(|(_, group, filter)| document(group, filter)).collect();
    let mut body = json!({ "metricFilters": found });
    if let Some(next) = next {
        body["nextToken"] = next.into();
    }
    Ok(Answer::ok(body))
}

fn document(group: &str, filter: &MetricFilter) -> Value {
    let made = &filter.transformation;
    let mut transformation = json!({
        "metricName": made.metric,
        "metricNamespace": made.namespace,
        "metricValue": made.value,
    });
    if let Some(default) = made.default {
        transformation["defaultValue"] = default.into();
    }
    if let Some(unit) = &made.unit {
        transformation["unit"] = unit.clone().into();
    }
    if !made.dimensions.is_empty() {
        transformation["dimensions"] = json!(made.dimensions);
    }
    json!({
        "filterName": filter.name,
        "filterPattern": filter.pattern,
        "logGroupName": group,
        "creationTime": filter.created.timestamp_millis(),
        "metricTransformations": [transformation],
    })
}

pub(super) fn put(account: &mut Account, input: &Value) -> Outcome {
    let name = required(input, "logGroupName")?;
    let filter = required(input, "filterName")?;
    if filter.is_empty() || filter.len() > 512 || filter.contains([':', '*']) {
        return Err(invalid(format!("Value '{filter}' at 'filterName' must satisfy [^:*]*")));
    }
    let pattern = required(input, "filterPattern")?;
    let transformation = transformation(input)?;
    let known = group(account, name)?;
    if known.filters.len() >= FILTERS && !known.filters.contains_key(filter) {
        return Err(AwsError::bad("LimitExceededException", "Resource limit exceeded."));
    }
    let made = MetricFilter::new(filter, pattern, transformation, account.now)
        .map_err(|words| invalid(format!("Invalid metric filter pattern: {words}")))?;
    if let Some(group) = account.logs.group_mut(name) {
        group.filters.insert(filter.to_owned(), made);
    }
    Ok(Answer::empty(200))
}

/// Exactly one transformation (service model). Dimensions and a default value exclude each other (documented).
fn transformation(input: &Value) -> Result<Transformation, AwsError> {
    let list = input.get("metricTransformations").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let [given] = list else { return Err(invalid("metricTransformations must hold exactly one transformation.")) };
    let named = |member: &str| -> Result<String, AwsError> {
        let value = required(given, member)?;
        if value.is_empty() || value.len() > 255 || value.contains([':', '*', '$']) {
            return Err(invalid(format!("Value '{value}' at '{member}' must satisfy [^:*$]*")));
        }
        Ok(value.to_owned())
    };
    let value = required(given, "metricValue")?;
    if !value.starts_with('$') && value.parse::<f64>().is_err() {
        return Err(invalid(format!(
            "Invalid metric transformation: metricValue '{value}' must be a number or a selector"
        )));
    }
    let dimensions = texts(given, "dimensions").unwrap_or_default();
    let default = given.get("defaultValue").and_then(Value::as_f64);
    if dimensions.len() > DIMENSIONS {
        return Err(invalid(format!("A metric filter has {DIMENSIONS} dimensions at most.")));
    }
    if default.is_some() && !dimensions.is_empty() {
        return Err(invalid(
            "Invalid metric transformation: dimensions and default value are mutually exclusive properties.",
        ));
    }
    Ok(Transformation {
        metric: named("metricName")?,
        namespace: named("metricNamespace")?,
        value: value.to_owned(),
        default,
        dimensions,
        unit: text(given, "unit").map(str::to_owned),
    })
}

pub(super) fn delete(account: &mut Account, input: &Value) -> Outcome {
    let (name, filter) = (required(input, "logGroupName")?, required(input, "filterName")?);
    check_name(name)?;
    group(account, name)?;
    let removed = account.logs.group_mut(name).and_then(|group| group.filters.remove(filter));
    removed.map(|_| Answer::empty(200)).ok_or_else(|| not_found("The specified metric filter does not exist."))
}
