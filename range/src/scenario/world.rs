//! `[world]`: the account, its APIs and what stands behind them.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::plans::{ApiKeySpec, UsagePlanSpec};
use super::population::Population;
use super::values::{Span, ThrottleSpec};
use super::waf::{IpSetSpec, RuleGroupSpec, WebAclSpec};

/// The simulated account.
// Flat as the table in a file is: serde's `flatten` would lose where a value stands, and let unknown keys through.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldSpec {
    /// Twelve-digit account id.
    pub account: toml::Spanned<String>,
    /// Region.
    pub region: String,
    /// Account time at which the drill opens.
    #[serde(deserialize_with = "date_time")]
    pub start: DateTime<Utc>,
    /// How much traffic has already been when it opens.
    #[serde(default)]
    pub history: Span,
    /// The account's throttle; AWS's own default when absent.
    #[serde(default)]
    pub throttle: Option<ThrottleSpec>,
    /// What API Gateway's metrics count (all inferred, therefore switchable).
    #[serde(default)]
    pub counting: CountingSpec,
    /// Whether `GetExport` carries the resource policy (inferred from published exports, therefore switchable).
    #[serde(default = "yes")]
    pub export_carries_policy: bool,
    /// How long a line of an access log takes to be readable; 5 seconds when absent (AWS documents no figure).
    #[serde(default)]
    pub logs_delay: Option<Span>,
    /// How long after its end a minute's metrics are published; 60 seconds when absent (AWS documents no figure,
    /// therefore settable).
    #[serde(default)]
    pub metrics_delay: Option<Span>,
    /// From where the responder's own requests come; 127.0.0.1 when absent. On a socket it is the socket's address that
    /// counts.
    #[serde(default)]
    pub responder: Option<IpAddr>,
    /// REST and HTTP APIs.
    #[serde(default)]
    pub apis: Vec<ApiSpec>,
    /// IP sets.
    #[serde(default)]
    pub ip_sets: Vec<IpSetSpec>,
    /// Rule groups of this account.
    #[serde(default)]
    pub rule_groups: Vec<RuleGroupSpec>,
    /// Web ACLs.
    #[serde(default)]
    pub web_acls: Vec<WebAclSpec>,
    /// API keys.
    #[serde(default)]
    pub api_keys: Vec<ApiKeySpec>,
    /// Usage plans.
    #[serde(default)]
    pub usage_plans: Vec<UsagePlanSpec>,
    /// What integrations call.
    #[serde(default)]
    pub backends: Vec<BackendSpec>,
    /// Who calls.
    #[serde(default)]
    pub populations: Vec<Population>,
}

const fn yes() -> bool {
    true
}

/// Takes a TOML date-time with offset, or the same as a string.
fn date_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let value = toml::Value::deserialize(deserializer)?;
    let text = match &value {
        toml::Value::Datetime(when) => when.to_string(),
        toml::Value::String(text) => text.clone(),
        _ => return Err(D::Error::custom("expected a date and time such as 2026-03-03T03:00:00Z")),
    };
    DateTime::parse_from_rfc3339(&text)
        .map(|when| when.with_timezone(&Utc))
        .map_err(|_| D::Error::custom(format!("`{text}` is not a UTC date and time such as 2026-03-03T03:00:00Z")))
}

/// What API Gateway's metrics count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CountingSpec {
    /// Requests that WAF refuses are in `Count` and `4XXError` (inferred: they are gateway 403s, `WAF_FILTERED`).
    pub waf_blocked: bool,
    /// Requests that a throttle refuses are in `Count` and `4XXError` (documented for 4XXError by there being no
    /// throttle metric; inferred).
    pub throttled: bool,
}

impl Default for CountingSpec {
    fn default() -> Self {
        Self { waf_blocked: true, throttled: true }
    }
}

/// A REST or HTTP API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiSpec {
    /// Name.
    pub name: toml::Spanned<String>,
    /// Ten lower-case letters and digits; derived from the name when absent.
    #[serde(default)]
    pub id: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// `REST` or `HTTP`.
    #[serde(default = "rest")]
    pub protocol: toml::Spanned<String>,
    /// `REGIONAL`, `EDGE` or `PRIVATE`.
    #[serde(default = "regional")]
    pub endpoint: toml::Spanned<String>,
    /// Resource policy, a JSON document.
    #[serde(default)]
    pub policy: Option<toml::Spanned<String>>,
    /// Backend of methods that name none.
    #[serde(default)]
    pub backend: Option<toml::Spanned<String>>,
    /// Authorizers that methods name.
    #[serde(default)]
    pub authorizers: Vec<AuthorizerSpec>,
    /// Methods.
    pub methods: Vec<MethodSpec>,
    /// Stages.
    pub stages: Vec<StageSpec>,
}

fn regional() -> toml::Spanned<String> {
    toml::Spanned::new(0..0, "REGIONAL".to_owned())
}

fn rest() -> toml::Spanned<String> {
    toml::Spanned::new(0..0, "REST".to_owned())
}

/// An authorizer of an API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizerSpec {
    /// Name.
    pub name: toml::Spanned<String>,
    /// `TOKEN`, `REQUEST` or `COGNITO_USER_POOLS`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// One method of an API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodSpec {
    /// HTTP method.
    pub method: String,
    /// Resource path.
    pub path: toml::Spanned<String>,
    /// `NONE`, `AWS_IAM`, `CUSTOM` or `COGNITO_USER_POOLS`; for HTTP APIs `JWT` instead of the last.
    #[serde(default = "no_authorization")]
    pub authorization: String,
    /// The authorizer of `CUSTOM` and `COGNITO_USER_POOLS`; one is made where none is named.
    #[serde(default)]
    pub authorizer: Option<toml::Spanned<String>>,
    /// Needs an API key.
    #[serde(default)]
    pub api_key_required: bool,
    /// How long the integration takes when nothing is wrong.
    #[serde(default)]
    pub latency_ms: LatencySpec,
    /// Backend; the API's when absent.
    #[serde(default)]
    pub backend: Option<toml::Spanned<String>>,
    /// Work of one request in the backend's units.
    #[serde(default = "one")]
    pub cost: f64,
    /// How well it caches; absent: not at all.
    #[serde(default)]
    pub cacheable: Option<Cacheable>,
}

fn no_authorization() -> String {
    "NONE".to_owned()
}

const fn one() -> f64 {
    1.0
}

/// A latency distribution by two of its percentiles, in milliseconds; log-normal between them.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencySpec {
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
}

impl Default for LatencySpec {
    fn default() -> Self {
        Self { p50: 20.0, p99: 120.0 }
    }
}

/// How well a method caches.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cacheable {
    /// How many distinct cache keys its traffic spreads over.
    pub keys: f64,
    /// Time to live in seconds.
    #[serde(default = "default_ttl")]
    pub ttl: f64,
}

const fn default_ttl() -> f64 {
    300.0
}

/// A stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageSpec {
    /// Name.
    pub name: toml::Spanned<String>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Throttle of every method without its own (`*/*`).
    #[serde(default)]
    pub throttle: Option<ThrottleSpec>,
    /// Cache cluster.
    #[serde(default)]
    pub cache: Option<CacheSpec>,
    /// Web ACL in front of it.
    #[serde(default)]
    pub web_acl: Option<toml::Spanned<String>>,
    /// Backend of this stage's requests, whatever their methods say (a stage variable picks it).
    #[serde(default)]
    pub backend: Option<toml::Spanned<String>>,
    /// Stage variables.
    #[serde(default)]
    pub variables: std::collections::BTreeMap<String, String>,
    /// Access log.
    #[serde(default)]
    pub access_log: Option<AccessLogSpec>,
}

/// A stage's access log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessLogSpec {
    /// The log group.
    pub group: toml::Spanned<String>,
    /// `json`, `clf`, or a format with `$context` variables.
    #[serde(default = "json_lines")]
    pub format: toml::Spanned<String>,
}

fn json_lines() -> toml::Spanned<String> {
    toml::Spanned::new(0..0, "json".to_owned())
}

impl AccessLogSpec {
    /// Everything that tells who was refused by what, as JSON; numbers in quotation marks, because `-` stands where
    /// there is none.
    const JSON: &str = concat!(
        r#"{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","requestTime":"$context.requestTime","#,
        r#""httpMethod":"$context.httpMethod","resourcePath":"$context.resourcePath","path":"$context.path","#,
        r#""status":"$context.status","responseType":"$context.error.responseType","#,
        r#""userAgent":"$context.identity.userAgent","responseLatency":"$context.responseLatency","#,
        r#""integrationLatency":"$context.integration.latency","integrationStatus":"$context.integration.status","#,
        r#""wafStatus":"$context.waf.status","apiKeyId":"$context.identity.apiKeyId"}"#,
    );
    /// The Common Log Format as AWS's guide has it.
    const CLF: &str = concat!(
        r#"$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime] "#,
        r#""$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength "#,
        "$context.requestId",
    );

    /// The format, written out.
    #[must_use]
    pub fn written_out(&self) -> &str {
        match self.format.get_ref().as_str() {
            "json" => Self::JSON,
            "clf" => Self::CLF,
            own => own,
        }
    }
}

/// A cache cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheSpec {
    /// Size in GB as AWS names it: `0.5`, `1.6`, `6.1`, …
    #[serde(default = "default_cache_size")]
    pub size: String,
    /// Time to live in seconds that the stage sets for all methods.
    #[serde(default = "default_ttl_seconds")]
    pub ttl: u32,
}

fn default_cache_size() -> String {
    "0.5".to_owned()
}

const fn default_ttl_seconds() -> u32 {
    300
}

/// What integrations call: a service and the database behind it, as one queue.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendSpec {
    /// Name.
    pub name: toml::Spanned<String>,
    /// Units of work a second (an ordinary request is one unit).
    pub capacity: f64,
    /// How many seconds of work may wait before more is refused.
    #[serde(default = "default_queue")]
    pub queue_seconds: f64,
    /// How much of its capacity it loses when far over it (lock contention, connection churn), 0 to 1.
    #[serde(default)]
    pub collapse: f64,
    /// How long API Gateway waits for it, in milliseconds (its default and old maximum is 29 000).
    #[serde(default = "default_timeout")]
    pub timeout_ms: f64,
    /// Cold starts; absent: none.
    #[serde(default)]
    pub cold_start: Option<ColdStart>,
}

const fn default_queue() -> f64 {
    2.0
}

const fn default_timeout() -> f64 {
    29_000.0
}

/// Cold starts of a function behind an integration.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColdStart {
    /// Extra milliseconds of a request that meets one.
    pub ms: f64,
    /// Seconds after which an unused instance is gone.
    #[serde(default = "default_idle")]
    pub idle_seconds: f64,
}

const fn default_idle() -> f64 {
    600.0
}
