//! Web ACLs.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::item::{self, Item, Names};
use super::rules::{self, Place};
use super::{
    MOST_OF_A_KIND, Outcome, bad_parameter, check_lock, description, new_name, nonexistent, regional, rules_of,
    visibility,
};
use crate::error::AwsError;
use crate::service::common::{kept, missing};
use crate::state::{Account, Live, Waf, WebAcl};

/// Members kept as sent. Every one that an update leaves out is gone, `ApplicationConfig` excepted (documented).
const KEPT: [&str; 11] = [
    "DefaultAction",
    "Description",
    "VisibilityConfig",
    "DataProtectionConfig",
    "CustomResponseBodies",
    "CaptchaConfig",
    "ChallengeConfig",
    "TokenDomains",
    "AssociationConfig",
    "OnSourceDDoSProtectionConfig",
    "ApplicationConfig",
];

impl Item for WebAcl {
    const LIST: &str = "WebACLs";
    const MOST: usize = MOST_OF_A_KIND;

    fn all(waf: &Waf) -> &BTreeMap<String, Live<Self>> {
        &waf.web_acls
    }

    fn all_mut(waf: &mut Waf) -> &mut BTreeMap<String, Live<Self>> {
        &mut waf.web_acls
    }

    fn names(&self) -> Names<'_> {
        Names {
            name: &self.name,
            id: &self.id,
            arn: &self.arn,
            description: self.body.get("Description").and_then(Value::as_str).unwrap_or(""),
            lock_token: &self.lock_token,
        }
    }

    fn is_used(&self, account: &Account) -> bool {
        account.waf.associations.values().any(|live| live.saved().as_deref() == Some(self.arn.as_str()))
    }
}

pub(super) fn create(account: &mut Account, input: &Value) -> Outcome {
    regional(input)?;
    let name = new_name(input)?;
    let (rules, body) = checked(account, input)?;
    item::check_room::<WebAcl>(account, name)?;
    let id = account.create_web_acl(name, rules, body);
    item::created::<WebAcl>(account, &id, input)
}

fn checked(account: &Account, input: &Value) -> Result<(Vec<Value>, Map<String, Value>), AwsError> {
    let action = input.get("DefaultAction").ok_or_else(|| missing("DefaultAction"))?;
    let known =
        |action: &Map<String, Value>| action.len() == 1 && action.keys().all(|kind| kind == "Allow" || kind == "Block");
    if !action.as_object().is_some_and(known) {
        return Err(bad_parameter("DEFAULT_ACTION", "DefaultAction", "Exactly one of Allow and Block is needed."));
    }
    visibility(input)?;
    description(input)?;
    let rules = rules_of(input);
    rules::check(account, &rules, Place::WebAcl)?;
    Ok((rules, kept(input, &KEPT)))
}

pub(super) fn get(account: &Account, input: &Value) -> Outcome {
    let acl: &WebAcl = item::asked(account, input)?;
    Ok(json!({"WebACL": document(account, acl), "LockToken": acl.lock_token}))
}

/// The `WebACL` structure.
pub(super) fn document(account: &Account, acl: &WebAcl) -> Value {
    let mut body = item::document(acl, &acl.body);
    body.insert("Rules".to_owned(), acl.rules.clone().into());
    let capacity = rules::check(account, &acl.rules, Place::WebAcl).unwrap_or(0);
    body.insert("Capacity".to_owned(), capacity.into());
    body.insert("ManagedByFirewallManager".to_owned(), acl.managed_by_firewall_manager.into());
    body.insert("LabelNamespace".to_owned(), format!("awswaf:{}:webacl:{}:", account.id, acl.name).into());
    for (member, groups) in [
        ("PreProcessFirewallManagerRuleGroups", &acl.pre_process),
        ("PostProcessFirewallManagerRuleGroups", &acl.post_process),
    ] {
        if !groups.is_empty() {
            body.insert(member.to_owned(), groups.clone().into());
        }
    }
    Value::Object(body)
}

/// Replaces everything that a client may write.
pub(super) fn update(account: &mut Account, input: &Value) -> Outcome {
    let acl: &WebAcl = item::find(account, input)?;
    let (id, token) = (acl.id.clone(), acl.lock_token.clone());
    let application = acl.body.get("ApplicationConfig").cloned();
    let (rules, mut body) = checked(account, input)?;
    check_lock(input, &token)?;
    if let Some(application) = application {
        body.entry("ApplicationConfig").or_insert(application);
    }
    let token = account.write_web_acl(&id, rules, body).ok_or_else(nonexistent)?;
    Ok(json!({"NextLockToken": token}))
}
