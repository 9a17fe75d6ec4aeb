//! `playbook list`, `show` and `check`: what there is, without running anything.

use std::path::PathBuf;
use std::sync::Arc;

use super::library;
use super::words;
use crate::aws::Aws;
use crate::cli::args::Common;
use crate::cli::args::playbook::ListArgs;
use crate::cli::config;
use crate::cli::error::{Exit, Failure};
use crate::cli::json::Printer;
use crate::cli::session::{believed, narrowed, only};
use crate::cli::shape::check::{CheckedFile, CheckedFiles, MistakeShape};
use crate::cli::shape::playbook::{
    DefaultShape, InputShape, PlaybookContent, PlaybookHead, PlaybookRow, Playbooks, StepShape, WholePlaybook,
};
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
        let row = |playbook: &&Playbook| PlaybookRow {
            head: head(playbook),
            steps: playbook.steps.len(),
            answers_now: standing.as_ref().map(|_| answering(playbook)),
        };
        let playbooks = playbooks.iter().map(row).collect();
        printer.object("playbooks", &Playbooks { playbooks, mistakes: MistakeShape::each(&library.mistakes) });
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
        let playbook = WholePlaybook {
            head: head(playbook),
            summary: playbook.summary.clone(),
            inputs: playbook.inputs.iter().map(input).collect(),
            steps: playbook.steps.iter().map(step).collect(),
        };
        printer.object("playbook-content", &PlaybookContent { playbook });
    } else {
        printer.text(&words::playbook(playbook));
    }
    Ok(Exit::Done)
}

/// Checks files: 0 where all are playbooks, else 1.
pub(super) fn check(files: &[PathBuf], printer: Printer) -> Exit {
    let mut exit = Exit::Done;
    let mut checked = Vec::new();
    for file in files {
        let shown = file.display().to_string();
        let mistakes = read_file(file, &shown).err().unwrap_or_default();
        if mistakes.is_empty() {
            printer.words(&format!("{shown} is a valid playbook"));
        } else {
            exit = Exit::Error;
            printer.aside(&mistakes.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
        checked.push(CheckedFile { file: shown, mistakes: MistakeShape::each(&mistakes) });
    }
    if printer.is_json() {
        printer.object("playbook-check", &CheckedFiles { files: checked });
    }
    exit
}

fn head(playbook: &Playbook) -> PlaybookHead {
    let (file, replaces_embedded) = match &playbook.origin {
        Origin::Embedded => (None, false),
        Origin::File { path, replaces } => (Some(path.display().to_string()), *replaces),
    };
    PlaybookHead {
        name: playbook.name.clone(),
        title: playbook.title.clone(),
        answers: playbook.answers.clone(),
        kinds: playbook.kinds.clone(),
        drill: playbook.drill.clone(),
        file,
        replaces_embedded,
    }
}

fn input(one: &Input) -> InputShape {
    let default = one.default.as_ref().map(|default| match default {
        Fallback::Value(value) => DefaultShape::Value(value.to_string()),
        Fallback::From(from) => DefaultShape::Situation { from: *from },
    });
    InputShape { name: one.name.clone(), kind: one.kind, describe: one.describe.clone(), default }
}

/// A step as `show` and `run` give it.
pub(super) fn step(one: &Step) -> StepShape {
    let mut shape = StepShape {
        id: one.id.clone(),
        title: one.title.clone(),
        does: one.task.word().to_owned(),
        optional: one.optional,
        inputs: one.task.inputs().map(str::to_owned).collect(),
        note: None,
        observe: None,
        within_seconds: None,
        signals: None,
        for_seconds: None,
        is: None,
        about: one.task.about().map(str::to_owned),
    };
    match &one.task {
        Task::Note { text } => shape.note = Some(text.clone()),
        Task::Observe { look, within_seconds } => {
            shape.observe = Some(look.word().to_owned());
            shape.within_seconds = Some(*within_seconds);
            match look {
                Look::SignalsCleared { signals, for_seconds } => {
                    shape.signals = Some(signals.clone());
                    shape.for_seconds = Some(*for_seconds);
                }
                Look::State { states } => shape.is = Some(states.clone()),
                Look::Effect { .. } | Look::RequestsBelow { .. } => {}
            }
        }
        Task::Action { .. } | Task::Undo { .. } => {}
    }
    shape
}
