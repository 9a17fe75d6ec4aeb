//! What a change does beyond its diff: which values it sets where, what it drops, what it makes.
//!
//! A diff is for reading; this is for doing, for comparing with what is there, and for taking back. Knows no calls.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::limits::limits;
use super::made_resource;
use super::policy::Policy;

/// What a change does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Edit {
    /// Adds entries to an IP set and takes entries out: the change's diff, merged into whatever else is there.
    #[default]
    Entries,
    /// Sets values, each from one that was read to another.
    Assign(Assignment),
    /// Drops what a stage has cached. Cannot be taken back.
    Flush(Flush),
}

impl Edit {
    /// Whether it is a merge of entries: the kind that journals of before knew, and that they leave unsaid.
    #[must_use]
    pub fn is_entries(&self) -> bool {
        *self == Self::Entries
    }

    /// Whether it makes or deletes something whole.
    #[must_use]
    pub fn is_making(&self) -> bool {
        matches!(self, Self::Assign(assignment) if assignment.place.is_made())
    }

    /// Whether nothing of it is meant to stay once the action has ended.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Assign(Assignment { passing: true, .. }))
    }

    /// Whether it can be taken back at all.
    #[must_use]
    pub fn can_be_undone(&self) -> bool {
        !matches!(self, Self::Flush(_))
    }
}

/// Values set in one place, by one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Assignment {
    /// Where.
    pub place: Place,
    /// Which, each from what to what; never empty, no name twice.
    pub parts: Vec<Part>,
    /// Whether it is put back before the action ends: then nothing of it stays in force.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passing: bool,
}

/// One value, from what was read to what it is to be; `None` where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Part {
    /// Which value: see [`Place`].
    pub name: String,
    /// As it was read.
    pub before: Option<Value>,
    /// As it is to be.
    pub after: Option<Value>,
}

/// Where values are set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "place")]
pub enum Place {
    /// Throttles among the method settings of a REST API's stage. A part's name is
    /// [`ALL_METHODS`](super::method::ALL_METHODS) or a method such as `POST /login`; its value is the whole entry, of
    /// which only rate and burst are set.
    MethodThrottles {
        /// The REST API's id.
        api_id: String,
        /// The stage's name.
        stage: String,
    },
    /// Throttles among the route settings of an HTTP API's stage. A part's name is a route key, or
    /// [`ALL_METHODS`](super::method::ALL_METHODS) for routes without settings of their own; its value is the whole of
    /// the settings, which are written whole.
    RouteThrottles {
        /// The HTTP API's id.
        api_id: String,
        /// The stage's name.
        stage: String,
        /// The stage's ARN.
        stage_arn: String,
    },
    /// The web ACL associated with a stage. The one part is [`WEB_ACL`]; its value is the web ACL's ARN.
    WebAcl {
        /// The REST API's id.
        api_id: String,
        /// The stage's name.
        stage: String,
        /// The stage's ARN, as WAF knows it.
        stage_arn: String,
    },
    /// The deployment that a stage points at. The one part is [`DEPLOYMENT`]; its value is the deployment's id.
    Deployment {
        /// The REST API's id.
        api_id: String,
        /// The stage's name.
        stage: String,
        /// How the descriptions of deployments begin that the action makes itself: their ids are not known before. The
        /// value is then this text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mark: Option<String>,
    },
    /// The resource policy of an API's draft. The one part is [`POLICY`]; its value is the policy's text. Two that both
    /// carry a statement of ours count as the same.
    DraftPolicy {
        /// The REST API's id.
        api_id: String,
    },
    /// An IP set of the account and region, by its name, which is unique there (documented). The one part is
    /// [`IP_SET`]; its value is the whole of it, [`crate::model::made_resource`], and no value means that there is
    /// none: setting one makes the set, setting none deletes it.
    IpSet {
        /// Its name.
        name: String,
    },
    /// A closed web ACL of the account and region, by its name. The one part is [`CLOSED_WEB_ACL`], as [`Place::IpSet`]
    /// has it.
    ClosedWebAcl {
        /// Its name.
        name: String,
    },
}

/// The part of [`Place::IpSet`].
pub const IP_SET: &str = "ip-set";
/// The part of [`Place::ClosedWebAcl`].
pub const CLOSED_WEB_ACL: &str = "closed-web-acl";
/// Beside the parts of [`Place::RouteThrottles`], where a plan asks: the account's limits. Never a part itself.
pub const ACCOUNT_LIMITS: &str = "account limits";
/// Beside the part of what is made by its name: the ARN that it has. Never a part itself.
pub const ARN: &str = "arn";
/// The part of [`Place::WebAcl`].
pub const WEB_ACL: &str = "web-acl";
/// The part of [`Place::Deployment`].
pub const DEPLOYMENT: &str = "deployment";
/// The part of [`Place::DraftPolicy`].
pub const POLICY: &str = "policy";

/// The longest that a cache of API Gateway keeps anything, seconds: answers and authorizers' verdicts alike
/// (documented).
pub const LONGEST_CACHED_SECONDS: i64 = 3_600;

/// What is dropped out of which cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Flush {
    /// The REST API's id.
    pub api_id: String,
    /// The stage's name.
    pub stage: String,
    /// The authorizers' cached verdicts, or else the cached answers.
    pub authorizers: bool,
}

/// How what is there compares with an assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Everything is as it is to be.
    After,
    /// Everything is as it was read.
    Before,
    /// Something else: somebody else changed it, or only part of it was done.
    Otherwise {
        /// What is there and what was, a line a part.
        lines: Vec<String>,
        /// Whether some part is as it is to be and was not before.
        begun: bool,
    },
}

impl Assignment {
    /// The value that the part of a name is to have; `None` where it is to have none.
    #[must_use]
    pub fn wanted(&self, name: &str) -> Option<&Value> {
        self.parts.iter().find(|part| part.name == name)?.after.as_ref()
    }

    /// The value that was read for the part of a name; `None` where there was none.
    #[must_use]
    pub fn read(&self, name: &str) -> Option<&Value> {
        self.parts.iter().find(|part| part.name == name)?.before.as_ref()
    }

    /// Whether something is there afterwards, of what is made or deleted whole.
    #[must_use]
    pub fn makes(&self) -> bool {
        self.parts.iter().any(|part| part.after.is_some())
    }

    /// The deployment that a stage is pointed at; `None` where it sets something else, or the deployment is yet to be
    /// made.
    #[must_use]
    pub fn deployment(&self) -> Option<&str> {
        match &self.place {
            Place::Deployment { mark: None, .. } => self.wanted(DEPLOYMENT)?.as_str(),
            _ => None,
        }
    }

    /// How `now` (the values there, by name) compares. Where a part is to stay what it was, both hold, and the others
    /// decide.
    #[must_use]
    pub fn standing(&self, now: &Map<String, Value>) -> Standing {
        let same = |name: &str, wanted: Option<&Value>| self.place.same(now.get(name), wanted);
        if self.parts.iter().all(|part| same(&part.name, part.after.as_ref())) {
            return Standing::After;
        }
        // What is to be removed goes whole, so that all of it must be what was read.
        let untouched = |part: &Part| match part.after {
            None => now.get(&part.name) == part.before.as_ref(),
            Some(_) => same(&part.name, part.before.as_ref()),
        };
        if self.parts.iter().all(untouched) {
            return Standing::Before;
        }
        let is = |part: &Part| self.place.words(now.get(&part.name));
        let was = |part: &Part| self.place.words(part.before.as_ref());
        let moved = || self.parts.iter().filter(|part| !untouched(part));
        Standing::Otherwise {
            lines: moved()
                .map(|part| format!("{}: {} now, {} when it was read", part.name, is(part), was(part)))
                .collect(),
            begun: moved().any(|part| same(&part.name, part.after.as_ref())),
        }
    }

    /// What of it is yet to be set; `None` where some part is neither as it was read nor as it is to be: that is
    /// somebody else's.
    #[must_use]
    pub fn remaining(&self, now: &Map<String, Value>) -> Option<Self> {
        let same = |part: &Part, wanted: Option<&Value>| self.place.same(now.get(&part.name), wanted);
        let left: Vec<Part> = self.parts.iter().filter(|part| !same(part, part.after.as_ref())).cloned().collect();
        let foreign = left.iter().any(|part| !same(part, part.before.as_ref()));
        (!foreign).then(|| Self { parts: left, ..self.clone() })
    }

    /// The lines of a diff: what goes, what comes.
    #[must_use]
    pub fn diff(&self) -> (Vec<String>, Vec<String>) {
        if self.place.is_made() {
            let lines =
                |value: fn(&Part) -> Option<&Value>| self.parts.iter().filter_map(value).flat_map(made_resource::lines);
            return (lines(|part| part.before.as_ref()).collect(), lines(|part| part.after.as_ref()).collect());
        }
        let lines = |value: fn(&Part) -> Option<&Value>| {
            let line = |part: &Part| format!("{}: {}", part.name, self.place.words(value(part)));
            self.parts.iter().map(line).collect()
        };
        (lines(|part| part.before.as_ref()), lines(|part| part.after.as_ref()))
    }
}

impl Place {
    /// Whether something is made or deleted there, whole, rather than set.
    #[must_use]
    pub fn is_made(&self) -> bool {
        matches!(self, Self::IpSet { .. } | Self::ClosedWebAcl { .. })
    }

    /// Whether two values are the same for what is set here: of a method setting, rate and burst only.
    #[must_use]
    pub fn same(&self, a: Option<&Value>, b: Option<&Value>) -> bool {
        match (self, a, b) {
            (Self::MethodThrottles { .. } | Self::RouteThrottles { .. }, Some(a), Some(b)) => limits(a) == limits(b),
            (Self::DraftPolicy { .. }, Some(a), Some(b)) => same_policy(a, b),
            (_, a, b) => a == b,
        }
    }

    /// A value in words.
    #[must_use]
    pub fn words(&self, value: Option<&Value>) -> String {
        match (self, value) {
            (Self::MethodThrottles { .. } | Self::RouteThrottles { .. }, None) => "no entry".to_owned(),
            (Self::MethodThrottles { .. } | Self::RouteThrottles { .. }, Some(entry)) => {
                let (rate, burst) = limits(entry);
                let limit = |n: Option<f64>| n.filter(|n| *n >= 0.0).map_or("no limit".to_owned(), |n| n.to_string());
                format!("{}/s, burst {}", limit(rate), limit(burst))
            }
            (_, None) => "none".to_owned(),
            (_, Some(document)) if self.is_made() => made_resource::lines(document).join(", "),
            (Self::Deployment { mark: Some(mark), .. }, Some(Value::String(text))) if text == mark => {
                "a snapshot made for it".to_owned()
            }
            (Self::DraftPolicy { .. }, Some(Value::String(text))) => {
                Policy::parse(text).map_or_else(|error| error.to_string(), |policy| policy.lines().join("; "))
            }
            (_, Some(Value::String(text))) => text.clone(),
            (_, Some(other)) => other.to_string(),
        }
    }
}

fn same_policy(a: &Value, b: &Value) -> bool {
    let read = |value: &Value| value.as_str().and_then(|text| Policy::parse(text).ok());
    match (read(a), read(b)) {
        (Some(a), Some(b)) => Policy::same_or_both_closed(Some(&a), Some(&b)),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::limits::{BURST, RATE};
    use serde_json::json;

    fn throttle(before: Option<Value>, after: Option<Value>) -> Assignment {
        Assignment {
            place: Place::MethodThrottles { api_id: "a".into(), stage: "prod".into() },
            parts: vec![Part { name: "POST /login".into(), before, after }],
            passing: false,
        }
    }

    fn now(entry: Option<Value>) -> Map<String, Value> {
        entry.map(|entry| ("POST /login".to_owned(), entry)).into_iter().collect()
    }

    #[test]
    fn absent_is_told_from_zero_and_from_no_limit() {
        let to_zero = throttle(None, Some(json!({RATE: 0.0, BURST: 0})));
        assert_eq!(to_zero.standing(&now(None)), Standing::Before);
        assert_eq!(to_zero.standing(&now(Some(json!({RATE: 0, BURST: 0})))), Standing::After);
        assert!(matches!(to_zero.standing(&now(Some(json!({})))), Standing::Otherwise { begun: false, .. }));
        assert!(matches!(
            to_zero.standing(&now(Some(json!({RATE: -1, BURST: -1})))),
            Standing::Otherwise { begun: false, .. }
        ));
    }

    #[test]
    fn other_settings_of_an_entry_do_not_count_and_its_limits_do() {
        let change =
            throttle(Some(json!({RATE: 100.0, BURST: 50, "cachingEnabled": false})), Some(json!({RATE: 10, BURST: 5})));
        assert_eq!(
            change.standing(&now(Some(json!({RATE: 100, BURST: 50, "cachingEnabled": true})))),
            Standing::Before
        );
        let Standing::Otherwise { lines, .. } = change.standing(&now(Some(json!({RATE: 70, BURST: 50})))) else {
            unreachable!()
        };
        assert_eq!(lines, ["POST /login: 70/s, burst 50 now, 100/s, burst 50 when it was read"]);
    }

    #[test]
    fn what_is_left_to_set_is_what_was_read_and_nobody_else_s() {
        let part = |name: &str, before, after| Part { name: name.into(), before, after };
        let entry = |rate: u32| json!({ RATE: rate, BURST: rate });
        let mut both = throttle(Some(entry(100)), Some(entry(10)));
        both.parts.push(part("GET /x", None, Some(entry(5))));
        let there = |login: u32, x: Option<u32>| -> Map<String, Value> {
            let x = x.map(|rate| ("GET /x".to_owned(), entry(rate)));
            [("POST /login".to_owned(), entry(login))].into_iter().chain(x).collect()
        };
        let names = |now: &Map<String, Value>| {
            both.remaining(now).map(|left| left.parts.into_iter().map(|p| p.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&there(100, None)).unwrap(), ["POST /login", "GET /x"]);
        assert_eq!(names(&there(10, None)).unwrap(), ["GET /x"]);
        assert_eq!(names(&there(10, Some(5))).unwrap(), [""; 0]);
        assert_eq!(names(&there(10, Some(7))), None, "somebody else's");
    }

    #[test]
    fn a_journal_of_before_reads_as_entries() {
        assert_eq!(serde_json::from_value::<Edit>(json!({"kind": "entries"})).unwrap(), Edit::Entries);
        let flush = Edit::Flush(Flush { api_id: "a".into(), stage: "s".into(), authorizers: true });
        let text = serde_json::to_string(&flush).unwrap();
        assert_eq!(serde_json::from_str::<Edit>(&text).unwrap(), flush);
    }
}
