//! Checking rules on the way in, and counting their capacity. Rules themselves are kept as sent.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::unevaluated;
use super::{bad_parameter, limits_exceeded, nonexistent, visibility};
use crate::error::AwsError;
use crate::service::common::{integer, required, text};
use crate::state::Account;
use crate::state::waf::id_of;

/// Statements that refer to a rule group; they stand at the top of a web ACL's rule only (documented).
const GROUPS: [&str; 2] = ["RuleGroupReferenceStatement", "ManagedRuleGroupStatement"];
/// Web ACL capacity units at most (documented).
pub(super) const MAX_CAPACITY: i64 = 5_000;
/// Nesting that nobody writes by hand.
const MAX_DEPTH: usize = 16;

/// Where rules stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    WebAcl,
    RuleGroup,
}

/// Checks rules and gives their capacity.
pub(super) fn check(account: &Account, rules: &[Value], place: Place) -> Result<i64, AwsError> {
    let (mut names, mut priorities) = (HashSet::new(), HashSet::new());
    let mut capacity = 0;
    for rule in rules {
        let name = required(rule, "Name")?;
        let priority = integer(rule, "Priority").ok_or_else(|| crate::service::common::missing("priority"))?;
        if !names.insert(name) {
            return Err(bad_parameter(
                "RULE",
                name,
                "Your statement has multiple values set for a field that requires unique values.",
            ));
        }
        if !priorities.insert(priority) {
            return Err(bad_parameter(
                "RULE",
                &priority.to_string(),
                "Your statement has multiple values set for a field that requires unique values.",
            ));
        }
        visibility(rule)?;
        let statement = rule.get("Statement").ok_or_else(|| crate::service::common::missing("statement"))?;
        check_action(rule, name, statement)?;
        capacity += check_statement(account, statement, place, 0)?;
    }
    if capacity > MAX_CAPACITY {
        return Err(limits_exceeded());
    }
    Ok(capacity)
}

/// A rule has an action, or, where it refers to a rule group, an override action; never both (documented).
fn check_action(rule: &Value, name: &str, statement: &Value) -> Result<(), AwsError> {
    let group = GROUPS.iter().any(|kind| statement.get(*kind).is_some());
    let (wanted, other) = if group { ("OverrideAction", "Action") } else { ("Action", "OverrideAction") };
    let single = rule.get(wanted).and_then(Value::as_object).is_some_and(|action| action.len() == 1);
    if !single || rule.get(other).is_some_and(|value| !value.is_null()) {
        let reason = "A reference in your rule statement is not valid.";
        return Err(bad_parameter(if group { "OVERRIDE_ACTION" } else { "RULE_ACTION" }, name, reason));
    }
    Ok(())
}

/// Checks one statement; gives its capacity. Figures are those of the developer guide (documented); text
/// transformations are not counted (inferred to be small).
fn check_statement(account: &Account, statement: &Value, place: Place, depth: usize) -> Result<i64, AwsError> {
    let members: &Map<String, Value> =
        statement.as_object().ok_or_else(|| bad_parameter("STATEMENT", "statement", "The statement is not valid."))?;
    let mut present = members.iter().filter(|(_, value)| !value.is_null());
    let (Some((kind, body)), None) = (present.next(), present.next()) else {
        return Err(bad_parameter(
            "STATEMENT",
            "statement",
            "You have used none or multiple values for a field that requires exactly one value.",
        ));
    };
    if depth > MAX_DEPTH || (GROUPS.contains(&kind.as_str()) && (depth > 0 || place == Place::RuleGroup)) {
        return Err(bad_parameter("STATEMENT", kind, "A statement of this kind cannot be nested."));
    }
    unevaluated::check(kind, body)?;
    let nested = |inner: &Value| check_statement(account, inner, place, depth + 1);
    Ok(match kind.as_str() {
        "AndStatement" | "OrStatement" => {
            let parts = body.get("Statements").and_then(Value::as_array).filter(|parts| parts.len() >= 2);
            let parts = parts.ok_or_else(|| bad_parameter("STATEMENT", kind, "At least two statements are needed."))?;
            parts.iter().map(nested).sum::<Result<i64, _>>()?
        }
        "NotStatement" => nested(body.get("Statement").unwrap_or(&Value::Null))?,
        "RateBasedStatement" => rate_based(body)? + body.get("ScopeDownStatement").map_or(Ok(0), nested)?,
        "IPSetReferenceStatement" => ip_set(account, body)?,
        "RuleGroupReferenceStatement" => {
            let arn = required(body, "ARN")?;
            account.waf.rule_groups.get(id_of(arn)).map(|group| group.saved().capacity).ok_or_else(nonexistent)?
        }
        "ManagedRuleGroupStatement" => managed(body)?,
        "GeoMatchStatement" | "LabelMatchStatement" | "SizeConstraintStatement" => 1,
        "ByteMatchStatement" | "SqliMatchStatement" => 20,
        "RegexMatchStatement" => 3,
        "XssMatchStatement" => 40,
        _ => return Err(bad_parameter("STATEMENT", kind, "The statement is not valid.")),
    })
}

fn ip_set(account: &Account, body: &Value) -> Result<i64, AwsError> {
    let arn = required(body, "ARN")?;
    if !account.waf.ip_sets.contains_key(id_of(arn)) {
        return Err(nonexistent());
    }
    let any = body.get("IPSetForwardedIPConfig").and_then(|config| text(config, "Position")) == Some("ANY");
    Ok(if any { 6 } else { 2 })
}

/// Limit at least 10, window one of four (documented).
fn rate_based(body: &Value) -> Result<i64, AwsError> {
    let limit = integer(body, "Limit").unwrap_or(0);
    if !(10..=2_000_000_000).contains(&limit) {
        return Err(bad_parameter("RATE_BASED_STATEMENT", &limit.to_string(), "The rate limit is not valid."));
    }
    let window = integer(body, "EvaluationWindowSec").unwrap_or(300);
    if ![60, 120, 300, 600].contains(&window) {
        return Err(bad_parameter("RATE_BASED_STATEMENT", &window.to_string(), "The evaluation window is not valid."));
    }
    required(body, "AggregateKeyType").map(|_| 2)
}

/// Capacities of the managed groups that the range knows (documented); 50 for others.
fn managed(body: &Value) -> Result<i64, AwsError> {
    required(body, "VendorName")?;
    Ok(match required(body, "Name")? {
        "AWSManagedRulesCommonRuleSet" => 700,
        "AWSManagedRulesSQLiRuleSet" | "AWSManagedRulesKnownBadInputsRuleSet" => 200,
        "AWSManagedRulesAdminProtectionRuleSet" => 100,
        "AWSManagedRulesAmazonIpReputationList" => 25,
        _ => 50,
    })
}
