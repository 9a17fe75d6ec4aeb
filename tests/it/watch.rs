//! Watching the range through the real SDK: discovery, polls, figures against the range's own books, signals, sources.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::aws::{Aws, Connection, Endpoint, RangeHandle};
use portcullis::model::belief::Beliefs;
use portcullis::model::board::{Board, Known, Metric, Pace, StageRow};
use portcullis::model::figure::Scope;
use portcullis::model::settings::Settings;
use portcullis::model::signal::{Severity, SignalKind};
use portcullis::model::source::Legitimacy;
use portcullis::watch::{SignalChange, Watcher, attack_began, read_board, signal_changes, sources};
use portcullis_range::Range;
use tokio::sync::watch::Receiver;

pub(crate) const SQLI_FLOOD: &str = include_str!("../../drills/sqli-flood.toml");

/// The drill's account on paused time, at `rate`, and clients for it.
pub(crate) async fn flood(rate: f64) -> (RangeHandle, Aws) {
    let range = Range::from_scenario(SQLI_FLOOD, None).unwrap();
    let handle = RangeHandle::new(range, rate);
    let connection = Connection { endpoint: Endpoint::Range(handle.clone()), ..Connection::default() };
    let aws = Aws::connect(&connection).await.unwrap();
    (handle, aws)
}

/// Waits for a board that meets `wanted`, for `minutes` of wall time (which tests pause) at most.
pub(crate) async fn board_with(
    boards: &mut Receiver<Arc<Board>>,
    minutes: u64,
    wanted: impl Fn(&Board) -> bool,
) -> Arc<Board> {
    let limit = Duration::from_secs(minutes * 60);
    let wait = async { boards.wait_for(|board| wanted(board)).await.map(|board| Arc::clone(&board)) };
    let found = tokio::time::timeout(limit, wait).await.ok();
    match found {
        Some(board) => board.unwrap(),
        None => panic!("no such board in {minutes} minutes; the last one: {:#?}", brief(&boards.borrow())),
    }
}

fn brief(board: &Board) -> (String, &portcullis::model::board::Polling, Vec<String>) {
    let row = |r: &StageRow| format!("{} {:?} {:?} {:?}", r.id.label(), r.web_acl, r.figures, r.signals);
    (board.at.to_string(), &board.polling, board.stages.iter().map(row).collect())
}

pub(crate) fn row<'a>(board: &'a Board, label: &str) -> &'a StageRow {
    board.stages.iter().find(|row| row.id.label() == label).unwrap()
}

pub(crate) fn complete(board: &Board) -> bool {
    !board.stages.is_empty()
        && board.polling.details.0 == board.polling.details.1
        && board.stages.iter().any(|row| row.figures.waf_allowed_per_second.value().is_some())
}

fn assert_near(what: &str, found: f64, truth: f64) {
    assert!((found - truth).abs() <= 0.05 * truth.abs() + 1e-3, "{what}: {found} on the board, {truth} in truth");
}

/// The start of the minute a figure covers.
fn minute_of(figure: &portcullis::model::figure::Figure) -> DateTime<Utc> {
    figure.reading().unwrap().at - TimeDelta::minutes(1)
}

#[tokio::test(start_paused = true)]
async fn the_board_is_empty_at_once_and_then_complete() {
    let (_, aws) = flood(1.0).await;
    let watcher = Watcher::start(aws, Arc::default());
    let mut boards = watcher.boards();
    assert!(boards.borrow().stages.is_empty());
    let board = board_with(&mut boards, 1, complete).await;
    let labels: Vec<String> = board.stages.iter().map(|row| row.id.label()).collect();
    assert_eq!(labels, ["shop/dev", "shop/prod"]);
    let identity = board.identity.as_ref().unwrap();
    assert_eq!((identity.at.account.as_str(), identity.at.region.as_str()), ("111122223333", "eu-central-1"));
    let prod = row(&board, "shop/prod");
    assert_eq!(prod.web_acl, Known::Yes(Some("shop-acl".into())));
    assert_eq!(row(&board, "shop/dev").web_acl, Known::Yes(None));
    assert!(prod.figures.throttled_per_second.reason().unwrap().contains("access logs"));
    assert_eq!(board.polling.trouble, None);
    // The first poll brings the sparklines' past with it.
    let known = prod.history[Metric::Requests.index()].window(board.at, 60).iter().flatten().count();
    assert!(known >= 40, "{known} minutes");
    // In peace WAF blocks nothing, and that is known once it can no longer be late.
    let blocked = prod.figures.waf_blocked_per_second.reading().unwrap();
    assert!(blocked.value.abs() < f64::EPSILON);
    assert_eq!(blocked.scope, Scope::WebAcl { name: "shop-acl".into(), stages: 1 });
}

/// On wall time, which goes on between two looks at the clock: paused time once hid that boards waited for the minute
/// to turn.
#[tokio::test]
async fn news_makes_a_board_at_once_and_not_only_with_the_next_minute() {
    let (handle, aws) = flood(1.0).await;
    let opened = handle.now();
    let watcher = Watcher::start(aws, Arc::default());
    let board = board_with(&mut watcher.boards(), 1, complete).await;
    assert!(board.at - opened < TimeDelta::seconds(50), "only after {}", board.at - opened);
}

#[tokio::test(start_paused = true)]
async fn polls_come_once_a_minute_in_as_few_calls_as_can_be() {
    let (handle, aws) = flood(1.0).await;
    let watcher = Watcher::start(aws, Arc::default());
    let mut boards = watcher.boards();
    board_with(&mut boards, 1, complete).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let calls = || handle.with(|range| range.calls().iter().filter(|call| call.operation == "GetMetricData").count());
    let before = calls();
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(calls() - before, 2);
    let board = Arc::clone(&boards.borrow());
    // Five of each stage, three of the web ACL.
    assert_eq!((board.polling.metrics, board.polling.calls), (13, 1));
    assert!((board.polling.dollars_per_hour - 13.0 * 60.0 * 0.01 / 1000.0).abs() < 1e-9);
    // The attacked stage and its web ACL come three times as often, with the integration's latency; the other stage
    // does not.
    let attacked = board_with(&mut boards, 5, |board| !row(board, "shop/prod").signals.is_empty()).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let before = calls();
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(calls() - before, 6);
    let board = Arc::clone(&boards.borrow());
    assert_eq!(row(&attacked, "shop/dev").pace, Pace::Usual);
    assert_eq!(row(&board, "shop/prod").pace, Pace::Close);
    assert!(row(&board, "shop/prod").figures.integration_latency_p99_ms.value().is_some());
    let expected = (9.0 * 180.0 + 5.0 * 60.0) * 0.01 / 1000.0;
    assert!((board.polling.dollars_per_hour - expected).abs() < 1e-9, "{}", board.polling.dollars_per_hour);
    drop(watcher);
    let after = calls();
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(calls(), after, "a watcher that was dropped asks nothing");
}

#[tokio::test(start_paused = true)]
async fn the_flood_raises_its_signals_within_five_minutes_and_the_figures_are_true() {
    let (handle, aws) = flood(1.0).await;
    let start = handle.now();
    let settings: Arc<Settings> = Arc::default();
    let watcher = Watcher::start(aws.clone(), Arc::clone(&settings));
    let mut boards = watcher.boards();
    let calm = board_with(&mut boards, 1, complete).await;
    assert!(calm.stages.iter().all(|row| row.signals.is_empty()), "{:?}", brief(&calm));
    let attacked = |board: &Board| {
        let signals = &row(board, "shop/prod").signals;
        signals.iter().any(|s| s.kind == SignalKind::ClientErrorsHigh && s.severity == Severity::Attack)
    };
    let board = board_with(&mut boards, 5, attacked).await;
    assert!(board.at - start <= TimeDelta::seconds(290), "raised after {}", board.at - start);
    let raised = signal_changes(&calm, &board);
    assert!(raised.iter().any(|change| matches!(change, SignalChange::Raised { stage, signal }
            if stage.label() == "shop/prod" && signal.kind == SignalKind::ClientErrorsHigh)));

    let board = board_with(&mut boards, 3, |board| board.at - start > TimeDelta::seconds(400)).await;
    let figures = &row(&board, "shop/prod").figures;
    let minute = minute_of(&figures.requests_per_second);
    let truth = handle.with(|range| range.truth().stage("shop/prod", minute));
    let requests = truth.requests as f64;
    assert_near("requests", figures.requests_per_second.value().unwrap(), requests / 60.0);
    let share = truth.status_4xx() as f64 / requests;
    assert_near("4XX", figures.client_error_share.value().unwrap(), share);
    let share = truth.server_errors as f64 / requests;
    assert_near("5XX", figures.server_error_share.value().unwrap(), share);
    let minute = minute_of(&figures.waf_allowed_per_second);
    let truth = handle.with(|range| range.truth().stage("shop/prod", minute));
    let allowed = (truth.requests - truth.waf_blocked) as f64;
    assert_near("allowed", figures.waf_allowed_per_second.value().unwrap(), allowed / 60.0);
    assert!(row(&board, "shop/dev").signals.is_empty());

    let prod = row(&board, "shop/prod").id.clone();
    let began = attack_began(&aws, &settings, &prod, Some("shop-acl")).await.unwrap().unwrap();
    assert_eq!(began, start + TimeDelta::minutes(2));
    let quiet = row(&board, "shop/dev").id.clone();
    assert_eq!(attack_began(&aws, &settings, &quiet, None).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn the_sources_are_the_botnet_and_customers_are_known_from_before() {
    let (handle, aws) = flood(1.0).await;
    let start = handle.now();
    tokio::time::sleep(Duration::from_secs(330)).await;
    let board = read_board(&aws, &Settings::default(), &Beliefs::default()).await.unwrap();
    let arn = row(&board, "shop/prod").web_acl_arn.clone().unwrap();
    let found = sources(&aws, &arn, 1, Some(start + TimeDelta::minutes(2))).await.unwrap();
    assert_eq!((found.web_acl.as_str(), found.stages_behind), ("shop-acl", 1));
    assert_eq!(found.missing, Vec::<String>::new());
    let botnet = |address: &std::net::IpAddr| {
        ["203.0.113.0/25", "198.51.100.0/25", "2001:db8:bad::/48"]
            .iter()
            .any(|prefix| prefix.parse::<ipnet::IpNet>().unwrap().contains(address))
    };
    let top = &found.sources[..30];
    assert!(top.iter().all(|s| botnet(&s.address)), "{:?}", top.iter().map(|s| s.address).collect::<Vec<_>>());
    let share: f64 = found.sources.iter().filter(|s| botnet(&s.address)).filter_map(|s| s.share).sum();
    assert!((0.85..=0.97).contains(&share), "the botnet sends ten elevenths, not {share}");
    let total: f64 = found.sources.iter().filter_map(|s| s.share).sum();
    assert!((total - 1.0).abs() < 1e-6, "{total}");
    // What the sample saw is said, and is far less than what there was.
    let minute = found.from;
    let truth: u64 =
        (0..2).map(|n| handle.with(|r| r.truth().stage("shop/prod", minute + TimeDelta::minutes(n)).requests)).sum();
    let estimate = found.population.unwrap() as f64 / truth as f64;
    assert!((0.8..1.25).contains(&estimate), "{:?} of {truth}", found.population);
    assert!(found.seen <= Some(10_000) && found.seen < found.population);
    assert!(top.iter().all(|s| s.legitimacy == Legitimacy::NotSeenBefore));
    assert!(found.sources.iter().any(|s| s.legitimacy == Legitimacy::SeenBefore && !botnet(&s.address)));
    assert!(top.iter().any(|s| s.rules.iter().any(|(rule, _)| rule.contains("sqli"))));
    for source in &found.sources {
        let texts = source.requests_by_path.iter().chain(&source.user_agents);
        for (text, _) in texts {
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }
    let unknown = sources(&aws, &arn, 1, None).await.unwrap();
    assert!(unknown.sources.iter().all(|s| s.legitimacy == Legitimacy::Unknown));
}

#[tokio::test(start_paused = true)]
async fn two_apis_of_one_name_say_so() {
    let (handle, aws) = flood(1.0).await;
    handle.with(|range| {
        let account = range.account_mut();
        let api = account.create_api("shop", None);
        let deployment = account.create_deployment(&api, None).unwrap();
        account.create_stage(&api, "prod", &deployment).unwrap();
    });
    let board = read_board(&aws, &Settings::default(), &Beliefs::default()).await.unwrap();
    let prods: Vec<&StageRow> = board.stages.iter().filter(|row| row.id.label() == "shop/prod").collect();
    assert_eq!(prods.len(), 2);
    for row in prods {
        let reading = row.figures.requests_per_second.reading().unwrap();
        assert_eq!(reading.scope, Scope::ApiName { apis: 2 });
        assert!(row.warnings.iter().any(|w| w.contains("2 APIs are named")), "{:?}", row.warnings);
    }
    let dev = row(&board, "shop/dev").figures.requests_per_second.reading().unwrap();
    assert_eq!(dev.scope, Scope::Stage, "only one of them has such a stage");
    // One series is asked for once: three groups of metrics, not four.
    assert_eq!(board.polling.metrics, 13);
}

#[tokio::test(start_paused = true)]
async fn stages_come_and_go() {
    let (handle, aws) = flood(1.0).await;
    let watcher = Watcher::start(aws, Arc::default());
    let mut boards = watcher.boards();
    board_with(&mut boards, 1, complete).await;
    handle.with(|range| {
        let account = range.account_mut();
        let api = account.gateway.apis.values_mut().find(|api| api.name == "shop").unwrap();
        api.stages.remove("dev");
        let api = account.create_api("blog", None);
        let deployment = account.create_deployment(&api, None).unwrap();
        account.create_stage(&api, "prod", &deployment).unwrap();
    });
    let labels = |board: &Board| board.stages.iter().map(|row| row.id.label()).collect::<Vec<_>>();
    let board = board_with(&mut boards, 15, |board| labels(board) == ["blog/prod", "shop/prod"]).await;
    let idle = &row(&board, "blog/prod").figures;
    assert!(idle.requests_per_second.reason().is_some(), "nobody calls it: a gap, not zero");
}

#[tokio::test(start_paused = true)]
async fn many_stages_take_as_many_calls_as_their_metrics_need() {
    let (handle, aws) = flood(1.0).await;
    handle.with(|range| {
        let account = range.account_mut();
        for n in 0..60 {
            let api = account.create_api(&format!("api-{n:02}"), None);
            let deployment = account.create_deployment(&api, None).unwrap();
            for stage in 0..10 {
                account.create_stage(&api, &format!("s{stage}"), &deployment).unwrap();
            }
        }
    });
    let watcher = Watcher::start(aws, Arc::default());
    let mut boards = watcher.boards();
    let first = board_with(&mut boards, 1, |board| {
        board.stages.iter().any(|row| row.figures.requests_per_second.value().is_some())
    })
    .await;
    assert!(first.polling.details.0 < first.polling.details.1, "active stages show before the details are there");
    board_with(&mut boards, 5, |board| board.polling.details == (602, 602)).await;
    let board = board_with(&mut boards, 6, |board| board.polling.metrics >= 600 + 13).await;
    assert_eq!(board.polling.calls, 2);
    // The control plane's quota is the account's: polling takes at most half of it.
    let gateway: Vec<DateTime<Utc>> = handle.with(|range| {
        let calls = range.calls().iter().filter(|call| call.service == "apigateway");
        calls.map(|call| call.at).collect()
    });
    for at in &gateway {
        let within = gateway.iter().filter(|other| (**other - *at).num_seconds().abs() < 5).count();
        assert!(within <= 20 + 5 * 10, "{within} calls around {at}");
    }
}
