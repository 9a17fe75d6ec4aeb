//! Is an IP set in the way of anybody? The walk through a web ACL's rules that answers it.
//!
//! Pure: works on rules that were read, knows nothing of AWS calls. The order of evaluation, what terminates and what
//! an override does are documented (WAF guide, `RuleAction`, `OverrideAction`); the verdicts drawn from them are
//! inferred.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::waf::{Disposition, Rule, RuleAction, RuleGroup, Statement, WebAcl};

/// How an IP set stands in a web ACL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// An address in it is blocked.
    Effective,
    /// An address in it is blocked only where something else matches too.
    Conditional(String),
    /// It is referenced, but nothing is blocked by it.
    Ineffective(String),
    /// An address *not* in it is acted on: adding an attacker would let the attacker in.
    Inverted(String),
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Effective => write!(f, "blocks"),
            Self::Conditional(why) => write!(f, "blocks only in part: {why}"),
            Self::Ineffective(why) => write!(f, "blocks nobody: {why}"),
            Self::Inverted(why) => write!(f, "acts on everybody not in it: {why}"),
        }
    }
}

/// One reference to an IP set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The IP set's ARN.
    pub ip_set: String,
    /// The rule, as a person finds it: `rule` or `group / rule`.
    pub rule: String,
    /// The metric name under which WAF samples and counts the rule at the level of the ACL.
    pub metric_name: String,
    /// How it stands.
    pub standing: Standing,
    /// Rules that run earlier and could let a request through before this one is reached.
    pub earlier_allows: Vec<String>,
    /// Earlier groups that could not be read: they may hold an Allow.
    pub unread_before: Vec<String>,
}

/// Rule groups by ARN: read, or the reason why not.
pub type RuleGroups = BTreeMap<String, Result<RuleGroup, String>>;

/// Every reference to an IP set in `acl`, in the order of evaluation.
#[must_use]
pub fn references(acl: &WebAcl, groups: &RuleGroups) -> Vec<Reference> {
    let mut walk =
        Walk { acl: &acl.name, groups, found: Vec::new(), tagged: Vec::new(), allows: Vec::new(), unread: Vec::new() };
    for rule in acl.in_order() {
        walk.rule(rule);
    }
    walk.found
}

/// ARNs of the rule groups that must be read to judge `acl`.
#[must_use]
pub fn groups_of(acl: &WebAcl) -> Vec<String> {
    let group = |rule: &Rule| match &rule.statement {
        Statement::RuleGroup { arn, .. } => Some(arn.clone()),
        _ => None,
    };
    acl.in_order().filter_map(group).collect()
}

struct Walk<'a> {
    acl: &'a str,
    groups: &'a RuleGroups,
    found: Vec<Reference>,
    /// IP sets whose rules only count, and what they mark requests with.
    tagged: Vec<Tagged>,
    allows: Vec<String>,
    unread: Vec<String>,
}

impl Walk<'_> {
    fn rule(&mut self, rule: &Rule) {
        match (&rule.statement, rule.disposition) {
            (Statement::RuleGroup { arn, overrides }, disposition) => self.group(rule, arn, overrides, disposition),
            (Statement::ManagedGroup { vendor, overrides, .. }, disposition) => {
                // What a vendor's rules do is not shown; those of AWS let nobody in.
                if vendor != "AWS" && disposition != (Disposition::Group { count: true }) {
                    self.unread.push(rule.name.clone());
                }
                if overrides.iter().any(|(_, action)| *action == RuleAction::Allow) {
                    self.allows.push(format!("{} (an override to Allow)", rule.name));
                }
            }
            (statement, Disposition::Action(action)) => {
                let label = Label { names: &rule.labels, of: format!(":webacl:{}:", self.acl), outer: true };
                self.collect(statement, (&rule.name, &rule.metric_name), action, &label);
                self.by_label(rule, action);
                if action == RuleAction::Allow {
                    self.allows.push(rule.name.clone());
                }
            }
            // A group that is neither: its rules are not known.
            (_, Disposition::Group { count }) => {
                if !count {
                    self.unread.push(rule.name.clone());
                }
            }
        }
    }

    /// Groups are never nested (documented), so one level is all there is.
    fn group(&mut self, outer: &Rule, arn: &str, overrides: &[(String, RuleAction)], disposition: Disposition) {
        let Some(Ok(group)) = self.groups.get(arn) else {
            self.unread.push(outer.name.clone());
            return;
        };
        let counts_whole = matches!(disposition, Disposition::Group { count: true });
        for rule in &group.rules {
            let Disposition::Action(own) = rule.disposition else { continue };
            let overridden = overrides.iter().find(|(name, _)| *name == rule.name).map(|(_, action)| *action);
            let action = if counts_whole { RuleAction::Count } else { overridden.unwrap_or(own) };
            let name = format!("{} / {}", outer.name, rule.name);
            let label = Label { names: &rule.labels, of: format!(":rulegroup:{}:", group.name), outer: false };
            self.collect(&rule.statement, (&name, &outer.metric_name), action, &label);
            self.by_label(&Rule { name: name.clone(), metric_name: outer.metric_name.clone(), ..rule.clone() }, action);
            if action == RuleAction::Allow {
                self.allows.push(name);
            }
        }
    }

    fn collect(
        &mut self,
        statement: &Statement,
        (rule, metric_name): (&str, &str),
        action: RuleAction,
        label: &Label<'_>,
    ) {
        let mut sets = Vec::new();
        ip_sets(statement, &Path::default(), &mut sets);
        for (ip_set, path) in sets {
            if action == RuleAction::Count {
                let tag = |name: &String| Tagged {
                    ip_set: ip_set.clone(),
                    path: path.clone(),
                    name: name.clone(),
                    of: label.of.clone(),
                    outer: label.outer,
                };
                self.tagged.extend(label.names.iter().map(tag));
            }
            self.found.push(Reference {
                ip_set,
                rule: rule.to_owned(),
                metric_name: metric_name.to_owned(),
                standing: standing(&path, action),
                earlier_allows: self.allows.clone(),
                unread_before: self.unread.clone(),
            });
        }
    }
}

/// The labels of a rule, and where they belong: those of the web ACL's own rules need no more than their name in it,
/// those of a group are written whole, `awswaf:ACCOUNT:rulegroup:NAME:LABEL` (documented: label syntax).
struct Label<'a> {
    names: &'a [String],
    of: String,
    outer: bool,
}

/// An IP set, and a label that its rule adds while it only counts.
#[derive(Debug, Clone)]
struct Tagged {
    ip_set: String,
    path: Path,
    name: String,
    of: String,
    outer: bool,
}

impl Tagged {
    /// Whether a match on a label in the web ACL's own rules means this one.
    fn is_meant(&self, key: &str, namespace: bool) -> bool {
        let fits = |label: &str, key: &str| if namespace { label.starts_with(key) } else { label == key };
        let own = self.outer && fits(&self.name, key);
        own || key
            .find(&self.of)
            .is_some_and(|at| key.starts_with("awswaf:") && fits(&self.name, &key[at + self.of.len()..]))
    }
}

impl Walk<'_> {
    /// A set whose rule only counts acts by way of its label, where a later rule acts on that.
    fn by_label(&mut self, rule: &Rule, action: RuleAction) {
        let mut matched = Vec::new();
        labels(&rule.statement, &Path::default(), &mut matched);
        for (key, namespace, path) in matched {
            for tagged in self.tagged.iter().filter(|tagged| tagged.is_meant(&key, namespace)) {
                let through = Path {
                    and: path.and || tagged.path.and,
                    not: path.not != tagged.path.not,
                    scope_down: path.scope_down || tagged.path.scope_down,
                    forwarded: tagged.path.forwarded.clone(),
                };
                self.found.push(Reference {
                    ip_set: tagged.ip_set.clone(),
                    rule: format!("{} (by label {})", rule.name, crate::model::text::shortened(&key, 60)),
                    metric_name: rule.metric_name.clone(),
                    standing: standing(&through, action),
                    earlier_allows: self.allows.clone(),
                    unread_before: self.unread.clone(),
                });
            }
        }
    }
}

/// The labels that a statement matches, each with what stands between.
fn labels(statement: &Statement, path: &Path, out: &mut Vec<(String, bool, Path)>) {
    match statement {
        Statement::Label { key, namespace } => out.push((key.clone(), *namespace, path.clone())),
        other => inside(other, path, &mut |part, path| labels(part, path, out)),
    }
}

/// The parts of a statement, each with what stands between.
fn inside(statement: &Statement, path: &Path, each: &mut dyn FnMut(&Statement, &Path)) {
    match statement {
        Statement::And(parts) => {
            let inner = Path { and: path.and || parts.len() > 1, ..path.clone() };
            for part in parts {
                each(part, &inner);
            }
        }
        Statement::Or(parts) => {
            for part in parts {
                each(part, path);
            }
        }
        Statement::Not(part) => each(part, &Path { not: !path.not, ..path.clone() }),
        Statement::RateBased { scope_down: Some(part), .. } => {
            each(part, &Path { scope_down: true, ..path.clone() });
        }
        _ => {}
    }
}

/// What stands between a rule and an IP set inside it.
#[derive(Debug, Clone, Default)]
struct Path {
    and: bool,
    not: bool,
    scope_down: bool,
    forwarded: Option<String>,
}

fn ip_sets(statement: &Statement, path: &Path, out: &mut Vec<(String, Path)>) {
    match statement {
        Statement::IpSet { arn, forwarded_header } => {
            out.push((arn.clone(), Path { forwarded: forwarded_header.clone(), ..path.clone() }));
        }
        other => inside(other, path, &mut |part, path| ip_sets(part, path, out)),
    }
}

fn standing(path: &Path, action: RuleAction) -> Standing {
    if path.scope_down {
        return Standing::Ineffective("it only narrows what a rate-based rule counts".to_owned());
    }
    if path.not {
        return Standing::Inverted(format!("it is inside a Not statement in a rule that {}s", verb(action)));
    }
    match action {
        RuleAction::Allow => Standing::Inverted("its rule allows: an address in it would be let through".to_owned()),
        RuleAction::Count => Standing::Ineffective("its rule only counts".to_owned()),
        RuleAction::Captcha | RuleAction::Challenge => {
            Standing::Conditional("its rule asks for a token; a client with a valid one passes".to_owned())
        }
        RuleAction::Block if path.and => {
            Standing::Conditional("other conditions in the same rule must match too".to_owned())
        }
        RuleAction::Block => match &path.forwarded {
            Some(header) => Standing::Conditional(format!(
                "it looks at the address in the {} header; a request without that header is not matched",
                crate::model::text::shortened(header, 60)
            )),
            None => Standing::Effective,
        },
    }
}

fn verb(action: RuleAction) -> &'static str {
    match action {
        RuleAction::Allow => "allow",
        RuleAction::Block => "block",
        RuleAction::Count => "count",
        RuleAction::Captcha | RuleAction::Challenge => "challenge",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &str = "arn:aws:wafv2:eu-west-1:111122223333:regional/ipset/block/1";

    fn set() -> Statement {
        Statement::IpSet { arn: SET.to_owned(), forwarded_header: None }
    }

    fn rule(name: &str, statement: Statement, action: RuleAction) -> Rule {
        Rule {
            name: name.to_owned(),
            priority: 0,
            metric_name: name.to_owned(),
            sampled: true,
            metered: true,
            labels: vec![],
            statement,
            disposition: Disposition::Action(action),
        }
    }

    fn acl(rules: Vec<Rule>) -> WebAcl {
        WebAcl {
            name: "acl".into(),
            id: "1".into(),
            arn: "acl".into(),
            metric_name: "acl".into(),
            sampled: true,
            metered: true,
            default_action: RuleAction::Allow,
            pre_process: vec![],
            rules,
            post_process: vec![],
            managed_by_firewall_manager: false,
        }
    }

    fn only(rules: Vec<Rule>, groups: &RuleGroups) -> Reference {
        let mut found = references(&acl(rules), groups);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    fn standing_of(statement: Statement, action: RuleAction) -> Standing {
        only(vec![rule("r", statement, action)], &RuleGroups::new()).standing
    }

    #[test]
    fn alone_or_under_or_with_block_it_is_effective() {
        assert_eq!(standing_of(set(), RuleAction::Block), Standing::Effective);
        let or = Statement::Or(vec![Statement::Other("GeoMatchStatement"), set()]);
        assert_eq!(standing_of(or, RuleAction::Block), Standing::Effective);
    }

    #[test]
    fn under_and_it_is_conditional() {
        let and = Statement::And(vec![set(), Statement::Other("GeoMatchStatement")]);
        assert!(matches!(standing_of(and, RuleAction::Block), Standing::Conditional(_)));
    }

    #[test]
    fn under_not_it_is_inverted_and_twice_not_is_straight() {
        let not = Statement::Not(Box::new(set()));
        assert!(matches!(standing_of(not.clone(), RuleAction::Block), Standing::Inverted(_)));
        assert_eq!(standing_of(Statement::Not(Box::new(not)), RuleAction::Block), Standing::Effective);
    }

    #[test]
    fn an_allow_list_is_inverted() {
        assert!(matches!(standing_of(set(), RuleAction::Allow), Standing::Inverted(_)));
    }

    #[test]
    fn a_scope_down_or_a_count_does_not_block() {
        let by = crate::model::waf::RateKey::ClientAddress;
        let rate = Statement::RateBased { limit: 100, window_seconds: 300, by, scope_down: Some(Box::new(set())) };
        assert!(matches!(standing_of(rate, RuleAction::Block), Standing::Ineffective(_)));
        assert!(matches!(standing_of(set(), RuleAction::Count), Standing::Ineffective(_)));
    }

    /// Rule 0 counts and marks, rule 1 acts on the mark.
    fn by_mark(action: RuleAction, key: &str, wrap: fn(Statement) -> Statement) -> Vec<Standing> {
        let count = Rule { labels: vec!["my:bad".into()], ..rule("count", set(), RuleAction::Count) };
        let label = Statement::Label { key: key.into(), namespace: key.ends_with(':') };
        let rules = vec![count, rule("act", wrap(label), action)];
        references(&acl(rules), &RuleGroups::new()).into_iter().map(|reference| reference.standing).collect()
    }

    #[test]
    fn what_counts_and_marks_acts_by_way_of_its_label() {
        let plain = |statement| statement;
        for key in ["my:bad", "my:", "awswaf:111122223333:webacl:acl:my:bad"] {
            let found = by_mark(RuleAction::Block, key, plain);
            assert_eq!(found.len(), 2, "{key}: {found:?}");
            assert!(matches!(found[0], Standing::Ineffective(_)));
            assert_eq!(found[1], Standing::Effective, "{key}");
        }
        assert_eq!(by_mark(RuleAction::Block, "my:worse", plain).len(), 1);
        assert!(matches!(by_mark(RuleAction::Allow, "my:bad", plain)[1], Standing::Inverted(_)));
        assert!(matches!(
            by_mark(RuleAction::Block, "my:bad", |s| Statement::Not(Box::new(s)))[1],
            Standing::Inverted(_)
        ));
        let and = |s| Statement::And(vec![s, Statement::Other("GeoMatchStatement")]);
        assert!(matches!(by_mark(RuleAction::Block, "my:bad", and)[1], Standing::Conditional(_)));
    }

    fn in_group(overrides: Vec<(String, RuleAction)>, count: bool) -> Standing {
        let group =
            RuleGroup { name: "g".into(), arn: "g".into(), rules: vec![rule("inner", set(), RuleAction::Block)] };
        let outer = Rule {
            disposition: Disposition::Group { count },
            ..rule("outer", Statement::RuleGroup { arn: "g".into(), overrides }, RuleAction::Block)
        };
        only(vec![outer], &RuleGroups::from([("g".to_owned(), Ok(group))])).standing
    }

    #[test]
    fn a_group_acts_unless_it_or_the_rule_is_overridden() {
        assert_eq!(in_group(vec![], false), Standing::Effective);
        assert!(matches!(in_group(vec![], true), Standing::Ineffective(_)));
        let excluded = vec![("inner".to_owned(), RuleAction::Count)];
        assert!(matches!(in_group(excluded, false), Standing::Ineffective(_)));
        let other = vec![("inner2".to_owned(), RuleAction::Count)];
        assert_eq!(in_group(other, false), Standing::Effective, "a misspelt override is silently ignored by WAF");
    }

    #[test]
    fn an_earlier_allow_and_an_unreadable_group_are_told() {
        let outer = Rule {
            disposition: Disposition::Group { count: false },
            ..rule("shared", Statement::RuleGroup { arn: "x".into(), overrides: vec![] }, RuleAction::Block)
        };
        let rules = vec![
            outer,
            rule("office", Statement::Other("GeoMatchStatement"), RuleAction::Allow),
            rule("block", set(), RuleAction::Block),
        ];
        let found = only(rules, &RuleGroups::new());
        assert_eq!(found.earlier_allows, vec!["office"]);
        assert_eq!(found.unread_before, vec!["shared"]);
        let group = |vendor: &str, count| Rule {
            disposition: Disposition::Group { count },
            ..rule(
                "managed",
                Statement::ManagedGroup { vendor: vendor.into(), name: "x".into(), overrides: vec![] },
                RuleAction::Block,
            )
        };
        let before =
            |first| only(vec![first, rule("block", set(), RuleAction::Block)], &RuleGroups::new()).unread_before;
        assert_eq!(before(group("Somebody", false)), ["managed"]);
        assert_eq!((before(group("AWS", false)), before(group("Somebody", true))), (vec![], vec![]));
    }
}
