#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeSet;

use super::*;
use crate::aws::{AwsError, Problem};
use crate::model::stage::Api;
use crate::watch::discover::Found;

const ACL: &str = "arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/front/1-2-3";

fn state() -> State {
    State::new(Arc::default(), "eu-central-1")
}

fn api(id: &str, name: &str) -> Api {
    Api { id: id.into(), name: name.into(), endpoint_types: Vec::new(), endpoint_disabled: false }
}

fn detail(api: &Api, stage: &str, acl: Option<&str>) -> StageDetail {
    StageDetail {
        id: StageId { api_id: api.id.clone(), api_name: api.name.clone(), stage: stage.into() },
        web_acl_arn: acl.map(str::to_owned),
        deployment_id: None,
        cache_cluster_status: None,
        canary: false,
        endpoint_disabled: false,
        tracing: false,
        access_log: None,
        limit: None,
        lowest_of_a_method: None,
    }
}

fn stages(state: &mut State, api: &Api, names: &[&str]) {
    let details = names.iter().map(|n| detail(api, n, None)).collect();
    state.apply(Found::Stages { api: api.clone(), result: Ok(details) });
}

fn active(names: &[(&str, &str)]) -> Found {
    let key =
        |(api, stage): &(&str, &str)| SeriesKey { kind: ApiKind::Rest, api: (*api).into(), stage: (*stage).into() };
    let keys = names.iter().map(key);
    Found::Active(Ok(keys.collect()))
}

fn rows(state: &State) -> Vec<String> {
    let row = |e: &Entry| format!("{}:{}", e.id.label(), e.id.api_id);
    state.entries.values().map(row).collect()
}

fn denied(operation: &str, subject: &str) -> AwsError {
    AwsError::new(operation, subject, Problem::Denied("AccessDenied".into()))
}

#[test]
fn active_stages_are_rows_before_any_get_stages_in_whatever_order_they_come() {
    for apis_first in [true, false] {
        let mut state = state();
        let apis = Found::Apis(Ok(vec![api("a1", "shop")]));
        let active = active(&[("shop", "prod"), ("gone", "prod")]);
        let (one, two) = if apis_first { (apis, active) } else { (active, apis) };
        state.apply(one);
        assert!(rows(&state).is_empty());
        state.apply(two);
        assert_eq!(rows(&state), ["shop/prod:a1"]);
    }
}

#[test]
fn what_a_second_round_confirms_is_known_and_what_it_changes_is_not() {
    let mut state = state();
    let shop = api("a1", "shop");
    state.apply(Found::Apis(Ok(vec![shop.clone(), api("a2", "shop"), api("a3", "shop-2")])));
    let found = |details: &[StageDetail]| Found::Stages { api: shop.clone(), result: Ok(details.to_vec()) };
    let (prod, dev) = (detail(&shop, "prod", Some(ACL)), detail(&shop, "dev", None));
    assert!(!state.knows(&found(&[])), "that there are no stages is news, once");
    assert!(!state.knows(&found(&[prod.clone(), dev.clone()])));
    state.apply(found(&[prod.clone(), dev.clone()]));
    let rows_before = rows(&state);
    assert!(state.knows(&found(&[dev.clone(), prod.clone()])));
    state.apply(found(&[dev.clone(), prod.clone()]));
    assert_eq!(rows(&state), rows_before);
    assert!(!state.knows(&found(std::slice::from_ref(&prod))), "a stage is gone");
    assert!(!state.knows(&found(&[prod, detail(&shop, "dev", Some(ACL))])), "a web ACL is new");
    assert!(!state.knows(&Found::Stages { api: shop, result: Err(denied("GetStages", "shop")) }));
    state.apply(active(&[("shop", "prod")]));
    assert!(state.knows(&active(&[("shop", "prod")])));
    assert!(!state.knows(&active(&[])));
    state.apply(Found::Active(Err(denied("ListMetrics", "AWS/ApiGateway"))));
    assert!(!state.knows(&active(&[("shop", "prod")])), "the trouble ends");
}

#[test]
fn a_name_that_two_apis_share_waits_for_get_stages() {
    let mut state = state();
    let (one, two) = (api("a1", "shop"), api("a2", "shop"));
    state.apply(Found::Apis(Ok(vec![one.clone(), two.clone()])));
    state.apply(active(&[("shop", "prod")]));
    assert!(rows(&state).is_empty());
    stages(&mut state, &two, &["prod"]);
    stages(&mut state, &one, &["dev"]);
    assert_eq!(rows(&state), ["shop/dev:a1", "shop/prod:a2"]);
}

#[test]
fn a_deleted_stage_and_a_deleted_api_lose_their_rows() {
    let mut state = state();
    let (shop, blog) = (api("a1", "shop"), api("a2", "blog"));
    state.apply(Found::Apis(Ok(vec![shop.clone(), blog.clone()])));
    stages(&mut state, &shop, &["dev", "prod"]);
    stages(&mut state, &blog, &["prod"]);
    stages(&mut state, &shop, &["prod"]);
    assert_eq!(rows(&state), ["blog/prod:a2", "shop/prod:a1"]);
    state.apply(Found::Apis(Ok(vec![shop])));
    assert_eq!(rows(&state), ["shop/prod:a1"]);
    state.apply(Found::Done);
    assert_eq!(state.series.held.len(), 1, "unused series are forgotten");
}

#[test]
fn where_apis_cannot_be_listed_the_metrics_name_the_rows() {
    let mut state = state();
    state.apply(Found::Apis(Err(denied("GetRestApis", "the account"))));
    state.apply(active(&[("shop", "prod")]));
    assert_eq!(rows(&state), ["shop/prod:"]);
    assert!(state.troubles.words().unwrap().contains("GetRestApis"));
    state.apply(Found::Apis(Ok(vec![api("a1", "shop")])));
    assert_eq!(rows(&state), ["shop/prod:a1"]);
    assert_eq!(state.troubles.words(), None);
}

#[test]
fn details_that_may_not_be_read_are_told_and_keep_the_row() {
    let mut state = state();
    let shop = api("a1", "shop");
    state.apply(Found::Apis(Ok(vec![shop.clone()])));
    state.apply(active(&[("shop", "prod")]));
    let result = Err(denied("GetStages", "shop"));
    state.apply(Found::Stages { api: shop.clone(), result });
    let entry = state.entries.values().next().unwrap();
    assert!(matches!(&entry.detail, Known::No(reason) if reason.contains("not permitted")));
    state.apply(Found::Done);
    assert!(state.troubles.words().is_some());
    stages(&mut state, &shop, &["prod"]);
    state.apply(Found::Done);
    assert_eq!(state.troubles.words(), None);
}

#[test]
fn credentials_come_before_all_other_trouble() {
    let mut state = state();
    state.apply(Found::AclDimensions(Err(denied("ListMetrics", "x"))));
    let expired = Problem::BadCredentials("ExpiredToken".into());
    state.apply(Found::Active(Err(AwsError::new("ListMetrics", "y", expired))));
    assert!(state.troubles.words().unwrap().contains("Sign in again"));
}

#[test]
fn a_web_acl_is_matched_by_name_first_and_then_by_metric_name() {
    let mut state = state();
    let shop = api("a1", "shop");
    state.apply(Found::Apis(Ok(vec![shop.clone()])));
    state.apply(Found::Stages { api: shop.clone(), result: Ok(vec![detail(&shop, "prod", Some(ACL))]) });
    assert_eq!(state.acls.get(ACL).unwrap().candidates(), ["front"]);
    let seen: BTreeSet<String> = ["FrontMetric".to_owned()].into();
    state.apply(Found::AclDimensions(Ok(seen)));
    assert_eq!(state.acls.get(ACL).unwrap().dimension, None);
    state.apply(Found::AclMetricName { arn: ACL.into(), metric_name: "FrontMetric".into() });
    assert_eq!(state.acls.get(ACL).unwrap().dimension.as_deref(), Some("FrontMetric"));
}

#[test]
fn a_web_acl_of_waf_classic_has_no_name() {
    assert_eq!(acl_name(ACL), Some("front"));
    let classic = "arn:aws:waf-regional:eu-central-1:111122223333:webacl/1-2-3";
    assert_eq!(acl_name(classic), None);
}
