//! Setting back what was set: only where it still is what we set.

use serde_json::{Map, Value};

use super::Findings;
use crate::model::change::{ALL_METHODS, Assignment, BURST, Doing, Part, Place, RATE};
use crate::model::plan::Change;
use crate::model::timeline::{ActionRecord, ActionState};

/// The change that takes `change` back, as far as what is there is what we set; `None` where nothing is.
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
    if parts.iter().any(|part| part.name == ALL_METHODS) {
        findings.foreign.extend(made_meanwhile(assignment, now));
    }
    if parts.is_empty() {
        return None;
    }
    let assignment = Assignment { place: place.clone(), parts, passing: false };
    let (removed, added) = assignment.diff();
    Some(Change {
        resource: change.resource.clone(),
        added,
        removed,
        entries_before: 0,
        entries_after: 0,
        doing: Doing::Assign(assignment),
    })
}

/// Methods that have got an entry of their own since, a copy of `*/*` with our limits in it: it stays, and somebody must look.
fn made_meanwhile(assignment: &Assignment, now: &Map<String, Value>) -> Vec<String> {
    let ours = assignment.parts.iter().find(|part| part.name == ALL_METHODS).and_then(|part| part.after.as_ref());
    let known = |name: &str| assignment.parts.iter().any(|part| part.name == name);
    now.iter()
        .filter(|(name, _)| !known(name))
        .filter(|(_, entry)| assignment.place.same(Some(entry), ours))
        .map(|(name, _)| {
            format!("{name} has got an entry of its own since, with our limits; it stays: set it yourself")
        })
        .collect()
}

/// A part back to what it was. An entry that we made is removed, unless somebody has set other things in it since: removing takes
/// the whole of it away (recorded by LocalStack), so that then only its limits go back.
fn back(place: &Place, part: &Part, there: Option<&Value>, now: &Map<String, Value>, findings: &mut Findings) -> Part {
    let entry = matches!(place, Place::MethodThrottles { .. });
    let after = match (&part.before, there) {
        (None, Some(there)) if entry && !others_same(there, part.after.as_ref()) => {
            findings.kept.push(format!(
                "{} was made by this action and has been changed otherwise since: the entry stays, its limits go back",
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
        other.changes.iter().filter(|c| c.resource.arn == change.resource.arn).any(|c| match &c.doing {
            Doing::Assign(set) => set.parts.iter().any(|p| p.name == part.name),
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
