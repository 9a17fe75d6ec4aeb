//! Stages of REST APIs: what a stage points at and how it treats its methods.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Snapshot;

/// The settings of one entry of `methodSettings`. A limit of -1 means that the account's default holds (inferred).
#[derive(Debug, Clone, PartialEq)]
// AWS's own structure.
#[allow(clippy::struct_excessive_bools)]
pub struct MethodSetting {
    /// Detailed metrics.
    pub metrics_enabled: bool,
    /// `OFF`, `ERROR` or `INFO`.
    pub logging_level: String,
    /// Full request and response data in the log.
    pub data_trace_enabled: bool,
    /// Burst.
    pub throttling_burst_limit: i64,
    /// Requests per second.
    pub throttling_rate_limit: f64,
    /// Whether answers are cached.
    pub caching_enabled: bool,
    /// Seconds.
    pub cache_ttl_in_seconds: i64,
    /// Whether the cache is encrypted.
    pub cache_data_encrypted: bool,
    /// Whether a client needs authorization to invalidate.
    pub require_authorization_for_cache_control: bool,
    /// What happens to a client without it.
    pub unauthorized_cache_control_header_strategy: String,
}

impl MethodSetting {
    /// What AWS fills an entry with when one of its fields is written first: the account's limits and no logging
    /// (recorded against AWS by a third party's tests).
    #[must_use]
    pub fn fresh() -> Self {
        Self {
            metrics_enabled: false,
            logging_level: "OFF".to_owned(),
            data_trace_enabled: false,
            throttling_burst_limit: 5_000,
            throttling_rate_limit: 10_000.0,
            caching_enabled: false,
            cache_ttl_in_seconds: 300,
            cache_data_encrypted: false,
            require_authorization_for_cache_control: true,
            unauthorized_cache_control_header_strategy: "SUCCEED_WITH_RESPONSE_HEADER".to_owned(),
        }
    }
}

/// What state a stage's cache is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheStatus {
    /// Being created: about four minutes (documented).
    CreateInProgress,
    /// Serving.
    Available,
    /// Being deleted.
    DeleteInProgress,
    /// There is none.
    NotAvailable,
    /// Being flushed.
    FlushInProgress,
}

impl CacheStatus {
    /// AWS's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateInProgress => "CREATE_IN_PROGRESS",
            Self::Available => "AVAILABLE",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
            Self::NotAvailable => "NOT_AVAILABLE",
            Self::FlushInProgress => "FLUSH_IN_PROGRESS",
        }
    }
}

/// A stage's cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheCluster {
    /// Whether one is wanted.
    pub enabled: bool,
    /// Gigabytes, as text: `0.5`, `1.6`, …
    pub size: Option<String>,
    /// Creation, flush or deletion is in progress until then.
    pub busy_until: Option<DateTime<Utc>>,
    /// The last flush; everything cached before it is gone.
    pub flushed_at: Option<DateTime<Utc>>,
    /// The last flush of the authorizers' cache.
    pub authorizers_flushed_at: Option<DateTime<Utc>>,
}

impl CacheCluster {
    /// The status at `now`.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> CacheStatus {
        let busy = self.busy_until.is_some_and(|until| now < until);
        match (self.enabled, busy) {
            (true, true) if self.flushed_at.is_some() => CacheStatus::FlushInProgress,
            (true, true) => CacheStatus::CreateInProgress,
            (true, false) => CacheStatus::Available,
            (false, true) => CacheStatus::DeleteInProgress,
            (false, false) => CacheStatus::NotAvailable,
        }
    }
}

/// A stage's canary.
#[derive(Debug, Clone, PartialEq)]
pub struct Canary {
    /// Percent of traffic that goes to the canary.
    pub percent_traffic: f64,
    /// The canary's deployment.
    pub deployment_id: String,
    /// What the canary's deployment froze.
    pub snapshot: Arc<Snapshot>,
    /// Variables for the canary.
    pub stage_variable_overrides: BTreeMap<String, String>,
    /// Whether the canary uses the stage's cache.
    pub use_stage_cache: bool,
}

/// A stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// The name.
    pub name: String,
    /// The deployment it points at.
    pub deployment_id: String,
    /// What that deployment froze.
    pub snapshot: Arc<Snapshot>,
    /// The description.
    pub description: Option<String>,
    /// Entries by key, exactly as written: `*/*`, `orders/GET` or `~1orders~1{id}/GET`.
    pub method_settings: BTreeMap<String, MethodSetting>,
    /// The cache.
    pub cache: CacheCluster,
    /// The canary.
    pub canary: Option<Canary>,
    /// `destinationArn` and `format` of the access log.
    pub access_log: BTreeMap<String, String>,
    /// Stage variables.
    pub variables: BTreeMap<String, String>,
    /// X-Ray.
    pub tracing_enabled: bool,
    /// The client certificate.
    pub client_certificate_id: Option<String>,
    /// The documentation version.
    pub documentation_version: Option<String>,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// When it was last changed.
    pub last_updated: DateTime<Utc>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl Stage {
    /// A stage that points at a deployment and its snapshot, made `now`, with nothing set.
    #[must_use]
    pub fn new(name: &str, deployment: &str, snapshot: Arc<Snapshot>, now: DateTime<Utc>) -> Self {
        Self {
            name: name.to_owned(),
            deployment_id: deployment.to_owned(),
            snapshot,
            description: None,
            method_settings: BTreeMap::new(),
            cache: CacheCluster::default(),
            canary: None,
            access_log: BTreeMap::new(),
            variables: BTreeMap::new(),
            tracing_enabled: false,
            client_certificate_id: None,
            documentation_version: None,
            created: now,
            last_updated: now,
            tags: BTreeMap::new(),
        }
    }

    /// The entry of `methodSettings` that holds for a resource path and method: the method's own, or `*/*`.
    /// Keys are understood in both forms that AWS uses (`orders/GET`, `~1orders~1{id}/GET`).
    #[must_use]
    pub fn setting_for(&self, path: &str, method: &str) -> Option<&MethodSetting> {
        self.own_setting_for(path, method).or_else(|| self.method_settings.get("*/*"))
    }

    /// The method's own entry, if it has one.
    #[must_use]
    pub fn own_setting_for(&self, path: &str, method: &str) -> Option<&MethodSetting> {
        self.method_settings.iter().find(|(key, _)| names(key, path, method)).map(|(_, setting)| setting)
    }
}

/// Whether a key of `methodSettings` names this resource path and method.
fn names(key: &str, path: &str, method: &str) -> bool {
    let Some((resource, verb)) = key.rsplit_once('/') else { return false };
    let resource = resource.replace("~1", "/").replace("~0", "~");
    verb == method && resource.trim_start_matches('/') == path.trim_start_matches('/')
}
