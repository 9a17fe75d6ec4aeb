//! Method settings: what is in force, what a tighter limit makes of it, and what AWS makes of a patch.

use serde_json::{Map, Value, json};

use crate::aws::write::Patch;
use crate::model::action::Throttle;
use crate::model::change::{Assignment, Part};
use crate::model::limits::{AccountLimit, BURST, LimitInForce, RATE, in_force};
use crate::model::method::ALL_METHODS;
use crate::respond::assigned::throttle_patches;

/// What is to be set, and what stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::respond) struct Wanted {
    /// What is to be set.
    pub(in crate::respond) parts: Vec<Part>,
    /// Entries that are as tight already, by name.
    pub(in crate::respond) tight: Vec<String>,
    /// What is in force for what was asked for.
    pub(in crate::respond) in_force: LimitInForce,
}

/// What AWS fills into an entry that did not exist and for which there is no `*/*` either (recorded by LocalStack).
fn fresh_entry() -> Value {
    json!({
        "metricsEnabled": false, "dataTraceEnabled": false, RATE: 10_000.0, BURST: 5_000, "cachingEnabled": false,
        "cacheTtlInSeconds": 300, "cacheDataEncrypted": false, "requireAuthorizationForCacheControl": true,
        "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
    })
}

/// The entry that a patch of rate and burst leaves: patching one setting materialises the whole entry, as a copy of
/// `*/*` or of AWS's defaults (recorded by LocalStack). Of a prediction only rate and burst are ever compared as done.
#[must_use]
pub(in crate::respond) fn materialised(name: &str, settings: &Map<String, Value>, rate: f64, burst: f64) -> Value {
    let base = settings.get(name).or_else(|| settings.get(ALL_METHODS)).cloned();
    let mut entry = base.unwrap_or_else(fresh_entry);
    entry[RATE] = json!(rate);
    entry[BURST] = json!(burst);
    entry
}

/// What tightening asks for. Stage-wide, entries of single methods do not follow `*/*`, so that each looser one is set
/// too.
#[must_use]
pub(in crate::respond) fn wanted(
    action: &Throttle,
    settings: &Map<String, Value>,
    account: Option<AccountLimit>,
) -> Wanted {
    let (rate, burst) = (f64::from(action.rate), f64::from(action.burst));
    let name = action.method.as_ref().map_or_else(|| ALL_METHODS.to_owned(), ToString::to_string);
    let mut out = Wanted { in_force: in_force(&name, settings, account), ..Wanted::default() };
    let own = if action.method.is_none() { own_entries(settings) } else { Vec::new() };
    for each in std::iter::once(&name).chain(own) {
        let now = in_force(each, settings, account);
        let loose = now.rate.is_none_or(|now| rate < now) || now.burst.is_none_or(|now| burst < now);
        if !loose {
            out.tight.push(each.clone());
            continue;
        }
        // Another method's entry may be tighter in one of the two: that one stays.
        let keeps = |now: Option<f64>, new: f64| now.filter(|_| *each != name).map_or(new, |now| now.min(new));
        let after = materialised(each, settings, keeps(now.rate, rate), keeps(now.burst, burst));
        out.parts.push(Part { name: each.clone(), before: settings.get(each).cloned(), after: Some(after) });
    }
    out
}

/// Names of the entries of single methods, in the same order whatever order AWS wrote them in: the digest rests on it.
#[must_use]
pub(in crate::respond) fn own_entries(settings: &Map<String, Value>) -> Vec<&String> {
    let mut names: Vec<&String> = settings.keys().filter(|name| *name != ALL_METHODS).collect();
    names.sort();
    names
}

/// The patch operations of an assignment, for a reader.
#[must_use]
pub(super) fn parameters(assignment: &Assignment) -> Vec<(String, String)> {
    throttle_patches(assignment)
        .into_iter()
        .map(|patch| match patch {
            Patch::Replace { path, value } => (format!("replace {path}"), value),
            Patch::Remove { path } => (format!("remove {path}"), String::new()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::action::Terms;
    use crate::model::limits::{Limit, limits};

    fn throttle(method: Option<&str>, rate: u32, burst: u32) -> Throttle {
        let method = method.map(|m| m.parse().unwrap());
        Throttle { stage: "shop/prod".parse().unwrap(), method, rate, burst, terms: Terms::default() }
    }

    fn settings(entries: &Value) -> Map<String, Value> {
        entries.as_object().unwrap().clone()
    }

    const ACCOUNT: Option<AccountLimit> = Some(Limit { rate: 10_000.0, burst: 5_000.0 });

    #[test]
    fn a_stage_wide_limit_reaches_the_methods_that_do_not_follow() {
        let now = settings(&json!({
            "*/*": {RATE: 5000.0, BURST: 5000},
            "POST /login": {RATE: 200.0, BURST: 400, "cachingEnabled": true},
            "GET /health": {RATE: 5.0, BURST: 5},
            "GET /odd": {RATE: 20.0, BURST: 900},
        }));
        let wanted = wanted(&throttle(None, 100, 50), &now, ACCOUNT);
        let set: Vec<_> = wanted.parts.iter().map(|p| (p.name.as_str(), limits(p.after.as_ref().unwrap()))).collect();
        assert_eq!(
            set,
            [
                ("*/*", (Some(100.0), Some(50.0))),
                ("GET /odd", (Some(20.0), Some(50.0))),
                ("POST /login", (Some(100.0), Some(50.0))),
            ]
        );
        assert_eq!(wanted.tight, ["GET /health"]);
        assert_eq!(wanted.parts[2].after.as_ref().unwrap()["cachingEnabled"], json!(true));
    }

    #[test]
    fn a_method_without_an_entry_copies_the_stage_s() {
        let now = settings(&json!({"*/*": {RATE: 5000.0, BURST: 5000, "loggingLevel": "INFO"}}));
        let wanted = wanted(&throttle(Some("POST /login"), 10, 20), &now, ACCOUNT);
        assert_eq!((wanted.in_force.rate, wanted.in_force.from.as_str()), (Some(5000.0), "*/*"));
        let part = &wanted.parts[0];
        assert_eq!((part.before.clone(), part.after.as_ref().unwrap()["loggingLevel"].clone()), (None, json!("INFO")));
    }

    #[test]
    fn minus_one_and_absent_leave_the_account_s_limit_and_zero_does_not() {
        let of = |entry: Value| in_force("*/*", &settings(&json!({"*/*": entry})), ACCOUNT);
        for entry in [json!({RATE: -1, BURST: -1}), json!({})] {
            assert_eq!((of(entry.clone()).rate, of(entry).from.as_str()), (Some(10_000.0), "the account"));
        }
        assert_eq!(of(json!({RATE: 0, BURST: 0})).rate, Some(0.0));
        assert_eq!(
            in_force("*/*", &Map::new(), None),
            LimitInForce { rate: None, burst: None, from: "nothing that is known".into() }
        );
    }
}
