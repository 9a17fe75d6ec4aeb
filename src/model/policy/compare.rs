//! A policy before and after, for callers of every kind: who keeps access, who loses it, and whether anybody gains it.
//!
//! Three-valued, and over whole networks: a network is cut into parts that both policies treat alike, and every part is
//! asked. What it rests on and is not known stays unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;

use super::access::access_of;
use super::call::Holds;
use super::parts::{Alike, alike};
use super::wild::meeting;
use super::{Access, ApiScope, Authorization, Call, Credential, Policy, texts};
use crate::model::limits::DeployedMethod;

/// How long a prediction is to hold: a condition on a date that turns within it makes what comes after unknown.
const HORIZON: TimeDelta = TimeDelta::hours(1);
/// What `ANY` answers to (documented: the methods of a resource).
const VERBS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// What stands for a path's parameter where no statement names one: what a pattern of a few characters does not mean.
const ANYTHING: &str = "any~thing~else";

/// What becomes of one kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Let in before and after.
    Keeps,
    /// Let in before, kept out after.
    Loses,
    /// Kept out before, let in after.
    Gains,
    /// Kept out before and after.
    StaysOut,
    /// Kept out after; whether let in before is not known.
    KeptOut,
    /// Let in after; whether let in before is not known.
    LetIn,
    /// Whether let in after is not known.
    Unknown,
}

impl Fate {
    /// In words that follow “those listed”.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Keeps => "keep access",
            Self::Loses => "lose access",
            Self::Gains => "GAIN access",
            Self::StaysOut => "stay out",
            Self::KeptOut => "are kept out; whether they get in today is not known",
            Self::LetIn => "get in; whether they do today is not known",
            Self::Unknown => "may get in or not: that is not known",
        }
    }

    fn of(before: &Access, after: &Access) -> Self {
        match (before, after) {
            (Access::Granted, Access::Granted) => Self::Keeps,
            (Access::Granted, Access::Refused) => Self::Loses,
            (Access::Refused, Access::Granted) => Self::Gains,
            (Access::Refused, Access::Refused) => Self::StaysOut,
            (Access::Unknown(_), Access::Refused) => Self::KeptOut,
            (Access::Unknown(_), Access::Granted) => Self::LetIn,
            (_, Access::Unknown(_)) => Self::Unknown,
        }
    }
}

/// Whether callers get in to anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// To something at least.
    In,
    /// To nothing, whatever they bring.
    Out,
    /// It rests on what is not known; the reason.
    Unknown(String),
}

/// What becomes of the callers of some addresses, whatever they bring that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The addresses.
    pub nets: Vec<IpNet>,
    /// Whether they get in today.
    pub today: Entry,
    /// Whether they get in afterwards.
    pub then: Entry,
    /// Methods to which they get in today and certainly not afterwards.
    pub lost: Vec<String>,
    /// Why it is not certain that they keep what they have, where it is not.
    pub doubt: Option<String>,
    /// Whether an ordinary caller certainly gets in and loses nothing: one with a user agent that the policy does not
    /// name, and no referer.
    pub ordinary: bool,
}

impl Admission {
    /// Whether they certainly get in afterwards, and lose nothing.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.then == Entry::In && self.lost.is_empty() && self.doubt.is_none()
    }
}

/// Calls that both policies treat alike but for where they come from.
#[derive(Debug, Clone)]
struct Calls {
    /// One of them.
    arn: String,
    authorization: Authorization,
    /// Which statements of the policy before, and of the one after, are about them.
    reach: Reach,
    /// The methods.
    names: BTreeSet<String>,
}

/// What becomes of those listed and of all others, and the methods of which that is so.
type Row = BTreeMap<(BTreeSet<Fate>, BTreeSet<Fate>), BTreeSet<String>>;

/// Which statements of the policy before, where there is one, and of the one after are about a call.
type Reach = (Option<Vec<Holds>>, Vec<Holds>);

/// A policy before and after.
#[derive(Debug, Clone)]
pub struct Comparison<'a> {
    before: Result<Option<&'a Policy>, &'a str>,
    after: &'a Policy,
    calls: Vec<Calls>,
    at: DateTime<Utc>,
}

impl<'a> Comparison<'a> {
    /// Of the policy `before`, as far as it is known, and the one `after`, for calls to `methods` of a stage.
    #[must_use]
    pub fn new(
        before: Result<Option<&'a Policy>, &'a str>,
        after: &'a Policy,
        (scope, stage): (&ApiScope<'_>, &str),
        methods: &[DeployedMethod],
        at: DateTime<Utc>,
    ) -> Self {
        let mut comparison = Self { before, after, calls: Vec::new(), at };
        comparison.calls = comparison.calls_of(scope, stage, methods);
        comparison
    }

    fn policies(&self) -> Vec<&'a Policy> {
        self.before.ok().flatten().into_iter().chain([self.after]).collect()
    }

    /// Calls to every method, those alike put together: every verb, and of a path with parameters one call for each
    /// resource that either policy names inside it.
    fn calls_of(&self, scope: &ApiScope<'_>, stage: &str, methods: &[DeployedMethod]) -> Vec<Calls> {
        let policies = self.policies();
        let resources: BTreeSet<String> = policies.iter().flat_map(|policy| policy.resources()).collect();
        let before = self.before.ok().flatten();
        let mut found: BTreeMap<(Authorization, Reach), Calls> = BTreeMap::new();
        for method in methods {
            let authorization = Authorization::named(&method.authorization);
            for arn in arns(method, methods, (scope, stage), &resources) {
                let reach = (before.map(|policy| policy.reach(&arn)), self.after.reach(&arn));
                let calls = Calls { arn, authorization, reach: reach.clone(), names: BTreeSet::new() };
                found.entry((authorization, reach)).or_insert(calls).names.insert(method.name.to_string());
            }
        }
        found.into_values().collect()
    }

    /// Whether a caller gets in today.
    fn today(&self, calls: &Calls, from: From, credential: Credential) -> Access {
        match self.before {
            Ok(policy) => told(policy, calls.reach.0.as_deref(), calls, from, credential, self.at),
            Err(why) => Access::Unknown(why.to_owned()),
        }
    }

    /// Whether a caller gets in afterwards, and for a while.
    fn then(&self, calls: &Calls, from: From, credential: Credential) -> Access {
        let told = |at| told(Some(self.after), Some(&calls.reach.1), calls, from, credential, at);
        let (now, later) = (told(self.at), told(self.at + HORIZON));
        if now == later {
            return now;
        }
        Access::Unknown("a condition on a date changes within an hour".to_owned())
    }

    fn fate(&self, calls: &Calls, address: IpAddr, credential: Credential) -> Fate {
        let from = From { address, ordinary: false };
        Fate::of(&self.today(calls, from, credential), &self.then(calls, from, credential))
    }

    /// What becomes of the callers of a network, part by part.
    ///
    /// # Errors
    /// One sentence where that is not worked out.
    pub fn admissions(&self, net: &IpNet) -> Result<Vec<Admission>, String> {
        if self.calls.is_empty() {
            return Err("no method is known that could be called".to_owned());
        }
        let admission = |part: Alike| {
            let ordinary = self.admission(&part, true).is_certain();
            Admission { ordinary, ..self.admission(&part, false) }
        };
        Ok(alike(&[*net], &self.policies())?.into_iter().map(admission).collect())
    }

    fn admission(&self, part: &Alike, ordinary: bool) -> Admission {
        let (nets, from) = (part.nets.clone(), From { address: part.example, ordinary });
        let mut out = Admission { nets, today: Entry::Out, then: Entry::Out, lost: Vec::new(), doubt: None, ordinary };
        for calls in &self.calls {
            let brings =
                if calls.authorization == Authorization::None { Credential::Absent } else { Credential::Allows };
            let (today, then) = (self.today(calls, from, brings), self.then(calls, from, brings));
            match (&today, &then) {
                (Access::Granted, Access::Refused) => out.lost.extend(calls.names.iter().cloned()),
                (_, Access::Unknown(why)) | (Access::Unknown(why), Access::Refused) => {
                    out.doubt.get_or_insert_with(|| why.clone());
                }
                _ => {}
            }
            raise(&mut out.today, today);
            raise(&mut out.then, then);
        }
        out.lost.sort();
        out.lost.dedup();
        out
    }

    /// Everything that anybody could gain, a line each: callers of every address, with every kind of credentials.
    ///
    /// # Errors
    /// One sentence where it is not known whether anybody could.
    pub fn gains(&self) -> Result<Vec<String>, String> {
        if self.takes_away_only() {
            return Ok(Vec::new());
        }
        let (mut lines, mut doubt) = (Vec::new(), None);
        let all: Vec<IpNet> = ["0.0.0.0/0", "::/0"].iter().filter_map(|net| net.parse().ok()).collect();
        let parts = alike(&all, &self.policies())?;
        for calls in &self.calls {
            for credential in calls.authorization.credentials() {
                let fates: Vec<(&Alike, Fate)> =
                    parts.iter().map(|part| (part, self.fate(calls, part.example, *credential))).collect();
                if let Some((part, _)) = fates.iter().find(|(_, fate)| *fate == Fate::Gains) {
                    lines.push(format!(
                        "{} ({}): a caller {} at {} would get in",
                        named(&calls.names),
                        calls.authorization.words(),
                        credential.words(),
                        part.example
                    ));
                }
                if fates.iter().any(|(_, fate)| matches!(fate, Fate::LetIn | Fate::Unknown)) {
                    doubt.get_or_insert_with(|| format!("{} cannot be told", named(&calls.names)));
                }
            }
        }
        match doubt {
            Some(why) if lines.is_empty() => Err(why),
            _ => Ok(lines),
        }
    }

    /// Whether every statement of before stays as it is and what is added denies: then nobody gains, whatever a
    /// statement means.
    fn takes_away_only(&self) -> bool {
        let Ok(Some(before)) = self.before else { return false };
        let mut rest = self.after.statements();
        let kept = before.statements().into_iter().all(|statement| {
            let place = rest.iter().position(|other| *other == statement);
            place.map(|place| rest.remove(place)).is_some()
        });
        kept && rest.iter().all(|statement| statement["Effect"] == "Deny")
    }

    /// The table: by authorization and credentials, what becomes of those listed and of all others. A line each.
    /// `dual_stack` says whether others may come over IPv6.
    #[must_use]
    pub fn table(&self, listed: &[IpNet], dual_stack: bool) -> Vec<String> {
        let everywhere = if dual_stack { &["0.0.0.0/0", "::/0"][..] } else { &["0.0.0.0/0"] };
        let all: Vec<IpNet> = everywhere.iter().filter_map(|net| net.parse().ok()).collect();
        let listed_parts = alike(listed, &self.policies());
        let others = alike(&all, &self.policies()).map(|parts| {
            let outside = |part: &Alike| !listed.iter().any(|net| net.contains(&part.example));
            parts.into_iter().filter(outside).collect::<Vec<_>>()
        });
        let mut rows: BTreeMap<(Authorization, usize), Row> = BTreeMap::new();
        for calls in &self.calls {
            for (place, credential) in calls.authorization.credentials().iter().enumerate() {
                let fates = |parts: &Result<Vec<Alike>, String>, doubt: Fate| match parts {
                    Ok(parts) => parts.iter().map(|part| self.fate(calls, part.example, *credential)).collect(),
                    Err(_) => BTreeSet::from([doubt]),
                };
                let row = rows.entry((calls.authorization, place)).or_default();
                // Whoever is not listed is denied, whatever the rest of the policy says.
                let both = (fates(&listed_parts, Fate::Unknown), fates(&others, Fate::KeptOut));
                row.entry(both).or_default().extend(calls.names.iter().cloned());
            }
        }
        let mut lines = Vec::new();
        for ((authorization, place), fates) in rows {
            let credential = authorization.credentials()[place];
            let who = match authorization {
                Authorization::None => String::new(),
                _ => format!(", callers {}", credential.words()),
            };
            lines.extend(fates.into_iter().map(|((inside, outside), names)| {
                let (inside, outside) = (words("those listed", &inside), words("all others", &outside));
                format!("{} ({}{who}): {inside}, {outside}", named(&names), authorization.words())
            }));
        }
        lines
    }
}

/// A caller, as far as one is told.
#[derive(Debug, Clone, Copy)]
struct From {
    address: IpAddr,
    ordinary: bool,
}

// Wide: what a policy's verdict depends on.
fn told(
    policy: Option<&Policy>,
    reach: Option<&[Holds]>,
    calls: &Calls,
    from: From,
    credential: Credential,
    at: DateTime<Utc>,
) -> Access {
    let (arn, source_ip) = (calls.arn.as_str(), from.address);
    let call = Call { arn, source_ip, user_agent: None, referer: None, principal: None, exact: false, at };
    access_of(policy, &call, (from.ordinary, reach), calls.authorization, credential)
}

/// In where anything lets in; out where nothing does for certain.
fn raise(entry: &mut Entry, access: Access) {
    match (&entry, access) {
        (Entry::In, _) | (_, Access::Refused) | (Entry::Unknown(_), Access::Unknown(_)) => {}
        (_, Access::Granted) => *entry = Entry::In,
        (Entry::Out, Access::Unknown(why)) => *entry = Entry::Unknown(why),
    }
}

fn named(methods: &BTreeSet<String>) -> String {
    match methods.first() {
        Some(one) if methods.len() == 1 => one.clone(),
        _ => format!("{} methods", methods.len()),
    }
}

/// What becomes of several: one thing, or several of some of them each.
fn words(who: &str, fates: &BTreeSet<Fate>) -> String {
    let short = |fate: &Fate| match fate {
        Fate::KeptOut => "are kept out",
        fate => fate.words(),
    };
    match fates.iter().collect::<Vec<_>>().as_slice() {
        [] => format!("nobody is among {who}"),
        [one] => format!("{who} {}", one.words()),
        several => {
            let kept_out = |fate: &&Fate| matches!(fate, Fate::Loses | Fate::StaysOut | Fate::KeptOut);
            let doubt = fates.contains(&Fate::KeptOut);
            if several.iter().all(kept_out) {
                let today = if doubt {
                    "whether all of them get in today is not known"
                } else {
                    "not all of them get in today"
                };
                return format!("{who} are kept out; {today}");
            }
            let some: Vec<String> = several.iter().map(|fate| format!("some {}", short(fate))).collect();
            format!("of {who} {}", some.join(", "))
        }
    }
}

/// Calls to a method, by ARN: of every verb that it answers, one as it might come, and one for each resource of a
/// policy that is about a part of its paths.
fn arns(
    method: &DeployedMethod,
    methods: &[DeployedMethod],
    (scope, stage): (&ApiScope<'_>, &str),
    resources: &BTreeSet<String>,
) -> BTreeSet<String> {
    let verb = method.name.verb.as_str();
    let verbs = if verb == "ANY" { VERBS.to_vec() } else { vec![verb] };
    let mut found = BTreeSet::new();
    for verb in verbs {
        let before = scope.arn(&format!("{stage}/{verb}"));
        let path = |fill: &str| {
            let parts = method.name.path.split('/').map(|part| if part.starts_with('{') { fill } else { part });
            format!("{before}{}", parts.collect::<Vec<_>>().join("/"))
        };
        found.insert(path(ANYTHING));
        if method.name.path.contains('{') {
            let pattern = path("*");
            let inside = resources.iter().filter_map(|resource| meeting(&pattern, &whole(resource, scope)));
            found.extend(inside.filter(|arn| {
                let called = arn.strip_prefix(&before).unwrap_or_default();
                let nearer = |other: &&DeployedMethod| openness(&other.name.path) < openness(&method.name.path);
                // A parameter is never empty.
                !called.ends_with('/')
                    && method.name.takes(verb, called, stage)
                    && !methods.iter().filter(nearer).any(|other| other.name.takes(verb, called, stage))
            }));
        }
    }
    found
}

/// How much a path leaves open: API Gateway takes the resource that leaves least.
fn openness(path: &str) -> usize {
    path.matches('{').count() + if path.contains("+}") { 100 } else { 0 }
}

/// The short form of a resource as an ARN.
fn whole(resource: &str, scope: &ApiScope<'_>) -> String {
    resource.strip_prefix("execute-api:/").map_or_else(|| resource.to_owned(), |path| scope.arn(path))
}

impl Policy {
    /// Every resource that its statements name.
    fn resources(&self) -> Vec<String> {
        let members = |statement: &serde_json::Value| {
            ["Resource", "NotResource"].iter().flat_map(|member| texts(&statement[*member])).collect::<Vec<_>>()
        };
        self.statements().into_iter().flat_map(members).collect()
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
