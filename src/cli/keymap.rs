//! Which keymap the screen has: by flag and configuration, with the user's own file over it.

use std::path::{Path, PathBuf};

use super::args::Common;
use super::config;
use super::error::{self, Failure};
use crate::model::reader::{Mistake, near};
use crate::model::settings::{Settings, mistake_at};
use crate::model::text::shortened;
use crate::tui::Keymap;
use crate::tui::keymap::{BUILT_IN, Base, built_in, load_over};

/// What a flag or the configuration chooses.
enum Choice {
    BuiltIn(&'static str),
    File(PathBuf, String),
}

/// The keymap in force: the one that `--keymap` names, else the configuration's, else the default. The user's own
/// `keymap.toml` is laid over a built-in one, and another file takes its place.
pub(super) fn in_force(flag: Option<&str>, common: &Common, settings: &Settings) -> Result<Keymap, Failure> {
    if let Some(name) = flag {
        return match chosen(name, None).map_err(Failure::usage)? {
            Choice::BuiltIn(name) => with_own(Base::Named(name)),
            Choice::File(path, text) => with_file(usual(settings), &path, &text),
        };
    }
    let Some(file) = config::found(common) else { return with_own(usual(settings)) };
    match configured_choice(&file, settings).map_err(|mistake| without_it(&mistake))? {
        None | Some(Choice::BuiltIn(_)) => with_own(usual(settings)),
        Some(Choice::File(path, text)) => with_file(usual(settings), &path, &text),
    }
}

/// A file by itself, over what it would be laid over. What is wrong with the configuration is not asked here.
pub(super) fn of_file(path: &Path, common: &Common) -> Result<Keymap, (bool, Failure)> {
    let text = config::text_of(path).map_err(|failure| (false, failure))?;
    let settings = config::settings(common).unwrap_or_default();
    with_file(usual(&settings), path, &text).map_err(|failure| (true, failure))
}

/// What is wrong with the keymap that the configuration `file` names, where it names one.
pub(super) fn configured(file: &Path, settings: &Settings) -> Result<(), Vec<Mistake>> {
    let checked = match configured_choice(file, settings).map_err(|mistake| vec![mistake])? {
        Some(Choice::File(path, text)) => with_file(Base::Usual(BUILT_IN[0].0), &path, &text).map(|_| ()),
        None | Some(Choice::BuiltIn(_)) => Ok(()),
    };
    checked.map_err(|failure| vec![at_its_place(file, failure.message)])
}

fn configured_choice(file: &Path, settings: &Settings) -> Result<Option<Choice>, Mistake> {
    let Some(name) = &settings.screen.keymap else { return Ok(None) };
    chosen(name, file.parent()).map(Some).map_err(|why| at_its_place(file, why))
}

fn at_its_place(file: &Path, why: String) -> Mistake {
    let text = config::text_of(file).unwrap_or_default();
    mistake_at(&file.display().to_string(), &text, ("screen", "keymap"), why)
}

/// A built-in keymap, or a file, from `folder` on; or why there is none.
fn chosen(name: &str, folder: Option<&Path>) -> Result<Choice, String> {
    if let Some((known, _)) = built_in(name) {
        return Ok(Choice::BuiltIn(known));
    }
    let path = folder.map_or_else(|| Path::new(name).to_owned(), |folder| folder.join(name));
    // What could be a misspelt name is one, unless there is such a file.
    if !name.contains(['/', '.', std::path::MAIN_SEPARATOR]) && !path.is_file() {
        return Err(unknown(name));
    }
    let text = config::text_of(&path).map_err(|failure| failure.message)?;
    Ok(Choice::File(path, text))
}

fn unknown(name: &str) -> String {
    let names = BUILT_IN.map(|(known, _)| known);
    let all = format!(" There is {}", names.join(", "));
    // Where none is near, all of them are the hint.
    let hint = near(name, names.into_iter());
    let all = if hint.contains(&all) { "" } else { &all };
    format!("there is no keymap “{}”{hint}{all}, or write a file: ./my.toml", shortened(name, 60))
}

/// What a file is laid over that does not say: the configuration's keymap, where that is a built-in one.
fn usual(settings: &Settings) -> Base<'_> {
    let named = settings.screen.keymap.as_deref().filter(|name| built_in(name).is_some());
    Base::Usual(named.unwrap_or(BUILT_IN[0].0))
}

fn with_own(base: Base<'_>) -> Result<Keymap, Failure> {
    match config::own_keymap()? {
        None => load_over(base, None).map_err(|error| Failure::usage(error.to_string())),
        Some((path, text)) => with_file(base, &path, &text).map_err(|mut failure| {
            failure.detail.push("--keymap with another file starts without it".to_owned());
            failure
        }),
    }
}

fn with_file(base: Base<'_>, path: &Path, text: &str) -> Result<Keymap, Failure> {
    load_over(base, Some((path, text))).map_err(|error| Failure::usage(error.to_string()))
}

/// What is wrong with a keymap that nobody has named this time, and how to start all the same.
fn without_it(mistake: &Mistake) -> Failure {
    let mut failure = error::refused(std::slice::from_ref(mistake));
    failure.detail.push("--keymap default starts without it".to_owned());
    failure
}
