//! The account's quotas, and who asks.

use std::fmt;

/// Who is asking; earlier ones go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Carrying out what was confirmed.
    Write,
    /// Reading for a plan.
    Plan,
    /// Watching.
    Poll,
}

/// Which quota a call counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quota {
    /// API Gateway's control plane: 10 a second, burst 40, all operations together (documented).
    ApiGateway,
    /// `CreateDeployment`: one in five seconds (documented).
    CreateDeployment,
    /// `GetResources`: five in two seconds (documented).
    Resources,
    /// WAFv2 Get/List: 5 a second per operation (documented).
    WafRead(&'static str),
    /// `GetWebACLForResource`, `ListResourcesForWebACL`: 1 a second (documented).
    WafSlowRead(&'static str),
    /// WAFv2 Create/Put/Update: 1 a second per operation (documented).
    WafWrite(&'static str),
    /// `AssociateWebACL`, `DisassociateWebACL`: one in two seconds (documented).
    WebAclAssociation(&'static str),
    /// `GetMetricData`: 50 a second (CloudWatch quotas 2023, now unverified).
    MetricData,
    /// `ListMetrics`: 25 a second (CloudWatch quotas 2023, now unverified).
    ListMetrics,
    /// CloudWatch Logs queries and lists: 5 a second per operation (CloudWatch Logs quotas; the least of those
    /// documented).
    Logs(&'static str),
    /// STS: not worth pacing.
    Identity,
}

impl Quota {
    /// Calls a second, and how many may be made at once after a rest. AWS does not document WAF's bursts: some are
    /// assumed (inferred: token buckets are how AWS throttles elsewhere), and an answer that says otherwise is
    /// believed.
    pub(super) fn limits(self) -> (f64, f64) {
        match self {
            Self::ApiGateway => (10.0, 40.0),
            Self::CreateDeployment => (0.2, 1.0),
            Self::Resources => (2.5, 5.0),
            Self::WafRead(_) => (5.0, 10.0),
            Self::WafSlowRead(_) | Self::WafWrite(_) => (1.0, 2.0),
            Self::WebAclAssociation(_) => (0.5, 1.0),
            Self::MetricData => (50.0, 50.0),
            Self::ListMetrics => (25.0, 25.0),
            Self::Logs(_) => (5.0, 5.0),
            Self::Identity => (100.0, 100.0),
        }
    }

    /// Whose it is, and which operation's.
    fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::ApiGateway => ("API Gateway's", "control-plane"),
            Self::CreateDeployment => ("API Gateway's", "CreateDeployment"),
            Self::Resources => ("API Gateway's", "GetResources"),
            Self::WafRead(operation)
            | Self::WafSlowRead(operation)
            | Self::WafWrite(operation)
            | Self::WebAclAssociation(operation) => ("WAF's", operation),
            Self::MetricData => ("CloudWatch's", "GetMetricData"),
            Self::ListMetrics => ("CloudWatch's", "ListMetrics"),
            Self::Logs(operation) => ("CloudWatch Logs'", operation),
            Self::Identity => ("STS's", "GetCallerIdentity"),
        }
    }
}

impl fmt::Display for Quota {
    /// `WAF's ListResourcesForWebACL quota (1 a second)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whose, which) = self.name();
        let (rate, _) = self.limits();
        let rate = if rate.fract() == 0.0 {
            format!("{rate:.0} a second")
        } else if rate >= 1.0 {
            format!("{:.0} in 2 seconds", rate * 2.0)
        } else {
            format!("1 in {:.0} seconds", 1.0 / rate)
        };
        write!(f, "{whose} {which} quota ({rate})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_named_as_aws_names_it() {
        let said = |quota: Quota| quota.to_string();
        assert_eq!(
            said(Quota::WafSlowRead("ListResourcesForWebACL")),
            "WAF's ListResourcesForWebACL quota (1 a second)"
        );
        assert_eq!(said(Quota::CreateDeployment), "API Gateway's CreateDeployment quota (1 in 5 seconds)");
        assert_eq!(said(Quota::Resources), "API Gateway's GetResources quota (5 in 2 seconds)");
        assert_eq!(said(Quota::WebAclAssociation("AssociateWebACL")), "WAF's AssociateWebACL quota (1 in 2 seconds)");
    }
}
