//! HTTP APIs: the same way through, other names on the metrics.

use super::*;
use bytes::Bytes;
use http::Request;
use portcullis_range::{Reply, ScenarioError};
use serde_json::json;

const PETS: &str = r#"schema = "portcullis.scenario/1"
name = "pets"
title = "Pets"

[world]
account = "111122223333"
region = "eu-central-1"
start = 2026-03-03T03:00:00Z

[[world.apis]]
name = "pets"
id = "pets000001"
protocol = "HTTP"
methods = [
    { method = "GET", path = "/pets" },
    { method = "POST", path = "/pets", authorization = "JWT" },
]
stages = [{ name = "live", throttle = { rate = 200, burst = 200 } }]

[[world.populations]]
name = "visitors"
kind = "legitimate"
stage = "pets/live"
rate = 50
sources = [{ prefix = "192.0.2.0/24", count = 4 }]
requests = [{ route = "GET /pets", share = 4 }, { route = "POST /pets", share = 1 }]
"#;

fn pets(minutes: i64) -> Range {
    let mut range = Range::from_scenario(PETS, None).unwrap();
    after(&mut range, minutes);
    range
}

fn metric(range: &Range, name: &str, at: DateTime<Utc>) -> Option<Point> {
    point(range, "AWS/ApiGateway", name, &[("ApiId", "pets000001"), ("Stage", "live")], at)
}

fn update(range: &mut Range, settings: &serde_json::Value) {
    let mut input = json!({"apiId": "pets000001", "stageName": "live"});
    input.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    range.account_mut().act("oncall", "apigatewayv2", "UpdateStage", input).unwrap();
    after(range, 2);
}

/// `4xx`, `5xx`, `Count`, `Latency`, `IntegrationLatency` and `DataProcessed` by `ApiId` and `Stage`; nothing of REST
/// APIs' names. (documented: HTTP API metrics)
#[test]
fn metrics_go_by_id_and_other_names() {
    let range = pets(3);
    let at = last_minute(&range);
    let truth = range.truth().stage("pets/live", at);
    assert_eq!(metric(&range, "Count", at).unwrap().count, truth.requests);
    assert_eq!(whole(metric(&range, "4xx", at).unwrap().sum), truth.status_4xx());
    assert!(truth.unauthorized * 4 < truth.requests && truth.unauthorized > 0, "no token on POST /pets: {truth:?}");
    assert_eq!(metric(&range, "IntegrationLatency", at).unwrap().count, truth.integrated());
    assert!(metric(&range, "DataProcessed", at).unwrap().sum > 1e6);
    for name in ["4XXError", "5XXError", "CacheHitCount"] {
        assert!(metric(&range, name, at).is_none(), "{name}");
    }
    let whole_api = point(&range, "AWS/ApiGateway", "Count", &[("ApiId", "pets000001")], at).unwrap();
    assert_eq!(whole_api.count, truth.requests);
}

/// A settings object without limits is an outage; a route's own entry is not reached by the default. (inferred: users'
/// reports)
#[test]
fn an_object_without_limits_is_an_outage() {
    let mut range = pets(1);
    let detailed = json!({"throttlingRateLimit": 500, "throttlingBurstLimit": 500, "detailedMetricsEnabled": true});
    update(&mut range, &json!({"routeSettings": {"POST /pets": detailed}}));
    update(&mut range, &json!({"defaultRouteSettings": {"detailedMetricsEnabled": true}}));
    let at = last_minute(&range);
    let counts = range.truth().stage("pets/live", at);
    assert_eq!(counts.integrated(), 0, "{counts:?}");
    assert_eq!(counts.throttled + counts.unauthorized, counts.requests);
    let dimensions = [("ApiId", "pets000001"), ("Method", "GET"), ("Resource", "/pets"), ("Stage", "live")];
    let detail = point(&range, "AWS/ApiGateway", "4xx", &dimensions, at).unwrap();
    assert_eq!(whole(detail.sum), counts.throttled);
    update(
        &mut range,
        &json!({"defaultRouteSettings": {"throttlingRateLimit": 10_000, "throttlingBurstLimit": 5_000}}),
    );
    assert_eq!(range.truth().stage("pets/live", last_minute(&range)).throttled, 0);
}

/// Real requests: no route is 404, no token 401, and `$default` takes the rest. (documented: developer guide)
#[test]
fn real_requests_meet_its_own_words() {
    let mut range = pets(0);
    let mut get = |method: &str, path: &str, at: i64| {
        let uri = format!("/restapis/pets000001/live/_user_request_{path}");
        let request = Request::builder().method(method).uri(uri).body(Bytes::new()).unwrap();
        let now = range.start() + Duration::seconds(at);
        if at == 20 {
            range.account_mut().create_route("pets000001", "$default", "NONE", None).unwrap();
        }
        match range.handle(request, None, now) {
            Reply::Response(response) => (response.status().as_u16(), response.body().clone()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(get("GET", "/pets", 1).0, 200);
    assert_eq!(get("GET", "/cats", 1), (404, Bytes::from_static(br#"{"message":"Not Found"}"#)));
    assert_eq!(get("POST", "/pets", 1), (401, Bytes::from_static(br#"{"message":"Unauthorized"}"#)));
    get("GET", "/pets", 20);
    assert_eq!(get("GET", "/cats", 40).0, 200);
    assert_eq!(get("DELETE", "/pets", 40).0, 200, "another method of a known path too");
}

/// What HTTP APIs do not have, a scenario does not give them. (documented: choosing between REST and HTTP APIs)
#[test]
fn what_http_apis_lack_is_refused() {
    let wrong = |from: &str, to: &str| -> ScenarioError {
        Range::from_scenario(&PETS.replacen(from, to, 1), None).expect_err("must be refused")
    };
    assert!(wrong(r#"name = "live","#, r#"name = "live", cache = { size = "0.5" },"#).message.contains("no cache"));
    assert!(
        wrong(r#"path = "/pets" }"#, r#"path = "/pets", api_key_required = true }"#).message.contains("no API keys")
    );
    assert!(wrong(r#""HTTP""#, r#""REST""#).message.contains("JWT"));
    assert!(wrong(r#""HTTP""#, r#""SOAP""#).message.contains("SOAP"));
}
