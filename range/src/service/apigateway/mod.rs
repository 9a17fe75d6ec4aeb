//! API Gateway's REST APIs.

mod api;
mod authorizer;
mod deployment;
mod export;
mod patch;
mod plans;
mod policy;
mod resource;
mod settings;
mod stage;
mod tags;

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::{Map, Value};

use super::common::{integer, text};
use super::{Answer, Service};
use crate::error::AwsError;
use crate::state::{Account, Api, Stage};
use crate::wire::Target;

type Outcome = Result<Answer, AwsError>;

/// Performs one operation.
pub(crate) fn perform(account: &mut Account, target: &Target) -> Outcome {
    let input = &target.input;
    match target.operation.as_str() {
        "GetAccount" => Ok(Answer::ok(api::account(account))),
        "GetRestApis" => api::list(account, input),
        "GetRestApi" => api::get(account, input),
        "CreateRestApi" => api::create(account, input),
        "UpdateRestApi" => api::update(account, input),
        "DeleteRestApi" => api::delete(account, input),
        "GetResources" => resource::list(account, input),
        "GetResource" => resource::get(account, input),
        "CreateResource" => resource::create(account, input),
        "PutMethod" => resource::put_method(account, input),
        "GetMethod" => resource::get_method(account, input),
        "PutIntegration" => resource::put_integration(account, input),
        "CreateDeployment" => deployment::create(account, input),
        "GetDeployments" => deployment::list(account, input),
        "GetDeployment" => deployment::get(account, input),
        "DeleteDeployment" => deployment::delete(account, input),
        "CreateStage" => stage::create(account, input),
        "GetStages" => stage::list(account, input),
        "GetStage" => stage::get(account, input),
        "UpdateStage" => stage::update(account, input),
        "DeleteStage" => stage::delete(account, input),
        "FlushStageCache" => stage::flush(account, input),
        "FlushStageAuthorizersCache" => stage::flush_authorizers(account, input),
        "GetExport" => export::get(account, input),
        "CreateAuthorizer" => authorizer::create(account, input),
        "GetAuthorizers" => authorizer::list(account, input),
        "GetAuthorizer" => authorizer::get(account, input),
        "CreateUsagePlan" => plans::create(account, input),
        "GetUsagePlans" => plans::list(account, input),
        "GetUsagePlan" => plans::get(account, input),
        "UpdateUsagePlan" => plans::update(account, input),
        "CreateUsagePlanKey" => plans::add_key(account, input),
        "GetUsagePlanKeys" => plans::plan_keys(account, input),
        "CreateApiKey" => plans::create_key(account, input),
        "GetApiKeys" => plans::keys(account, input),
        "GetApiKey" => plans::key(account, input),
        "UpdateApiKey" => plans::update_key(account, input),
        "GetTags" => tags::get(account, input),
        "TagResource" => tags::put(account, input),
        other => Err(Service::ApiGateway.not_known(other)),
    }
}

fn bad_request(message: impl Into<String>) -> AwsError {
    AwsError::bad("BadRequestException", message)
}

fn not_found(message: impl Into<String>) -> AwsError {
    AwsError::new(StatusCode::NOT_FOUND, "NotFoundException", message)
}

fn conflict(message: impl Into<String>) -> AwsError {
    AwsError::new(StatusCode::CONFLICT, "ConflictException", message)
}

fn no_api(account: &Account, id: &str) -> AwsError {
    not_found(format!("Invalid API identifier specified {}:{id}", account.id))
}

/// The API of a call.
fn api_of<'a>(account: &'a Account, input: &Value) -> Result<&'a Api, AwsError> {
    let id = text(input, "restApiId").unwrap_or("");
    account.gateway.apis.get(id).ok_or_else(|| no_api(account, id))
}

/// The stage of a call, as saved.
fn stage_of<'a>(account: &'a Account, input: &Value) -> Result<&'a Stage, AwsError> {
    let stage = api_of(account, input)?.stage(text(input, "stageName").unwrap_or(""));
    stage.map(|stage| &**stage).ok_or_else(no_stage)
}

fn no_stage() -> AwsError {
    not_found("Invalid stage identifier specified")
}

/// API Gateway writes times as whole seconds since the epoch.
fn seconds(at: DateTime<Utc>) -> Value {
    at.timestamp().into()
}

/// Page size: 25 unless asked, 500 at most (documented).
fn limit(input: &Value) -> Result<usize, AwsError> {
    match integer(input, "limit") {
        None => Ok(25),
        Some(limit) if limit < 1 => Err(bad_request("Invalid limit value")),
        Some(limit) => Ok(usize::try_from(limit.min(500)).unwrap_or(500)),
    }
}

/// A page: `item`, and `position` where there is more.
fn page_of(items: Vec<Value>, next: Option<String>) -> Answer {
    let mut body = Map::new();
    body.insert("item".to_owned(), items.into());
    if let Some(next) = next {
        body.insert("position".to_owned(), next.into());
    }
    Answer::ok(Value::Object(body))
}

/// Puts a member into an object where it has a value.
fn put(body: &mut Value, member: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        body[member] = value.into();
    }
}

/// A boolean of a patch, which comes as text.
fn truth(value: &str) -> Result<bool, AwsError> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(bad_request(format!("Invalid boolean value: {value}"))),
    }
}
