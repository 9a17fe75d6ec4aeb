//! Writes to an API's draft policy, and deployments that no stage points at.

use std::sync::Arc;

use aws_sdk_apigateway::types::{Op, PatchOperation};

use super::Answer;
use super::stage::once;
use crate::aws::gate::WithTicket;
use crate::aws::pace::Quota;
use crate::aws::{Aws, Lane};
use crate::journal::Ticket;

impl Aws {
    /// Sets the resource policy of an API's draft (`UpdateRestApi`), or clears it with an empty text (as terraform-provider-aws does). No
    /// stage changes by it; the next deployment, whoever makes it, ships it.
    pub async fn update_draft_policy(&self, ticket: &Arc<Ticket>, api_id: &str, text: &str) -> Answer {
        if let Err(error) = self.admitted(ticket, "UpdateRestApi", api_id).await {
            return Answer::Refused(error);
        }
        self.0.pace.turn(Quota::ApiGateway, Lane::Write).await;
        let patch = PatchOperation::builder().op(Op::Replace).path("/policy").value(text).build();
        let call = self.0.gateway.update_rest_api().rest_api_id(api_id).patch_operations(patch).customize();
        let answer = call.config_override(once()).interceptor(WithTicket(Arc::clone(ticket))).send().await;
        Answer::of("UpdateRestApi", api_id, answer, |_| ())
    }

    /// Waits until a deployment may be made: one in five seconds, for the whole account (documented). To be called before the draft is
    /// touched, so that it is not different from its original for longer than it must.
    pub async fn deployment_turn(&self) {
        self.0.pace.turn(Quota::CreateDeployment, Lane::Write).await;
    }

    /// Makes a deployment of the draft that no stage points at (`CreateDeployment` without a stage); gives its id, empty where the answer
    /// names none. Call
    /// [`Aws::deployment_turn`] before.
    /// Where the answer is uncertain, or names none, look for one of that description.
    pub async fn create_deployment(&self, ticket: &Arc<Ticket>, api_id: &str, description: &str) -> Answer<String> {
        if let Err(error) = self.admitted(ticket, "CreateDeployment", api_id).await {
            return Answer::Refused(error);
        }
        self.0.pace.turn(Quota::ApiGateway, Lane::Write).await;
        let call = self.0.gateway.create_deployment().rest_api_id(api_id).description(description).customize();
        let answer = call.config_override(once()).interceptor(WithTicket(Arc::clone(ticket))).send().await;
        Answer::of("CreateDeployment", api_id, answer, |made| made.id().unwrap_or_default().to_owned())
    }
}
