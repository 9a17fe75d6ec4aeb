//! Every name in AWS's service model (`wafv2`, 2019-07-29, as of botocore 1.44.8) is evaluated, or refused by the
//! tables.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::json;

use super::*;

const STATEMENTS: [&str; 17] = [
    "ByteMatchStatement",
    "SqliMatchStatement",
    "XssMatchStatement",
    "SizeConstraintStatement",
    "GeoMatchStatement",
    "RuleGroupReferenceStatement",
    "IPSetReferenceStatement",
    "RegexPatternSetReferenceStatement",
    "RateBasedStatement",
    "AndStatement",
    "OrStatement",
    "NotStatement",
    "ManagedRuleGroupStatement",
    "LabelMatchStatement",
    "RegexMatchStatement",
    "AsnMatchStatement",
    // A made-up one, to see the check at work.
    "MadeUpStatement",
];

const FIELDS: [&str; 15] = [
    "SingleHeader",
    "SingleQueryArgument",
    "AllQueryArguments",
    "UriPath",
    "QueryString",
    "Body",
    "Method",
    "JsonBody",
    "Headers",
    "Cookies",
    "HeaderOrder",
    "JA3Fingerprint",
    "JA4Fingerprint",
    "UriFragment",
    "MadeUp",
];

const TRANSFORMATIONS: [&str; 32] = [
    "NONE",
    "COMPRESS_WHITE_SPACE",
    "HTML_ENTITY_DECODE",
    "LOWERCASE",
    "CMD_LINE",
    "URL_DECODE",
    "BASE64_DECODE",
    "HEX_DECODE",
    "MD5",
    "REPLACE_COMMENTS",
    "ESCAPE_SEQ_DECODE",
    "SQL_HEX_DECODE",
    "CSS_DECODE",
    "JS_DECODE",
    "NORMALIZE_PATH",
    "NORMALIZE_PATH_WIN",
    "REMOVE_NULLS",
    "REPLACE_NULLS",
    "BASE64_DECODE_EXT",
    "URL_DECODE_UNI",
    "UTF8_TO_UNICODE",
    "REMOVE_WHITESPACE",
    "TRIM",
    "TRIM_LEFT",
    "TRIM_RIGHT",
    "REMOVE_COMMENTS_CHAR",
    "UPPERCASE",
    "CMD_LINE_WIN",
    "CMD_LINE_UNIX",
    "JS_DECODE_EXT",
    "SHA256",
    "MADE_UP",
];

/// A statement that asks for a component with a transformation; the component has every member that any of them needs.
fn ask(field: &str, transformation: &str) -> Result<(), AwsError> {
    let pattern = if field == "JsonBody" { json!({"IncludedPaths": ["/a"]}) } else { json!({"All": {}}) };
    let component = json!({"Name": "a", "MatchPattern": pattern, "MatchScope": "ALL", "OversizeHandling": "CONTINUE",
        "FallbackBehavior": "MATCH"});
    let body = json!({"SearchString": "YQ==", "PositionalConstraint": "CONTAINS",
        "FieldToMatch": {field: component}, "TextTransformations": [{"Priority": 0, "Type": transformation}]});
    check("ByteMatchStatement", &body)
}

/// Whether a check is passed, or what is asked for is in the table and the error says so.
fn evaluated(shape: &str, member: &str, checked: Result<(), AwsError>) -> bool {
    match (checked, reason(shape, member)) {
        (Ok(()), None) => true,
        (Err(error), Some(_)) => {
            error.message.contains("The Portcullis range does not evaluate") && {
                assert!(error.message.contains(member), "{error}");
                true
            }
        }
        (Err(error), None) => {
            assert!(!error.message.contains("Portcullis"), "{error}");
            false
        }
        (Ok(()), Some(why)) => panic!("{member} is taken, but {why}"),
    }
}

#[test]
fn no_component_and_no_transformation_is_passed_over_in_silence() {
    for field in FIELDS {
        assert_eq!(evaluated("FieldToMatch", field, ask(field, "NONE")), field != "MadeUp", "{field}");
    }
    for name in TRANSFORMATIONS {
        assert_eq!(evaluated("TextTransformationType", name, ask("UriPath", name)), name != "MADE_UP", "{name}");
    }
}

/// Statements by their names alone: those that take anything are checked elsewhere, the others miss their members, and
/// only the made-up one is not known.
#[test]
fn no_statement_is_passed_over_in_silence() {
    for kind in STATEMENTS {
        let known = match check(kind, &json!({})) {
            Ok(()) => ["Group", "IPSet", "RateBased", "And", "Or", "Not"].iter().any(|other| kind.contains(other)),
            Err(error) => {
                let listed = reason("Statement", kind).is_some();
                listed == error.message.contains("The Portcullis range does not evaluate")
            }
        };
        assert_eq!(known, kind != "MadeUpStatement", "{kind}");
    }
}
