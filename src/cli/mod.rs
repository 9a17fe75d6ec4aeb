//! The command line: one file a command; exit codes; JSON shapes.

mod act;
mod actions;
mod args;
mod completions;
mod config;
mod console;
mod drill;
mod error;
mod interrupt;
mod json;
mod keys;
mod ladder;
mod log;
mod observe;
mod plans;
mod playbook;
mod preflight;
mod range;
mod session;
mod sources;
mod stage;
mod text;
mod timeline;
mod waiting;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser;

use crate::clock::check_machine;
pub use args::command;
use args::{Args, Command, DrillArgs};
use error::{Exit, Failure};
use json::Printer;

/// Runs the command line `args` (the program's name first) and gives the exit code of DESIGN: 0 done, 1 error and nothing
/// changed, 2 changes pending, 3 stopped by a guard, 4 done but not verified, 5 not confirmed or stale, 6 partly changed or
/// not known, 64 wrong usage.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = args.into_iter().collect();
    let args = match Args::try_parse_from(&words) {
        Ok(args) => args,
        Err(error) => return misused(&error, &words),
    };
    let printer = Printer::new(args.output);
    if let Err(why) = check_machine(SystemTime::now()) {
        return printer.failure(&Failure::new(Exit::Error, why));
    }
    if let Err(failure) = log::start() {
        return printer.failure(&failure);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return printer.failure(&Failure::new(Exit::Error, format!("the runtime did not start: {error}")));
        }
    };
    let outcome = runtime.block_on(dispatch(args, printer));
    // A hung call must not hold up the exit.
    runtime.shutdown_background();
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => printer.failure(&failure),
    }
}

/// Help and version, or wrong usage; that is an object as well where JSON was asked for.
fn misused(error: &clap::Error, words: &[OsString]) -> ExitCode {
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if json::asked_for(words) {
        let told = error.to_string();
        let message = told.lines().next().unwrap_or_default();
        Printer::new(args::Output::Json).error(&Failure::usage(message.trim_start_matches("error: ")));
    }
    Exit::Usage.into()
}

async fn dispatch(args: Args, printer: Printer) -> Result<Exit, Failure> {
    let common = args.common;
    match args.command {
        Command::Drill(DrillArgs { command: Some(command), .. }) => Ok(drill::drill(&command, printer)),
        Command::Drill(drill) => console::drill(&common, drill).await,
        Command::Config(command) => Box::pin(config::config(&common, command, printer)).await,
        Command::Live(live) => console::live(&common, live).await,
        Command::Snapshot(snapshot) => Box::pin(observe::snapshot(&common, snapshot, printer)).await,
        Command::Sources(sources) => sources::sources(&common, sources, printer).await,
        Command::Preflight(args) => Box::pin(preflight::preflight(&common, args, printer)).await,
        Command::Plan(plan) => act::plan(&common, plan, printer).await,
        Command::Apply(apply) => Box::pin(act::apply(&common, apply, printer)).await,
        Command::Undo(undo) => Box::pin(act::undo(&common, undo, printer)).await,
        Command::Actions => actions::actions(&common, printer).await,
        Command::Extend(args) => actions::extend(&common, args, printer).await,
        Command::Sweep => actions::sweep(&common, printer).await,
        Command::Playbook(playbook) => Box::pin(playbook::playbook(&common, playbook, printer)).await,
        Command::Timeline(timeline) => timeline::timeline(&common, timeline, printer).await,
        Command::Keys(keys) => keys::keys(&common, keys, printer),
        Command::Range(range) => range::range(&common, range, printer).await,
        Command::Completions(completions) => Ok(completions::completions(&completions)),
    }
}
