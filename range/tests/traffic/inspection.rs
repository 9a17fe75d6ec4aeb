//! What rules ask of a request, by requests over HTTP. The pages are those of AWS's WAF developer guide and API
//! reference.

use super::*;
use bytes::Bytes;
use http::Request;
use portcullis_range::Reply;
use serde_json::{Map, Value, json};

const WORLD: &str = r#"schema = "portcullis.scenario/1"
name = "inspection"
title = "Inspection"

[world]
account = "111122223333"
region = "eu-central-1"
start = 2026-03-03T03:00:00Z
history = "0s"

[[world.backends]]
name = "db"
capacity = 100

[[world.apis]]
name = "shop"
backend = "db"
methods = [{ method = "GET", path = "/products" }]
stages = [{ name = "prod", web_acl = "acl" }]

[[world.web_acls]]
name = "acl"
rules = [{ name = "none", countries = ["AQ"], action = "count" }]

[[world.populations]]
name = "shoppers"
kind = "legitimate"
stage = "shop/prod"
rate = 1
sources = [{ prefix = "192.0.2.0/24", count = 2, country = "NL" }, { prefix = "2001:db8::/32", count = 1 }]
requests = [{ route = "GET /products" }]
"#;

/// A request on the wire: path with query, headers, body, and who sends it.
struct Sent<'a> {
    uri: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
    from: &'a str,
}

const GET: Sent<'_> = Sent { uri: "/products", headers: &[], body: b"", from: "198.51.100.7" };

/// Puts one rule that blocks into the web ACL, and nothing else.
fn with_rule(range: &mut Range, statement: &Value, association: Option<&str>) {
    let mut body = Map::new();
    body.insert("DefaultAction".to_owned(), json!({"Allow": {}}));
    if let Some(limit) = association {
        let config = json!({"RequestBody": {"API_GATEWAY": {"DefaultSizeInspectionLimit": limit}}});
        body.insert("AssociationConfig".to_owned(), config);
    }
    let rule = json!({"Name": "r", "Priority": 0, "Statement": statement, "Action": {"Block": {}}});
    let id = range.account().waf.web_acls.keys().next().unwrap().clone();
    range.account_mut().write_web_acl(&id, vec![rule], body).unwrap();
    range.account_mut().settle();
}

/// Whether WAF answers.
fn blocked(range: &mut Range, sent: &Sent<'_>) -> bool {
    let uri = format!("/restapis/{}/prod/_user_request_{}", api(range, "shop"), sent.uri);
    let method = if sent.body.is_empty() { "GET" } else { "POST" };
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in sent.headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Bytes::copy_from_slice(sent.body)).unwrap();
    let now = range.now();
    match range.handle(request, Some(sent.from.parse().unwrap()), now) {
        Reply::Response(answer) => {
            answer.headers().get("x-amzn-errortype").is_some_and(|it| it == "ForbiddenException")
        }
        other => panic!("{other:?}"),
    }
}

/// A string match; `position` and the transformations by name.
fn bytes(field: Value, position: &str, search: &str, transformations: &[&str]) -> Value {
    let all = transformations.iter().enumerate().map(|(at, name)| json!({"Priority": at, "Type": name}));
    let mut statement = json!({"PositionalConstraint": position, "SearchString": base64(search)});
    statement["FieldToMatch"] = field;
    statement["TextTransformations"] = all.collect();
    json!({ "ByteMatchStatement": statement })
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| char::from(LETTERS[usize::try_from(bits & 63).unwrap()]);
    let group = |three: &[u8]| {
        let whole = three.iter().fold(0_u32, |whole, byte| whole << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        (0..=three.len())
            .map(|at| letter(whole >> (18 - 6 * at)))
            .chain(std::iter::repeat_n('=', 3 - three.len()))
            .collect::<String>()
    };
    text.as_bytes().chunks(3).map(group).collect()
}

fn exactly(field: Value, search: &str) -> Value {
    bytes(field, "EXACTLY", search, &["NONE"])
}

fn contains(field: Value, search: &str) -> Value {
    bytes(field, "CONTAINS", search, &["NONE"])
}

/// Checks rows: a page, a statement, a request, and whether it is blocked.
fn hold(rows: Vec<(&str, Value, Sent<'_>, bool)>) {
    let mut range = Range::from_scenario(WORLD, None).unwrap();
    for (page, statement, sent, expected) in rows {
        with_rule(&mut range, &statement, None);
        assert_eq!(blocked(&mut range, &sent), expected, "{page}: {statement} of {} {:?}", sent.uri, sent.headers);
    }
}

#[test]
fn components_reach_the_rules_as_they_were_sent() {
    let page = "waf-rule-statement-fields-list.html";
    let path = || json!({"UriPath": {}});
    let argument = |name: &str| json!({"SingleQueryArgument": {"Name": name}});
    let header = |name: &str| json!({"SingleHeader": {"Name": name}});
    let map = |kind: &str, pattern: Value, scope: &str| {
        let map = json!({"MatchPattern": pattern, "MatchScope": scope, "OversizeHandling": "CONTINUE"});
        json!({ kind: map })
    };
    let all = || json!({"All": {}});
    let query = || Sent { uri: "/products?Region=boston&region=seattle&q=a%3Cb", ..GET };
    let headers = || Sent { headers: &[("user-agent", "BadBot;"), ("cookie", "a=1; B=two"), ("x-key", "v")], ..GET };
    hold(vec![
        (page, exactly(json!({"Method": {}}), "GET"), GET, true),
        (page, exactly(json!({"Method": {}}), "POST"), GET, false),
        (page, exactly(json!({"Method": {}}), "POST"), Sent { body: b"x", ..GET }, true),
        (page, exactly(path(), "/prod/products"), query(), true),
        (page, contains(path(), "Region"), query(), false),
        (page, exactly(path(), "/prod/a%2Fb/../c"), Sent { uri: "/a%2Fb/../c", ..GET }, true),
        (
            page,
            bytes(path(), "EXACTLY", "/prod/c", &["URL_DECODE", "NORMALIZE_PATH"]),
            Sent { uri: "/a/../c", ..GET },
            true,
        ),
        (page, contains(json!({"QueryString": {}}), "boston&region"), query(), true),
        (page, contains(json!({"QueryString": {}}), "boston"), GET, false),
        (page, exactly(argument("REGION"), "boston"), query(), true),
        (page, exactly(argument("region"), "seattle"), query(), true),
        (page, exactly(argument("region"), "bost"), query(), false),
        (page, exactly(argument("q"), "a<b"), query(), false),
        (page, bytes(argument("q"), "EXACTLY", "a<b", &["URL_DECODE"]), query(), true),
        (page, exactly(json!({"AllQueryArguments": {}}), "seattle"), query(), true),
        (page, contains(json!({"AllQueryArguments": {}}), "egion"), query(), false),
        (page, exactly(header("User-Agent"), "BadBot;"), headers(), true),
        (page, bytes(header("USER-AGENT"), "CONTAINS_WORD", "BadBot", &["NONE"]), headers(), true),
        (page, exactly(header("x-none"), "v"), headers(), false),
        (page, exactly(map("Headers", all(), "KEY"), "x-key"), headers(), true),
        (page, exactly(map("Headers", all(), "VALUE"), "x-key"), headers(), false),
        (page, exactly(map("Headers", json!({"IncludedHeaders": ["X-Key"]}), "VALUE"), "v"), headers(), true),
        (page, exactly(map("Headers", json!({"ExcludedHeaders": ["X-Key"]}), "VALUE"), "v"), headers(), false),
        (page, contains(map("Headers", all(), "VALUE"), "B=two"), headers(), true),
        (page, exactly(map("Cookies", all(), "VALUE"), "two"), headers(), true),
        (page, exactly(map("Cookies", json!({"IncludedCookies": ["b"]}), "VALUE"), "two"), headers(), false),
        (page, exactly(map("Cookies", json!({"IncludedCookies": ["B"]}), "VALUE"), "two"), headers(), true),
        (page, exactly(map("Cookies", all(), "KEY"), "a"), headers(), true),
    ]);
    let order = |text: &str| exactly(json!({"HeaderOrder": {"OversizeHandling": "CONTINUE"}}), text);
    hold(vec![
        ("API_HeaderOrder.html", order("user-agent:cookie:x-key"), headers(), true),
        ("API_HeaderOrder.html", order("cookie:user-agent:x-key"), headers(), false),
    ]);
}

#[test]
fn bodies_reach_the_rules_as_text_and_as_json() {
    let text = "waf-rule-statement-fields-list.html, Body";
    let page = "waf-rule-statement-fields-list.html, JSON body";
    let body = || json!({"Body": {"OversizeHandling": "CONTINUE"}});
    let parsed = |pattern: Value, scope: &str, fallback: &str| {
        let body = json!({"MatchPattern": pattern, "MatchScope": scope, "InvalidFallbackBehavior": fallback});
        json!({ "JsonBody": body })
    };
    let values = || parsed(json!({"All": {}}), "VALUE", "NO_MATCH");
    let below = |path: &str| parsed(json!({"IncludedPaths": [path]}), "ALL", "NO_MATCH");
    let dogs = || Sent { body: br#"{"dogs":[{"name":"rex"},{"name":"<B>"}]}"#, ..GET };
    let broken = || Sent { body: br#"{"a":"early","a":"late"}"#, ..GET };
    let size = |operator: &str, size: u64| {
        json!({"SizeConstraintStatement": {"FieldToMatch": body(), "ComparisonOperator": operator, "Size": size,
            "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}})
    };
    let regex = json!({"RegexMatchStatement": {"FieldToMatch": body(), "RegexString": r"\x00\xff[[:alpha:]]$",
        "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}});
    hold(vec![
        (text, contains(body(), "rex"), dogs(), true),
        (text, contains(body(), "Rex"), dogs(), false),
        (text, contains(body(), "rex"), GET, false),
        (text, size("EQ", 40), dogs(), true),
        (text, size("GT", 40), dogs(), false),
        (text, size("GE", 0), GET, false),
        (text, bytes(body(), "EXACTLY", "abc", &["BASE64_DECODE"]), Sent { body: b"YWJj", ..GET }, true),
        (text, regex, Sent { body: b"a\0\xffb", ..GET }, true),
        (page, exactly(values(), "rex"), dogs(), true),
        (page, exactly(values(), "name"), dogs(), false),
        (page, exactly(below("/dogs/0"), "rex"), dogs(), true),
        (page, exactly(below("/dogs/1"), "rex"), dogs(), false),
        (page, exactly(below("/dogs/1"), "name"), dogs(), true),
        (page, exactly(below("/dogs/1/name"), "name"), dogs(), false),
        (page, bytes(values(), "EXACTLY", "<b>", &["LOWERCASE"]), dogs(), true),
        (page, exactly(values(), "early"), broken(), false),
        (page, exactly(parsed(json!({"All": {}}), "VALUE", "MATCH"), "x"), broken(), true),
        (page, contains(parsed(json!({"All": {}}), "VALUE", "EVALUATE_AS_STRING"), "\"late\""), broken(), true),
    ]);
}

/// `API_AssociationConfig.html`, `waf-oversize-request-components.html`.
#[test]
fn a_body_is_seen_as_far_as_the_web_acl_says() {
    let mut range = Range::from_scenario(WORLD, None).unwrap();
    let body = |oversize: &str| json!({"Body": {"OversizeHandling": oversize}});
    let long: Vec<u8> = [vec![b'x'; 40_000], b"end".to_vec()].concat();
    let sent = || Sent { body: &long, ..GET };
    for (limit, seen) in [(None, false), (Some("KB_32"), false), (Some("KB_48"), true), (Some("KB_64"), true)] {
        with_rule(&mut range, &contains(body("CONTINUE"), "end"), limit);
        assert_eq!(blocked(&mut range, &sent()), seen, "{limit:?}");
        with_rule(&mut range, &contains(body("MATCH"), "nowhere"), limit);
        assert_eq!(blocked(&mut range, &sent()), !seen, "{limit:?}, MATCH");
        with_rule(&mut range, &contains(body("NO_MATCH"), "x"), limit);
        assert_eq!(blocked(&mut range, &sent()), seen, "{limit:?}, NO_MATCH");
    }
}

/// `waf-rule-statement-type-geo-match.html`, `waf-rule-statement-forwarded-ip-address.html`; where addresses are, the
/// scenario's populations say.
#[test]
fn countries_are_those_of_the_populations_prefixes() {
    let geo = |country: &str| json!({"GeoMatchStatement": {"CountryCodes": [country]}});
    let forwarded = |fallback: &str| {
        json!({"GeoMatchStatement": {"CountryCodes": ["NL"],
            "ForwardedIPConfig": {"HeaderName": "X-Forwarded-For", "FallbackBehavior": fallback}}})
    };
    let dutch = || Sent { from: "192.0.2.200", ..GET };
    let by_way_of = |addresses: &'static [(&'static str, &'static str)]| Sent { headers: addresses, ..GET };
    let page = "waf-rule-statement-type-geo-match.html";
    let other = "waf-rule-statement-forwarded-ip-address.html";
    hold(vec![
        (page, geo("NL"), dutch(), true),
        (page, geo("US"), dutch(), false),
        (page, geo("US"), Sent { from: "2001:db8::5", ..GET }, true),
        (page, geo("NL"), GET, false),
        (other, forwarded("NO_MATCH"), by_way_of(&[("x-forwarded-for", "192.0.2.9, 198.51.100.1")]), true),
        (other, forwarded("MATCH"), by_way_of(&[("x-forwarded-for", "198.51.100.1, 192.0.2.9")]), false),
        (other, forwarded("MATCH"), by_way_of(&[("x-forwarded-for", "nonsense")]), true),
        (other, forwarded("NO_MATCH"), by_way_of(&[("x-forwarded-for", "nonsense")]), false),
        (other, forwarded("MATCH"), dutch(), false),
    ]);
}
