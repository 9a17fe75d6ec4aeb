//! How the console is started: what it may do, its keys and colours, what it watches.

use std::sync::Arc;

use chrono::TimeDelta;
use ipnet::IpNet;

use crate::model::playbook::Playbook;
use crate::model::settings::Accounts;

use super::fleet::Target;
use super::keymap::Keymap;
use super::mode::Mode;
use super::theme::{Characters, Theme};

/// How the console is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// What it may do.
    pub mode: Mode,
    /// The keys, as [`super::keymap::load`] gives them.
    pub keymap: Keymap,
    /// Whether the terminal is asked for its background, since nobody has chosen a theme.
    pub asks_background: bool,
    /// Whether the kitty keyboard protocol may be used; a terminal that does not know it prints none of what that
    /// takes.
    pub kitty_keyboard: bool,
    /// The colours.
    pub theme: Theme,
    /// What the terminal shows.
    pub characters: Characters,
    /// The accounts and regions watched, in the order of their
    /// [`ConnectionId`](crate::model::connection::ConnectionId)s; never empty.
    pub targets: Vec<Target>,
    /// Account time after which figures count as stale; three polls are a good measure.
    pub stale_after: TimeDelta,
    /// The expiry offered for a block, as it would be typed, e.g. `4h`.
    pub block_for: String,
    /// The playbooks there are.
    pub playbooks: Arc<[Playbook]>,
    /// What is wrong with playbook files that are not among them, a line each.
    pub playbook_mistakes: Vec<String>,
    /// Who is offered to be let in when a stage is closed: the configuration's break-glass and never-block ranges.
    pub admitted: Vec<IpNet>,
    /// What accounts are called, and which of them are not production.
    pub accounts: Accounts,
}

impl Options {
    /// The usual: three minutes to stale, blocks for four hours.
    #[must_use]
    pub fn new(mode: Mode, keymap: Keymap, theme: Theme) -> Self {
        Self {
            mode,
            keymap,
            asks_background: false,
            kitty_keyboard: true,
            theme,
            characters: Characters::All,
            targets: vec![Target::only("asking AWS who we are")],
            stale_after: TimeDelta::minutes(3),
            block_for: "4h".into(),
            playbooks: Arc::new([]),
            playbook_mistakes: Vec::new(),
            admitted: Vec::new(),
            accounts: Accounts::new(),
        }
    }
}
