//! REST APIs as a whole.

use serde_json::{Map, Value, json};

use super::patch::{Op, Patch, operations, unescape};
use super::{Outcome, api_of, bad_request, limit, no_api, page_of, policy, put, seconds, truth};
use crate::error::AwsError;
use crate::service::Answer;
use crate::service::common::{kept, page, text, texts};
use crate::state::{Account, Api};

/// Members that the range keeps and does not understand.
const EXTRA: [&str; 4] = ["version", "binaryMediaTypes", "minimumCompressionSize", "securityPolicy"];

/// `GetAccount`.
pub(super) fn account(account: &Account) -> Value {
    let gateway = &account.gateway;
    let mut body = json!({
        "throttleSettings": {
            "burstLimit": gateway.throttle_burst_limit,
            "rateLimit": gateway.throttle_rate_limit,
        },
        "features": ["UsagePlans"],
        "apiKeyVersion": "4",
    });
    put(&mut body, "cloudwatchRoleArn", gateway.cloudwatch_role_arn.clone());
    body
}

pub(super) fn list(account: &Account, input: &Value) -> Outcome {
    let (items, next) = page(account.gateway.apis.values(), |api| &api.id, text(input, "position"), limit(input)?);
    Ok(page_of(items.into_iter().map(document).collect(), next))
}

pub(super) fn get(account: &Account, input: &Value) -> Outcome {
    Ok(Answer::ok(document(api_of(account, input)?)))
}

fn document(api: &Api) -> Value {
    let mut body = json!({
        "id": api.id,
        "name": api.name,
        "createdDate": seconds(api.created),
        "apiKeySource": api.api_key_source,
        "endpointConfiguration": {"types": api.endpoint_types, "ipAddressType": api.ip_address_type},
        "tags": api.tags,
        "disableExecuteApiEndpoint": api.disable_execute_api_endpoint,
        "rootResourceId": api.root_resource_id(),
        "apiStatus": api.api_status,
    });
    put(&mut body, "description", api.description.clone());
    put(&mut body, "policy", api.draft.policy.as_deref().map(policy::escaped));
    for (member, value) in &api.extra {
        body[member.as_str()] = value.clone();
    }
    body
}

pub(super) fn create(account: &mut Account, input: &Value) -> Outcome {
    let name = text(input, "name").filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| bad_request("API name cannot be blank"))?;
    let types = endpoint_types(input)?;
    let id = account.create_api(name, None);
    let document_text = text(input, "policy").unwrap_or("");
    let policy = match policy::normalised(document_text, &account.region, &account.id, &id) {
        Ok(policy) => policy,
        Err(error) => {
            account.gateway.apis.remove(&id);
            return Err(error);
        }
    };
    let api = account.gateway.apis.get_mut(&id).ok_or_else(|| bad_request("the API vanished"))?;
    api.draft.policy = policy;
    api.description = text(input, "description").map(str::to_owned);
    api.endpoint_types = types;
    if let Some(kind) = input.pointer("/endpointConfiguration/ipAddressType").and_then(Value::as_str) {
        kind.clone_into(&mut api.ip_address_type);
    }
    api.disable_execute_api_endpoint = input.get("disableExecuteApiEndpoint").and_then(Value::as_bool).unwrap_or(false);
    api.execute_api_endpoint_disabled = api.disable_execute_api_endpoint;
    if let Some(source) = text(input, "apiKeySource") {
        source.clone_into(&mut api.api_key_source);
    }
    api.tags = texts(input, "tags").unwrap_or_default();
    api.extra = kept(input, &EXTRA);
    Ok(Answer::created(document(api)))
}

/// EDGE unless asked otherwise (documented).
fn endpoint_types(input: &Value) -> Result<Vec<String>, AwsError> {
    let Some(types) = input.pointer("/endpointConfiguration/types").and_then(Value::as_array) else {
        return Ok(vec!["EDGE".to_owned()]);
    };
    types
        .iter()
        .map(|kind| match kind.as_str() {
            Some(kind @ ("REGIONAL" | "EDGE" | "PRIVATE")) => Ok(kind.to_owned()),
            _ => Err(bad_request(format!("Invalid endpoint configuration type: {kind}"))),
        })
        .collect()
}

/// Patches are applied in order and all together: what fails leaves nothing behind (unverified).
pub(super) fn update(account: &mut Account, input: &Value) -> Outcome {
    let mut api = api_of(account, input)?.clone();
    for patch in operations(input)? {
        apply(&mut api, &patch, &account.region, &account.id)?;
    }
    let body = document(&api);
    account.gateway.apis.insert(api.id.clone(), api);
    Ok(Answer::ok(body))
}

fn apply(api: &mut Api, patch: &Patch<'_>, region: &str, account: &str) -> Result<(), AwsError> {
    let removes = patch.op == Op::Remove;
    match patch.path {
        "/name" if !removes && !patch.value.trim().is_empty() => patch.value.clone_into(&mut api.name),
        "/description" => api.description = (!removes).then(|| patch.value.to_owned()),
        "/policy" => {
            let wanted = if removes { "" } else { patch.value };
            api.draft.policy = policy::normalised(wanted, region, account, &api.id)?;
        }
        "/disableExecuteApiEndpoint" if !removes => api.disable_execute_api_endpoint = truth(patch.value)?,
        "/apiKeySource" if ["HEADER", "AUTHORIZER"].contains(&patch.value) => {
            patch.value.clone_into(&mut api.api_key_source);
        }
        "/endpointConfiguration/ipAddressType" if ["ipv4", "dualstack"].contains(&patch.value) => {
            patch.value.clone_into(&mut api.ip_address_type);
        }
        "/minimumCompressionSize" => set_extra(&mut api.extra, "minimumCompressionSize", removes, patch.value),
        "/version" => set_extra(&mut api.extra, "version", removes, patch.value),
        other => match other.strip_prefix("/endpointConfiguration/types/") {
            Some(old) if api.endpoint_types.iter().any(|kind| *kind == unescape(old)) && !removes => {
                api.endpoint_types = vec![patch.value.to_owned()];
            }
            _ => {
                return Err(patch.unknown_path(
                    "/name, /description, /policy, /disableExecuteApiEndpoint, /apiKeySource, \
                     /endpointConfiguration/types/{type}, /endpointConfiguration/ipAddressType, \
                     /minimumCompressionSize, /version",
                ));
            }
        },
    }
    Ok(())
}

fn set_extra(extra: &mut Map<String, Value>, member: &str, removes: bool, value: &str) {
    if removes {
        extra.remove(member);
    } else {
        let value = value.parse::<i64>().map_or_else(|_| Value::from(value), Value::from);
        extra.insert(member.to_owned(), value);
    }
}

pub(super) fn delete(account: &mut Account, input: &Value) -> Outcome {
    let id = api_of(account, input)?.id.clone();
    let api = account.gateway.apis.remove(&id).ok_or_else(|| no_api(account, &id))?;
    for stage in api.stages.keys() {
        let arn = account.stage_arn(&id, stage);
        account.waf.associations.remove(&arn);
    }
    Ok(Answer::empty(202))
}
