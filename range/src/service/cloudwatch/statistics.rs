//! `GetMetricStatistics`.

use serde_json::Value;

use super::{Stat, invalid_combination, invalid_value, moment, periods, series_key, time_of, unit};
use crate::error::AwsError;
use crate::service::common::{integer, missing, text};
use crate::state::Account;
use crate::wire::Tree;

/// Points in a call (documented).
const MAX_POINTS: i64 = 1_440;

pub(super) fn get(account: &Account, input: &Value) -> Result<Tree, AwsError> {
    let key = series_key(input)?;
    let (from, to) = (moment(input, "StartTime")?, moment(input, "EndTime")?);
    let period = integer(input, "Period").ok_or_else(|| missing("Period"))?;
    if period < 60 || period % 60 != 0 {
        return Err(invalid_value("The parameter Period must be a multiple of 60."));
    }
    if from >= to {
        return Err(invalid_value("The parameter StartTime must be less than the parameter EndTime."));
    }
    let points = (to - from).num_seconds() / period;
    if points > MAX_POINTS {
        return Err(invalid_combination(format!(
            "You have requested up to {points} datapoints, which exceeds the limit of 1,440. You may reduce the \
             datapoints requested by increasing Period, or decreasing the time range."
        )));
    }
    let plain = named(input, "Statistics")?;
    let extended = named(input, "ExtendedStatistics")?;
    if plain.is_empty() && extended.is_empty() {
        return Err(invalid_combination("At least one of Statistics and ExtendedStatistics must be specified."));
    }
    let unit = unit(&key);
    let wanted = text(input, "Unit").is_none_or(|wanted| wanted == unit);
    let rows = periods(account, &key, from, to, period).into_iter().filter(|_| wanted).map(|point| {
        let mut members = vec![("Timestamp", time_of(point.minute)), ("Unit", Tree::text(unit))];
        for (name, stat) in &plain {
            if let (Some(name), Some(value)) = (known(name), stat.of(&point)) {
                members.push((name, Tree::Double(value)));
            }
        }
        if !extended.is_empty() {
            let values =
                extended.iter().filter_map(|(name, stat)| Some((name.clone(), Tree::Double(stat.of(&point)?))));
            members.push(("ExtendedStatistics", Tree::Names(values.collect())));
        }
        Tree::Map(members)
    });
    Ok(Tree::Map(vec![("Label", Tree::text(key.metric.as_str())), ("Datapoints", Tree::List(rows.collect()))]))
}

fn known(name: &str) -> Option<&'static str> {
    ["Sum", "Average", "SampleCount", "Minimum", "Maximum"].into_iter().find(|known| *known == name)
}

fn named(input: &Value, member: &str) -> Result<Vec<(String, Stat)>, AwsError> {
    let list = input.get(member).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .map(|name| {
            let name = name.as_str().unwrap_or("");
            let plain = known(name).is_some();
            let stat = Stat::parse(name).filter(|_| plain == (member == "Statistics"));
            let refused = || invalid_value(format!("The value {name} for parameter {member} is not supported."));
            stat.map(|stat| (name.to_owned(), stat)).ok_or_else(refused)
        })
        .collect()
}
