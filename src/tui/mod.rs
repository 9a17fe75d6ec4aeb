//! The screen: one board, a few keys, nothing modal except a confirmation.
//!
//! ```text
//!  event ──▶ update(&mut State, Event) ──▶ effects ──▶ whoever runs the console (network, journal, files)
//!                     │                                                   │
//!                     ▼                                                   │
//!           view(&State, &mut Frame)          events ◀────────────────────┘
//! ```
//!
//! [`update`] is pure: no I/O and no clock, since time comes in events. [`view`] only draws: sorting and filtering are
//! done in `update`, and only rows that are on the screen are laid out. [`run`] owns the terminal and connects both to
//! two channels. Nothing here awaits the network, so that a frozen AWS does not freeze a key. What the screen says as
//! lines of text stands below both, in `lines`: `view` draws them, and `update` moves over them.
//!
//! ```text
//!  ┌ header ──────────────────────────────────────────────────────────────────────┐
//!  │ mode, account, region, incident                                              │
//!  │ as of, pace, polling cost, signals                                           │
//!  │ trouble (only while there is some)                                           │
//!  ├ body: board | stage | sources | plan review | timeline | playbooks | help ───┤
//!  │                                                                              │
//!  ├ status: the prompt, or what just happened, or why a key does nothing ────────┤
//!  ├ footer: the keys that matter here, as many as fit ───────────────────────────┤
//!  └──────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Time on the screen: moments are shown as moments (`as of 03:02:00Z`), ages and the incident's clock in whole minutes
//! of account time. So a quiet console draws at most one frame per account minute, and none where nothing on it would
//! change.
//!
//! Must not know the AWS SDK, the journal's files or the range. Strings that came from requests, accounts or people
//! pass through [`crate::model::text`] on their way to the buffer.

// `state` and `stage`, `row` and `rows` are the words for what they are.
#![allow(clippy::similar_names)]

mod app;
mod asked;
mod available;
mod board_pane;
mod busy;
pub mod command;
mod configured;
mod due;
pub mod effect;
pub mod event;
mod fleet;
mod format;
mod keyboard;
pub mod keymap;
mod keys;
mod lines;
mod list;
mod load;
mod looks;
mod mode;
mod next;
mod options;
mod palette;
pub mod picture;
mod playbooks;
mod prompt;
mod review_pane;
mod screens;
mod search;
mod sources_pane;
pub mod state;
pub mod theme;
mod throttle_pane;
mod timeline_pane;
mod timeline_view;
mod typing;
mod update;
mod view;

pub use app::{Exit, TuiError, run};
pub use effect::{Ask, Effect, StepOf};
pub use event::{Event, News, StopReason};
pub use fleet::Target;
pub use keymap::Keymap;
pub use mode::Mode;
pub use options::Options;
pub use state::{Screen, State};
pub use theme::Theme;
pub use timeline_view::TimelineView;
pub use update::update;
pub use view::view;
