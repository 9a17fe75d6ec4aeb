//! Writes to an API's draft policy, and deployments that no stage points at.

use std::sync::Arc;

use aws_sdk_apigateway::types::{Op, PatchOperation};

use super::Answer;
use super::send::once;
use crate::aws::pace::Quota;
use crate::aws::{Aws, Lane};
use crate::journal::Ticket;

impl Aws {
    /// Sets the resource policy of an API's draft (`UpdateRestApi`), or clears it with an empty text (as
    /// terraform-provider-aws does). No stage changes by it; the next deployment, whoever makes it, ships it.
    pub async fn update_draft_policy(&self, ticket: &Arc<Ticket>, api_id: &str, text: &str) -> Answer {
        let patch = PatchOperation::builder().op(Op::Replace).path("/policy").value(text).build();
        let call = self.0.gateway.update_rest_api().rest_api_id(api_id).patch_operations(patch);
        self.send(ticket, Quota::ApiGateway, ("UpdateRestApi", api_id), once!(aws_sdk_apigateway, call)).await.plain()
    }

    /// Waits until a deployment may be made: one in five seconds, for the whole account (documented). To be called
    /// before the draft is touched, so that it is not different from its original for longer than it must.
    pub async fn deployment_turn(&self) {
        self.turn_before(Quota::CreateDeployment).await;
    }

    /// Makes a deployment of the draft that no stage points at (`CreateDeployment` without a stage); gives its id,
    /// empty where the answer names none. Call [`Aws::deployment_turn`] before. Where the answer is uncertain, or names
    /// none, look for one of that description.
    pub async fn create_deployment(&self, ticket: &Arc<Ticket>, api_id: &str, description: &str) -> Answer<String> {
        // It counts against both.
        self.0.pace.turn(Quota::ApiGateway, Lane::Write).await;
        let call = self.0.gateway.create_deployment().rest_api_id(api_id).description(description);
        let made = self
            .send(ticket, Quota::CreateDeployment, ("CreateDeployment", api_id), once!(aws_sdk_apigateway, call))
            .await;
        made.map(|made| made.id().unwrap_or_default().to_owned())
    }
}
