//! What every answer has, and what is not understood.

use bytes::Bytes;
use http::Request;
use portcullis_range::{ID_HEADER, RATE_HEADER};
use serde_json::{Value, json};

use crate::client::{ACCOUNT, Client, waf_request};

/// `Date` is account time, the rate is in its header, and each answer has its own request id.
#[test]
fn answers_carry_account_time_and_rate() {
    let mut client = Client::new();
    client.range.set_rate(20.0);
    client.wait(61);
    let answer = client.get("/account");
    assert_eq!(answer.headers["date"], "Sun, 01 Mar 2026 03:01:01 GMT");
    assert_eq!(answer.headers[RATE_HEADER], "20");
    let other = client.get("/account");
    assert_ne!(answer.headers["x-amzn-requestid"], other.headers["x-amzn-requestid"]);
}

/// Which range it is stands on every answer, refused or not; a range that was given no id says nothing.
#[test]
fn answers_carry_the_range_s_id() {
    let mut client = Client::new();
    assert_eq!(client.get("/account").headers.get(ID_HEADER), None);
    client.range.set_id("4f1c");
    for path in ["/account", "/coffee"] {
        assert_eq!(client.get(path).headers[ID_HEADER], "4f1c", "{path}");
    }
    assert_eq!(client.range.id(), Some("4f1c"));
    client.range.set_id("no\nheader");
    assert_eq!(client.range.id(), None);
}

/// Account time never runs backwards.
#[test]
fn a_request_from_the_past_is_answered_now() {
    let mut client = Client::new();
    client.wait(60);
    client.get("/account").ok();
    client.wait(-30);
    assert_eq!(client.get("/account").headers["date"], "Sun, 01 Mar 2026 03:01:00 GMT");
}

/// Each protocol has its way of not knowing an operation (documented: common errors; Smithy's REST protocol). Who does
/// not know it is the range, and no permission is missing.
#[test]
fn an_unknown_operation_is_refused_in_the_protocol_s_way() {
    let mut client = Client::new();
    let answers = [
        (client.waf("MakeCoffee", json!({})), 400, "MakeCoffee of wafv2"),
        (client.cbor("MakeCoffee", &json!({})), 400, "MakeCoffee of cloudwatch"),
        (client.metrics("MakeCoffee", &json!({})), 400, "MakeCoffee of cloudwatch"),
        (client.logs("MakeCoffee", json!({})), 400, "MakeCoffee of logs"),
        (client.get("/coffee"), 404, "GET /coffee of apigateway"),
        (client.get("/v2/coffee"), 404, "GET /v2/coffee of apigatewayv2"),
    ];
    for (answer, status, what) in answers {
        assert_eq!(answer.body["message"], format!("The Portcullis range does not know {what}."));
        assert_eq!(answer.refused(), (status, "UnknownOperationException".to_owned()));
    }
}

/// STS speaks XML.
#[test]
fn sts_tells_who_calls() {
    let mut client = Client::new();
    let request = |action: &str| {
        Request::post("/")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(Bytes::from(format!("Action={action}&Version=2011-06-15")))
            .unwrap()
    };
    let known = client.send(request("GetCallerIdentity"));
    let text = String::from_utf8(known.body().to_vec()).unwrap();
    assert!(text.contains(&format!("<Account>{ACCOUNT}</Account>")), "{text}");
    let unknown = client.send(request("MakeCoffee"));
    assert_eq!(unknown.status(), 400);
    assert!(String::from_utf8(unknown.body().to_vec()).unwrap().contains("<Code>InvalidAction</Code>"));
}

/// A signature for another region is refused; an unsigned request passes, as the range checks no credentials.
/// (documented: Signature Version 4)
#[test]
fn a_signature_for_another_region_is_refused() {
    let mut client = Client::new();
    let mut request = waf_request("ListIPSets", &json!({"Scope": "REGIONAL"}));
    let sign = |region: &str| {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIA/20260301/{region}/wafv2/aws4_request, SignedHeaders=host, Signature=0"
        )
    };
    request.headers_mut().insert("authorization", sign("eu-central-1").parse().unwrap());
    assert_eq!(client.send(request.clone()).status(), 200);
    request.headers_mut().insert("authorization", sign("us-east-1").parse().unwrap());
    let refused = client.send(request);
    let body: Value = serde_json::from_slice(refused.body()).unwrap();
    assert_eq!(body["__type"], "InvalidSignatureException");
}

/// Bodies that are not what they claim are refused, in every protocol, and do no harm.
#[test]
fn nonsense_is_refused() {
    let mut client = Client::new();
    for body in [&b"{"[..], b"[]", b"\xff\xfe", b"null"] {
        let mut request = waf_request("ListIPSets", &Value::Null);
        *request.body_mut() = Bytes::copy_from_slice(body);
        assert_eq!(client.send(request).status(), 400);
        let request = Request::post("/service/GraniteServiceVersion20100801/operation/ListMetrics")
            .header("smithy-protocol", "rpc-v2-cbor")
            .body(Bytes::copy_from_slice(b"\xbf\x61"))
            .unwrap();
        assert_eq!(client.send(request).status(), 400);
        let request = Request::post("/restapis").body(Bytes::copy_from_slice(body)).unwrap();
        assert_eq!(client.send(request).status(), 400);
    }
}

/// A caller of an API or stage that is not there gets 403 and `Forbidden`. (documented)
#[test]
fn an_unknown_stage_is_forbidden_to_callers() {
    let mut client = Client::new();
    let api = client.api();
    for path in [format!("/restapis/{api}/nope/_user_request_/login"), "/restapis/x/prod/_user_request_/".to_owned()] {
        let answer = client.get(&path);
        assert_eq!(answer.body, json!({"message": "Forbidden"}));
        assert_eq!(answer.refused(), (403, "ForbiddenException".to_owned()));
    }
    assert!(client.range.calls().iter().all(|call| call.mutating), "callers are not on the trail");
}
