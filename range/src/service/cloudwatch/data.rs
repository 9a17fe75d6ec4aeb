//! `GetMetricData`.

use std::cell::Cell;
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::math::{self, Series, Term};
use super::{Stat, moment, periods, series_key, time_of, unit, validation};
use crate::error::AwsError;
use crate::service::Context;
use crate::service::common::{integer, missing, text};
use crate::state::{Account, SeriesKey};
use crate::wire::Tree;

/// Queries in a call (documented).
const MAX_QUERIES: usize = 500;
/// Points in a call (documented).
const MAX_POINTS: i64 = 100_800;

/// Look-ups of ids in all expressions of a call; a bound of the range's own.
const MAX_LOOKUPS: usize = 20_000;

/// What a query asks for.
enum Ask<'a> {
    Metric { key: SeriesKey, period: i64, stat: Stat, unit: Option<&'a str> },
    Expression(&'a str),
}

/// One query.
struct Query<'a> {
    id: &'a str,
    label: Option<&'a str>,
    wanted: bool,
    ask: Ask<'a>,
}

impl Query<'_> {
    /// Whether it asks for a metric of one of these namespaces; expressions are not looked into.
    fn is_forbidden(&self, namespaces: &[String]) -> bool {
        matches!(&self.ask, Ask::Metric { key, .. } if namespaces.contains(&key.namespace))
    }
}

/// The window and order of a call.
struct Window {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    ascending: bool,
    /// Look-ups that expressions may still make: they can refer to each other, and to themselves.
    lookups: Cell<usize>,
}

pub(super) fn get(account: &Account, input: &Value, context: &Context) -> Result<Tree, AwsError> {
    let queries = queries(input)?;
    let window = window(input)?;
    let budget = match integer(input, "MaxDatapoints") {
        None => MAX_POINTS,
        Some(points) if points >= 1 => points.min(MAX_POINTS),
        Some(_) => return Err(validation("The parameter MaxDatapoints must be greater than or equal to 1.")),
    };
    let mut budget = usize::try_from(budget).unwrap_or(usize::MAX);
    let (first, skip) = resume(input, queries.len())?;
    let mut results = Vec::new();
    let mut next = None;
    for (index, query) in queries.iter().enumerate().skip(first) {
        if !query.wanted {
            continue;
        }
        if budget == 0 {
            next = Some(format!("{index}:0"));
            break;
        }
        let skip = if index == first { skip } else { 0 };
        let mut points: Vec<(i64, f64)> = evaluate(account, &queries, query, &window)?.into_iter().collect();
        if !window.ascending {
            points.reverse();
        }
        let mut rest: Vec<(i64, f64)> = points.into_iter().skip(skip).collect();
        let is_forbidden = query.is_forbidden(&context.forbidden);
        if is_forbidden {
            rest.clear();
        }
        let mut complete = true;
        if rest.len() > budget {
            rest.truncate(budget);
            complete = false;
            next = Some(format!("{index}:{}", skip + rest.len()));
        }
        budget -= rest.len();
        if context.partial_data {
            rest.truncate(rest.len() / 2);
            complete = false;
        }
        let status = match complete {
            _ if is_forbidden => "Forbidden",
            true => "Complete",
            false => "PartialData",
        };
        results.push(result(query, rest, status));
        if next.is_some() {
            break;
        }
    }
    let mut members = vec![("MetricDataResults", Tree::List(results)), ("Messages", Tree::List(Vec::new()))];
    members.extend(next.map(|token| ("NextToken", Tree::text(token))));
    Ok(Tree::Map(members))
}

/// Where a call goes on: index of the query and points of it already given.
fn resume(input: &Value, queries: usize) -> Result<(usize, usize), AwsError> {
    let Some(token) = text(input, "NextToken") else { return Ok((0, 0)) };
    let parsed = token.split_once(':').and_then(|(index, skip)| Some((index.parse().ok()?, skip.parse().ok()?)));
    parsed.filter(|(index, _)| *index < queries).ok_or_else(|| {
        AwsError::bad("InvalidNextToken", "The next token specified is invalid.").query("InvalidNextToken")
    })
}

fn window(input: &Value) -> Result<Window, AwsError> {
    let (from, to) = (moment(input, "StartTime")?, moment(input, "EndTime")?);
    if from >= to {
        return Err(validation("The parameter StartTime must be less than the parameter EndTime."));
    }
    let ascending = match text(input, "ScanBy") {
        None | Some("TimestampDescending") => false,
        Some("TimestampAscending") => true,
        Some(other) => return Err(validation(format!("The value {other} for parameter ScanBy is not supported."))),
    };
    Ok(Window { from, to, ascending, lookups: Cell::new(MAX_LOOKUPS) })
}

fn queries(input: &Value) -> Result<Vec<Query<'_>>, AwsError> {
    let list = input.get("MetricDataQueries").and_then(Value::as_array).ok_or_else(|| missing("MetricDataQueries"))?;
    if list.is_empty() || list.len() > MAX_QUERIES {
        return Err(validation(format!(
            "The collection MetricDataQueries must have a size between 1 and {MAX_QUERIES}."
        )));
    }
    let mut seen = HashSet::new();
    let mut queries = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let query = query(value, index + 1)?;
        if !seen.insert(query.id) {
            return Err(validation(format!(
                "The values for parameter id in MetricDataQueries are not unique: {}",
                query.id
            )));
        }
        queries.push(query);
    }
    if queries.iter().all(|query| !query.wanted) {
        return Err(validation("At least one query must return data."));
    }
    Ok(queries)
}

fn query(value: &Value, number: usize) -> Result<Query<'_>, AwsError> {
    let id = text(value, "Id").unwrap_or("");
    let lower = id.starts_with(|first: char| first.is_ascii_lowercase());
    if !lower || !id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
        return Err(validation(format!(
            "The value {id} for parameter MetricDataQueries.member.{number}.Id is not matching the expected pattern \
             ^[a-z][a-zA-Z0-9_]*$."
        )));
    }
    let ask = match (value.get("MetricStat").filter(|stat| !stat.is_null()), text(value, "Expression")) {
        (Some(stat), None) => metric_stat(stat, number)?,
        (None, Some(expression)) => Ask::Expression(expression),
        _ => {
            return Err(validation(format!(
                "Exactly one of MetricStat and Expression must be specified in MetricDataQueries.member.{number}."
            )));
        }
    };
    let wanted = value.get("ReturnData").and_then(Value::as_bool).unwrap_or(true);
    Ok(Query { id, label: text(value, "Label"), wanted, ask })
}

fn metric_stat(stat: &Value, number: usize) -> Result<Ask<'_>, AwsError> {
    let metric = stat.get("Metric").ok_or_else(|| missing("metricStat.metric"))?;
    let period = integer(stat, "Period").ok_or_else(|| missing("metricStat.period"))?;
    if ![1, 5, 10, 20, 30].contains(&period) && (period < 60 || period % 60 != 0) {
        return Err(validation(format!(
            "The value {period} for parameter MetricDataQueries.member.{number}.MetricStat.Period must be 1, 5, 10, \
             20, 30 or a multiple of 60."
        )));
    }
    let name = text(stat, "Stat").ok_or_else(|| missing("metricStat.stat"))?;
    let parsed = Stat::parse(name).ok_or_else(|| {
        validation(format!(
            "The value {name} for parameter MetricDataQueries.member.{number}.MetricStat.Stat is not supported."
        ))
    })?;
    Ok(Ask::Metric { key: series_key(metric)?, period, stat: parsed, unit: text(stat, "Unit") })
}

/// The points of one query, by minute.
fn evaluate(account: &Account, queries: &[Query<'_>], query: &Query<'_>, window: &Window) -> Result<Series, AwsError> {
    match &query.ask {
        Ask::Metric { key, period, stat, unit: wanted } => {
            if wanted.is_some_and(|wanted| wanted != unit(key)) {
                return Ok(Series::new());
            }
            let points = periods(account, key, window.from, window.to, *period);
            Ok(points.iter().filter_map(|point| Some((point.minute, stat.of(point)?))).collect())
        }
        Ask::Expression(expression) => {
            let lookup = |id: &str, depth: usize| term(account, queries, id, window, depth);
            match math::evaluate(expression, &lookup, 0).map_err(validation)? {
                Term::Series(series) => Ok(series),
                _ => Err(validation(format!("Error in expression '{expression}': it does not return a time series."))),
            }
        }
    }
}

/// The value of an id inside an expression, and the period of what it names.
fn term(
    account: &Account,
    queries: &[Query<'_>],
    id: &str,
    window: &Window,
    depth: usize,
) -> Result<(Term, i64), String> {
    let left = window.lookups.get().checked_sub(1).ok_or("the expressions refer to each other too often")?;
    window.lookups.set(left);
    let query = queries.iter().find(|query| query.id == id);
    let query = query.ok_or_else(|| format!("the id '{id}' is not defined"))?;
    match &query.ask {
        Ask::Metric { period, .. } => {
            let series = evaluate(account, queries, query, window).map_err(|error| error.message)?;
            Ok((Term::Series(series), *period))
        }
        Ask::Expression(inner) => {
            let lookup = |id: &str, depth: usize| term(account, queries, id, window, depth);
            Ok((math::evaluate(inner, &lookup, depth + 1)?, 60))
        }
    }
}

fn result(query: &Query<'_>, points: Vec<(i64, f64)>, status: &'static str) -> Tree {
    let label = query.label.map_or_else(
        || match &query.ask {
            Ask::Metric { key, .. } => key.metric.clone(),
            Ask::Expression(_) => query.id.to_owned(),
        },
        str::to_owned,
    );
    let (times, values) = points.into_iter().map(|(minute, value)| (time_of(minute), Tree::Double(value))).unzip();
    Tree::Map(vec![
        ("Id", Tree::text(query.id)),
        ("Label", Tree::Text(label)),
        ("Timestamps", Tree::List(times)),
        ("Values", Tree::List(values)),
        ("StatusCode", Tree::text(status)),
    ])
}
