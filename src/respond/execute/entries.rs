//! Entries of an IP set: merged into whatever stands there, under its lock token.

use super::settle::Doubt;
use super::{Run, Step};
use crate::aws::write::Answer;
use crate::aws::{AwsError, Lane, Problem};
use crate::incident::CallPhase;
use crate::model::plan::Change;
use crate::model::waf::IpSet;
use crate::respond::merge::{self, Merge};

/// How often a change is merged anew when others keep writing.
const MERGES: usize = 6;

impl Run<'_> {
    /// Merges a change into an IP set, again where others wrote in between, where AWS limits calls, and where an answer does not tell and
    /// reading shows nothing. AWS honours a lock token once: while the token of an attempt without an answer is still good, sending the
    /// same again kills that attempt; once it is used up, the attempt has arrived or never will.
    pub(super) async fn entries(&mut self, change: &Change, read: Option<IpSet>) -> Step {
        let name = change.resource.name.clone();
        let (mut doubt, mut patience, mut merges) = (Doubt::default(), self.patience(), 0);
        let mut sent = false;
        let mut next = read;
        let mut used = String::new();
        loop {
            let set = match next.take() {
                Some(set) => set,
                None => match self.aws.ip_set(&change.resource.arn, Lane::Write).await {
                    Ok(set) => set,
                    Err(error) if self.waited_out(&name, &error, &mut patience).await => continue,
                    Err(error) if sent && matches!(error.problem, Problem::Throttled(_)) => {
                        return self.refused(change, doubt, &error, patience).await;
                    }
                    Err(error) => return self.gave_up(change, doubt, &error.to_string()),
                },
            };
            if doubt.is_open() && merge::shows(change, &set) {
                return self.arrived(change);
            }
            if doubt.is_open() && set.lock_token != used && merge::shows_nothing(change, &set) {
                doubt.settled();
                self.merged(&name);
            }
            let entries = match merge::merged(change, &set) {
                Merge::Write(entries) => entries,
                Merge::DiffChanged(why) => {
                    return self.gave_up(change, doubt, &format!("the diff has changed: {why}. Plan again"));
                }
                Merge::TooMany(n) => return self.gave_up(change, doubt, &format!("{n} entries would not fit")),
            };
            used.clone_from(&set.lock_token);
            if let Err(error) = self.call(change, CallPhase::Sending, if doubt.is_open() { "once more" } else { "" }) {
                let why = format!("the journal could not be written, so the call was not sent: {error}");
                return self.gave_up(change, doubt, &why);
            }
            sent = true;
            match self.aws.update_ip_set(&self.ticket, &set, entries).await {
                Answer::Accepted(()) => {
                    self.noted(change, CallPhase::Answered, "accepted");
                    return self.accepted(change).await;
                }
                Answer::Refused(AwsError { problem: Problem::StaleLock, .. }) => {
                    self.noted(change, CallPhase::Failed, "the lock token was used up: somebody wrote in between");
                    merges += 1;
                    if merges >= MERGES {
                        let why = format!("others kept writing to it; gave up after {MERGES} attempts. Plan again");
                        return self.gave_up(change, doubt, &why);
                    }
                    if !doubt.is_open() {
                        self.merged(&name);
                    }
                }
                Answer::Refused(error) => {
                    self.noted(change, CallPhase::Failed, &error.to_string());
                    if !self.waited_out(&name, &error, &mut patience).await {
                        if matches!(error.problem, Problem::Throttled(_)) {
                            return self.refused(change, doubt, &error, patience).await;
                        }
                        return self.gave_up(change, doubt, &error.to_string());
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

    /// An attempt whose answer did not tell had arrived: the change shows by now.
    fn arrived(&mut self, change: &Change) -> Step {
        self.noted(change, CallPhase::Answered, "an earlier attempt had arrived");
        self.say(format!("{}: the change was made all the same", change.resource.name));
        Step::Verified
    }
}
