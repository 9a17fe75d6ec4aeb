//! The methods of a stage, or the routes of an HTTP API: their figures and the limits on them.

use std::ops::Range;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::frame::{Frame, missing};
use super::reasons::{map, reason, value};
use crate::aws::read::{MetricQuery, MetricResult, SampleSet, Statistic};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::board::Known;
use crate::model::figure::{Figure, Origin, Reading, Scope};
use crate::model::limits::{Limit, LimitInForce, UsagePlan, in_force};
use crate::model::method::{ALL_METHODS, MethodName};
use crate::model::settings::Settings;
use crate::model::stage::{ApiKind, StageId};
use crate::model::stage_report::{ClientLimit, MethodRow, StageLimits};
use crate::watch::store::{Held, Window};

/// Minutes read of each metric.
const MINUTES: i64 = 12;

/// The most methods whose metrics are read: each is billed, and an API may have hundreds.
const MOST_METERED: usize = 100;

/// Metrics of a stage or a method, in the order of a [`Held`]. `Count` is read by its sample count for REST APIs
/// (documented).
const REST: [(&str, Statistic); 5] = [
    ("Count", Statistic::SampleCount),
    ("4XXError", Statistic::Sum),
    ("5XXError", Statistic::Sum),
    ("Latency", Statistic::P50),
    ("Latency", Statistic::P99),
];
const HTTP: [(&str, Statistic); 5] = [
    ("Count", Statistic::SampleCount),
    ("4xx", Statistic::Sum),
    ("5xx", Statistic::Sum),
    ("Latency", Statistic::P50),
    ("Latency", Statistic::P99),
];

/// A method as it is deployed.
#[derive(Debug, Clone)]
pub(super) struct Method {
    /// `POST /login`, `$default`.
    pub(super) name: String,
    pub(super) authorization: String,
    pub(super) api_key_required: bool,
}

/// What the rows are made of, besides metrics.
pub(super) struct Around<'a> {
    pub(super) stage: &'a StageId,
    pub(super) kind: ApiKind,
    /// The stage's method or route settings, by name.
    pub(super) entries: Known<Map<String, Value>>,
    /// Whether the stage has a cache cluster that works.
    pub(super) has_cache: Known<bool>,
    pub(super) account: Known<Option<Limit>>,
    pub(super) plans: Known<Vec<UsagePlan>>,
    /// What the stage's own metrics speak of.
    pub(super) scope: Scope,
    pub(super) settings: &'a Settings,
}

/// The stage's own series, and each method's where it was read.
pub(super) struct Series {
    stage: Result<Held, AwsError>,
    methods: Vec<Result<Held, String>>,
    pub(super) metrics: usize,
}

/// Reads the stage's metrics, and those of methods that have metrics of their own, in one call.
pub(super) async fn read(aws: &Aws, around: &Around<'_>, methods: &[Method]) -> Series {
    let mut sets = vec![dimensions(around, Vec::new())];
    // Which sets are each method's, or why it was not asked for.
    let mut places: Vec<Result<Range<usize>, String>> = Vec::new();
    for method in methods {
        let place = detailed(around, &method.name).and_then(|()| {
            let from = sets.len();
            if from > MOST_METERED {
                return Err(format!("only {MOST_METERED} methods are read at once"));
            }
            sets.extend(of_method(around, &method.name));
            Ok(from..sets.len())
        });
        places.push(place);
    }
    let queries: Vec<MetricQuery> = sets.iter().flat_map(|dimensions| queries(around.kind, dimensions)).collect();
    let window = Window::last(MINUTES, aws.clock().now());
    let read = aws.metric_data(&queries, window.from, window.to, Lane::Plan).await;
    let held: Result<Vec<Held>, AwsError> =
        read.map(|(results, _)| results.chunks(REST.len()).map(|results| taken(results, window)).collect());
    let of = |place: Result<Range<usize>, String>| match (&held, place) {
        (_, Err(why)) => Err(why),
        (Err(error), Ok(_)) => Err(reason(error, around.kind)),
        (Ok(held), Ok(place)) => {
            let mine = held.get(place).unwrap_or_default();
            mine.iter().find(|held| held.has_data()).or(mine.first()).cloned().ok_or_else(|| "not read".to_owned())
        }
    };
    let methods = places.into_iter().map(of).collect();
    let stage = held.map(|held| held.into_iter().next().unwrap_or_else(|| Held::new(REST.len())));
    Series { stage, methods, metrics: queries.len() }
}

fn taken(results: &[MetricResult], window: Window) -> Held {
    let mut held = Held::new(REST.len());
    for (index, result) in results.iter().enumerate() {
        held.take(index, result, window);
    }
    held
}

type Dimensions = Vec<(&'static str, String)>;

/// The dimensions of the stage, with `more` of a method.
fn dimensions(around: &Around<'_>, more: Dimensions) -> Dimensions {
    let stage = around.stage;
    let api = match around.kind {
        ApiKind::Rest => ("ApiName", stage.metric_api_name()),
        ApiKind::Http => ("ApiId", stage.api_id.clone()),
    };
    [api].into_iter().chain(more).chain([("Stage", stage.stage.clone())]).collect()
}

/// The dimensions under which a method's metrics may be. AWS's pages on HTTP APIs have named `Route`, and later
/// `Method` and `Resource`: both are asked for.
fn of_method(around: &Around<'_>, name: &str) -> Vec<Dimensions> {
    let mut sets = Vec::new();
    if let Some((verb, path)) = name.split_once(' ') {
        sets.push(dimensions(around, vec![("Method", verb.to_owned()), ("Resource", path.to_owned())]));
    }
    if around.kind == ApiKind::Http {
        sets.push(dimensions(around, vec![("Route", name.to_owned())]));
    }
    sets
}

fn queries(kind: ApiKind, dimensions: &Dimensions) -> [MetricQuery; 5] {
    let names = if kind == ApiKind::Rest { REST } else { HTTP };
    names.map(|(name, statistic)| MetricQuery {
        namespace: "AWS/ApiGateway".into(),
        name: name.into(),
        dimensions: dimensions.clone(),
        statistic,
    })
}

/// Whether a method has metrics of its own; the reason where it has none, with what to turn on.
fn detailed(around: &Around<'_>, method: &str) -> Result<(), String> {
    let entries = match &around.entries {
        Known::Yes(entries) => entries,
        Known::NotYet => return Err("the stage's settings are not read yet".to_owned()),
        Known::No(why) => return Err(format!("whether it has metrics of its own is not known: {why}")),
    };
    let entry = entries.get(method).or_else(|| entries.get(ALL_METHODS));
    let (member, hint) = match around.kind {
        ApiKind::Rest => {
            ("metricsEnabled", "detailed CloudWatch metrics (metrics/enabled in its method settings; billed)")
        }
        ApiKind::Http => {
            ("detailedMetricsEnabled", "detailed metrics (detailedMetricsEnabled in its route settings; billed)")
        }
    };
    let on = entry.and_then(|entry| entry.get(member)).and_then(Value::as_bool).unwrap_or(false);
    if on { Ok(()) } else { Err(format!("no metrics of its own: turn on {hint}")) }
}

/// Whether methods without settings of their own have metrics of their own.
pub(super) fn detailed_by_default(around: &Around<'_>) -> Known<bool> {
    map(&around.entries, |_| detailed(around, ALL_METHODS).is_ok())
}

/// The rows.
pub(super) fn rows(around: &Around<'_>, methods: &[Method], series: &Series, now: DateTime<Utc>) -> Vec<MethodRow> {
    let frame = Frame { now, polling: &around.settings.polling, scope: around.scope.clone() };
    let each = methods.iter().zip(&series.methods);
    each.map(|(method, held)| row(around, &frame, method, held)).collect()
}

fn row(around: &Around<'_>, frame: &Frame<'_>, method: &Method, held: &Result<Held, String>) -> MethodRow {
    let [requests, client, server, p50, p99] = five(frame, held);
    let limit = limit(around, &method.name);
    MethodRow {
        caching: caching(around, &method.name),
        per_client: per_client(around, &method.name),
        used_share: used(&requests, &map(&limit, |limit| limit.rate)),
        limit,
        name: method.name.clone(),
        authorization: method.authorization.clone(),
        api_key_required: method.api_key_required,
        requests_per_second: requests,
        sampled_share: Figure::unknown("HTTP APIs have no samples"),
        client_error_share: client,
        server_error_share: server,
        latency_p50_ms: p50,
        latency_p99_ms: p99,
    }
}

/// Puts into each row its share of the sampled requests that went on to the API. A request is for the method that names
/// it most closely.
pub(super) fn sampled(rows: &mut [MethodRow], stage: &StageId, passed: Result<&(SampleSet, Scope), &str>) {
    let (set, scope) = match passed {
        Ok(passed) => passed,
        Err(why) => return rows.iter_mut().for_each(|row| row.sampled_share = Figure::unknown(why.to_owned())),
    };
    let mut methods: Vec<(usize, MethodName)> =
        rows.iter().enumerate().filter_map(|(place, row)| Some((place, row.name.parse().ok()?))).collect();
    methods.sort_by_key(|(_, method)| {
        (method.path.matches('{').count(), method.path.contains("+}"), method.verb == "ANY")
    });
    let mut weights = vec![0.0; rows.len()];
    let mut all = 0.0;
    for sample in &set.samples {
        let weight = sample.weight.max(1) as f64;
        all += weight;
        let takes = methods.iter().find(|(_, method)| method.takes(&sample.method, &sample.uri, &stage.stage));
        if let Some((place, _)) = takes {
            weights[*place] += weight;
        }
    }
    for (row, weight) in rows.iter_mut().zip(weights) {
        row.sampled_share = if all > 0.0 {
            let (origin, scope) = (Origin::WafSamples, scope.clone());
            Figure::Known(Reading { value: weight / all, at: set.to, origin, scope, provisional: false })
        } else {
            Figure::unknown("no request was sampled in the last minutes")
        };
    }
}

/// Requests a second, error shares, latencies.
fn five(frame: &Frame<'_>, held: &Result<Held, String>) -> [Figure; 5] {
    let held = match held {
        Ok(held) => held,
        Err(why) => return std::array::from_fn(|_| Figure::unknown(why.clone())),
    };
    let series = held.series();
    let share = |index: usize| frame.share(&series[index], &series[0], missing(held, index));
    let plain = |index: usize| frame.figure(&series[index], 1.0, missing(held, index));
    [frame.figure(&series[0], 1.0 / 60.0, missing(held, 0)), share(1), share(2), plain(3), plain(4)]
}

/// The limit that all callers of a method share: its own, the stage's, or the account's.
fn limit(around: &Around<'_>, name: &str) -> Known<LimitInForce> {
    let Known::Yes(entries) = &around.entries else {
        return map(&around.entries, |_| LimitInForce::default());
    };
    let account = value(&around.account).copied().flatten();
    let mut found = in_force(name, entries, account);
    match (&around.account, found.rate) {
        (Known::No(why), None) => Known::No(format!("the stage sets none, and the account's is not known: {why}")),
        (Known::No(_) | Known::NotYet, Some(_)) => {
            found.from.push_str(", the account's not known");
            Known::Yes(found)
        }
        _ => Known::Yes(found),
    }
}

/// What usage plans let each client have, those of the method before those of the whole plan, tightest first.
fn per_client(around: &Around<'_>, name: &str) -> Known<Vec<ClientLimit>> {
    map(&around.plans, |plans| {
        let mut limits: Vec<ClientLimit> = plans.iter().flat_map(|plan| of_plan(plan, name)).collect();
        limits.sort_by(|a, b| a.limit.rate.total_cmp(&b.limit.rate));
        limits
    })
}

fn of_plan<'a>(plan: &'a UsagePlan, name: &'a str) -> impl Iterator<Item = ClientLimit> + 'a {
    let own = plan.methods.iter().filter(move |(method, _)| method.to_string() == name);
    let limit = |limit: Limit, of_method| ClientLimit { plan: plan.name.clone(), limit, of_method };
    own.map(move |(_, of)| limit(*of, true)).chain(plan.throttle.map(|of| limit(of, false)))
}

/// Requests as a fraction of a limit.
fn used(requests: &Figure, rate: &Known<Option<f64>>) -> Figure {
    let reading = match requests {
        Figure::Known(reading) => reading,
        Figure::Unknown(why) => return Figure::unknown(why.clone()),
    };
    match rate {
        Known::Yes(Some(rate)) if *rate > 0.0 => {
            Figure::Known(Reading { value: reading.value / rate, origin: Origin::Derived, ..reading.clone() })
        }
        Known::Yes(Some(_)) => Figure::unknown("the limit is 0: nothing passes"),
        Known::Yes(None) => Figure::unknown("AWS says no limit"),
        Known::NotYet => Figure::unknown("not read yet"),
        Known::No(why) => Figure::unknown(why.clone()),
    }
}

/// Caching is on for `GET` where the stage's settings turn it on, and for any method whose own settings do
/// (documented).
fn caching(around: &Around<'_>, name: &str) -> Known<bool> {
    match (&around.has_cache, &around.entries) {
        (Known::Yes(false), _) => Known::Yes(false),
        (Known::No(why), _) | (_, Known::No(why)) => Known::No(why.clone()),
        (Known::Yes(true), Known::Yes(entries)) => {
            let of = |entry: &Value| entry.get("cachingEnabled").and_then(Value::as_bool).unwrap_or(false);
            let own = entries.get(name).map(of);
            let default = || name.starts_with("GET ") && entries.get(ALL_METHODS).is_some_and(of);
            Known::Yes(own.unwrap_or_else(default))
        }
        (Known::NotYet, _) | (_, Known::NotYet) => Known::NotYet,
    }
}

/// The limits around the stage as a whole.
pub(super) fn limits(around: &Around<'_>, series: &Series, now: DateTime<Utc>) -> StageLimits {
    let frame = Frame { now, polling: &around.settings.polling, scope: around.scope.clone() };
    let held = series.stage.as_ref().map_err(|error| reason(error, around.kind)).cloned();
    let [requests, ..] = five(&frame, &held);
    let stage = limit(around, ALL_METHODS);
    StageLimits {
        account_share: used(&requests, &map(&around.account, |limit| limit.map(|limit| limit.rate))),
        stage_share: used(&requests, &map(&stage, |limit| limit.rate)),
        account: around.account.clone(),
        plans: around.plans.clone(),
        requests_per_second: requests,
        stage,
    }
}
