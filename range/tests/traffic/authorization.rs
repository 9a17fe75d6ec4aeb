//! Who gets in, by what a method asks for and what a caller shows.

use super::*;
use bytes::Bytes;
use http::{Request, Response};
use portcullis_range::Reply;

/// An API with a method of each authorization, and callers of each credential on the one that wants a token.
const GATES: &str = r#"schema = "portcullis.scenario/1"
name = "gates"
title = "Gates"

[world]
account = "111122223333"
region = "eu-central-1"
start = 2026-03-03T03:00:00Z

[[world.apis]]
name = "shop"
authorizers = [{ name = "keys-in-a-header", type = "REQUEST" }]
methods = [
    { method = "GET", path = "/open" },
    { method = "GET", path = "/signed", authorization = "AWS_IAM" },
    { method = "GET", path = "/token", authorization = "CUSTOM", authorizer = "keys-in-a-header" },
    { method = "GET", path = "/user", authorization = "COGNITO_USER_POOLS" },
]
stages = [{ name = "prod" }]
"#;

fn range(policy: Option<&str>) -> Range {
    let policy = policy.map_or_else(String::new, |policy| format!("name = \"shop\"\npolicy = '''{policy}'''\n"));
    let text = if policy.is_empty() { GATES.to_owned() } else { GATES.replace("name = \"shop\"\n", &policy) };
    Range::from_scenario(&text, None).unwrap()
}

fn get(range: &mut Range, path: &str, authorization: Option<&str>) -> Response<Bytes> {
    let mut request = Request::get(format!("/restapis/{}/prod/_user_request_{path}", api(range, "shop")));
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let now = range.now();
    match range.handle(request.body(Bytes::new()).unwrap(), Some("192.0.2.9".parse().unwrap()), now) {
        Reply::Response(response) => response,
        other => panic!("{other:?}"),
    }
}

/// Status, error type and body of a refusal.
fn refusal(response: &Response<Bytes>) -> (u16, &str, &str) {
    let kind = response.headers().get("x-amzn-errortype").map_or("", |kind| kind.to_str().unwrap());
    (response.status().as_u16(), kind, std::str::from_utf8(response.body()).unwrap())
}

const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=AKIA/20260303/eu-central-1/execute-api/aws4_request, SignedHeaders=host";

/// Without a resource policy the method's authorization decides alone. (documented: authorization flow, gateway
/// response types; words and error types: documented for 401 and the missing token, seen in users' reports for the
/// rest)
#[test]
fn without_a_policy_the_authorization_decides() {
    let mut range = range(None);
    for (path, authorization, status) in [
        ("/open", None, 200),
        ("/signed", Some(SIGNED), 200),
        ("/signed", Some("allow"), 200),
        ("/token", Some("Bearer allow"), 200),
        ("/user", Some("allow"), 200),
        ("/user", Some("deny"), 200),
        ("/signed", None, 403),
        ("/signed", Some("silent"), 403),
        ("/token", None, 401),
        ("/token", Some("Bearer of bad news"), 401),
        ("/token", Some("silent"), 403),
        ("/user", None, 401),
        ("/user", Some(SIGNED), 401),
    ] {
        assert_eq!(get(&mut range, path, authorization).status().as_u16(), status, "{path} {authorization:?}");
    }
    let none = get(&mut range, "/signed", None);
    let words = r#"{"message":"Missing Authentication Token"}"#;
    assert_eq!(refusal(&none), (403, "MissingAuthenticationTokenException", words));
    let token = get(&mut range, "/token", None);
    assert_eq!(refusal(&token), (401, "UnauthorizedException", r#"{"message":"Unauthorized"}"#));
    let denied = get(&mut range, "/token", Some("deny"));
    let words = r#"{"Message":"User is not authorized to access this resource with an explicit deny"}"#;
    assert_eq!(refusal(&denied), (403, "AccessDeniedException", words));
    let bad = get(&mut range, "/signed", Some("invalid"));
    assert_eq!(refusal(&bad).1, "InvalidSignatureException");
}

/// A policy that only allows some addresses does not keep out whom IAM or a Lambda authorizer lets in; it does keep out
/// the others. (documented: authorization flow)
#[test]
fn an_allow_list_does_not_close_what_others_open() {
    let list = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*",
        "Condition":{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}}]}"#;
    let mut range = range(Some(list));
    for (path, authorization, status) in [
        ("/open", None, 403),
        ("/user", Some("allow"), 403),
        ("/signed", Some(SIGNED), 200),
        ("/token", Some("allow"), 200),
        ("/token", Some("silent"), 403),
    ] {
        assert_eq!(get(&mut range, path, authorization).status().as_u16(), status, "{path} {authorization:?}");
    }
    let open = get(&mut range, "/open", None);
    let (_, kind, words) = refusal(&open);
    assert_eq!(kind, "AccessDeniedException");
    assert!(words.starts_with(r#"{"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on"#));
    assert!(!words.contains("explicit deny"), "{words}");
}

/// `Allow *` beside nothing else makes an authorizer's silence an allow: closing must never add it. (documented: either
/// allow suffices)
#[test]
fn a_broad_allow_opens_what_authorizers_leave_unsaid() {
    let allow = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}]}"#;
    for (policy, status) in [(None, 403), (Some(allow), 200)] {
        let mut range = range(policy);
        assert_eq!(get(&mut range, "/token", Some("silent")).status().as_u16(), status);
        assert_eq!(get(&mut range, "/token", None).status().as_u16(), 401, "a token is wanted all the same");
        assert_eq!(get(&mut range, "/token", Some("deny")).status().as_u16(), 403);
    }
}

/// Populations meet the same gates.
#[test]
fn populations_fare_by_their_credentials() {
    let mut text = GATES.to_owned();
    for credential in ["none", "allow", "silent", "deny", "invalid"] {
        let population = format!(
            r#"
[[world.populations]]
name = "{credential}"
kind = "legitimate"
stage = "shop/prod"
rate = 20
credential = "{credential}"
sources = [{{ prefix = "192.0.2.0/24", count = 4 }}]
requests = [{{ route = "GET /token" }}]
"#
        );
        text.push_str(&population);
    }
    let mut range = Range::from_scenario(&text, None).unwrap();
    after(&mut range, 2);
    let at = last_minute(&range);
    for (credential, fate) in [
        ("none", "unauthorized"),
        ("allow", "served"),
        ("silent", "denied"),
        ("deny", "denied"),
        ("invalid", "unauthorized"),
    ] {
        let counts = range.truth().population(PROD, credential, at);
        let (met, name) = match fate {
            "served" => (counts.served, fate),
            "denied" => (counts.denied, fate),
            _ => (counts.unauthorized, fate),
        };
        assert!(counts.requests > 1_000 && met == counts.requests, "{credential} is {name}: {counts:?}");
    }
}
