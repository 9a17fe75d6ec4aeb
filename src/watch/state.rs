//! What is known so far: APIs, stages, web ACLs and their minutes. Discovery and polls write into it, pictures are made
//! of it.
//!
//! Plain data and bookkeeping; makes no calls and waits for nothing.

mod account;
mod acls;
mod apis;
mod attacks;
mod believed;
mod discovered;
mod logs;
mod rows;
mod series;
mod troubles;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::board::{Known, Pace, Polling};
use crate::model::series::floor_minute;
use crate::model::settings::Settings;
use crate::model::stage::{ApiKind, StageDetail, StageId};
use account::Account;
use acls::Acls;
use apis::Apis;
use attacks::Attacks;
pub(super) use attacks::JudgedOf;
use logs::Logs;
pub(super) use rows::{ACL_SERIES, Acl, Entry, RowKey, SeriesKey, Throttled, acl_name, metric_name, row_key, together};
pub(super) use series::OWN_SERIES;
use series::StageSeries;
pub(super) use troubles::Part;
use troubles::Troubles;

/// Everything known so far.
pub(super) struct State {
    pub(super) settings: Arc<Settings>,
    pub(super) account: Account,
    pub(super) apis: Apis,
    pub(super) entries: BTreeMap<RowKey, Entry>,
    pub(super) series: StageSeries,
    pub(super) acls: Acls,
    pub(super) logs: Logs,
    pub(super) attacks: Attacks,
    /// Stages that somebody looks at.
    pub(super) focus: HashSet<(String, String)>,
    pub(super) polling: Polling,
    pub(super) troubles: Troubles,
}

impl State {
    pub(super) fn new(settings: Arc<Settings>, region: &str) -> Self {
        Self {
            settings,
            account: Account::new(region),
            apis: Apis::default(),
            entries: BTreeMap::new(),
            series: StageSeries::new(),
            acls: Acls::default(),
            logs: Logs::default(),
            attacks: Attacks::default(),
            focus: HashSet::new(),
            polling: Polling::default(),
            troubles: Troubles::default(),
        }
    }

    /// The same, connected to with a profile.
    pub(super) fn of_profile(mut self, profile: Option<&str>) -> Self {
        self.account.place.profile = profile.map(str::to_owned);
        self
    }

    /// Adds a stage or renews what is known of it.
    fn entry(&mut self, id: StageId, kind: ApiKind, detail: Known<StageDetail>) {
        let key = SeriesKey::of(&id, kind);
        self.series.keep(&key);
        if let Known::Yes(StageDetail { web_acl_arn: Some(arn), .. }) = &detail {
            self.acls.keep(arn);
        }
        let history = self.series.nothing();
        let row = self.entries.entry(row_key(&id)).or_insert_with(|| Entry {
            id,
            key,
            detail: Known::NotYet,
            throttled: None,
            answered: None,
            history,
        });
        if !matches!(detail, Known::NotYet) {
            // Counted one by one: counting all anew with each API would be quadratic.
            let before = row.log_group().map(str::to_owned);
            row.detail = detail;
            self.logs.moved(before.as_deref(), row.log_group());
        }
        row.history = self.series.joined(row, &self.acls);
    }

    /// After a reading: the histories of the stages that it may have changed, anew.
    pub(super) fn join_histories(&mut self, changed: impl Fn(&RowKey, &Entry) -> bool) {
        for (_, entry) in self.entries.iter_mut().filter(|(row, entry)| changed(row, entry)) {
            let joined = self.series.joined(entry, &self.acls);
            // Where no series was written to it is the same, and so is all that was made of it.
            if !entry.history.iter().zip(joined.iter()).all(|(a, b)| Arc::ptr_eq(a, b)) {
                entry.history = joined;
            }
        }
    }

    /// After a poll at account time `now`: the requests of all stages together, anew for the minutes that may have
    /// changed. A minute is told once every stage that is called was read past it, it can no longer change, and what is
    /// not published of it is too little to matter, by what those stages received before: a sum of those that are read
    /// more often, or are not late, would look like all of them.
    pub(super) fn add_up_account(&mut self, now: DateTime<Utc>) {
        let called = self.series.called();
        let Some(read) = called.iter().map(|held| held.through).min().flatten() else {
            return;
        };
        let settled = floor_minute(now - provisional(&self.settings)) - TimeDelta::minutes(1);
        let last = read.min(settled);
        self.account.add_up(&called, last);
        self.account.find_busiest(&self.entries, last);
    }

    /// Account time went back to `now`: what was noted for later would never fall due again. Every minute is forgotten
    /// and read again: while the clock was ahead, minutes that were yet to come were read, and their silence was taken
    /// for zero.
    pub(super) fn set_clock_back(&mut self, now: DateTime<Utc>) {
        self.series.forget_minutes();
        self.acls.forget_minutes();
        self.account.forget_minutes();
        self.entries.values_mut().for_each(|entry| (entry.throttled, entry.answered) = (None, None));
        // Nothing has ended by that: what stood stands by what was known.
        for (_, judged, _) in self.attacks.judged_mut().values_mut() {
            *judged = judged.forgotten(now);
        }
        self.logs.costs.began = self.logs.costs.began.map(|began| began.min(now));
        self.join_histories(|_, _| true);
    }

    /// How many stages write to a log group; `None` where not every stage was read.
    pub(super) fn sharing(&self, group: &str) -> Option<usize> {
        (!self.apis.is_part).then(|| self.logs.sharing(group))
    }

    /// Whether somebody looks at a stage.
    pub(super) fn is_looked_at(&self, entry: &Entry) -> bool {
        !self.focus.is_empty() && self.focus.contains(&(entry.id.api_id.clone(), entry.id.stage.clone()))
    }

    /// How often a stage is to be read.
    pub(super) fn pace(&self, entry: &Entry) -> Pace {
        let attacked = || !self.attacks.suspected.is_empty() && self.attacks.suspected.contains(&row_key(&entry.id));
        if self.is_looked_at(entry) || attacked() {
            Pace::Close
        } else if self.series.is_active(&entry.key) {
            Pace::Usual
        } else {
            Pace::Idle
        }
    }

    /// What no row needs any more.
    fn forget_unused(&mut self) {
        self.series.retain(self.entries.values());
        self.acls.retain(self.entries.values());
        let entries = &self.entries;
        self.attacks.judged_mut().retain(|key, _| entries.contains_key(key));
        self.count_log_groups();
        self.logs.forget_unused();
    }

    fn count_log_groups(&mut self) {
        self.logs.count_groups(self.entries.values());
    }
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
