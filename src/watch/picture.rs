//! Boards out of what is known: one immutable picture at one moment.
//!
//! Linear in the number of stages. Makes no calls and keeps nothing.

mod reasons;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use self::reasons::{refused, warnings, web_acl};
use super::condition;
use super::cost::{self, Meter};
use super::figures::{self, Front, Subject};
use super::schedule::Schedule;
use super::signal::{self, AclScope, Judged};
use super::state::{Acl, Entry, JudgedOf, Part, RowKey, SeriesKey, State, acl_name, metric_name, provisional, row_key};
use super::store::Held;
use super::throttle;
use super::usual::Reckoned;
use super::words::counted;
use crate::model::access_log::log_group;
use crate::model::board::{AccountGauge, Board, Known, Metric, StageRow};
use crate::model::condition::Condition;
use crate::model::figure::{Figure, Origin, Reading, Scope};
use crate::model::limits::{LimitOf, WinningLimit};
use crate::model::series::floor_minute;
use crate::model::signal::Figures;
use crate::model::stage::ApiKind;
use crate::model::usual::UsualOf;

/// The board at account time `at`, which runs at `rate`.
pub(super) fn board(state: &State, at: DateTime<Utc>, rate: f64) -> Board {
    let picture = Picture::new(state, at);
    let stages: Vec<StageRow> = state.entries.iter().map(|(key, e)| picture.row(key, e)).collect();
    // Two APIs of one name share a series: it is one sum.
    let mut seen = HashSet::new();
    let once = stages.iter().zip(state.entries.values()).filter(|(_, entry)| seen.insert(&entry.key));
    let burns: Vec<_> = once.map(|(row, _)| &row.burn).collect();
    let burn = cost::total(&burns);
    let mut polling = state.polling.clone();
    polling.details = details(state);
    polling.unmatched = unmatched(state, polling.details);
    polling.trouble = state.troubles.words();
    polling.log_dollars = state.logs.costs.all();
    polling.log_budget_dollars_per_hour = state.settings.polling.log_budget_dollars_per_hour;
    polling.lacks = state.troubles.lacks();
    let account = picture.account();
    Board { identity: state.account.identity.clone(), at, rate, stages, account, burn, polling }
}

/// Attacked stages that are read more often: where all are attacked, those with the most requests.
const MOST_ATTACKED: usize = 50;

/// The rows that look attacked.
pub(super) fn attacked(board: &Board) -> HashSet<RowKey> {
    let mut rows: Vec<&StageRow> = board.stages.iter().filter(|row| !row.signals.is_empty()).collect();
    let requests = |row: &StageRow| row.figures.requests_per_second.value().unwrap_or(0.0);
    let worst = |row: &StageRow| row.signals.iter().map(|signal| signal.severity).max();
    rows.sort_by(|a, b| worst(b).cmp(&worst(a)).then(requests(b).total_cmp(&requests(a))));
    rows.into_iter().take(MOST_ATTACKED).map(|row| row_key(&row.id)).collect()
}

/// Stages whose details were read, of all. An API whose stages nobody has listed yet counts as one.
fn details(state: &State) -> (usize, usize) {
    let read = |e: &&Entry| matches!(e.detail, Known::Yes(_));
    let known = state.entries.values().filter(read).count();
    let apis = state.apis.by_id.iter().flat_map(HashMap::keys);
    let mut unseen: HashSet<&str> = apis.filter(|id| !state.apis.read.contains(*id)).map(String::as_str).collect();
    if !unseen.is_empty() {
        for entry in state.entries.values() {
            unseen.remove(entry.id.api_id.as_str());
        }
    }
    (known, state.entries.len() + unseen.len())
}

/// Stages that settings name and that are none, once every stage is known.
fn unmatched(state: &State, (read, all): (usize, usize)) -> Vec<(&'static str, String)> {
    if state.apis.by_id.is_none() || read < all {
        return Vec::new();
    }
    let none = |named: &str| !state.entries.values().any(|entry| state.account.place.means(named, &entry.id));
    let named = state.settings.stages_named().filter(|(_, named)| none(named));
    named.map(|(key, named)| (key, named.to_owned())).collect()
}

struct Picture<'a> {
    state: &'a State,
    at: DateTime<Utc>,
    /// Rows by what their own metrics are kept under, where APIs share a name.
    by_key: HashMap<&'a SeriesKey, usize>,
    /// Rows by web ACL.
    by_acl: HashMap<&'a str, usize>,
    /// APIs whose stages nobody has listed yet, by metric name, where APIs share one.
    unread: HashMap<String, usize>,
    /// Whether every API's stages were listed.
    everything_read: bool,
    schedule: Schedule,
}

impl<'a> Picture<'a> {
    fn new(state: &'a State, at: DateTime<Utc>) -> Self {
        let mut by_key = HashMap::new();
        let mut by_acl = HashMap::new();
        for entry in state.entries.values() {
            if state.apis.sharing(&entry.key.api) > 1 {
                *by_key.entry(&entry.key).or_default() += 1;
            }
            if let Some(arn) = entry.acl_arn() {
                *by_acl.entry(arn).or_default() += 1;
            }
        }
        let mut unread = HashMap::new();
        let not_listed =
            || state.apis.by_id.iter().flat_map(HashMap::values).filter(|api| !state.apis.read.contains(&api.id));
        let everything_read = state.apis.by_id.is_some() && not_listed().next().is_none();
        if state.apis.by_id.as_ref().is_some_and(|apis| state.apis.names.len() < apis.len()) {
            for api in not_listed() {
                *unread.entry(metric_name(api)).or_default() += 1;
            }
        }
        let every = state.polling.paces.map(|pace| pace.every_seconds);
        let usual = state.settings.polling.interval_seconds;
        let every = every.map(|every| if every == 0 { usual } else { every });
        Self { by_key, by_acl, unread, everything_read, schedule: Schedule { every, slowed: None }, state, at }
    }

    /// How many of the account's APIs share the metric name and, as far as is known, the stage.
    fn sharers(&self, entry: &Entry) -> usize {
        let named = self.state.apis.sharing(&entry.key.api);
        if named <= 1 {
            return 1;
        }
        // A row that metrics alone gave belongs to an unread API already counted.
        let rows = self.by_key.get(&entry.key).copied().unwrap_or(1);
        (rows + self.unread.get(&entry.key.api).copied().unwrap_or(0)).min(named)
    }

    fn row(&self, key: &RowKey, entry: &Entry) -> StageRow {
        let own = self.state.series.get(&entry.key);
        let acl = entry.acl_arn().and_then(|arn| self.state.acls.get(arn));
        let sharers = self.sharers(entry);
        let acl_scope = self.acl_scope(entry, sharers);
        let refused = |metric: Metric| match metric {
            Metric::Throttled => entry.throttled.as_ref().and_then(|throttled| throttled.trouble.clone()),
            _ => refused(own, acl, metric, self.state),
        };
        let pace = self.state.pace(entry);
        let scope = if sharers > 1 { Scope::ApiName { apis: sharers } } else { Scope::Stage };
        let limit = self.limit(entry);
        let subject = Subject {
            history: &entry.history,
            now: self.at,
            polling: &self.state.settings.polling,
            every_seconds: self.schedule.every(pace),
            kind: entry.kind(),
            throttled: self.throttled(entry),
            limit,
            cache: entry.known().map(|_| entry.has_cache()),
            scope: scope.clone(),
            front: self.front(entry, acl),
            acl: acl_scope.clone(),
            fresh: own.and_then(Held::fresh),
            acl_fresh: acl.and_then(|acl| acl.held.fresh()),
            refused: &refused,
        };
        let meter = self.meter(entry, &acl_scope);
        let frozen = self.state.attacks.frozen.get(key);
        let reckoned = frozen.map(|frozen| Reckoned::of(frozen, &meter));
        let (judged, condition) =
            self.signals((key, entry), (own, acl), (acl_scope.clone(), &scope), sharers, (&meter, reckoned.as_ref()));
        let figures = subject.figures();
        let last = figures.requests_per_second.reading().map(|reading| reading.at - TimeDelta::minutes(1));
        let cache = entry.known().map(|_| entry.has_cache());
        let usuals = reckoned.zip(last).map(|(reckoned, last)| reckoned.usuals(last, &scope).of_cache(cache));
        let attack = usuals.as_ref().map(|usuals| (usuals.began, usuals.figure(UsualOf::Cost).clone()));
        StageRow {
            id: entry.id.clone(),
            kind: entry.kind(),
            web_acl: web_acl(entry),
            web_acl_arn: entry.acl_arn().map(str::to_owned),
            figures,
            history: Arc::clone(&entry.history),
            burn: meter.burn(last, attack, &scope, self.at),
            usuals,
            condition,
            signals: judged.standing,
            not_judged: judged.not_judged,
            ended: judged.ended,
            limit,
            pace,
            warnings: warnings(entry, own, acl, sharers),
        }
    }

    /// The account's limit, and how much of it all stages together use.
    fn account(&self) -> AccountGauge {
        let limit = match (self.state.account.limit, self.state.troubles.of(Part::Account)) {
            (Some(limit), _) => Known::Yes(limit),
            (None, Some(error)) => Known::No(error.problem.to_string()),
            (None, None) => Known::NotYet,
        };
        let latest = self.state.account.requests.latest().filter(|(minute, _)| (self.at - *minute).num_minutes() < 10);
        let Some((minute, requests)) = latest else {
            let unknown = || Figure::unknown("no stage's requests are known");
            return AccountGauge { requests_per_second: unknown(), used_share: unknown(), limit };
        };
        let at = minute + TimeDelta::minutes(1);
        let provisional =
            (self.at - at).num_seconds() < i64::try_from(self.state.settings.polling.provisional_seconds).unwrap_or(0);
        let figure =
            |value| Figure::Known(Reading { value, at, origin: Origin::Derived, scope: Scope::Account, provisional });
        let used_share = match &limit {
            Known::Yes(limit) if limit.rate > 0.0 => figure(requests / 60.0 / limit.rate),
            Known::Yes(_) => Figure::unknown("the account's limit is 0"),
            Known::No(reason) => Figure::unknown(format!("the account's limit is not known: {reason}")),
            Known::NotYet => Figure::unknown("the account's limit is not read yet"),
        };
        AccountGauge { requests_per_second: figure(requests / 60.0), limit, used_share }
    }

    /// The limit that a stage's requests meet first: its own, or the account's.
    fn limit(&self, entry: &Entry) -> Option<WinningLimit> {
        let own = entry.known().and_then(|detail| detail.limit).map(|limit| WinningLimit { limit, of: LimitOf::Stage });
        let account = self.state.account.limit.map(|limit| WinningLimit { limit, of: LimitOf::Account });
        // Without the stage's details, or the account's limit, a lower one may be there.
        entry.known()?;
        account?;
        if let Some(lowest) = entry.known().and_then(|detail| detail.lowest_of_a_method) {
            let of_method = WinningLimit { limit: lowest, of: LimitOf::Method };
            return own
                .into_iter()
                .chain(account)
                .chain([of_method])
                .min_by(|a, b| a.limit.rate.total_cmp(&b.limit.rate));
        }
        own.into_iter().chain(account).min_by(|a, b| a.limit.rate.total_cmp(&b.limit.rate))
    }

    /// Where a stage's throttled requests are read, or why they are not.
    fn throttled(&self, entry: &Entry) -> Result<(Origin, Scope), String> {
        let detail = match &entry.detail {
            Known::Yes(detail) => detail,
            Known::NotYet => return Err("whether it has an access log is not read yet".to_owned()),
            Known::No(reason) => return Err(format!("whether it has an access log is not known: {reason}")),
        };
        let Some(log) = &detail.access_log else {
            return Err(throttle::NO_LOG.to_owned());
        };
        if let Some(read) = &entry.throttled {
            return match read.untellable() {
                Some(trouble) => Err(trouble.clone()),
                None => Ok((read.origin, read.scope.clone())),
            };
        }
        let sharing = log_group(&log.destination).map_or(Some(1), |group| self.state.sharing(group));
        throttle::Question::of(&entry.id, log, sharing)?;
        Err("its access log is not asked while nobody looks at it and it does not look attacked: open the stage"
            .to_owned())
    }

    fn meter<'e>(&'e self, entry: &'e Entry, acl: &'e AclScope) -> Meter<'e> {
        let known = entry.known();
        let line = |log: &crate::model::stage::AccessLog| {
            let measured = log_group(&log.destination).and_then(|group| self.state.logs.line_bytes.get(group));
            cost::line_bytes(measured.copied(), &log.format)
        };
        Meter {
            history: &entry.history,
            prices: &self.state.settings.prices,
            kind: entry.kind(),
            inspected: known.map(|detail| detail.web_acl_arn.is_some()),
            acl,
            line_bytes: known.map(|detail| detail.access_log.as_ref().map_or(0.0, line)),
        }
    }

    fn stages_behind(&self, entry: &Entry) -> usize {
        let arn = entry.acl_arn().unwrap_or_default();
        let seen = self.by_acl.get(arn).copied().unwrap_or(0);
        self.state.acls.behind.get(arn).map_or(0, Vec::len).max(seen)
    }

    fn front(&self, entry: &Entry, acl: Option<&Acl>) -> Front {
        if entry.kind() == ApiKind::Http {
            return Front::Unknown("AWS offers HTTP APIs no web ACL".to_owned());
        }
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
                        Some(acl) if acl.held.was_asked() => "no WAF metrics under this web ACL's name yet".to_owned(),
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
        let asked = entry.acl_arn().and_then(|arn| self.state.acls.behind.get(arn));
        match self.stages_behind(entry) {
            // Until every API's stages are listed, another stage may turn out to be behind the same web ACL.
            1 if sharers == 1 && (self.everything_read || asked.is_some_and(|asked| asked.len() == 1)) => {
                AclScope::Alone { name }
            }
            stages => AclScope::Shared { name, stages: Some(stages) },
        }
    }

    /// Signals as of the last minute that was read: while nothing can be read, what stood goes on standing.
    // Long: the signals of a stage, judged in their order from the same minutes.
    fn signals(
        &self,
        (key, entry): (&RowKey, &Entry),
        (own, acl): (Option<&Held>, Option<&Acl>),
        (acl_scope, scope): (AclScope, &Scope),
        sharers: usize,
        (meter, reckoned): (&Meter<'_>, Option<&Reckoned<'_>>),
    ) -> (Judged, Condition) {
        let complete = floor_minute(self.at) - TimeDelta::minutes(1);
        let last = own.and_then(|held| held.through).map(|read| read.min(complete));
        let waf_last = acl.and_then(|acl| acl.held.through).map(|read| read.min(complete));
        let mut known = self.state.attacks.judged.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.get(key).map(|(of, judged, condition)| (of, judged, condition));
        let Some(last) = last.or(waf_last) else {
            // Nothing was read of it, or all of that was forgotten.
            let judged = before.map_or_else(Judged::default, |(_, judged, _)| judged.clone()).forgotten(self.at);
            return (judged, Condition::unread());
        };
        // Of a part of the stages nobody can tell what all of them use.
        let busiest = self.state.account.busiest.as_ref() == Some(key) && !self.state.apis.is_part;
        let measures = self.state.measures_on(entry);
        let of = JudgedOf {
            history: Arc::clone(&entry.history),
            last,
            complete,
            waf_last,
            acl: acl_scope.clone(),
            busiest,
            sharers,
            frozen: self.state.attacks.frozen.get(key).cloned(),
            measures: measures.clone(),
            declared: self.state.is_declared(&entry.id),
            answered: entry.answered.clone(),
        };
        if let Some((_, judged, condition)) = before.filter(|(known, ..)| **known == of) {
            return (judged.clone(), condition.clone());
        }
        let thresholds = self.state.settings.signals.of_stage(&entry.id, &self.state.account.place);
        let dollars = |minute| meter.minute(minute);
        let usual = |of, minute| Some(reckoned?.at(of, minute)?.ok());
        let limit = self.state.account.limit.map(|limit| limit.rate * 60.0).filter(|limit| *limit > 0.0);
        let limit = limit.filter(|_| busiest);
        let account = |minute| Some(self.state.account.requests.at(minute)? / limit?);
        let situation = signal::Situation {
            acl: acl_scope,
            dollars: &dollars,
            account: &account,
            waf_last,
            throttles: sharers == 1,
            tells_account: busiest,
            cache: if entry.kind() == ApiKind::Http { Some(false) } else { entry.known().map(|_| entry.has_cache()) },
            measures: &measures,
            before: before.map(|(_, judged, _)| judged),
            now: Some(complete),
            lookback: figures::lookback(self.schedule.every(self.state.pace(entry))),
            usual: &usual,
        };
        let mut judged = signal::evaluate(&entry.history, &thresholds, last, &situation);
        if sharers > 1 {
            for signal in &mut judged.standing {
                let shared = format!(" (all {} of this name together)", counted(sharers, "API"));
                // What stands by what was known before carries it already.
                if signal.kind.figures() == Figures::Stage && !signal.evidence.ends_with(&shared) {
                    signal.evidence.push_str(&shared);
                }
            }
        }
        let condition = self.condition(entry, &judged, &of, reckoned, scope);
        known.insert(key.clone(), (of, judged.clone(), condition.clone()));
        (judged, condition)
    }
}

impl Picture<'_> {
    /// How a stage stands, by what was judged of it.
    fn condition(
        &self,
        entry: &Entry,
        judged: &Judged,
        of: &JudgedOf,
        reckoned: Option<&Reckoned<'_>>,
        scope: &Scope,
    ) -> Condition {
        let (Some(reckoned), Some(frozen)) = (reckoned, &of.frozen) else {
            return condition::unattacked(judged, &of.measures);
        };
        let usual = |of, minute| reckoned.at(of, minute)?.ok();
        condition::condition(&condition::Subject {
            history: &entry.history,
            began: frozen.began,
            declared: of.declared,
            usual: &usual,
            fewer: reckoned.fewer(),
            measures: &of.measures,
            answered: of.answered.as_deref(),
            acl: &of.acl,
            acl_is_known: entry.known().is_some(),
            judged,
            last: of.complete,
            provisional: provisional(&self.state.settings),
            scope,
            thresholds: &self.state.settings.signals.of_stage(&entry.id, &self.state.account.place),
        })
    }
}
