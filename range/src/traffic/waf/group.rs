//! Rule groups inside a web ACL: the account's own and AWS's managed ones.

use std::collections::HashMap;

use serde_json::Value;

use super::managed::{self, ManagedGroup};
use super::statement::{Facts, Statement};
use super::{Action, Counter, Reader, Verb, enabled, rule_labels};
use crate::state::Account;

/// A reference to a group, with the web ACL's changes to it.
pub(crate) struct Group {
    /// What comes before `#rule` in a sample: `AWS#Group` or the own group's name.
    prefix: String,
    scope: Option<Statement>,
    overrides: HashMap<String, Action>,
    body: Body,
}

enum Body {
    /// The rules, and the series of them all.
    Own(Vec<OwnRule>, usize),
    Managed(ManagedGroup),
    /// A managed group that the range does not know, or a group that is gone: matches nothing.
    Nothing,
}

struct OwnRule {
    name: String,
    labels: Vec<String>,
    statement: Statement,
    action: Action,
    /// Its series in the group's own metrics; `None` where they are off.
    series: Option<usize>,
}

/// A rule of the group that matched.
pub(crate) struct Hit {
    /// As samples name it: `AWS#Group#Rule` or `group#rule`.
    pub(crate) name: String,
    /// What it does here.
    pub(crate) action: Action,
    /// What it would have done, where the web ACL says otherwise.
    pub(crate) overrides: Option<Verb>,
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Group {
    /// Reads a `RuleGroupReferenceStatement` or `ManagedRuleGroupStatement`; `None` for any other statement.
    pub(super) fn read(statement: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let own = statement.get("RuleGroupReferenceStatement").filter(|body| !body.is_null());
        let managed = statement.get("ManagedRuleGroupStatement").filter(|body| !body.is_null());
        let json = own.or(managed)?;
        // Names are matched exactly; a misspelt one changes nothing and nobody is told (documented).
        let mut overrides: HashMap<String, Action> = HashMap::new();
        for excluded in json["ExcludedRules"].as_array().into_iter().flatten() {
            let name = excluded["Name"].as_str().unwrap_or("").to_owned();
            overrides.insert(name, Action { verb: Verb::Count, code: 200 });
        }
        for change in json["RuleActionOverrides"].as_array().into_iter().flatten() {
            if let (Some(name), Some(action)) = (change["Name"].as_str(), Action::read(&change["ActionToUse"])) {
                overrides.insert(name.to_owned(), action);
            }
        }
        let (prefix, body) = if own.is_some() {
            Self::own(json["ARN"].as_str().unwrap_or(""), reader)
        } else {
            let (vendor, name) = (json["VendorName"].as_str().unwrap_or("AWS"), json["Name"].as_str().unwrap_or(""));
            let body = managed::group(name).filter(|_| vendor == "AWS").map_or(Body::Nothing, Body::Managed);
            (format!("{vendor}#{name}"), body)
        };
        let scope = json.get("ScopeDownStatement").filter(|scope| !scope.is_null());
        let scope = scope.map(|scope| Statement::read(scope, reader));
        Some(Self { prefix, scope, overrides, body })
    }

    fn own(arn: &str, reader: &mut Reader<'_>) -> (String, Body) {
        let account: &Account = reader.account;
        let group = account.waf.rule_group_live(arn, reader.now).cloned();
        reader.groups.push((arn.to_owned(), group.clone()));
        let Some(group) = group else { return (String::new(), Body::Nothing) };
        let prefix = format!("awswaf:{}:rulegroup:{}", account.id, group.name);
        let around = std::mem::replace(&mut reader.context, prefix);
        let metric = group.body.get("VisibilityConfig").and_then(|visibility| visibility["MetricName"].as_str());
        let metric = metric.unwrap_or(&group.name);
        let all = reader.series(metric, "ALL");
        let mut rules: Vec<&Value> = group.rules.iter().collect();
        rules.sort_by_key(|rule| rule["Priority"].as_i64().unwrap_or(0));
        let rules = rules
            .into_iter()
            .map(|rule| {
                let name = rule["Name"].as_str().unwrap_or("").to_owned();
                reader.rule = format!("{}/{name}", group.name);
                let visibility = &rule["VisibilityConfig"];
                let own = visibility["MetricName"].as_str().unwrap_or(&name);
                OwnRule {
                    series: enabled(visibility, "CloudWatchMetricsEnabled").then(|| reader.series(metric, own)),
                    labels: rule_labels(rule, &reader.context),
                    statement: Statement::read(&rule["Statement"], reader),
                    action: Action::read(&rule["Action"]).unwrap_or(Action { verb: Verb::Count, code: 200 }),
                    name,
                }
            })
            .collect();
        reader.context = around;
        (group.name.clone(), Body::Own(rules, all))
    }

    /// Runs the group. Rules that match and do not end go to `counted`; the rule that ends is given back.
    pub(super) fn judge(&self, facts: &mut Facts<'_>, mut counted: impl FnMut(Hit, &[String])) -> Option<Hit> {
        if !self.scope.as_ref().is_none_or(|scope| facts.matches(scope)) {
            return None;
        }
        match &self.body {
            Body::Nothing => None,
            Body::Own(rules, all) => {
                let mut matched = false;
                for rule in rules {
                    if facts.matches(&rule.statement) {
                        matched = true;
                        facts.labels.extend(rule.labels.iter().cloned());
                        let hit = self.hit(&rule.name, rule.action);
                        let ends = hit.action.ends(facts.request);
                        let counter = Counter::of(hit.action.verb, ends);
                        facts.grouped.extend(rule.series.iter().chain([all]).map(|series| (*series, counter)));
                        if ends {
                            return Some(hit);
                        }
                        counted(hit, &facts.labels);
                    }
                }
                if !matched {
                    facts.grouped.push((*all, Counter::Passed));
                }
                None
            }
            Body::Managed(group) => {
                for rule in group.rules {
                    if rule.matches(facts.subject()) {
                        facts.labels.push(format!("awswaf:managed:aws:{}:{}", group.namespace, rule.label));
                        let hit = self.hit(rule.name, Action { verb: Verb::Block, code: 403 });
                        if hit.action.ends(facts.request) {
                            return Some(hit);
                        }
                        counted(hit, &facts.labels);
                    }
                }
                None
            }
        }
    }

    fn hit(&self, rule: &str, own: Action) -> Hit {
        let changed = self.overrides.get(rule).copied();
        Hit {
            name: format!("{}#{rule}", self.prefix),
            action: changed.unwrap_or(own),
            overrides: changed.filter(|action| *action != own).map(|_| own.verb),
        }
    }

    /// Whether any rule asks for the country.
    pub(super) fn uses_geo(&self) -> bool {
        let own = matches!(&self.body, Body::Own(rules, _) if rules.iter().any(|rule| rule.statement.uses_geo()));
        own || self.scope.as_ref().is_some_and(Statement::uses_geo)
    }
}
