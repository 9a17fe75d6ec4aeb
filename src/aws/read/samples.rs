//! WAF's sampled requests.

use aws_sdk_wafv2::primitives::DateTime as SdkTime;
use aws_sdk_wafv2::types::{SampledHttpRequest, Scope, TimeWindow};
use chrono::{DateTime, Utc};

use crate::aws::pace::Quota;
use crate::aws::{Aws, AwsError, Lane};
use crate::model::source::SampledRequest;
use crate::model::waf::RuleAction;

/// The most samples one call gives (documented).
const MOST: i64 = 500;

/// The samples of one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleSet {
    /// The rule's metric name.
    pub rule: String,
    /// The samples.
    pub samples: Vec<SampledRequest>,
    /// Requests in the window that matched the rule, as WAF counts them (`PopulationSize`).
    pub population: u64,
    /// The window really covered: WAF shrinks it when 5,000 requests came earlier.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
}

impl Aws {
    /// A sample of the requests that matched a rule (by metric name) of a web ACL between `from` and `to`.
    ///
    /// WAF draws at most 500 at random out of the first 5,000 requests of the window (documented).
    pub async fn sampled_requests(
        &self,
        web_acl_arn: &str,
        rule: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        lane: Lane,
    ) -> Result<SampleSet, AwsError> {
        let window = TimeWindow::builder().start_time(SdkTime::from_secs(from.timestamp()));
        let window = window.end_time(SdkTime::from_secs(to.timestamp())).build();
        let window = window.map_err(|_| unreadable(rule))?;
        let call = self.0.waf.get_sampled_requests().web_acl_arn(web_acl_arn).rule_metric_name(rule);
        let call = call.scope(Scope::Regional).time_window(window).max_items(MOST);
        let asked = (Quota::WafRead("GetSampledRequests"), lane);
        let answer = self.ask(asked, ("GetSampledRequests", rule), || call.clone().send()).await?;
        let covered = answer.time_window();
        let time = |t: Option<&SdkTime>, otherwise| t.and_then(chrono_time).unwrap_or(otherwise);
        Ok(SampleSet {
            rule: rule.to_owned(),
            samples: answer.sampled_requests().iter().filter_map(|s| sample(rule, s)).collect(),
            population: u64::try_from(answer.population_size()).unwrap_or(0),
            from: time(covered.map(TimeWindow::start_time), from),
            to: time(covered.map(TimeWindow::end_time), to),
        })
    }
}

fn unreadable(rule: &str) -> AwsError {
    AwsError::new("GetSampledRequests", rule, crate::aws::Problem::Invalid("a window without start or end".to_owned()))
}

fn sample(rule: &str, sample: &SampledHttpRequest) -> Option<SampledRequest> {
    let request = sample.request()?;
    let header = |name: &str| {
        let found = request.headers().iter().find(|h| h.name().is_some_and(|n| n.eq_ignore_ascii_case(name)));
        found.and_then(|h| h.value()).map(str::to_owned)
    };
    Some(SampledRequest {
        at: sample.timestamp().and_then(chrono_time)?,
        client: request.client_ip()?.parse().ok()?,
        country: request.country().filter(|c| !c.is_empty()).map(str::to_owned),
        method: request.method().unwrap_or("?").to_owned(),
        uri: request.uri().unwrap_or("?").to_owned(),
        user_agent: header("user-agent"),
        forwarded_for: header("x-forwarded-for").or_else(|| header("forwarded")).or_else(|| header("via")),
        action: sample.action().and_then(action),
        rule: rule.to_owned(),
        rule_in_group: sample.rule_name_within_rule_group().map(str::to_owned),
        labels: sample.labels().iter().map(|label| label.name().to_owned()).collect(),
        weight: sample.weight(),
    })
}

fn action(word: &str) -> Option<RuleAction> {
    match word.to_ascii_uppercase().as_str() {
        "ALLOW" => Some(RuleAction::Allow),
        "BLOCK" => Some(RuleAction::Block),
        "COUNT" => Some(RuleAction::Count),
        "CAPTCHA" => Some(RuleAction::Captcha),
        "CHALLENGE" => Some(RuleAction::Challenge),
        _ => None,
    }
}

fn chrono_time(time: &SdkTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}
