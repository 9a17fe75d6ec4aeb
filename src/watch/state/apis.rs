//! The APIs that were listed, and whose stages are known.

use std::collections::{HashMap, HashSet};

use super::rows::metric_name;
use crate::model::stage::Api;

/// The APIs that were listed.
#[derive(Default)]
pub(in crate::watch) struct Apis {
    /// By id; `None` before they were read.
    pub(in crate::watch) by_id: Option<HashMap<String, Api>>,
    /// HTTP APIs are listed apart, and may not be permitted.
    pub(super) http: Vec<Api>,
    pub(super) rest: Option<Vec<Api>>,
    /// How many of them share a metric name.
    pub(in crate::watch) names: HashMap<String, usize>,
    /// Those whose stages were read.
    pub(in crate::watch) read: HashSet<String>,
    /// Whether the stages of one of them alone are read.
    pub(in crate::watch) is_part: bool,
}

impl Apis {
    /// Whether every one's stages were listed.
    pub(in crate::watch) fn knows_every_stage(&self) -> bool {
        self.by_id.as_ref().is_some_and(|apis| apis.keys().all(|id| self.read.contains(id)))
    }

    /// How many share a metric name; one that is not known is taken to be alone.
    pub(in crate::watch) fn sharing(&self, name: &str) -> usize {
        self.names.get(name).copied().unwrap_or(1)
    }

    /// Puts both kinds together. Where REST APIs could not be listed, HTTP APIs alone say nothing of the others.
    pub(super) fn join(&mut self) -> Option<&HashMap<String, Api>> {
        let all: Vec<Api> = self.rest.as_ref()?.iter().chain(&self.http).cloned().collect();
        self.names.clear();
        for api in &all {
            *self.names.entry(metric_name(api)).or_default() += 1;
        }
        let all: HashMap<String, Api> = all.into_iter().map(|api| (api.id.clone(), api)).collect();
        self.read.retain(|id| all.contains_key(id));
        Some(self.by_id.insert(all))
    }
}
