//! From the SDK's rule types to ours. What the console cannot reason about is kept by its name.

use aws_sdk_wafv2::types as sdk;

use crate::model::waf::{Disposition, RateKey, Rule, RuleAction, RuleGroup, Statement, WebAcl};

pub(super) fn web_acl(acl: &sdk::WebAcl) -> WebAcl {
    let firewall_manager =
        |groups: &[sdk::FirewallManagerRuleGroup]| sorted(groups.iter().map(firewall_manager_rule).collect());
    let visibility = acl.visibility_config();
    WebAcl {
        name: acl.name().to_owned(),
        id: acl.id().to_owned(),
        arn: acl.arn().to_owned(),
        metric_name: visibility.map_or_else(String::new, |v| v.metric_name().to_owned()),
        sampled: visibility.is_some_and(sdk::VisibilityConfig::sampled_requests_enabled),
        metered: visibility.is_some_and(sdk::VisibilityConfig::cloud_watch_metrics_enabled),
        default_action: match acl.default_action() {
            Some(action) if action.block().is_some() => RuleAction::Block,
            _ => RuleAction::Allow,
        },
        pre_process: firewall_manager(acl.pre_process_firewall_manager_rule_groups()),
        rules: sorted(acl.rules().iter().map(rule).collect()),
        post_process: firewall_manager(acl.post_process_firewall_manager_rule_groups()),
        managed_by_firewall_manager: acl.managed_by_firewall_manager(),
    }
}

pub(super) fn rule_group(group: &sdk::RuleGroup) -> RuleGroup {
    RuleGroup {
        name: group.name().to_owned(),
        arn: group.arn().to_owned(),
        rules: sorted(group.rules().iter().map(rule).collect()),
    }
}

fn sorted(mut rules: Vec<Rule>) -> Vec<Rule> {
    rules.sort_by_key(|rule| rule.priority);
    rules
}

fn rule(rule: &sdk::Rule) -> Rule {
    let disposition = match (rule.action(), rule.override_action()) {
        (Some(action), _) => rule_action(action).map_or(Disposition::Action(RuleAction::Count), Disposition::Action),
        (None, over) => Disposition::Group { count: over.is_some_and(|o| o.count().is_some()) },
    };
    let visibility = rule.visibility_config();
    Rule {
        name: rule.name().to_owned(),
        priority: i64::from(rule.priority()),
        metric_name: visibility.map_or_else(|| rule.name().to_owned(), |v| v.metric_name().to_owned()),
        sampled: visibility.is_some_and(sdk::VisibilityConfig::sampled_requests_enabled),
        metered: visibility.is_some_and(sdk::VisibilityConfig::cloud_watch_metrics_enabled),
        labels: rule.rule_labels().iter().map(|label| label.name().to_owned()).collect(),
        statement: rule.statement().map_or(Statement::Other("no statement"), statement),
        disposition,
    }
}

fn firewall_manager_rule(group: &sdk::FirewallManagerRuleGroup) -> Rule {
    let inner = group.firewall_manager_statement();
    let statement = inner
        .and_then(|s| s.rule_group_reference_statement().map(group_reference))
        .or_else(|| inner.and_then(|s| s.managed_rule_group_statement().map(managed)))
        .unwrap_or(Statement::Other("Firewall Manager"));
    Rule {
        name: group.name().to_owned(),
        priority: i64::from(group.priority()),
        metric_name: group.visibility_config().map_or_else(String::new, |v| v.metric_name().to_owned()),
        sampled: group.visibility_config().is_some_and(sdk::VisibilityConfig::sampled_requests_enabled),
        metered: group.visibility_config().is_some_and(sdk::VisibilityConfig::cloud_watch_metrics_enabled),
        labels: Vec::new(),
        statement,
        disposition: Disposition::Group { count: group.override_action().is_some_and(|o| o.count().is_some()) },
    }
}

fn rule_action(action: &sdk::RuleAction) -> Option<RuleAction> {
    let table = [
        (action.block().is_some(), RuleAction::Block),
        (action.allow().is_some(), RuleAction::Allow),
        (action.count().is_some(), RuleAction::Count),
        (action.captcha().is_some(), RuleAction::Captcha),
        (action.challenge().is_some(), RuleAction::Challenge),
    ];
    table.into_iter().find(|(set, _)| *set).map(|(_, action)| action)
}

fn statement(s: &sdk::Statement) -> Statement {
    if let Some(reference) = s.ip_set_reference_statement() {
        let forwarded = reference.ip_set_forwarded_ip_config();
        return Statement::IpSet {
            arn: reference.arn().to_owned(),
            forwarded_header: forwarded.map(|f| f.header_name().to_owned()),
        };
    }
    if let Some(reference) = s.rule_group_reference_statement() {
        return group_reference(reference);
    }
    if let Some(group) = s.managed_rule_group_statement() {
        return managed(group);
    }
    if let Some(rate) = s.rate_based_statement() {
        return Statement::RateBased {
            limit: rate.limit(),
            window_seconds: if rate.evaluation_window_sec() == 0 { 300 } else { rate.evaluation_window_sec() },
            by: rate_key(rate.aggregate_key_type()),
            scope_down: rate.scope_down_statement().map(|inner| Box::new(statement(inner))),
        };
    }
    if let Some(and) = s.and_statement() {
        return Statement::And(and.statements().iter().map(statement).collect());
    }
    if let Some(or) = s.or_statement() {
        return Statement::Or(or.statements().iter().map(statement).collect());
    }
    if let Some(inner) = s.not_statement().and_then(|not| not.statement()) {
        return Statement::Not(Box::new(statement(inner)));
    }
    if let Some(label) = s.label_match_statement() {
        let namespace = *label.scope() == sdk::LabelMatchScope::Namespace;
        return Statement::Label { key: label.key().to_owned(), namespace };
    }
    Statement::Other(other(s))
}

fn rate_key(of: &sdk::RateBasedStatementAggregateKeyType) -> RateKey {
    match of {
        sdk::RateBasedStatementAggregateKeyType::Ip => RateKey::ClientAddress,
        sdk::RateBasedStatementAggregateKeyType::ForwardedIp => RateKey::ForwardedAddress,
        _ => RateKey::Other,
    }
}

/// The name of a statement that the console does not reason about.
fn other(s: &sdk::Statement) -> &'static str {
    let table = [
        (s.byte_match_statement().is_some(), "ByteMatchStatement"),
        (s.sqli_match_statement().is_some(), "SqliMatchStatement"),
        (s.xss_match_statement().is_some(), "XssMatchStatement"),
        (s.size_constraint_statement().is_some(), "SizeConstraintStatement"),
        (s.geo_match_statement().is_some(), "GeoMatchStatement"),
        (s.regex_pattern_set_reference_statement().is_some(), "RegexPatternSetReferenceStatement"),
        (s.regex_match_statement().is_some(), "RegexMatchStatement"),
        (s.asn_match_statement().is_some(), "AsnMatchStatement"),
    ];
    table.into_iter().find(|(set, _)| *set).map_or("an unknown statement", |(_, name)| name)
}

fn group_reference(reference: &sdk::RuleGroupReferenceStatement) -> Statement {
    Statement::RuleGroup {
        arn: reference.arn().to_owned(),
        overrides: overrides(reference.rule_action_overrides(), reference.excluded_rules()),
    }
}

fn managed(group: &sdk::ManagedRuleGroupStatement) -> Statement {
    Statement::ManagedGroup {
        vendor: group.vendor_name().to_owned(),
        name: group.name().to_owned(),
        overrides: overrides(group.rule_action_overrides(), group.excluded_rules()),
    }
}

/// Excluded rules count instead of acting: an older way to say the same (documented).
fn overrides(overrides: &[sdk::RuleActionOverride], excluded: &[sdk::ExcludedRule]) -> Vec<(String, RuleAction)> {
    let stated = overrides.iter().filter_map(|o| Some((o.name().to_owned(), rule_action(o.action_to_use()?)?)));
    stated.chain(excluded.iter().map(|e| (e.name().to_owned(), RuleAction::Count))).collect()
}
