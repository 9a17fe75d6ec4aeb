//! Asking access logs for throttled requests: which stages, when, at what price, and what the answer changes.
//!
//! Only what is attacked or looked at is asked, a minute apart, inside the budget for log queries: AWS bills what a query scans. What a
//! line means is `throttle`'s.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::state::{Entry, RowKey, State, Throttled, row_key};
use super::throttle::{self, Question};
use crate::aws::read::LogRows;
use crate::aws::{Aws, AwsError, Lane};
use crate::model::access_log::log_group;
use crate::model::board::Pace;
use crate::model::figure::Origin;
use crate::model::series::floor_minute;

/// Bytes of a gigabyte as CloudWatch Logs bills them.
const GIGABYTE: f64 = 1e9;

/// The part of an hour's budget that may be spent at once.
const AT_ONCE: f64 = 0.25;

/// Logs asked in one go.
const MOST: usize = 20;

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
    let began = *state.logs_began.get_or_insert(now);
    let to = floor_minute(now);
    let asked: Vec<RowKey> =
        state.entries.values().filter(|e| is_asked(state, e, whose)).map(|e| row_key(&e.id)).collect();
    forget(state, &asked, now);
    let budget = state.settings.polling.log_budget_dollars_per_hour;
    let hours = (now - began).num_seconds().max(0) as f64 / 3_600.0;
    let spent = state.log_dollars >= budget * (hours + AT_ONCE);
    let mut jobs = Vec::new();
    for row in asked.into_iter().take(MOST) {
        let Some(question) = question(state, &row) else { continue };
        let Some(entry) = state.entries.get_mut(&row) else { continue };
        let known = entry.throttled.as_ref().filter(|throttled| throttled.origin == Origin::AccessLog);
        let read_to = known.and_then(|throttled| throttled.log_read_to);
        if read_to.is_some_and(|read_to| read_to >= to) {
            continue;
        }
        if spent {
            let throttled = of_log(entry, &question);
            throttled.trouble = Some(format!("the budget for log queries, ${budget:.2} an hour, is used up"));
            continue;
        }
        let (first, again) = throttle::MINUTES;
        let missed = read_to.map_or(first, |read_to| again + (to - read_to).num_minutes() - 1).min(first);
        jobs.push(Job { row, question, from: to - TimeDelta::minutes(missed), to });
    }
    jobs
}

fn is_asked(state: &State, entry: &Entry, whose: Whose) -> bool {
    let wanted = match whose {
        Whose::Watched => state.pace(entry) == Pace::Close,
        Whose::Called => state.pace(entry) != Pace::Idle,
    };
    wanted && entry.access_log().is_some() && !state.log_jobs.contains(&row_key(&entry.id))
}

fn question(state: &State, row: &RowKey) -> Option<Question> {
    let entry = state.entries.get(row)?;
    let log = entry.access_log()?;
    let sharing = log_group(&log.destination).and_then(|group| state.log_groups.get(group)).copied().unwrap_or(1);
    Question::of(&entry.id, log, sharing).ok()
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
    throttled.caveat = question.caveat();
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
}

/// Takes an answer in.
pub(super) fn take(state: &mut State, job: &Job, answer: Result<LogRows, AwsError>) {
    if let Ok(rows) = &answer {
        state.log_dollars += rows.bytes_scanned / GIGABYTE * state.settings.prices.log_query_dollars_per_gb;
        state.polling.log_dollars.0 = state.log_dollars;
        if rows.records_scanned > 0.0 {
            state.log_line_bytes.insert(job.question.group.clone(), rows.bytes_scanned / rows.records_scanned);
        }
    }
    let provisional = i64::try_from(state.settings.polling.provisional_seconds).unwrap_or(180);
    let settled = job.to - TimeDelta::seconds(provisional);
    let Some(entry) = state.entries.get_mut(&job.row) else {
        return;
    };
    let requests = state.groups.get(&entry.key).map(|held| Arc::clone(&held.series()[0]));
    let throttled = of_log(entry, &job.question);
    match answer {
        Ok(rows) => {
            let minutes = job.question.minutes(&rows);
            let series = Arc::make_mut(&mut throttled.series);
            let window = (job.from, job.to);
            let least = requests.and_then(|requests| throttle::settle(series, &minutes, window, &requests, settled));
            throttled.log_read_to = Some(job.to);
            // The last minutes are always late; only where hardly anything comes is there something wrong.
            throttled.trouble = least.filter(|_| series.is_empty()).map(throttle::missing);
        }
        Err(error) => {
            throttled.log_read_to = Some(job.to);
            throttled.trouble = Some(error.to_string());
        }
    }
    state.join_histories();
}
