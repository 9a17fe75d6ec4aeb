//! Values set in one place: only where each is still what was read.
//!
//! There is no lock token for any of this: what is there is read just before the call, and again after it. A change
//! that somebody makes in the moment between shows in the second reading, and is then said.

use super::engine::{Next, Write};
use super::tries::{Reading, Tries};
use super::{Ended, Run};
use crate::aws::{Lane, Problem};
use crate::model::change::{Assignment, Flush, Standing};
use crate::model::plan::Change;
use crate::respond::assigned;

impl Run<'_> {
    /// What is still to be set, by a reading just before the call: before a repeated one, what is set already is left
    /// out, and what somebody else has set meanwhile ends it.
    pub(super) async fn values_to_set(&mut self, change: &Change, assignment: &Assignment, tries: &mut Tries) -> Next {
        let now = loop {
            if let Some(Reading::Values(now)) = tries.read.take() {
                break now;
            }
            match assigned::current(self.aws, &assignment.place, Lane::Write).await {
                Ok(now) => break now,
                // Where it is put back, the next reading must not wait for the turn of what is to be made.
                Err(error)
                    if !tries.puts_back()
                        && self.waited_out(&change.resource.name, &error, &mut tries.patience).await => {}
                Err(error) if tries.sent > 0 && matches!(error.problem, Problem::Throttled(_)) => {
                    return Next::Ended(self.refused(change, tries, &error).await);
                }
                Err(error) => return Next::Ended(Self::gave_up(change, tries.doubt, &error.to_string())),
            }
        };
        let send = |values: Assignment| Next::Send(Write::Values(values));
        let why = match assignment.standing(&now) {
            Standing::Before => return send(assignment.clone()),
            Standing::After if tries.is_written_anyway() => return send(assignment.clone()),
            Standing::After if tries.doubt.is_open() => return Next::Ended(self.arrived(change)),
            Standing::After if tries.puts_back() => return Next::Ended(Ended::verified(change)),
            Standing::After if tries.sent > 0 => return Next::Ended(self.shows_though_refused(change)),
            Standing::After => "somebody else did the same".to_owned(),
            Standing::Otherwise { lines, .. } => match assignment.remaining(&now).filter(|_| tries.sent > 0) {
                Some(left) => return send(left),
                None => lines.join("; "),
            },
        };
        let ended = Self::gave_up(change, tries.doubt, &format!("the diff has changed: {why}{}", tries.next_step()));
        Next::Ended(Ended { foreign: true, ..ended })
    }

    /// After a flush was accepted: what AWS says of the cache. Nothing reads it back.
    pub(super) async fn flushing(&mut self, change: &Change, flush: &Flush) -> Ended {
        let name = &change.resource.name;
        let said = if flush.authorizers {
            "nothing shows when it has ended".to_owned()
        } else {
            match self.aws.stage_settings(&flush.api_id, &flush.stage, Lane::Write).await {
                Ok(settings) => {
                    format!("the cache is {}", settings.cache_cluster_status.unwrap_or_else(|| "unknown".to_owned()))
                }
                // Its answer has said that it began; the status is only said beside it.
                Err(error) => format!("the cache's status could not be read: {error}"),
            }
        };
        Ended::of(super::Step::Verified, format!("{name}: AWS has begun; {said}"))
    }
}
