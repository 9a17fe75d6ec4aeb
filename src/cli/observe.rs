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
use crate::model::board::{AccountGauge, Board, Known, PaceOf, Polling, StageRow};
use crate::model::cost::Burn;
use crate::model::limits::{LimitOf, WinningLimit};
use crate::model::settings::Settings;
use crate::watch::{Watcher, read_board};

/// Parts of what traffic costs, by `CostOf::index`.
const COSTS: [&str; 4] = [
    "api_gateway_dollars_per_hour_estimate",
    "waf_dollars_per_hour_estimate",
    "lambda_dollars_per_hour_estimate",
    "logs_dollars_per_hour_estimate",
];

/// One reading of the board, or with `--watch` one after every poll.
pub(super) async fn snapshot(common: &Common, args: SnapshotArgs, printer: Printer) -> Result<Exit, Failure> {
    if let Some(stage) = &args.stage {
        return super::stage::snapshot(common, stage, printer).await;
    }
    let settings = config::settings(common)?;
    let aws = Aws::connect(&only(common)?).await?;
    if !args.watch {
        print(&read_board(&aws, &settings).await?, &settings, printer);
        return Ok(Exit::Done);
    }
    let settings = Arc::new(settings);
    let watcher = Watcher::start(aws, Arc::clone(&settings));
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
            print(&board, &settings, printer);
        }
    }
}

fn print(board: &Board, settings: &Settings, printer: Printer) {
    if printer.is_json() {
        printer.object("snapshot", value(board, settings));
    } else {
        printer.text(&text::board(board));
    }
}

fn value(board: &Board, settings: &Settings) -> Value {
    let stages: Vec<Value> = board.stages.iter().map(stage).collect();
    let polling = &board.polling;
    json!({
        "account": board.identity.as_ref().map(|i| &i.at.account),
        "region": board.identity.as_ref().map(|i| &i.at.region),
        "endpoint": board.identity.as_ref().and_then(|i| i.endpoint.as_ref()),
        "at": time(board.at),
        "account_seconds_per_second": board.rate,
        "stages": stages,
        "account_limit": account(&board.account),
        "cost": burn(&board.burn),
        "prices": { "currency": "USD", "source": settings.prices.source },
        "polling": {
            "metrics": polling.metrics,
            "calls": polling.calls,
            "dollars_per_hour_estimate": polling.dollars_per_hour,
            "budget_dollars_per_hour": polling.budget_dollars_per_hour,
            "log_query_dollars_estimate": polling.log_dollars.0,
            "log_budget_dollars_per_hour": polling.log_dollars.1,
            "paces": paces(polling),
            "slowed": polling.slowed,
            "details_read": polling.details.0,
            "details_of": polling.details.1,
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
    figures.put("integration_latency_p99_ms", &f.integration_latency_p99_ms);
    figures.put("cache_hit_share", &f.cache_hit_share);
    figures.put("limit_used_share", &f.limit_used_share);
    let mut object = Map::new();
    object.insert("stage".to_owned(), json!(row.id.label()));
    object.insert("api_id".to_owned(), json!(row.id.api_id));
    object.insert("kind".to_owned(), json!(row.kind));
    object.insert("web_acl".to_owned(), web_acl(&row.web_acl));
    figures.into_object(&mut object);
    if let (Known::NotYet | Known::No(_), Some(Value::Object(unknown))) = (&row.web_acl, object.get_mut("unknown")) {
        let reason = if let Known::No(why) = &row.web_acl { why.as_str() } else { "not read yet" };
        unknown.insert("web_acl".to_owned(), json!(reason));
    }
    object.insert("limit".to_owned(), row.limit.as_ref().map_or(Value::Null, limit));
    object.insert("cost".to_owned(), burn(&row.burn));
    object.insert("signals".to_owned(), json!(row.signals));
    object.insert("ended_signals".to_owned(), json!(row.ended));
    object.insert("warnings".to_owned(), json!(row.warnings));
    Value::Object(object)
}

fn limit(winning: &WinningLimit) -> Value {
    let of = match winning.of {
        LimitOf::Stage => "stage",
        LimitOf::Account => "account",
    };
    json!({ "of": of, "requests_per_second": winning.limit.rate, "burst_requests": winning.limit.burst })
}

fn account(gauge: &AccountGauge) -> Value {
    let mut figures = FigureMap::default();
    figures.put("requests_per_second", &gauge.requests_per_second);
    figures.put("used_share", &gauge.used_share);
    let mut object = Map::new();
    let (limit, reason) = match &gauge.limit {
        Known::Yes(limit) => (json!(limit.rate), None),
        Known::No(reason) => (Value::Null, Some(reason.as_str())),
        Known::NotYet => (Value::Null, Some("not read yet")),
    };
    object.insert("limit_requests_per_second".to_owned(), limit);
    figures.into_object(&mut object);
    if let (Some(reason), Some(Value::Object(unknown))) = (reason, object.get_mut("unknown")) {
        unknown.insert("limit_requests_per_second".to_owned(), json!(reason));
    }
    Value::Object(object)
}

/// Estimates all of them: `unknown` beside them has what is left out of the sum.
fn burn(burn: &Burn) -> Value {
    let mut figures = FigureMap::default();
    figures.put("dollars_per_hour_estimate", &burn.per_hour);
    for (name, part) in COSTS.iter().zip(&burn.parts_per_hour) {
        figures.put(name, part);
    }
    figures.put("usual_dollars_per_hour_estimate", &burn.usual_per_hour);
    let mut object = Map::new();
    if let Some((began, dollars)) = &burn.since {
        object.insert("attack_began".to_owned(), json!(time(*began)));
        figures.put("attack_dollars_estimate", dollars);
    }
    figures.into_object(&mut object);
    object.remove("origin");
    Value::Object(object)
}

/// How fast stages are read.
fn paces(polling: &Polling) -> Value {
    let names = ["close", "usual", "idle"];
    let pace = |pace: &PaceOf| json!({ "stages": pace.stages, "every_seconds": pace.every_seconds });
    names.iter().zip(&polling.paces).map(|(name, of)| ((*name).to_owned(), pace(of))).collect::<Map<_, _>>().into()
}

fn web_acl(known: &Known<Option<String>>) -> Value {
    match known {
        Known::Yes(name) => json!(name),
        Known::NotYet | Known::No(_) => Value::Null,
    }
}
