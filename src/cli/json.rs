//! Printing: words for people, or one JSON object with its schema.
//!
//! Shapes are documented in `docs/json.md`, and their types are in `shape`. Units are in the field names; an unknown
//! figure is `null`, with its reason in the `unknown` object beside it.

use std::ffi::OsString;

use serde::Serialize;

use super::args::Output;
use super::error::{Exit, Failure};
use super::out;
use super::shape::act::PlanShape;
use super::shape::{ErrorDocument, ErrorShape};
use crate::incident::ascii_json;
use crate::model::plan::Plan;

/// A document with its schema first.
#[derive(Serialize)]
struct Tagged<'a, T> {
    schema: String,
    #[serde(flatten)]
    document: &'a T,
}

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
    pub(super) fn object<T: Serialize>(self, noun: &str, document: &T) {
        if !self.within {
            json_line(&Tagged { schema: format!("portcullis.{noun}/1"), document });
        }
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
        let Failure { exit, message, detail } = failure.clone();
        json_line(&ErrorDocument { error: ErrorShape { message, detail, exit_code: exit as u8 } });
    }
}

/// One line in plain ASCII: no text in it can act on a terminal, and none is lost.
fn json_line(value: &impl Serialize) {
    let written = ascii_json(value).map(String::from_utf8);
    out::line(&match written {
        Ok(Ok(line)) => line,
        // No shape has keys that are no text, nor anything else that cannot be JSON.
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

/// A plan as JSON: the plan's own fields, with its phrase under `confirm`.
pub(super) fn plan_shape(plan: &Plan) -> PlanShape {
    PlanShape {
        plan: plan.clone(),
        confirm: plan.phrase(),
        verdict: plan.verdict(),
        stopped: plan.halting().next().is_some(),
    }
}
