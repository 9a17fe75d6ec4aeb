//! `snapshot --stage`: one stage in depth.

use serde::Serialize;

use super::board::StageShape;
use super::figure::{Moment, Origins, Reasons};
use crate::model::attack::RestsOn;
use crate::model::stage::ApiKind;
use crate::model::stage_report::{
    AccessLogPosture, AclPosture, Cache, CanaryShare, Endpoint, PolicyPosture, RuleSource,
};
use crate::model::waf::RuleAction;

/// `snapshot --stage`: one stage in depth.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StageDocument {
    /// The account's number; null if it is not known.
    pub account: Option<String>,
    /// The region; null if it is not known.
    pub region: Option<String>,
    /// The endpoint that takes the place of AWS's, where there is one.
    pub endpoint: Option<String>,
    /// Account time at which reading began, UTC: the age of whatever is no figure.
    pub read_at: Moment,
    /// The stage.
    pub stage: StageDetail,
}

/// One stage in depth, beside its row of the board.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StageDetail {
    /// The stage as it is typed: `shop/prod`.
    pub stage: String,
    /// The API's id.
    pub api_id: String,
    /// Of which kind the API is.
    pub kind: ApiKind,
    /// Its row of the board.
    pub row: Option<StageShape>,
    /// When the attack on it began; null if none stands.
    pub attack_began: Option<Moment>,
    /// What that rests on.
    pub attack_rests_on: Option<RestsOn>,
    /// The web ACL rule by rule; null if there is none.
    pub waf: Option<WafShape>,
    /// Its methods, or an HTTP API's routes.
    pub methods: Option<Vec<MethodShape>>,
    /// The limits around it and how much of them is used.
    pub limits: StageLimitsShape,
    /// What guards it.
    pub posture: PostureShape,
    /// Its API's deployments that still exist, newest first.
    pub deployments: Option<Vec<DeploymentShape>>,
    /// What an API of its kind cannot have, a sentence each.
    pub lacks: Vec<String>,
    /// How many metrics were read for it: each is billed.
    pub metrics_read: usize,
    /// What reading it cost, dollars.
    pub dollars_estimate: f64,
    /// Why a whole part is null.
    pub unknown: Reasons,
}

/// The web ACL rule by rule.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WafShape {
    /// Its name.
    pub web_acl: String,
    /// Its ARN.
    pub arn: String,
    /// What becomes of a request that no rule ends.
    pub default_action: RuleAction,
    /// ARNs of the stages behind it: the scope of every figure here.
    pub stages_behind: Option<Vec<String>>,
    /// Why resources of other kinds may be behind it too and are not listed.
    pub others_behind: Option<String>,
    /// All requests together.
    pub total: CountersShape,
    /// What the default action did.
    pub default: CountersShape,
    /// Its rules in the order in which WAF runs them.
    pub rules: Vec<RuleShape>,
    /// What `before` means in here.
    pub before: String,
    /// Rules that turn requests away; the largest rise comes first.
    pub in_the_way: Vec<InTheWayShape>,
    /// Rules that match and only count.
    pub only_count: Vec<OnlyCountsShape>,
    /// What became of requests by the labels that rules put on them.
    pub labels: Option<Vec<LabelShape>>,
    /// What the samples of the last minutes tell.
    pub samples: Option<SamplesShape>,
}

/// Requests a second, by what became of them.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CountersShape {
    /// Let through for good.
    pub allowed_per_second: Option<f64>,
    /// Refused.
    pub blocked_per_second: Option<f64>,
    /// Matched, and went on.
    pub counted_per_second: Option<f64>,
    /// Asked to solve a CAPTCHA.
    pub captcha_per_second: Option<f64>,
    /// Asked to answer a silent challenge.
    pub challenge_per_second: Option<f64>,
    /// Why fields of this object are null.
    pub unknown: Reasons,
    /// Where the figures come from.
    pub origin: Origins,
}

/// What a rule may do.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Its own action.
    Action,
    /// A group whose rules act, but for those overridden.
    Group,
    /// A group of which nothing acts.
    GroupCounts,
}

/// A rule of the web ACL.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleShape {
    /// Its place in the order of evaluation, from 1.
    pub place: usize,
    /// Its name.
    pub rule: String,
    /// What metrics and samples call it.
    pub metric_name: String,
    /// Its priority in its own list.
    pub priority: i64,
    /// Whose rule it is.
    pub source: RuleSource,
    /// What it matches, in a few words.
    pub matches: String,
    /// What it may do.
    pub mode: Mode,
    /// Its own action; null for a group.
    pub action: Option<RuleAction>,
    /// Rules of the group that are overridden; null if it is no group that acts.
    pub overrides: Option<Vec<OverrideShape>>,
    /// Rules inside the group, those that most samples name first.
    pub inside: Option<Vec<InnerRuleShape>>,
    /// How many addresses are over its limit now; null if it limits no rate, or if that is not known.
    pub rate_keys: Option<usize>,
    /// What it did.
    #[serde(flatten)]
    pub figures: CountersShape,
}

/// A rule of a group that is overridden.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OverrideShape {
    /// The rule.
    pub rule: String,
    /// What it does instead.
    pub action: RuleAction,
}

/// A rule inside a group.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InnerRuleShape {
    /// Its name, as samples write it.
    pub rule: String,
    /// What it does; null if that could not be read.
    pub action: Option<RuleAction>,
    /// What the samples say became of a match.
    pub actions: Vec<RuleAction>,
    /// How many samples name it.
    pub samples: u64,
    /// Its share of the group's sampled requests by weight, a fraction: an estimate.
    pub share: f64,
}

/// A rule that turns requests away.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InTheWayShape {
    /// The rule's metric name.
    pub rule: String,
    /// Whether it is the default action.
    pub default_action: bool,
    /// Requests a second that it turns away.
    pub stopped_per_second: Option<f64>,
    /// The same before.
    pub before_per_second: Option<f64>,
    /// Its share of all that the web ACL turns away, a fraction.
    pub share_of_stopped: Option<f64>,
    /// Why fields are null.
    pub unknown: Reasons,
    /// Where the figures come from.
    pub origin: Origins,
}

/// A rule that matches and only counts.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OnlyCountsShape {
    /// The rule's metric name.
    pub rule: String,
    /// Why it only counts.
    pub why: String,
    /// One line with numbers and what is not known.
    pub says: String,
    /// Requests that it counted, a second.
    pub counted_per_second: Option<f64>,
    /// The same before.
    pub before_per_second: Option<f64>,
    /// The least part of what was let through that it matched, a fraction.
    pub let_through_share_at_least: Option<f64>,
    /// The most part of that, a fraction.
    pub let_through_share_at_most: Option<f64>,
    /// Why fields are null.
    pub unknown: Reasons,
    /// Where the figures come from.
    pub origin: Origins,
}

/// What became of the requests with one label.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LabelShape {
    /// The label, neutralised.
    pub label: String,
    /// Requests a second that were let through in the end.
    pub allowed_per_second: Option<f64>,
    /// Requests a second that were blocked in the end.
    pub blocked_per_second: Option<f64>,
    /// Those let through before.
    pub allowed_before_per_second: Option<f64>,
    /// Why fields are null.
    pub unknown: Reasons,
    /// Where the figures come from.
    pub origin: Origins,
}

/// What the samples of the last minutes tell.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SamplesShape {
    /// Start of the window asked for.
    pub from: Moment,
    /// Its end.
    pub to: Moment,
    /// How many sampled requests were read.
    pub samples: u64,
    /// Labels on them, most samples first.
    pub labels: Vec<SampledLabel>,
    /// Rules that could not be sampled, with the reason.
    pub missing: Vec<String>,
}

/// A label on sampled requests.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SampledLabel {
    /// The label, neutralised.
    pub label: String,
    /// How many of the samples have it.
    pub samples: u64,
    /// What became of them.
    pub actions: Vec<RuleAction>,
}

/// A method, or an HTTP API's route.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MethodShape {
    /// `POST /login`.
    pub method: String,
    /// `NONE`, `AWS_IAM`, `CUSTOM`, `COGNITO_USER_POOLS`, `JWT`.
    pub authorization: String,
    /// Whether it takes only callers with an API key.
    pub api_key_required: bool,
    /// Whether answers are cached.
    pub caching: Option<bool>,
    /// The limit that all its callers share.
    pub limit: Option<LimitInForceShape>,
    /// What usage plans let each single client have.
    pub limits_per_client: Option<Vec<ClientLimitShape>>,
    /// Requests a second.
    pub requests_per_second: Option<f64>,
    /// Its share of the requests that were passed on to the API, a fraction, out of samples: an estimate.
    pub sampled_share: Option<f64>,
    /// 4XX answers as a fraction of its requests.
    pub client_error_share: Option<f64>,
    /// 5XX answers as a fraction of its requests.
    pub server_error_share: Option<f64>,
    /// Median latency, ms.
    pub latency_p50_ms: Option<f64>,
    /// 99th percentile of latency, ms.
    pub latency_p99_ms: Option<f64>,
    /// Its requests as a fraction of its limit.
    pub limit_used_share: Option<f64>,
    /// Why fields are null.
    pub unknown: Reasons,
    /// Where the figures come from.
    pub origin: Origins,
}

/// A limit in force, and where it is set.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitInForceShape {
    /// Requests a second; null if nothing limits it.
    pub per_second: Option<f64>,
    /// Requests that may come at once.
    pub burst: Option<f64>,
    /// Where it is set: `POST /login`, `*/*`, `the account`.
    pub from: String,
}

/// What a usage plan lets each single client have.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientLimitShape {
    /// The plan's name.
    pub plan: String,
    /// Requests a second.
    pub per_second: f64,
    /// Requests that may come at once.
    pub burst: f64,
    /// Whether the plan has it for this very method.
    pub of_method: bool,
}

/// A rate and a burst.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RateShape {
    /// Requests a second.
    pub per_second: f64,
    /// Requests that may come at once.
    pub burst: f64,
}

/// The limits around a stage.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StageLimitsShape {
    /// What all APIs of the account share in the region.
    pub account: Option<RateShape>,
    /// The limit of methods without one of their own.
    pub stage: Option<LimitInForceShape>,
    /// The usage plans that it is part of.
    pub usage_plans: Option<Vec<UsagePlanShape>>,
    /// Requests a second on the whole stage.
    pub requests_per_second: Option<f64>,
    /// They as a fraction of the account's limit.
    pub account_used_share: Option<f64>,
    /// They as a fraction of the stage's limit: the most it can be.
    pub stage_used_share: Option<f64>,
    /// Why fields are null.
    pub unknown: Reasons,
    /// Where the figures come from.
    pub origin: Origins,
}

/// A usage plan.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsagePlanShape {
    /// Its id.
    pub id: String,
    /// Its name.
    pub plan: String,
    /// What each of its clients may do; null if it does not say.
    pub per_client: Option<RateShape>,
    /// What each of its clients may do on single methods.
    pub methods_per_client: Vec<MethodRateShape>,
}

/// What each client of a usage plan may do on one method.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MethodRateShape {
    /// `POST /login`.
    pub method: String,
    /// Requests a second.
    pub per_second: f64,
    /// Requests that may come at once.
    pub burst: f64,
}

/// What guards a stage. Null is none, unless `unknown` of the stage names it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PostureShape {
    /// The web ACL.
    pub web_acl: Option<AclPosture>,
    /// The resource policy of the draft.
    pub draft_policy: Option<PolicyPosture>,
    /// The resource policy that is deployed.
    pub deployed_policy: Option<PolicyPosture>,
    /// The cache.
    pub cache: Option<Cache>,
    /// The canary.
    pub canary: Option<CanaryShare>,
    /// The access log.
    pub access_log: Option<AccessLogPosture>,
    /// Whether X-Ray tracing is on.
    pub tracing: Option<bool>,
    /// Whether methods without settings of their own have detailed metrics.
    pub detailed_metrics: Option<bool>,
    /// How callers reach it.
    pub endpoint: Option<Endpoint>,
    /// What to know or to see to, a line each.
    pub hints: Vec<String>,
}

/// A deployment of the stage's API.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeploymentShape {
    /// Its id.
    pub id: String,
    /// When it was made; null if AWS does not say.
    pub created_at: Option<Moment>,
    /// Its description, neutralised; empty if there is none.
    pub description: String,
    /// The stages that point at it.
    pub stages: Option<Vec<String>>,
    /// Whether the canary of this stage points at it.
    pub canary: bool,
}
