//! Who is over the limit of a rate rule now.

use aws_sdk_wafv2::types::{RateBasedStatementManagedKeysIpSet, Scope};
use ipnet::IpNet;

use crate::aws::pace::Quota;
use crate::aws::{Aws, AwsError, Lane};
use crate::model::address;
use crate::model::waf::WebAcl;

impl Aws {
    /// The addresses that are over the limit of a rate rule now: what it counts, or turns away, at this moment. `rule`
    /// is the name of a rule of the web ACL itself.
    ///
    /// AWS lists at most 10,000 of each address version, and only of rules that count by address (documented).
    ///
    /// # Errors
    /// `WAFUnsupportedAggregateKeyTypeException` where the rule counts by something else; else what the call brings.
    pub async fn rate_keys(&self, acl: &WebAcl, rule: &str, lane: Lane) -> Result<Vec<IpNet>, AwsError> {
        self.managed_keys(acl, None, rule, lane).await
    }

    /// The same of a rate rule inside a rule group. `reference` is the name of the web ACL's rule that refers to the
    /// group, which AWS wants named (documented); `rule` that of the rule in the group.
    ///
    /// # Errors
    /// As [`Aws::rate_keys`].
    pub async fn rate_keys_in_group(
        &self,
        acl: &WebAcl,
        reference: &str,
        rule: &str,
        lane: Lane,
    ) -> Result<Vec<IpNet>, AwsError> {
        self.managed_keys(acl, Some(reference), rule, lane).await
    }

    async fn managed_keys(
        &self,
        acl: &WebAcl,
        reference: Option<&str>,
        rule: &str,
        lane: Lane,
    ) -> Result<Vec<IpNet>, AwsError> {
        const OPERATION: &str = "GetRateBasedStatementManagedKeys";
        let call = self.0.waf.get_rate_based_statement_managed_keys().scope(Scope::Regional);
        let call = call.web_acl_name(&acl.name).web_acl_id(&acl.id).rule_name(rule);
        let call = call.set_rule_group_rule_name(reference.map(str::to_owned));
        let asked = (Quota::WafRead(OPERATION), lane);
        let answer = self.ask(asked, (OPERATION, rule), || call.clone().send()).await?;
        let both = [answer.managed_keys_ipv4(), answer.managed_keys_ipv6()].into_iter().flatten();
        let entries = both.flat_map(RateBasedStatementManagedKeysIpSet::addresses);
        Ok(entries.filter_map(|entry| address::parsed(entry)).collect())
    }
}
