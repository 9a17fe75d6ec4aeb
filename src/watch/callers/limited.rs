//! Who is over the limit of a rate rule at this moment, as WAF says it: no estimate, but no count either.
//!
//! Only rules that count by the client's address: one that counts by a header names what a caller wrote into it, which
//! is nobody to block. Managed groups have no rate rules that can be asked (their rules cannot be read).

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use futures_util::future::join_all;
use ipnet::IpNet;

use crate::aws::{Aws, AwsError, Lane};
use crate::model::source::RateRule;
use crate::model::waf::{Disposition, RateKey, Rule, RuleAction, Statement, WebAcl};

/// The most keys of a rule that AWS lists (documented).
const MOST_KEYS: usize = 10_000;

/// The rules, and who is over their limits.
#[derive(Debug, Default)]
pub(super) struct Limited {
    pub(super) rules: Vec<RateRule>,
    /// By address, the rules whose limit it is over, by [`RateRule::rule`].
    over: HashMap<IpAddr, Vec<String>>,
    /// Keys that are wider than one address.
    wider: Vec<(IpNet, String)>,
    /// Rule groups that could not be read, a line each.
    unread: Vec<String>,
}

impl Limited {
    /// The rules whose limit an address is over.
    pub(super) fn over(&self, address: &IpAddr) -> Vec<String> {
        let mut rules = self.over.get(address).cloned().unwrap_or_default();
        let wider = self.wider.iter().filter(|(net, rule)| net.contains(address) && !rules.contains(rule));
        let more: Vec<String> = wider.map(|(_, rule)| rule.clone()).collect();
        rules.extend(more);
        rules
    }

    /// Every address that is over a limit.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &IpAddr> {
        self.over.keys()
    }

    /// What could not be read, a line each.
    pub(super) fn missing(&self) -> impl Iterator<Item = String> {
        let unread = self.rules.iter().filter_map(|rule| Some((rule, rule.reason.as_ref()?)));
        let rules = unread.map(|(rule, reason)| format!("who is over the limit of rate rule {}: {reason}", rule.rule));
        rules.chain(self.unread.iter().cloned())
    }

    fn take(&mut self, asked: &Asking<'_>, answer: Result<Vec<IpNet>, AwsError>) {
        let rule = RateRule {
            rule: asked.label(),
            action: asked.action.word().to_owned(),
            limit: asked.limit,
            window_seconds: asked.window_seconds,
            addresses: None,
            at_least: false,
            reason: None,
        };
        let keys = match answer {
            Ok(keys) => keys.into_iter().collect::<HashSet<IpNet>>(),
            Err(error) => {
                self.rules.push(RateRule { reason: Some(error.to_string()), ..rule });
                return;
            }
        };
        let at_least = keys.len() >= MOST_KEYS;
        for net in &keys {
            if net.prefix_len() == net.max_prefix_len() {
                self.over.entry(net.addr().to_canonical()).or_default().push(rule.rule.clone());
            } else {
                self.wider.push((*net, rule.rule.clone()));
            }
        }
        self.rules.push(RateRule { addresses: Some(keys.len()), at_least, ..rule });
    }
}

/// A rate rule as it is asked for.
struct Asking<'a> {
    /// The web ACL's rule that refers to the group it is in.
    reference: Option<&'a str>,
    rule: &'a str,
    action: RuleAction,
    limit: i64,
    window_seconds: i64,
}

impl<'a> Asking<'a> {
    fn of(rule: &'a Rule, reference: Option<&'a str>, overridden: Option<RuleAction>) -> Option<Self> {
        let Statement::RateBased { limit, window_seconds, by: RateKey::ClientAddress, .. } = rule.statement else {
            return None;
        };
        let own = match rule.disposition {
            Disposition::Action(action) => action,
            Disposition::Group { .. } => RuleAction::Count,
        };
        Some(Self { reference, rule: &rule.name, action: overridden.unwrap_or(own), limit, window_seconds })
    }

    fn label(&self) -> String {
        self.reference.map_or_else(|| self.rule.to_owned(), |reference| format!("{reference} / {}", self.rule))
    }

    async fn answer(&self, aws: &Aws, acl: &WebAcl) -> Result<Vec<IpNet>, AwsError> {
        match self.reference {
            Some(reference) => aws.rate_keys_in_group(acl, reference, self.rule, Lane::Plan).await,
            None => aws.rate_keys(acl, self.rule, Lane::Plan).await,
        }
    }
}

/// Asks every rate rule of a web ACL, those in rule groups too. A group that cannot be read may have some: that is
/// said.
pub(super) async fn limited(aws: &Aws, acl: &WebAcl) -> Limited {
    let (groups, unread) = groups(aws, acl).await;
    let asking: Vec<Asking<'_>> = acl.in_order().flat_map(|rule| asking(rule, &groups)).collect();
    let answers = join_all(asking.iter().map(|asked| asked.answer(aws, acl))).await;
    let mut limited = Limited { unread, ..Limited::default() };
    for (asked, answer) in asking.iter().zip(answers) {
        limited.take(asked, answer);
    }
    limited
}

/// The rules inside the groups that an ACL refers to, by ARN, and which groups could not be read.
async fn groups(aws: &Aws, acl: &WebAcl) -> (HashMap<String, Vec<Rule>>, Vec<String>) {
    let arns: HashSet<&String> = acl
        .in_order()
        .filter_map(|rule| match &rule.statement {
            Statement::RuleGroup { arn, .. } => Some(arn),
            _ => None,
        })
        .collect();
    let calls = arns.into_iter().map(|arn| async move { (arn.clone(), aws.rule_group(arn, Lane::Plan).await) });
    let (mut groups, mut unread) = (HashMap::new(), Vec::new());
    for (arn, answer) in join_all(calls).await {
        match answer {
            Ok(group) => {
                groups.insert(arn, group.rules);
            }
            Err(error) => unread.push(format!("rate rules inside a rule group: {error}")),
        }
    }
    unread.sort();
    (groups, unread)
}

/// The rate rules that a rule of a web ACL is or refers to.
fn asking<'a>(rule: &'a Rule, groups: &'a HashMap<String, Vec<Rule>>) -> Vec<Asking<'a>> {
    let Statement::RuleGroup { arn, overrides } = &rule.statement else {
        return Asking::of(rule, None, None).into_iter().collect();
    };
    let counts = matches!(rule.disposition, Disposition::Group { count: true });
    let overridden = |inner: &Rule| {
        let named = overrides.iter().find(|(name, _)| *name == inner.name).map(|(_, action)| *action);
        if counts { Some(RuleAction::Count) } else { named }
    };
    let inner = groups.get(arn).into_iter().flatten();
    inner.filter_map(|inner| Asking::of(inner, Some(&rule.name), overridden(inner))).collect()
}
