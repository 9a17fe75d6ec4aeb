//! Why a figure of a row is not there, and what has to be known beside those that are.

use super::super::state::{ACL_SERIES, Acl, Entry, State, acl_name};
use super::super::store::Held;
use super::super::words::counted;
use crate::aws::read::MetricStatus;
use crate::model::board::{Known, Metric};

pub(super) fn web_acl(entry: &Entry) -> Known<Option<String>> {
    match &entry.detail {
        Known::NotYet => Known::NotYet,
        Known::No(reason) => Known::No(reason.clone()),
        Known::Yes(detail) => {
            Known::Yes(detail.web_acl_arn.as_deref().map(|arn| acl_name(arn).unwrap_or(arn).to_owned()))
        }
    }
}

/// Why a metric has no minutes, where AWS said why.
pub(super) fn refused(own: Option<&Held>, acl: Option<&Acl>, metric: Metric, state: &State) -> Option<String> {
    let (held, index) = match metric {
        Metric::WafAllowed | Metric::WafBlocked | Metric::WafCounted => {
            (acl.map(|acl| &acl.held), metric.index() - Metric::WafAllowed.index())
        }
        Metric::IntegrationP99 | Metric::CacheHits | Metric::CacheMisses => (own, metric.index() - ACL_SERIES),
        _ => (own, metric.index()),
    };
    let held = held?;
    match held.status(index) {
        Some(MetricStatus::Forbidden) => Some("not permitted: cloudwatch:GetMetricData refused this metric".to_owned()),
        Some(MetricStatus::Failed) => Some("CloudWatch failed on this metric".to_owned()),
        Some(_) => None,
        None if held.was_asked() && metric.index() > Metric::WafCounted.index() => {
            Some("not asked while nobody looks at it and it does not look attacked: open the stage".to_owned())
        }
        None if held.was_asked() => Some("not asked: no requests seen in the last three hours".to_owned()),
        None if state.troubles.is_empty() => Some("not read yet".to_owned()),
        None => Some("could not be read; see the status line".to_owned()),
    }
}

pub(super) fn warnings(entry: &Entry, own: Option<&Held>, acl: Option<&Acl>, sharers: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if sharers > 1 {
        warnings.push(format!(
            "{} are named “{}”: AWS counts them together (inferred)",
            counted(sharers, "API"),
            crate::model::text::shortened(&entry.id.api_name, 60)
        ));
    }
    if entry.id.api_id.is_empty() {
        warnings.push("known from metrics only: its API could not be listed".to_owned());
    }
    if let Known::Yes(detail) = &entry.detail
        && detail.canary
    {
        warnings.push("has a canary: a plain deployment is refused".to_owned());
    }
    if let Some(throttled) = &entry.throttled {
        warnings.extend(throttled.trouble.clone().map(|trouble| format!("throttled requests: {trouble}")));
        warnings.extend(throttled.caveats.iter().cloned());
    }
    let untold = entry.answered.as_ref().and_then(|answered| answered.trouble.as_ref());
    warnings.extend(untold.map(|why| format!("who is answered, by the access log: {why}")));
    let status = [own, acl.map(|acl| &acl.held)].into_iter().flatten();
    for (held, what) in status.zip(["its metrics", "its web ACL's metrics"]) {
        match held.worst() {
            Some(MetricStatus::Forbidden) => {
                warnings.push(format!("{what}: some are forbidden (cloudwatch:GetMetricData)"));
            }
            Some(MetricStatus::Failed) => {
                warnings.push(format!("{what}: CloudWatch failed on some"));
            }
            Some(MetricStatus::Partial) => {
                warnings.push(format!("{what}: CloudWatch gave only a part"));
            }
            _ => {}
        }
    }
    warnings
}
