//! What the range does not evaluate it refuses by name, and what AWS refuses it refuses as well.

use serde_json::{Value, json};

use crate::client::{Answer, Client, rule, visibility};

fn create(statement: &Value) -> Answer {
    Client::new().waf(
        "CreateWebACL",
        json!({
            "Name": "acl", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility("acl"),
            "Rules": [rule("r", 0, statement)],
        }),
    )
}

fn bytes(field: &Value, transformations: &Value) -> Value {
    json!({"ByteMatchStatement": {"SearchString": "YQ==", "FieldToMatch": field, "PositionalConstraint": "CONTAINS",
        "TextTransformations": transformations}})
}

fn none() -> Value {
    json!([{"Priority": 0, "Type": "NONE"}])
}

fn regex(pattern: &str) -> Value {
    json!({"RegexMatchStatement": {"RegexString": pattern, "FieldToMatch": {"UriPath": {}},
        "TextTransformations": none()}})
}

/// A rule that cannot be evaluated is not taken: the error names the range and the statement. (the range's own promise)
#[test]
fn what_is_not_evaluated_is_refused_by_name() {
    let transformed = |name: &str| bytes(&json!({"UriPath": {}}), &json!([{"Priority": 0, "Type": name}]));
    let rate = |kind: &str| json!({"RateBasedStatement": {"Limit": 100, "AggregateKeyType": kind}});
    let set = json!({"RegexPatternSetReferenceStatement": {"ARN": "arn:aws:wafv2:eu-central-1:111122223333:regional/regexpatternset/a/b", "FieldToMatch": {"UriPath": {}},
        "TextTransformations": none()}});
    let cases = [
        ("JA3Fingerprint", bytes(&json!({"JA3Fingerprint": {"FallbackBehavior": "MATCH"}}), &none())),
        ("JA4Fingerprint", bytes(&json!({"JA4Fingerprint": {"FallbackBehavior": "MATCH"}}), &none())),
        ("UriFragment", bytes(&json!({"UriFragment": {}}), &none())),
        ("AsnMatchStatement", json!({"AsnMatchStatement": {"AsnList": [64496]}})),
        ("RegexPatternSetReferenceStatement", set),
        ("CMD_LINE_WIN", transformed("CMD_LINE_WIN")),
        ("CMD_LINE_UNIX", transformed("CMD_LINE_UNIX")),
        ("JS_DECODE_EXT", transformed("JS_DECODE_EXT")),
        ("FORWARDED_IP", rate("FORWARDED_IP")),
        ("CUSTOM_KEYS", rate("CUSTOM_KEYS")),
        ("RegexMatchStatement", regex("(?=ahead)")),
        ("RegexMatchStatement", regex("(?<!behind)x")),
    ];
    for (name, statement) in cases {
        let inside = json!({"NotStatement": {"Statement": statement}});
        for statement in [statement, inside] {
            let answer = create(&statement);
            let words = answer.body["message"].as_str().unwrap_or("").replace('`', "").replace("the value ", "");
            let expected = format!("The Portcullis range does not evaluate {name}");
            assert!(words.contains(&expected), "{statement}: {}", answer.body);
            assert_eq!(answer.refused(), (400, "WAFInvalidParameterException".to_owned()));
        }
    }
}

/// (documented: service model, `waf-rule-statement-type-regex-match.html`, `API_ByteMatchStatement.html`)
// Long: one row a mistake.
#[test]
fn what_aws_refuses_is_refused() {
    let field = |field: &Value| bytes(field, &none());
    let entry = |priority: i64, name: &str| json!({"Priority": priority, "Type": name});
    let path = json!({"UriPath": {}});
    let mut word = bytes(&path, &none());
    word["ByteMatchStatement"]["PositionalConstraint"] = "CONTAINS_WORD".into();
    word["ByteMatchStatement"]["SearchString"] = "YS1i".into();
    let mut early = bytes(&path, &none());
    early["ByteMatchStatement"]["PreParseTextTransformations"] = json!([entry(0, "URL_DECODE")]);
    let map = |pattern: &Value, scope: &str, oversize: &str| {
        let map = json!({"MatchPattern": pattern, "MatchScope": scope, "OversizeHandling": oversize});
        json!({ "Headers": map })
    };
    let all = json!({"All": {}});
    let cases = [
        ("a broken regular expression", regex("(")),
        ("a back-reference", regex(r"(a)\1")),
        ("an atomic group", regex("(?>a)")),
        ("no component", field(&json!({}))),
        ("two components", field(&json!({"Method": {}, "UriPath": {}}))),
        ("a made-up component", field(&json!({"Trailer": {}}))),
        ("a header without a name", field(&json!({"SingleHeader": {}}))),
        ("no transformations", bytes(&path, &Value::Null)),
        ("an empty list of transformations", bytes(&path, &json!([]))),
        ("a made-up transformation", bytes(&path, &json!([entry(0, "ROT13")]))),
        ("equal priorities", bytes(&path, &json!([entry(0, "NONE"), entry(0, "LOWERCASE")]))),
        ("a negative priority", bytes(&path, &json!([entry(-1, "NONE")]))),
        ("a word that is none", word),
        ("a change to a query that is not asked about", early),
        ("headers without a pattern", field(&map(&json!({}), "ALL", "CONTINUE"))),
        ("headers with two patterns", field(&map(&json!({"All": {}, "IncludedHeaders": ["a"]}), "ALL", "CONTINUE"))),
        ("headers of a made-up scope", field(&map(&all, "BOTH", "CONTINUE"))),
        ("headers of a made-up size", field(&map(&all, "ALL", "MAYBE"))),
        ("cookies' names for headers", field(&map(&json!({"IncludedCookies": ["a"]}), "ALL", "CONTINUE"))),
        ("JSON without a scope", field(&json!({"JsonBody": {"MatchPattern": all}}))),
        ("JSON without a pattern", field(&json!({"JsonBody": {"MatchScope": "ALL"}}))),
        (
            "JSON with a path that is none",
            field(&json!({"JsonBody":
            {"MatchPattern": {"IncludedPaths": ["a"]}, "MatchScope": "ALL"}})),
        ),
        (
            "JSON with a made-up fallback",
            field(&json!({"JsonBody":
            {"MatchPattern": all, "MatchScope": "ALL", "InvalidFallbackBehavior": "X"}})),
        ),
        ("no countries", json!({"GeoMatchStatement": {"CountryCodes": []}})),
        ("a made-up scope of a label", json!({"LabelMatchStatement": {"Scope": "ALL", "Key": "a"}})),
        (
            "a made-up comparison",
            json!({"SizeConstraintStatement": {"FieldToMatch": path, "ComparisonOperator": "IS",
            "Size": 1, "TextTransformations": none()}}),
        ),
    ];
    for (what, statement) in cases {
        let answer = create(&statement);
        assert_eq!(answer.status, 400, "{what}: {}", answer.body);
        let error = answer.refused().1;
        assert!(["WAFInvalidParameterException", "ValidationException"].contains(&error.as_str()), "{what}: {error}");
    }
}

/// What is evaluated is taken and answered as it was sent. (documented: service model)
#[test]
fn what_is_evaluated_is_taken() {
    let all = json!({"All": {}});
    let map = json!({"MatchPattern": all, "MatchScope": "ALL", "OversizeHandling": "CONTINUE"});
    let fields = [
        json!({"Method": {}}),
        json!({"UriPath": {}}),
        json!({"QueryString": {}}),
        json!({"AllQueryArguments": {}}),
        json!({"SingleQueryArgument": {"Name": "a"}}),
        json!({"SingleHeader": {"Name": "a"}}),
        json!({"Body": {}}),
        json!({"Body": {"OversizeHandling": "MATCH"}}),
        json!({"JsonBody": {"MatchPattern": {"IncludedPaths": ["/a"]}, "MatchScope": "KEY",
            "InvalidFallbackBehavior": "EVALUATE_AS_STRING", "OversizeHandling": "NO_MATCH"}}),
        json!({ "Headers": map }),
        json!({ "Cookies": map }),
        json!({"HeaderOrder": {"OversizeHandling": "CONTINUE"}}),
    ];
    for field in fields {
        create(&bytes(&field, &none())).ok();
    }
}
