//! `keys` and `keys check FILE`.

use serde_json::json;

use super::args::{Common, KeysArgs, KeysCommand};
use super::config;
use super::error::{Exit, Failure};
use super::json::Printer;
use crate::tui::keymap;

/// Prints the keymap in force, or checks a file.
pub(super) fn keys(_common: &Common, args: KeysArgs, printer: &Printer) -> Result<Exit, Failure> {
    let (named, checking) = match args.command {
        Some(KeysCommand::Check { file }) => (Some(file), true),
        None => (None, false),
    };
    let file = config::keymap(named.as_deref())?;
    let user = file.as_ref().map(|(path, text)| (path.as_path(), text.as_str()));
    let keymap = keymap::load(user).map_err(|error| Failure::new(Exit::Error, error.to_string()))?;
    match (printer.is_json(), checking) {
        (true, _) => printer.object("keys", json!({ "keys": keymap::rows(&keymap) })),
        (false, true) => printer.words("the keymap is sound"),
        (false, false) => printer.text(&keymap::table(&keymap)),
    }
    Ok(Exit::Done)
}
