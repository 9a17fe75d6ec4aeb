//! The configuration file: found, read, and refused with line and hint where it has a mistake.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::args::Common;
use super::error::Failure;
use crate::model::settings::Settings;

/// `$XDG_CONFIG_HOME/portcullis`.
fn config_dir() -> Option<PathBuf> {
    let base = etcetera::base_strategy::Xdg::new().ok()?;
    Some(base.config_dir().join("portcullis"))
}

/// The settings in force: the file named, else the user's own, else the defaults.
pub(super) fn settings(common: &Common) -> Result<Settings, Failure> {
    if let Some(path) = &common.config {
        return read(path);
    }
    match config_dir().map(|dir| dir.join("config.toml")).filter(|path| path.exists()) {
        Some(path) => read(&path),
        None => Ok(Settings::default()),
    }
}

fn read(path: &Path) -> Result<Settings, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{} could not be read: {error}", path.display())))?;
    parsed(path, &text)
}

fn parsed(path: &Path, text: &str) -> Result<Settings, Failure> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let hint = hint(error.message());
        Failure::usage(format!("{}:{line}: {}{hint}", path.display(), error.message()))
    })
}

/// ` (did you mean …?)` for a key that is nearly one of those expected.
fn hint(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let Some((written, expected)) = quoted.split_first() else { return String::new() };
    let best = expected.iter().map(|name| (strsim::levenshtein(written, name), *name)).min();
    match best {
        Some((distance, name)) if distance <= 3 => format!(" (did you mean {name}?)"),
        _ => String::new(),
    }
}

/// The keymap file in force and its text: the one named, else the user's own.
pub(super) fn keymap(named: Option<&Path>) -> Result<Option<(PathBuf, String)>, Failure> {
    let path = match named {
        Some(path) => Some(path.to_owned()),
        None => config_dir().map(|dir| dir.join("keymap.toml")).filter(|path| path.exists()),
    };
    let Some(path) = path else { return Ok(None) };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::usage(format!("{} could not be read: {error}", path.display())))?;
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
        assert!(failure.message.starts_with("config.toml:3: "), "{}", failure.message);
        assert!(failure.message.contains("did you mean never-block?"), "{}", failure.message);
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
