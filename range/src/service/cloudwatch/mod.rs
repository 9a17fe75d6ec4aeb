//! `CloudWatch` metrics: one handler for each operation, whatever the encoding.

mod data;
mod list;
mod math;
mod statistics;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::common::{missing, text};
use super::{Answer, Body, Context, Service};
use crate::error::AwsError;
use crate::state::metrics::Point;
use crate::state::{Account, SeriesKey};
use crate::wire::{Target, Tree};

/// Performs one operation.
pub(crate) fn perform(account: &Account, target: &Target, context: &Context) -> Result<Answer, AwsError> {
    let tree = match target.operation.as_str() {
        "GetMetricData" => data::get(account, &target.input, context),
        "ListMetrics" => list::list(account, &target.input),
        "GetMetricStatistics" => statistics::get(account, &target.input),
        other => Err(Service::CloudWatch.not_known(other)),
    }?;
    Ok(Answer { status: 200, body: Body::Tree(tree) })
}

fn validation(message: impl Into<String>) -> AwsError {
    AwsError::bad("ValidationError", message)
}

fn invalid_value(message: impl Into<String>) -> AwsError {
    AwsError::bad("InvalidParameterValueException", message).query("InvalidParameterValue")
}

fn invalid_combination(message: impl Into<String>) -> AwsError {
    AwsError::bad("InvalidParameterCombinationException", message).query("InvalidParameterCombination")
}

/// A moment: seconds since the epoch, or ISO 8601 text.
fn moment(input: &Value, member: &str) -> Result<DateTime<Utc>, AwsError> {
    let value = input.get(member).filter(|value| !value.is_null()).ok_or_else(|| missing(member))?;
    let parsed = match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64().and_then(|seconds| {
            // A number beyond what chrono can hold becomes none.
            #[allow(clippy::cast_possible_truncation)]
            let millis = (seconds * 1e3) as i64;
            DateTime::from_timestamp_millis(millis)
        }),
    };
    parsed.ok_or_else(|| invalid_value(format!("The parameter {member} is not a valid timestamp.")))
}

/// Down to the whole minute, as for every start less than 15 days ago (documented).
fn minute(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(60)
}

/// Namespace, metric name and dimensions of a query or of a call.
fn series_key(metric: &Value) -> Result<SeriesKey, AwsError> {
    let namespace = text(metric, "Namespace").ok_or_else(|| missing("Namespace"))?;
    let name = text(metric, "MetricName").ok_or_else(|| missing("MetricName"))?;
    let list = metric.get("Dimensions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if list.len() > 30 {
        return Err(validation("The collection Dimensions must not have a size greater than 30."));
    }
    let dimensions: Vec<(&str, &str)> = list
        .iter()
        .map(|dimension| (text(dimension, "Name").unwrap_or(""), text(dimension, "Value").unwrap_or("")))
        .collect();
    Ok(SeriesKey::new(namespace, name, &dimensions))
}

/// What a period's point is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stat {
    Sum,
    Average,
    SampleCount,
    Minimum,
    Maximum,
    Percentile(f64),
}

impl Stat {
    /// AWS's names; `p0` to `p100` with decimals. Trimmed and Winsorized statistics are refused here, not by AWS.
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "Sum" => Self::Sum,
            "Average" => Self::Average,
            "SampleCount" => Self::SampleCount,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            other => {
                let percent: f64 = other.strip_prefix('p')?.parse().ok()?;
                (0.0..=100.0).contains(&percent).then_some(Self::Percentile(percent))?
            }
        })
    }

    fn of(self, point: &Point) -> Option<f64> {
        match self {
            Self::Sum => Some(point.sum),
            Self::Average => point.average(),
            Self::SampleCount => Some(point.count as f64),
            Self::Minimum => Some(point.min),
            Self::Maximum => Some(point.max),
            Self::Percentile(percent) => point.percentile(percent),
        }
    }
}

/// The unit of a metric (documented for `AWS/ApiGateway`; `None` elsewhere).
fn unit(key: &SeriesKey) -> &'static str {
    match (key.namespace.as_str(), key.metric.as_str()) {
        ("AWS/ApiGateway", "Latency" | "IntegrationLatency") => "Milliseconds",
        ("AWS/ApiGateway", _) => "Count",
        _ => "None",
    }
}

/// The published points of `[from, to)`, merged into periods that begin at the first whole minute. A period of less
/// than a minute gives minutes: nothing here has a higher resolution.
fn periods(account: &Account, key: &SeriesKey, from: DateTime<Utc>, to: DateTime<Utc>, period: i64) -> Vec<Point> {
    let Some(id) = account.metrics.find(key) else { return Vec::new() };
    let step = (period / 60).max(1);
    let first = minute(from);
    let start = DateTime::from_timestamp(first * 60, 0).unwrap_or(from);
    let mut merged: Vec<Point> = Vec::new();
    for point in account.metrics.read(id, start, to, account.now) {
        let begin = first + (point.minute - first).div_euclid(step) * step;
        match merged.last_mut() {
            Some(last) if last.minute == begin => last.merge(&point),
            _ => {
                let mut fresh = Point::empty(begin);
                fresh.merge(&point);
                merged.push(fresh);
            }
        }
    }
    merged
}

fn time_of(minute: i64) -> Tree {
    Tree::Time(DateTime::from_timestamp(minute * 60, 0).unwrap_or_default())
}
