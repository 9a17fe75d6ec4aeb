//! `snapshot`.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::{Map, Value, json};
use tokio::sync::watch::Receiver;

use super::args::{Common, SnapshotArgs};
use super::config;
use super::error::{Exit, Failure};
use super::json::{FigureMap, Printer, time};
use super::out;
use super::session::{believed, connections};
use super::text;
use crate::aws::{Aws, AwsError, Connection};
use crate::model::board::{AccountGauge, Board, Known, PaceOf, Polling, StageRow};
use crate::model::condition::Condition;
use crate::model::cost::Burn;
use crate::model::limits::{LimitOf, WinningLimit};
use crate::model::settings::Settings;
use crate::model::signal::Signal;
use crate::model::usual::{UsualOf, Usuals};
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
        let values: Vec<Value> =
            connections.iter().zip(&read).map(|(to, read)| connected(to, read, &settings)).collect();
        printer.object("snapshot", if one { values.into_iter().next().unwrap_or_default() } else { together(values) });
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
                let read = Err(error);
                if printer.is_json() {
                    printer.object("snapshot", connected(&connection, &read, settings));
                }
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
        printer.object("snapshot", value(connection, board, settings));
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

fn connected(connection: &Connection, read: &Result<Board, AwsError>, settings: &Settings) -> Value {
    match read {
        Ok(board) => value(connection, board, settings),
        Err(error) => json!({
            "profile": connection.profile,
            "region": connection.region,
            "error": error.to_string(),
            "complete": false,
            "stages": [],
        }),
    }
}

/// Several connections in one object: all stages in one list, each with its own account and region, and the rest by
/// connection.
fn together(mut connections: Vec<Value>) -> Value {
    let mut stages = Vec::new();
    for connection in &mut connections {
        if let Some(Value::Array(own)) = connection.as_object_mut().and_then(|fields| fields.remove("stages")) {
            stages.extend(own);
        }
    }
    let complete = connections.iter().all(|connection| connection["complete"] == true);
    json!({ "complete": complete, "stages": stages, "connections": connections })
}

fn value(connection: &Connection, board: &Board, settings: &Settings) -> Value {
    let at = board.identity.as_ref().map(|identity| &identity.at);
    let without = board.polling.unmatched.iter().map(|(key, stage)| json!({ "key": key, "stage": stage }));
    let without: Vec<Value> = without.collect();
    let identified = |row: &StageRow| {
        let mut object = json!({
            "profile": connection.profile,
            "account": at.map(|at| &at.account),
            "region": at.map(|at| &at.region),
        });
        if let (Value::Object(object), Value::Object(fields)) = (&mut object, stage(row)) {
            object.extend(fields);
        }
        object
    };
    let stages: Vec<Value> = board.stages.iter().map(identified).collect();
    let polling = &board.polling;
    json!({
        "profile": connection.profile,
        "account": board.identity.as_ref().map(|i| &i.at.account),
        "region": board.identity.as_ref().map(|i| &i.at.region),
        "endpoint": board.identity.as_ref().and_then(|i| i.endpoint.as_ref()),
        "at": time(board.at),
        "account_seconds_per_second": board.rate,
        "complete": polling.lacks.is_none(),
        "lacks": polling.lacks,
        "stages": stages,
        "account_limit": account(&board.account),
        "settings_without_stage": without,
        "cost": total(board),
        "prices": { "currency": "USD", "source": settings.prices.source },
        "polling": {
            "metrics": polling.metrics,
            "calls": polling.calls,
            "dollars_per_hour_estimate": polling.dollars_per_hour,
            "budget_dollars_per_hour": polling.budget_dollars_per_hour,
            "log_query_dollars_estimate": polling.log_dollars,
            "log_budget_dollars_per_hour": polling.log_budget_dollars_per_hour,
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
    object.insert("usuals".to_owned(), row.usuals.as_ref().map_or(Value::Null, usuals));
    object.insert("condition".to_owned(), condition(&row.condition));
    object.insert("signals".to_owned(), row.signals.iter().map(signal).collect());
    object.insert("not_judged".to_owned(), json!(row.not_judged));
    object.insert("ended_signals".to_owned(), row.ended.iter().map(signal).collect());
    object.insert("warnings".to_owned(), json!(row.warnings));
    Value::Object(object)
}

/// A signal, with what is known of it: whether it stands, is over, or could not be judged lately.
fn signal(signal: &Signal) -> Value {
    let mut value = json!(signal);
    value["state"] = json!(signal.state());
    value
}

fn limit(winning: &WinningLimit) -> Value {
    let of = match winning.of {
        LimitOf::Stage => "stage",
        LimitOf::Method => "method",
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

/// What all stages together cost, and of how many of those that are called that is known.
fn total(board: &Board) -> Value {
    let mut total = burn(&board.burn);
    if let Value::Object(object) = &mut total {
        let (told, called) = board.costs_told();
        object.insert("stages".to_owned(), json!(told));
        object.insert("stages_called".to_owned(), json!(called));
    }
    total
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

/// How a stage stands, and whether customers are served.
pub(super) fn condition(condition: &Condition) -> Value {
    let mut figures = FigureMap::default();
    figures.put("served_share", &condition.served);
    figures.put("latency_p50_of_usual", &condition.latency_of_usual);
    figures.put("attackers_answered_per_second", &condition.attackers_answered);
    figures.put("attackers_answered_requests_at_least", &condition.attackers_total);
    let mut object = Map::new();
    object.insert("state".to_owned(), json!(condition.state));
    object.insert("sureness".to_owned(), json!(condition.sureness));
    object.insert("since".to_owned(), json!(condition.since.map(time)));
    object.insert("last_known".to_owned(), json!(condition.last_known));
    object.insert("served_by".to_owned(), json!(condition.served_by));
    object.insert("slow".to_owned(), json!(condition.is_slow()));
    object.insert("attackers_answered_since".to_owned(), json!(condition.attackers_total_since.map(time)));
    let worst = condition.worst.as_ref();
    let worst =
        worst.map(|one| json!({"method": one.method, "answered_share": one.answered, "usual_share": one.usually, "of_callers_of_before": one.of_callers}));
    object.insert("worst_method".to_owned(), json!(worst));
    let followers = condition.followers.map(|one| json!({"sources": one.sources, "per_second": one.per_second}));
    object.insert("followers".to_owned(), json!(followers));
    object.insert("evidence".to_owned(), json!(condition.evidence));
    object.insert("measures".to_owned(), json!(condition.measures));
    figures.into_object(&mut object);
    Value::Object(object)
}

/// What is usual while an attack stands, and what that rests on.
fn usuals(usuals: &Usuals) -> Value {
    let mut figures = FigureMap::default();
    for of in UsualOf::ALL {
        let name = match of {
            UsualOf::Requests => "requests_per_minute",
            UsualOf::Answers => "answers_per_minute",
            UsualOf::MedianLatency => "latency_p50_ms",
            UsualOf::Latency => "latency_p99_ms",
            UsualOf::IntegrationLatency => "integration_latency_p99_ms",
            UsualOf::Blocked => "waf_blocked_per_minute",
            UsualOf::CacheHits => "cache_hit_share",
            UsualOf::Cost => "dollars_per_minute_estimate",
        };
        figures.put(name, usuals.figure(of));
    }
    let mut object = Map::new();
    object.insert("attack_began".to_owned(), json!(time(usuals.began)));
    object.insert("from".to_owned(), json!(usuals.from));
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
