//! Setting back what was set: only where it still is what we set.

use serde_json::{Map, Value};

use super::{Findings, deletion};
use crate::model::change::{ACCOUNT_LIMITS, Assignment, Edit, Part, Place};
use crate::model::limits::{BURST, RATE};
use crate::model::method::ALL_METHODS;
use crate::model::plan::Change;
use crate::model::timeline::{ActionRecord, ActionState};

/// The change that takes `change` back, as far as what is there is what we set; `None` where nothing is.
// Wide: what was set, what is there, whose it is, and where findings go.
pub(super) fn reverse(
    change: &Change,
    assignment: &Assignment,
    now: &Map<String, Value>,
    action: &ActionRecord,
    others: &[ActionRecord],
    findings: &mut Findings,
) -> Option<Change> {
    let place = &assignment.place;
    let mut parts = Vec::new();
    for part in &assignment.parts {
        let there = now.get(&part.name);
        if place.same(there, part.after.as_ref()) {
            parts.push(back(place, part, there, now, findings));
        } else if !place.same(there, part.before.as_ref()) {
            if let Some(other) = later(change, part, action, others) {
                findings.later.push(format!("action {other} set {} since", part.name));
            } else {
                findings.foreign.push(format!(
                    "{}: {} now, we had set {}",
                    part.name,
                    place.words(there),
                    place.words(part.after.as_ref())
                ));
            }
        }
    }
    let stage_wide = matches!(place, Place::MethodThrottles { .. });
    if stage_wide && parts.iter().any(|part| part.name == ALL_METHODS) {
        findings.foreign.extend(made_meanwhile(assignment, now));
    }
    if parts.is_empty() {
        return None;
    }
    let assignment = Assignment { place: place.clone(), parts, passing: false };
    Some(Change::of_values(deletion::resource(change, &assignment.place, now), assignment))
}

/// Methods that have got an entry of their own since, a copy of `*/*` with our limits in it: it stays, and somebody
/// must look.
fn made_meanwhile(assignment: &Assignment, now: &Map<String, Value>) -> Vec<String> {
    let ours = assignment.parts.iter().find(|part| part.name == ALL_METHODS).and_then(|part| part.after.as_ref());
    let known = |name: &str| assignment.parts.iter().any(|part| part.name == name);
    now.iter()
        .filter(|(name, _)| !known(name))
        .filter(|(_, entry)| assignment.place.same(Some(entry), ours))
        .map(|(name, _)| format!("{name} has an entry of its own since, with our limits; it stays: set it yourself"))
        .collect()
}

/// A part back to what it was. An entry that we made is removed, unless somebody has set other things in it since:
/// removing takes the whole of it away (recorded by LocalStack), so that then only its limits go back.
fn back(place: &Place, part: &Part, there: Option<&Value>, now: &Map<String, Value>, findings: &mut Findings) -> Part {
    if matches!(place, Place::RouteThrottles { .. }) {
        return route_back(part, there, now, findings);
    }
    let entry = matches!(place, Place::MethodThrottles { .. });
    let after = match (&part.before, there) {
        (None, Some(there)) if entry && !others_same(there, part.after.as_ref()) => {
            findings.kept.push(format!(
                "{} was made by this action and has been changed in other ways since: the entry stays, its limits go \
                 back",
                part.name
            ));
            Some(with_limits_of(there, now.get(ALL_METHODS).filter(|_| part.name != ALL_METHODS)))
        }
        // What somebody else set in the entry since stays.
        (Some(before), Some(there)) if entry => Some(with_limits_of(there, Some(before))),
        (before, _) => before.clone(),
    };
    Part { name: part.name.clone(), before: there.cloned(), after }
}

/// Settings of a route back to what they were. A limit that is written cannot be unset (users' reports), so that the
/// account's takes the place of one that was not there; a route that had no settings loses them, unless somebody has
/// set other things in them since.
fn route_back(part: &Part, there: Option<&Value>, now: &Map<String, Value>, findings: &mut Findings) -> Part {
    let to = |after| Part { name: part.name.clone(), before: there.cloned(), after };
    let Some(there) = there else { return to(None) };
    let before = match &part.before {
        None if same_route(there, part.after.as_ref()) => return to(None),
        None => {
            findings.kept.push(format!(
                "{}: its settings were made by this action and have been changed in other ways since: they stay, their limits go back",
                part.name
            ));
            now.get(ALL_METHODS)
        }
        before => before.as_ref(),
    };
    let mut settings = there.clone();
    for (name, word) in [(RATE, "rate"), (BURST, "burst")] {
        let own = before.and_then(|before| before.get(name));
        if own.is_none() {
            findings.kept.push(format!(
                "{}: it had no {word} of its own, which cannot be unset; it gets the account's",
                part.name
            ));
        }
        if let Some(value) = own.or_else(|| now.get(ACCOUNT_LIMITS)?.get(name)) {
            settings[name] = value.clone();
        }
    }
    to(Some(settings))
}

/// Whether a route's settings are the same but for their limits. What is off is written or left out.
fn same_route(a: &Value, b: Option<&Value>) -> bool {
    let rest = |settings: &Value| -> Map<String, Value> {
        let members = settings.as_object().into_iter().flatten();
        let tells = |name: &str, value: &Value| name != RATE && name != BURST && *value != Value::Bool(false);
        members.filter(|(name, value)| tells(name, value)).map(|(n, v)| (n.clone(), v.clone())).collect()
    };
    b.is_some_and(|b| rest(a) == rest(b))
}

/// Whether two entries are the same but for their limits.
fn others_same(a: &Value, b: Option<&Value>) -> bool {
    let rest = |entry: &Value| -> Map<String, Value> {
        let members = entry.as_object().into_iter().flatten();
        // No logging is written as OFF or not at all.
        let tells = |name: &str, value: &Value| {
            name != RATE && name != BURST && (name, value.as_str()) != ("loggingLevel", Some("OFF"))
        };
        members.filter(|(name, value)| tells(name, value)).map(|(n, v)| (n.clone(), v.clone())).collect()
    };
    b.is_some_and(|b| rest(a) == rest(b))
}

/// `entry` with the limits of `other`, or with none (-1) where there is no other or it sets none.
fn with_limits_of(entry: &Value, other: Option<&Value>) -> Value {
    let mut entry = entry.clone();
    for name in [RATE, BURST] {
        entry[name] = other.and_then(|other| other.get(name)).cloned().unwrap_or_else(|| Value::from(-1));
    }
    entry
}

/// A later action, in force, that set the same part to what is there now.
fn later<'a>(change: &Change, part: &Part, action: &ActionRecord, others: &'a [ActionRecord]) -> Option<&'a str> {
    let sets = |other: &ActionRecord| {
        other.changes.iter().filter(|c| c.resource.arn == change.resource.arn).any(|c| match &c.edit {
            Edit::Assign(set) => set.parts.iter().any(|p| p.name == part.name),
            _ => false,
        })
    };
    let in_force = |other: &&ActionRecord| {
        other.id != action.id
            && other.begun_at >= action.begun_at
            && matches!(other.state, ActionState::InForce | ActionState::Unclear | ActionState::InFlight)
    };
    others.iter().filter(in_force).find(|other| sets(other)).map(|other| other.id.as_str())
}
