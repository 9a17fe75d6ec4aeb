//! Permissions taken away one by one: whatever the account refuses to tell, every screen draws, and says what is
//! lacking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyModifiers};
use portcullis::model::attack::Attacks;
use portcullis::model::belief::Beliefs;
use portcullis::model::connection::ConnectionId;
use portcullis::model::figure::Figure;
use portcullis::tui::{Mode, News};
use portcullis::watch::{read_board, sources, stage_report};
use portcullis_range::{Fault, When};

use super::tui_screens::Console;
use crate::world::flood;

/// Who we are: nothing can be said of an account that does not say even that.
const WITHOUT_IT_NOTHING: &str = "GetCallerIdentity";

/// Every screen that figures stand on, from what the account still tells; the words of all of them together.
async fn screens(world: &crate::world::World) -> String {
    let board = read_board(&world.aws, &world.settings, &Beliefs::default()).await;
    let mut console = Console::new(Mode::ReadOnly, (120, 40));
    let mut words = String::new();
    let board = match board {
        Ok(board) => board,
        // What the host shows then.
        Err(error) => return error.to_string(),
    };
    let row = board.stages.iter().find(|row| row.id.label() == "shop/prod").cloned();
    console.board(board);
    words += &console.text();
    let Some(row) = row else { return words };
    console.keys("/shop/prod").enter().enter();
    let report = Box::pin(stage_report(&world.aws, &world.settings, (&row.id, row.kind), &Attacks::default())).await;
    console.event(News::Stage(Arc::new(report)).from(ConnectionId::FIRST));
    for _ in 0..10 {
        words += &console.text();
        console.code(KeyCode::PageDown, KeyModifiers::NONE);
    }
    console.keys("s");
    let read = match &row.web_acl_arn {
        Some(arn) => sources(&world.aws, arn, 1, None).await.map_err(|error| error.to_string()),
        None => Err("the web ACL is not known".to_owned()),
    };
    console.event(News::Sources { stage: row.id.clone(), result: read.map(Arc::new) }.from(ConnectionId::FIRST));
    words += &console.text();
    words
}

fn called(world: &crate::world::World) -> BTreeSet<String> {
    world.range.with(|range| range.calls().iter().map(|call| call.operation.clone()).collect())
}

#[tokio::test(start_paused = true)]
async fn every_screen_draws_and_says_what_is_lacking_whatever_is_denied() {
    let world = flood(1.0).await;
    let whole = Box::pin(screens(&world)).await;
    assert!(whole.contains("WHAT GUARDS IT") && whole.contains("METHODS") && whole.contains("SOURCES"), "{whole}");
    let operations = called(&world);
    assert!(operations.len() > 12, "the screens rest on {operations:?}");
    let mut silent = Vec::new();
    for operation in operations.iter().filter(|name| *name != WITHOUT_IT_NOTHING) {
        let world = flood(1.0).await;
        world.range.with(|range| range.faults().add("*", operation, When::Always, Fault::Deny));
        let words = Box::pin(screens(&world)).await;
        let flat = words.split_whitespace().collect::<Vec<_>>().join(" ");
        if !(flat.contains("not permitted") && flat.contains(operation.as_str())) {
            silent.push(operation);
        }
    }
    assert!(silent.is_empty(), "denied, and no screen says so: {silent:?}");
}

/// What is not known is `?` with its reason in the details, on the board itself.
#[tokio::test(start_paused = true)]
async fn without_metrics_no_figure_is_made_up() {
    let world = flood(1.0).await;
    world.range.with(|range| range.faults().add("*", "GetMetricData", When::Always, Fault::Deny));
    let Ok(board) = read_board(&world.aws, &world.settings, &Beliefs::default()).await else { return };
    for row in &board.stages {
        assert!(matches!(row.figures.requests_per_second, Figure::Unknown(_)), "{row:?}");
    }
    let mut console = Console::new(Mode::ReadOnly, (120, 40));
    console.board(board);
    let text = console.text();
    assert!(text.contains("TROUBLE"), "{text}");
}
