//! `snapshot`.

mod value;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch::Receiver;

use super::args::{Common, SnapshotArgs};
use super::config;
use super::error::{Exit, Failure};
use super::json::Printer;
use super::out;
use super::session::{believed, connections};
use super::text;
use crate::aws::{Aws, AwsError, Connection};
use crate::model::board::Board;
use crate::model::settings::Settings;
use crate::watch::{Watcher, read_board};
pub(super) use value::{condition, stage};

/// One reading of the board, or with `--watch` one after every poll.
pub(super) async fn snapshot(common: &Common, args: SnapshotArgs, printer: Printer) -> Result<Exit, Failure> {
    if let Some(stage) = &args.stage {
        return super::stage::snapshot(common, stage, printer).await;
    }
    let settings = Arc::new(config::settings(common)?);
    let connections = connections(common);
    if args.watch {
        return watch(common, connections, &settings, printer).await;
    }
    let one = connections.len() == 1;
    let read = join_all(connections.iter().map(|connection| read_one(common, connection, &settings, printer))).await;
    if one && let Some(Err(error)) = read.first() {
        return Err(error.clone().into());
    }
    let lacking: Vec<String> = connections.iter().zip(&read).filter_map(|(to, read)| lacks(to, read)).collect();
    if printer.is_json() {
        let shape = match read.first() {
            Some(Ok(board)) if one => value::one(&connections[0], board, &settings),
            _ => value::together(connections.iter().zip(&read), &settings),
        };
        printer.object("snapshot", &shape);
    } else {
        for (connection, read) in connections.iter().zip(&read) {
            match read {
                Ok(board) => printer.text(&text::board(board)),
                Err(error) => printer.text(&text::unread(&name(connection), &error.to_string())),
            }
        }
    }
    let boards: Vec<&Board> = read.iter().filter_map(|read| read.as_ref().ok()).collect();
    if boards.len() == read.len() {
        printer.aside(&without_stage(&boards));
    }
    printer.aside(&lacking);
    Ok(match (read.iter().any(Result::is_ok), lacking.is_empty()) {
        (false, _) => Exit::Error,
        (true, false) => Exit::Partly,
        (true, true) => Exit::Done,
    })
}

/// What was asked for and is not there, in a line; `None` where nothing is missing.
fn lacks(connection: &Connection, read: &Result<Board, AwsError>) -> Option<String> {
    let what = match read {
        Err(error) => format!("nothing of it is shown: {error}"),
        Ok(board) => board.polling.lacks.clone()?,
    };
    Some(format!("this snapshot is incomplete: {}: {what}", name(connection)))
}

/// Settings for stages that are on none of the boards, a line each.
fn without_stage(boards: &[&Board]) -> Vec<String> {
    let Some((first, rest)) = boards.split_first() else { return Vec::new() };
    let nowhere =
        first.polling.unmatched.iter().filter(|one| rest.iter().all(|board| board.polling.unmatched.contains(one)));
    nowhere
        .map(|(key, named)| {
            format!("{key} of the configuration names “{named}”, which is not a stage here: it applies to nothing. Check its spelling")
        })
        .collect()
}

async fn read_one(
    common: &Common,
    connection: &Connection,
    settings: &Arc<Settings>,
    printer: Printer,
) -> Result<Board, AwsError> {
    let aws = Aws::connect(connection).await?;
    let beliefs = Box::pin(believed(common, &aws, settings, printer)).await;
    Box::pin(read_board(&aws, settings, &beliefs)).await
}

/// When what was printed last was read, and the trouble there was.
type Told = (Option<DateTime<Utc>>, Option<String>);

/// A board after every poll of each connection, whichever comes first: one that hangs holds up no other.
async fn watch(
    common: &Common,
    connections: Vec<Connection>,
    settings: &Arc<Settings>,
    printer: Printer,
) -> Result<Exit, Failure> {
    let mut boards = FuturesUnordered::new();
    // Kept: a watcher that is dropped stops.
    let mut watchers = FuturesUnordered::new();
    let several = connections.len() > 1;
    let mut whole = true;
    for connection in connections {
        let aws = match Aws::connect(&connection).await {
            Ok(aws) => aws,
            Err(error) if several => {
                whole = false;
                if printer.is_json() {
                    printer.object("snapshot", &value::unread(&connection, &error));
                }
                let read = Err(error);
                printer.aside(&lacks(&connection, &read).into_iter().collect::<Vec<_>>());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let watcher = Watcher::start(aws.clone(), Arc::clone(settings));
        boards.push(next(connection, watcher.boards(), (None, None)));
        watchers.push(believing(common, aws, settings, watcher, printer));
    }
    let mut closed = std::pin::pin!(out::closed());
    loop {
        tokio::select! {
            Some(came) = boards.next() => {
                let Some((connection, receiver, board)) = came else { continue };
                print(&connection, &board, settings, printer);
                if out::is_lost() {
                    return Ok(Exit::Error);
                }
                boards.push(next(connection, receiver, (board.polling.read_at, board.polling.trouble.clone())));
            }
            Some(never) = watchers.next() => match never {},
            _ = tokio::signal::ctrl_c() => return Ok(if whole { Exit::Done } else { Exit::Partly }),
            () = &mut closed => return Ok(Exit::Error),
            else => return Ok(Exit::Error),
        }
    }
}

/// Lets a watcher know what the incident says of attacks, after every reading; never ends.
async fn believing(
    common: &Common,
    aws: Aws,
    settings: &Arc<Settings>,
    watcher: Watcher,
    printer: Printer,
) -> std::convert::Infallible {
    let mut boards = watcher.boards();
    loop {
        if boards.changed().await.is_err() {
            return std::future::pending().await;
        }
        let read_at = boards.borrow_and_update().polling.read_at;
        if read_at.is_some() {
            watcher.believe(believed(common, &aws, settings, printer).await);
        }
    }
}

/// The next board with a reading after `printed`; `None` once there is none any more.
async fn next(
    connection: Connection,
    mut boards: Receiver<Arc<Board>>,
    printed: Told,
) -> Option<(Connection, Receiver<Arc<Board>>, Arc<Board>)> {
    loop {
        boards.changed().await.ok()?;
        let board = boards.borrow_and_update().clone();
        let told = (board.polling.read_at, board.polling.trouble.clone());
        // Trouble is news as well: silence would look like a board that is as it was.
        if told != printed && (told.0.is_some() || told.1.is_some()) {
            return Some((connection, boards, board));
        }
    }
}

fn print(connection: &Connection, board: &Board, settings: &Settings, printer: Printer) {
    if printer.is_json() {
        printer.object("snapshot", &value::one(connection, board, settings));
    } else {
        printer.text(&text::board(board));
    }
}

/// What a connection is called before it has answered: its profile and region, as they were asked for.
fn name(connection: &Connection) -> String {
    let named = [&connection.profile, &connection.region].into_iter().flatten();
    let named: Vec<&str> = named.map(String::as_str).collect();
    if named.is_empty() { "the account".to_owned() } else { named.join(" ") }
}
