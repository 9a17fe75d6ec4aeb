//! What discovery costs: in proportion to the stages, counted and not timed.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::aws::{Aws, Connection, Endpoint, RangeHandle};
use portcullis::model::settings::Settings;
use portcullis::watch::Watcher;
use portcullis_range::Range;
use portcullis_range::state::SeriesKey;

/// An account of so many APIs with a stage each, behind a web ACL for every ten of them, called in every minute of the
/// last hour.
fn crowd(stages: usize) -> Range {
    let mut text = String::from(
        "schema = \"portcullis.scenario/1\"\nname = \"crowd\"\ntitle = \"Many\"\nseed = 7\n[world]\naccount = \"111122223333\"\n\
         region = \"eu-central-1\"\nstart = 2026-03-03T03:00:00Z\n[[world.backends]]\nname = \"b\"\ncapacity = 1000\n",
    );
    for n in 0..stages.div_ceil(10) {
        let _ = writeln!(
            text,
            "[[world.web_acls]]\nname = \"front-{n}\"\nmetric_name = \"front-{n}\"\ndefault_action = \"allow\"\nrules = []"
        );
    }
    for n in 0..stages {
        let _ = writeln!(
            text,
            "[[world.apis]]\nname = \"service-{n:04}\"\nbackend = \"b\"\nmethods = [{{ method = \"GET\", path = \"/\" }}]\n\
             [[world.apis.stages]]\nname = \"prod\"\nweb_acl = \"front-{}\"",
            n / 10
        );
    }
    let mut range = Range::from_scenario(&text, None).unwrap();
    let start = range.start();
    let account = range.account_mut();
    for n in 0..stages {
        let name = format!("service-{n:04}");
        let id =
            account.metrics.series(SeriesKey::new("AWS/ApiGateway", "Count", &[("ApiName", &name), ("Stage", "prod")]));
        (1..60).for_each(|minute| account.metrics.record(id, start - TimeDelta::minutes(minute), 1.0, 90));
    }
    range
}

/// Rows of boards and metrics of polls until every detail is there, and account seconds that took.
async fn discovered(stages: usize) -> (usize, usize, i64) {
    let range = RangeHandle::new(crowd(stages), 1.0);
    let began: DateTime<Utc> = range.now();
    let connection = Connection { endpoint: Endpoint::Range(range.clone()), ..Connection::default() };
    let aws = Aws::connect(&connection).await.unwrap();
    let watcher = Watcher::start(aws, Arc::new(Settings::default()));
    let mut boards = watcher.boards();
    let (mut rows, mut metrics, mut polled) = (0, 0, None);
    loop {
        let changed = tokio::time::timeout(Duration::from_hours(1), boards.changed()).await;
        changed.expect("discovery comes to an end").unwrap();
        let board = boards.borrow_and_update().clone();
        rows += board.stages.len();
        if board.polling.read_at != polled {
            polled = board.polling.read_at;
            metrics += board.stages.len();
        }
        let (read, all) = board.polling.details;
        if all >= stages && read == all {
            return (rows, metrics, (board.at - began).num_seconds());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn discovery_makes_rows_in_proportion_to_the_stages() {
    let (few, many) = (discovered(200).await, discovered(800).await);
    eprintln!("200 stages: {few:?}, 800 stages: {many:?} (rows of boards, stages gone through for polls, seconds)");
    let times = |a: usize, b: usize| b as f64 / a as f64;
    // Four times the stages; with a board every quarter of a second it was sixteen times the rows.
    assert!(times(few.0, many.0) < 6.0, "rows: {few:?} to {many:?}");
    assert!(times(few.1, many.1) < 6.0, "polls: {few:?} to {many:?}");
}
