//! Inputs that AWS's published constraints do not allow, and members that the range does not evaluate, on the wire.

use serde_json::{Value, json};

use crate::client::{Client, rule, visibility};

fn message(body: &Value) -> &str {
    body["message"].as_str().unwrap()
}

/// All that is wrong is told at once, with the way to it. (users' reports: pulumi-aws 2357)
#[test]
fn waf_tells_every_broken_constraint() {
    let mut client = Client::new();
    let byte = json!({"ByteMatchStatement": {
        "SearchString": "YQ==", "PositionalConstraint": "SOMEWHERE", "TextTransformations": []}});
    let mut first = rule("r", 0, &byte);
    first["Priority"] = json!(-1);
    let answer = client.waf(
        "CreateWebACL",
        json!({"Name": "a b", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "Rules": [first],
            "VisibilityConfig": visibility("acl")}),
    );
    let words = message(&answer.body).to_owned();
    assert_eq!(answer.refused(), (400, "ValidationException".to_owned()));
    assert!(words.starts_with("5 validation errors detected: "), "{words}");
    for part in [
        "Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[\\w\\-]+$",
        "Value '-1' at 'rules.1.member.priority' failed to satisfy constraint: Member must have value greater than or \
         equal to 0",
        "Value null at 'rules.1.member.statement.byteMatchStatement.fieldToMatch' failed to satisfy constraint: Member \
         must not be null",
        "Value 'SOMEWHERE' at 'rules.1.member.statement.byteMatchStatement.positionalConstraint' failed to satisfy \
         constraint: Member must satisfy enum value set: [EXACTLY, STARTS_WITH, ENDS_WITH, CONTAINS, CONTAINS_WORD]",
        "Value '[]' at 'rules.1.member.statement.byteMatchStatement.textTransformations' failed to satisfy constraint: \
         Member must have length greater than or equal to 1",
    ] {
        assert!(words.contains(part), "{words}\n{part}");
    }
}

/// Each service has its own name for it. (service models; moto; users' reports)
#[test]
fn each_service_names_a_broken_constraint_its_own_way() {
    let mut client = Client::new();
    let api = client.api();
    let logs = client.logs("DescribeLogGroups", json!({"logGroupNamePrefix": ""}));
    assert_eq!(
        message(&logs.body),
        "2 validation errors detected: Value '' at 'logGroupNamePrefix' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+; Value '' at 'logGroupNamePrefix' failed to satisfy \
         constraint: Member must have length greater than or equal to 1"
    );
    assert_eq!(logs.refused().1, "InvalidParameterException");
    let metrics = client.metrics("ListMetrics", &json!({"MetricName": ""}));
    assert_eq!(metrics.refused().1, "ValidationError");
    let key = client.rest("POST", "/restapis", json!({"name": "a", "apiKeySource": "POCKET"}));
    assert_eq!(
        message(&key.body),
        "1 validation error detected: Value 'POCKET' at 'createRestApiInput.apiKeySource' failed to satisfy constraint: \
         Member must satisfy enum value set: [HEADER, AUTHORIZER]"
    );
    assert_eq!(key.refused(), (400, "ValidationException".to_owned()));
    let stage = client.rest("POST", &format!("/restapis/{api}/stages"), json!({"stageName": "x"}));
    assert_eq!(stage.refused(), (400, "BadRequestException".to_owned()));
    let http = client.rest("POST", "/v2/apis", json!({"protocolType": "HTTP"}));
    assert_eq!(http.refused(), (400, "BadRequestException".to_owned()));
    let trail = client.trail(json!({"MaxResults": 51}));
    assert_eq!(trail.refused().1, "InvalidMaxResultsException");
}

/// A value of another type cannot be read. (users' reports)
#[test]
fn a_value_of_another_type_cannot_be_read() {
    let mut client = Client::new();
    let answer = client.waf("ListIPSets", json!({"Scope": "REGIONAL", "Limit": "ten"}));
    assert_eq!(message(&answer.body), "STRING_VALUE can not be converted to an Integer");
    assert_eq!(answer.refused(), (400, "SerializationException".to_owned()));
}

/// What the range does not evaluate it refuses, in words that name the range, the member and the place.
#[test]
fn what_is_not_evaluated_is_refused_by_name() {
    let mut client = Client::new();
    let json_body = json!({"ByteMatchStatement": {
        "SearchString": "YQ==", "PositionalConstraint": "CONTAINS",
        "FieldToMatch": {"JA3Fingerprint": {"FallbackBehavior": "MATCH"}},
        "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}});
    let answer = client.waf(
        "CreateWebACL",
        json!({"Name": "acl", "Scope": "REGIONAL", "DefaultAction": {"Allow": {}},
            "Rules": [rule("r", 0, &json_body)], "VisibilityConfig": visibility("acl")}),
    );
    let words = message(&answer.body).to_owned();
    assert!(
        words.starts_with(
            "The Portcullis range does not evaluate `JA3Fingerprint` of CreateWebACL (at \
             rules.1.member.statement.byteMatchStatement.fieldToMatch.jA3Fingerprint): "
        ),
        "{words}"
    );
    assert_eq!(answer.refused().1, "WAFInvalidParameterException");
    let cloned = client.rest("POST", "/restapis", json!({"name": "a", "cloneFrom": "b"}));
    assert!(message(&cloned.body).starts_with("The Portcullis range does not evaluate `cloneFrom` of CreateRestApi"));
    let exported = client.api();
    let export =
        client.get(&format!("/restapis/{exported}/stages/prod/exports/oas30?extensions=postman&flavour=sweet"));
    assert_eq!(
        message(&export.body),
        "The Portcullis range does not know `flavour` of GetExport (at getExportInput.flavour)"
    );
}
