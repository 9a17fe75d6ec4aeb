//! Writes to a stage: its throttles, its deployment, its web ACL, its caches.

use std::sync::Arc;

use aws_sdk_apigateway::operation::RequestId;
use aws_sdk_apigateway::types::{Op, PatchOperation};

use super::Answer;
use super::send::once;
use crate::aws::Aws;
use crate::aws::pace::Quota;
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
    /// `UpdateStage`. The operations apply in order; whether all or none do when one fails is unverified, so the caller
    /// reads back. Never retried by the SDK.
    pub async fn update_stage(&self, ticket: &Arc<Ticket>, api_id: &str, stage: &str, patches: &[Patch]) -> Answer {
        let call = self.0.gateway.update_stage().rest_api_id(api_id).stage_name(stage);
        let call = call.set_patch_operations(Some(patches.iter().map(Patch::operation).collect()));
        self.send(ticket, Quota::ApiGateway, ("UpdateStage", stage), once!(aws_sdk_apigateway, call)).await.plain()
    }

    /// `FlushStageCache`. AWS answers once it has begun (202, documented); nothing else tells that it has, so that an
    /// answer counts as AWS's only with a request id in it.
    pub async fn flush_stage_cache(&self, ticket: &Arc<Ticket>, api_id: &str, stage: &str) -> Answer {
        let call = self.0.gateway.flush_stage_cache().rest_api_id(api_id).stage_name(stage);
        match self.send(ticket, Quota::ApiGateway, ("FlushStageCache", stage), once!(aws_sdk_apigateway, call)).await {
            Answer::Accepted(output) if output.request_id().is_none() => Answer::unsigned("FlushStageCache", stage),
            answer => answer.plain(),
        }
    }

    /// `FlushStageAuthorizersCache`, as [`Aws::flush_stage_cache`].
    pub async fn flush_stage_authorizers_cache(&self, ticket: &Arc<Ticket>, api_id: &str, stage: &str) -> Answer {
        let call = self.0.gateway.flush_stage_authorizers_cache().rest_api_id(api_id).stage_name(stage);
        match self
            .send(ticket, Quota::ApiGateway, ("FlushStageAuthorizersCache", stage), once!(aws_sdk_apigateway, call))
            .await
        {
            Answer::Accepted(output) if output.request_id().is_none() => {
                Answer::unsigned("FlushStageAuthorizersCache", stage)
            }
            answer => answer.plain(),
        }
    }

    /// Puts a web ACL before a resource in place of whatever stands there, in one call (`AssociateWebACL`, documented;
    /// whether there is a gap is unverified), or takes it away (`DisassociateWebACL`) where `web_acl` is `None`.
    pub async fn associate_web_acl(&self, ticket: &Arc<Ticket>, resource: &str, web_acl: Option<&str>) -> Answer {
        let operation = if web_acl.is_some() { "AssociateWebACL" } else { "DisassociateWebACL" };
        let (quota, waf) = (Quota::WebAclAssociation(operation), &self.0.waf);
        if let Some(arn) = web_acl {
            let call = waf.associate_web_acl().resource_arn(resource).web_acl_arn(arn);
            return self.send(ticket, quota, (operation, resource), once!(aws_sdk_wafv2, call)).await.plain();
        }
        let call = waf.disassociate_web_acl().resource_arn(resource);
        self.send(ticket, quota, (operation, resource), once!(aws_sdk_wafv2, call)).await.plain()
    }
}
