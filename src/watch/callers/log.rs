//! Who calls, out of a stage's access log: what is asked of Logs Insights, and what the answers say.
//!
//! Five queries at most: addresses and kinds of request, now and before the attack, and then the addresses again for
//! the kinds that rose. Nine where there are more addresses than an answer has rows, and up to six more where there are
//! more kinds of request. Where no attack is known to have begun it is two to seven. AWS bills what they scan, so each
//! is asked over minutes and not hours. Values out of the log that go into a query were written by attackers: one that
//! could end its quotation marks is left out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::aws::AwsError;
use crate::aws::read::{LogRows, MOST_ROWS};
use crate::model::access_log::{AccessLogFormat, Field, log_group};
use crate::model::address;
use crate::model::stage::{AccessLog, StageId};
use crate::model::text::shortened;
use crate::model::top_list::{TopList, TopOf};

use super::super::words::percent;
use super::Metered;
use super::kinds::{Kinds, SETS, Set, by_fields, is_of_our_making, kind_name, list, plain, requests, risen, tally};
use super::reading::{Addresses, Reading, Window};
use super::top;

/// The part of the lines that may leave out who sent them: more, and those that say it say too little of who calls.
const UNREAD: f64 = 0.02;

/// Characters kept of an attacker's text.
const TEXT: usize = 100;

/// How a stage's log is asked.
#[derive(Debug)]
pub(in crate::watch) struct Log {
    pub(in crate::watch) group: String,
    /// Whether lines of other stages cannot be told from this one's.
    pub(in crate::watch) shared: bool,
    format: Arc<AccessLogFormat>,
    address: String,
    /// What a query begins with.
    start: String,
    /// The same where lines in another format than the stage's are counted too.
    with_strangers: String,
    /// Whether every line of the stage's in its present format says that it is.
    sure: bool,
}

impl Log {
    /// How to ask the access log of a stage.
    ///
    /// # Errors
    /// Why it cannot be asked, with what to turn on.
    pub(in crate::watch) fn of(stage: &StageId, log: &AccessLog) -> Result<Self, String> {
        let Some(group) = log_group(&log.destination) else {
            return Err("access log: it goes where it cannot be queried (not CloudWatch Logs)".to_owned());
        };
        let format = AccessLogFormat::parse(&log.format);
        let Some(address) = format.field(Field::SourceIp).map(str::to_owned) else {
            let lacks = "its format does not say who calls; add $context.identity.sourceIp";
            return Err(format.reason(Field::SourceIp).map_or(format!("access log: {lacks}"), str::to_owned));
        };
        let own = format.only(stage);
        let start = |filter: Option<&str>| format!("{}{}", format.prelude(), filter.unwrap_or_default());
        Ok(Self {
            group: group.to_owned(),
            shared: own.is_none(),
            start: start(own.as_ref().map(|own| own.filter.as_str())),
            with_strangers: start(own.as_ref().map(|own| own.with_strangers.as_str())),
            sure: own.is_some_and(|own| own.filter != own.with_strangers),
            format,
            address,
        })
    }

    /// Asks: addresses now, and where the time before is known, who was there and what rose.
    ///
    /// # Errors
    /// As the first query fails, or where too many lines do not say who calls; what fails after it is in
    /// [`Reading::missing`].
    pub(super) async fn read(&self, aws: Metered<'_>, now: Window, before: Option<Window>) -> Result<Reading, String> {
        let mut reading = Reading::default();
        let asked = self.addresses(aws, now).await;
        reading.now = asked.map_err(|error| format!("access log: {error}"))?;
        if reading.now.all <= 0.0 {
            return Err("access log: it has no lines of these minutes".to_owned());
        }
        reading.missing.extend(self.unread("", &reading.now)?);
        if let Some(before) = before {
            let asked = self.addresses(aws, before).await;
            let read = asked.map_err(|error| format!("access log before the attack: {error}"));
            let checked = read.and_then(|read| Ok((self.unread(" from before the attack", &read)?, read)));
            match checked {
                Ok((unread, addresses)) => {
                    reading.missing.extend(unread);
                    reading.before = Some(addresses).filter(|before| before.total > 0.0);
                }
                Err(why) => reading.missing.push(why),
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

    /// What is to be said of lines that do not say who calls.
    ///
    /// # Errors
    /// Where there are so many that the others say too little of who calls.
    fn unread(&self, when: &str, read: &Addresses) -> Result<Option<String>, String> {
        if read.unread <= 0.0 {
            return Ok(None);
        }
        let share = read.unread / read.all;
        if self.sure && read.total > 0.0 {
            return Ok(Some(format!(
                "access log: {} of its lines{when} are in another format than the stage's: whether they are its own is not known",
                percent(share)
            )));
        }
        let because = self.format.reason(Field::SourceIp).unwrap_or("they are not in the stage's format");
        let said = format!("access log: {} of its lines{when} do not say who calls: {because}", percent(share));
        if self.sure || share > UNREAD { Err(said) } else { Ok(Some(said)) }
    }

    /// Prefixes, where the addresses that are listed do not add up to them.
    async fn read_prefixes(
        &self,
        aws: Metered<'_>,
        now: Window,
        before: Option<Window>,
        reading: &mut Reading,
    ) -> Result<(), AwsError> {
        // Where only the time before has more, what came out of a prefix then is not known from those that are listed.
        if reading.now.are_all_listed() && reading.before.as_ref().is_none_or(Addresses::are_all_listed) {
            return Ok(());
        }
        let prefixes = self.prefixes(aws, now, &reading.now).await?;
        let earlier = match before.zip(reading.before.as_ref()) {
            Some((before, addresses)) => Some(self.prefixes(aws, before, addresses).await?),
            None => None,
        };
        reading.top.extend(top::logged_prefixes(&prefixes, earlier.as_ref()));
        Ok(())
    }

    /// What kinds of request there are, and which of them rose.
    async fn read_kinds(
        &self,
        aws: Metered<'_>,
        now: Window,
        before: Option<Window>,
        reading: &mut Reading,
    ) -> Result<(), AwsError> {
        let sets: Vec<Set<'_>> =
            SETS.iter().filter_map(|(of, fields)| Some(Set { of: *of, names: self.names(fields)? })).collect();
        let hidden =
            SETS.iter().flat_map(|(_, fields)| fields.iter()).filter(|field| self.format.field(**field).is_none());
        reading.missing.extend(hidden.filter_map(|field| self.format.reason(*field).map(str::to_owned)));
        if sets.is_empty() {
            let nothing = "access log: its lines tell neither method and resource, status nor user agent";
            reading.missing.push(nothing.to_owned());
            return Ok(());
        }
        let now = self.kinds(aws, now, &sets).await?;
        let before = match before {
            Some(before) => match self.kinds(aws, before, &sets).await {
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

    async fn kinds(&self, aws: Metered<'_>, window: Window, sets: &[Set<'_>]) -> Result<Kinds, AwsError> {
        let all: Vec<&str> = sets.iter().flat_map(|set| set.names.iter().copied()).collect();
        let together = self.ask(aws, &by_fields(&all), window).await?;
        if together.rows.len() < MOST_ROWS || sets.len() < 2 {
            return Ok(Kinds { answers: vec![together], window });
        }
        let mut answers = Vec::new();
        for set in sets {
            answers.push(self.ask(aws, &by_fields(&set.names), window).await?);
        }
        Ok(Kinds { answers, window })
    }

    /// The field that says who calls, as a query names it.
    pub(in crate::watch) fn address(&self) -> &str {
        &self.address
    }

    /// A whole query, of this stage's lines where they can be told.
    pub(in crate::watch) fn query(&self, rest: &str) -> String {
        format!("{}{rest}", self.start)
    }

    /// Asks one query, of this stage's lines where they can be told.
    pub(super) async fn ask(&self, aws: Metered<'_>, rest: &str, window: Window) -> Result<LogRows, AwsError> {
        self.ask_from(aws, &self.start, rest, window).await
    }

    async fn ask_from(&self, aws: Metered<'_>, start: &str, rest: &str, window: Window) -> Result<LogRows, AwsError> {
        aws.log_query(&self.group, &format!("{start}{rest}"), window).await
    }

    pub(super) async fn addresses(&self, aws: Metered<'_>, window: Window) -> Result<Addresses, AwsError> {
        let start = &self.with_strangers;
        let answer = self.ask_from(aws, start, &self.by_address(""), window).await?;
        let lines = self.lines(&answer);
        let told: f64 = lines.values().sum();
        let all: f64 = answer.rows.iter().filter_map(requests).sum();
        let mut addresses = Addresses {
            total: if self.sure { told } else { all },
            distinct: lines.len() as f64,
            all,
            unread: (all - told).max(0.0),
            lines,
            unlisted_at_most: None,
        };
        if answer.rows.len() >= MOST_ROWS {
            addresses.unlisted_at_most = answer.rows.iter().filter_map(requests).reduce(f64::min);
            let address = &self.address;
            let query =
                format!("stats count(*) as requests, count({address}) as told, count_distinct({address}) as addresses");
            let whole = self.ask_from(aws, start, &query, window).await?;
            let number = |name: &str| whole.rows.first()?.get(name)?.parse::<f64>().ok();
            let all = number("requests").unwrap_or(all);
            let told = number("told").unwrap_or(told);
            addresses.total = if self.sure { told } else { all };
            addresses.all = all;
            addresses.unread = (all - told).max(0.0);
            addresses.distinct = number("addresses").unwrap_or(addresses.distinct);
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
            let address = row.get(name).and_then(|text| address::address(text).ok());
            if let (Some(address), Some(requests)) = (address, requests(row)) {
                *lines.entry(address).or_default() += requests;
            }
        }
        lines
    }

    /// The kinds of request that rose, and who asks for them.
    async fn rises(
        &self,
        aws: Metered<'_>,
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
        let answer = self.ask(aws, &self.by_address(&filter), now.window).await?;
        reading.risen = Some(self.lines(&answer));
        reading.rose = values.iter().map(|values| shortened(&kind_name(values), TEXT)).collect();
        Ok(())
    }

    /// Fields as a query names them; `None` where the format lacks one, or callers could forge it.
    pub(in crate::watch) fn names(&self, fields: &[Field]) -> Option<Vec<&str>> {
        fields.iter().map(|field| self.format.field(*field)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_access_log_without_addresses_says_what_to_add() {
        let stage = StageId { api_id: "a1".into(), api_name: "shop".into(), stage: "prod".into() };
        let log = |format: &str, to: &str| AccessLog { destination: to.into(), format: format.into() };
        let group = "arn:aws:logs:eu-west-1:111122223333:log-group:api/shop";
        let why = Log::of(&stage, &log(r#"{"id":"$context.requestId"}"#, group)).unwrap_err();
        assert!(why.contains("$context.identity.sourceIp"), "{why}");
        let format = r#"{"id":"$context.requestId","ip":"$context.identity.sourceIp"}"#;
        assert!(Log::of(&stage, &log(format, group)).unwrap().shared);
        // Hardly any of its lines tells it: those that do not are counted, and are too many.
        let forged = "$context.requestId $context.path$context.identity.sourceIp$context.identity.userAgent";
        let read = Addresses { total: 100.0, all: 100.0, unread: 90.0, ..Addresses::default() };
        let why = Log::of(&stage, &log(forged, group)).unwrap().unread("", &read).unwrap_err();
        assert!(why.contains("move $context.identity.sourceIp to the front"), "{why}");
        // What stands behind it has a form of its own up to the line's end: nothing that callers write can look like
        // it.
        let behind = "$context.requestId \"$context.identity.userAgent\" $context.identity.sourceIp $context.status";
        assert!(Log::of(&stage, &log(behind, group)).is_ok());
        assert!(Log::of(&stage, &log(format, "arn:aws:firehose:eu-west-1:1:deliverystream/x")).is_err());
    }
}
