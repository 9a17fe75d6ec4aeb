//! Asking access logs for throttled requests: which stages, when, at what price, and what the answer changes.
//!
//! Only what is attacked or looked at is asked, a minute apart, inside the budget for log queries: AWS bills what a
//! query scans. What a line means is `throttle`'s.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::cost;
use super::state::{Entry, RowKey, State, Throttled, row_key};
use super::throttle::{self, Question};
use crate::aws::read::LogRows;
use crate::aws::{Aws, AwsError, Lane};
use crate::model::access_log::log_group;
use crate::model::board::Pace;
use crate::model::figure::{Origin, Scope};
use crate::model::series::{Series, floor_minute};

/// Bytes of a gigabyte as CloudWatch Logs bills them.
const GIGABYTE: f64 = 1e9;

/// The part of an hour's budget that may be spent at once.
const AT_ONCE: f64 = 0.25;

/// Logs asked in one go while somebody watches.
const MOST: usize = 20;

/// Minutes that stand for those that are kept no more.
const LATEST: usize = 30;

/// After so many minutes without a reading nothing of a log is shown any more.
const FORGOTTEN_MINUTES: i64 = 10;

/// One query over one stage's access log.
#[derive(Debug, Clone)]
pub(super) struct Job {
    row: RowKey,
    question: Question,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// Whose logs are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Of stages that are attacked or looked at.
    Watched,
    /// Of every stage that is called.
    Called,
}

/// The queries that are due at account time `now`. What cannot be asked says so from now on.
pub(super) fn due(state: &mut State, whose: Whose, now: DateTime<Utc>) -> Vec<Job> {
    let mut left = left(state, now);
    let to = floor_minute(now);
    let asked: Vec<RowKey> =
        state.entries.values().filter(|e| is_asked(state, e, whose)).map(|e| row_key(&e.id)).collect();
    forget(state, &asked, now);
    let mut rows: Vec<RowKey> = asked.into_iter().filter(|row| is_due(state, row, to)).collect();
    // Those that somebody looks at, then those that have waited longest.
    rows.sort_by_key(|row| state.entries.get(row).map(|entry| (!state.is_looked_at(entry), read_to(entry))));
    let most = if whose == Whose::Watched { MOST } else { usize::MAX };
    let budget = state.settings.polling.log_budget_dollars_per_hour;
    let mut jobs = Vec::new();
    for row in rows {
        let Some(question) = question(state, &row) else { continue };
        let price = price(state, &row, &question, to);
        let Some(entry) = state.entries.get_mut(&row) else { continue };
        if left <= 0.0 || price > left {
            say(entry, &question, format!("the budget for log queries, ${budget:.2} an hour, is used up"));
            continue;
        }
        if jobs.len() >= most {
            say(entry, &question, format!("the logs of {MOST} stages are asked at a time: its turn comes"));
            continue;
        }
        left -= price;
        let (first, again) = throttle::MINUTES;
        let missed = read_to(entry).map_or(first, |read_to| again + (to - read_to).num_minutes() - 1).min(first);
        jobs.push(Job { row, question, from: to - TimeDelta::minutes(missed), to });
    }
    jobs
}

/// Dollars of the budget that may be spent now.
pub(super) fn left(state: &mut State, now: DateTime<Utc>) -> f64 {
    let began = *state.logs.costs.began.get_or_insert(now);
    let hours = (now - began).num_seconds().max(0) as f64 / 3_600.0;
    state.settings.polling.log_budget_dollars_per_hour * (hours + AT_ONCE) - state.logs.costs.by_itself
}

fn is_asked(state: &State, entry: &Entry, whose: Whose) -> bool {
    let wanted = match whose {
        Whose::Watched => state.pace(entry) == Pace::Close,
        Whose::Called => state.pace(entry) != Pace::Idle,
    };
    wanted && entry.access_log().is_some() && !state.logs.jobs.contains(&row_key(&entry.id))
}

/// Whether a log was not tried this minute.
fn is_due(state: &State, row: &RowKey, to: DateTime<Utc>) -> bool {
    let throttled = state.entries.get(row).and_then(|entry| entry.throttled.as_ref());
    throttled.and_then(|throttled| throttled.log_tried_to).is_none_or(|tried| tried < to)
}

/// End of what was read of a stage's log.
fn read_to(entry: &Entry) -> Option<DateTime<Utc>> {
    entry.throttled.as_ref().and_then(|throttled| throttled.log_read_to)
}

fn question(state: &State, row: &RowKey) -> Option<Question> {
    let entry = state.entries.get(row)?;
    let log = entry.access_log()?;
    let sharing = log_group(&log.destination).map_or(Some(1), |group| state.sharing(group));
    Question::of(&entry.id, log, sharing).ok()
}

/// Dollars that a query will cost: what the stage's requests have written in the minutes that it scans. An estimate.
fn price(state: &State, row: &RowKey, question: &Question, to: DateTime<Utc>) -> f64 {
    let (first, again) = throttle::MINUTES;
    let minutes = state.entries.get(row).and_then(read_to).map_or(first, |_| again);
    dollars(state, (row, &question.group), (to - TimeDelta::minutes(minutes), to))
}

/// Dollars that a query over a window costs: what the stage's requests have written in it. An estimate.
pub(super) fn dollars(state: &State, (row, group): (&RowKey, &str), (from, to): (DateTime<Utc>, DateTime<Utc>)) -> f64 {
    let Some(entry) = state.entries.get(row) else { return 0.0 };
    let minutes = usize::try_from((to - from).num_minutes()).unwrap_or(0);
    let requests = state.series.get(&entry.key).map(|held| &held.series()[0]);
    let known: Vec<f64> = requests
        .map(|requests| requests.window(to - TimeDelta::minutes(1), minutes))
        .map_or_else(Vec::new, |minutes| minutes.into_iter().flatten().collect());
    // Minutes that are kept no more were like those that are.
    let mean = if known.is_empty() {
        requests.map_or(0.0, |all| latest_mean(all))
    } else {
        known.iter().sum::<f64>() / known.len() as f64
    };
    let lines = mean * minutes as f64;
    let format = entry.access_log().map_or("", |log| log.format.as_str());
    let bytes = cost::line_bytes(state.logs.line_bytes.get(group).copied(), format);
    lines * bytes / GIGABYTE * state.settings.prices.log_query_dollars_per_gb
}

/// Requests a minute of the last minutes that are known.
fn latest_mean(requests: &Series) -> f64 {
    let Some((last, _)) = requests.latest() else { return 0.0 };
    let known: Vec<f64> = requests.window(last, LATEST).into_iter().flatten().collect();
    known.iter().sum::<f64>() / known.len().max(1) as f64
}

/// Dollars that so many scanned bytes cost.
pub(super) fn scanned(state: &State, bytes: f64) -> f64 {
    bytes / GIGABYTE * state.settings.prices.log_query_dollars_per_gb
}

/// Notes what a query has cost, and how long the lines were.
pub(super) fn bill(state: &mut State, group: &str, rows: &LogRows) {
    state.logs.costs.by_itself += scanned(state, rows.bytes_scanned);
    if rows.records_scanned > 0.0 {
        state.logs.line_bytes.insert(group.to_owned(), rows.bytes_scanned / rows.records_scanned);
    }
}

/// Says why there is nothing new; what a metric filter tells stays.
fn say(entry: &mut Entry, question: &Question, why: String) {
    match &mut entry.throttled {
        Some(throttled) => throttled.trouble = Some(why),
        None => of_log(entry, question).trouble = Some(why),
    }
}

/// What nobody asks for any more must not stand there for long.
fn forget(state: &mut State, asked: &[RowKey], now: DateTime<Utc>) {
    for entry in state.entries.values_mut() {
        let of_log = entry.throttled.as_ref().filter(|throttled| throttled.origin == Origin::AccessLog);
        let old = of_log
            .and_then(|throttled| throttled.log_read_to)
            .is_some_and(|to| (now - to).num_minutes() >= FORGOTTEN_MINUTES);
        if old && !asked.contains(&row_key(&entry.id)) {
            entry.throttled = None;
        }
    }
}

fn of_log<'e>(entry: &'e mut Entry, question: &Question) -> &'e mut Throttled {
    let usable = entry.throttled.take().filter(|throttled| throttled.origin == Origin::AccessLog);
    let throttled = usable.unwrap_or_else(|| Throttled::new(Origin::AccessLog, question.scope.clone()));
    let throttled = entry.throttled.insert(throttled);
    throttled.scope = question.scope.clone();
    throttled.caveats = question.caveats();
    throttled
}

/// Asks.
pub(super) async fn ask(aws: &Aws, job: &Job) -> Result<LogRows, AwsError> {
    aws.log_query(&job.question.group, &job.question.query, job.from, job.to, Lane::Poll).await
}

impl Job {
    /// The stage's row.
    pub(super) fn row(&self) -> &RowKey {
        &self.row
    }

    /// End of the minutes that are asked for.
    pub(super) fn to(&self) -> DateTime<Utc> {
        self.to
    }
}

/// Takes an answer in.
pub(super) fn take(state: &mut State, job: &Job, answer: Result<LogRows, AwsError>) {
    match &answer {
        Ok(rows) => bill(state, &job.question.group, rows),
        // A query that was given up has scanned as well.
        Err(error) if error.leaves_a_query() => {
            state.logs.costs.by_itself += price(state, &job.row, &job.question, job.to);
        }
        Err(_) => {}
    }
    let provisional = i64::try_from(state.settings.polling.provisional_seconds).unwrap_or(180);
    let settled = job.to - TimeDelta::seconds(provisional);
    let Some(entry) = state.entries.get_mut(&job.row) else {
        return;
    };
    // A name that APIs share counts the requests of all of them, and a log group's lines are of all its stages.
    let alone = job.question.scope == Scope::Stage && state.apis.sharing(&entry.key.api) <= 1;
    let requests = state.series.get(&entry.key).filter(|_| alone).map(|held| Arc::clone(&held.series()[0]));
    match answer {
        Ok(rows) => {
            let minutes = job.question.minutes(&rows);
            let throttled = of_log(entry, &job.question);
            let series = Arc::make_mut(&mut throttled.series);
            let lacking = throttle::settle(series, &minutes, (job.from, job.to), requests.as_deref(), settled);
            throttled.log_read_to = Some(job.to);
            throttled.log_tried_to = Some(job.to);
            throttled.untold = lacking.untold.or(throttled.untold);
            let unread = lacking.unread.map(|part| job.question.unread(part));
            throttled.trouble = unread.or(lacking.least.map(throttle::missing));
        }
        Err(error) => {
            say(entry, &job.question, error.to_string());
            if let Some(throttled) = &mut entry.throttled {
                throttled.log_tried_to = Some(job.to);
            }
        }
    }
    state.join_histories(|row, _| *row == job.row);
}
