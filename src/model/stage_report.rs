//! One stage in depth: what a responder reads once a stage is opened.
//!
//! Plain data, made by `watch`. Every part is known or says why it is not; every figure has its age, origin and scope.
//! What is no figure was read from the services at [`StageReport::read_at`]. Knows no calls and no screens.

mod waf;

use chrono::{DateTime, Utc};
use serde::Serialize;

pub use waf::{
    Behind, Counters, InTheWay, InnerRule, LabelCount, LabelRow, OnlyCounts, RuleMode, RuleRow, RuleSource, Samples,
    WafCounter, WafReport,
};

use super::attack::Attack;
use super::board::Known;
use super::figure::Figure;
use super::identity::Identity;
use super::limits::{Limit, LimitInForce, UsagePlan};
use super::stage::{ApiKind, StageId};
use super::waf::RuleAction;

/// One stage in depth.
#[derive(Debug, Clone, PartialEq)]
pub struct StageReport {
    /// Which stage.
    pub stage: StageId,
    /// Whether its API is a REST or an HTTP API.
    pub kind: ApiKind,
    /// Whose account and region.
    pub identity: Known<Identity>,
    /// Account time at which reading began, UTC: the age of whatever is no figure.
    pub read_at: DateTime<Utc>,
    /// The attack that stands, as the incident has it, or as the stage's metrics tell where none is pinned; `None`
    /// where none stands.
    pub attack: Known<Option<Attack>>,
    /// The web ACL rule by rule; `None` where there is none before the stage.
    pub waf: Known<Option<WafReport>>,
    /// Its methods, or an HTTP API's routes, in order.
    pub methods: Known<Vec<MethodRow>>,
    /// The limits around it and how much of them is used.
    pub limits: StageLimits,
    /// What guards it.
    pub posture: Posture,
    /// Its API's deployments that still exist, newest first.
    pub deployments: Known<Vec<DeploymentRow>>,
    /// What an API of its kind cannot have, a sentence each: `HTTP APIs take no web ACL: …`.
    pub lacks: Vec<String>,
    /// How many metrics were read for it: each is billed.
    pub metrics_read: usize,
    /// What reading it cost in `GetMetricData`, dollars, at the configured price (an estimate).
    pub dollars: f64,
}

/// One method of a stage, or one route.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodRow {
    /// `POST /login`; of HTTP APIs also `$default`.
    pub name: String,
    /// `NONE`, `AWS_IAM`, `CUSTOM`, `COGNITO_USER_POOLS`, `JWT`.
    pub authorization: String,
    /// Whether it takes only callers with an API key.
    pub api_key_required: bool,
    /// Whether answers are cached: its settings say so and the stage has a cache cluster.
    pub caching: Known<bool>,
    /// Requests a second.
    pub requests_per_second: Figure,
    /// Its share of the requests that WAF's default action let through, a fraction, out of samples (an estimate): which
    /// method is called shows here where no metrics of single methods are on. Of a web ACL with several stages behind
    /// it, all of them are in it.
    pub sampled_share: Figure,
    /// 4XX answers as a fraction of its requests.
    pub client_error_share: Figure,
    /// 5XX answers as a fraction of its requests.
    pub server_error_share: Figure,
    /// Median latency, ms.
    pub latency_p50_ms: Figure,
    /// 99th percentile of latency, ms.
    pub latency_p99_ms: Figure,
    /// The limit that all its callers share.
    pub limit: Known<LimitInForce>,
    /// What usage plans let each single client have, the tightest first.
    pub per_client: Known<Vec<ClientLimit>>,
    /// Requests a second as a fraction of [`Self::limit`]. Of a limit that is not the method's own, the share that this
    /// method alone uses.
    pub used_share: Figure,
}

/// What a usage plan lets one of its clients have: it comes before the limits that all share (documented).
#[derive(Debug, Clone, PartialEq)]
pub struct ClientLimit {
    /// The plan's name.
    pub plan: String,
    /// The limit of each of its clients.
    pub limit: Limit,
    /// Whether the plan has it for this very method.
    pub of_method: bool,
}

/// The limits around a stage, and how much of them its requests use. AWS calls them targets and not ceilings
/// (documented).
#[derive(Debug, Clone, PartialEq)]
pub struct StageLimits {
    /// Requests a second on the whole stage.
    pub requests_per_second: Figure,
    /// The account's limit in this region, which all its APIs share; `None` where AWS does not say.
    pub account: Known<Option<Limit>>,
    /// This stage's requests as a fraction of the account's rate. Other APIs use the same limit and are not in it.
    pub account_share: Figure,
    /// The limit of methods without one of their own, `*/*`.
    pub stage: Known<LimitInForce>,
    /// All of the stage's requests as a fraction of [`Self::stage`]: as if all were to one method, and so the most it
    /// can be.
    pub stage_share: Figure,
    /// The usage plans that it is part of.
    pub plans: Known<Vec<UsagePlan>>,
}

/// What guards a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Posture {
    /// The web ACL; `None` where there is none.
    pub web_acl: Known<Option<AclPosture>>,
    /// The resource policy of the draft: what the next deployment would ship.
    pub draft_policy: Known<Option<PolicyPosture>>,
    /// The resource policy that is deployed, as the stage's export tells (inferred: that exports carry it is not
    /// documented).
    pub deployed_policy: Known<Option<PolicyPosture>>,
    /// The cache; `None` where there is none.
    pub cache: Known<Option<Cache>>,
    /// The canary; `None` where there is none.
    pub canary: Known<Option<CanaryShare>>,
    /// The access log; `None` where there is none.
    pub access_log: Known<Option<AccessLogPosture>>,
    /// Whether X-Ray tracing is on.
    pub tracing: Known<bool>,
    /// Detailed metrics of methods without settings of their own.
    pub detailed_metrics: Known<bool>,
    /// How callers reach it.
    pub endpoint: Known<Endpoint>,
    /// What to know or to see to, a line each.
    pub hints: Vec<String>,
}

/// A web ACL in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AclPosture {
    /// Its name.
    pub name: String,
    /// What becomes of a request that no rule ends.
    pub default_action: RuleAction,
    /// Rules that may block, challenge or ask for a CAPTCHA.
    pub enforcing: usize,
    /// Rules that only count.
    pub counting: usize,
    /// Rules that let requests pass.
    pub allowing: usize,
    /// Whether Firewall Manager owns it.
    pub managed_by_firewall_manager: bool,
}

/// A resource policy in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PolicyPosture {
    /// How many statements allow.
    pub allows: usize,
    /// How many statements deny.
    pub denies: usize,
    /// Whether the statement of `kill-switch` is in it.
    pub closed_by_us: bool,
    /// How many characters it has, of 8,192 (documented).
    pub characters: usize,
}

/// A cache cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cache {
    /// `AVAILABLE`, `FLUSH_IN_PROGRESS`, … as API Gateway says it.
    pub status: Option<String>,
    /// Its size in GB as API Gateway writes it, `0.5`.
    pub size_gb: Option<String>,
}

/// A canary on a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CanaryShare {
    /// How much of the traffic it gets, 0 to 100.
    pub percent: Option<f64>,
    /// The deployment that it points at.
    pub deployment_id: Option<String>,
}

/// An access log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccessLogPosture {
    /// The destination's ARN.
    pub destination: String,
    /// What a line does not say, a line each: the field and what is not known without it.
    pub lacks: Vec<String>,
}

/// How callers reach a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Endpoint {
    /// `EDGE`, `REGIONAL`, `PRIVATE`; `HTTP` of HTTP APIs.
    pub types: Vec<String>,
    /// Whether the `execute-api` endpoint is set to be disabled; in force from the next update of any stage on
    /// (documented).
    pub execute_api_disabled: bool,
    /// Whether callers may come over IPv6 as well; `None` where the answer does not say.
    pub dual_stack: Option<bool>,
}

/// A deployment and which stages point at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentRow {
    /// Its id.
    pub id: String,
    /// When it was made, UTC, where AWS says it.
    pub created: Option<DateTime<Utc>>,
    /// Its description; empty where there is none. Whoever deploys writes it: neutralise before showing.
    pub description: String,
    /// The stages that point at it, by name; not known where they could not be listed.
    pub stages: Known<Vec<String>>,
    /// Whether the canary of this stage points at it.
    pub canary: bool,
}

impl StageReport {
    /// Every part that is not known, by its name, with the reason. Figures have their own.
    #[must_use]
    pub fn unknown(&self) -> Vec<(&'static str, &str)> {
        let posture = &self.posture;
        let waf = if let Known::Yes(waf) = &self.waf { waf.as_ref() } else { None };
        let stages = if let Known::Yes(deployments) = &self.deployments { deployments.first() } else { None };
        let parts = [
            ("account", why(&self.identity)),
            ("attack_began", why(&self.attack)),
            ("waf", why(&self.waf)),
            ("waf_behind", waf.and_then(|waf| why(&waf.behind))),
            ("waf_rate_keys", waf.and_then(|waf| waf.rules.iter().find_map(|rule| why(rule.rate_keys.as_ref()?)))),
            ("waf_labels", waf.and_then(|waf| why(&waf.labels))),
            ("waf_samples", waf.and_then(|waf| why(&waf.samples))),
            ("methods", why(&self.methods)),
            ("account_limit", why(&self.limits.account)),
            ("stage_limit", why(&self.limits.stage)),
            ("usage_plans", why(&self.limits.plans)),
            ("web_acl", why(&posture.web_acl)),
            ("draft_policy", why(&posture.draft_policy)),
            ("deployed_policy", why(&posture.deployed_policy)),
            ("cache", why(&posture.cache)),
            ("canary", why(&posture.canary)),
            ("access_log", why(&posture.access_log)),
            ("tracing", why(&posture.tracing)),
            ("detailed_metrics", why(&posture.detailed_metrics)),
            ("endpoint", why(&posture.endpoint)),
            ("deployments", why(&self.deployments)),
            ("deployments_stages", stages.and_then(|one| why(&one.stages))),
        ];
        parts.into_iter().filter_map(|(name, why)| Some((name, why?))).collect()
    }
}

/// Why something is not known; `None` where it is.
#[must_use]
pub fn why<T>(known: &Known<T>) -> Option<&str> {
    match known {
        Known::Yes(_) => None,
        Known::NotYet => Some("not read yet"),
        Known::No(reason) => Some(reason),
    }
}
