//! Writes to a stage: its throttles, its deployment, its web ACL, its caches.

use std::sync::Arc;

use aws_sdk_apigateway::config::retry::RetryConfig;
use aws_sdk_apigateway::operation::RequestId;
use aws_sdk_apigateway::types::{Op, PatchOperation};

use super::Answer;
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
    pub async fn update_stage(&self, ticket: &Arc<Ticket>, api_id: &str, stage: &str, patches: &[Patch]) -> Answer {
        if let Err(error) = self.admitted(ticket, "UpdateStage", stage).await {
            return Answer::Refused(error);
        }
        self.0.pace.turn(Quota::ApiGateway, Lane::Write).await;
        let call = self.0.gateway.update_stage().rest_api_id(api_id).stage_name(stage);
        let call = call.set_patch_operations(Some(patches.iter().map(Patch::operation).collect())).customize();
        let answer = call.config_override(once()).interceptor(WithTicket(Arc::clone(ticket))).send().await;
        Answer::of("UpdateStage", stage, answer, |_| ())
    }

    /// `FlushStageCache`. AWS answers once it has begun (202, documented); nothing else tells that it has, so that an answer counts as AWS's
    /// only with a request id in it.
    pub async fn flush_stage_cache(&self, ticket: &Arc<Ticket>, api_id: &str, stage: &str) -> Answer {
        if let Err(error) = self.admitted(ticket, "FlushStageCache", stage).await {
            return Answer::Refused(error);
        }
        self.0.pace.turn(Quota::ApiGateway, Lane::Write).await;
        let call = self.0.gateway.flush_stage_cache().rest_api_id(api_id).stage_name(stage).customize();
        let answer = call.config_override(once()).interceptor(WithTicket(Arc::clone(ticket))).send().await;
        match answer {
            Ok(output) if output.request_id().is_none() => Answer::unsigned("FlushStageCache", stage),
            answer => Answer::of("FlushStageCache", stage, answer, |_| ()),
        }
    }

    /// `FlushStageAuthorizersCache`, as [`Aws::flush_stage_cache`].
    pub async fn flush_stage_authorizers_cache(&self, ticket: &Arc<Ticket>, api_id: &str, stage: &str) -> Answer {
        if let Err(error) = self.admitted(ticket, "FlushStageAuthorizersCache", stage).await {
            return Answer::Refused(error);
        }
        self.0.pace.turn(Quota::ApiGateway, Lane::Write).await;
        let call = self.0.gateway.flush_stage_authorizers_cache().rest_api_id(api_id).stage_name(stage).customize();
        let answer = call.config_override(once()).interceptor(WithTicket(Arc::clone(ticket))).send().await;
        match answer {
            Ok(output) if output.request_id().is_none() => Answer::unsigned("FlushStageAuthorizersCache", stage),
            answer => Answer::of("FlushStageAuthorizersCache", stage, answer, |_| ()),
        }
    }

    /// Puts a web ACL before a resource in place of whatever stands there, in one call (`AssociateWebACL`, documented; whether
    /// there is a gap is unverified), or takes it away (`DisassociateWebACL`) where `web_acl` is `None`.
    pub async fn associate_web_acl(&self, ticket: &Arc<Ticket>, resource: &str, web_acl: Option<&str>) -> Answer {
        let operation = if web_acl.is_some() { "AssociateWebACL" } else { "DisassociateWebACL" };
        if let Err(error) = self.admitted(ticket, operation, resource).await {
            return Answer::Refused(error);
        }
        self.0.pace.turn(Quota::WebAclAssociation(operation), Lane::Write).await;
        let once = aws_sdk_wafv2::config::Config::builder().retry_config(RetryConfig::disabled());
        let mark = WithTicket(Arc::clone(ticket));
        let waf = &self.0.waf;
        if let Some(arn) = web_acl {
            let call = waf.associate_web_acl().resource_arn(resource).web_acl_arn(arn).customize();
            let answer = call.config_override(once).interceptor(mark).send().await;
            return Answer::of(operation, resource, answer, |_| ());
        }
        let call = waf.disassociate_web_acl().resource_arn(resource).customize();
        let answer = call.config_override(once).interceptor(mark).send().await;
        Answer::of(operation, resource, answer, |_| ())
    }
}

pub(super) fn once() -> aws_sdk_apigateway::config::Builder {
    aws_sdk_apigateway::config::Config::builder().retry_config(RetryConfig::disabled())
}
