//! What is known so far: APIs, stages, web ACLs and their minutes. Discovery and polls write into it, pictures are made of it.
//!
//! Plain data and bookkeeping; makes no calls and waits for nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};

use super::discover::Found;
use super::signal::{AclScope, Judged};
use super::store::Held;
use crate::aws::read::MetricFilter;
use crate::aws::{AwsError, Problem};
use crate::model::access_log::log_group;
use crate::model::board::{HISTORY_MINUTES, History, Known, Metric, Pace, Polling};
use crate::model::figure::{Origin, Scope};
use crate::model::identity::Identity;
use crate::model::limits::Limit;
use crate::model::series::{Series, floor_minute};
use crate::model::settings::Settings;
use crate::model::stage::{AccessLog, Api, ApiKind, StageDetail, StageId};

/// What API Gateway's metrics are kept under. Two REST APIs of one name share it (inferred).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SeriesKey {
    pub(super) kind: ApiKind,
    /// `ApiName` of a REST API, `ApiId` of an HTTP API (documented).
    pub(super) api: String,
    /// `Stage`.
    pub(super) stage: String,
}

impl SeriesKey {
    pub(super) fn of(id: &StageId, kind: ApiKind) -> Self {
        let api = match kind {
            ApiKind::Rest => id.metric_api_name(),
            ApiKind::Http => id.api_id.clone(),
        };
        Self { kind, api, stage: id.stage.clone() }
    }
}

/// Series of a stage's own: see `poll`.
pub(super) const OWN_SERIES: usize = 8;

/// Series of a web ACL.
pub(super) const ACL_SERIES: usize = 3;

/// Minutes of the account's requests that are added up anew after a poll: late points change.
const ACCOUNT_MINUTES: i64 = 10;

/// How many times the busiest stage's requests another must have to be it.
const CLEARLY: f64 = 1.2;

/// The order of rows: API name, stage, API id.
pub(super) type RowKey = (String, String, String);

/// One stage that exists, or that metrics say was called.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: StageId,
    pub(super) key: SeriesKey,
    pub(super) detail: Known<StageDetail>,
    /// Throttled requests, and where they were read; `None` where they never were.
    pub(super) throttled: Option<Throttled>,
    /// The stage's own minutes and its web ACL's, together.
    pub(super) history: Arc<History>,
}

impl Entry {
    pub(super) fn kind(&self) -> ApiKind {
        self.key.kind
    }

    pub(super) fn acl_arn(&self) -> Option<&str> {
        self.known().and_then(|detail| detail.web_acl_arn.as_deref())
    }

    pub(super) fn access_log(&self) -> Option<&AccessLog> {
        self.known().and_then(|detail| detail.access_log.as_ref())
    }

    pub(super) fn known(&self) -> Option<&StageDetail> {
        match &self.detail {
            Known::Yes(detail) => Some(detail),
            _ => None,
        }
    }

    /// Whether a cache may answer its requests.
    pub(super) fn has_cache(&self) -> bool {
        let status = self.known().and_then(|detail| detail.cache_cluster_status.as_deref());
        status.is_some_and(|status| status != "NOT_AVAILABLE")
    }
}

/// Throttled requests of a stage.
#[derive(Debug, Clone)]
pub(super) struct Throttled {
    /// A minute's requests.
    pub(super) series: Arc<Series>,
    pub(super) origin: Origin,
    pub(super) scope: Scope,
    /// End of the last window that was read out of the access log, and of which minute that was.
    pub(super) log_read_to: Option<DateTime<Utc>>,
    /// The same of the last attempt, which may have failed.
    pub(super) log_tried_to: Option<DateTime<Utc>>,
    /// Why the latest minutes are not there.
    pub(super) trouble: Option<String>,
    /// What is to be known of it.
    pub(super) caveats: Vec<&'static str>,
}

impl Throttled {
    pub(super) fn new(origin: Origin, scope: Scope) -> Self {
        let series = Arc::new(Series::new(HISTORY_MINUTES));
        Self { series, origin, scope, log_read_to: None, log_tried_to: None, trouble: None, caveats: Vec::new() }
    }
}

/// One web ACL before a stage.
#[derive(Debug, Clone)]
pub(super) struct Acl {
    /// Its name out of the ARN; `None` for what is no `WAFv2` ARN (WAF Classic).
    pub(super) name: Option<String>,
    /// Its own metric name, where it had to be asked for.
    pub(super) metric_name: Option<String>,
    /// The value of the `WebACL` dimension that its series were seen under. The documentation says the metric name, field evidence
    /// the name: either is taken, none is assumed.
    pub(super) dimension: Option<String>,
    pub(super) held: Held,
}

impl Acl {
    fn new(arn: &str) -> Self {
        Self { name: acl_name(arn).map(str::to_owned), metric_name: None, dimension: None, held: Held::new(ACL_SERIES) }
    }

    /// The dimension values to ask under: the one known, or all that may be.
    pub(super) fn candidates(&self) -> Vec<&str> {
        if let Some(dimension) = &self.dimension {
            return vec![dimension];
        }
        let mut names: Vec<&str> = self.name.iter().map(String::as_str).collect();
        names.extend(self.metric_name.as_deref().filter(|m| Some(*m) != self.name.as_deref()));
        names
    }
}

/// The name in `…:regional/webacl/NAME/ID`.
pub(super) fn acl_name(arn: &str) -> Option<&str> {
    let mut parts = arn.rsplit('/');
    let (_id, name, kind) = (parts.next()?, parts.next()?, parts.next()?);
    (kind == "webacl" && !name.is_empty()).then_some(name)
}

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
    pub(super) waf_last: Option<DateTime<Utc>>,
    pub(super) acl: AclScope,
    pub(super) busiest: bool,
    pub(super) sharers: usize,
}

impl PartialEq for JudgedOf {
    fn eq(&self, other: &Self) -> bool {
        // The very same minutes; the account's change every minute.
        Arc::ptr_eq(&self.history, &other.history)
            && !self.busiest
            && !other.busiest
            && (self.last, self.waf_last, self.sharers) == (other.last, other.waf_last, other.sharers)
            && self.acl == other.acl
    }
}

/// Everything known so far.
pub(super) struct State {
    pub(super) settings: Arc<Settings>,
    pub(super) region: String,
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
    pub(super) judged: Mutex<HashMap<RowKey, (JudgedOf, Judged)>>,
    /// Requests a minute of all stages together.
    pub(super) account_requests: Series,
    /// Metric filters by log group.
    pub(super) filters: HashMap<String, Vec<MetricFilter>>,
    /// Stages that somebody looks at.
    pub(super) focus: HashSet<(String, String)>,
    /// Stages that look attacked.
    pub(super) attacked: HashSet<RowKey>,
    /// Dollars that log queries have cost, and bytes of a line as they have seen them.
    pub(super) log_dollars: f64,
    /// When logs could first be asked, account time: the budget is by the hour.
    pub(super) logs_began: Option<DateTime<Utc>>,
    /// Stages whose logs are being asked.
    pub(super) log_jobs: HashSet<RowKey>,
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
            log_dollars: 0.0,
            logs_began: None,
            log_jobs: HashSet::new(),
            log_line_bytes: HashMap::new(),
            log_groups: HashMap::new(),
            empty: Arc::new(std::array::from_fn(|_| Arc::new(Series::new(HISTORY_MINUTES)))),
        }
    }

    /// Whether this is known already, so that taking it in would change nothing and nobody need look at the board again.
    pub(super) fn knows(&self, found: &Found) -> bool {
        let well = |part| !self.troubles.contains_key(&part);
        match found {
            Found::Identity(Ok(identity)) => well(Part::Identity) && self.identity.as_ref() == Some(identity),
            Found::Active(Ok(active)) => well(Part::Active) && self.active.as_ref() == Some(active),
            Found::Apis(Ok(apis)) => well(Part::Apis) && self.rest_apis.as_ref() == Some(apis),
            Found::HttpApis(Ok(apis)) => well(Part::HttpApis) && self.apis.is_some() && self.http_apis == *apis,
            Found::AccountLimit(Ok(limit)) => well(Part::Account) && limit.is_some() && self.account_limit == *limit,
            Found::AclMetricName { arn, metric_name } => {
                self.acls.get(arn).is_some_and(|acl| acl.metric_name.as_ref() == Some(metric_name))
            }
            Found::Filters { group, result: Ok(filters) } => {
                well(Part::Filters) && self.filters.get(group) == Some(filters)
            }
            Found::AclDimensions(Ok(dimensions)) => well(Part::AclSeries) && self.dimensions == *dimensions,
            Found::Stages { api, result: Ok(details) } => {
                let first: RowKey = (api.name.clone(), String::new(), String::new());
                let rows = self.entries.range(first..).take_while(|(key, _)| key.0 == api.name);
                let same = |detail: &StageDetail| {
                    let entry = self.entries.get(&row_key(&detail.id));
                    entry.is_some_and(|entry| matches!(&entry.detail, Known::Yes(known) if known == detail))
                };
                self.read.contains(&api.id)
                    && rows.filter(|(_, entry)| entry.id.api_id == api.id).count() == details.len()
                    && details.iter().all(same)
            }
            _ => false,
        }
    }

    /// Takes in what discovery found.
    pub(super) fn apply(&mut self, found: Found) {
        match found {
            Found::Identity(result) => {
                if let Some(identity) = self.note(Part::Identity, result) {
                    self.identity = Some(identity);
                }
            }
            Found::Apis(result) => {
                if let Some(apis) = self.note(Part::Apis, result) {
                    self.rest_apis = Some(apis);
                    self.take_apis();
                }
                self.add_active_rows();
            }
            Found::HttpApis(result) => {
                if let Some(apis) = self.note(Part::HttpApis, result) {
                    self.http_apis = apis;
                    self.take_apis();
                }
                self.add_active_rows();
            }
            Found::AccountLimit(result) => {
                if let Some(limit) = self.note(Part::Account, result) {
                    self.account_limit = limit;
                }
            }
            Found::Filters { group, result } => {
                if let Some(filters) = self.note(Part::Filters, result) {
                    self.filters.insert(group, filters);
                }
            }
            Found::Active(result) => {
                if let Some(active) = self.note(Part::Active, result) {
                    self.active = Some(active);
                }
                self.add_active_rows();
            }
            Found::Stages { api, result } => self.take_stages(&api, result),
            Found::AclDimensions(result) => {
                if let Some(dimensions) = self.note(Part::AclSeries, result) {
                    self.dimensions = dimensions;
                    self.match_dimensions();
                }
            }
            Found::AclMetricName { arn, metric_name } => {
                if let Some(acl) = self.acls.get_mut(&arn) {
                    acl.metric_name = Some(metric_name);
                }
                self.match_dimensions();
            }
            Found::Done => {
                if !std::mem::take(&mut self.stages_failed) {
                    self.troubles.remove(&Part::Stages);
                }
                self.forget_unused();
            }
        }
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

    /// What is going wrong, in one line: credentials first, since everything else fails with them.
    pub(super) fn trouble(&self) -> Option<String> {
        let credentials = self.troubles.values().find(|e| e.is_about_credentials());
        let first = credentials.or_else(|| self.troubles.values().next())?;
        let others = self.troubles.len() - 1;
        Some(match others {
            0 => first.to_string(),
            _ if credentials.is_some() => first.to_string(),
            n => format!("{first} (and {n} more)"),
        })
    }

    /// Where REST APIs could not be listed, HTTP APIs alone say nothing of the others.
    fn take_apis(&mut self) {
        let Some(rest) = &self.rest_apis else {
            return;
        };
        let apis: Vec<Api> = rest.iter().chain(&self.http_apis).cloned().collect();
        self.api_names.clear();
        for api in &apis {
            *self.api_names.entry(metric_name(api)).or_default() += 1;
        }
        let apis: HashMap<String, Api> = apis.into_iter().map(|a| (a.id.clone(), a)).collect();
        // An API that is gone or renamed takes its rows with it; rows without an id came from metrics alone.
        self.entries.retain(|_, entry| {
            let api = apis.get(&entry.id.api_id);
            api.is_some_and(|api| api.name == entry.id.api_name)
        });
        self.read.retain(|id| apis.contains_key(id));
        self.apis = Some(apis);
    }

    /// Rows for stages that metrics say are called, before anybody asked `GetStages`.
    ///
    /// A name that two APIs share does not tell which of them has the stage: it waits for `GetStages`. Where the APIs cannot be
    /// listed, the metrics' own names must do.
    fn add_active_rows(&mut self) {
        let Some(active) = self.active.clone() else {
            return;
        };
        let by_name: HashMap<(ApiKind, String), Api> = match &self.apis {
            Some(apis) => apis.values().map(|api| ((api.kind(), metric_name(api)), api.clone())).collect(),
            None if self.troubles.contains_key(&Part::Apis) => {
                let nameless = |key: &SeriesKey| Api {
                    // An HTTP API is known by its id, a REST API by its name.
                    id: if key.kind == ApiKind::Http { key.api.clone() } else { String::new() },
                    name: key.api.clone(),
                    endpoint_types: if key.kind == ApiKind::Http { vec!["HTTP".to_owned()] } else { Vec::new() },
                    endpoint_disabled: false,
                };
                active.iter().map(|key| ((key.kind, key.api.clone()), nameless(key))).collect()
            }
            None => return,
        };
        for key in active {
            let Some(api) = by_name.get(&(key.kind, key.api.clone())) else {
                continue;
            };
            let ambiguous = self.api_names.get(&key.api).is_some_and(|apis| *apis > 1);
            if ambiguous || self.read.contains(&api.id) {
                continue;
            }
            let id = StageId { api_id: api.id.clone(), api_name: api.name.clone(), stage: key.stage };
            self.entry(id, api.kind(), Known::NotYet);
        }
    }

    fn take_stages(&mut self, api: &Api, result: Result<Vec<StageDetail>, AwsError>) {
        let details = match result {
            Ok(details) => details,
            Err(error) if matches!(error.problem, Problem::NotFound(_)) => Vec::new(),
            Err(error) => {
                for entry in self.entries_of(api) {
                    if !matches!(entry.detail, Known::Yes(_)) {
                        entry.detail = Known::No(error.problem.to_string());
                    }
                }
                self.troubles.insert(Part::Stages, error);
                self.stages_failed = true;
                return;
            }
        };
        self.read.insert(api.id.clone());
        let names: HashSet<&str> = details.iter().map(|d| d.id.stage.as_str()).collect();
        let gone: Vec<RowKey> = self
            .entries_of(api)
            .filter(|entry| !names.contains(entry.id.stage.as_str()))
            .map(|entry| row_key(&entry.id))
            .collect();
        for key in gone {
            self.entries.remove(&key);
        }
        for detail in details {
            self.entry(detail.id.clone(), api.kind(), Known::Yes(detail));
        }
        self.count_log_groups();
    }

    fn entries_of(&mut self, api: &Api) -> impl Iterator<Item = &mut Entry> {
        let first: RowKey = (api.name.clone(), String::new(), String::new());
        let name = api.name.clone();
        let id = api.id.clone();
        self.entries
            .range_mut(first..)
            .take_while(move |(key, _)| key.0 == name)
            .map(|(_, entry)| entry)
            .filter(move |entry| entry.id.api_id == id)
    }

    /// Adds a stage or renews what is known of it.
    fn entry(&mut self, id: StageId, kind: ApiKind, detail: Known<StageDetail>) {
        let key = SeriesKey::of(&id, kind);
        self.groups.entry(key.clone()).or_insert_with(|| Held::new(OWN_SERIES));
        if let Known::Yes(StageDetail { web_acl_arn: Some(arn), .. }) = &detail
            && !self.acls.contains_key(arn)
        {
            self.acls.insert(arn.clone(), Acl::new(arn));
            self.match_dimensions();
        }
        let empty = Arc::clone(&self.empty);
        let row = self.entries.entry(row_key(&id)).or_insert_with(|| Entry {
            id,
            key,
            detail: Known::NotYet,
            throttled: None,
            history: empty,
        });
        if !matches!(detail, Known::NotYet) {
            row.detail = detail;
        }
        row.history = joined(row, &self.groups, &self.acls, &self.empty);
    }

    /// Finds the dimension value of web ACLs: their name, else their metric name.
    fn match_dimensions(&mut self) {
        for acl in self.acls.values_mut().filter(|acl| acl.dimension.is_none()) {
            let known = acl.candidates().into_iter().find(|name| self.dimensions.contains(*name));
            acl.dimension = known.map(str::to_owned);
        }
    }

    /// After a poll: every stage's history anew.
    pub(super) fn join_histories(&mut self) {
        for entry in self.entries.values_mut() {
            let joined = joined(entry, &self.groups, &self.acls, &self.empty);
            // Where no series was written to it is the same, and so is all that was made of it.
            if !entry.history.iter().zip(joined.iter()).all(|(a, b)| Arc::ptr_eq(a, b)) {
                entry.history = joined;
            }
        }
    }

    /// After a poll at account time `now`: the requests of all stages together, anew for the minutes that may have changed. A minute is
    /// told once every stage that is called was read past it, and it can no longer be late: a sum of those that are read more often
    /// would look like all of them.
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
            let known: Vec<f64> = called.iter().filter_map(|held| held.series()[0].at(minute)).collect();
            if !known.is_empty() {
                self.account_requests.set(minute, known.iter().sum());
            }
        }
        self.find_busiest(last);
    }

    /// Account time went back to `now`: what was noted for later would never fall due again. Every minute is forgotten and read again:
    /// while the clock was ahead, minutes that were yet to come were read, and their silence was taken for zero.
    pub(super) fn set_clock_back(&mut self, now: DateTime<Utc>) {
        self.groups.values_mut().for_each(|held| *held = Held::new(OWN_SERIES));
        self.acls.values_mut().for_each(|acl| acl.held = Held::new(ACL_SERIES));
        self.entries.values_mut().for_each(|entry| entry.throttled = None);
        self.account_requests = Series::new(HISTORY_MINUTES);
        self.judged.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
        self.logs_began = self.logs_began.map(|began| began.min(now));
        self.join_histories();
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

    /// Whether somebody looks at a stage.
    pub(super) fn is_looked_at(&self, entry: &Entry) -> bool {
        self.focus.contains(&(entry.id.api_id.clone(), entry.id.stage.clone()))
    }

    /// How often a stage is to be read.
    pub(super) fn pace(&self, entry: &Entry) -> Pace {
        if self.is_looked_at(entry) || self.attacked.contains(&row_key(&entry.id)) {
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

/// A stage's own minutes and its web ACL's, together.
fn joined(
    entry: &Entry,
    groups: &HashMap<SeriesKey, Held>,
    acls: &HashMap<String, Acl>,
    empty: &Arc<History>,
) -> Arc<History> {
    let own = groups.get(&entry.key).map(Held::series).unwrap_or_default();
    let acl = entry.acl_arn().and_then(|arn| acls.get(arn));
    let waf = acl.map(|acl| acl.held.series()).unwrap_or_default();
    // What a log group's stages share would be judged, and billed, as this one's.
    let own_log = entry.throttled.as_ref().filter(|throttled| throttled.scope == Scope::Stage);
    let throttled = own_log.map(|throttled| &throttled.series);
    if own.iter().chain(waf).chain(throttled).all(|series| series.is_empty()) {
        return Arc::clone(empty);
    }
    let series = |metric: Metric| match metric {
        Metric::WafAllowed | Metric::WafBlocked | Metric::WafCounted => {
            waf.get(metric.index() - Metric::WafAllowed.index())
        }
        Metric::IntegrationP99 | Metric::CacheHits | Metric::CacheMisses => own.get(metric.index() - ACL_SERIES),
        Metric::Throttled => throttled,
        _ => own.get(metric.index()),
    };
    Arc::new(Metric::ALL.map(|metric| Arc::clone(series(metric).unwrap_or(&empty[0]))))
}

pub(super) fn row_key(id: &StageId) -> RowKey {
    (id.api_name.clone(), id.stage.clone(), id.api_id.clone())
}

/// For how long after its end a minute may still change.
pub(super) fn provisional(settings: &Settings) -> TimeDelta {
    let seconds = settings.polling.provisional_seconds.min(86_400);
    TimeDelta::seconds(i64::try_from(seconds).unwrap_or(180))
}

/// The `ApiName` or `ApiId` dimension of an API.
pub(super) fn metric_name(api: &Api) -> String {
    let id = StageId { api_id: api.id.clone(), api_name: api.name.clone(), stage: String::new() };
    SeriesKey::of(&id, api.kind()).api
}

/// A stage, as `GetStages` would give it, without a web ACL.
#[cfg(test)]
pub(super) fn add_stage(state: &mut State, api_id: &str, api_name: &str, stage: &str) {
    let id = StageId { api_id: api_id.to_owned(), api_name: api_name.to_owned(), stage: stage.to_owned() };
    state.entry(id, ApiKind::Rest, Known::NotYet);
}

#[cfg(test)]
mod tests;
