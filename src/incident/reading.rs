//! A journal line read as an event: as far as this version knows its kind. Never fails.

use serde_json::{Map, Value, json};

use super::event::{Event, KINDS};
use crate::journal::{BROKEN_KIND, Line, TORN_KIND};

/// A journal line as this version of the console reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// An event this version knows. `unknown` holds the fields it does not know.
    Known {
        /// The event.
        event: Box<Event>,
        /// Fields that a newer version wrote.
        unknown: Map<String, Value>,
    },
    /// The journal's own remark that a torn line was set aside.
    TornLineSetAside,
    /// The journal's own remark that a line in it is not as it was written.
    ChainBroken,
    /// A kind that this version does not know.
    UnknownKind,
    /// A kind that this version knows, with data that it cannot read; the reason.
    Unreadable(String),
}

impl Reading {
    /// Reads a line out of its bytes, `head` being the line without its data; what a newer version added is passed
    /// over. The same as [`Reading::of`] for what follows from a line, at a fraction of the cost.
    pub(super) fn of_bytes(head: &Line, raw: &[u8]) -> Self {
        match head.kind.as_str() {
            TORN_KIND => Self::TornLineSetAside,
            BROKEN_KIND => Self::ChainBroken,
            kind if !KINDS.contains(&kind) => Self::UnknownKind,
            // The kind stands before the data, and the other keys are passed over.
            _ => match serde_json::from_slice::<Event>(raw) {
                Ok(event) => Self::Known { event: Box::new(event), unknown: Map::new() },
                Err(error) => Self::Unreadable(error.to_string()),
            },
        }
    }

    /// Reads a line. Never fails: what is not understood is said to be so.
    #[must_use]
    pub fn of(line: &Line) -> Self {
        if line.kind == TORN_KIND {
            return Self::TornLineSetAside;
        }
        if line.kind == BROKEN_KIND {
            return Self::ChainBroken;
        }
        match serde_json::from_value::<Event>(json!({ "kind": line.kind, "data": line.data })) {
            Ok(event) => {
                let unknown = unknown_fields(&event, &line.data);
                Self::Known { event: Box::new(event), unknown }
            }
            Err(_) if !KINDS.contains(&line.kind.as_str()) => Self::UnknownKind,
            Err(error) => Self::Unreadable(error.to_string()),
        }
    }
}

/// The fields of `data` that `event` does not have.
fn unknown_fields(event: &Event, data: &Value) -> Map<String, Value> {
    let (Value::Object(data), Ok((_, Value::Object(known)))) = (data, event.to_parts()) else {
        return Map::new();
    };
    data.iter()
        .filter(|(name, _)| !known.contains_key(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
