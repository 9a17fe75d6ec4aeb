//! What is known so far: APIs, stages, web ACLs and their minutes. Discovery and polls write into it, pictures are made of it.
//!
//! Plain data and bookkeeping; makes no calls and waits for nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::discover::Found;
use super::store::Held;
use crate::aws::{AwsError, Problem};
use crate::model::board::{HISTORY_MINUTES, History, Known, Polling};
use crate::model::identity::Identity;
use crate::model::series::Series;
use crate::model::settings::Settings;
use crate::model::stage::{Api, StageDetail, StageId};

/// `ApiName` and `Stage`: what API Gateway's metrics are kept under. Two APIs of one name share it (inferred).
pub(super) type SeriesKey = (String, String);

/// The order of rows: API name, stage, API id.
pub(super) type RowKey = (String, String, String);

/// One stage that exists, or that metrics say was called.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: StageId,
    pub(super) key: SeriesKey,
    pub(super) detail: Known<StageDetail>,
    /// The stage's own minutes and its web ACL's, together.
    pub(super) history: Arc<History>,
}

impl Entry {
    pub(super) fn acl_arn(&self) -> Option<&str> {
        match &self.detail {
            Known::Yes(detail) => detail.web_acl_arn.as_deref(),
            _ => None,
        }
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
        Self { name: acl_name(arn).map(str::to_owned), metric_name: None, dimension: None, held: Held::new(3) }
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
}

/// Everything known so far.
pub(super) struct State {
    pub(super) settings: Arc<Settings>,
    pub(super) region: String,
    pub(super) identity: Option<Identity>,
    /// By id; `None` before they were read.
    pub(super) apis: Option<HashMap<String, Api>>,
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
    /// End of the last window that was read with success.
    pub(super) polled_to: Option<DateTime<Utc>>,
    empty: Arc<History>,
}

impl State {
    pub(super) fn new(settings: Arc<Settings>, region: &str) -> Self {
        Self {
            settings,
            region: region.to_owned(),
            identity: None,
            apis: None,
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
            polled_to: None,
            empty: Arc::new(std::array::from_fn(|_| Arc::new(Series::new(HISTORY_MINUTES)))),
        }
    }

    /// Whether this is known already, so that taking it in would change nothing and nobody need look at the board again.
    pub(super) fn knows(&self, found: &Found) -> bool {
        let well = |part| !self.troubles.contains_key(&part);
        match found {
            Found::Identity(Ok(identity)) => well(Part::Identity) && self.identity.as_ref() == Some(identity),
            Found::Active(Ok(active)) => well(Part::Active) && self.active.as_ref() == Some(active),
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
                    self.take_apis(apis);
                }
                self.add_active_rows();
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

    fn take_apis(&mut self, apis: Vec<Api>) {
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
        let by_name: HashMap<String, Api> = match &self.apis {
            Some(apis) => apis.values().map(|api| (metric_name(api), api.clone())).collect(),
            None if self.troubles.contains_key(&Part::Apis) => {
                let nameless = |name: &String| Api {
                    id: String::new(),
                    name: name.clone(),
                    endpoint_types: Vec::new(),
                    endpoint_disabled: false,
                };
                active.iter().map(|(name, _)| (name.clone(), nameless(name))).collect()
            }
            None => return,
        };
        for (name, stage) in active {
            let Some(api) = by_name.get(&name) else {
                continue;
            };
            let ambiguous = self.api_names.get(&name).is_some_and(|apis| *apis > 1);
            if ambiguous || self.read.contains(&api.id) {
                continue;
            }
            let id = StageId { api_id: api.id.clone(), api_name: api.name.clone(), stage };
            self.entry(id, Known::NotYet);
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
            self.entry(detail.id.clone(), Known::Yes(detail));
        }
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
    fn entry(&mut self, id: StageId, detail: Known<StageDetail>) {
        let key: SeriesKey = (id.metric_api_name(), id.stage.clone());
        self.groups.entry(key.clone()).or_insert_with(|| Held::new(5));
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
            entry.history = joined(entry, &self.groups, &self.acls, &self.empty);
        }
    }

    /// Series that no row needs any more.
    fn forget_unused(&mut self) {
        let keys: HashSet<&SeriesKey> = self.entries.values().map(|e| &e.key).collect();
        self.groups.retain(|key, _| keys.contains(key));
        let arns: HashSet<&str> = self.entries.values().filter_map(Entry::acl_arn).collect();
        self.acls.retain(|arn, _| arns.contains(arn.as_str()));
    }

    /// Whether a stage is worth more than one metric: called within three hours, or called since we look.
    pub(super) fn is_active(&self, key: &SeriesKey) -> bool {
        self.active.as_ref().is_none_or(|active| active.contains(key))
            || self.groups.get(key).is_some_and(Held::has_data)
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
    if own.iter().chain(waf).all(|series| series.is_empty()) {
        return Arc::clone(empty);
    }
    let mut all = own.iter().chain(waf).cloned();
    Arc::new(std::array::from_fn(|_| all.next().unwrap_or_else(|| Arc::clone(&empty[0]))))
}

fn row_key(id: &StageId) -> RowKey {
    (id.api_name.clone(), id.stage.clone(), id.api_id.clone())
}

/// The `ApiName` dimension of an API.
pub(super) fn metric_name(api: &Api) -> String {
    StageId { api_id: api.id.clone(), api_name: api.name.clone(), stage: String::new() }.metric_api_name()
}

/// A stage, as `GetStages` would give it, without a web ACL.
#[cfg(test)]
pub(super) fn add_stage(state: &mut State, api_id: &str, api_name: &str, stage: &str) {
    let id = StageId { api_id: api_id.to_owned(), api_name: api_name.to_owned(), stage: stage.to_owned() };
    state.entry(id, Known::NotYet);
}

#[cfg(test)]
mod tests;
