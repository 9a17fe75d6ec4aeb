//! `completions SHELL`.

use super::args::{CompletionsArgs, command};
use super::error::Exit;

/// Prints completions for a shell.
pub(super) fn completions(args: &CompletionsArgs) -> Exit {
    clap_complete::generate(args.shell, &mut command(), "portcullis", &mut std::io::stdout());
    Exit::Done
}
