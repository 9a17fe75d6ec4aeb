//! What WAF's samples of the last minutes tell of a web ACL: labels, and which rules inside groups matched.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures_util::future::join_all;

use super::reasons::reason;
use super::waf::Opened;
use crate::aws::read::SampleSet;
use crate::aws::{Aws, AwsError, Lane};
use crate::model::board::Known;
use crate::model::series::floor_minute;
use crate::model::stage::ApiKind;
use crate::model::stage_report::{InnerRule, LabelCount, RuleMode, RuleRow, Samples};
use crate::model::waf::{RuleAction, WebAcl};

/// Complete minutes that are looked at.
const MINUTES: i64 = 2;

/// The most rules that are asked for, since WAF answers five a second (documented): those that match most.
const MOST_RULES: usize = 12;

/// Labels that are kept.
const MOST_LABELS: usize = 50;

/// What was sampled of the default action: what goes on to the API. The reason where it was not.
pub(super) type Passed = Result<SampleSet, String>;

/// Reads the samples of the rules that match something, and of the default action; puts what they tell of rules inside
/// groups into `rows`.
pub(super) async fn read(aws: &Aws, opened: &Opened, rows: &mut [RuleRow]) -> (Known<Samples>, Passed) {
    let acl = &opened.acl;
    let to = floor_minute(aws.clock().now());
    let from = to - TimeDelta::minutes(MINUTES);
    let (asked, mut missing) = asked(acl, rows);
    let calls = asked.iter().map(|rule| aws.sampled_requests(&acl.arn, rule, from, to, Lane::Plan));
    let read = join_all(calls).await;
    let mut sets = Vec::new();
    let mut refused: Option<AwsError> = None;
    for (rule, read) in asked.iter().zip(read) {
        match read {
            Ok(set) => sets.push(set),
            Err(error) => {
                missing.push(format!("{rule}: {}", reason(&error, ApiKind::Rest)));
                refused.get_or_insert(error);
            }
        }
    }
    if let (Some(error), true) = (refused, sets.is_empty()) {
        let why = reason(&error, ApiKind::Rest);
        for row in rows {
            row.inner = Known::No(why.clone());
        }
        return (Known::No(why.clone()), Err(why));
    }
    for (place, row) in rows.iter_mut().enumerate() {
        if !is_group(row) {
            row.inner = Known::Yes(Vec::new());
            continue;
        }
        row.inner = match sets.iter().find(|set| set.rule == row.metric_name) {
            Some(set) => Known::Yes(inside(Some(set), opened.declared(place))),
            None if !opened.declared(place).is_empty() => Known::Yes(inside(None, opened.declared(place))),
            None if weight(row) == Some(0.0) => Known::No("not sampled: it matches nothing now".to_owned()),
            None => Known::No("no samples of it were read".to_owned()),
        };
    }
    let samples = Samples {
        from,
        to,
        sampled: sets.iter().map(|set| set.samples.len() as u64).sum(),
        labels: labels(&sets),
        missing,
    };
    let passed = sets.into_iter().find(|set| set.rule == acl.metric_name);
    let passed = match acl.default_action {
        RuleAction::Allow => passed.ok_or_else(|| "the default action was not sampled".to_owned()),
        _ => Err("the default action blocks: what goes on to the API is what rules let through".to_owned()),
    };
    (Known::Yes(samples), passed)
}

fn is_group(row: &RuleRow) -> bool {
    matches!(row.mode, RuleMode::GroupActs(_) | RuleMode::GroupCounts)
}

/// What matched most lately, by all its figures together; `None` where that is not known.
fn weight(row: &RuleRow) -> Option<f64> {
    row.figures.each().filter_map(|(_, figure)| figure.value()).reduce(|a, b| a + b)
}

/// Metric names to ask for, and what is not asked for.
fn asked(acl: &WebAcl, rows: &[RuleRow]) -> (Vec<String>, Vec<String>) {
    let sampled: BTreeMap<&str, bool> = acl.in_order().map(|rule| (rule.metric_name.as_str(), rule.sampled)).collect();
    let mut missing = Vec::new();
    let mut wanted: Vec<(&str, f64)> = Vec::new();
    for row in rows {
        let name = row.metric_name.as_str();
        match (sampled.get(name), weight(row)) {
            (Some(true), Some(0.0)) => {}
            (Some(true), weight) => wanted.push((name, weight.unwrap_or(f64::MAX))),
            _ => missing.push(format!("{name}: keeps no samples")),
        }
    }
    wanted.sort_by(|a, b| b.1.total_cmp(&a.1));
    wanted.dedup_by(|a, b| a.0 == b.0);
    missing.extend(
        wanted.iter().skip(MOST_RULES).map(|(name, _)| format!("{name}: matches less than others; not asked for")),
    );
    let mut names: Vec<String> = wanted.iter().take(MOST_RULES).map(|(name, _)| (*name).to_owned()).collect();
    if acl.sampled {
        names.push(acl.metric_name.clone());
    } else {
        missing.push("the default action: keeps no samples".to_owned());
    }
    (names, missing)
}

/// The rules inside a group: those that its samples name, and those that the group or its overrides do.
fn inside(set: Option<&SampleSet>, declared: Vec<(String, RuleAction)>) -> Vec<InnerRule> {
    let weight = |weight: i64| weight.max(1) as f64;
    let samples = set.map_or(&[][..], |set| &set.samples);
    let all: f64 = samples.iter().map(|sample| weight(sample.weight)).sum();
    let rule =
        |name: &str, action| InnerRule { name: name.to_owned(), action, actions: Vec::new(), samples: 0, share: 0.0 };
    // Samples write a managed group's rule with the group's name before it.
    let short = |name: &str| name.rsplit('#').next().unwrap_or(name).to_owned();
    let mut declared: BTreeMap<String, RuleAction> = declared.into_iter().collect();
    let mut by_name: BTreeMap<&str, InnerRule> = BTreeMap::new();
    for sample in samples {
        let Some(name) = sample.rule_in_group.as_deref() else { continue };
        let rule = by_name.entry(name).or_insert_with(|| rule(name, declared.remove(&short(name))));
        rule.samples += 1;
        rule.share += weight(sample.weight) / all;
        note(&mut rule.actions, sample.action);
    }
    let unseen = declared.iter().map(|(name, action)| rule(name, Some(*action)));
    let mut rules: Vec<InnerRule> = by_name.values().cloned().chain(unseen).collect();
    rules.sort_by(|a, b| b.samples.cmp(&a.samples).then_with(|| a.name.cmp(&b.name)));
    rules
}

fn labels(sets: &[SampleSet]) -> Vec<LabelCount> {
    let mut by_name: BTreeMap<&str, LabelCount> = BTreeMap::new();
    for sample in sets.iter().flat_map(|set| &set.samples) {
        for label in &sample.labels {
            let count = by_name.entry(label).or_insert_with(|| LabelCount {
                label: label.clone(),
                samples: 0,
                actions: Vec::new(),
            });
            count.samples += 1;
            note(&mut count.actions, sample.action);
        }
    }
    let mut labels: Vec<LabelCount> = by_name.into_values().collect();
    labels.sort_by(|a, b| b.samples.cmp(&a.samples).then_with(|| a.label.cmp(&b.label)));
    labels.truncate(MOST_LABELS);
    labels
}

fn note(actions: &mut Vec<RuleAction>, action: Option<RuleAction>) {
    if let Some(action) = action.filter(|action| !actions.contains(action)) {
        actions.push(action);
        actions.sort();
    }
}
