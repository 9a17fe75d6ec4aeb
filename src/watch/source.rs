//! Who is sending what, out of WAF's sampled requests.
//!
//! WAF samples by rule, up to 500 requests out of the first 5,000 of a window, so windows are a minute (inferred: the
//! shorter, the less the first seconds stand for the whole) and every rule is asked for on its own, the default action
//! too.
//!
//! How requests are estimated:
//! - A sample's weight is a proportion among the samples of one answer (documented), not a number of requests: the
//!   weights are scaled to the population the answer was drawn from, and that to the whole window where WAF covered
//!   only its beginning.
//! - A request that several Count rules match is sampled for each of them *and* for what ended it, so adding rules up
//!   would count it several times. Volume comes from what ends a request alone: a terminating rule or the default
//!   action. Count rules tell which rules match. Only for an address in none of those samples, or where the default
//!   action cannot be sampled, the Count rule with most of its requests stands in: less than there were, never more.
//! - Who was there before is read from what was let through, or only counted, in three minutes before the attack.

mod tally;
mod weighed;

use std::collections::HashSet;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use self::tally::Tallies;
use super::busiest::{Busiest, busiest, may_let_through};
use crate::aws::read::SampleSet;
use crate::aws::{Aws, AwsError, Lane};
use crate::model::series::floor_minute;
use crate::model::source::Sources;
use crate::model::waf::WebAcl;

/// Complete minutes that are looked at.
const MINUTES: i64 = 2;

/// Where the minutes of the baseline begin, in minutes before the attack.
const BASELINE: [i64; 3] = [1, 10, 30];

/// The same for what is kept: the first attackers come before the first bad minute.
const WELL_BEFORE: [i64; 3] = [4, 10, 30];

/// Where the minutes before a block begin, in minutes before it, in which whoever is sampled was there.
const THERE: [i64; 3] = [1, 2, 3];

/// WAF keeps samples for three hours (documented).
const KEPT: TimeDelta = TimeDelta::hours(3);

/// Whose samples an answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sampled {
    /// A rule's, by metric name.
    Rule(String),
    /// The default action's. Its metric name is the web ACL's own by field evidence (unverified).
    Default(String),
}

impl Sampled {
    fn metric_name(&self) -> &str {
        match self {
            Self::Rule(name) | Self::Default(name) => name,
        }
    }

    fn label(&self) -> String {
        match self {
            Self::Rule(name) => format!("rule {name}"),
            Self::Default(name) => format!("the default action (metric name {name})"),
        }
    }
}

/// One answer: whose samples, asked for which minute.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) of: Sampled,
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    pub(super) set: SampleSet,
}

/// The client addresses behind the last two complete minutes of a web ACL, ranked.
///
/// `stages_behind` is how many stages of the board the ACL stands before: samples do not say which was called. `before`
/// is when the attack began, where known: addresses are then compared with who was there before it.
///
/// # Errors
/// As `GetWebACL` fails, or `GetSampledRequests` for every rule. A rule that fails alone is named in `missing`.
pub async fn sources(
    aws: &Aws,
    web_acl_arn: &str,
    stages_behind: usize,
    before: Option<DateTime<Utc>>,
) -> Result<Sources, AwsError> {
    let acl = aws.web_acl(web_acl_arn, Lane::Plan).await?;
    of_acl(aws, web_acl_arn, &acl, stages_behind, before).await
}

/// The same of a web ACL that was read already.
///
/// # Errors
/// As `GetSampledRequests` fails for every rule.
pub(super) async fn of_acl(
    aws: &Aws,
    web_acl_arn: &str,
    acl: &WebAcl,
    stages_behind: usize,
    before: Option<DateTime<Utc>>,
) -> Result<Sources, AwsError> {
    let now = aws.clock().now();
    let busiest = busiest(aws, acl, Lane::Plan).await;
    let (asked, mut missing) = sampled(acl, busiest);
    let baseline_of = let_through(acl, &asked);
    let recent = minutes_before(floor_minute(now), &(1..=MINUTES).rev().collect::<Vec<_>>());
    let earlier = before.map_or_else(Vec::new, |before| {
        let mut minutes = minutes_before(before.min(now), &BASELINE);
        minutes.retain(|(from, _)| *from > now - KEPT);
        minutes
    });
    let (recent, earlier) = tokio::join!(
        read(aws, web_acl_arn, &asked, &recent, Lane::Plan),
        read(aws, web_acl_arn, &baseline_of, &earlier, Lane::Plan),
    );
    let answers = told(recent, "", &mut missing)?;
    let baseline = told(earlier, " before the attack", &mut missing).unwrap_or_default();
    let whole = answers.iter().any(|a| matches!(a.of, Sampled::Default(_)));
    let mut tallies = Tallies::new(whole);
    tallies.take(&answers);
    tallies.compare_with(&baseline);
    Ok(tallies.sources(&acl.name, stages_behind, missing, (now, MINUTES)))
}

/// Who called before an attack that began then, out of WAF's samples alone: [`Sources::gone`], of [`Sources::sampled`]
/// samples. Minutes of an `earlier` attack are left out. Gives way to every other call: nobody waits for it.
///
/// # Errors
/// As `GetWebACL` fails, or `GetSampledRequests` for every rule.
pub async fn callers_before(
    aws: &Aws,
    web_acl_arn: &str,
    began: DateTime<Utc>,
    earlier: Option<(DateTime<Utc>, DateTime<Utc>)>,
) -> Result<Sources, AwsError> {
    let acl = aws.web_acl(web_acl_arn, Lane::Poll).await?;
    let now = aws.clock().now();
    let (asked, mut missing) = sampled(&acl, busiest(aws, &acl, Lane::Poll).await);
    let mut minutes = minutes_before(began.min(now), &WELL_BEFORE);
    let minute = TimeDelta::minutes(1);
    let is_calm = |from: DateTime<Utc>| earlier.is_none_or(|(began, ended)| from > ended || from + minute <= began);
    minutes.retain(|(from, _)| *from > now - KEPT && is_calm(*from));
    let read = read(aws, web_acl_arn, &let_through(&acl, &asked), &minutes, Lane::Poll).await;
    let baseline = told(read, " before the attack", &mut missing)?;
    let mut tallies = Tallies::new(true);
    tallies.compare_with(&baseline);
    let samples = baseline.iter().map(|answer| answer.set.samples.len()).sum::<usize>();
    let sources = tallies.sources(&acl.name, 1, missing, (now, MINUTES));
    Ok(Sources { sampled: u64::try_from(samples).unwrap_or(u64::MAX), ..sources })
}

/// Whom WAF sampled in the minutes before a moment of the attack, whatever it did with them.
///
/// # Errors
/// As `GetSampledRequests` fails for every rule.
pub(super) async fn there_before(
    aws: &Aws,
    web_acl_arn: &str,
    acl: &WebAcl,
    at: DateTime<Utc>,
) -> Result<HashSet<IpAddr>, AwsError> {
    let (asked, mut missing) = sampled(acl, busiest(aws, acl, Lane::Plan).await);
    let read = read(aws, web_acl_arn, &asked, &minutes_before(at, &THERE), Lane::Plan).await;
    let answers = told(read, "", &mut missing)?;
    let samples = answers.iter().flat_map(|answer| &answer.set.samples);
    Ok(samples.map(|sample| sample.client.to_canonical()).collect())
}

/// What is asked for, in the order in which WAF runs it, and what is not or cannot be.
fn sampled(acl: &WebAcl, busiest: Busiest<'_>) -> (Vec<Sampled>, Vec<String>) {
    let silent = acl.in_order().filter(|rule| !rule.sampled);
    let silent = silent.map(|rule| format!("{}: keeps no samples", Sampled::Rule(rule.metric_name.clone()).label()));
    let mut missing: Vec<String> = silent.chain(busiest.left).chain(busiest.missing).collect();
    let mut asked: Vec<Sampled> = busiest.asked.into_iter().map(|name| Sampled::Rule(name.to_owned())).collect();
    let default = Sampled::Default(acl.metric_name.clone());
    if acl.sampled {
        asked.push(default);
    } else {
        missing.push(format!("{}: keeps no samples", default.label()));
    }
    (asked, missing)
}

/// What may let a request through: where callers who belong there are found. Everything, where the default action keeps
/// no samples.
fn let_through(acl: &WebAcl, asked: &[Sampled]) -> Vec<Sampled> {
    if !asked.iter().any(|of| matches!(of, Sampled::Default(_))) {
        return asked.to_vec();
    }
    let may_allow = |name: &str| acl.in_order().any(|rule| rule.metric_name == name && may_let_through(rule));
    let kept = asked.iter().filter(|of| match of {
        Sampled::Rule(name) => may_allow(name),
        Sampled::Default(_) => true,
    });
    kept.cloned().collect()
}

/// Minutes that begin so many minutes before `time`.
fn minutes_before(time: DateTime<Utc>, back: &[i64]) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let minute = |n: &i64| {
        let from = time - TimeDelta::minutes(*n);
        (from, from + TimeDelta::minutes(1))
    };
    back.iter().map(minute).collect()
}

type Read = Vec<(Sampled, Result<Answer, AwsError>)>;

async fn read(aws: &Aws, arn: &str, asked: &[Sampled], minutes: &[(DateTime<Utc>, DateTime<Utc>)], lane: Lane) -> Read {
    let pairs = asked.iter().flat_map(|of| minutes.iter().map(move |minute| (of, *minute)));
    let calls = pairs.map(|(of, (from, to))| async move {
        let answer = aws.sampled_requests(arn, of.metric_name(), from, to, lane).await;
        let answer = answer.map(|set| Answer { of: of.clone(), from, to, set });
        (of.clone(), answer)
    });
    join_all(calls).await
}

/// What was answered; what was not is named once a rule.
fn told(read: Read, when: &str, missing: &mut Vec<String>) -> Result<Vec<Answer>, AwsError> {
    let mut answers = Vec::new();
    let mut first_error = None;
    for (of, answer) in read {
        match answer {
            Ok(answer) => answers.push(answer),
            Err(error) => {
                let line = format!("{}{when}: {}", of.label(), error.problem);
                if !missing.contains(&line) {
                    missing.push(line);
                }
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if answers.is_empty() => Err(error),
        _ => Ok(answers),
    }
}

#[cfg(test)]
mod tests;
