//! Who is over the limit of a rate rule at this moment, as WAF says it: no estimate, but no count either.
//!
//! Only rules that count by the client's address: one that counts by a header names what a caller wrote into it, which is nobody to block.
//! Managed groups have no rate rules that can be asked (their rules cannot be read).

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use futures_util::future::join_all;
use ipnet::IpNet;

use crate::aws::{Aws, AwsError, Lane};
use crate::model::source::RateRule;
use crate::model::waf::{Disposition, RateKey, Rule, RuleAction, Statement, WebAcl};

/// The most keys of one address version that AWS lists (documented).
const MOST_KEYS: usize = 10_000;

/// The rules, and who is over their limits.
#[derive(Debug, Default)]
pub(super) struct Limited {
    pub(super) rules: Vec<RateRule>,
    /// By address, the rules whose limit it is over, by [`RateRule::rule`].
    over: HashMap<IpAddr, Vec<String>>,
    /// Keys that are wider than one address.
    wider: Vec<(IpNet, String)>,
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
        unread.map(|(rule, reason)| format!("who is over the limit of rate rule {}: {reason}", rule.rule))
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
        let of_version = |v4: bool| keys.iter().filter(|net| net.addr().is_ipv4() == v4).count();
        let at_least = of_version(true).max(of_version(false)) >= MOST_KEYS;
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

/// Asks every rate rule of a web ACL, those in the account's rule groups too. Groups that cannot be read are not told of here: their
/// reader says so.
pub(super) async fn limited(aws: &Aws, acl: &WebAcl) -> Limited {
    let groups = groups(aws, acl).await;
    let asking: Vec<Asking<'_>> = acl.rules.iter().flat_map(|rule| asking(rule, &groups)).collect();
    let answers = join_all(asking.iter().map(|asked| asked.answer(aws, acl))).await;
    let mut limited = Limited::default();
    for (asked, answer) in asking.iter().zip(answers) {
        limited.take(asked, answer);
    }
    limited
}

/// The rules inside the account's groups that an ACL refers to, by ARN.
async fn groups(aws: &Aws, acl: &WebAcl) -> HashMap<String, Vec<Rule>> {
    let arns: HashSet<&String> = acl
        .rules
        .iter()
        .filter_map(|rule| match &rule.statement {
            Statement::RuleGroup { arn, .. } => Some(arn),
            _ => None,
        })
        .collect();
    let calls = arns
        .into_iter()
        .map(|arn| async move { Some((arn.clone(), aws.rule_group(arn, Lane::Plan).await.ok()?.rules)) });
    join_all(calls).await.into_iter().flatten().collect()
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
