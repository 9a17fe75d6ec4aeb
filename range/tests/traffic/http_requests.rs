//! Real requests pass the same path and count in the same books.

use super::*;
use bytes::Bytes;
use http::{Request, Response};
use portcullis_range::state::MethodSetting;
use portcullis_range::{Reply, Truth};

const CALLER: &str = "192.0.2.9";

fn send(range: &mut Range, method: &str, path: &str, client: &str) -> Response<Bytes> {
    let uri = format!("/restapis/{}/prod/_user_request_{path}", api(range, "shop"));
    let request = Request::builder().method(method).uri(uri).header("user-agent", "curl/8").body(Bytes::new()).unwrap();
    let now = range.now();
    match range.handle(request, Some(client.parse().unwrap()), now) {
        Reply::Response(response) => response,
        other => panic!("{other:?}"),
    }
}

fn body(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

fn error_type(response: &Response<Bytes>) -> &str {
    response.headers()["x-amzn-errortype"].to_str().unwrap()
}

#[test]
fn a_request_is_answered_and_counted() {
    let mut range = sqli_flood(0);
    for _ in 0..20 {
        assert_eq!(send(&mut range, "GET", "/orders/7", CALLER).status(), 200);
    }
    let at = range.now();
    after(&mut range, 1);
    assert_eq!(range.truth().population(PROD, Truth::REAL, at).served, 20);
    assert_eq!(gateway(&range, "Count", at).count, range.truth().stage(PROD, at).requests);
    assert_eq!(waf(&range, "AllowedRequests", "ALL", at), range.truth().stage(PROD, at).requests);
    let unknown = send(&mut range, "GET", "/nothing", CALLER);
    assert_eq!((unknown.status().as_u16(), body(&unknown)), (403, r#"{"message":"Missing Authentication Token"}"#));
}

#[test]
fn a_blocked_address_gets_wafs_403_and_appears_in_the_samples() {
    let mut range = sqli_flood(0);
    // One of the entries that were there before.
    let response = send(&mut range, "GET", "/products", "192.0.2.66");
    assert_eq!((response.status().as_u16(), body(&response)), (403, r#"{"message":"Forbidden"}"#));
    assert_eq!(error_type(&response), "ForbiddenException");
    let (from, to) = (range.now(), range.now() + Duration::seconds(1));
    let drawn = range.account().samples.draw(&acl_arn(&range), "blocklist", from, to, 10);
    let (sample, _) = &drawn.rows[0];
    assert_eq!((sample.client_ip.to_string().as_str(), sample.request.uri.as_str()), ("192.0.2.66", "/prod/products"));
    assert_eq!((sample.verdict.action.as_str(), sample.verdict.response_code), ("BLOCK", Some(403)));
}

#[test]
fn a_throttled_request_gets_429() {
    let mut range = sqli_flood(0);
    let id = api(&range, "shop");
    range.account_mut().edit_stage(&id, "prod", |stage| {
        let setting = MethodSetting { throttling_rate_limit: 0.0, ..MethodSetting::fresh() };
        stage.method_settings.insert("login/POST".to_owned(), setting);
    });
    after(&mut range, 1);
    let response = send(&mut range, "POST", "/login", CALLER);
    assert_eq!((response.status().as_u16(), body(&response)), (429, r#"{"message":"Too Many Requests"}"#));
    assert_eq!(error_type(&response), "TooManyRequestsException");
    assert_eq!(send(&mut range, "GET", "/products", CALLER).status(), 200);
}

#[test]
fn a_policys_refusal_is_told_from_wafs_by_its_body() {
    let text = SQLI_FLOOD.replace(
        "description = \"The shop's public API\"\n",
        "description = \"x\"\npolicy = '{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"execute-api:Invoke\",\
         \"Resource\":\"execute-api:/*\"},{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"execute-api:Invoke\",\"Resource\":\
         \"execute-api:/prod/*\",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.9\"}}}]}'\n",
    );
    assert!(text.contains("policy = "));
    let mut range = Range::from_scenario(&text.replace("45m", "1m"), None).unwrap();
    let response = send(&mut range, "GET", "/products", CALLER);
    assert_eq!((response.status().as_u16(), error_type(&response)), (403, "AccessDeniedException"));
    let text = body(&response);
    assert!(
        text.starts_with(
            r#"{"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on resource: arn:"#
        ),
        "{text}"
    );
    assert!(text.contains("********3333:") && text.ends_with("/prod/GET/products with an explicit deny\"}"), "{text}");
    assert_eq!(send(&mut range, "GET", "/products", "192.0.2.10").status(), 200);
}

#[test]
fn a_saturated_backend_fails_real_requests_too() {
    let mut range = sqli_flood(5);
    let failed = (0..50).filter(|_| send(&mut range, "GET", "/products", CALLER).status().is_server_error()).count();
    assert!((5..40).contains(&failed), "{failed} of 50");
}

#[test]
fn an_injection_over_http_is_counted_by_the_managed_rules() {
    let mut range = sqli_flood(0);
    send(&mut range, "GET", "/search?q=1%27%20OR%201=1", CALLER);
    let at = range.now();
    after(&mut range, 1);
    assert_eq!(waf(&range, "CountedRequests", "aws-sqli", at), 1);
}
