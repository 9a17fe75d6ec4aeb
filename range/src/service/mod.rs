//! What each operation does, whatever it was encoded as.
//!
//! A handler takes the account and the input as a JSON tree and gives an answer or one of AWS's errors. Nothing here
//! knows of HTTP headers or encodings; nothing here counts quotas or plays faults.

pub(crate) mod answer;
pub(crate) mod apigateway;
mod apigatewayv2;
mod cloudtrail;
pub(crate) mod cloudwatch;
mod common;
pub(crate) mod kind;
mod logs;
mod sts;
pub(crate) mod wafv2;

pub(crate) use self::answer::{Answer, Body, File};
pub(crate) use self::kind::{Service, is_mutating};
use crate::error::AwsError;
use crate::shapes;
use crate::state::Account;
use crate::wire::Target;

/// What surrounds a call.
#[derive(Debug, Default)]
pub(crate) struct Context {
    /// Metric data are to come with status `PartialData`.
    pub(crate) partial_data: bool,
    /// Namespaces whose metrics the caller may not read.
    pub(crate) forbidden: Vec<String>,
}

/// Performs a call that the models of AWS allow and the range can evaluate; refuses any other.
pub(crate) fn perform(account: &mut Account, target: &Target, context: &mut Context) -> Result<Answer, AwsError> {
    shapes::check(target)?;
    match target.service {
        Service::Sts => sts::perform(account, target),
        Service::ApiGateway => apigateway::perform(account, target),
        Service::ApiGatewayV2 => apigatewayv2::perform(account, target),
        Service::Waf => wafv2::perform(account, target),
        Service::CloudWatch => cloudwatch::perform(account, target, context),
        Service::CloudTrail => cloudtrail::perform(account, target),
        Service::Logs => logs::perform(account, target),
    }
}
