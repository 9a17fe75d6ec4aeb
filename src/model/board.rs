//! The board: one immutable picture of everything watched, for screens and reports alike.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::attack::AttackKind;
use super::condition::Condition;
use super::cost::Burn;
use super::figure::Figure;
use super::identity::Identity;
use super::limits::{Limit, WinningLimit};
use super::series::Series;
use super::signal::{NotJudged, Severity, Signal, SignalKind};
use super::stage::{ApiKind, StageId};
use super::usual::{UsualOf, Usuals};

/// How many minutes of every metric are kept: three hours.
pub const HISTORY_MINUTES: usize = 180;

/// Minutes of every metric of a stage, by [`Metric::index`]. A series is shared by all that show it: the stages behind
/// one web ACL, the board before and the one after, the watcher.
pub type History = [Arc<Series>; Metric::ALL.len()];

/// The metrics kept for a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Requests a minute.
    Requests,
    /// 4XX answers a minute.
    ClientErrors,
    /// 5XX answers a minute.
    ServerErrors,
    /// Median latency, ms.
    LatencyP50,
    /// 99th percentile of latency, ms.
    LatencyP99,
    /// Allowed by the web ACL a minute (the ACL's scope).
    WafAllowed,
    /// Blocked by the web ACL a minute (the ACL's scope).
    WafBlocked,
    /// Counted by the web ACL a minute (the ACL's scope).
    WafCounted,
    /// 99th percentile of the integration's latency, ms.
    IntegrationP99,
    /// Answers out of the stage's cache a minute.
    CacheHits,
    /// Requests that the stage's cache had no answer for a minute.
    CacheMisses,
    /// Throttled requests a minute, out of the access log or a metric filter on it.
    Throttled,
}

impl Metric {
    /// Every metric, in a fixed order.
    pub const ALL: [Self; 12] = [
        Self::Requests,
        Self::ClientErrors,
        Self::ServerErrors,
        Self::LatencyP50,
        Self::LatencyP99,
        Self::WafAllowed,
        Self::WafBlocked,
        Self::WafCounted,
        Self::IntegrationP99,
        Self::CacheHits,
        Self::CacheMisses,
        Self::Throttled,
    ];

    /// Its place in [`Metric::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|m| *m == self).unwrap_or(0)
    }
}

/// The figures of one stage, all of the same minute where they are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Requests a second.
    pub requests_per_second: Figure,
    /// 4XX answers as a fraction of requests.
    pub client_error_share: Figure,
    /// 5XX answers as a fraction of requests.
    pub server_error_share: Figure,
    /// Median latency, ms.
    pub latency_p50_ms: Figure,
    /// 99th percentile of latency, ms.
    pub latency_p99_ms: Figure,
    /// Allowed by the web ACL a second, in the ACL's scope.
    pub waf_allowed_per_second: Figure,
    /// Blocked by the web ACL a second, in the ACL's scope.
    pub waf_blocked_per_second: Figure,
    /// Counted by the web ACL a second, in the ACL's scope.
    pub waf_counted_per_second: Figure,
    /// Throttled requests a second, out of the access log or a metric filter on it: AWS publishes no such metric.
    pub throttled_per_second: Figure,
    /// The part of the 4XX share that our web ACL's blocks explain, a fraction of requests; known only where the ACL
    /// guards this stage alone.
    pub client_error_share_from_blocks: Figure,
    /// 99th percentile of the integration's latency, ms.
    pub integration_latency_p99_ms: Figure,
    /// Answers out of the stage's cache, as a fraction of what was looked up in it.
    pub cache_hit_share: Figure,
    /// The stage's requests as a fraction of the limit that would throttle them first, [`StageRow::limit`]. The limit
    /// of a stage holds for each method by itself: this is as if all requests were to one method, and so the most it
    /// can be.
    pub limit_used_share: Figure,
}

impl Figures {
    /// Nothing known, for one reason.
    #[must_use]
    pub fn unknown(reason: &'static str) -> Self {
        let unknown = || Figure::unknown(reason);
        Self {
            requests_per_second: unknown(),
            client_error_share: unknown(),
            server_error_share: unknown(),
            latency_p50_ms: unknown(),
            latency_p99_ms: unknown(),
            waf_allowed_per_second: unknown(),
            waf_blocked_per_second: unknown(),
            waf_counted_per_second: unknown(),
            throttled_per_second: unknown(),
            client_error_share_from_blocks: unknown(),
            integration_latency_p99_ms: unknown(),
            cache_hit_share: unknown(),
            limit_used_share: unknown(),
        }
    }
}

/// One stage on the board.
#[derive(Debug, Clone)]
pub struct StageRow {
    /// Which stage.
    pub id: StageId,
    /// Of which kind of API.
    pub kind: ApiKind,
    /// The web ACL before it: name, where known.
    pub web_acl: Known<Option<String>>,
    /// The web ACL's ARN, where known.
    pub web_acl_arn: Option<String>,
    /// The figures.
    pub figures: Figures,
    /// Minutes of history, by [`Metric::index`].
    pub history: Arc<History>,
    /// How it stands: contained or not, and whether customers are served.
    pub condition: Condition,
    /// What stands, worst first; what could not be judged lately stands by what was known then, and says so.
    pub signals: Vec<Signal>,
    /// What does not stand and could not be judged lately either.
    pub not_judged: Vec<NotJudged>,
    /// What stood and has ended within the last hour, newest first.
    pub ended: Vec<Signal>,
    /// The limit that its requests would meet first, where it is known.
    pub limit: Option<WinningLimit>,
    /// What its traffic costs: an estimate.
    pub burn: Burn,
    /// What is usual there, while an attack on it stands.
    pub usuals: Option<Usuals>,
    /// How often its metrics are read.
    pub pace: Pace,
    /// Short warnings: a shared name, canary, metrics forbidden.
    pub warnings: Vec<String>,
}

impl StageRow {
    /// What kind of attack the last minute's figures tell, where they do: where rules that only count match at least
    /// half of what came beyond what is usual it is an injection. Nothing else can be told by sums.
    #[must_use]
    pub fn kind_of_attack(&self) -> Option<AttackKind> {
        let usual = self.usuals.as_ref()?.figure(UsualOf::Requests).value()?;
        let at = |metric: Metric| self.history[metric.index()].latest().map(|(_, value)| value);
        let above = at(Metric::Requests)? - usual;
        let counted = at(Metric::WafCounted)?;
        (above > 0.0 && counted >= above / 2.0).then_some(AttackKind::Injection)
    }

    /// A stage of which nothing is known yet.
    #[must_use]
    pub fn new(id: StageId, kind: ApiKind) -> Self {
        let empty = Arc::new(Series::new(HISTORY_MINUTES));
        Self {
            id,
            kind,
            web_acl: Known::NotYet,
            web_acl_arn: None,
            figures: Figures::unknown("not read yet"),
            history: Arc::new(std::array::from_fn(|_| Arc::clone(&empty))),
            condition: Condition::unread(),
            signals: Vec::new(),
            not_judged: Vec::new(),
            ended: Vec::new(),
            limit: None,
            burn: Burn::unknown("not read yet"),
            usuals: None,
            pace: Pace::Usual,
            warnings: Vec::new(),
        }
    }
}

impl StageRow {
    /// The end of the last minute in which its answers could be judged, where none could be lately: its metrics are
    /// late, or nobody has called since. `None` where they were judged, or never were.
    #[must_use]
    pub fn not_judged_since(&self) -> Option<DateTime<Utc>> {
        let of_answers = |kind| matches!(kind, SignalKind::ClientErrorsHigh | SignalKind::ServerErrorsHigh);
        let standing = self.signals.iter().filter(|signal| of_answers(signal.kind));
        let others = self.not_judged.iter().filter(|one| of_answers(one.kind));
        standing.filter_map(|signal| signal.not_judged_since).chain(others.filter_map(|one| one.since)).max()
    }

    /// When an attack began by these figures alone, account time, UTC: the start of the oldest attack-level signal.
    /// What is pinned in the incident counts before it.
    #[must_use]
    pub fn attack_since(&self) -> Option<DateTime<Utc>> {
        let attacks = self.signals.iter().filter(|signal| signal.severity == Severity::Attack);
        attacks.map(|signal| signal.since).min()
    }
}

/// How often the metrics of a stage are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Pace {
    /// Attacked, or looked at: more often, and more of it.
    Close,
    /// Called within three hours.
    #[default]
    Usual,
    /// Not called: one metric, now and then.
    Idle,
}

/// How fast one group of stages is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PaceOf {
    /// How many stages.
    pub stages: usize,
    /// Account seconds between two readings.
    pub every_seconds: u64,
}

/// The limit that all APIs of the account share in this region, and how much of it is used.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountGauge {
    /// Requests a second of all APIs together, those of the board.
    pub requests_per_second: Figure,
    /// The limit (`GetAccount`, documented).
    pub limit: Known<Limit>,
    /// Requests as a fraction of the limit.
    pub used_share: Figure,
}

impl AccountGauge {
    /// Nothing known, for one reason.
    #[must_use]
    pub fn unknown(reason: &'static str) -> Self {
        let unknown = || Figure::unknown(reason);
        Self { requests_per_second: unknown(), limit: Known::NotYet, used_share: unknown() }
    }
}

/// A detail that may not have been read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    /// Read.
    Yes(T),
    /// Not read yet.
    NotYet,
    /// Could not be read; the reason.
    No(String),
}

/// What polling costs and how it is doing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Polling {
    /// Metrics asked for in the last poll.
    pub metrics: usize,
    /// `GetMetricData` calls in the last poll.
    pub calls: usize,
    /// Dollars an hour at the present pace and the configured price (an estimate).
    pub dollars_per_hour: f64,
    /// Dollars an hour that polling may cost.
    pub budget_dollars_per_hour: f64,
    /// Dollars that log queries have cost since the console started (an estimate).
    pub log_dollars: f64,
    /// Dollars an hour that those may cost that nobody asks for.
    pub log_budget_dollars_per_hour: f64,
    /// How fast stages are read, by [`Pace`]: close, usual, idle.
    pub paces: [PaceOf; 3],
    /// Why readings are further apart than configured, where they are: the budget, or AWS limiting calls.
    pub slowed: Option<String>,
    /// Stages whose details have been read, of all.
    pub details: (usize, usize),
    /// When metrics were last read with success, account time.
    pub read_at: Option<DateTime<Utc>>,
    /// What is going wrong, in one line with the next step.
    pub trouble: Option<String>,
    /// Stages that settings name and that are none here, each with its key; empty where not every stage is known.
    pub unmatched: Vec<(&'static str, String)>,
    /// Which stages or figures that were asked for are not there for it, in one line; `None` where it costs nothing but
    /// details.
    pub lacks: Option<String>,
}

/// Everything watched in one account and region at one moment. Built by `watch/`, read by everybody, never changed.
#[derive(Debug, Clone)]
pub struct Board {
    /// Whose account; `None` before credentials answered.
    pub identity: Option<Identity>,
    /// Account time of this picture, UTC.
    pub at: DateTime<Utc>,
    /// Account seconds per wall second: 1 on AWS, more on a range.
    pub rate: f64,
    /// The stages, in a stable order (API name, stage).
    pub stages: Vec<StageRow>,
    /// The account's limit.
    pub account: AccountGauge,
    /// What all stages together cost: an estimate.
    pub burn: Burn,
    /// How polling is doing.
    pub polling: Polling,
}

impl Board {
    /// An empty board: nothing has been read yet.
    #[must_use]
    pub fn empty(at: DateTime<Utc>) -> Self {
        let reason = "nothing has been read yet";
        Self {
            identity: None,
            at,
            rate: 1.0,
            stages: Vec::new(),
            account: AccountGauge::unknown(reason),
            burn: Burn::unknown(reason),
            polling: Polling::default(),
        }
    }

    /// Of how many of the stages that are called the costs are known, and how many are called: [`Board::burn`] is of
    /// the first.
    #[must_use]
    pub fn costs_told(&self) -> (usize, usize) {
        let called = self.stages.iter().filter(|row| row.pace != Pace::Idle);
        (called.clone().filter(|row| row.burn.per_hour.value().is_some()).count(), called.count())
    }

    /// The row of a stage.
    #[must_use]
    pub fn row(&self, id: &StageId) -> Option<&StageRow> {
        self.stages.iter().find(|row| row.id == *id)
    }
}
