//! Watching an account: what there is, what it is doing, what looks like an attack, who sends it, what watching costs.
//!
//! Everything shown comes out of here as an immutable [`Board`]; a figure that is not known says why, and none is made
//! up. Reads only: nothing in here can change the account. Knows nothing of screens, plans or the journal.
//!
//! | module | what it does |
//! | --- | --- |
//! | `discover` | APIs, stages, web ACLs and the names their series have |
//! | `schedule`, `poll`, `store` | which metrics to ask for and how often, and what a missing minute means |
//! | `logs`, `throttle` | throttled requests, out of access logs and metric filters |
//! | `figures`, [`signal`], `cost` | from minutes to figures, signals and dollars |
//! | `usual`, `baseline` | what is usual while an attack stands, and the past that tells it |
//! | `purse` | log queries that others make, inside the same budget |
//! | `knocking` | how many come to a stage that is closed |
//! | `answered` | who is answered on an attacked stage, by its access log |
//! | `condition` | how an attacked stage stands: contained or not, customers served or not |
//! | `state`, `picture` | what is known so far, and a board of it |
//! | `task`, `once` | the watcher that stays, and the reading that does not |
//! | `busiest` | which rules' samples are worth asking for |
//! | `source` | client addresses out of WAF's samples |
//! | `callers` | those and the access log's together, and which side each is on |
//! | [`candidate`] | from addresses to what to block |
//! | `stage_report` | one stage in depth |

mod answered;
mod baseline;
mod busiest;
mod callers;
pub mod candidate;
mod change;
mod condition;
mod cost;
mod discover;
mod figures;
mod habit;
mod knocking;
mod logs;
mod once;
mod picture;
mod poll;
mod purse;
mod schedule;
pub mod signal;
mod source;
mod stage_report;
mod state;
mod store;
mod task;
mod throttle;
mod usual;
mod words;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

pub use busiest::{Busiest, busiest};
pub use callers::{CallersOf, Meter, NobodyKnown, Scanned, Unasked, callers};
pub use change::{SignalChange, signal_changes};
pub use knocking::{Knocking, knocking};
pub use once::{attack_began, attack_began_on, read_board, read_board_of_api};
pub use source::{callers_before, sources};
pub use stage_report::stage_report;

use crate::aws::Aws;
use crate::model::belief::Beliefs;
use crate::model::board::Board;
use crate::model::settings::Settings;
use crate::model::stage::{AccessLog, StageId};

/// Watches one account and region in the background, until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    boards: watch::Receiver<Arc<Board>>,
    refresh: Arc<Notify>,
    focus: watch::Sender<Vec<StageId>>,
    beliefs: watch::Sender<Beliefs>,
    purse: UnboundedSender<purse::Wish>,
    task: JoinHandle<()>,
}

impl Watcher {
    /// Begins to watch. Returns at once, with an empty board; must be called inside a tokio runtime.
    #[must_use]
    pub fn start(aws: Aws, settings: Arc<Settings>) -> Self {
        let empty = Board::empty(aws.clock().now());
        let (sender, boards) = watch::channel(Arc::new(empty));
        let refresh = Arc::new(Notify::new());
        let (focus, focused) = watch::channel(Vec::new());
        let (beliefs, believed) = watch::channel(Beliefs::default());
        let (purse, wishes) = unbounded_channel();
        let asked = task::Inputs { refresh: Arc::clone(&refresh), focus: focused, beliefs: believed, purse: wishes };
        let task = task::Task::new(aws, settings, sender, asked);
        Self { boards, refresh, focus, beliefs, purse, task: tokio::spawn(task.run()) }
    }

    /// The boards as they come. They go on coming while calls hang or fail: with what was read before, at its own age,
    /// and with `polling.trouble`.
    #[must_use]
    pub fn boards(&self) -> watch::Receiver<Arc<Board>> {
        self.boards.clone()
    }

    /// The stages that somebody looks at: they are read more often and more of them is, as those are that look
    /// attacked.
    pub fn look_at(&self, stages: Vec<StageId>) {
        self.focus.send_if_modified(|focus| {
            let differ = *focus != stages;
            *focus = stages;
            differ
        });
    }

    /// What is believed: the attacks that are pinned, by which usuals are frozen and not by what the boards say, and
    /// our own measures, whose effects are no attack.
    pub fn believe(&self, beliefs: Beliefs) {
        self.beliefs.send_if_modified(|believed| {
            let differ = *believed != beliefs;
            *believed = beliefs;
            differ
        });
    }

    /// Whether a stage's access log may be asked who calls, where nobody has asked for it: dollars that it takes of the
    /// budget for log queries, to be settled by [`Self::settle_log`]. `log`: as it was read of the stage; `began`: of
    /// the attack, where one is known.
    ///
    /// # Errors
    /// Why it may not.
    pub async fn reserve_log(
        &self,
        stage: &StageId,
        log: Option<AccessLog>,
        began: Option<DateTime<Utc>>,
    ) -> Result<f64, String> {
        let (answer, told) = oneshot::channel();
        let _ = self.purse.send(purse::Wish::Reserve { stage: stage.clone(), log, began, answer });
        told.await.unwrap_or_else(|_| Err("nothing is watched any more".to_owned()))
    }

    /// What a reading of a log has scanned. `reserved`: the dollars that it took of the budget, which without this stay
    /// taken; `None` where somebody asked for it, which no budget limits.
    pub fn settle_log(&self, reserved: Option<f64>, scanned: Scanned) {
        let _ = self.purse.send(purse::Wish::Settle { reserved, scanned });
    }

    /// Polls the metrics now; does nothing more while a poll is under way.
    pub fn refresh(&self) {
        self.refresh.notify_one();
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // The calls under way belong to the task and end with it.
        self.task.abort();
    }
}
