//! One poll: which metrics to ask for, asking, and taking the answers in.
//!
//! A metric is billed each time it is asked for, so that each is asked for once: a web ACL behind many stages once, a
//! name that two APIs share once, a stage that nobody calls with one metric only. What is attacked or looked at is
//! asked for more, and more often (`schedule`).

mod answers;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;

use super::schedule::{self, Schedule};
use super::state::{ACL_SERIES, Entry, OWN_SERIES, RowKey, SeriesKey, State, provisional, row_key, together};
use super::store::{Held, Window};
use super::throttle;
use crate::aws::read::{BATCH, MetricFilter, MetricQuery, MetricResult, Statistic};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::access_log::log_group;
use crate::model::board::{HISTORY_MINUTES, History, Pace};
use crate::model::figure::Origin;
use crate::model::series::Series;
use crate::model::settings::Settings;
use crate::model::stage::{ApiKind, StageId};

/// Minutes read the first time: enough for the sparklines and for a median.
const FIRST_MINUTES: i64 = 60;

/// Minutes read again with every poll: late and provisional points change.
const AGAIN_MINUTES: i64 = 5;

/// The longest window after a time without answers.
const LONGEST_MINUTES: i64 = 180;

/// Windows are of so many minutes, or of the least that is read again: what needs about the same goes in one call.
const WINDOWS: [i64; 4] = [10, 30, FIRST_MINUTES, LONGEST_MINUTES];

/// Points asked for at once: an hour of a thousand stages would be more than CloudWatch gives in a second (180,000;
/// quotas 2023, now unverified), and whoever comes back after an hour of sleep must not ask for all of it in one
/// breath.
const PORTION: usize = 120_000;

/// Metrics of a stage of a REST API, in the order in which its [`Held`] keeps them: one for a stage that nobody calls,
/// the first five for one that is called, then those for one that is attacked or looked at.
const REST: [(&str, Statistic); OWN_SERIES] = [
    // The number of requests is the sample count (documented).
    ("Count", Statistic::SampleCount),
    ("4XXError", Statistic::Sum),
    ("5XXError", Statistic::Sum),
    ("Latency", Statistic::P50),
    ("Latency", Statistic::P99),
    ("IntegrationLatency", Statistic::P99),
    ("CacheHitCount", Statistic::Sum),
    ("CacheMissCount", Statistic::Sum),
];

/// The same of an HTTP API, which has no cache (documented).
const HTTP: [(&str, Statistic); OWN_SERIES - 2] = [
    ("Count", Statistic::SampleCount),
    ("4xx", Statistic::Sum),
    ("5xx", Statistic::Sum),
    ("Latency", Statistic::P50),
    ("Latency", Statistic::P99),
    ("IntegrationLatency", Statistic::P99),
];

/// How many of them are read of a stage that is called, and below it of one that is attacked or looked at and has no
/// cache.
const USUAL: usize = 5;
const CLOSE: usize = 6;

/// Metrics of a web ACL, in the order in which its [`Held`] keeps them.
const ACL: [&str; ACL_SERIES] = ["AllowedRequests", "BlockedRequests", "CountedRequests"];

/// A log read so many minutes ago still tells more than a metric filter.
const LOG_MINUTES: i64 = 5;

/// Which metrics to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of them.
    All,
    /// Those whose time has come.
    Due,
    /// Those never asked for before.
    New,
}

/// Where an answer belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Stage(SeriesKey, usize),
    Acl {
        arn: String,
        dimension: String,
        index: usize,
    },
    /// A metric filter's, of the stage's access log.
    Filter(RowKey),
}

/// What to ask in one poll, by the minutes that it needs.
#[derive(Debug, Default)]
pub(super) struct Questions {
    by_minutes: BTreeMap<i64, Vec<(Target, MetricQuery)>>,
}

/// What came of a poll.
#[derive(Debug)]
pub(super) struct Answers {
    results: Vec<(Target, MetricResult, Window)>,
    calls: usize,
    failure: Option<AwsError>,
}

impl Questions {
    /// What `state` needs at account time `now`.
    pub(super) fn of(state: &State, extent: Extent, now: DateTime<Utc>) -> Self {
        let groups = Groups::of(state);
        let schedule = Schedule::of(&state.settings.polling, groups.metrics(state));
        let mut asking = Asking { state, extent, now, schedule, questions: Self::default() };
        for (key, (pace, entry)) in &groups.stages {
            asking.stage(key, *pace, entry);
        }
        for (arn, pace) in &groups.acls {
            asking.acl(arn, *pace);
        }
        for entry in state.entries.values() {
            asking.filter(entry);
        }
        asking.questions.in_few_calls()
    }

    /// Moves what would be a call of its own into the next longer window, where that has room: a few points more are
    /// cheaper than a call.
    fn in_few_calls(mut self) -> Self {
        let windows: Vec<i64> = self.by_minutes.keys().copied().collect();
        for pair in windows.windows(2) {
            let count = |minutes: &i64| self.by_minutes.get(minutes).map_or(0, Vec::len);
            let (few, more) = (count(&pair[0]), count(&pair[1]));
            let left = few % BATCH;
            if pair[1] > FIRST_MINUTES || left == 0 || (more + left).div_ceil(BATCH) > more.div_ceil(BATCH) {
                continue;
            }
            let moved = self.by_minutes.get_mut(&pair[0]).map(|few_of| few_of.split_off(few - left));
            self.by_minutes.entry(pair[1]).or_default().extend(moved.into_iter().flatten());
        }
        self.by_minutes.retain(|_, questions| !questions.is_empty());
        self
    }

    /// How many metrics that is.
    pub(super) fn len(&self) -> usize {
        self.by_minutes.values().map(Vec::len).sum()
    }
}

/// What is asked for together: series by the fastest of the stages that need them.
struct Groups<'a> {
    stages: HashMap<&'a SeriesKey, (Pace, &'a Entry)>,
    acls: HashMap<&'a str, Pace>,
}

impl<'a> Groups<'a> {
    fn of(state: &'a State) -> Self {
        let mut groups = Self { stages: HashMap::new(), acls: HashMap::new() };
        for entry in state.entries.values() {
            let pace = state.pace(entry);
            let stage = groups.stages.entry(&entry.key).or_insert((pace, entry));
            if pace < stage.0 {
                *stage = (pace, entry);
            }
            if let Some(arn) = entry.acl_arn() {
                let acl = groups.acls.entry(arn).or_insert(pace);
                *acl = pace.min(*acl);
            }
        }
        groups
    }

    /// Metrics of each pace.
    fn metrics(&self, state: &State) -> [usize; 3] {
        let mut metrics = [0; 3];
        for (pace, entry) in self.stages.values() {
            metrics[schedule::index(*pace)] += wanted(*pace, entry) + usize::from(filter_of(state, entry).is_some());
        }
        for (arn, pace) in &self.acls {
            let names = state.acls.get(arn).map_or(0, |acl| acl.candidates().len());
            metrics[schedule::index(*pace)] += names * ACL.len();
        }
        metrics
    }
}

/// How many of a stage's metrics are asked for.
pub(super) fn wanted(pace: Pace, entry: &Entry) -> usize {
    match pace {
        Pace::Idle => 1,
        Pace::Usual => USUAL,
        Pace::Close if entry.has_cache() => OWN_SERIES,
        Pace::Close => CLOSE,
    }
}

/// The metric filter that throttled requests of a stage are read from, with its log group.
fn filter_of<'a>(state: &'a State, entry: &'a Entry) -> Option<(&'a str, &'a MetricFilter)> {
    let log = entry.access_log()?;
    let group = log_group(&log.destination)?;
    let filter = throttle::metric_filter(state.logs.filters.get(group)?, &log.format)?;
    // What several filters add up to is not this stage's.
    let same = |other: &&MetricFilter| other.namespace == filter.namespace && other.metric == filter.metric;
    let feeding = state.logs.filters.values().flatten().filter(same).count();
    (feeding == 1).then_some((group, filter))
}

struct Asking<'a> {
    state: &'a State,
    extent: Extent,
    now: DateTime<Utc>,
    schedule: Schedule,
    questions: Questions,
}

impl Asking<'_> {
    /// Whether series asked for last at `asked` are wanted now.
    fn is_wanted(&self, pace: Pace, asked: Option<DateTime<Utc>>) -> bool {
        match self.extent {
            Extent::All => true,
            Extent::Due => self.schedule.is_due(pace, asked, self.now),
            Extent::New => asked.is_none(),
        }
    }

    fn stage(&mut self, key: &SeriesKey, pace: Pace, entry: &Entry) {
        let Some(held) = self.state.series.get(key) else {
            return;
        };
        let (due, wanted) = (self.is_wanted(pace, held.asked_at), wanted(pace, entry));
        if !due && (0..wanted).all(|index| held.status(index).is_some()) {
            return;
        }
        for (index, query) in stage_queries(key, wanted).into_iter().enumerate() {
            let never = held.status(index).is_none();
            // What a stage is asked for once it is attacked, it was never asked for before.
            if due || never {
                let minutes = if never || !held.primed { FIRST_MINUTES } else { self.again(held) };
                self.put(minutes, Target::Stage(key.clone(), index), query);
            }
        }
    }

    fn acl(&mut self, arn: &str, pace: Pace) {
        let Some(acl) = self.state.acls.get(arn) else {
            return;
        };
        if !self.is_wanted(pace, acl.held.asked_at) {
            return;
        }
        let minutes = if acl.held.primed { self.again(&acl.held) } else { FIRST_MINUTES };
        for dimension in acl.candidates() {
            for (index, query) in acl_queries(dimension, &self.state.account.region).into_iter().enumerate() {
                let target = Target::Acl { arn: arn.to_owned(), dimension: dimension.to_owned(), index };
                self.put(minutes, target, query);
            }
        }
    }

    /// A metric filter's series, with the stage's own.
    fn filter(&mut self, entry: &Entry) {
        let Some((_, filter)) = filter_of(self.state, entry) else {
            return;
        };
        let pace = self.state.pace(entry);
        if log_tells(entry, self.now) {
            return;
        }
        let never = entry.throttled.as_ref().is_none_or(|read| read.origin != Origin::MetricFilter);
        let asked = self.state.series.get(&entry.key).and_then(|held| held.asked_at);
        if never || self.is_wanted(pace, asked) {
            let minutes = if never { FIRST_MINUTES } else { WINDOWS[0] };
            let query = MetricQuery {
                namespace: Cow::Owned(filter.namespace.clone()),
                name: Cow::Owned(filter.metric.clone()),
                dimensions: Vec::new(),
                statistic: Statistic::Sum,
            };
            self.put(minutes, Target::Filter(row_key(&entry.id)), query);
        }
    }

    /// Minutes to read of what was read before: late points change, after a time without answers there is what was
    /// missed, and where metrics are late there is what was not published when it was asked for.
    fn again(&self, held: &Held) -> i64 {
        let least = least_again(&self.state.settings);
        let missed = held.polled_to.map_or(0, |to| (self.now - to).num_minutes());
        // What came with the last reading is read once more as well, however late it was: it may not have been all.
        let late = held.published().into_iter().chain(held.fresh()).min();
        let late = late.map_or(0, |minute| (self.now - minute).num_minutes() + 1);
        let late = Some(late).filter(|late| *late <= FIRST_MINUTES).unwrap_or(0);
        let needed = (least - 1 + missed.max(0)).max(late);
        let longer = WINDOWS.into_iter().find(|window| *window >= needed).unwrap_or(LONGEST_MINUTES);
        if needed <= least { least } else { longer.max(least) }
    }

    fn put(&mut self, minutes: i64, target: Target, query: MetricQuery) {
        self.questions.by_minutes.entry(minutes).or_default().push((target, query));
    }
}

/// The fewest minutes read again.
fn least_again(settings: &Settings) -> i64 {
    let provisional = settings.polling.provisional_seconds.div_ceil(60);
    AGAIN_MINUTES.max(i64::try_from(provisional).unwrap_or(0) + 2) + 1
}

/// When the next poll is due: with the fastest pace that any stage has.
pub(super) fn next_poll(state: &State, now: DateTime<Utc>) -> DateTime<Utc> {
    let groups = Groups::of(state);
    let schedule = Schedule::of(&state.settings.polling, groups.metrics(state));
    let fastest = groups.stages.values().map(|(pace, _)| *pace).min().unwrap_or(Pace::Usual);
    schedule::next_after(now, schedule.every(fastest))
}

/// Asks. What came is kept where some of it failed: it was billed, and is true.
pub(super) async fn ask(aws: &Aws, questions: Questions, now: DateTime<Utc>) -> Answers {
    let mut answers = Answers { results: Vec::with_capacity(questions.len()), calls: 0, failure: None };
    for (minutes, mut rest) in questions.by_minutes {
        let most = (PORTION / usize::try_from(minutes.max(1)).unwrap_or(1)).max(1);
        while !rest.is_empty() && answers.failure.is_none() {
            let later = rest.split_off(rest.len().min(most));
            answers.ask(aws, rest, Window::last(minutes, now)).await;
            rest = later;
        }
    }
    answers
}

impl Answers {
    async fn ask(&mut self, aws: &Aws, mut questions: Vec<(Target, MetricQuery)>, window: Window) {
        let mut batches = Vec::new();
        while !questions.is_empty() {
            let later = questions.split_off(questions.len().min(BATCH));
            batches.push(std::mem::replace(&mut questions, later));
        }
        let asked = batches.into_iter().map(|batch| async move {
            let (targets, queries): (Vec<Target>, Vec<MetricQuery>) = batch.into_iter().unzip();
            (targets, aws.metric_data(&queries, window.from, window.to, Lane::Poll).await)
        });
        for (targets, answer) in join_all(asked).await {
            match answer {
                Ok((results, calls)) => {
                    self.calls += calls;
                    let results = targets.into_iter().zip(results);
                    self.results.extend(results.map(|(t, r)| (t, r, window)));
                }
                Err(error) => self.failure = Some(error),
            }
        }
    }

    /// What went wrong, where something did.
    pub(super) fn take_failure(&mut self) -> Option<AwsError> {
        self.failure.take()
    }

    /// Whether nothing came.
    pub(super) fn is_empty(&self) -> bool {
        self.results.is_empty()
    }
}

/// Whether the access log itself was read lately: it tells more than a metric filter on it.
fn log_tells(entry: &Entry, now: DateTime<Utc>) -> bool {
    let log = entry.throttled.as_ref().filter(|read| read.origin == Origin::AccessLog && !read.series.is_empty());
    log.and_then(|read| read.log_read_to).is_some_and(|to| (now - to).num_minutes() < LOG_MINUTES)
}

/// Three hours of one stage and its web ACL, in one call: what tells when an attack began.
pub(super) async fn stage_history(
    aws: &Aws,
    settings: &Settings,
    (stage, kind): (&StageId, ApiKind),
    web_acl_name: Option<&str>,
    now: DateTime<Utc>,
) -> Result<History, AwsError> {
    let past = Past { key: &SeriesKey::of(stage, kind), wanted: USUAL, web_acl_name };
    past.read(aws, settings, Window::last(LONGEST_MINUTES, now), Lane::Plan).await
}

/// Minutes of one stage and its web ACL that a poll does not read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past<'a> {
    pub(super) key: &'a SeriesKey,
    /// How many of the stage's metrics.
    pub(super) wanted: usize,
    /// The dimension value of the web ACL's series, where it has any.
    pub(super) web_acl_name: Option<&'a str>,
}

impl Past<'_> {
    /// The minutes of a window, in one call.
    pub(super) async fn read(
        &self,
        aws: &Aws,
        settings: &Settings,
        window: Window,
        lane: Lane,
    ) -> Result<History, AwsError> {
        let mut queries = stage_queries(self.key, self.wanted);
        let own_queries = queries.len();
        queries.extend(self.web_acl_name.into_iter().flat_map(|name| acl_queries(name, aws.region())));
        let (results, _) = aws.metric_data(&queries, window.from, window.to, lane).await?;
        let (now, provisional) = (aws.clock().now(), provisional(settings));
        let minutes = usize::try_from((window.to - window.from).num_minutes()).unwrap_or(HISTORY_MINUTES);
        let held = |count| Held::keeping(minutes.max(1), count);
        let (mut own, mut waf) = (held(own_queries), held(ACL.len()));
        for (index, result) in results.iter().enumerate() {
            match index.checked_sub(own_queries) {
                None => own.take(index, result, window),
                Some(index) => waf.take(index, result, window),
            }
        }
        own.settle_own(window, now, provisional);
        if waf.has_data() {
            waf.settle(window, now, provisional, &|minute| own.series()[0].at(minute));
        }
        let waf = self.web_acl_name.map(|_| waf.series()).unwrap_or_default();
        Ok(together(own.series(), waf, None, &Arc::new(Series::new(1))))
    }
}

fn stage_queries(key: &SeriesKey, wanted: usize) -> Vec<MetricQuery> {
    let (metrics, api): (&[_], _) = match key.kind {
        ApiKind::Rest => (&REST, "ApiName"),
        ApiKind::Http => (&HTTP, "ApiId"),
    };
    let query = |(name, statistic): &(&'static str, Statistic)| MetricQuery {
        namespace: Cow::Borrowed("AWS/ApiGateway"),
        name: Cow::Borrowed(name),
        dimensions: vec![(api, key.api.clone()), ("Stage", key.stage.clone())],
        statistic: *statistic,
    };
    metrics.iter().take(wanted).map(query).collect()
}

/// `Rule=ALL` is the web ACL's total; regional series have a region (documented).
fn acl_queries(dimension: &str, region: &str) -> Vec<MetricQuery> {
    let query = |name: &&'static str| MetricQuery {
        namespace: Cow::Borrowed("AWS/WAFV2"),
        name: Cow::Borrowed(name),
        dimensions: vec![("WebACL", dimension.to_owned()), ("Rule", "ALL".to_owned()), ("Region", region.to_owned())],
        statistic: Statistic::Sum,
    };
    ACL.iter().map(query).collect()
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
