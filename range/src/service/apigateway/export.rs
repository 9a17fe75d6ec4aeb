//! `GetExport`: what a stage has deployed, as an `OpenAPI` document.
//!
//! Exports are of stages, so this reads the snapshot that a stage points at and never the draft. The form follows the
//! service model and exports that people have published: types of integrations in small letters, security schemes for
//! IAM, API keys and authorizers, the resource policy as an object. Models, parameters, request validation and gateway
//! responses are left out.

use serde_json::{Map, Value, json};

use super::{Outcome, api_of, bad_request, stage_of};
use crate::error::AwsError;
use crate::service::common::text;
use crate::service::{Answer, Body, File};
use crate::state::{Account, Api, Authorizer, Method, Resource, Snapshot, Stage};

/// What an export is asked to carry beside the plain document.
#[derive(Debug, Clone, Copy)]
struct Extensions {
    integrations: bool,
    authorizers: bool,
}

impl Extensions {
    /// `integrations`, `authorizers` and `apigateway` for both, separated by commas (documented; that `apigateway`
    /// brings authorizers too is inferred).
    fn read(input: &Value) -> Self {
        let wanted = text(input, "extensions").unwrap_or("");
        let has = |name: &str| wanted.split([',', ' ']).any(|part| part == name || part == "apigateway");
        Self { integrations: has("integrations"), authorizers: has("authorizers") }
    }

    const fn any(self) -> bool {
        self.integrations || self.authorizers
    }
}

/// The version of `OpenAPI`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Oas30,
    Swagger,
}

pub(super) fn get(account: &Account, input: &Value) -> Outcome {
    let (api, stage) = (api_of(account, input)?, stage_of(account, input)?);
    let kind = text(input, "exportType").unwrap_or("");
    let format = match kind {
        "oas30" => Format::Oas30,
        "swagger" => Format::Swagger,
        _ => return Err(bad_request("Invalid export type specified. Valid options are oas30,swagger")),
    };
    json_only(input)?;
    let extensions = Extensions::read(input);
    let mut document = outline(account, api, stage, format);
    document["paths"] = paths(&stage.snapshot, format, extensions);
    let schemes = schemes(&stage.snapshot, extensions);
    if !schemes.is_empty() {
        match format {
            Format::Oas30 => document["components"] = json!({ "securitySchemes": schemes }),
            Format::Swagger => document["securityDefinitions"] = schemes.into(),
        }
    }
    let carried =
        stage.snapshot.policy.as_deref().filter(|_| extensions.any() && account.gateway.export_carries_policy);
    if let Some(policy) = carried.and_then(|policy| serde_json::from_str::<Value>(policy).ok()) {
        document["x-amazon-apigateway-policy"] = policy;
    }
    let file = File {
        // Neither the type nor the name of the file is documented (unverified).
        content_type: "application/octet-stream",
        name: format!("{kind}_{}.json", version(api, stage)),
        content: document.to_string(),
    };
    Ok(Answer { status: 200, body: Body::File(file) })
}

/// AWS exports YAML as well; the range does not, and says so.
fn json_only(input: &Value) -> Result<(), AwsError> {
    match text(input, "accepts") {
        Some(kind) if kind.contains("yaml") => Err(bad_request("The range exports JSON only")),
        _ => Ok(()),
    }
}

/// When the stage's snapshot was made, unless the API has a version of its own (unverified).
fn version(api: &Api, stage: &Stage) -> String {
    let own = api.extra.get("version").and_then(Value::as_str).map(str::to_owned);
    own.unwrap_or_else(|| {
        let made = api.deployments.get(&stage.deployment_id).map_or(api.created, |deployment| deployment.created);
        made.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    })
}

fn outline(account: &Account, api: &Api, stage: &Stage, format: Format) -> Value {
    let mut info = json!({ "title": api.name });
    super::put(&mut info, "description", api.description.clone());
    info["version"] = version(api, stage).into();
    let host = format!("{}.execute-api.{}.amazonaws.com", api.id, account.region);
    let base = format!("/{}", stage.name);
    match format {
        Format::Oas30 => json!({
            "openapi": "3.0.1",
            "info": info,
            "servers": [{
                "url": format!("https://{host}/{{basePath}}"),
                "variables": { "basePath": { "default": base } },
            }],
        }),
        Format::Swagger => {
            json!({ "swagger": "2.0", "info": info, "host": host, "basePath": base, "schemes": ["https"] })
        }
    }
}

/// Paths in the order of their names; a resource without methods is none.
fn paths(snapshot: &Snapshot, format: Format, extensions: Extensions) -> Value {
    let mut resources: Vec<&Resource> = snapshot.resources.values().collect();
    resources.retain(|resource| !resource.methods.is_empty());
    resources.sort_by(|a, b| a.path.cmp(&b.path));
    let mut paths = Map::new();
    for resource in resources {
        let methods = resource.methods.values().map(|method| {
            let verb = match method.http_method.as_str() {
                "ANY" => "x-amazon-apigateway-any-method".to_owned(),
                verb => verb.to_lowercase(),
            };
            (verb, operation(snapshot, resource, method, format, extensions))
        });
        paths.insert(resource.path.clone(), Value::Object(methods.collect()));
    }
    paths.into()
}

fn operation(
    snapshot: &Snapshot,
    resource: &Resource,
    method: &Method,
    format: Format,
    extensions: Extensions,
) -> Value {
    let mut operation = json!({});
    super::put(&mut operation, "operationId", method.extra.get("operationName").cloned());
    let names = resource.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameters: Vec<Value> = names.map(|name| path_parameter(name.trim_end_matches('+'), format)).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    operation["responses"] = json!({});
    let security = security(snapshot, method);
    if !security.is_empty() {
        operation["security"] = security.into_iter().map(|name| json!({ name: [] })).collect();
    }
    if let Some(integration) = method.integration.as_ref().filter(|_| extensions.integrations) {
        operation["x-amazon-apigateway-integration"] = small_letters(integration);
    }
    operation
}

fn path_parameter(name: &str, format: Format) -> Value {
    match format {
        Format::Oas30 => json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }),
        Format::Swagger => json!({ "name": name, "in": "path", "required": true, "type": "string" }),
    }
}

/// The schemes that a method asks for, by name.
fn security(snapshot: &Snapshot, method: &Method) -> Vec<String> {
    let authorizer = method.authorizer_id.as_ref().and_then(|id| snapshot.authorizers.get(id));
    let by_type = match method.authorization_type.as_str() {
        "AWS_IAM" => Some("sigv4".to_owned()),
        "CUSTOM" | "COGNITO_USER_POOLS" => authorizer.map(|authorizer| authorizer.name.clone()),
        _ => None,
    };
    by_type.into_iter().chain(method.api_key_required.then(|| "api_key".to_owned())).collect()
}

/// The schemes that any method asks for.
fn schemes(snapshot: &Snapshot, extensions: Extensions) -> Map<String, Value> {
    let methods = snapshot.resources.values().flat_map(|resource| resource.methods.values());
    let wanted: std::collections::BTreeSet<String> = methods.flat_map(|method| security(snapshot, method)).collect();
    wanted
        .into_iter()
        .map(|name| {
            let scheme = match name.as_str() {
                "sigv4" => json!({
                    "type": "apiKey", "name": "Authorization", "in": "header",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                }),
                "api_key" => json!({ "type": "apiKey", "name": "x-api-key", "in": "header" }),
                name => {
                    let authorizer = snapshot.authorizers.values().find(|authorizer| authorizer.name == name);
                    authorizer.map_or(Value::Null, |authorizer| authorizer_scheme(authorizer, extensions))
                }
            };
            (name, scheme)
        })
        .collect()
}

fn authorizer_scheme(authorizer: &Authorizer, extensions: Extensions) -> Value {
    let mut scheme = json!({
        "type": "apiKey",
        "name": authorizer.header().unwrap_or("Unused"),
        "in": "header",
        "x-amazon-apigateway-authtype": super::authorizer::auth_type(authorizer.kind),
    });
    if extensions.authorizers {
        let mut body = json!({});
        if !authorizer.provider_arns.is_empty() {
            body["providerARNs"] = authorizer.provider_arns.clone().into();
        }
        super::put(&mut body, "authorizerUri", authorizer.uri.clone());
        super::put(&mut body, "authorizerCredentials", authorizer.credentials.clone());
        super::put(&mut body, "identitySource", authorizer.identity_source.clone());
        super::put(&mut body, "identityValidationExpression", authorizer.validation_expression.clone());
        if authorizer.uri.is_some() {
            body["authorizerResultTtlInSeconds"] = authorizer.result_ttl_seconds.into();
        }
        body["type"] = authorizer.kind.name().to_lowercase().into();
        scheme["x-amazon-apigateway-authorizer"] = body;
    }
    scheme
}

/// An integration as exports write it: type and pass-through behaviour in small letters (seen in published exports).
fn small_letters(integration: &Value) -> Value {
    let mut integration = integration.clone();
    for member in ["type", "passthroughBehavior"] {
        if let Some(Value::String(name)) = integration.get_mut(member) {
            *name = name.to_lowercase();
        }
    }
    integration
}
