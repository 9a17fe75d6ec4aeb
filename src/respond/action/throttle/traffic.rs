//! How much traffic a method has, and how much of it a limit would turn away.

use chrono::{DateTime, TimeDelta, Utc};

use crate::aws::read::{MetricQuery, MetricStatus, Statistic};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::bounds;
use crate::model::method::MethodName;
use crate::model::series::floor_minute;
use crate::model::settings::Settings;
use crate::model::source::SampledRequest;
use crate::model::stage::{ApiKind, StageId};
use crate::model::words::whole_percent;
use crate::respond::loss::{Pace, Taken};
use crate::respond::samples::{Samples, UNSAMPLED, began, passed};
use crate::watch;

/// Minutes that a prediction looks back.
const MINUTES: i64 = 10;

/// What was read of a stage's traffic.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic {
    /// Over the last ten minutes, or since the attack began where that is less.
    pub(super) now: Rates,
    /// Over the ten minutes before the attack; `None` where no attack is known.
    pub(super) before: Option<Rates>,
    /// Requests that WAF let pass to the API lately, by its default action.
    pub(super) recent: Vec<SampledRequest>,
    /// The same of before the attack.
    pub(super) earlier: Vec<SampledRequest>,
    /// When the attack began, where one is known.
    pub(super) began: Option<DateTime<Utc>>,
    /// Why something is not known, a line each.
    pub(super) missing: Vec<String>,
    /// How many of these are samples that could not be read, beside others that could.
    pub(super) unread: usize,
}

/// Requests a second; `None` where not known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Rates {
    /// On the stage.
    pub(super) stage: Option<f64>,
    /// On the method, where its own metric is switched on.
    pub(super) method: Option<f64>,
}

/// A method's traffic and what a limit would do to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Forecast {
    /// The limit, requests a second.
    pub(super) limit: f64,
    /// Requests on the method now.
    pub(super) now: Pace,
    /// Requests on it before the attack: what belongs there. Where no attack is known, those of now; `None` where
    /// nothing tells.
    pub(super) before: Option<Pace>,
    /// Whether an attack is known.
    pub(super) attacked: bool,
    /// Whether some of what it rests on could not be read.
    pub(super) in_part: bool,
    /// What it rests on.
    pub(super) evidence: Vec<String>,
}

impl Forecast {
    /// What of now's requests the limit turns away: of everybody's alike, since a throttle does not tell attackers from
    /// customers.
    pub(super) fn shed(&self) -> Taken {
        Taken::above(self.limit, self.now)
    }

    /// What the limit takes from the traffic of before, flood or no flood.
    pub(super) fn taken(&self) -> Option<Taken> {
        Some(Taken::above(self.limit, self.before?))
    }

    /// The share of now's requests that was there before the attack, and how large it may be; fractions.
    pub(super) fn legitimate(&self) -> Option<(f64, f64)> {
        let of_now = |then: f64| if self.now.rate > 0.0 { (then / self.now.rate).min(1.0) } else { 1.0 };
        self.before.map(|before| (of_now(before.rate), of_now(before.bounds.1)))
    }
}

/// Reads the traffic of the last minutes, and of before the attack.
// Wide: what the metrics are asked by, and from when the attack counts.
pub(super) async fn read(
    aws: &Aws,
    settings: &Settings,
    stage: &StageId,
    web_acl: Option<&str>,
    method: Option<&MethodName>,
    attack_began: Option<DateTime<Utc>>,
) -> Traffic {
    let now = aws.clock().now();
    let began = began(aws, settings, stage, web_acl, attack_began).await;
    let sampled = async {
        let arn = web_acl.ok_or(UNSAMPLED.to_owned())?;
        let acl = aws.web_acl(arn, Lane::Plan).await.map_err(|error| error.to_string())?;
        let (recent, earlier) = passed(aws, &acl, now, began).await;
        Ok::<_, String>((acl.metric_name, recent, earlier))
    };
    let of_api = ("ApiName", stage.metric_api_name());
    let (rates, sampled) = tokio::join!(rates(aws, of_api, stage, method, began, now), sampled);
    let mut traffic = Traffic { began, ..Traffic::default() };
    match rates {
        Ok((now, before)) => (traffic.now, traffic.before) = (now, before),
        Err(error) => traffic.missing.push(error.to_string()),
    }
    match sampled {
        Ok((default, recent, earlier)) => {
            traffic.missing.extend(recent.missing.iter().chain(&earlier.missing).cloned());
            traffic.unread = traffic.missing.len();
            traffic.recent = of_rule(recent, &default);
            traffic.earlier = of_rule(earlier, &default);
        }
        Err(why) => traffic.missing.push(why),
    }
    traffic
}

/// The traffic of a stage of an HTTP API: its metrics go by the API's id (documented), and nothing samples its
/// requests. Whom a throttle hits is therefore known where the attack's beginning is, and else not.
pub(super) async fn read_http(
    aws: &Aws,
    settings: &Settings,
    stage: &StageId,
    method: Option<&MethodName>,
    attack_began: Option<DateTime<Utc>>,
) -> Traffic {
    let of_api = ("ApiId", stage.api_id.clone());
    let began = match attack_began {
        Some(began) => Some(began),
        None => watch::attack_began_on(aws, settings, (stage, ApiKind::Http), None).await.unwrap_or(None),
    };
    let mut traffic = Traffic { before: Some(Rates::default()), began, ..Traffic::default() };
    match rates(aws, of_api, stage, method, began, aws.clock().now()).await {
        Ok((now, before)) => (traffic.now, traffic.before) = (now, Some(before.unwrap_or_default())),
        Err(error) => traffic.missing.push(error.to_string()),
    }
    if method.is_some() && traffic.now.method.is_none() {
        traffic.missing.push("a single route has figures only where detailed metrics are on".to_owned());
    }
    traffic
}

fn of_rule(samples: Samples, rule: &str) -> Vec<SampledRequest> {
    samples.sets.into_iter().filter(|set| set.rule == rule).flat_map(|set| set.samples).collect()
}

impl Traffic {
    /// What a limit of `limit` requests a second would do to `method` (all methods alike where `None`); `Err` says what
    /// is not known.
    pub(super) fn forecast(&self, stage: &str, method: Option<&MethodName>, limit: f64) -> Result<Forecast, String> {
        let why = || match self.missing.first() {
            Some(first) => first.clone(),
            None => "no request was sampled in the last minutes".to_owned(),
        };
        let Told { pace: now, how } = rate_of(self.now, &self.recent, stage, method).ok_or_else(why)?;
        let mut evidence = vec![
            format!("{:.1} requests/s now, by {how}", now.rate),
            "what WAF blocks is counted in it (inferred), and the last minutes may still be filling".to_owned(),
        ];
        let before = match self.before {
            // Nobody attacks, as far as is known: all of it belongs there.
            None => Some(now),
            Some(before) => rate_of(before, &self.earlier, stage, method).map(|told| {
                evidence.push(format!("{:.1} requests/s before the attack, by {}", told.pace.rate, told.how));
                told.pace
            }),
        };
        if self.before.is_none() {
            evidence.push("no attack is known, so all of it counts as legitimate".to_owned());
        }
        evidence.extend(self.missing.iter().map(|line| format!("not known: {line}")));
        let (attacked, in_part) = (self.before.is_some(), self.unread > 0);
        Ok(Forecast { limit, now, before, attacked, in_part, evidence })
    }
}

/// Requests a second, and how that is known.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    pace: Pace,
    how: String,
}

/// Requests a second on a method, and how that is known: its own metric, or the stage's times its share of the samples.
fn rate_of(rates: Rates, samples: &[SampledRequest], stage: &str, method: Option<&MethodName>) -> Option<Told> {
    let measured = |rate, how: &str| Told { pace: Pace::counted(rate), how: how.to_owned() };
    let Some(wanted) = method else { return Some(measured(rates.stage?, "the stage's metric")) };
    if let Some(rate) = rates.method {
        return Some(measured(rate, "the method's own metric"));
    }
    let weight = |s: &SampledRequest| s.weight.max(1) as f64;
    let all: f64 = samples.iter().map(weight).sum();
    if all <= 0.0 {
        return None;
    }
    // Nothing added up is -0.
    let ours: Vec<&SampledRequest> = samples.iter().filter(|s| wanted.takes(&s.method, &s.uri, stage)).collect();
    let inside = 0.0 + ours.iter().map(|s| weight(s)).sum::<f64>();
    let (of_stage, share) = (rates.stage?, inside / all);
    let squares = samples.iter().map(|s| weight(s).powi(2)).sum();
    let (low, high) = bounds::weighted_share(inside, all, squares);
    let bounded = bounds::words_of((low, high)).map_or_else(String::new, |words| format!(" ({words})"));
    let drawn = samples.len();
    Some(Told {
        pace: Pace { rate: of_stage * share, bounds: (of_stage * low, of_stage * high) },
        how: format!("{} of {drawn} samples{bounded}, times the stage's {of_stage:.1}/s", whole_percent(share)),
    })
}

/// Requests a second of the stage, and of the method where it has a metric of its own: lately, and before the attack.
// Wide: what the metrics are asked by, and the two moments they are asked about.
async fn rates(
    aws: &Aws,
    of_api: (&'static str, String),
    stage: &StageId,
    method: Option<&MethodName>,
    began: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(Rates, Option<Rates>), AwsError> {
    let query = |dimensions| MetricQuery {
        namespace: "AWS/ApiGateway".into(),
        name: "Count".into(),
        dimensions,
        statistic: Statistic::SampleCount,
    };
    let name = || of_api.clone();
    let mut queries = vec![query(vec![name(), ("Stage", stage.stage.clone())])];
    queries.extend(method.map(|m| {
        let dimensions =
            [name(), ("Method", m.verb.clone()), ("Resource", m.path.clone()), ("Stage", stage.stage.clone())];
        query(dimensions.to_vec())
    }));
    let window = TimeDelta::minutes(MINUTES);
    let (to, began) = (floor_minute(now), began.map(floor_minute));
    // The minute in which it began is neither before nor after.
    let since = began.map_or(to - window, |began| (to - window).max(began + TimeDelta::minutes(1)));
    let from = began.map_or(since, |began| (began - window).min(since));
    let (read, _) = aws.metric_data(&queries, from, to, Lane::Plan).await?;
    let mean = |index: usize, from: DateTime<Utc>, to: DateTime<Utc>| {
        let result = read.get(index).filter(|r| r.status == MetricStatus::Complete)?;
        let inside: Vec<f64> =
            result.points.iter().filter(|(at, _)| *at >= from && *at < to).map(|(_, v)| *v).collect();
        (!inside.is_empty()).then(|| inside.iter().sum::<f64>() / (inside.len() as f64 * 60.0))
    };
    let rates = |from, to| Rates { stage: mean(0, from, to), method: mean(1, from, to) };
    Ok((rates(since, to), began.map(|began| rates(began - window, began))))
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn samples(of: &[(&str, &str, usize)]) -> Vec<SampledRequest> {
        let sample = |method: &str, uri: &str| SampledRequest {
            at: DateTime::UNIX_EPOCH,
            client: std::net::IpAddr::from([203, 0, 113, 7]),
            country: None,
            method: method.into(),
            uri: uri.into(),
            user_agent: None,
            forwarded_for: None,
            action: None,
            rule: "default".into(),
            rule_in_group: None,
            labels: Vec::new(),
            weight: 1,
        };
        of.iter().flat_map(|(method, uri, n)| std::iter::repeat_n(sample(method, uri), *n)).collect()
    }

    fn rates(stage: f64) -> Rates {
        Rates { stage: Some(stage), method: None }
    }

    pub(in crate::respond::action::throttle) fn traffic() -> Traffic {
        Traffic {
            now: rates(100.0),
            before: Some(rates(20.0)),
            recent: samples(&[("POST", "/login", 9), ("GET", "/products", 1)]),
            earlier: samples(&[("POST", "/login", 1), ("GET", "/products", 3)]),
            missing: vec![],
            unread: 0,
            began: None,
        }
    }

    #[test]
    fn a_limit_sheds_what_is_above_it_from_everybody_alike() {
        let login: MethodName = "POST /login".parse().unwrap();
        let forecast = traffic().forecast("prod", Some(&login), 9.0).unwrap();
        assert!((forecast.now.rate - 90.0).abs() < 1e-9 && (forecast.shed().share - 0.9).abs() < 1e-9);
        // Five a second of it were there before.
        assert!((forecast.legitimate().unwrap().0 - 5.0 / 90.0).abs() < 1e-9);
        assert_eq!(traffic().forecast("prod", Some(&login), 90.0).unwrap().shed().share.to_bits(), 0);
        let calm = Traffic { before: None, ..traffic() };
        let forecast = calm.forecast("prod", Some(&login), 9.0).unwrap();
        assert_eq!(forecast.legitimate().unwrap().0.to_bits(), 1.0f64.to_bits());
        assert_eq!(forecast.taken(), Some(forecast.shed()), "what comes now is what belongs there");
    }

    #[test]
    fn what_a_limit_takes_from_before_has_the_bounds_of_its_samples() {
        let login: MethodName = "POST /login".parse().unwrap();
        let forecast = |traffic: &Traffic, limit| traffic.forecast("prod", Some(&login), limit).unwrap();
        // One of four samples: five of twenty a second, and between 0.9 and 14.
        let of_four = forecast(&traffic(), 9.0);
        assert_eq!(of_four.before.unwrap().bounded(), " (between 0.9 and 14.0)");
        assert_eq!(of_four.taken().unwrap().words(), "none as far as seen, and at most 35.7 %");
        // None of thirty: at most three of thirty, two a second.
        let none = Traffic { earlier: samples(&[("GET", "/products", 30)]), ..traffic() };
        assert!((forecast(&none, 1.0).before.unwrap().bounds.1 - 2.0).abs() < 1e-9);
        assert_eq!(forecast(&none, 1.0).taken().unwrap().words(), "none as far as seen, and at most 50.0 %");
        assert_eq!(forecast(&none, 2.0).taken().unwrap().words(), "none");
        // Counted, and so without bounds.
        let counted = Traffic { before: Some(Rates { stage: Some(20.0), method: Some(12.0) }), ..traffic() };
        assert_eq!(forecast(&counted, 9.0).taken().unwrap().words(), "25.0 %");
    }

    #[test]
    fn a_method_that_nobody_samples_is_nothing_and_not_less() {
        let other: MethodName = "DELETE /orders".parse().unwrap();
        let forecast = traffic().forecast("prod", Some(&other), 9.0).unwrap();
        assert_eq!((forecast.now.rate.to_bits(), forecast.legitimate()), (0, Some((1.0, 1.0))));
    }

    #[test]
    fn what_is_not_known_is_said_and_not_made_up() {
        let login: MethodName = "POST /login".parse().unwrap();
        let blind = Traffic { missing: vec!["no metrics".into()], ..Traffic::default() };
        assert_eq!(blind.forecast("prod", Some(&login), 9.0), Err("no metrics".into()));
        let unsampled = Traffic { recent: vec![], ..traffic() };
        assert!(unsampled.forecast("prod", Some(&login), 9.0).is_err());
        let forgotten = Traffic { earlier: vec![], ..traffic() };
        let forecast = forgotten.forecast("prod", Some(&login), 9.0).unwrap();
        assert_eq!((forecast.legitimate(), forecast.taken()), (None, None));
        let metric = Traffic { now: Rates { stage: Some(100.0), method: Some(20.0) }, ..unsampled };
        assert_eq!(metric.forecast("prod", Some(&login), 10.0).unwrap().now, Pace::counted(20.0));
    }
}
