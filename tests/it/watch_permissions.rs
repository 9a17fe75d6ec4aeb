//! Permissions taken away one by one: the board still comes, says what is lacking, and the rest works.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use portcullis::aws::{Aws, Connection, Endpoint, RangeHandle};
use portcullis::drill::EMBEDDED;
use portcullis::model::board::{Board, Known, StageRow};
use portcullis::watch::Watcher;
use portcullis_range::{Fault, Range, When};

use crate::watch::board_with;

/// A watcher on an account with a web ACL and an access log, of which one operation is denied.
async fn denied(service: &str, operation: &str) -> (Watcher, RangeHandle) {
    let (_, text) = EMBEDDED.iter().find(|(name, _)| *name == "credential-stuffing").unwrap();
    let mut range = Range::from_scenario(text, None).unwrap();
    range.faults().add(service, operation, When::Always, Fault::Deny);
    let handle = RangeHandle::new(range, 1.0);
    tokio::time::sleep(Duration::from_mins(6)).await;
    let connection = Connection { endpoint: Endpoint::Range(handle.clone()), ..Connection::default() };
    let aws = Aws::connect(&connection).await.unwrap();
    (Watcher::start(aws, Arc::default()), handle)
}

/// Everything that a board says in words.
fn words(board: &Board) -> String {
    let mut words = vec![format!("{:?}", board.polling.trouble), format!("{:?}", board.account)];
    for row in &board.stages {
        words.push(format!("{:?} {:?} {:?} {:?}", row.web_acl, row.figures, row.warnings, row.burn));
    }
    words.join("\n")
}

fn prod(board: &Board) -> Option<&StageRow> {
    board.stages.iter().find(|row| row.id.stage == "prod")
}

/// Which figures of `accounts/prod` are known: requests, blocks, throttled requests, the account's limit.
fn known(board: &Board) -> [bool; 4] {
    let figure = |of: fn(&StageRow) -> bool| prod(board).is_some_and(of);
    [
        figure(|row| row.figures.requests_per_second.value().is_some()),
        figure(|row| row.figures.waf_allowed_per_second.value().is_some()),
        figure(|row| row.figures.throttled_per_second.value().is_some()),
        matches!(board.account.limit, Known::Yes(_)),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_permission_that_is_lacking_is_said_and_the_rest_works() {
    const ALL: [bool; 4] = [true; 4];
    // Denied, what is still known without it, and what must be said.
    let cases: [(&str, &str, [bool; 4], &str); 12] = [
        ("sts", "GetCallerIdentity", ALL, "GetCallerIdentity"),
        ("apigateway", "GetRestApis", [true, false, false, true], "GetRestApis"),
        ("apigateway", "GetStages", [true, false, false, true], "GetStages"),
        ("apigateway", "GetAccount", [true, true, true, false], "GetAccount"),
        ("apigatewayv2", "GetApis", ALL, "GetApis"),
        ("cloudwatch", "GetMetricData", [false, false, false, true], "GetMetricData"),
        ("cloudwatch", "ListMetrics", ALL, "ListMetrics"),
        ("wafv2", "GetWebACL", ALL, ""),
        ("wafv2", "GetSampledRequests", ALL, ""),
        ("logs", "DescribeMetricFilters", ALL, "DescribeMetricFilters"),
        ("logs", "StartQuery", [true, true, false, true], "StartQuery"),
        ("logs", "GetQueryResults", [true, true, false, true], "GetQueryResults"),
    ];
    for (service, operation, wanted, said) in cases {
        let (watcher, _range) = denied(service, operation).await;
        let mut boards = watcher.boards();
        let board = board_with(&mut boards, 6, |board| known(board) == wanted && words(board).contains(said)).await;
        assert!(!board.stages.is_empty(), "{service} {operation}: no rows");
        assert!(said.is_empty() || words(&board).contains("not permitted"), "{operation}: {}", words(&board));
    }
}
