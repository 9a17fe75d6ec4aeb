//! Did a change of a stage work? What reaches the backend tells: `IntegrationLatency` has one value for each request
//! that got there (documented: it is the time between API Gateway and the backend), and a request that is throttled,
//! blocked or answered out of the cache has none.

use chrono::{DateTime, TimeDelta, Utc};

use crate::aws::read::{MetricQuery, Statistic};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::change::{Edit, Place};
use crate::model::plan::{Plan, Purpose};
use crate::model::series::floor_minute;
use crate::model::words::whole_percent;

/// The least change of what reaches the backend that counts as an effect, a fraction.
const LEAST: f64 = 0.1;
/// Whole minutes before the change that it is compared with.
const BEFORE: i64 = 3;

/// Lines that show the effect, once what reaches the backend has moved the way it should.
pub(super) async fn moved(aws: &Aws, plan: &Plan, done_at: DateTime<Utc>) -> Result<Option<Vec<String>>, AwsError> {
    // HTTP APIs have their metrics by id, and other names for some (documented).
    let http = plan.changes.iter().any(|change| {
        matches!(&change.edit, Edit::Assign(assignment) if matches!(assignment.place, Place::RouteThrottles { .. }))
    });
    let (api, failed) = if http {
        (("ApiId", plan.stage.api_id.clone()), "5xx")
    } else {
        (("ApiName", plan.stage.metric_api_name()), "5XXError")
    };
    let query = |name: &'static str, statistic| MetricQuery {
        namespace: "AWS/ApiGateway".into(),
        name: name.into(),
        dimensions: vec![api.clone(), ("Stage", plan.stage.stage.clone())],
        statistic,
    };
    let queries = [
        query("IntegrationLatency", Statistic::SampleCount),
        query("Count", Statistic::SampleCount),
        query(failed, Statistic::Sum),
        query("CacheHitCount", Statistic::Sum),
    ];
    let (from, to) = (floor_minute(done_at) - TimeDelta::minutes(BEFORE), floor_minute(aws.clock().now()));
    let (read, _) = aws.metric_data(&queries, from, to, Lane::Plan).await?;
    let minutes = |index: usize| read.get(index).map(|r| Minutes::of(&r.points, done_at, to)).unwrap_or_default();
    let (backend, requests, errors, hits) = (minutes(0), minutes(1), minutes(2), minutes(3));
    let rises = matches!(plan.purpose, Purpose::Undo { .. })
        || plan.changes.iter().any(|change| matches!(change.edit, Edit::Flush(_)));
    let Some(line) = effect(&backend, &requests, rises) else { return Ok(None) };
    let mut lines = vec![line];
    lines.extend(errors.line("5XX"));
    lines.extend(hits.line("answered from the cache"));
    Ok(Some(lines))
}

/// A figure a minute before the change, on average, and in the last whole minute after it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Minutes {
    before: Option<f64>,
    after: Option<f64>,
}

impl Minutes {
    /// Out of points at the start of their minutes; the minute of the change itself tells nothing.
    fn of(points: &[(DateTime<Utc>, f64)], done_at: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let done = floor_minute(done_at);
        let before: Vec<f64> = points.iter().filter(|(at, _)| *at < done).map(|(_, value)| *value).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let after = points.iter().rfind(|(at, _)| *at > done && *at < to).map(|(_, value)| *value);
        Self { before: (!before.is_empty()).then(|| mean(&before)), after }
    }

    fn line(&self, what: &str) -> Option<String> {
        let (before, after) = (self.before?, self.after?);
        (before > 0.0 || after > 0.0).then(|| format!("{what}: {before:.0}/min before, {after:.0}/min now"))
    }
}

/// The line that shows it, where the share of the requests that reaches the backend has moved by a tenth or more.
fn effect(backend: &Minutes, requests: &Minutes, rises: bool) -> Option<String> {
    let share = |reached: f64, all: f64| (all > 0.0).then(|| (reached / all).min(1.0));
    // A minute without a value after the change, in which there were requests: none got through.
    let after_requests = requests.after?;
    let after = share(backend.after.unwrap_or(0.0), after_requests)?;
    let before = share(backend.before.unwrap_or(0.0), requests.before?)?;
    let moved = if rises { after - before } else { before - after };
    (moved > 0.0 && moved >= LEAST * before.max(after)).then(|| {
        format!(
            "{} of {after_requests:.0} requests/min reach the backend, {} of {:.0} before",
            whole_percent(after),
            whole_percent(before),
            requests.before.unwrap_or(0.0)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(before: f64, after: f64) -> Minutes {
        Minutes { before: Some(before), after: Some(after) }
    }

    #[test]
    fn the_share_that_reaches_the_backend_tells_and_not_the_traffic() {
        assert!(effect(&minutes(900.0, 90.0), &minutes(1000.0, 1000.0), false).is_some());
        // The attack went away by itself: no effect of ours.
        assert_eq!(effect(&minutes(900.0, 90.0), &minutes(1000.0, 100.0), false), None);
        assert!(effect(&minutes(90.0, 900.0), &minutes(1000.0, 1000.0), true).is_some());
        assert_eq!(effect(&minutes(900.0, 890.0), &minutes(1000.0, 1000.0), false), None);
    }

    #[test]
    fn nothing_after_a_closure_is_an_effect_and_no_traffic_is_none() {
        let closed = Minutes { before: Some(900.0), after: None };
        assert!(effect(&closed, &minutes(1000.0, 1000.0), false).is_some());
        assert_eq!(effect(&closed, &Minutes { before: Some(1000.0), after: None }, false), None);
    }

    #[test]
    fn the_minute_of_the_change_tells_nothing() {
        let at = |minute: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        let points = [(at(1), 10.0), (at(2), 20.0), (at(3), 7.0)];
        let done = at(3) + TimeDelta::seconds(20);
        assert_eq!(Minutes::of(&points, done, at(4)), Minutes { before: Some(15.0), after: None });
        let later = [(at(1), 10.0), (at(3), 7.0), (at(4), 2.0), (at(5), 1.0)];
        assert_eq!(Minutes::of(&later, done, at(5)), Minutes { before: Some(10.0), after: Some(2.0) });
    }
}
