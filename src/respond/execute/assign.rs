//! Values set in one place, and caches flushed: only where what is there is what was read.
//!
//! There is no lock token for any of this: what is there is read just before the call, and again after it. A change that somebody
//! makes in the moment between shows in the second reading, and is then said.

use chrono::TimeDelta;

use super::{READ_BACKS, Run, Step};
use crate::aws::{Aws, AwsError, Lane, Problem};
use crate::incident::CallPhase;
use crate::model::change::{Assignment, Doing, Flush, Standing};
use crate::model::plan::Change;
use crate::respond::assigned;

/// How often a call that AWS turns away as one too many is repeated.
const PATIENCE: usize = 6;

/// How one call ended.
enum Sent {
    Accepted,
    /// No answer: it may have taken effect.
    Unanswered(AwsError),
    Refused(String),
}

impl Run<'_> {
    /// Sets values, where each is still what was read.
    pub(super) async fn assign(&mut self, change: &Change, assignment: &Assignment) -> Step {
        let name = &change.resource.name;
        match standing(self.aws, assignment).await {
            Ok(Standing::Before) => {}
            Ok(Standing::After) => {
                return self.not_done(format!("{name}: the diff has changed: somebody else did the same. Plan again"));
            }
            Ok(Standing::Otherwise { lines, .. }) => {
                return self.not_done(format!("{name}: the diff has changed: {}. Plan again", lines.join("; ")));
            }
            Err(error) => return self.not_done(format!("{name}: {error}")),
        }
        match self.send(change, Some(assignment)).await {
            Sent::Accepted => self.assigned(change, assignment).await,
            Sent::Refused(why) => self.refused(change, assignment, why).await,
            Sent::Unanswered(error) => self.assigned_perhaps(change, assignment, &error).await,
        }
    }

    /// After a refusal: a change may take several calls, and whether all or none of one's operations apply is unverified. So what
    /// is there is read.
    async fn refused(&mut self, change: &Change, assignment: &Assignment, why: String) -> Step {
        let name = &change.resource.name;
        match standing(self.aws, assignment).await {
            Ok(Standing::Otherwise { lines, begun: true }) => {
                let said = format!("{why}; but part of it shows: {}", lines.join("; "));
                self.noted(change, CallPhase::Answered, "refused, but reading shows part of the change");
                self.say(format!("{name}: {said}"));
                Step::NotKnown
            }
            _ => self.not_done(why),
        }
    }

    /// Flushes a cache.
    pub(super) async fn flush(&mut self, change: &Change, flush: &Flush) -> Step {
        let name = &change.resource.name;
        match self.send(change, None).await {
            Sent::Accepted if flush.authorizers => {
                self.say(format!("{name}: AWS has begun; there is nothing that shows when it has ended"));
                Step::Verified
            }
            Sent::Accepted => self.flushing(change, flush).await,
            Sent::Refused(why) => self.not_done(why),
            Sent::Unanswered(error) => {
                self.say(format!(
                    "{name}: not known whether it was flushed: {error}. Flushing again does no further harm"
                ));
                Step::NotKnown
            }
        }
    }

    /// Sends the change's call, again where AWS says that it was one too many: then it certainly did nothing.
    async fn send(&mut self, change: &Change, assignment: Option<&Assignment>) -> Sent {
        let name = change.resource.name.clone();
        for attempt in 1..=PATIENCE {
            // It took a while: what was read may be somebody else's by now.
            if let (Some(assignment), true) = (assignment, attempt > 1)
                && !matches!(standing(self.aws, assignment).await, Ok(Standing::Before))
            {
                return Sent::Refused(format!(
                    "{name}: changed by somebody else while AWS was limiting calls. Plan again"
                ));
            }
            if let Err(error) = self.call(change, CallPhase::Sending, "") {
                return Sent::Refused(format!(
                    "{name}: the journal could not be written, so the call was not sent: {error}"
                ));
            }
            let answer = match (assignment, &change.doing) {
                (Some(assignment), _) => assigned::write(self.aws, &self.ticket, assignment).await,
                (None, Doing::Flush(flush)) if flush.authorizers => {
                    self.aws.flush_stage_authorizers_cache(&self.ticket, &flush.api_id, &flush.stage).await
                }
                (None, Doing::Flush(flush)) => {
                    self.aws.flush_stage_cache(&self.ticket, &flush.api_id, &flush.stage).await
                }
                (None, _) => return Sent::Refused(format!("{name}: nothing to call")),
            };
            match answer {
                Ok(()) => {
                    self.noted(change, CallPhase::Answered, "accepted");
                    return Sent::Accepted;
                }
                Err(AwsError { problem: Problem::Throttled(why), .. }) if attempt < PATIENCE => {
                    self.noted(change, CallPhase::Failed, &format!("AWS is limiting calls: {why}"));
                    self.say(format!("{name}: AWS is limiting calls; trying again"));
                    self.aws.clock().sleep(TimeDelta::seconds(2)).await;
                }
                Err(AwsError { problem: Problem::NotYet(why), .. }) if attempt < PATIENCE => {
                    self.noted(change, CallPhase::Failed, &format!("WAF does not see yet what was just made: {why}"));
                    self.say(format!("{name}: WAF does not see yet what was just made; trying again"));
                    self.aws.clock().sleep(TimeDelta::seconds(10)).await;
                }
                Err(error) if error.may_have_happened() => {
                    self.noted(change, CallPhase::NoAnswer, &error.to_string());
                    return Sent::Unanswered(error);
                }
                Err(error) => {
                    self.noted(change, CallPhase::Failed, &error.to_string());
                    return Sent::Refused(error.to_string());
                }
            }
        }
        Sent::Refused(format!("{name}: AWS kept limiting calls. Nothing was changed; try again"))
    }

    /// After a call that was accepted: does reading show the values?
    async fn assigned(&mut self, change: &Change, assignment: &Assignment) -> Step {
        let name = change.resource.name.clone();
        let mut seen = "it does not show the change".to_owned();
        for attempt in 0..READ_BACKS {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(1)).await;
            }
            match standing(self.aws, assignment).await {
                Ok(Standing::After) => {
                    self.say(format!("{name}: read back as set"));
                    return Step::Verified;
                }
                Ok(Standing::Before) => "it shows what was there before".clone_into(&mut seen),
                Ok(Standing::Otherwise { lines, .. }) => seen = lines.join("; "),
                Err(error) => seen = error.to_string(),
            }
        }
        self.say(format!("{name}: accepted, but reading it back failed: {seen}"));
        Step::NotVerified
    }

    /// After a call that nobody answered: reading tells. Where it shows nothing yet it may still be on its way; setting the same
    /// values once more is harmless, and then an answer tells.
    async fn assigned_perhaps(&mut self, change: &Change, assignment: &Assignment, error: &AwsError) -> Step {
        let name = change.resource.name.clone();
        self.say(format!("{error}; reading {name} to find out"));
        match standing(self.aws, assignment).await {
            Ok(Standing::After) => {
                self.noted(change, CallPhase::Answered, "no answer came, but reading shows the change");
                self.say(format!("{name}: the change was made all the same"));
                return Step::Verified;
            }
            Ok(Standing::Before) => {}
            Ok(Standing::Otherwise { lines, begun }) => {
                if begun {
                    self.noted(change, CallPhase::Answered, "no answer came, but reading shows part of the change");
                }
                self.say(format!("{name}: partly changed, or changed by somebody else: {}", lines.join("; ")));
                return Step::NotKnown;
            }
            Err(error) => {
                self.say(format!("{name}: not known whether it was changed: {error}"));
                return Step::NotKnown;
            }
        }
        match self.send(change, Some(assignment)).await {
            Sent::Accepted => self.assigned(change, assignment).await,
            // Refused since the first has arrived meanwhile: what is made by its name is made once.
            Sent::Refused(_) if matches!(standing(self.aws, assignment).await, Ok(Standing::After)) => {
                self.noted(change, CallPhase::Answered, "the first attempt had arrived");
                self.say(format!("{name}: the change was made all the same"));
                Step::Verified
            }
            Sent::Refused(why) => {
                self.say(format!("{name}: not known whether it was changed: {why}"));
                Step::NotKnown
            }
            Sent::Unanswered(error) => {
                self.say(format!("{name}: not known whether it was changed: {error}"));
                Step::NotKnown
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
                Step::Verified
            }
            Err(error) => {
                self.say(format!("{name}: accepted, but the cache's status could not be read: {error}"));
                Step::NotVerified
            }
        }
    }
}

async fn standing(aws: &Aws, assignment: &Assignment) -> Result<Standing, AwsError> {
    let now = assigned::current(aws, &assignment.place, Lane::Write).await?;
    Ok(assignment.standing(&now))
}
