//! Queries of Logs Insights.

use chrono::Duration;
use serde_json::{Value, json};

use super::{Outcome, identified, invalid, not_found, required};
use crate::error::AwsError;
use crate::logs::Query;
use crate::logs::insights::{self, Asked, Malformed};
use crate::service::Answer;
use crate::service::common::{integer, text};
use crate::state::Account;

/// Queries at work at once (documented: API reference of `StartQuery`).
const CONCURRENT: usize = 30;
/// Log groups of a query (service model).
const GROUPS: usize = 50;

pub(super) fn start(account: &mut Account, input: &Value) -> Outcome {
    let groups = groups(account, input)?;
    let query = required(input, "queryString")?;
    if text(input, "queryLanguage").is_some_and(|language| language != "CWLI") {
        return Err(invalid("The range speaks the query language CWLI only."));
    }
    let seconds = match (integer(input, "startTime"), integer(input, "endTime")) {
        (Some(from), Some(to)) if (0..=to).contains(&from) => (from, to),
        (Some(_), Some(_)) => return Err(invalid("Query's end time must not be before its start time")),
        _ => return Err(invalid("startTime and endTime must not be null")),
    };
    let limit = match integer(input, "limit") {
        None => None,
        // More than 10,000 are given page by page on AWS (documented), and not here.
        Some(limit @ 1..=100_000) => usize::try_from(limit).ok().map(|limit| limit.min(insights::MOST_ROWS)),
        Some(limit) => return Err(invalid(format!("Value '{limit}' at 'limit' must be between 1 and 100000"))),
    };
    let program = insights::read(query).map_err(|malformed| refuse(&malformed))?;
    for name in &groups {
        let known = account
            .logs
            .group(name)
            .ok_or_else(|| not_found(format!("Log group '{name}' does not exist for account ID '{}'", account.id)))?;
        // Seen in users' reports: milliseconds for seconds, or a range that ends too early.
        if seconds.1 < known.created.timestamp() {
            return Err(refuse(&Malformed {
                message:
                    "end date and time is either before the log groups creation time or exceeds the log groups log \
                          retention settings"
                        .to_owned(),
                start: 0,
                end: 0,
            }));
        }
    }
    if account.logs.running(account.now) >= CONCURRENT {
        let words = format!("Account maximum query concurrency limit of [{CONCURRENT}] reached.");
        return Err(AwsError::bad("LimitExceededException", words));
    }
    let asked = Asked { store: &account.logs, groups: &groups, seconds, now: account.now, account: &account.id, limit };
    let results = insights::run(&program, &asked);
    let (id, started) = (account.logs.next_query(), account.now);
    let done = started + Duration::seconds(i64::from(account.logs.query_seconds));
    account.logs.keep_query(Query { id: id.clone(), started, done, stopped: false, results });
    Ok(Answer::ok(json!({ "queryId": id })))
}

/// The error of a query that cannot be read.
fn refuse(malformed: &Malformed) -> AwsError {
    let location = json!({ "startCharOffset": malformed.start, "endCharOffset": malformed.end });
    AwsError::bad("MalformedQueryException", &malformed.message)
        .with("queryCompileError", json!({ "location": location, "message": malformed.message }))
}

/// Exactly one of three members names the log groups (documented).
fn groups(account: &Account, input: &Value) -> Result<Vec<String>, AwsError> {
    let list = |member: &str| -> Option<Vec<String>> {
        let items = input.get(member)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    };
    let name = text(input, "logGroupName").map(|name| vec![name.to_owned()]);
    let groups = match (name, list("logGroupNames"), list("logGroupIdentifiers")) {
        (Some(groups), None, None) | (None, Some(groups), None) => groups,
        (None, None, Some(identifiers)) => {
            identifiers.iter().map(|identifier| identified(account, identifier)).collect::<Result<_, _>>()?
        }
        _ => return Err(invalid("Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be given.")),
    };
    if groups.is_empty() || groups.len() > GROUPS {
        return Err(invalid(format!("A query is over 1 to {GROUPS} log groups.")));
    }
    groups.iter().try_for_each(|name| super::check_name(name))?;
    Ok(groups)
}

fn query<'a>(account: &'a mut Account, input: &Value) -> Result<&'a mut Query, AwsError> {
    let id = required(input, "queryId")?;
    account.logs.query_mut(id).ok_or_else(|| not_found(format!("Query with id {id} does not exist")))
}

/// While a query runs there are no rows yet (documented: partial results; here none).
pub(super) fn results(account: &mut Account, input: &Value) -> Outcome {
    let now = account.now;
    let query = query(account, input)?;
    let running = query.is_running(now);
    let rows = if running { &[][..] } else { &query.results.rows };
    let row = |row: &Vec<(String, String)>| -> Value {
        row.iter().map(|(field, value)| json!({ "field": field, "value": value })).collect()
    };
    let scanned = |all: u64| if running { 0 } else { all };
    let results = &query.results;
    Ok(Answer::ok(json!({
        "queryLanguage": "CWLI",
        "results": rows.iter().map(row).collect::<Vec<_>>(),
        "statistics": {
            // Numbers of the model's type double.
            "recordsMatched": scanned(results.matched) as f64,
            "recordsScanned": scanned(results.scanned) as f64,
            "bytesScanned": scanned(results.bytes) as f64,
        },
        "status": query.status(now),
    })))
}

/// A query that has ended cannot be stopped (inferred from users' reports).
pub(super) fn stop(account: &mut Account, input: &Value) -> Outcome {
    let now = account.now;
    let query = query(account, input)?;
    if !query.is_running(now) {
        return Err(invalid(format!("Specified query with id {} has already ended", query.id)));
    }
    query.stopped = true;
    query.results = crate::logs::Results::default();
    Ok(Answer::ok(json!({ "success": true })))
}
