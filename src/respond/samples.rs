//! WAF's samples for a plan: of now, and of before the attack, so that callers who were there before can be told.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use ipnet::IpNet;

use super::loss::{self, Taken};
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

impl Samples {
    /// None, and why.
    fn not_known(why: String) -> Self {
        Self { missing: vec![why], ..Self::default() }
    }
}

/// Why nobody is sampled where no web ACL stands.
pub(super) const UNSAMPLED: &str = "the stage has no web ACL, so its requests are not sampled";

/// Minutes before the attack (or before now, where none is known) that tell who was there already.
const EARLIER_MINUTES: [i64; 3] = [2, 10, 30];

/// When the attack began: as the caller knows it, else as the metrics tell. Not known where they cannot be read: the
/// samples of the minutes before now are taken for what was there before, and the guard says so.
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

/// What a closed web ACL turns away now, and of before the attack what passed the one that stands there while the stage
/// is open; nothing of either where it is not known.
pub(super) async fn turned_away(
    aws: &Aws,
    closed: Option<&WebAcl>,
    open: Option<&WebAcl>,
    now: DateTime<Utc>,
    began: Option<DateTime<Utc>>,
) -> (Samples, Samples) {
    let recent = async {
        let Some((acl, rule)) = closed.and_then(|acl| Some((acl, default_of(acl)?))) else { return Samples::default() };
        gathered(vec![lately(aws, acl, rule, now).await])
    };
    let earlier = async {
        match open {
            Some(acl) => before(aws, acl, now, began).await,
            None => Samples::not_known("which web ACL has sampled its callers is not known".to_owned()),
        }
    };
    tokio::join!(recent, earlier)
}

/// Three minutes of before the attack, or of before now, for the default action: where callers that belong there end
/// up.
async fn before(aws: &Aws, acl: &WebAcl, now: DateTime<Utc>, began: Option<DateTime<Utc>>) -> Samples {
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

/// Who called before the attack, as far as WAF's samples tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Callers {
    samples: Samples,
    began: Option<DateTime<Utc>>,
}

/// Prefixes of callers who lose access that are listed.
const MOST_LOSERS: usize = 12;

/// Who of those sampled loses access.
#[derive(Debug, Clone)]
pub(super) struct Losses {
    /// What share of what came before they sent, or that it is not known.
    pub said: String,
    /// By prefix, worst first, a line each.
    pub lines: Vec<String>,
}

impl Callers {
    /// As the web ACL of the stage has sampled them.
    // Wide: whose samples, and the moments before and after which they count.
    pub(super) async fn read(
        aws: &Aws,
        settings: &Settings,
        stage: &StageId,
        acl: &WebAcl,
        now: DateTime<Utc>,
        attack_began: Option<DateTime<Utc>>,
    ) -> Self {
        let began = began(aws, settings, stage, Some(&acl.arn), attack_began).await;
        Self { samples: before(aws, acl, now, began).await, began }
    }

    /// When the attack began that they were there before, where one is known.
    pub(super) fn attack_began(&self) -> Option<DateTime<Utc>> {
        self.began
    }

    /// Nobody can be told, and why; the attack's beginning as far as the metrics tell it.
    pub(super) async fn not_known(
        aws: &Aws,
        settings: &Settings,
        (stage, web_acl_arn): (&StageId, Option<&str>),
        attack_began: Option<DateTime<Utc>>,
        why: String,
    ) -> Self {
        let began = began(aws, settings, stage, web_acl_arn, attack_began).await;
        Self { samples: Samples::not_known(why), began }
    }

    /// Who of them loses access where only `admitted` are let in.
    pub(super) fn losses(&self, admitted: &[IpNet]) -> Losses {
        let callers = || self.samples.sets.iter().flat_map(|set| &set.samples);
        let out = |request: &&SampledRequest| !admitted.iter().any(|net| net.contains(&request.client));
        let mut by_prefix: BTreeMap<IpNet, u64> = BTreeMap::new();
        for request in callers().filter(out) {
            *by_prefix.entry(address::surroundings(request.client)).or_default() += 1;
        }
        let before = loss::before(self.began);
        let why = self.samples.missing.first();
        let said = match Taken::of_samples(by_prefix.values().sum(), callers().count() as u64) {
            _ if admitted.is_empty() => EVERYTHING.to_owned(),
            None => format!(
                "how much of the traffic from before the attack that is, is not known: {}",
                why.map_or("WAF has no samples from then", String::as_str)
            ),
            Some(taken) => {
                let part =
                    why.map_or_else(String::new, |why| format!("; not all samples from then could be read: {why}"));
                format!("of the requests sampled {before}, that turns away {}{part}", taken.words())
            }
        };
        let mut worst: Vec<(IpNet, u64)> = by_prefix.into_iter().collect();
        worst.sort_by_key(|(_, requests)| std::cmp::Reverse(*requests));
        let mut lines: Vec<String> =
            worst.iter().take(MOST_LOSERS).map(|(net, n)| format!("{net} loses access: {n} of the samples")).collect();
        if worst.len() > MOST_LOSERS {
            lines.push(format!("and {} more prefixes lose access", worst.len() - MOST_LOSERS));
        }
        Losses { said, lines }
    }
}

/// What a closure takes that lets nobody in: no sample is needed to tell.
pub(super) const EVERYTHING: &str = "that turns away 100 % of the traffic from before the attack";

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// So many requests of one address each, before the attack.
    fn callers(of: &[(&str, usize)]) -> Callers {
        let sample = |client: &str| SampledRequest {
            at: DateTime::UNIX_EPOCH,
            client: client.parse().unwrap(),
            country: None,
            method: "GET".into(),
            uri: "/".into(),
            user_agent: None,
            forwarded_for: None,
            action: None,
            rule: "default".into(),
            rule_in_group: None,
            labels: Vec::new(),
            weight: 1,
        };
        let samples: Vec<SampledRequest> =
            of.iter().flat_map(|(client, n)| std::iter::repeat_n(sample(client), *n)).collect();
        let (from, to) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + TimeDelta::minutes(1));
        let set = SampleSet { rule: "default".into(), population: samples.len() as u64, from, to, samples };
        let samples = Samples { sets: vec![set], ..Samples::default() };
        Callers { samples, began: Some(DateTime::UNIX_EPOCH + TimeDelta::hours(3)) }
    }

    fn nets(of: &[&str]) -> Vec<IpNet> {
        of.iter().map(|net| net.parse().unwrap()).collect()
    }

    #[test]
    fn a_closure_takes_whoever_is_not_let_in() {
        let before = callers(&[("192.0.2.1", 10), ("198.51.100.7", 80), ("198.51.100.9", 10)]);
        let losses = before.losses(&nets(&["192.0.2.0/24"]));
        let of_then = "of the requests sampled before the attack began at 03:00, that turns away";
        assert_eq!(losses.said, format!("{of_then} 90.0 % (90 of 100, between 82.6 % and 94.5 %)"));
        assert_eq!(losses.lines, ["198.51.100.0/24 loses access: 90 of the samples"]);
        let nobody = before.losses(&nets(&["192.0.2.0/24", "198.51.100.0/24"]));
        assert_eq!(nobody.said, format!("{of_then} none of 100, so at most 3.0 %"));
        let all = before.losses(&nets(&["203.0.113.0/24"]));
        assert_eq!(all.said, format!("{of_then} all of 100, so at least 97.0 %"));
        assert_eq!(before.losses(&[]).said, EVERYTHING, "whoever lets nobody in needs no samples to tell");
    }

    #[test]
    fn what_a_closure_takes_is_not_known_without_samples_and_in_part_with_some() {
        let blind = Callers { samples: Samples::not_known("the stage has no web ACL".into()), began: None }
            .losses(&nets(&["192.0.2.0/24"]));
        assert!(blind.said.ends_with("is not known: the stage has no web ACL"), "{}", blind.said);
        assert_eq!(Callers::default().losses(&[]).said, EVERYTHING);
        let mut half = callers(&[("198.51.100.7", 4)]);
        half.samples.missing.push("GetSampledRequests: busy".into());
        let said = half.losses(&nets(&["192.0.2.0/24"])).said;
        assert!(
            said.contains("all of 4, so at least 25.0 %") && said.ends_with("could be read: GetSampledRequests: busy"),
            "{said}"
        );
    }
}
