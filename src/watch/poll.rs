//! One poll: which metrics to ask for, asking, and taking the answers in.
//!
//! A metric is billed each time it is asked for, so that each is asked for once: a web ACL behind many stages once, a name that
//! two APIs share once, a stage that nobody calls with one metric only.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::cost::dollars_per_hour;
use super::state::{Entry, Part, SeriesKey, State};
use super::store::{Held, Window};
use crate::aws::read::{MetricQuery, MetricResult, Statistic};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::board::{HISTORY_MINUTES, History};
use crate::model::series::Series;
use crate::model::settings::Settings;
use crate::model::stage::StageId;

/// Minutes read the first time: enough for the sparklines and for a median.
const FIRST_MINUTES: i64 = 60;

/// Minutes read again with every poll: late and provisional points change.
const AGAIN_MINUTES: i64 = 5;

/// The longest window after a time without answers.
const LONGEST_MINUTES: i64 = 180;

/// First readings go in portions: an hour of a thousand stages at once would be more points than CloudWatch gives in a second
/// (180,000; quotas 2023, now unverified).
const FIRST_PORTION: usize = 2_000;

/// Metrics of a stage, in the order in which its [`Held`] keeps them; the first five of `Metric::ALL`.
const STAGE: [(&str, Statistic); 5] = [
    // The number of requests is the sample count (documented).
    ("Count", Statistic::SampleCount),
    ("4XXError", Statistic::Sum),
    ("5XXError", Statistic::Sum),
    ("Latency", Statistic::P50),
    ("Latency", Statistic::P99),
];

/// Metrics of a web ACL, in the order in which its [`Held`] keeps them; the last three of `Metric::ALL`.
const ACL: [&str; 3] = ["AllowedRequests", "BlockedRequests", "CountedRequests"];

/// Which metrics to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of them.
    All,
    /// Those never asked for before.
    New,
}

/// Where an answer belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Stage(SeriesKey, usize),
    Acl { arn: String, dimension: String, index: usize },
}

/// What to ask in one poll.
#[derive(Debug, Default)]
pub(super) struct Questions {
    first: Vec<(Target, MetricQuery)>,
    again: Vec<(Target, MetricQuery)>,
    window: Option<Window>,
}

/// What came of a poll.
#[derive(Debug)]
pub(super) struct Answers {
    results: Vec<(Target, MetricResult, Window)>,
    calls: usize,
    window: Window,
}

impl Questions {
    /// What `state` needs at account time `now`.
    pub(super) fn of(state: &State, extent: Extent, now: DateTime<Utc>) -> Self {
        let mut questions = Self { window: Some(Window::last(minutes_again(state, now), now)), ..Self::default() };
        let mut seen: HashSet<&SeriesKey> = HashSet::new();
        let mut seen_acls: HashSet<&str> = HashSet::new();
        for entry in state.entries.values() {
            if seen.insert(&entry.key)
                && let Some(held) = state.groups.get(&entry.key)
            {
                questions.stage(state, &entry.key, held, extent);
            }
            if let Some(arn) = entry.acl_arn()
                && seen_acls.insert(arn)
            {
                questions.acl(state, arn, extent);
            }
        }
        questions
    }

    /// How many metrics that is.
    pub(super) fn len(&self) -> usize {
        self.first.len() + self.again.len()
    }

    fn stage(&mut self, state: &State, key: &SeriesKey, held: &Held, extent: Extent) {
        if extent == Extent::New && held.asked {
            return;
        }
        let wanted = if state.is_active(key) { STAGE.len() } else { 1 };
        for (index, query) in stage_queries(key, wanted).into_iter().enumerate() {
            let first = !held.primed || held.status(index).is_none();
            self.put(Target::Stage(key.clone(), index), query, first);
        }
    }

    fn acl(&mut self, state: &State, arn: &str, extent: Extent) {
        let Some(acl) = state.acls.get(arn) else {
            return;
        };
        if extent == Extent::New && acl.held.asked {
            return;
        }
        for dimension in acl.candidates() {
            for (index, query) in acl_queries(dimension, &state.region).into_iter().enumerate() {
                let target = Target::Acl { arn: arn.to_owned(), dimension: dimension.to_owned(), index };
                self.put(target, query, !acl.held.primed);
            }
        }
    }

    fn put(&mut self, target: Target, query: MetricQuery, first: bool) {
        if first {
            self.first.push((target, query));
        } else {
            self.again.push((target, query));
        }
    }
}

/// How many metrics a poll of everything asks for.
fn metrics_a_poll(state: &State) -> usize {
    let keys: HashSet<&SeriesKey> = state.entries.values().map(|entry| &entry.key).collect();
    let arns: HashSet<&str> = state.entries.values().filter_map(Entry::acl_arn).collect();
    let of_stage = |key: &&SeriesKey| if state.is_active(key) { STAGE.len() } else { 1 };
    let of_acl = |arn: &&str| state.acls.get(*arn).map_or(0, |acl| acl.candidates().len() * ACL.len());
    keys.iter().map(of_stage).sum::<usize>() + arns.iter().map(of_acl).sum::<usize>()
}

/// Late points are read again; after a time without answers, so is what was missed.
fn minutes_again(state: &State, now: DateTime<Utc>) -> i64 {
    let provisional = state.settings.polling.provisional_seconds.div_ceil(60);
    let again = AGAIN_MINUTES.max(i64::try_from(provisional).unwrap_or(0) + 2);
    let missed = state.polled_to.map_or(0, |to| (now - to).num_minutes());
    (again + missed.max(0)).min(LONGEST_MINUTES)
}

/// Asks. Nothing is kept of a poll that fails half way: the next one asks again.
pub(super) async fn ask(aws: &Aws, questions: Questions, now: DateTime<Utc>) -> Result<Answers, AwsError> {
    let window = questions.window.unwrap_or(Window::last(AGAIN_MINUTES, now));
    let mut answers = Answers { results: Vec::with_capacity(questions.len()), calls: 0, window };
    answers.ask(aws, questions.again, window).await?;
    let mut first = questions.first;
    while !first.is_empty() {
        let rest = first.split_off(first.len().min(FIRST_PORTION));
        answers.ask(aws, first, Window::last(FIRST_MINUTES, now)).await?;
        first = rest;
    }
    Ok(answers)
}

impl Answers {
    async fn ask(&mut self, aws: &Aws, questions: Vec<(Target, MetricQuery)>, window: Window) -> Result<(), AwsError> {
        if questions.is_empty() {
            return Ok(());
        }
        let (targets, queries): (Vec<Target>, Vec<MetricQuery>) = questions.into_iter().unzip();
        let (results, calls) = aws.metric_data(&queries, window.from, window.to, Lane::Poll).await?;
        self.calls += calls;
        let results = targets.into_iter().zip(results);
        self.results.extend(results.map(|(t, r)| (t, r, window)));
        Ok(())
    }

    /// Takes the answers into `state`, at account time `now`.
    pub(super) fn fold(self, state: &mut State, extent: Extent, now: DateTime<Utc>) {
        let provisional = provisional(&state.settings);
        let mut first_acls: Vec<(String, Window)> = Vec::new();
        let metrics = self.results.len();
        for (target, result, window) in &self.results {
            match target {
                Target::Stage(key, index) => {
                    if let Some(held) = state.groups.get_mut(key) {
                        held.take(*index, result, *window);
                    }
                }
                Target::Acl { arn, dimension, index } => {
                    take_acl(state, arn, dimension, *index, result, *window);
                    if *index == ACL.len() - 1 {
                        first_acls.push((arn.clone(), *window));
                    }
                }
            }
        }
        for (arn, window) in first_acls {
            if let Some(acl) = state.acls.get_mut(&arn).filter(|a| a.dimension.is_some()) {
                acl.held.settle(window, now, provisional);
                acl.held.prime();
            }
        }
        for (target, ..) in &self.results {
            if let Target::Stage(key, 0) = target
                && let Some(held) = state.groups.get_mut(key)
            {
                held.prime();
            }
        }
        state.troubles.remove(&Part::Metrics);
        state.polling.read_at = Some(now);
        if extent == Extent::All {
            state.polled_to = Some(self.window.to);
            state.polling.metrics = metrics;
            state.polling.calls = self.calls;
        }
        state.polling.dollars_per_hour = dollars_per_hour(metrics_a_poll(state), &state.settings.polling);
        state.join_histories();
    }
}

/// A web ACL's series is taken from the one dimension value that has any; the first to answer with data is it.
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

/// Three hours of one stage and its web ACL, in one call: what tells when an attack began.
pub(super) async fn stage_history(
    aws: &Aws,
    settings: &Settings,
    stage: &StageId,
    web_acl_name: Option<&str>,
    now: DateTime<Utc>,
) -> Result<History, AwsError> {
    let key = (stage.metric_api_name(), stage.stage.clone());
    let mut queries = stage_queries(&key, STAGE.len());
    queries.extend(web_acl_name.into_iter().flat_map(|name| acl_queries(name, aws.region())));
    let window = Window::last(LONGEST_MINUTES, now);
    let (results, _) = aws.metric_data(&queries, window.from, window.to, Lane::Plan).await?;
    let (mut own, mut waf) = (Held::new(STAGE.len()), Held::new(ACL.len()));
    for (index, result) in results.iter().enumerate() {
        match index.checked_sub(STAGE.len()) {
            None => own.take(index, result, window),
            Some(index) => waf.take(index, result, window),
        }
    }
    if waf.has_data() {
        waf.settle(window, now, provisional(settings));
    }
    let mut all = own.series().iter().chain(waf.series()).cloned();
    Ok(std::array::from_fn(|_| all.next().unwrap_or_else(|| Arc::new(Series::new(HISTORY_MINUTES)))))
}

fn stage_queries(key: &SeriesKey, wanted: usize) -> Vec<MetricQuery> {
    let query = |(name, statistic): &(&'static str, Statistic)| MetricQuery {
        namespace: "AWS/ApiGateway",
        name,
        dimensions: vec![("ApiName", key.0.clone()), ("Stage", key.1.clone())],
        statistic: *statistic,
    };
    STAGE.iter().take(wanted).map(query).collect()
}

/// `Rule=ALL` is the web ACL's total; regional series have a region (documented).
fn acl_queries(dimension: &str, region: &str) -> Vec<MetricQuery> {
    let query = |name: &&'static str| MetricQuery {
        namespace: "AWS/WAFV2",
        name,
        dimensions: vec![("WebACL", dimension.to_owned()), ("Rule", "ALL".to_owned()), ("Region", region.to_owned())],
        statistic: Statistic::Sum,
    };
    ACL.iter().map(query).collect()
}

fn provisional(settings: &Settings) -> TimeDelta {
    let seconds = settings.polling.provisional_seconds.min(86_400);
    TimeDelta::seconds(i64::try_from(seconds).unwrap_or(180))
}

#[cfg(test)]
mod tests;
