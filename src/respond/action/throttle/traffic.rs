//! How much traffic a method has, and how much of it a limit would turn away.

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::aws::read::{MetricQuery, MetricStatus, Statistic};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::method::MethodName;
use crate::model::series::floor_minute;
use crate::model::settings::Settings;
use crate::model::source::SampledRequest;
use crate::model::stage::StageId;
use crate::respond::samples::{Samples, began, samples};

/// Minutes that a prediction looks back.
const MINUTES: i64 = 10;

/// What was read of a stage's traffic.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic {
    /// Requests a second on the stage over the last ten minutes; `None` where not known.
    pub(super) stage_rate: Option<f64>,
    /// Requests a second on the method, where its own metric is switched on.
    pub(super) method_rate: Option<f64>,
    /// Requests that WAF let pass to the API lately, by its default action.
    pub(super) recent: Vec<SampledRequest>,
    /// Addresses seen before the attack.
    pub(super) before: BTreeSet<IpAddr>,
    /// Why something is not known, a line each.
    pub(super) missing: Vec<String>,
}

/// A method's traffic and what a limit would do to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Forecast {
    /// Requests a second on the method.
    pub(super) rate: f64,
    /// The share of its requests from callers seen before the attack, a fraction; `None` where nothing tells.
    pub(super) legitimate: Option<f64>,
    /// The share of its requests that the limit would turn away, a fraction.
    pub(super) shed: f64,
    /// What it rests on.
    pub(super) evidence: Vec<String>,
}

/// Reads the traffic of the last minutes.
pub(super) async fn read(
    aws: &Aws,
    settings: &Settings,
    stage: &StageId,
    web_acl: Option<&str>,
    method: Option<&MethodName>,
    attack_began: Option<DateTime<Utc>>,
) -> Traffic {
    let now = aws.clock().now();
    let sampled = async {
        let arn = web_acl.ok_or("the stage has no web ACL, so that nothing samples its requests".to_owned())?;
        let (acl, began) =
            tokio::join!(aws.web_acl(arn, Lane::Plan), began(aws, settings, stage, Some(arn), attack_began));
        let acl = acl.map_err(|error| error.to_string())?;
        let (recent, earlier) = samples(aws, &acl, now, began).await;
        Ok::<_, String>((acl.metric_name, recent, earlier))
    };
    let (rates, sampled) = tokio::join!(rates(aws, stage, method, now), sampled);
    let mut traffic = Traffic::default();
    match rates {
        Ok((of_stage, of_method)) => (traffic.stage_rate, traffic.method_rate) = (of_stage, of_method),
        Err(error) => traffic.missing.push(error.to_string()),
    }
    match sampled {
        Ok((default, recent, earlier)) => traffic.take(&default, recent, earlier),
        Err(why) => traffic.missing.push(why),
    }
    traffic
}

impl Traffic {
    fn take(&mut self, default: &str, recent: Samples, earlier: Samples) {
        self.missing.extend(recent.missing);
        self.missing.extend(earlier.missing);
        let passed = recent.sets.into_iter().filter(|set| set.rule == default);
        self.recent.extend(passed.flat_map(|set| set.samples));
        self.before.extend(earlier.sets.iter().flat_map(|set| &set.samples).map(|sample| sample.client));
    }

    /// What a limit of `limit` requests a second would do to `method` (all methods alike where `None`); `Err` says what is not
    /// known.
    pub(super) fn forecast(&self, stage: &str, method: Option<&MethodName>, limit: f64) -> Result<Forecast, String> {
        let why = || match self.missing.first() {
            Some(first) => first.clone(),
            None => "no request was sampled in the last minutes".to_owned(),
        };
        let of_method = |s: &&SampledRequest| method.is_none_or(|m| m.takes(&s.method, &s.uri, stage));
        let weight = |samples: &[&SampledRequest]| -> f64 { samples.iter().map(|s| s.weight.max(1) as f64).sum() };
        let all: Vec<&SampledRequest> = self.recent.iter().collect();
        let inside: Vec<&SampledRequest> = self.recent.iter().filter(of_method).collect();
        let (rate, how) = match (self.method_rate, self.stage_rate) {
            (Some(rate), _) => (rate, "its own metric".to_owned()),
            (None, None) => return Err(why()),
            (None, Some(rate)) if method.is_none() => (rate, "the stage's metric".to_owned()),
            (None, Some(_)) if all.is_empty() => return Err(why()),
            (None, Some(rate)) => {
                let share = weight(&inside) / weight(&all);
                (
                    rate * share,
                    format!("{:.0} % of {} samples, times the stage's {rate:.1}/s", share * 100.0, all.len()),
                )
            }
        };
        let known: Vec<&SampledRequest> = inside.iter().copied().filter(|s| self.before.contains(&s.client)).collect();
        let legitimate = (!inside.is_empty() && !self.before.is_empty()).then(|| weight(&known) / weight(&inside));
        let shed = if rate > limit { 1.0 - limit / rate } else { 0.0 };
        let mut evidence = vec![format!("{rate:.1} requests/s over the last {MINUTES} minutes, by {how}")];
        evidence.extend(legitimate.map(|share| {
            format!("{:.0} % of {} samples come from callers seen before the attack", share * 100.0, inside.len())
        }));
        evidence.extend(self.missing.iter().map(|line| format!("not known: {line}")));
        Ok(Forecast { rate, legitimate, shed, evidence })
    }
}

/// Requests a second over the last minutes: of the stage, and of the method where it has a metric of its own.
async fn rates(
    aws: &Aws,
    stage: &StageId,
    method: Option<&MethodName>,
    now: DateTime<Utc>,
) -> Result<(Option<f64>, Option<f64>), AwsError> {
    let query = |dimensions| MetricQuery {
        namespace: "AWS/ApiGateway",
        name: "Count",
        dimensions,
        statistic: Statistic::SampleCount,
    };
    let name = || ("ApiName", stage.metric_api_name());
    let mut queries = vec![query(vec![name(), ("Stage", stage.stage.clone())])];
    queries.extend(method.map(|m| {
        let dimensions =
            [name(), ("Method", m.verb.clone()), ("Resource", m.path.clone()), ("Stage", stage.stage.clone())];
        query(dimensions.to_vec())
    }));
    let to = floor_minute(now);
    let (read, _) = aws.metric_data(&queries, to - TimeDelta::minutes(MINUTES), to, Lane::Plan).await?;
    let mean = |index: usize| {
        let result = read.get(index).filter(|r| r.status == MetricStatus::Complete && !r.points.is_empty())?;
        // The last minute may still be filling.
        let whole: Vec<f64> = result.points.iter().map(|(_, value)| *value).collect();
        Some(whole.iter().sum::<f64>() / (whole.len() as f64 * 60.0))
    };
    Ok((mean(0), mean(1)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sample(client: &str, method: &str, uri: &str) -> SampledRequest {
        SampledRequest {
            at: DateTime::UNIX_EPOCH,
            client: client.parse().unwrap(),
            country: None,
            method: method.into(),
            uri: uri.into(),
            user_agent: None,
            forwarded_for: None,
            action: None,
            rule: "default".into(),
            rule_in_group: None,
            weight: 1,
        }
    }

    fn traffic() -> Traffic {
        let mut recent: Vec<_> = (0..8).map(|_| sample("203.0.113.7", "POST", "/login")).collect();
        recent.extend([sample("198.18.0.1", "POST", "/login"), sample("198.18.0.1", "GET", "/products")]);
        Traffic {
            stage_rate: Some(100.0),
            recent,
            before: ["198.18.0.1".parse().unwrap()].into(),
            ..Traffic::default()
        }
    }

    #[test]
    fn a_limit_sheds_what_is_above_it_from_everybody_alike() {
        let login: MethodName = "POST /login".parse().unwrap();
        let forecast = traffic().forecast("prod", Some(&login), 9.0).unwrap();
        assert!((forecast.rate - 90.0).abs() < 1e-9 && (forecast.shed - 0.9).abs() < 1e-9);
        assert!((forecast.legitimate.unwrap() - 1.0 / 9.0).abs() < 1e-9);
        assert_eq!(traffic().forecast("prod", Some(&login), 90.0).unwrap().shed.to_bits(), 0);
    }

    #[test]
    fn what_is_not_known_is_said_and_not_made_up() {
        let login: MethodName = "POST /login".parse().unwrap();
        let blind = Traffic { missing: vec!["no metrics".into()], ..Traffic::default() };
        assert_eq!(blind.forecast("prod", Some(&login), 9.0), Err("no metrics".into()));
        let unsampled = Traffic { recent: vec![], ..traffic() };
        assert!(unsampled.forecast("prod", Some(&login), 9.0).is_err());
        let metric = Traffic { method_rate: Some(20.0), ..unsampled };
        assert_eq!(metric.forecast("prod", Some(&login), 10.0).unwrap().legitimate, None);
    }
}
