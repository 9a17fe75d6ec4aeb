//! The series of stages: which are published, and the minutes that were read of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::acls::Acls;
use super::rows::{Entry, SeriesKey, together};
use crate::model::board::{HISTORY_MINUTES, History};
use crate::model::figure::Scope;
use crate::model::series::Series;
use crate::watch::store::Held;

/// Series of a stage's own: see `poll`.
pub(in crate::watch) const OWN_SERIES: usize = 8;

/// The series of stages.
pub(in crate::watch) struct StageSeries {
    /// What was active within three hours; `None` where that is not known, and everything is taken for active.
    pub(super) active: Option<HashSet<SeriesKey>>,
    /// The minutes that were read.
    pub(super) held: HashMap<SeriesKey, Held>,
    empty: Arc<History>,
}

impl StageSeries {
    pub(super) fn new() -> Self {
        let empty = Arc::new(std::array::from_fn(|_| Arc::new(Series::new(HISTORY_MINUTES))));
        Self { active: None, held: HashMap::new(), empty }
    }

    pub(in crate::watch) fn get(&self, key: &SeriesKey) -> Option<&Held> {
        self.held.get(key)
    }

    pub(in crate::watch) fn get_mut(&mut self, key: &SeriesKey) -> Option<&mut Held> {
        self.held.get_mut(key)
    }

    /// Keeps minutes under `key` from now on.
    pub(super) fn keep(&mut self, key: &SeriesKey) {
        self.held.entry(key.clone()).or_insert_with(|| Held::new(OWN_SERIES));
    }

    /// Whether a stage is worth more than one metric: called within three hours, or called since we look.
    pub(in crate::watch) fn is_active(&self, key: &SeriesKey) -> bool {
        self.active.as_ref().is_none_or(|active| active.contains(key))
            || self.held.get(key).is_some_and(Held::was_called_lately)
    }

    /// The minutes of the stages that are called.
    pub(super) fn called(&self) -> Vec<&Held> {
        self.held.iter().filter(|(key, _)| self.is_active(key)).map(|(_, held)| held).collect()
    }

    /// The history of a stage of which nothing was read.
    pub(super) fn nothing(&self) -> Arc<History> {
        Arc::clone(&self.empty)
    }

    /// A stage's own minutes and its web ACL's, together.
    pub(super) fn joined(&self, entry: &Entry, acls: &Acls) -> Arc<History> {
        let own = self.held.get(&entry.key).map(Held::series).unwrap_or_default();
        let acl = entry.acl_arn().and_then(|arn| acls.get(arn));
        let waf = acl.map(|acl| acl.held.series()).unwrap_or_default();
        // What a log group's stages share would be judged, and billed, as this one's.
        let own_log = entry.throttled.as_ref().filter(|throttled| throttled.scope == Scope::Stage);
        let throttled = own_log.map(|throttled| &throttled.series);
        if own.iter().chain(waf).chain(throttled).all(|series| series.is_empty()) {
            return self.nothing();
        }
        Arc::new(together(own, waf, throttled, &self.empty[0]))
    }

    /// Every minute is to be read again.
    pub(super) fn forget_minutes(&mut self) {
        self.held.values_mut().for_each(|held| *held = Held::new(OWN_SERIES));
    }

    /// Keeps those of these rows alone.
    pub(super) fn retain<'a>(&mut self, rows: impl Iterator<Item = &'a Entry>) {
        let keys: HashSet<&SeriesKey> = rows.map(|row| &row.key).collect();
        self.held.retain(|key, _| keys.contains(key));
    }
}
