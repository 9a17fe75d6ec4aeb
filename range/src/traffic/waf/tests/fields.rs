//! Components of a request.

use super::support::*;
use super::*;

const COMPONENTS: &str = "waf-rule-statement-fields-list.html";
const OVERSIZE: &str = "waf-oversize-request-components.html";

#[test]
fn method_path_and_query_are_what_they_are() {
    let (method, path, query) = (json!({"Method": {}}), json!({"UriPath": {}}), json!({"QueryString": {}}));
    let request = || get("/prod/a%2Fb/../c", "x=1&y=2");
    hold(
        COMPONENTS,
        vec![
            ("the method", exactly(&method, "GET"), request(), true),
            ("the method, small", exactly(&method, "get"), request(), false),
            ("the path is not normalised", exactly(&path, "/prod/a%2Fb/../c"), request(), true),
            ("the path has no query", contains(&path, "x=1"), request(), false),
            ("the query has no question mark", exactly(&query, "x=1&y=2"), request(), true),
            ("no query", contains(&query, "x"), get("/prod", ""), false),
            ("no query is no query of length 0", size(&query, "GE", 0, &["NONE"]), get("/prod", ""), false),
            ("no query, negated", not(&contains(&query, "x")), get("/prod", ""), true),
        ],
    );
}

#[test]
fn query_arguments_are_values_by_name() {
    let one = |name: &str| json!({"SingleQueryArgument": {"Name": name}});
    let all = json!({"AllQueryArguments": {}});
    let request = || get("/", "UserName=abc&SalesRegion=boston&SalesRegion=seattle&flag&empty=&x=1=2");
    hold(
        COMPONENTS,
        vec![
            ("by name", exactly(&one("UserName"), "abc"), request(), true),
            ("the name without regard to case", exactly(&one("uSERnAME"), "abc"), request(), true),
            ("several values: the first", exactly(&one("SalesRegion"), "boston"), request(), true),
            ("several values: the second", exactly(&one("SalesRegion"), "seattle"), request(), true),
            ("another argument's value", exactly(&one("UserName"), "boston"), request(), false),
            ("absent", not(&exactly(&one("nobody"), "abc")), request(), true),
            ("a value with an equals sign", exactly(&one("x"), "1=2"), request(), true),
            ("not decoded", exactly(&one("a"), "b c"), get("/", "a=b%20c"), false),
            ("all: the first value", exactly(&all, "abc"), request(), true),
            ("all: the last value", exactly(&all, "1=2"), request(), true),
            ("all: no names", contains(&all, "Region"), request(), false),
            ("all: not the whole string", contains(&all, "&"), request(), false),
            ("all: no arguments", not(&contains(&all, "a")), get("/", ""), true),
            ("the length of one value", size(&all, "GT", 7, &["NONE"]), request(), false),
            ("an argument without a value", size(&one("flag"), "EQ", 0, &["NONE"]), request(), true),
        ],
    );
}

#[test]
fn pre_parse_transformations_change_the_query_before_it_is_split() {
    let with = |name: &str, value: &str, kinds: &[&str]| {
        let mut statement = exactly(&json!({"SingleQueryArgument": {"Name": name}}), value);
        statement["ByteMatchStatement"]["PreParseTextTransformations"] = transforms(kinds);
        statement
    };
    hold(
        "API_PreParseTextTransformation.html",
        vec![
            ("none", with("a", "1", &["NONE"]), get("/", "a=1%26b=2"), false),
            ("an encoded separator", with("a", "1", &["URL_DECODE"]), get("/", "a=1%26b=2"), true),
            ("the second argument", with("b", "2", &["URL_DECODE"]), get("/", "a=1%26b=2"), true),
            ("Microsoft's form", with("b", "2", &["URL_DECODE_UNI"]), get("/", "a=1%u0026b=2"), true),
            ("semicolons", with("b", "2", &["REPLACE_SEMICOLONS_WITH_AMPERSANDS"]), get("/", "a=1;b=2"), true),
            ("combined", with("a", "1,3", &["COMBINE_DUPLICATE_QUERY_ARGS_BY_COMMA"]), get("/", "a=1&b=2&a=3"), true),
        ],
    );
}

#[test]
fn one_header_is_found_by_name_whatever_its_length() {
    let agent = json!({"SingleHeader": {"Name": "user-agent"}});
    let long = "x".repeat(9_000) + "end";
    hold(
        COMPONENTS,
        vec![
            (
                "the name without regard to case",
                exactly(&agent, "BadBot"),
                with_headers(&[("User-Agent", "BadBot")]),
                true,
            ),
            (
                "the value with regard to it",
                exactly(&agent, "badbot"),
                with_headers(&[("User-Agent", "BadBot")]),
                false,
            ),
            ("absent", contains(&agent, "Bad"), with_headers(&[("Referer", "Bad")]), false),
            ("absent: no size", size(&agent, "GE", 0, &["NONE"]), with_headers(&[]), false),
            ("a rule for those without it", not(&size(&agent, "GE", 0, &["NONE"])), with_headers(&[]), true),
            ("present and empty", size(&agent, "GE", 0, &["NONE"]), with_headers(&[("User-Agent", "")]), true),
        ],
    );
    let request = || with_headers(&[("User-Agent", &long)]);
    hold(
        OVERSIZE,
        vec![
            ("beyond 8 KB of a single header", bytes(&agent, "ENDS_WITH", "end"), request(), true),
            ("its whole length", size(&agent, "EQ", 9_003, &["NONE"]), request(), true),
        ],
    );
}

/// `Headers` with a pattern and a scope.
fn headers(pattern: &Value, scope: &str, oversize: &str) -> Value {
    json!({"Headers": {"MatchPattern": pattern, "MatchScope": scope, "OversizeHandling": oversize}})
}

#[test]
fn headers_are_picked_by_pattern_and_scope() {
    let all = json!({"All": {}});
    let included = json!({"IncludedHeaders": ["X-One"]});
    let excluded = json!({"ExcludedHeaders": ["x-one"]});
    let request = || with_headers(&[("X-One", "first"), ("X-Two", "second"), ("Cookie", "a=third")]);
    let ask = |pattern: &Value, scope: &str, text: &str| contains(&headers(pattern, scope, "CONTINUE"), text);
    hold(
        "API_Headers.html",
        vec![
            ("all values", ask(&all, "VALUE", "second"), request(), true),
            ("no names among values", ask(&all, "VALUE", "X-"), request(), false),
            ("all names", ask(&all, "KEY", "X-Two"), request(), true),
            ("no values among names", ask(&all, "KEY", "first"), request(), false),
            ("both: a name", ask(&all, "ALL", "X-One"), request(), true),
            ("both: a value", ask(&all, "ALL", "first"), request(), true),
            ("included", ask(&included, "VALUE", "first"), request(), true),
            ("not included", ask(&included, "VALUE", "second"), request(), false),
            ("excluded", ask(&excluded, "VALUE", "first"), request(), false),
            ("not excluded", ask(&excluded, "VALUE", "second"), request(), true),
            ("a name is not next to its value", ask(&all, "ALL", "X-Onefirst"), request(), false),
            ("nothing included is there", not(&ask(&json!({"IncludedHeaders": ["x"]}), "ALL", "x")), request(), true),
        ],
    );
    hold(COMPONENTS, vec![("cookies are headers", ask(&all, "VALUE", "third"), request(), true)]);
}

#[test]
fn headers_beyond_what_waf_receives_are_handled_as_said() {
    let all = json!({"All": {}});
    let ask = |oversize: &str, text: &str| contains(&headers(&all, "ALL", oversize), text);
    let count = |count: usize| {
        let names: Vec<String> = (0..count).map(|at| format!("h{at}")).collect();
        with_headers(&names.iter().map(|name| (name.as_str(), "v")).collect::<Vec<_>>())
    };
    let sized = |size: usize| with_headers(&[("a", &"x".repeat(size - 4)), ("b", "zz")]);
    hold(
        OVERSIZE,
        vec![
            ("200 headers", ask("MATCH", "nowhere"), count(200), false),
            ("201 headers", ask("MATCH", "nowhere"), count(201), true),
            ("201 headers, no match", ask("NO_MATCH", "h0"), count(201), false),
            ("200 headers, no match does not apply", ask("NO_MATCH", "h0"), count(200), true),
            ("of 205 headers the last five are not seen", ask("CONTINUE", "h200"), count(205), false),
            ("of 205 headers the others are", ask("CONTINUE", "h199"), count(205), true),
            ("8,192 bytes", ask("MATCH", "nowhere"), sized(8_192), false),
            ("8,193 bytes", ask("MATCH", "nowhere"), sized(8_193), true),
            ("8,193 bytes, no match", ask("NO_MATCH", "b"), sized(8_193), false),
            ("the last byte is not seen", ask("CONTINUE", "zz"), sized(8_193), false),
            ("the last but one is", ask("CONTINUE", "z"), sized(8_193), true),
        ],
    );
}

/// `Cookies` with a pattern and a scope.
fn cookies(pattern: &Value, scope: &str, oversize: &str) -> Value {
    json!({"Cookies": {"MatchPattern": pattern, "MatchScope": scope, "OversizeHandling": oversize}})
}

#[test]
fn cookies_are_picked_by_exact_name() {
    let all = json!({"All": {}});
    let included = json!({"IncludedCookies": ["session"]});
    let excluded = json!({"ExcludedCookies": ["session"]});
    let request = || with_headers(&[("cookie", "session=abc; Session=def; theme=dark=er"), ("Cookie", "late=ghi")]);
    let ask = |pattern: &Value, scope: &str, text: &str| exactly(&cookies(pattern, scope, "CONTINUE"), text);
    hold(
        COMPONENTS,
        vec![
            ("a value", ask(&all, "VALUE", "abc"), request(), true),
            ("a value with an equals sign", ask(&all, "VALUE", "dark=er"), request(), true),
            ("a name", ask(&all, "KEY", "theme"), request(), true),
            ("no name among values", ask(&all, "VALUE", "theme"), request(), false),
            ("either", ask(&all, "ALL", "theme"), request(), true),
            ("included by exact name", ask(&included, "VALUE", "abc"), request(), true),
            ("the case of a name counts", ask(&included, "VALUE", "def"), request(), false),
            ("excluded", ask(&excluded, "VALUE", "abc"), request(), false),
            ("not excluded", ask(&excluded, "VALUE", "def"), request(), true),
            ("a second header", ask(&all, "VALUE", "ghi"), request(), true),
            ("no cookies", not(&ask(&all, "ALL", "abc")), with_headers(&[("x", "abc")]), true),
        ],
    );
}

#[test]
fn cookies_beyond_what_waf_receives_are_handled_as_said() {
    let all = json!({"All": {}});
    let ask = |oversize: &str, text: &str| contains(&cookies(&all, "ALL", oversize), text);
    let count = |count: usize| {
        let all: Vec<String> = (0..count).map(|at| format!("c{at}=v")).collect();
        with_headers(&[("cookie", &all.join("; "))])
    };
    let sized = |size: usize| with_headers(&[("cookie", &format!("a={}z", "x".repeat(size - 3)))]);
    hold(
        OVERSIZE,
        vec![
            ("200 cookies", ask("MATCH", "nowhere"), count(200), false),
            ("201 cookies", ask("MATCH", "nowhere"), count(201), true),
            ("201 cookies, no match", ask("NO_MATCH", "c0"), count(201), false),
            ("the last is not seen", ask("CONTINUE", "c200"), count(201), false),
            ("8,192 bytes", ask("MATCH", "nowhere"), sized(8_192), false),
            ("8,193 bytes", ask("MATCH", "nowhere"), sized(8_193), true),
            ("the last byte is not seen", ask("CONTINUE", "z"), sized(8_193), false),
            ("other headers do not count", ask("MATCH", "nowhere"), with_headers(&[("x", &"y".repeat(9_000))]), false),
        ],
    );
}

#[test]
fn the_order_of_headers_is_one_string() {
    let order = |oversize: &str| json!({"HeaderOrder": {"OversizeHandling": oversize}});
    let request = || with_headers(&[("Host", "a"), ("User-Agent", "b"), ("Accept", "c")]);
    let many: Vec<(&str, &str)> = vec![("h", "v"); 201];
    hold(
        "API_HeaderOrder.html",
        vec![
            ("names with colons", exactly(&order("CONTINUE"), "host:user-agent:accept"), request(), true),
            ("another order", exactly(&order("CONTINUE"), "user-agent:host:accept"), request(), false),
            ("part of it", bytes(&order("CONTINUE"), "STARTS_WITH", "host:user-agent"), request(), true),
            ("no values", contains(&order("CONTINUE"), "b"), request(), false),
            ("no headers", not(&contains(&order("CONTINUE"), "h")), with_headers(&[]), true),
            ("too many: a match", contains(&order("MATCH"), "nowhere"), with_headers(&many), true),
            ("too many: none", contains(&order("NO_MATCH"), "h"), with_headers(&many), false),
            (
                "too many: those that there are",
                size(&order("CONTINUE"), "EQ", 399, &["NONE"]),
                with_headers(&many),
                true,
            ),
        ],
    );
}

#[test]
fn a_body_is_seen_up_to_the_limit() {
    let body = |oversize: &str| json!({"Body": {"OversizeHandling": oversize}});
    let sized = |size: usize| post(&[&vec![b'x'; size - 1][..], b"z"].concat());
    let limit = 16 * 1024;
    hold(
        OVERSIZE,
        vec![
            ("the last of 16 KB", contains(&body("CONTINUE"), "z"), sized(limit), true),
            ("one more is not seen", contains(&body("CONTINUE"), "z"), sized(limit + 1), false),
            ("the default is CONTINUE", contains(&json!({"Body": {}}), "z"), sized(limit + 1), false),
            ("MATCH at the limit", contains(&body("MATCH"), "nowhere"), sized(limit), false),
            ("MATCH beyond it", contains(&body("MATCH"), "nowhere"), sized(limit + 1), true),
            ("NO_MATCH beyond it", contains(&body("NO_MATCH"), "x"), sized(limit + 1), false),
            ("no body", not(&contains(&body("CONTINUE"), "x")), post(b""), true),
            ("bytes that are no text", contains(&body("CONTINUE"), "a"), post(b"\xff\xfea\0"), true),
        ],
    );
    hold(
        "API_SizeConstraintStatement.html",
        vec![
            (
                "of a large body only the limit counts",
                size(&body("CONTINUE"), "GT", 16_384, &["NONE"]),
                sized(20_000),
                false,
            ),
            ("it is as long as the limit", size(&body("CONTINUE"), "EQ", 16_384, &["NONE"]), sized(20_000), true),
            ("with MATCH it is too large", size(&body("MATCH"), "GT", 16_384, &["NONE"]), sized(20_000), true),
        ],
    );
}

/// `API_AssociationConfig.html`: 16, 32, 48 or 64 KB of a body from API Gateway.
#[test]
fn a_web_acl_says_how_much_of_a_body_is_seen() {
    let statement = contains(&json!({"Body": {"OversizeHandling": "CONTINUE"}}), "z");
    for (said, kilobytes) in [("KB_16", 16), ("KB_32", 32), ("KB_48", 48), ("KB_64", 64)] {
        let mut world = World::new();
        let mut body = Map::new();
        body.insert("DefaultAction".into(), json!({"Allow": {}}));
        body.insert(
            "AssociationConfig".into(),
            json!({"RequestBody": {"API_GATEWAY": {"DefaultSizeInspectionLimit": said}}}),
        );
        let id = world.account.create_web_acl("acl", vec![rule("r", 0, &statement, "Block")], body);
        let live = world.account.waf.web_acls[&id].saved().clone();
        let acl = Acl::read(&live, &world.account, world.account.now, &Places::default());
        for (size, seen) in [(kilobytes * 1024, true), (kilobytes * 1024 + 1, false)] {
            let body = [&vec![b'x'; size - 1][..], b"z"].concat();
            assert_eq!(!judge(&acl, &post(&body), CALLER).passed, seen, "{said}, {size} bytes");
        }
    }
}
