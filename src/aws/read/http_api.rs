//! API Gateway: HTTP APIs, their routes and stages.

use aws_sdk_apigatewayv2::types::ProtocolType;
use serde_json::{Map, Value};

use super::gateway::{limit_in, lowest_of_a_method};
use crate::aws::pace::Quota;
use crate::aws::raw::RawBody;
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::model::method::ALL_METHODS;
use crate::model::stage::{AccessLog, Api, HttpStage, StageDetail, StageId};

impl Aws {
    /// Every HTTP API of the account and region, page by page.
    pub async fn http_apis(&self, lane: Lane) -> Result<Vec<Api>, AwsError> {
        let mut apis = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let call = self.0.http_apis.get_apis().set_next_token(token);
            let asked = (Quota::ApiGateway, lane);
            let page = self.ask(asked, ("GetApis", "the account"), || call.clone().send()).await?;
            let http = page.items().iter().filter(|api| api.protocol_type() == Some(&ProtocolType::Http));
            apis.extend(http.filter_map(|api| {
                let id = api.api_id()?.to_owned();
                Some(Api {
                    name: api.name().unwrap_or(&id).to_owned(),
                    id,
                    endpoint_types: vec!["HTTP".to_owned()],
                    endpoint_disabled: api.disable_execute_api_endpoint().unwrap_or(false),
                })
            }));
            token = page.next_token().filter(|t| !t.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(apis);
            }
        }
    }

    /// The route keys of an HTTP API, `GET /pets` and `$default`, in order.
    pub async fn http_routes(&self, api_id: &str, lane: Lane) -> Result<Vec<String>, AwsError> {
        let mut keys = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let call = self.0.http_apis.get_routes().api_id(api_id).set_next_token(token);
            let asked = (Quota::ApiGateway, lane);
            let page = self.ask(asked, ("GetRoutes", api_id), || call.clone().send()).await?;
            keys.extend(page.items().iter().filter_map(|route| route.route_key().map(str::to_owned)));
            token = page.next_token().filter(|t| !t.is_empty()).map(str::to_owned);
            if token.is_none() {
                keys.sort();
                return Ok(keys);
            }
        }
    }

    /// Every stage of an HTTP API.
    ///
    /// # Errors
    /// As the call fails.
    pub async fn http_stages(&self, api: &Api, lane: Lane) -> Result<Vec<StageDetail>, AwsError> {
        let mut stages = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let raw = RawBody::default();
            let call = || {
                let call = self.0.http_apis.get_stages().api_id(&api.id).set_next_token(token.clone()).customize();
                call.interceptor(raw.clone()).send()
            };
            let page = self.ask((Quota::ApiGateway, lane), ("GetStages", &api.name), call).await?;
            let body = raw.json().unwrap_or_default();
            let written = body.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            stages.extend(written.iter().filter_map(|stage| detail(api, stage)));
            token = page.next_token().filter(|t| !t.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(stages);
            }
        }
    }

    /// A stage of an HTTP API, read off the answer itself: a limit that is not set is not there.
    ///
    /// # Errors
    /// [`Problem::Unreadable`] where the answer is no JSON object; else what the call brings.
    pub async fn http_stage(&self, api_id: &str, stage: &str, lane: Lane) -> Result<HttpStage, AwsError> {
        let raw = RawBody::default();
        let call = || {
            let call = self.0.http_apis.get_stage().api_id(api_id).stage_name(stage);
            call.customize().interceptor(raw.clone()).send()
        };
        self.ask((Quota::ApiGateway, lane), ("GetStage", stage), call).await?;
        match raw.json() {
            Some(Value::Object(body)) => Ok(http_stage(&body)),
            _ => Err(AwsError::new("GetStage", stage, Problem::Unreadable("no JSON object".to_owned()))),
        }
    }
}

/// What a stage of an HTTP API has of what stages have: no web ACL, cache, canary or tracing (documented).
fn detail(api: &Api, stage: &Value) -> Option<StageDetail> {
    let text = |value: &Value, name: &str| {
        let text = value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let access_log = stage.get("accessLogSettings").and_then(|log| {
        let format = text(log, "format").unwrap_or_default();
        Some(AccessLog { destination: text(log, "destinationArn")?, format })
    });
    let limit = stage.get("defaultRouteSettings").and_then(limit_in);
    Some(StageDetail {
        id: StageId { api_id: api.id.clone(), api_name: api.name.clone(), stage: text(stage, "stageName")? },
        web_acl_arn: None,
        deployment_id: text(stage, "deploymentId"),
        cache_cluster_status: None,
        canary: false,
        endpoint_disabled: api.endpoint_disabled,
        tracing: false,
        access_log,
        limit,
        lowest_of_a_method: stage.get("routeSettings").and_then(lowest_of_a_method),
    })
}

pub(super) fn http_stage(body: &Map<String, Value>) -> HttpStage {
    let object = |name: &str| body.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut settings = object("routeSettings");
    settings.insert(ALL_METHODS.to_owned(), Value::Object(object("defaultRouteSettings")));
    HttpStage {
        settings,
        managed: body.get("apiGatewayManaged").and_then(Value::as_bool).unwrap_or(false),
        tags: object("tags").into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect(),
    }
}
