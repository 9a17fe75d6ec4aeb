//! The host: carries out what the screen asks for, and tells it what happens in the account.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::act::Acting;
use super::incident::Journalling;
use super::surroundings::{MustFinish, Surroundings};
use crate::aws::{Aws, Connection, RangeHandle};
use crate::model::board::Board;
use crate::model::timeline::ActionRecord;
use crate::tui::{Effect, Event};
use crate::watch::Watcher;

/// Wall time between two looks at the journal, for what other processes write.
const JOURNAL_LOOK: Duration = Duration::from_millis(500);
/// Wall time between two looks for what has expired.
const SWEEP: Duration = Duration::from_secs(10);

/// How to connect, and the range behind it with its speed, in a drill.
pub(super) trait Connect:
    Future<Output = Result<(Connection, Option<(RangeHandle, f64)>), String>> + Send + 'static
{
}
impl<F> Connect for F where F: Future<Output = Result<(Connection, Option<(RangeHandle, f64)>), String>> + Send + 'static
{}

/// What is left when the screen is gone.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) in_force: Vec<ActionRecord>,
    pub(super) at: Option<DateTime<Utc>>,
}

/// Carries out effects until the screen is gone.
pub(super) struct Host;

impl Host {
    pub(super) async fn run(
        surroundings: Surroundings,
        connect: impl Connect,
        events: UnboundedSender<Event>,
        mut effects: UnboundedReceiver<Effect>,
    ) -> Left {
        // The screen may be left before there is a connection.
        let connected = tokio::select! {
            connected = connected(connect, &events) => connected,
            () = quit(&mut effects) => return Left::default(),
        };
        let (aws, range) = connected;
        let journalling = Arc::new(Journalling::new(&surroundings, aws.clone(), events.clone()));
        let must_finish = MustFinish::default();
        let watcher = Watcher::start(aws.clone(), Arc::clone(&surroundings.settings));
        let acting = Acting {
            aws: aws.clone(),
            settings: Arc::clone(&surroundings.settings),
            journalling: Arc::clone(&journalling),
            events: events.clone(),
            must_finish: must_finish.clone(),
            range,
            latest: Arc::default(),
            exports: surroundings.exports.clone(),
            may_write: surroundings.may_write,
            tried: Arc::default(),
            playbooks: Arc::clone(&surroundings.playbooks),
            boards: watcher.boards(),
        };
        let background = [
            tokio::spawn(boards(
                watcher.boards(),
                Arc::clone(&journalling),
                Arc::clone(&acting.latest),
                events.clone(),
            )),
            tokio::spawn(timeline(Arc::clone(&journalling))),
            tokio::spawn(sweeps(acting.clone(), surroundings.may_write)),
        ];
        while let Some(effect) = effects.recv().await {
            if effect == Effect::Quit {
                break;
            }
            acting.carry_out(effect);
        }
        for task in background {
            task.abort();
        }
        must_finish.finished().await;
        Left { in_force: journalling.in_force().await, at: Some(aws.clock().now()) }
    }
}

async fn quit(effects: &mut UnboundedReceiver<Effect>) {
    while let Some(effect) = effects.recv().await {
        if effect == Effect::Quit {
            return;
        }
    }
}

/// Connects; what stands in the way is shown, and tried again.
async fn connected(connect: impl Connect, events: &UnboundedSender<Event>) -> (Aws, Option<(RangeHandle, f64)>) {
    let (connection, range) = match connect.await {
        Ok(found) => found,
        Err(error) => {
            trouble(events, error);
            std::future::pending().await
        }
    };
    loop {
        match Aws::connect(&connection).await {
            Ok(aws) => return (aws, range),
            Err(error) => trouble(events, error.to_string()),
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

fn trouble(events: &UnboundedSender<Event>, what: String) {
    let mut board = Board::empty(Utc::now());
    board.polling.trouble = Some(what);
    let _ = events.send(Event::Board(Arc::new(board)));
}

/// Passes boards on to the screen, and what they raise and end to the journal.
async fn boards(
    mut boards: tokio::sync::watch::Receiver<Arc<Board>>,
    journalling: Arc<Journalling>,
    latest: Arc<Mutex<Option<Arc<Board>>>>,
    events: UnboundedSender<Event>,
) {
    let mut before: Option<Arc<Board>> = None;
    loop {
        let board = boards.borrow_and_update().clone();
        *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&board));
        let _ = events.send(Event::Board(Arc::clone(&board)));
        journalling.signals(before.as_deref(), &board).await;
        before = Some(board);
        if boards.changed().await.is_err() {
            return;
        }
    }
}

async fn timeline(journalling: Arc<Journalling>) {
    journalling.reconcile().await;
    loop {
        journalling.show_changes();
        tokio::time::sleep(JOURNAL_LOOK).await;
    }
}

/// Undoes what has expired, while this console may write.
async fn sweeps(acting: Acting, may_write: bool) {
    if !may_write {
        return;
    }
    loop {
        tokio::time::sleep(SWEEP).await;
        // Another process may have died meanwhile: what it left in flight can expire as well.
        acting.journalling.reconcile().await;
        acting.sweep().await;
    }
}
