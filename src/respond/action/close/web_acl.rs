//! The prebuilt web ACL: found, and judged for whether it really closes.

use futures_util::future::join_all;
use ipnet::IpNet;

use crate::aws::{Aws, AwsError, Lane};
use crate::model::plan::Precondition;
use crate::model::settings::Settings;
use crate::model::waf::{Disposition, Rule, RuleAction, Statement, WebAcl};
use crate::respond::wiring;

/// What became of looking for the closed web ACL.
#[derive(Debug)]
pub(in crate::respond::action) enum Closed {
    /// Read.
    Found(WebAcl),
    /// Neither the configuration nor the action names one.
    Unnamed,
    /// None of that name.
    Missing(String),
    /// It could not be read.
    Unread(AwsError),
}

/// The closed web ACL that is named, by name or ARN, else the configuration's.
pub(in crate::respond::action) async fn find(aws: &Aws, settings: &Settings, named: Option<&str>) -> Closed {
    let Some(named) = named.or(settings.guards.closed_web_acl.as_deref()) else {
        return Closed::Unnamed;
    };
    let arn = if named.starts_with("arn:") {
        named.to_owned()
    } else {
        match aws.web_acls_named(named, Lane::Plan).await {
            Ok(found) => match found.into_iter().next() {
                Some(arn) => arn,
                None => return Closed::Missing(named.to_owned()),
            },
            Err(error) => return Closed::Unread(error),
        }
    };
    match aws.web_acl(&arn, Lane::Plan).await {
        Ok(acl) => Closed::Found(acl),
        Err(error) => Closed::Unread(error),
    }
}

/// What a web ACL does, for a plan's preconditions: an entry means something else under other rules.
#[must_use]
pub(in crate::respond::action) fn rules(acl: &WebAcl) -> Precondition {
    let rules: Vec<String> =
        acl.in_order().map(|rule| format!("{}: {}, {}", rule.name, rule.statement, rule.disposition)).collect();
    let expected = format!("default {}; {}", acl.default_action.word(), rules.join("; "));
    Precondition { subject: format!("rules of {}", acl.name), expected }
}

/// IP sets whose addresses a web ACL lets in.
#[must_use]
pub(in crate::respond::action) fn admitting_sets(acl: &WebAcl) -> Vec<String> {
    let mut sets = Vec::new();
    for rule in acl.in_order().filter(|rule| allows(rule)) {
        collect(&rule.statement, &mut sets);
    }
    sets
}

/// The rule by which a web ACL lets the addresses of an IP set in.
#[must_use]
pub(in crate::respond::action) fn admitting_rule<'a>(acl: &'a WebAcl, ip_set: &str) -> Option<&'a Rule> {
    acl.in_order().filter(|rule| allows(rule)).find(|rule| {
        let mut sets = Vec::new();
        collect(&rule.statement, &mut sets);
        sets.iter().any(|arn| arn == ip_set)
    })
}

/// The IP sets by which a web ACL blocks, and what keeps them from being all, a line each.
pub(in crate::respond::action) async fn blocking_sets(aws: &Aws, acl: &WebAcl) -> (Vec<String>, Vec<String>) {
    let groups = wiring::groups_of(acl);
    let read = join_all(groups.iter().map(|arn| aws.rule_group(arn, Lane::Plan))).await;
    let groups: wiring::RuleGroups =
        groups.into_iter().zip(read.into_iter().map(|r| r.map_err(|e| e.to_string()))).collect();
    let mut unclear: Vec<String> = groups.values().filter_map(|group| group.as_ref().err().cloned()).collect();
    let references = wiring::references(acl, &groups);
    let inverted = references.iter().filter(|r| matches!(r.standing, wiring::Standing::Inverted(_)));
    unclear.extend(inverted.map(|r| format!("rule {} keeps out everybody who is not in its list", r.rule)));
    let blocks =
        |r: &wiring::Reference| matches!(r.standing, wiring::Standing::Effective | wiring::Standing::Conditional(_));
    (references.into_iter().filter(blocks).map(|r| r.ip_set).collect(), unclear)
}

/// Whom a web ACL's lists block, each with the list, and what keeps them from being all, a line each.
pub(in crate::respond::action) async fn blocked(aws: &Aws, acl: &WebAcl) -> (Vec<(IpNet, String)>, Vec<String>) {
    let (mut arns, mut unclear) = blocking_sets(aws, acl).await;
    arns.sort();
    arns.dedup();
    let mut blocked = Vec::new();
    for read in join_all(arns.iter().map(|arn| aws.ip_set(arn, Lane::Plan))).await {
        match read {
            Ok(set) => {
                let nets = set.networks();
                if nets.len() < set.addresses.len() {
                    unclear.push(format!("{} holds entries that are not understood", set.name));
                }
                blocked.extend(nets.into_iter().map(|net| (net, set.name.clone())));
            }
            Err(error) => unclear.push(error.to_string()),
        }
    }
    (blocked, unclear)
}

/// Rules that may keep out an address which an IP set lets in: what ends evaluation before an Allow, and Allows that
/// ask for more than an address.
#[must_use]
pub(in crate::respond::action) fn hurdles(acl: &WebAcl) -> Vec<String> {
    let mut lines = Vec::new();
    let mut before = Vec::new();
    for rule in acl.in_order() {
        if allows(rule) {
            lines.extend(before.drain(..).map(|name| format!("rule {name} acts before {} lets anybody in", rule.name)));
            if !plain(&rule.statement) {
                lines.push(format!("rule {} requires more than an address", rule.name));
            }
        } else if acts(rule) {
            before.push(rule.name.clone());
        }
    }
    lines
}

/// An address in one of the sets is all that it takes.
fn plain(statement: &Statement) -> bool {
    match statement {
        Statement::IpSet { forwarded_header, .. } => forwarded_header.is_none(),
        Statement::Or(parts) => parts.iter().all(plain),
        _ => false,
    }
}

/// Whether a rule may end evaluation against a request.
fn acts(rule: &Rule) -> bool {
    match rule.disposition {
        Disposition::Action(action) => {
            matches!(action, RuleAction::Block | RuleAction::Captcha | RuleAction::Challenge)
        }
        Disposition::Group { count } => !count,
    }
}

/// What keeps a web ACL from being a closed one, a line each.
#[must_use]
pub(in crate::respond::action) fn openings(acl: &WebAcl) -> Vec<String> {
    let mut lines = Vec::new();
    if acl.default_action != RuleAction::Block {
        lines.push("its default action is not Block".to_owned());
    }
    for rule in acl.in_order() {
        match (&rule.statement, rule.disposition) {
            (statement, Disposition::Action(RuleAction::Allow)) if !only_addresses(statement) => {
                lines.push(format!("rule {} lets in by more than addresses", rule.name));
            }
            (Statement::RuleGroup { .. }, Disposition::Group { count: false }) => {
                lines.push(format!("rule group {} may let requests in", rule.name));
            }
            // What a vendor's rules do is not shown.
            (Statement::ManagedGroup { vendor, .. }, Disposition::Group { count: false }) if vendor != "AWS" => {
                lines.push(format!("rule group {} of {vendor} may let requests in", rule.name));
            }
            (Statement::ManagedGroup { overrides, .. }, _)
                if overrides.iter().any(|(_, a)| *a == RuleAction::Allow) =>
            {
                lines.push(format!("rule group {} has an override to Allow", rule.name));
            }
            _ => {}
        }
    }
    lines
}

/// Rules that keep callers out by where they come from, and not by a list: whom they mean today is not known here.
#[must_use]
pub(super) fn by_origin(acl: &WebAcl) -> Vec<String> {
    fn looks(statement: &Statement) -> bool {
        match statement {
            Statement::Label { .. } => true,
            Statement::Other(kind) => ["Geo", "Asn"].iter().any(|word| kind.contains(word)),
            Statement::And(parts) | Statement::Or(parts) => parts.iter().any(looks),
            Statement::Not(part) => looks(part),
            _ => false,
        }
    }
    acl.in_order().filter(|rule| acts(rule) && looks(&rule.statement)).map(|rule| rule.name.clone()).collect()
}

/// What a web ACL does beyond letting addresses in and out, a line a rule: what is lost when it is swapped out.
#[must_use]
pub(super) fn protections(acl: &WebAcl) -> Vec<String> {
    let more = |rule: &&Rule| !only_addresses(&rule.statement);
    acl.in_order().filter(|rule| acts(rule)).filter(more).map(|rule| rule.name.clone()).collect()
}

fn allows(rule: &Rule) -> bool {
    rule.disposition == Disposition::Action(RuleAction::Allow)
}

fn only_addresses(statement: &Statement) -> bool {
    match statement {
        // A header is whatever the client writes into it.
        Statement::IpSet { forwarded_header, .. } => forwarded_header.is_none(),
        Statement::Or(parts) => parts.iter().all(only_addresses),
        // Narrower than its addresses: whoever gets in has one of them.
        Statement::And(parts) => parts.iter().any(only_addresses),
        _ => false,
    }
}

fn collect(statement: &Statement, sets: &mut Vec<String>) {
    match statement {
        Statement::IpSet { arn, .. } => sets.push(arn.clone()),
        Statement::Or(parts) | Statement::And(parts) => parts.iter().for_each(|part| collect(part, sets)),
        _ => {}
    }
}

/// The part of `wanted` that no net of `inside` covers.
#[must_use]
pub(in crate::respond) fn uncovered(wanted: &[IpNet], inside: &[IpNet]) -> Vec<IpNet> {
    let inside = IpNet::aggregate(&inside.to_vec());
    wanted.iter().filter(|net| !inside.iter().any(|have| have.contains(*net))).copied().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rule(name: &str, statement: Statement, disposition: Disposition) -> Rule {
        Rule {
            name: name.into(),
            priority: 0,
            metric_name: name.into(),
            sampled: true,
            metered: true,
            labels: vec![],
            statement,
            disposition,
        }
    }

    fn set(arn: &str) -> Statement {
        Statement::IpSet { arn: arn.into(), forwarded_header: None }
    }

    fn acl(default_action: RuleAction, rules: Vec<Rule>) -> WebAcl {
        WebAcl {
            name: "closed".into(),
            id: "1".into(),
            arn: "arn".into(),
            metric_name: "closed".into(),
            sampled: true,
            metered: true,
            default_action,
            pre_process: vec![],
            rules,
            post_process: vec![],
            managed_by_firewall_manager: false,
        }
    }

    const ALLOW: Disposition = Disposition::Action(RuleAction::Allow);
    const BLOCK: Disposition = Disposition::Action(RuleAction::Block);

    #[test]
    fn closed_is_block_by_default_and_addresses_only() {
        let closed = acl(RuleAction::Block, vec![rule("ours", Statement::Or(vec![set("a"), set("b")]), ALLOW)]);
        assert_eq!(openings(&closed), Vec::<String>::new());
        assert_eq!(admitting_sets(&closed), ["a", "b"]);
        let ajar = acl(
            RuleAction::Allow,
            vec![
                rule("country", Statement::Other("GeoMatch"), ALLOW),
                rule("not", Statement::Not(Box::new(set("a"))), ALLOW),
                rule("or", Statement::Or(vec![set("a"), Statement::Other("GeoMatch")]), ALLOW),
                rule(
                    "group",
                    Statement::RuleGroup { arn: "g".into(), overrides: vec![] },
                    Disposition::Group { count: false },
                ),
            ],
        );
        assert_eq!(openings(&ajar).len(), 5);
        let vendor = Statement::ManagedGroup { vendor: "Somebody".into(), name: "x".into(), overrides: vec![] };
        let theirs = acl(RuleAction::Block, vec![rule("theirs", vendor, Disposition::Group { count: false })]);
        assert_eq!(openings(&theirs).len(), 1);
    }

    #[test]
    fn a_header_is_no_address_and_a_rule_in_front_is_a_hurdle() {
        let header = Statement::IpSet { arn: "a".into(), forwarded_header: Some("X-Forwarded-For".into()) };
        assert_eq!(openings(&acl(RuleAction::Block, vec![rule("spoofed", header, ALLOW)])).len(), 1);
        let managed = Statement::ManagedGroup { vendor: "AWS".into(), name: "Anonymous".into(), overrides: vec![] };
        let both = Statement::And(vec![set("a"), Statement::Other("GeoMatch")]);
        let behind = acl(
            RuleAction::Block,
            vec![rule("anonymous", managed, Disposition::Group { count: false }), rule("ours", both, ALLOW)],
        );
        assert_eq!(hurdles(&behind).len(), 2);
        assert_eq!(hurdles(&acl(RuleAction::Block, vec![rule("ours", set("a"), ALLOW)])), Vec::<String>::new());
    }

    #[test]
    fn what_is_swapped_out_is_named() {
        let managed = Statement::ManagedGroup { vendor: "AWS".into(), name: "SQLi".into(), overrides: vec![] };
        let own = acl(
            RuleAction::Allow,
            vec![
                rule("blocklist", set("a"), BLOCK),
                rule("sqli", managed.clone(), Disposition::Group { count: false }),
                rule("counted", managed, Disposition::Group { count: true }),
            ],
        );
        assert_eq!(protections(&own), ["sqli"]);
        assert_eq!(by_origin(&own), Vec::<String>::new());
        let geo = Statement::Not(Box::new(Statement::Other("GeoMatchStatement")));
        assert_eq!(by_origin(&acl(RuleAction::Allow, vec![rule("geo", geo, BLOCK)])), ["geo"]);
    }

    #[test]
    fn halves_cover_a_whole() {
        let nets = |texts: &[&str]| texts.iter().map(|t| t.parse().unwrap()).collect::<Vec<IpNet>>();
        assert_eq!(uncovered(&nets(&["192.0.2.0/24"]), &nets(&["192.0.2.0/25", "192.0.2.128/25"])), []);
        assert_eq!(uncovered(&nets(&["192.0.2.0/24"]), &nets(&["192.0.2.0/25"])), nets(&["192.0.2.0/24"]));
    }
}
