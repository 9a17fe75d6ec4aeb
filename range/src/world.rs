//! Builds account and traffic from a scenario's `[world]`, and lets its history happen.

mod waf;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value, json};

use crate::scenario::{AccessLogSpec, ApiSpec, MethodSpec, Scenario, ScenarioError, StageRef, StageSpec, WorldSpec};
use crate::state::{Account, Authorizer, AuthorizerKind, Method, MethodSetting, PlanStage, Throttle, ids};
use crate::traffic::{Profile, Traffic};

/// How long before its history the account was set up.
const AGE_DAYS: i64 = 90;

/// The account at the moment the scenario opens (`account.now`), its history simulated, and the traffic that goes on.
pub(crate) fn build(text: &str, seed: Option<u64>) -> Result<(Account, Traffic), ScenarioError> {
    let scenario = Scenario::parse(text)?;
    let world = &scenario.world;
    let seed = seed.unwrap_or(scenario.seed);
    let begin = world.start - Duration::seconds(world.history.seconds);
    let mut account = Account::new(world.account.get_ref(), &world.region, begin - Duration::days(AGE_DAYS), seed);
    if let Some(throttle) = world.throttle {
        account.gateway.throttle_rate_limit = throttle.rate;
        account.gateway.throttle_burst_limit = i64::from(throttle.burst);
    }
    account.gateway.export_carries_policy = world.export_carries_policy;
    if let Some(delay) = world.metrics_delay {
        account.metrics.publish_delay = u32::try_from(delay.seconds).unwrap_or(u32::MAX);
    }
    if let Some(delay) = world.logs_delay {
        account.logs.delay_seconds = u32::try_from(delay.seconds).unwrap_or(u32::MAX);
    }
    account.responder = world.responder.unwrap_or(account.responder);
    let acls = waf::build(&mut account, world);
    let apis = apis(&mut account, world, &acls);
    plans(&mut account, world, &apis);
    account.settle();
    account.now = begin;
    let mut traffic = Traffic::new(seed, world.start, world.counting, &world.backends, profiles(world, &apis));
    for population in &world.populations {
        if let Some(api) = apis.get(&population.stage.get_ref().api) {
            traffic.add(&mut account, population.clone(), api);
        }
    }
    simulate(&mut account, &mut traffic, world.start);
    account.metrics.repeat_before(begin, world.start, |key| traffic.swing(key));
    Ok((account, traffic))
}

/// Creates API keys and usage plans.
fn plans(account: &mut Account, world: &WorldSpec, apis: &BTreeMap<String, String>) {
    let limits = |rate, burst| Throttle { rate, burst: i64::from(burst) };
    let mut keys = BTreeMap::new();
    for spec in &world.api_keys {
        let name = spec.name.get_ref().as_str();
        keys.insert(name, account.create_api_key(name, spec.value.as_deref(), true));
    }
    for spec in &world.usage_plans {
        let throttle = spec.throttle.map(|throttle| limits(throttle.rate, throttle.burst));
        let id = account.create_usage_plan(spec.name.get_ref(), throttle);
        account.edit_usage_plan(&id, |plan| {
            plan.keys = spec.keys.iter().filter_map(|name| keys.get(name.get_ref().as_str()).cloned()).collect();
            for stage in &spec.stages {
                let StageRef { api, stage: name } = stage.stage.get_ref();
                let methods = stage.methods.iter().map(|method| {
                    (format!("{}/{}", method.route.path, method.route.method), limits(method.rate, method.burst))
                });
                plan.stages.push(PlanStage {
                    api: apis.get(api).cloned().unwrap_or_default(),
                    stage: name.clone(),
                    throttle: methods.collect(),
                });
            }
        });
    }
}

fn simulate(account: &mut Account, traffic: &mut Traffic, until: DateTime<Utc>) {
    let second = Duration::seconds(1);
    while account.now < until {
        let at = account.now;
        account.now = at + second;
        traffic.step(account, at);
    }
}

/// Creates the APIs with their methods, a deployment each, and stages; gives ids by name.
fn apis(account: &mut Account, world: &WorldSpec, acls: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut known = BTreeMap::new();
    for spec in &world.apis {
        let id = spec.id.clone().unwrap_or_else(|| ids::Ids::new(ids::hash(spec.name.get_ref())).short(10));
        if spec.protocol.get_ref() == "HTTP" {
            http_api(account, spec, &id);
            known.insert(spec.name.get_ref().clone(), id);
            continue;
        }
        account.create_api(spec.name.get_ref(), Some(&id));
        if let Some(api) = account.gateway.apis.get_mut(&id) {
            api.description = (!spec.description.is_empty()).then(|| spec.description.clone());
            api.endpoint_types = vec![spec.endpoint.get_ref().clone()];
            api.draft.policy = spec.policy.as_ref().map(|policy| policy.get_ref().clone());
        }
        methods(account, spec, &id);
        if let Some(deployment) = account.create_deployment(&id, Some("initial")) {
            for stage in &spec.stages {
                create_stage(account, &id, stage, &deployment);
                if let Some(acl) = stage.web_acl.as_ref().and_then(|name| acls.get(name.get_ref())) {
                    let arn = account.stage_arn(&id, stage.name.get_ref());
                    account.associate(&arn, Some(acl));
                }
            }
        }
        known.insert(spec.name.get_ref().clone(), id);
    }
    known
}

/// An HTTP API with its routes, and stages that deploy by themselves.
fn http_api(account: &mut Account, spec: &ApiSpec, id: &str) {
    account.create_http_api(spec.name.get_ref(), Some(id));
    if let Some(api) = account.gateway.http_apis.get_mut(id) {
        api.description = (!spec.description.is_empty()).then(|| spec.description.clone());
    }
    for method in &spec.methods {
        let key = format!("{} {}", method.method, method.path.get_ref());
        account.create_route(id, &key, &method.authorization, None);
    }
    for stage in &spec.stages {
        let name = stage.name.get_ref();
        let log = stage.access_log.as_ref().map(|log| access_log(account, log));
        account.create_http_stage(id, name, true);
        account.edit_http_stage(id, name, |saved| {
            saved.description = (!stage.description.is_empty()).then(|| stage.description.clone());
            saved.variables.clone_from(&stage.variables);
            saved.access_log = log.map(|log| log.into_iter().map(|(name, value)| (name, Value::from(value))).collect());
            if let Some(throttle) = stage.throttle {
                saved.default_settings.rate = Some(throttle.rate);
                saved.default_settings.burst = Some(i64::from(throttle.burst));
            }
        });
    }
}

fn methods(account: &mut Account, spec: &ApiSpec, id: &str) {
    for method in &spec.methods {
        let Some(resource) = account.put_path(id, method.path.get_ref()) else { continue };
        let backend = method.backend.as_ref().or(spec.backend.as_ref()).map_or("backend", |name| name.get_ref());
        let integration = json!({
            "type": "HTTP_PROXY",
            "httpMethod": method.method,
            "uri": format!("https://{backend}.internal.example{}", method.path.get_ref()),
            "connectionType": "INTERNET",
            "passthroughBehavior": "WHEN_NO_MATCH",
            "timeoutInMillis": 29_000,
            "cacheNamespace": resource,
            "cacheKeyParameters": [],
        });
        let authorizer_id = authorizer(account, spec, method, id);
        let method = Method {
            http_method: method.method.clone(),
            authorization_type: method.authorization.clone(),
            api_key_required: method.api_key_required,
            authorizer_id,
            extra: Map::new(),
            integration: Some(integration),
        };
        account.put_method(id, &resource, method);
    }
}

/// The id of a method's authorizer, which is made on first sight; `None` where its authorization needs none.
fn authorizer(account: &mut Account, spec: &ApiSpec, method: &MethodSpec, api: &str) -> Option<String> {
    let kind = match method.authorization.as_str() {
        "CUSTOM" => AuthorizerKind::Token,
        "COGNITO_USER_POOLS" => AuthorizerKind::CognitoUserPools,
        _ => return None,
    };
    let usual = if kind == AuthorizerKind::Token { "tokens" } else { "users" };
    let name = method.authorizer.as_ref().map_or(usual, |name| name.get_ref());
    let known = account.gateway.apis.get(api)?.draft.authorizers.values().find(|known| known.name == name);
    if let Some(known) = known {
        return Some(known.id.clone());
    }
    let named = spec.authorizers.iter().find(|known| known.name.get_ref() == name);
    let kind = named.and_then(|named| AuthorizerKind::named(&named.kind)).unwrap_or(kind);
    let (region, owner, id) = (account.region.clone(), account.id.clone(), account.ids.short(6));
    let cognito = kind == AuthorizerKind::CognitoUserPools;
    let function = format!("arn:aws:lambda:{region}:{owner}:function:{name}");
    let authorizer = Authorizer {
        id: id.clone(),
        name: name.to_owned(),
        kind,
        uri: (!cognito)
            .then(|| format!("arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations")),
        provider_arns: cognito
            .then(|| format!("arn:aws:cognito-idp:{region}:{owner}:userpool/{region}_{name}"))
            .into_iter()
            .collect(),
        identity_source: Some("method.request.header.Authorization".to_owned()),
        result_ttl_seconds: 300,
        credentials: None,
        validation_expression: None,
    };
    account.gateway.apis.get_mut(api)?.draft.authorizers.insert(id.clone(), authorizer);
    Some(id)
}

/// The settings of an access log; its group, and the role by which API Gateway writes, are made.
fn access_log(account: &mut Account, spec: &AccessLogSpec) -> [(String, String); 2] {
    let role = format!("arn:aws:iam::{}:role/apigateway-logs", account.id);
    account.gateway.cloudwatch_role_arn.get_or_insert(role);
    let group = spec.group.get_ref();
    let now = account.now;
    account.logs.create_group(group, now);
    let arn = format!("arn:aws:logs:{}:{}:log-group:{group}", account.region, account.id);
    [("destinationArn".to_owned(), arn), ("format".to_owned(), spec.written_out().to_owned())]
}

fn create_stage(account: &mut Account, api: &str, spec: &StageSpec, deployment: &str) {
    let name = spec.name.get_ref();
    let log = spec.access_log.as_ref().map(|log| access_log(account, log));
    account.create_stage(api, name, deployment);
    account.edit_stage(api, name, |stage| {
        stage.description = (!spec.description.is_empty()).then(|| spec.description.clone());
        stage.variables.clone_from(&spec.variables);
        stage.access_log = log.into_iter().flatten().collect();
        if spec.throttle.is_none() && spec.cache.is_none() {
            return;
        }
        let mut all = MethodSetting::fresh();
        if let Some(throttle) = spec.throttle {
            all.throttling_rate_limit = throttle.rate;
            all.throttling_burst_limit = i64::from(throttle.burst);
        }
        if let Some(cache) = &spec.cache {
            all.caching_enabled = true;
            all.cache_ttl_in_seconds = i64::from(cache.ttl);
            stage.cache.enabled = true;
            stage.cache.size = Some(cache.size.clone());
        }
        stage.method_settings.insert("*/*".to_owned(), all);
    });
}

/// What stands behind each method of each stage.
fn profiles(world: &WorldSpec, apis: &BTreeMap<String, String>) -> Vec<Profile> {
    let backend = |name: &str| world.backends.iter().position(|backend| backend.name.get_ref() == name);
    let mut profiles = Vec::new();
    for spec in &world.apis {
        let id = apis.get(spec.name.get_ref()).cloned().unwrap_or_default();
        for stage in &spec.stages {
            for method in &spec.methods {
                let name = stage.backend.as_ref().or(method.backend.as_ref()).or(spec.backend.as_ref());
                profiles.push(Profile {
                    api: id.clone(),
                    stage: stage.name.get_ref().clone(),
                    method: method.method.clone(),
                    path: method.path.get_ref().clone(),
                    latency: method.latency_ms,
                    backend: name.and_then(|name| backend(name.get_ref())),
                    cost: method.cost,
                    cacheable: method.cacheable,
                });
            }
        }
    }
    profiles
}
