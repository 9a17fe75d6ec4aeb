//! API Gateway: REST APIs and their stages.

use aws_sdk_apigateway::types::{RestApi, Stage};
use serde_json::Value;

use crate::aws::pace::Quota;
use crate::aws::raw::RawBody;
use crate::aws::{Aws, AwsError, Lane};
use crate::model::limits::Limit;
use crate::model::method::ALL_METHODS;
use crate::model::stage::{AccessLog, Api, ApiKind, StageDetail, StageId};

/// The most that `GetRestApis` gives at once (documented).
const PAGE: i32 = 500;

impl Aws {
    /// Every REST API of the account and region, page by page.
    pub async fn rest_apis(&self, lane: Lane) -> Result<Vec<Api>, AwsError> {
        let mut apis = Vec::new();
        let mut position: Option<String> = None;
        loop {
            let call = self.0.gateway.get_rest_apis().limit(PAGE).set_position(position);
            let asked = (Quota::ApiGateway, lane);
            let page = self.ask(asked, ("GetRestApis", "the account"), || call.clone().send()).await?;
            apis.extend(page.items().iter().filter_map(api));
            position = page.position().filter(|p| !p.is_empty()).map(str::to_owned);
            if position.is_none() {
                return Ok(apis);
            }
        }
    }

    /// Every stage of an API, whichever kind it is of (`GetStages` of REST APIs has no pages).
    pub async fn stages(&self, api: &Api, lane: Lane) -> Result<Vec<StageDetail>, AwsError> {
        if api.kind() == ApiKind::Http {
            return self.http_stages(api, lane).await;
        }
        let raw = RawBody::default();
        let call = || self.0.gateway.get_stages().rest_api_id(&api.id).customize().interceptor(raw.clone()).send();
        let answer = self.ask((Quota::ApiGateway, lane), ("GetStages", &api.name), call).await?;
        let body = raw.json().unwrap_or_default();
        let written = body.get("item").and_then(Value::as_array);
        let settings_of = |name: &str| {
            let named = |stage: &&Value| stage.get("stageName").and_then(Value::as_str) == Some(name);
            written?.iter().find(named)?.get("methodSettings")
        };
        let detail = |stage: &Stage| {
            let settings = stage.stage_name().and_then(settings_of);
            let limit = settings.and_then(|all| limit_in(all.get(ALL_METHODS)?));
            Some(StageDetail {
                limit,
                lowest_of_a_method: settings.and_then(lowest_of_a_method),
                ..detail(api, stage)?
            })
        };
        Ok(answer.item().iter().filter_map(detail).collect())
    }
}

fn api(item: &RestApi) -> Option<Api> {
    let id = item.id()?.to_owned();
    let types =
        item.endpoint_configuration().map(aws_sdk_apigateway::types::EndpointConfiguration::types).unwrap_or_default();
    Some(Api {
        name: item.name().unwrap_or(&id).to_owned(),
        id,
        endpoint_types: types.iter().map(|t| t.as_str().to_owned()).collect(),
        endpoint_disabled: item.disable_execute_api_endpoint(),
    })
}

/// A limit as AWS wrote it: absent is none of its own, and so is -1 (seen by others, not documented).
pub(super) fn limit_in(settings: &Value) -> Option<Limit> {
    let number = |name: &str| settings.get(name).and_then(Value::as_f64).filter(|value| *value >= 0.0);
    Some(Limit { rate: number("throttlingRateLimit")?, burst: number("throttlingBurstLimit").unwrap_or(0.0) })
}

/// The lowest limit among entries of single methods or routes.
pub(super) fn lowest_of_a_method(settings: &Value) -> Option<Limit> {
    let entries = settings.as_object()?.iter().filter(|(key, _)| *key != ALL_METHODS);
    entries.filter_map(|(_, entry)| limit_in(entry)).min_by(|a, b| a.rate.total_cmp(&b.rate))
}

fn detail(api: &Api, stage: &Stage) -> Option<StageDetail> {
    let id = StageId { api_id: api.id.clone(), api_name: api.name.clone(), stage: stage.stage_name()?.to_owned() };
    Some(StageDetail {
        id,
        web_acl_arn: stage.web_acl_arn().filter(|arn| !arn.is_empty()).map(str::to_owned),
        deployment_id: stage.deployment_id().map(str::to_owned),
        cache_cluster_status: stage.cache_cluster_status().map(|s| s.as_str().to_owned()),
        canary: stage.canary_settings().is_some(),
        endpoint_disabled: api.endpoint_disabled,
        tracing: stage.tracing_enabled(),
        access_log: stage.access_log_settings().and_then(|log| {
            let destination = log.destination_arn().filter(|arn| !arn.is_empty())?.to_owned();
            Some(AccessLog { destination, format: log.format().unwrap_or_default().to_owned() })
        }),
        limit: None,
        lowest_of_a_method: None,
    })
}
