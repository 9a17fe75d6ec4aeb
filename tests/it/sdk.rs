//! The real SDK against the range, operation by operation: what is created is read back in the SDK's own types.
//!
//! These clients are built past the console on purpose: they play the account's owners, who set things up.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aws_sdk_apigateway::types::{IntegrationType, Op, PatchOperation};
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, StatusCode};
use aws_sdk_wafv2::error::ProvideErrorMetadata;
use aws_sdk_wafv2::types::{
    AllowAction, BlockAction, DefaultAction, IpAddressVersion, IpSetReferenceStatement, ResourceType, Rule, RuleAction,
    Scope, Statement, Tag, TimeWindow, VisibilityConfig,
};
use portcullis::aws::{InProcess, RangeHandle};
use portcullis::drill::Drill;
use portcullis_range::Range;

macro_rules! client {
    ($sdk:ident, $range:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version($sdk::config::BehaviorVersion::latest())
                .region($sdk::config::Region::new("eu-central-1"))
                .credentials_provider($sdk::config::Credentials::new("AKIARANGE00000000000", "range", None, None, "t"))
                .endpoint_url("http://range.invalid")
                .http_client(InProcess($range.clone()))
                .retry_config($sdk::config::retry::RetryConfig::disabled())
                .build(),
        )
    };
}

fn empty() -> RangeHandle {
    let start = chrono::DateTime::from_timestamp(1_772_000_000, 0).unwrap();
    let mut range = Range::empty("111122223333", "eu-central-1", start);
    range.set_quotas(false);
    RangeHandle::new(range, 1.0)
}

fn visibility(name: &str) -> VisibilityConfig {
    VisibilityConfig::builder()
        .sampled_requests_enabled(true)
        .cloud_watch_metrics_enabled(true)
        .metric_name(name)
        .build()
        .unwrap()
}

fn blocking(name: &str, ip_set: &str) -> Rule {
    let reference = IpSetReferenceStatement::builder().arn(ip_set).build().unwrap();
    Rule::builder()
        .name(name)
        .priority(1)
        .statement(Statement::builder().ip_set_reference_statement(reference).build())
        .action(RuleAction::builder().block(BlockAction::builder().build()).build())
        .visibility_config(visibility(name))
        .build()
        .unwrap()
}

#[tokio::test]
async fn sts_says_who_we_are() {
    let range = empty();
    let who = client!(aws_sdk_sts, range).get_caller_identity().send().await.unwrap();
    assert_eq!(who.account(), Some("111122223333"));
    assert!(who.arn().unwrap().starts_with("arn:aws:"));
}

#[tokio::test]
async fn ip_sets_are_created_read_replaced_listed_and_deleted() {
    let range = empty();
    let waf = client!(aws_sdk_wafv2, range);
    let created = waf
        .create_ip_set()
        .name("block")
        .scope(Scope::Regional)
        .ip_address_version(IpAddressVersion::Ipv4)
        .addresses("192.0.2.1/32")
        .description("ours")
        .tags(Tag::builder().key("team").value("web").build().unwrap())
        .send()
        .await
        .unwrap();
    let summary = created.summary().unwrap();
    let (id, arn) = (summary.id().unwrap(), summary.arn().unwrap());
    let read = waf.get_ip_set().name("block").id(id).scope(Scope::Regional).send().await.unwrap();
    let set = read.ip_set().unwrap();
    assert_eq!((set.addresses(), set.description()), (["192.0.2.1/32".to_owned()].as_slice(), Some("ours")));
    let update = |token: &str| {
        waf.update_ip_set().name("block").id(id).scope(Scope::Regional).addresses("192.0.2.2/32").lock_token(token)
    };
    let token = read.lock_token().unwrap();
    let next = update(token).send().await.unwrap();
    assert_ne!(next.next_lock_token(), Some(token));
    let stale = update(token).send().await.unwrap_err().into_service_error();
    assert!(stale.is_waf_optimistic_lock_exception());
    let read = waf.get_ip_set().name("block").id(id).scope(Scope::Regional).send().await.unwrap();
    assert_eq!(
        read.ip_set().unwrap().description().unwrap_or_default(),
        "",
        "an update without a description clears it"
    );
    let tags = waf.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tag_info_for_resource().unwrap().tag_list()[0].key(), "team");
    assert_eq!(waf.list_ip_sets().scope(Scope::Regional).send().await.unwrap().ip_sets().len(), 1);
    let token = read.lock_token().unwrap();
    waf.delete_ip_set().name("block").id(id).scope(Scope::Regional).lock_token(token).send().await.unwrap();
    let gone = waf.get_ip_set().name("block").id(id).scope(Scope::Regional).send().await.unwrap_err();
    assert!(gone.into_service_error().is_waf_nonexistent_item_exception());
}

#[tokio::test]
async fn what_waf_refuses_is_refused_with_its_own_errors() {
    let range = empty();
    let waf = client!(aws_sdk_wafv2, range);
    for address in ["0.0.0.0/0", "192.0.2.1", "192.0.2.66/29", "2001:db8::/48", "nonsense"] {
        let call = waf.create_ip_set().name("bad").scope(Scope::Regional);
        let call = call.ip_address_version(IpAddressVersion::Ipv4).addresses(address).send().await;
        let error = call.unwrap_err().into_service_error();
        assert!(error.is_waf_invalid_parameter_exception(), "{address}: {:?}", error.code());
    }
}

#[tokio::test]
async fn a_web_acl_is_built_wired_and_taken_off() {
    let range = empty();
    let (waf, gateway) = (client!(aws_sdk_wafv2, range), client!(aws_sdk_apigateway, range));
    let set = waf.create_ip_set().name("block").scope(Scope::Regional).ip_address_version(IpAddressVersion::Ipv4);
    let set = set.set_addresses(Some(vec![])).send().await.unwrap();
    let set_arn = set.summary().unwrap().arn().unwrap().to_owned();
    let group = waf
        .create_rule_group()
        .name("group")
        .scope(Scope::Regional)
        .capacity(10)
        .rules(blocking("inner", &set_arn))
        .visibility_config(visibility("group"))
        .send()
        .await
        .unwrap();
    let group_id = group.summary().unwrap().id().unwrap();
    let read = waf.get_rule_group().name("group").id(group_id).scope(Scope::Regional).send().await.unwrap();
    assert_eq!(read.rule_group().unwrap().rules()[0].name(), "inner");
    assert_eq!(waf.list_rule_groups().scope(Scope::Regional).send().await.unwrap().rule_groups().len(), 1);
    let acl = waf
        .create_web_acl()
        .name("front")
        .scope(Scope::Regional)
        .default_action(DefaultAction::builder().allow(AllowAction::builder().build()).build())
        .rules(blocking("block", &set_arn))
        .visibility_config(visibility("front-metric"))
        .send()
        .await
        .unwrap();
    let acl_arn = acl.summary().unwrap().arn().unwrap().to_owned();
    let acl_id = acl.summary().unwrap().id().unwrap().to_owned();
    let read = waf.get_web_acl().name("front").id(&acl_id).scope(Scope::Regional).send().await.unwrap();
    let rule = &read.web_acl().unwrap().rules()[0];
    assert_eq!(rule.statement().unwrap().ip_set_reference_statement().unwrap().arn(), set_arn);

    let stage_arn = stage(&gateway).await;
    waf.associate_web_acl().web_acl_arn(&acl_arn).resource_arn(&stage_arn).send().await.unwrap();
    let behind = waf.list_resources_for_web_acl().web_acl_arn(&acl_arn);
    let behind = behind.resource_type(ResourceType::ApiGateway).send().await.unwrap();
    assert_eq!(behind.resource_arns(), std::slice::from_ref(&stage_arn));
    let found = waf.get_web_acl_for_resource().resource_arn(&stage_arn).send().await.unwrap();
    assert_eq!(found.web_acl().unwrap().name(), "front");
    waf.disassociate_web_acl().resource_arn(&stage_arn).send().await.unwrap();
    assert!(waf.get_web_acl_for_resource().resource_arn(&stage_arn).send().await.unwrap().web_acl().is_none());
}

/// An API with a method, deployed to a stage; gives the stage's ARN.
async fn stage(gateway: &aws_sdk_apigateway::Client) -> String {
    let api = gateway.create_rest_api().name("shop").send().await.unwrap();
    let id = api.id().unwrap();
    let root = gateway.get_resources().rest_api_id(id).send().await.unwrap().items()[0].id().unwrap().to_owned();
    let login = gateway.create_resource().rest_api_id(id).parent_id(root).path_part("login").send().await.unwrap();
    let login = login.id().unwrap();
    let method = gateway.put_method().rest_api_id(id).resource_id(login).http_method("POST");
    method.authorization_type("NONE").send().await.unwrap();
    let integration = gateway.put_integration().rest_api_id(id).resource_id(login).http_method("POST");
    integration.r#type(IntegrationType::Mock).send().await.unwrap();
    let read = gateway.get_method().rest_api_id(id).resource_id(login).http_method("POST").send().await.unwrap();
    assert_eq!(read.authorization_type(), Some("NONE"));
    let deployment = gateway.create_deployment().rest_api_id(id).send().await.unwrap();
    let create = gateway.create_stage().rest_api_id(id).stage_name("prod").deployment_id(deployment.id().unwrap());
    create.send().await.unwrap();
    format!("arn:aws:apigateway:eu-central-1::/restapis/{id}/stages/prod")
}

#[tokio::test]
async fn apis_stages_and_deployments_are_read_back() {
    let range = empty();
    let gateway = client!(aws_sdk_apigateway, range);
    let arn = stage(&gateway).await;
    let id = arn.split('/').nth(2).unwrap();
    assert_eq!(gateway.get_rest_apis().send().await.unwrap().items()[0].name(), Some("shop"));
    assert_eq!(gateway.get_rest_api().rest_api_id(id).send().await.unwrap().name(), Some("shop"));
    assert!(gateway.get_account().send().await.unwrap().throttle_settings().is_some());
    assert_eq!(gateway.get_deployments().rest_api_id(id).send().await.unwrap().items().len(), 1);
    let patch = PatchOperation::builder().op(Op::Replace).path("/*/*/throttling/rateLimit").value("5").build();
    let update = gateway.update_stage().rest_api_id(id).stage_name("prod").patch_operations(patch);
    update.send().await.unwrap();
    let read = gateway.get_stage().rest_api_id(id).stage_name("prod").send().await.unwrap();
    assert!((read.method_settings().unwrap()["*/*"].throttling_rate_limit() - 5.0).abs() < 1e-9);
    assert_eq!(gateway.get_stages().rest_api_id(id).send().await.unwrap().item().len(), 1);
    let missing = gateway.get_stage().rest_api_id(id).stage_name("nope").send().await.unwrap_err();
    assert!(missing.into_service_error().is_not_found_exception());
    gateway.delete_stage().rest_api_id(id).stage_name("prod").send().await.unwrap();
    gateway.delete_rest_api().rest_api_id(id).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn metrics_and_samples_of_the_drill_are_read_by_the_sdk() {
    let range = Drill::load(Some("sqli-flood")).unwrap().range(1.0, None).unwrap();
    let metrics = client!(aws_sdk_cloudwatch, range);
    let listed = metrics.list_metrics().namespace("AWS/WAFV2").send().await.unwrap();
    assert!(!listed.metrics().is_empty());
    let now = range.now().timestamp();
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let metric = Metric::builder()
        .namespace("AWS/ApiGateway")
        .metric_name("Count")
        .dimensions(dimension("ApiName", "shop"))
        .dimensions(dimension("Stage", "prod"))
        .build();
    let stat = MetricStat::builder().metric(metric).period(60).stat("SampleCount").build();
    let query = MetricDataQuery::builder().id("m1").metric_stat(stat).build();
    let time = |seconds| aws_sdk_cloudwatch::primitives::DateTime::from_secs(seconds);
    let read = metrics.get_metric_data().metric_data_queries(query).start_time(time(now - 1_800)).end_time(time(now));
    let read = read.send().await.unwrap();
    let series = &read.metric_data_results()[0];
    assert_eq!(series.status_code(), Some(&StatusCode::Complete));
    assert!(series.values().iter().all(|requests| *requests > 3_000.0), "{:?}", series.values());

    let waf = client!(aws_sdk_wafv2, range);
    let acl = waf.list_web_acls().scope(Scope::Regional).send().await.unwrap().web_acls()[0].arn().unwrap().to_owned();
    let time = |seconds| aws_sdk_wafv2::primitives::DateTime::from_secs(seconds);
    let window = TimeWindow::builder().start_time(time(now - 120)).end_time(time(now)).build().unwrap();
    let sampled = waf.get_sampled_requests().web_acl_arn(acl).rule_metric_name("shop-acl-metric");
    let sampled = sampled.scope(Scope::Regional).time_window(window).max_items(100).send().await.unwrap();
    assert!((50..=100).contains(&sampled.sampled_requests().len()), "{}", sampled.sampled_requests().len());
    assert!(sampled.population_size() > 1_000);
}
