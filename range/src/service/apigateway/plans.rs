//! Usage plans and API keys.

use serde_json::{Map, Value, json};

use super::patch::{Op, Patch, operations, unescape};
use super::{Outcome, bad_request, conflict, limit, not_found, page_of, put, seconds, truth};
use crate::error::AwsError;
use crate::service::Answer;
use crate::service::common::{integer, page, text, texts};
use crate::state::{Account, ApiKey, PlanStage, Throttle, UsagePlan};

fn no_plan() -> AwsError {
    not_found("Invalid Usage Plan ID specified")
}

fn no_key() -> AwsError {
    not_found("Invalid API Key identifier specified")
}

fn plan_of<'a>(account: &'a Account, input: &Value) -> Result<&'a UsagePlan, AwsError> {
    let plan = account.gateway.usage_plans.get(text(input, "usagePlanId").unwrap_or(""));
    plan.map(|plan| &**plan.saved()).ok_or_else(no_plan)
}

fn key_of<'a>(account: &'a Account, id: &str) -> Result<&'a ApiKey, AwsError> {
    account.gateway.api_keys.get(id).map(|key| &**key.saved()).ok_or_else(no_key)
}

pub(super) fn create(account: &mut Account, input: &Value) -> Outcome {
    let name = text(input, "name").filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| bad_request("Usage Plan name cannot be blank"))?.to_owned();
    let throttle = input.get("throttle").filter(|given| !given.is_null()).map(read_throttle);
    let stages = input.get("apiStages").and_then(Value::as_array).into_iter().flatten();
    let stages = stages.map(|stage| read_stage(account, stage)).collect::<Result<Vec<_>, _>>()?;
    let id = account.create_usage_plan(&name, throttle);
    account
        .edit_usage_plan(&id, |plan| {
            plan.description = text(input, "description").map(str::to_owned);
            plan.stages = stages;
            plan.quota = input.get("quota").filter(|given| !given.is_null()).cloned();
            plan.tags = texts(input, "tags").unwrap_or_default();
        })
        .ok_or_else(no_plan)?;
    let made = account.gateway.usage_plans.get(&id).ok_or_else(no_plan)?;
    Ok(Answer::created(document(made.saved())))
}

fn read_throttle(given: &Value) -> Throttle {
    Throttle {
        rate: given.get("rateLimit").and_then(Value::as_f64).unwrap_or(0.0),
        burst: integer(given, "burstLimit").unwrap_or(0),
    }
}

fn read_stage(account: &Account, given: &Value) -> Result<PlanStage, AwsError> {
    let (api, stage) = (text(given, "apiId").unwrap_or(""), text(given, "stage").unwrap_or(""));
    let mut stage = stage_of(account, api, stage)?;
    for (method, throttle) in given.get("throttle").and_then(Value::as_object).into_iter().flatten() {
        stage.throttle.insert(method.clone(), read_throttle(throttle));
    }
    Ok(stage)
}

/// A stage that there is (seen in the wild).
fn stage_of(account: &Account, api: &str, stage: &str) -> Result<PlanStage, AwsError> {
    let known = account.gateway.apis.get(api).is_some_and(|api| api.stages.contains_key(stage));
    if !known {
        return Err(not_found(format!("API Stage not found: {api}:{stage}")));
    }
    Ok(PlanStage { api: api.to_owned(), stage: stage.to_owned(), throttle: std::collections::BTreeMap::new() })
}

pub(super) fn list(account: &Account, input: &Value) -> Outcome {
    let key = text(input, "keyId");
    let plans = account.gateway.usage_plans.values().map(|plan| &**plan.saved());
    let plans = plans.filter(|plan| key.is_none_or(|key| plan.keys.iter().any(|known| known == key)));
    let (items, next) = page(plans, |plan| &plan.id, text(input, "position"), limit(input)?);
    Ok(page_of(items.into_iter().map(document).collect(), next))
}

pub(super) fn get(account: &Account, input: &Value) -> Outcome {
    Ok(Answer::ok(document(plan_of(account, input)?)))
}

/// Patches are applied in order and all together: what fails leaves nothing behind (unverified).
pub(super) fn update(account: &mut Account, input: &Value) -> Outcome {
    let mut plan = plan_of(account, input)?.clone();
    for patch in operations(input)? {
        apply(account, &mut plan, &patch)?;
    }
    let (id, body) = (plan.id.clone(), document(&plan));
    account.edit_usage_plan(&id, |saved| *saved = plan).ok_or_else(no_plan)?;
    Ok(Answer::ok(body))
}

fn apply(account: &Account, plan: &mut UsagePlan, patch: &Patch<'_>) -> Result<(), AwsError> {
    let removes = patch.op == Op::Remove;
    match patch.path {
        "/name" if !removes => patch.value.clone_into(&mut plan.name),
        "/description" => plan.description = (!removes).then(|| patch.value.to_owned()),
        "/throttle" if removes => plan.throttle = None,
        "/quota" if removes => plan.quota = None,
        "/throttle/rateLimit" | "/throttle/burstLimit" if !removes => {
            set(plan.throttle.get_or_insert(Throttle { rate: 0.0, burst: 0 }), patch)?;
        }
        "/quota/limit" | "/quota/offset" | "/quota/period" if !removes => {
            let member = patch.path.trim_start_matches("/quota/");
            let value = patch.value.parse::<i64>().map_or_else(|_| Value::from(patch.value), Value::from);
            plan.quota.get_or_insert_with(|| json!({}))[member] = value;
        }
        "/apiStages" => {
            let (api, stage) = patch.value.split_once(':').ok_or_else(|| bad_request("Invalid API stage"))?;
            let known = plan.stages.iter().position(|known| known.api == api && known.stage == stage);
            match (removes, known) {
                (true, Some(at)) => drop(plan.stages.remove(at)),
                (true, None) => return Err(not_found("API Stage not found in this usage plan")),
                (false, Some(_)) => return Err(conflict("The API Stage is already part of this usage plan")),
                (false, None) => plan.stages.push(stage_of(account, api, stage)?),
            }
        }
        _ => return apply_method(plan, patch),
    }
    Ok(())
}

/// `/apiStages/{api}:{stage}/throttle/{path}/{METHOD}/rateLimit` and `…/burstLimit`; the path's slashes are escaped.
/// `remove` takes a whole entry (service model; forms unverified).
fn apply_method(plan: &mut UsagePlan, patch: &Patch<'_>) -> Result<(), AwsError> {
    let unknown = || {
        patch.unknown_path(
            "/name, /description, /throttle, /throttle/rateLimit, /throttle/burstLimit, /quota, /quota/limit, \
             /quota/offset, /quota/period, /apiStages, \
             /apiStages/{apiId:stage}/throttle/{resourcePath}/{httpMethod}/rateLimit, \
             /apiStages/{apiId:stage}/throttle/{resourcePath}/{httpMethod}/burstLimit",
        )
    };
    let rest = patch.path.strip_prefix("/apiStages/").and_then(|rest| rest.split_once("/throttle/"));
    let (target, rest) = rest.ok_or_else(unknown)?;
    let (api, stage) = target.split_once(':').ok_or_else(unknown)?;
    let stage = plan.stages.iter_mut().find(|known| known.api == api && known.stage == stage);
    let stage = stage.ok_or_else(|| not_found("API Stage not found in this usage plan"))?;
    let name = |method: &str| format!("/{}", unescape(method).trim_start_matches('/'));
    if patch.op == Op::Remove {
        return stage.throttle.remove(&name(rest)).map(drop).ok_or_else(unknown);
    }
    let (method, _) = rest.rsplit_once('/').ok_or_else(unknown)?;
    set(stage.throttle.entry(name(method)).or_insert(Throttle { rate: 0.0, burst: 0 }), patch)
}

/// Sets the limit that the last segment of a patch's path names.
fn set(throttle: &mut Throttle, patch: &Patch<'_>) -> Result<(), AwsError> {
    let wrong = || bad_request(format!("Invalid value specified: {}", patch.value));
    match patch.path.rsplit('/').next() {
        Some("rateLimit") => {
            let rate: Option<f64> = patch.value.parse().ok();
            throttle.rate = rate.filter(|rate| rate.is_finite() && *rate >= 0.0).ok_or_else(wrong)?;
        }
        Some("burstLimit") => {
            throttle.burst = patch.value.parse().ok().filter(|burst| *burst >= 0).ok_or_else(wrong)?;
        }
        _ => return Err(bad_request(format!("Invalid patch path '{}'", patch.path))),
    }
    Ok(())
}

fn document(plan: &UsagePlan) -> Value {
    let limits = |throttle: &Throttle| json!({ "burstLimit": throttle.burst, "rateLimit": throttle.rate });
    let stages: Vec<Value> = plan
        .stages
        .iter()
        .map(|stage| {
            let mut body = json!({ "apiId": stage.api, "stage": stage.stage });
            if !stage.throttle.is_empty() {
                let methods = stage.throttle.iter().map(|(method, throttle)| (method.clone(), limits(throttle)));
                body["throttle"] = methods.collect::<Map<_, _>>().into();
            }
            body
        })
        .collect();
    let mut body = json!({ "id": plan.id, "name": plan.name, "apiStages": stages });
    put(&mut body, "description", plan.description.clone());
    put(&mut body, "throttle", plan.throttle.as_ref().map(limits));
    put(&mut body, "quota", plan.quota.clone());
    if !plan.tags.is_empty() {
        body["tags"] = json!(plan.tags);
    }
    body
}

pub(super) fn create_key(account: &mut Account, input: &Value) -> Outcome {
    let value = text(input, "value");
    // 20 to 128 characters (documented).
    if value.is_some_and(|value| !(20..=128).contains(&value.chars().count())) {
        return Err(bad_request("API Key value should be at least 20 characters"));
    }
    if account.gateway.api_keys.values().any(|key| Some(key.saved().value.as_str()) == value) {
        return Err(conflict("API Key already exists"));
    }
    let enabled = input.get("enabled").and_then(Value::as_bool).unwrap_or(false);
    let id = account.create_api_key(text(input, "name").unwrap_or(""), value, enabled);
    let words = text(input, "description").map(str::to_owned);
    account.edit_api_key(&id, |key| key.description = words).ok_or_else(no_key)?;
    Ok(Answer::created(key_document(key_of(account, &id)?, true)))
}

/// Values come only when they are asked for (service model).
fn asks(input: &Value, member: &str) -> bool {
    text(input, member) == Some("true")
}

pub(super) fn keys(account: &Account, input: &Value) -> Outcome {
    let named = text(input, "name").unwrap_or("");
    let keys = account.gateway.api_keys.values().map(|key| &**key.saved()).filter(|key| key.name.starts_with(named));
    let (items, next) = page(keys, |key| &key.id, text(input, "position"), limit(input)?);
    let values = asks(input, "includeValues");
    Ok(page_of(items.into_iter().map(|key| key_document(key, values)).collect(), next))
}

pub(super) fn key(account: &Account, input: &Value) -> Outcome {
    let key = key_of(account, text(input, "apiKey").unwrap_or(""))?;
    Ok(Answer::ok(key_document(key, asks(input, "includeValue"))))
}

pub(super) fn update_key(account: &mut Account, input: &Value) -> Outcome {
    let mut key = key_of(account, text(input, "apiKey").unwrap_or(""))?.clone();
    for patch in operations(input)? {
        match patch.path {
            "/enabled" => key.enabled = truth(patch.value)?,
            "/name" => patch.value.clone_into(&mut key.name),
            "/description" => key.description = Some(patch.value.to_owned()),
            _ => return Err(patch.unknown_path("/name, /description, /enabled")),
        }
    }
    let id = key.id.clone();
    account.edit_api_key(&id, |saved| *saved = key).ok_or_else(no_key)?;
    Ok(Answer::ok(key_document(key_of(account, &id)?, false)))
}

fn key_document(key: &ApiKey, value: bool) -> Value {
    let mut body = json!({
        "id": key.id,
        "name": key.name,
        "enabled": key.enabled,
        "createdDate": seconds(key.created),
        "lastUpdatedDate": seconds(key.last_updated),
        "stageKeys": [],
    });
    put(&mut body, "description", key.description.clone());
    put(&mut body, "value", value.then(|| key.value.clone()));
    body
}

/// A key is in one plan of a stage at most (seen in the wild).
pub(super) fn add_key(account: &mut Account, input: &Value) -> Outcome {
    let plan = plan_of(account, input)?;
    let key = key_of(account, text(input, "keyId").unwrap_or(""))?;
    if text(input, "keyType") != Some("API_KEY") {
        return Err(bad_request("Invalid key type specified. Valid options are API_KEY"));
    }
    let (plan_id, id) = (plan.id.clone(), key.id.clone());
    let shares = |other: &UsagePlan| {
        other.keys.contains(&id)
            && (other.id == plan.id
                || other.stages.iter().any(|a| plan.stages.iter().any(|b| a.api == b.api && a.stage == b.stage)))
    };
    if account.gateway.usage_plans.values().any(|other| shares(other.saved())) {
        return Err(conflict("Usage Plan Key already exists, or the key is in another plan of the same stage"));
    }
    let body = member(key);
    account.edit_usage_plan(&plan_id, |plan| plan.keys.push(id)).ok_or_else(no_plan)?;
    Ok(Answer::created(body))
}

pub(super) fn plan_keys(account: &Account, input: &Value) -> Outcome {
    let plan = plan_of(account, input)?;
    let keys = account.gateway.api_keys.values().map(|key| &**key.saved()).filter(|key| plan.keys.contains(&key.id));
    let (items, next) = page(keys, |key| &key.id, text(input, "position"), limit(input)?);
    Ok(page_of(items.into_iter().map(member).collect(), next))
}

fn member(key: &ApiKey) -> Value {
    json!({ "id": key.id, "type": "API_KEY", "value": key.value, "name": key.name })
}
