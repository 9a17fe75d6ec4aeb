//! WAFv2: web ACLs, rule groups, IP sets, what is behind an ACL, tags.

use aws_sdk_wafv2::types::{IpAddressVersion, ResourceType, Scope};
use serde_json::{Map, Value};

use super::waf_rules;
use crate::aws::pace::Quota;
use crate::aws::raw::RawBody;
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::model::waf::{IpSet, IpVersion, RuleGroup, WebAcl};

/// Name and id out of `arn:…:regional/KIND/NAME/ID`: the parameters that every `Get` takes (documented), while the ARN
/// alone is accepted by inference only.
fn name_and_id<'a>(operation: &str, arn: &'a str) -> Result<(&'a str, &'a str), AwsError> {
    let mut parts = arn.rsplit('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(id), Some(name), Some(_)) => Ok((name, id)),
        _ => Err(AwsError::new(operation, arn, Problem::Unreadable("not a WAFv2 ARN".to_owned()))),
    }
}

/// Kinds of resource a regional web ACL may stand before, with the word for each. `ListResourcesForWebACL` gives load
/// balancers only unless told otherwise (documented).
const RESOURCE_KINDS: [(&str, ResourceType); 7] = [
    ("API Gateway stages", ResourceType::ApiGateway),
    ("load balancers", ResourceType::ApplicationLoadBalancer),
    ("AppSync APIs", ResourceType::Appsync),
    ("Cognito user pools", ResourceType::CognitioUserPool),
    ("App Runner services", ResourceType::AppRunnerService),
    ("Verified Access instances", ResourceType::VerifiedAccessInstance),
    ("Amplify apps", ResourceType::Amplify),
];

impl Aws {
    /// A web ACL by ARN.
    pub async fn web_acl(&self, arn: &str, lane: Lane) -> Result<WebAcl, AwsError> {
        let (name, id) = name_and_id("GetWebACL", arn)?;
        let call = self.0.waf.get_web_acl().name(name).id(id).scope(Scope::Regional);
        let asked = (Quota::WafRead("GetWebACL"), lane);
        let answer = self.ask(asked, ("GetWebACL", name), || call.clone().send()).await?;
        let unreadable = || AwsError::new("GetWebACL", name, Problem::Unreadable("no web ACL in it".to_owned()));
        answer.web_acl().map(waf_rules::web_acl).ok_or_else(unreadable)
    }

    /// ARNs of the web ACLs of a name; there is one at most in a region (documented).
    pub async fn web_acls_named(&self, name: &str, lane: Lane) -> Result<Vec<String>, AwsError> {
        let all = self.web_acl_names(lane).await?;
        Ok(all.into_iter().filter(|found| found.name == name).map(|found| found.arn).collect())
    }

    /// Every regional web ACL.
    pub async fn web_acl_names(&self, lane: Lane) -> Result<Vec<Named>, AwsError> {
        let mut found = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let call = self.0.waf.list_web_acls().scope(Scope::Regional).limit(100).set_next_marker(marker);
            let asked = (Quota::WafRead("ListWebACLs"), lane);
            let page = self.ask(asked, ("ListWebACLs", "the account"), || call.clone().send()).await?;
            found.extend(page.web_acls().iter().filter_map(|acl| named(acl.name(), acl.arn())));
            marker = page.next_marker().filter(|m| !m.is_empty() && !page.web_acls().is_empty()).map(str::to_owned);
            if marker.is_none() {
                return Ok(found);
            }
        }
    }

    /// Every regional IP set.
    pub async fn ip_set_names(&self, lane: Lane) -> Result<Vec<Named>, AwsError> {
        let mut found = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let call = self.0.waf.list_ip_sets().scope(Scope::Regional).limit(100).set_next_marker(marker);
            let asked = (Quota::WafRead("ListIPSets"), lane);
            let page = self.ask(asked, ("ListIPSets", "the account"), || call.clone().send()).await?;
            found.extend(page.ip_sets().iter().filter_map(|set| named(set.name(), set.arn())));
            marker = page.next_marker().filter(|m| !m.is_empty() && !page.ip_sets().is_empty()).map(str::to_owned);
            if marker.is_none() {
                return Ok(found);
            }
        }
    }

    /// The IP set of a name; `None` where there is none.
    pub async fn ip_set_named(&self, name: &str, lane: Lane) -> Result<Option<IpSet>, AwsError> {
        let Some(found) = self.ip_set_names(lane).await?.into_iter().find(|found| found.name == name) else {
            return Ok(None);
        };
        there(self.ip_set(&found.arn, lane).await)
    }

    /// The web ACL of a name as WAF wrote it, with the lock token of this read; `None` where there is none.
    pub async fn web_acl_named(&self, name: &str, lane: Lane) -> Result<Option<WrittenWebAcl>, AwsError> {
        let Some(found) = self.web_acl_names(lane).await?.into_iter().find(|found| found.name == name) else {
            return Ok(None);
        };
        let (_, id) = name_and_id("GetWebACL", &found.arn)?;
        let raw = RawBody::default();
        let call = || {
            let call = self.0.waf.get_web_acl().name(name).id(id).scope(Scope::Regional).customize();
            call.interceptor(raw.clone()).send()
        };
        let answer = self.ask((Quota::WafRead("GetWebACL"), lane), ("GetWebACL", name), call).await;
        let Some(answer) = there(answer)? else { return Ok(None) };
        let unreadable = |what: &str| AwsError::new("GetWebACL", name, Problem::Unreadable(format!("no {what} in it")));
        let body = raw.json().and_then(|body| body.get("WebACL")?.as_object().cloned());
        Ok(Some(WrittenWebAcl {
            name: name.to_owned(),
            id: id.to_owned(),
            lock_token: answer.lock_token().ok_or_else(|| unreadable("lock token"))?.to_owned(),
            body: body.ok_or_else(|| unreadable("web ACL"))?,
            arn: found.arn,
        }))
    }

    /// A rule group by ARN. Shared groups of other accounts may be unreadable.
    pub async fn rule_group(&self, arn: &str, lane: Lane) -> Result<RuleGroup, AwsError> {
        let (name, id) = name_and_id("GetRuleGroup", arn)?;
        let call = self.0.waf.get_rule_group().name(name).id(id).scope(Scope::Regional);
        let asked = (Quota::WafRead("GetRuleGroup"), lane);
        let answer = self.ask(asked, ("GetRuleGroup", name), || call.clone().send()).await?;
        let unreadable = || AwsError::new("GetRuleGroup", name, Problem::Unreadable("no rule group in it".to_owned()));
        answer.rule_group().map(waf_rules::rule_group).ok_or_else(unreadable)
    }

    /// An IP set by ARN, with the lock token that this read yielded.
    pub async fn ip_set(&self, arn: &str, lane: Lane) -> Result<IpSet, AwsError> {
        let (name, id) = name_and_id("GetIPSet", arn)?;
        let call = self.0.waf.get_ip_set().name(name).id(id).scope(Scope::Regional);
        let asked = (Quota::WafRead("GetIPSet"), lane);
        let answer = self.ask(asked, ("GetIPSet", name), || call.clone().send()).await?;
        let unreadable = |what: &str| AwsError::new("GetIPSet", name, Problem::Unreadable(format!("no {what} in it")));
        let set = answer.ip_set().ok_or_else(|| unreadable("IP set"))?;
        let version = match set.ip_address_version() {
            IpAddressVersion::Ipv4 => IpVersion::V4,
            IpAddressVersion::Ipv6 => IpVersion::V6,
            _ => return Err(unreadable("known address version")),
        };
        Ok(IpSet {
            name: set.name().to_owned(),
            id: set.id().to_owned(),
            arn: set.arn().to_owned(),
            description: set.description().map(str::to_owned),
            version,
            addresses: set.addresses().to_vec(),
            lock_token: answer.lock_token().ok_or_else(|| unreadable("lock token"))?.to_owned(),
        })
    }

    /// ARNs of the resources of one kind behind a web ACL.
    pub async fn resources_behind(
        &self,
        web_acl_arn: &str,
        kind: ResourceKind,
        lane: Lane,
    ) -> Result<Vec<String>, AwsError> {
        let (label, resource_type) = &RESOURCE_KINDS[kind.0];
        let call = self.0.waf.list_resources_for_web_acl().web_acl_arn(web_acl_arn);
        let call = call.resource_type(resource_type.clone());
        let asked = (Quota::WafSlowRead("ListResourcesForWebACL"), lane);
        let answer = self.ask(asked, ("ListResourcesForWebACL", label), || call.clone().send()).await?;
        Ok(answer.resource_arns().to_vec())
    }

    /// The tags of a WAF resource.
    pub async fn waf_tags(&self, arn: &str, lane: Lane) -> Result<Vec<(String, String)>, AwsError> {
        let call = self.0.waf.list_tags_for_resource().resource_arn(arn);
        let asked = (Quota::WafRead("ListTagsForResource"), lane);
        let answer = self.ask(asked, ("ListTagsForResource", arn), || call.clone().send()).await?;
        let tags =
            answer.tag_info_for_resource().map(aws_sdk_wafv2::types::TagInfoForResource::tag_list).unwrap_or_default();
        Ok(tags.iter().map(|t| (t.key().to_owned(), t.value().to_owned())).collect())
    }
}

/// A resource of WAF by name and ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
}

fn named(name: Option<&str>, arn: Option<&str>) -> Option<Named> {
    Some(Named { name: name?.to_owned(), arn: arn?.to_owned() })
}

/// `None` where it went away since it was listed.
fn there<T>(read: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(AwsError { problem: Problem::NotFound(_), .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A web ACL as WAF wrote it: for telling whether it is what was made, whatever else may be in it.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenWebAcl {
    /// Name.
    pub name: String,
    /// Id.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// The token that `DeleteWebACL` wants back.
    pub lock_token: String,
    /// `WebACL` of the answer.
    pub body: Map<String, Value>,
}

/// A kind of resource, as `ListResourcesForWebACL` tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceKind(usize);

impl ResourceKind {
    /// API Gateway stages.
    pub const API_GATEWAY: Self = Self(0);

    /// Load balancers.
    pub const LOAD_BALANCER: Self = Self(1);

    /// Every other kind.
    pub fn others() -> impl Iterator<Item = Self> {
        (2..RESOURCE_KINDS.len()).map(Self)
    }

    /// The word for it, plural.
    #[must_use]
    pub fn label(self) -> &'static str {
        RESOURCE_KINDS[self.0].0
    }
}
