//! The web ACL rule by rule: what is read of it, and its rows.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use ipnet::IpNet;

use super::frame::{BEFORE_MINUTES, Before, Frame, missing, provisional};
use super::ranking;
use super::reasons::{known, reason};
use crate::aws::read::{MetricQuery, MetricStatus, ResourceKind, Statistic};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::board::Known;
use crate::model::figure::Figure;
use crate::model::settings::Settings;
use crate::model::stage::ApiKind;
use crate::model::stage_report::{
    Behind, Counters, LabelRow, RuleMode, RuleRow, RuleSource, Samples, WafCounter, WafReport,
};
use crate::model::waf::{Disposition, Rule, RuleAction, RuleGroup, Statement, WebAcl};
use crate::watch::store::{Held, Window};

/// Minutes read where no attack is known to have begun earlier.
const MINUTES: i64 = 180;

/// The most minutes read: of an attack that has stood for longer nothing is compared with before.
const MOST_MINUTES: i64 = 12 * 60;

/// Rule groups of this account, by ARN.
pub(super) type Groups = Vec<(String, Result<RuleGroup, AwsError>)>;

/// A web ACL, and under which name its series are kept.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) acl: WebAcl,
    /// Rule groups of this account that it refers to, by ARN.
    pub(super) groups: Groups,
    /// How many addresses are over the limit now of each rate rule, or of any inside a group, by the name of the web
    /// ACL's rule.
    rate_keys: Vec<(String, Known<usize>)>,
    behind: Known<Behind>,
    /// Everything together, under the dimension value that has data.
    pub(super) total: Result<Held, AwsError>,
    /// The value of the `WebACL` dimension. The documentation says the metric name, field evidence the name: whichever
    /// has data.
    pub(super) dimension: Option<String>,
    /// The minutes of the totals, which everything else is read of.
    pub(super) window: Window,
    metrics: usize,
}

/// The series of the rules and of the default action, in the order of evaluation, the default action last.
#[derive(Debug)]
pub(super) struct RuleSeries {
    held: Result<Vec<Held>, AwsError>,
    pub(super) metrics: usize,
}

/// Opens a web ACL: its rules, what is behind it, its totals since before the attack that `began`.
///
/// # Errors
/// As `GetWebACL` fails: without its rules nothing of it can be told. Anything less is told where it is missing.
pub(super) async fn open(
    aws: &Aws,
    settings: &Settings,
    arn: &str,
    began: Option<DateTime<Utc>>,
) -> Result<Opened, AwsError> {
    let (acl, behind) =
        tokio::join!(aws.web_acl(arn, Lane::Plan), aws.resources_behind(arn, ResourceKind::API_GATEWAY, Lane::Plan));
    let acl = acl?;
    let mut names = vec![acl.name.clone()];
    if acl.metric_name != acl.name {
        names.push(acl.metric_name.clone());
    }
    let queries: Vec<MetricQuery> = names.iter().flat_map(|name| queries(name, "ALL", aws.region())).collect();
    let window = window(began, aws.clock().now());
    let groups_and_keys = async {
        let groups = groups(aws, &acl).await;
        let keys = rate_keys(aws, &acl, &groups).await;
        (groups, keys)
    };
    let (read, (groups, rate_keys)) = tokio::join!(read(aws, &queries, window), groups_and_keys);
    let metrics = queries.len();
    let (total, dimension) = match read {
        Ok(held) => {
            // Under a name that has nothing at all, nothing tells nothing.
            let mut found = held.into_iter().zip(names);
            match found.find(|(held, _)| held.has_data()) {
                Some((mut held, name)) => {
                    held.settle_alone(window, aws.clock().now(), provisional(&settings.polling));
                    (Ok(held), Some(name))
                }
                None => (Ok(Held::new(WafCounter::ALL.len())), None),
            }
        }
        Err(error) => (Err(error), None),
    };
    let behind = behind.map(|stages| Behind {
        stages,
        others: Some("load balancers and other kinds of resource were not asked for".to_owned()),
    });
    Ok(Opened { acl, groups, rate_keys, behind: known(behind, ApiKind::Rest), total, dimension, window, metrics })
}

/// Three hours, and back to the half hour before an attack where it began before them.
fn window(began: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Window {
    let since = began.map_or(0, |began| (now - began).num_minutes() + BEFORE_MINUTES + 1);
    Window::last(if since > MOST_MINUTES { MINUTES } else { since.max(MINUTES) }, now)
}

/// The rule groups of this account that a web ACL refers to. AWS's managed groups cannot be read.
async fn groups(aws: &Aws, acl: &WebAcl) -> Groups {
    let mut arns: Vec<&String> = acl
        .in_order()
        .filter_map(|rule| match &rule.statement {
            Statement::RuleGroup { arn, .. } => Some(arn),
            _ => None,
        })
        .collect();
    arns.sort();
    arns.dedup();
    let calls = arns.into_iter().map(|arn| async move { (arn.clone(), aws.rule_group(arn, Lane::Plan).await) });
    join_all(calls).await
}

/// How many addresses are over the limit of the web ACL's rate rules, those in its rule groups included, by the name of
/// its own rule. An address that is over the limits of several rules of a group is one address.
async fn rate_keys(aws: &Aws, acl: &WebAcl, groups: &Groups) -> Vec<(String, Known<usize>)> {
    let calls = acl.rules.iter().map(|rule| async move {
        let keys = match &rule.statement {
            Statement::RateBased { .. } => aws.rate_keys(acl, &rule.name, Lane::Plan).await,
            Statement::RuleGroup { arn, .. } => match rated_inside(groups, arn) {
                Ok(inside) if inside.is_empty() => return None,
                Ok(inside) => keys_inside(aws, acl, &rule.name, &inside).await,
                // Whether there is a rate rule in it is not known either.
                Err(error) => Err(error.clone()),
            },
            _ => return None,
        };
        let distinct = keys.map(|keys| keys.into_iter().collect::<HashSet<IpNet>>().len());
        Some((rule.name.clone(), known(distinct, ApiKind::Rest)))
    });
    join_all(calls).await.into_iter().flatten().collect()
}

/// The names of the rate rules inside a group, or why it could not be read.
fn rated_inside<'a>(groups: &'a Groups, arn: &str) -> Result<Vec<&'a str>, &'a AwsError> {
    let Some((_, read)) = groups.iter().find(|(known, _)| known == arn) else { return Ok(Vec::new()) };
    let rules = read.as_ref()?.rules.iter().filter(|rule| matches!(rule.statement, Statement::RateBased { .. }));
    Ok(rules.map(|rule| rule.name.as_str()).collect())
}

/// The keys of every rate rule inside a group; of all or none, since a part would look like the whole.
async fn keys_inside(aws: &Aws, acl: &WebAcl, reference: &str, inside: &[&str]) -> Result<Vec<IpNet>, AwsError> {
    let calls = inside.iter().map(|rule| aws.rate_keys_in_group(acl, reference, rule, Lane::Plan));
    let read: Result<Vec<Vec<IpNet>>, AwsError> = join_all(calls).await.into_iter().collect();
    Ok(read?.into_iter().flatten().collect())
}

impl Opened {
    /// What the rules inside the group at a place of the order do, as the group and its overrides say; empty where
    /// neither tells.
    pub(super) fn declared(&self, place: usize) -> Vec<(String, RuleAction)> {
        let (read, overrides) = match self.acl.in_order().nth(place).map(|rule| &rule.statement) {
            Some(Statement::RuleGroup { arn, overrides }) => {
                let group = self.groups.iter().find(|(known, _)| known == arn);
                (group.and_then(|(_, read)| read.as_ref().ok()), overrides)
            }
            Some(Statement::ManagedGroup { overrides, .. }) => (None, overrides),
            _ => return Vec::new(),
        };
        let own = read.into_iter().flat_map(|group| &group.rules).filter_map(|rule| match rule.disposition {
            Disposition::Action(action) => Some((rule.name.clone(), action)),
            Disposition::Group { .. } => None,
        });
        let kept = own.filter(|(name, _)| overrides.iter().all(|(over, _)| over != name));
        overrides.iter().cloned().chain(kept).collect()
    }

    /// Groups that could not be read, a line each.
    pub(super) fn unread(&self) -> Vec<String> {
        let failed = self.groups.iter().filter_map(|(arn, read)| Some((arn, read.as_ref().err()?)));
        let line = |(arn, error): (&String, &AwsError)| {
            let name = arn.rsplit('/').nth(1).unwrap_or(arn);
            format!("what the rules inside rule group {name} do is not known: {}", reason(error, ApiKind::Rest))
        };
        failed.map(line).collect()
    }
}

/// Reads what each rule did, in one call.
pub(super) async fn rules(aws: &Aws, settings: &Settings, opened: &Opened) -> RuleSeries {
    let Some(dimension) = &opened.dimension else {
        return RuleSeries { held: Ok(Vec::new()), metrics: opened.metrics };
    };
    let acl = &opened.acl;
    let names = acl.in_order().map(|rule| rule.metric_name.as_str()).chain([acl.metric_name.as_str()]);
    let queries: Vec<MetricQuery> = names.flat_map(|name| queries(dimension, name, aws.region())).collect();
    let window = opened.window;
    let metrics = opened.metrics + queries.len();
    let held = read(aws, &queries, window).await;
    let settled = |mut held: Held| {
        if let Ok(total) = &opened.total {
            held.settle_by(total, window, aws.clock().now(), provisional(&settings.polling));
        }
        held
    };
    let held = held.map(|all| all.into_iter().map(settled).collect());
    RuleSeries { held, metrics }
}

/// The five counters of one rule, or of `ALL` (documented: regional series have a region).
fn queries(dimension: &str, rule: &str, region: &str) -> Vec<MetricQuery> {
    let query = |counter: WafCounter| MetricQuery {
        namespace: "AWS/WAFV2".into(),
        name: counter.metric().into(),
        dimensions: vec![("WebACL", dimension.to_owned()), ("Rule", rule.to_owned()), ("Region", region.to_owned())],
        statistic: Statistic::Sum,
    };
    WafCounter::ALL.map(query).to_vec()
}

/// Five series each.
async fn read(aws: &Aws, queries: &[MetricQuery], window: Window) -> Result<Vec<Held>, AwsError> {
    let (results, _) = aws.metric_data(queries, window.from, window.to, Lane::Plan).await?;
    let each = results.chunks(WafCounter::ALL.len()).map(|results| {
        let mut held = window.held(WafCounter::ALL.len());
        for (index, result) in results.iter().enumerate() {
            held.take(index, result, window);
        }
        held
    });
    Ok(each.collect())
}

/// How many stages the figures of a web ACL speak of.
pub(super) fn stages_behind(opened: &Opened, stages_known: usize) -> usize {
    match &opened.behind {
        Known::Yes(behind) => behind.stages.len().max(1),
        _ => stages_known.max(1),
    }
}

/// The rows, without what samples tell of the rules inside groups.
pub(super) fn rows(opened: &Opened, rules: &RuleSeries, frame: &Frame<'_>) -> Vec<RuleRow> {
    let acl = &opened.acl;
    let first = acl.pre_process.len();
    let own = acl.rules.len();
    let source = |place: usize| match place {
        _ if place < first => RuleSource::FirewallManagerFirst,
        _ if place < first + own => RuleSource::Own,
        _ => RuleSource::FirewallManagerLast,
    };
    let row = |(place, rule): (usize, &Rule)| RuleRow {
        place: place + 1,
        name: rule.name.clone(),
        metric_name: rule.metric_name.clone(),
        priority: rule.priority,
        source: source(place),
        matches: matches(&rule.statement),
        mode: mode(rule),
        figures: figures(rules, opened, place, rule.metered, frame),
        minutes: minutes(rules.held.as_ref().ok().and_then(|held| held.get(place)), rule.metered),
        inner: Known::NotYet,
        rate_keys: opened.rate_keys.iter().find(|(name, _)| *name == rule.name).map(|(_, keys)| keys.clone()),
    };
    acl.in_order().enumerate().map(row).collect()
}

/// The report: rows, totals, and what the two rank.
// Wide: the report's parts, each read by itself.
pub(super) fn report(
    opened: &Opened,
    rules: &RuleSeries,
    rows: Vec<RuleRow>,
    (samples, labels): (Known<Samples>, Known<Vec<LabelRow>>),
    frame: &Frame<'_>,
    before: Before,
) -> WafReport {
    let acl = &opened.acl;
    let default_place = rows.len();
    let held = rules.held.as_ref().ok().and_then(|held| held.get(default_place));
    let default_minutes = minutes(held, acl.metered);
    let total = opened.total.as_ref().ok().filter(|_| opened.dimension.is_some());
    let total_minutes = minutes(total, acl.metered);
    let subject = ranking::Subject {
        acl,
        rows: &rows,
        total: &total_minutes,
        default: &default_minutes,
        declared: &|place| opened.declared(place),
        frame,
        before,
    };
    let (in_the_way, only_count) = (ranking::in_the_way(&subject), ranking::only_count(&subject));
    WafReport {
        name: acl.name.clone(),
        arn: acl.arn.clone(),
        behind: opened.behind.clone(),
        default_action: acl.default_action,
        managed_by_firewall_manager: acl.managed_by_firewall_manager,
        total: total_figures(opened, frame),
        default_figures: figures(rules, opened, default_place, acl.metered, frame),
        total_minutes,
        rules: rows,
        in_the_way,
        only_count,
        labels,
        samples,
        before: before.words(),
    }
}

fn total_figures(opened: &Opened, frame: &Frame<'_>) -> Counters<Figure> {
    Counters::new(|counter| match (&opened.total, &opened.dimension) {
        _ if !opened.acl.metered => Figure::unknown(UNMETERED),
        (Err(error), _) => Figure::unknown(reason(error, ApiKind::Rest)),
        (Ok(_), None) => Figure::unknown(NO_SERIES),
        (Ok(held), _) => of_held(held, counter, frame),
    })
}

const UNMETERED: &str = "its metrics are switched off (CloudWatchMetricsEnabled of its VisibilityConfig)";
const NO_SERIES: &str = "no WAF metrics under this web ACL's name or metric name in three hours";

fn figures(rules: &RuleSeries, opened: &Opened, place: usize, metered: bool, frame: &Frame<'_>) -> Counters<Figure> {
    Counters::new(|counter| match (&rules.held, &opened.total) {
        _ if !metered => Figure::unknown(UNMETERED),
        (Err(error), _) | (_, Err(error)) => Figure::unknown(reason(error, ApiKind::Rest)),
        (Ok(held), _) => match held.get(place) {
            Some(held) => of_held(held, counter, frame),
            None => Figure::unknown(NO_SERIES),
        },
    })
}

fn of_held(held: &Held, counter: WafCounter, frame: &Frame<'_>) -> Figure {
    let index = counter as usize;
    let refused = matches!(held.status(index), Some(MetricStatus::Forbidden | MetricStatus::Failed));
    match held.series().get(index).filter(|_| !refused) {
        Some(series) => frame.figure(series, 1.0 / 60.0, missing(held, index)),
        None => Figure::unknown(missing(held, index)),
    }
}

/// The series themselves; empty where there is nothing that may be trusted.
fn minutes(held: Option<&Held>, metered: bool) -> Counters<Arc<crate::model::series::Series>> {
    let empty = Held::new(WafCounter::ALL.len());
    let held = held.filter(|_| metered).unwrap_or(&empty);
    Counters::new(|counter| Arc::clone(&held.series()[counter as usize]))
}

/// What a rule may do.
pub(super) fn mode(rule: &Rule) -> RuleMode {
    let overrides = match &rule.statement {
        Statement::RuleGroup { overrides, .. } | Statement::ManagedGroup { overrides, .. } => overrides.clone(),
        _ => Vec::new(),
    };
    match rule.disposition {
        Disposition::Action(action) => RuleMode::Acts(action),
        Disposition::Group { count: true } => RuleMode::GroupCounts,
        Disposition::Group { count: false } => RuleMode::GroupActs(overrides),
    }
}

/// A statement in a few words.
fn matches(statement: &Statement) -> String {
    let last = |arn: &str| arn.rsplit('/').nth(1).unwrap_or(arn).to_owned();
    match statement {
        Statement::IpSet { arn, forwarded_header: None } => format!("IP set {}", last(arn)),
        Statement::IpSet { arn, forwarded_header: Some(header) } => format!("IP set {} by header {header}", last(arn)),
        Statement::RuleGroup { arn, .. } => format!("rule group {}", last(arn)),
        Statement::ManagedGroup { vendor, name, .. } => format!("managed group {vendor} {name}"),
        Statement::RateBased { limit, window_seconds, scope_down, .. } => {
            let of = if scope_down.is_some() { " of what a statement matches" } else { "" };
            format!("more than {limit} requests in {window_seconds} s{of}")
        }
        Statement::And(parts) => parts.iter().map(matches).collect::<Vec<_>>().join(" and "),
        Statement::Or(parts) => parts.iter().map(matches).collect::<Vec<_>>().join(" or "),
        Statement::Not(part) => format!("not ({})", matches(part)),
        Statement::Label { key, .. } => format!("label {key}"),
        Statement::Other(name) => (*name).to_owned(),
    }
}
