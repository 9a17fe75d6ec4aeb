//! Single log events.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Outcome, group, identified, invalid, limit};
use crate::error::AwsError;
use crate::logs::filter::Pattern;
use crate::logs::{Kind, Line, Second};
use crate::service::Answer;
use crate::service::common::{integer, text};
use crate::state::Account;

/// Bytes of a page, at most (documented).
const PAGE_BYTES: usize = 1_048_576;
/// Events that one call looks at. A page may be partly full or empty and yet not the last (documented); where AWS stops
/// is not.
const LOOKED_AT: usize = 100_000;

/// `FilterLogEvents`: sorted by time; both ends of the range are inclusive (documented).
pub(super) fn filter(account: &Account, input: &Value) -> Outcome {
    let name = match (text(input, "logGroupName"), text(input, "logGroupIdentifier")) {
        (Some(name), None) => name.to_owned(),
        (None, Some(identifier)) => identified(account, identifier)?,
        _ => return Err(invalid("Exactly one of logGroupName and logGroupIdentifier must be given.")),
    };
    let group = group(account, &name)?;
    let streams = input.get("logStreamNames").and_then(Value::as_array);
    let prefix = text(input, "logStreamNamePrefix");
    if streams.is_some() && prefix.is_some() {
        return Err(invalid("Cannot specify both logStreamNames and logStreamNamePrefix"));
    }
    let pattern = text(input, "filterPattern").unwrap_or("");
    let pattern = Pattern::read(pattern).map_err(|words| invalid(format!("Invalid filter pattern: {words}")))?;
    let from = integer(input, "startTime").unwrap_or(0);
    let to = integer(input, "endTime").unwrap_or(i64::MAX);
    if from < 0 || to < from {
        return Err(invalid("The end of the time range is before its start."));
    }
    let (second, event) = match text(input, "nextToken") {
        Some(token) => token_of(token)?,
        None => (from.div_euclid(1000), 0),
    };
    let wanted = |kind: &Kind| {
        streams.is_none_or(|streams| streams.iter().any(|name| name == kind.stream()))
            && prefix.is_none_or(|prefix| kind.stream().starts_with(prefix))
    };
    let mut page = Page { room: limit(input, 10_000)?, bytes: 0, events: Vec::new(), looked_at: 0 };
    let mut search = Search { account, pattern: &pattern, range: (from, to), known: HashMap::new() };
    let mut next = None;
    for known in account.logs.readable(&group.name, second..=to.div_euclid(1000), account.now) {
        let skip = if known.at == second { event } else { 0 };
        if page.looked_at >= LOOKED_AT {
            next = Some((known.at, 0));
            break;
        }
        if let Some(event) = search.second(known, &wanted, skip, &mut page) {
            next = Some((known.at, event));
            break;
        }
    }
    // The list of streams is empty since 2020 (documented).
    let mut body = json!({ "events": page.events, "searchedLogStreams": [] });
    if let Some((second, event)) = next {
        body["nextToken"] = format!("{second:012x}{event:012x}").into();
    }
    Ok(Answer::ok(body))
}

/// Second and event where the next page begins.
fn token_of(token: &str) -> Result<(i64, usize), AwsError> {
    let halves = token.split_at_checked(12);
    let read = halves.and_then(|(second, event)| {
        Some((i64::from_str_radix(second, 16).ok()?, usize::from_str_radix(event, 16).ok()?))
    });
    read.ok_or_else(|| invalid("The specified nextToken is invalid."))
}

struct Page {
    room: usize,
    bytes: usize,
    events: Vec<Value>,
    looked_at: usize,
}

struct Search<'a> {
    account: &'a Account,
    pattern: &'a Pattern,
    range: (i64, i64),
    /// Whether all lines of a kind match, or none; `None` where they differ.
    known: HashMap<u64, Option<bool>>,
}

impl Search<'_> {
    fn all_or_none(&mut self, kind: &Kind) -> Option<bool> {
        let pattern = self.pattern;
        *self.known.entry(kind.serial()).or_insert_with(|| {
            let [one, other, _] = Line::strangers().map(|line| kind.render(&line));
            (pattern.looks_at(&one) == pattern.looks_at(&other)).then(|| pattern.matches(&one))
        })
    }

    /// Puts a second's events on the page, from the `skip`th on; gives the one that no longer fits.
    fn second(
        &mut self,
        second: &Second,
        wanted: &impl Fn(&Kind) -> bool,
        skip: usize,
        page: &mut Page,
    ) -> Option<usize> {
        let seed = self.account.logs.seed();
        let mut lines: Vec<(Line, &Kind, Option<bool>)> = Vec::new();
        for record in second.records.iter().filter(|record| wanted(&record.kind)) {
            let matches = self.all_or_none(&record.kind);
            if matches != Some(false) {
                lines.extend(second.lines(record, seed).map(|line| (line, &*record.kind, matches)));
            }
        }
        page.looked_at += lines.len();
        lines.sort_by_key(|(line, _, _)| (line.millis, line.id));
        let (from, to) = self.range;
        let inside = |line: &Line| (from..=to).contains(&line.millis);
        for (at, (line, kind, matches)) in lines.into_iter().enumerate().skip(skip) {
            if !inside(&line) {
                continue;
            }
            let message = kind.render(&line);
            if matches.is_none() && !self.pattern.matches(&message) {
                continue;
            }
            if page.events.len() >= page.room || page.bytes + message.len() > PAGE_BYTES {
                return Some(at);
            }
            page.bytes += message.len();
            page.events.push(event(self.account, kind, &line, &message));
        }
        None
    }
}

fn event(account: &Account, kind: &Kind, line: &Line, message: &str) -> Value {
    json!({
        "logStreamName": kind.stream(),
        "timestamp": line.millis,
        "message": message,
        "ingestionTime": line.millis + i64::from(account.logs.delay_seconds) * 1000,
        "eventId": format!("{:056}", line.id),
    })
}
