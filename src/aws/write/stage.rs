//! Writes to a stage: its throttles, its deployment, its web ACL, its caches.

use std::sync::Arc;

use aws_sdk_apigateway::config::retry::RetryConfig;
use aws_sdk_apigateway::types::{Op, PatchOperation};

use crate::aws::gate::{self, WithTicket};
use crate::aws::pace::Quota;
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::journal::Ticket;

/// One operation of a patch, as API Gateway takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch {
    /// Sets the value at a path.
    Replace {
        /// The path, `/deploymentId`.
        path: String,
        /// The value, which is text whatever it means (documented).
        value: String,
    },
    /// Takes away what is at a path.
    Remove {
        /// The path.
        path: String,
    },
}

impl Patch {
    fn operation(&self) -> PatchOperation {
        match self {
            Self::Replace { path, value } => PatchOperation::builder().op(Op::Replace).path(path).value(value),
            Self::Remove { path } => PatchOperation::builder().op(Op::Remove).path(path),
        }
        .build()
    }
}

impl Aws {
    /// Asked anew before every write: what was confirmed for one account must not be carried out with another's credentials.
    pub(super) async fn admitted(&self, ticket: &Ticket, operation: &str, subject: &str) -> Result<(), AwsError> {
        let identity = self.identity_now(Lane::Write).await?;
        gate::pass(ticket, &identity.at).map_err(|r| AwsError::new(operation, subject, Problem::Gate(r)))
    }

    /// `UpdateStage`. The operations apply in order; whether all or none do when one fails is unverified, so the caller reads
    /// back. Never retried by the SDK.
    ///
    /// # Errors
    /// See [`AwsError::may_have_happened`].
    pub async fn update_stage(
        &self,
        ticket: &Arc<Ticket>,
        api_id: &str,
        stage: &str,
        patches: &[Patch],
    ) -> Result<(), AwsError> {
        self.admitted(ticket, "UpdateStage", stage).await?;
        self.0.pace.turn(Quota::ApiGateway, Lane::Write).await;
        let call = self.0.gateway.update_stage().rest_api_id(api_id).stage_name(stage);
        let call = call.set_patch_operations(Some(patches.iter().map(Patch::operation).collect())).customize();
        let answer = call.config_override(once()).interceptor(WithTicket(Arc::clone(ticket))).send().await;
        answer.map(|_| ()).map_err(|e| AwsError::of("UpdateStage", stage, &e))
    }

    /// `FlushStageCache`. AWS answers once it has begun (202, documented).
    ///
    /// # Errors
    /// See [`AwsError::may_have_happened`].
    pub async fn flush_stage_cache(&self, ticket: &Arc<Ticket>, api_id: &str, stage: &str) -> Result<(), AwsError> {
        self.admitted(ticket, "FlushStageCache", stage).await?;
        self.0.pace.turn(Quota::ApiGateway, Lane::Write).await;
        let call = self.0.gateway.flush_stage_cache().rest_api_id(api_id).stage_name(stage).customize();
        let answer = call.config_override(once()).interceptor(WithTicket(Arc::clone(ticket))).send().await;
        answer.map(|_| ()).map_err(|e| AwsError::of("FlushStageCache", stage, &e))
    }

    /// `FlushStageAuthorizersCache`. AWS answers once it has begun (202, documented).
    ///
    /// # Errors
    /// See [`AwsError::may_have_happened`].
    pub async fn flush_stage_authorizers_cache(
        &self,
        ticket: &Arc<Ticket>,
        api_id: &str,
        stage: &str,
    ) -> Result<(), AwsError> {
        self.admitted(ticket, "FlushStageAuthorizersCache", stage).await?;
        self.0.pace.turn(Quota::ApiGateway, Lane::Write).await;
        let call = self.0.gateway.flush_stage_authorizers_cache().rest_api_id(api_id).stage_name(stage).customize();
        let answer = call.config_override(once()).interceptor(WithTicket(Arc::clone(ticket))).send().await;
        answer.map(|_| ()).map_err(|e| AwsError::of("FlushStageAuthorizersCache", stage, &e))
    }

    /// Puts a web ACL before a resource in place of whatever stands there, in one call (`AssociateWebACL`, documented; whether
    /// there is a gap is unverified), or takes it away (`DisassociateWebACL`) where `web_acl` is `None`.
    ///
    /// # Errors
    /// See [`AwsError::may_have_happened`].
    pub async fn associate_web_acl(
        &self,
        ticket: &Arc<Ticket>,
        resource: &str,
        web_acl: Option<&str>,
    ) -> Result<(), AwsError> {
        let operation = if web_acl.is_some() { "AssociateWebACL" } else { "DisassociateWebACL" };
        self.admitted(ticket, operation, resource).await?;
        self.0.pace.turn(Quota::WebAclAssociation(operation), Lane::Write).await;
        let once = aws_sdk_wafv2::config::Config::builder().retry_config(RetryConfig::disabled());
        let mark = WithTicket(Arc::clone(ticket));
        let waf = &self.0.waf;
        if let Some(arn) = web_acl {
            let call = waf.associate_web_acl().resource_arn(resource).web_acl_arn(arn).customize();
            let answer = call.config_override(once).interceptor(mark).send().await;
            return answer.map(|_| ()).map_err(|e| AwsError::of(operation, resource, &e));
        }
        let call = waf.disassociate_web_acl().resource_arn(resource).customize();
        let answer = call.config_override(once).interceptor(mark).send().await;
        answer.map(|_| ()).map_err(|e| AwsError::of(operation, resource, &e))
    }
}

pub(super) fn once() -> aws_sdk_apigateway::config::Builder {
    aws_sdk_apigateway::config::Config::builder().retry_config(RetryConfig::disabled())
}
