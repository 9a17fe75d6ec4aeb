//! `keys` and `keys check FILE`.

use std::path::Path;

use super::args::{Common, KeysArgs, KeysCommand};
use super::config;
use super::error::{Exit, Failure};
use super::json::Printer;
use super::keymap;
use super::shape::{KeyRow, KeyWarning, Keys};
use crate::tui::Keymap;
use crate::tui::command::{Command, Context};
use crate::tui::keymap::{Warning, table};

/// Prints the keymap in force, or checks a file. What only some terminals send is a warning, beside it.
pub(super) fn keys(common: &Common, args: &KeysArgs, printer: Printer) -> Result<Exit, Failure> {
    let (keymap, checking) = match &args.command {
        Some(KeysCommand::Check { file }) => (checked(file, common)?, true),
        None => (keymap_in_force(args.keymap.as_deref(), common)?, false),
    };
    let warnings = keymap.warnings();
    printer.aside(&warnings.iter().map(ToString::to_string).collect::<Vec<_>>());
    match (printer.is_json(), checking) {
        (true, _) => {
            let warned = |one: &Warning| KeyWarning { at: one.at.clone(), message: one.message() };
            let warnings = warnings.iter().map(warned).collect();
            printer.object("keys", &Keys { keys: rows(&keymap), warnings });
        }
        (false, true) => printer.words("the keymap is valid"),
        (false, false) => printer.text(&table(&keymap)),
    }
    Ok(Exit::Done)
}

/// A file that has mistakes is what was asked for; one that cannot be read is not.
fn checked(file: &Path, common: &Common) -> Result<Keymap, Failure> {
    keymap::of_file(file, common).map_err(|(was_read, failure)| {
        let exit = if was_read { Exit::Error } else { failure.exit };
        Failure { exit, ..failure }
    })
}

fn keymap_in_force(named: Option<&str>, common: &Common) -> Result<Keymap, Failure> {
    let settings = config::settings(common);
    // With a name, a configuration that is wrong is not in the way.
    let settings = if named.is_some() { settings.unwrap_or_default() } else { settings? };
    keymap::in_force(named, common, &settings)
}

fn rows(keymap: &Keymap) -> Vec<KeyRow> {
    let in_context = |context: Context| {
        let row = move |(command, keys): (Command, String)| KeyRow {
            context: context.name().to_owned(),
            command: command.name().to_owned(),
            keys,
            does: command.doc().to_owned(),
        };
        keymap.commands(context).map(row)
    };
    Context::ALL.into_iter().flat_map(in_context).collect()
}
