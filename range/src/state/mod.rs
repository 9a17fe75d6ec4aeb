//! One AWS account in one region: what the control plane holds, what traffic sees of it, and what both leave behind.
//!
//! Nothing here knows of HTTP, of error names or of quotas. Functions that write assume that their arguments are
//! valid; validation is the wire's (`service`), so that worlds and tests can also build what AWS would refuse today.

pub mod authorizer;
pub mod gateway;
pub mod http;
pub mod ids;
pub mod live;
pub mod metrics;
pub mod plans;
pub mod propagation;
pub mod rhythm;
pub mod samples;
pub mod stage;
pub mod trail;
pub mod waf;

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::logs::LogStore;
pub use authorizer::{Authorizer, AuthorizerKind};
pub use gateway::{Api, Deployment, Gateway, Method, Resource, Snapshot};
pub use http::{HttpApi, HttpRoute, HttpStage, RouteSettings};
pub use ids::Ids;
pub use live::Live;
pub use metrics::{MetricStore, SeriesId, SeriesKey};
pub use plans::{ApiKey, PlanStage, Throttle, UsagePlan};
pub use propagation::Propagation;
pub use rhythm::{Mix, Rhythm, Swing};
pub use samples::{Sample, SampleStore, SampledRequest, SampledVerdict};
pub use stage::{CacheCluster, CacheStatus, Canary, MethodSetting, Stage};
pub use trail::Call;
pub use waf::{IpSet, IpVersion, RuleGroup, Waf, WebAcl};

/// One account in one region.
#[derive(Debug, Clone)]
pub struct Account {
    /// The 12-digit account id.
    pub id: String,
    /// The region's name, such as `eu-central-1`.
    pub region: String,
    /// Account time of the last step or request; writes are stamped with it.
    pub now: DateTime<Utc>,
    /// API Gateway.
    pub gateway: Gateway,
    /// `WAFv2`, scope REGIONAL.
    pub waf: Waf,
    /// `CloudWatch` metrics.
    pub metrics: MetricStore,
    /// Every control-plane call so far, in order.
    pub trail: Vec<Call>,
    /// WAF's sampled requests.
    pub samples: SampleStore,
    /// `CloudWatch` Logs.
    pub logs: LogStore,
    /// How long writes take to reach traffic.
    pub propagation: Propagation,
    /// Where identifiers come from.
    pub ids: Ids,
    /// From where requests come that came over no socket: the responder's address in a drill.
    pub responder: IpAddr,
}

impl Account {
    /// An account with nothing in it, at account time `now`.
    #[must_use]
    pub fn new(id: &str, region: &str, now: DateTime<Utc>, seed: u64) -> Self {
        Self {
            id: id.to_owned(),
            region: region.to_owned(),
            now,
            gateway: Gateway::default(),
            waf: Waf::default(),
            metrics: MetricStore::default(),
            trail: Vec::new(),
            samples: SampleStore::new(seed),
            logs: LogStore::new(seed),
            propagation: Propagation::new(seed),
            ids: Ids::new(seed),
            responder: IpAddr::from([127, 0, 0, 1]),
        }
    }

    /// Makes every write so far visible to traffic; for worlds that were built before anybody looked.
    pub fn settle(&mut self) {
        let now = self.now;
        self.waf.settle(now);
        self.gateway.settle(now);
    }

    /// The ARN that WAF knows a stage by: without an account number (documented).
    #[must_use]
    pub fn stage_arn(&self, api: &str, stage: &str) -> String {
        format!("arn:aws:apigateway:{}::/restapis/{api}/stages/{stage}", self.region)
    }
}
