//! What each call needs to be allowed, and what is missing without it: the source of `docs/iam.md`.
//!
//! The actions are from AWS's service documentation; none of this was tried on a live account (unverified).

/// A call and the permission it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// The service as the SDK names it.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// The IAM action; empty where none is needed.
    pub action: &'static str,
    /// The resource to name in a policy.
    pub resource: &'static str,
    /// What the console makes of it.
    pub purpose: &'static str,
    /// What is missing where it is denied.
    pub without: &'static str,
    /// Whether it changes the account, and so needs a ticket.
    pub writes: bool,
}

macro_rules! permissions {
    ($($service:literal $operation:literal $(($writes:ident))?: $action:literal on $resource:literal, $purpose:literal, $without:literal;)*) => {
        /// Every operation that the console calls.
        pub const PERMISSIONS: &[Permission] = &[$(Permission {
            service: $service,
            operation: $operation,
            action: $action,
            resource: $resource,
            purpose: $purpose,
            without: $without,
            writes: !stringify!($($writes)?).is_empty(),
        }),*];
    };
}

permissions! {
    "API Gateway" "GetAccount": "apigateway:GET" on "arn:aws:apigateway:*::/account",
        "the account's limit", "it is `?`; plans to throttle know the stage's limits only";
    "API Gateway" "GetDeployment": "apigateway:GET" on "arn:aws:apigateway:*::/restapis/*/deployments/*",
        "which methods are deployed", "no methods of a stage; `throttle.method` is `unknown`: no plan to throttle one method";
    "API Gateway" "GetDeployments": "apigateway:GET" on "arn:aws:apigateway:*::/restapis/*/deployments",
        "recent deployments; did somebody deploy meanwhile? is the snapshot there?", "they are `?`; no `kill-switch`";
    "API Gateway" "GetExport": "apigateway:GET" on "arn:aws:apigateway:*::/restapis/*/stages/*/exports/*",
        "the deployed policy; dev against prod", "it is `?`; no proof for `kill-switch`";
    "API Gateway" "GetResources": "apigateway:GET" on "arn:aws:apigateway:*::/restapis/*/resources",
        "undeployed work in the draft", "`kill-switch.drift` is `unknown`";
    "API Gateway" "GetRestApi": "apigateway:GET" on "arn:aws:apigateway:*::/restapis/*",
        "the draft's policy, the endpoint", "they are `?`; no `kill-switch`";
    "API Gateway" "GetRestApis": "apigateway:GET" on "arn:aws:apigateway:*::/restapis",
        "which APIs there are", "only rows known from metrics; no plan";
    "API Gateway" "GetStage": "apigateway:GET" on "arn:aws:apigateway:*::/restapis/*/stages/*",
        "a stage's settings, reading back", "its cache, canary, log and limits are `?`; no plan to throttle, flush or close";
    "API Gateway" "GetStages": "apigateway:GET" on "arn:aws:apigateway:*::/restapis/*/stages",
        "stages and their web ACLs", "the web ACL is `?`; no plan";
    "API Gateway" "GetUsagePlans": "apigateway:GET" on "arn:aws:apigateway:*::/usageplans",
        "limits of single clients", "they are `?`; `throttle.limits` says that its answer is partial";
    "ApiGatewayV2" "GetApis": "apigateway:GET" on "arn:aws:apigateway:*::/apis",
        "which HTTP APIs there are", "no plan to throttle one";
    "ApiGatewayV2" "GetRoutes": "apigateway:GET" on "arn:aws:apigateway:*::/apis/*/routes",
        "the routes of an HTTP API", "`throttle.method` is `unknown`";
    "ApiGatewayV2" "GetStage": "apigateway:GET" on "arn:aws:apigateway:*::/apis/*/stages/*",
        "a stage of an HTTP API, reading back", "no plan to throttle it";
    "ApiGatewayV2" "GetStages": "apigateway:GET" on "arn:aws:apigateway:*::/apis/*/stages",
        "the stages of an HTTP API", "its stages are known from metrics only";
    "CloudWatch" "GetMetricData": "cloudwatch:GetMetricData" on "*",
        "every figure and signal", "figures are `?`";
    "CloudWatch" "ListMetrics": "cloudwatch:ListMetrics" on "*",
        "which stages are active; the names of WAF's series", "WAF's figures may be `?`";
    "CloudWatch Logs" "DescribeMetricFilters": "logs:DescribeMetricFilters" on "arn:aws:logs:*:*:log-group:*",
        "an existing metric of throttled requests", "throttling is known from access logs only";
    "CloudWatch Logs" "GetQueryResults": "logs:GetQueryResults" on "*",
        "the answers of queries over access logs", "throttling is `?`, sources are WAF's samples only";
    "CloudWatch Logs" "StartQuery": "logs:StartQuery" on "arn:aws:logs:*:*:log-group:*",
        "throttled requests and who sends them, from access logs", "throttling is `?`, sources are WAF's samples only";
    "CloudWatch Logs" "StopQuery": "logs:StopQuery" on "*",
        "ending a query that takes too long", "it runs on and is billed";
    "STS" "GetCallerIdentity": "" on "", "account and caller", "nothing can be written";
    "WAFV2" "GetIPSet": "wafv2:GetIPSet" on "*", "plans, reading back", "no plan to block";
    "WAFV2" "GetRateBasedStatementManagedKeys": "wafv2:GetRateBasedStatementManagedKeys" on "*",
        "who is over the limit of a rate rule now", "how many are is `?`";
    "WAFV2" "GetRuleGroup": "wafv2:GetRuleGroup" on "*",
        "is the IP set effective?", "`unknown` where a group runs earlier; its own sets are not found";
    "WAFV2" "GetSampledRequests": "wafv2:GetSampledRequests" on "*",
        "sources, legitimate callers, proof of effect", "no sources; those guards are `unknown`";
    "WAFV2" "GetWebACL": "wafv2:GetWebACL" on "*", "rules in order", "its rules are `?`; no sources, no plan to block";
    "WAFV2" "ListIPSets": "wafv2:ListIPSets" on "*",
        "is an IP set of a name there already?", "no plan to prepare a closed web ACL";
    "WAFV2" "ListResourcesForWebACL": "wafv2:ListResourcesForWebACL" on "*", "blast radius", "that guard is `unknown`";
    "WAFV2" "ListTagsForResource": "wafv2:ListTagsForResource" on "*",
        "is the IP set managed by code?", "a warning";
    "WAFV2" "ListWebACLs": "wafv2:ListWebACLs" on "*",
        "the closed web ACL by its name", "name it by ARN instead";
    "API Gateway" "FlushStageCache" (writes): "apigateway:DELETE" on "arn:aws:apigateway:*::/restapis/*/stages/*/cache/data",
        "`flush-cache`", "refused by AWS, nothing changes";
    "API Gateway" "FlushStageAuthorizersCache" (writes): "apigateway:DELETE" on "arn:aws:apigateway:*::/restapis/*/stages/*/cache/authorizers",
        "`flush-cache --authorizers`", "refused by AWS, nothing changes";
    "API Gateway" "CreateDeployment" (writes): "apigateway:POST" on "arn:aws:apigateway:*::/restapis/*/deployments",
        "the snapshot that `kill-switch` proves and uses", "the draft is restored, nothing else changes";
    "API Gateway" "UpdateRestApi" (writes): "apigateway:PATCH" on "arn:aws:apigateway:*::/restapis/*",
        "the draft's policy, for less than three seconds; `apigateway:UpdateRestApiPolicy` as well", "refused by AWS, nothing changes";
    "API Gateway" "UpdateStage" (writes): "apigateway:PATCH" on "arn:aws:apigateway:*::/restapis/*/stages/*",
        "`throttle`, `close --by throttle-zero` and their undo", "refused by AWS, nothing changes";
    "ApiGatewayV2" "UpdateStage" (writes): "apigateway:PATCH" on "arn:aws:apigateway:*::/apis/*/stages/*",
        "`throttle` on an HTTP API and its undo", "refused by AWS, nothing changes";
    "ApiGatewayV2" "DeleteRouteSettings" (writes): "apigateway:DELETE" on "arn:aws:apigateway:*::/apis/*/stages/*/routesettings/*",
        "the undo of `throttle` on a route of an HTTP API that had no settings of its own", "the route keeps its limit";
    "WAFV2" "AssociateWebACL" (writes): "wafv2:AssociateWebACL" on "*",
        "`close --by web-acl` and its undo; `apigateway:SetWebACL` on the stage as well", "refused by AWS, nothing changes";
    "WAFV2" "CreateIPSet" (writes): "wafv2:CreateIPSet" on "arn:aws:wafv2:*:*:regional/ipset/*",
        "`prepare-closed-web-acl`", "refused by AWS, nothing changes";
    "WAFV2" "CreateWebACL" (writes): "wafv2:CreateWebACL" on "*",
        "`prepare-closed-web-acl`; it names the web ACL and the IP sets it refers to", "refused by AWS; the IP sets made before stay until undone";
    "WAFV2" "DeleteIPSet" (writes): "wafv2:DeleteIPSet" on "arn:aws:wafv2:*:*:regional/ipset/*",
        "the undo of `prepare-closed-web-acl`", "the IP sets stay";
    "WAFV2" "DeleteWebACL" (writes): "wafv2:DeleteWebACL" on "arn:aws:wafv2:*:*:regional/webacl/*",
        "the undo of `prepare-closed-web-acl`", "refused by AWS, nothing changes";
    "WAFV2" "DisassociateWebACL" (writes): "wafv2:DisassociateWebACL" on "*",
        "the undo of `close --by web-acl` where there was none before; `apigateway:SetWebACL` as well", "the closure stays until somebody else undoes it";
    "WAFV2" "UpdateIPSet" (writes): "wafv2:UpdateIPSet" on "arn:aws:wafv2:*:*:regional/ipset/*",
        "`block-ip`, `allow-ip` and their undo", "refused by AWS, nothing changes";
}

/// What swapping a web ACL needs besides WAF's own actions (AWS's managed policy `AWSWAFConsoleFullAccess`).
pub const SET_WEB_ACL: (&str, &str) = ("apigateway:SetWebACL", "arn:aws:apigateway:*::/restapis/*/stages/*");

/// What a change of a resource policy needs besides `PATCH` (documented).
pub const UPDATE_POLICY: (&str, &str) = ("apigateway:UpdateRestApiPolicy", "arn:aws:apigateway:*::/restapis/*");

/// An IAM policy for whoever looks, or for whoever responds: statements by resource, actions sorted.
#[must_use]
pub fn policy(responder: bool) -> serde_json::Value {
    let mut by_resource: std::collections::BTreeMap<&str, std::collections::BTreeSet<&str>> =
        std::collections::BTreeMap::new();
    for permission in PERMISSIONS.iter().filter(|p| !p.action.is_empty() && (responder || !p.writes)) {
        by_resource.entry(permission.resource).or_default().insert(permission.action);
    }
    if responder {
        by_resource.entry(SET_WEB_ACL.1).or_default().insert(SET_WEB_ACL.0);
        by_resource.entry(UPDATE_POLICY.1).or_default().insert(UPDATE_POLICY.0);
    }
    let mut by_actions: std::collections::BTreeMap<Vec<&str>, Vec<&str>> = std::collections::BTreeMap::new();
    for (resource, actions) in by_resource {
        by_actions.entry(actions.into_iter().collect()).or_default().push(resource);
    }
    let statements: Vec<_> = by_actions
        .into_iter()
        .map(|(actions, resources)| serde_json::json!({ "Effect": "Allow", "Action": actions, "Resource": resources }))
        .collect();
    serde_json::json!({ "Version": "2012-10-17", "Statement": statements })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::gate::READS;

    #[test]
    fn reads_are_what_the_gate_lets_through() {
        let mut reads: Vec<_> = PERMISSIONS.iter().filter(|p| !p.writes).map(|p| (p.service, p.operation)).collect();
        reads.sort_unstable();
        let mut gate = READS.to_vec();
        gate.sort_unstable();
        assert_eq!(reads, gate);
    }

    #[test]
    fn a_read_only_policy_writes_nothing() {
        let text = policy(false).to_string();
        for verb in ["PATCH", "DELETE", "POST", "PUT", "Update", "Create", "Delete", "Associate", "SetWebACL"] {
            assert!(!text.contains(verb), "{verb}");
        }
        assert!(policy(true).to_string().contains("apigateway:SetWebACL"));
    }
}
