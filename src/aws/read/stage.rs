//! One stage in depth: its settings as AWS wrote them, the methods it serves, the limits around it.

use std::sync::PoisonError;

use aws_sdk_apigateway::types::ThrottleSettings;
use serde_json::{Map, Value};

use crate::aws::pace::Quota;
use crate::aws::raw::RawBody;
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::model::limits::{AccountLimit, DeployedMethod, Limit, UsagePlan};
use crate::model::method::{MethodName, setting_name};
use crate::model::stage::{AccessLog, StageSettings};

/// The most that `GetUsagePlans` gives at once (documented).
const PAGE: i32 = 500;

impl Aws {
    /// A stage's settings, read off the answer itself: the SDK's types read an absent limit as 0.
    ///
    /// # Errors
    /// [`Problem::Unreadable`] where the answer is no JSON object; else what the call brings.
    pub async fn stage_settings(&self, api_id: &str, stage: &str, lane: Lane) -> Result<StageSettings, AwsError> {
        let raw = RawBody::default();
        let call = || {
            let call = self.0.gateway.get_stage().rest_api_id(api_id).stage_name(stage);
            call.customize().interceptor(raw.clone()).send()
        };
        self.ask((Quota::ApiGateway, lane), ("GetStage", stage), call).await?;
        let unreadable = || AwsError::new("GetStage", stage, Problem::Unreadable("no JSON object".to_owned()));
        match raw.json() {
            Some(Value::Object(body)) => Ok(settings(&body)),
            _ => Err(unreadable()),
        }
    }

    /// The methods that a deployment serves (`GetDeployment` with `embed=apisummary`, documented), in order. Read once
    /// a connection: a deployment is a snapshot. That it still exists is another question ([`Aws::deployment`]).
    pub async fn deployed_methods(
        &self,
        api_id: &str,
        deployment_id: &str,
        lane: Lane,
    ) -> Result<Vec<DeployedMethod>, AwsError> {
        let key = (api_id.to_owned(), deployment_id.to_owned());
        let known = self.0.deployed.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(methods) = known {
            return Ok(methods);
        }
        let call = self.0.gateway.get_deployment().rest_api_id(api_id).deployment_id(deployment_id).embed("apisummary");
        let asked = (Quota::ApiGateway, lane);
        let answer = self.ask(asked, ("GetDeployment", deployment_id), || call.clone().send()).await?;
        let mut methods = Vec::new();
        for (path, verbs) in answer.api_summary().into_iter().flatten() {
            methods.extend(verbs.iter().map(|(verb, snapshot)| DeployedMethod {
                name: MethodName { verb: verb.clone(), path: path.clone() },
                authorization: snapshot.authorization_type().unwrap_or_default().to_owned(),
                api_key_required: snapshot.api_key_required(),
            }));
        }
        methods.sort_by(|a, b| a.name.cmp(&b.name));
        self.0.deployed.lock().unwrap_or_else(PoisonError::into_inner).insert(key, methods.clone());
        Ok(methods)
    }

    /// The account's own limit in this region; `None` where the answer does not say.
    pub async fn account_limit(&self, lane: Lane) -> Result<Option<AccountLimit>, AwsError> {
        let call = || self.0.gateway.get_account().send();
        let answer = self.ask((Quota::ApiGateway, lane), ("GetAccount", "the account"), call).await?;
        Ok(answer.throttle_settings().map(limit))
    }

    /// The usage plans that a stage is part of.
    pub async fn usage_plans(&self, api_id: &str, stage: &str, lane: Lane) -> Result<Vec<UsagePlan>, AwsError> {
        let mut plans = Vec::new();
        let mut position: Option<String> = None;
        loop {
            let call = self.0.gateway.get_usage_plans().limit(PAGE).set_position(position);
            let asked = (Quota::ApiGateway, lane);
            let page = self.ask(asked, ("GetUsagePlans", "the account"), || call.clone().send()).await?;
            plans.extend(page.items().iter().filter_map(|plan| of_stage(plan, api_id, stage)));
            position = page.position().filter(|p| !p.is_empty()).map(str::to_owned);
            if position.is_none() {
                return Ok(plans);
            }
        }
    }
}

fn of_stage(plan: &aws_sdk_apigateway::types::UsagePlan, api_id: &str, stage: &str) -> Option<UsagePlan> {
    let here = plan.api_stages().iter().find(|s| s.api_id() == Some(api_id) && s.stage() == Some(stage))?;
    let mut methods = Vec::new();
    for (key, throttle) in here.throttle().into_iter().flatten() {
        // Written `/login/POST` (documented).
        let name = setting_name(key.trim_start_matches('/'));
        methods.extend(name.parse().ok().map(|name: MethodName| (name, limit(throttle))));
    }
    methods.sort_by(|a, b| a.0.cmp(&b.0));
    Some(UsagePlan {
        id: plan.id().unwrap_or_default().to_owned(),
        name: plan.name().unwrap_or_default().to_owned(),
        throttle: plan.throttle().map(limit),
        methods,
    })
}

fn limit(settings: &ThrottleSettings) -> Limit {
    Limit { rate: settings.rate_limit(), burst: f64::from(settings.burst_limit()) }
}

/// A log without a destination is none.
pub(super) fn access_log(body: &Map<String, Value>) -> Option<AccessLog> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (destination, format) = (text("destinationArn"), text("format"));
    (!destination.is_empty()).then_some(AccessLog { destination, format })
}

pub(super) fn settings(body: &Map<String, Value>) -> StageSettings {
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
    let object = |name: &str| body.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let tags = object("tags").into_iter();
    StageSettings {
        methods: object("methodSettings").into_iter().map(|(key, entry)| (setting_name(&key), entry)).collect(),
        web_acl_arn: text("webAclArn"),
        deployment_id: text("deploymentId"),
        cache_cluster_enabled: body.get("cacheClusterEnabled").and_then(Value::as_bool).unwrap_or(false),
        cache_cluster_status: text("cacheClusterStatus"),
        canary: body.get("canarySettings").is_some_and(|c| !c.is_null()),
        tags: tags.filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect(),
        access_log: access_log(&object("accessLogSettings")),
    }
}
