//! The change engine: the one loop that reads what is there, writes, waits where AWS limits calls, reads again, and
//! says how a change stands.
//!
//! Every change of an account goes through it, whatever it changes and whether it is made or put back. What is to be
//! written next is decided beside it (`entries`, `values`), and so is what became of it (`settle`).

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value;

use super::tries::{Tries, kept_throttling};
use super::{CallName, Ended, Run, Step};
use crate::aws::write::Answer;
use crate::aws::{Aws, AwsError, Problem};
use crate::incident::CallPhase;
use crate::journal::Ticket;
use crate::model::change::{Assignment, DEPLOYMENT, Edit, Flush, POLICY, Place};
use crate::model::plan::Change;
use crate::model::waf::IpSet;
use crate::respond::assigned;

/// How often a call is repeated that refers to what WAF does not see yet.
const NOT_YET: usize = 6;
/// How often a change is merged anew when others keep writing.
const MERGES: usize = 6;

/// What is to be written.
pub(super) enum Write {
    /// The entries of an IP set, all of them, under the lock token of its reading.
    Entries(IpSet, Vec<String>),
    Values(Assignment),
    Flush(Flush),
}

/// What is to be done next.
pub(super) enum Next {
    Send(Write),
    Ended(Ended),
}

impl Run<'_> {
    /// Makes one change, only where what is there is what was read: again where others wrote in between, where AWS
    /// limits calls, and where an answer does not tell and reading shows nothing.
    pub(super) async fn change(&mut self, change: &Change, mut tries: Tries) -> Ended {
        let ended = self.tried(change, &mut tries).await;
        let is_verified = ended.step == Step::Verified;
        // The one that has been seen to arrive cannot come once more; of several nobody knows which it was.
        let has_come = is_verified && !tries.accepted && tries.doubt.sendings == 1;
        let may_land = (tries.doubt.may_land() && !has_come) || (tries.accepted && !is_verified);
        Ended { may_land, sent_at: tries.sent_at, ..ended }
    }

    async fn tried(&mut self, change: &Change, tries: &mut Tries) -> Ended {
        loop {
            let next = match &change.edit {
                Edit::Entries => self.entries_to_write(change, tries).await,
                Edit::Assign(assignment) => self.values_to_set(change, assignment, tries).await,
                Edit::Flush(flush) => Next::Send(Write::Flush(flush.clone())),
            };
            let write = match next {
                Next::Send(write) => write,
                Next::Ended(ended) => return ended,
            };
            if let Err(error) = self.call(CallName::of(change), CallPhase::Sending, &purpose(change, tries)) {
                if !tries.puts_back() {
                    let why = format!("the journal could not be written, so the call was not sent: {error}");
                    return Self::gave_up(change, tries.doubt, &why);
                }
                self.unwritten = true;
            }
            tries.sent += 1;
            tries.sent_at = Some(self.aws.clock().now());
            match sent(self.aws, &self.ticket, write).await {
                Answer::Accepted(()) => {
                    self.noted(CallName::of(change), CallPhase::Answered, "accepted");
                    tries.accepted = true;
                    return self.accepted(change, tries).await;
                }
                Answer::Refused(error) => {
                    self.noted(CallName::of(change), CallPhase::Failed, &error.to_string());
                    if !self.again(change, &error, tries).await {
                        return self.turned_down(change, &error, tries).await;
                    }
                }
                Answer::Uncertain { error, ended } => {
                    self.noted(CallName::of(change), CallPhase::NoAnswer, &error.to_string());
                    tries.doubt.add(ended);
                    if let Some(ended) = self.found_out(change, tries, &error).await {
                        return ended;
                    }
                }
            }
        }
    }

    /// Whether a call that AWS refused is to be made again, since it was one too many, came too early, or somebody
    /// wrote in between; then it has been waited for.
    async fn again(&mut self, change: &Change, error: &AwsError, tries: &mut Tries) -> bool {
        let name = &change.resource.name;
        match error.problem {
            Problem::NotYet(_) if !change.edit.is_entries() && tries.not_yet + 1 < NOT_YET => {
                tries.not_yet += 1;
                self.say(format!("{name}: WAF does not see yet what was just created; trying again"));
                self.aws.clock().sleep(TimeDelta::seconds(10)).await;
                true
            }
            Problem::StaleLock if change.edit.is_entries() && tries.merges + 1 < MERGES => {
                tries.merges += 1;
                if !tries.doubt.is_open() {
                    self.merged(name);
                }
                true
            }
            _ => self.waited_out(name, error, &mut tries.patience).await,
        }
    }

    /// After a refusal that is not to be repeated.
    async fn turned_down(&mut self, change: &Change, error: &AwsError, tries: &Tries) -> Ended {
        let limited = matches!(error.problem, Problem::Throttled(_));
        match &change.edit {
            Edit::Entries if matches!(error.problem, Problem::StaleLock) => {
                let why = format!("others kept writing to it; gave up after {MERGES} attempts. Plan again");
                Self::gave_up(change, tries.doubt, &why)
            }
            // Nothing can be read; every attempt was refused, which AWS documents to change nothing.
            Edit::Flush(_) if limited => {
                Ended::not_done(format!("{}: {}; try again", change.resource.name, kept_throttling(error)))
            }
            Edit::Assign(assignment) if assigned::is_composite(assignment) => self.refused(change, tries, error).await,
            _ if limited || tries.doubt.is_open() => self.refused(change, tries, error).await,
            _ => Ended::not_done(error.to_string()),
        }
    }
}

async fn sent(aws: &Aws, ticket: &Arc<Ticket>, write: Write) -> Answer {
    match write {
        Write::Entries(set, entries) => aws.update_ip_set(ticket, &set, entries).await,
        Write::Values(assignment) => assigned::write(aws, ticket, &assignment).await,
        Write::Flush(Flush { api_id, stage, authorizers: true }) => {
            aws.flush_stage_authorizers_cache(ticket, &api_id, &stage).await
        }
        Write::Flush(Flush { api_id, stage, authorizers: false }) => {
            aws.flush_stage_cache(ticket, &api_id, &stage).await
        }
    }
}

/// What a call is for, as the journal says it.
fn purpose(change: &Change, tries: &Tries) -> String {
    let what = match &change.edit {
        Edit::Assign(Assignment { place: Place::DraftPolicy { .. }, .. }) if tries.puts_back() => {
            "the draft's own policy, restored".to_owned()
        }
        Edit::Assign(assignment @ Assignment { place: Place::DraftPolicy { .. }, passing: true, .. })
            if assignment.wanted(POLICY).is_some() =>
        {
            "the closing policy, temporarily".to_owned()
        }
        Edit::Assign(assignment) if tries.puts_back() => {
            let to = assignment.wanted(DEPLOYMENT).and_then(Value::as_str).unwrap_or_default();
            format!("back to deployment {to}")
        }
        Edit::Assign(assignment) => assignment.deployment().map(|to| format!("to deployment {to}")).unwrap_or_default(),
        Edit::Entries | Edit::Flush(_) => String::new(),
    };
    let again = if tries.sent > 0 || tries.is_written_anyway() { "once more" } else { "" };
    let said: Vec<&str> = [what.as_str(), again].into_iter().filter(|part| !part.is_empty()).collect();
    said.join(", ")
}
