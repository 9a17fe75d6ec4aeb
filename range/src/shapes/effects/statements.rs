//! `WAFv2`: what rules look at. What the evaluation of traffic knows is evaluated; the rest is refused, so that no
//! drill proves a block that AWS would not make.

use super::{Row, Values, all};

const FORWARDED: &str = "rates are counted by the address that calls";
const FINGERPRINT: &str = "AWS has fingerprints of CloudFront and load balancers only, and the range of neither";

/// What the range does with the members of each shape.
pub(super) const ROWS: &[Row] = &[
    Row {
        refused: &[
            ("RegexPatternSetReferenceStatement", "the range has no regex pattern sets"),
            ("AsnMatchStatement", "the range does not know the networks of addresses"),
        ],
        ..all(
            "Statement",
            "ByteMatchStatement SqliMatchStatement XssMatchStatement SizeConstraintStatement GeoMatchStatement \
             RuleGroupReferenceStatement IPSetReferenceStatement RateBasedStatement AndStatement OrStatement \
             NotStatement ManagedRuleGroupStatement LabelMatchStatement RegexMatchStatement",
        )
    },
    all("AndStatement", "Statements"),
    all("OrStatement", "Statements"),
    all("NotStatement", "Statement"),
    all(
        "ByteMatchStatement",
        "SearchString FieldToMatch TextTransformations PositionalConstraint PreParseTextTransformations",
    ),
    all("RegexMatchStatement", "RegexString FieldToMatch TextTransformations PreParseTextTransformations"),
    all(
        "SizeConstraintStatement",
        "FieldToMatch ComparisonOperator Size TextTransformations PreParseTextTransformations",
    ),
    Row {
        without: &[("SensitivityLevel", "the range's approximation has one sensitivity")],
        ..all("SqliMatchStatement", "FieldToMatch TextTransformations PreParseTextTransformations")
    },
    all("XssMatchStatement", "FieldToMatch TextTransformations PreParseTextTransformations"),
    Row {
        refused: &[
            ("UriFragment", "requests of the range have no fragment"),
            ("JA3Fingerprint JA4Fingerprint", FINGERPRINT),
        ],
        ..all(
            "FieldToMatch",
            "SingleHeader SingleQueryArgument AllQueryArguments UriPath QueryString Body Method JsonBody Headers Cookies \
             HeaderOrder",
        )
    },
    all("SingleHeader", "Name"),
    all("SingleQueryArgument", "Name"),
    all("Body", "OversizeHandling"),
    all("TextTransformation", "Priority Type"),
    all("GeoMatchStatement", "CountryCodes ForwardedIPConfig"),
    all("LabelMatchStatement", "Scope Key"),
    all("IPSetReferenceStatement", "ARN IPSetForwardedIPConfig"),
    all("IPSetForwardedIPConfig", "HeaderName FallbackBehavior Position"),
    Row {
        refused: &[("ForwardedIPConfig", FORWARDED), ("CustomKeys", "rates are counted by address or all together")],
        ..all("RateBasedStatement", "Limit EvaluationWindowSec AggregateKeyType ScopeDownStatement")
    },
    all("RuleGroupReferenceStatement", "ARN ExcludedRules RuleActionOverrides"),
    Row {
        without: &[("Version", "the range has one version of each managed group")],
        refused: &[("ManagedRuleGroupConfigs", "the range's managed groups have nothing to configure")],
        ..all("ManagedRuleGroupStatement", "VendorName Name ExcludedRules ScopeDownStatement RuleActionOverrides")
    },
    all("ExcludedRule", "Name"),
    all("RuleActionOverride", "Name ActionToUse"),
    // Reached once what they stand in is evaluated.
    all("AsnMatchStatement", "AsnList ForwardedIPConfig"),
    all("ForwardedIPConfig", "HeaderName FallbackBehavior"),
    all("RegexPatternSetReferenceStatement", "ARN FieldToMatch TextTransformations PreParseTextTransformations"),
    all("PreParseTextTransformation", "Priority Type"),
    all("JsonBody", "MatchPattern MatchScope InvalidFallbackBehavior OversizeHandling"),
    all("JsonMatchPattern", "All IncludedPaths"),
    all("Headers", "MatchPattern MatchScope OversizeHandling"),
    all("HeaderMatchPattern", "All IncludedHeaders ExcludedHeaders"),
    all("Cookies", "MatchPattern MatchScope OversizeHandling"),
    all("CookieMatchPattern", "All IncludedCookies ExcludedCookies"),
    all("HeaderOrder", "OversizeHandling"),
    all("UriFragment", "FallbackBehavior"),
    Row {
        refused: &[("ChallengeJavascriptSdkInjection", "the range answers no pages that scripts could be put into")],
        ..all("AssociationConfig", "RequestBody")
    },
    all("RequestBodyAssociatedResourceTypeConfig", "DefaultSizeInspectionLimit"),
];

/// Values that are refused.
pub(super) const VALUES: &[Values] = &[
    Values {
        shape: "RateBasedStatementAggregateKeyType",
        refused: "FORWARDED_IP CUSTOM_KEYS",
        reason: "rates are counted by address or all together",
    },
    Values {
        shape: "TextTransformationType",
        refused: "CMD_LINE_WIN CMD_LINE_UNIX JS_DECODE_EXT",
        reason: "no description of it is exact enough",
    },
];
