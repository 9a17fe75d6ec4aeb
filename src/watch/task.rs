//! The watcher's own task: when to discover, when to poll, when to publish.
//!
//! Calls run in tasks of their own, so that one that hangs holds up neither the others nor the next board. What is our own work
//! in a poll has a tracing span each, here and in `aws::read`: `benches/examples/watch.rs` adds up what they cost.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{Instrument, debug_span};

use super::answered;
use super::baseline;
use super::discover::{Found, discover};
use super::logs::{self, Job, Whose};
use super::picture;
use super::poll::{self, Answers, Extent, Questions, ask};
use super::purse;
use super::schedule::backoff;
use super::state::{Part, State};
use crate::aws::read::LogRows;
use crate::aws::{Aws, AwsError};
use crate::model::belief::Beliefs;
use crate::model::board::Board;
use crate::model::series::floor_minute;
use crate::model::settings::Settings;
use crate::model::stage::StageId;

/// Account time between rounds of discovery.
const REDISCOVERY: TimeDelta = TimeDelta::seconds(300);

/// Account time that goes back by more than this was wrong before, or is of another account's range.
const CLOCK_BACK: TimeDelta = TimeDelta::seconds(60);

/// Account time over which a later round's `GetStages` calls are spread.
const SPREAD: TimeDelta = TimeDelta::seconds(240);

/// Account time after a poll before stages found meanwhile are read out of turn: so long at least, and so long for each stage known. A poll
/// is linear in the stages, and so is the time that discovery takes: polls so far apart are as many for three thousand stages as for three
/// hundred, and what they cost together is linear.
const OUT_OF_TURN: TimeDelta = TimeDelta::seconds(2);
const OUT_OF_TURN_A_STAGE: TimeDelta = TimeDelta::milliseconds(8);

/// Wall time between boards.
const BETWEEN_BOARDS: Duration = Duration::from_millis(250);

/// The same while details stream in that nobody looks at, for each stage known: as polls out of turn, and for the same reason.
const BETWEEN_DETAILS_A_STAGE: Duration = Duration::from_millis(20);

/// The first boards go out at once: the first rows and figures are what somebody is waiting for.
const AT_ONCE: u32 = 20;

type Polled = (Extent, DateTime<Utc>, Answers);

type Logged = (Job, Result<LogRows, AwsError>);

type Past = Vec<(baseline::Job, baseline::Answer)>;

/// What is asked of a watcher from outside.
pub(super) struct Asked {
    /// To read now.
    pub(super) refresh: Arc<Notify>,
    /// Whom somebody looks at.
    pub(super) focus: watch::Receiver<Vec<StageId>>,
    /// What is believed of attacks and measures.
    pub(super) beliefs: watch::Receiver<Beliefs>,
    /// Log queries that others want to make.
    pub(super) purse: UnboundedReceiver<purse::Wish>,
}

/// What is known that no board shows yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unshown {
    Nothing,
    /// Details that nobody looks at: they may wait for more.
    Details,
    /// What somebody may be waiting for.
    WaitedFor,
}

pub(super) struct Task {
    aws: Aws,
    state: State,
    boards: watch::Sender<Arc<Board>>,
    asked: Asked,
    found: UnboundedReceiver<Found>,
    found_sender: UnboundedSender<Found>,
    discoveries: JoinSet<bool>,
    polls: JoinSet<Polled>,
    logs: JoinSet<Logged>,
    answers: JoinSet<(answered::Job, answered::Answer)>,
    past: JoinSet<Past>,
    /// What the next poll asks for: what is due, or everything.
    next_extent: Extent,
    discovery_began: DateTime<Utc>,
    next_discovery: DateTime<Utc>,
    discovered: bool,
    discovery_failures: u32,
    next_poll: DateTime<Utc>,
    out_of_turn: DateTime<Utc>,
    /// Whether discovery brought anything since the last poll began.
    news: bool,
    poll_failures: u32,
    /// Wall time of the last board, at first of the start.
    published: Instant,
    boards_out: u32,
    published_minute: DateTime<Utc>,
    /// What is known that no board shows yet.
    unshown: Unshown,
    /// Account time as it was last seen.
    seen: DateTime<Utc>,
}

impl Task {
    pub(super) fn new(aws: Aws, settings: Arc<Settings>, boards: watch::Sender<Arc<Board>>, asked: Asked) -> Self {
        let now = aws.clock().now();
        let (found_sender, found) = unbounded_channel();
        Self {
            state: State::new(settings, aws.region()).of_profile(aws.profile()),
            aws,
            boards,
            asked,
            found,
            found_sender,
            discoveries: JoinSet::new(),
            polls: JoinSet::new(),
            logs: JoinSet::new(),
            answers: JoinSet::new(),
            past: JoinSet::new(),
            next_extent: Extent::All,
            discovery_began: now,
            next_discovery: now,
            discovered: false,
            discovery_failures: 0,
            next_poll: now,
            out_of_turn: now,
            news: false,
            poll_failures: 0,
            published: Instant::now(),
            boards_out: 0,
            published_minute: floor_minute(now),
            unshown: Unshown::Nothing,
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
            let unpublished = (self.unshown != Unshown::Nothing).then(|| self.publish_at());
            let clock = self.aws.clock().clone();
            tokio::select! {
                Some(found) = self.found.recv() => self.take(found),
                Some(done) = self.discoveries.join_next() => self.discovery_done(done.unwrap_or(false)),
                Some(done) = self.polls.join_next() => {
                    if let Ok(polled) = done {
                        self.polled(polled);
                    } else {
                        self.poll_failed();
                    }
                }
                Some(asked) = self.logs.join_next() => {
                    if let Ok((job, answer)) = asked {
                        self.logged(&job, answer);
                    }
                }
                Some(asked) = self.answers.join_next() => {
                    if let Ok((job, answer)) = asked {
                        self.answered(&job, &answer);
                    }
                }
                Some(past) = self.past.join_next() => self.past_read(past.unwrap_or_default()),
                Ok(()) = self.asked.focus.changed() => self.look(),
                Ok(()) = self.asked.beliefs.changed() => self.believe(),
                Some(wish) = self.asked.purse.recv() => purse::take(&mut self.state, wish, now),
                () = self.asked.refresh.notified() => {
                    self.next_poll = self.next_poll.min(now);
                    self.next_extent = Extent::All;
                }
                () = clock.sleep(wake) => {}
                () = sleep_until(unpublished), if unpublished.is_some() => {}
            }
        }
    }

    /// The first answer may set account time anywhere: what was due by the old clock must not be waited for.
    fn mind_the_clock(&mut self, now: DateTime<Utc>) {
        if now + CLOCK_BACK < self.seen {
            self.state.set_clock_back(now);
            self.next_extent = Extent::All;
            self.next_poll = now;
        }
        self.seen = now;
        let latest = now + self.interval() * 2 + REDISCOVERY;
        if self.next_poll > latest {
            self.next_poll = now;
        }
        if self.next_discovery > latest {
            self.next_discovery = now;
        }
        self.out_of_turn = self.out_of_turn.min(now + self.apart());
    }

    /// Account time between polls out of turn.
    fn apart(&self) -> TimeDelta {
        OUT_OF_TURN.max(OUT_OF_TURN_A_STAGE * i32::try_from(self.state.entries.len()).unwrap_or(i32::MAX))
    }

    fn interval(&self) -> TimeDelta {
        let seconds = self.state.settings.polling.interval_seconds.clamp(1, 86_400);
        TimeDelta::seconds(i64::try_from(seconds).unwrap_or(60))
    }

    fn start_what_is_due(&mut self, now: DateTime<Utc>) {
        if self.discoveries.is_empty() && now >= self.next_discovery {
            let (aws, found) = (self.aws.clone(), self.found_sender.clone());
            let spread = self.discovered.then_some(SPREAD);
            self.discovery_began = now;
            self.discoveries.spawn(async move { Box::pin(discover(&aws, spread, &found)).await });
        }
        if !self.polls.is_empty() || self.state.entries.is_empty() {
            return;
        }
        let extent = if now >= self.next_poll {
            std::mem::replace(&mut self.next_extent, Extent::Due)
        } else if self.news && now >= self.out_of_turn {
            Extent::New
        } else {
            return;
        };
        self.news = false;
        let questions = debug_span!("questions").in_scope(|| Questions::of(&self.state, extent, now));
        if questions.len() == 0 {
            if extent != Extent::New {
                self.next_poll = poll::next_poll(&self.state, now);
            }
            return;
        }
        let aws = self.aws.clone();
        let poll = async move {
            let answers = ask(&aws, questions, now).await;
            (extent, now, answers)
        };
        self.polls.spawn(poll.instrument(debug_span!("poll")));
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
        self.news = true;
        self.changed(waited_for);
    }

    /// Something is known that no board shows yet.
    fn changed(&mut self, urgent: bool) {
        self.unshown = self.unshown.max(if urgent { Unshown::WaitedFor } else { Unshown::Details });
    }

    fn discovery_done(&mut self, complete: bool) {
        // What it sent before it ended is taken first, so that a board of the end has everything.
        while let Ok(found) = self.found.try_recv() {
            self.take(found);
        }
        let now = self.aws.clock().now();
        self.discovered |= !self.state.read.is_empty();
        if complete {
            self.discovery_failures = 0;
            self.next_discovery = self.discovery_began + REDISCOVERY;
        } else {
            self.discovery_failures = self.discovery_failures.saturating_add(1);
            self.next_discovery = now + backoff(self.interval(), self.discovery_failures, REDISCOVERY);
        }
        self.changed(true);
    }

    fn polled(&mut self, (extent, at, mut answers): Polled) {
        let now = self.aws.clock().now();
        if at > now + CLOCK_BACK {
            // It was asked for minutes that are yet to come, while the clock was ahead: their silence says nothing.
            self.next_extent = Extent::All;
            self.next_poll = now;
            return;
        }
        let (failed, empty) = (answers.take_failure(), answers.is_empty());
        let urgent = extent != Extent::New || failed.is_some() || !self.state.focus.is_empty();
        debug_span!("fold").in_scope(|| answers.fold(&mut self.state, extent, at));
        let now = self.aws.clock().now();
        match failed {
            None => {
                self.poll_failures = 0;
                self.out_of_turn = now + self.apart();
            }
            Some(error) => {
                self.state.troubles.insert(Part::Metrics, error);
                if extent == Extent::All {
                    self.next_extent = Extent::All;
                }
                self.news |= extent == Extent::New;
                self.poll_failed();
            }
        }
        if self.poll_failures == 0 && extent != Extent::New {
            self.next_poll = poll::next_poll(&self.state, now);
        }
        if !empty {
            self.ask_logs(now);
            self.freeze(now);
            self.ask_who_is_answered(now);
        }
        self.changed(urgent);
    }

    /// Freezes what is usual where an attack is believed in, and asks for what the past has to say of it.
    fn freeze(&mut self, now: DateTime<Utc>) {
        self.state.freeze(now);
        let jobs = baseline::due(&self.state, now);
        if jobs.is_empty() || !self.past.is_empty() {
            return;
        }
        let (aws, settings) = (self.aws.clone(), Arc::clone(&self.state.settings));
        self.past.spawn(async move {
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
        self.changed(true);
    }

    /// What is believed has changed.
    fn believe(&mut self) {
        let beliefs = self.asked.beliefs.borrow_and_update().clone();
        let now = self.aws.clock().now();
        self.state.believe(beliefs);
        self.freeze(now);
        self.changed(true);
    }

    /// Asks the access logs that are due. A log's minutes are compared with CloudWatch's, so that these come first.
    fn ask_logs(&mut self, now: DateTime<Utc>) {
        for job in logs::due(&mut self.state, Whose::Watched, now) {
            self.state.log_jobs.insert(job.row().clone());
            let aws = self.aws.clone();
            self.logs.spawn(async move {
                let answer = logs::ask(&aws, &job).await;
                (job, answer)
            });
        }
    }

    /// Asks the access logs of attacked stages who is answered.
    fn ask_who_is_answered(&mut self, now: DateTime<Utc>) {
        for job in answered::due(&mut self.state, now, answered::Whose::Watcher) {
            self.state.answer_jobs.insert(job.row().clone());
            let aws = self.aws.clone();
            self.answers.spawn(async move {
                let answer = Box::pin(answered::ask(&aws, &job)).await;
                (job, answer)
            });
        }
    }

    fn answered(&mut self, job: &answered::Job, answer: &answered::Answer) {
        self.state.answer_jobs.remove(job.row());
        if job.to() <= self.aws.clock().now() + CLOCK_BACK {
            answered::take(&mut self.state, job, answer);
        }
        self.changed(true);
    }

    fn logged(&mut self, job: &Job, answer: Result<LogRows, AwsError>) {
        self.state.log_jobs.remove(job.row());
        if job.to() <= self.aws.clock().now() + CLOCK_BACK {
            logs::take(&mut self.state, job, answer);
        }
        self.changed(true);
    }

    /// Somebody looks at other stages than before: what was never read of them is read at once.
    fn look(&mut self) {
        let stages = self.asked.focus.borrow_and_update();
        self.state.focus = stages.iter().map(|id| (id.api_id.clone(), id.stage.clone())).collect();
        drop(stages);
        self.news = true;
        if self.poll_failures == 0 {
            self.out_of_turn = self.aws.clock().now();
        }
    }

    fn poll_failed(&mut self) {
        self.poll_failures = self.poll_failures.saturating_add(1);
        let interval = self.interval();
        self.next_poll = self.aws.clock().now() + backoff(interval, self.poll_failures, interval);
        self.out_of_turn = self.next_poll;
    }

    fn next_wake(&self, now: DateTime<Utc>) -> TimeDelta {
        // The minute turns: figures grow old even where nothing comes.
        let mut wake = self.published_minute + TimeDelta::minutes(1);
        if self.discoveries.is_empty() {
            wake = wake.min(self.next_discovery);
        }
        if self.polls.is_empty() && !self.state.entries.is_empty() {
            wake = wake.min(self.next_poll);
            if self.news {
                wake = wake.min(self.out_of_turn);
            }
        }
        (wake - now).max(TimeDelta::milliseconds(1))
    }

    /// What looks attacked is read more often from now on, and more of it.
    fn mark_attacked(&mut self, board: &Board) {
        if self.state.note_attacks(board) {
            // What the attack is measured by is on the next board.
            self.freeze(board.at);
            self.changed(true);
        }
        let attacked = picture::attacked(board);
        if self.state.attacked != attacked {
            self.state.attacked = attacked;
            self.news = true;
            let now = self.aws.clock().now();
            self.next_poll = self.next_poll.min(poll::next_poll(&self.state, now));
        }
    }

    fn publish_at(&self) -> Instant {
        // Never reckoned from the present: a board would then always be due a moment later.
        if self.boards_out < AT_ONCE {
            return self.published;
        }
        let stages = u32::try_from(self.state.entries.len()).unwrap_or(u32::MAX);
        let details = BETWEEN_BOARDS.max(BETWEEN_DETAILS_A_STAGE.saturating_mul(stages));
        self.published + if self.unshown == Unshown::WaitedFor { BETWEEN_BOARDS } else { details }
    }

    fn publish_if_due(&mut self, now: DateTime<Utc>) {
        let minute = floor_minute(now);
        let turned = minute != self.published_minute;
        if turned || (self.unshown != Unshown::Nothing && Instant::now() >= self.publish_at()) {
            let rate = self.aws.clock().rate();
            let board = debug_span!("board").in_scope(|| picture::board(&self.state, now, rate));
            self.unshown = Unshown::Nothing;
            self.mark_attacked(&board);
            self.boards.send_replace(Arc::new(board));
            self.published = Instant::now();
            self.boards_out = self.boards_out.saturating_add(1);
            self.published_minute = minute;
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
