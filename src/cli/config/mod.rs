//! The configuration file: found, read, and refused with line and hint where it has a mistake.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::args::{Common, ConfigCommand};
use super::error::{self, Exit, Failure};
use super::json::Printer;
use crate::model::settings::{Settings, read as read_settings};

mod check;

/// `config …`.
pub(super) async fn config(common: &Common, command: ConfigCommand, printer: Printer) -> Result<Exit, Failure> {
    let ConfigCommand::Check(args) = command;
    check::check(common, args, printer).await
}

/// `$XDG_CONFIG_HOME/portcullis`.
fn config_dir() -> Option<PathBuf> {
    let base = etcetera::base_strategy::Xdg::new().ok()?;
    Some(base.config_dir().join("portcullis"))
}

/// The settings in force: the file named, else the user's own, else the defaults.
pub(super) fn settings(common: &Common) -> Result<Settings, Failure> {
    found(common).map_or_else(|| Ok(Settings::default()), |path| read(&path))
}

/// The file in force, where there is one.
pub(super) fn found(common: &Common) -> Option<PathBuf> {
    let own = || config_dir().map(|dir| dir.join("config.toml")).filter(|path| path.exists());
    common.config.clone().or_else(own)
}

fn read(path: &Path) -> Result<Settings, Failure> {
    parsed(path, &text_of(path)?)
}

/// A configuration longer than this is a mistake, bytes.
const LONGEST: u64 = 1024 * 1024;

/// The text of a file that a person wrote.
pub(super) fn text_of(path: &Path) -> Result<String, Failure> {
    let unreadable = |why: String| Failure::usage(format!("{} could not be read: {why}", path.display()));
    let about = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    // A pipe would be waited for, and a device may never end.
    if !about.is_file() {
        return Err(unreadable("it is not a regular file".to_owned()));
    }
    if about.len() > LONGEST {
        return Err(unreadable(format!("{} bytes are too many for a file written by hand", about.len())));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))
}

fn parsed(path: &Path, text: &str) -> Result<Settings, Failure> {
    read_settings(&path.display().to_string(), text).map_err(|mistakes| error::refused(&mistakes))
}

/// The user's own keymap file and its text, where there is one.
pub(super) fn own_keymap() -> Result<Option<(PathBuf, String)>, Failure> {
    let path = config_dir().map(|dir| dir.join("keymap.toml")).filter(|path| path.exists());
    let Some(path) = path else { return Ok(None) };
    let text = text_of(&path)?;
    Ok(Some((path, text)))
}

/// The folder with the user's own playbooks.
pub(super) fn playbooks() -> Option<PathBuf> {
    config_dir().map(|dir| dir.join("playbooks"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_typo_is_told_with_line_and_hint() {
        let text = "[guards]\nwidest-v4 = 24\nnever-blok = []\n";
        let failure = parsed(Path::new("config.toml"), text).unwrap_err();
        assert!(failure.message.starts_with("config.toml:3:1: "), "{}", failure.message);
        assert!(failure.message.contains("Did you mean “never-block”?"), "{}", failure.message);
    }

    #[test]
    fn a_prefix_that_is_none_is_told_with_its_line() {
        let text = "[guards]\nnever-block = [\n  \"203.0.113.0/33\",\n]\n";
        let failure = parsed(Path::new("config.toml"), text).unwrap_err();
        assert!(
            failure.message.starts_with("config.toml:2") || failure.message.starts_with("config.toml:3"),
            "{}",
            failure.message
        );
    }
}
