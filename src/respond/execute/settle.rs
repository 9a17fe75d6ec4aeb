//! Finding out what became of a write: by reading, as often as it takes to know.

use chrono::TimeDelta;

use super::tries::{Doubt, LIMITED_FOR, Patience, Tries, kept_throttling};
use super::{CallName, Ended, Run, Step};
use crate::aws::{AwsError, Lane, Problem};
use crate::incident::CallPhase;
use crate::model::change::{Assignment, Edit, Place};
use crate::model::plan::Change;
use crate::respond::shown::{Shown, shown};

/// Readings that must agree before what they do not show counts as not there.
const READINGS: usize = 4;
/// How often a write is sent whose answer does not tell, where reading shows nothing of it.
pub(super) const SENDINGS: usize = 3;

/// How long is read before a change that AWS accepted counts as not there. What WAF took may take some time to show
/// (documented: "a few seconds to a number of minutes" for traffic; for reading it back nothing is said).
fn settles_in(change: &Change) -> TimeDelta {
    let gateway = matches!(
        &change.edit,
        Edit::Assign(Assignment {
            place: Place::MethodThrottles { .. }
                | Place::RouteThrottles { .. }
                | Place::Deployment { .. }
                | Place::DraftPolicy { .. },
            ..
        })
    );
    if gateway { TimeDelta::seconds(6) } else { TimeDelta::seconds(60) }
}

/// What reading again and again shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// What one reading showed: the change, or several in a row that agree.
    Shows(Shown),
    /// It could not be read.
    Unreadable(String),
}

impl Run<'_> {
    pub(super) fn patience(&self) -> Patience {
        Patience { until: self.aws.clock().now() + LIMITED_FOR, said: false }
    }

    /// Whether `error` says that a call was one too many, and it is to be made again: then a write has its turn, and a
    /// reading has waited for its own.
    pub(super) async fn waited_out(&mut self, name: &str, error: &AwsError, patience: &mut Patience) -> bool {
        if !matches!(error.problem, Problem::Throttled(_)) || self.aws.clock().now() >= patience.until {
            return false;
        }
        if !patience.said {
            patience.said = true;
            self.say(format!("{name}: AWS is limiting calls; waiting"));
        }
        self.aws.turn_again().await;
        true
    }

    /// What a change shows: read until it shows, or until readings over some time agree that it does not. That AWS
    /// limits calls costs time and no reading. Where what was is put back, one reading is enough: whoever asks comes
    /// back.
    pub(super) async fn look(&mut self, change: &Change, tries: &Tries, settles_in: TimeDelta) -> Look {
        let patience = self.patience();
        self.look_within(change, tries, settles_in, patience).await
    }

    async fn look_within(
        &mut self,
        change: &Change,
        tries: &Tries,
        settles_in: TimeDelta,
        mut patience: Patience,
    ) -> Look {
        let back = tries.puts_back();
        let (settles_in, readings) = if back { (TimeDelta::zero(), 1) } else { (settles_in, READINGS) };
        let until = self.aws.clock().now() + settles_in;
        let (mut agreeing, mut failed) = (0, 0);
        let mut last = None;
        let mut why = String::new();
        let mut pause = TimeDelta::seconds(1);
        loop {
            match shown(self.aws, change, Lane::Write).await {
                Ok(shown @ (Shown::All | Shown::CannotTell)) => return Look::Shows(shown),
                Ok(shown) => {
                    agreeing = if last.as_ref() == Some(&shown) { agreeing + 1 } else { 1 };
                    last = Some(shown);
                }
                Err(error) if !back && self.waited_out(&change.resource.name, &error, &mut patience).await => continue,
                Err(error) => {
                    failed += 1;
                    why = error.to_string();
                }
            }
            let late = self.aws.clock().now() >= until;
            match &last {
                Some(shown) if late && agreeing >= readings => return Look::Shows(shown.clone()),
                _ if late && failed >= readings => return Look::Unreadable(why),
                _ => {}
            }
            self.aws.clock().sleep(pause).await;
            pause = (pause * 2).min(TimeDelta::seconds(15));
        }
    }

    /// After a call that AWS accepted: does reading show it?
    pub(super) async fn accepted(&mut self, change: &Change, tries: &Tries) -> Ended {
        if let Edit::Flush(flush) = &change.edit {
            return self.flushing(change, flush).await;
        }
        let name = &change.resource.name;
        let line = match self.look(change, tries, settles_in(change)).await {
            Look::Shows(Shown::All) => return Ended::verified(change),
            Look::Shows(Shown::Nothing) => {
                let line = format!("{name}: AWS answered 200 and nothing changed{}", tries.next_step());
                return Ended { unmoved: true, ..Ended::not_done(line) };
            }
            Look::Shows(Shown::Part { detail, .. }) => detail,
            Look::Shows(Shown::CannotTell) => "nothing shows it".to_owned(),
            Look::Unreadable(why) => why,
        };
        Ended::of(Step::NotVerified, format!("{name}: accepted, but reading it back does not show it: {line}"))
    }

    /// After an answer that does not tell: what reading shows. `None` where it shows nothing, and the write may be sent
    /// once more.
    pub(super) async fn found_out(&mut self, change: &Change, tries: &Tries, error: &AwsError) -> Option<Ended> {
        let name = &change.resource.name;
        if !matches!(change.edit, Edit::Flush(_)) {
            self.say(format!("{error}; reading {name} to find out"));
        }
        let last = tries.doubt.sendings >= SENDINGS;
        let time = if last { settles_in(change) } else { TimeDelta::seconds(6) };
        match self.look(change, tries, time).await {
            // It showed before as well.
            Look::Shows(Shown::All) if tries.is_written_anyway() => Some(Ended::not_known(change, &error.to_string())),
            Look::Shows(Shown::All) => {
                let seen = "the answer was unclear, but reading it back shows the change";
                self.noted(CallName::of(change), CallPhase::Answered, seen);
                Some(Ended::made_all_the_same(change))
            }
            Look::Shows(Shown::Nothing | Shown::Part { begun: true, .. }) if !last && !tries.puts_back() => {
                // Where it was turned away without a word that says so.
                self.aws.turn_again().await;
                None
            }
            Look::Shows(Shown::Nothing) => Some(Self::nothing_shows(change, tries.doubt, &error.to_string())),
            Look::Shows(Shown::Part { detail, begun }) => {
                if begun {
                    let seen = "the answer was unclear; reading it back shows part of the change";
                    self.noted(CallName::of(change), CallPhase::Answered, seen);
                }
                Some(Ended::not_known(change, &format!("partly changed, or changed by somebody else: {detail}")))
            }
            Look::Shows(Shown::CannotTell) => {
                let again = "Nothing shows afterwards whether it was; flushing again does no further harm";
                Some(Ended::of(Step::NotKnown, format!("{name}: not known whether it was flushed: {error}. {again}")))
            }
            Look::Unreadable(why) => Some(Ended::not_known(change, &why)),
        }
    }

    /// Reading shows nothing of a change, plainly: what has been answered is not done, what timed out may be done yet.
    fn nothing_shows(change: &Change, doubt: Doubt, why: &str) -> Ended {
        let name = &change.resource.name;
        if doubt.may_land {
            let why = format!("it does not show, and the call may still take effect: {why}");
            return Ended::not_known(change, &why);
        }
        let line = format!("{name}: repeated reads show no change: {why}");
        Ended { unmoved: true, ..Ended::not_done(line) }
    }

    /// After a refusal: what is there is read, since an earlier attempt may have done it, and a change may take several
    /// calls, or operations of which it is not verified whether all or none apply. Where AWS kept turning it away, only
    /// what is read makes that "not done".
    pub(super) async fn refused(&mut self, change: &Change, tries: &Tries, error: &AwsError) -> Ended {
        let doubt = tries.doubt;
        let limited = matches!(error.problem, Problem::Throttled(_));
        let why = if limited { kept_throttling(error) } else { error.to_string() };
        // What was waited for long enough is not waited for once more.
        let patience = if limited { tries.patience } else { self.patience() };
        let look = self.look_within(change, tries, TimeDelta::seconds(6), patience).await;
        match look {
            Look::Shows(Shown::All) if doubt.is_open() => self.arrived(change),
            Look::Shows(Shown::All) if limited => self.shows_though_refused(change),
            Look::Shows(Shown::All) => Ended::not_done(format!("{why}; somebody else did the same")),
            Look::Shows(Shown::Nothing) if limited => Self::nothing_shows(change, doubt, &format!("{why}; try again")),
            Look::Shows(Shown::Nothing) => Self::nothing_shows(change, doubt, &why),
            Look::Shows(Shown::Part { detail, begun }) => {
                if begun {
                    let seen = "refused, but reading shows part of the change";
                    self.noted(CallName::of(change), CallPhase::Answered, seen);
                    return Ended::not_known(change, &format!("{why}; but part of it shows: {detail}"));
                }
                Self::gave_up(change, doubt, &format!("{why}; {detail}"))
            }
            Look::Shows(Shown::CannotTell) => Ended::not_known(change, &why),
            Look::Unreadable(unread) => Ended::not_known(change, &format!("{why}; {unread}")),
        }
    }

    /// AWS turned every call away, and reading shows the change all the same: somebody else's, or ours.
    pub(super) fn shows_though_refused(&mut self, change: &Change) -> Ended {
        let seen = "turned away each time, but reading shows the change";
        self.noted(CallName::of(change), CallPhase::NoAnswer, seen);
        Ended::not_known(change, seen)
    }

    /// It could not be gone on with: not done, unless an earlier attempt may have done it.
    pub(super) fn gave_up(change: &Change, doubt: Doubt, why: &str) -> Ended {
        if doubt.is_open() {
            return Ended::not_known(change, why);
        }
        Ended::not_done(format!("{}: {why}", change.resource.name))
    }
}
