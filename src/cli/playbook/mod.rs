//! `playbook list|show|check|run`.

mod list;
mod run;
mod words;

use super::args::Common;
use super::args::playbook::PlaybookCommand;
use super::config;
use super::error::{Exit, Failure};
use super::json::Printer;
use crate::playbook::Library;

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
