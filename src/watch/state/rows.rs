//! The rows of what is known: a stage, its web ACL, where its throttled requests are read, and what their series are
//! kept under.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::model::access_log::log_group;
use crate::model::board::{HISTORY_MINUTES, History, Known, Metric};
use crate::model::figure::{Origin, Scope};
use crate::model::series::Series;
use crate::model::stage::{AccessLog, Api, ApiKind, StageDetail, StageId};
use crate::watch::answered::answers::Answered;
use crate::watch::store::Held;

/// Series of a web ACL.
pub(in crate::watch) const ACL_SERIES: usize = 3;

/// What API Gateway's metrics are kept under. Two REST APIs of one name share it (inferred).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::watch) struct SeriesKey {
    pub(in crate::watch) kind: ApiKind,
    /// `ApiName` of a REST API, `ApiId` of an HTTP API (documented).
    pub(in crate::watch) api: String,
    /// `Stage`.
    pub(in crate::watch) stage: String,
}

impl SeriesKey {
    pub(in crate::watch) fn of(id: &StageId, kind: ApiKind) -> Self {
        let api = match kind {
            ApiKind::Rest => id.metric_api_name(),
            ApiKind::Http => id.api_id.clone(),
        };
        Self { kind, api, stage: id.stage.clone() }
    }
}

/// The order of rows: API name, stage, API id.
pub(in crate::watch) type RowKey = (String, String, String);

/// One stage that exists, or that metrics say was called.
#[derive(Debug, Clone)]
pub(in crate::watch) struct Entry {
    pub(in crate::watch) id: StageId,
    pub(in crate::watch) key: SeriesKey,
    pub(in crate::watch) detail: Known<StageDetail>,
    /// Throttled requests, and where they were read; `None` where they never were.
    pub(in crate::watch) throttled: Option<Throttled>,
    /// Who is answered, where an attack is believed on it and it has an access log.
    pub(in crate::watch) answered: Option<Arc<Answered>>,
    /// The stage's own minutes and its web ACL's, together.
    pub(in crate::watch) history: Arc<History>,
}

impl Entry {
    pub(in crate::watch) fn kind(&self) -> ApiKind {
        self.key.kind
    }

    pub(in crate::watch) fn acl_arn(&self) -> Option<&str> {
        self.known().and_then(|detail| detail.web_acl_arn.as_deref())
    }

    pub(in crate::watch) fn access_log(&self) -> Option<&AccessLog> {
        self.known().and_then(|detail| detail.access_log.as_ref())
    }

    /// The log group that its access log is written to.
    pub(super) fn log_group(&self) -> Option<&str> {
        self.access_log().and_then(|log| log_group(&log.destination))
    }

    pub(in crate::watch) fn known(&self) -> Option<&StageDetail> {
        match &self.detail {
            Known::Yes(detail) => Some(detail),
            _ => None,
        }
    }

    /// Whether a cache may answer its requests.
    pub(in crate::watch) fn has_cache(&self) -> bool {
        let status = self.known().and_then(|detail| detail.cache_cluster_status.as_deref());
        status.is_some_and(|status| status != "NOT_AVAILABLE")
    }
}

/// Throttled requests of a stage.
#[derive(Debug, Clone)]
pub(in crate::watch) struct Throttled {
    /// A minute's requests.
    pub(in crate::watch) series: Arc<Series>,
    pub(in crate::watch) origin: Origin,
    pub(in crate::watch) scope: Scope,
    /// End of the last window that was read out of the access log, and of which minute that was.
    pub(in crate::watch) log_read_to: Option<DateTime<Utc>>,
    /// The same of the last attempt, which may have failed.
    pub(in crate::watch) log_tried_to: Option<DateTime<Utc>>,
    /// Why the latest minutes are not there.
    pub(in crate::watch) trouble: Option<String>,
    /// The last minute whose lines do not tell it.
    pub(in crate::watch) untold: Option<DateTime<Utc>>,
    /// What is to be known of it.
    pub(in crate::watch) caveats: Vec<String>,
}

impl Throttled {
    pub(in crate::watch) fn new(origin: Origin, scope: Scope) -> Self {
        let series = Arc::new(Series::new(HISTORY_MINUTES));
        Self {
            series,
            origin,
            scope,
            log_read_to: None,
            log_tried_to: None,
            trouble: None,
            untold: None,
            caveats: Vec::new(),
        }
    }

    /// Why there is no figure now. A minute of before does not stand for later ones whose lines do not tell it.
    pub(in crate::watch) fn untellable(&self) -> Option<&String> {
        let latest = self.series.latest().map(|(minute, _)| minute);
        self.trouble.as_ref().filter(|_| latest.is_none() || latest < self.untold)
    }
}

/// One web ACL before a stage.
#[derive(Debug, Clone)]
pub(in crate::watch) struct Acl {
    /// Its name out of the ARN; `None` for what is no `WAFv2` ARN (WAF Classic).
    pub(in crate::watch) name: Option<String>,
    /// Its own metric name, where it had to be asked for.
    pub(in crate::watch) metric_name: Option<String>,
    /// The value of the `WebACL` dimension that its series were seen under. The documentation says the metric name,
    /// field evidence the name: either is taken, none is assumed.
    pub(in crate::watch) dimension: Option<String>,
    pub(in crate::watch) held: Held,
}

impl Acl {
    pub(super) fn new(arn: &str) -> Self {
        Self { name: acl_name(arn).map(str::to_owned), metric_name: None, dimension: None, held: Held::new(ACL_SERIES) }
    }

    /// Finds the dimension value of its series among those that are published: its name, else its metric name.
    pub(super) fn match_dimension(&mut self, published: &BTreeSet<String>) {
        if self.dimension.is_none() {
            let known = self.candidates().into_iter().find(|name| published.contains(*name));
            self.dimension = known.map(str::to_owned);
        }
    }

    /// The dimension values to ask under: the one known, or all that may be.
    pub(in crate::watch) fn candidates(&self) -> Vec<&str> {
        if let Some(dimension) = &self.dimension {
            return vec![dimension];
        }
        let mut names: Vec<&str> = self.name.iter().map(String::as_str).collect();
        names.extend(self.metric_name.as_deref().filter(|m| Some(*m) != self.name.as_deref()));
        names
    }
}

/// The name in `…:regional/webacl/NAME/ID`.
pub(in crate::watch) fn acl_name(arn: &str) -> Option<&str> {
    let mut parts = arn.rsplit('/');
    let (_id, name, kind) = (parts.next()?, parts.next()?, parts.next()?);
    (kind == "webacl" && !name.is_empty()).then_some(name)
}

/// A stage's own series and its web ACL's by metric; `empty` for what is in neither.
pub(in crate::watch) fn together(
    own: &[Arc<Series>],
    waf: &[Arc<Series>],
    throttled: Option<&Arc<Series>>,
    empty: &Arc<Series>,
) -> History {
    let series = |metric: Metric| match metric {
        Metric::WafAllowed | Metric::WafBlocked | Metric::WafCounted => {
            waf.get(metric.index() - Metric::WafAllowed.index())
        }
        Metric::IntegrationP99 | Metric::CacheHits | Metric::CacheMisses => own.get(metric.index() - ACL_SERIES),
        Metric::Throttled => throttled,
        _ => own.get(metric.index()),
    };
    Metric::ALL.map(|metric| Arc::clone(series(metric).unwrap_or(empty)))
}

pub(in crate::watch) fn row_key(id: &StageId) -> RowKey {
    (id.api_name.clone(), id.stage.clone(), id.api_id.clone())
}

/// The `ApiName` or `ApiId` dimension of an API.
pub(in crate::watch) fn metric_name(api: &Api) -> String {
    let id = StageId { api_id: api.id.clone(), api_name: api.name.clone(), stage: String::new() };
    SeriesKey::of(&id, api.kind()).api
}
