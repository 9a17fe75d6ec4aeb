//! Metrics that come late: what is not known is said to be unknown, and an attack stands until it is judged to be over.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use portcullis::aws::RangeHandle;
use portcullis::model::belief::Beliefs;
use portcullis::model::board::{Board, StageRow};
use portcullis::model::settings::Settings;
use portcullis::model::signal::{Severity, SignalState};
use portcullis::watch::{SignalChange, Watcher, read_board, signal_changes};
use portcullis_range::Range;
use serde_json::json;

use super::program::{Program, served_range};
use super::watch::{SQLI_FLOOD, board_with, complete, flood, row};

/// Lets API Gateway's and WAF's minutes come so late from now on; what is published stays so.
fn publish(range: &RangeHandle, seconds: u32) {
    let now = range.now();
    range.with(|range| {
        for namespace in ["AWS/ApiGateway", "AWS/WAFV2"] {
            range.account_mut().metrics.set_delay(namespace, seconds, now);
        }
    });
}

fn attacks(row: &StageRow) -> Vec<(&'static str, SignalState)> {
    let attacks = row.signals.iter().filter(|signal| signal.severity == Severity::Attack);
    attacks.map(|signal| (signal.kind.id(), signal.state())).collect()
}

#[tokio::test(start_paused = true)]
async fn an_attack_stands_while_its_minutes_are_late_and_no_zero_is_made_of_silence() {
    let (range, aws) = flood(1.0).await;
    let watcher = Watcher::start(aws.clone(), Arc::default());
    let mut boards = watcher.boards();
    board_with(&mut boards, 1, complete).await;
    let judged =
        |board: &Board| attacks(row(board, "shop/prod")).iter().any(|(_, state)| *state == SignalState::Stands);
    let before = board_with(&mut boards, 10, judged).await;
    let stood: Vec<&str> = attacks(row(&before, "shop/prod")).into_iter().map(|(kind, _)| kind).collect();
    publish(&range, 300);
    let late = board_with(&mut boards, 10, |board| row(board, "shop/prod").not_judged_since().is_some()).await;
    let prod = row(&late, "shop/prod");
    let f = &prod.figures;
    for figure in
        [&f.requests_per_second, &f.waf_blocked_per_second, &f.waf_allowed_per_second, &f.waf_counted_per_second]
    {
        assert!(figure.reason().is_some_and(|why| why.contains("not published yet")), "{figure:?}");
    }
    let since = prod.not_judged_since().unwrap();
    assert!(late.at - since >= TimeDelta::minutes(5), "{since} at {}", late.at);
    let stands: Vec<&str> = attacks(prod).into_iter().map(|(kind, _)| kind).collect();
    assert!(stood.iter().all(|kind| stands.contains(kind)), "{stood:?} stood, and {stands:?} stand");
    assert!(attacks(prod).iter().all(|(_, state)| *state == SignalState::NotJudged), "{:?}", attacks(prod));
    let ended = |after: &Board| {
        let changes = signal_changes(&before, after);
        changes.into_iter().any(|change| matches!(change, SignalChange::Ended { stage, .. } if stage == prod.id))
    };
    // As long as it lasts: no board ends anything.
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(!ended(&boards.borrow()), "ended, and nothing was judged");
    }
    // One that has only just started reads the same.
    let fresh = read_board(&aws, &Settings::default(), &Beliefs::default()).await.unwrap();
    assert!(!attacks(row(&fresh, "shop/prod")).is_empty());
    publish(&range, 60);
    board_with(&mut boards, 10, judged).await;
}

#[test]
fn a_snapshot_of_late_metrics_says_since_when_nothing_was_judged() {
    let text = SQLI_FLOOD.replace("history = \"45m\"", "history = \"45m\"\nmetrics_delay = \"6m\"");
    let served = served_range(RangeHandle::new(Range::from_scenario(&text, None).unwrap(), 1.0));
    let program = Program::new(&served.url);
    let read = program.json(0, "snapshot", &["snapshot"]);
    let prod = read["stages"].as_array().unwrap().iter().find(|row| row["stage"] == "shop/prod").unwrap();
    for figure in ["requests_per_second", "waf_blocked_per_second", "waf_allowed_per_second", "waf_counted_per_second"]
    {
        assert_eq!(prod[figure], json!(null), "{figure}");
        let why = prod["unknown"][figure].as_str().unwrap();
        assert!(why.contains("no data since 02:5") && why.contains("not published yet"), "{figure}: {why}");
    }
    let not_judged = prod["not_judged"].as_array().unwrap();
    let errors = not_judged.iter().find(|one| one["kind"] == "client-errors-high").unwrap();
    assert!(errors["since"].as_str().unwrap().starts_with("2026-03-03T02:5"), "{errors}");
    let words = program.run(&["snapshot"]).exits(0).out;
    assert!(words.contains("? not judged since 2026-03-03 02:5"), "{words}");
}
