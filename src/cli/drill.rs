//! `drill check`.

use super::args::DrillCommand;
use super::error::Exit;
use super::json::Printer;
use super::shape::check::{CheckedFile, CheckedFiles, MistakeShape};
use crate::drill::{Drill, DrillError};
use crate::model::reader::Mistake;

/// `drill check SCENARIO…`: 0 where all are sound, 1 where one is not.
pub(super) fn drill(command: &DrillCommand, printer: Printer) -> Exit {
    let DrillCommand::Check { scenarios } = command;
    let mut exit = Exit::Done;
    let mut files = Vec::new();
    for name in scenarios {
        let mistakes = mistakes(name);
        if mistakes.is_empty() {
            printer.words(&format!("{} is a valid scenario", crate::model::text::neutralised(name)));
        } else {
            exit = Exit::Error;
            printer.aside(&mistakes.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
        files.push(CheckedFile { file: name.clone(), mistakes: MistakeShape::each(&mistakes) });
    }
    if printer.is_json() {
        printer.object("drill-check", &CheckedFiles { files });
    }
    exit
}

fn mistakes(name: &str) -> Vec<Mistake> {
    match Drill::load(Some(name)) {
        Ok(_) => Vec::new(),
        Err(DrillError::Malformed { mistakes }) => mistakes,
        Err(error) => vec![Mistake { file: name.to_owned(), line: 1, column: 1, message: error.to_string() }],
    }
}
