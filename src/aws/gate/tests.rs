#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use aws_sdk_wafv2::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_wafv2::types::{ResourceType, Scope};
use portcullis_range::Range;

use super::*;
use crate::aws::write::Answer;
use crate::aws::{Aws, AwsError, Connection, Endpoint, InProcess, Lane, Problem, RangeHandle};
use crate::journal::{Entry, Grant, Journal};
use crate::model::identity::{Actor, World};
use crate::model::waf::IpSet;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";

fn range() -> RangeHandle {
    let start = DateTime::from_timestamp(1_772_000_000, 0).unwrap();
    let mut range = Range::empty(ACCOUNT, REGION, start);
    let entries = ["192.0.2.1/32".to_owned()];
    range.account_mut().create_ip_set("block", portcullis_range::state::IpVersion::V4, &entries);
    range.account_mut().create_ip_set("other", portcullis_range::state::IpVersion::V4, &entries);
    RangeHandle::new(range, 1.0)
}

fn arn_of(range: &RangeHandle, name: &str) -> String {
    range.with(|range| {
        let sets = &range.account().waf.ip_sets;
        sets.values().find(|s| s.saved().name == name).unwrap().saved().arn.clone()
    })
}

fn written(range: &RangeHandle) -> Vec<String> {
    range.with(|range| range.calls().iter().filter(|c| c.mutating).map(|c| c.operation.clone()).collect())
}

async fn connect(range: &RangeHandle) -> Aws {
    let connection = Connection { endpoint: Endpoint::Range(range.clone()), ..Connection::default() };
    let aws = Aws::connect(&connection).await.unwrap();
    aws.identity(Lane::Plan).await.unwrap();
    aws
}

/// A ticket for `operation` on `resource`, out of a journal as every ticket.
fn ticket(account: &str, region: &str, operation: &str, resource: &str) -> Arc<Ticket> {
    let dir = tempfile::tempdir().unwrap();
    let entry = Entry {
        at: DateTime::UNIX_EPOCH,
        kind: "intent".into(),
        actor: Actor { arn: "arn".into(), user: "ada".into(), host: "console".into() },
        data: serde_json::json!({}),
    };
    let journal = Journal::begin(&dir.path().join("incident"), &entry).unwrap();
    let grant = Grant { service: "wafv2".into(), operation: operation.into(), resource: resource.into() };
    Arc::new(journal.append_intent(&entry, vec![grant], "a1b2c3", account, region).unwrap())
}

async fn set(aws: &Aws, range: &RangeHandle, name: &str) -> IpSet {
    aws.ip_set(&arn_of(range, name), Lane::Plan).await.unwrap()
}

fn refusal(answer: Answer) -> Refusal {
    match answer {
        Answer::Refused(AwsError { problem: Problem::Gate(refusal), .. }) => refusal,
        other => panic!("not refused by the gate: {other:?}"),
    }
}

#[test]
fn a_read_is_a_get_or_a_list() {
    // A query is started and stopped; it reads lines and changes none.
    let query = |read: &(&str, &str)| matches!(read, ("CloudWatch Logs", "StartQuery" | "StopQuery"));
    let reads = |name: &str| ["Get", "List", "Describe"].iter().any(|verb| name.starts_with(verb));
    assert!(READS.iter().all(|read| query(read) || reads(read.1)));
}

/// Sends an operation without a ticket and expects the gate to refuse it.
macro_rules! refused {
    ($range:expr, $($call:expr),* $(,)?) => {{
        let mut operations = 0;
        $(
            let error = $call.send().await.expect_err(stringify!($call));
            let refusal = AwsError::of(stringify!($call), "it", &error);
            assert!(matches!(refusal.problem, Problem::Gate(Refusal::NoTicket(_))), "{refusal:?}");
            operations += 1;
        )*
        assert_eq!(written(&$range), Vec::<String>::new());
        operations
    }};
}

#[tokio::test]
async fn no_client_sends_a_write_without_a_ticket() {
    let range = range();
    let aws = connect(&range).await;
    let (waf, gateway, metrics, sts) = (&aws.0.waf, &aws.0.gateway, &aws.0.metrics, &aws.0.sts);
    let waf_calls = refused!(
        range,
        waf.update_ip_set().name("block").id("1").scope(Scope::Regional).addresses("192.0.2.1/32").lock_token("x"),
        waf.delete_ip_set().name("block").id("1").scope(Scope::Regional).lock_token("x"),
        waf.associate_web_acl().web_acl_arn("arn:aws:wafv2:x").resource_arn("arn:aws:apigateway:x"),
        waf.disassociate_web_acl().resource_arn("arn:aws:apigateway:x"),
        waf.delete_web_acl().name("a").id("1").scope(Scope::Regional).lock_token("x"),
        waf.delete_logging_configuration().resource_arn("arn:aws:wafv2:x"),
        waf.untag_resource().resource_arn("arn:aws:wafv2:x").tag_keys("k"),
    );
    let gateway_calls = refused!(
        range,
        gateway.update_stage().rest_api_id("a").stage_name("prod"),
        gateway.create_deployment().rest_api_id("a"),
        gateway.flush_stage_cache().rest_api_id("a").stage_name("prod"),
        gateway.flush_stage_authorizers_cache().rest_api_id("a").stage_name("prod"),
        gateway.update_rest_api().rest_api_id("a"),
        gateway.delete_stage().rest_api_id("a").stage_name("prod"),
        gateway.delete_rest_api().rest_api_id("a"),
        gateway.update_account(),
        gateway.test_invoke_method().rest_api_id("a").resource_id("r").http_method("GET"),
    );
    let http = &aws.0.http_apis;
    let http_calls = refused!(
        range,
        http.update_stage().api_id("a").stage_name("$default"),
        http.delete_route_settings().api_id("a").stage_name("live").route_key("GET /pets"),
        http.delete_stage().api_id("a").stage_name("live"),
        http.update_api().api_id("a"),
        http.create_deployment().api_id("a"),
        http.reset_authorizers_cache().api_id("a").stage_name("live"),
    );
    assert_eq!(http_calls, 6);
    let others = refused!(
        range,
        metrics.put_metric_data().namespace("n"),
        metrics.delete_alarms().alarm_names("a"),
        aws.0.logs.delete_log_group().log_group_name("g"),
        aws.0.logs.delete_metric_filter().log_group_name("g").filter_name("f"),
        sts.assume_role().role_arn("arn:aws:iam::111122223333:role/x").role_session_name("s"),
    );
    assert_eq!((waf_calls, gateway_calls, others), (7, 9, 5));
}

/// A client that somebody built past `connect`: the second lock alone.
fn bare_clients(range: &RangeHandle, aws: &Aws) -> (aws_sdk_wafv2::Client, aws_sdk_apigateway::Client) {
    let plain = SharedHttpClient::new(InProcess(range.clone()));
    let guarded = GuardedHttp::new(plain, aws.0.clock.clone(), Arc::clone(&aws.0.bound), aws.0.heard.clone());
    let credentials = || Credentials::new("AKIARANGE00000000000", "range", None, None, "test");
    let waf = aws_sdk_wafv2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(credentials())
        .endpoint_url("http://range.invalid")
        .http_client(guarded.clone());
    let gateway = aws_sdk_apigateway::Config::builder()
        .behavior_version(aws_sdk_apigateway::config::BehaviorVersion::latest())
        .region(aws_sdk_apigateway::config::Region::new(REGION))
        .credentials_provider(credentials())
        .endpoint_url("http://range.invalid")
        .http_client(guarded);
    (aws_sdk_wafv2::Client::from_conf(waf.build()), aws_sdk_apigateway::Client::from_conf(gateway.build()))
}

#[tokio::test]
async fn a_client_without_the_interceptor_cannot_write_either() {
    let range = range();
    let aws = connect(&range).await;
    let (waf, gateway) = bare_clients(&range, &aws);
    let listed = waf.list_web_acls().scope(Scope::Regional).send().await.expect("reads pass");
    assert!(listed.web_acls().is_empty());
    let calls = refused!(
        range,
        waf.update_ip_set().name("block").id("1").scope(Scope::Regional).addresses("192.0.2.1/32").lock_token("x"),
        waf.disassociate_web_acl().resource_arn("arn:aws:apigateway:x"),
        gateway.update_stage().rest_api_id("a").stage_name("prod"),
        gateway.create_deployment().rest_api_id("a"),
        gateway.delete_rest_api().rest_api_id("a"),
    );
    assert_eq!(calls, 5);
    let behind = waf.list_resources_for_web_acl().web_acl_arn("arn:aws:wafv2:eu-central-1:1:regional/webacl/a/1");
    assert!(
        behind.resource_type(ResourceType::ApiGateway).send().await.is_err(),
        "a read that AWS refuses is no refusal of ours"
    );
}

#[tokio::test]
async fn a_ticket_opens_exactly_what_it_names() {
    let range = range();
    let aws = connect(&range).await;
    let (block, other) = (set(&aws, &range, "block").await, set(&aws, &range, "other").await);
    let entries = vec!["192.0.2.1/32".to_owned(), "203.0.113.7/32".to_owned()];
    let good = ticket(ACCOUNT, REGION, "UpdateIPSet", &block.arn);
    let attempt = async |ticket: &Arc<Ticket>, set: &IpSet| aws.update_ip_set(ticket, set, entries.clone()).await;

    assert!(matches!(refusal(attempt(&good, &other).await), Refusal::OtherTicket { .. }));
    let deleting = ticket(ACCOUNT, REGION, "DeleteIPSet", &block.arn);
    assert!(matches!(refusal(attempt(&deleting, &block).await), Refusal::OtherTicket { .. }));
    let elsewhere = ticket("999999999999", REGION, "UpdateIPSet", &block.arn);
    assert!(matches!(refusal(attempt(&elsewhere, &block).await), Refusal::OtherAccount { .. }));
    let abroad = ticket(ACCOUNT, "us-east-1", "UpdateIPSet", &block.arn);
    assert!(matches!(refusal(attempt(&abroad, &block).await), Refusal::OtherAccount { .. }));
    assert_eq!(written(&range), Vec::<String>::new());

    assert_eq!(attempt(&good, &block).await, Answer::Accepted(()));
    assert_eq!(written(&range), ["UpdateIPSet"]);
    assert_eq!(set(&aws, &range, "block").await.addresses, entries);
}

#[tokio::test]
async fn what_is_to_be_made_is_known_by_its_name_and_what_is_to_go_by_its_id() {
    use crate::model::made_resource::MadeIpSet;
    use crate::model::waf::IpVersion;
    let range = range();
    let aws = connect(&range).await;
    let made = MadeIpSet::new(IpVersion::V4, ["192.0.2.0/24".to_owned()]);
    let arn = format!("arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/ipset/night");
    let making = ticket(ACCOUNT, REGION, "CreateIPSet", &arn);
    let other = aws.create_ip_set(&making, "day", &made).await;
    assert!(matches!(refusal(other), Refusal::OtherTicket { .. }));
    assert_eq!(written(&range), Vec::<String>::new());
    assert_eq!(aws.create_ip_set(&making, "night", &made).await, Answer::Accepted(()));
    let there = set(&aws, &range, "night").await;
    let deleting = ticket(ACCOUNT, REGION, "DeleteIPSet", &there.arn);
    let error = aws.delete_ip_set(&deleting, &set(&aws, &range, "block").await).await;
    assert!(matches!(refusal(error), Refusal::OtherTicket { .. }));
    assert_eq!(aws.delete_ip_set(&deleting, &there).await, Answer::Accepted(()));
    assert_eq!(written(&range), ["CreateIPSet", "DeleteIPSet"]);
}

#[tokio::test]
async fn before_the_account_is_known_a_ticket_opens_nothing() {
    let range = range();
    let connection = Connection { endpoint: Endpoint::Range(range.clone()), ..Connection::default() };
    let aws = Aws::connect(&connection).await.unwrap();
    let arn = arn_of(&range, "block");
    let (waf, _) = bare_clients(&range, &aws);
    let call = waf.update_ip_set().name("block").id(arn.rsplit('/').next().unwrap()).scope(Scope::Regional);
    let call = call.addresses("203.0.113.7/32").lock_token("x").customize();
    let marked = call.interceptor(WithTicket(ticket(ACCOUNT, REGION, "UpdateIPSet", &arn)));
    let error = AwsError::of("UpdateIPSet", "block", &marked.send().await.unwrap_err());
    assert!(matches!(refusal(Answer::Refused(error)), Refusal::OtherAccount { .. }));
    assert_eq!(written(&range), Vec::<String>::new());
}

#[tokio::test]
async fn once_another_range_answers_nothing_is_written() {
    let range = range();
    range.with(|range| range.set_id("one"));
    let aws = connect(&range).await;
    assert_eq!(aws.identity(Lane::Plan).await.unwrap().at.world, World::Range("one".into()));
    let block = set(&aws, &range, "block").await;
    let one = ticket(ACCOUNT, REGION, "UpdateIPSet", &block.arn);
    range.with(|range| range.set_id("two"));
    let refused = refusal(aws.update_ip_set(&one, &block, vec!["203.0.113.7/32".into()]).await);
    assert!(matches!(refused, Refusal::OtherWorld { .. }), "{refused}");
    assert_eq!(written(&range), Vec::<String>::new());
    let unknown = aws.identity(Lane::Plan).await.unwrap_err();
    assert!(matches!(unknown.problem, Problem::Gate(Refusal::OtherWorld { .. })), "{unknown}");
    range.with(|range| range.set_id("one"));
    assert!(matches!(aws.update_ip_set(&one, &block, vec!["203.0.113.7/32".into()]).await, Answer::Accepted(())));
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> HttpRequest {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = aws_smithy_types::body::SdkBody::from(body);
    HttpRequest::try_from(request.body(body).unwrap()).unwrap()
}

/// HTTP APIs: what the request names is told by the path as it was sent, a stage and a route by what their escapes
/// stand for.
#[test]
fn a_route_is_known_by_its_name_and_a_path_by_its_parts() {
    let on_wire = |method: &str, path: &str| {
        let asked = write_on_the_wire(&request(method, &format!("http://range.invalid{path}"), &[], "")).unwrap();
        (asked.operation, asked.resource)
    };
    let owned = |operation: &str, resource: &str| (operation.to_owned(), resource.to_owned());
    assert_eq!(on_wire("PATCH", "/v2/apis/a/stages/%24default"), owned("UpdateStage", "/apis/a/stages/$default"));
    assert_eq!(
        on_wire("DELETE", "/v2/apis/a/stages/live/routesettings/GET%20%2Fpets"),
        owned("DeleteRouteSettings", "/apis/a/stages/live/routesettings/GET /pets")
    );
    // An escaped slash makes no part of a path, and what is no escape stays.
    assert_eq!(on_wire("PATCH", "/v2/apis/a%2Fstages%2Flive").0, "PATCH");
    assert_eq!(on_wire("DELETE", "/v2/apis/a/stages/live").0, "DELETE");
    assert_eq!(on_wire("PATCH", "/v2/apis/a/stages/%zz%2").1, "/apis/a/stages/%zz%2");
}

#[test]
fn what_looks_like_a_read_in_the_wrong_place_is_a_write() {
    let host = "http://range.invalid";
    let form = ("content-type", "application/x-www-form-urlencoded");
    let disguised = [
        ("POST", "/restapis/a/deployments", vec![], r#"{"description":"&Action=GetCallerIdentity&"}"#),
        ("POST", "/restapis/a/deployments", vec![form], "Action=GetCallerIdentity"),
        ("DELETE", "/restapis/a/operation/GetMetricData", vec![], ""),
        ("DELETE", "/service/GraniteServiceVersion20100801/operation/GetMetricData", vec![], ""),
        ("PATCH", "/restapis/a/stages/prod", vec![("x-amz-target", "AWSWAF_20190729.GetIPSet")], ""),
        ("POST", "/", vec![("x-amz-target", "AWSWAF_20190729.UpdateIPSet.GetIPSet")], ""),
        ("POST", "/", vec![("x-amz-target", "Other.GetIPSet")], ""),
        ("POST", "/", vec![("x-amz-target", "Logs_20140328.DeleteLogGroup")], ""),
        ("POST", "/", vec![("x-amz-target", "Logs_20140328.PutMetricFilter.StartQuery")], ""),
        ("POST", "/", vec![("x-amz-target", "AWSWAF_20190729.StartQuery")], ""),
        ("POST", "/", vec![form], "x=1&Action=GetCallerIdentity"),
        ("POST", "/", vec![form], "Action=AssumeRole&Action=GetCallerIdentity"),
        ("POST", "/?GetIPSet", vec![], ""),
        ("PATCH", "/v2/apis/a/stages/live", vec![("x-amz-target", "AWSWAF_20190729.GetIPSet")], ""),
    ];
    for (method, path, headers, body) in disguised {
        let request = request(method, &format!("{host}{path}"), &headers, body);
        assert!(write_on_the_wire(&request).is_some(), "{method} {path} {headers:?} {body}");
    }
}
