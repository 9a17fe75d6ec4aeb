//! `WAFv2`, scope REGIONAL. Scope CLOUDFRONT is valid and empty.

mod acl;
mod association;
mod group;
mod ip_set;
mod item;
mod rules;
mod sampled;
mod unevaluated;

use serde_json::{Value, json};

use super::common::{invalid, required, text};
use super::{Answer, Service};
use crate::error::AwsError;
use crate::state::{Account, IpSet, RuleGroup, WebAcl};
use crate::wire::Target;

pub(crate) use unevaluated::evaluable;

type Outcome = Result<Value, AwsError>;

/// Web ACLs, and IP sets, that an account may have in a region unless AWS has granted more (unverified).
const MOST_OF_A_KIND: usize = 100;

/// Performs one operation.
pub(crate) fn perform(account: &mut Account, target: &Target) -> Result<Answer, AwsError> {
    let input = &target.input;
    let body = match target.operation.as_str() {
        "CreateIPSet" => ip_set::create(account, input),
        "GetIPSet" => ip_set::get(account, input),
        "UpdateIPSet" => ip_set::update(account, input),
        "DeleteIPSet" => item::delete::<IpSet>(account, input),
        "ListIPSets" => item::list::<IpSet>(account, input),
        "CreateRuleGroup" => group::create(account, input),
        "GetRuleGroup" => group::get(account, input),
        "UpdateRuleGroup" => group::update(account, input),
        "DeleteRuleGroup" => item::delete::<RuleGroup>(account, input),
        "ListRuleGroups" => item::list::<RuleGroup>(account, input),
        "CreateWebACL" => acl::create(account, input),
        "GetWebACL" => acl::get(account, input),
        "UpdateWebACL" => acl::update(account, input),
        "DeleteWebACL" => item::delete::<WebAcl>(account, input),
        "ListWebACLs" => item::list::<WebAcl>(account, input),
        "AssociateWebACL" => association::associate(account, input),
        "DisassociateWebACL" => association::disassociate(account, input),
        "GetWebACLForResource" => association::for_resource(account, input),
        "ListResourcesForWebACL" => association::resources(account, input),
        "GetSampledRequests" => sampled::requests(account, input),
        "GetRateBasedStatementManagedKeys" => sampled::managed_keys(account, input),
        "ListTagsForResource" => list_tags(account, input),
        "TagResource" => tag(account, input),
        other => Err(Service::Waf.not_known(other)),
    }?;
    Ok(Answer::ok(body))
}

/// The scope of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Regional,
    CloudFront,
}

fn scope(input: &Value) -> Result<Scope, AwsError> {
    match required(input, "Scope")? {
        "REGIONAL" => Ok(Scope::Regional),
        "CLOUDFRONT" => Ok(Scope::CloudFront),
        other => Err(invalid("Scope", other, "Member must satisfy enum value set: [CLOUDFRONT, REGIONAL]")),
    }
}

/// The scope of a creation, which has to be REGIONAL here.
fn regional(input: &Value) -> Result<(), AwsError> {
    match scope(input)? {
        Scope::Regional => Ok(()),
        Scope::CloudFront => Err(bad_parameter("SCOPE_VALUE", "CLOUDFRONT", "The scope is not valid.")),
    }
}

/// `WAFInvalidParameterException` with its members.
fn bad_parameter(field: &str, parameter: &str, reason: &str) -> AwsError {
    AwsError::bad(
        "WAFInvalidParameterException",
        format!("Error reason: {reason}, field: {field}, parameter: {parameter}"),
    )
    .with("Field", field)
    .with("Parameter", parameter)
    .with("Reason", reason)
}

fn nonexistent() -> AwsError {
    AwsError::bad(
        "WAFNonexistentItemException",
        "AWS WAF couldn\u{2019}t perform the operation because your resource doesn\u{2019}t exist.",
    )
}

fn duplicate() -> AwsError {
    AwsError::bad(
        "WAFDuplicateItemException",
        "AWS WAF couldn\u{2019}t perform the operation because some resource in your request is a duplicate of an \
         existing one.",
    )
}

fn associated() -> AwsError {
    AwsError::bad(
        "WAFAssociatedItemException",
        "AWS WAF couldn\u{2019}t perform the operation because your resource is being used by another resource or \
         it\u{2019}s associated with another resource.",
    )
}

fn limits_exceeded() -> AwsError {
    AwsError::bad(
        "WAFLimitsExceededException",
        "AWS WAF couldn\u{2019}t perform the operation because you exceeded your resource limit.",
    )
}

/// Refuses a write with a lock token that is not the current one.
fn check_lock(input: &Value, current: &str) -> Result<(), AwsError> {
    if required(input, "LockToken")? == current {
        return Ok(());
    }
    Err(AwsError::bad(
        "WAFOptimisticLockException",
        "AWS WAF couldn\u{2019}t save your changes because someone changed the resource after you started to edit it. \
         Reapply your changes.",
    ))
}

/// A new name: 1 to 128 letters, digits, `_` and `-` (service model).
fn new_name(input: &Value) -> Result<&str, AwsError> {
    let name = required(input, "Name")?;
    let fits = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-');
    if !fits || name.is_empty() || name.chars().count() > 128 {
        let constraint = "Member must satisfy regular expression pattern: ^[\\w\\-]+$";
        return Err(invalid("Name", name, constraint));
    }
    Ok(name)
}

/// A description: never empty, and at least three characters by its pattern (service model).
fn description(input: &Value) -> Result<Option<String>, AwsError> {
    let Some(words) = text(input, "Description") else { return Ok(None) };
    let allowed = |letter: char| letter.is_alphanumeric() || "_+=:#@/-,. ".contains(letter);
    let length = words.chars().count();
    if (3..=256).contains(&length) && words.chars().all(allowed) && words.trim() == words {
        return Ok(Some(words.to_owned()));
    }
    let pattern = r"^[\w+=:#@/\-,\.][\w+=:#@/\-,\.\s]+[\w+=:#@/\-,\.]$";
    Err(invalid("Description", words, &format!("Member must satisfy regular expression pattern: {pattern}")))
}

/// `VisibilityConfig`, whole.
fn visibility(input: &Value) -> Result<(), AwsError> {
    let config = input.get("VisibilityConfig").ok_or_else(|| super::common::missing("VisibilityConfig"))?;
    for flag in ["SampledRequestsEnabled", "CloudWatchMetricsEnabled"] {
        if !config.get(flag).is_some_and(Value::is_boolean) {
            return Err(super::common::missing(&format!("visibilityConfig.{flag}")));
        }
    }
    required(config, "MetricName").map(|_| ())
}

/// `Rules` as sent.
fn rules_of(input: &Value) -> Vec<Value> {
    input.get("Rules").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Whether any rule of any web ACL or rule group names an ARN.
fn referenced(account: &Account, arn: &str) -> bool {
    fn names(value: &Value, arn: &str) -> bool {
        match value {
            Value::String(text) => text == arn,
            Value::Array(items) => items.iter().any(|item| names(item, arn)),
            Value::Object(members) => members.values().any(|member| names(member, arn)),
            _ => false,
        }
    }
    let acls = account.waf.web_acls.values().flat_map(|acl| acl.saved().rules.iter());
    let groups = account.waf.rule_groups.values().flat_map(|group| group.saved().rules.iter());
    acls.chain(groups).any(|rule| names(rule, arn))
}

/// Keeps the tags of a creation.
fn tag_new(account: &mut Account, arn: &str, input: &Value) {
    let tags = account.waf.tags.entry(arn.to_owned()).or_default();
    for tag in input.get("Tags").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(key), Some(value)) = (text(tag, "Key"), text(tag, "Value")) {
            tags.insert(key.to_owned(), value.to_owned());
        }
    }
}

fn list_tags(account: &Account, input: &Value) -> Outcome {
    let arn = required(input, "ResourceARN")?;
    let tags = account.waf.tags.get(arn).ok_or_else(nonexistent)?;
    let list: Vec<Value> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    Ok(json!({"TagInfoForResource": {"ResourceARN": arn, "TagList": list}}))
}

fn tag(account: &mut Account, input: &Value) -> Outcome {
    let arn = required(input, "ResourceARN")?;
    if !account.waf.tags.contains_key(arn) {
        return Err(nonexistent());
    }
    tag_new(account, arn, input);
    Ok(json!({}))
}
