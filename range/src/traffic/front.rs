//! A stage at work: what its deployed snapshot, its settings and its web ACL make of requests.
//!
//! Traffic sees the stage late (propagation) and only what was deployed: methods and resource policy come out of the
//! snapshot, never out of the draft. Canaries are not simulated: all traffic goes to the stage's own deployment.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::backend::{Backend, Latency, Second};
use super::cache::CacheState;
use super::record::{Answered, Family, Series, Tally};
use super::stage_log::StageLog;
use super::throttle::Bucket;
use crate::policy::{Authorization, Policy};
use crate::scenario::{Cacheable, LatencySpec};
use crate::state::{Account, Authorizer, CacheStatus, Method, Stage};

/// What stands behind a method; the control plane does not know it.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) api: String,
    pub(crate) stage: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) latency: LatencySpec,
    pub(crate) backend: Option<usize>,
    pub(crate) cost: f64,
    pub(crate) cacheable: Option<Cacheable>,
}

/// What a method wants of its callers.
#[derive(Debug)]
pub(crate) struct Wants {
    pub(crate) authorization: Authorization,
    /// The header that its authorizer looks at.
    pub(crate) token_header: String,
    pub(crate) api_key: bool,
}

impl Wants {
    fn of(method: &Method, authorizer: Option<&Authorizer>) -> Self {
        Self {
            authorization: Authorization::named(&method.authorization_type),
            token_header: authorizer.and_then(Authorizer::header).unwrap_or("Authorization").to_owned(),
            api_key: method.api_key_required,
        }
    }
}

/// What answers a method's requests.
#[derive(Debug)]
pub(crate) struct Integration {
    pub(crate) latency: Latency,
    /// Index of the backend.
    pub(crate) backend: Option<usize>,
    pub(crate) cost: f64,
    /// API Gateway's patience with the backend, in milliseconds.
    pub(crate) timeout_ms: f64,
}

impl Integration {
    fn of(profile: Option<&Profile>, backends: &[Backend]) -> Self {
        Self {
            latency: Latency::new(profile.map(|profile| profile.latency).unwrap_or_default()),
            backend: profile.and_then(|profile| profile.backend),
            cost: profile.map_or(1.0, |profile| profile.cost),
            timeout_ms: profile
                .and_then(|profile| backends.get(profile.backend?))
                .map_or(29_000.0, Backend::timeout_ms),
        }
    }

    /// How long it takes to answer in such a second.
    pub(crate) fn answered(&self, second: &Second) -> Answered<'_> {
        let (slower, wait_ms) = (second.slower, second.wait_ms);
        Answered { latency: &self.latency, slower, wait_ms, timeout_ms: self.timeout_ms }
    }

    /// Share of the requests for which API Gateway does not wait.
    pub(crate) fn late(&self, second: &Second) -> f64 {
        let patience = (self.timeout_ms - second.wait_ms) / second.slower;
        // Far from the limit the tail is nothing; do not pay for it.
        if patience > 50.0 * self.latency.mean() { 0.0 } else { self.latency.over(patience) }
    }
}

/// One method of the deployed snapshot.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) wants: Wants,
    pub(crate) integration: Integration,
    /// How it caches and for how long, where the stage has it cached.
    pub(crate) caching: Option<(Cacheable, f64)>,
    pub(crate) cache: CacheState,
    /// The method's own bucket; `None` where only the account's limit holds.
    pub(crate) bucket: Option<Bucket>,
    /// Detailed metrics, where switched on.
    pub(crate) series: Option<Series>,
    /// What this second has brought so far.
    pub(crate) tally: Tally,
    /// This second's demand and what became of it.
    pub(crate) second: LaneSecond,
}

/// One lane in one second.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LaneSecond {
    pub(super) demand: u64,
    pub(super) pass: f64,
    pub(super) hits: f64,
    pub(super) answered: u64,
    pub(super) refused: u64,
    pub(super) late: u64,
    /// How the integration fared, for the access log.
    pub(super) slower: f64,
    pub(super) wait_ms: f64,
    /// Share that met a cold start, and the milliseconds it added.
    pub(super) cold: (f64, f64),
    /// Milliseconds of a request that the integration had no room for.
    pub(super) refusal_ms: f64,
}

impl Lane {
    fn new(method: &Method, path: &str, wants: Wants, integration: Integration) -> Self {
        Self {
            method: method.http_method.clone(),
            path: path.to_owned(),
            wants,
            integration,
            caching: None,
            cache: CacheState::default(),
            bucket: None,
            series: None,
            tally: Tally::default(),
            second: LaneSecond::default(),
        }
    }

    /// Takes over the stage's settings, and what is in the bucket and the cache of the lane that was here before.
    fn settle(&mut self, stage: &Stage, kept: Option<Self>, cacheable: Option<Cacheable>) {
        let (bucket, cache) = kept.map_or((None, CacheState::default()), |lane| (lane.bucket, lane.cache));
        let Some(setting) = stage.setting_for(&self.path, &self.method) else { return };
        let (rate, burst) = (setting.throttling_rate_limit, setting.throttling_burst_limit as f64);
        if rate >= 0.0 && burst >= 0.0 {
            let mut bucket = bucket.unwrap_or_else(|| Bucket::new(rate, burst));
            bucket.set(rate, burst);
            self.bucket = Some(bucket);
        }
        self.cache = cache;
        // Only GET is cached by default (documented).
        if setting.caching_enabled && self.method == "GET" {
            self.caching = cacheable.map(|how| (how, setting.cache_ttl_in_seconds as f64));
        }
    }
}

/// Whose front it is.
#[derive(Debug)]
pub(crate) struct FrontId {
    /// API id.
    pub(crate) api: String,
    /// Stage name.
    pub(crate) stage: String,
    /// A REST API's or an HTTP API's.
    pub(crate) family: Family,
    /// The API's name in metrics.
    pub(crate) name: String,
    /// `api/stage` by name.
    pub(crate) label: String,
}

impl FrontId {
    fn of(account: &Account, api: &str, stage: &str) -> Self {
        let http = account.gateway.http_apis.get(api);
        let (name, family) = match http {
            Some(http) => (http.name.as_str(), Family::Http),
            None => (account.gateway.apis.get(api).map_or(api, |api| api.name.as_str()), Family::Rest),
        };
        // Characters that are not ASCII are dropped; a name with none left becomes the id (documented).
        let ascii: String = name.chars().filter(char::is_ascii).collect();
        Self {
            api: api.to_owned(),
            stage: stage.to_owned(),
            family,
            label: format!("{name}/{stage}"),
            name: if ascii.is_empty() { api.to_owned() } else { ascii },
        }
    }
}

/// What the control plane says of a stage, as traffic sees it.
#[derive(Debug, Default)]
struct Seen {
    /// `None` where traffic knows of no such stage.
    stage: Option<Arc<Stage>>,
    /// Whether the `execute-api` endpoint is disabled and that is in force.
    endpoint_disabled: bool,
    cache_ready: bool,
    /// Whether the account has a role that may write access logs.
    has_role: bool,
}

impl Seen {
    fn of(account: &Account, id: &FrontId, now: DateTime<Utc>) -> Self {
        let stage = account.stage_live(&id.api, &id.stage, now).cloned();
        let api = account.gateway.apis.get(&id.api);
        Self {
            endpoint_disabled: api.is_some_and(|api| api.execute_api_endpoint_disabled),
            cache_ready: stage.as_ref().is_some_and(|stage| stage.cache.status(now) == CacheStatus::Available),
            has_role: account.gateway.cloudwatch_role_arn.is_some(),
            stage,
        }
    }

    /// Whether the other is the same in everything.
    fn same_as(&self, other: &Self) -> bool {
        let same = match (&self.stage, &other.stage) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        let switches = |seen: &Self| (seen.endpoint_disabled, seen.cache_ready, seen.has_role);
        same && switches(self) == switches(other)
    }

    /// When the stage's cache was flushed last.
    fn flushed_at(&self) -> Option<DateTime<Utc>> {
        self.stage.as_ref().and_then(|stage| stage.cache.flushed_at)
    }
}

/// A stage at work.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) id: FrontId,
    /// Changes whenever a request's fate could.
    pub(crate) version: u64,
    /// Index of the shield before it.
    pub(crate) shield: Option<usize>,
    /// Resource policy of the snapshot.
    pub(crate) policy: Option<Policy>,
    /// The methods.
    pub(crate) lanes: Vec<Lane>,
    /// Metrics of the API and of the stage.
    pub(crate) series: [Series; 2],
    /// What this second has brought that no lane takes.
    pub(crate) tally: Tally,
    /// Its access log.
    pub(crate) log: Option<StageLog>,
    seen: Seen,
}

impl Front {
    pub(crate) fn new(account: &mut Account, api: &str, stage: &str) -> Self {
        let id = FrontId::of(account, api, stage);
        // HTTP APIs go by their id (documented).
        let dimension = match id.family {
            Family::Rest => ("ApiName", id.name.as_str()),
            Family::Http => ("ApiId", api),
        };
        let metrics = &mut account.metrics;
        let series = [
            Series::new(metrics, id.family, &[dimension]),
            Series::new(metrics, id.family, &[dimension, ("Stage", stage)]),
        ];
        Self {
            id,
            version: 0,
            shield: None,
            policy: None,
            lanes: Vec::new(),
            series,
            tally: Tally::default(),
            log: None,
            seen: Seen::default(),
        }
    }

    /// ARN of the web ACL that traffic to the stage passes now.
    pub(crate) fn association(&self, account: &Account, now: DateTime<Utc>) -> Option<String> {
        account.waf.association_live(&account.stage_arn(&self.id.api, &self.id.stage), now).map(str::to_owned)
    }

    /// Whether the stage exists for traffic.
    pub(crate) fn is_up(&self) -> bool {
        self.seen.stage.is_some()
    }

    /// Whether the `execute-api` endpoint is disabled and that is in force.
    pub(crate) fn endpoint_disabled(&self) -> bool {
        self.seen.endpoint_disabled
    }

    /// Looks at what traffic sees now; says whether anything has changed.
    pub(crate) fn refresh(
        &mut self,
        account: &mut Account,
        profiles: &[Profile],
        backends: &[Backend],
        now: DateTime<Utc>,
    ) -> bool {
        let seen = Seen::of(account, &self.id, now);
        if seen.same_as(&self.seen) {
            return false;
        }
        let is_emptied = seen.flushed_at() != self.seen.flushed_at() || !seen.cache_ready;
        self.seen = seen;
        let stage = self.seen.stage.as_deref();
        self.policy = stage.and_then(|stage| stage.snapshot.policy.as_deref()).map(Policy::read);
        self.log = stage.and_then(|stage| StageLog::of(account, &self.id.api, self.id.family, stage));
        self.relay(account, profiles, backends);
        if is_emptied {
            self.lanes.iter_mut().for_each(|lane| lane.cache.flush(now.timestamp()));
        }
        true
    }

    /// Lays the lanes anew; buckets and caches of methods that stay keep what is in them.
    fn relay(&mut self, account: &mut Account, profiles: &[Profile], backends: &[Backend]) {
        let mut old = std::mem::take(&mut self.lanes);
        let Some(stage) = self.seen.stage.clone() else { return };
        for resource in stage.snapshot.resources.values() {
            for method in resource.methods.values() {
                let (verb, path) = (method.http_method.as_str(), resource.path.as_str());
                let kept = old.iter().position(|lane| lane.method == verb && lane.path == path);
                let kept = kept.map(|at| old.swap_remove(at));
                let profile = self.profile(profiles, verb, path);
                let authorizer = method.authorizer_id.as_ref().and_then(|id| stage.snapshot.authorizers.get(id));
                let (wants, integration) = (Wants::of(method, authorizer), Integration::of(profile, backends));
                let mut lane = Lane::new(method, path, wants, integration);
                let cacheable = profile.and_then(|profile| profile.cacheable).filter(|_| self.seen.cache_ready);
                lane.settle(&stage, kept, cacheable);
                if stage.setting_for(path, verb).is_some_and(|setting| setting.metrics_enabled) {
                    let id = &self.id;
                    let api = id.label.rsplit_once('/').map_or("", |(api, _)| api);
                    let name = if id.family == Family::Rest { ("ApiName", api) } else { ("ApiId", id.api.as_str()) };
                    let dimensions = [name, ("Method", verb), ("Resource", path), ("Stage", id.stage.as_str())];
                    lane.series = Some(Series::new(&mut account.metrics, id.family, &dimensions));
                }
                self.lanes.push(lane);
            }
        }
    }

    /// What stands behind a method here; a stage made later has what an older one has.
    fn profile<'p>(&self, profiles: &'p [Profile], method: &str, path: &str) -> Option<&'p Profile> {
        let same = |profile: &&Profile| profile.api == self.id.api && profile.method == method && profile.path == path;
        let own = profiles.iter().filter(same).find(|profile| profile.stage == self.id.stage);
        own.or_else(|| profiles.iter().find(same))
    }

    /// The lane of a method and resource path as API Gateway names them.
    pub(crate) fn lane(&self, method: &str, path: &str) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.method == method && lane.path == path)
    }

    /// The lane that a request's path (below the stage) is routed to: exact segments before `{name}` before `{name+}`,
    /// the method itself before `ANY` (documented: the most specific resource wins). An HTTP API's `$default` takes
    /// what nothing else does (documented).
    pub(crate) fn route(&self, method: &str, path: &str) -> Option<usize> {
        let fits = |lane: &Lane| specificity(&lane.path, path);
        let best = self.lanes.iter().filter_map(fits).max();
        let on = |wanted: &str| {
            self.lanes.iter().position(|lane| lane.method == wanted && best.is_some() && fits(lane) == best)
        };
        on(method).or_else(|| on("ANY")).or_else(|| self.lanes.iter().position(|lane| lane.method == "$default"))
    }
}

/// How specifically a resource fits a path: per segment 2 for the text itself, 1 for `{name}`, 0 for the rest of
/// `{name+}`.
fn specificity(resource: &str, path: &str) -> Option<Vec<u8>> {
    let split =
        |text: &str| -> Vec<String> { text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect() };
    let (resource, path) = (split(resource), split(path));
    let mut marks = Vec::new();
    for (at, part) in resource.iter().enumerate() {
        let here = path.get(at)?;
        if part.ends_with("+}") {
            marks.push(0);
            return Some(marks);
        }
        marks.push(if part.starts_with('{') {
            1
        } else if part == here {
            2
        } else {
            return None;
        });
    }
    (resource.len() == path.len()).then_some(marks)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_most_specific_resource_wins() {
        assert_eq!(specificity("/orders/{id}", "/orders/7"), Some(vec![2, 1]));
        assert_eq!(specificity("/orders/{id}", "/orders"), None);
        assert_eq!(specificity("/orders", "/orders/7"), None);
        assert!(specificity("/orders/new", "/orders/new") > specificity("/orders/{id}", "/orders/new"));
        assert!(specificity("/{id}", "/a") > specificity("/{proxy+}", "/a"));
        assert_eq!(specificity("/{proxy+}", "/a/b/c"), Some(vec![0]));
    }
}
