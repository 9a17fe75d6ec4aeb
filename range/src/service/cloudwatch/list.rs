//! `ListMetrics`.

use chrono::Duration;
use serde_json::Value;

use super::invalid_value;
use crate::error::AwsError;
use crate::service::common::text;
use crate::state::{Account, SeriesKey};
use crate::wire::Tree;

/// Metrics on a page (documented).
const PAGE: usize = 500;

pub(super) fn list(account: &Account, input: &Value) -> Result<Tree, AwsError> {
    let since = match text(input, "RecentlyActive") {
        None => None,
        Some("PT3H") => Some(Duration::hours(3)),
        Some(other) => {
            return Err(invalid_value(format!("The value {other} for parameter RecentlyActive is not supported.")));
        }
    };
    let offset: usize = match text(input, "NextToken") {
        None => 0,
        Some(token) => token.parse().map_err(|_| invalid_value("The next token specified is invalid."))?,
    };
    let keys = account.metrics.list(since, account.now);
    let mut fitting = keys.into_iter().filter(|key| fits(key, input)).skip(offset).peekable();
    let metrics: Vec<Tree> = fitting.by_ref().take(PAGE).map(metric).collect();
    let more = fitting.peek().is_some();
    let mut members = vec![("Metrics", Tree::List(metrics))];
    if more {
        members.push(("NextToken", Tree::Text((offset + PAGE).to_string())));
    }
    Ok(Tree::Map(members))
}

/// Every dimension of the filter has to be there; others may be there too. A filter without a value fits any.
fn fits(key: &SeriesKey, input: &Value) -> bool {
    let same = |member: &str, value: &str| text(input, member).is_none_or(|wanted| wanted == value);
    let filters = input.get("Dimensions").and_then(Value::as_array);
    same("Namespace", &key.namespace)
        && same("MetricName", &key.metric)
        && filters.into_iter().flatten().all(|filter| {
            let wanted = (text(filter, "Name").unwrap_or(""), text(filter, "Value"));
            key.dimensions.iter().any(|(name, value)| name == wanted.0 && wanted.1.is_none_or(|wanted| wanted == value))
        })
}

fn metric(key: &SeriesKey) -> Tree {
    let dimensions = key.dimensions.iter().map(|(name, value)| {
        Tree::Map(vec![("Name", Tree::text(name.as_str())), ("Value", Tree::text(value.as_str()))])
    });
    Tree::Map(vec![
        ("Namespace", Tree::text(key.namespace.as_str())),
        ("MetricName", Tree::text(key.metric.as_str())),
        ("Dimensions", Tree::List(dimensions.collect())),
    ])
}
