//! The host: carries out what the screen asks for, and tells it what happens in the accounts.
//!
//! Every connection has a task of its own, with its own clients, watcher, journal and queue: one that hangs holds up no
//! other, and what is asked of one cannot reach another.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::acting::Acting;
use super::incident::Journalling;
use super::only_writer::{OnlyWriter, Rights, Writers};
use super::surroundings::{MustFinish, Surroundings, Teller};
use crate::aws::{Aws, Connection, Lane, RangeHandle, Waits};
use crate::cli::session;
use crate::clock::AccountClock;
use crate::model::board::Board;
use crate::model::connection::ConnectionId;
use crate::model::timeline::ActionRecord;
use crate::respond::desk::Desk;
use crate::respond::desk::books::Books;
use crate::tui::{Ask, Effect, Event, News};
use crate::watch::Watcher;

/// Wall time between two looks at the journal, for what other processes write.
const JOURNAL_LOOK: Duration = Duration::from_millis(500);
/// Wall time between two looks for what has expired.
const SWEEP: Duration = Duration::from_secs(10);
/// Wall time between two looks whether the callers of before an attack are kept.
const CALLERS: Duration = Duration::from_mins(1);
/// Wall time between two tries to connect, or to learn who we are.
const AGAIN: Duration = Duration::from_secs(5);

/// How to connect, and the range behind it with its speed, in a drill.
pub(super) trait Connect:
    Future<Output = Result<(Connection, Option<(RangeHandle, f64)>), String>> + Send + 'static
{
}
impl<F> Connect for F where F: Future<Output = Result<(Connection, Option<(RangeHandle, f64)>), String>> + Send + 'static
{}

/// What is left of one connection when the screen is gone.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) in_force: Vec<ActionRecord>,
    pub(super) at: Option<DateTime<Utc>>,
    /// Whether another connection leads to the same account and region.
    pub(super) twin: bool,
}

/// Carries out effects until the screen is gone.
pub(super) struct Host;

impl Host {
    /// Runs the connections, each with its name; gives what is left of each, in the same order.
    pub(super) async fn run<C: Connect>(
        surroundings: Surroundings,
        connects: Vec<(String, C)>,
        events: UnboundedSender<Event>,
        mut effects: UnboundedReceiver<Effect>,
    ) -> Vec<Left> {
        let writers = Writers::default();
        let mut queues = Vec::with_capacity(connects.len());
        let mut tasks: Vec<JoinHandle<Left>> = Vec::with_capacity(connects.len());
        for (n, (name, connect)) in connects.into_iter().enumerate() {
            let (queue, asks) = unbounded_channel();
            let screen = Teller { at: ConnectionId(n), events: events.clone() };
            let only_writer = writers.of(ConnectionId(n), &name);
            tasks.push(tokio::spawn(one(surroundings.clone(), connect, screen, only_writer, asks)));
            queues.push(queue);
        }
        while let Some(effect) = effects.recv().await {
            match effect {
                Effect::Quit => break,
                Effect::To(at, ask) => {
                    if let Some(queue) = queues.get(at.0) {
                        // A connection that has ended carries nothing out any more.
                        let _ = queue.send(ask);
                    }
                }
            }
        }
        drop(queues);
        let left = futures_util::future::join_all(tasks).await;
        left.into_iter().map(Result::unwrap_or_default).collect()
    }
}

/// One connection, until nobody asks anything of it any more.
async fn one(
    surroundings: Surroundings,
    connect: impl Connect,
    screen: Teller,
    only_writer: OnlyWriter,
    mut asks: UnboundedReceiver<Ask>,
) -> Left {
    // The screen may be left before there is a connection.
    let connected = tokio::select! {
        connected = connected(connect, &screen) => connected,
        () = ended(&mut asks) => return Left::default(),
    };
    let (aws, range) = connected;
    let rights = Rights { only_writer: only_writer.clone(), may_write: surroundings.may_write };
    // Whose credentials they are is told by the account.
    let who = session::actor("");
    let books = Books::new(surroundings.store.clone(), surroundings.whose.clone(), who, Arc::new(rights));
    let desk = Desk::new(aws.clone(), Arc::clone(&surroundings.settings), books);
    let watcher = Arc::new(Watcher::start(aws.clone(), Arc::clone(&surroundings.settings)));
    let journalling = Journalling::new(desk.clone(), aws.clone(), screen.clone(), only_writer.clone());
    let journalling = Arc::new(journalling.believed_by(Arc::clone(&watcher)));
    let twin = only_writer.clone();
    let must_finish = MustFinish::default();
    let acting = Acting {
        aws: aws.clone(),
        settings: Arc::clone(&surroundings.settings),
        desk,
        journalling: Arc::clone(&journalling),
        screen: screen.clone(),
        must_finish: must_finish.clone(),
        range,
        latest: Arc::default(),
        exports: surroundings.exports.clone(),
        tried: Arc::default(),
        waiting: Arc::default(),
        playbooks: Arc::clone(&surroundings.playbooks),
        watcher: Arc::clone(&watcher),
        boards: watcher.boards(),
    };
    let background = [
        tokio::spawn(boards(watcher.boards(), Arc::clone(&journalling), Arc::clone(&acting.latest), screen.clone())),
        tokio::spawn(waits(aws.waits(), screen.clone())),
        tokio::spawn(minded(aws.clone(), Arc::clone(&journalling), screen, only_writer)),
        tokio::spawn(sweeps(acting.clone(), surroundings.may_write)),
        tokio::spawn(callers_kept(acting.clone(), twin.clone())),
    ];
    while let Some(ask) = asks.recv().await {
        acting.carry_out(ask);
    }
    for task in background {
        task.abort();
    }
    must_finish.finished().await;
    let twin = twin.other().is_some();
    Left { in_force: journalling.in_force().await, at: Some(aws.clock().now()), twin }
}

async fn ended(asks: &mut UnboundedReceiver<Ask>) {
    while asks.recv().await.is_some() {}
}

/// Connects; what stands in the way is shown, and tried again.
async fn connected(connect: impl Connect, screen: &Teller) -> (Aws, Option<(RangeHandle, f64)>) {
    let (connection, range) = match connect.await {
        Ok(found) => found,
        Err(error) => {
            trouble(screen, error);
            std::future::pending().await
        }
    };
    loop {
        match Aws::connect(&connection).await {
            Ok(aws) => return (aws, range),
            Err(error) => trouble(screen, error.to_string()),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn trouble(screen: &Teller, what: String) {
    let mut board = Board::empty(AccountClock::system().now());
    board.polling.trouble = Some(what);
    screen.tell(News::Board(Arc::new(board)));
}

/// Passes boards on to the screen, and what they raise and end to the journal.
async fn boards(
    mut boards: tokio::sync::watch::Receiver<Arc<Board>>,
    journalling: Arc<Journalling>,
    latest: Arc<Mutex<Option<Arc<Board>>>>,
    screen: Teller,
) {
    let mut before: Option<Arc<Board>> = None;
    loop {
        let board = boards.borrow_and_update().clone();
        *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&board));
        screen.tell(News::Board(Arc::clone(&board)));
        journalling.signals(before.as_deref(), &board).await;
        before = Some(board);
        if boards.changed().await.is_err() {
            return;
        }
    }
}

/// Passes on what plans and changes wait for.
async fn waits(mut waits: Waits, screen: Teller) {
    loop {
        let waited = waits.next().await;
        screen.tell(News::Waiting(waited.map(|what| what.to_string())));
    }
}

/// Finds out whose account this is and who writes to it, then follows its journal.
async fn minded(aws: Aws, journalling: Arc<Journalling>, screen: Teller, only_writer: OnlyWriter) {
    let identity = loop {
        match aws.identity(Lane::Poll).await {
            Ok(identity) => break identity,
            Err(_) if screen.is_gone() => return,
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    };
    if let Some(other) = only_writer.lead_to(&identity.at) {
        screen.tell(News::SameAs(other));
    }
    journalling.reconcile().await;
    loop {
        journalling.show_changes();
        tokio::time::sleep(JOURNAL_LOOK).await;
    }
}

/// Keeps who called before an attack, a while after it was seen: WAF forgets them after three hours, and nobody may ask
/// for the sources.
async fn callers_kept(acting: Acting, only_writer: OnlyWriter) {
    let mut asked = HashSet::new();
    loop {
        tokio::time::sleep(CALLERS).await;
        if only_writer.other().is_none() {
            acting.keep_callers(&mut asked).await;
        }
    }
}

/// Undoes what has expired, while this console may write.
async fn sweeps(acting: Acting, may_write: bool) {
    if !may_write {
        // What others have in force, or have taken back, is known to whoever only watches, too.
        loop {
            tokio::time::sleep(SWEEP).await;
            acting.journalling.look_elsewhere().await;
        }
    }
    loop {
        tokio::time::sleep(SWEEP).await;
        let Ok(identity) = acting.aws.identity(Lane::Poll).await else { continue };
        if acting.desk.books().permit().may_change(&identity.at).is_err() {
            continue;
        }
        // Another process may have died meanwhile: what it left in flight can expire as well.
        acting.journalling.reconcile().await;
        acting.sweep().await;
    }
}
