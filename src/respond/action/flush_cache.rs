//! `flush-cache`: drop what a stage has cached, or its authorizers' verdicts.
//!
//! Not undoable. Until the cache is warm again, the backend gets every request: what a flush at peak does to a backend
//! that is already failing is what its guards are about.

use chrono::{DateTime, TimeDelta, Utc};

use super::stage::{self, StageState};
use crate::aws::read::{MetricQuery, MetricStatus, Statistic};
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::model::action::{Action, FlushCache};
use crate::model::change::{Edit, Flush};
use crate::model::plan::{Change, GuardResult, Plan, PlannedCall};
use crate::model::series::floor_minute;
use crate::model::settings::Settings;
use crate::model::words::{percent, portion};
use crate::respond::guard::{self, WithEvidence, settled};
use crate::respond::planned::{PlanError, Planned, finished};

/// Minutes that tell what the backend has borne: three hours, as far as one-minute data is cheap to read.
const BORNE_MINUTES: i64 = 180;
/// Minutes that tell how things are now.
const NOW_MINUTES: i64 = 5;
/// The share of 5XX below which a minute counts as borne, a fraction.
const BORNE_ERRORS: f64 = 0.01;

/// How much is known of the last minutes: a minute without figures is quiet, or not published yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Published {
    /// Some of them have figures.
    Lately,
    /// None of them has, while earlier ones do: either nobody calls any more, or CloudWatch is late.
    #[default]
    NotLately,
    /// None of the last three hours has: nobody calls.
    Never,
}

/// What the stage's metrics say, per second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Load {
    published: Published,
    hits: f64,
    misses: f64,
    /// What reaches the backend now: misses, and what is not cached at all.
    backend: f64,
    /// Share of 5XX now, a fraction; `None` where there were no requests.
    errors: Option<f64>,
    /// The most that the backend has borne in a minute without failing, requests a second.
    borne: f64,
}

/// The plan to flush, from state read now.
pub(in crate::respond) async fn plan(
    aws: &Aws,
    settings: &Settings,
    action: &FlushCache,
) -> Result<Planned, PlanError> {
    let at = stage::read(aws, &action.stage).await?;
    let load = load(aws, &at).await;
    Ok(planned(action, &at, load.as_ref(), settings))
}

fn planned(action: &FlushCache, at: &StageState, load: Result<&Load, &AwsError>, settings: &Settings) -> Planned {
    let label = at.stage.id.label();
    let what = if action.authorizers { "authorizers' cached verdicts" } else { "cached answers" };
    let change = Change {
        resource: at.resource(),
        added: Vec::new(),
        removed: vec![format!("all {what}")],
        entries_before: 0,
        entries_after: 0,
        edit: Edit::Flush(Flush {
            api_id: at.stage.id.api_id.clone(),
            stage: at.stage.id.stage.clone(),
            authorizers: action.authorizers,
        }),
    };
    let plan = Plan {
        summary: format!("Drop all {what} of {label}"),
        calls: vec![call(action, at)],
        guards: guards(action, at, load, settings),
        undo: "cannot be undone: the cache fills again by itself".to_owned(),
        notes: vec![
            "AWS answers once it has started (202); the cache shows FLUSH_IN_PROGRESS until it is done.".to_owned(),
        ],
        changes: vec![change],
        ..Plan::of(Action::FlushCache(action.clone()), at.identity.clone(), at.stage.id.clone(), at.read_at)
    };
    finished(plan, Vec::new())
}

fn call(action: &FlushCache, at: &StageState) -> PlannedCall {
    let (operation, cache) =
        if action.authorizers { ("FlushStageAuthorizersCache", "authorizers") } else { ("FlushStageCache", "data") };
    PlannedCall {
        service: "apigateway".to_owned(),
        operation: operation.to_owned(),
        resource: format!("{}/cache/{cache}", at.arn()),
        parameters: Vec::new(),
    }
}

fn guards(
    action: &FlushCache,
    at: &StageState,
    load: Result<&Load, &AwsError>,
    settings: &Settings,
) -> Vec<GuardResult> {
    let mut results =
        vec![guard::FLUSH_FINAL.warn("it cannot be undone; the backend takes the load until the cache is warm")];
    results.push(backend(load, settings));
    if action.authorizers {
        results.push(guard::FLUSH_AUTHORIZERS.warn(
            "every caller has to be authorized again: the authorizer gets one call for each token or identity, at once; its headroom is not known",
        ));
    } else {
        results.push(available(at));
        results.push(herd(load));
    }
    if action.terms.expires_after_seconds.is_some() {
        results.push(guard::FLUSH_EXPIRY.stop("a flush does not expire. Leave --for out"));
    }
    settled(results, &action.terms)
}

fn available(at: &StageState) -> GuardResult {
    match at.settings.cache_cluster_status.as_deref() {
        Some("AVAILABLE") => guard::FLUSH_AVAILABLE.pass("the cache cluster is AVAILABLE"),
        Some("FLUSH_IN_PROGRESS") => guard::FLUSH_AVAILABLE.stop("a flush is in progress already. Wait for it to end"),
        Some(status) => {
            guard::FLUSH_AVAILABLE.stop(format!("the cache cluster is {status}, so there is nothing to flush"))
        }
        None if at.settings.cache_cluster_enabled => {
            guard::FLUSH_AVAILABLE.unknown("the stage has a cache cluster but does not report its status")
        }
        None => guard::FLUSH_AVAILABLE.stop("the stage has no cache cluster, so there is nothing to flush"),
    }
}

fn backend(load: Result<&Load, &AwsError>, settings: &Settings) -> GuardResult {
    let limit = settings.signals.server_errors_notice;
    match load {
        Err(error) => guard::FLUSH_BACKEND.unknown(format!("the backend's health could not be read: {error}")),
        Ok(Load { published: Published::NotLately, .. }) => guard::FLUSH_BACKEND.unknown(late()),
        Ok(Load { errors: None, .. }) => guard::FLUSH_BACKEND.pass("no requests in the last three hours"),
        Ok(Load { errors: Some(share), .. }) if *share > limit => guard::FLUSH_BACKEND.stop(format!(
            "{} of the requests fail with 5XX now: the backend is failing already, and a flush adds load. Relieve it first",
            percent(*share)
        )),
        Ok(Load { errors: Some(share), .. }) => {
            guard::FLUSH_BACKEND.pass(format!("{} of the requests fail with 5XX now", portion(*share)))
        }
    }
}

/// Nothing published and nothing measured are not the same.
fn late() -> String {
    format!(
        "CloudWatch shows nothing for the last {NOW_MINUTES} minutes: nobody calls, or it is late. Plan again in a few minutes"
    )
}

/// After a flush every hit is a miss: more than the backend has been seen to bear?
fn herd(load: Result<&Load, &AwsError>) -> GuardResult {
    let load = match load {
        Ok(load) => load,
        Err(error) => return guard::FLUSH_HERD.unknown(format!("hits and misses could not be read: {error}")),
    };
    let (now, then) = (load.backend, load.hits + load.backend);
    if load.published == Published::NotLately {
        return guard::FLUSH_HERD.unknown(late());
    }
    if load.hits <= 0.0 {
        return guard::FLUSH_HERD.pass("the cache has answered nothing in the last minutes");
    }
    let evidence = vec![
        format!(
            "hits {:.1}/s, misses {:.1}/s, {now:.1}/s reach the backend, over the last {NOW_MINUTES} minutes",
            load.hits, load.misses
        ),
        format!(
            "the most the backend handled within {BORNE_MINUTES} minutes with under 1 % of 5XX: {:.1}/s",
            load.borne
        ),
    ];
    let said = format!("the backend gets {then:.1} requests/s instead of {now:.1}");
    let result = if then <= load.borne {
        guard::FLUSH_HERD.pass(format!("{said}; it has handled {:.1}/s", load.borne))
    } else if then <= load.borne * 2.0 {
        guard::FLUSH_HERD.warn(format!("{said}, more than the {:.1}/s it has been seen to handle", load.borne))
    } else {
        guard::FLUSH_HERD.stop(format!(
            "{said}, {:.1} times what it has been seen to handle. Flush off peak, or throttle first",
            then / load.borne.max(0.1)
        ))
    };
    result.because(evidence)
}

/// Hits, misses and errors of the last three hours.
async fn load(aws: &Aws, at: &StageState) -> Result<Load, AwsError> {
    let query = |name: &'static str, statistic| MetricQuery {
        namespace: "AWS/ApiGateway".into(),
        name: name.into(),
        dimensions: vec![("ApiName", at.stage.id.metric_api_name()), ("Stage", at.stage.id.stage.clone())],
        statistic,
    };
    let queries = [
        query("CacheHitCount", Statistic::Sum),
        query("CacheMissCount", Statistic::Sum),
        query("5XXError", Statistic::Sum),
        query("Count", Statistic::SampleCount),
        // What reached the backend, cached or not.
        query("IntegrationLatency", Statistic::SampleCount),
    ];
    let to = floor_minute(aws.clock().now());
    let (read, _) = aws.metric_data(&queries, to - TimeDelta::minutes(BORNE_MINUTES), to, Lane::Plan).await?;
    let series: Vec<&[(DateTime<Utc>, f64)]> = read.iter().map(|result| result.points.as_slice()).collect();
    // Nothing measured and nothing read are not the same: of a flush there is no way back.
    if let Some(result) = read.iter().find(|result| result.status != MetricStatus::Complete) {
        let problem =
            Problem::Unreadable(format!("CloudWatch returned only part of a series: {}", result.status.words()));
        return Err(AwsError::new("GetMetricData", "the cache's metrics", problem));
    }
    let [hits, misses, errors, count, backend] = series.as_slice() else {
        let problem = Problem::Unreadable("CloudWatch did not return the number of series requested".to_owned());
        return Err(AwsError::new("GetMetricData", "the cache's metrics", problem));
    };
    Ok(loaded(to, hits, misses, errors, count, backend))
}

// Wide: one series for each metric that was read.
fn loaded(
    to: DateTime<Utc>,
    hits: &[(DateTime<Utc>, f64)],
    misses: &[(DateTime<Utc>, f64)],
    errors: &[(DateTime<Utc>, f64)],
    count: &[(DateTime<Utc>, f64)],
    backend: &[(DateTime<Utc>, f64)],
) -> Load {
    let since = to - TimeDelta::minutes(NOW_MINUTES);
    let recent = |points: &[(DateTime<Utc>, f64)]| -> f64 {
        points.iter().filter(|(at, _)| *at >= since).map(|(_, value)| value).sum()
    };
    let lately = count.iter().filter(|(at, _)| *at >= since).count();
    let minutes = lately.max(1) as f64;
    let published = match (lately, count.is_empty()) {
        (0, true) => Published::Never,
        (0, false) => Published::NotLately,
        _ => Published::Lately,
    };
    let at =
        |points: &[(DateTime<Utc>, f64)], minute| points.iter().find(|(at, _)| *at == minute).map(|(_, value)| *value);
    let borne = backend.iter().filter(|(minute, _)| {
        let requests = at(count, *minute).unwrap_or(0.0);
        requests > 0.0 && at(errors, *minute).unwrap_or(0.0) <= requests * BORNE_ERRORS
    });
    let requests = recent(count);
    Load {
        published,
        hits: recent(hits) / (minutes * 60.0),
        misses: recent(misses) / (minutes * 60.0),
        backend: recent(backend) / (minutes * 60.0),
        errors: (requests > 0.0).then(|| recent(errors) / requests),
        borne: borne.map(|(_, value)| value / 60.0).fold(0.0, f64::max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Verdict;

    fn load(hits: f64, backend: f64, borne: f64) -> Load {
        Load { published: Published::Lately, hits, misses: backend, backend, errors: Some(0.0), borne }
    }

    #[test]
    fn the_herd_is_measured_against_what_the_backend_has_borne() {
        assert_eq!(herd(Ok(&load(90.0, 10.0, 120.0))).verdict, Verdict::Pass);
        assert_eq!(herd(Ok(&load(90.0, 10.0, 60.0))).verdict, Verdict::Warn);
        assert_eq!(herd(Ok(&load(90.0, 10.0, 12.0))).verdict, Verdict::Stop);
        assert_eq!(herd(Ok(&load(0.0, 0.0, 0.0))).verdict, Verdict::Pass);
    }

    #[test]
    fn a_minute_of_failing_is_not_what_was_borne() {
        let minute = |n: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(n);
        let to = minute(10);
        let count = [(minute(1), 6000.0), (minute(2), 12_000.0), (minute(9), 600.0)];
        let errors = [(minute(2), 6000.0)];
        let backend = [(minute(1), 3000.0), (minute(2), 12_000.0), (minute(9), 60.0)];
        let load = loaded(to, &[(minute(9), 540.0)], &[(minute(9), 60.0)], &errors, &count, &backend);
        let wanted = Load { hits: 9.0, misses: 1.0, backend: 1.0, errors: Some(0.0), borne: 50.0, ..load };
        assert_eq!((load, load.published), (wanted, Published::Lately));
    }

    #[test]
    fn metrics_that_are_late_are_no_quiet() {
        let minute = |n: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(n);
        let late = loaded(minute(20), &[], &[], &[], &[(minute(9), 600.0)], &[]);
        let settings = Settings::default();
        assert_eq!(herd(Ok(&late)).verdict, Verdict::Unknown);
        assert_eq!(backend(Ok(&late), &settings).verdict, Verdict::Unknown);
        let nobody = loaded(minute(20), &[], &[], &[], &[], &[]);
        assert_eq!(herd(Ok(&nobody)).verdict, Verdict::Pass);
        assert_eq!(backend(Ok(&nobody), &settings).verdict, Verdict::Pass);
    }
}
