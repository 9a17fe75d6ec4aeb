//! `snapshot`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::args::{Common, SnapshotArgs};
use super::config;
use super::error::{Exit, Failure};
use super::json::{FigureMap, Printer, time};
use super::session::only;
use super::text;
use crate::aws::Aws;
use crate::model::board::{Board, Known, StageRow};
use crate::watch::{Watcher, read_board};

/// One reading of the board, or with `--watch` one after every poll.
pub(super) async fn snapshot(common: &Common, args: SnapshotArgs, printer: Printer) -> Result<Exit, Failure> {
    if let Some(stage) = &args.stage {
        return super::stage::snapshot(common, stage, printer).await;
    }
    let settings = config::settings(common)?;
    let aws = Aws::connect(&only(common)?).await?;
    if !args.watch {
        print(&read_board(&aws, &settings).await?, printer);
        return Ok(Exit::Done);
    }
    let watcher = Watcher::start(aws, Arc::new(settings));
    let mut boards = watcher.boards();
    let mut printed = None;
    loop {
        tokio::select! {
            changed = boards.changed() => if changed.is_err() { return Ok(Exit::Done) },
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
        }
        let board = boards.borrow_and_update().clone();
        if board.polling.read_at.is_some() && board.polling.read_at != printed {
            printed = board.polling.read_at;
            print(&board, printer);
        }
    }
}

fn print(board: &Board, printer: Printer) {
    if printer.is_json() {
        printer.object("snapshot", value(board));
    } else {
        printer.text(&text::board(board));
    }
}

fn value(board: &Board) -> Value {
    let stages: Vec<Value> = board.stages.iter().map(stage).collect();
    let polling = &board.polling;
    json!({
        "account": board.identity.as_ref().map(|i| &i.at.account),
        "region": board.identity.as_ref().map(|i| &i.at.region),
        "endpoint": board.identity.as_ref().and_then(|i| i.endpoint.as_ref()),
        "at": time(board.at),
        "account_seconds_per_second": board.rate,
        "stages": stages,
        "polling": {
            "metrics": polling.metrics,
            "calls": polling.calls,
            "dollars_per_hour_estimate": polling.dollars_per_hour,
            "read_at": polling.read_at.map(time),
            "trouble": polling.trouble,
        },
    })
}

/// A row of the board.
pub(super) fn stage(row: &StageRow) -> Value {
    let mut figures = FigureMap::default();
    let f = &row.figures;
    figures.put("requests_per_second", &f.requests_per_second);
    figures.put("client_error_share", &f.client_error_share);
    figures.put("client_error_share_from_blocks", &f.client_error_share_from_blocks);
    figures.put("server_error_share", &f.server_error_share);
    figures.put("latency_p50_ms", &f.latency_p50_ms);
    figures.put("latency_p99_ms", &f.latency_p99_ms);
    figures.put("waf_allowed_per_second", &f.waf_allowed_per_second);
    figures.put("waf_blocked_per_second", &f.waf_blocked_per_second);
    figures.put("waf_counted_per_second", &f.waf_counted_per_second);
    figures.put("throttled_per_second", &f.throttled_per_second);
    let mut object = Map::new();
    object.insert("stage".to_owned(), json!(row.id.label()));
    object.insert("api_id".to_owned(), json!(row.id.api_id));
    object.insert("web_acl".to_owned(), web_acl(&row.web_acl));
    figures.into_object(&mut object);
    if let (Known::NotYet | Known::No(_), Some(Value::Object(unknown))) = (&row.web_acl, object.get_mut("unknown")) {
        let reason = if let Known::No(why) = &row.web_acl { why.as_str() } else { "not read yet" };
        unknown.insert("web_acl".to_owned(), json!(reason));
    }
    object.insert("signals".to_owned(), json!(row.signals));
    object.insert("warnings".to_owned(), json!(row.warnings));
    Value::Object(object)
}

fn web_acl(known: &Known<Option<String>>) -> Value {
    match known {
        Known::Yes(name) => json!(name),
        Known::NotYet | Known::No(_) => Value::Null,
    }
}
