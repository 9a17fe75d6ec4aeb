//! What discovery found, taken in: APIs, stages, what is active, the names that series have.

use std::collections::{HashMap, HashSet};

use super::rows::{RowKey, SeriesKey, metric_name, row_key};
use super::{Entry, Part, State};
use crate::aws::{AwsError, Problem};
use crate::model::board::Known;
use crate::model::stage::{Api, ApiKind, StageDetail, StageId};
use crate::watch::discover::Found;

impl State {
    /// Whether this is known already, so that taking it in would change nothing and nobody need look at the board
    /// again.
    pub(in crate::watch) fn knows(&self, found: &Found) -> bool {
        let well = |part| self.troubles.of(part).is_none();
        match found {
            Found::Identity(Ok(identity)) => well(Part::Identity) && self.account.identity.as_ref() == Some(identity),
            Found::Active(Ok(active)) => well(Part::Active) && self.series.active.as_ref() == Some(active),
            Found::Apis(Ok(apis)) => well(Part::Apis) && self.apis.rest.as_ref() == Some(apis),
            Found::HttpApis(Ok(apis)) => well(Part::HttpApis) && self.apis.by_id.is_some() && self.apis.http == *apis,
            Found::AccountLimit(Ok(limit)) => well(Part::Account) && limit.is_some() && self.account.limit == *limit,
            Found::AclMetricName { arn, metric_name } => {
                self.acls.get(arn).is_some_and(|acl| acl.metric_name.as_ref() == Some(metric_name))
            }
            Found::Filters { group, result: Ok(filters) } => {
                well(Part::Filters) && self.logs.filters.get(group) == Some(filters)
            }
            Found::AclDimensions(Ok(dimensions)) => well(Part::AclSeries) && self.acls.dimensions == *dimensions,
            Found::Stages { api, result: Ok(details) } => {
                let first: RowKey = (api.name.clone(), String::new(), String::new());
                let rows = self.entries.range(first..).take_while(|(key, _)| key.0 == api.name);
                let same = |detail: &StageDetail| {
                    let entry = self.entries.get(&row_key(&detail.id));
                    entry.is_some_and(|entry| matches!(&entry.detail, Known::Yes(known) if known == detail))
                };
                self.apis.read.contains(&api.id)
                    && rows.filter(|(_, entry)| entry.id.api_id == api.id).count() == details.len()
                    && details.iter().all(same)
            }
            _ => false,
        }
    }

    /// Takes in what discovery found.
    // Long: one arm for each thing that discovery finds.
    pub(in crate::watch) fn apply(&mut self, found: Found) {
        match found {
            Found::Identity(result) => {
                if let Some(identity) = self.troubles.note(Part::Identity, result) {
                    self.account.identity = Some(identity);
                }
            }
            Found::Apis(result) => {
                if let Some(apis) = self.troubles.note(Part::Apis, result) {
                    self.apis.rest = Some(apis);
                    self.take_apis();
                }
                self.add_active_rows();
            }
            Found::HttpApis(result) => {
                if let Some(apis) = self.troubles.note(Part::HttpApis, result) {
                    self.apis.http = apis;
                    self.take_apis();
                }
                self.add_active_rows();
            }
            Found::AccountLimit(result) => {
                if let Some(limit) = self.troubles.note(Part::Account, result) {
                    self.account.limit = limit;
                }
            }
            Found::Filters { group, result } => {
                if let Some(filters) = self.troubles.note(Part::Filters, result) {
                    self.logs.filters.insert(group, filters);
                }
            }
            Found::Active(result) => {
                if let Some(active) = self.troubles.note(Part::Active, result) {
                    self.series.active = Some(active);
                }
                self.add_active_rows();
            }
            Found::Stages { api, result } => self.take_stages(&api, result),
            Found::AclDimensions(result) => {
                if let Some(dimensions) = self.troubles.note(Part::AclSeries, result) {
                    self.acls.dimensions = dimensions;
                    self.acls.match_dimensions();
                }
            }
            Found::AclMetricName { arn, metric_name } => {
                if let Some(acl) = self.acls.get_mut(&arn) {
                    acl.metric_name = Some(metric_name);
                }
                self.acls.match_dimensions();
            }
            Found::StagesBehind { arn, stages } => {
                self.acls.behind.insert(arn, stages);
            }
            Found::Done => {
                self.troubles.end_round();
                self.forget_unused();
            }
        }
    }

    /// The APIs are known, or others than before.
    fn take_apis(&mut self) {
        let Some(apis) = self.apis.join() else { return };
        // An API that is gone or renamed takes its rows with it; rows without an id came from metrics alone.
        self.entries.retain(|_, entry| {
            let api = apis.get(&entry.id.api_id);
            api.is_some_and(|api| api.name == entry.id.api_name)
        });
        self.count_log_groups();
    }

    /// Rows for stages that metrics say are called, before anybody asked `GetStages`.
    ///
    /// A name that two APIs share does not tell which of them has the stage: it waits for `GetStages`. Where the APIs
    /// cannot be listed, the metrics' own names must do.
    fn add_active_rows(&mut self) {
        let Some(active) = self.series.active.clone() else {
            return;
        };
        let by_name: HashMap<(ApiKind, String), Api> = match &self.apis.by_id {
            Some(apis) => apis.values().map(|api| ((api.kind(), metric_name(api)), api.clone())).collect(),
            None if self.troubles.of(Part::Apis).is_some() => {
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
            let ambiguous = self.apis.sharing(&key.api) > 1;
            if ambiguous || self.apis.read.contains(&api.id) {
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
                self.troubles.begin(Part::Stages, error);
                return;
            }
        };
        self.apis.read.insert(api.id.clone());
        let names: HashSet<&str> = details.iter().map(|d| d.id.stage.as_str()).collect();
        let gone: Vec<RowKey> = self
            .entries_of(api)
            .filter(|entry| !names.contains(entry.id.stage.as_str()))
            .map(|entry| row_key(&entry.id))
            .collect();
        let any_gone = !gone.is_empty();
        for key in gone {
            self.entries.remove(&key);
        }
        if any_gone {
            self.count_log_groups();
        }
        for detail in details {
            self.entry(detail.id.clone(), api.kind(), Known::Yes(detail));
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
}
