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
mod keymap;
mod keys;
mod ladder;
mod log;
mod looks;
mod observe;
mod out;
mod plans;
mod playbook;
mod preflight;
mod proposals;
mod range;
mod session;
pub mod shape;
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

/// Runs the command line `args` (the program's name first) and gives the exit code of DESIGN: 0 done, 1 error and
/// nothing changed, 2 changes pending, 3 stopped by a guard, 4 done but not verified, 5 not confirmed or stale, 6
/// partly changed or not known, 64 wrong usage.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    out::speak_of_panics();
    let words: Vec<OsString> = args.into_iter().collect();
    let exit = match Args::try_parse_from(&words) {
        Ok(args) => {
            let printer = Printer::new(args.output);
            carried_out(args, printer).unwrap_or_else(|failure| printer.failure(&failure))
        }
        Err(error) => misused(&error, &words),
    };
    out::settled(exit).into()
}

fn carried_out(args: Args, printer: Printer) -> Result<Exit, Failure> {
    check_machine(SystemTime::now()).map_err(|why| Failure::new(Exit::Error, why))?;
    log::start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Error, format!("the runtime did not start: {error}")))?;
    let outcome = runtime.block_on(dispatch(args, printer));
    // A hung call must not hold up the exit.
    runtime.shutdown_background();
    outcome
}

/// Help and version, or wrong usage; that is an object as well where JSON was asked for.
fn misused(error: &clap::Error, words: &[OsString]) -> Exit {
    // Without colours, an escape sequence in it can only be somebody else's.
    let plain = command().styles(clap::builder::Styles::plain()).try_get_matches_from(words);
    let raw = plain.map_or_else(|error| error.render().ansi().to_string(), |_| error.to_string());
    out::clap(error, &raw);
    if !error.use_stderr() {
        return Exit::Done;
    }
    if json::asked_for(words) {
        let message = raw.lines().next().unwrap_or_default();
        Printer::new(args::Output::Json).error(&Failure::usage(message.trim_start_matches("error: ")));
    }
    Exit::Usage
}

async fn dispatch(args: Args, printer: Printer) -> Result<Exit, Failure> {
    let common = args.common;
    match args.command {
        Command::Drill(DrillArgs { command: Some(command), .. }) => Ok(drill::drill(&command, printer)),
        Command::Drill(drill) => console::drill(&common, drill).await,
        Command::Config(command) => Box::pin(config::config(&common, command, printer)).await,
        Command::Live(live) => console::live(&common, live).await,
        Command::Snapshot(snapshot) => Box::pin(observe::snapshot(&common, snapshot, printer)).await,
        Command::Proposals(args) => Box::pin(proposals::proposals(&common, args, printer)).await,
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
        Command::Keys(keys) => keys::keys(&common, &keys, printer),
        Command::Range(range) => range::range(&common, range, printer).await,
        Command::Completions(completions) => Ok(completions::completions(&completions)),
    }
}
