//! What has expired is undone, and what is attacked again closed again, without anybody asking.

use std::sync::PoisonError;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::acting::Acting;
use crate::model::action::Reopening;
use crate::model::plan::Outcome;
use crate::model::timeline::{ActionRecord, ActionState};
use crate::tui::News;

/// Wall time before the undo of an expired action is tried again.
const SWEEP_AGAIN: Duration = Duration::from_mins(5);

/// Account time before it is looked again who comes to a closed stage.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(1);

impl Acting {
    /// Undoes what has expired.
    pub(super) async fn sweep(&self) {
        let now = self.aws.clock().now();
        let expired = |a: &ActionRecord| a.expires_at.is_some_and(|end| end <= now);
        let live = |a: &ActionRecord| matches!(a.state, ActionState::InForce | ActionState::Unclear);
        let known = self.journalling.actions().await;
        let may_try = |a: &&ActionRecord| a.awaits_probe || self.may_try(a, now);
        // What reopened by itself may have to close again: the desk looks whether it was consented to, and is due.
        let closes_again = |a: &ActionRecord| {
            a.state == ActionState::Undone && a.action.terms().reopen == Reopening::WhenQuietCloseAgain
        };
        let due: Vec<String> = known
            .iter()
            .filter(|a| (expired(a) && live(a)) || closes_again(a))
            .filter(may_try)
            .map(|a| a.id.clone())
            .collect();
        if due.is_empty() {
            return;
        }
        let this = self.clone();
        // Leaving must not cut it short.
        self.must_finish.spawn(async move {
            let only = |a: &ActionRecord| due.contains(&a.id);
            let Ok(swept) = this.desk.sweep(only).await else { return };
            if let Some(jump) = this.aws.clock().jump().filter(|_| !swept.is_empty()) {
                this.send(News::Progress { line: jump.words() });
            }
            for one in swept {
                let id = &one.action.id;
                this.send(match one.result {
                    Err(error) if error.asks() || (error.waits() && this.is_first(id)) => {
                        News::Asks { line: error.to_string() }
                    }
                    Err(error) if one.action.state == ActionState::Undone => News::Asks {
                        line: format!("action {id} reopened and was attacked again, and was NOT closed again: {error}"),
                    },
                    Err(error) => News::Progress { line: format!("action {id}: {error}") },
                    Ok(done) if one.action.state == ActionState::Undone => News::Asks {
                        line: format!(
                            "action {id} reopened and was attacked again: {}: {}",
                            of_closing_again(done.outcome),
                            done.lines.join("; ")
                        ),
                    },
                    Ok(done) => News::Progress {
                        line: format!("action {id}: {}: {}", of_expired(done.outcome), done.lines.join("; ")),
                    },
                });
            }
        });
    }

    /// Whether nothing was said yet of an expired action that waits.
    fn is_first(&self, id: &str) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned())
    }

    /// Whether an expired action may be tried now: what failed a moment ago would fail again, a few lines of journal
    /// each time. One that goes by who knocks is looked at every minute of account time.
    fn may_try(&self, action: &ActionRecord, now: DateTime<Utc>) -> bool {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let knocks = !action.action.terms().reopen.is_asked();
        let early = |(wall, account): &(Instant, DateTime<Utc>)| {
            if knocks { (now - *account).abs() < LOOK_AGAIN } else { wall.elapsed() < SWEEP_AGAIN }
        };
        if tried.get(&action.id).is_some_and(early) {
            return false;
        }
        tried.insert(action.id.clone(), (Instant::now(), now));
        true
    }
}

/// What became of closing again by itself, by how it ended.
fn of_closing_again(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done | Outcome::NothingToChange => "closed again by itself",
        Outcome::NotDone => "it is NOT closed again; close it manually",
        Outcome::NotVerified | Outcome::Partly | Outcome::NotKnown => "it is NOT KNOWN whether it is closed again",
    }
}

/// What became of an expired action, by how its undo ended.
fn of_expired(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done | Outcome::NothingToChange => "expired and was undone",
        Outcome::NotDone => "expired and is NOT undone; it stays in force",
        Outcome::NotVerified | Outcome::Partly | Outcome::NotKnown => {
            "expired, and it is NOT KNOWN whether all of it is undone; it stays on the list"
        }
    }
}
