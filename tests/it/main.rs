//! One test binary: the console against real files, the real SDK, the range, and a test terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod block_ip;
mod cli;
mod docs;
mod emulator;
mod incident;
mod incident_fixtures;
mod incident_laws;
mod journal;
mod kill_switch;
mod layers;
mod pictures;
mod playbook;
mod playbook_run;
mod policy_laws;
mod program;
mod pty;
mod report;
mod respond_crash;
mod respond_laws;
mod respond_stage;
mod sdk;
mod terminal;
mod tui_fixtures;
mod tui_flows;
mod tui_keymap;
mod tui_monkey;
mod tui_playbooks;
mod tui_pty;
mod tui_screens;
mod tui_stage_actions;
mod watch;
mod watch_weather;
mod world;
