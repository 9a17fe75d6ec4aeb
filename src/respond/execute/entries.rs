//! Entries of an IP set: merged into whatever stands there, under its lock token.

use super::engine::{Next, Write};
use super::tries::{Reading, Tries};
use super::{CallName, Ended, Run};
use crate::aws::{Lane, Problem};
use crate::incident::CallPhase;
use crate::model::plan::Change;
use crate::respond::merge::{self, Merge};

impl Run<'_> {
    /// What an IP set is to hold, by a reading just before the call. AWS honours a lock token once: while the token of
    /// an attempt without an answer is still good, sending the same again kills that attempt; once it is used up, the
    /// attempt has arrived or never will.
    pub(super) async fn entries_to_write(&mut self, change: &Change, tries: &mut Tries) -> Next {
        let name = &change.resource.name;
        let set = loop {
            if let Some(Reading::Entries(set)) = tries.read.take() {
                break set;
            }
            match self.aws.ip_set(&change.resource.arn, Lane::Write).await {
                Ok(set) => break set,
                Err(error) if self.waited_out(name, &error, &mut tries.patience).await => {}
                Err(error) if tries.sent > 0 && matches!(error.problem, Problem::Throttled(_)) => {
                    return Next::Ended(self.refused(change, tries, &error).await);
                }
                Err(error) => return Next::Ended(Self::gave_up(change, tries.doubt, &error.to_string())),
            }
        };
        if tries.doubt.is_open() && merge::shows(change, &set) {
            return Next::Ended(self.arrived(change));
        }
        if tries.doubt.is_open() && set.lock_token != tries.token && merge::shows_nothing(change, &set) {
            tries.doubt.settled();
            self.merged(name);
        }
        let why = match merge::merged(change, &set) {
            Merge::Write(entries) => {
                tries.token.clone_from(&set.lock_token);
                return Next::Send(Write::Entries(set, entries));
            }
            Merge::DiffChanged(why) => format!("the diff has changed: {why}. Plan again"),
            Merge::TooMany(n) => format!("{n} entries would not fit"),
        };
        Next::Ended(Self::gave_up(change, tries.doubt, &why))
    }

    /// An attempt whose answer did not tell had arrived: the change shows by now.
    pub(super) fn arrived(&mut self, change: &Change) -> Ended {
        self.noted(CallName::of(change), CallPhase::Answered, "an earlier attempt had arrived");
        Ended::made_all_the_same(change)
    }
}
