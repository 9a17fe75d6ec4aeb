//! Rule groups.

use serde_json::{Map, Value, json};

use super::rules::{self, Place};
use super::{
    Outcome, Scope, associated, check_lock, description, duplicate, kept, limits_exceeded, listing, new_name,
    nonexistent, referenced, regional, rules_of, scope, summary, tag_new, visibility,
};
use crate::error::AwsError;
use crate::service::common::{integer, invalid, missing, required, text};
use crate::state::waf::id_of;
use crate::state::{Account, RuleGroup};

/// Members kept as sent.
const KEPT: [&str; 3] = ["Description", "VisibilityConfig", "CustomResponseBodies"];

pub(super) fn create(account: &mut Account, input: &Value) -> Outcome {
    regional(input)?;
    let name = new_name(input)?;
    let capacity = integer(input, "Capacity").ok_or_else(|| missing("Capacity"))?;
    if capacity < 1 {
        return Err(invalid("Capacity", &capacity.to_string(), "Member must have value greater than or equal to 1"));
    }
    let (rules, body) = checked(account, input, capacity)?;
    if account.waf.rule_groups.values().any(|group| group.saved().name == name) {
        return Err(duplicate());
    }
    let id = account.create_rule_group(name, capacity, rules, body);
    let group = account.waf.rule_groups.get(&id).map(|live| live.saved().clone()).ok_or_else(nonexistent)?;
    tag_new(account, &group.arn, input);
    Ok(json!({"Summary": row(&group)}))
}

/// Rules and body of a write; rules beyond the group's capacity are refused (documented).
fn checked(account: &Account, input: &Value, capacity: i64) -> Result<(Vec<Value>, Map<String, Value>), AwsError> {
    visibility(input)?;
    description(input)?;
    let rules = rules_of(input);
    if rules::check(account, &rules, Place::RuleGroup)? > capacity {
        return Err(limits_exceeded());
    }
    Ok((rules, kept(input, &KEPT)))
}

pub(super) fn get(account: &Account, input: &Value) -> Outcome {
    let group = match text(input, "ARN") {
        Some(arn) => by_arn(account, arn)?,
        None => find(account, input)?,
    };
    let mut body = group.body.clone();
    body.entry("Description").or_insert_with(|| "".into());
    body.insert("Name".to_owned(), group.name.clone().into());
    body.insert("Id".to_owned(), group.id.clone().into());
    body.insert("ARN".to_owned(), group.arn.clone().into());
    body.insert("Capacity".to_owned(), group.capacity.into());
    body.insert("Rules".to_owned(), group.rules.clone().into());
    body.insert("LabelNamespace".to_owned(), format!("awswaf:{}:rulegroup:{}:", account.id, group.name).into());
    Ok(json!({"RuleGroup": body, "LockToken": group.lock_token}))
}

pub(super) fn update(account: &mut Account, input: &Value) -> Outcome {
    let group = find(account, input)?;
    let (id, token) = (group.id.clone(), group.lock_token.clone());
    let (rules, body) = checked(account, input, group.capacity)?;
    check_lock(input, &token)?;
    let token = account.write_rule_group(&id, rules, body).ok_or_else(nonexistent)?;
    Ok(json!({"NextLockToken": token}))
}

pub(super) fn delete(account: &mut Account, input: &Value) -> Outcome {
    let group = find(account, input)?;
    check_lock(input, &group.lock_token)?;
    if referenced(account, &group.arn) {
        return Err(associated());
    }
    let (id, arn) = (group.id.clone(), group.arn.clone());
    account.waf.rule_groups.remove(&id);
    account.waf.tags.remove(&arn);
    Ok(json!({}))
}

pub(super) fn list(account: &Account, input: &Value) -> Outcome {
    listing(input, "RuleGroups", account.waf.rule_groups.values().map(|group| row(group.saved())).collect())
}

fn row(group: &RuleGroup) -> Value {
    let words = group.body.get("Description").and_then(Value::as_str).unwrap_or("");
    summary(&group.name, &group.id, words, &group.lock_token, &group.arn)
}

fn by_arn<'a>(account: &'a Account, arn: &str) -> Result<&'a RuleGroup, AwsError> {
    let group = account.waf.rule_groups.get(id_of(arn)).map(|live| &**live.saved());
    group.filter(|group| group.arn == arn).ok_or_else(nonexistent)
}

fn find<'a>(account: &'a Account, input: &Value) -> Result<&'a RuleGroup, AwsError> {
    let (name, id) = (required(input, "Name")?, required(input, "Id")?);
    if scope(input)? == Scope::CloudFront {
        return Err(nonexistent());
    }
    let group = account.waf.rule_groups.get(id).map(|live| &**live.saved());
    group.filter(|group| group.name == name).ok_or_else(nonexistent)
}
