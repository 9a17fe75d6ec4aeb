//! How the screen looks: which theme it has, whether it may draw more than ASCII, and use the kitty keyboard protocol.
//! By flag, configuration and environment.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::args::Common;
use super::config;
use super::error::{self, Failure};
use super::out;
use crate::model::reader::{Mistake, near};
use crate::model::settings::{Settings, mistake_at};
use crate::model::text::shortened;
use crate::tui::Theme;
use crate::tui::theme::{self, BUILT_IN, Characters};

/// Why there is no theme.
enum Wrong {
    /// Nothing is called that, or it cannot be read.
    Name(String),
    /// Its file is wrong.
    File(Vec<Mistake>),
}

/// The theme: the one that `--theme` names, else the configuration's, else what goes with the terminal's background.
///
/// `NO_COLOR` takes the colours out of every choice; what is wrong with the choice is said all the same.
///
/// Beside it whether the terminal is to be asked for its background: only where nobody has chosen, and the environment
/// does not say it.
pub(super) fn theme(flag: Option<&str>, common: &Common, settings: &Settings) -> Result<(Theme, bool), Failure> {
    let chosen = match (flag, config::found(common)) {
        (Some(name), _) => Some(loaded(name, None).map_err(refused)?),
        (None, Some(file)) => configured(&file, settings).map_err(|mistakes| without_it(&mistakes))?,
        (None, None) => None,
    };
    if set("NO_COLOR").is_some() {
        return Ok((Theme::plain(), false));
    }
    if let Some(chosen) = chosen {
        return Ok((chosen, false));
    }
    let said = set("COLORFGBG");
    // Linux's own console has no such answer.
    let asks = said.is_none() && set("TERM").is_none_or(|kind| kind != "linux");
    Ok((Theme::for_terminal(said.as_deref()), asks))
}

/// What a drill looks like, and its keys, as those of the console in earnest: of the user's own configuration it takes
/// this and nothing else, and one that cannot be read does not keep it from starting. `named` is whether both are named
/// by flags.
pub(super) fn settings_of_drill(named: bool, common: &Common) -> Result<Settings, Failure> {
    let own = || match config::settings(common) {
        Ok(settings) => settings,
        Err(failure) => {
            out::aside(&format!("the theme and the keymap of your configuration are not used: {}", failure.message));
            Settings::default()
        }
    };
    match (named, &common.config) {
        (true, _) => Ok(Settings::default()),
        (false, Some(_)) => config::settings(common),
        (false, None) => Ok(own()),
    }
}

/// The theme that the configuration `file` names, where it does.
///
/// # Errors
/// What is wrong, at the theme's place in the configuration, or in the theme's own file.
pub(super) fn configured(file: &Path, settings: &Settings) -> Result<Option<Theme>, Vec<Mistake>> {
    let Some(name) = &settings.screen.theme else { return Ok(None) };
    loaded(name, file.parent()).map(Some).map_err(|wrong| match wrong {
        Wrong::File(mistakes) => mistakes,
        Wrong::Name(why) => {
            let text = config::text_of(file).unwrap_or_default();
            vec![mistake_at(&file.display().to_string(), &text, ("screen", "theme"), why)]
        }
    })
}

/// A built-in theme, or one in a file, from `folder` on.
fn loaded(name: &str, folder: Option<&Path>) -> Result<Theme, Wrong> {
    if let Some(theme) = Theme::built_in(name) {
        return Ok(theme);
    }
    // What could be a misspelt name is not looked for on the disk.
    if !name.contains(['/', '.', std::path::MAIN_SEPARATOR]) {
        let hint = near(name, BUILT_IN.iter().map(|(known, _)| *known));
        return Err(Wrong::Name(format!(
            "there is no theme “{}”{hint}, or write a file: ./my.toml",
            shortened(name, 60)
        )));
    }
    let path = folder.map_or_else(|| Path::new(name).to_owned(), |folder| folder.join(name));
    let text = config::text_of(&path).map_err(|failure| Wrong::Name(failure.message))?;
    theme::read(&path.display().to_string(), &text).map_err(Wrong::File)
}

/// What is wrong with a theme that nobody has named this time, and how to start all the same.
fn without_it(mistakes: &[Mistake]) -> Failure {
    let mut failure = error::refused(mistakes);
    failure.detail.push("--theme dark starts without it".to_owned());
    failure
}

fn refused(wrong: Wrong) -> Failure {
    match wrong {
        Wrong::Name(why) => Failure::usage(why),
        Wrong::File(mistakes) => error::refused(&mistakes),
    }
}

/// What the terminal shows, as far as the locale says.
pub(super) fn characters() -> Characters {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    if cfg!(unix) && !is_utf8(locale.as_deref()) { Characters::Ascii } else { Characters::All }
}

/// Whether the kitty keyboard protocol may be used. Linux's own console cannot have it, and what it might print of a
/// sequence that it does not know would stay on the screen.
pub(super) fn kitty_keyboard() -> bool {
    set("TERM").is_none_or(|kind| kind != "linux")
}

/// Whether a locale's characters are UTF-8. Without one it is `C`, whose are not.
fn is_utf8(locale: Option<&OsStr>) -> bool {
    let name = locale.map(|locale| locale.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    name.contains("utf-8") || name.contains("utf8")
}

/// A variable of the environment; an empty one is not set.
fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_says_whether_it_is_utf_8() {
        for (locale, utf8) in [
            ("en_US.UTF-8", true),
            ("C.utf8", true),
            ("UTF-8", true),
            ("de_DE.UTF-8@euro", true),
            ("C", false),
            ("POSIX", false),
            ("de_DE", false),
            ("de_DE.ISO-8859-15@euro", false),
        ] {
            assert_eq!(is_utf8(Some(OsStr::new(locale))), utf8, "{locale}");
        }
        assert!(!is_utf8(None));
    }
}
