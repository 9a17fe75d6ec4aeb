//! WAF's samples for a plan: of now, and of before the attack, so that callers who were there before can be told.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use ipnet::IpNet;

use crate::aws::read::SampleSet;
use crate::aws::{Aws, AwsError, Lane};
use crate::model::address;
use crate::model::series::floor_minute;
use crate::model::settings::Settings;
use crate::model::source::SampledRequest;
use crate::model::stage::StageId;
use crate::model::waf::WebAcl;
use crate::watch;

/// Samples of several rules, and what could not be sampled.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    /// By rule and window.
    pub sets: Vec<SampleSet>,
    /// Rule and reason.
    pub missing: Vec<String>,
    /// Rules that were not asked, since they match less than others: a line.
    pub left: Option<String>,
}

/// Minutes before the attack (or before now, where none is known) that tell who was there already.
const EARLIER_MINUTES: [i64; 3] = [2, 10, 30];

/// When the attack began: as the caller knows it, else as the metrics tell. Not known where they cannot be read: the samples
/// of the minutes before now are taken for what was there before, and the guard says so.
pub(super) async fn began(
    aws: &Aws,
    settings: &Settings,
    stage: &StageId,
    web_acl_arn: Option<&str>,
    known: Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    match known {
        Some(began) => Some(began),
        None => watch::attack_began(aws, settings, stage, web_acl_arn.and_then(|arn| arn.rsplit('/').nth(1)))
            .await
            .unwrap_or(None),
    }
}

/// The last two whole minutes for the rules that match most and for the default action; and of [`before`].
pub(super) async fn samples(
    aws: &Aws,
    acl: &WebAcl,
    now: DateTime<Utc>,
    began: Option<DateTime<Utc>>,
) -> (Samples, Samples) {
    let recent = async {
        let busiest = watch::busiest(aws, acl, Lane::Plan).await;
        let rules = busiest.asked.iter().copied().chain(default_of(acl));
        let mut samples = gathered(join_all(rules.map(|rule| lately(aws, acl, rule, now))).await);
        samples.missing.extend(busiest.missing);
        Samples { left: busiest.left, ..samples }
    };
    tokio::join!(recent, before(aws, acl, now, began))
}

/// The same of the default action alone: what went on to the API, where that is all that is wanted.
pub(super) async fn passed(
    aws: &Aws,
    acl: &WebAcl,
    now: DateTime<Utc>,
    began: Option<DateTime<Utc>>,
) -> (Samples, Samples) {
    let recent = join_all(default_of(acl).into_iter().map(|rule| lately(aws, acl, rule, now)));
    let (recent, earlier) = tokio::join!(recent, before(aws, acl, now, began));
    (gathered(recent), earlier)
}

/// Three minutes of before the attack, or of before now, for the default action: where callers that belong there end up.
pub(super) async fn before(aws: &Aws, acl: &WebAcl, now: DateTime<Utc>, began: Option<DateTime<Utc>>) -> Samples {
    let edge = floor_minute(began.unwrap_or(now));
    let earlier = EARLIER_MINUTES.iter().zip(std::iter::repeat(default_of(acl))).filter_map(|(back, rule)| {
        let from = edge - TimeDelta::minutes(*back);
        Some(aws.sampled_requests(&acl.arn, rule?, from, from + TimeDelta::minutes(1), Lane::Plan))
    });
    gathered(join_all(earlier).await)
}

fn default_of(acl: &WebAcl) -> Option<&str> {
    acl.sampled.then_some(acl.metric_name.as_str())
}

async fn lately(aws: &Aws, acl: &WebAcl, rule: &str, now: DateTime<Utc>) -> Result<SampleSet, AwsError> {
    let end = floor_minute(now);
    aws.sampled_requests(&acl.arn, rule, end - TimeDelta::minutes(2), end, Lane::Plan).await
}

/// Prefixes of callers who lose access that are listed.
const MOST_LOSERS: usize = 12;

/// Who of those sampled loses access.
#[derive(Debug, Clone)]
pub(super) struct Losses {
    /// `; that is 12 % of 300 requests sampled before the attack`, or that it is not known.
    pub share: String,
    /// By prefix, worst first, a line each.
    pub lines: Vec<String>,
}

/// Who of the callers sampled before the attack loses access where only `admitted` are let in.
pub(super) fn losses(callers: &Samples, admitted: &[IpNet]) -> Losses {
    let callers: Vec<&SampledRequest> = callers.sets.iter().flat_map(|set| &set.samples).collect();
    let out = |request: &&&SampledRequest| !admitted.iter().any(|net| net.contains(&request.client));
    let mut by_prefix: BTreeMap<IpNet, usize> = BTreeMap::new();
    for request in callers.iter().filter(out) {
        *by_prefix.entry(address::surroundings(request.client)).or_default() += 1;
    }
    let lost: usize = by_prefix.values().sum();
    let share = match callers.len() {
        0 => "; how many of those who called before the attack is not known: WAF gave no samples".to_owned(),
        all => {
            format!("; that is {:.0} % of {all} requests sampled before the attack", lost as f64 * 100.0 / all as f64)
        }
    };
    let mut worst: Vec<(IpNet, usize)> = by_prefix.into_iter().collect();
    worst.sort_by_key(|(_, requests)| std::cmp::Reverse(*requests));
    let mut lines: Vec<String> =
        worst.iter().take(MOST_LOSERS).map(|(net, n)| format!("{net} loses access: {n} of the samples")).collect();
    if worst.len() > MOST_LOSERS {
        lines.push(format!("and {} more prefixes lose access", worst.len() - MOST_LOSERS));
    }
    Losses { share, lines }
}

fn gathered(read: Vec<Result<SampleSet, AwsError>>) -> Samples {
    let mut samples = Samples::default();
    for result in read {
        match result {
            Ok(set) => samples.sets.push(set),
            Err(error) => samples.missing.push(error.to_string()),
        }
    }
    samples
}
