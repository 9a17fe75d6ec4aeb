//! `playbook list`, `show` and `check`: what there is, without running anything.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::library;
use super::words;
use crate::aws::Aws;
use crate::cli::args::Common;
use crate::cli::args::playbook::ListArgs;
use crate::cli::config;
use crate::cli::config::mistake;
use crate::cli::error::{Exit, Failure};
use crate::cli::json::Printer;
use crate::cli::session::{believed, narrowed, only};
use crate::model::attack::AttackKind;
use crate::model::playbook::{Fallback, Input, Look, Origin, Playbook, Step, Task};
use crate::model::signal::SignalKind;
use crate::playbook::read_file;
use crate::watch::read_board;

/// Every playbook, those first that answer what stands on the stage named.
pub(super) async fn list(common: &Common, args: ListArgs, printer: Printer) -> Result<Exit, Failure> {
    let library = library(printer);
    let (standing, kind) = match &args.stage {
        Some(stage) => {
            let (standing, kind) = standing(common, stage, printer).await?;
            (Some(standing), kind)
        }
        None => (None, None),
    };
    let answering = |playbook: &Playbook| -> Vec<SignalKind> {
        let standing = standing.iter().flatten().copied();
        standing.filter(|kind| playbook.answers.contains(kind)).collect()
    };
    let mut playbooks: Vec<&Playbook> = library.playbooks.iter().collect();
    let signals = standing.clone().unwrap_or_default();
    playbooks.sort_by_key(|playbook| std::cmp::Reverse(playbook.fits(kind, &signals)));
    if printer.is_json() {
        let rows: Vec<Value> = playbooks
            .iter()
            .map(|playbook| {
                let answers_now: Option<Vec<&str>> =
                    standing.as_ref().map(|_| answering(playbook).iter().map(|kind| kind.id()).collect());
                let mut row = head(playbook);
                row["steps"] = json!(playbook.steps.len());
                row["answers_now"] = json!(answers_now);
                row
            })
            .collect();
        let mistakes: Vec<Value> = library.mistakes.iter().map(mistake).collect();
        printer.object("playbooks", json!({ "playbooks": rows, "mistakes": mistakes }));
    } else {
        let rows: Vec<(&Playbook, Vec<SignalKind>)> = playbooks.into_iter().map(|p| (p, answering(p))).collect();
        printer.text(&words::list(&rows));
    }
    Ok(Exit::Done)
}

/// What stands on a stage now, and the attack's kind as somebody has said or the figures tell it, by one reading of the
/// board.
async fn standing(
    common: &Common,
    stage: &crate::model::stage::StageSelector,
    printer: Printer,
) -> Result<(Vec<SignalKind>, Option<AttackKind>), Failure> {
    let settings = Arc::new(config::settings(common)?);
    let common = &narrowed(common, stage)?;
    let aws = Aws::connect(&only(common)?).await?;
    let id = crate::respond::resolve::stage(&aws, stage, crate::aws::Lane::Plan).await?.id;
    let beliefs = believed(common, &aws, &settings, printer).await;
    let board = read_board(&aws, &settings, &beliefs).await?;
    let row = board.row(&id).ok_or_else(|| {
        Failure::new(Exit::Error, format!("which signals are active on {} is not known; try again", id.label()))
    })?;
    let said = beliefs.attacks.on(&id).and_then(|attack| attack.kind);
    Ok((row.signals.iter().map(|signal| signal.kind).collect(), said.or(row.kind_of_attack())))
}

/// One playbook, whole.
pub(super) fn show(name: &str, printer: Printer) -> Result<Exit, Failure> {
    let library = library(printer);
    let playbook = library.find(name).map_err(Failure::usage)?;
    if printer.is_json() {
        let mut whole = head(playbook);
        whole["summary"] = json!(playbook.summary);
        whole["inputs"] = json!(playbook.inputs.iter().map(input).collect::<Vec<_>>());
        whole["steps"] = json!(playbook.steps.iter().map(step).collect::<Vec<_>>());
        printer.object("playbook-content", json!({ "playbook": whole }));
    } else {
        printer.text(&words::playbook(playbook));
    }
    Ok(Exit::Done)
}

/// Checks files: 0 where all are playbooks, else 1.
pub(super) fn check(files: &[PathBuf], printer: Printer) -> Exit {
    let mut exit = Exit::Done;
    let mut values = Vec::new();
    for file in files {
        let shown = file.display().to_string();
        let mistakes = read_file(file, &shown).err().unwrap_or_default();
        if mistakes.is_empty() {
            printer.words(&format!("{shown} is a valid playbook"));
        } else {
            exit = Exit::Error;
            printer.aside(&mistakes.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
        values.push(json!({ "file": shown, "mistakes": mistakes.iter().map(mistake).collect::<Vec<_>>() }));
    }
    if printer.is_json() {
        printer.object("playbook-check", json!({ "files": values }));
    }
    exit
}

fn head(playbook: &Playbook) -> Value {
    let (file, replaces) = match &playbook.origin {
        Origin::Embedded => (None, false),
        Origin::File { path, replaces } => (Some(path.display().to_string()), *replaces),
    };
    json!({
        "name": playbook.name,
        "title": playbook.title,
        "answers": playbook.answers,
        "kinds": playbook.kinds,
        "drill": playbook.drill,
        "file": file,
        "replaces_embedded": replaces,
    })
}

fn input(one: &Input) -> Value {
    let default = match &one.default {
        None => Value::Null,
        Some(Fallback::Value(value)) => json!(value.to_string()),
        Some(Fallback::From(from)) => json!({ "from": from }),
    };
    json!({ "name": one.name, "type": one.kind, "describe": one.describe, "default": default })
}

/// A step as `show` and `run` give it.
pub(super) fn step(one: &Step) -> Value {
    let mut value = json!({
        "id": one.id,
        "title": one.title,
        "does": one.task.word(),
        "optional": one.optional,
        "inputs": one.task.inputs().collect::<Vec<_>>(),
    });
    match &one.task {
        Task::Note { text } => value["note"] = json!(text),
        Task::Observe { look, within_seconds } => {
            value["observe"] = json!(look.word());
            value["within_seconds"] = json!(within_seconds);
            if let Look::SignalsCleared { signals, for_seconds } = look {
                value["signals"] = json!(signals);
                value["for_seconds"] = json!(for_seconds);
            }
            if let Look::State { states } = look {
                value["is"] = json!(states);
            }
        }
        Task::Action { .. } | Task::Undo { .. } => {}
    }
    if let Some(about) = one.task.about() {
        value["about"] = json!(about);
    }
    value
}
