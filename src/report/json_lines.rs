//! The export for machines: JSON Lines, one object a line, described in `docs/timeline.md`.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::Export;
use crate::incident::{Folded, Verification, ascii_json};

/// The schema's name; every line carries it.
pub const SCHEMA: &str = "portcullis.timeline/1";

/// The incident as JSON Lines in plain ASCII: first `incident`, then every `entry`, `signal`, `action`,
/// `not-understood` line, last `verification`.
///
/// # Errors
/// Only where something cannot be JSON at all.
pub fn json_lines(export: &Export<'_>) -> Result<String, serde_json::Error> {
    let folded = export.folded;
    let mut out = Lines(Vec::new());
    out.push("incident", &incident(export))?;
    for entry in &folded.timeline {
        out.push("entry", entry)?;
    }
    for signal in &folded.signals {
        out.push("signal", signal)?;
    }
    for history in &folded.histories {
        let record = folded.action(&history.action_id);
        let mut object = serde_json::to_value(history)?;
        object["state"] = json!(record.map(|r| r.state));
        object["effect"] = json!(record.and_then(|r| r.effect));
        out.push("action", &object)?;
    }
    for line in &folded.not_understood {
        out.push("not-understood", &json!({ "seq": line.seq, "kind": line.kind, "why": line.why }))?;
    }
    out.push("verification", &verification(export.verification))?;
    // The writer escapes everything outside ASCII.
    Ok(out.0.into_iter().map(char::from).collect())
}

struct Lines(Vec<u8>);

#[derive(Serialize)]
struct Tagged<'a, T> {
    schema: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    rest: &'a T,
}

impl Lines {
    fn push<T: Serialize>(&mut self, kind: &'static str, rest: &T) -> Result<(), serde_json::Error> {
        let line = ascii_json(&Tagged { schema: SCHEMA, kind, rest })?;
        self.0.extend_from_slice(&line);
        self.0.push(b'\n');
        Ok(())
    }
}

fn incident(export: &Export<'_>) -> Value {
    let folded: &Folded = export.folded;
    let opened = folded.opened.as_ref();
    json!({
        "id": folded.incident,
        "title": opened.map(|o| &o.title),
        "account": opened.map(|o| &o.identity.at.account),
        "region": opened.map(|o| &o.identity.at.region),
        "world": opened.map(|o| String::from(o.identity.at.world.clone())),
        "endpoint": opened.and_then(|o| o.identity.endpoint.as_ref()),
        "caller": opened.map(|o| &o.identity.arn),
        "opened_at": opened.map(|o| o.at),
        "opened_by": opened.map(|o| &o.by),
        "closed_at": folded.closed,
        "last_at": folded.last_at,
        "last_seq": folded.last_seq,
        "actors": folded.actors,
        "written_at": export.at,
    })
}

fn verification(found: &Verification) -> Value {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    json!({
        "intact": found.is_intact(),
        "lines": found.lines,
        "last_hash": found.last_hash,
        "fault": found.fault.as_ref().map(|f| json!({
            "line": f.number,
            "wrong": f.wrong.to_string(),
        })),
        "torn": found.torn.as_ref().map(|t| json!({
            "line": t.number,
            "offset": t.offset,
            "bytes": t.bytes,
        })),
        "set_aside": found.set_aside.iter().filter_map(|p| name(p)).collect::<Vec<_>>(),
    })
}
