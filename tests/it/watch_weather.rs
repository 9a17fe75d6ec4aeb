//! Watching in bad weather: calls that hang, are refused, come in part, or fail for want of credentials.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use portcullis::aws::RangeHandle;
use portcullis::model::belief::Beliefs;
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
    assert!(read_board(&aws, &Settings::default(), &Beliefs::default()).await.is_err());
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
    let error = read_board(&aws, &settings, &Beliefs::default()).await.unwrap_err();
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
    let board = read_board(&aws, &Settings::default(), &Beliefs::default()).await.unwrap();
    assert!(troubled(&board, "not permitted"), "{:?}", board.polling);
    let prod = row(&board, "shop/prod");
    assert!(prod.figures.requests_per_second.value().is_some());
    assert_eq!(prod.web_acl, Known::NotYet);
    assert!(prod.warnings.iter().any(|w| w.contains("from metrics only")), "{:?}", prod.warnings);

    handle.with(|range| {
        range.faults().clear();
        range.faults().add("apigateway", "GetStages", When::Always, Fault::Deny);
    });
    let board = read_board(&aws, &Settings::default(), &Beliefs::default()).await.unwrap();
    let prod = row(&board, "shop/prod");
    assert!(prod.figures.requests_per_second.value().is_some());
    assert!(matches!(&prod.web_acl, Known::No(reason) if reason.contains("not permitted")));
    assert!(prod.figures.waf_allowed_per_second.reason().unwrap().contains("web ACL not known"));

    handle.with(|range| {
        range.faults().clear();
        range.faults().add("cloudwatch", "*", When::Always, Fault::Deny);
    });
    let board = read_board(&aws, &Settings::default(), &Beliefs::default()).await.unwrap();
    assert!(troubled(&board, "not permitted"), "{:?}", board.polling);
    let prod = row(&board, "shop/prod");
    assert_eq!(prod.web_acl, Known::Yes(Some("shop-acl".into())));
    assert!(prod.figures.requests_per_second.reason().is_some());
    assert!(prod.figures.waf_blocked_per_second.value().is_none(), "not known is not zero");

    handle.with(|range| range.faults().add("apigateway", "*", When::Always, Fault::Deny));
    assert!(read_board(&aws, &Settings::default(), &Beliefs::default()).await.is_err(), "nothing is left to show");
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
    let board = read_board(&aws, &Settings::default(), &Beliefs::default()).await.unwrap();
    let arn = row(&board, "shop/prod").web_acl_arn.clone().unwrap();
    handle.with(|range| range.faults().add("wafv2", "GetSampledRequests", When::First(1), Fault::UnknownOperation));
    let found = sources(&aws, &arn, 1, None).await.unwrap();
    assert_eq!(found.missing.len(), 1, "{:?}", found.missing);
    assert!(!found.sources.is_empty());
    handle.with(|range| range.faults().add("wafv2", "GetSampledRequests", When::Always, Fault::Deny));
    assert!(sources(&aws, &arn, 1, None).await.is_err(), "nothing at all is no empty list");
}

/// Lets `account` pass while the console gets no time at all, as on a machine that sleeps.
async fn sleep_through(handle: &RangeHandle, account: TimeDelta) {
    let moment = Duration::from_secs(1);
    handle.set_rate(account.as_seconds_f64() / moment.as_secs_f64());
    tokio::time::sleep(moment).await;
    handle.set_rate(1.0);
}

#[tokio::test(start_paused = true)]
async fn after_an_hour_of_sleep_what_was_missed_is_read_once_and_without_a_stampede() {
    let (handle, aws) = flood(1.0).await;
    let settings = Settings::default();
    let budget = settings.polling.budget_dollars_per_hour;
    let watcher = Watcher::start(aws, Arc::new(settings));
    let mut boards = watcher.boards();
    let before = board_with(&mut boards, 2, complete).await;
    let calls = || handle.with(|range| range.calls().len());
    let so_far = calls();
    sleep_through(&handle, TimeDelta::hours(1)).await;
    assert_eq!(calls(), so_far, "nothing is asked in one's sleep");
    let woke = handle.now();
    assert!(woke - before.at >= TimeDelta::minutes(59));

    let fresh = |board: &Board| board.polling.read_at.is_some_and(|at| at >= woke);
    let after = board_with(&mut boards, 3, |board| fresh(board) && complete(board)).await;
    let history = &row(&after, "shop/prod").history[Metric::Requests.index()];
    let latest = history.latest().unwrap().0;
    assert!(after.at - latest <= TimeDelta::minutes(4), "{latest} on the board of {}", after.at);
    let missed = history.window(latest, 75).iter().filter(|minute| minute.is_none()).count();
    assert_eq!(missed, 0, "the hour is there");
    let signals = &row(&after, "shop/prod").signals;
    let raised = signals.iter().find(|signal| signal.kind == SignalKind::ClientErrorsHigh).unwrap();
    assert_eq!(raised.since.format("%H:%M").to_string(), "03:02", "it began while nobody looked");

    // Afterwards it is as before: no call is made up for.
    let woken = calls();
    assert!(woken - so_far <= 40, "{} calls to wake up", woken - so_far);
    tokio::time::sleep(Duration::from_mins(10)).await;
    let polls = handle.with(|range| range.calls()[woken..].iter().filter(|c| c.operation == "GetMetricData").count());
    assert!((10..=45).contains(&polls), "{polls} polls in ten minutes");
    let board = Arc::clone(&boards.borrow());
    assert!(board.polling.dollars_per_hour <= budget, "{:?}", board.polling);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_an_hour_ahead_and_is_set_right_leaves_no_minutes_that_are_yet_to_come() {
    let (handle, aws) = flood(1.0).await;
    handle.with(|range| range.set_date_skew(TimeDelta::hours(1)));
    let watcher = Watcher::start(aws, Arc::default());
    let mut boards = watcher.boards();
    let ahead = board_with(&mut boards, 3, |board| board.polling.read_at.is_some()).await;
    assert!(ahead.at - handle.now() > TimeDelta::minutes(50));
    tokio::time::sleep(Duration::from_mins(5)).await;
    handle.with(|range| range.set_date_skew(TimeDelta::zero()));
    let right = |board: &Board| board.at < handle.now() + TimeDelta::seconds(5) && complete(board);
    let board = board_with(&mut boards, 8, right).await;
    let prod = row(&board, "shop/prod");
    for metric in Metric::ALL {
        let latest = prod.history[metric.index()].latest();
        assert!(
            latest.is_none_or(|(minute, _)| minute < board.at),
            "{metric:?} of {latest:?} on a board of {}",
            board.at
        );
    }
    let at = prod.figures.requests_per_second.reading().unwrap().at;
    assert!(at <= board.at && board.at - at <= TimeDelta::minutes(4), "{at} on a board of {}", board.at);
    // And it goes on.
    let later = board_with(&mut boards, 5, |later| later.at - board.at >= TimeDelta::minutes(3)).await;
    let newer = row(&later, "shop/prod").figures.requests_per_second.reading().unwrap().at;
    assert!(newer > at, "{newer} after {at}");
}
