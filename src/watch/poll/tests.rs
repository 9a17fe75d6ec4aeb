#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::sync::Arc;

use chrono::TimeDelta;

use super::*;
use crate::aws::read::MetricStatus;
use crate::model::board::{Known, Metric, StageRow};
use crate::model::figure::Scope;
use crate::model::series::floor_minute;
use crate::model::stage::{Api, StageDetail};
use crate::watch::discover::Found;
use crate::watch::picture;

fn arn(name: &str) -> String {
    format!("arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/{name}/1-2-3")
}

/// Account time: five seconds into a minute.
pub(super) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_045, 0).unwrap()
}

/// APIs of one stage each, behind the named web ACLs, the first `active` of them called lately.
pub(super) fn state(fronts: &[Option<&str>], active: usize) -> State {
    let mut state = State::new(Arc::default(), "eu-central-1");
    let api = |n: usize| Api {
        id: format!("id{n}"),
        name: format!("api{n}"),
        endpoint_types: Vec::new(),
        endpoint_disabled: false,
    };
    state.apply(Found::Apis(Ok((0..fronts.len()).map(api).collect())));
    let key = |n| SeriesKey { kind: ApiKind::Rest, api: format!("api{n}"), stage: "prod".to_owned() };
    let called = (0..active).map(key).collect();
    state.apply(Found::Active(Ok(called)));
    for (n, front) in fronts.iter().enumerate() {
        let api = api(n);
        let id = StageId { api_id: api.id.clone(), api_name: api.name.clone(), stage: "prod".into() };
        let detail = StageDetail {
            id,
            web_acl_arn: front.map(arn),
            deployment_id: None,
            cache_cluster_status: None,
            canary: false,
            endpoint_disabled: false,
            tracing: false,
            access_log: None,
            limit: None,
            lowest_of_a_method: None,
        };
        state.apply(Found::Stages { api, result: Ok(vec![detail]) });
    }
    state.apply(Found::Done);
    state
}

/// Answers a poll: `value` by what is asked, in each of the ten minutes before now and before those still unpublished.
fn poll(state: &mut State, at: DateTime<Utc>, answer: impl Fn(&MetricQuery) -> (MetricStatus, Option<f64>)) {
    let questions = Questions::of(state, Extent::All, at);
    let minutes: Vec<DateTime<Utc>> = (2..12).rev().map(|n| floor_minute(at) - TimeDelta::minutes(n)).collect();
    let result = |(target, query): (Target, MetricQuery), window| {
        let (status, value) = answer(&query);
        let points = value.map_or_else(Vec::new, |value| minutes.iter().map(|m| (*m, value)).collect());
        (target, MetricResult { status, points }, window)
    };
    let answered = questions.by_minutes.into_iter().flat_map(|(minutes, questions)| {
        let window = Window::last(minutes, at);
        questions.into_iter().map(move |question| (question, window)).collect::<Vec<_>>()
    });
    let results = answered.map(|(question, window)| result(question, window)).collect();
    Answers { results, calls: 1, failure: None }.fold(state, Extent::All, at);
}

fn plenty(query: &MetricQuery) -> (MetricStatus, Option<f64>) {
    let value = match query.name.as_ref() {
        "Count" | "AllowedRequests" => 600.0,
        "4XXError" => 12.0,
        _ => return (MetricStatus::Complete, None),
    };
    (MetricStatus::Complete, Some(value))
}

fn rows(state: &State) -> Vec<StageRow> {
    picture::board(state, now(), 1.0).stages
}

#[test]
fn a_web_acl_behind_several_stages_is_asked_once() {
    let mut state = state(&[Some("front"), Some("front"), Some("other"), None], 4);
    let questions = Questions::of(&state, Extent::All, now());
    assert_eq!(questions.len(), 4 * 5 + 2 * 3);
    poll(&mut state, now(), plenty);
    let rows = rows(&state);
    let scope = |row: &StageRow| row.figures.waf_allowed_per_second.reading().unwrap().scope.clone();
    assert_eq!(scope(&rows[0]), Scope::WebAcl { name: "front".into(), stages: 2 });
    assert_eq!(scope(&rows[2]), Scope::WebAcl { name: "other".into(), stages: 1 });
    assert!(rows[0].figures.client_error_share_from_blocks.value().is_none(), "shared");
    assert!(rows[2].figures.client_error_share_from_blocks.value().is_some(), "its own");
    assert_eq!(rows[3].figures.waf_allowed_per_second.reason(), Some("no web ACL before this stage"));
}

#[test]
fn a_stage_that_nobody_calls_costs_one_metric_until_somebody_does() {
    let mut state = state(&[None, None], 1);
    assert_eq!(Questions::of(&state, Extent::All, now()).len(), 5 + 1);
    poll(&mut state, now(), |query| match query.dimensions[0].1.as_str() {
        "api0" => plenty(query),
        _ => (MetricStatus::Complete, None),
    });
    let idle = rows(&state)[1].figures.clone();
    assert!(idle.requests_per_second.reason().unwrap().contains("no requests"));
    assert!(idle.latency_p50_ms.reason().unwrap().contains("not asked"));
    poll(&mut state, now(), plenty);
    assert_eq!(Questions::of(&state, Extent::All, now()).len(), 5 + 5);
}

#[test]
fn what_is_forbidden_is_unknown_and_the_rest_works() {
    let mut state = state(&[Some("front")], 1);
    poll(&mut state, now(), |query| match query.name.as_ref() {
        "4XXError" | "BlockedRequests" => (MetricStatus::Forbidden, None),
        _ => plenty(query),
    });
    let row = &rows(&state)[0];
    assert!((row.figures.requests_per_second.value().unwrap() - 10.0).abs() < 1e-6);
    assert!(row.figures.waf_allowed_per_second.value().is_some());
    assert!(row.figures.client_error_share.reason().unwrap().contains("not permitted"));
    assert!(row.figures.waf_blocked_per_second.reason().unwrap().contains("not permitted"));
    assert!(row.warnings.iter().any(|warning| warning.contains("forbidden")), "{:?}", row.warnings);
    let last = now() - TimeDelta::minutes(8);
    assert_eq!(row.history[Metric::WafBlocked.index()].at(last), None, "not read is not zero");
}

#[test]
fn what_fails_at_cloudwatch_keeps_the_rest() {
    let mut state = state(&[None], 1);
    poll(&mut state, now(), |query| match query.name.as_ref() {
        "Count" => (MetricStatus::Failed, None),
        _ => plenty(query),
    });
    let row = &rows(&state)[0];
    assert!(row.figures.requests_per_second.reason().unwrap().contains("CloudWatch failed"));
    assert!(row.history[Metric::ClientErrors.index()].latest().is_some());
}

#[test]
fn a_web_acl_nobody_has_seen_metrics_of_is_a_gap_and_not_zero() {
    let mut state = state(&[Some("front")], 1);
    let silent = |query: &MetricQuery| match query.namespace.as_ref() {
        "AWS/WAFV2" => (MetricStatus::Complete, None),
        _ => plenty(query),
    };
    poll(&mut state, now(), silent);
    let blocked = rows(&state)[0].figures.waf_blocked_per_second.clone();
    assert!(blocked.reason().unwrap().contains("no WAF metrics"), "{blocked:?}");
    // Once one of its series was seen, the others' silence is zero.
    poll(&mut state, now(), plenty);
    let blocked = rows(&state)[0].figures.waf_blocked_per_second.clone();
    assert!(blocked.value().is_some_and(|value| value.abs() < f64::EPSILON), "{blocked:?}");
}

#[test]
fn the_series_is_taken_from_the_dimension_that_has_one() {
    let mut state = state(&[Some("front")], 1);
    state.apply(Found::AclMetricName { arn: arn("front"), metric_name: "FrontMetric".into() });
    assert_eq!(Questions::of(&state, Extent::All, now()).len(), 5 + 2 * 3, "both may be it");
    poll(&mut state, now(), |query| match query.dimensions[0].1.as_str() {
        "front" => (MetricStatus::Complete, None),
        _ => plenty(query),
    });
    assert_eq!(state.acls.get(&arn("front")).unwrap().dimension.as_deref(), Some("FrontMetric"));
    assert_eq!(Questions::of(&state, Extent::All, now()).len(), 5 + 3);
    assert!(rows(&state)[0].figures.waf_allowed_per_second.value().is_some());
}

#[test]
fn later_polls_read_five_minutes_and_what_was_missed_or_came_late() {
    let mut state = state(&[None], 1);
    let minutes = |state: &State, at| {
        let questions = Questions::of(state, Extent::All, at);
        questions.by_minutes.into_keys().collect::<Vec<i64>>()
    };
    assert_eq!(minutes(&state, now()), [FIRST_MINUTES]);
    poll(&mut state, now() - TimeDelta::minutes(1), plenty);
    assert_eq!(minutes(&state, now()), [30], "what came with the first reading is read once more");
    poll(&mut state, now(), plenty);
    // Nothing new, and nothing that changed.
    poll(&mut state, now() + TimeDelta::seconds(20), plenty);
    assert_eq!(minutes(&state, now() + TimeDelta::minutes(1)), [6]);
    assert_eq!(minutes(&state, now() + TimeDelta::minutes(4)), [10]);
    assert_eq!(minutes(&state, now() + TimeDelta::minutes(20)), [30]);
    assert_eq!(minutes(&state, now() + TimeDelta::hours(9)), [LONGEST_MINUTES]);
}

#[test]
fn what_is_looked_at_is_asked_for_more_and_more_often() {
    let mut state = state(&[None, None], 2);
    poll(&mut state, now(), plenty);
    let due = |state: &State, seconds| {
        Questions::of(state, Extent::Due, floor_minute(now()) + TimeDelta::seconds(seconds)).len()
    };
    assert_eq!((due(&state, 25), due(&state, 62), due(&state, 63)), (0, 0, 10));
    state.focus.insert(("id0".into(), "prod".into()));
    assert_eq!(Questions::of(&state, Extent::New, now()).len(), 1, "what was never read of it");
    poll(&mut state, now(), plenty);
    assert_eq!((due(&state, 22), due(&state, 25), due(&state, 63)), (0, 6, 11));
}

#[test]
fn a_metric_filter_tells_throttled_requests_and_its_silence_is_zero() {
    let mut state = state(&[None], 1);
    let mut entry = state.entries.pop_first().unwrap();
    if let Known::Yes(detail) = &mut entry.1.detail {
        let format = r#"{"id":"$context.requestId","status":"$context.status"}"#.to_owned();
        let destination = "arn:aws:logs:eu-central-1:111122223333:log-group:shop".to_owned();
        detail.access_log = Some(crate::model::stage::AccessLog { destination, format });
    }
    state.entries.insert(entry.0, entry.1);
    let filter = crate::aws::read::MetricFilter {
        name: "throttled".into(),
        pattern: "{ $.status = 429 }".into(),
        namespace: "Shop".into(),
        metric: "Throttled".into(),
        value: "1".into(),
        dimensions: false,
        created: Some(DateTime::UNIX_EPOCH),
    };
    state.apply(Found::Filters { group: "shop".into(), result: Ok(vec![filter]) });
    let reason = rows(&state)[0].figures.throttled_per_second.reason().unwrap().to_owned();
    assert!(reason.contains("open the stage"), "{reason}");
    poll(&mut state, now(), |query| match query.namespace.as_ref() {
        "Shop" => (MetricStatus::Complete, Some(30.0)),
        _ => plenty(query),
    });
    let read = rows(&state)[0].figures.throttled_per_second.reading().unwrap().clone();
    assert!((read.value - 0.5).abs() < 1e-9 && read.origin == Origin::MetricFilter, "{read:?}");
    let later = now() + TimeDelta::minutes(20);
    poll(&mut state, later, |query| match query.namespace.as_ref() {
        "Shop" => (MetricStatus::Complete, None),
        _ => plenty(query),
    });
    let zero = &picture::board(&state, later, 1.0).stages[0].figures.throttled_per_second;
    assert!(zero.value().is_some_and(|value| value.abs() < 1e-9), "{zero:?}");
}

#[test]
fn a_stage_moved_behind_another_web_acl_shows_that_ones_minutes_only() {
    let mut state = state(&[Some("front")], 1);
    poll(&mut state, now(), plenty);
    let row = &rows(&state)[0];
    let (id, before) = (row.id.clone(), row.history[Metric::WafAllowed.index()].clone());
    assert!(!before.is_empty());
    let api =
        Api { id: id.api_id.clone(), name: id.api_name.clone(), endpoint_types: Vec::new(), endpoint_disabled: false };
    let detail = StageDetail {
        id,
        web_acl_arn: Some(arn("closed")),
        deployment_id: None,
        cache_cluster_status: None,
        canary: false,
        endpoint_disabled: false,
        tracing: false,
        access_log: None,
        limit: None,
        lowest_of_a_method: None,
    };
    state.apply(Found::Stages { api, result: Ok(vec![detail]) });
    let row = &rows(&state)[0];
    assert!(row.history[Metric::WafAllowed.index()].is_empty());
    assert!(!row.history[Metric::Requests.index()].is_empty());
}
