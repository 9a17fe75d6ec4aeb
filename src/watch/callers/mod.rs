//! Who sends what to a stage and what to block, out of WAF's samples, its rate rules and the stage's access log
//! together.
//!
//! Counts of the two are never added up: they speak of the same requests. The access log has a line for every request,
//! so where it names an address its count stands; samples add country, rules, labels and what WAF did. Rate rules add
//! who is over a limit at this moment, and count nobody. Which side an address is on is decided here
//! (docs/architecture.md, candidate block sets), and `candidate` makes sets of it.

mod followers;
mod kinds;
mod limited;
pub(super) mod log;
mod meter;
mod prefixes;
mod reading;
mod top;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use thiserror::Error;

pub(super) use self::kinds::{by_fields, kind_name, plain, requests};
use self::limited::{Limited, limited};
pub(super) use self::log::Log;
use self::meter::Metered;
pub use self::meter::{Meter, Scanned};
use self::reading::Reading;
pub(super) use self::reading::Window;
use super::candidate::{Caller, Rules, candidates};
use super::source;
use crate::aws::{Aws, AwsError, Lane};
use crate::model::callers::KnownCallers;
use crate::model::candidate::{Candidates, Standing};
use crate::model::counted::CountedBy;
use crate::model::measure::Blocked;
use crate::model::series::floor_minute;
use crate::model::settings::Settings;
use crate::model::source::{Legitimacy, LogCoverage, Source, Sources};
use crate::model::stage::{AccessLog, ApiKind, StageId};

/// Minutes of the access log that are looked at now.
const NOW_MINUTES: i64 = 5;

/// Minutes before the attack in which a caller counts as known.
const BEFORE_MINUTES: i64 = 30;

/// Minutes between those and when the attack was noticed: it may have begun before it could be seen.
const GAP_MINUTES: i64 = 3;

/// What CloudFront calls itself to what it asks (documented).
const CLOUDFRONT: &str = "Amazon CloudFront";

/// Whoever knows who attacks an HTTP API must know as well what not to try (documented: choosing between REST and HTTP
/// APIs).
const NO_WAF: &str =
    "WAF cannot be attached to HTTP APIs: nobody can be blocked here. What works is to throttle a route";

/// Bytes of a gigabyte as CloudWatch Logs bills them.
const GIGABYTE: f64 = 1e9;

/// Whose callers are wanted.
#[derive(Debug, Clone, Copy)]
pub struct CallersOf<'a> {
    /// The stage.
    pub stage: &'a StageId,
    /// What kind of API it is of.
    pub kind: ApiKind,
    /// Its web ACL, where it has one.
    pub web_acl_arn: Option<&'a str>,
    /// How many stages stand behind that.
    pub stages_behind: usize,
    /// Its access log, where it has one, or why it is not asked.
    pub access_log: Result<Option<&'a AccessLog>, Unasked<'a>>,
    /// What the log queries scan is counted here.
    pub meter: &'a Meter,
    /// When the attack began, where known.
    pub began: Option<DateTime<Utc>>,
    /// Who was there before it, as the incident keeps it: for whom nothing that can still be read tells.
    pub known: Option<&'a KnownCallers>,
    /// What our blocks hold, where there is one: who is new since then follows.
    pub blocked: Option<&'a Blocked>,
}

/// Why a stage's access log is not asked, in words that follow a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unasked<'a> {
    /// Whether it has one could not be read.
    NotRead(&'a str),
    /// Nobody has asked for it, and the budget for log queries does not allow it.
    Budget(&'a str),
}

impl CallersOf<'_> {
    fn metered<'m>(&'m self, aws: &'m Aws) -> Metered<'m> {
        Metered { aws, meter: self.meter }
    }
}

/// Nothing says who sends.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("who sends to {stage} is not known: {}", .reasons.join("; "))]
pub struct NobodyKnown {
    /// The stage.
    pub stage: String,
    /// Why not, by origin.
    pub reasons: Vec<String>,
}

/// Who sends, ranked, and what to block.
///
/// # Errors
/// Where neither WAF's samples nor the access log could be read; where one of them could not, [`Sources::missing`] says
/// so.
pub async fn callers(aws: &Aws, settings: &Settings, asked: CallersOf<'_>) -> Result<Sources, NobodyKnown> {
    let ((sampled, limited), logged) = tokio::join!(guarded(aws, &asked), logged(aws, settings, &asked));
    let (mut sources, log) = match (sampled, logged) {
        (Ok(sources), Ok(log)) => (sources, Some(log)),
        (Ok(mut sources), Err(why)) => {
            sources.missing.push(why);
            (sources, None)
        }
        (Err(why), Ok(log)) => (unsampled(&asked, (log.coverage.from, log.coverage.to), vec![why]), Some(log)),
        (Err(sampled), Err(logged)) if limited.addresses().next().is_some() => {
            let now = aws.clock().now();
            (unsampled(&asked, (now, now), vec![sampled, logged]), None)
        }
        (Err(sampled), Err(logged)) => {
            return Err(NobodyKnown { stage: asked.stage.label(), reasons: vec![sampled, logged] });
        }
    };
    join_limited(&mut sources, limited);
    if let Some(log) = log {
        join(&mut sources, log);
    }
    if let Some(told) = asked.known.map(|known| known.tell(&mut sources)).filter(|told| *told > 0) {
        sources.missing.push(format!(
            "the data on who called before the attack is gone; {told} of the sources were compared with the incident's record of it"
        ));
    }
    // Only now is it known who was there before.
    sources.sources.iter_mut().for_each(speak_against);
    followers::mark(aws, &asked, &mut sources).await;
    if let Some(log) = &mut sources.log {
        log.bytes_scanned = asked.meter.scanned().bytes;
        log.dollars = log.bytes_scanned / GIGABYTE * settings.prices.log_query_dollars_per_gb;
    }
    if asked.kind == ApiKind::Http {
        sources.missing.push(NO_WAF.to_owned());
    }
    let prefixes = top::prefixes(&sources).into_iter().collect();
    sources.top = top::arranged(std::mem::take(&mut sources.top), prefixes);
    sources.candidates = weigh(&sources, settings, sources.log.as_ref());
    Ok(sources)
}

/// What the web ACL knows: samples, and who is over the limits of its rate rules.
async fn guarded(aws: &Aws, asked: &CallersOf<'_>) -> (Result<Sources, String>, Limited) {
    let Some(arn) = asked.web_acl_arn else {
        let why = "it has no web ACL, so WAF has no samples of its requests".to_owned();
        return (Err(why), Limited::default());
    };
    let said = |error: AwsError| format!("WAF's samples: {error}");
    let acl = match aws.web_acl(arn, Lane::Plan).await {
        Ok(acl) => acl,
        Err(error) => return (Err(said(error)), Limited::default()),
    };
    let samples = source::of_acl(aws, arn, &acl, asked.stages_behind, asked.began);
    let (samples, limited) = tokio::join!(samples, limited(aws, &acl));
    (samples.map_err(said), limited)
}

/// A log that was read.
struct Logged {
    reading: Reading,
    coverage: LogCoverage,
}

async fn logged(aws: &Aws, settings: &Settings, asked: &CallersOf<'_>) -> Result<Logged, String> {
    if !settings.sources.ask_access_logs {
        return Err("access log: not asked, as sources.ask-access-logs says".to_owned());
    }
    let found = asked.access_log.map_err(|why| match why {
        Unasked::NotRead(why) => format!("access log: whether there is one is not known: {why}"),
        Unasked::Budget(why) => format!("access log: not asked by itself: {why}"),
    })?;
    let Some(log) = found else {
        return Err("access log: the stage writes none; with one every request would count".to_owned());
    };
    let log = Log::of(asked.stage, log)?;
    let (now, before) = windows(aws.clock().now(), asked.began);
    let reading = log.read(asked.metered(aws), now, before).await?;
    // Whoever is not listed may have sent any of the lines that do not say who did.
    let unread = Some(reading.now.total - reading.now.lines.values().sum::<f64>()).filter(|_| reading.now.unread > 0.0);
    let unread = unread.filter(|unread| *unread > 0.0 && reading.now.are_all_listed());
    let coverage = LogCoverage {
        group: log.group,
        from: now.0,
        to: now.1,
        requests: whole(reading.now.total),
        addresses: whole(reading.now.distinct),
        listed_share: reading.now.listed_share(),
        unlisted_at_most: reading.now.unlisted_at_most.map(|most| most + reading.now.unread).or(unread).map(whole),
        before,
        before_listed_share: reading.before.as_ref().map(reading::Addresses::listed_share_at_least),
        rose: reading.rose.clone(),
        // All of it is known only when nothing is asked any more.
        bytes_scanned: 0.0,
        dollars: 0.0,
        shared: log.shared,
    };
    Ok(Logged { reading, coverage })
}

/// The minutes of now, and those before the attack.
pub(super) fn windows(now: DateTime<Utc>, began: Option<DateTime<Utc>>) -> (Window, Option<Window>) {
    let to = floor_minute(now);
    let began = began.map(floor_minute);
    // Minutes from before the attack would water it down.
    let first =
        began.map_or(to - TimeDelta::minutes(NOW_MINUTES), |began| began.max(to - TimeDelta::minutes(NOW_MINUTES)));
    let from = first.min(to - TimeDelta::minutes(1));
    ((from, to), began.map(before))
}

/// The minutes before an attack that began then, in which a caller counts as known.
pub(super) fn before(began: DateTime<Utc>) -> Window {
    let end = floor_minute(began) - TimeDelta::minutes(GAP_MINUTES);
    (end - TimeDelta::minutes(BEFORE_MINUTES), end)
}

/// What there is without samples: the log's window, and everything else to come from it.
fn unsampled(asked: &CallersOf<'_>, (from, to): Window, missing: Vec<String>) -> Sources {
    let web_acl = asked.web_acl_arn.and_then(|arn| arn.rsplit('/').nth(1)).unwrap_or_default();
    Sources { stages_behind: asked.stages_behind, missing, ..Sources::nobody(web_acl, from, to) }
}

/// Notes who is over the limit of a rate rule, and adds whom nothing else names.
fn join_limited(sources: &mut Sources, limited: Limited) {
    sources.missing.extend(limited.missing());
    let compared = sources.sources.iter().any(|source| source.legitimacy != Legitimacy::Unknown);
    for source in &mut sources.sources {
        source.over_limit_of = limited.over(&source.address.to_canonical());
    }
    let named: HashSet<IpAddr> = sources.sources.iter().map(|source| source.address.to_canonical()).collect();
    let mut others: Vec<IpAddr> = limited.addresses().filter(|address| !named.contains(address)).copied().collect();
    others.sort();
    let window = (sources.from, sources.to);
    sources.sources.extend(others.into_iter().map(|address| {
        let mut source = unseen(address, window);
        source.over_limit_of = limited.over(&address);
        if compared {
            source.legitimacy = Legitimacy::NotSeenBefore;
        }
        source
    }));
    sources.rate_rules = limited.rules;
}

/// A rate rule tells by itself: whoever was not there before and is over its limit belongs to the attack.
fn speak_against(source: &mut Source) {
    if source.over_limit_of.is_empty() || source.legitimacy != Legitimacy::NotSeenBefore {
        return;
    }
    let new: Vec<String> = source.over_limit_of.iter().filter(|rule| !source.against.contains(rule)).cloned().collect();
    source.against.extend(new);
    source.standing = Standing::Attack;
}

/// Puts the log's counts in the place of the samples' estimates, and adds whom no sample names.
fn join(sources: &mut Sources, log: Logged) {
    let Logged { mut reading, coverage } = log;
    sources.missing.append(&mut reading.missing);
    if coverage.shared {
        sources.missing.push(
            "access log: its lines do not say which stage; add $context.apiId and $context.stage if others write to it"
                .to_owned(),
        );
    }
    if coverage.before_listed_share.is_some_and(|share| share < 1.0) {
        sources.missing.push(
            "access log: not every address from before the attack is listed; who looks new may not be".to_owned(),
        );
    }
    // An address that only samples name is not the log's: its estimate would count next to exact counts.
    let mut sampled: HashMap<IpAddr, Source> =
        sources.sources.drain(..).map(|source| (source.address.to_canonical(), source)).collect();
    let window = (coverage.from, coverage.to);
    let lines = std::mem::take(&mut reading.now.lines);
    let mut list: Vec<Source> = lines
        .iter()
        .map(|(address, lines)| {
            let known = sampled.remove(address).unwrap_or_else(|| unseen(*address, window));
            counted(known, *lines, &reading, window)
        })
        .collect();
    // Whom only a rate rule names stays, uncounted: it may be over the limit since a moment ago.
    list.extend(
        sampled
            .into_values()
            .filter(|source| !source.over_limit_of.is_empty())
            .map(|source| uncounted(source, &reading)),
    );
    list.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.address.cmp(&b.address)));
    if let (Some(before), Some((from, to))) = (&reading.before, coverage.before) {
        let seconds = (to - from).as_seconds_f64().max(1.0);
        let listed: HashSet<IpAddr> = list.iter().map(|source| source.address.to_canonical()).collect();
        let gone = before.lines.iter().filter(|(address, _)| !listed.contains(*address));
        sources.gone = gone.map(|(address, lines)| (*address, lines / seconds)).collect();
        for source in &mut list {
            source.before_per_second = before.lines.get(&source.address).map_or(0.0, |lines| lines / seconds);
        }
    }
    sources.top = top::arranged(std::mem::take(&mut reading.top), std::mem::take(&mut sources.top));
    sources.sources = list;
    sources.log = Some(coverage);
}

/// A source that the log does not list: what samples estimate of it must not stand next to counts. Whether it was there
/// before the log knows all the same.
fn uncounted(mut source: Source, reading: &Reading) -> Source {
    source = Source {
        requests: None,
        requests_bounds: None,
        share: None,
        per_second: None,
        counted_by: CountedBy::RateRule,
        ..source
    };
    if reading.before.as_ref().is_some_and(|before| before.lines.contains_key(&source.address.to_canonical())) {
        source.legitimacy = Legitimacy::SeenBefore;
        source.standing = Standing::Legitimate;
    }
    source
}

/// An address that no sample names, and that nothing has counted yet.
fn unseen(address: IpAddr, (from, to): Window) -> Source {
    Source {
        address,
        requests: None,
        requests_bounds: None,
        share: None,
        per_second: None,
        samples: 0,
        countries: Vec::new(),
        requests_by_path: Vec::new(),
        rules: Vec::new(),
        over_limit_of: Vec::new(),
        user_agents: Vec::new(),
        actions: Vec::new(),
        first_seen: from,
        last_seen: to,
        legitimacy: Legitimacy::Unknown,
        before_per_second: 0.0,
        standing: Standing::Unclassified,
        counted_by: CountedBy::RateRule,
        behind_proxy: false,
        against: Vec::new(),
        follows: false,
    }
}

/// A source with the log's count, and the side that the log puts it on.
fn counted(mut source: Source, lines: f64, reading: &Reading, (from, to): Window) -> Source {
    let seconds = (to - from).as_seconds_f64().max(1.0);
    source.requests = Some(whole(lines));
    source.requests_bounds = None;
    source.share = Some(if reading.now.total > 0.0 { lines / reading.now.total } else { 0.0 });
    source.per_second = Some(lines / seconds);
    source.counted_by = CountedBy::AccessLog;
    if let Some(before) = &reading.before {
        let known = before.lines.contains_key(&source.address);
        source.legitimacy = if known { Legitimacy::SeenBefore } else { Legitimacy::NotSeenBefore };
    }
    let risen = reading.risen.as_ref().and_then(|risen| risen.get(&source.address)).copied().unwrap_or(0.0);
    let new = source.legitimacy == Legitimacy::NotSeenBefore;
    source.standing = match source.legitimacy {
        Legitimacy::SeenBefore => Standing::Legitimate,
        _ if !source.against.is_empty() || (new && risen > lines / 2.0) => Standing::Attack,
        _ => Standing::Unclassified,
    };
    source
}

fn weigh(sources: &Sources, settings: &Settings, log: Option<&LogCoverage>) -> Candidates {
    let now = sources.sources.iter().map(|source| Caller {
        address: source.address,
        standing: source.standing,
        now_per_second: source.per_second.unwrap_or(0.0),
        before_per_second: source.before_per_second,
    });
    let gone = sources.gone.iter().map(|(address, per_second)| Caller {
        address: *address,
        standing: Standing::Legitimate,
        now_per_second: 0.0,
        before_per_second: *per_second,
    });
    let callers: Vec<Caller> = now.chain(gone).collect();
    let listed: f64 = sources.sources.iter().filter_map(|source| source.per_second).sum();
    let all = log.map_or(listed, |log| {
        let seconds = (log.to - log.from).as_seconds_f64().max(1.0);
        log.requests as f64 / seconds
    });
    let known = callers.iter().any(|caller| caller.before_per_second > 0.0);
    let mut found = candidates(&callers, all, &Rules::of(settings, known));
    for prefix in found.sets.iter_mut().flat_map(|set| &mut set.prefixes) {
        prefix.warnings.extend(front_doors(&sources.sources, &prefix.prefix));
    }
    found
}

/// What in a prefix looks like somebody's front door. A warning and no more: anybody can write such headers, and an
/// attacker who did must not be left out of every set for it.
fn front_doors(sources: &[Source], prefix: &IpNet) -> Vec<String> {
    let inside = || sources.iter().filter(|source| prefix.contains(&source.address));
    let forwarding = inside().filter(|source| source.behind_proxy).count();
    let cloudfront = |source: &&Source| source.user_agents.iter().any(|(agent, _)| agent.starts_with(CLOUDFRONT));
    let mut warnings = Vec::new();
    if forwarding > 0 {
        warnings.push(format!(
            "{forwarding} of its addresses send forwarding headers: others may be behind them, or the headers are made up"
        ));
    }
    if inside().any(|source| cloudfront(&source)) {
        warnings.push("requests out of it say they come from CloudFront: is it your own front door?".to_owned());
    }
    warnings
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn whom_the_log_knows_from_before_is_no_suspect_though_it_lists_him_no_more() {
        let at = DateTime::UNIX_EPOCH;
        let address: IpAddr = "203.0.113.7".parse().unwrap();
        let mut office = unseen(address, (at, at));
        // Samples do not know it from before.
        office.legitimacy = Legitimacy::NotSeenBefore;
        office.over_limit_of = vec!["rate".into()];
        let stranger = Source { address: "203.0.113.8".parse().unwrap(), ..office.clone() };
        let before = reading::Addresses {
            lines: HashMap::from([(address, 30.0)]),
            total: 30.0,
            ..reading::Addresses::default()
        };
        let reading = Reading { before: Some(before), ..Reading::default() };
        let told = |source| {
            let mut source = uncounted(source, &reading);
            speak_against(&mut source);
            (source.standing, source.is_suspect())
        };
        assert_eq!(told(office), (Standing::Legitimate, false));
        assert_eq!(told(stranger), (Standing::Attack, true));
    }

    #[test]
    fn a_front_door_is_a_warning_and_no_more() {
        let at = DateTime::UNIX_EPOCH;
        let mut proxy = unseen("203.0.113.7".parse().unwrap(), (at, at));
        proxy.behind_proxy = true;
        let mut edge = unseen("203.0.113.8".parse().unwrap(), (at, at));
        edge.user_agents = vec![("Amazon CloudFront".into(), 3)];
        let told = |net: &str| front_doors(&[proxy.clone(), edge.clone()], &net.parse().unwrap());
        assert_eq!(told("203.0.113.0/29").len(), 1, "the proxy");
        assert!(told("203.0.113.8/32")[0].contains("CloudFront"));
        assert_eq!(told("203.0.113.0/24").len(), 2);
        assert_eq!(told("198.51.100.0/24"), Vec::<String>::new());
    }
}
