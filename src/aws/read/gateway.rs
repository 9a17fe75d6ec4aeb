//! API Gateway: REST APIs and their stages.

use aws_sdk_apigateway::types::{RestApi, Stage};

use crate::aws::pace::Quota;
use crate::aws::{Aws, AwsError, Lane};
use crate::model::stage::{Api, StageDetail, StageId};

/// The most that `GetRestApis` gives at once (documented).
const PAGE: i32 = 500;

impl Aws {
    /// Every REST API of the account and region, page by page.
    pub async fn rest_apis(&self, lane: Lane) -> Result<Vec<Api>, AwsError> {
        let mut apis = Vec::new();
        let mut position: Option<String> = None;
        loop {
            self.0.pace.turn(Quota::ApiGateway, lane).await;
            let call = self.0.gateway.get_rest_apis().limit(PAGE).set_position(position);
            let page = call.send().await.map_err(|e| AwsError::of("GetRestApis", "the account", &e))?;
            apis.extend(page.items().iter().filter_map(api));
            position = page.position().filter(|p| !p.is_empty()).map(str::to_owned);
            if position.is_none() {
                return Ok(apis);
            }
        }
    }

    /// Every stage of an API (`GetStages` has no pages).
    pub async fn stages(&self, api: &Api, lane: Lane) -> Result<Vec<StageDetail>, AwsError> {
        self.0.pace.turn(Quota::ApiGateway, lane).await;
        let answer = self.0.gateway.get_stages().rest_api_id(&api.id).send().await;
        let answer = answer.map_err(|e| AwsError::of("GetStages", &api.name, &e))?;
        Ok(answer.item().iter().filter_map(|stage| detail(api, stage)).collect())
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
        access_log: stage.access_log_settings().and_then(|a| a.destination_arn()).map(str::to_owned),
    })
}
