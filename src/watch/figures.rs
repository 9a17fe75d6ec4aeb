//! From minutes to figures: each with age, origin and scope, or with the reason why there is none.
//!
//! Figures are of the latest minute that has requests. WAF's may be of an earlier one, since WAF publishes nothing
//! where there is nothing, which is told from "not yet" only after a while; each figure's own age says so. None is
//! older than the requests may be: where metrics are late, all are unknown together. Knows nothing of calls.

use chrono::{DateTime, TimeDelta, Utc};

use super::signal::{AclScope, LOOKBACK_MINUTES, own_blocks};
use super::words::clock_time;
use crate::model::board::{Figures, History, Metric};
use crate::model::figure::{Figure, Origin, Reading, Scope};
use crate::model::limits::{LimitOf, WinningLimit};
use crate::model::series::floor_minute;
use crate::model::settings::PollingSettings;
use crate::model::stage::ApiKind;

/// Within how many minutes of its end a minute may change, where nothing else is configured.
const USUAL_PROVISIONAL_MINUTES: i64 = 3;

/// What stands before a stage, as far as figures need it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Front {
    /// A web ACL whose series are known.
    Acl {
        /// Its name and how many stages of the board are behind it.
        scope: Scope,
    },
    /// No figures, and why.
    Unknown(String),
}

/// How many minutes back a figure, or a judgement, may lie: five, and as much more as readings are further apart than a
/// minute.
pub(super) fn lookback(every_seconds: u64) -> i64 {
    let between = i64::try_from(every_seconds / 60).unwrap_or(1);
    LOOKBACK_MINUTES + (between - 1).max(0)
}

/// Everything that the figures of one stage are made of.
pub(super) struct Subject<'a> {
    pub(super) history: &'a History,
    /// Account time.
    pub(super) now: DateTime<Utc>,
    pub(super) polling: &'a PollingSettings,
    /// Account seconds between two readings of its metrics.
    pub(super) every_seconds: u64,
    pub(super) kind: ApiKind,
    /// Where throttled requests are read, or why they are not.
    pub(super) throttled: Result<(Origin, Scope), String>,
    /// The limit that its requests meet first.
    pub(super) limit: Option<WinningLimit>,
    /// Whether a cache may answer its requests; `None` where that is not known.
    pub(super) cache: Option<bool>,
    /// What the stage's own metrics speak of: the stage, or every API of its name.
    pub(super) scope: Scope,
    pub(super) front: Front,
    /// For what can only be told where the web ACL guards this stage alone.
    pub(super) acl: AclScope,
    /// Start of the first minute of the stage's own that was not the same in two readings; `None` where all were.
    pub(super) fresh: Option<DateTime<Utc>>,
    /// The same of the web ACL's.
    pub(super) acl_fresh: Option<DateTime<Utc>>,
    /// Why a metric has no minutes, where that is not simply that there were none.
    pub(super) refused: &'a dyn Fn(Metric) -> Option<String>,
}

impl Subject<'_> {
    /// The figures.
    pub(super) fn figures(&self) -> Figures {
        let minute = self.minute();
        let per_second = |value: f64| value / 60.0;
        let waf = |metric| self.waf(metric);
        Figures {
            requests_per_second: self.own(Metric::Requests, minute).map(per_second),
            client_error_share: self.share(Metric::ClientErrors, minute),
            server_error_share: self.share(Metric::ServerErrors, minute),
            latency_p50_ms: self.own(Metric::LatencyP50, minute),
            latency_p99_ms: self.own(Metric::LatencyP99, minute),
            waf_allowed_per_second: waf(Metric::WafAllowed),
            waf_blocked_per_second: waf(Metric::WafBlocked),
            waf_counted_per_second: waf(Metric::WafCounted),
            throttled_per_second: self.throttled(),
            client_error_share_from_blocks: self.share_of_blocks(),
            integration_latency_p99_ms: self.own(Metric::IntegrationP99, minute),
            cache_hit_share: self.cache_hits(),
            limit_used_share: self.limit_used(minute),
        }
    }

    /// Start of the last complete minute.
    fn last(&self) -> DateTime<Utc> {
        floor_minute(self.now) - TimeDelta::minutes(1)
    }

    /// How many minutes back a figure may lie: five, and as much more as polls are further apart than a minute.
    fn lookback(&self) -> i64 {
        lookback(self.every_seconds)
    }

    /// The minute the figures are of: the latest complete one with requests, if it is not too old.
    fn minute(&self) -> Option<DateTime<Utc>> {
        self.latest(Metric::Requests, self.lookback())
    }

    fn latest(&self, metric: Metric, lookback: i64) -> Option<DateTime<Utc>> {
        let series = &self.history[metric.index()];
        (0..lookback).map(|back| self.last() - TimeDelta::minutes(back)).find(|minute| series.at(*minute).is_some())
    }

    fn at(&self, metric: Metric, minute: DateTime<Utc>) -> Option<f64> {
        self.history[metric.index()].at(minute)
    }

    fn reading(&self, value: f64, minute: DateTime<Utc>, origin: Origin, scope: &Scope) -> Figure {
        self.reading_of(value, minute, (origin, scope), self.fresh)
    }

    /// A figure that may still change: its minute is young, or came or changed with the last reading.
    fn reading_of(
        &self,
        value: f64,
        minute: DateTime<Utc>,
        (origin, scope): (Origin, &Scope),
        fresh: Option<DateTime<Utc>>,
    ) -> Figure {
        let end = minute + TimeDelta::minutes(1);
        let provisional = i64::try_from(self.polling.provisional_seconds).unwrap_or(i64::MAX);
        Figure::Known(Reading {
            value,
            at: end,
            origin,
            scope: scope.clone(),
            provisional: (self.now - end).num_seconds() < provisional || fresh.is_some_and(|first| first <= minute),
        })
    }

    /// A metric of the stage's own in the figures' minute.
    fn own(&self, metric: Metric, minute: Option<DateTime<Utc>>) -> Figure {
        match minute.and_then(|minute| Some((minute, self.at(metric, minute)?))) {
            Some((minute, value)) => self.reading(value, minute, Origin::CloudWatch, &self.scope),
            None => self.missing(metric, minute),
        }
    }

    /// Why a metric of the stage's own has no figure.
    fn missing(&self, metric: Metric, minute: Option<DateTime<Utc>>) -> Figure {
        if let Some(reason) = (self.refused)(metric).or_else(|| (self.refused)(Metric::Requests)) {
            return Figure::unknown(reason);
        }
        if let Some(minute) = minute {
            return Figure::unknown(format!("not published for {}", clock_time(minute)));
        }
        let last = self.last();
        match self.history[Metric::Requests.index()].latest() {
            Some((seen, _)) => Figure::unknown(self.silence(seen)),
            None => Figure::unknown(format!("no data for {}: no requests, or not published yet", clock_time(last))),
        }
    }

    /// Errors as a fraction of the requests of the same minute.
    fn share(&self, errors: Metric, minute: Option<DateTime<Utc>>) -> Figure {
        let requests = minute.and_then(|minute| self.at(Metric::Requests, minute)).filter(|requests| *requests > 0.0);
        match requests {
            Some(requests) => self.own(errors, minute).map(|errors| (errors / requests).min(1.0)),
            None => self.missing(errors, None),
        }
    }

    /// Throttled requests of the latest minute that is told, a second.
    fn throttled(&self) -> Figure {
        let (origin, scope) = match &self.throttled {
            Ok(read) => read,
            Err(reason) => return Figure::unknown(reason.clone()),
        };
        let known = self.latest(Metric::Throttled, self.waf_lookback());
        match known.and_then(|minute| Some((minute, self.at(Metric::Throttled, minute)?))) {
            Some((minute, value)) => self.reading(value / 60.0, minute, *origin, scope),
            None => Figure::unknown((self.refused)(Metric::Throttled).unwrap_or_else(|| {
                let none = match origin {
                    Origin::MetricFilter => "the metric filter's metric has no minute yet",
                    _ => "no minute of the access log is there yet",
                };
                none.to_owned()
            })),
        }
    }

    /// Answers out of the cache, as a fraction of what was looked up in it.
    fn cache_hits(&self) -> Figure {
        match (self.kind, self.cache) {
            (ApiKind::Http, _) => return Figure::unknown("AWS offers HTTP APIs no cache"),
            (_, Some(false)) => return Figure::unknown("no cache is on"),
            _ => {}
        }
        let told = |minute: &DateTime<Utc>| {
            let at = |metric| self.at(metric, *minute);
            Some((at(Metric::CacheHits)?, at(Metric::CacheMisses)?))
        };
        let minutes = (0..self.lookback()).map(|back| self.last() - TimeDelta::minutes(back));
        match minutes
            .filter_map(|minute| Some((minute, told(&minute)?)))
            .find(|(_, (hits, misses))| hits + misses > 0.0)
        {
            Some((minute, (hits, misses))) => {
                self.reading(hits / (hits + misses), minute, Origin::CloudWatch, &self.scope)
            }
            None => self.missing(Metric::CacheHits, None),
        }
    }

    /// Requests as a fraction of the limit that they meet first.
    fn limit_used(&self, minute: Option<DateTime<Utc>>) -> Figure {
        let Some(WinningLimit { limit, of }) = self.limit else {
            return Figure::unknown("the stage's limit or the account's is not known");
        };
        if of == LimitOf::Method {
            return Figure::unknown("a method has a lower limit of its own: open the stage for the methods' requests");
        }
        if limit.rate <= 0.0 {
            return Figure::unknown("the limit is 0: nothing passes");
        }
        match self.own(Metric::Requests, minute).map(|requests| requests / 60.0 / limit.rate) {
            Figure::Known(reading) => Figure::Known(Reading { origin: Origin::Derived, ..reading }),
            unknown @ Figure::Unknown(_) => unknown,
        }
    }

    /// A WAF metric of the latest minute that is known, a second.
    fn waf(&self, metric: Metric) -> Figure {
        let scope = match &self.front {
            Front::Acl { scope } => scope,
            Front::Unknown(reason) => return Figure::unknown(reason.clone()),
        };
        let known =
            self.latest(metric, self.waf_lookback()).and_then(|minute| Some((minute, self.at(metric, minute)?)));
        if let Some((minute, value)) = known {
            return self.reading_of(value / 60.0, minute, (Origin::CloudWatch, scope), self.acl_fresh);
        }
        if let Some(reason) = (self.refused)(metric) {
            return Figure::unknown(reason);
        }
        match self.history[metric.index()].latest() {
            Some((seen, _)) => Figure::unknown(self.silence(seen)),
            None => Figure::unknown("not read yet"),
        }
    }

    /// `no data since 03:04Z (6 min ago): no requests, or not published yet`.
    fn silence(&self, seen: DateTime<Utc>) -> String {
        let (since, ago) = (clock_time(seen + TimeDelta::minutes(1)), (self.now - seen).num_minutes());
        format!("no data since {since}Z ({ago} min ago): no requests, or not published yet")
    }

    /// A WAF zero is known only when its minute is no longer provisional: where that is configured to take longer, so
    /// may the figure.
    fn waf_lookback(&self) -> i64 {
        let longer = i64::try_from(self.polling.provisional_seconds / 60).unwrap_or(0) - USUAL_PROVISIONAL_MINUTES;
        self.lookback() + longer.max(0)
    }

    /// The part of the requests that our own web ACL blocked, and so (inferred: WAF's 403s are in `4XXError`) of the
    /// 4XX share.
    fn share_of_blocks(&self) -> Figure {
        if let Front::Unknown(reason) = &self.front {
            return Figure::unknown(reason.clone());
        }
        if !matches!(self.acl, AclScope::Alone { .. }) {
            return Figure::unknown("the web ACL or the API's name is shared: its blocks cannot be told apart");
        }
        let minute = (0..self.waf_lookback()).map(|back| self.last() - TimeDelta::minutes(back)).find(|minute| {
            self.at(Metric::Requests, *minute).is_some_and(|r| r > 0.0)
                && self.at(Metric::WafBlocked, *minute).is_some()
        });
        let Some(minute) = minute else {
            return Figure::unknown("no minute with both requests and blocks");
        };
        let Some(requests) = self.at(Metric::Requests, minute) else {
            return Figure::unknown("no minute with both requests and blocks");
        };
        match own_blocks(self.history, minute, &self.acl) {
            Some(blocked) => {
                let fresh = self.fresh.into_iter().chain(self.acl_fresh).min();
                self.reading_of(blocked / requests, minute, (Origin::Derived, &self.scope), fresh)
            }
            None => {
                Figure::unknown("the web ACL inspected more than this stage received: it guards something else as well")
            }
        }
    }
}

/// Turns the value of a figure into another unit.
trait Map {
    fn map(self, f: impl FnOnce(f64) -> f64) -> Self;
}

impl Map for Figure {
    fn map(mut self, f: impl FnOnce(f64) -> f64) -> Self {
        if let Self::Known(reading) = &mut self {
            reading.value = f(reading.value);
        }
        self
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::Arc;

    use crate::model::board::HISTORY_MINUTES;
    use crate::model::series::Series;

    /// So many minutes after a moment.
    pub(in crate::watch) fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_040 + minute * 60, 0).unwrap()
    }

    /// Series that hold `value` in each of these minutes.
    pub(in crate::watch) fn history(sets: &[(Metric, std::ops::RangeInclusive<i64>, f64)]) -> History {
        let mut history: History = std::array::from_fn(|_| Arc::new(Series::new(HISTORY_MINUTES)));
        for (metric, minutes, value) in sets {
            for minute in minutes.clone() {
                Arc::make_mut(&mut history[metric.index()]).set(at(minute), *value);
            }
        }
        history
    }

    fn figures(history: &History, now: i64, acl: AclScope) -> Figures {
        let polling = PollingSettings::default();
        let subject = Subject {
            history,
            now: at(now) + TimeDelta::seconds(5),
            polling: &polling,
            every_seconds: 60,
            kind: ApiKind::Rest,
            throttled: Err("no log".into()),
            limit: None,
            cache: Some(false),
            scope: Scope::Stage,
            front: Front::Acl { scope: Scope::WebAcl { name: "front".into(), stages: 1 } },
            acl,
            fresh: None,
            acl_fresh: None,
            refused: &|_| None,
        };
        subject.figures()
    }

    fn alone() -> AclScope {
        AclScope::Alone { name: "front".into() }
    }

    #[test]
    fn figures_are_of_the_latest_minute_with_requests() {
        let history = history(&[
            (Metric::Requests, 0..=8, 600.0),
            (Metric::ClientErrors, 0..=8, 150.0),
            (Metric::LatencyP99, 0..=8, 80.0),
        ]);
        let figures = figures(&history, 10, alone());
        let requests = figures.requests_per_second.reading().unwrap();
        assert!((requests.value - 10.0).abs() < 1e-6);
        assert_eq!(requests.at, at(9));
        assert!(requests.provisional);
        assert!((figures.client_error_share.value().unwrap() - 0.25).abs() < 1e-6);
        assert!((figures.latency_p99_ms.value().unwrap() - 80.0).abs() < 1e-6);
        let reason = figures.server_error_share.reason().unwrap();
        assert!(reason.starts_with("not published for"), "{reason}");
    }

    #[test]
    fn what_is_older_than_five_minutes_is_unknown_with_its_age() {
        let history = history(&[(Metric::Requests, 0..=4, 600.0)]);
        let read = figures(&history, 9, alone()).requests_per_second;
        assert!(read.value().is_some());
        assert!(read.reading().is_some_and(|r| !r.provisional));
        let stale = figures(&history, 10, alone()).requests_per_second;
        assert_eq!(stale.value(), None);
        assert!(stale.reason().unwrap().contains("6 min ago"), "{stale:?}");
        let waf = super::tests::history(&[(Metric::Requests, 0..=4, 600.0), (Metric::WafBlocked, 0..=4, 0.0)]);
        let blocked = figures(&waf, 10, alone()).waf_blocked_per_second;
        assert_eq!(blocked.value(), None, "what proves a zero is too old as well");
    }

    #[test]
    fn nothing_at_all_is_not_zero() {
        let read = figures(&history(&[]), 10, alone());
        let reason = read.requests_per_second.reason().unwrap().to_owned();
        assert!(reason.starts_with("no data for"), "{reason}");
        assert_eq!(read.client_error_share.value(), None);
    }

    #[test]
    fn a_settled_zero_of_waf_is_known_with_its_own_age() {
        let history = history(&[(Metric::Requests, 0..=8, 600.0), (Metric::WafBlocked, 0..=6, 0.0)]);
        let blocked = figures(&history, 10, alone()).waf_blocked_per_second;
        let reading = blocked.reading().unwrap();
        assert!(reading.value.abs() < 1e-9);
        assert_eq!(reading.at, at(7));
        assert!(matches!(&reading.scope, Scope::WebAcl { name, stages: 1 } if name == "front"));
    }

    #[test]
    fn blocks_explain_4xx_only_where_the_web_acl_guards_the_stage_alone() {
        let history = history(&[
            (Metric::Requests, 0..=8, 600.0),
            (Metric::ClientErrors, 0..=8, 150.0),
            (Metric::WafBlocked, 0..=8, 120.0),
            (Metric::WafAllowed, 0..=8, 480.0),
        ]);
        let known = figures(&history, 10, alone()).client_error_share_from_blocks;
        assert!((known.value().unwrap() - 0.2).abs() < 1e-6);
        let shared = AclScope::Shared { name: "front".into(), stages: Some(2) };
        let unknown = figures(&history, 10, shared).client_error_share_from_blocks;
        assert_eq!(unknown.value(), None);
    }
}
