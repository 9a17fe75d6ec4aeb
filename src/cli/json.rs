//! Printing: words for people, or one JSON object with its schema.
//!
//! Shapes are documented in `docs/json.md`. Units are in the field names; an unknown figure is `null`, with its reason
//! in the `unknown` object beside it.

use std::ffi::OsString;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::args::Output;
use super::error::{Exit, Failure};
use super::out;
use crate::incident::ascii_json;
use crate::model::figure::Figure;
use crate::model::plan::Plan;

/// Where a command's output goes, in which form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printer {
    json: bool,
    /// Whether objects are left to whoever prints the one that they are part of.
    within: bool,
}

impl Printer {
    pub(super) fn new(output: Output) -> Self {
        Self { json: output == Output::Json, within: false }
    }

    /// For what is part of a larger command, which prints the one object itself.
    pub(super) fn within(self) -> Self {
        Self { within: true, ..self }
    }

    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// One object on standard output, with `"schema": "portcullis.NOUN/1"` first. One line, so that a stream of them is
    /// JSON Lines.
    pub(super) fn object(self, noun: &str, value: Value) {
        if self.within {
            return;
        }
        let mut object = Map::from_iter([("schema".to_owned(), json!(format!("portcullis.{noun}/1")))]);
        if let Value::Object(fields) = value {
            object.extend(fields);
        }
        json_line(&Value::Object(object));
    }

    /// Text on standard output, whatever the form asked for.
    #[allow(clippy::unused_self)]
    pub(super) fn text(self, text: &str) {
        out::line(text.trim_end_matches('\n'));
    }

    /// Words on standard output; on standard error where that carries JSON.
    pub(super) fn words(self, text: &str) {
        if self.json { out::aside(text) } else { out::line(text) }
    }

    /// Lines for people, beside the output.
    #[allow(clippy::unused_self)]
    pub(super) fn aside(self, lines: &[String]) {
        for line in lines {
            out::aside(line);
        }
    }

    /// Prints a failure and gives its exit code.
    pub(super) fn failure(self, failure: &Failure) -> Exit {
        if self.json {
            self.error(failure);
        }
        out::aside(&format!("portcullis: {}", failure.message));
        self.aside(&failure.detail.iter().map(|line| format!("  {line}")).collect::<Vec<_>>());
        failure.exit
    }

    /// A failure as an object.
    #[allow(clippy::unused_self)]
    pub(super) fn error(self, failure: &Failure) {
        let error = json!({ "message": failure.message, "detail": failure.detail, "exit_code": failure.exit as u8 });
        json_line(&json!({ "error": error }));
    }
}

/// One line in plain ASCII: no text in it can act on a terminal, and none is lost.
fn json_line(value: &Value) {
    let written = ascii_json(value).map(String::from_utf8);
    out::line(&match written {
        Ok(Ok(line)) => line,
        // A `Value` has neither keys that are no text nor anything else that cannot be JSON.
        _ => String::from("{}"),
    });
}

/// Whether a command line that could not be understood asks for JSON all the same.
pub(super) fn asked_for(words: &[OsString]) -> bool {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let glued = ["-ojson", "-o=json", "--output=json"];
    words.iter().any(|word| glued.contains(&word.as_ref()))
        || words.windows(2).any(|pair| matches!(pair[0].as_ref(), "-o" | "--output") && pair[1] == "json")
}

/// A time as every JSON shape writes it.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Figures by name: values, the reasons of those that are unknown, and where each value comes from.
#[derive(Debug, Default)]
pub(super) struct FigureMap {
    values: Map<String, Value>,
    unknown: Map<String, Value>,
    origins: Map<String, Value>,
}

impl FigureMap {
    pub(super) fn put(&mut self, name: &str, figure: &Figure) {
        match figure {
            Figure::Known(reading) => {
                self.values.insert(name.to_owned(), json!(reading.value));
                let origin = json!({
                    "at": time(reading.at), "origin": reading.origin, "scope": reading.scope, "provisional": reading.provisional,
                });
                self.origins.insert(name.to_owned(), origin);
            }
            Figure::Unknown(reason) => {
                self.values.insert(name.to_owned(), Value::Null);
                self.unknown.insert(name.to_owned(), json!(reason));
            }
        }
    }

    /// Puts the figures into `object`, with `unknown` and `origin` beside them.
    pub(super) fn into_object(self, object: &mut Map<String, Value>) {
        object.extend(self.values);
        object.insert("unknown".to_owned(), Value::Object(self.unknown));
        object.insert("origin".to_owned(), Value::Object(self.origins));
    }
}

/// A plan as JSON: the plan's own fields, with its phrase under `confirm`.
pub(super) fn plan_value(plan: &Plan) -> Value {
    let mut value = serde_json::to_value(plan).unwrap_or_else(|error| json!({ "error": error.to_string() }));
    if let Value::Object(fields) = &mut value {
        fields.insert("confirm".to_owned(), json!(plan.phrase()));
        fields.insert("verdict".to_owned(), json!(plan.verdict()));
        fields.insert("stopped".to_owned(), json!(plan.halting().next().is_some()));
    }
    value
}
