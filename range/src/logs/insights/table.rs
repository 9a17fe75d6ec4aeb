//! Rows, what expressions make of them, and what `stats` makes of many.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use super::{Aggregate, Comparison, Expr, Stats};

/// A row, standing for as many events as it weighs.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) weight: u64,
    /// Milliseconds since the epoch.
    pub(super) millis: i64,
    pub(super) values: Vec<Option<String>>,
    /// Whether the `parse` commands that the query begins with have made their columns.
    pub(super) parsed: bool,
    /// Names the event.
    pub(super) pointer: Option<u64>,
}

impl Row {
    fn get(&self, column: usize) -> Option<&str> {
        self.values.get(column)?.as_deref()
    }
}

/// Moments as results have them (documented by example).
pub(super) fn moment(millis: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(millis);
    at.map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

/// A number as results have it; to four digits after the point (unverified).
fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Expr {
    /// Its value in a row; `None` where the row has none.
    pub(super) fn value(&self, row: &Row) -> Option<String> {
        match self {
            Self::Column(column) => row.get(*column).map(str::to_owned),
            Self::Text(text) => Some(text.clone()),
            Self::Bin(period) => Some(moment(row.millis.div_euclid(*period) * period)),
            Self::Coalesce(items) => items.iter().find_map(|item| item.value(row)),
            condition => Some(if condition.holds(row) { "1" } else { "0" }.to_owned()),
        }
    }

    /// Whether it is true of a row.
    pub(super) fn holds(&self, row: &Row) -> bool {
        match self {
            Self::And(left, right) => left.holds(row) && right.holds(row),
            Self::Or(left, right) => left.holds(row) || right.holds(row),
            Self::Not(inner) => !inner.holds(row),
            Self::IsPresent(column) => row.get(*column).is_some(),
            Self::Compare(how, left, right) => compare(*how, left.value(row), right.value(row)),
            Self::In(left, items) => {
                let left = left.value(row);
                items.iter().any(|item| compare(Comparison::Equal, left.clone(), item.value(row)))
            }
            Self::Contains(left, text) => left.value(row).is_some_and(|value| value.contains(text.as_str())),
            Self::Matches(left, regex) => left.value(row).is_some_and(|value| regex.is_match(&value)),
            Self::Column(_) | Self::Text(_) | Self::Coalesce(_) | Self::Bin(_) => {
                self.value(row).is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
            }
        }
    }

    /// Every column that it reads.
    pub(super) fn reads(&self, put: &mut impl FnMut(usize)) {
        match self {
            Self::Column(column) | Self::IsPresent(column) => put(*column),
            Self::And(left, right) | Self::Or(left, right) | Self::Compare(_, left, right) => {
                left.reads(put);
                right.reads(put);
            }
            Self::In(left, items) => {
                left.reads(put);
                for item in items {
                    item.reads(put);
                }
            }
            Self::Coalesce(items) => items.iter().for_each(|item| item.reads(put)),
            Self::Not(inner) | Self::Contains(inner, _) | Self::Matches(inner, _) => inner.reads(put),
            Self::Text(_) | Self::Bin(_) => {}
        }
    }

    /// Every period that it rounds time to.
    pub(super) fn periods(&self, put: &mut impl FnMut(i64)) {
        match self {
            Self::Bin(period) => put(*period),
            Self::And(left, right) | Self::Or(left, right) | Self::Compare(_, left, right) => {
                left.periods(put);
                right.periods(put);
            }
            Self::In(left, items) => {
                left.periods(put);
                for item in items {
                    item.periods(put);
                }
            }
            Self::Coalesce(items) => items.iter().for_each(|item| item.periods(put)),
            Self::Not(inner) | Self::Contains(inner, _) | Self::Matches(inner, _) => inner.periods(put),
            Self::Column(_) | Self::IsPresent(_) | Self::Text(_) => {}
        }
    }
}

/// As numbers where both are such, as text otherwise. That text which is a number compares as one, and that nothing
/// equals a field that is not there, is inferred.
fn compare(how: Comparison, left: Option<String>, right: Option<String>) -> bool {
    let (Some(left), Some(right)) = (left, right) else { return how == Comparison::Unequal };
    let numeric = left.parse::<f64>().ok().zip(right.parse::<f64>().ok());
    let order = match numeric {
        Some((left, right)) => left.partial_cmp(&right),
        None => Some(left.cmp(&right)),
    };
    match how {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::Unequal => order != Some(Ordering::Equal),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Comparison::More => order == Some(Ordering::Greater),
        Comparison::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// Sorts rows; what a row does not have comes last.
pub(super) fn sort(rows: &mut [Row], keys: &[(usize, bool)]) {
    rows.sort_by(|one, other| {
        for (column, descending) in keys {
            let order = match (one.get(*column), other.get(*column)) {
                (Some(left), Some(right)) => {
                    let numeric = left.parse::<f64>().ok().zip(right.parse::<f64>().ok());
                    let order =
                        numeric.and_then(|(left, right)| left.partial_cmp(&right)).unwrap_or_else(|| left.cmp(right));
                    if *descending { order.reverse() } else { order }
                }
                (left, right) => right.is_some().cmp(&left.is_some()),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    });
}

/// What one aggregate has gathered.
#[derive(Debug, Clone, Default)]
struct Gathered {
    weight: u64,
    sum: f64,
    least: Option<f64>,
    most: Option<f64>,
    values: Vec<(f64, u64)>,
    distinct: HashSet<String>,
}

/// Groups of rows.
#[derive(Debug)]
pub(super) struct Groups<'p> {
    stats: &'p Stats,
    groups: BTreeMap<Vec<Option<String>>, Vec<Gathered>>,
}

impl<'p> Groups<'p> {
    pub(super) fn new(stats: &'p Stats) -> Self {
        Self { stats, groups: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, row: &Row) {
        let key = self.stats.by.iter().map(|expr| expr.value(row)).collect();
        let aggregates = &self.stats.aggregates;
        let group = self.groups.entry(key).or_insert_with(|| vec![Gathered::default(); aggregates.len()]);
        for (aggregate, gathered) in aggregates.iter().zip(group) {
            gathered.add(aggregate, row);
        }
    }

    /// One row for each group, ordered by what they are grouped by.
    pub(super) fn rows(self) -> Vec<Row> {
        let aggregates = &self.stats.aggregates;
        let row = |(key, group): (Vec<Option<String>>, Vec<Gathered>)| {
            let values = aggregates.iter().zip(group).map(|(aggregate, gathered)| gathered.value(aggregate));
            Row { weight: 1, values: key.into_iter().chain(values).collect(), ..Row::default() }
        };
        self.groups.into_iter().map(row).collect()
    }
}

impl Aggregate {
    pub(super) fn of(&self) -> Option<&Expr> {
        match self {
            Self::Count(of) => of.as_ref(),
            Self::Sum(of)
            | Self::Min(of)
            | Self::Max(of)
            | Self::Average(of)
            | Self::Percentile(of, _)
            | Self::Distinct(of) => Some(of),
        }
    }
}

impl Gathered {
    fn add(&mut self, aggregate: &Aggregate, row: &Row) {
        let Some(of) = aggregate.of() else {
            self.weight += row.weight;
            return;
        };
        let Some(value) = of.value(row) else { return };
        match aggregate {
            Aggregate::Count(_) => self.weight += row.weight,
            Aggregate::Distinct(_) => {
                self.distinct.insert(value);
            }
            // What is no number, such as the `-` of a log, is left out (inferred).
            _ => {
                let Ok(value) = value.parse::<f64>() else { return };
                self.weight += row.weight;
                self.sum += value * row.weight as f64;
                self.least = Some(self.least.map_or(value, |least| least.min(value)));
                self.most = Some(self.most.map_or(value, |most| most.max(value)));
                if matches!(aggregate, Aggregate::Percentile(..)) {
                    self.values.push((value, row.weight));
                }
            }
        }
    }

    fn value(mut self, aggregate: &Aggregate) -> Option<String> {
        match aggregate {
            Aggregate::Count(_) => Some(self.weight.to_string()),
            Aggregate::Distinct(_) => Some(self.distinct.len().to_string()),
            Aggregate::Sum(_) => Some(number(self.sum)),
            Aggregate::Min(_) => self.least.map(number),
            Aggregate::Max(_) => self.most.map(number),
            Aggregate::Average(_) => (self.weight > 0).then(|| number(self.sum / self.weight as f64)),
            Aggregate::Percentile(_, percent) => {
                self.values.sort_by(|left, right| left.0.total_cmp(&right.0));
                let rank = percent / 100.0 * self.weight as f64;
                let mut below = 0.0;
                let reaches = |(_, weight): &&(f64, u64)| {
                    below += *weight as f64;
                    below >= rank
                };
                let found = self.values.iter().find(reaches).or(self.values.last());
                found.map(|(value, _)| number(*value))
            }
        }
    }
}
