//! API Gateway's REST paths.

use bytes::Bytes;
use http::header::ACCEPT;
use http::{Method, Request};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::json::object;
use crate::error::AwsError;
use crate::service::kind::Service;

/// Method, path with parameters under their model names, operation.
const ROUTES: &[(&str, &str, &str)] = &[
    ("GET", "/account", "GetAccount"),
    ("GET", "/restapis", "GetRestApis"),
    ("POST", "/restapis", "CreateRestApi"),
    ("GET", "/restapis/{restApiId}", "GetRestApi"),
    ("PATCH", "/restapis/{restApiId}", "UpdateRestApi"),
    ("DELETE", "/restapis/{restApiId}", "DeleteRestApi"),
    ("GET", "/restapis/{restApiId}/resources", "GetResources"),
    ("GET", "/restapis/{restApiId}/resources/{resourceId}", "GetResource"),
    ("POST", "/restapis/{restApiId}/resources/{parentId}", "CreateResource"),
    ("PUT", "/restapis/{restApiId}/resources/{resourceId}/methods/{httpMethod}", "PutMethod"),
    ("GET", "/restapis/{restApiId}/resources/{resourceId}/methods/{httpMethod}", "GetMethod"),
    ("PUT", "/restapis/{restApiId}/resources/{resourceId}/methods/{httpMethod}/integration", "PutIntegration"),
    ("GET", "/restapis/{restApiId}/deployments", "GetDeployments"),
    ("POST", "/restapis/{restApiId}/deployments", "CreateDeployment"),
    ("GET", "/restapis/{restApiId}/deployments/{deploymentId}", "GetDeployment"),
    ("DELETE", "/restapis/{restApiId}/deployments/{deploymentId}", "DeleteDeployment"),
    ("GET", "/restapis/{restApiId}/stages", "GetStages"),
    ("POST", "/restapis/{restApiId}/stages", "CreateStage"),
    ("GET", "/restapis/{restApiId}/stages/{stageName}", "GetStage"),
    ("PATCH", "/restapis/{restApiId}/stages/{stageName}", "UpdateStage"),
    ("DELETE", "/restapis/{restApiId}/stages/{stageName}", "DeleteStage"),
    ("DELETE", "/restapis/{restApiId}/stages/{stageName}/cache/data", "FlushStageCache"),
    ("DELETE", "/restapis/{restApiId}/stages/{stageName}/cache/authorizers", "FlushStageAuthorizersCache"),
    ("GET", "/restapis/{restApiId}/stages/{stageName}/exports/{exportType}", "GetExport"),
    ("GET", "/restapis/{restApiId}/authorizers", "GetAuthorizers"),
    ("POST", "/restapis/{restApiId}/authorizers", "CreateAuthorizer"),
    ("GET", "/restapis/{restApiId}/authorizers/{authorizerId}", "GetAuthorizer"),
    ("GET", "/usageplans", "GetUsagePlans"),
    ("POST", "/usageplans", "CreateUsagePlan"),
    ("GET", "/usageplans/{usagePlanId}", "GetUsagePlan"),
    ("PATCH", "/usageplans/{usagePlanId}", "UpdateUsagePlan"),
    ("GET", "/usageplans/{usagePlanId}/keys", "GetUsagePlanKeys"),
    ("POST", "/usageplans/{usagePlanId}/keys", "CreateUsagePlanKey"),
    ("GET", "/apikeys", "GetApiKeys"),
    ("POST", "/apikeys", "CreateApiKey"),
    ("GET", "/apikeys/{apiKey}", "GetApiKey"),
    ("PATCH", "/apikeys/{apiKey}", "UpdateApiKey"),
    ("GET", "/v2/apis", "GetApis"),
    ("POST", "/v2/apis", "CreateApi"),
    ("GET", "/v2/apis/{apiId}", "GetApi"),
    ("GET", "/v2/apis/{apiId}/routes", "GetRoutes"),
    ("POST", "/v2/apis/{apiId}/routes", "CreateRoute"),
    ("GET", "/v2/apis/{apiId}/integrations", "GetIntegrations"),
    ("POST", "/v2/apis/{apiId}/integrations", "CreateIntegration"),
    ("GET", "/v2/apis/{apiId}/stages", "GetStages"),
    ("POST", "/v2/apis/{apiId}/stages", "CreateStage"),
    ("GET", "/v2/apis/{apiId}/stages/{stageName}", "GetStage"),
    ("PATCH", "/v2/apis/{apiId}/stages/{stageName}", "UpdateStage"),
    ("DELETE", "/v2/apis/{apiId}/stages/{stageName}/routesettings/{routeKey}", "DeleteRouteSettings"),
    ("GET", "/tags/{resourceArn}", "GetTags"),
    ("PUT", "/tags/{resourceArn}", "TagResource"),
];

/// Every path with its operation.
#[cfg(test)]
pub(crate) fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().map(|(_, path, operation)| (*path, *operation))
}

/// Finds the operation of a request and gathers its input: body first, then query string, then path.
pub(crate) fn route(request: &Request<Bytes>) -> Result<(&'static str, Value), AwsError> {
    let path = request.uri().path();
    let found = ROUTES.iter().find_map(|(method, pattern, operation)| {
        (request.method().as_str() == *method)
            .then(|| matched(pattern, path))
            .flatten()
            .map(|found| (*operation, found))
    });
    let Some((operation, parameters)) = found else {
        let service = if path.starts_with("/v2/") { Service::ApiGatewayV2 } else { Service::ApiGateway };
        return Err(service.not_known(&format!("{} {path}", request.method())));
    };
    let mut input = match request.method() {
        &Method::GET | &Method::DELETE => Map::new(),
        // PutIntegration sends its own httpMethod in the body, where the path has the method's: keep both.
        _ => match object(request.body()).map_err(|error| AwsError::bad("BadRequestException", error.message))? {
            Value::Object(mut body) => {
                if let Some(verb) = body.remove("httpMethod") {
                    body.insert("integrationHttpMethod".to_owned(), verb);
                }
                body
            }
            _ => Map::new(),
        },
    };
    add_query(&mut input, request.uri().query().unwrap_or(""));
    // The one member that travels in a header.
    if operation == "GetExport"
        && let Some(kind) = request.headers().get(ACCEPT).and_then(|kind| kind.to_str().ok())
    {
        input.insert("accepts".to_owned(), kind.into());
    }
    for (name, value) in parameters {
        input.insert(name.to_owned(), Value::String(value));
    }
    Ok((operation, Value::Object(input)))
}

/// The parameters of a path that fits a pattern.
fn matched(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let (mut wanted, mut given) = (pattern.split('/'), path.trim_end_matches('/').split('/'));
    let mut parameters = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(part), Some(value)) => match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) if !value.is_empty() => {
                    parameters.push((name, percent_decode_str(value).decode_utf8().ok()?.into_owned()));
                }
                None if part == value => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// `embed` may come several times; everything else is single.
fn add_query(input: &mut Map<String, Value>, query: &str) {
    let mut embed = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name == "embed" {
            embed.extend(value.split(',').map(|part| Value::String(part.to_owned())));
        } else {
            input.insert(name.into_owned(), Value::String(value.into_owned()));
        }
    }
    if !embed.is_empty() {
        input.insert("embed".to_owned(), Value::Array(embed));
    }
}
