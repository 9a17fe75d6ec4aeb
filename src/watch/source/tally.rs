//! Adding samples up by address without counting a request twice; see [`super`] for how.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use super::weighed::{Amount, Basis, Volume, Weighed, basis, covered, weighed};
use super::{Answer, Sampled};
use crate::model::candidate::{Candidates, Standing};
use crate::model::counted::CountedBy;
use crate::model::source::{Legitimacy, Source, Sources, Tally};
use crate::model::text::shortened;
use crate::model::top_list::{TopList, TopOf, TopRow};
use crate::model::waf::RuleAction;

/// Characters kept of an attacker's text.
const TEXT: usize = 200;

/// The largest share of addresses that were there before among those a rule matched, for the rule to speak against the
/// others.
const TELLING: f64 = 0.1;

/// The part of the requests that may be turned away now for what was let through before to be held against it.
const LITTLE: f64 = 0.02;

/// Names kept in a tally.
const NAMES: usize = 20;

/// What stands for a request without a user agent: some tools send none, and that is worth a line of its own.
const NO_AGENT: &str = "(none)";

/// What samples say, added up.
#[derive(Debug)]
pub(super) struct Tallies {
    /// Whether the default action was sampled, so that every request is in a sample of what ended it.
    whole: bool,
    addresses: HashMap<IpAddr, Sums>,
    population: f64,
    seen: f64,
    sampled: u64,
    /// From the first to the last minute that was answered, and the seconds of all that were.
    window: Option<(DateTime<Utc>, DateTime<Utc>)>,
    answered: f64,
    /// Seconds that samples were really drawn from.
    covered: f64,
    known_before: Option<HashSet<IpAddr>>,
    /// Requests a second before the attack.
    before: HashMap<IpAddr, f64>,
    /// What was let through before the attack, added up alike.
    earlier: Option<Box<Tallies>>,
}

#[derive(Debug, Default)]
struct Sums {
    counted: Amount,
    samples: u64,
    countries: BTreeMap<String, Amount>,
    paths: BTreeMap<String, Amount>,
    rules: BTreeMap<String, Amount>,
    agents: BTreeMap<String, Amount>,
    labels: BTreeMap<String, Amount>,
    actions: BTreeMap<String, Amount>,
    seen: Option<(DateTime<Utc>, DateTime<Utc>)>,
    behind_proxy: bool,
    /// Whether any of its requests is counted by what ended it.
    ended: bool,
}

impl Tallies {
    pub(super) fn new(whole: bool) -> Self {
        Self {
            whole,
            addresses: HashMap::new(),
            population: 0.0,
            seen: 0.0,
            sampled: 0,
            window: None,
            answered: 0.0,
            covered: 0.0,
            known_before: None,
            before: HashMap::new(),
            earlier: None,
        }
    }

    /// Adds up answers, minute by minute.
    pub(super) fn take(&mut self, answers: &[Answer]) {
        let mut minutes: BTreeMap<DateTime<Utc>, Vec<&Answer>> = BTreeMap::new();
        for answer in answers {
            minutes.entry(answer.from).or_default().push(answer);
            let sample = &answer.set.samples;
            self.sampled += u64::try_from(sample.len()).unwrap_or(0);
            widen(&mut self.window, answer.from);
            widen(&mut self.window, answer.to);
        }
        for answers in minutes.values() {
            let asked = |answer: &&Answer| (answer.to - answer.from).as_seconds_f64();
            self.answered += answers.first().map_or(0.0, asked);
            let drawn = answers.iter().filter(|answer| answer.set.population > 0).map(|answer| covered(answer));
            self.covered += drawn.reduce(f64::min).unwrap_or_else(|| answers.first().map_or(0.0, asked));
            self.take_minute(answers);
        }
    }

    fn take_minute(&mut self, answers: &[&Answer]) {
        let weighed: Vec<Weighed<'_>> = answers.iter().flat_map(|a| weighed(a)).collect();
        let chosen = self.choose(&weighed);
        let mut population = Volume::default();
        for w in &weighed {
            population.add(w);
            let sums = self.addresses.entry(w.sample.client).or_default();
            sums.note(w, chosen.get(&w.sample.client) == Some(&basis(w)));
        }
        let (requests, drawn) = population.best(self.whole);
        self.population += requests;
        self.seen += drawn;
    }

    /// By address, which samples its requests of this minute are counted by: what ended them, or one Count rule.
    fn choose<'a>(&self, weighed: &[Weighed<'a>]) -> HashMap<IpAddr, Basis<'a>> {
        let mut by_address: HashMap<IpAddr, HashMap<Basis<'a>, f64>> = HashMap::new();
        for w in weighed {
            let sums = by_address.entry(w.sample.client).or_default();
            *sums.entry(basis(w)).or_default() += w.requests;
        }
        let most = |sums: HashMap<Basis<'a>, f64>| {
            if self.whole && sums.contains_key(&Basis::Ended) {
                return Some(Basis::Ended);
            }
            let mut sums: Vec<_> = sums.into_iter().collect();
            sums.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            sums.first().map(|(basis, _)| *basis)
        };
        by_address.into_iter().filter_map(|(address, sums)| Some((address, most(sums)?))).collect()
    }

    /// Notes who was let through before the attack. Without a sample from then there is nothing to compare with.
    pub(super) fn compare_with(&mut self, baseline: &[Answer]) {
        let samples = baseline.iter().flat_map(|answer| &answer.set.samples);
        let through = samples.filter(|sample| matches!(sample.action, Some(RuleAction::Allow | RuleAction::Count)));
        let known: HashSet<IpAddr> = through.map(|sample| sample.client).collect();
        let minutes: HashSet<DateTime<Utc>> = baseline.iter().map(|answer| answer.from).collect();
        let seconds = 60.0 * minutes.len() as f64;
        for w in baseline.iter().flat_map(weighed).filter(|w| known.contains(&w.sample.client) && w.ends()) {
            *self.before.entry(w.sample.client).or_default() += w.requests / seconds;
        }
        if !known.is_empty() {
            let mut earlier = Self::new(self.whole);
            earlier.take(baseline);
            self.earlier = Some(Box::new(earlier));
        }
        self.known_before = (!known.is_empty()).then_some(known);
    }

    /// The sources, most requests first. `window` is the account time of the reading and the minutes asked for.
    pub(super) fn sources(
        self,
        web_acl: &str,
        stages_behind: usize,
        missing: Vec<String>,
        (now, minutes): (DateTime<Utc>, i64),
    ) -> Sources {
        let all: f64 = self.addresses.values().map(|s| s.counted.requests).sum();
        // Minutes that were not answered have no part in the requests, and none in the time.
        let seconds = if self.answered > 0.0 { self.answered } else { minutes as f64 * 60.0 };
        let top = self.top();
        let before_samples = self.earlier.as_ref().map(|earlier| earlier.sampled);
        let known_before = self.known_before;
        let mut before = self.before;
        let legitimacy = |address: &IpAddr| match &known_before {
            None => Legitimacy::Unknown,
            Some(known) if known.contains(address) => Legitimacy::SeenBefore,
            Some(_) => Legitimacy::NotSeenBefore,
        };
        let telling = telling(&self.addresses, known_before.as_ref());
        let mut sources: Vec<Source> = self
            .addresses
            .into_iter()
            .map(|(address, sums)| {
                let legitimacy = legitimacy(&address);
                let mut source = sums.source(address, all, seconds, legitimacy, now, &telling);
                source.before_per_second = before.remove(&address).unwrap_or(0.0);
                source
            })
            .collect();
        sources.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.address.cmp(&b.address)));
        let to = crate::model::series::floor_minute(now);
        let (from, to) = self.window.unwrap_or((to - TimeDelta::minutes(minutes), to));
        Sources {
            web_acl: web_acl.to_owned(),
            stages_behind,
            from,
            to,
            answered_seconds: Some(seconds),
            covered_seconds: Some(self.covered.min(seconds)),
            population: Some(whole(self.population)),
            sampled: self.sampled,
            seen: Some(whole(self.seen)),
            missing,
            sources,
            rate_rules: Vec::new(),
            top,
            gone: before.into_iter().collect(),
            log: None,
            candidates: Candidates::default(),
            before_samples,
            followers: None,
        }
    }
}

impl Tallies {
    /// What the requests have in common.
    fn top(&self) -> Vec<TopList> {
        const LISTS: [(TopOf, Of); 5] = [
            (TopOf::Requests, |sums| &sums.paths),
            (TopOf::Countries, |sums| &sums.countries),
            (TopOf::UserAgents, |sums| &sums.agents),
            (TopOf::Rules, |sums| &sums.rules),
            (TopOf::Labels, |sums| &sums.labels),
        ];
        LISTS.into_iter().filter_map(|(of, names)| self.list(of, names)).collect()
    }

    fn list(&self, of: TopOf, names: Of) -> Option<TopList> {
        // What was let through alone was read of the time before: where more than a little is blocked now, or what
        // rules did is counted, there is nothing to compare with.
        let told = !matches!(of, TopOf::Rules | TopOf::Labels);
        let comparable = told && self.blocked() <= LITTLE * self.all();
        let before = self.earlier.as_ref().filter(|_| comparable).map(|earlier| (earlier.all(), earlier.by(of, names)));
        let share = |some: f64, all: f64| if all > 0.0 { some / all } else { 0.0 };
        let all = if of == TopOf::Rules { self.population } else { self.all() };
        let now = self.by(of, names);
        let distinct = now.len();
        let counted: f64 = now.values().map(|(amount, _)| amount.requests).sum();
        let mut rows: Vec<TopRow> = now
            .into_iter()
            .map(|(name, (amount, addresses))| TopRow {
                name: name.to_owned(),
                prefix: None,
                requests: whole(amount.requests).max(1),
                requests_bounds: amount.bounds(all),
                share: share(amount.requests, all),
                before_share: before
                    .as_ref()
                    .map(|(all, by)| share(by.get(name).map_or(0.0, |(amount, _)| amount.requests), *all)),
                addresses: Some(addresses),
            })
            .collect();
        rows.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.name.cmp(&b.name)));
        rows.truncate(TopList::MOST);
        let counted_share = if told { share(counted, all).min(1.0) } else { 1.0 };
        (distinct > 0).then_some(TopList { of, counted_by: CountedBy::WafSamples, rows, distinct, counted_share })
    }

    /// Requests that samples show as turned away, estimated.
    fn blocked(&self) -> f64 {
        let turned_away = [RuleAction::Block, RuleAction::Captcha, RuleAction::Challenge].map(RuleAction::word);
        let actions = self.told().flat_map(|sums| &sums.actions);
        let away = actions.filter(|(action, _)| turned_away.contains(&action.as_str()));
        away.map(|(_, amount)| amount.requests).sum()
    }

    /// The addresses that lists are made of. Requests of one that only a Count rule's samples name are among those that
    /// the samples of what ended them stand for: they would count twice.
    fn told(&self) -> impl Iterator<Item = &Sums> {
        self.addresses.values().filter(|sums| sums.ended || !self.whole)
    }

    fn all(&self) -> f64 {
        self.told().map(|sums| sums.counted.requests).sum()
    }

    /// Requests and addresses by name. What a rule matched is counted by the rule's own samples alone.
    fn by(&self, of: TopOf, names: Of) -> HashMap<&str, (Amount, usize)> {
        let mut by: HashMap<&str, (Amount, usize)> = HashMap::new();
        let named = self.addresses.values().filter(|sums| sums.ended || !self.whole || of == TopOf::Rules);
        for (name, amount) in named.flat_map(names) {
            let sum = by.entry(name).or_default();
            sum.0.add(*amount);
            sum.1 += 1;
        }
        by
    }
}

/// One of an address's tallies.
type Of = fn(&Sums) -> &BTreeMap<String, Amount>;

impl Sums {
    /// Adds a sample; its requests and what they were only where it is what the address is counted by this minute.
    fn note(&mut self, w: &Weighed<'_>, counts: bool) {
        let sample = w.sample;
        widen(&mut self.seen, sample.at);
        self.behind_proxy |= sample.forwarded_for.is_some();
        self.samples += 1;
        if let Sampled::Rule(rule) = w.of {
            add(&mut self.rules, rule, w.amount());
        }
        if let Some(action) = sample.action {
            add(&mut self.actions, action.word(), w.amount());
        }
        if !counts {
            return;
        }
        self.counted.add(w.amount());
        self.ended |= w.ends();
        if let Some(country) = &sample.country {
            add(&mut self.countries, country, w.amount());
        }
        let path = format!("{} {}", sample.method, sample.uri);
        add(&mut self.paths, &path, w.amount());
        add(&mut self.agents, sample.user_agent.as_deref().unwrap_or(NO_AGENT), w.amount());
        for label in &sample.labels {
            add(&mut self.labels, label, w.amount());
        }
    }

    // Wide: what is known of a source beside its tally.
    fn source(
        self,
        address: IpAddr,
        all: f64,
        seconds: f64,
        legitimacy: Legitimacy,
        now: DateTime<Utc>,
        telling: &HashSet<String>,
    ) -> Source {
        let against: Vec<String> = self.rules.keys().filter(|rule| telling.contains(*rule)).cloned().collect();
        let standing = match (&legitimacy, against.is_empty()) {
            (Legitimacy::SeenBefore, _) => Standing::Legitimate,
            (_, false) => Standing::Attack,
            (_, true) => Standing::Unclassified,
        };
        let (first_seen, last_seen) = self.seen.unwrap_or((now, now));
        Source {
            address,
            requests: Some(whole(self.counted.requests).max(1)),
            requests_bounds: self.counted.bounds(all),
            share: Some(if all > 0.0 { self.counted.requests / all } else { 0.0 }),
            per_second: Some(self.counted.requests / seconds),
            samples: self.samples,
            countries: ranked(self.countries),
            requests_by_path: ranked(self.paths),
            rules: ranked(self.rules),
            over_limit_of: Vec::new(),
            user_agents: ranked(self.agents),
            actions: ranked(self.actions),
            first_seen,
            last_seen,
            legitimacy,
            before_per_second: 0.0,
            standing,
            counted_by: CountedBy::WafSamples,
            behind_proxy: self.behind_proxy,
            against,
            follows: false,
        }
    }
}

/// Rules that tell attackers from others: hardly anybody they matched was there before. With nothing to compare with,
/// every rule that matched some addresses and not all of them.
fn telling(addresses: &HashMap<IpAddr, Sums>, known: Option<&HashSet<IpAddr>>) -> HashSet<String> {
    let mut matched: HashMap<&String, (usize, usize)> = HashMap::new();
    for (address, sums) in addresses {
        for rule in sums.rules.keys() {
            let (all, before) = matched.entry(rule).or_default();
            *all += 1;
            *before += usize::from(known.is_some_and(|known| known.contains(address)));
        }
    }
    let tells = |all: usize, before: usize| match known {
        Some(_) => before as f64 <= all as f64 * TELLING,
        None => all < addresses.len(),
    };
    matched.into_iter().filter(|(_, (all, before))| tells(*all, *before)).map(|(rule, _)| rule.clone()).collect()
}

/// Adds to a tally under a name made harmless.
fn add(tally: &mut BTreeMap<String, Amount>, name: &str, amount: Amount) {
    tally.entry(shortened(name, TEXT)).or_default().add(amount);
}

fn ranked(tally: BTreeMap<String, Amount>) -> Tally {
    let mut tally: Tally = tally.into_iter().map(|(name, of)| (name, whole(of.requests).max(1))).collect();
    // Stable: equal counts stay in the order of their names.
    tally.sort_by_key(|(_, requests)| std::cmp::Reverse(*requests));
    tally.truncate(NAMES);
    tally
}

fn widen(span: &mut Option<(DateTime<Utc>, DateTime<Utc>)>, at: DateTime<Utc>) {
    *span = Some(span.map_or((at, at), |(from, to)| (from.min(at), to.max(at))));
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}
