//! Did it work? Watching what must move after a change.
//!
//! The proof that an entry of an IP set works is WAF seen acting on a target by the very rule: its samples say so.
//! Metrics tell how much. 4XX is not looked at: it does not fall when requests are blocked (inferred).

mod stage;

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;

use crate::aws::read::{MetricQuery, Statistic};
use crate::aws::{Aws, AwsError, Lane};
use crate::incident::{Event, Incident, IncidentError};
use crate::model::action::Action;
use crate::model::address;
use crate::model::plan::{Effect, Observation, Plan, Purpose, WatchFor};
use crate::model::probe::ProbeReading;
use crate::model::series::floor_minute;
use crate::model::source::SampledRequest;
use crate::model::waf::RuleAction;

/// Account time between two looks.
const BETWEEN: TimeDelta = TimeDelta::seconds(15);

/// Watches until the effect of `plan`, carried out at `done_at`, is seen, or until `patience` of account time has
/// passed; writes what was seen to the journal.
// Wide: what was done and when, and where and how long its effect is looked for.
pub async fn observe(
    aws: &Aws,
    incident: &Incident,
    action_id: &str,
    plan: &Plan,
    done_at: DateTime<Utc>,
    patience: TimeDelta,
) -> Result<Observation, IncidentError> {
    // Whom a web ACL lets in that stands before nothing moves none either.
    let is_in_reserve = matches!(plan.action, Action::AllowIp(_)) && plan.watch.is_empty();
    if !plan.action.moves_traffic() || is_in_reserve {
        let evidence = vec!["nothing to observe: this moves no traffic".to_owned()];
        return Ok(Observation { observed: false, evidence });
    }
    let until = done_at + patience;
    let mut trouble: Option<AwsError> = None;
    let mut evidence = loop {
        aws.clock().sleep(BETWEEN).await;
        match seen(aws, plan, done_at).await {
            Ok(Some(evidence)) => break Some(evidence),
            Ok(None) => {}
            Err(error) => trouble = Some(error),
        }
        if aws.clock().now() >= until {
            break None;
        }
    };
    if let Some(lines) = &mut evidence {
        lines.extend(figures(aws, plan, done_at).await.unwrap_or_default());
        let event =
            Event::Effect { action_id: action_id.to_owned(), effect: Effect::Observed, evidence: lines.clone() };
        incident.record(aws.clock().now(), &event)?;
    }
    let observed = evidence.is_some();
    let wanted = if plan.watch.is_empty() {
        "what reaches the backend did not change as expected"
    } else {
        "no request from the targets was sampled as expected"
    };
    let why = || match trouble {
        Some(error) => vec![format!("not observed: {error}")],
        None => vec![format!("not observed within {} s: {wanted}", patience.num_seconds())],
    };
    Ok(Observation { observed, evidence: evidence.unwrap_or_else(why) })
}

/// Lines that show the effect, once it shows for every set that was changed.
async fn seen(aws: &Aws, plan: &Plan, done_at: DateTime<Utc>) -> Result<Option<Vec<String>>, AwsError> {
    if let Some(probe) = &plan.probe {
        let reading = aws.probe(probe).await?.reading();
        if !matches!(reading, ProbeReading::Admitted { .. }) {
            return Ok(None);
        }
        // That we get in shows no closure: what reaches the backend does.
        let Some(mut lines) = stage::moved(aws, plan, done_at).await? else { return Ok(None) };
        lines.push(format!("{} gets through from here: {}", probe.shown(), reading.words()));
        return Ok(Some(lines));
    }
    if plan.watch.is_empty() {
        return stage::moved(aws, plan, done_at).await;
    }
    let mut evidence = Vec::new();
    for watch in &plan.watch {
        let targets = targets(plan, watch);
        if targets.is_empty() {
            continue;
        }
        let does = Does::of(&plan.action);
        let line = match plan.purpose {
            Purpose::Apply => since(aws, (watch, does), &targets, done_at).await?,
            Purpose::Undo { .. } => no_longer(aws, (watch, does), &targets, done_at).await?,
        };
        let Some(line) = line else { return Ok(None) };
        evidence.push(line);
    }
    Ok((!evidence.is_empty()).then_some(evidence))
}

/// What WAF does with whoever is in a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Block,
    Allow,
}

impl Does {
    fn of(action: &Action) -> Self {
        if matches!(action, Action::AllowIp(_)) { Self::Allow } else { Self::Block }
    }

    fn action(self) -> RuleAction {
        if self == Self::Block { RuleAction::Block } else { RuleAction::Allow }
    }

    /// `blocking`, `blocked`.
    fn words(self) -> (&'static str, &'static str) {
        if self == Self::Block { ("blocking", "blocked") } else { ("letting in", "let in") }
    }
}

/// WAF seen acting on a target by the rule that uses the set.
async fn since(
    aws: &Aws,
    (watch, does): (&WatchFor, Does),
    targets: &[IpNet],
    done_at: DateTime<Utc>,
) -> Result<Option<String>, AwsError> {
    let now = aws.clock().now();
    let from = done_at.max(now - TimeDelta::minutes(3));
    let sampled = sampled(aws, (watch, does), targets, (from, now)).await?;
    let since: Vec<_> = sampled.iter().filter(|s| s.at >= done_at).collect();
    Ok(since.first().map(|first| {
        let at = first.at.format("%H:%M:%SZ");
        let (acting, _) = does.words();
        format!("WAF was seen {acting} {} by rule {} at {at} ({} such samples)", first.client, watch.rule, since.len())
    }))
}

/// The rule was seen acting on the addresses before the undo, and a minute after it no longer is. Where nothing was
/// seen before, nothing can be seen to end.
async fn no_longer(
    aws: &Aws,
    (watch, does): (&WatchFor, Does),
    targets: &[IpNet],
    done_at: DateTime<Utc>,
) -> Result<Option<String>, AwsError> {
    let now = aws.clock().now();
    if now - done_at < TimeDelta::seconds(75) {
        return Ok(None);
    }
    let before = sampled(aws, (watch, does), targets, (done_at - TimeDelta::minutes(2), done_at)).await?;
    let after = sampled(aws, (watch, does), targets, (now - TimeDelta::seconds(45), now)).await?;
    let (acting, acted) = does.words();
    Ok((!before.is_empty() && after.is_empty()).then(|| {
        format!(
            "rule {} was {acting} these addresses before, and none of their requests is sampled as {acted} any more",
            watch.rule
        )
    }))
}

/// Samples of targets that the rule acted on.
async fn sampled(
    aws: &Aws,
    (watch, does): (&WatchFor, Does),
    targets: &[IpNet],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<SampledRequest>, AwsError> {
    let set = aws.sampled_requests(&watch.web_acl_arn, &watch.rule, from, to, Lane::Plan).await?;
    let of_targets = |client: &IpAddr| targets.iter().any(|net| net.contains(client));
    // WAF names it `group#…#rule` or the rule alone (inferred from samples in the API reference).
    let by_rule = |s: &SampledRequest| {
        let Some(inner) = &watch.inner else { return true };
        s.rule_in_group.as_ref().is_some_and(|name| name == inner || name.ends_with(&format!("#{inner}")))
    };
    let is_ours = |s: &SampledRequest| s.action == Some(does.action()) && of_targets(&s.client) && by_rule(s);
    Ok(set.samples.into_iter().filter(is_ours).collect())
}

fn targets(plan: &Plan, watch: &WatchFor) -> Vec<IpNet> {
    let changes = plan.changes.iter().filter(|c| c.resource.arn == watch.resource);
    changes.flat_map(|c| c.added.iter().chain(&c.removed)).filter_map(|e| address::parsed(e)).collect()
}

/// What moved: the three minutes before against the last whole minute after.
async fn figures(aws: &Aws, plan: &Plan, done_at: DateTime<Utc>) -> Result<Vec<String>, AwsError> {
    let Some(watch) = plan.watch.first() else { return Ok(Vec::new()) };
    let done = floor_minute(done_at);
    let (from, to) = (done - TimeDelta::minutes(3), floor_minute(aws.clock().now()));
    let acl = |name: &'static str| MetricQuery {
        namespace: "AWS/WAFV2".into(),
        name: name.into(),
        dimensions: vec![
            ("WebACL", watch.web_acl.clone()),
            ("Rule", "ALL".to_owned()),
            ("Region", aws.region().to_owned()),
        ],
        statistic: Statistic::Sum,
    };
    let stage = |name: &'static str, statistic| MetricQuery {
        namespace: "AWS/ApiGateway".into(),
        name: name.into(),
        dimensions: vec![("ApiName", plan.stage.metric_api_name()), ("Stage", plan.stage.stage.clone())],
        statistic,
    };
    let queries = [
        acl("BlockedRequests"),
        acl("AllowedRequests"),
        stage("5XXError", Statistic::Sum),
        stage("Latency", Statistic::P99),
    ];
    let (read, _) = aws.metric_data(&queries, from, to, Lane::Plan).await?;
    let labels = [
        ("blocked by the web ACL", "/min"),
        ("allowed by the web ACL", "/min"),
        ("5XX", "/min"),
        ("p99 latency", " ms"),
    ];
    let line = |(label, unit): &(&str, &str), points: &[(DateTime<Utc>, f64)]| {
        let before: Vec<f64> = points.iter().filter(|(at, _)| *at < done).map(|(_, v)| *v).collect();
        let after = points.iter().rfind(|(at, _)| *at > done)?;
        let mean = before.iter().sum::<f64>() / (before.len().max(1) as f64);
        Some(format!(
            "{label}: {mean:.0}{unit} before, {:.0}{unit} in the minute of {}",
            after.1,
            after.0.format("%H:%MZ")
        ))
    };
    Ok(labels.iter().zip(&read).filter_map(|(label, result)| line(label, &result.points)).collect())
}
