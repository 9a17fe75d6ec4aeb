//! Making and deleting a closed web ACL and its IP sets.

use std::sync::Arc;

use aws_sdk_wafv2::error::BuildError;
use aws_sdk_wafv2::types::{
    AllowAction, BlockAction, DefaultAction, IpAddressVersion, IpSetReferenceStatement, OrStatement, Rule, RuleAction,
    Scope, Statement, VisibilityConfig,
};

use super::Answer;
use super::send::once;
use crate::aws::pace::Quota;
use crate::aws::read::WrittenWebAcl;
use crate::aws::{Aws, AwsError, Problem};
use crate::journal::Ticket;
use crate::model::made_resource::{MadeIpSet, MadeWebAcl};
use crate::model::waf::{IpSet, IpVersion};

impl Aws {
    /// `CreateIPSet`. WAF refuses a second one of a name (`WAFDuplicateItemException`, documented), so that a creation
    /// whose answer was lost is never made twice. Never retried by the SDK.
    pub async fn create_ip_set(&self, ticket: &Arc<Ticket>, name: &str, set: &MadeIpSet) -> Answer {
        let version = match set.version {
            IpVersion::V4 => IpAddressVersion::Ipv4,
            IpVersion::V6 => IpAddressVersion::Ipv6,
        };
        let call = self.0.waf.create_ip_set().name(name).scope(Scope::Regional).description(&set.description);
        let call = call.ip_address_version(version).set_addresses(Some(set.addresses.clone()));
        self.send(ticket, Quota::WafWrite("CreateIPSet"), ("CreateIPSet", name), once!(aws_sdk_wafv2, call))
            .await
            .plain()
    }

    /// `CreateWebACL` over IP sets by ARN, in the order of the web ACL's own list of them. It stands before nothing.
    /// Refused with [`Problem::NotYet`] where WAF does not see the IP sets yet.
    pub async fn create_closed_web_acl(&self, ticket: &Arc<Ticket>, acl: &MadeWebAcl, sets: &[String]) -> Answer {
        let unbuilt = |e: BuildError| AwsError::new("CreateWebACL", &acl.name, Problem::Invalid(e.to_string()));
        let (rule, visible) = match (rule(acl, sets), visible(&acl.name)) {
            (Ok(rule), Ok(visible)) => (rule, visible),
            (Err(error), _) | (_, Err(error)) => return Answer::Refused(unbuilt(error)),
        };
        let block = DefaultAction::builder().block(BlockAction::builder().build()).build();
        let call = self.0.waf.create_web_acl().name(&acl.name).scope(Scope::Regional).description(&acl.description);
        let call = call.default_action(block).rules(rule).visibility_config(visible);
        self.send(ticket, Quota::WafWrite("CreateWebACL"), ("CreateWebACL", &acl.name), once!(aws_sdk_wafv2, call))
            .await
            .plain()
    }

    /// `DeleteIPSet`, under the lock token of the read `set`. WAF refuses while a rule refers to it (documented).
    /// Refused with [`Problem::StaleLock`] when somebody wrote since the read.
    pub async fn delete_ip_set(&self, ticket: &Arc<Ticket>, set: &IpSet) -> Answer {
        let call = self.0.waf.delete_ip_set().name(&set.name).id(&set.id).scope(Scope::Regional);
        let call = call.lock_token(&set.lock_token);
        self.send(ticket, Quota::WafWrite("DeleteIPSet"), ("DeleteIPSet", &set.name), once!(aws_sdk_wafv2, call))
            .await
            .plain()
    }

    /// `DeleteWebACL`, under the lock token of the read `acl`. WAF refuses while it stands before a resource
    /// (documented). Refused with [`Problem::StaleLock`] when somebody wrote since the read.
    pub async fn delete_web_acl(&self, ticket: &Arc<Ticket>, acl: &WrittenWebAcl) -> Answer {
        let call = self.0.waf.delete_web_acl().name(&acl.name).id(&acl.id).scope(Scope::Regional);
        let call = call.lock_token(&acl.lock_token);
        self.send(ticket, Quota::WafWrite("DeleteWebACL"), ("DeleteWebACL", &acl.name), once!(aws_sdk_wafv2, call))
            .await
            .plain()
    }
}

/// Metrics and samples under a name.
fn visible(metric: &str) -> Result<VisibilityConfig, BuildError> {
    VisibilityConfig::builder()
        .sampled_requests_enabled(true)
        .cloud_watch_metrics_enabled(true)
        .metric_name(metric)
        .build()
}

/// The one rule: Allow for whoever is in one of the sets.
fn rule(acl: &MadeWebAcl, sets: &[String]) -> Result<Rule, BuildError> {
    let statement = |arn: &String| {
        let reference = IpSetReferenceStatement::builder().arn(arn).build()?;
        Ok(Statement::builder().ip_set_reference_statement(reference).build())
    };
    let either = sets.iter().map(statement).collect::<Result<Vec<_>, BuildError>>()?;
    let or = OrStatement::builder().set_statements(Some(either)).build()?;
    Rule::builder()
        .name(&acl.rule)
        .priority(0)
        .statement(Statement::builder().or_statement(or).build())
        .action(RuleAction::builder().allow(AllowAction::builder().build()).build())
        .visibility_config(visible(&acl.rule)?)
        .build()
}
