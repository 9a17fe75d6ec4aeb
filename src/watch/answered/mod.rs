//! Who is answered on an attacked stage, by its access log: callers of before the attack, and everybody else.
//!
//! Asked a minute apart of stages that an attack is believed on, inside the budget for log queries, over the last
//! minute, or as many as it takes where few call: what counts is the part that was answered, which lines that come late
//! do not change much. Who called before is asked once, and who was there before the newest block once a block; what
//! came since the beginning is asked every other minute, each minute of it once. Keeps sums only, but for the addresses
//! of before. Makes calls, and knows nothing of what is made of the answers.

pub(super) mod answers;
mod pool;
mod sum;
#[cfg(test)]
mod tests;
mod total;

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Timelike, Utc};

use self::answers::{Answered, POOLED};
pub(super) use self::pool::Pool;
use self::pool::{Before, ByMethod, Names, by_address, by_method, by_method_of};
pub(super) use self::sum::{NotTheirs, are_the_attack};
use super::callers::{Log, Window, before, by_fields};
use super::logs;
use super::state::{Entry, RowKey, State};
use super::usual::Reckoned;
use crate::aws::read::{LogRows, MOST_ROWS};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::access_log::Field;
use crate::model::board::{HISTORY_MINUTES, Metric};
use crate::model::measure::{Measure, SPREADS, Turning};
use crate::model::series::floor_minute;
use crate::model::usual::UsualOf;

/// So many requests of callers of before are wanted of the minutes that are looked at together.
const ENOUGH: f64 = 240.0;

/// The same where it is asked once: metrics tell of the very last minute later.
const ONCE: i64 = 3;

/// The fewest minutes before an attack that tell who called.
const LEAST_BEFORE: i64 = 5;

/// The most that is read of the time until a block.
const LONGEST: TimeDelta = TimeDelta::hours(3);

/// The most minutes that lines may take to come.
const LATE: i64 = 5;

/// Every so many minutes it is tried whether they come earlier.
const TRIED_EARLIER: u32 = 10;

/// Stages that are asked about at once.
const MOST: usize = 10;

/// After a failure what was there before is asked again so much later.
const AGAIN: TimeDelta = TimeDelta::minutes(5);

/// The part of what is left of the budget that all since the beginning may cost: what comes now is worth more.
const FOR_ALL: f64 = 0.5;

/// Why something is not asked.
const USED_UP: &str = "the budget for log queries is used up";

/// Questions to one stage's log.
#[derive(Debug)]
pub(super) struct Job {
    row: RowKey,
    began: DateTime<Utc>,
    log: Log,
    names: Names,
    now: Option<Window>,
    before: Option<Window>,
    /// The newest block's id.
    block: Option<String>,
    /// Until it was in force.
    blocked: Option<Window>,
    /// The next minutes of all since the beginning.
    total: Option<sum::SumOf>,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// A watcher, minute after minute.
    Watcher,
    /// A reading that does not stay.
    Once,
}

/// Answers, by what was asked.
#[derive(Debug)]
pub(super) struct Answer {
    now: Option<Now>,
    before: Option<Both>,
    blocked: Option<Result<LogRows, AwsError>>,
    /// By caller and status; where that is too long to hold all, also by caller, and by caller of what was answered
    /// without an error.
    total: Vec<Result<LogRows, AwsError>>,
}

/// What was answered of now.
#[derive(Debug)]
enum Now {
    /// By caller and method in one.
    Together(Result<LogRows, AwsError>),
    /// By caller and by method, after the one was too long to hold all.
    Apart(Option<LogRows>, Both),
}

impl Now {
    /// Every answer, to be billed.
    fn all(&self) -> Vec<Result<LogRows, AwsError>> {
        match self {
            Self::Together(one) => vec![one.clone()],
            Self::Apart(full, both) => full.clone().map(Ok).into_iter().chain(both.iter().cloned()).collect(),
        }
    }
}

/// By caller and by method.
type Both = [Result<LogRows, AwsError>; 2];

/// The questions that are due at account time `now`.
pub(super) fn due(state: &mut State, now: DateTime<Utc>, whose: Whose) -> Vec<Job> {
    let to = floor_minute(now);
    let State { entries, attacks, .. } = &mut *state;
    let frozen = &attacks.frozen;
    for (row, entry) in entries.iter_mut() {
        let began = frozen.get(row).map(|frozen| frozen.began);
        if entry.answered.as_ref().is_some_and(|answered| Some(answered.began) != began) {
            entry.answered = None;
        }
    }
    // Those that have waited longest.
    let tried = |row: &RowKey| entries.get(row).and_then(|entry| entry.answered.as_ref()).map(|one| one.tried_to);
    let mut attacked: Vec<_> = frozen.iter().map(|(row, of)| (tried(row), row.clone(), of.began)).collect();
    attacked.sort();
    let (mut left, mut jobs) = (logs::left(state, now), Vec::new());
    for (_, row, began) in attacked {
        if jobs.len() >= MOST || state.logs.answer_jobs.contains(&row) {
            continue;
        }
        let Some(mut job) = job(state, &row, (began, to), whose) else { continue };
        let (wanted, asked) = job.as_mut().map_or((false, false), |job| {
            let wanted = job.total.is_some();
            cheapen(state, job, left);
            (wanted, job.total.is_some())
        });
        let price = job.as_ref().map_or(0.0, |job| price(state, job));
        let Some(entry) = state.entries.get_mut(&row) else { continue };
        let answered = Arc::make_mut(entry.answered.get_or_insert_with(|| Arc::new(Answered::new(began, to))));
        answered.tried_to = to;
        if wanted {
            answered.total_tried = Some(to);
            answered.total_trouble = (!asked).then(|| USED_UP.to_owned());
        }
        match job {
            Err(why) => answered.trouble = Some(why),
            Ok(_) if left <= 0.0 || price > left => answered.trouble = Some(USED_UP.to_owned()),
            Ok(job) => {
                left -= price;
                jobs.push(job);
            }
        }
    }
    jobs
}

/// What to ask a stage's log for the minutes before `to`; `None` where there is nothing to ask, the reason where it
/// cannot be.
// Long: each reason not to ask is told before the next is looked at.
fn job(state: &State, row: &RowKey, (began, to): Window, whose: Whose) -> Option<Result<Job, String>> {
    let entry = state.entries.get(row)?;
    let log = entry.access_log()?;
    if !state.settings.sources.ask_access_logs {
        return Some(Err("not asked, as sources.ask-access-logs says".to_owned()));
    }
    let answered = entry.answered.as_deref();
    if answered.is_some_and(|answered| answered.tried_to >= to) {
        return None;
    }
    let log = match Log::of(&entry.id, log) {
        // Until every stage is known another may turn out to write to it.
        Ok(log) if log.shared && !state.apis.is_part && !state.apis.knows_every_stage() => return None,
        Ok(log) if log.shared && state.sharing(&log.group) != Some(1) => {
            return Some(Err(
                "the log's lines do not say which stage; add $context.apiId and $context.stage".to_owned()
            ));
        }
        Ok(log) => log,
        Err(why) => return Some(Err(why)),
    };
    let Some(status) = log.names(&[Field::Status]).map(|names| names[0].to_owned()) else {
        return Some(Err("the log's lines do not say how requests were answered; add $context.status".to_owned()));
    };
    let kind = log.names(&[Field::Method, Field::Resource]).map(|names| [names[0].to_owned(), names[1].to_owned()]);
    let names = Names { address: log.address().to_owned(), status, kind };
    let wants_before = answered.is_none_or(|answered| {
        answered.before.is_none() && answered.before_asked.is_none_or(|asked| to >= asked + AGAIN)
    });
    let knows_before = answered.is_some_and(|answered| matches!(answered.before, Some(Ok(_))));
    if !wants_before && !knows_before {
        return None;
    }
    let known = answered.and_then(|answered| answered.blocked.as_ref()).map(|(id, _)| id);
    let block = newest_block(state, entry).filter(|block| to >= floor_minute(block.since + SPREADS));
    let blocked = block.as_ref().filter(|block| Some(&block.id) != known);
    let blocked = blocked.map(|block| {
        let to = block.since + SPREADS;
        ((began - TimeDelta::minutes(1)).max(to - LONGEST), to)
    });
    let before_it = answered.and_then(|answered| answered.before.as_ref()?.as_ref().ok());
    let first = if whose == Whose::Once { ONCE } else { 1 };
    let minutes = before_it
        .map_or(first, |before| (1..POOLED).find(|n| before.per_minute * *n as f64 >= ENOUGH).unwrap_or(POOLED));
    let (asked_at, to) = (to, to - TimeDelta::minutes(answered.map_or(0, |answered| answered.late)));
    // Minutes from before the attack, or from before what was done about it last, would water it down.
    let changed = state.measures_on(entry).changed_by(to).map_or(began, |changed| began.max(floor_minute(changed)));
    let now = ((to - TimeDelta::minutes(minutes)).max(changed).min(to - TimeDelta::minutes(1)), to);
    // Whoever does not stay learns of before and of all since then at once.
    let total = if knows_before || whose == Whose::Once { total(state, row, (began, asked_at)) } else { None };
    Some(Ok(Job {
        row: row.clone(),
        began,
        log,
        names,
        now: (to > began).then_some(now),
        before: wants_before
            .then(|| calm(before(began), state.attacks.frozen.get(row).and_then(|frozen| frozen.earlier))),
        block: block.map(|block| block.id),
        blocked,
        total,
    }))
}

/// The next minutes of all since the beginning, where they are due.
fn total(state: &State, row: &RowKey, window: Window) -> Option<sum::SumOf> {
    let frozen = state.attacks.frozen.get(row)?;
    let reckoned = Reckoned::of(frozen, None);
    let entry = state.entries.get(row)?;
    let counted = &entry.history[Metric::Requests.index()];
    let requests = |minute| Some((reckoned.at(UsualOf::Requests, minute)?.ok()?, counted.at(minute)));
    total::next(entry.answered.as_deref(), window, requests)
}

/// The minutes before without those of an attack before them; the whole where nothing else is left.
fn calm((from, to): Window, earlier: Option<Window>) -> Window {
    let from_then = earlier.map_or(from, |(_, ended)| from.max(floor_minute(ended) + TimeDelta::minutes(1)));
    if from_then + TimeDelta::minutes(LEAST_BEFORE) <= to { (from_then, to) } else { (from, to) }
}

fn newest_block(state: &State, entry: &Entry) -> Option<Measure> {
    let measures = state.measures_on(entry);
    let blocks = measures.iter().filter(|one| one.turning == Turning::Blocks && one.is_in_force());
    blocks.max_by_key(|one| one.since).cloned()
}

/// Leaves out what there is no money for: all since the beginning first, and who follows before who is served.
fn cheapen(state: &State, job: &mut Job, left: f64) {
    let all = job.total.map_or(0.0, |total| logs::dollars(state, (&job.row, &job.log.group), total.window));
    if all > FOR_ALL * left || price(state, job) > left {
        job.total = None;
    }
    if price(state, job) > left {
        job.blocked = None;
    }
}

/// Dollars that a job will cost. An estimate.
fn price(state: &State, job: &Job) -> f64 {
    let total = job.total.map(|total| total.window);
    // Where one query cannot hold all, two more are asked.
    let windows = [job.now, job.now, job.before, job.before, job.blocked, total, total, total];
    windows.into_iter().flatten().map(|window| logs::dollars(state, (&job.row, &job.log.group), window)).sum()
}

/// Asks.
pub(super) async fn ask(aws: &Aws, job: &Job) -> Answer {
    let both = |window: Option<Window>| async move {
        let window = window?;
        let (callers, methods) = tokio::join!(callers(aws, job, window), methods(aws, job, window));
        Some([callers, methods])
    };
    let now = async {
        let window = job.now?;
        // What callers of before get of each method is told by one query, where its rows hold it.
        match together(aws, job, window).await {
            Some(Ok(rows)) if rows.rows.len() < MOST_ROWS => Some(Now::Together(Ok(rows))),
            Some(Err(error)) => Some(Now::Together(Err(error))),
            Some(Ok(full)) => both(Some(window)).await.map(|both| Now::Apart(Some(full), both)),
            None => both(Some(window)).await.map(|both| Now::Apart(None, both)),
        }
    };
    let one = |window: Option<Window>| async move {
        match window {
            Some(window) => Some(callers(aws, job, window).await),
            None => None,
        }
    };
    let total = all(aws, job);
    let (now, before, blocked, total) = tokio::join!(now, both(job.before), one(job.blocked), total);
    Answer { now, before, blocked, total }
}

async fn callers(aws: &Aws, job: &Job, window: Window) -> Result<LogRows, AwsError> {
    query(aws, job, &[&job.names.address, &job.names.status], window).await
}

/// By caller and method together; `None` where the log tells no method.
async fn together(aws: &Aws, job: &Job, window: Window) -> Option<Result<LogRows, AwsError>> {
    let [method, resource] = job.names.kind.as_ref()?;
    Some(query(aws, job, &[&job.names.address, &job.names.status, method, resource], window).await)
}

/// By method, where the log tells one.
async fn methods(aws: &Aws, job: &Job, window: Window) -> Result<LogRows, AwsError> {
    match &job.names.kind {
        Some([method, resource]) => query(aws, job, &[method, resource, &job.names.status], window).await,
        None => Ok(LogRows { rows: Vec::new(), records_scanned: 0.0, bytes_scanned: 0.0 }),
    }
}

/// The next minutes of all since the beginning.
async fn all(aws: &Aws, job: &Job) -> Vec<Result<LogRows, AwsError>> {
    let Some(sum::SumOf { window, .. }) = job.total else { return Vec::new() };
    let whole = callers(aws, job, window).await;
    if !whole.as_ref().is_ok_and(|rows| rows.rows.len() >= MOST_ROWS) {
        return vec![whole];
    }
    let Names { address, status, .. } = &job.names;
    let everybody = by_fields(&[address]);
    let answered = format!("filter {status} < 400 | {everybody}");
    let (everybody, answered) =
        tokio::join!(query_of(aws, job, &everybody, window), query_of(aws, job, &answered, window));
    vec![whole, everybody, answered]
}

async fn query(aws: &Aws, job: &Job, by: &[&str], window: Window) -> Result<LogRows, AwsError> {
    query_of(aws, job, &by_fields(by), window).await
}

async fn query_of(aws: &Aws, job: &Job, rest: &str, (from, to): Window) -> Result<LogRows, AwsError> {
    aws.log_query(&job.log.group, &job.log.query(rest), from, to, Lane::Poll).await
}

impl Job {
    /// The stage's row.
    pub(super) fn row(&self) -> &RowKey {
        &self.row
    }

    /// End of the minutes that are asked for.
    pub(super) fn to(&self) -> DateTime<Utc> {
        self.now.or(self.before).map_or(self.began, |(_, to)| to)
    }
}

/// Takes answers in.
pub(super) fn take(state: &mut State, job: &Job, answer: &Answer) {
    let both = |asked: &Option<Both>, window: Option<Window>| {
        asked.iter().flatten().cloned().map(|rows| (rows, window)).collect::<Vec<_>>()
    };
    let mut asked = both(&answer.before, job.before);
    asked.extend(answer.now.iter().flat_map(Now::all).map(|rows| (rows, job.now)));
    asked.extend(answer.blocked.clone().map(|rows| (rows, job.blocked)));
    asked.extend(answer.total.iter().cloned().map(|rows| (rows, job.total.map(|total| total.window))));
    for (rows, window) in asked {
        match (&rows, window) {
            (Ok(rows), _) => logs::bill(state, &job.log.group, rows),
            // A query that was given up has scanned as well.
            (Err(error), Some(window)) if error.leaves_a_query() => {
                let dollars = logs::dollars(state, (&job.row, &job.log.group), window);
                state.logs.costs.by_itself += dollars;
            }
            (Err(_), _) => {}
        }
    }
    let Some(entry) = state.entries.get_mut(&job.row) else { return };
    let Some(answered) = entry.answered.as_mut().filter(|answered| answered.began == job.began) else { return };
    let answered = Arc::make_mut(answered);
    match answered.take(job, answer) {
        Ok(()) => answered.trouble = None,
        Err(why) => answered.trouble = Some(why),
    }
}

impl Answered {
    fn take(&mut self, job: &Job, answer: &Answer) -> Result<(), String> {
        let mut trouble = Ok(());
        if let (Some(asked), Some(block)) = (&answer.blocked, &job.block) {
            let callers = asked.as_ref().map_err(ToString::to_string).and_then(|rows| by_address(rows, &job.names));
            let callers = callers.map(|callers| Arc::new(callers.keys().copied().collect::<HashSet<_>>()));
            self.blocked = Some((block.clone(), callers.as_ref().ok().cloned()));
            trouble = callers.map(|_| ()).map_err(|why| format!("before the block: {why}"));
        }
        if let (Some([callers, methods]), Some((from, to))) = (&answer.before, job.before) {
            self.before_asked = Some(self.tried_to);
            let callers = callers.as_ref().map_err(|error| format!("before the attack: {error}"))?;
            let methods = methods.as_ref().map_or_else(|_| ByMethod::new(), |rows| by_method(rows, &job.names));
            let minutes = (to - from).as_seconds_f64() / 60.0;
            let callers = by_address(callers, &job.names).map_err(|why| format!("before the attack: {why}"));
            self.before = match callers {
                Err(why) => Some(Err(why)),
                Ok(callers) => Before::of(&callers, methods, minutes).map(|before| Ok(Arc::new(before))),
            };
        }
        let before = match &self.before {
            Some(Ok(before)) => Arc::clone(before),
            Some(Err(why)) => return Err(why.clone()),
            None => return Err("the log has no answered request from before the attack".to_owned()),
        };
        self.add_up(job, answer, &before);
        let (Some(now), Some((from, to))) = (&answer.now, job.now) else { return trouble };
        let (rows, methods) = match now {
            Now::Together(rows) => (rows, rows.as_ref().ok().map(|rows| by_method_of(rows, &job.names, &before))),
            Now::Apart(_, [rows, methods]) => (rows, methods.as_ref().ok().map(|rows| by_method(rows, &job.names))),
        };
        let of_callers = matches!(now, Now::Together(_));
        let (rows, methods) = (rows.as_ref().map_err(ToString::to_string)?, methods.unwrap_or_default());
        let callers = by_address(rows, &job.names)?;
        if callers.is_empty() {
            self.late = (self.late + 1).min(LATE);
            return Err("the log has no lines of the last minutes yet".to_owned());
        }
        // Now and then it is tried whether lines come earlier again.
        if to.minute() % TRIED_EARLIER == 0 {
            self.late = (self.late - 1).max(0);
        }
        let minutes = (to - from).as_seconds_f64() / 60.0;
        // Of a block that was taken back nobody is a follower.
        let blocked = self.blocked.as_ref().filter(|(block, _)| Some(block) == job.block.as_ref());
        let blocked = blocked.and_then(|(_, callers)| callers.as_deref());
        let pool = Pool::of(&callers, (&methods, of_callers), minutes, &before, blocked);
        self.pools.retain(|(known, _)| *known != to);
        self.pools.push_back((to, pool));
        while self.pools.len() > HISTORY_MINUTES {
            self.pools.pop_front();
        }
        trouble
    }
}
