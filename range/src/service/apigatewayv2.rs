//! API Gateway's HTTP APIs.

use chrono::{DateTime, SecondsFormat, Utc};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::common::{access_log, integer, page, text, texts};
use super::{Answer, Service};
use crate::error::AwsError;
use crate::state::{Account, HttpApi, HttpRoute, HttpStage, Live, RouteSettings};
use crate::wire::Target;

type Outcome = Result<Answer, AwsError>;

/// Performs one operation.
pub(crate) fn perform(account: &mut Account, target: &Target) -> Outcome {
    let input = &target.input;
    match target.operation.as_str() {
        "GetApis" => apis(account, input),
        "GetApi" => Ok(Answer::ok(api_document(account, api_of(account, input)?))),
        "CreateApi" => create_api(account, input),
        "GetRoutes" => routes(account, input),
        "CreateRoute" => create_route(account, input),
        "GetIntegrations" => integrations(account, input),
        "CreateIntegration" => create_integration(account, input),
        "GetStages" => stages(account, input),
        "GetStage" => Ok(Answer::ok(stage_document(stage_of(account, input)?))),
        "CreateStage" => create_stage(account, input),
        "UpdateStage" => update_stage(account, input),
        "DeleteRouteSettings" => delete_route_settings(account, input),
        other => Err(Service::ApiGatewayV2.not_known(other)),
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

fn api_of<'a>(account: &'a Account, input: &Value) -> Result<&'a HttpApi, AwsError> {
    let id = text(input, "apiId").unwrap_or("");
    account.gateway.http_apis.get(id).ok_or_else(|| not_found(format!("Invalid API identifier specified {id}")))
}

fn stage_of<'a>(account: &'a Account, input: &Value) -> Result<&'a HttpStage, AwsError> {
    let stage = api_of(account, input)?.stages.get(text(input, "stageName").unwrap_or(""));
    stage.map(|stage| &**stage.saved()).ok_or_else(no_stage)
}

fn no_stage() -> AwsError {
    not_found("Invalid stage identifier specified")
}

/// HTTP APIs write times as text.
fn iso(at: DateTime<Utc>) -> Value {
    at.to_rfc3339_opts(SecondsFormat::Secs, true).into()
}

/// A page: `items`, and `nextToken` where there is more. 25 unless asked (unverified).
fn paged<'a, T: 'a>(
    input: &Value,
    items: impl Iterator<Item = &'a T>,
    key: impl Fn(&T) -> &str,
    document: impl Fn(&T) -> Value,
) -> Outcome {
    let size = integer(input, "maxResults").unwrap_or(25);
    let size = usize::try_from(size).ok().filter(|size| *size > 0).ok_or_else(|| bad_request("Invalid maxResults"))?;
    let (items, next) = page(items, key, text(input, "nextToken"), size);
    let mut body = json!({ "items": items.into_iter().map(document).collect::<Vec<_>>() });
    if let Some(next) = next {
        body["nextToken"] = next.into();
    }
    Ok(Answer::ok(body))
}

fn apis(account: &Account, input: &Value) -> Outcome {
    paged(input, account.gateway.http_apis.values(), |api| &api.id, |api| api_document(account, api))
}

fn api_document(account: &Account, api: &HttpApi) -> Value {
    let mut body = json!({
        "apiId": api.id,
        "name": api.name,
        "protocolType": "HTTP",
        "routeSelectionExpression": "$request.method $request.path",
        "apiKeySelectionExpression": "$request.header.x-api-key",
        "apiEndpoint": format!("https://{}.execute-api.{}.amazonaws.com", api.id, account.region),
        "disableExecuteApiEndpoint": false,
        "ipAddressType": "ipv4",
        "createdDate": iso(api.created),
    });
    if let Some(words) = &api.description {
        body["description"] = words.clone().into();
    }
    body
}

fn create_api(account: &mut Account, input: &Value) -> Outcome {
    let name = text(input, "name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| bad_request("Missing required field 'name'"))?;
    if text(input, "protocolType") != Some("HTTP") {
        return Err(bad_request("The range has APIs of protocol HTTP only"));
    }
    let id = account.create_http_api(name, None);
    if let Some(api) = account.gateway.http_apis.get_mut(&id) {
        api.description = text(input, "description").map(str::to_owned);
    }
    let made = account.gateway.http_apis.get(&id).ok_or_else(|| not_found("the API vanished"))?;
    Ok(Answer::created(api_document(account, made)))
}

fn routes(account: &Account, input: &Value) -> Outcome {
    paged(input, api_of(account, input)?.routes.values(), |route| &route.id, route_document)
}

fn route_document(route: &HttpRoute) -> Value {
    let mut body = json!({
        "routeId": route.id,
        "routeKey": route.key,
        "authorizationType": route.authorization_type,
        "apiKeyRequired": false,
    });
    if let Some(target) = &route.target {
        body["target"] = target.clone().into();
    }
    body
}

fn create_route(account: &mut Account, input: &Value) -> Outcome {
    const VERBS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];
    let api = api_of(account, input)?;
    let key = text(input, "routeKey").unwrap_or("");
    let known_form = key.split_once(' ').is_some_and(|(verb, path)| VERBS.contains(&verb) && path.starts_with('/'));
    if key != "$default" && !known_form {
        return Err(bad_request(
            "The provided route key is not formatted properly for HTTP protocol. Format should be \"<HTTP METHOD> \
             /<RESOURCE PATH>\" or \"$default\"",
        ));
    }
    if api.routes.values().any(|route| route.key == key) {
        return Err(conflict(format!("Route with key {key} already exists for this API")));
    }
    let authorization = text(input, "authorizationType").unwrap_or("NONE");
    if !["NONE", "AWS_IAM", "CUSTOM", "JWT"].contains(&authorization) {
        return Err(bad_request("Invalid authorization type"));
    }
    let id = api.id.clone();
    let route = account.create_route(&id, key, authorization, text(input, "target"));
    let made = route.and_then(|route| api_of(account, input).ok()?.routes.get(&route).map(route_document));
    made.map(Answer::created).ok_or_else(|| not_found("the route vanished"))
}

fn integrations(account: &Account, input: &Value) -> Outcome {
    let all: Vec<(String, Value)> = api_of(account, input)?.integrations.clone().into_iter().collect();
    paged(input, all.iter(), |(id, _)| id, |(_, body)| body.clone())
}

/// Kept as sent; what stands behind a route is the scenario's.
fn create_integration(account: &mut Account, input: &Value) -> Outcome {
    let api = api_of(account, input)?.id.clone();
    let kind = text(input, "integrationType").unwrap_or("");
    if !["AWS_PROXY", "HTTP_PROXY"].contains(&kind) {
        return Err(bad_request("Unsupported integration type for an HTTP API"));
    }
    let id = account.ids.short(7);
    let mut body = input.clone();
    if let Some(members) = body.as_object_mut() {
        members.remove("apiId");
    }
    body["integrationId"] = id.clone().into();
    if let Some(api) = account.gateway.http_apis.get_mut(&api) {
        api.integrations.insert(id, body.clone());
    }
    Ok(Answer::created(body))
}

fn stages(account: &Account, input: &Value) -> Outcome {
    let all = api_of(account, input)?.stages.values().map(|stage| &**Live::saved(stage));
    paged(input, all, |stage| &stage.name, stage_document)
}

fn stage_document(stage: &HttpStage) -> Value {
    let routes = stage.route_settings.iter().map(|(key, settings)| (key.clone(), settings_document(settings)));
    let mut body = json!({
        "stageName": stage.name,
        "autoDeploy": stage.auto_deploy,
        "defaultRouteSettings": settings_document(&stage.default_settings),
        "routeSettings": routes.collect::<Map<_, _>>(),
        "stageVariables": stage.variables,
        "createdDate": iso(stage.created),
        "lastUpdatedDate": iso(stage.last_updated),
        "tags": {},
    });
    if let Some(words) = &stage.description {
        body["description"] = words.clone().into();
    }
    if let Some(log) = &stage.access_log {
        body["accessLogSettings"] = log.clone();
    }
    if stage.managed {
        body["apiGatewayManaged"] = true.into();
    }
    body
}

/// Limits that have never been written are not there.
fn settings_document(settings: &RouteSettings) -> Value {
    let mut body = json!({ "detailedMetricsEnabled": settings.detailed_metrics });
    if let Some(burst) = settings.burst {
        body["throttlingBurstLimit"] = burst.into();
    }
    if let Some(rate) = settings.rate {
        body["throttlingRateLimit"] = rate.into();
    }
    body
}

/// The object replaces the one before, and a limit that it does not name becomes 0: nothing passes (inferred from
/// users' reports of outages).
fn read_settings(given: &Value) -> RouteSettings {
    RouteSettings {
        detailed_metrics: given.get("detailedMetricsEnabled").and_then(Value::as_bool).unwrap_or(false),
        burst: Some(integer(given, "throttlingBurstLimit").unwrap_or(0)),
        rate: Some(given.get("throttlingRateLimit").and_then(Value::as_f64).unwrap_or(0.0)),
    }
}

fn create_stage(account: &mut Account, input: &Value) -> Outcome {
    let api = api_of(account, input)?;
    let name = text(input, "stageName").filter(|name| !name.is_empty()).unwrap_or("").to_owned();
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if name != "$default" && (name.is_empty() || !name.chars().all(fits)) {
        return Err(bad_request("Stage name only allows a-zA-Z0-9_-"));
    }
    if api.stages.contains_key(&name) {
        return Err(conflict("Stage already exists"));
    }
    check_access_log(input)?;
    let (id, auto) = (api.id.clone(), input.get("autoDeploy").and_then(Value::as_bool).unwrap_or(false));
    account.create_http_stage(&id, &name, auto).ok_or_else(no_stage)?;
    account.edit_http_stage(&id, &name, |stage| adopt(stage, input)).ok_or_else(no_stage)?;
    Ok(Answer::created(stage_document(stage_of(account, input)?)))
}

/// Members that are given replace what is there, those that are not leave it. Entries of `routeSettings` are replaced
/// one by one: `DeleteRouteSettings` would have no use otherwise (inferred).
fn update_stage(account: &mut Account, input: &Value) -> Outcome {
    let (api, stage) = (api_of(account, input)?, stage_of(account, input)?);
    if stage.managed {
        return Err(bad_request("The stage is managed by API Gateway and cannot be changed"));
    }
    for key in input.get("routeSettings").and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key) {
        if !api.routes.values().any(|route| route.key == *key) {
            return Err(not_found(format!("Unable to find Route by key {key} within the provided RouteSettings")));
        }
    }
    check_access_log(input)?;
    let (id, name) = (api.id.clone(), stage.name.clone());
    account.edit_http_stage(&id, &name, |stage| adopt(stage, input)).ok_or_else(no_stage)?;
    Ok(Answer::ok(stage_document(stage_of(account, input)?)))
}

/// HTTP APIs write without a role of the account's (inferred); the format has a request id as with REST APIs
/// (documented).
fn check_access_log(input: &Value) -> Result<(), AwsError> {
    let Some(log) = input.get("accessLogSettings").filter(|log| !log.is_null()) else { return Ok(()) };
    access_log(text(log, "destinationArn"), text(log, "format")).map_err(bad_request)
}

fn adopt(stage: &mut HttpStage, input: &Value) {
    let given = |member: &str| input.get(member).filter(|value| !value.is_null());
    if let Some(settings) = given("defaultRouteSettings") {
        stage.default_settings = read_settings(settings);
    }
    for (key, settings) in given("routeSettings").and_then(Value::as_object).into_iter().flatten() {
        stage.route_settings.insert(key.clone(), read_settings(settings));
    }
    if let Some(variables) = texts(input, "stageVariables") {
        stage.variables = variables;
    }
    if let Some(auto) = given("autoDeploy").and_then(Value::as_bool) {
        stage.auto_deploy = auto;
    }
    if let Some(words) = given("description").and_then(Value::as_str) {
        stage.description = Some(words.to_owned());
    }
    if let Some(log) = given("accessLogSettings") {
        stage.access_log = Some(log.clone());
    }
}

fn delete_route_settings(account: &mut Account, input: &Value) -> Outcome {
    let (api, stage) = (api_of(account, input)?, stage_of(account, input)?);
    let key = text(input, "routeKey").unwrap_or("");
    if !stage.route_settings.contains_key(key) {
        return Err(not_found(format!("Unable to find Route by key {key} within the provided RouteSettings")));
    }
    let (id, name) = (api.id.clone(), stage.name.clone());
    let remove = |stage: &mut HttpStage| {
        stage.route_settings.remove(key);
    };
    account.edit_http_stage(&id, &name, remove).ok_or_else(no_stage)?;
    Ok(Answer::empty(204))
}
