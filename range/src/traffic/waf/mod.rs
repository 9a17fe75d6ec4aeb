//! The range's own WAFv2: reads a web ACL once per version, then says what becomes of a kind of request from a kind of
//! address.
//!
//! Rules run by ascending priority, Firewall Manager's first group before and last group after them (documented). Allow
//! and Block end the evaluation, Count does not, Captcha and Challenge do unless the request carries a valid token
//! (documented). A rule inside a group acts by its own action, or by `RuleActionOverrides`/`ExcludedRules`; the group's
//! `OverrideAction` Count then turns what would have ended into a count under the group's rule in the web ACL
//! (documented). Count rules inside groups emit no series of the web ACL (documented).

mod counter;
mod field;
mod flaw;
mod forwarded;
mod group;
mod managed;
pub(crate) mod rate;
mod ruling;
mod statement;
mod text;
mod transform;

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::places::Places;
use super::request::Request;
use crate::addresses::IpMatcher;
use crate::state::{Account, IpSet, RuleGroup, SampledVerdict, WebAcl};
pub(crate) use counter::Counter;
use field::Subject;
pub(crate) use flaw::Flaw;
use forwarded::Forwarded;
use group::Group;
use rate::RateLeaf;
use ruling::Ruling;
use statement::{Facts, Leaves, Statement};

/// WAF receives so many bytes of a body from API Gateway unless the web ACL says otherwise (documented:
/// `web-acl-setting-body-inspection-limit.html`).
const BODY_LIMIT: usize = 16 * 1024;
/// The most that a web ACL can say (documented).
pub(crate) const MAX_BODY_LIMIT: usize = 64 * 1024;

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Allow,
    Block,
    Count,
    Captcha,
    Challenge,
}

impl Verb {
    /// As samples write it.
    fn upper(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::Block => "BLOCK",
            Self::Count => "COUNT",
            Self::Captcha => "CAPTCHA",
            Self::Challenge => "CHALLENGE",
        }
    }
}

/// An action with the status it answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Action {
    pub(crate) verb: Verb,
    pub(crate) code: u16,
}

impl Action {
    /// Reads `{"Block": {…}}` and its kin; `None` where there is none.
    fn read(json: &Value) -> Option<Self> {
        let (kind, body) = json.as_object()?.iter().find(|(_, body)| !body.is_null())?;
        Some(match kind.as_str() {
            "Allow" => Self { verb: Verb::Allow, code: 200 },
            "Block" => {
                let custom = body["CustomResponse"]["ResponseCode"].as_u64().and_then(|code| u16::try_from(code).ok());
                Self { verb: Verb::Block, code: custom.unwrap_or(403) }
            }
            "Count" => Self { verb: Verb::Count, code: 200 },
            "Captcha" => Self { verb: Verb::Captcha, code: 405 },
            "Challenge" => Self { verb: Verb::Challenge, code: 202 },
            _ => return None,
        })
    }

    /// Whether it ends the evaluation of this request.
    fn ends(self, request: &Request) -> bool {
        match self.verb {
            Verb::Allow | Verb::Block => true,
            Verb::Count => false,
            Verb::Captcha | Verb::Challenge => !request.token,
        }
    }
}

/// What a rule made of a request: a metric to count in, a sample to keep.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// Index into [`Acl::metrics`].
    pub(crate) rule: usize,
    /// The metric, or `None` for what is only sampled.
    pub(crate) counts: Option<Counter>,
    /// The sample's verdict, or `None` where sampling is off.
    pub(crate) verdict: Option<Arc<SampledVerdict>>,
}

/// What becomes of a kind of request.
#[derive(Debug)]
pub(crate) struct Fate {
    /// Goes on to the API.
    pub(crate) passed: bool,
    /// The status WAF answers with where it does not.
    pub(crate) code: u16,
    /// What is counted and sampled.
    pub(crate) events: Vec<Event>,
    /// Rate leaves that it counts for.
    pub(crate) rates: Vec<usize>,
    /// What it counts for in rule groups, by index into [`Acl::groups_series`].
    pub(crate) grouped: Vec<(usize, Counter)>,
    /// Its labels, and how the evaluation ended.
    pub(crate) labels: Vec<String>,
    pub(crate) end: Counter,
}

/// A leaf that needs the address.
#[derive(Debug)]
pub(crate) enum Leaf {
    /// An IP set.
    Ip { matcher: IpMatcher, forwarded: Option<Forwarded> },
    /// A rate.
    Rate(RateLeaf),
}

#[derive(Debug)]
struct Rule {
    labels: Vec<String>,
    metered: bool,
    sampled: bool,
    kind: RuleKind,
}

#[derive(Debug)]
enum RuleKind {
    Plain { statement: Statement, action: Action },
    Group { group: Group, count: bool },
}

/// A web ACL, compiled; good for as long as [`Acl::is_current`].
#[derive(Debug)]
pub(crate) struct Acl {
    /// ARN.
    pub(crate) arn: String,
    /// Name: the `WebACL` dimension (field evidence; AWS's page says "metric name").
    pub(crate) name: String,
    /// Metric names of the rules, and last the web ACL's own, under which the default action counts (field evidence).
    pub(crate) metrics: Vec<String>,
    /// Metric names of this account's rule groups and of their rules, `ALL` for all of a group's.
    pub(crate) groups_series: Vec<(String, String)>,
    /// What rules ask about addresses.
    pub(crate) leaves: Vec<Leaf>,
    /// Whether any rule asks for the country.
    pub(crate) uses_geo: bool,
    /// So many bytes of a body reach WAF.
    body_limit: usize,
    places: Places,
    rules: Vec<Rule>,
    default: Action,
    default_metered: bool,
    default_sampled: bool,
    source: Arc<WebAcl>,
    sets: Vec<(String, Option<Arc<IpSet>>)>,
    groups: Vec<(String, Option<Arc<RuleGroup>>)>,
}

/// Reads rules, collecting leaves and what they refer to.
struct Reader<'a> {
    account: &'a Account,
    now: DateTime<Utc>,
    rule: String,
    /// The prefix of the labels of the web ACL or rule group that is being read.
    context: String,
    leaves: Vec<Leaf>,
    sets: Vec<(String, Option<Arc<IpSet>>)>,
    groups: Vec<(String, Option<Arc<RuleGroup>>)>,
    groups_series: Vec<(String, String)>,
}

impl Reader<'_> {
    /// The series of a rule group and one of its rules.
    fn series(&mut self, group: &str, rule: &str) -> usize {
        let name = (group.to_owned(), rule.to_owned());
        let known = self.groups_series.iter().position(|known| *known == name);
        known.unwrap_or_else(|| {
            self.groups_series.push(name);
            self.groups_series.len() - 1
        })
    }
}

impl Leaves for Reader<'_> {
    fn ip_set(&mut self, statement: &Value) -> usize {
        let arn = statement["ARN"].as_str().unwrap_or("").to_owned();
        let set = self.account.waf.ip_set_live_by_arn(&arn, self.now).cloned();
        let matcher = set.as_ref().map(|set| IpMatcher::new(&set.networks)).unwrap_or_default();
        self.sets.push((arn, set));
        let forwarded = Forwarded::read(&statement["IPSetForwardedIPConfig"]);
        self.leaves.push(Leaf::Ip { matcher, forwarded });
        self.leaves.len() - 1
    }

    fn rate(&mut self, statement: &Value) -> usize {
        self.leaves.push(Leaf::Rate(RateLeaf::read(&self.rule, statement)));
        self.leaves.len() - 1
    }

    fn context(&self) -> &str {
        &self.context
    }
}

impl Acl {
    /// Compiles a web ACL as traffic sees it at `now`.
    pub(crate) fn read(source: &Arc<WebAcl>, account: &Account, now: DateTime<Utc>, places: &Places) -> Self {
        let mut reader = Reader {
            account,
            now,
            rule: String::new(),
            context: format!("awswaf:{}:webacl:{}", account.id, source.name),
            leaves: Vec::new(),
            sets: Vec::new(),
            groups: Vec::new(),
            groups_series: Vec::new(),
        };
        let mut own: Vec<&Value> = source.rules.iter().collect();
        own.sort_by_key(|rule| rule["Priority"].as_i64().unwrap_or(0));
        let ordered = source.pre_process.iter().chain(own).chain(&source.post_process);
        let (rules, mut metrics): (Vec<Rule>, Vec<String>) = ordered.map(|rule| reader.rule(rule)).unzip();
        metrics.push(source.metric_name().to_owned());
        let visibility = source.body.get("VisibilityConfig").unwrap_or(&Value::Null);
        Self {
            arn: source.arn.clone(),
            name: source.name.clone(),
            metrics,
            uses_geo: rules.iter().any(|rule| match &rule.kind {
                RuleKind::Plain { statement, .. } => statement.uses_geo(),
                RuleKind::Group { group, .. } => group.uses_geo(),
            }),
            body_limit: body_limit(&source.body),
            places: places.clone(),
            rules,
            default: Action::read(source.default_action()).unwrap_or(Action { verb: Verb::Allow, code: 200 }),
            default_metered: enabled(visibility, "CloudWatchMetricsEnabled"),
            default_sampled: enabled(visibility, "SampledRequestsEnabled"),
            source: Arc::clone(source),
            leaves: reader.leaves,
            sets: reader.sets,
            groups: reader.groups,
            groups_series: reader.groups_series,
        }
    }

    /// Whether everything it was compiled from is still what traffic sees.
    pub(crate) fn is_current(&self, account: &Account, now: DateTime<Utc>) -> bool {
        let waf = &account.waf;
        waf.web_acl_live(&self.arn, now).is_some_and(|live| Arc::ptr_eq(live, &self.source))
            && self.sets.iter().all(|(arn, known)| same(waf.ip_set_live_by_arn(arn, now), known.as_ref()))
            && self.groups.iter().all(|(arn, known)| same(waf.rule_group_live(arn, now), known.as_ref()))
    }

    /// What the leaves say of an address; `over` says whether it is over the rate of a leaf.
    pub(crate) fn bits(&self, address: IpAddr, request: Option<&Request>, over: impl Fn(usize) -> bool) -> Vec<bool> {
        let ask = |(at, leaf): (usize, &Leaf)| match leaf {
            Leaf::Ip { matcher, forwarded: None } => matcher.contains(address),
            Leaf::Ip { matcher, forwarded: Some(config) } => config.matches(matcher, request),
            Leaf::Rate(_) => over(at),
        };
        self.leaves.iter().enumerate().map(ask).collect()
    }

    /// What becomes of a request.
    pub(crate) fn judge(&self, request: &Request, country: &str, bits: &[bool]) -> Fate {
        let subject = Subject { request, body_limit: self.body_limit };
        let mut facts = Facts::new(subject, country, &self.places, bits);
        let mut events = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            match &rule.kind {
                RuleKind::Plain { statement, action } => {
                    if facts.matches(statement) {
                        facts.labels.extend(rule.labels.iter().cloned());
                        let ended = action.ends(request);
                        events.push(rule.event(at, Ruling::of(*action, ended), &facts.labels));
                        if ended {
                            return Fate::ended(*action, events, facts);
                        }
                    }
                }
                RuleKind::Group { group, count } => {
                    let end = group.judge(&mut facts, |hit, labels| {
                        let mut event = rule.event(at, Ruling::inside(hit, false), labels);
                        event.counts = None;
                        events.push(event);
                    });
                    let Some(hit) = end else { continue };
                    let action = hit.action;
                    let mut ruling = Ruling::inside(hit, !*count);
                    if *count {
                        ruling.action = Action { verb: Verb::Count, code: 200 };
                    }
                    events.push(rule.event(at, ruling, &facts.labels));
                    if !*count {
                        return Fate::ended(action, events, facts);
                    }
                }
            }
        }
        let verdict = self.default_sampled.then(|| Ruling::of(self.default, true).verdict(&facts.labels));
        let counts = self.default_metered.then(|| Counter::of(self.default.verb, true));
        events.push(Event { rule: self.rules.len(), counts, verdict });
        Fate::ended(self.default, events, facts)
    }

    /// The rate leaves, with their index.
    pub(crate) fn rate_leaves(&self) -> impl Iterator<Item = (usize, &RateLeaf)> {
        self.leaves.iter().enumerate().filter_map(|(at, leaf)| match leaf {
            Leaf::Rate(rate) => Some((at, rate)),
            Leaf::Ip { .. } => None,
        })
    }
}

impl Fate {
    fn ended(action: Action, events: Vec<Event>, facts: Facts<'_>) -> Self {
        Self {
            passed: action.verb == Verb::Allow,
            code: action.code,
            events,
            rates: facts.rates,
            grouped: facts.grouped,
            labels: facts.labels,
            end: Counter::of(action.verb, true),
        }
    }

    /// Of a request that no web ACL looks at.
    pub(crate) fn unseen() -> Self {
        Self {
            passed: true,
            code: 200,
            events: Vec::new(),
            rates: Vec::new(),
            grouped: Vec::new(),
            labels: Vec::new(),
            end: Counter::Allowed,
        }
    }
}

impl Rule {
    fn event(&self, at: usize, ruling: Ruling, labels: &[String]) -> Event {
        Event {
            rule: at,
            counts: self.metered.then(|| Counter::of(ruling.action.verb, ruling.ended)),
            verdict: self.sampled.then(|| ruling.verdict(labels)),
        }
    }
}

impl Reader<'_> {
    fn rule(&mut self, json: &Value) -> (Rule, String) {
        let name = json["Name"].as_str().unwrap_or("").to_owned();
        self.rule.clone_from(&name);
        let visibility = &json["VisibilityConfig"];
        let metric = visibility["MetricName"].as_str().unwrap_or(&name).to_owned();
        let count = json["OverrideAction"].get("Count").is_some_and(|count| !count.is_null());
        // Firewall Manager's groups carry their reference in `FirewallManagerStatement`.
        let statement = json.get("FirewallManagerStatement").unwrap_or(&json["Statement"]);
        let kind = match Group::read(statement, self) {
            Some(group) => RuleKind::Group { group, count },
            None => RuleKind::Plain {
                statement: Statement::read(statement, self),
                action: Action::read(&json["Action"]).unwrap_or(Action { verb: Verb::Count, code: 200 }),
            },
        };
        let rule = Rule {
            labels: rule_labels(json, &self.context),
            metered: enabled(visibility, "CloudWatchMetricsEnabled"),
            sampled: enabled(visibility, "SampledRequestsEnabled"),
            kind,
        };
        (rule, metric)
    }
}

fn same<T>(live: Option<&Arc<T>>, known: Option<&Arc<T>>) -> bool {
    match (live, known) {
        (Some(live), Some(known)) => Arc::ptr_eq(live, known),
        (None, None) => true,
        _ => false,
    }
}

/// What `AssociationConfig` says of bodies from API Gateway (documented: 16, 32, 48 or 64 KB).
fn body_limit(acl: &Map<String, Value>) -> usize {
    let said = acl.get("AssociationConfig").map(|config| &config["RequestBody"]["API_GATEWAY"]);
    match said.and_then(|config| config["DefaultSizeInspectionLimit"].as_str()) {
        Some("KB_32") => 2 * BODY_LIMIT,
        Some("KB_48") => 3 * BODY_LIMIT,
        Some("KB_64") => MAX_BODY_LIMIT,
        _ => BODY_LIMIT,
    }
}

/// What is wrong with a statement that asks for nothing but the request and its labels, by its name and its body.
pub(crate) fn flaw_of(kind: &str, body: &Value) -> Option<Flaw> {
    Statement::simple(kind, body, "").err()
}

fn enabled(visibility: &Value, name: &str) -> bool {
    visibility[name].as_bool().unwrap_or(true)
}

fn rule_labels(rule: &Value, prefix: &str) -> Vec<String> {
    let names = rule["RuleLabels"].as_array().into_iter().flatten().filter_map(|label| label["Name"].as_str());
    names.map(|name| format!("{prefix}:{name}")).collect()
}

#[cfg(test)]
mod tests;
