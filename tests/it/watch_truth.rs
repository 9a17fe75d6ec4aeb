//! What the console reads against what really happened: every figure of every stage, over all scenarios that come with
//! the program.
//!
//! The range keeps books of its own that no AWS client can see; a reading must be within five percent of them, or be
//! unknown with its reason.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::aws::{Aws, Connection, Endpoint, RangeHandle};
use portcullis::drill::EMBEDDED;
use portcullis::model::belief::Beliefs;
use portcullis::model::board::{Board, StageRow};
use portcullis::model::figure::{Figure, Origin};
use portcullis::model::limits::LimitOf;
use portcullis::model::settings::Settings;
use portcullis::model::stage::ApiKind;
use portcullis::watch::read_board;
use portcullis_range::{Counts, Range};

use crate::respond_http::PETS;

/// Account time after the opening at which the board is read: every attack has begun by then.
const READ_AFTER: Duration = Duration::from_mins(9);

/// The scenario's text with an access log of `prod` in that format, or with none.
pub(crate) fn with_logs(text: &str, format: Option<&str>) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut in_stage = false;
    for line in text.lines().filter(|line| !line.trim_start().starts_with("access_log")) {
        in_stage = if line.starts_with("[[") { line.contains("apis.stages") } else { in_stage };
        out.push(line.to_owned());
        if let Some(format) = format.filter(|_| in_stage && line.trim() == r#"name = "prod""#) {
            out.push(format!(r#"access_log = {{ group = "truth", format = "{format}" }}"#));
        }
    }
    out.join("\n")
}

/// The board of a scenario nine minutes in. `rate` is what each method of `prod` may do from the opening on.
async fn read(text: &str, rate: Option<f64>) -> (RangeHandle, Board) {
    let mut range = Range::from_scenario(text, None).unwrap();
    if let Some(rate) = rate {
        let account = range.account_mut();
        let apis: Vec<String> = account.gateway.apis.keys().cloned().collect();
        for api in apis {
            account.edit_stage(&api, "prod", |stage| {
                let setting = stage.method_settings.entry("*/*".to_owned());
                let setting = setting.or_insert_with(portcullis_range::state::MethodSetting::fresh);
                setting.throttling_rate_limit = rate;
                setting.throttling_burst_limit = 10;
            });
        }
    }
    let handle = RangeHandle::new(range, 1.0);
    // Paused time: account time goes on with it.
    tokio::time::sleep(READ_AFTER).await;
    let connection = Connection { endpoint: Endpoint::Range(handle.clone()), ..Connection::default() };
    let aws = Aws::connect(&connection).await.unwrap();
    let board = read_board(&aws, &Settings::default(), &Beliefs::default()).await.unwrap();
    (handle, board)
}

/// Within five percent, or of what a single request is in a minute.
fn near(what: &str, figure: &Figure, truth: impl FnOnce(DateTime<Utc>) -> f64, least: f64) {
    let reading = figure.reading().unwrap_or_else(|| panic!("{what}: {figure:?}"));
    let truth = truth(reading.at - TimeDelta::minutes(1));
    let off = (reading.value - truth).abs();
    assert!(off <= 0.05 * truth.abs() + least, "{what}: {} on the board, {truth} in truth", reading.value);
}

fn label_of(row: &StageRow) -> String {
    row.id.label()
}

fn compare(handle: &RangeHandle, row: &StageRow, scenario: &str) {
    let label = row.id.label();
    let name = |figure: &str| format!("{scenario} {label} {figure}");
    let at = |minute: DateTime<Utc>| -> Counts { handle.with(|range| range.truth().stage(&label, minute)) };
    let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
    let f = &row.figures;
    near(&name("requests"), &f.requests_per_second, |m| at(m).requests as f64 / 60.0, 0.02);
    near(&name("4XX"), &f.client_error_share, |m| share(at(m).status_4xx(), at(m).requests), 0.001);
    near(&name("5XX"), &f.server_error_share, |m| share(at(m).server_errors, at(m).requests), 0.001);
    let slower = |percent: f64| {
        move |minute| {
            handle.with(|range| range.truth().latencies(&label_of(row), minute).percentile(percent)).unwrap_or(0.0)
        }
    };
    near(&name("p50"), &f.latency_p50_ms, slower(50.0), 1.0);
    near(&name("p99"), &f.latency_p99_ms, slower(99.0), 1.0);
    if row.web_acl_arn.is_some() {
        near(&name("blocked"), &f.waf_blocked_per_second, |m| at(m).waf_blocked as f64 / 60.0, 0.02);
        let allowed = |m| (at(m).requests - at(m).waf_blocked) as f64 / 60.0;
        near(&name("allowed"), &f.waf_allowed_per_second, allowed, 0.02);
    }
}

#[tokio::test(start_paused = true)]
async fn every_figure_of_every_scenario_is_what_happened() {
    for (name, text) in EMBEDDED {
        let (handle, board) = read(&with_logs(text, Some("json")), None).await;
        let called = board.stages.iter().filter(|row| {
            let before = handle.now() - TimeDelta::minutes(4);
            handle.with(|range| range.truth().stage(&row.id.label(), before)).requests > 0
        });
        let mut compared = 0;
        for row in called {
            compare(&handle, row, name);
            compared += 1;
        }
        assert!(compared > 0, "{name}: nothing was compared");
    }
}

#[tokio::test(start_paused = true)]
async fn an_http_api_is_read_beside_rest_apis_and_what_it_lacks_is_said() {
    let log = r#"throttle = { rate = 200, burst = 300 }, access_log = { group = "pets", format = "json" }"#;
    let text = PETS.replace("throttle = { rate = 200, burst = 300 }", log);
    let mut range = Range::from_scenario(&text, None).unwrap();
    range
        .account_mut()
        .edit_http_stage("pets000001", "live", |stage| stage.default_settings.rate = Some(20.0))
        .unwrap();
    let handle = RangeHandle::new(range, 1.0);
    // Paused time: account time goes on with it.
    tokio::time::sleep(READ_AFTER).await;
    let connection = Connection { endpoint: Endpoint::Range(handle.clone()), ..Connection::default() };
    let aws = Aws::connect(&connection).await.unwrap();
    let board = read_board(&aws, &Settings::default(), &Beliefs::default()).await.unwrap();
    let row = &board.stages[0];
    assert_eq!((row.kind, row.id.label().as_str()), (ApiKind::Http, "pets/live"));
    compare(&handle, row, "pets");
    let truth = |m| handle.with(|range| range.truth().stage("pets/live", m)).throttled as f64 / 60.0;
    near("pets throttled", &row.figures.throttled_per_second, truth, 0.02);
    assert!(row.figures.throttled_per_second.value().unwrap() > 1.0);
    assert!(row.figures.waf_blocked_per_second.reason().unwrap().contains("no web ACL"));
    assert!(row.figures.cache_hit_share.reason().unwrap().contains("no cache"));
    let limit = row.limit.unwrap();
    assert!((limit.limit.rate - 20.0).abs() < 1e-9 && limit.of == LimitOf::Stage, "{limit:?}");
}

#[tokio::test(start_paused = true)]
async fn throttled_requests_are_what_happened_where_the_access_log_is_on_and_unknown_where_it_is_off() {
    let formats = ["json", "clf"].into_iter().cycle();
    for ((name, text), format) in EMBEDDED.iter().zip(formats) {
        let (handle, board) = read(&with_logs(text, Some(format)), Some(25.0)).await;
        let mut throttled = 0.0;
        for row in board.stages.iter().filter(|row| row.id.stage == "prod") {
            let label = row.id.label();
            let figure = &row.figures.throttled_per_second;
            let truth = |m| handle.with(|range| range.truth().stage(&label, m)).throttled as f64 / 60.0;
            near(&format!("{name} {label} throttled"), figure, truth, 0.02);
            assert_eq!(figure.reading().unwrap().origin, Origin::AccessLog, "{name}");
            throttled += figure.value().unwrap();
        }
        assert!(throttled > 1.0, "{name}: nothing was throttled");
        let (_, board) = read(&with_logs(text, None), Some(25.0)).await;
        for row in &board.stages {
            let reason = row.figures.throttled_per_second.reason().unwrap();
            assert!(reason.contains("access logs"), "{name}: {reason}");
        }
    }
}
