//! A journal line in words: one title, further lines of detail, neutralised, since much of it quotes attackers.

use serde_json::{Map, Value};

use super::reading::Reading;
use super::words::clean;
use crate::journal::Line;
use crate::model::timeline::TimelineEntry;

/// The longest single value shown of something that this version does not understand, characters.
const LONGEST_UNKNOWN: usize = 400;

/// The line as people read it.
pub(super) fn entry(line: &Line, reading: &Reading) -> TimelineEntry {
    let (title, mut detail) = match reading {
        Reading::Known { event, .. } => event.told(),
        Reading::TornLineSetAside => (torn_title(&line.data), Vec::new()),
        Reading::ChainBroken => (broken_title(&line.data), Vec::new()),
        Reading::UnknownKind | Reading::Unreadable(_) => {
            (format!("“{}” (not understood)", line.kind), fields_of(&line.data))
        }
    };
    if let Reading::Known { unknown, .. } = reading {
        detail.extend(fields(unknown));
    }
    let action_id = match reading {
        Reading::Known { event, .. } => event.action_id().map(clean),
        _ => line.data["action_id"].as_str().map(clean),
    };
    TimelineEntry {
        seq: line.seq,
        at: line.at,
        kind: clean(&line.kind),
        actor: line.actor.clone(),
        action_id,
        title: clean(&title),
        detail: detail.iter().map(|d| clean(d)).collect(),
    }
}

fn torn_title(data: &Value) -> String {
    let bytes = data["bytes"].as_u64();
    let file = data["file"].as_str().unwrap_or("a file beside the journal");
    match bytes {
        Some(bytes) => format!("An unfinished line of {bytes} bytes was set aside in {file}"),
        None => format!("An unfinished line was set aside in {file}"),
    }
}

fn broken_title(data: &Value) -> String {
    let line = data["line"].as_u64().map_or_else(|| "a line".to_owned(), |line| format!("line {line}"));
    let wrong = data["wrong"].as_str().unwrap_or("it is not as it was written");
    format!("This journal was found changed at {line}: {wrong}")
}

fn fields_of(data: &Value) -> Vec<String> {
    match data {
        Value::Object(map) => fields(map),
        Value::Null => Vec::new(),
        other => vec![shown(other)],
    }
}

/// Fields that this version does not know, one a line.
fn fields(map: &Map<String, Value>) -> Vec<String> {
    map.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect()
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= LONGEST_UNKNOWN {
        return text;
    }
    let mut cut: String = text.chars().take(LONGEST_UNKNOWN).collect();
    cut.push_str("… (whole in the journal)");
    cut
}
