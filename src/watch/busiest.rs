//! Which rules of a web ACL match most now. WAF answers five questions for samples a second, so that of many rules a
//! few are asked: those that may let requests through, and those that match most. What is not asked is said.

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;

use super::words;
use crate::aws::read::{MetricQuery, MetricResult, MetricStatus, Statistic};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::series::floor_minute;
use crate::model::waf::{Disposition, Rule, RuleAction, Statement, WebAcl};

/// Rules that are asked in all, where no more than these may let requests through.
const MOST: usize = 12;

/// The most rules that may let requests through that are asked: whom they let through is who belongs there.
const MOST_LETTING: usize = 24;

/// Whole minutes that are counted: more than CloudWatch is late.
const MINUTES: i64 = 6;

/// The rules whose samples are worth asking for.
#[derive(Debug, Clone, Default)]
pub struct Busiest<'a> {
    /// Metric names, each once, in the order in which WAF runs the rules.
    pub asked: Vec<&'a str>,
    /// What is not asked and need not be: it matches less. A line, where there is something.
    pub left: Option<String>,
    /// What would have to be asked and is not, or cannot be told, a line each.
    pub missing: Vec<String>,
}

/// The rules of `acl` to ask for samples. One `GetMetricData` where there are more than a dozen, nothing where there
/// are not.
pub async fn busiest<'a>(aws: &Aws, acl: &'a WebAcl, lane: Lane) -> Busiest<'a> {
    let rules = sampled(acl);
    if rules.len() <= MOST {
        return all(acl);
    }
    match matched(aws, acl, &rules, lane).await {
        Ok(counts) => chosen(&rules, &counts),
        Err(error) => by_order(&rules, &error.to_string()),
    }
}

/// Every rule that keeps samples.
pub(super) fn all(acl: &WebAcl) -> Busiest<'_> {
    Busiest { asked: sampled(acl).iter().map(|rule| rule.metric_name.as_str()).collect(), ..Busiest::default() }
}

/// The rules that keep samples, each metric name once.
fn sampled(acl: &WebAcl) -> Vec<&Rule> {
    let mut rules: Vec<&Rule> = Vec::new();
    for rule in acl.in_order().filter(|rule| rule.sampled) {
        if !rules.iter().any(|known| known.metric_name == rule.metric_name) {
            rules.push(rule);
        }
    }
    rules
}

/// Whether a rule may let a request through to the API. Managed groups may by an override only, which is rare.
pub(super) fn may_let_through(rule: &Rule) -> bool {
    match (&rule.statement, rule.disposition) {
        (_, Disposition::Action(action)) => action == RuleAction::Allow,
        (Statement::ManagedGroup { overrides, .. }, Disposition::Group { count: false }) => {
            overrides.iter().any(|(_, action)| *action == RuleAction::Allow)
        }
        (Statement::RuleGroup { .. }, Disposition::Group { count }) => !count,
        _ => false,
    }
}

/// What was counted: by metric name, and of the web ACL as a whole.
#[derive(Debug, Default)]
struct Counts {
    /// `None` where it is not known.
    by_rule: HashMap<String, Option<f64>>,
    /// Requests; 0 where nothing was published.
    all: f64,
}

/// The counters that a rule may have.
fn counters(rule: &Rule) -> &'static [&'static str] {
    match rule.disposition {
        Disposition::Action(RuleAction::Allow) => &["AllowedRequests"],
        Disposition::Action(RuleAction::Block) => &["BlockedRequests"],
        Disposition::Action(RuleAction::Count) | Disposition::Group { count: true } => &["CountedRequests"],
        Disposition::Action(RuleAction::Captcha) => &["CaptchaRequests"],
        Disposition::Action(RuleAction::Challenge) => &["ChallengeRequests"],
        Disposition::Group { count: false } => {
            &["AllowedRequests", "BlockedRequests", "CountedRequests", "CaptchaRequests", "ChallengeRequests"]
        }
    }
}

async fn matched(aws: &Aws, acl: &WebAcl, rules: &[&Rule], lane: Lane) -> Result<Counts, AwsError> {
    // The documentation says the metric name, field evidence the name: whichever has data.
    let mut names = vec![&acl.name];
    names.extend(Some(&acl.metric_name).filter(|metric| **metric != acl.name));
    let query = |name: &String, rule: &str, counter: &'static str| MetricQuery {
        namespace: "AWS/WAFV2".into(),
        name: counter.into(),
        dimensions: vec![("WebACL", name.clone()), ("Rule", rule.to_owned()), ("Region", aws.region().to_owned())],
        statistic: Statistic::Sum,
    };
    let of_all = ["AllowedRequests", "BlockedRequests"].into_iter().map(|counter| (None, counter));
    let metered = rules.iter().filter(|rule| rule.metered);
    let of_rules =
        metered.flat_map(|rule| counters(rule).iter().map(|counter| (Some(rule.metric_name.as_str()), *counter)));
    let wanted: Vec<(Option<&str>, &'static str)> = of_all.chain(of_rules).collect();
    let each = || wanted.iter().flat_map(|(rule, counter)| names.iter().map(move |name| (*name, *rule, *counter)));
    let queries: Vec<MetricQuery> =
        each().map(|(name, rule, counter)| query(name, rule.unwrap_or("ALL"), counter)).collect();
    let to = floor_minute(aws.clock().now());
    let (read, _) = aws.metric_data(&queries, to - TimeDelta::minutes(MINUTES), to, lane).await?;
    let mut counts = Counts::default();
    for ((_, of, _), result) in each().zip(read) {
        match of {
            None => counts.all += sum(&result).unwrap_or(0.0),
            Some(rule) => {
                let so_far = counts.by_rule.entry(rule.to_owned()).or_insert(Some(0.0));
                *so_far = so_far.zip(sum(&result)).map(|(a, b)| a + b);
            }
        }
    }
    Ok(counts)
}

/// What a series adds up to; not known where it did not come whole.
fn sum(result: &MetricResult) -> Option<f64> {
    (result.status == MetricStatus::Complete).then(|| result.points.iter().map(|(_, value)| value).sum())
}

fn chosen<'a>(rules: &[&'a Rule], counts: &Counts) -> Busiest<'a> {
    // A rule without metrics may match anything.
    let count = |rule: &Rule| counts.by_rule.get(&rule.metric_name).copied().flatten();
    if counts.all <= 0.0 && rules.iter().all(|rule| count(rule).is_none_or(|count| count <= 0.0)) {
        return by_order(rules, &format!("CloudWatch has no figure for this web ACL in the last {MINUTES} minutes"));
    }
    let matches: Vec<&Rule> = rules.iter().copied().filter(|rule| count(rule) != Some(0.0)).collect();
    let weight = |rule: &Rule| count(rule).unwrap_or(f64::MAX);
    let heaviest_first = |wanted: bool| {
        let mut some: Vec<&Rule> = matches.iter().copied().filter(|rule| may_let_through(rule) == wanted).collect();
        some.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        some
    };
    let (letting, others) = (heaviest_first(true), heaviest_first(false));
    let (letting, too_many) = letting.split_at(letting.len().min(MOST_LETTING));
    let (asked_others, left_others) = others.split_at(others.len().min(MOST.saturating_sub(letting.len())));
    let asked: Vec<&Rule> = letting.iter().chain(asked_others).copied().collect();
    let mut missing: Vec<String> = Vec::new();
    if !too_many.is_empty() {
        missing.push(format!("{} rules that let requests through were not asked for samples", too_many.len()));
    }
    let unknown = left_others.iter().filter(|rule| count(rule).is_none()).count();
    if unknown > 0 {
        missing.push(format!("{unknown} rules whose matches are not known were not asked for samples"));
    }
    let left: f64 = left_others.iter().filter_map(|rule| count(rule)).sum();
    let not_asked = rules.len() - asked.len();
    let why = if left > 0.0 {
        format!(
            "they match least, {} times in {MINUTES} minutes of {} requests",
            words::rounded(left),
            words::rounded(counts.all)
        )
    } else {
        format!("they matched nothing in the last {MINUTES} minutes that CloudWatch tells of")
    };
    let left =
        (not_asked > 0).then(|| format!("{not_asked} of {} rules were not asked for samples: {why}", rules.len()));
    Busiest { asked: in_order(rules, &asked), left, missing }
}

/// Where nothing tells which match most: those that may let requests through, and the first of the others.
fn by_order<'a>(rules: &[&'a Rule], why: &str) -> Busiest<'a> {
    let (letting, others): (Vec<&Rule>, Vec<&Rule>) = rules.iter().copied().partition(|rule| may_let_through(rule));
    let room = MOST.saturating_sub(letting.len());
    let asked: Vec<&Rule> = letting.into_iter().take(MOST_LETTING).chain(others.into_iter().take(room)).collect();
    let not_asked = rules.len() - asked.len();
    let line = format!(
        "{not_asked} of {} rules were not asked for samples, and which match most is not known: {why}",
        rules.len()
    );
    Busiest { asked: in_order(rules, &asked), left: None, missing: vec![line] }
}

fn in_order<'a>(rules: &[&'a Rule], asked: &[&Rule]) -> Vec<&'a str> {
    let wanted: BTreeSet<&str> = asked.iter().map(|rule| rule.metric_name.as_str()).collect();
    rules.iter().map(|rule| rule.metric_name.as_str()).filter(|name| wanted.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn rule(name: &str, action: RuleAction) -> Rule {
        Rule {
            name: name.to_owned(),
            priority: 0,
            metric_name: name.to_owned(),
            sampled: true,
            labels: Vec::new(),
            metered: true,
            statement: Statement::Other("GeoMatchStatement"),
            disposition: Disposition::Action(action),
        }
    }

    fn counts(of: &[(&str, Option<f64>)], all: f64) -> Counts {
        Counts { by_rule: of.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(), all }
    }

    fn counting(n: usize) -> Vec<Rule> {
        (0..n).map(|n| rule(&format!("r{n:03}"), RuleAction::Count)).collect()
    }

    #[test]
    fn those_that_match_most_are_asked_and_the_rest_is_said() {
        let rules = counting(120);
        let some: Vec<(&str, Option<f64>)> =
            rules.iter().zip(0_u32..).map(|(rule, n)| (rule.metric_name.as_str(), Some(f64::from(n)))).collect();
        let rules: Vec<&Rule> = rules.iter().collect();
        let found = chosen(&rules, &counts(&some, 15_600.0));
        assert_eq!(found.asked.len(), 12);
        assert_eq!((found.asked[0], found.asked[11]), ("r108", "r119"), "in the order of evaluation");
        assert_eq!(
            found.left.unwrap(),
            "108 of 120 rules were not asked for samples: they match least, 5,778 times in 6 minutes of 15,600 requests"
        );
        assert!(found.missing.is_empty());
    }

    #[test]
    fn what_matches_nothing_is_not_asked_at_all() {
        let rules = counting(60);
        let of: Vec<(&str, Option<f64>)> = rules
            .iter()
            .map(|rule| (rule.metric_name.as_str(), Some(if rule.name == "r007" { 9.0 } else { 0.0 })))
            .collect();
        let rules: Vec<&Rule> = rules.iter().collect();
        let found = chosen(&rules, &counts(&of, 100.0));
        assert_eq!(found.asked, ["r007"]);
        assert!(found.left.unwrap().contains("matched nothing in the last 6 minutes"));
        // Where nothing is published nothing tells that they match nothing.
        let found = chosen(&rules, &counts(&[], 0.0));
        assert_eq!((found.asked.len(), found.left), (12, None));
        assert!(found.missing[0].contains("which match most is not known"), "{:?}", found.missing);
    }

    #[test]
    fn whoever_lets_through_is_asked_first_and_one_without_metrics_too() {
        let mut rules = counting(40);
        rules.push(rule("office", RuleAction::Allow));
        rules.push(Rule { metered: false, ..rule("blind", RuleAction::Block) });
        let of: Vec<(&str, Option<f64>)> = rules
            .iter()
            .filter(|rule| rule.metered)
            .map(|rule| (rule.metric_name.as_str(), Some(if rule.name == "office" { 1.0 } else { 100.0 })))
            .collect();
        let rules: Vec<&Rule> = rules.iter().collect();
        let found = chosen(&rules, &counts(&of, 100.0));
        assert_eq!(found.asked.len(), 12);
        assert!(found.asked.contains(&"office") && found.asked.contains(&"blind"), "{:?}", found.asked);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

        /// Few are asked, each once; nobody left out matches more than somebody asked for the same reason; what is not
        /// asked is said.
        #[test]
        fn few_are_asked_and_the_busiest(of in prop::collection::vec((0..3_u8, prop::option::of(0..50_u32)), 13..60)) {
            let action = |n| [RuleAction::Count, RuleAction::Block, RuleAction::Allow][usize::from(n)];
            let rules: Vec<Rule> = of.iter().enumerate().map(|(n, (kind, count))| {
                Rule { metered: count.is_some(), ..rule(&format!("r{n}"), action(*kind)) }
            }).collect();
            let by_rule = rules.iter().zip(&of).filter_map(|(rule, (_, count))| {
                Some((rule.metric_name.clone(), Some(f64::from((*count)?))))
            }).collect();
            let counts = Counts { by_rule, all: 1_000.0 };
            let rules: Vec<&Rule> = rules.iter().collect();
            let found = chosen(&rules, &counts);
            prop_assert!(found.asked.len() <= MOST_LETTING);
            let asked = |rule: &Rule| found.asked.contains(&rule.metric_name.as_str());
            let weight = |rule: &Rule| counts.by_rule.get(&rule.metric_name).copied().flatten().unwrap_or(f64::MAX);
            for out in rules.iter().filter(|rule| !asked(rule) && weight(rule) > 0.0) {
                let same = rules.iter().filter(|rule| asked(rule) && may_let_through(rule) == may_let_through(out));
                for inside in same {
                    prop_assert!(weight(inside) >= weight(out));
                }
                prop_assert!(!may_let_through(out) || !found.missing.is_empty());
            }
            prop_assert_eq!(found.asked.len() == rules.len(), found.left.is_none());
        }
    }
}
