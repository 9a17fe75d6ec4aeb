//! Taking a poll's answers in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{ACL, Answers, Extent, Groups, Target, USUAL, filter_of, log_tells};
use crate::aws::read::{MetricResult, MetricStatus};
use crate::model::board::{Pace, PaceOf};
use crate::model::figure::{Origin, Scope};
use crate::model::series::{Series, floor_minute};
use crate::watch::schedule::{self, Schedule};
use crate::watch::state::{Part, RowKey, SeriesKey, State, Throttled, provisional};
use crate::watch::store::{Held, Window};
use crate::watch::throttle;

impl Answers {
    /// Takes the answers into `state`, at account time `now`.
    // Long: passes over the same answers, in an order that matters: filters and web ACLs rest on the stages.
    pub(in crate::watch) fn fold(self, state: &mut State, extent: Extent, now: DateTime<Utc>) {
        let provisional = provisional(&state.settings);
        let mut acls: Vec<(String, Window)> = Vec::new();
        let metrics = self.results.len();
        if metrics == 0 {
            return;
        }
        for (target, result, window) in &self.results {
            match target {
                Target::Stage(key, index) => {
                    if let Some(held) = state.series.get_mut(key) {
                        held.take(*index, result, *window);
                        held.answered(result.status, *window, now);
                    }
                }
                Target::Acl { arn, dimension, index } => {
                    take_acl(state, arn, dimension, *index, result, *window);
                    if *index == ACL.len() - 1 {
                        acls.push((arn.clone(), *window));
                    }
                }
                // After all others: its silence is told by the stage's own requests.
                Target::Filter(_) => {}
            }
        }
        for (target, result, window) in &self.results {
            if let Target::Filter(row) = target {
                take_filter(state, row, result, *window, now);
            }
        }
        for (target, _, window) in &self.results {
            if let Target::Stage(key, 0) = target
                && let Some(held) = state.series.get_mut(key)
            {
                held.settle_own(*window, now, provisional);
                held.prime();
            }
        }
        let behind = behind(state, &acls);
        for (arn, window) in acls {
            let stages = behind.get(&arn).map_or(&[][..], Vec::as_slice);
            let Some(acl) = state.acls.get_mut(&arn) else { continue };
            let status = acl.held.worst().unwrap_or(MetricStatus::Complete);
            acl.held.answered(status, window, now);
            if acl.dimension.is_some() {
                let requests = |minute| known_sum(stages.iter().map(|series| series.at(minute)));
                acl.held.settle(window, now, provisional, &requests);
                acl.held.prime();
            }
        }
        let close: HashSet<&SeriesKey> =
            state.entries.values().filter(|e| state.pace(e) == Pace::Close).map(|e| &e.key).collect();
        let close: HashSet<SeriesKey> = close.into_iter().cloned().collect();
        for (target, ..) in &self.results {
            if let Target::Stage(key, 0) = target
                && !close.contains(key)
                && let Some(held) = state.series.get_mut(key)
            {
                held.no_longer_asked(USUAL);
            }
        }
        state.troubles.end(Part::Metrics);
        state.polling.read_at = Some(now);
        if extent != Extent::New {
            state.polling.metrics = metrics;
            state.polling.calls = self.calls;
        }
        note_pace(state);
        if extent != Extent::New {
            state.add_up_account(now);
        }
        self.join_histories(state);
    }
}

impl Answers {
    /// The histories of the stages that something was read of, anew.
    fn join_histories(&self, state: &mut State) {
        let (mut stages, mut acls, mut rows) = (HashSet::new(), HashSet::new(), HashSet::new());
        for (target, ..) in &self.results {
            match target {
                Target::Stage(key, _) => drop(stages.insert(key)),
                Target::Acl { arn, .. } => drop(acls.insert(arn.as_str())),
                Target::Filter(row) => drop(rows.insert(row)),
            }
        }
        state.join_histories(|row, entry| {
            let of_acl = entry.acl_arn().is_some_and(|arn| acls.contains(arn));
            of_acl || stages.contains(&entry.key) || rows.contains(row)
        });
    }
}

/// The requests of the stages behind each of these web ACLs: what proves that its minutes were published.
fn behind(state: &State, acls: &[(String, Window)]) -> HashMap<String, Vec<Arc<Series>>> {
    let mut behind: HashMap<&str, HashMap<&SeriesKey, &Held>> =
        acls.iter().map(|(arn, _)| (arn.as_str(), HashMap::new())).collect();
    for entry in state.entries.values() {
        let stages = entry.acl_arn().and_then(|arn| behind.get_mut(arn));
        if let (Some(stages), Some(held)) = (stages, state.series.get(&entry.key)) {
            stages.insert(&entry.key, held);
        }
    }
    let requests = |stages: HashMap<&SeriesKey, &Held>| {
        stages.into_values().filter_map(|held| held.series().first().cloned()).collect()
    };
    behind.into_iter().map(|(arn, stages)| (arn.to_owned(), requests(stages))).collect()
}

/// The sum of what is known; `None` where nothing is.
fn known_sum(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    values.flatten().fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

/// What polling costs and how fast it is, for the board.
fn note_pace(state: &mut State) {
    let groups = Groups::of(state);
    let metrics = groups.metrics(state);
    let schedule = Schedule::of(&state.settings.polling, metrics);
    let mut paces = schedule.every.map(|every_seconds| PaceOf { stages: 0, every_seconds });
    for entry in state.entries.values() {
        paces[schedule::index(state.pace(entry))].stages += 1;
    }
    let settings = &state.settings.polling;
    let dollars = schedule::dollars_per_hour(settings, metrics, &schedule.every);
    state.polling.paces = paces;
    state.polling.dollars_per_hour = dollars;
    state.polling.budget_dollars_per_hour = settings.budget_dollars_per_hour;
    state.polling.slowed = schedule.slowed;
}

/// A metric filter publishes nothing where no line matched: that is zero once the minute can no longer be late, where
/// the stage's own requests are known.
fn take_filter(state: &mut State, row: &RowKey, result: &MetricResult, window: Window, now: DateTime<Utc>) {
    let provisional = provisional(&state.settings);
    let Some(entry) = state.entries.get(row) else { return };
    if log_tells(entry, now) {
        return;
    }
    let Some((group, filter)) = filter_of(state, entry) else { return };
    let Some(sharing) = state.sharing(group) else { return };
    let scope = match sharing {
        0 | 1 => Scope::Stage,
        stages => Scope::LogGroup { name: group.to_owned(), stages },
    };
    let requests = state.series.get(&entry.key).map(|held| Arc::clone(&held.series()[0]));
    let format = entry.access_log().map_or("", |log| log.format.as_str());
    let (caveats, created) = (throttle::filter_caveats(filter, format), filter.created);
    let Some(entry) = state.entries.get_mut(row) else { return };
    let kept = entry.throttled.take().filter(|read| read.origin == Origin::MetricFilter);
    let throttled = entry.throttled.insert(kept.unwrap_or_else(|| Throttled::new(Origin::MetricFilter, scope.clone())));
    throttled.scope = scope;
    throttled.caveats = caveats;
    throttled.trouble = match result.status {
        MetricStatus::Forbidden => {
            Some("not permitted: cloudwatch:GetMetricData refused the metric filter's metric".to_owned())
        }
        MetricStatus::Failed => Some("CloudWatch failed on the metric filter's metric".to_owned()),
        MetricStatus::Complete | MetricStatus::Partial => None,
    };
    let series = Arc::make_mut(&mut throttled.series);
    for (minute, value) in result.points.iter().filter(|(_, value)| value.is_finite()) {
        series.set(*minute, *value);
    }
    if result.status == MetricStatus::Complete {
        let mut minute = floor_minute(window.from);
        while minute < window.to && minute + TimeDelta::minutes(1) + provisional <= now {
            let called = requests.as_ref().is_some_and(|requests| requests.at(minute).is_some());
            // Before it was made it counted nothing.
            let there = created.is_some_and(|created| created <= minute);
            if called && there && series.at(minute).is_none() {
                series.set(minute, 0.0);
            }
            minute += TimeDelta::minutes(1);
        }
    }
}

/// A web ACL's series is taken from the one dimension value that has any; the first to answer with data is it.
// Wide: whose series it is, which one, and for which minutes.
fn take_acl(state: &mut State, arn: &str, dimension: &str, index: usize, result: &MetricResult, window: Window) {
    let Some(acl) = state.acls.get_mut(arn) else {
        return;
    };
    if acl.dimension.is_none() && !result.points.is_empty() {
        acl.dimension = Some(dimension.to_owned());
    }
    if acl.dimension.as_deref().is_none_or(|known| known == dimension) {
        acl.held.take(index, result, window);
    }
}
