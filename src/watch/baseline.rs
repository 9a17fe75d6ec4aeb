//! Reading the past that usuals are reckoned from: the half hour before an attack where no poll has it, and the weeks
//! before.
//!
//! Asked for attacked stages only: once when an attack is an hour old, and then hourly. Decides what is missing, asks
//! for it, and takes it in; what becomes of it is `usual`'s.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::habit::BEFORE_MINUTES;
use super::poll::Past;
use super::state::{Entry, RowKey, SeriesKey, State, provisional, row_key};
use super::store::{Held, Window};
use super::usual::{AROUND_MINUTES, Frozen, VALID_MINUTES, WEEKS};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::board::{HISTORY_MINUTES, History, Pace};
use crate::model::series::{Series, floor_minute};
use crate::model::settings::Settings;

/// The past is asked so long before it is needed, and so long after it could not be read.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// So long after the time in which a minute may come the half hour before changes no more.
const SETTLES: TimeDelta = TimeDelta::minutes(10);

/// Minutes of the half hour before that must be there for it not to be read again.
const ENOUGH: usize = 25;

/// Attacked stages whose past is read: as many as are read more often.
const MOST: usize = 50;

/// Which minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Before,
    /// By place in [`WEEKS`].
    Then(usize),
    Around(usize),
}

/// What is missing of one stage's past.
#[derive(Debug)]
pub(super) struct Job {
    row: RowKey,
    began: DateTime<Utc>,
    hour: Option<DateTime<Utc>>,
    key: SeriesKey,
    wanted: usize,
    web_acl_name: Option<String>,
    windows: Vec<(Slot, Window)>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Answer {
    read: Vec<(Slot, History)>,
    failed: Option<AwsError>,
}

impl State {
    /// Freezes what is usual of every stage that is believed attacked, and forgets it of those that are not.
    pub(super) fn freeze(&mut self, now: DateTime<Utc>) {
        let attacked = self.attacked_since();
        self.attacks.frozen.retain(|row, _| attacked.contains_key(row));
        let old = provisional(&self.settings) + SETTLES;
        for (row, began) in attacked {
            let Some(entry) = self.entries.get(&row) else { continue };
            let earlier = self.earlier_attack(&entry.id);
            let known = self.attacks.frozen.get(&row);
            let known = known.filter(|frozen| frozen.began == floor_minute(began) && frozen.earlier == earlier);
            if known.is_some_and(|frozen| frozen.settled) {
                continue;
            }
            let frozen = known.map_or_else(|| Frozen::new(began, earlier), |frozen| Frozen::clone(frozen));
            let before = frozen.half_hour(&entry.history);
            let settled = now >= frozen.began + old && self.is_read_whole(entry);
            if known.is_some() && !settled && is_same(&before, &frozen.before) {
                continue;
            }
            self.attacks.frozen.insert(row, Arc::new(Frozen { before: Arc::new(before), settled, ..frozen }));
        }
    }

    /// Whether every metric of an attacked stage was asked for: those that come with the attack bring their hour before
    /// it.
    fn is_read_whole(&self, entry: &Entry) -> bool {
        let asked = |held: &Held| held.status(super::poll::wanted(Pace::Close, entry) - 1).is_some();
        let acl = entry.acl_arn().map(|arn| self.acls.get(arn).is_some_and(|acl| acl.held.was_asked()));
        entry.known().is_some() && self.series.get(&entry.key).is_some_and(asked) && acl != Some(false)
    }
}

/// Whether two histories have the same minutes; a gap is no number, and equal to none.
fn is_same(a: &History, b: &History) -> bool {
    let values = |series: &Arc<Series>| {
        let last = series.latest().map(|(minute, _)| minute);
        (last, last.map(|last| series.window(last, usize::try_from(BEFORE_MINUTES).unwrap_or(1))))
    };
    a.iter().zip(b).all(|(a, b)| values(a) == values(b))
}

/// What is to be read of the past, at account time `now`.
pub(super) fn due(state: &State, now: DateTime<Utc>) -> Vec<Job> {
    let job = |(row, frozen): (&RowKey, &Arc<Frozen>)| {
        if frozen.asked_at.is_some_and(|asked| now < asked + AHEAD) {
            return None;
        }
        let entry = state.entries.get(row)?;
        let (hour, windows) = missing(frozen, now, now >= frozen.began + provisional(&state.settings) + SETTLES);
        let acl = entry.acl_arn().and_then(|arn| state.acls.get(arn));
        (!windows.is_empty()).then(|| Job {
            row: row_key(&entry.id),
            began: frozen.began,
            hour,
            key: entry.key.clone(),
            wanted: super::poll::wanted(Pace::Close, entry),
            web_acl_name: acl.and_then(|acl| acl.dimension.clone()),
            windows,
        })
    };
    state.attacks.frozen.iter().filter_map(job).take(MOST).collect()
}

/// The windows that are missing, and the hour of the attack that they are of. `old` where the half hour before changes
/// no more.
fn missing(frozen: &Frozen, now: DateTime<Utc>, old: bool) -> (Option<DateTime<Utc>>, Vec<(Slot, Window)>) {
    let half_hour = |days| {
        let to = frozen.began - TimeDelta::days(days);
        Window { from: to - TimeDelta::minutes(BEFORE_MINUTES), to }
    };
    let mut windows = Vec::new();
    // Once it was read it is as whole as it will be.
    let read = frozen.asked_at.is_some() && frozen.trouble.is_none();
    if old && !read && frozen.known_before() < ENOUGH {
        windows.push((Slot::Before, half_hour(0)));
    }
    let hours = (now + AHEAD - frozen.began).num_minutes() / VALID_MINUTES;
    if hours < 1 {
        return (frozen.hour, windows);
    }
    let hour = frozen.began + TimeDelta::minutes(hours * VALID_MINUTES);
    for (n, days) in WEEKS.into_iter().enumerate() {
        if frozen.then[n].is_none() {
            windows.push((Slot::Then(n), half_hour(days)));
        }
        if frozen.hour != Some(hour) || frozen.around[n].is_none() {
            // Back as far as signals look, and on for the hour.
            let back = i64::try_from(HISTORY_MINUTES).unwrap_or(180) + AROUND_MINUTES;
            let from = hour - TimeDelta::days(days) - TimeDelta::minutes(back);
            let to = hour - TimeDelta::days(days) + TimeDelta::minutes(VALID_MINUTES + 2 * AROUND_MINUTES);
            windows.push((Slot::Around(n), Window { from, to }));
        }
    }
    (Some(hour), windows)
}

/// Asks, one window after another. What came before something failed is kept.
pub(super) async fn ask(aws: &Aws, settings: &Settings, job: &Job) -> Answer {
    let past = Past { key: &job.key, wanted: job.wanted, web_acl_name: job.web_acl_name.as_deref() };
    let mut answer = Answer { read: Vec::new(), failed: None };
    for (slot, window) in &job.windows {
        match past.read(aws, settings, *window, Lane::Poll).await {
            Ok(history) => answer.read.push((*slot, history)),
            Err(error) => {
                answer.failed = Some(error);
                break;
            }
        }
    }
    answer
}

/// Everything that usuals of `frozen` are reckoned from at account time `now`, for whoever keeps nothing.
///
/// # Errors
/// As `GetMetricData` fails.
pub(super) async fn filled(
    aws: &Aws,
    settings: &Settings,
    mut frozen: Frozen,
    past: &Past<'_>,
    now: DateTime<Utc>,
) -> Result<Frozen, AwsError> {
    let (hour, windows) = missing(&frozen, now, true);
    for (slot, window) in windows {
        let history = past.read(aws, settings, window, Lane::Plan).await?;
        keep(&mut frozen, slot, history);
    }
    frozen.hour = hour;
    Ok(frozen)
}

fn keep(frozen: &mut Frozen, slot: Slot, history: History) {
    match slot {
        Slot::Before => {
            let before = frozen.half_hour(&history);
            frozen.before = Arc::new(before);
        }
        Slot::Then(week) => frozen.then[week] = Some(Arc::new(history)),
        Slot::Around(week) => frozen.around[week] = Some(Arc::new(history)),
    }
}

/// Takes in what came, unless another beginning is believed by now.
pub(super) fn take(state: &mut State, job: &Job, answer: Answer, now: DateTime<Utc>) {
    let Some(known) = state.attacks.frozen.get_mut(&job.row).filter(|frozen| frozen.began == job.began) else { return };
    let mut frozen = Frozen::clone(known);
    frozen.asked_at = Some(now);
    frozen.trouble = answer.failed.map(|error| error.to_string());
    for (slot, history) in answer.read {
        keep(&mut frozen, slot, history);
    }
    if frozen.trouble.is_none() {
        frozen.hour = job.hour;
    }
    *known = Arc::new(frozen);
}
