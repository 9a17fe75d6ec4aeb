//! A web ACL rule by rule: what each does now, which are in the way of an attack, which only count it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::model::board::Known;
use crate::model::figure::Figure;
use crate::model::series::Series;
use crate::model::waf::RuleAction;

/// A web ACL in depth. Its figures are of everything behind it, which may be more than the stage: see
/// [`WafReport::behind`].
#[derive(Debug, Clone, PartialEq)]
pub struct WafReport {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// What it guards: the scope of every figure here.
    pub behind: Known<Behind>,
    /// What becomes of a request that no rule ends.
    pub default_action: RuleAction,
    /// Whether Firewall Manager owns it.
    pub managed_by_firewall_manager: bool,
    /// All requests together (`Rule=ALL`), a second.
    pub total: Counters<Figure>,
    /// The minutes of that, requests a minute.
    pub total_minutes: Counters<Arc<Series>>,
    /// What the default action did, a second. That its series has the web ACL's own metric name is field evidence
    /// (inferred).
    pub default_figures: Counters<Figure>,
    /// Its rules in the order in which WAF runs them.
    pub rules: Vec<RuleRow>,
    /// Rules that turn requests away, those first that do most more of it than before the attack.
    pub in_the_way: Vec<InTheWay>,
    /// Rules that match and only count, those first that match most.
    pub only_count: Vec<OnlyCounts>,
    /// What became of requests by the labels that rules put on them, those first of which most is let through.
    pub labels: Known<Vec<LabelRow>>,
    /// What the samples of the last minutes tell: labels, and rules inside groups.
    pub samples: Known<Samples>,
    /// What `before` means in here: `median of 02:32 to 03:02, before the attack`.
    pub before: String,
}

/// What stands behind a web ACL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// ARNs of the API Gateway stages, this one among them.
    pub stages: Vec<String>,
    /// Why resources of other kinds may be behind it too and are not in the list, where they were not asked for.
    pub others: Option<String>,
}

/// What WAF counts of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WafCounter {
    /// Let through by it, for good.
    Allowed,
    /// Refused by it.
    Blocked,
    /// Matched and went on.
    Counted,
    /// Asked to solve a CAPTCHA.
    Captcha,
    /// Asked to answer a silent challenge.
    Challenge,
}

impl WafCounter {
    /// Every counter, in a fixed order.
    pub const ALL: [Self; 5] = [Self::Allowed, Self::Blocked, Self::Counted, Self::Captcha, Self::Challenge];

    /// The metric's name (documented).
    #[must_use]
    pub fn metric(self) -> &'static str {
        match self {
            Self::Allowed => "AllowedRequests",
            Self::Blocked => "BlockedRequests",
            Self::Counted => "CountedRequests",
            Self::Captcha => "CaptchaRequests",
            Self::Challenge => "ChallengeRequests",
        }
    }

    /// `allowed`, `blocked`, …
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Blocked => "blocked",
            Self::Counted => "counted",
            Self::Captcha => "captcha",
            Self::Challenge => "challenge",
        }
    }
}

/// One of something for each [`WafCounter`].
#[derive(Debug, Clone, PartialEq)]
pub struct Counters<T>([T; 5]);

impl<T> Counters<T> {
    /// Made of what `of` gives for each.
    #[must_use]
    pub fn new(of: impl FnMut(WafCounter) -> T) -> Self {
        Self(WafCounter::ALL.map(of))
    }

    /// The one for a counter.
    #[must_use]
    pub fn of(&self, counter: WafCounter) -> &T {
        &self.0[counter as usize]
    }

    /// Each with its counter, in order.
    pub fn each(&self) -> impl Iterator<Item = (WafCounter, &T)> {
        WafCounter::ALL.into_iter().zip(&self.0)
    }
}

/// Where a rule comes from: WAF runs Firewall Manager's first and last groups around the web ACL's own rules
/// (documented).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RuleSource {
    /// Firewall Manager's, before the others.
    FirewallManagerFirst,
    /// The web ACL's own.
    Own,
    /// Firewall Manager's, after the others.
    FirewallManagerLast,
}

/// What a rule of the web ACL may do to a request that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleMode {
    /// Its own action.
    Acts(RuleAction),
    /// A group whose rules act, but for those overridden: name and action.
    GroupActs(Vec<(String, RuleAction)>),
    /// A group of which nothing acts (`OverrideAction` Count).
    GroupCounts,
}

impl RuleMode {
    /// Whether nothing that it matches is turned away or let through by it.
    #[must_use]
    pub fn only_counts(&self) -> bool {
        matches!(self, Self::Acts(RuleAction::Count) | Self::GroupCounts)
    }

    /// Whether it may turn a request away: blocks, or asks for a CAPTCHA or a challenge. A group's rules mostly do.
    #[must_use]
    pub fn enforces(&self) -> bool {
        match self {
            Self::Acts(action) => !matches!(action, RuleAction::Allow | RuleAction::Count),
            Self::GroupActs(_) => true,
            Self::GroupCounts => false,
        }
    }
}

/// One rule of a web ACL.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleRow {
    /// Its place in the order of evaluation, from 1.
    pub place: usize,
    /// Its name.
    pub name: String,
    /// What metrics and samples call it.
    pub metric_name: String,
    /// Its priority in its own list.
    pub priority: i64,
    /// Whose rule it is.
    pub source: RuleSource,
    /// What it matches, in a few words: `managed group AWSManagedRulesSQLiRuleSet`.
    pub matches: String,
    /// What it may do.
    pub mode: RuleMode,
    /// Its figures, a second, in the web ACL's scope.
    pub figures: Counters<Figure>,
    /// Its minutes, requests a minute.
    pub minutes: Counters<Arc<Series>>,
    /// Rules inside the group, those that most samples of the last minutes name first; empty where it is no group. Of a
    /// group that cannot be read (AWS's managed ones) only those that samples or overrides name.
    pub inner: Known<Vec<InnerRule>>,
    /// Of a rate rule: how many addresses are over its limit now (AWS lists 10,000 of each version at most). Of a rule
    /// group of this account: how many are over the limit of any rate rule in it. `None` where it is no such rule, or a
    /// group without one.
    pub rate_keys: Option<Known<usize>>,
}

/// A rule inside a group.
#[derive(Debug, Clone, PartialEq)]
pub struct InnerRule {
    /// Its name, as samples write it where they name it: `AWS#AWSManagedRulesSQLiRuleSet#SQLi_BODY`.
    pub name: String,
    /// What it does as the group or an override of it says; `None` where neither could be read. A group that only
    /// counts as a whole does not change this.
    pub action: Option<RuleAction>,
    /// What the samples say became of a match; more than one where samples differ.
    pub actions: Vec<RuleAction>,
    /// How many samples name it; 0 where none does.
    pub samples: u64,
    /// Its share of the group's sampled requests by weight, a fraction (an estimate).
    pub share: f64,
}

/// A rule that turns requests away, now and before.
#[derive(Debug, Clone, PartialEq)]
pub struct InTheWay {
    /// The rule's metric name; the web ACL's own for its default action.
    pub rule: String,
    /// Whether it is the default action.
    pub is_default: bool,
    /// Blocked, or sent to a CAPTCHA or a challenge, a second.
    pub stopped_per_second: Figure,
    /// The same before.
    pub before_per_second: Figure,
    /// Its share of all that the web ACL turned away in the same minute, a fraction.
    pub share_of_stopped: Figure,
}

/// A rule that matches and only counts.
#[derive(Debug, Clone, PartialEq)]
pub struct OnlyCounts {
    /// The rule's metric name.
    pub rule: String,
    /// Why it only counts: `its action is Count`, `the group is overridden to Count`.
    pub why: String,
    /// Requests that it counted, a second.
    pub counted_per_second: Figure,
    /// The same before.
    pub before_per_second: Figure,
    /// The least part of what the web ACL let through that it matched, a fraction. Equal to the most where no other
    /// rule turned anything away in that minute; else the two bound it, since which requests a later rule turned away
    /// all the same no metric tells.
    pub let_through_at_least: Figure,
    /// The most part of what the web ACL let through that it matched, a fraction.
    pub let_through_at_most: Figure,
    /// One line for people, with numbers and what is not known.
    pub says: String,
}

/// A label that rules put on requests, by WAF's own count.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelRow {
    /// The label, whole.
    pub label: String,
    /// Requests with it that were let through in the end, a second: what a rule that put it there and only counts did
    /// not stop.
    pub allowed_per_second: Figure,
    /// Requests with it that were blocked in the end, a second.
    pub blocked_per_second: Figure,
    /// Those let through before.
    pub allowed_before_per_second: Figure,
}

/// What WAF's samples tell of a web ACL.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// Start of the window asked for, UTC.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
    /// How many sampled requests were read: WAF draws at most 500 a rule, out of the first 5,000 of a window
    /// (documented).
    pub sampled: u64,
    /// Labels on them, most samples first.
    pub labels: Vec<LabelCount>,
    /// Rules that could not be sampled, or were not, with the reason.
    pub missing: Vec<String>,
}

/// A label that rules put on requests.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelCount {
    /// The label, whole.
    pub label: String,
    /// How many of the samples have it. A request that several rules match may be in several rules' samples.
    pub samples: u64,
    /// What became of them, as the samples say it.
    pub actions: Vec<RuleAction>,
}
