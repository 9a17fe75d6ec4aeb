//! Boards out of what is known: one immutable picture at one moment.
//!
//! Linear in the number of stages. Makes no calls and keeps nothing.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::figures::{Front, Subject};
use super::signal::{self, AclScope};
use super::state::{Acl, Entry, SeriesKey, State, acl_name, metric_name};
use super::store::Held;
use super::words::plural;
use crate::aws::read::MetricStatus;
use crate::model::board::{Board, Known, Metric, StageRow};
use crate::model::figure::Scope;
use crate::model::series::floor_minute;
use crate::model::signal::{Signal, SignalKind};
use crate::model::stage::ApiKind;

/// The board at account time `at`, which runs at `rate`.
pub(super) fn board(state: &State, at: DateTime<Utc>, rate: f64) -> Board {
    let picture = Picture::new(state, at);
    let stages: Vec<StageRow> = state.entries.values().map(|e| picture.row(e)).collect();
    let mut polling = state.polling.clone();
    polling.details = details(state);
    polling.trouble = state.trouble();
    Board { identity: state.identity.clone(), at, rate, stages, polling, ..Board::empty(at) }
}

/// Stages whose details were read, of all. An API whose stages nobody has listed yet counts as one.
fn details(state: &State) -> (usize, usize) {
    let read = |e: &&Entry| matches!(e.detail, Known::Yes(_));
    let known = state.entries.values().filter(read).count();
    let apis = state.apis.iter().flat_map(HashMap::keys);
    let mut unseen: HashSet<&str> = apis.filter(|id| !state.read.contains(*id)).map(String::as_str).collect();
    if !unseen.is_empty() {
        for entry in state.entries.values() {
            unseen.remove(entry.id.api_id.as_str());
        }
    }
    (known, state.entries.len() + unseen.len())
}

struct Picture<'a> {
    state: &'a State,
    at: DateTime<Utc>,
    /// Rows by what their own metrics are kept under, where APIs share a name.
    by_key: HashMap<&'a SeriesKey, usize>,
    /// Rows by web ACL.
    by_acl: HashMap<&'a str, usize>,
    /// APIs whose stages nobody has listed yet, by metric name.
    unread: HashMap<String, usize>,
}

impl<'a> Picture<'a> {
    fn new(state: &'a State, at: DateTime<Utc>) -> Self {
        let mut by_key = HashMap::new();
        let mut by_acl = HashMap::new();
        for entry in state.entries.values() {
            if state.api_names.get(&entry.key.0).is_some_and(|apis| *apis > 1) {
                *by_key.entry(&entry.key).or_default() += 1;
            }
            if let Some(arn) = entry.acl_arn() {
                *by_acl.entry(arn).or_default() += 1;
            }
        }
        let mut unread = HashMap::new();
        let apis = state.apis.iter().flat_map(HashMap::values);
        for api in apis.filter(|api| !state.read.contains(&api.id)) {
            *unread.entry(metric_name(api)).or_default() += 1;
        }
        Self { state, at, by_key, by_acl, unread }
    }

    /// How many of the account's APIs share the metric name and, as far as is known, the stage.
    fn sharers(&self, entry: &Entry) -> usize {
        let named = self.state.api_names.get(&entry.key.0).copied().unwrap_or(1);
        if named <= 1 {
            return 1;
        }
        // A row that metrics alone gave belongs to an unread API already counted.
        let rows = self.by_key.get(&entry.key).copied().unwrap_or(1);
        (rows + self.unread.get(&entry.key.0).copied().unwrap_or(0)).min(named)
    }

    fn row(&self, entry: &Entry) -> StageRow {
        let own = self.state.groups.get(&entry.key);
        let acl = entry.acl_arn().and_then(|arn| self.state.acls.get(arn));
        let sharers = self.sharers(entry);
        let acl_scope = self.acl_scope(entry, sharers);
        let refused = |metric: Metric| refused(own, acl, metric, self.state);
        let subject = Subject {
            history: &entry.history,
            now: self.at,
            polling: &self.state.settings.polling,
            scope: if sharers > 1 { Scope::ApiName { apis: sharers } } else { Scope::Stage },
            front: self.front(entry, acl),
            acl: acl_scope.clone(),
            refused: &refused,
        };
        StageRow {
            id: entry.id.clone(),
            web_acl: web_acl(entry),
            web_acl_arn: entry.acl_arn().map(str::to_owned),
            figures: subject.figures(),
            history: std::sync::Arc::clone(&entry.history),
            signals: self.signals(entry, own, acl, acl_scope, sharers),
            warnings: warnings(entry, own, acl, sharers),
            ..StageRow::new(entry.id.clone(), ApiKind::Rest)
        }
    }

    fn stages_behind(&self, entry: &Entry) -> usize {
        let arn = entry.acl_arn().unwrap_or_default();
        self.by_acl.get(arn).copied().unwrap_or(0)
    }

    fn front(&self, entry: &Entry, acl: Option<&Acl>) -> Front {
        let name = match (&entry.detail, entry.acl_arn(), acl) {
            (Known::NotYet, ..) => return Front::Unknown("web ACL not read yet".to_owned()),
            (Known::No(reason), ..) => {
                return Front::Unknown(format!("web ACL not known: {reason}"));
            }
            (_, None, _) => return Front::Unknown("no web ACL before this stage".to_owned()),
            (_, Some(_), Some(acl)) if acl.name.is_none() => {
                return Front::Unknown("a WAF Classic web ACL: only WAFv2 is read".to_owned());
            }
            (_, Some(arn), acl) => {
                if acl.is_none_or(|acl| acl.dimension.is_none()) {
                    return Front::Unknown(match acl {
                        Some(acl) if acl.held.asked => "no WAF metrics under this web ACL's name yet".to_owned(),
                        _ => "not read yet".to_owned(),
                    });
                }
                acl_name(arn).unwrap_or(arn).to_owned()
            }
        };
        Front::Acl { scope: Scope::WebAcl { name, stages: self.stages_behind(entry) } }
    }

    /// A stage whose own series is shared cannot be compared with its web ACL's, just as if the ACL were shared.
    fn acl_scope(&self, entry: &Entry, sharers: usize) -> AclScope {
        let Some(name) = entry.acl_arn().and_then(acl_name).map(str::to_owned) else {
            return AclScope::None;
        };
        match self.stages_behind(entry) {
            1 if sharers == 1 && self.everything_read() => AclScope::Alone { name },
            stages => AclScope::Shared { name, stages: Some(stages) },
        }
    }

    /// Until every API's stages are listed, another stage may turn out to be behind the same web ACL.
    fn everything_read(&self) -> bool {
        self.state.apis.is_some() && self.unread.is_empty()
    }

    /// Signals as of the last minute that was read: while nothing can be read, what stood goes on standing.
    fn signals(
        &self,
        entry: &Entry,
        own: Option<&Held>,
        acl: Option<&Acl>,
        scope: AclScope,
        sharers: usize,
    ) -> Vec<Signal> {
        let read = own.and_then(|held| held.through).max(acl.and_then(|acl| acl.held.through));
        let Some(read) = read else {
            return Vec::new();
        };
        let last = read.min(floor_minute(self.at) - TimeDelta::minutes(1));
        let thresholds = &self.state.settings.signals;
        let mut signals = signal::evaluate(&entry.history, thresholds, last, &signal::Situation::plain(scope)).standing;
        if sharers > 1 {
            for signal in &mut signals {
                if matches!(signal.kind, SignalKind::ClientErrorsHigh | SignalKind::ServerErrorsHigh) {
                    let shared = plural(sharers, "API");
                    signal.evidence.push_str(" (all ");
                    signal.evidence.push_str(&shared);
                    signal.evidence.push_str(" of this name together)");
                }
            }
        }
        signals
    }
}

fn web_acl(entry: &Entry) -> Known<Option<String>> {
    match &entry.detail {
        Known::NotYet => Known::NotYet,
        Known::No(reason) => Known::No(reason.clone()),
        Known::Yes(detail) => {
            Known::Yes(detail.web_acl_arn.as_deref().map(|arn| acl_name(arn).unwrap_or(arn).to_owned()))
        }
    }
}

/// Why a metric has no minutes, where AWS said why.
fn refused(own: Option<&Held>, acl: Option<&Acl>, metric: Metric, state: &State) -> Option<String> {
    let (held, index) = match metric {
        Metric::WafAllowed | Metric::WafBlocked | Metric::WafCounted => {
            (acl.map(|acl| &acl.held), metric.index() - Metric::WafAllowed.index())
        }
        _ => (own, metric.index()),
    };
    let held = held?;
    match held.status(index) {
        Some(MetricStatus::Forbidden) => Some("not permitted: cloudwatch:GetMetricData refused this metric".to_owned()),
        Some(MetricStatus::Failed) => Some("CloudWatch failed on this metric".to_owned()),
        Some(_) => None,
        None if held.asked => Some("not asked: no requests seen in the last three hours".to_owned()),
        None if state.troubles.is_empty() => Some("not read yet".to_owned()),
        None => Some("could not be read; see the status line".to_owned()),
    }
}

fn warnings(entry: &Entry, own: Option<&Held>, acl: Option<&Acl>, sharers: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if sharers > 1 {
        warnings.push(format!(
            "{} are named “{}”: AWS counts them together (inferred)",
            plural(sharers, "API"),
            crate::model::text::shortened(&entry.id.api_name, 60)
        ));
    }
    if entry.id.api_id.is_empty() {
        warnings.push("known from metrics only: its API could not be listed".to_owned());
    }
    if let Known::Yes(detail) = &entry.detail
        && detail.canary
    {
        warnings.push("has a canary: a plain deployment is refused".to_owned());
    }
    let status = [own, acl.map(|acl| &acl.held)].into_iter().flatten();
    for (held, what) in status.zip(["its metrics", "its web ACL's metrics"]) {
        match held.worst() {
            Some(MetricStatus::Forbidden) => {
                warnings.push(format!("{what}: some are forbidden (cloudwatch:GetMetricData)"));
            }
            Some(MetricStatus::Failed) => {
                warnings.push(format!("{what}: CloudWatch failed on some"));
            }
            Some(MetricStatus::Partial) => {
                warnings.push(format!("{what}: CloudWatch gave only a part"));
            }
            _ => {}
        }
    }
    warnings
}
