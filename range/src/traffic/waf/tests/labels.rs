//! Labels: `waf-rule-label-match.html`, `waf-rule-label-match-examples.html`, `waf-rule-label-requirements.html`.

use super::*;
use crate::traffic::waf::statement::Statement;

/// Leaves are nothing here; labels are matched in this context.
struct Context(&'static str);

impl Leaves for Context {
    fn ip_set(&mut self, _: &Value) -> usize {
        0
    }

    fn rate(&mut self, _: &Value) -> usize {
        0
    }

    fn context(&self) -> &str {
        self.0
    }
}

/// Whether a label of the request is found by a statement that stands in a context.
fn found(context: &'static str, scope: &str, key: &str, label: &str) -> bool {
    let json = json!({"LabelMatchStatement": {"Scope": scope, "Key": key}});
    crate::service::wafv2::evaluable(&json).unwrap();
    let statement = Statement::read(&json, &mut Context(context));
    let (request, places) = (Request::default(), Places::default());
    let mut facts = Facts::new(Subject { request: &request, body_limit: 0 }, "", &places, &[]);
    facts.labels.push(label.to_owned());
    facts.matches(&statement)
}

const ACL: &str = "awswaf:111122223333:webacl:testWebACL";
const GROUP: &str = "awswaf:111122223333:rulegroup:testRules";

/// Every example of `waf-rule-label-match-examples.html`, and its neighbours.
#[test]
fn the_documented_examples_match() {
    let (label, namespace) = ("LABEL", "NAMESPACE");
    let managed = "awswaf:managed:aws:managed-rule-set:header:";
    let of_group = "awswaf:111122223333:rulegroup:testRules:header:encoding:utf8";
    let cases = [
        // Match against a local label.
        (label, "header:encoding:utf8", "awswaf:111122223333:webacl:testWebACL:header:encoding:utf8", true),
        (
            label,
            "header:encoding:utf8",
            "awswaf:111122223333:webacl:testWebACL:testNS1:testNS2:header:encoding:utf8",
            true,
        ),
        (label, "header:encoding:utf8", "awswaf:111122223333:webacl:testWebACL:header:encoding2:utf8", false),
        (label, "header:encoding:utf8", "awswaf:111122223333:rulegroup:productionRules:header:encoding:utf8", false),
        (label, "encoding:utf8", "awswaf:111122223333:webacl:testWebACL:header:encoding:utf8", true),
        (label, "coding:utf8", "awswaf:111122223333:webacl:testWebACL:header:encoding:utf8", false),
        (label, "utf8", "awswaf:111122223333:webacl:testWebACL:utf8", true),
        (label, "UTF8", "awswaf:111122223333:webacl:testWebACL:utf8", false),
        (label, "header:encoding", "awswaf:111122223333:webacl:testWebACL:header:encoding:utf8", false),
        (label, "testWebACL:utf8", "awswaf:111122223333:webacl:testWebACL:utf8", false),
        (label, "header:encoding:utf8", "awswaf:111122223333:webacl:testWebACL2:header:encoding:utf8", false),
        (namespace, "header:encoding", "awswaf:111122223333:webacl:testWebACL2:header:encoding:utf8", false),
        // Match against a label from another context.
        (label, of_group, of_group, true),
        (label, of_group, "awswaf:111122223333:rulegroup:testRules:more:header:encoding:utf8", false),
        (label, "header:encoding:utf8", of_group, false),
        // Match against a managed rule group label.
        (
            label,
            "awswaf:managed:aws:managed-rule-set:header:encoding:utf8",
            "awswaf:managed:aws:managed-rule-set:header:encoding:utf8",
            true,
        ),
        (label, "header:encoding:utf8", "awswaf:managed:aws:managed-rule-set:header:encoding:utf8", false),
        // Match against a local namespace.
        (namespace, "header:encoding:", "awswaf:111122223333:webacl:testWebACL:header:encoding:utf8", true),
        (namespace, "header:encoding", "awswaf:111122223333:webacl:testWebACL:header:encoding:utf8", true),
        (namespace, "header:encoding:", "awswaf:444455556666:webacl:testWebACL:header:encoding:utf8", false),
        (namespace, "header:encoding:", "awswaf:managed:aws:managed-rule-set:header:encoding:utf8", false),
        (namespace, "encoding:", "awswaf:111122223333:webacl:testWebACL:header:encoding:utf8", true),
        (namespace, "header:", "awswaf:111122223333:webacl:testWebACL:header:encoding:utf8", true),
        (namespace, "head", "awswaf:111122223333:webacl:testWebACL:header:encoding:utf8", false),
        (namespace, "utf8", "awswaf:111122223333:webacl:testWebACL:header:encoding:utf8", false),
        (namespace, "a:c", "awswaf:111122223333:webacl:testWebACL:a:b:c:name", false),
        (namespace, "utf8", "awswaf:111122223333:webacl:testWebACL:utf8", false),
        // Match against a managed rule group namespace.
        (namespace, managed, "awswaf:managed:aws:managed-rule-set:header:encoding:utf8", true),
        (namespace, managed, "awswaf:managed:aws:managed-rule-set:header:encoding:unicode", true),
        (namespace, managed, "awswaf:managed:aws:managed-rule-set:query:badstring", false),
        (namespace, "awswaf:111122223333:webacl:testWebACL:", "awswaf:111122223333:webacl:testWebACL:utf8", true),
        (namespace, "awswaf:111122223333:webacl:testWebACL:", "awswaf:111122223333:webacl:testWebACL2:utf8", false),
    ];
    for (scope, key, label, expected) in cases {
        assert_eq!(found(ACL, scope, key, label), expected, "{scope} {key} of {label}");
    }
}

/// A rule inside a rule group uses the group's prefix, not the web ACL's.
#[test]
fn a_rule_group_is_a_context_of_its_own() {
    assert!(found(GROUP, "LABEL", "ns:name", "awswaf:111122223333:rulegroup:testRules:ns:name"));
    assert!(!found(GROUP, "LABEL", "ns:name", "awswaf:111122223333:webacl:testWebACL:ns:name"));
    let mut world = World::new();
    let mut first = rule("first", 0, &world.ip(), "Count");
    first["RuleLabels"] = json!([{"Name": "mine"}]);
    let label = json!({"LabelMatchStatement": {"Scope": "LABEL", "Key": "mine"}});
    let mut body = Map::new();
    body.insert("VisibilityConfig".into(), visibility("group"));
    let inner = vec![first.clone(), rule("second", 1, &label, "Block")];
    let id = world.account.create_rule_group("group", 10, inner, body);
    let arn = world.account.waf.rule_groups[&id].saved().arn.clone();
    world.account.settle();
    let reference = json!({"Name": "g", "Priority": 2, "Statement": {"RuleGroupReferenceStatement": {"ARN": arn}},
        "OverrideAction": {"None": {}}, "VisibilityConfig": visibility("g")});
    let acl = world.acl(vec![reference.clone()]);
    assert!(!judge(&acl, &plain(), ATTACKER).passed, "in its own context");
    assert!(judge(&acl, &plain(), CALLER).passed);
    let mut count = reference;
    count["OverrideAction"] = json!({"Count": {}});
    let acl = world.acl(vec![count.clone(), rule("after", 3, &label, "Block")]);
    assert!(judge(&acl, &plain(), ATTACKER).passed, "the web ACL's context is another");
    let acl = world.acl(vec![first, rule("after", 3, &label, "Block")]);
    assert!(!judge(&acl, &plain(), ATTACKER).passed, "a label of the web ACL's own");
    let full = format!("awswaf:{}:rulegroup:group:mine", world.account.id);
    let full = json!({"LabelMatchStatement": {"Scope": "LABEL", "Key": full}});
    let acl = world.acl(vec![count, rule("after", 3, &full, "Block")]);
    assert!(!judge(&acl, &plain(), ATTACKER).passed, "the whole label");
}
