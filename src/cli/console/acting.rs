//! Who carries out what the screen asks for, with all that it takes. What is done stands beside it, a file a kind.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::incident::Journalling;
use super::surroundings::{MustFinish, Teller};
use crate::aws::{Aws, RangeHandle};
use crate::model::board::Board;
use crate::model::playbook::Playbook;
use crate::model::settings::Settings;
use crate::playbook::Boards;
use crate::respond::desk::Desk;
use crate::tui::News;
use crate::watch::Watcher;

/// When something was last tried: wall and account time.
pub(super) type Tried = HashMap<String, (Instant, DateTime<Utc>)>;

/// Carries out effects. Cheap to clone: every effect runs in a task with a clone of it.
#[derive(Clone)]
pub(super) struct Acting {
    pub(super) aws: Aws,
    pub(super) settings: Arc<Settings>,
    /// Where wishes are brought to.
    pub(super) desk: Desk,
    pub(super) journalling: Arc<Journalling>,
    pub(super) screen: Teller,
    pub(super) must_finish: MustFinish,
    pub(super) range: Option<(RangeHandle, f64)>,
    /// The latest board, for what the screen's requests leave unsaid.
    pub(super) latest: Arc<Mutex<Option<Arc<Board>>>>,
    /// Where exports are written.
    pub(super) exports: PathBuf,
    /// When the undo of an expired action was last tried.
    pub(super) tried: Arc<Mutex<Tried>>,
    /// Expired actions of which it was said that they wait.
    pub(super) waiting: Arc<Mutex<HashSet<String>>>,
    /// The playbooks there are.
    pub(super) playbooks: Arc<[Playbook]>,
    pub(super) watcher: Arc<Watcher>,
    /// Boards as they come.
    pub(super) boards: Boards,
}

impl Acting {
    pub(super) fn send(&self, news: News) {
        self.screen.tell(news);
    }
}
