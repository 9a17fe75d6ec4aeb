//! What is known so far: APIs, stages, web ACLs and their minutes. Discovery and polls write into it, pictures are made of it.
//!
//! Plain data and bookkeeping; makes no calls and waits for nothing.

mod believed;
mod found;
mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};

use super::answered::Answered;
use super::signal::{AclScope, Judged};
use super::store::Held;
use super::usual::Frozen;
use crate::aws::read::MetricFilter;
use crate::aws::{AwsError, Problem};
use crate::model::access_log::log_group;
use crate::model::board::{HISTORY_MINUTES, History, Known, Metric, Pace, Polling};
use crate::model::condition::Condition;
use crate::model::identity::Identity;
use crate::model::limits::Limit;
use crate::model::measure::Measures;
use crate::model::series::{Series, floor_minute};
use crate::model::settings::Settings;
use crate::model::stage::{Api, ApiKind, Place, StageDetail, StageId};
use believed::Believed;
use rows::joined;
pub(super) use rows::{Acl, Entry, RowKey, SeriesKey, Throttled, acl_name, metric_name, row_key, together};

/// Series of a stage's own: see `poll`.
pub(super) const OWN_SERIES: usize = 8;

/// Series of a web ACL.
pub(super) const ACL_SERIES: usize = 3;

/// Minutes of the account's requests that are added up anew after a poll: late points change.
const ACCOUNT_MINUTES: i64 = 10;

/// Minutes before one that is not published that tell how much may be missing.
const LATELY: usize = 10;

/// The part of the account's requests that may be missing from a minute that is told.
const LITTLE: f64 = 0.02;

/// How many times the busiest stage's requests another must have to be it.
const CLEARLY: f64 = 1.2;

/// What can go wrong on its own, most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Identity,
    Metrics,
    Apis,
    Active,
    Stages,
    AclSeries,
    HttpApis,
    Account,
    Filters,
}

/// What signals were judged by: where it is the same, so are they.
#[derive(Debug)]
pub(super) struct JudgedOf {
    pub(super) history: Arc<History>,
    pub(super) last: DateTime<Utc>,
    /// Start of the last complete minute of account time: what is not read any more grows old.
    pub(super) complete: DateTime<Utc>,
    pub(super) waf_last: Option<DateTime<Utc>>,
    pub(super) acl: AclScope,
    pub(super) busiest: bool,
    pub(super) sharers: usize,
    pub(super) frozen: Option<Arc<Frozen>>,
    pub(super) measures: Measures,
    /// Whether a person has said that an attack stands.
    pub(super) declared: bool,
    pub(super) answered: Option<Arc<Answered>>,
}

impl PartialEq for JudgedOf {
    fn eq(&self, other: &Self) -> bool {
        // The very same minutes; the account's change every minute.
        Arc::ptr_eq(&self.history, &other.history)
            && !self.busiest
            && !other.busiest
            && (self.last, self.complete, self.waf_last) == (other.last, other.complete, other.waf_last)
            && self.sharers == other.sharers
            && self.frozen.as_ref().map(Arc::as_ptr) == other.frozen.as_ref().map(Arc::as_ptr)
            && self.acl == other.acl
            && self.measures == other.measures
            && self.declared == other.declared
            && self.answered.as_ref().map(Arc::as_ptr) == other.answered.as_ref().map(Arc::as_ptr)
    }
}

/// Everything known so far.
pub(super) struct State {
    pub(super) settings: Arc<Settings>,
    pub(super) region: String,
    /// Where the stages are, as settings may name it.
    pub(super) place: Place,
    pub(super) identity: Option<Identity>,
    /// By id; `None` before they were read.
    pub(super) apis: Option<HashMap<String, Api>>,
    /// HTTP APIs are listed apart, and may not be permitted.
    http_apis: Vec<Api>,
    rest_apis: Option<Vec<Api>>,
    /// How many APIs share a metric name.
    pub(super) api_names: HashMap<String, usize>,
    /// APIs whose stages were read.
    pub(super) read: HashSet<String>,
    pub(super) entries: BTreeMap<RowKey, Entry>,
    /// What was active within three hours; `None` where that is not known, and everything is taken for active.
    pub(super) active: Option<HashSet<SeriesKey>>,
    pub(super) groups: HashMap<SeriesKey, Held>,
    pub(super) acls: HashMap<String, Acl>,
    /// Whether the stages of one API alone are read.
    pub(super) is_part: bool,
    /// ARNs of the stages that stand behind a web ACL, where AWS was asked for them since not all stages are read.
    pub(super) behind: HashMap<String, Vec<String>>,
    /// Values of the `WebACL` dimension that series were published under.
    pub(super) dimensions: BTreeSet<String>,
    pub(super) troubles: BTreeMap<Part, AwsError>,
    /// Whether the stages of any API could not be read in the present round of discovery.
    stages_failed: bool,
    pub(super) polling: Polling,
    /// The account's limit, where it was read.
    pub(super) account_limit: Option<Limit>,
    /// The stage with the most requests: on it what concerns all of them is told.
    pub(super) busiest: Option<RowKey>,
    /// What was last made of each row's minutes: boards come oftener than minutes.
    pub(super) judged: Mutex<HashMap<RowKey, (JudgedOf, Judged, Condition)>>,
    /// Requests a minute of all stages together.
    pub(super) account_requests: Series,
    /// Metric filters by log group.
    pub(super) filters: HashMap<String, Vec<MetricFilter>>,
    /// Stages that somebody looks at.
    pub(super) focus: HashSet<(String, String)>,
    /// Stages that look attacked.
    pub(super) attacked: HashSet<RowKey>,
    /// What is believed of attacks, and what is usual on their stages.
    pub(super) believed: Believed,
    pub(super) frozen: HashMap<RowKey, Arc<Frozen>>,
    /// Dollars that log queries have cost, and bytes of a line as they have seen them.
    pub(super) log_dollars: f64,
    /// When logs could first be asked, account time: the budget is by the hour.
    pub(super) logs_began: Option<DateTime<Utc>>,
    /// Stages whose logs are being asked.
    pub(super) log_jobs: HashSet<RowKey>,
    /// The same for who is answered.
    pub(super) answer_jobs: HashSet<RowKey>,
    pub(super) log_line_bytes: HashMap<String, f64>,
    /// Stages of the board by the log group that they write to.
    pub(super) log_groups: HashMap<String, usize>,
    empty: Arc<History>,
}

impl State {
    pub(super) fn new(settings: Arc<Settings>, region: &str) -> Self {
        Self {
            settings,
            region: region.to_owned(),
            place: Place { profile: None, region: Some(region.to_owned()) },
            identity: None,
            apis: None,
            http_apis: Vec::new(),
            rest_apis: None,
            api_names: HashMap::new(),
            read: HashSet::new(),
            entries: BTreeMap::new(),
            active: None,
            groups: HashMap::new(),
            acls: HashMap::new(),
            is_part: false,
            behind: HashMap::new(),
            dimensions: BTreeSet::new(),
            troubles: BTreeMap::new(),
            stages_failed: false,
            polling: Polling::default(),
            busiest: None,
            judged: Mutex::default(),
            account_limit: None,
            account_requests: Series::new(HISTORY_MINUTES),
            filters: HashMap::new(),
            focus: HashSet::new(),
            attacked: HashSet::new(),
            believed: Believed::default(),
            frozen: HashMap::new(),
            log_dollars: 0.0,
            logs_began: None,
            log_jobs: HashSet::new(),
            answer_jobs: HashSet::new(),
            log_line_bytes: HashMap::new(),
            log_groups: HashMap::new(),
            empty: Arc::new(std::array::from_fn(|_| Arc::new(Series::new(HISTORY_MINUTES)))),
        }
    }

    /// The same, connected to with a profile.
    pub(super) fn of_profile(mut self, profile: Option<&str>) -> Self {
        self.place.profile = profile.map(str::to_owned);
        self
    }

    /// Keeps the trouble of a part, or ends it; gives what was read.
    pub(super) fn note<T>(&mut self, part: Part, result: Result<T, AwsError>) -> Option<T> {
        match result {
            Ok(value) => {
                self.troubles.remove(&part);
                Some(value)
            }
            Err(error) => {
                self.troubles.insert(part, error);
                None
            }
        }
    }

    /// What is going wrong, in one line: credentials first, since everything else fails with them. What asks the same of the reader is said once.
    pub(super) fn trouble(&self) -> Option<String> {
        let credentials = self.troubles.values().find(|e| e.is_about_credentials());
        if let Some(credentials) = credentials {
            return Some(credentials.to_string());
        }
        let first = self.troubles.values().next()?;
        let is_silent = |error: &&AwsError| matches!(error.problem, Problem::TimedOut(_));
        let silent = self.troubles.values().filter(is_silent).count();
        if let Problem::TimedOut(said) = &first.problem
            && silent == self.troubles.len()
        {
            let more = if silent > 1 { format!(" and {} more", silent - 1) } else { String::new() };
            return Some(format!(
                "{}{more}: no answer in time ({said}); retrying. Check the network, the region and --endpoint-url",
                first.operation
            ));
        }
        Some(match self.troubles.len() - 1 {
            0 => first.to_string(),
            n => format!("{first} (and {n} more)"),
        })
    }

    /// Which stages or figures are missing for what goes wrong. Names, limits and filters that could not be read are told beside the figures
    /// that they concern.
    pub(super) fn lacks(&self) -> Option<String> {
        let of = |part| self.troubles.get(&part);
        let parts = [
            (Part::Metrics, "figures"),
            (Part::Apis, "REST APIs"),
            (Part::HttpApis, "HTTP APIs"),
            (Part::Stages, "stages of some APIs"),
        ];
        let lacking: Vec<String> =
            parts.into_iter().filter_map(|(part, what)| Some(format!("{what} ({})", of(part)?))).collect();
        (!lacking.is_empty()).then(|| format!("it lacks {}", lacking.join("; ")))
    }

    /// Adds a stage or renews what is known of it.
    fn entry(&mut self, id: StageId, kind: ApiKind, detail: Known<StageDetail>) {
        let key = SeriesKey::of(&id, kind);
        self.groups.entry(key.clone()).or_insert_with(|| Held::new(OWN_SERIES));
        if let Known::Yes(StageDetail { web_acl_arn: Some(arn), .. }) = &detail
            && !self.acls.contains_key(arn)
        {
            let mut acl = Acl::new(arn);
            acl.match_dimension(&self.dimensions);
            self.acls.insert(arn.clone(), acl);
        }
        let empty = Arc::clone(&self.empty);
        let row = self.entries.entry(row_key(&id)).or_insert_with(|| Entry {
            id,
            key,
            detail: Known::NotYet,
            throttled: None,
            answered: None,
            history: empty,
        });
        if !matches!(detail, Known::NotYet) {
            // Counted one by one: counting all anew with each API would be quadratic.
            let before = row.access_log().and_then(|log| log_group(&log.destination)).map(str::to_owned);
            row.detail = detail;
            let now = row.access_log().and_then(|log| log_group(&log.destination));
            if before.as_deref() != now {
                if let Some(stages) = before.and_then(|group| self.log_groups.get_mut(&group)) {
                    *stages = stages.saturating_sub(1);
                }
                if let Some(group) = now {
                    *self.log_groups.entry(group.to_owned()).or_default() += 1;
                }
            }
        }
        row.history = joined(row, &self.groups, &self.acls, &self.empty);
    }

    /// Finds the dimension value of web ACLs: their name, else their metric name.
    fn match_dimensions(&mut self) {
        self.acls.values_mut().for_each(|acl| acl.match_dimension(&self.dimensions));
    }

    /// After a reading: the histories of the stages that it may have changed, anew.
    pub(super) fn join_histories(&mut self, changed: impl Fn(&RowKey, &Entry) -> bool) {
        for (_, entry) in self.entries.iter_mut().filter(|(row, entry)| changed(row, entry)) {
            let joined = joined(entry, &self.groups, &self.acls, &self.empty);
            // Where no series was written to it is the same, and so is all that was made of it.
            if !entry.history.iter().zip(joined.iter()).all(|(a, b)| Arc::ptr_eq(a, b)) {
                entry.history = joined;
            }
        }
    }

    /// After a poll at account time `now`: the requests of all stages together, anew for the minutes that may have changed. A minute is
    /// told once every stage that is called was read past it, it can no longer change, and what is not published of it is too little to
    /// matter, by what those stages received before: a sum of those that are read more often, or are not late, would look like all of them.
    pub(super) fn add_up_account(&mut self, now: DateTime<Utc>) {
        let called: Vec<&Held> =
            self.groups.iter().filter(|(key, _)| self.is_active(key)).map(|(_, held)| held).collect();
        let Some(read) = called.iter().map(|held| held.through).min().flatten() else {
            return;
        };
        let settled = floor_minute(now - provisional(&self.settings)) - TimeDelta::minutes(1);
        let last = read.min(settled);
        for back in 0..ACCOUNT_MINUTES {
            let minute = last - TimeDelta::minutes(back);
            let (mut known, mut missing, mut any) = (0.0, 0.0, false);
            for held in &called {
                match held.series()[0].at(minute) {
                    Some(requests) => (known, any) = (known + requests, true),
                    None => missing += usual_before(&held.series()[0], minute),
                }
            }
            if any && missing <= known * LITTLE {
                self.account_requests.set(minute, known);
            }
        }
        self.find_busiest(last);
    }

    /// Account time went back to `now`: what was noted for later would never fall due again. Every minute is forgotten and read again:
    /// while the clock was ahead, minutes that were yet to come were read, and their silence was taken for zero.
    pub(super) fn set_clock_back(&mut self, now: DateTime<Utc>) {
        self.groups.values_mut().for_each(|held| *held = Held::new(OWN_SERIES));
        self.acls.values_mut().for_each(|acl| acl.held = Held::new(ACL_SERIES));
        self.entries.values_mut().for_each(|entry| (entry.throttled, entry.answered) = (None, None));
        self.account_requests = Series::new(HISTORY_MINUTES);
        // Nothing has ended by that: what stood stands by what was known.
        let judged = self.judged.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (_, judged, _) in judged.values_mut() {
            *judged = judged.forgotten(now);
        }
        self.logs_began = self.logs_began.map(|began| began.min(now));
        self.join_histories(|_, _| true);
    }

    /// Keeps the busiest stage until another one clearly is: what is told on it must not hop between two.
    fn find_busiest(&mut self, minute: DateTime<Utc>) {
        let requests = |entry: &Entry| entry.history[Metric::Requests.index()].at(minute).unwrap_or(0.0);
        let most = self.entries.iter().map(|(key, entry)| (requests(entry), key)).max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((most, key)) = most.filter(|(requests, _)| *requests > 0.0) else {
            self.busiest = None;
            return;
        };
        let held = self.busiest.as_ref().and_then(|key| self.entries.get(key)).map_or(0.0, requests);
        if held * CLEARLY < most {
            self.busiest = Some(key.clone());
        }
    }

    /// Whether every API's stages were listed.
    pub(super) fn knows_every_stage(&self) -> bool {
        self.apis.as_ref().is_some_and(|apis| apis.keys().all(|id| self.read.contains(id)))
    }

    /// How many stages write to a log group; `None` where not every stage was read.
    pub(super) fn sharing(&self, group: &str) -> Option<usize> {
        (!self.is_part).then(|| self.log_groups.get(group).copied().unwrap_or(1))
    }

    /// Whether somebody looks at a stage.
    pub(super) fn is_looked_at(&self, entry: &Entry) -> bool {
        !self.focus.is_empty() && self.focus.contains(&(entry.id.api_id.clone(), entry.id.stage.clone()))
    }

    /// How often a stage is to be read.
    pub(super) fn pace(&self, entry: &Entry) -> Pace {
        let attacked = || !self.attacked.is_empty() && self.attacked.contains(&row_key(&entry.id));
        if self.is_looked_at(entry) || attacked() {
            Pace::Close
        } else if self.is_active(&entry.key) {
            Pace::Usual
        } else {
            Pace::Idle
        }
    }

    /// Series that no row needs any more.
    fn forget_unused(&mut self) {
        let keys: HashSet<&SeriesKey> = self.entries.values().map(|e| &e.key).collect();
        self.groups.retain(|key, _| keys.contains(key));
        let arns: HashSet<&str> = self.entries.values().filter_map(Entry::acl_arn).collect();
        self.acls.retain(|arn, _| arns.contains(arn.as_str()));
        let entries = &self.entries;
        let judged = self.judged.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        judged.retain(|key, _| entries.contains_key(key));
        self.count_log_groups();
        self.filters.retain(|group, _| self.log_groups.contains_key(group));
    }

    /// How many stages write to each log group.
    fn count_log_groups(&mut self) {
        self.log_groups.clear();
        let logs = self.entries.values().filter_map(Entry::access_log);
        for group in logs.filter_map(|log| log_group(&log.destination)) {
            *self.log_groups.entry(group.to_owned()).or_default() += 1;
        }
    }

    /// Whether a stage is worth more than one metric: called within three hours, or called since we look.
    pub(super) fn is_active(&self, key: &SeriesKey) -> bool {
        self.active.as_ref().is_none_or(|active| active.contains(key))
            || self.groups.get(key).is_some_and(Held::was_called_lately)
    }
}

/// The most that a stage received in a minute lately, before `minute`, of which nothing is there.
fn usual_before(requests: &Series, minute: DateTime<Utc>) -> f64 {
    let before = requests.window(minute - TimeDelta::minutes(1), LATELY);
    before.into_iter().flatten().fold(0.0, f64::max)
}

/// For how long after its end a minute may still change.
pub(super) fn provisional(settings: &Settings) -> TimeDelta {
    let seconds = settings.polling.provisional_seconds.min(86_400);
    TimeDelta::seconds(i64::try_from(seconds).unwrap_or(180))
}

/// A stage, as `GetStages` would give it, without a web ACL.
#[cfg(test)]
pub(super) fn add_stage(state: &mut State, api_id: &str, api_name: &str, stage: &str) {
    let id = StageId { api_id: api_id.to_owned(), api_name: api_name.to_owned(), stage: stage.to_owned() };
    state.entry(id, ApiKind::Rest, Known::NotYet);
}

#[cfg(test)]
mod tests;
