//! What the host and its tasks work with.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use crate::cli::out;
use crate::incident::IncidentStore;
use crate::model::connection::ConnectionId;
use crate::model::playbook::Playbook;
use crate::model::settings::Settings;
use crate::respond::desk::books::Whose;
use crate::tui::{Event, News};

/// How long leaving waits for a change that is being made.
const LEAVING: Duration = Duration::from_mins(5);

/// Tells the screen what happens in one account and region.
#[derive(Debug, Clone)]
pub(super) struct Teller {
    pub(super) at: ConnectionId,
    pub(super) events: UnboundedSender<Event>,
}

impl Teller {
    /// Tells; nobody may be there any more.
    pub(super) fn tell(&self, news: News) {
        let _ = self.events.send(news.from(self.at));
    }

    /// Whether the screen is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.events.is_closed()
    }
}

/// What the host works with.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) settings: Arc<Settings>,
    pub(super) store: IncidentStore,
    /// Which incident is written to: a drill opens one of its own.
    pub(super) whose: Whose,
    /// Whether changes may be made, and expired actions are undone.
    pub(super) may_write: bool,
    /// Where exports are written.
    pub(super) exports: PathBuf,
    /// The playbooks there are.
    pub(super) playbooks: Arc<[Playbook]>,
}

/// Tasks that must end before the program does: changes that are being made.
#[derive(Debug, Clone, Default)]
pub(super) struct MustFinish(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl MustFinish {
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let handle = tokio::spawn(task);
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|task| !task.is_finished());
        tasks.push(handle);
    }

    /// Waits until they have ended, for five minutes at most: a proof puts everything back before it ends.
    pub(super) async fn finished(&self) {
        let tasks = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if tasks.iter().all(JoinHandle::is_finished) {
            return;
        }
        out::aside("finishing the change that is being made …");
        let all = futures_util::future::join_all(tasks);
        if tokio::time::timeout(LEAVING, all).await.is_err() {
            out::aside("it did not finish; the next start finds out what was done");
        }
    }
}
