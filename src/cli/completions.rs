//! `completions SHELL`.

use super::args::{CompletionsArgs, command};
use super::error::Exit;
use super::out;

/// Prints completions for a shell.
pub(super) fn completions(args: &CompletionsArgs) -> Exit {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "portcullis", &mut script);
    out::whole(&String::from_utf8_lossy(&script));
    Exit::Done
}
