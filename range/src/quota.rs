//! Control-plane quotas: token buckets in account time.
//!
//! Rates are AWS's own (documented) unless marked. Bursts are documented for API Gateway only; for the others a small
//! one is allowed (inferred: token buckets are how AWS throttles its APIs everywhere).

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::error::AwsError;
use crate::service::{Service, is_mutating};

/// Tokens a second and the most that gather.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Limit {
    rate: f64,
    burst: f64,
}

impl Limit {
    const fn new(rate: f64, burst: f64) -> Self {
        Self { rate, burst }
    }
}

#[derive(Debug, Clone)]
struct Bucket {
    tokens: f64,
    at: DateTime<Utc>,
}

/// The buckets of an account.
#[derive(Debug)]
pub(crate) struct Quotas {
    /// Off: nothing is counted or refused.
    pub(crate) on: bool,
    buckets: HashMap<String, Bucket>,
}

impl Quotas {
    /// Full buckets, on.
    pub(crate) fn new() -> Self {
        Self { on: true, buckets: HashMap::new() }
    }

    /// Takes a token from every bucket that the call falls under; the service's throttling error where one is empty.
    /// A refused call takes nothing.
    pub(crate) fn take(&mut self, service: Service, operation: &str, now: DateTime<Utc>) -> Result<(), AwsError> {
        if !self.on {
            return Ok(());
        }
        let limits = limits(service, operation);
        for (name, limit) in &limits {
            let bucket = self.buckets.entry(name.clone()).or_insert(Bucket { tokens: limit.burst, at: now });
            let elapsed = (now - bucket.at).num_milliseconds().max(0) as f64 / 1e3;
            bucket.tokens = (bucket.tokens + elapsed * limit.rate).min(limit.burst);
            bucket.at = bucket.at.max(now);
        }
        // A hair below one token counts as one, so that a second's wait is a second's wait.
        let enough = |bucket: &Bucket| bucket.tokens >= 1.0 - 1e-9;
        if !limits.iter().all(|(name, _)| self.buckets.get(name).is_some_and(enough)) {
            return Err(service.throttled());
        }
        for (name, _) in &limits {
            if let Some(bucket) = self.buckets.get_mut(name) {
                bucket.tokens -= 1.0;
            }
        }
        Ok(())
    }
}

/// API Gateway's control plane.
const GATEWAY: Limit = Limit::new(10.0, 40.0);

/// The buckets a call falls under, by name.
fn limits(service: Service, operation: &str) -> Vec<(String, Limit)> {
    let own = |limit| (format!("{}:{operation}", service.name()), limit);
    match service {
        // One limit for both, as the quota is of the control plane as a whole (inferred).
        Service::ApiGatewayV2 => vec![("apigateway".to_owned(), GATEWAY)],
        Service::ApiGateway => {
            let mut limits = vec![("apigateway".to_owned(), GATEWAY)];
            match operation {
                "CreateDeployment" => limits.push(own(Limit::new(0.2, 1.0))),
                "UpdateUsagePlan" => limits.push(own(Limit::new(0.05, 1.0))),
                "GetResources" => limits.push(own(Limit::new(2.5, 5.0))),
                "PutRestApi" => limits.push(own(Limit::new(1.0, 1.0))),
                _ => {}
            }
            limits
        }
        Service::Waf => vec![own(match operation {
            "GetWebACLForResource" | "ListResourcesForWebACL" => Limit::new(1.0, 2.0),
            "AssociateWebACL" | "DisassociateWebACL" => Limit::new(0.5, 1.0),
            _ if is_mutating(service, operation) => Limit::new(1.0, 2.0),
            _ => Limit::new(5.0, 10.0),
        })],
        Service::CloudWatch => vec![own(match operation {
            "GetMetricStatistics" => Limit::new(400.0, 400.0),
            // 25 a second for ListMetrics (documented).
            "ListMetrics" => Limit::new(25.0, 25.0),
            _ => Limit::new(50.0, 50.0),
        })],
        // Two a second (documented).
        Service::CloudTrail => vec![own(Limit::new(2.0, 2.0))],
        // Five a second (documented for FilterLogEvents; AWS has raised some since, by Region; for the others
        // unverified).
        Service::Logs => vec![own(Limit::new(5.0, 10.0))],
        Service::Sts => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use chrono::Duration;

    use super::*;

    #[test]
    fn a_bucket_refills_in_account_time() {
        let mut quotas = Quotas::new();
        let start = DateTime::UNIX_EPOCH;
        let mut write = |seconds| quotas.take(Service::Waf, "UpdateIPSet", start + Duration::seconds(seconds)).is_ok();
        assert_eq!([write(0), write(0), write(0)], [true, true, false]);
        assert_eq!([write(1), write(1)], [true, false]);
    }
}
