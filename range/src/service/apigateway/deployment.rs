//! Deployments: snapshots of the draft.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Outcome, api_of, bad_request, limit, not_found, page_of, put, seconds, stage};
use crate::error::AwsError;
use crate::service::Answer;
use crate::service::common::{page, text};
use crate::state::{Account, Api, Deployment, Snapshot};

/// Ships the draft, all of it; onto a stage where one is named, which is created where it is missing.
pub(super) fn create(account: &mut Account, input: &Value) -> Outcome {
    let api = api_of(account, input)?;
    check_draft(&api.draft)?;
    let id = api.id.clone();
    let stage_name = text(input, "stageName").filter(|name| !name.is_empty()).map(str::to_owned);
    if let Some(name) = &stage_name {
        stage::check_name(name)?;
        let enabled = api.stage(name).is_some_and(|stage| stage.canary.is_some());
        if enabled && stage::canary_settings(input).is_none() {
            // The words were seen in the wild (a public issue of a deployment tool).
            return Err(bad_request(format!(
                "Non canary deployment not supported on stage {name} because Canary is enabled"
            )));
        }
    }
    let deployment = account.create_deployment(&id, text(input, "description")).ok_or_else(none)?;
    if let Some(name) = stage_name {
        point(account, &id, &name, &deployment, input)?;
    }
    let made = api_of(account, input)?.deployments.get(&deployment).ok_or_else(none)?;
    Ok(Answer::created(document(made, false)))
}

/// Points a stage, or its canary where the call says so, at a new deployment.
fn point(account: &mut Account, api: &str, name: &str, deployment: &str, input: &Value) -> Result<(), AwsError> {
    let known = account.gateway.apis.get(api);
    let snapshot = known
        .and_then(|api| api.deployments.get(deployment))
        .map(|made| Arc::clone(&made.snapshot))
        .ok_or_else(none)?;
    if !known.is_some_and(|api| api.stages.contains_key(name)) {
        account.create_stage(api, name, deployment);
    }
    let now = account.now;
    let edit = |stage: &mut crate::state::Stage| {
        if let Some(canary) = stage::canary_settings(input) {
            stage.canary = Some(stage::canary_of(canary, deployment, &snapshot));
        } else {
            deployment.clone_into(&mut stage.deployment_id);
            stage.snapshot = Arc::clone(&snapshot);
        }
        stage::adopt(stage, input, text(input, "stageDescription"), now);
    };
    account.edit_stage(api, name, edit).ok_or_else(none)
}

/// A draft without methods, or with a method without an integration, cannot be deployed (seen in the wild).
fn check_draft(draft: &Snapshot) -> Result<(), AwsError> {
    let mut methods = draft.resources.values().flat_map(|resource| resource.methods.values()).peekable();
    if methods.peek().is_none() {
        return Err(bad_request("The REST API doesn't contain any methods"));
    }
    if methods.any(|method| method.integration.is_none()) {
        return Err(bad_request("No integration defined for method"));
    }
    Ok(())
}

fn none() -> AwsError {
    not_found("Invalid Deployment identifier specified")
}

pub(super) fn list(account: &Account, input: &Value) -> Outcome {
    let deployments = &api_of(account, input)?.deployments;
    let (items, next) = page(deployments.values(), |deployment| &deployment.id, text(input, "position"), limit(input)?);
    Ok(page_of(items.into_iter().map(|deployment| document(deployment, false)).collect(), next))
}

fn deployment_of<'a>(api: &'a Api, input: &Value) -> Result<&'a Deployment, AwsError> {
    api.deployments.get(text(input, "deploymentId").unwrap_or("")).ok_or_else(none)
}

pub(super) fn get(account: &Account, input: &Value) -> Outcome {
    let embed = input.get("embed").and_then(Value::as_array);
    let summary = embed.into_iter().flatten().any(|name| name.as_str() == Some("apisummary"));
    Ok(Answer::ok(document(deployment_of(api_of(account, input)?, input)?, summary)))
}

/// `apiSummary` holds authorization type and key requirement of each method, and nothing else (documented).
fn document(deployment: &Deployment, summary: bool) -> Value {
    let mut body = json!({"id": deployment.id, "createdDate": seconds(deployment.created)});
    put(&mut body, "description", deployment.description.clone());
    if summary {
        let paths: BTreeMap<&str, Value> = deployment
            .snapshot
            .resources
            .values()
            .filter(|resource| !resource.methods.is_empty())
            .map(|resource| {
                let methods: Map<String, Value> = resource
                    .methods
                    .values()
                    .map(|method| {
                        let row = json!({
                            "authorizationType": method.authorization_type,
                            "apiKeyRequired": method.api_key_required,
                        });
                        (method.http_method.clone(), row)
                    })
                    .collect();
                (resource.path.as_str(), Value::Object(methods))
            })
            .collect();
        body["apiSummary"] = json!(paths);
    }
    body
}

/// A deployment that a stage points at, canary included, cannot go (recorded against AWS by a third party).
pub(super) fn delete(account: &mut Account, input: &Value) -> Outcome {
    let api = api_of(account, input)?;
    let (api_id, id) = (api.id.clone(), deployment_of(api, input)?.id.clone());
    let used = api.stages.values().any(|stage| {
        let stage = stage.saved();
        stage.deployment_id == id || stage.canary.as_ref().is_some_and(|canary| canary.deployment_id == id)
    });
    if used {
        return Err(bad_request("Active stages pointing to this deployment must be moved or deleted"));
    }
    if let Some(api) = account.gateway.apis.get_mut(&api_id) {
        api.deployments.remove(&id);
    }
    Ok(Answer::empty(202))
}
