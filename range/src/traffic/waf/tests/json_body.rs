//! `JsonBody`: `API_JsonBody.html` and the section "JSON body" of `waf-rule-statement-fields-list.html`.

use super::support::*;
use super::*;

const PAGE: &str = "waf-rule-statement-fields-list.html, JSON body";

fn json_body(pattern: &Value, scope: &str, fallback: Option<&str>) -> Value {
    let mut body = json!({"MatchPattern": pattern, "MatchScope": scope});
    if let Some(fallback) = fallback {
        body["InvalidFallbackBehavior"] = fallback.into();
    }
    json!({ "JsonBody": body })
}

fn all(scope: &str) -> Value {
    json_body(&json!({"All": {}}), scope, None)
}

fn paths(paths: &[&str], scope: &str) -> Value {
    json_body(&json!({"IncludedPaths": paths}), scope, None)
}

/// AWS's own example: `/a/b` in a body whose key `b`, "which is part of the included elements path, isn't evaluated".
#[test]
fn the_documented_scenario_is_evaluated_as_aws_lists_it() {
    let body = br#"{ "a":{ "c":"d", "b":{ "e":{ "f":"g" } } } }"#;
    for (scope, seen) in [("ALL", vec!["e", "f", "g"]), ("KEY", vec!["e", "f"]), ("VALUE", vec!["g"])] {
        for letter in ["a", "b", "c", "d", "e", "f", "g"] {
            let statement = exactly(&paths(&["/a/b"], scope), letter);
            hold(PAGE, vec![("the example", statement, post(body), seen.contains(&letter))]);
        }
    }
}

#[test]
fn elements_are_keys_and_values() {
    let body = || post(br#"{"user":{"name":"admin","tags":["x","y"],"age":41,"ok":true,"none":null},"n":-1.5e3}"#);
    let twice = r#"{"k":"a\u0041\n\"\ud83d\ude00"}"#;
    hold(
        PAGE,
        vec![
            ("a value", exactly(&all("VALUE"), "admin"), body(), true),
            ("a key", exactly(&all("KEY"), "name"), body(), true),
            ("no key among values", exactly(&all("VALUE"), "name"), body(), false),
            ("no value among keys", exactly(&all("KEY"), "admin"), body(), false),
            ("either", exactly(&all("ALL"), "admin"), body(), true),
            ("an element of an array", exactly(&all("VALUE"), "y"), body(), true),
            ("a number as it is written", exactly(&all("VALUE"), "-1.5e3"), body(), true),
            ("a truth", exactly(&all("VALUE"), "true"), body(), true),
            ("nothing", exactly(&all("VALUE"), "null"), body(), true),
            ("not the text of the body", contains(&all("ALL"), "\":"), body(), false),
            ("one element, not several", contains(&all("ALL"), "nameadmin"), body(), false),
            ("escapes", exactly(&all("VALUE"), "aA\n\"😀"), post(twice.as_bytes()), true),
            ("an empty object", not(&contains(&all("ALL"), "a")), post(b"{}"), true),
            ("no body", not(&contains(&all("ALL"), "a")), post(b""), true),
            ("the size of one element", size(&all("VALUE"), "GT", 6, &["NONE"]), body(), false),
            ("the root may be an array", exactly(&all("VALUE"), "2"), post(b"[1,[2]]"), true),
        ],
    );
}

#[test]
fn paths_are_json_pointers() {
    let body = || post(br#"{"dogs":[{"name":"rex"},{"name":"ada"}],"a/b":{"c~d":"e"},"":"empty","dogsx":"no"}"#);
    let ask = |path: &str, text: &str| exactly(&paths(&[path], "VALUE"), text);
    hold(
        "API_JsonMatchPattern.html",
        vec![
            ("an element of an array", ask("/dogs/0/name", "rex"), body(), true),
            ("another", ask("/dogs/0/name", "ada"), body(), false),
            ("below an element", ask("/dogs/1", "ada"), body(), true),
            ("below an array", ask("/dogs", "rex"), body(), true),
            ("whole keys only", ask("/dogs", "no"), body(), false),
            ("a slash in a key", ask("/a~1b/c~0d", "e"), body(), true),
            ("the empty key", ask("/", "empty"), body(), true),
            ("no such path", not(&ask("/cats/0", "rex")), body(), true),
            ("several paths", exactly(&paths(&["/x", "/dogs/1/name"], "VALUE"), "ada"), body(), true),
            ("keys below a path", exactly(&paths(&["/dogs"], "KEY"), "name"), body(), true),
            ("not the key of the path", exactly(&paths(&["/dogs"], "KEY"), "dogs"), body(), false),
        ],
    );
}

#[test]
fn what_aws_parses_although_it_is_not_json_is_parsed() {
    let value = |text: &str| exactly(&json_body(&json!({"All": {}}), "VALUE", Some("NO_MATCH")), text);
    hold(
        PAGE,
        vec![
            ("missing comma", value("value2"), post(br#"{"key1":"value1""key2":"value2"}"#), true),
            ("missing colon", value("value2"), post(br#"{"key1":"value1","key2""value2"}"#), true),
            ("extra colons", value("value1"), post(br#"{"key1"::"value1","key2""value2"}"#), true),
            ("extra colons, the rest", value("value2"), post(br#"{"key1"::"value1","key2""value2"}"#), true),
        ],
    );
}

#[test]
fn a_body_that_cannot_be_parsed_falls_back_as_said() {
    let ask = |fallback: Option<&str>, text: &str| contains(&json_body(&json!({"All": {}}), "VALUE", fallback), text);
    let broken: [(&str, &[u8]); 7] = [
        ("a duplicate key", br#"{"a":"early","a":"late"}"#),
        ("truncation", br#"{"a":"early","b":"la"#),
        ("an invalid character", br#"{"a":"early",?"b":"late"}"#),
        ("an invalid escape", br#"{"a":"early","b":"\q late"}"#),
        ("more after the root", br#"{"a":"early"} late"#),
        ("a comma too many", br#"{"a":"early",}"#),
        ("the other bracket", br#"{"a":["early"}"#),
    ];
    for (what, body) in broken {
        hold(
            PAGE,
            vec![
                (what, ask(None, "early"), post(body), true),
                (what, ask(None, "late"), post(body), false),
                (what, ask(Some("EVALUATE_AS_STRING"), "\"a\""), post(body), true),
                (what, ask(Some("MATCH"), "nowhere"), post(body), true),
                (what, ask(Some("NO_MATCH"), "early"), post(body), false),
            ],
        );
    }
    hold(
        PAGE,
        vec![
            ("a root that is a string", ask(Some("MATCH"), "nowhere"), post(b"\"text\""), true),
            ("a root that is a number", ask(Some("NO_MATCH"), "1"), post(b"1"), false),
            ("no JSON at all", ask(None, "a"), post(b"a=b"), false),
            ("no JSON, as a string", ask(Some("EVALUATE_AS_STRING"), "a=b"), post(b"a=b"), true),
            ("a body that is parsed does not fall back", ask(Some("MATCH"), "nowhere"), post(b"{\"a\":1}"), false),
        ],
    );
}

#[test]
fn a_body_that_is_too_large_is_handled_as_said() {
    let large = || post(format!(r#"{{"a":"early","b":"{}"}}"#, "x".repeat(17_000)).as_bytes());
    let ask = |oversize: Option<&str>, fallback: Option<&str>, text: &str| {
        let mut field = json_body(&json!({"All": {}}), "VALUE", fallback);
        if let Some(oversize) = oversize {
            field["JsonBody"]["OversizeHandling"] = oversize.into();
        }
        contains(&field, text)
    };
    hold(
        "API_JsonBody.html, OversizeHandling",
        vec![
            ("MATCH", ask(Some("MATCH"), None, "nowhere"), large(), true),
            ("NO_MATCH", ask(Some("NO_MATCH"), None, "early"), large(), false),
            ("CONTINUE sees what there is", ask(Some("CONTINUE"), None, "early"), large(), true),
            ("the default is CONTINUE", ask(None, None, "early"), large(), true),
            ("what is cut off cannot be parsed", ask(None, Some("NO_MATCH"), "early"), large(), false),
        ],
    );
}

/// Transformations apply "after parsing and extracting the elements to inspect from the JSON"
/// (`waf-rule-statement-transformation.html`).
#[test]
fn elements_are_transformed_after_parsing() {
    let mut statement = exactly(&all("VALUE"), "<b>");
    statement["ByteMatchStatement"]["TextTransformations"] = transforms(&["URL_DECODE", "LOWERCASE"]);
    hold(
        "waf-rule-statement-transformation.html",
        vec![("an encoded value", statement, post(br#"{"a":"%3CB%3E"}"#), true)],
    );
}

/// Depth is nothing that a body should be able to bring the range down with.
#[test]
fn a_body_of_brackets_is_parsed() {
    let body = [vec![b'['; 8_000], vec![b']'; 8_000]].concat();
    assert!(!matches(&contains(&json_body(&json!({"All": {}}), "ALL", Some("MATCH")), "a"), &post(&body)));
}
