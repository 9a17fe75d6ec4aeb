//! What somebody waits for now: for the screen and for standard error.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::quota::Quota;

/// Wall time after which a wait is worth telling.
const WORTH_TELLING: Duration = Duration::from_millis(500);

/// Wall time for which a wait must have ended before that is told: the next call of the same plan may wait again at
/// once.
const OVER: Duration = Duration::from_millis(250);

/// A quota that somebody has been waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waited {
    /// Which.
    pub quota: Quota,
}

impl fmt::Display for Waited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "waiting for {}…", self.quota)
    }
}

/// Who waits, by the number of the call.
#[derive(Debug)]
pub(super) struct Book {
    waiting: Mutex<BTreeMap<u64, (Quota, Instant)>>,
    changed: watch::Sender<()>,
}

impl Book {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::default(), changed: watch::Sender::new(()) })
    }

    /// `number` waits for `quota`, and has since `since`.
    pub(super) fn enter(&self, number: u64, quota: Quota, since: Instant) {
        self.with(|waiting| waiting.insert(number, (quota, since)));
        self.changed.send_replace(());
    }

    /// `number` waits no more.
    pub(super) fn strike(&self, number: u64) {
        self.with(|waiting| waiting.remove(&number));
        self.changed.send_replace(());
    }

    fn with<T>(&self, f: impl FnOnce(&mut BTreeMap<u64, (Quota, Instant)>) -> T) -> T {
        f(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What has been waited for longest.
    fn longest(&self) -> Option<(Quota, Instant)> {
        self.with(|waiting| waiting.values().min_by_key(|(_, since)| *since).copied())
    }
}

/// Tells what plans and changes wait for, past half a second. Polling's waits are nobody's business.
#[derive(Debug)]
pub struct Waits {
    book: Arc<Book>,
    changed: watch::Receiver<()>,
    told: Option<Waited>,
}

impl Waits {
    pub(super) fn of(book: &Arc<Book>) -> Self {
        Self { book: Arc::clone(book), changed: book.changed.subscribe(), told: None }
    }

    /// The next change: a quota that has been waited for longer than half a second, or `None` where nothing is any
    /// more. Does not resolve while nothing changes; dropping it loses nothing.
    pub async fn next(&mut self) -> Option<Waited> {
        loop {
            self.changed.mark_unchanged();
            let Some((quota, since)) = self.book.longest() else {
                if self.told.is_some() && !self.again_within(OVER).await {
                    self.told = None;
                    return None;
                }
                if self.told.is_none() && self.changed.changed().await.is_err() {
                    // Nobody will wait any more.
                    std::future::pending::<()>().await;
                }
                continue;
            };
            if self.told == Some(Waited { quota }) {
                let _ = self.changed.changed().await;
                continue;
            }
            let due = since + WORTH_TELLING;
            if Instant::now() >= due {
                self.told = Some(Waited { quota });
                return self.told;
            }
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                _ = self.changed.changed() => {}
            }
        }
    }

    /// Whether somebody waits again within `while_`.
    async fn again_within(&mut self, time: Duration) -> bool {
        let end = Instant::now() + time;
        loop {
            if self.book.longest().is_some() {
                return true;
            }
            if tokio::time::timeout_at(end, self.changed.changed()).await.is_err() {
                return self.book.longest().is_some();
            }
        }
    }
}
