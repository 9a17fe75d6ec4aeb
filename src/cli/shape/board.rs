//! `snapshot`: the board, or several in one object.

use serde::Serialize;

use super::figure::{Moment, Origins, Reasons};
use crate::model::board::PaceOf;
use crate::model::condition::{Followers, ServedBy, StageState, Sureness};
use crate::model::limits::LimitOf;
use crate::model::signal::{NotJudged, Signal, SignalState};
use crate::model::stage::ApiKind;
use crate::model::usual::UsualFrom;

/// `snapshot`: the board of one connection, of several, or that one could not be read.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Snapshot {
    /// The board of one connection.
    One(Box<BoardShape>),
    /// The boards of several.
    Several(Boards),
    /// Of several that are watched, one that could not be read.
    Unread(UnreadBoard),
}

/// The board of one connection.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BoardShape {
    /// Whose it is, and how far it is complete.
    #[serde(flatten)]
    pub head: BoardHead,
    /// Its stages.
    pub stages: Vec<StageOfAccount>,
    /// What goes for all of them.
    #[serde(flatten)]
    pub rest: BoardRest,
}

/// Several connections in one object.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Boards {
    /// Whether everything that was asked for could be read.
    pub complete: bool,
    /// The stages of all of them.
    pub stages: Vec<StageOfAccount>,
    /// The rest, by connection.
    pub connections: Vec<ConnectionShape>,
}

/// One of several connections, without its stages.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ConnectionShape {
    /// One that was read.
    Read(Box<ConnectionRead>),
    /// One that could not be read.
    Unread(ConnectionUnread),
}

/// A connection that was read; its stages are in the list of all.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectionRead {
    /// Whose it is, and how far it is complete.
    #[serde(flatten)]
    pub head: BoardHead,
    /// What goes for all of its stages.
    #[serde(flatten)]
    pub rest: BoardRest,
}

/// A connection that could not be read.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectionUnread {
    /// The profile that was asked for; null is the default.
    pub profile: Option<String>,
    /// The region that was asked for; null is the default.
    pub region: Option<String>,
    /// Why it could not be read.
    pub error: String,
    /// False: nothing of it is here.
    pub complete: bool,
}

/// A connection that could not be read, in an object of its own.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnreadBoard {
    /// Which, and why.
    #[serde(flatten)]
    pub connection: ConnectionUnread,
    /// Always empty.
    pub stages: Vec<StageOfAccount>,
}

/// Whose a board is, and how far it is complete.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BoardHead {
    /// The profile that was asked for; null is the default.
    pub profile: Option<String>,
    /// The account's number; null before it is known.
    pub account: Option<String>,
    /// The region; null before it is known.
    pub region: Option<String>,
    /// The endpoint that takes the place of AWS's, where there is one.
    pub endpoint: Option<String>,
    /// Account time of this picture, UTC.
    pub at: Moment,
    /// Account seconds that go by in a second: 1 on AWS, more on a range.
    pub account_seconds_per_second: f64,
    /// Whether everything that was asked for could be read.
    pub complete: bool,
    /// What could not be read of it, in one line.
    pub lacks: Option<String>,
}

/// What goes for all stages of a connection.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BoardRest {
    /// The limit that all APIs of the account share in the region.
    pub account_limit: AccountLimit,
    /// Stages that the configuration names and that do not exist here.
    pub settings_without_stage: Vec<SettingWithoutStage>,
    /// What all stages together cost.
    pub cost: TotalCost,
    /// The prices that estimates rest on.
    pub prices: PricesShape,
    /// How reading goes, and what it costs.
    pub polling: PollingShape,
}

/// A row of the board, with whose it is.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StageOfAccount {
    /// The profile that was asked for; null is the default.
    pub profile: Option<String>,
    /// The account's number; null before it is known.
    pub account: Option<String>,
    /// The region; null before it is known.
    pub region: Option<String>,
    /// The row.
    #[serde(flatten)]
    pub row: StageShape,
}

/// A row of the board.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StageShape {
    /// The stage as it is typed: `shop/prod`.
    pub stage: String,
    /// The API's id.
    pub api_id: String,
    /// Of which kind the API is.
    pub kind: ApiKind,
    /// The name of the web ACL before it; null if there is none, or if that is not known.
    pub web_acl: Option<String>,
    /// Requests a second.
    pub requests_per_second: Option<f64>,
    /// 4XX answers as a fraction of requests.
    pub client_error_share: Option<f64>,
    /// The part of the 4XX share that our web ACL's blocks explain, a fraction of requests.
    pub client_error_share_from_blocks: Option<f64>,
    /// 5XX answers as a fraction of requests.
    pub server_error_share: Option<f64>,
    /// Median latency, ms.
    pub latency_p50_ms: Option<f64>,
    /// 99th percentile of latency, ms.
    pub latency_p99_ms: Option<f64>,
    /// Requests a second that the web ACL allowed, in its scope.
    pub waf_allowed_per_second: Option<f64>,
    /// Requests a second that the web ACL blocked, in its scope.
    pub waf_blocked_per_second: Option<f64>,
    /// Requests a second that the web ACL counted, in its scope.
    pub waf_counted_per_second: Option<f64>,
    /// Throttled requests a second.
    pub throttled_per_second: Option<f64>,
    /// 99th percentile of the integration's latency, ms.
    pub integration_latency_p99_ms: Option<f64>,
    /// Answers out of the stage's cache, as a fraction of what was looked up in it.
    pub cache_hit_share: Option<f64>,
    /// Requests as a fraction of the limit that they would meet first: the most it can be.
    pub limit_used_share: Option<f64>,
    /// Why fields are null.
    pub unknown: Reasons,
    /// Where the figures come from.
    pub origin: Origins,
    /// The limit that its requests would meet first; null if it is not known.
    pub limit: Option<LimitShape>,
    /// What its traffic costs.
    pub cost: CostShape,
    /// What is usual there, while an attack on it is believed in.
    pub usuals: Option<UsualsShape>,
    /// How it stands.
    pub condition: ConditionShape,
    /// What stands, worst first.
    pub signals: Vec<SignalShape>,
    /// Conditions that did not stand and could not be judged lately.
    pub not_judged: Vec<NotJudged>,
    /// What stood and has ended within the last hour, newest first.
    pub ended_signals: Vec<SignalShape>,
    /// Short warnings: a shared name, a canary, metrics forbidden.
    pub warnings: Vec<String>,
}

/// A limit on requests.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitShape {
    /// Whose limit it is.
    pub of: LimitOf,
    /// Requests a second.
    pub requests_per_second: f64,
    /// Requests that may come at once.
    pub burst_requests: f64,
}

/// The limit that all APIs of the account share in the region.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountLimit {
    /// The limit, requests a second.
    pub limit_requests_per_second: Option<f64>,
    /// Requests a second of all APIs together.
    pub requests_per_second: Option<f64>,
    /// The part of the limit that is used, a fraction.
    pub used_share: Option<f64>,
    /// Why fields are null.
    pub unknown: Reasons,
    /// Where the figures come from.
    pub origin: Origins,
}

/// What traffic costs, US dollars: estimates out of rates and the configured prices.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CostShape {
    /// When the attack began that is counted from; not there if none stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attack_began: Option<Moment>,
    /// Dollars an hour of all parts that are known.
    pub dollars_per_hour_estimate: Option<f64>,
    /// Dollars an hour that API Gateway costs.
    pub api_gateway_dollars_per_hour_estimate: Option<f64>,
    /// Dollars an hour that WAF costs.
    pub waf_dollars_per_hour_estimate: Option<f64>,
    /// Dollars an hour that Lambda costs.
    pub lambda_dollars_per_hour_estimate: Option<f64>,
    /// Dollars an hour that logs cost.
    pub logs_dollars_per_hour_estimate: Option<f64>,
    /// Dollars an hour that are usual.
    pub usual_dollars_per_hour_estimate: Option<f64>,
    /// Dollars since the attack began; not there if none stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attack_dollars_estimate: Option<Option<f64>>,
    /// Why fields are null, and what is left out of a sum.
    pub unknown: Reasons,
}

/// What all stages together cost.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TotalCost {
    /// The sums.
    #[serde(flatten)]
    pub cost: CostShape,
    /// How many stages are in the sums.
    pub stages: usize,
    /// How many stages are called.
    pub stages_called: usize,
}

/// How a stage stands, and whether customers are served.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConditionShape {
    /// The state.
    pub state: StageState,
    /// How sure it is.
    pub sureness: Sureness,
    /// The minute since which it has been in that state; null if that is not known.
    pub since: Option<Moment>,
    /// The last state before it became unknown.
    pub last_known: Option<StageState>,
    /// What the share of customers served rests on.
    pub served_by: ServedBy,
    /// Whether the median latency is more than three times the usual; null if that is not known.
    pub slow: Option<bool>,
    /// Since when answered requests of the attack are counted.
    pub attackers_answered_since: Option<Moment>,
    /// The method that fares worst; null if none does, or if the access log does not tell.
    pub worst_method: Option<WorstMethodShape>,
    /// Sources of the attack that are new since a measure and get past it.
    pub followers: Option<Followers>,
    /// What the state rests on, in one line with numbers.
    pub evidence: String,
    /// In words, what of ours is in force.
    pub measures: Option<String>,
    /// The share of customers' requests that are answered without an error, of what is usual: a fraction.
    pub served_share: Option<f64>,
    /// How many times the usual median of latency is waited for an answer.
    pub latency_p50_of_usual: Option<f64>,
    /// Requests a second of the attack that are answered without an error.
    pub attackers_answered_per_second: Option<f64>,
    /// How many requests of the attack were answered without an error, at least.
    pub attackers_answered_requests_at_least: Option<f64>,
    /// Why fields are null.
    pub unknown: Reasons,
    /// Where the figures come from.
    pub origin: Origins,
}

/// The method that fares worst, by the access log.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WorstMethodShape {
    /// Method and resource: `POST /login`.
    pub method: String,
    /// The share of its requests that are answered without an error, a fraction.
    pub answered_share: f64,
    /// The same before the attack.
    pub usual_share: f64,
    /// Whether it is of the requests of those who called before alone.
    pub of_callers_of_before: bool,
}

/// What is usual on a stage while an attack stands.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsualsShape {
    /// When the attack began that they are frozen by.
    pub attack_began: Moment,
    /// What they rest on.
    pub from: UsualFrom,
    /// Requests a minute.
    pub requests_per_minute: Option<f64>,
    /// Answers a minute that are neither 4XX nor 5XX.
    pub answers_per_minute: Option<f64>,
    /// Median latency, ms.
    pub latency_p50_ms: Option<f64>,
    /// 99th percentile of latency, ms.
    pub latency_p99_ms: Option<f64>,
    /// 99th percentile of the integration's latency, ms.
    pub integration_latency_p99_ms: Option<f64>,
    /// Requests a minute that the web ACL blocked, in its scope.
    pub waf_blocked_per_minute: Option<f64>,
    /// Answers out of the cache, as a fraction of what was looked up in it.
    pub cache_hit_share: Option<f64>,
    /// Dollars a minute: an estimate.
    pub dollars_per_minute_estimate: Option<f64>,
    /// Why fields are null.
    pub unknown: Reasons,
}

/// A signal, with what is known of it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignalShape {
    /// The signal.
    #[serde(flatten)]
    pub signal: Signal,
    /// Whether it stands, is over, or could not be judged lately.
    pub state: SignalState,
}

/// A stage that the configuration names and that does not exist here.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettingWithoutStage {
    /// The key that names it.
    pub key: String,
    /// The stage as it is named.
    pub stage: String,
}

/// The prices that estimates rest on.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PricesShape {
    /// `USD`.
    pub currency: String,
    /// Where they come from.
    pub source: String,
}

/// How reading goes, and what it costs.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PollingShape {
    /// Metrics asked for in the last poll.
    pub metrics: usize,
    /// `GetMetricData` calls in the last poll.
    pub calls: usize,
    /// Dollars an hour at the present pace and the configured price.
    pub dollars_per_hour_estimate: f64,
    /// Dollars an hour that polling may cost.
    pub budget_dollars_per_hour: f64,
    /// Dollars that log queries have cost so far.
    pub log_query_dollars_estimate: f64,
    /// Dollars an hour that those log queries may cost that nobody asks for.
    pub log_budget_dollars_per_hour: f64,
    /// How fast stages are read.
    pub paces: PacesShape,
    /// Why readings are further apart than configured, if they are.
    pub slowed: Option<String>,
    /// Stages whose details have been read.
    pub details_read: usize,
    /// Stages whose details are to be read.
    pub details_of: usize,
    /// When metrics were last read with success.
    pub read_at: Option<Moment>,
    /// What is going wrong, in one line with the next step.
    pub trouble: Option<String>,
}

/// How fast stages are read.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PacesShape {
    /// Those attacked, or looked at.
    pub close: PaceOf,
    /// Those called within three hours.
    pub usual: PaceOf,
    /// Those that are not called.
    pub idle: PaceOf,
}
