//! Throttled requests: AWS publishes no such metric (documented), so they come out of the access log, or of a metric
//! filter on it.
//!
//! Decides where a stage's throttled requests can be read, how that is asked, and what the answer means. Makes no
//! calls.

use std::collections::{BTreeMap, HashMap};

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
    /// Why some lines may not tell it, where the format is to blame.
    unread: Option<String>,
}

impl Question {
    /// What to ask the access log of `stage`, to which `sharing` stages of the board write; `None` where not all stages
    /// are known.
    ///
    /// # Errors
    /// The reason why it cannot be asked, with what to turn on.
    pub(super) fn of(stage: &StageId, log: &AccessLog, sharing: Option<usize>) -> Result<Self, String> {
        let Some(group) = log_group(&log.destination) else {
            return Err("the access log goes where it cannot be queried (not CloudWatch Logs)".to_owned());
        };
        let format = AccessLogFormat::parse(&log.format);
        let Some(status) = format.field(Field::Status) else {
            let lacks = || {
                let name = Field::Status.names()[0];
                format!("the access log cannot be queried for it: add $context.{name} to its format")
            };
            return Err(format.reason(Field::Status).map_or_else(lacks, str::to_owned));
        };
        let response_type = format.field(Field::ResponseType).map(str::to_owned);
        let (filter, scope) = match format.only(stage) {
            Some(own) => (own.filter, Scope::Stage),
            None => match sharing {
                Some(stages) if stages > 1 => (String::new(), Scope::LogGroup { name: group.to_owned(), stages }),
                Some(_) => (String::new(), Scope::Stage),
                None => return Err(SHARING_UNKNOWN.to_owned()),
            },
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
            unread: format.reason(Field::Status).or(format.reason(Field::ResponseType)).map(str::to_owned),
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
            match self.is_throttled(row) {
                Some(true) => lines.throttled += count,
                Some(false) => {}
                None => lines.unread += count,
            }
        }
        minutes
    }

    /// Whether a row's lines are of throttled requests; `None` where they do not tell.
    fn is_throttled(&self, row: &HashMap<String, String>) -> Option<bool> {
        let told = |name: &String| row.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        if told(&self.status)?.trim_end_matches(".0") != "429" {
            return Some(false);
        }
        let Some(name) = &self.response_type else { return Some(true) };
        let kind = told(name)?;
        Some(THROTTLES.iter().any(|throttle| kind.eq_ignore_ascii_case(throttle)))
    }

    /// What is to be known of its figures.
    pub(super) fn caveats(&self) -> Vec<String> {
        if self.response_type.is_some() {
            return Vec::new();
        }
        let hidden = self.unread.as_ref().map(|why| format!("{APPLICATIONS}; {why}"));
        vec![hidden.unwrap_or_else(|| APPLICATIONS.to_owned())]
    }

    /// Why there are no figures of minutes in which this part of the lines tells nothing.
    pub(super) fn unread(&self, part: f64) -> String {
        let because = self.unread.as_deref().unwrap_or("they are not in the stage's format");
        format!("{} of the access log's lines do not tell who was throttled: {because}", percent(part))
    }
}

const APPLICATIONS: &str = "429s of the application itself count as throttled: nothing tells them apart without \
                            $context.error.responseType";

/// Why a log whose lines do not say which stage is not asked where not every stage of the account was read.
pub(super) const SHARING_UNKNOWN: &str = "the access log's lines do not say which stage, and whether other stages write to it was not read; \
                                          add $context.apiId and $context.stage to its format, or ask for the whole board";

/// What is to be known of a metric filter's figures, over a log in `format`.
pub(super) fn filter_caveats(filter: &MetricFilter, format: &str) -> Vec<String> {
    let of_rate = "the metric filter counts throttles of rate only, not those of a usage plan's quota";
    let first = if filter.pattern.contains(THROTTLES[0]) { of_rate } else { APPLICATIONS };
    let free = AccessLogFormat::parse(format).may_hold_anything();
    let escaped = "that the metric filter counts what happened rests on API Gateway escaping what callers write into the log (inferred)";
    std::iter::once(first).chain(free.then_some(escaped)).map(str::to_owned).collect()
}

/// Lines of a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Lines {
    /// All of them.
    pub(super) all: f64,
    /// Those of throttled requests.
    pub(super) throttled: f64,
    /// Those that do not tell.
    pub(super) unread: f64,
}

impl Lines {
    /// How many of the lines that do not tell may be the stage's. Where CloudWatch counts its requests, no more than
    /// are missing.
    fn open(&self, requests: Option<f64>) -> f64 {
        requests.map_or(self.unread, |counted| (counted - (self.all - self.unread)).clamp(0.0, self.unread))
    }
}

/// What there was to say of minutes that are not told.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Lacking {
    /// The least part of a settled minute's requests that the log has lines of.
    pub(super) least: Option<f64>,
    /// The largest part of a minute's lines that do not tell.
    pub(super) unread: Option<f64>,
    /// The last minute that is not told for it.
    pub(super) untold: Option<DateTime<Utc>>,
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

/// Writes what an answer tells into `series`. A minute whose lines are clearly fewer than the requests that CloudWatch
/// counts is left out: it is not all there yet, and so is one that CloudWatch does not count. From `settled` back
/// nothing comes any more, and nearly all must do. A minute with lines that may be throttled requests and do not tell
/// is left out for good, unless they would change next to nothing. Without `requests` there is nothing to compare with.
pub(super) fn settle(
    series: &mut Series,
    minutes: &BTreeMap<DateTime<Utc>, Lines>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    requests: Option<&Series>,
    settled: DateTime<Utc>,
) -> Lacking {
    let mut lacking = Lacking::default();
    let mut minute = floor_minute(from);
    while minute < to {
        let lines = minutes.get(&minute).copied().unwrap_or_default();
        let late = minute + TimeDelta::minutes(1) > settled;
        let counted = requests.and_then(|requests| requests.at(minute));
        let open = lines.open(counted);
        let told = lines.all - lines.unread + open;
        match counted {
            _ if open > lines.throttled * (1.0 - COVERED) => {
                lacking.unread = Some(lacking.unread.unwrap_or(0.0).max(open / told));
                // Until its requests are counted, a minute that is not over yet may turn out to be told.
                if counted.is_some() || !late {
                    lacking.untold = Some(minute);
                }
            }
            Some(counted) if counted > 0.0 && told < counted * COVERED => {
                let part = told / counted;
                if !late {
                    lacking.least = Some(lacking.least.map_or(part, |least: f64| least.min(part)));
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
    lacking
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
    let selector = |field| format.json_field(field).map(|name| format!("$.{}", plain(name)));
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
        let question = Question::of(&stage(), &log(JSON), Some(1)).unwrap();
        assert_eq!(question.query, "stats count(*) as requests by bin(1m), status, type");
        let at = "2026-04-14 18:32:00.000";
        let minutes = question.minutes(&answer(&[
            (at, "200", "-", "900"),
            (at, "429", "THROTTLED", "70"),
            (at, "429", "QUOTA_EXCEEDED", "5"),
            (at, "429", "-", "25"),
        ]));
        let lines = minutes.values().next().unwrap();
        assert_eq!(*lines, Lines { all: 1_000.0, throttled: 75.0, unread: 0.0 });
    }

    #[test]
    fn a_log_that_others_write_to_is_told_apart_or_said_to_be_shared() {
        let shared = Question::of(&stage(), &log(JSON), Some(3)).unwrap();
        assert_eq!(shared.scope, Scope::LogGroup { name: "api/shop".into(), stages: 3 });
        let both = r#"{"id":"$context.requestId","s":"$context.status","api":"$context.apiId","st":"$context.stage"}"#;
        let own = Question::of(&stage(), &log(both), Some(3)).unwrap();
        assert_eq!(own.scope, Scope::Stage);
        assert!(own.query.starts_with("filter (api = 'a1' and st = 'prod') | stats"), "{}", own.query);
        assert_eq!(own.caveats().len(), 1);
    }

    #[test]
    fn what_cannot_be_asked_says_what_to_turn_on() {
        let reason = Question::of(&stage(), &log(r#"{"id":"$context.requestId"}"#), Some(1)).unwrap_err();
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
            (minute(0), Lines { all: 998.0, throttled: 0.0, unread: 0.0 }),
            (minute(1), Lines { all: 600.0, throttled: 90.0, unread: 0.0 }),
            (minute(3), Lines { all: 300.0, throttled: 45.0, unread: 0.0 }),
        ]);
        let lacking = settle(&mut series, &lines, (minute(0), minute(4)), Some(&requests), minute(3));
        assert_eq!(series.window(minute(3), 4), vec![Some(0.0), None, Some(0.0), None]);
        assert!((lacking.least.unwrap() - 0.6).abs() < 1e-9);
        assert_eq!(lacking.unread, None);
    }

    #[test]
    fn lines_that_do_not_tell_leave_their_minute_open_where_they_may_be_the_stages() {
        let minute = |n: i64| DateTime::from_timestamp(1_700_000_040 + n * 60, 0).unwrap();
        let mut requests = Series::new(10);
        (0..4).for_each(|n| requests.set(minute(n), 1_000.0));
        let lines = |all, throttled, unread| Lines { all, throttled, unread };
        let minutes = BTreeMap::from([
            (minute(0), lines(1_000.0, 0.0, 1.0)),
            (minute(1), lines(1_000.0, 500.0, 9.0)),
            (minute(2), lines(1_400.0, 30.0, 400.0)),
            (minute(3), lines(1_400.0, 30.0, 500.0)),
        ]);
        let settled = |requests| {
            let mut series = Series::new(10);
            let lacking = settle(&mut series, &minutes, (minute(0), minute(4)), requests, minute(9));
            (series.window(minute(3), 4), lacking)
        };
        // One line is too many where nobody is known to have been throttled; nine of five hundred change next to
        // nothing; and lines that CloudWatch does not count as the stage's are another's.
        let (told, lacking) = settled(Some(&requests));
        assert_eq!(told, [None, Some(500.0), Some(30.0), None]);
        assert!((lacking.unread.unwrap() - 0.1).abs() < 1e-9, "{lacking:?}");
        assert_eq!(lacking.untold, Some(minute(3)));
        assert_eq!(settled(None).0, [None, Some(500.0), None, None]);
    }

    #[test]
    fn a_status_that_callers_can_write_says_which_variable_to_move() {
        let open = "$context.requestId $context.path$context.status$context.identity.userAgent";
        let reason = Question::of(&stage(), &log(open), Some(1)).unwrap().unread(0.9);
        assert!(reason.contains("$context.path, which may hold anything, before $context.status"), "{reason}");
        let quoted = r#"$context.requestId "$context.path" $context.status "$context.identity.userAgent""#;
        let question = Question::of(&stage(), &log(quoted), Some(1)).unwrap();
        let at = "2026-04-14 18:32:00.000";
        let row = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let rows =
            vec![row(&[("bin(1m)", at), ("v2", "429"), ("requests", "7")]), row(&[("bin(1m)", at), ("requests", "3")])];
        let answer = LogRows { rows, records_scanned: 0.0, bytes_scanned: 0.0 };
        let lines = question.minutes(&answer).into_values().next().unwrap();
        assert_eq!(lines, Lines { all: 10.0, throttled: 7.0, unread: 3.0 });
        assert!(question.unread(0.3).contains("move $context.status to the front"), "{}", question.unread(0.3));
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
