//! Values set in one place, and caches flushed: only where what is there is what was read.
//!
//! There is no lock token for any of this: what is there is read just before the call, and again after it. A change that somebody
//! makes in the moment between shows in the second reading, and is then said.

use chrono::TimeDelta;
use serde_json::{Map, Value};

use super::settle::{Doubt, Patience, kept_throttling};
use super::{Run, Step};
use crate::aws::write::Answer;
use crate::aws::{AwsError, Lane, Problem};
use crate::incident::CallPhase;
use crate::model::change::{Assignment, Flush, Standing};
use crate::model::plan::Change;
use crate::respond::assigned;

/// How often a call is repeated that refers to what WAF does not see yet.
const NOT_YET: usize = 6;

/// What is to be done next.
enum Next {
    Send(Assignment),
    Ended(Step),
}

impl Run<'_> {
    /// Sets values, where each is still what was read. It is read before every attempt: before a repeated one, what is set already is left
    /// out, and what somebody else has set meanwhile ends it.
    pub(super) async fn assign(&mut self, change: &Change, assignment: &Assignment) -> Step {
        let (mut doubt, mut patience) = (Doubt::default(), self.patience());
        let (mut attempt, mut not_yet) = (0, 0);
        loop {
            let left = match self.left_to_set(change, assignment, (attempt, doubt), &mut patience).await {
                Next::Send(left) => left,
                Next::Ended(step) => return step,
            };
            attempt += 1;
            if let Err(error) = self.call(change, CallPhase::Sending, if attempt > 1 { "once more" } else { "" }) {
                let why = format!("the journal could not be written, so the call was not sent: {error}");
                return self.gave_up(change, doubt, &why);
            }
            match assigned::write(self.aws, &self.ticket, &left).await {
                Answer::Accepted(()) => {
                    self.noted(change, CallPhase::Answered, "accepted");
                    return self.accepted(change).await;
                }
                Answer::Refused(error) => {
                    self.noted(change, CallPhase::Failed, &error.to_string());
                    let again = self.again(change, &error, &mut patience, &mut not_yet).await;
                    if !again {
                        let limited = matches!(error.problem, Problem::Throttled(_));
                        if !limited && !doubt.is_open() && !assigned::is_composite(assignment) {
                            return self.not_done(error.to_string());
                        }
                        return self.refused(change, doubt, &error, patience).await;
                    }
                }
                Answer::Uncertain { error, ended } => {
                    self.noted(change, CallPhase::NoAnswer, &error.to_string());
                    doubt.add(ended);
                    if let Some(step) = self.found_out(change, &doubt, &error).await {
                        return step;
                    }
                }
            }
        }
    }

    /// What is still to be set, by a reading just before the call.
    async fn left_to_set(
        &mut self,
        change: &Change,
        assignment: &Assignment,
        (attempt, doubt): (usize, Doubt),
        patience: &mut Patience,
    ) -> Next {
        let now = match self.values(change, assignment, patience).await {
            Ok(now) => now,
            Err(error) if attempt > 0 && matches!(error.problem, Problem::Throttled(_)) => {
                return Next::Ended(self.refused(change, doubt, &error, *patience).await);
            }
            Err(error) => return Next::Ended(self.gave_up(change, doubt, &error.to_string())),
        };
        let why = match assignment.standing(&now) {
            Standing::Before => return Next::Send(assignment.clone()),
            Standing::After if doubt.is_open() => {
                self.noted(change, CallPhase::Answered, "an earlier attempt had arrived");
                self.say(format!("{}: the change was made all the same", change.resource.name));
                return Next::Ended(Step::Verified);
            }
            Standing::After => "somebody else did the same".to_owned(),
            Standing::Otherwise { lines, .. } => match assignment.remaining(&now).filter(|_| attempt > 0) {
                Some(left) => return Next::Send(left),
                None => lines.join("; "),
            },
        };
        Next::Ended(self.gave_up(change, doubt, &format!("the diff has changed: {why}. Plan again")))
    }

    async fn values(
        &mut self,
        change: &Change,
        assignment: &Assignment,
        patience: &mut Patience,
    ) -> Result<Map<String, Value>, AwsError> {
        loop {
            match assigned::current(self.aws, &assignment.place, Lane::Write).await {
                Err(error) if self.waited_out(&change.resource.name, &error, patience).await => {}
                read => return read,
            }
        }
    }

    /// Whether a call that AWS refused is to be made again, since it was one too many, or came too early; then it has been waited for.
    async fn again(&mut self, change: &Change, error: &AwsError, patience: &mut Patience, not_yet: &mut usize) -> bool {
        let name = &change.resource.name;
        if matches!(error.problem, Problem::NotYet(_)) && *not_yet + 1 < NOT_YET {
            *not_yet += 1;
            self.say(format!("{name}: WAF does not see yet what was just made; trying again"));
            self.aws.clock().sleep(TimeDelta::seconds(10)).await;
            return true;
        }
        self.waited_out(name, error, patience).await
    }

    /// Flushes a cache. Nothing reads it back: what its answer does not tell stays unknown.
    pub(super) async fn flush(&mut self, change: &Change, flush: &Flush) -> Step {
        let name = change.resource.name.clone();
        let mut patience = self.patience();
        loop {
            if let Err(error) = self.call(change, CallPhase::Sending, "") {
                return self
                    .not_done(format!("{name}: the journal could not be written, so the call was not sent: {error}"));
            }
            let (api, stage) = (&flush.api_id, &flush.stage);
            let answer = if flush.authorizers {
                self.aws.flush_stage_authorizers_cache(&self.ticket, api, stage).await
            } else {
                self.aws.flush_stage_cache(&self.ticket, api, stage).await
            };
            match answer {
                Answer::Accepted(()) => {
                    self.noted(change, CallPhase::Answered, "accepted");
                    return if flush.authorizers {
                        self.say(format!("{name}: AWS has begun; there is nothing that shows when it has ended"));
                        Step::Verified
                    } else {
                        self.flushing(change, flush).await
                    };
                }
                Answer::Refused(error) => {
                    self.noted(change, CallPhase::Failed, &error.to_string());
                    if !self.waited_out(&name, &error, &mut patience).await {
                        // Nothing can be read; every attempt was refused, which AWS documents to change nothing.
                        let limited = matches!(error.problem, Problem::Throttled(_));
                        let tired = || format!("{name}: {}; try again", kept_throttling(&error));
                        return self.not_done(if limited { tired() } else { error.to_string() });
                    }
                }
                Answer::Uncertain { error, .. } => {
                    self.noted(change, CallPhase::NoAnswer, &error.to_string());
                    let why = format!("{error}. Nothing shows it afterwards; flushing again does no further harm");
                    self.say(format!("{name}: not known whether it was flushed: {why}"));
                    return Step::NotKnown;
                }
            }
        }
    }

    /// After a flush was accepted: what AWS says of the cache.
    async fn flushing(&mut self, change: &Change, flush: &Flush) -> Step {
        let name = &change.resource.name;
        match self.aws.stage_settings(&flush.api_id, &flush.stage, Lane::Write).await {
            Ok(settings) => {
                let status = settings.cache_cluster_status.unwrap_or_else(|| "unknown".to_owned());
                self.say(format!("{name}: AWS has begun; the cache is {status}"));
            }
            // Its answer has said that it began; the status is only said beside it.
            Err(error) => self.say(format!("{name}: AWS has begun; the cache's status could not be read: {error}")),
        }
        Step::Verified
    }
}
