//! Rule groups.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::item::{self, Item, Names};
use super::rules::{self, Place};
use super::{
    Outcome, check_lock, description, limits_exceeded, new_name, nonexistent, referenced, regional, rules_of,
    visibility,
};
use crate::error::AwsError;
use crate::service::common::{integer, invalid, kept, missing};
use crate::state::{Account, Live, RuleGroup, Waf};

/// Members kept as sent.
const KEPT: [&str; 3] = ["Description", "VisibilityConfig", "CustomResponseBodies"];

impl Item for RuleGroup {
    const LIST: &str = "RuleGroups";
    /// Not counted here.
    const MOST: usize = usize::MAX;

    fn all(waf: &Waf) -> &BTreeMap<String, Live<Self>> {
        &waf.rule_groups
    }

    fn all_mut(waf: &mut Waf) -> &mut BTreeMap<String, Live<Self>> {
        &mut waf.rule_groups
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
        referenced(account, &self.arn)
    }
}

pub(super) fn create(account: &mut Account, input: &Value) -> Outcome {
    regional(input)?;
    let name = new_name(input)?;
    let capacity = integer(input, "Capacity").ok_or_else(|| missing("Capacity"))?;
    if capacity < 1 {
        return Err(invalid("Capacity", &capacity.to_string(), "Member must have value greater than or equal to 1"));
    }
    let (rules, body) = checked(account, input, capacity)?;
    item::check_room::<RuleGroup>(account, name)?;
    let id = account.create_rule_group(name, capacity, rules, body);
    item::created::<RuleGroup>(account, &id, input)
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
    let group: &RuleGroup = item::asked(account, input)?;
    let mut body = item::document(group, &group.body);
    body.insert("Capacity".to_owned(), group.capacity.into());
    body.insert("Rules".to_owned(), group.rules.clone().into());
    body.insert("LabelNamespace".to_owned(), format!("awswaf:{}:rulegroup:{}:", account.id, group.name).into());
    Ok(json!({"RuleGroup": body, "LockToken": group.lock_token}))
}

pub(super) fn update(account: &mut Account, input: &Value) -> Outcome {
    let group: &RuleGroup = item::find(account, input)?;
    let (id, token) = (group.id.clone(), group.lock_token.clone());
    let (rules, body) = checked(account, input, group.capacity)?;
    check_lock(input, &token)?;
    let token = account.write_rule_group(&id, rules, body).ok_or_else(nonexistent)?;
    Ok(json!({"NextLockToken": token}))
}
