//! `keys` and `keys check FILE`.

use serde_json::json;

use super::args::{Common, KeysArgs, KeysCommand};
use super::config;
use super::error::{Exit, Failure};
use super::json::Printer;
use crate::tui::command::{Command, Context};
use crate::tui::{Keymap, keymap};

/// Prints the keymap in force, or checks a file.
pub(super) fn keys(_common: &Common, args: KeysArgs, printer: Printer) -> Result<Exit, Failure> {
    let (named, checking) = match args.command {
        Some(KeysCommand::Check { file }) => (Some(file), true),
        None => (None, false),
    };
    let file = config::keymap(named.as_deref())?;
    let user = file.as_ref().map(|(path, text)| (path.as_path(), text.as_str()));
    let keymap = keymap::load(user).map_err(|error| Failure::new(Exit::Error, error.to_string()))?;
    match (printer.is_json(), checking) {
        (true, _) => printer.object("keys", json!({ "keys": rows(&keymap) })),
        (false, true) => printer.words("the keymap is sound"),
        (false, false) => printer.text(&keymap::table(&keymap)),
    }
    Ok(Exit::Done)
}

fn rows(keymap: &Keymap) -> Vec<serde_json::Value> {
    let in_context = |context: Context| {
        let row = move |(command, keys): (Command, String)| json!({ "context": context.name(), "command": command.name(), "keys": keys, "does": command.doc() });
        keymap.commands(context).map(row)
    };
    Context::ALL.into_iter().flat_map(in_context).collect()
}
