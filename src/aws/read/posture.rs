//! What guards a stage, and what an HTTP API has in place of methods: off the answers themselves, as the stage's
//! settings are.

use serde_json::{Map, Value};

use super::{http_api, stage};
use crate::aws::pace::Quota;
use crate::aws::raw::RawBody;
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::model::stage::{AccessLog, HttpStage, StageSettings};

/// A stage of a REST API with all that guards it.
#[derive(Debug, Clone, PartialEq)]
pub struct GuardedStage {
    /// Its settings.
    pub settings: StageSettings,
    /// The cache's size in GB, as API Gateway writes it.
    pub cache_size_gb: Option<String>,
    /// The canary: percent of the traffic and deployment, each where AWS says it.
    pub canary: Option<(Option<f64>, Option<String>)>,
    /// Whether X-Ray tracing is on.
    pub tracing: bool,
}

/// A stage of an HTTP API with what there is to guard it.
#[derive(Debug, Clone, PartialEq)]
pub struct GuardedHttpStage {
    /// Its settings.
    pub stage: HttpStage,
    /// Where its requests are logged, and what of each; `None` where they are not.
    pub access_log: Option<AccessLog>,
    /// Whether every change of the API is deployed to it by itself.
    pub auto_deploy: bool,
    /// The deployment that it points at.
    pub deployment_id: Option<String>,
}

/// A route of an HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `GET /pets`, `$default`.
    pub key: String,
    /// `NONE`, `AWS_IAM`, `CUSTOM`, `JWT`.
    pub authorization: String,
}

impl Aws {
    /// A stage of a REST API with all that guards it (`GetStage`).
    ///
    /// # Errors
    /// [`Problem::Unreadable`] where the answer is no JSON object; else what the call brings.
    pub async fn guarded_stage(&self, api_id: &str, stage: &str, lane: Lane) -> Result<GuardedStage, AwsError> {
        let raw = RawBody::default();
        let call = || {
            let call = self.0.gateway.get_stage().rest_api_id(api_id).stage_name(stage);
            call.customize().interceptor(raw.clone()).send()
        };
        self.ask((Quota::ApiGateway, lane), ("GetStage", stage), call).await?;
        object(&raw, stage).map(|body| guarded(&body))
    }

    /// A stage of an HTTP API with what there is to guard it (`GetStage`).
    ///
    /// # Errors
    /// [`Problem::Unreadable`] where the answer is no JSON object; else what the call brings.
    pub async fn guarded_http_stage(
        &self,
        api_id: &str,
        stage: &str,
        lane: Lane,
    ) -> Result<GuardedHttpStage, AwsError> {
        let raw = RawBody::default();
        let call = || {
            let call = self.0.http_apis.get_stage().api_id(api_id).stage_name(stage);
            call.customize().interceptor(raw.clone()).send()
        };
        self.ask((Quota::ApiGateway, lane), ("GetStage", stage), call).await?;
        object(&raw, stage).map(|body| guarded_http(&body))
    }

    /// The routes of an HTTP API in order, with how their callers are authorized.
    pub async fn http_route_table(&self, api_id: &str, lane: Lane) -> Result<Vec<Route>, AwsError> {
        let mut routes = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let call = self.0.http_apis.get_routes().api_id(api_id).set_next_token(token);
            let asked = (Quota::ApiGateway, lane);
            let page = self.ask(asked, ("GetRoutes", api_id), || call.clone().send()).await?;
            routes.extend(page.items().iter().filter_map(|route| {
                let authorization = route.authorization_type().map_or("NONE", |kind| kind.as_str());
                Some(Route { key: route.route_key()?.to_owned(), authorization: authorization.to_owned() })
            }));
            token = page.next_token().filter(|t| !t.is_empty()).map(str::to_owned);
            if token.is_none() {
                routes.sort_by(|a, b| a.key.cmp(&b.key));
                return Ok(routes);
            }
        }
    }
}

fn object(raw: &RawBody, stage: &str) -> Result<Map<String, Value>, AwsError> {
    match raw.json() {
        Some(Value::Object(body)) => Ok(body),
        _ => Err(AwsError::new("GetStage", stage, Problem::Unreadable("no JSON object".to_owned()))),
    }
}

fn text(body: &Map<String, Value>, name: &str) -> Option<String> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn guarded(body: &Map<String, Value>) -> GuardedStage {
    let canary = body.get("canarySettings").and_then(Value::as_object);
    let percent = |canary: &Map<String, Value>| canary.get("percentTraffic").and_then(Value::as_f64);
    GuardedStage {
        settings: stage::settings(body),
        cache_size_gb: text(body, "cacheClusterSize"),
        canary: canary.map(|canary| (percent(canary), text(canary, "deploymentId"))),
        tracing: body.get("tracingEnabled").and_then(Value::as_bool).unwrap_or(false),
    }
}

fn guarded_http(body: &Map<String, Value>) -> GuardedHttpStage {
    let log = body.get("accessLogSettings").and_then(Value::as_object);
    GuardedHttpStage {
        stage: http_api::http_stage(body),
        access_log: log.and_then(stage::access_log),
        auto_deploy: body.get("autoDeploy").and_then(Value::as_bool).unwrap_or(false),
        deployment_id: text(body, "deploymentId"),
    }
}
