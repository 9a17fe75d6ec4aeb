//! WAFv2 out of a scenario's short forms: exactly the JSON that the API would hold.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::scenario::{OverrideSpec, RuleSpec, WorldSpec};
use crate::state::{Account, IpVersion};

/// What raw statements write before the name of an IP set or rule group to have its ARN.
const ARN_PREFIX: &str = "ARN:";

/// ARNs by name.
struct Arns {
    ip_sets: BTreeMap<String, String>,
    rule_groups: BTreeMap<String, String>,
}

/// Creates IP sets, rule groups and web ACLs; gives the web ACLs' ARNs by name.
pub(super) fn build(account: &mut Account, world: &WorldSpec) -> BTreeMap<String, String> {
    let mut arns = Arns { ip_sets: BTreeMap::new(), rule_groups: BTreeMap::new() };
    for spec in &world.ip_sets {
        let version = if spec.version.get_ref() == "IPV6" { IpVersion::V6 } else { IpVersion::V4 };
        let addresses: Vec<String> = spec.addresses.iter().map(|net| net.get_ref().to_string()).collect();
        let id = account.create_ip_set(spec.name.get_ref(), version, &addresses);
        if !spec.description.is_empty() {
            account.write_ip_set(&id, &addresses, Some(spec.description.clone()));
        }
        if let Some(set) = account.waf.ip_sets.get(&id) {
            arns.ip_sets.insert(spec.name.get_ref().clone(), set.saved().arn.clone());
        }
    }
    for spec in &world.rule_groups {
        let name = spec.name.get_ref();
        let rules = rules(&spec.rules, &arns);
        let id = account.create_rule_group(name, i64::from(spec.capacity), rules, body(name, &spec.description, None));
        if let Some(group) = account.waf.rule_groups.get(&id) {
            arns.rule_groups.insert(name.clone(), group.saved().arn.clone());
        }
    }
    let mut acls = BTreeMap::new();
    for spec in &world.web_acls {
        let name = spec.name.get_ref();
        let mut body = body(name, &spec.description, spec.metric_name.as_deref());
        body.insert("DefaultAction".to_owned(), json!({ spec.default_action.aws(): {} }));
        let id = account.create_web_acl(name, rules(&spec.rules, &arns), body);
        if let Some(acl) = account.waf.web_acls.get(&id) {
            acls.insert(name.clone(), acl.saved().arn.clone());
        }
    }
    acls
}

fn body(name: &str, description: &str, metric: Option<&str>) -> Map<String, Value> {
    let mut body = Map::new();
    if !description.is_empty() {
        body.insert("Description".to_owned(), json!(description));
    }
    body.insert("VisibilityConfig".to_owned(), visibility(metric.unwrap_or(name)));
    body
}

fn visibility(metric: &str) -> Value {
    json!({ "SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": metric })
}

fn rules(specs: &[RuleSpec], arns: &Arns) -> Vec<Value> {
    specs.iter().enumerate().map(|(at, spec)| rule(spec, at * 10, arns)).collect()
}

fn rule(spec: &RuleSpec, priority: usize, arns: &Arns) -> Value {
    let name = spec.name.get_ref();
    let mut rule = json!({ "Name": name, "Priority": priority, "Statement": statement(spec, arns) });
    if let Some(action) = spec.action {
        rule["Action"] = json!({ action.aws(): {} });
    } else {
        let count = spec.override_action == Some(OverrideSpec::Count);
        rule["OverrideAction"] = if count { json!({ "Count": {} }) } else { json!({ "None": {} }) };
    }
    rule["VisibilityConfig"] = visibility(name);
    rule
}

fn statement(spec: &RuleSpec, arns: &Arns) -> Value {
    let set = |name: &str| json!({ "IPSetReferenceStatement": { "ARN": arns.ip_sets.get(name) } });
    if let Some(name) = &spec.ip_set {
        return set(name.get_ref());
    }
    if let Some(name) = &spec.not_ip_set {
        return json!({ "NotStatement": { "Statement": set(name.get_ref()) } });
    }
    if let Some(rate) = &spec.rate {
        return json!({ "RateBasedStatement": {
            "Limit": rate.limit, "EvaluationWindowSec": rate.window.seconds, "AggregateKeyType": "IP",
        } });
    }
    if let Some(countries) = &spec.countries {
        return json!({ "GeoMatchStatement": { "CountryCodes": countries } });
    }
    let (kind, mut group) = match (&spec.managed, &spec.rule_group) {
        (Some(name), _) => ("ManagedRuleGroupStatement", json!({ "VendorName": "AWS", "Name": name })),
        (None, Some(name)) => ("RuleGroupReferenceStatement", json!({ "ARN": arns.rule_groups.get(name.get_ref()) })),
        (None, None) => {
            let mut raw = spec.statement.clone().unwrap_or(Value::Null);
            name_arns(&mut raw, arns);
            return raw;
        }
    };
    if !spec.count_rules.is_empty() {
        let count = |name: &String| json!({ "Name": name, "ActionToUse": { "Count": {} } });
        group["RuleActionOverrides"] = spec.count_rules.iter().map(count).collect();
    }
    json!({ kind: group })
}

/// Puts ARNs where a raw statement names an IP set or a rule group.
fn name_arns(json: &mut Value, arns: &Arns) {
    match json {
        Value::String(text) => {
            let name = text.strip_prefix(ARN_PREFIX);
            if let Some(arn) = name.and_then(|name| arns.ip_sets.get(name).or_else(|| arns.rule_groups.get(name))) {
                text.clone_from(arn);
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|inner| name_arns(inner, arns)),
        Value::Object(all) => all.values_mut().for_each(|inner| name_arns(inner, arns)),
        _ => {}
    }
}
