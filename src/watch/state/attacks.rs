//! What is known of attacks on stages: what is believed of them, what is usual there, and what was judged last.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::believed::Believed;
use super::rows::RowKey;
use crate::model::board::History;
use crate::model::condition::Condition;
use crate::model::measure::Measures;
use crate::watch::answered::answers::Answered;
use crate::watch::signal::{AclScope, Judged};
use crate::watch::usual::Frozen;

/// What signals were judged by: where it is the same, so are they.
#[derive(Debug)]
pub(in crate::watch) struct JudgedOf {
    pub(in crate::watch) history: Arc<History>,
    pub(in crate::watch) last: DateTime<Utc>,
    /// Start of the last complete minute of account time: what is not read any more grows old.
    pub(in crate::watch) complete: DateTime<Utc>,
    pub(in crate::watch) waf_last: Option<DateTime<Utc>>,
    pub(in crate::watch) acl: AclScope,
    pub(in crate::watch) busiest: bool,
    pub(in crate::watch) sharers: usize,
    pub(in crate::watch) frozen: Option<Arc<Frozen>>,
    pub(in crate::watch) measures: Measures,
    /// Whether a person has said that an attack stands.
    pub(in crate::watch) declared: bool,
    pub(in crate::watch) answered: Option<Arc<Answered>>,
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

/// What was last made of each row's minutes.
pub(in crate::watch) type JudgedRows = HashMap<RowKey, (JudgedOf, Judged, Condition)>;

/// Attacks on the stages.
#[derive(Default)]
pub(in crate::watch) struct Attacks {
    /// What is believed of them.
    pub(super) believed: Believed,
    /// What is usual on their stages.
    pub(in crate::watch) frozen: HashMap<RowKey, Arc<Frozen>>,
    /// Stages that look attacked.
    pub(in crate::watch) suspected: HashSet<RowKey>,
    /// Boards come oftener than minutes.
    pub(in crate::watch) judged: Mutex<JudgedRows>,
}

impl Attacks {
    /// What was last made of each row's minutes.
    pub(super) fn judged_mut(&mut self) -> &mut JudgedRows {
        self.judged.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}
