//! The one test binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod tui_fixtures;
mod tui_flows;
mod tui_keymap;
mod tui_monkey;
mod tui_pty;
mod tui_screens;
