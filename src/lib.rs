//! Portcullis: a terminal console for the people on call when an AWS API Gateway API is under attack.
//!
//! Layers, arrows only downwards:
//! `cli → tui → drill → playbook → respond → {watch, incident, report} → aws → journal → model`.

// What leaves the process leaves through `cli::out`; tests print what they counted.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod aws;
pub mod cli;
pub mod clock;
#[cfg(test)]
#[path = "../tests/it/draws.rs"]
#[expect(dead_code, reason = "no test beside the code has a matrix")]
mod draws;
pub mod drill;
pub mod incident;
pub mod journal;
pub mod model;
pub mod playbook;
pub mod report;
pub mod respond;
pub mod tui;
pub mod watch;
