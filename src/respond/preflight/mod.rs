//! Which actions would work on a stage, found out before the night. Reads only.
//!
//! What a plan can tell is told by making the plan; the rest is judged here. A permission to read is proven by reading;
//! AWS has no dry run for writes, so that those are named and not claimed.

mod judge;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures_util::future::join_all;

use super::action::ip_set;
use super::plan::plan;
use super::planned::PlanError;
use super::resolve;
use super::wiring::Reference;
use crate::aws::read::ResourceKind;
use crate::aws::{Aws, AwsError, Lane};
use crate::model::action::{Action, Close, Closure, Terms};
use crate::model::limits::DeployedMethod;
use crate::model::preflight::Preflight;
use crate::model::series::floor_minute;
use crate::model::settings::Settings;
use crate::model::stage::{Api, StageDetail, StageSelector, StageSettings};
use crate::model::waf::{IpSet, WebAcl};

/// What became of each read: nothing, or why it failed. The last failure of an operation stands.
pub(crate) type Reads = BTreeMap<&'static str, Result<(), AwsError>>;

/// What was read of a stage.
#[derive(Debug)]
struct State {
    api: Api,
    stage: StageDetail,
    settings: Result<StageSettings, AwsError>,
    methods: Option<Result<Vec<DeployedMethod>, AwsError>>,
    web_acl: Option<Result<WebAcl, AwsError>>,
    references: Vec<Reference>,
    ip_sets: BTreeMap<String, Result<IpSet, AwsError>>,
    /// Other stages of the API, by name.
    siblings: Result<Vec<String>, AwsError>,
    reads: Reads,
}

/// The stages that `named` names, each with its API; every stage of the account and region where it names none.
///
/// # Errors
/// Where a stage is not there, or they cannot be listed.
pub async fn stages(aws: &Aws, named: &[StageSelector]) -> Result<Vec<(Api, StageDetail)>, PlanError> {
    let apis = aws.rest_apis(Lane::Plan).await?;
    let mut found = Vec::new();
    if named.is_empty() {
        for api in apis {
            let stages = aws.stages(&api, Lane::Plan).await?;
            found.extend(stages.into_iter().map(|stage| (api.clone(), stage)));
        }
        return Ok(found);
    }
    for selector in named {
        let stage = resolve::stage(aws, selector, Lane::Plan).await?;
        found.extend(apis.iter().find(|api| api.id == stage.id.api_id).map(|api| (api.clone(), stage)));
    }
    Ok(found)
}

/// Every check of one stage.
pub async fn preflight(aws: &Aws, settings: &Settings, api: Api, stage: StageDetail) -> Preflight {
    let selector =
        StageSelector { profile: None, region: None, api: stage.id.api_id.clone(), stage: stage.id.stage.clone() };
    // What gets no turn within a plan's time is not known; the plans below have a time of their own.
    let state = Box::pin(read(&aws.patient(), api, stage)).await;
    let terms = Terms { reason: Some("preflight".to_owned()), ..Terms::default() };
    let closing =
        |by| Action::Close(Close { stage: selector.clone(), by, web_acl: None, again: None, terms: terms.clone() });
    let (swap, zero) = (closing(Closure::WebAcl), closing(Closure::ThrottleZero));
    let swap = Box::pin(plan(aws, settings, &swap, None)).await;
    let zero = Box::pin(plan(aws, settings, &zero, None)).await;
    Preflight { stage: state.stage.id.clone(), checks: judge::checks(&state, settings, aws.region(), &swap, &zero) }
}

async fn read(aws: &Aws, api: Api, stage: StageDetail) -> State {
    let id = &stage.id;
    let mut reads = Reads::new();
    // They brought the stage here.
    for operation in ["GetCallerIdentity", "GetRestApis", "GetStages"] {
        reads.insert(operation, Ok(()));
    }
    let settings = aws.stage_settings(&id.api_id, &id.stage, Lane::Plan).await;
    note(&mut reads, "GetStage", &settings);
    let methods = match stage.deployment_id.as_deref() {
        Some(deployment) => Some(aws.deployed_methods(&id.api_id, deployment, Lane::Plan).await),
        None => None,
    };
    if let Some(methods) = &methods {
        note(&mut reads, "GetDeployment", methods);
    }
    note(&mut reads, "GetAccount", &aws.account_limit(Lane::Plan).await);
    note(&mut reads, "GetUsagePlans", &aws.usage_plans(&id.api_id, &id.stage, Lane::Plan).await);
    metrics(aws, &stage, &mut reads).await;
    note(&mut reads, "ListWebACLs", &aws.web_acl_names(Lane::Plan).await);
    note(&mut reads, "ListIPSets", &aws.ip_set_names(Lane::Plan).await);
    let siblings = policy(aws, &api, &stage, &mut reads).await;
    let mut state = State {
        settings,
        siblings,
        methods,
        web_acl: None,
        references: Vec::new(),
        ip_sets: BTreeMap::new(),
        reads,
        api,
        stage,
    };
    if let Some(arn) = state.stage.web_acl_arn.clone() {
        web_acl(aws, &arn, &mut state).await;
    }
    state
}

/// What the kill switch reads; gives the names of the API's other stages.
async fn policy(aws: &Aws, api: &Api, stage: &StageDetail, reads: &mut Reads) -> Result<Vec<String>, AwsError> {
    let id = &stage.id;
    note(reads, "GetRestApi", &aws.draft_api(&id.api_id, Lane::Plan).await);
    note(reads, "GetDeployments", &aws.deployments(&id.api_id, Lane::Plan).await);
    note(reads, "GetResources", &aws.draft_methods(&id.api_id, Lane::Plan).await);
    note(reads, "GetExport", &aws.export(&id.api_id, &id.stage, Lane::Plan).await);
    let all = aws.stages(api, Lane::Plan).await?;
    Ok(all.into_iter().map(|found| found.id.stage).filter(|name| *name != id.stage).collect())
}

/// The web ACL, what it refers to, its samples, and what stands behind it.
async fn web_acl(aws: &Aws, arn: &str, state: &mut State) {
    let read = aws.web_acl(arn, Lane::Plan).await;
    note(&mut state.reads, "GetWebACL", &read);
    let behind = aws.resources_behind(arn, ResourceKind::API_GATEWAY, Lane::Plan).await;
    note(&mut state.reads, "ListResourcesForWebACL", &behind);
    if let Ok(acl) = &read {
        let groups = super::wiring::groups_of(acl);
        let opened = join_all(groups.iter().map(|arn| aws.rule_group(arn, Lane::Plan))).await;
        for group in &opened {
            note(&mut state.reads, "GetRuleGroup", group);
        }
        let groups = groups.into_iter().zip(opened.into_iter().map(|r| r.map_err(|e| e.to_string()))).collect();
        state.references = super::wiring::references(acl, &groups);
        let (sets, tags) = ip_set::read(aws, state.references.iter().map(|one| one.ip_set.clone())).await;
        for set in sets.values() {
            note(&mut state.reads, "GetIPSet", set);
        }
        for tags in tags.values() {
            note(&mut state.reads, "ListTagsForResource", tags);
        }
        state.ip_sets = sets;
        if acl.sampled {
            let end = floor_minute(aws.clock().now());
            let begin = end - TimeDelta::minutes(1);
            let sampled = aws.sampled_requests(arn, &acl.metric_name, begin, end, Lane::Plan).await;
            note(&mut state.reads, "GetSampledRequests", &sampled);
        }
    }
    state.web_acl = Some(read);
}

async fn metrics(aws: &Aws, stage: &StageDetail, reads: &mut Reads) {
    use crate::aws::read::{MetricQuery, Statistic};
    let query = MetricQuery {
        namespace: "AWS/ApiGateway".into(),
        name: "Count".into(),
        dimensions: vec![("ApiName", stage.id.metric_api_name()), ("Stage", stage.id.stage.clone())],
        statistic: Statistic::SampleCount,
    };
    let to = floor_minute(aws.clock().now());
    note(reads, "GetMetricData", &aws.metric_data(&[query], to - TimeDelta::minutes(1), to, Lane::Plan).await);
    note(
        reads,
        "ListMetrics",
        &aws.metric_dimensions("AWS/ApiGateway", "Count", &[("ApiName", &stage.id.metric_api_name())], Lane::Plan)
            .await,
    );
}

fn note<T>(reads: &mut Reads, operation: &'static str, read: &Result<T, AwsError>) {
    let found = read.as_ref().map(|_| ()).map_err(Clone::clone);
    if found.is_err() || !reads.contains_key(operation) {
        reads.insert(operation, found);
    }
}
