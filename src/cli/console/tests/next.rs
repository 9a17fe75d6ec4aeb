//! What the first lines say of what would help, read by itself: inside the budget for log queries, and in what they are
//! said to have cost.

use super::*;
use crate::model::board::Board;

/// Log queries that were made, what the board says they have cost, and whether who sends was told by the log, once
/// `NEXT` has been read.
async fn read(budget: f64) -> (usize, f64, bool) {
    let drill = Drill::load(Some("lockout-trap")).unwrap();
    let range = drill.range(60.0, None).unwrap();
    let mut settings = drill.settings.clone();
    settings.polling.log_budget_dollars_per_hour = budget;
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let mut console = console_with(Mode::ReadOnly, range, dir, Whose::Newest, settings);
    let mut said = None;
    let answered = |event: &Event| match event {
        Event::From(_, News::Proposals { result, .. }) => {
            said = Some(result.clone().unwrap());
            true
        }
        _ => false,
    };
    console.until("what would help", answered).await;
    let mut board: Option<Arc<Board>> = None;
    let next = |event: &Event| match event {
        Event::From(_, News::Board(next)) => {
            board = Some(Arc::clone(next));
            true
        }
        _ => false,
    };
    console.until("the next board", next).await;
    let queries =
        console.range.with(|range| range.calls().iter().filter(|call| call.operation == "StartQuery").count());
    let refused = said.unwrap().unknown.iter().any(|line| line.contains("not asked by itself"));
    (queries, board.unwrap().polling.log_dollars, refused)
}

#[tokio::test(start_paused = true)]
async fn what_next_asks_of_the_log_is_in_its_budget_and_in_its_price() {
    let (queries, dollars, _) = Box::pin(read(1.0)).await;
    assert!(queries > 0 && dollars > 0.0, "{queries} queries, ${dollars}");
    let (queries, dollars, _) = Box::pin(read(0.0)).await;
    assert_eq!((queries, dollars), (0, 0.0));
}
