//! Stages.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value, json};

use super::patch::{Op, Patch, operations, unescape};
use super::{Outcome, api_of, bad_request, conflict, no_stage, not_found, put, seconds, settings, stage_of, truth};
use crate::error::AwsError;
use crate::service::Answer;
use crate::service::common::{text, texts};
use crate::state::{Account, Api, Canary, Live, Snapshot, Stage};

/// How long a cache takes to be made or removed: about four minutes (documented).
const CACHE_MINUTES: i64 = 4;
/// Sizes of a cache, in GB (service model).
const CACHE_SIZES: [&str; 8] = ["0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237"];

pub(super) fn check_name(name: &str) -> Result<(), AwsError> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
        return Err(bad_request("Stage name only allows a-zA-Z0-9_-"));
    }
    Ok(())
}

pub(super) fn create(account: &mut Account, input: &Value) -> Outcome {
    let api = api_of(account, input)?;
    let name = text(input, "stageName").unwrap_or("").to_owned();
    check_name(&name)?;
    let id = text(input, "deploymentId").unwrap_or("").to_owned();
    let made = api.deployments.get(&id).ok_or_else(|| not_found("Invalid Deployment identifier specified"))?;
    if api.stages.contains_key(&name) {
        return Err(conflict("Stage already exists"));
    }
    let canary = match canary_settings(input) {
        None => None,
        Some(canary) => {
            let of = text(canary, "deploymentId").unwrap_or(&id);
            let snapshot = api.deployments.get(of).map_or(&made.snapshot, |other| &other.snapshot);
            Some(canary_of(canary, of, snapshot))
        }
    };
    let (api, now) = (api.id.clone(), account.now);
    account.create_stage(&api, &name, &id).ok_or_else(no_stage)?;
    account
        .edit_stage(&api, &name, |stage| {
            stage.canary = canary;
            adopt(stage, input, text(input, "description"), now);
            stage.documentation_version = text(input, "documentationVersion").map(str::to_owned);
            stage.tags = texts(input, "tags").unwrap_or_default();
        })
        .ok_or_else(no_stage)?;
    Ok(Answer::created(document(account, &api, stage_of(account, input)?)))
}

/// What `CreateStage` and `CreateDeployment` say about a canary, where they do.
pub(super) fn canary_settings(input: &Value) -> Option<&Value> {
    input.get("canarySettings").filter(|canary| !canary.is_null())
}

pub(super) fn canary_of(canary: &Value, deployment: &str, snapshot: &Arc<Snapshot>) -> Canary {
    Canary {
        percent_traffic: canary.get("percentTraffic").and_then(Value::as_f64).unwrap_or(0.0),
        deployment_id: deployment.to_owned(),
        snapshot: Arc::clone(snapshot),
        stage_variable_overrides: texts(canary, "stageVariableOverrides").unwrap_or_default(),
        use_stage_cache: canary.get("useStageCache").and_then(Value::as_bool).unwrap_or(false),
    }
}

/// Takes over what `CreateStage` and `CreateDeployment` say about a stage.
pub(super) fn adopt(stage: &mut Stage, input: &Value, description: Option<&str>, now: DateTime<Utc>) {
    if let Some(words) = description {
        stage.description = Some(words.to_owned());
    }
    if let Some(variables) = texts(input, "variables") {
        stage.variables = variables;
    }
    if let Some(on) = input.get("tracingEnabled").and_then(Value::as_bool) {
        stage.tracing_enabled = on;
    }
    if let Some(size) = text(input, "cacheClusterSize") {
        stage.cache.size = Some(size.to_owned());
    }
    if let Some(on) = input.get("cacheClusterEnabled").and_then(Value::as_bool) {
        switch_cache(stage, on, now);
    }
}

fn switch_cache(stage: &mut Stage, on: bool, now: DateTime<Utc>) {
    if stage.cache.enabled == on {
        return;
    }
    stage.cache.enabled = on;
    stage.cache.flushed_at = None;
    stage.cache.busy_until = Some(now + Duration::minutes(CACHE_MINUTES));
    if on && stage.cache.size.is_none() {
        stage.cache.size = Some("0.5".to_owned());
    }
}

pub(super) fn list(account: &Account, input: &Value) -> Outcome {
    let api = api_of(account, input)?;
    let wanted = text(input, "deploymentId");
    let stages: Vec<Value> = api
        .stages
        .values()
        .map(Live::saved)
        .filter(|stage| wanted.is_none_or(|id| stage.deployment_id == id))
        .map(|stage| document(account, &api.id, stage))
        .collect();
    Ok(Answer::ok(json!({"item": stages})))
}

pub(super) fn get(account: &Account, input: &Value) -> Outcome {
    let api = &api_of(account, input)?.id;
    Ok(Answer::ok(document(account, api, stage_of(account, input)?)))
}

/// Patches are applied in order and all together: what fails leaves nothing behind (unverified).
pub(super) fn update(account: &mut Account, input: &Value) -> Outcome {
    let api = api_of(account, input)?;
    let mut stage = stage_of(account, input)?.clone();
    for patch in operations(input)? {
        apply(api, &mut stage, &patch, account.now)?;
    }
    if stage.access_log != stage_of(account, input)?.access_log {
        check_access_log(account, &stage.access_log)?;
    }
    let id = api.id.clone();
    account.save_stage(&id, stage).ok_or_else(no_stage)?;
    Ok(Answer::ok(document(account, &id, stage_of(account, input)?)))
}

fn apply(api: &Api, stage: &mut Stage, patch: &Patch<'_>, now: DateTime<Utc>) -> Result<(), AwsError> {
    if let Some((key, name)) = settings::split(patch.path) {
        return settings::apply(&mut stage.method_settings, patch, key, name);
    }
    let removes = patch.op == Op::Remove;
    let given = || (!removes).then(|| patch.value.to_owned());
    match patch.path {
        "/deploymentId" if !removes => point(api, stage, patch)?,
        "/description" => stage.description = given(),
        "/clientCertificateId" => stage.client_certificate_id = given(),
        "/documentationVersion" => stage.documentation_version = given(),
        "/tracingEnabled" if !removes => stage.tracing_enabled = truth(patch.value)?,
        "/cacheClusterEnabled" if !removes => switch_cache(stage, truth(patch.value)?, now),
        "/cacheClusterSize" if CACHE_SIZES.contains(&patch.value) => stage.cache.size = given(),
        "/accessLogSettings" if removes => stage.access_log.clear(),
        "/accessLogSettings/destinationArn" | "/accessLogSettings/format" => access_log(stage, patch),
        other => {
            if let Some(name) = other.strip_prefix("/variables/") {
                let name = unescape(name);
                match given() {
                    Some(value) => stage.variables.insert(name, value),
                    None => stage.variables.remove(&name),
                };
            } else if other.starts_with("/canarySettings") {
                canary(api, stage, patch)?;
            } else {
                return Err(patch.unknown_path(
                    "/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, \
                     /accessLogSettings, /accessLogSettings/destinationArn, /accessLogSettings/format, \
                     /{resourcePath}/{httpMethod}/metrics/enabled, /{resourcePath}/{httpMethod}/logging/dataTrace, \
                     /{resourcePath}/{httpMethod}/logging/loglevel, \
                     /{resourcePath}/{httpMethod}/throttling/burstLimit, \
                     /{resourcePath}/{httpMethod}/throttling/rateLimit, \
                     /{resourcePath}/{httpMethod}/caching/ttlInSeconds, \
                     /{resourcePath}/{httpMethod}/caching/enabled, \
                     /*/*/throttling/burstLimit, /*/*/throttling/rateLimit, /variables/{variable_name}, \
                     /tracingEnabled, /canarySettings",
                ));
            }
        }
    }
    Ok(())
}

/// Points the stage at a deployment, or promotes the canary's (`copy` from `/canarySettings/deploymentId`).
fn point(api: &Api, stage: &mut Stage, patch: &Patch<'_>) -> Result<(), AwsError> {
    let id = match (patch.op, patch.from, &stage.canary) {
        (Op::Copy, "/canarySettings/deploymentId", Some(canary)) => canary.deployment_id.clone(),
        (Op::Copy, _, _) => return Err(bad_request(format!("Invalid copy source '{}'", patch.from))),
        _ => patch.value.to_owned(),
    };
    let made = api.deployments.get(&id).ok_or_else(|| bad_request("Deployment id does not exist"))?;
    stage.snapshot = Arc::clone(&made.snapshot);
    stage.deployment_id = id;
    Ok(())
}

fn access_log(stage: &mut Stage, patch: &Patch<'_>) {
    let member = patch.path.rsplit('/').next().unwrap_or("").to_owned();
    if patch.op == Op::Remove {
        stage.access_log.remove(&member);
    } else {
        stage.access_log.insert(member, patch.value.to_owned());
    }
}

/// An access log needs an account that lets API Gateway write (documented; the words are from users' reports), a
/// destination and a format.
fn check_access_log(account: &Account, log: &BTreeMap<String, String>) -> Result<(), AwsError> {
    if log.is_empty() {
        return Ok(());
    }
    if account.gateway.cloudwatch_role_arn.is_none() {
        return Err(bad_request("CloudWatch Logs role ARN must be set in account settings to enable logging"));
    }
    super::super::common::access_log(
        log.get("destinationArn").map(String::as_str),
        log.get("format").map(String::as_str),
    )
    .map_err(bad_request)
}

fn canary(api: &Api, stage: &mut Stage, patch: &Patch<'_>) -> Result<(), AwsError> {
    if patch.path == "/canarySettings" && patch.op == Op::Remove {
        stage.canary = None;
        return Ok(());
    }
    let (id, snapshot) = (stage.deployment_id.clone(), Arc::clone(&stage.snapshot));
    let canary = stage.canary.get_or_insert_with(|| canary_of(&json!({}), &id, &snapshot));
    match patch.path.trim_start_matches("/canarySettings") {
        "/percentTraffic" => {
            let percent = patch.value.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
            canary.percent_traffic = percent.ok_or_else(|| bad_request("Percent traffic must be between 0 and 100"))?;
        }
        "/useStageCache" => canary.use_stage_cache = truth(patch.value)?,
        "/deploymentId" => {
            let made = api.deployments.get(patch.value).ok_or_else(|| bad_request("Deployment id does not exist"))?;
            canary.snapshot = Arc::clone(&made.snapshot);
            patch.value.clone_into(&mut canary.deployment_id);
        }
        other => match other.strip_prefix("/stageVariableOverrides/") {
            Some(name) if patch.op == Op::Remove => {
                canary.stage_variable_overrides.remove(&unescape(name));
            }
            Some(name) => {
                canary.stage_variable_overrides.insert(unescape(name), patch.value.to_owned());
            }
            None => return Err(bad_request(format!("Invalid patch path '{}'", patch.path))),
        },
    }
    Ok(())
}

/// Deleting a stage takes its web ACL association with it (inferred).
pub(super) fn delete(account: &mut Account, input: &Value) -> Outcome {
    let (api, name) = (api_of(account, input)?.id.clone(), stage_of(account, input)?.name.clone());
    if let Some(api) = account.gateway.apis.get_mut(&api) {
        api.stages.remove(&name);
    }
    let arn = account.stage_arn(&api, &name);
    account.waf.associations.remove(&arn);
    Ok(Answer::empty(202))
}

/// Answers 202 also where there is no cache (unverified).
pub(super) fn flush(account: &mut Account, input: &Value) -> Outcome {
    let (api, stage) = (api_of(account, input)?.id.clone(), stage_of(account, input)?);
    if stage.cache.enabled {
        let name = stage.name.clone();
        account.flush_cache(&api, &name).ok_or_else(no_stage)?;
    }
    Ok(Answer::empty(202))
}

pub(super) fn flush_authorizers(account: &mut Account, input: &Value) -> Outcome {
    let (api, name) = (api_of(account, input)?.id.clone(), stage_of(account, input)?.name.clone());
    account.flush_authorizers_cache(&api, &name).ok_or_else(no_stage)?;
    Ok(Answer::empty(202))
}

/// A stage as answered.
fn document(account: &Account, api: &str, stage: &Stage) -> Value {
    let mut body = json!({
        "deploymentId": stage.deployment_id,
        "stageName": stage.name,
        "cacheClusterEnabled": stage.cache.enabled,
        "cacheClusterStatus": stage.cache.status(account.now).name(),
        "methodSettings": settings::document(&stage.method_settings),
        "tracingEnabled": stage.tracing_enabled,
        "createdDate": seconds(stage.created),
        "lastUpdatedDate": seconds(stage.last_updated),
    });
    put(&mut body, "description", stage.description.clone());
    put(&mut body, "clientCertificateId", stage.client_certificate_id.clone());
    put(&mut body, "documentationVersion", stage.documentation_version.clone());
    put(&mut body, "cacheClusterSize", stage.cache.size.clone());
    put(&mut body, "webAclArn", account.waf.association(&account.stage_arn(api, &stage.name)));
    for (member, map) in
        [("variables", &stage.variables), ("tags", &stage.tags), ("accessLogSettings", &stage.access_log)]
    {
        if !map.is_empty() {
            body[member] =
                map.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect::<Map<_, _>>().into();
        }
    }
    if let Some(canary) = &stage.canary {
        body["canarySettings"] = json!({
            "percentTraffic": canary.percent_traffic,
            "deploymentId": canary.deployment_id,
            "stageVariableOverrides": canary.stage_variable_overrides,
            "useStageCache": canary.use_stage_cache,
        });
    }
    body
}
