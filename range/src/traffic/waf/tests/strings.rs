//! Strings, regular expressions, sizes, attacks.

use super::support::*;
use super::*;

#[test]
fn strings_are_found_where_they_have_to_be() {
    let path = json!({"UriPath": {}});
    let ask = |position: &str, search: &str| bytes(&path, position, search);
    let request = || get("/images/daily-ad.jpg", "");
    hold(
        "waf-rule-statement-type-string-match.html",
        vec![
            ("exactly", ask("EXACTLY", "/images/daily-ad.jpg"), request(), true),
            ("not quite", ask("EXACTLY", "/images/daily-ad"), request(), false),
            ("starts", ask("STARTS_WITH", "/images"), request(), true),
            ("does not start", ask("STARTS_WITH", "images"), request(), false),
            ("ends", ask("ENDS_WITH", ".jpg"), request(), true),
            ("does not end", ask("ENDS_WITH", ".jp"), request(), false),
            ("contains", ask("CONTAINS", "daily"), request(), true),
            ("the case counts", ask("CONTAINS", "Daily"), request(), false),
            ("contains itself", ask("CONTAINS", "/images/daily-ad.jpg"), request(), true),
        ],
    );
}

/// `BadBot` as in AWS's examples: the whole value, at the beginning, at the end, in the middle.
#[test]
fn a_word_stands_by_itself() {
    let agent = json!({"SingleHeader": {"Name": "user-agent"}});
    let cases = [
        ("BadBot", true),
        ("BadBot;", true),
        (";BadBot", true),
        ("-BadBot;", true),
        ("BadBots", false),
        ("aBadBot", false),
        ("_BadBot", false),
        ("BadBot_", false),
        ("BadBot1", false),
        ("1BadBot", false),
        ("BadBots BadBot", true),
        ("badbot", false),
        ("äBadBotä", true),
    ];
    for (value, expected) in cases {
        let statement = bytes(&agent, "CONTAINS_WORD", "BadBot");
        let request = with_headers(&[("User-Agent", value)]);
        hold("API_ByteMatchStatement.html, PositionalConstraint", vec![("a word", statement, request, expected)]);
    }
}

/// "You can use any character from hexadecimal 0x00 to 0xFF".
#[test]
fn a_string_may_hold_any_bytes() {
    let statement = |search: &str| {
        json!({"ByteMatchStatement": {"FieldToMatch": {"Body": {}}, "PositionalConstraint": "CONTAINS",
            "SearchString": search, "TextTransformations": transforms(&["NONE"])}})
    };
    hold(
        "waf-rule-statement-type-string-match.html",
        vec![
            ("0xff 0x00", statement("/wA="), post(b"a\xff\0b"), true),
            ("0xff 0x00, not there", statement("/wA="), post(b"a\xffb\0"), false),
        ],
    );
}

#[test]
fn regular_expressions_match_anywhere_and_by_bytes() {
    let agent = json!({"SingleHeader": {"Name": "user-agent"}});
    let header = |value: &str| with_headers(&[("user-agent", value)]);
    hold(
        "waf-rule-statement-type-regex-match.html",
        vec![
            ("a class", regex(&agent, "B[a@]dB[o0]t"), header("x B@dB0t y"), true),
            ("no match", regex(&agent, "B[a@]dB[o0]t"), header("GoodBot"), false),
            ("the case counts", regex(&agent, "badbot"), header("BadBot"), false),
            ("unless it says not", regex(&agent, "(?i)badbot"), header("BadBot"), true),
            ("anchors", regex(&agent, "^curl/[0-9.]+$"), header("curl/8.1"), true),
            ("anchors, not", regex(&agent, "^curl/[0-9.]+$"), header("x curl/8.1"), false),
            ("digits are ASCII", regex(&agent, r"^\d$"), header("٣"), false),
            ("words are ASCII", regex(&agent, r"^\w$"), header("ä"), false),
            ("alternatives and counts", regex(&agent, r"^(?:ab|cd){2,3}\/$"), header("abcdab/"), true),
            ("letters beyond ASCII", regex(&agent, "^ä+$"), header("ää"), true),
            ("bytes that are no text", regex(&json!({"Body": {}}), r"^\xff.$"), post(b"\xff\xfe"), true),
            ("absent", regex(&agent, ".*"), with_headers(&[]), false),
        ],
    );
}

#[test]
fn sizes_are_compared_after_the_transformations() {
    let path = json!({"UriPath": {}});
    let logo = || get("/logo.jpg", "");
    let encoded = || get("/%41%42", "");
    let ask = |operator: &str, bytes: u64| size(&path, operator, bytes, &["NONE"]);
    hold(
        "waf-rule-statement-type-size-constraint-match.html",
        vec![
            ("the URI /logo.jpg is nine characters long", ask("EQ", 9), logo(), true),
            ("not eight", ask("EQ", 8), logo(), false),
            ("not equal", ask("NE", 8), logo(), true),
            ("not unequal", ask("NE", 9), logo(), false),
            ("at most", ask("LE", 9), logo(), true),
            ("at most, more", ask("LE", 8), logo(), false),
            ("less", ask("LT", 10), logo(), true),
            ("not less", ask("LT", 9), logo(), false),
            ("at least", ask("GE", 9), logo(), true),
            ("at least, fewer", ask("GE", 10), logo(), false),
            ("more", ask("GT", 8), logo(), true),
            ("not more", ask("GT", 9), logo(), false),
            ("bytes, not letters", ask("EQ", 3), get("/ä", ""), true),
        ],
    );
    hold(
        "API_SizeConstraintStatement.html, Size",
        vec![
            ("as it came", size(&path, "EQ", 7, &["NONE"]), encoded(), true),
            ("decoded", size(&path, "EQ", 3, &["URL_DECODE"]), encoded(), true),
            ("a hash is sixteen bytes", size(&path, "EQ", 16, &["MD5"]), encoded(), true),
        ],
    );
}

/// What attacks look like is the range's own approximation; that the statement's transformations come first is
/// documented.
#[test]
fn attacks_are_looked_for_after_the_transformations() {
    let ask = |kind: &str, names: &[&str]| {
        let inspection = json!({"FieldToMatch": {"Body": {}}, "TextTransformations": transforms(names)});
        json!({ kind: inspection })
    };
    let (sqli, xss) = ("SqliMatchStatement", "XssMatchStatement");
    // `admin' OR 1=1` in Base64.
    let hidden = || post(b"YWRtaW4nIE9SIDE9MQ==");
    hold(
        "waf-rule-statement-type-sqli-match.html",
        vec![
            ("in the open", ask(sqli, &["NONE"]), post(b"admin' OR 1=1 --"), true),
            ("in Base64", ask(sqli, &["NONE"]), hidden(), false),
            ("in Base64, decoded", ask(sqli, &["BASE64_DECODE"]), hidden(), true),
            ("nothing", ask(sqli, &["NONE"]), post(b"hello"), false),
        ],
    );
    hold(
        "waf-rule-statement-type-xss-match.html",
        vec![
            ("in the open", ask(xss, &["NONE"]), post(b"<ScRiPt>"), true),
            ("as entities", ask(xss, &["NONE"]), post(b"&lt;script"), false),
            ("as entities, decoded", ask(xss, &["HTML_ENTITY_DECODE"]), post(b"&lt;script"), true),
        ],
    );
}
