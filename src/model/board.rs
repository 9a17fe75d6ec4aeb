//! The board: one immutable picture of everything watched, for screens and reports alike.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::figure::Figure;
use super::identity::Identity;
use super::series::Series;
use super::signal::Signal;
use super::stage::StageId;

/// How many minutes of every metric are kept: three hours.
pub const HISTORY_MINUTES: usize = 180;

/// Minutes of every metric of a stage, by [`Metric::index`]. A series is shared by all that show it: the stages behind one web ACL,
/// the board before and the one after, the watcher.
pub type History = [Arc<Series>; 8];

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
}

impl Metric {
    /// Every metric, in a fixed order.
    pub const ALL: [Self; 8] = [
        Self::Requests,
        Self::ClientErrors,
        Self::ServerErrors,
        Self::LatencyP50,
        Self::LatencyP99,
        Self::WafAllowed,
        Self::WafBlocked,
        Self::WafCounted,
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
    /// Throttled requests a second; AWS publishes no such metric.
    pub throttled_per_second: Figure,
    /// The part of the 4XX share that our web ACL's blocks explain, a fraction of requests; known only where the ACL guards this stage alone.
    pub client_error_share_from_blocks: Figure,
}

/// One stage on the board.
#[derive(Debug, Clone)]
pub struct StageRow {
    /// Which stage.
    pub id: StageId,
    /// The web ACL before it: name, where known.
    pub web_acl: Known<Option<String>>,
    /// The web ACL's ARN, where known.
    pub web_acl_arn: Option<String>,
    /// The figures.
    pub figures: Figures,
    /// Minutes of history, by [`Metric::index`].
    pub history: Arc<History>,
    /// What stands, worst first.
    pub signals: Vec<Signal>,
    /// Short warnings: a shared name, canary, metrics forbidden.
    pub warnings: Vec<String>,
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
    /// Stages whose details have been read, of all.
    pub details: (usize, usize),
    /// When metrics were last read with success, account time.
    pub read_at: Option<DateTime<Utc>>,
    /// What is going wrong, in one line with the next step.
    pub trouble: Option<String>,
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
    /// How polling is doing.
    pub polling: Polling,
}

impl Board {
    /// An empty board: nothing has been read yet.
    #[must_use]
    pub fn empty(at: DateTime<Utc>) -> Self {
        Self { identity: None, at, rate: 1.0, stages: Vec::new(), polling: Polling::default() }
    }

    /// The row of a stage.
    #[must_use]
    pub fn row(&self, id: &StageId) -> Option<&StageRow> {
        self.stages.iter().find(|row| row.id == *id)
    }
}
