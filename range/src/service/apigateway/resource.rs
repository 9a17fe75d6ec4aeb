//! Resources, methods and integrations of a draft.

use serde_json::{Map, Value, json};

use super::{Outcome, api_of, bad_request, conflict, limit, not_found, page_of, put};
use crate::error::AwsError;
use crate::service::Answer;
use crate::service::common::{kept, page, text};
use crate::state::{Account, AuthorizerKind, Method, Resource};

const VERBS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];

pub(super) fn list(account: &Account, input: &Value) -> Outcome {
    let api = api_of(account, input)?;
    let (items, next) =
        page(api.draft.resources.values(), |resource| &resource.id, text(input, "position"), limit(input)?);
    let embed = embeds(input, "methods");
    Ok(page_of(items.into_iter().map(|resource| document(resource, embed)).collect(), next))
}

fn embeds(input: &Value, what: &str) -> bool {
    let list = input.get("embed").and_then(Value::as_array);
    list.into_iter().flatten().any(|name| name.as_str() == Some(what))
}

pub(super) fn get(account: &Account, input: &Value) -> Outcome {
    Ok(Answer::ok(document(resource_of(account, input)?, embeds(input, "methods"))))
}

fn resource_of<'a>(account: &'a Account, input: &Value) -> Result<&'a Resource, AwsError> {
    let resources = &api_of(account, input)?.draft.resources;
    resources.get(text(input, "resourceId").unwrap_or("")).ok_or_else(no_resource)
}

fn no_resource() -> AwsError {
    not_found("Invalid Resource identifier specified")
}

/// Methods are empty objects unless asked for.
fn document(resource: &Resource, embed: bool) -> Value {
    let mut body = json!({"id": resource.id, "path": resource.path});
    put(&mut body, "parentId", resource.parent_id.clone());
    put(&mut body, "pathPart", resource.path_part.clone());
    if !resource.methods.is_empty() {
        let methods = resource
            .methods
            .iter()
            .map(|(verb, method)| (verb.clone(), if embed { method_document(method) } else { json!({}) }));
        body["resourceMethods"] = methods.collect::<Map<_, _>>().into();
    }
    body
}

fn method_document(method: &Method) -> Value {
    let mut body = Value::Object(method.extra.clone());
    body["httpMethod"] = method.http_method.clone().into();
    body["authorizationType"] = method.authorization_type.clone().into();
    body["apiKeyRequired"] = method.api_key_required.into();
    put(&mut body, "authorizerId", method.authorizer_id.clone());
    put(&mut body, "methodIntegration", method.integration.clone());
    body
}

pub(super) fn create(account: &mut Account, input: &Value) -> Outcome {
    let api = api_of(account, input)?;
    let (id, parent) = (api.id.clone(), text(input, "parentId").unwrap_or("").to_owned());
    let part = text(input, "pathPart").unwrap_or("");
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-:{}+$,@".contains(letter);
    if part.is_empty() || !part.chars().all(allowed) {
        return Err(bad_request(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the \
             beginning and the end.",
        ));
    }
    if !api.draft.resources.contains_key(&parent) {
        return Err(no_resource());
    }
    let twin = |resource: &Resource| {
        resource.parent_id.as_deref() == Some(&parent) && resource.path_part.as_deref() == Some(part)
    };
    if api.draft.resources.values().any(twin) {
        return Err(conflict(format!("Another resource with the same parent already has this name: {part}")));
    }
    let resource = account.put_resource(&id, &parent, part).ok_or_else(no_resource)?;
    let api = api_of(account, input)?;
    api.draft
        .resources
        .get(&resource)
        .map(|resource| Answer::created(document(resource, false)))
        .ok_or_else(no_resource)
}

pub(super) fn put_method(account: &mut Account, input: &Value) -> Outcome {
    const EXTRA: [&str; 5] =
        ["operationName", "requestParameters", "requestModels", "requestValidatorId", "authorizationScopes"];
    let resource = resource_of(account, input)?;
    let verb = text(input, "httpMethod").unwrap_or("");
    let authorization = text(input, "authorizationType").unwrap_or("");
    if !VERBS.contains(&verb) {
        return Err(bad_request(
            "Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY",
        ));
    }
    if !["NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS"].contains(&authorization) {
        return Err(bad_request(
            "Invalid authorization type specified. Valid options are NONE, AWS_IAM, CUSTOM, COGNITO_USER_POOLS",
        ));
    }
    if resource.methods.contains_key(verb) {
        return Err(conflict("Method already exists for this resource"));
    }
    let authorizer = text(input, "authorizerId").filter(|_| ["CUSTOM", "COGNITO_USER_POOLS"].contains(&authorization));
    check_authorizer(account, input, authorization, authorizer)?;
    let method = Method {
        http_method: verb.to_owned(),
        authorization_type: authorization.to_owned(),
        api_key_required: input.get("apiKeyRequired").and_then(Value::as_bool).unwrap_or(false),
        authorizer_id: authorizer.map(str::to_owned),
        extra: kept(input, &EXTRA),
        integration: None,
    };
    let body = method_document(&method);
    let (api, resource) = (api_of(account, input)?.id.clone(), resource.id.clone());
    account.put_method(&api, &resource, method).ok_or_else(no_resource)?;
    Ok(Answer::created(body))
}

/// A method with an authorizer names one that there is, of the right kind (seen in the wild).
fn check_authorizer(
    account: &Account,
    input: &Value,
    authorization: &str,
    authorizer: Option<&str>,
) -> Result<(), AwsError> {
    let pool = match authorization {
        "CUSTOM" => false,
        "COGNITO_USER_POOLS" => true,
        _ => return Ok(()),
    };
    let known = authorizer.and_then(|id| api_of(account, input).ok()?.draft.authorizers.get(id));
    if known.is_some_and(|known| (known.kind == AuthorizerKind::CognitoUserPools) == pool) {
        return Ok(());
    }
    Err(bad_request(
        "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid \
         authorizer.",
    ))
}

fn method_of<'a>(account: &'a Account, input: &Value) -> Result<&'a Method, AwsError> {
    let methods = &resource_of(account, input)?.methods;
    let method = methods.get(text(input, "httpMethod").unwrap_or(""));
    method.ok_or_else(|| not_found("Invalid Method identifier specified"))
}

pub(super) fn get_method(account: &Account, input: &Value) -> Outcome {
    Ok(Answer::ok(method_document(method_of(account, input)?)))
}

pub(super) fn put_integration(account: &mut Account, input: &Value) -> Outcome {
    const KEPT: [&str; 12] = [
        "uri",
        "connectionType",
        "connectionId",
        "credentials",
        "requestParameters",
        "requestTemplates",
        "passthroughBehavior",
        "contentHandling",
        "timeoutInMillis",
        "tlsConfig",
        "cacheNamespace",
        "cacheKeyParameters",
    ];
    let mut method = method_of(account, input)?.clone();
    let kind = text(input, "type").unwrap_or("");
    if !["HTTP", "AWS", "MOCK", "HTTP_PROXY", "AWS_PROXY"].contains(&kind) {
        return Err(bad_request("Invalid integration type specified"));
    }
    if kind != "MOCK" && (text(input, "uri").is_none() || text(input, "integrationHttpMethod").is_none()) {
        return Err(bad_request("Enumeration value for HttpMethod must be non-empty"));
    }
    let (api, resource) = (api_of(account, input)?.id.clone(), resource_of(account, input)?.id.clone());
    let mut body = json!({
        "type": kind,
        "passthroughBehavior": "WHEN_NO_MATCH",
        "timeoutInMillis": 29_000,
        "cacheNamespace": resource,
        "cacheKeyParameters": [],
    });
    put(&mut body, "httpMethod", text(input, "integrationHttpMethod"));
    for member in KEPT {
        put(&mut body, member, input.get(member).filter(|value| !value.is_null()).cloned());
    }
    method.integration = Some(body.clone());
    account.put_method(&api, &resource, method).ok_or_else(no_resource)?;
    Ok(Answer::created(body))
}
