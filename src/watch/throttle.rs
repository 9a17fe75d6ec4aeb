//! Throttled requests: AWS publishes no such metric (documented), so they come out of the access log, or of a metric filter on it.
//!
//! Decides where a stage's throttled requests can be read, how that is asked, and what the answer means. Makes no calls.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::words::percent;
use crate::aws::read::{LogRows, MetricFilter};
use crate::model::access_log::{AccessLogFormat, Field, log_group};
use crate::model::figure::Scope;
use crate::model::series::{Series, floor_minute};
use crate::model::stage::{AccessLog, StageId};

/// Minutes of the first reading of a log, and of those after it.
pub(super) const MINUTES: (i64, i64) = (30, 6);

/// The least part of a minute's requests that its lines must be for the minute to be told: lines come late.
const COVERED: f64 = 0.98;

/// The same once no more lines come: some are lost.
const NEARLY: f64 = 0.9;

/// What API Gateway calls its own answers to callers who send too much (gateway response types, documented).
const THROTTLES: [&str; 2] = ["THROTTLED", "QUOTA_EXCEEDED"];

/// How a log is asked for throttled requests.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    /// The log group.
    pub(super) group: String,
    /// The query, in the language of Logs Insights.
    pub(super) query: String,
    /// The status' name in an answer.
    status: String,
    /// The response type's, where the format has it.
    response_type: Option<String>,
    /// What its figures speak of.
    pub(super) scope: Scope,
    /// Whether what callers write stands where it can be taken for another field.
    forgeable: bool,
}

impl Question {
    /// What to ask the access log of `stage`, to which `sharing` stages of the board write.
    ///
    /// # Errors
    /// The reason why it cannot be asked, with what to turn on.
    pub(super) fn of(stage: &StageId, log: &AccessLog, sharing: usize) -> Result<Self, String> {
        let Some(group) = log_group(&log.destination) else {
            return Err("the access log goes where it cannot be asked (not CloudWatch Logs)".to_owned());
        };
        let format = AccessLogFormat::parse(&log.format);
        let Some(status) = format.field(Field::Status) else {
            return Err(format!(
                "the access log cannot be asked for it: add $context.{} to its format",
                Field::Status.names()[0]
            ));
        };
        let response_type = format.field(Field::ResponseType).map(str::to_owned);
        let (filter, scope) = match (format.field(Field::ApiId), format.field(Field::Stage)) {
            (Some(api), Some(name)) => {
                (format!("filter {api} = '{}' and {name} = '{}' | ", stage.api_id, stage.stage), Scope::Stage)
            }
            _ if sharing > 1 => (String::new(), Scope::LogGroup { name: group.to_owned(), stages: sharing }),
            _ => (String::new(), Scope::Stage),
        };
        let by = response_type.as_ref().map_or_else(|| status.to_owned(), |kind| format!("{status}, {kind}"));
        // Whatever is counted is counted in one pass: lines, and of them those throttled.
        let query = format!("{}{filter}stats count(*) as requests by bin(1m), {by}", format.prelude());
        Ok(Self {
            group: group.to_owned(),
            query,
            status: plain(status),
            response_type: response_type.map(|r| plain(&r)),
            scope,
            forgeable: format.is_forgeable(),
        })
    }

    /// Lines and throttled ones of each minute of an answer.
    pub(super) fn minutes(&self, answer: &LogRows) -> BTreeMap<DateTime<Utc>, Lines> {
        let mut minutes: BTreeMap<DateTime<Utc>, Lines> = BTreeMap::new();
        for row in &answer.rows {
            let minute = row.iter().find(|(name, _)| name.starts_with("bin(")).and_then(|(_, at)| time(at));
            let count = row.get("requests").and_then(|n| n.parse::<f64>().ok());
            let (Some(minute), Some(count)) = (minute, count) else { continue };
            let lines = minutes.entry(minute).or_default();
            lines.all += count;
            if self.is_throttled(row) {
                lines.throttled += count;
            }
        }
        minutes
    }

    fn is_throttled(&self, row: &std::collections::HashMap<String, String>) -> bool {
        let status = row.get(&self.status).is_some_and(|status| status.trim().trim_end_matches(".0") == "429");
        let own = self.response_type.as_ref().is_none_or(|name| {
            row.get(name).is_some_and(|kind| THROTTLES.iter().any(|throttle| kind.eq_ignore_ascii_case(throttle)))
        });
        status && own
    }

    /// What is to be known of its figures.
    pub(super) fn caveats(&self) -> Vec<&'static str> {
        let application = self.response_type.is_none().then_some(APPLICATIONS);
        let forged = self.forgeable.then_some(
            "callers can forge lines of this access log: its format has what they write before the status, and is no JSON",
        );
        application.into_iter().chain(forged).collect()
    }
}

const APPLICATIONS: &str = "429s of the application itself count as throttled: nothing tells them apart without \
                            $context.error.responseType";

/// What is to be known of a metric filter's figures.
pub(super) fn filter_caveat(filter: &MetricFilter) -> &'static str {
    if filter.pattern.contains(THROTTLES[0]) {
        "the metric filter counts throttles of rate only, not those of a usage plan's quota"
    } else {
        APPLICATIONS
    }
}

/// Lines of a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Lines {
    /// All of them.
    pub(super) all: f64,
    /// Those of throttled requests.
    pub(super) throttled: f64,
}

/// A name as answers have it: without the backticks that a query needs.
fn plain(name: &str) -> String {
    name.trim_matches('`').to_owned()
}

/// `2026-04-14 18:32:00.000`, UTC, as Insights writes times.
fn time(text: &str) -> Option<DateTime<Utc>> {
    let parsed = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(floor_minute(parsed.and_utc()))
}

/// Writes what an answer tells into `series`. A minute whose lines are clearly fewer than the requests that CloudWatch counts is left
/// out: it is not all there yet, and so is one that CloudWatch does not count. From `settled` back nothing comes any more, and nearly
/// all must do. Without `requests` there is nothing to compare with. Gives the least part of a settled minute that lacks lines.
pub(super) fn settle(
    series: &mut Series,
    minutes: &BTreeMap<DateTime<Utc>, Lines>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    requests: Option<&Series>,
    settled: DateTime<Utc>,
) -> Option<f64> {
    let mut least: Option<f64> = None;
    let mut minute = floor_minute(from);
    while minute < to {
        let lines = minutes.get(&minute).copied().unwrap_or_default();
        let late = minute + TimeDelta::minutes(1) > settled;
        match requests.and_then(|requests| requests.at(minute)) {
            Some(counted) if counted > 0.0 && lines.all < counted * COVERED => {
                let part = lines.all / counted;
                if !late {
                    least = Some(least.map_or(part, |least: f64| least.min(part)));
                }
                // A log that goes on lacking a little is told with that; one that lacks much tells nothing.
                if !late && part >= NEARLY {
                    series.set(minute, lines.throttled);
                }
            }
            None if lines.all <= 0.0 || late => {}
            // Where they can be compared and CloudWatch has nothing yet, nothing tells that the lines are all there.
            None if requests.is_some() && lines.throttled <= 0.0 => {}
            _ => series.set(minute, lines.throttled),
        }
        minute += TimeDelta::minutes(1);
    }
    least
}

/// `the access log has only 62.0 % of the requests that CloudWatch counts`.
pub(super) fn missing(part: f64) -> String {
    format!("the access log has only {} of the requests that CloudWatch counts", percent(part))
}

/// Why nothing can be read where there is no log.
pub(super) const NO_LOG: &str = "AWS publishes no throttle metric; turn on access logs with $context.status and \
                                 $context.error.responseType";

/// The metric filter among `filters` that counts throttled requests and nothing else, of a log in `format`.
pub(super) fn metric_filter<'a>(filters: &'a [MetricFilter], format: &str) -> Option<&'a MetricFilter> {
    let format = AccessLogFormat::parse(format);
    let selector =
        |field| format.field(field).filter(|_| format.prelude().is_empty()).map(|name| format!("$.{}", plain(name)));
    let (status, kind) = (selector(Field::Status), selector(Field::ResponseType));
    let counts = |pattern: &str| {
        let (left, right) = pattern.trim().strip_prefix('{')?.strip_suffix('}')?.split_once('=')?;
        let (left, right) = (left.trim(), right.trim().trim_matches('"'));
        let by_status = status.as_deref() == Some(left) && right == "429";
        let by_kind = kind.as_deref() == Some(left) && right == THROTTLES[0];
        (by_status || by_kind).then_some(())
    };
    filters.iter().find(|filter| !filter.dimensions && filter.value == "1" && counts(&filter.pattern).is_some())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashMap;

    use super::*;

    const JSON: &str = r#"{"id":"$context.requestId","status":"$context.status","type":"$context.error.responseType"}"#;

    fn stage() -> StageId {
        StageId { api_id: "a1".into(), api_name: "shop".into(), stage: "prod".into() }
    }

    fn log(format: &str) -> AccessLog {
        AccessLog {
            destination: "arn:aws:logs:eu-west-1:111122223333:log-group:api/shop".into(),
            format: format.into(),
        }
    }

    fn answer(rows: &[(&str, &str, &str, &str)]) -> LogRows {
        let row = |(at, status, kind, n): &(&str, &str, &str, &str)| {
            let pairs = [("bin(1m)", at), ("status", status), ("type", kind), ("requests", n)];
            pairs.map(|(name, value)| (name.to_owned(), (*value).to_owned())).into_iter().collect::<HashMap<_, _>>()
        };
        LogRows { rows: rows.iter().map(row).collect(), records_scanned: 0.0, bytes_scanned: 0.0 }
    }

    #[test]
    fn api_gateways_own_429s_are_told_from_the_applications() {
        let question = Question::of(&stage(), &log(JSON), 1).unwrap();
        assert_eq!(question.query, "stats count(*) as requests by bin(1m), status, type");
        let at = "2026-04-14 18:32:00.000";
        let minutes = question.minutes(&answer(&[
            (at, "200", "-", "900"),
            (at, "429", "THROTTLED", "70"),
            (at, "429", "QUOTA_EXCEEDED", "5"),
            (at, "429", "-", "25"),
        ]));
        let lines = minutes.values().next().unwrap();
        assert_eq!(*lines, Lines { all: 1_000.0, throttled: 75.0 });
    }

    #[test]
    fn a_log_that_others_write_to_is_told_apart_or_said_to_be_shared() {
        let shared = Question::of(&stage(), &log(JSON), 3).unwrap();
        assert_eq!(shared.scope, Scope::LogGroup { name: "api/shop".into(), stages: 3 });
        let both = r#"{"id":"$context.requestId","s":"$context.status","api":"$context.apiId","st":"$context.stage"}"#;
        let own = Question::of(&stage(), &log(both), 3).unwrap();
        assert_eq!(own.scope, Scope::Stage);
        assert!(own.query.starts_with("filter api = 'a1' and st = 'prod' | stats"), "{}", own.query);
        assert_eq!(own.caveats().len(), 1);
    }

    #[test]
    fn what_cannot_be_asked_says_what_to_turn_on() {
        let reason = Question::of(&stage(), &log(r#"{"id":"$context.requestId"}"#), 1).unwrap_err();
        assert!(reason.contains("$context.status"), "{reason}");
    }

    #[test]
    fn a_minute_that_is_not_all_there_stays_a_gap() {
        let minute = |n: i64| DateTime::from_timestamp(1_700_000_040 + n * 60, 0).unwrap();
        let (mut series, mut requests) = (Series::new(10), Series::new(10));
        requests.set(minute(0), 1_000.0);
        requests.set(minute(1), 1_000.0);
        requests.set(minute(2), 0.0);
        let lines = BTreeMap::from([
            (minute(0), Lines { all: 998.0, throttled: 0.0 }),
            (minute(1), Lines { all: 600.0, throttled: 90.0 }),
            (minute(3), Lines { all: 300.0, throttled: 45.0 }),
        ]);
        let least = settle(&mut series, &lines, (minute(0), minute(4)), Some(&requests), minute(3));
        assert_eq!(series.window(minute(3), 4), vec![Some(0.0), None, Some(0.0), None]);
        assert!((least.unwrap() - 0.6).abs() < 1e-9);
    }

    #[test]
    fn a_metric_filter_is_taken_only_where_it_counts_just_that() {
        let filter = |pattern: &str, value: &str| MetricFilter {
            name: "f".into(),
            pattern: pattern.into(),
            namespace: "Shop".into(),
            metric: "Throttled".into(),
            value: value.into(),
            dimensions: false,
            created: None,
        };
        for (pattern, value, fits) in [
            ("{ $.status = 429 }", "1", true),
            ("{$.status=\"429\"}", "1", true),
            ("{ $.type = \"THROTTLED\" }", "1", true),
            ("{ $.status = 4* }", "1", false),
            ("{ $.status = 429 || $.status = 403 }", "1", false),
            ("{ $.other = 429 }", "1", false),
            ("{ $.status = 429 }", "$.bytes", false),
            ("429", "1", false),
        ] {
            assert_eq!(metric_filter(&[filter(pattern, value)], JSON).is_some(), fits, "{pattern}");
        }
    }
}
