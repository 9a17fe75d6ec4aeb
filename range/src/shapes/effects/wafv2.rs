//! `WAFv2`: IP sets, rule groups and web ACLs. Statements are in `statements`.

use super::{KEPT, Row, all, none};

const IMMUNITY: &str = "no token of the range ages";
const INSERTED: &str = "headers that WAF adds go to backends, which look at none here";
const DROPPED: &str = "the range has no payments";
const ONE_PAGE: &str = "tags come on one page";

/// What the range does with the members of each shape.
pub(super) const ROWS: &[Row] = &[
    all("AssociateWebACLRequest", "WebACLArn ResourceArn"),
    all("DisassociateWebACLRequest", "ResourceArn"),
    all("GetWebACLForResourceRequest", "ResourceArn"),
    all("ListResourcesForWebACLRequest", "WebACLArn ResourceType"),
    // IP sets
    Row {
        without: &[("Description Tags", KEPT)],
        ..all("CreateIPSetRequest", "Name Scope IPAddressVersion Addresses")
    },
    Row { without: &[("Description", KEPT)], ..all("UpdateIPSetRequest", "Name Scope Id Addresses LockToken") },
    all("GetIPSetRequest", "Name Scope Id"),
    all("DeleteIPSetRequest", "Name Scope Id LockToken"),
    all("ListIPSetsRequest", "Scope NextMarker Limit"),
    // Rule groups
    Row {
        without: &[("Description Tags CustomResponseBodies", KEPT)],
        refused: &[("MonetizationConfig", DROPPED)],
        ..all("CreateRuleGroupRequest", "Name Scope Capacity Rules VisibilityConfig")
    },
    Row {
        without: &[("Description CustomResponseBodies", KEPT)],
        refused: &[("MonetizationConfig", DROPPED)],
        ..all("UpdateRuleGroupRequest", "Name Scope Id Rules VisibilityConfig LockToken")
    },
    all("GetRuleGroupRequest", "Name Scope Id ARN"),
    all("DeleteRuleGroupRequest", "Name Scope Id LockToken"),
    all("ListRuleGroupsRequest", "Scope NextMarker Limit"),
    // Web ACLs
    Row {
        without: WEB_ACL_WITHOUT,
        refused: WEB_ACL_REFUSED,
        ..all("CreateWebACLRequest", "Name Scope DefaultAction Rules VisibilityConfig AssociationConfig")
    },
    Row {
        without: WEB_ACL_WITHOUT_TAGS,
        refused: WEB_ACL_REFUSED,
        ..all("UpdateWebACLRequest", "Name Scope Id DefaultAction Rules VisibilityConfig LockToken AssociationConfig")
    },
    all("GetWebACLRequest", "Name Scope Id ARN"),
    all("DeleteWebACLRequest", "Name Scope Id LockToken"),
    all("ListWebACLsRequest", "Scope NextMarker Limit"),
    none("ApplicationConfig", &[("Attributes", KEPT)]),
    none("ApplicationAttribute", &[("Name Values", KEPT)]),
    none("CaptchaConfig", &[("ImmunityTimeProperty", IMMUNITY)]),
    none("ChallengeConfig", &[("ImmunityTimeProperty", IMMUNITY)]),
    none("ImmunityTimeProperty", &[("ImmunityTime", IMMUNITY)]),
    none("OnSourceDDoSProtectionConfig", &[("ALBLowReputationMode", BALANCERS)]),
    none("CustomResponseBody", &[("ContentType Content", KEPT)]),
    // Rules
    Row {
        without: &[("CaptchaConfig ChallengeConfig", IMMUNITY)],
        ..all("Rule", "Name Priority Statement Action OverrideAction RuleLabels VisibilityConfig")
    },
    Row { refused: &[("Monetize", DROPPED)], ..all("RuleAction", "Block Allow Count Captcha Challenge") },
    all("DefaultAction", "Block Allow"),
    all("OverrideAction", "Count None"),
    all("BlockAction", "CustomResponse"),
    Row {
        refused: &[("CustomResponseBodyKey ResponseHeaders", "blocked callers get a status and no body of their own")],
        ..all("CustomResponse", "ResponseCode")
    },
    none("AllowAction", &[("CustomRequestHandling", INSERTED)]),
    none("CountAction", &[("CustomRequestHandling", INSERTED)]),
    none("CaptchaAction", &[("CustomRequestHandling", INSERTED)]),
    none("ChallengeAction", &[("CustomRequestHandling", INSERTED)]),
    none("CustomRequestHandling", &[("InsertHeaders", INSERTED)]),
    none("CustomHTTPHeader", &[("Name Value", INSERTED)]),
    all("Label", "Name"),
    all("VisibilityConfig", "SampledRequestsEnabled CloudWatchMetricsEnabled MetricName"),
    // Tags, samples, limited addresses
    Row { refused: &[("NextMarker Limit", ONE_PAGE)], ..all("ListTagsForResourceRequest", "ResourceARN") },
    all("TagResourceRequest", "ResourceARN Tags"),
    all("Tag", "Key Value"),
    all("GetSampledRequestsRequest", "WebAclArn RuleMetricName Scope TimeWindow MaxItems"),
    all("TimeWindow", "StartTime EndTime"),
    all("GetRateBasedStatementManagedKeysRequest", "Scope WebACLName WebACLId RuleGroupRuleName RuleName"),
];

const BALANCERS: &str = "it acts on load balancers, of which the range has none";
const DOMAINS: &str = "the range's tokens are of no domain";

const WEB_ACL_WITHOUT_TAGS: &[super::Members] = &[
    ("Description CustomResponseBodies ApplicationConfig", KEPT),
    ("CaptchaConfig ChallengeConfig", IMMUNITY),
    ("TokenDomains", DOMAINS),
    ("OnSourceDDoSProtectionConfig", BALANCERS),
];

const WEB_ACL_WITHOUT: &[super::Members] = &[
    ("Description Tags CustomResponseBodies ApplicationConfig", KEPT),
    ("CaptchaConfig ChallengeConfig", IMMUNITY),
    ("TokenDomains", DOMAINS),
    ("OnSourceDDoSProtectionConfig", BALANCERS),
];

const WEB_ACL_REFUSED: &[super::Members] = &[
    ("DataProtectionConfig", "samples would show what it is to hide"),
    ("MonetizationConfig", DROPPED),
    ("AnalyticsConfig", "the range has no analytics of WAF's"),
];
