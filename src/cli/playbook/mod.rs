//! `playbook list|show|check|run`.

mod list;
mod run;
mod words;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::args::Common;
use super::config;
use super::error::{Exit, Failure};
use super::json::Printer;
use crate::model::stage::StageSelector;
use crate::playbook::Library;

#[derive(Debug, Subcommand)]
pub(super) enum PlaybookCommand {
    /// Every playbook; with --stage those first that answer what stands there now
    List(ListArgs),
    /// One playbook: what it answers, its inputs, its steps
    Show {
        /// The playbook
        name: String,
    },
    /// Check files; every mistake is told with its line and column
    Check {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Run one for a stage, step by step; every change has its own plan and phrase
    Run(RunArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct ListArgs {
    /// The stage whose signals are to be answered: [profile/][region:]api/stage
    #[arg(long, value_name = "STAGE")]
    stage: Option<StageSelector>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct RunArgs {
    /// The playbook
    name: String,
    /// The stage: [profile/][region:]api/stage
    #[arg(long, value_name = "STAGE")]
    stage: StageSelector,
    /// A value for an input (repeatable); it stays with the run
    #[arg(long = "input", value_name = "NAME=VALUE")]
    inputs: Vec<String>,
    /// Do only this step
    #[arg(long, value_name = "ID")]
    step: Option<String>,
    /// Leave an optional step out (repeatable)
    #[arg(long, value_name = "ID")]
    skip: Vec<String>,
    /// The phrase that the next plan printed, for example "shop/prod 7f3a"; confirms that plan alone
    #[arg(long, value_name = "PHRASE")]
    confirm: Option<String>,
    /// Begin anew, even where a run of it for the stage is not over
    #[arg(long)]
    anew: bool,
}

/// Runs the subcommand.
pub(super) async fn playbook(common: &Common, command: PlaybookCommand, printer: Printer) -> Result<Exit, Failure> {
    match command {
        PlaybookCommand::List(args) => list::list(common, args, printer).await,
        PlaybookCommand::Show { name } => list::show(&name, printer),
        PlaybookCommand::Check { files } => Ok(list::check(&files, printer)),
        PlaybookCommand::Run(args) => Box::pin(run::run(common, args, printer)).await,
    }
}

/// The playbooks there are; what is wrong with files of the user's own is said beside the output.
fn library(printer: Printer) -> Library {
    let library = Library::load(config::playbooks().as_deref());
    let lines: Vec<String> = library.mistakes.iter().map(|mistake| format!("not used: {mistake}")).collect();
    printer.aside(&lines);
    library
}
