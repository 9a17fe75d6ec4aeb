//! Writes to an API's draft policy, and deployments that no stage points at.

use std::sync::Arc;

use aws_sdk_apigateway::types::{Op, PatchOperation};

use super::stage::once;
use crate::aws::gate::WithTicket;
use crate::aws::pace::Quota;
use crate::aws::{Aws, AwsError, Lane};
use crate::journal::Ticket;

impl Aws {
    /// Sets the resource policy of an API's draft (`UpdateRestApi`), or clears it with an empty text (as terraform-provider-aws does). No
    /// stage changes by it; the next deployment, whoever makes it, ships it.
    ///
    /// # Errors
    /// See [`AwsError::may_have_happened`].
    pub async fn update_draft_policy(&self, ticket: &Arc<Ticket>, api_id: &str, text: &str) -> Result<(), AwsError> {
        self.admitted(ticket, "UpdateRestApi", api_id).await?;
        self.0.pace.turn(Quota::ApiGateway, Lane::Write).await;
        let patch = PatchOperation::builder().op(Op::Replace).path("/policy").value(text).build();
        let call = self.0.gateway.update_rest_api().rest_api_id(api_id).patch_operations(patch).customize();
        let answer = call.config_override(once()).interceptor(WithTicket(Arc::clone(ticket))).send().await;
        answer.map(|_| ()).map_err(|e| AwsError::of("UpdateRestApi", api_id, &e))
    }

    /// Waits until a deployment may be made: one in five seconds, for the whole account (documented). To be called before the draft is
    /// touched, so that it is not different from its original for longer than it must.
    pub async fn deployment_turn(&self) {
        self.0.pace.turn(Quota::CreateDeployment, Lane::Write).await;
    }

    /// Makes a deployment of the draft that no stage points at (`CreateDeployment` without a stage); gives its id. Call
    /// [`Aws::deployment_turn`] before.
    ///
    /// # Errors
    /// See [`AwsError::may_have_happened`]: then look for one of that description.
    pub async fn create_deployment(
        &self,
        ticket: &Arc<Ticket>,
        api_id: &str,
        description: &str,
    ) -> Result<String, AwsError> {
        self.admitted(ticket, "CreateDeployment", api_id).await?;
        self.0.pace.turn(Quota::ApiGateway, Lane::Write).await;
        let call = self.0.gateway.create_deployment().rest_api_id(api_id).description(description).customize();
        let answer = call.config_override(once()).interceptor(WithTicket(Arc::clone(ticket))).send().await;
        let answer = answer.map_err(|e| AwsError::of("CreateDeployment", api_id, &e))?;
        Ok(answer.id().unwrap_or_default().to_owned())
    }
}
