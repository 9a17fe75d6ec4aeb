//! Watching in bad weather: calls that hang, are refused, come in part, or fail for want of credentials.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use portcullis::model::board::{Board, Known, Metric};
use portcullis::model::settings::Settings;
use portcullis::model::signal::SignalKind;
use portcullis::watch::{Watcher, read_board, signal_changes, sources};
use portcullis_range::{Fault, When};

use crate::watch::{board_with, complete, flood, row};

fn troubled(board: &Board, words: &str) -> bool {
    board.polling.trouble.as_ref().is_some_and(|trouble| trouble.contains(words))
}

#[tokio::test(start_paused = true)]
async fn boards_go_on_while_every_call_hangs() {
    let (handle, aws) = flood(1.0).await;
    let watcher = Watcher::start(aws, Arc::default());
    let mut boards = watcher.boards();
    let before = board_with(&mut boards, 1, complete).await;
    handle.with(|range| range.faults().add("*", "*", When::Always, Fault::Hang));
    let told = board_with(&mut boards, 3, |board| troubled(board, "no answer in time")).await;
    let figure = |board: &Board| row(board, "shop/prod").figures.requests_per_second.clone();
    assert_eq!(figure(&told), figure(&before), "what was read stays, with its own age");
    assert_eq!(told.polling.read_at, before.polling.read_at);
    // A number that looks live and is not must not stay.
    let old = board_with(&mut boards, 8, |board| figure(board).value().is_none()).await;
    assert!(figure(&old).reason().unwrap().contains("min ago"), "{:?}", figure(&old));
    assert!(old.at - before.at >= TimeDelta::minutes(3));
    let mut last = old.at;
    for _ in 0..5 {
        let board = board_with(&mut boards, 2, |board| board.at > last).await;
        assert!(board.at - last <= TimeDelta::seconds(70), "boards come every minute at least");
        last = board.at;
    }
    handle.with(|range| range.faults().clear());
    let back = board_with(&mut boards, 3, |board| figure(board).value().is_some()).await;
    let history = &row(&back, "shop/prod").history[Metric::Requests.index()];
    let gaps = history.window(history.latest().unwrap().0, 20).iter().filter(|m| m.is_none()).count();
    assert_eq!(gaps, 0, "what was missed is read again");
    let calm = board_with(&mut boards, 15, |board| board.polling.trouble.is_none()).await;
    assert!(complete(&calm));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_never_answers_still_gives_boards() {
    let (handle, aws) = flood(1.0).await;
    handle.with(|range| range.faults().add("*", "*", When::Always, Fault::Hang));
    let watcher = Watcher::start(aws.clone(), Arc::default());
    let mut boards = watcher.boards();
    let board = board_with(&mut boards, 2, |board| troubled(board, "no answer in time")).await;
    assert!(board.stages.is_empty());
    assert!(read_board(&aws, &Settings::default()).await.is_err());
    handle.with(|range| range.faults().clear());
    board_with(&mut boards, 10, complete).await;
}

#[tokio::test(start_paused = true)]
async fn credentials_expire_and_come_back() {
    let (handle, aws) = flood(1.0).await;
    let settings = Settings::default();
    let watcher = Watcher::start(aws.clone(), Arc::new(settings.clone()));
    let mut boards = watcher.boards();
    let before = board_with(&mut boards, 1, complete).await;
    handle.with(|range| range.faults().add("*", "*", When::Always, Fault::ExpiredToken));
    let told = board_with(&mut boards, 3, |board| troubled(board, "Sign in again")).await;
    let calls = || {
        handle.with(|range| {
            let metrics = range.calls().iter().filter(|call| call.operation == "GetMetricData");
            metrics.map(|call| call.at).collect::<Vec<_>>()
        })
    };
    let so_far = calls().len();
    tokio::time::sleep(Duration::from_mins(5)).await;
    let tries = calls().split_off(so_far);
    assert!((3..=20).contains(&tries.len()), "{} tries in five minutes", tries.len());
    let quarter = TimeDelta::seconds(14);
    assert!(tries.windows(2).all(|pair| pair[1] - pair[0] >= quarter), "{tries:?}");
    let error = read_board(&aws, &settings).await.unwrap_err();
    assert!(error.is_about_credentials(), "{error}");
    handle.with(|range| range.faults().clear());
    let back = board_with(&mut boards, 12, |board| board.polling.trouble.is_none()).await;
    assert!(back.polling.read_at > told.polling.read_at && told.polling.read_at == before.polling.read_at);
}

#[tokio::test(start_paused = true)]
async fn signals_stand_while_nothing_can_be_read() {
    let (handle, aws) = flood(1.0).await;
    let watcher = Watcher::start(aws, Arc::default());
    let mut boards = watcher.boards();
    let kinds = |board: &Board| -> Vec<SignalKind> {
        let rows = board.stages.iter().find(|row| row.id.label() == "shop/prod");
        rows.into_iter().flat_map(|row| &row.signals).map(|signal| signal.kind).collect()
    };
    let attacked = board_with(&mut boards, 8, |b| kinds(b).contains(&SignalKind::ClientErrorsHigh)).await;
    handle.with(|range| range.faults().add("cloudwatch", "*", When::Always, Fault::ServerError(503)));
    let later = board_with(&mut boards, 20, |board| board.at - attacked.at > TimeDelta::minutes(15)).await;
    assert_eq!(kinds(&later), kinds(&attacked), "an outage of the readings ends nothing");
    assert!(signal_changes(&attacked, &later).is_empty());
    assert!(row(&later, "shop/prod").figures.requests_per_second.value().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_one_service_refuses_leaves_the_others_columns() {
    let (handle, aws) = flood(1.0).await;
    handle.with(|range| range.faults().add("apigateway", "*", When::Always, Fault::Deny));
    let board = read_board(&aws, &Settings::default()).await.unwrap();
    assert!(troubled(&board, "not permitted"), "{:?}", board.polling);
    let prod = row(&board, "shop/prod");
    assert!(prod.figures.requests_per_second.value().is_some());
    assert_eq!(prod.web_acl, Known::NotYet);
    assert!(prod.warnings.iter().any(|w| w.contains("from metrics only")), "{:?}", prod.warnings);

    handle.with(|range| {
        range.faults().clear();
        range.faults().add("apigateway", "GetStages", When::Always, Fault::Deny);
    });
    let board = read_board(&aws, &Settings::default()).await.unwrap();
    let prod = row(&board, "shop/prod");
    assert!(prod.figures.requests_per_second.value().is_some());
    assert!(matches!(&prod.web_acl, Known::No(reason) if reason.contains("not permitted")));
    assert!(prod.figures.waf_allowed_per_second.reason().unwrap().contains("web ACL not known"));

    handle.with(|range| {
        range.faults().clear();
        range.faults().add("cloudwatch", "*", When::Always, Fault::Deny);
    });
    let board = read_board(&aws, &Settings::default()).await.unwrap();
    assert!(troubled(&board, "not permitted"), "{:?}", board.polling);
    let prod = row(&board, "shop/prod");
    assert_eq!(prod.web_acl, Known::Yes(Some("shop-acl".into())));
    assert!(prod.figures.requests_per_second.reason().is_some());
    assert!(prod.figures.waf_blocked_per_second.value().is_none(), "not known is not zero");

    handle.with(|range| range.faults().add("apigateway", "*", When::Always, Fault::Deny));
    assert!(read_board(&aws, &Settings::default()).await.is_err(), "nothing is left to show");
}

#[tokio::test(start_paused = true)]
async fn partial_data_are_shown_as_such_and_completed_later() {
    let (handle, aws) = flood(1.0).await;
    handle.with(|range| range.faults().add("cloudwatch", "GetMetricData", When::First(2), Fault::PartialData));
    let watcher = Watcher::start(aws, Arc::default());
    let mut boards = watcher.boards();
    let has = |board: &Board, words: &str| {
        let prod = board.stages.iter().find(|row| row.id.label() == "shop/prod");
        prod.is_some_and(|row| row.warnings.iter().any(|warning| warning.contains(words)))
    };
    board_with(&mut boards, 2, |board| has(board, "only a part")).await;
    let board = board_with(&mut boards, 5, |board| complete(board) && !has(board, "only a part")).await;
    let history = &row(&board, "shop/prod").history[Metric::Requests.index()];
    let known = history.window(history.latest().unwrap().0, 40).iter().flatten().count();
    assert_eq!(known, 40, "the past that was cut off is asked for again");
}

#[tokio::test(start_paused = true)]
async fn throttled_reads_are_told_and_recover() {
    let (handle, aws) = flood(1.0).await;
    let watcher = Watcher::start(aws, Arc::default());
    let mut boards = watcher.boards();
    board_with(&mut boards, 1, complete).await;
    handle.with(|range| range.faults().add("cloudwatch", "GetMetricData", When::Always, Fault::Throttle));
    board_with(&mut boards, 3, |board| troubled(board, "limiting calls")).await;
    handle.with(|range| range.faults().clear());
    board_with(&mut boards, 3, |board| board.polling.trouble.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_cannot_be_sampled_is_named() {
    let (handle, aws) = flood(1.0).await;
    tokio::time::sleep(Duration::from_secs(200)).await;
    let board = read_board(&aws, &Settings::default()).await.unwrap();
    let arn = row(&board, "shop/prod").web_acl_arn.clone().unwrap();
    handle.with(|range| range.faults().add("wafv2", "GetSampledRequests", When::First(1), Fault::UnknownOperation));
    let found = sources(&aws, &arn, 1, None).await.unwrap();
    assert_eq!(found.missing.len(), 1, "{:?}", found.missing);
    assert!(!found.sources.is_empty());
    handle.with(|range| range.faults().add("wafv2", "GetSampledRequests", When::Always, Fault::Deny));
    assert!(sources(&aws, &arn, 1, None).await.is_err(), "nothing at all is no empty list");
}
