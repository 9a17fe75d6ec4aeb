//! Who calls, out of a stage's access log: what is asked of Logs Insights, and what the answers say.
//!
//! Five queries at most: addresses and kinds of request, now and before the attack, and then the addresses again for the kinds that rose.
//! Nine where there are more addresses than an answer has rows, and up to six more where there are more kinds of request. Where no attack is
//! known to have begun it is two to seven. AWS bills what they scan, so each is asked over minutes and not hours. Values out of the log that
//! go into a query were written by attackers: one that could end its quotation marks is left out.

use std::collections::HashMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::aws::read::{LogRows, MOST_ROWS};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::access_log::{AccessLogFormat, Field, log_group};
use crate::model::stage::{AccessLog, StageId};
use crate::model::text::shortened;
use crate::model::top_list::{TopList, TopOf};

use super::top::{self, Counts};

/// The part of the rise that a kind of request must make to belong to what rose.
const OF_THE_RISE: f64 = 0.05;

/// How much more there must be of a kind than before, to have risen.
const TIMES: f64 = 2.0;

/// Kinds that a query may name.
const MOST_KINDS: usize = 20;

/// Characters kept of an attacker's text.
const TEXT: usize = 100;

/// From when to when, UTC.
pub(super) type Window = (DateTime<Utc>, DateTime<Utc>);

/// Lines by address.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    pub(super) lines: HashMap<IpAddr, f64>,
    /// All lines of the window.
    pub(super) total: f64,
    /// All addresses of it.
    pub(super) distinct: f64,
    /// What the address with the fewest listed lines sent, where there are more addresses than an answer has rows: nobody who is not
    /// listed sent more.
    pub(super) unlisted_at_most: Option<f64>,
}

impl Addresses {
    /// Whether every address of the window is listed.
    pub(super) fn are_all_listed(&self) -> bool {
        self.unlisted_at_most.is_none()
    }

    /// The part of the lines that the listed addresses sent.
    pub(super) fn listed_share(&self) -> f64 {
        let listed: f64 = self.lines.values().sum();
        if self.total > 0.0 { (listed / self.total).min(1.0) } else { 1.0 }
    }
}

/// What the log says.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) now: Addresses,
    pub(super) before: Option<Addresses>,
    /// Lines by address of the kinds that rose; `None` where nothing is known to have risen.
    pub(super) risen: Option<HashMap<IpAddr, f64>>,
    /// Those kinds, neutralised.
    pub(super) rose: Vec<String>,
    pub(super) bytes_scanned: f64,
    /// What the requests have in common, as far as the format says it.
    pub(super) top: Vec<TopList>,
    /// What could not be asked, a line each.
    pub(super) missing: Vec<String>,
}

/// Fields that kinds of request are told apart by, and the list that is made of them.
struct Set<'a> {
    of: TopOf,
    names: Vec<&'a str>,
}

/// The kinds of request of a window.
struct Kinds {
    /// A row for each that differs in any field; where an answer does not hold so many, an answer for each set by itself.
    answers: Vec<LogRows>,
    window: Window,
}

impl Kinds {
    /// The answer that tells of a set.
    fn rows(&self, set: usize) -> &[HashMap<String, String>] {
        self.answers.get(set).or(self.answers.first()).map_or(&[], |answer| answer.rows.as_slice())
    }

    /// Whether that answer holds every kind. Whoever makes each request different fills it.
    fn is_whole(&self, set: usize) -> bool {
        self.rows(set).len() < MOST_ROWS
    }

    /// All lines of the window. `counted` is what another query counted a moment before: it is asked only where the rows are not all, since
    /// lines that came in between are in one and not in the other.
    fn total(&self, set: usize, counted: f64) -> f64 {
        let listed: f64 = self.rows(set).iter().filter_map(requests).sum();
        if self.is_whole(set) { listed } else { counted.max(listed) }
    }
}

/// How a stage's log is asked.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) group: String,
    /// Whether lines of other stages cannot be told from this one's.
    pub(super) shared: bool,
    format: AccessLogFormat,
    address: String,
    /// What a query begins with.
    start: String,
}

impl Log {
    /// How to ask the access log of a stage.
    ///
    /// # Errors
    /// Why it cannot be asked, with what to turn on.
    pub(super) fn of(stage: &StageId, log: &AccessLog) -> Result<Self, String> {
        let Some(group) = log_group(&log.destination) else {
            return Err("access log: it goes where it cannot be asked (not CloudWatch Logs)".to_owned());
        };
        let format = AccessLogFormat::parse(&log.format);
        let Some(address) = format.field(Field::SourceIp).map(str::to_owned) else {
            return Err("access log: its format does not say who calls; add $context.identity.sourceIp".to_owned());
        };
        if format.is_caller_forgeable() {
            return Err(
                "access log: in its format what callers write stands before their address, so that a line can name \
                        somebody else's; put $context.identity.sourceIp first, or write JSON"
                    .to_owned(),
            );
        }
        let (own, shared) = match (format.field(Field::ApiId), format.field(Field::Stage)) {
            (Some(api), Some(name)) => {
                (format!("filter {api} = '{}' and {name} = '{}' | ", stage.api_id, stage.stage), false)
            }
            _ => (String::new(), true),
        };
        let start = format!("{}{own}", format.prelude());
        Ok(Self { group: group.to_owned(), shared, format, address, start })
    }

    /// Asks: addresses now, and where the time before is known, who was there and what rose.
    ///
    /// # Errors
    /// As the first query fails; what fails after it is in [`Reading::missing`].
    pub(super) async fn read(&self, aws: &Aws, now: Window, before: Option<Window>) -> Result<Reading, AwsError> {
        let mut reading = Reading::default();
        reading.now = self.addresses(aws, now, &mut reading.bytes_scanned).await?;
        if let Some(before) = before {
            match self.addresses(aws, before, &mut reading.bytes_scanned).await {
                Ok(addresses) => reading.before = Some(addresses).filter(|before| before.total > 0.0),
                Err(error) => reading.missing.push(format!("access log before the attack: {error}")),
            }
        }
        let before = before.filter(|_| reading.before.is_some());
        if let Err(error) = self.read_prefixes(aws, now, before, &mut reading).await {
            reading.missing.push(format!("requests by prefix in the access log: {error}"));
        }
        if let Err(error) = self.read_kinds(aws, now, before, &mut reading).await {
            reading.missing.push(format!("what was asked for in the access log: {error}"));
        }
        Ok(reading)
    }

    /// Prefixes, where the addresses that are listed do not add up to them.
    async fn read_prefixes(
        &self,
        aws: &Aws,
        now: Window,
        before: Option<Window>,
        reading: &mut Reading,
    ) -> Result<(), AwsError> {
        // Where only the time before has more, what came out of a prefix then is not known from those that are listed.
        if reading.now.are_all_listed() && reading.before.as_ref().is_none_or(Addresses::are_all_listed) {
            return Ok(());
        }
        let bytes = &mut reading.bytes_scanned;
        let prefixes = self.prefixes(aws, now, &reading.now, bytes).await?;
        let earlier = match before.zip(reading.before.as_ref()) {
            Some((before, addresses)) => Some(self.prefixes(aws, before, addresses, bytes).await?),
            None => None,
        };
        reading.top.extend(top::logged_prefixes(&prefixes, earlier.as_ref()));
        Ok(())
    }

    /// What kinds of request there are, and which of them rose.
    async fn read_kinds(
        &self,
        aws: &Aws,
        now: Window,
        before: Option<Window>,
        reading: &mut Reading,
    ) -> Result<(), AwsError> {
        let sets: Vec<Set<'_>> =
            SETS.iter().filter_map(|(of, fields)| Some(Set { of: *of, names: self.names(fields)? })).collect();
        if sets.is_empty() {
            reading.missing.push("access log: its format says neither method, status nor user agent".to_owned());
            return Ok(());
        }
        let now = self.kinds(aws, now, &sets, &mut reading.bytes_scanned).await?;
        let before = match before {
            Some(before) => match self.kinds(aws, before, &sets, &mut reading.bytes_scanned).await {
                Ok(kinds) => Some(kinds),
                Err(error) => {
                    reading.missing.push(format!("what was asked for before the attack: {error}"));
                    None
                }
            },
            None => None,
        };
        let lists: Vec<TopList> =
            sets.iter().enumerate().map(|(n, set)| list((n, set), &now, before.as_ref(), reading)).collect();
        reading.top.extend(lists);
        match before {
            Some(before) => self.rises(aws, &now, &before, &sets, reading).await,
            None => Ok(()),
        }
    }

    async fn kinds(&self, aws: &Aws, window: Window, sets: &[Set<'_>], bytes: &mut f64) -> Result<Kinds, AwsError> {
        let all: Vec<&str> = sets.iter().flat_map(|set| set.names.iter().copied()).collect();
        let together = self.ask(aws, &by_fields(&all), window, bytes).await?;
        if together.rows.len() < MOST_ROWS || sets.len() < 2 {
            return Ok(Kinds { answers: vec![together], window });
        }
        let mut answers = Vec::new();
        for set in sets {
            answers.push(self.ask(aws, &by_fields(&set.names), window, bytes).await?);
        }
        Ok(Kinds { answers, window })
    }

    /// The field that says who calls, as a query names it.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Asks one query, of this stage's lines where they can be told.
    pub(super) async fn ask(
        &self,
        aws: &Aws,
        rest: &str,
        window: Window,
        bytes: &mut f64,
    ) -> Result<LogRows, AwsError> {
        let query = format!("{}{rest}", self.start);
        let answer = aws.log_query(&self.group, &query, window.0, window.1, Lane::Plan).await?;
        *bytes += answer.bytes_scanned;
        Ok(answer)
    }

    async fn addresses(&self, aws: &Aws, window: Window, bytes: &mut f64) -> Result<Addresses, AwsError> {
        let answer = self.ask(aws, &self.by_address(""), window, bytes).await?;
        let lines = self.lines(&answer);
        let mut addresses = Addresses {
            total: answer.rows.iter().filter_map(requests).sum(),
            distinct: lines.len() as f64,
            lines,
            unlisted_at_most: None,
        };
        if answer.rows.len() >= MOST_ROWS {
            addresses.unlisted_at_most = answer.rows.iter().filter_map(requests).reduce(f64::min);
            let query = format!("stats count(*) as requests, count_distinct({}) as addresses", self.address);
            let whole = self.ask(aws, &query, window, bytes).await?;
            let row = whole.rows.first();
            addresses.total = row.and_then(requests).unwrap_or(addresses.total);
            let distinct = row.and_then(|row| row.get("addresses")).and_then(|n| n.parse().ok());
            addresses.distinct = distinct.unwrap_or(addresses.distinct);
        }
        Ok(addresses)
    }

    fn by_address(&self, filter: &str) -> String {
        format!("{filter}stats count(*) as requests by {} | sort requests desc | limit {MOST_ROWS}", self.address)
    }

    fn lines(&self, answer: &LogRows) -> HashMap<IpAddr, f64> {
        let name = plain(&self.address);
        let mut lines = HashMap::new();
        for row in &answer.rows {
            let address = row.get(name).and_then(|text| text.trim().parse::<IpAddr>().ok());
            if let (Some(address), Some(requests)) = (address, requests(row)) {
                *lines.entry(address.to_canonical()).or_default() += requests;
            }
        }
        lines
    }

    /// The kinds of request that rose, and who asks for them.
    async fn rises(
        &self,
        aws: &Aws,
        now: &Kinds,
        before: &Kinds,
        sets: &[Set<'_>],
        reading: &mut Reading,
    ) -> Result<(), AwsError> {
        let whole = |set: &usize| now.is_whole(*set) && before.is_whole(*set);
        let (told, cut): (Vec<usize>, Vec<usize>) = (0..sets.len()).partition(whole);
        let cut: Vec<&str> = cut.into_iter().filter_map(|set| sets.get(set)).map(|set| set.of.title()).collect();
        if !cut.is_empty() {
            let cut = cut.join(" and ");
            reading.missing.push(format!("what rose: there are more {cut} than can be compared ({MOST_ROWS})"));
        }
        let tell = |(n, set): (usize, &Set<'_>)| {
            let tells = |values: &[String]| !(set.of == TopOf::Statuses && is_of_our_making(values));
            let (worth, values) = risen(&tally(now, n, &set.names), &tally(before, n, &set.names), tells);
            (worth, set.names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>(), values)
        };
        let told = told.into_iter().filter_map(|n| Some((n, sets.get(n)?))).map(tell);
        let best = told.filter(|(_, _, values)| !values.is_empty()).max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((_, names, values)) = best else { return Ok(()) };
        let one = |values: &Vec<String>| {
            let pairs = names.iter().zip(values).map(|(name, value)| format!("{name} = '{value}'"));
            format!("({})", pairs.collect::<Vec<_>>().join(" and "))
        };
        let filter = format!("filter {} | ", values.iter().map(one).collect::<Vec<_>>().join(" or "));
        let answer = self.ask(aws, &self.by_address(&filter), now.window, &mut reading.bytes_scanned).await?;
        reading.risen = Some(self.lines(&answer));
        reading.rose = values.iter().map(|values| shortened(&values.join(" "), TEXT)).collect();
        Ok(())
    }

    fn names(&self, fields: &[Field]) -> Option<Vec<&str>> {
        fields.iter().map(|field| self.format.field(*field)).collect()
    }
}

/// What makes requests of one kind.
const SETS: [(TopOf, &[Field]); 3] = [
    (TopOf::Requests, &[Field::Method, Field::Resource]),
    (TopOf::Statuses, &[Field::Status]),
    (TopOf::UserAgents, &[Field::UserAgent]),
];

fn by_fields(fields: &[&str]) -> String {
    format!("stats count(*) as requests by {} | sort requests desc | limit {MOST_ROWS}", fields.join(", "))
}

/// The list of a set.
fn list((n, set): (usize, &Set<'_>), now: &Kinds, before: Option<&Kinds>, reading: &Reading) -> TopList {
    let counts = |kinds: &Kinds, whole: &Addresses| Counts {
        by_name: counted(kinds.rows(n), &set.names).into_iter().map(|(values, n)| (values.join(" "), n)).collect(),
        total: kinds.total(n, whole.total),
        whole: kinds.is_whole(n),
    };
    let before = before.zip(reading.before.as_ref()).map(|(kinds, whole)| counts(kinds, whole));
    top::logged(set.of, &counts(now, &reading.now), before.as_ref())
}

/// A name as answers have it: without the backticks that a query needs.
fn plain(name: &str) -> &str {
    name.trim_matches('`')
}

pub(super) fn requests(row: &HashMap<String, String>) -> Option<f64> {
    row.get("requests").and_then(|n| n.parse().ok())
}

/// Requests a second by the values of some fields.
fn tally(kinds: &Kinds, set: usize, names: &[&str]) -> HashMap<Vec<String>, f64> {
    let (from, to) = kinds.window;
    let seconds = (to - from).as_seconds_f64().max(1.0);
    counted(kinds.rows(set), names).into_iter().map(|(values, requests)| (values, requests / seconds)).collect()
}

/// Requests by the values of some fields.
fn counted(rows: &[HashMap<String, String>], names: &[&str]) -> HashMap<Vec<String>, f64> {
    let mut counts = HashMap::new();
    for row in rows {
        let values: Option<Vec<String>> = names.iter().map(|name| row.get(plain(name)).cloned()).collect();
        if let (Some(values), Some(requests)) = (values, requests(row)) {
            *counts.entry(values).or_default() += requests;
        }
    }
    counts
}

/// The values that rose, most first, and how well they tell: their part of the whole rise less their part of what was there before.
fn risen(
    now: &HashMap<Vec<String>, f64>,
    before: &HashMap<Vec<String>, f64>,
    tells: impl Fn(&[String]) -> bool,
) -> (f64, Vec<Vec<String>>) {
    let was = |values: &Vec<String>| before.get(values).copied().unwrap_or(0.0);
    let rise: f64 = now.iter().map(|(values, rate)| (rate - was(values)).max(0.0)).sum();
    let all_before: f64 = before.values().sum();
    let fits = |(values, rate): &(&Vec<String>, &f64)| {
        **rate >= TIMES * was(values)
            && **rate - was(values) >= OF_THE_RISE * rise
            && tells(values)
            && values.iter().all(|value| may_be_quoted(value))
    };
    let mut found: Vec<(&Vec<String>, &f64)> = now.iter().filter(fits).collect();
    found.sort_by(|a, b| b.1.total_cmp(a.1).then_with(|| a.0.cmp(b.0)));
    found.truncate(MOST_KINDS);
    let part = |some: f64, all: f64| if all > 0.0 { some / all } else { 0.0 };
    let explained: f64 = found.iter().map(|(values, rate)| part(*rate - was(values), rise)).sum();
    let usual: f64 = found.iter().map(|(values, _)| part(was(values), all_before)).sum();
    (explained - usual, found.into_iter().map(|(values, _)| values.clone()).collect())
}

/// Statuses that say how the API is doing, and nothing of who calls: everybody gets them.
fn is_of_our_making(values: &[String]) -> bool {
    values.iter().any(|status| status.starts_with('5') || matches!(status.as_str(), "403" | "429"))
}

/// Whether a text from the log can stand between single quotation marks of a query without ending them.
fn may_be_quoted(value: &str) -> bool {
    value.len() <= 500 && !value.chars().any(|c| c.is_control() || matches!(c, '\'' | '\\' | '"' | '`'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rates(list: &[(&[&str], f64)]) -> HashMap<Vec<String>, f64> {
        list.iter().map(|(values, rate)| (values.iter().map(|v| (*v).to_owned()).collect(), *rate)).collect()
    }

    #[test]
    fn what_rose_is_what_explains_the_rise_and_was_rare_before() {
        let before = rates(&[(&["GET", "/items"], 90.0), (&["POST", "/login"], 10.0)]);
        let now = rates(&[(&["GET", "/items"], 95.0), (&["POST", "/login"], 410.0)]);
        let (worth, values) = risen(&now, &before, |_| true);
        assert_eq!(values, [["POST", "/login"]]);
        assert!((worth - (400.0 / 405.0 - 0.1)).abs() < 1e-9, "{worth}");
    }

    #[test]
    fn a_backend_that_fails_everybody_speaks_against_nobody() {
        let status = |text: &str| [text.to_owned()];
        assert!(["500", "504", "429", "403"].iter().all(|text| is_of_our_making(&status(text))));
        assert!(["200", "401", "404"].iter().all(|text| !is_of_our_making(&status(text))));
    }

    #[test]
    fn a_user_agent_that_could_end_its_quotation_marks_never_gets_into_a_query() {
        let now =
            rates(&[(&["x' or '1' = '1"], 900.0), (&["a\\"], 800.0), (&["\u{1b}[2J"], 700.0), (&["curl/8"], 600.0)]);
        assert_eq!(risen(&now, &HashMap::new(), |_| true).1, [["curl/8"]]);
    }

    #[test]
    fn an_access_log_without_addresses_says_what_to_add() {
        let stage = StageId { api_id: "a1".into(), api_name: "shop".into(), stage: "prod".into() };
        let log = |format: &str, to: &str| AccessLog { destination: to.into(), format: format.into() };
        let group = "arn:aws:logs:eu-west-1:111122223333:log-group:api/shop";
        let why = Log::of(&stage, &log(r#"{"id":"$context.requestId"}"#, group)).unwrap_err();
        assert!(why.contains("$context.identity.sourceIp"), "{why}");
        let format = r#"{"id":"$context.requestId","ip":"$context.identity.sourceIp"}"#;
        assert!(Log::of(&stage, &log(format, group)).unwrap().shared);
        let forged = "$context.requestId \"$context.identity.userAgent\" $context.identity.sourceIp $context.status";
        let why = Log::of(&stage, &log(forged, group)).unwrap_err();
        assert!(why.contains("put $context.identity.sourceIp first"), "{why}");
        let first = "$context.identity.sourceIp $context.requestId \"$context.identity.userAgent\" $context.status";
        assert!(Log::of(&stage, &log(first, group)).is_ok());
        assert!(Log::of(&stage, &log(format, "arn:aws:firehose:eu-west-1:1:deliverystream/x")).is_err());
    }
}
