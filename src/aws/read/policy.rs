//! What a resource policy lives in: the API with its draft, its deployments, and what a stage has of them.

use aws_sdk_apigateway::primitives::DateTime as SdkTime;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::aws::pace::Quota;
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::model::limits::DeployedMethod;
use crate::model::method::MethodName;
use crate::model::stage::{Deployment, DraftApi};

/// The most that `GetDeployments` and `GetResources` give at once (documented).
const PAGE: i32 = 500;

impl Aws {
    /// A REST API with the policy of its draft.
    pub async fn draft_api(&self, api_id: &str, lane: Lane) -> Result<DraftApi, AwsError> {
        let call = || self.0.gateway.get_rest_api().rest_api_id(api_id).send();
        let answer = self.ask((Quota::ApiGateway, lane), ("GetRestApi", api_id), call).await?;
        let endpoint = answer.endpoint_configuration();
        Ok(DraftApi {
            policy: answer.policy().unwrap_or_default().to_owned(),
            endpoint_types: endpoint.iter().flat_map(|e| e.types()).map(|kind| kind.as_str().to_owned()).collect(),
            private: endpoint.is_some_and(|e| e.types().iter().any(|kind| kind.as_str() == "PRIVATE")),
            endpoint_disabled: answer.disable_execute_api_endpoint(),
            dual_stack: endpoint.and_then(|e| e.ip_address_type()).is_some_and(|kind| kind.as_str() == "dualstack"),
            status: answer.api_status().map(|status| status.as_str().to_owned()),
        })
    }

    /// Every deployment of an API that still exists.
    pub async fn deployments(&self, api_id: &str, lane: Lane) -> Result<Vec<Deployment>, AwsError> {
        let mut all = Vec::new();
        let mut position: Option<String> = None;
        loop {
            let call = self.0.gateway.get_deployments().rest_api_id(api_id).limit(PAGE).set_position(position);
            let asked = (Quota::ApiGateway, lane);
            let page = self.ask(asked, ("GetDeployments", api_id), || call.clone().send()).await?;
            all.extend(page.items().iter().filter_map(|one| {
                Some(Deployment {
                    id: one.id()?.to_owned(),
                    description: one.description().unwrap_or_default().to_owned(),
                    created: one.created_date().and_then(chrono_time),
                })
            }));
            position = page.position().filter(|p| !p.is_empty()).map(str::to_owned);
            if position.is_none() {
                return Ok(all);
            }
        }
    }

    /// One deployment.
    ///
    /// # Errors
    /// [`Problem::NotFound`] where it has been deleted.
    pub async fn deployment(&self, api_id: &str, id: &str, lane: Lane) -> Result<Deployment, AwsError> {
        let call = || self.0.gateway.get_deployment().rest_api_id(api_id).deployment_id(id).send();
        let answer = self.ask((Quota::ApiGateway, lane), ("GetDeployment", id), call).await?;
        Ok(Deployment {
            id: id.to_owned(),
            description: answer.description().unwrap_or_default().to_owned(),
            created: answer.created_date().and_then(chrono_time),
        })
    }

    /// The methods of an API's draft, in order: what the next deployment would ship.
    pub async fn draft_methods(&self, api_id: &str, lane: Lane) -> Result<Vec<DeployedMethod>, AwsError> {
        let mut methods = Vec::new();
        let mut position: Option<String> = None;
        loop {
            let call = self.0.gateway.get_resources().rest_api_id(api_id).limit(PAGE).embed("methods");
            let call = call.set_position(position);
            let asked = (Quota::Resources, lane);
            let page = self.ask(asked, ("GetResources", api_id), || call.clone().send()).await?;
            for resource in page.items() {
                let path = resource.path().unwrap_or_default();
                methods.extend(resource.resource_methods().into_iter().flatten().map(|(verb, method)| {
                    DeployedMethod {
                        name: MethodName { verb: verb.clone(), path: path.to_owned() },
                        authorization: method.authorization_type().unwrap_or_default().to_owned(),
                        api_key_required: method.api_key_required().unwrap_or(false),
                    }
                }));
            }
            position = page.position().filter(|p| !p.is_empty()).map(str::to_owned);
            if position.is_none() {
                methods.sort_by(|a, b| a.name.cmp(&b.name));
                return Ok(methods);
            }
        }
    }

    /// What a stage has deployed, as an `OpenAPI` document with API Gateway's extensions (`GetExport`). That it carries
    /// the resource policy is inferred from published exports.
    pub async fn export(&self, api_id: &str, stage: &str, lane: Lane) -> Result<Value, AwsError> {
        let call = self.0.gateway.get_export().rest_api_id(api_id).stage_name(stage).export_type("oas30");
        let call = call.parameters("extensions", "integrations,authorizers").accepts("application/json");
        let asked = (Quota::ApiGateway, lane);
        let answer = self.ask(asked, ("GetExport", stage), || call.clone().send()).await?;
        let body = answer.body().map(AsRef::as_ref).unwrap_or_default();
        serde_json::from_slice(body)
            .map_err(|error| AwsError::new("GetExport", stage, Problem::Unreadable(error.to_string())))
    }
}

fn chrono_time(time: &SdkTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}
