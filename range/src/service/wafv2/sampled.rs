//! What WAF tells of traffic: sampled requests and rate-limited addresses.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::{Outcome, item, nonexistent, scope};
use crate::error::AwsError;
use crate::service::common::{integer, invalid, missing, required, text};
use crate::state::samples::{Sample, SampleStore};
use crate::state::{Account, Live, WebAcl};
use crate::wire::Tree;

/// At most so many rows (documented).
const MAX_ITEMS: i64 = 500;

pub(super) fn requests(account: &Account, input: &Value) -> Outcome {
    scope(input)?;
    let rule = required(input, "RuleMetricName")?;
    let max_items = integer(input, "MaxItems").ok_or_else(|| missing("MaxItems"))?;
    if !(1..=MAX_ITEMS).contains(&max_items) {
        return Err(invalid("MaxItems", &max_items.to_string(), "Member must have value between 1 and 500"));
    }
    let acl: &WebAcl = item::by_arn(account, required(input, "WebAclArn")?)?;
    let window = input.get("TimeWindow").ok_or_else(|| missing("TimeWindow"))?;
    let (from, to) = (moment(window, "StartTime")?, moment(window, "EndTime")?);
    // A start too far back is moved, not refused (documented).
    let from = from.max(account.now - Duration::hours(SampleStore::RETENTION_HOURS));
    if to <= from {
        return Err(super::bad_parameter("WEB_ACL", "TimeWindow", "The time window is not valid."));
    }
    if !knows_metric(account, acl, rule) {
        return Err(nonexistent());
    }
    let limit = u64::try_from(max_items).unwrap_or(1);
    let drawn = account.samples.draw(&acl.arn, rule, from, to.min(account.now.max(from)), limit);
    let end = if drawn.to < to.min(account.now.max(from)) { drawn.to } else { to };
    Ok(json!({
        "SampledRequests": drawn.rows.iter().map(|(sample, weight)| row(sample, *weight)).collect::<Vec<_>>(),
        "PopulationSize": drawn.population,
        "TimeWindow": {"StartTime": seconds(drawn.from), "EndTime": seconds(end)},
    }))
}

fn seconds(at: DateTime<Utc>) -> Value {
    Tree::Time(at).into_json()
}

fn moment(window: &Value, member: &str) -> Result<DateTime<Utc>, AwsError> {
    let value = window.get(member).ok_or_else(|| missing(&format!("timeWindow.{member}")))?;
    let number = value.as_f64().and_then(|seconds| {
        // Any moment that chrono can hold fits; a number beyond it becomes none.
        #[allow(clippy::cast_possible_truncation)]
        let millis = (seconds * 1e3) as i64;
        DateTime::from_timestamp_millis(millis)
    });
    let parsed = || value.as_str().and_then(|text| text.parse().ok());
    number.or_else(parsed).ok_or_else(|| AwsError::bad("SerializationException", "The timestamp is not valid."))
}

/// Whether a metric name is the web ACL's own, one of its rules', or one that samples were recorded under. AWS answers
/// an unknown name as something that does not exist (unverified).
fn knows_metric(account: &Account, acl: &WebAcl, metric: &str) -> bool {
    let of_rule = |rule: &Value| rule.pointer("/VisibilityConfig/MetricName").and_then(Value::as_str) == Some(metric);
    acl.metric_name() == metric
        || acl.rules.iter().any(of_rule)
        || account.samples.has(&acl.arn, metric)
        || account.waf.rule_groups.values().any(|group| group.saved().rules.iter().any(of_rule))
}

fn row(sample: &Sample, weight: u64) -> Value {
    let headers: Vec<Value> =
        sample.request.headers.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
    let mut row = json!({
        "Request": {
            "ClientIP": sample.client_ip.to_string(),
            "Country": *sample.country,
            "URI": sample.request.uri,
            "Method": sample.request.method,
            "HTTPVersion": sample.request.http_version,
            "Headers": headers,
        },
        "Weight": weight,
        "Timestamp": seconds(sample.at),
        "Action": sample.verdict.action,
    });
    if let Some(rule) = &sample.verdict.rule_within_group {
        row["RuleNameWithinRuleGroup"] = rule.clone().into();
    }
    if let Some(code) = sample.verdict.response_code {
        row["ResponseCodeSent"] = code.into();
    }
    if let Some(action) = &sample.verdict.overridden_action {
        row["OverriddenAction"] = action.clone().into();
    }
    if !sample.verdict.labels.is_empty() {
        row["Labels"] = sample.verdict.labels.iter().map(|label| json!({"Name": label})).collect();
    }
    row
}

/// Addresses that a rate-based rule limits just now; only where it aggregates by address (documented).
pub(super) fn managed_keys(account: &Account, input: &Value) -> Outcome {
    scope(input)?;
    let (name, id) = (required(input, "WebACLName")?, required(input, "WebACLId")?);
    let rule_name = required(input, "RuleName")?;
    let acl = account.waf.web_acls.get(id).map(|live| &**live.saved()).filter(|acl| acl.name == name);
    let acl = acl.ok_or_else(nonexistent)?;
    let named = |rules: &'_ [Value], name: &str| -> Option<Value> {
        rules.iter().find(|rule| rule.get("Name").and_then(Value::as_str) == Some(name)).cloned()
    };
    // Inside a rule group the rule that refers to the group is named as well (documented).
    let (rule, key) = match text(input, "RuleGroupRuleName") {
        None => (named(&acl.rules, rule_name), rule_name.to_owned()),
        Some(reference) => {
            let reference = named(&acl.rules, reference).ok_or_else(nonexistent)?;
            let arn = reference.pointer("/Statement/RuleGroupReferenceStatement/ARN").and_then(Value::as_str);
            let group = account.waf.rule_groups.values().map(Live::saved).find(|group| Some(group.arn.as_str()) == arn);
            let group = group.ok_or_else(nonexistent)?;
            (named(&group.rules, rule_name), format!("{}/{rule_name}", group.name))
        }
    };
    let statement = rule.as_ref().and_then(|rule| rule.pointer("/Statement/RateBasedStatement"));
    let statement = statement.ok_or_else(nonexistent)?;
    if !["IP", "FORWARDED_IP"].contains(&statement.get("AggregateKeyType").and_then(Value::as_str).unwrap_or("")) {
        let message = "The rule's aggregate key type is not one that addresses can be listed for.";
        return Err(AwsError::bad("WAFUnsupportedAggregateKeyTypeException", message));
    }
    let limited = account.waf.rate_limited.get(&(acl.arn.clone(), key));
    let of = |v4: bool| -> Vec<String> {
        let all = limited.into_iter().flatten().filter(|address| address.is_ipv4() == v4);
        all.map(|address| format!("{address}/{}", if v4 { 32 } else { 128 })).collect()
    };
    Ok(json!({
        "ManagedKeysIPV4": {"IPAddressVersion": "IPV4", "Addresses": of(true)},
        "ManagedKeysIPV6": {"IPAddressVersion": "IPV6", "Addresses": of(false)},
    }))
}
