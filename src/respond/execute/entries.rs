//! Entries of an IP set: merged into whatever stands there, under its lock token.

use chrono::TimeDelta;

use super::{READ_BACKS, Run, Step};
use crate::aws::{AwsError, Lane, Problem};
use crate::incident::CallPhase;
use crate::model::plan::Change;
use crate::model::waf::IpSet;
use crate::respond::merge::{self, Merge};

/// How often a change is merged anew when others keep writing.
const MERGES: usize = 6;

impl Run<'_> {
    /// Merges a change into an IP set, again where others wrote in between.
    pub(super) async fn entries(&mut self, change: &Change, read: Option<IpSet>) -> Step {
        let name = change.resource.name.clone();
        let mut next = read;
        for _ in 0..MERGES {
            let set = match next.take() {
                Some(set) => set,
                None => match self.aws.ip_set(&change.resource.arn, Lane::Write).await {
                    Ok(set) => set,
                    Err(error) => return self.not_done(format!("{name}: {error}")),
                },
            };
            let entries = match merge::merged(change, &set) {
                Merge::Write(entries) => entries,
                Merge::DiffChanged(why) => {
                    return self.not_done(format!("{name}: the diff has changed: {why}. Plan again"));
                }
                Merge::TooMany(n) => return self.not_done(format!("{name}: {n} entries would not fit")),
            };
            if let Err(error) = self.call(change, CallPhase::Sending, "") {
                return self
                    .not_done(format!("{name}: the journal could not be written, so the call was not sent: {error}"));
            }
            match self.aws.update_ip_set(&self.ticket, &set, entries.clone()).await {
                Ok(()) => {
                    self.noted(change, CallPhase::Answered, "accepted");
                    return self.read_back(change).await;
                }
                Err(AwsError { problem: Problem::StaleLock, .. }) => {
                    self.noted(change, CallPhase::Failed, "the lock token was stale: somebody wrote in between");
                    self.merged(&name);
                }
                Err(error) if error.may_have_happened() => {
                    self.noted(change, CallPhase::NoAnswer, &error.to_string());
                    return self.found_out(change, &set, entries, &error).await;
                }
                Err(error) => {
                    self.noted(change, CallPhase::Failed, &error.to_string());
                    return self.not_done(error.to_string());
                }
            }
        }
        self.not_done(format!("{name}: others kept writing to it; gave up after {MERGES} attempts. Plan again"))
    }

    /// After a write that was accepted: does reading show it?
    async fn read_back(&mut self, change: &Change) -> Step {
        let name = change.resource.name.clone();
        let mut seen = String::from("it does not show the change");
        for attempt in 0..READ_BACKS {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(1)).await;
            }
            match self.aws.ip_set(&change.resource.arn, Lane::Write).await {
                Ok(set) if merge::shows(change, &set) => {
                    self.say(format!("{name}: read back, {} entries", set.addresses.len()));
                    return Step::Verified;
                }
                Ok(_) => {}
                Err(error) => seen = error.to_string(),
            }
        }
        self.say(format!("{name}: accepted, but reading it back failed: {seen}"));
        Step::NotVerified
    }

    /// After a write that nobody answered: reading tells whether it happened. Where it does not show, it may still be on its
    /// way; so the very same write is sent once more under the very same lock token, of which AWS honours one only. Accepted, it
    /// is done and the first is dead; stale, the first or somebody else was there, and reading tells which.
    async fn found_out(&mut self, change: &Change, set: &IpSet, entries: Vec<String>, error: &AwsError) -> Step {
        let name = change.resource.name.clone();
        self.say(format!("{error}; reading {name} to find out"));
        if let Some(step) = self.shown(change, "no answer came, but reading shows the change").await {
            return step;
        }
        if self.call(change, CallPhase::Sending, "once more, under the same lock token").is_err() {
            self.say(format!("{name}: not known whether it was changed: the journal could not be written"));
            return Step::NotKnown;
        }
        match self.aws.update_ip_set(&self.ticket, set, entries).await {
            Ok(()) => {
                self.noted(
                    change,
                    CallPhase::Answered,
                    "accepted at the second attempt; the first can no longer take effect",
                );
                self.read_back(change).await
            }
            Err(AwsError { problem: Problem::StaleLock, .. }) => {
                self.noted(change, CallPhase::Failed, "the lock token was used up");
                match self.shown(change, "the first attempt had arrived").await {
                    Some(step) => step,
                    None => {
                        self.not_done(format!("{name}: somebody else wrote first; the change is not there. Plan again"))
                    }
                }
            }
            Err(error) => {
                let phase = if error.may_have_happened() { CallPhase::NoAnswer } else { CallPhase::Failed };
                self.noted(change, phase, &error.to_string());
                self.say(format!("{name}: not known whether it was changed: {error}"));
                Step::NotKnown
            }
        }
    }

    /// The step, where reading shows the change, or where it cannot be read at all.
    async fn shown(&mut self, change: &Change, found: &str) -> Option<Step> {
        let name = change.resource.name.clone();
        let mut last = None;
        for attempt in 0..READ_BACKS {
            if attempt > 0 {
                self.aws.clock().sleep(TimeDelta::seconds(1)).await;
            }
            match self.aws.ip_set(&change.resource.arn, Lane::Write).await {
                Ok(set) if merge::shows(change, &set) => {
                    self.noted(change, CallPhase::Answered, found);
                    self.say(format!("{name}: the change was made all the same"));
                    return Some(Step::Verified);
                }
                Ok(_) => last = None,
                Err(error) => last = Some(error),
            }
        }
        let error = last?;
        self.say(format!("{name}: not known whether it was changed: {error}"));
        Some(Step::NotKnown)
    }
}
