//! The watcher's own task: when to discover, when to poll, when to publish.
//!
//! Calls run in tasks of their own, so that one that hangs holds up neither the others nor the next board. What is our
//! own work in a poll has a tracing span each, here and in `aws::read`: `benches/examples/watch.rs` adds up what they
//! cost.

mod boards;
mod discovery;
mod polls;
mod queries;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::{Instrument, debug_span};

use super::answered;
use super::baseline;
use super::discover::Found;
use super::logs::{self, Job, Whose};
use super::picture;
use super::poll::{self, Extent, Questions, ask};
use super::purse;
use super::state::{Part, State};
use crate::aws::read::LogRows;
use crate::aws::{Aws, AwsError};
use crate::model::belief::Beliefs;
use crate::model::board::Board;
use crate::model::settings::Settings;
use crate::model::stage::StageId;
use boards::Boards;
use discovery::{Discovery, REDISCOVERY};
use polls::{Polled, Polls};
use queries::{Past, Queries};

/// Account time that goes back by more than this was wrong before, or is of another account's range.
const CLOCK_BACK: TimeDelta = TimeDelta::seconds(60);

/// What is asked of a watcher from outside.
pub(super) struct Inputs {
    /// To read now.
    pub(super) refresh: Arc<Notify>,
    /// Whom somebody looks at.
    pub(super) focus: watch::Receiver<Vec<StageId>>,
    /// What is believed of attacks and measures.
    pub(super) beliefs: watch::Receiver<Beliefs>,
    /// Log queries that others want to make.
    pub(super) purse: UnboundedReceiver<purse::Wish>,
}

pub(super) struct Task {
    aws: Aws,
    state: State,
    asked: Inputs,
    discovery: Discovery,
    polls: Polls,
    queries: Queries,
    boards: Boards,
    /// Account time as it was last seen.
    seen: DateTime<Utc>,
}

impl Task {
    pub(super) fn new(aws: Aws, settings: Arc<Settings>, boards: watch::Sender<Arc<Board>>, asked: Inputs) -> Self {
        let now = aws.clock().now();
        Self {
            state: State::new(settings, aws.region()).of_profile(aws.profile()),
            aws,
            asked,
            discovery: Discovery::new(now),
            polls: Polls::new(now),
            queries: Queries::default(),
            boards: Boards::new(boards, now),
            seen: now,
        }
    }

    /// Runs until it is aborted.
    pub(super) async fn run(mut self) {
        loop {
            let now = self.aws.clock().now();
            self.mind_the_clock(now);
            self.start_what_is_due(now);
            self.publish_if_due(now);
            let wake = self.next_wake(now);
            let unpublished = self.boards.due_at(self.state.entries.len());
            let clock = self.aws.clock().clone();
            tokio::select! {
                Some(found) = self.discovery.found.recv() => self.take(found),
                Some(done) = self.discovery.running.join_next() => self.discovery_done(done.unwrap_or(false)),
                Some(done) = self.polls.running.join_next() => {
                    if let Ok(polled) = done {
                        self.polled(polled);
                    } else {
                        self.poll_failed();
                    }
                }
                Some(asked) = self.queries.logs.join_next() => {
                    if let Ok((job, answer)) = asked {
                        self.logged(&job, answer);
                    }
                }
                Some(asked) = self.queries.answers.join_next() => {
                    if let Ok((job, answer)) = asked {
                        self.answered(&job, &answer);
                    }
                }
                Some(past) = self.queries.past.join_next() => self.past_read(past.unwrap_or_default()),
                Ok(()) = self.asked.focus.changed() => self.look(),
                Ok(()) = self.asked.beliefs.changed() => self.believe(),
                Some(wish) = self.asked.purse.recv() => purse::take(&mut self.state, wish, now),
                () = self.asked.refresh.notified() => self.polls.read_all(now),
                () = clock.sleep(wake) => {}
                () = sleep_until(unpublished), if unpublished.is_some() => {}
            }
        }
    }

    /// The first answer may set account time anywhere: what was due by the old clock must not be waited for.
    fn mind_the_clock(&mut self, now: DateTime<Utc>) {
        if now + CLOCK_BACK < self.seen {
            self.state.set_clock_back(now);
            self.polls.read_all(now);
        }
        self.seen = now;
        let latest = now + self.interval() * 2 + REDISCOVERY;
        for next in [&mut self.polls.next, &mut self.discovery.next] {
            if *next > latest {
                *next = now;
            }
        }
        self.polls.out_of_turn = self.polls.out_of_turn.min(now + Polls::apart(self.state.entries.len()));
    }

    fn interval(&self) -> TimeDelta {
        let seconds = self.state.settings.polling.interval_seconds.clamp(1, 86_400);
        TimeDelta::seconds(i64::try_from(seconds).unwrap_or(60))
    }

    fn start_what_is_due(&mut self, now: DateTime<Utc>) {
        self.discovery.start_if_due(&self.aws, now);
        if !self.polls.running.is_empty() || self.state.entries.is_empty() {
            return;
        }
        let Some(extent) = self.polls.begin(now) else { return };
        let questions = debug_span!("questions").in_scope(|| Questions::of(&self.state, extent, now));
        if questions.len() == 0 {
            if extent != Extent::New {
                self.polls.next = poll::next_poll(&self.state, now);
            }
            return;
        }
        let aws = self.aws.clone();
        let poll = async move {
            let answers = ask(&aws, questions, now).await;
            (extent, now, answers)
        };
        self.polls.running.spawn(poll.instrument(debug_span!("poll")));
    }

    fn take(&mut self, found: Found) {
        // A round of a thousand stages streams in over minutes: what it confirms must not draw a frame each.
        if self.state.knows(&found) {
            return;
        }
        let waited_for = match &found {
            Found::Stages { api, .. } => self.state.focus.iter().any(|(id, _)| *id == api.id),
            Found::AclMetricName { .. } | Found::Filters { .. } => false,
            _ => true,
        };
        self.state.apply(found);
        self.polls.news = true;
        self.boards.changed(waited_for);
    }

    fn discovery_done(&mut self, complete: bool) {
        // What it sent before it ended is taken first, so that a board of the end has everything.
        while let Ok(found) = self.discovery.found.try_recv() {
            self.take(found);
        }
        let now = self.aws.clock().now();
        self.discovery.ended(complete, !self.state.apis.read.is_empty(), (now, self.interval()));
        self.boards.changed(true);
    }

    fn polled(&mut self, (extent, at, mut answers): Polled) {
        let now = self.aws.clock().now();
        if at > now + CLOCK_BACK {
            // It was asked for minutes that are yet to come, while the clock was ahead: their silence says nothing.
            self.polls.read_all(now);
            return;
        }
        let (failed, empty) = (answers.take_failure(), answers.is_empty());
        let urgent = extent != Extent::New || failed.is_some() || !self.state.focus.is_empty();
        debug_span!("fold").in_scope(|| answers.fold(&mut self.state, extent, at));
        let now = self.aws.clock().now();
        match failed {
            None => self.polls.succeeded(now, self.state.entries.len()),
            Some(error) => {
                self.state.troubles.begin(Part::Metrics, error);
                self.polls.missed(extent);
                self.poll_failed();
            }
        }
        if !self.polls.is_failing() && extent != Extent::New {
            self.polls.next = poll::next_poll(&self.state, now);
        }
        if !empty {
            self.ask_logs(now);
            self.freeze(now);
            self.ask_who_is_answered(now);
        }
        self.boards.changed(urgent);
    }

    /// Freezes what is usual where an attack is believed in, and asks for what the past has to say of it.
    fn freeze(&mut self, now: DateTime<Utc>) {
        self.state.freeze(now);
        let jobs = baseline::due(&self.state, now);
        if jobs.is_empty() || !self.queries.past.is_empty() {
            return;
        }
        let (aws, settings) = (self.aws.clone(), Arc::clone(&self.state.settings));
        self.queries.past.spawn(async move {
            let mut answers = Vec::with_capacity(jobs.len());
            for job in jobs {
                let answer = baseline::ask(&aws, &settings, &job).await;
                answers.push((job, answer));
            }
            answers
        });
    }

    fn past_read(&mut self, answers: Past) {
        let now = self.aws.clock().now();
        for (job, answer) in answers {
            baseline::take(&mut self.state, &job, answer, now);
        }
        self.boards.changed(true);
    }

    /// What is believed has changed.
    fn believe(&mut self) {
        let beliefs = self.asked.beliefs.borrow_and_update().clone();
        let now = self.aws.clock().now();
        self.state.believe(beliefs);
        self.freeze(now);
        self.boards.changed(true);
    }

    /// Asks the access logs that are due. A log's minutes are compared with CloudWatch's, so that these come first.
    fn ask_logs(&mut self, now: DateTime<Utc>) {
        for job in logs::due(&mut self.state, Whose::Watched, now) {
            self.state.logs.jobs.insert(job.row().clone());
            let aws = self.aws.clone();
            self.queries.logs.spawn(async move {
                let answer = logs::ask(&aws, &job).await;
                (job, answer)
            });
        }
    }

    /// Asks the access logs of attacked stages who is answered.
    fn ask_who_is_answered(&mut self, now: DateTime<Utc>) {
        for job in answered::due(&mut self.state, now, answered::Whose::Watcher) {
            self.state.logs.answer_jobs.insert(job.row().clone());
            let aws = self.aws.clone();
            self.queries.answers.spawn(async move {
                let answer = Box::pin(answered::ask(&aws, &job)).await;
                (job, answer)
            });
        }
    }

    fn answered(&mut self, job: &answered::Job, answer: &answered::Answer) {
        self.state.logs.answer_jobs.remove(job.row());
        if job.to() <= self.aws.clock().now() + CLOCK_BACK {
            answered::take(&mut self.state, job, answer);
        }
        self.boards.changed(true);
    }

    fn logged(&mut self, job: &Job, answer: Result<LogRows, AwsError>) {
        self.state.logs.jobs.remove(job.row());
        if job.to() <= self.aws.clock().now() + CLOCK_BACK {
            logs::take(&mut self.state, job, answer);
        }
        self.boards.changed(true);
    }

    /// Somebody looks at other stages than before: what was never read of them is read at once.
    fn look(&mut self) {
        let stages = self.asked.focus.borrow_and_update();
        self.state.focus = stages.iter().map(|id| (id.api_id.clone(), id.stage.clone())).collect();
        drop(stages);
        self.polls.news = true;
        if !self.polls.is_failing() {
            self.polls.out_of_turn = self.aws.clock().now();
        }
    }

    fn poll_failed(&mut self) {
        self.polls.failed(self.aws.clock().now(), self.interval());
    }

    fn next_wake(&self, now: DateTime<Utc>) -> TimeDelta {
        let poll = self.polls.due_at().filter(|_| !self.state.entries.is_empty());
        let due = self.discovery.due_at().into_iter().chain(poll);
        let wake = due.fold(self.boards.turns_at(), std::cmp::min);
        (wake - now).max(TimeDelta::milliseconds(1))
    }

    /// What looks attacked is read more often from now on, and more of it.
    fn mark_attacked(&mut self, board: &Board) {
        if self.state.note_attacks(board) {
            // What the attack is measured by is on the next board.
            self.freeze(board.at);
            self.boards.changed(true);
        }
        let attacked = picture::attacked(board);
        if self.state.attacks.suspected != attacked {
            self.state.attacks.suspected = attacked;
            self.polls.news = true;
            let now = self.aws.clock().now();
            self.polls.next = self.polls.next.min(poll::next_poll(&self.state, now));
        }
    }

    fn publish_if_due(&mut self, now: DateTime<Utc>) {
        if self.boards.is_due(now, self.state.entries.len()) {
            let rate = self.aws.clock().rate();
            let board = debug_span!("board").in_scope(|| picture::board(&self.state, now, rate));
            self.boards.made();
            self.mark_attacked(&board);
            self.boards.send(board);
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
