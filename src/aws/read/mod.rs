//! Reads: each gives the console's own types, paced and with typed errors.

mod gateway;
mod http_api;
mod identity;
mod logs;
mod metrics;
mod policy;
mod posture;
mod rate_keys;
mod samples;
mod stage;
mod time;
mod waf;
mod waf_rules;

pub use logs::{LogRows, MOST_ROWS, MetricFilter};
pub use metrics::{BATCH, MetricQuery, MetricResult, MetricStatus, Statistic};
pub use posture::{GuardedHttpStage, GuardedStage, Route};
pub use samples::SampleSet;
pub use waf::{Named, ResourceKind, WrittenWebAcl};
