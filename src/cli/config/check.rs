//! `config check`: what is wrong with the configuration, what it leaves unsaid, and, where AWS may be asked, what it
//! names that there is not.

use std::path::PathBuf;

use super::{found, text_of};
use crate::aws::read::Named;
use crate::aws::{Aws, Lane};
use crate::cli::args::{Common, ConfigCheckArgs};
use crate::cli::error::{Exit, Failure};
use crate::cli::json::Printer;
use crate::cli::keymap;
use crate::cli::looks;
use crate::cli::session::connections;
use crate::cli::shape::check::{ConfigCheck, ConfigShape, MistakeShape, UnmatchedShape, UnsaidShape};
use crate::model::reader::Mistake;
use crate::model::settings::{Settings, Unsaid, read, unsaid};
use crate::model::text::neutralised;
use crate::respond::resolve::{self, ResolveError};

/// A name of the configuration that is nobody's, and why.
struct Unmatched {
    key: &'static str,
    name: String,
    why: String,
}

/// `config check [FILE]`: 0 where the file is sound, 1 where it is not, or names what there is not.
pub(in crate::cli) async fn check(common: &Common, args: ConfigCheckArgs, printer: Printer) -> Result<Exit, Failure> {
    let file = args.file.or_else(|| found(common));
    let read = match &file {
        Some(path) => read(&path.display().to_string(), &text_of(path)?)
            .and_then(|settings| looks::configured(path, &settings).map(|_| settings))
            .and_then(|settings| keymap::configured(path, &settings).map(|()| settings)),
        None => Ok(Settings::default()),
    };
    let (settings, mistakes) = match read {
        Ok(settings) => (settings, Vec::new()),
        Err(mistakes) => (Settings::default(), mistakes),
    };
    let sound = mistakes.is_empty();
    let unsaid = if sound { unsaid(&settings) } else { Vec::new() };
    let unmatched = if sound && args.account { Some(unmatched(common, &settings).await?) } else { None };
    let exit = if sound && unmatched.as_ref().is_none_or(Vec::is_empty) { Exit::Done } else { Exit::Error };
    if printer.is_json() {
        printer.object("config-check", &value(file.as_ref(), &mistakes, &unsaid, unmatched.as_deref()));
    } else if sound {
        printer.text(&text(file.as_ref(), &unsaid, unmatched.as_deref()));
    } else {
        printer.aside(&mistakes.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
    Ok(exit)
}

fn value(
    file: Option<&PathBuf>,
    mistakes: &[Mistake],
    unsaid: &[Unsaid],
    unmatched: Option<&[Unmatched]>,
) -> ConfigCheck {
    let unmatched_shape =
        |one: &Unmatched| UnmatchedShape { key: one.key.to_owned(), name: one.name.clone(), message: one.why.clone() };
    let unsaid_shape = |one: &Unsaid| UnsaidShape { key: one.key.clone(), message: one.says.clone() };
    ConfigCheck {
        config: ConfigShape {
            file: file.map(|path| path.display().to_string()),
            sound: mistakes.is_empty(),
            mistakes: MistakeShape::each(mistakes),
            unsaid: unsaid.iter().map(unsaid_shape).collect(),
            unmatched: unmatched.map(|all| all.iter().map(unmatched_shape).collect()),
        },
    }
}

fn text(file: Option<&PathBuf>, unsaid: &[Unsaid], unmatched: Option<&[Unmatched]>) -> String {
    let shown =
        file.map_or_else(|| "the defaults".to_owned(), |path| neutralised(&path.display().to_string()).into_owned());
    let mut lines = vec![match file {
        Some(_) => format!("{shown} is valid"),
        None => "there is no configuration file: the defaults apply".to_owned(),
    }];
    let width = unsaid.iter().map(|one| one.key.len()).max().unwrap_or(0);
    lines.extend(unsaid.iter().map(|one| format!("  {:width$}  {}", one.key, one.says)));
    match unmatched {
        None => {
            lines.push("The names in it were not checked against your account; --account checks them".to_owned());
        }
        Some([]) => lines.push("every name in it exists in the account".to_owned()),
        Some(all) => {
            let line =
                |one: &Unmatched| format!("  {} “{}” applies to nothing: {}", one.key, neutralised(&one.name), one.why);
            lines.extend(all.iter().map(line));
        }
    }
    lines.join("\n")
}

/// What the configuration names that is in none of the accounts and regions asked for.
async fn unmatched(common: &Common, settings: &Settings) -> Result<Vec<Unmatched>, Failure> {
    let mut found: Vec<Vec<Unmatched>> = Vec::new();
    for connection in connections(common) {
        found.push(unmatched_in(&Aws::connect(&connection).await?, settings).await?);
    }
    let mut all = found.into_iter();
    let first = all.next().unwrap_or_default();
    let rest: Vec<Vec<Unmatched>> = all.collect();
    let nowhere = |one: &Unmatched| {
        rest.iter().all(|here| here.iter().any(|other| (other.key, &other.name) == (one.key, &one.name)))
    };
    Ok(first.into_iter().filter(nowhere).collect())
}

async fn unmatched_in(aws: &Aws, settings: &Settings) -> Result<Vec<Unmatched>, Failure> {
    let mut found = Vec::new();
    for (key, name) in settings.stages_named() {
        let Ok(selector) = name.parse() else { continue };
        match resolve::stage_of_any(aws, &selector, Lane::Plan).await {
            Ok(_) => {}
            Err(ResolveError::Aws(error)) => return Err(error.into()),
            Err(why) => found.push(Unmatched { key, name: name.to_owned(), why: why.to_string() }),
        }
    }
    let guards = &settings.guards;
    let named = |name: &str, all: &[Named]| {
        all.iter().any(|one| one.name == name || one.arn == name || one.arn.rsplit('/').next() == Some(name))
    };
    if !guards.block_lists.is_empty() {
        let sets = aws.ip_set_names(Lane::Plan).await?;
        for name in guards.block_lists.iter().filter(|name| !named(name, &sets)) {
            let why =
                format!("no IP set in {} has that name, id or ARN. Check the region and the spelling", aws.region());
            found.push(Unmatched { key: "guards.block-lists", name: name.clone(), why });
        }
    }
    if let Some(name) = &guards.closed_web_acl
        && !named(name, &aws.web_acl_names(Lane::Plan).await?)
    {
        let why = format!(
            "no web ACL in {} has that name or ARN. `portcullis apply prepare-closed-web-acl` makes one",
            aws.region()
        );
        found.push(Unmatched { key: "guards.closed-web-acl", name: name.clone(), why });
    }
    Ok(found)
}
