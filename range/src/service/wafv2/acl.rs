//! Web ACLs.

use serde_json::{Map, Value, json};

use super::rules::{self, Place};
use super::{
    MOST_OF_A_KIND, Outcome, Scope, associated, bad_parameter, check_lock, description, duplicate, kept,
    limits_exceeded, listing, new_name, nonexistent, regional, rules_of, scope, summary, tag_new, visibility,
};
use crate::error::AwsError;
use crate::service::common::{missing, required, text};
use crate::state::waf::id_of;
use crate::state::{Account, WebAcl};

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

pub(super) fn create(account: &mut Account, input: &Value) -> Outcome {
    regional(input)?;
    let name = new_name(input)?;
    let (rules, body) = checked(account, input)?;
    if account.waf.web_acls.values().any(|acl| acl.saved().name == name) {
        return Err(duplicate());
    }
    if account.waf.web_acls.len() >= MOST_OF_A_KIND {
        return Err(limits_exceeded());
    }
    let id = account.create_web_acl(name, rules, body);
    let acl = account.waf.web_acls.get(&id).map(|live| live.saved().clone()).ok_or_else(nonexistent)?;
    tag_new(account, &acl.arn, input);
    Ok(json!({"Summary": row(&acl)}))
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
    let acl = match text(input, "ARN") {
        Some(arn) => by_arn(account, arn)?,
        None => find(account, input)?,
    };
    Ok(json!({"WebACL": document(account, acl), "LockToken": acl.lock_token}))
}

/// The `WebACL` structure.
pub(super) fn document(account: &Account, acl: &WebAcl) -> Value {
    let mut body = acl.body.clone();
    body.entry("Description").or_insert_with(|| "".into());
    body.insert("Name".to_owned(), acl.name.clone().into());
    body.insert("Id".to_owned(), acl.id.clone().into());
    body.insert("ARN".to_owned(), acl.arn.clone().into());
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
    let acl = find(account, input)?;
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

pub(super) fn delete(account: &mut Account, input: &Value) -> Outcome {
    let acl = find(account, input)?;
    check_lock(input, &acl.lock_token)?;
    let (id, arn) = (acl.id.clone(), acl.arn.clone());
    if account.waf.associations.values().any(|live| live.saved().as_deref() == Some(arn.as_str())) {
        return Err(associated());
    }
    account.waf.web_acls.remove(&id);
    account.waf.tags.remove(&arn);
    Ok(json!({}))
}

pub(super) fn list(account: &Account, input: &Value) -> Outcome {
    listing(input, "WebACLs", account.waf.web_acls.values().map(|acl| row(acl.saved())).collect())
}

fn row(acl: &WebAcl) -> Value {
    let words = acl.body.get("Description").and_then(Value::as_str).unwrap_or("");
    summary(&acl.name, &acl.id, words, &acl.lock_token, &acl.arn)
}

/// A web ACL by its ARN, which is enough by itself (inferred: no member of the operation is required).
pub(super) fn by_arn<'a>(account: &'a Account, arn: &str) -> Result<&'a WebAcl, AwsError> {
    let acl = account.waf.web_acls.get(id_of(arn)).map(|live| &**live.saved());
    acl.filter(|acl| acl.arn == arn).ok_or_else(nonexistent)
}

pub(super) fn find<'a>(account: &'a Account, input: &Value) -> Result<&'a WebAcl, AwsError> {
    let (name, id) = (required(input, "Name")?, required(input, "Id")?);
    if scope(input)? == Scope::CloudFront {
        return Err(nonexistent());
    }
    let acl = account.waf.web_acls.get(id).map(|live| &**live.saved());
    acl.filter(|acl| acl.name == name).ok_or_else(nonexistent)
}
