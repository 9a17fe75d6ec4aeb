//! Finding out what became of a write: by reading, as often as it takes to know.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Run, Step};
use crate::aws::{AwsError, Lane, Problem};
use crate::incident::CallPhase;
use crate::model::change::{Assignment, Doing, Place};
use crate::model::plan::Change;
use crate::respond::shown::{Shown, shown};

/// Readings that must agree before what they do not show counts as not there.
const READINGS: usize = 4;
/// Account time for which a write, or a reading, is repeated that AWS turns away as one too many. When it is sent again, the pace decides.
const LIMITED_FOR: TimeDelta = TimeDelta::minutes(5);
/// How often a write is sent whose answer does not tell, where reading shows nothing of it.
pub(super) const SENDINGS: usize = 3;

/// How long is read before a change that AWS accepted counts as not there. What WAF took may take some time to show (documented: "a few
/// seconds to a number of minutes" for traffic; for reading it back nothing is said).
fn settles_in(change: &Change) -> TimeDelta {
    let gateway = matches!(
        &change.doing,
        Doing::Assign(Assignment {
            place: Place::MethodThrottles { .. }
                | Place::RouteThrottles { .. }
                | Place::Deployment { .. }
                | Place::DraftPolicy { .. },
            ..
        })
    );
    if gateway { TimeDelta::seconds(6) } else { TimeDelta::seconds(60) }
}

/// In words, of an answer that says that a call was one too many, where it has been waited for as long as is waited.
pub(super) fn kept_throttling(error: &AwsError) -> String {
    format!("AWS kept throttling {} for {} minutes", error.operation, LIMITED_FOR.num_minutes())
}

/// What reading again and again shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// What one reading showed: the change, or several in a row that agree.
    Shows(Shown),
    /// It could not be read.
    Unreadable(String),
}

/// What is not known of the attempts so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Doubt {
    /// Sendings whose answer did not tell.
    pub(super) sendings: usize,
    /// Whether what became of them is still open.
    open: bool,
    /// Whether one of them may take effect yet.
    may_land: bool,
}

impl Doubt {
    pub(super) fn add(&mut self, ended: bool) {
        self.sendings += 1;
        self.open = true;
        self.may_land |= !ended;
    }

    /// What was sent has not done it, and never will.
    pub(super) fn settled(&mut self) {
        self.open = false;
        self.may_land = false;
    }

    pub(super) fn is_open(self) -> bool {
        self.open
    }
}

/// Until when AWS may go on limiting the calls of one change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    until: DateTime<Utc>,
    /// Whether it has been said that something is waited for.
    said: bool,
}

impl Run<'_> {
    pub(super) fn patience(&self) -> Patience {
        Patience { until: self.aws.clock().now() + LIMITED_FOR, said: false }
    }

    /// Whether `error` says that a call was one too many, and it is to be made again: then a write has its turn, and a reading has waited
    /// for its own.
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

    /// What a change shows: read until it shows, or until readings over some time agree that it does not. That AWS limits calls costs
    /// time and no reading.
    pub(super) async fn look(&mut self, change: &Change, settles_in: TimeDelta) -> Look {
        let patience = self.patience();
        self.look_within(change, settles_in, patience).await
    }

    async fn look_within(&mut self, change: &Change, settles_in: TimeDelta, mut patience: Patience) -> Look {
        let until = self.aws.clock().now() + settles_in;
        let (mut agreeing, mut failed) = (0, 0);
        let mut last = None;
        let mut why = String::new();
        let mut pause = TimeDelta::seconds(1);
        loop {
            match shown(self.aws, change, Lane::Write).await {
                Ok(Shown::All) => return Look::Shows(Shown::All),
                Ok(shown) => {
                    agreeing = if last.as_ref() == Some(&shown) { agreeing + 1 } else { 1 };
                    last = Some(shown);
                }
                Err(error) if self.waited_out(&change.resource.name, &error, &mut patience).await => continue,
                Err(error) => {
                    failed += 1;
                    why = error.to_string();
                }
            }
            let late = self.aws.clock().now() >= until;
            match &last {
                Some(shown) if late && agreeing >= READINGS => return Look::Shows(shown.clone()),
                _ if late && failed >= READINGS => return Look::Unreadable(why),
                _ => {}
            }
            self.aws.clock().sleep(pause).await;
            pause = (pause * 2).min(TimeDelta::seconds(15));
        }
    }

    /// After a call that AWS accepted: does reading show it?
    pub(super) async fn accepted(&mut self, change: &Change) -> Step {
        let name = &change.resource.name;
        let line = match self.look(change, settles_in(change)).await {
            Look::Shows(Shown::All) => {
                self.say(format!("{name}: read back as set"));
                return Step::Verified;
            }
            Look::Shows(Shown::Nothing) => {
                self.unchanged.push(change.resource.arn.clone());
                return self.not_done(format!("{name}: AWS answered 200 and nothing changed. Plan again"));
            }
            Look::Shows(Shown::Part { detail, .. }) => detail,
            Look::Shows(Shown::CannotTell) => "nothing shows it".to_owned(),
            Look::Unreadable(why) => why,
        };
        self.say(format!("{name}: accepted, but reading it back does not show it: {line}"));
        Step::NotVerified
    }

    /// After an answer that does not tell: what reading shows. `None` where it shows nothing, and the write may be sent once more.
    pub(super) async fn found_out(&mut self, change: &Change, doubt: &Doubt, error: &AwsError) -> Option<Step> {
        let name = &change.resource.name;
        self.say(format!("{error}; reading {name} to find out"));
        let last = doubt.sendings >= SENDINGS;
        let time = if last { settles_in(change) } else { TimeDelta::seconds(6) };
        match self.look(change, time).await {
            Look::Shows(Shown::All) => {
                self.noted(change, CallPhase::Answered, "the answer did not tell, but reading shows the change");
                self.say(format!("{name}: the change was made all the same"));
                Some(Step::Verified)
            }
            Look::Shows(Shown::Nothing | Shown::Part { begun: true, .. }) if !last => {
                // Where it was turned away without a word that says so.
                self.aws.turn_again().await;
                None
            }
            Look::Shows(Shown::Nothing) => Some(self.nothing_shows(change, *doubt, &error.to_string())),
            Look::Shows(Shown::Part { detail, begun }) => {
                if begun {
                    self.noted(
                        change,
                        CallPhase::Answered,
                        "the answer did not tell; reading shows part of the change",
                    );
                }
                Some(self.not_known(change, &format!("partly changed, or changed by somebody else: {detail}")))
            }
            Look::Shows(Shown::CannotTell) => Some(self.not_known(change, &error.to_string())),
            Look::Unreadable(why) => Some(self.not_known(change, &why)),
        }
    }

    /// Reading shows nothing of a change, plainly: what has been answered is not done, what timed out may be done yet.
    pub(super) fn nothing_shows(&mut self, change: &Change, doubt: Doubt, why: &str) -> Step {
        let name = &change.resource.name;
        if doubt.may_land {
            return self.not_known(change, &format!("it does not show, and what was sent may take effect yet: {why}"));
        }
        self.unchanged.push(change.resource.arn.clone());
        self.not_done(format!("{name}: reading it again and again shows no change: {why}"))
    }

    /// After a refusal: what is there is read, since an earlier attempt may have done it, and a change may take several calls, or operations
    /// of which it is not verified whether all or none apply. Where AWS kept turning it away, only what is read makes that "not done".
    pub(super) async fn refused(
        &mut self,
        change: &Change,
        doubt: Doubt,
        error: &AwsError,
        patience: Patience,
    ) -> Step {
        let limited = matches!(error.problem, Problem::Throttled(_));
        let why = if limited { kept_throttling(error) } else { error.to_string() };
        // What was waited for long enough is not waited for once more.
        let patience = if limited { patience } else { self.patience() };
        let look = self.look_within(change, TimeDelta::seconds(6), patience).await;
        match look {
            Look::Shows(Shown::All) if doubt.is_open() => {
                self.noted(change, CallPhase::Answered, "an earlier attempt had arrived");
                self.say(format!("{}: the change was made all the same", change.resource.name));
                Step::Verified
            }
            Look::Shows(Shown::All) if limited => {
                self.noted(change, CallPhase::NoAnswer, "turned away each time, but reading shows the change");
                self.not_known(change, &format!("{why}, but reading shows the change"))
            }
            Look::Shows(Shown::All) => self.not_done(format!("{why}; somebody else did the same")),
            Look::Shows(Shown::Nothing) if limited => self.nothing_shows(change, doubt, &format!("{why}; try again")),
            Look::Shows(Shown::Nothing) => self.nothing_shows(change, doubt, &why),
            Look::Shows(Shown::Part { detail, begun }) => {
                if begun {
                    self.noted(change, CallPhase::Answered, "refused, but reading shows part of the change");
                    return self.not_known(change, &format!("{why}; but part of it shows: {detail}"));
                }
                self.gave_up(change, doubt, &format!("{why}; {detail}"))
            }
            Look::Shows(Shown::CannotTell) => self.not_known(change, &why),
            Look::Unreadable(unread) => self.not_known(change, &format!("{why}; {unread}")),
        }
    }

    /// It could not be gone on with: not done, unless an earlier attempt may have done it.
    pub(super) fn gave_up(&mut self, change: &Change, doubt: Doubt, why: &str) -> Step {
        if doubt.is_open() {
            return self.not_known(change, why);
        }
        self.not_done(format!("{}: {why}", change.resource.name))
    }

    pub(super) fn not_known(&mut self, change: &Change, why: &str) -> Step {
        self.say(format!("{}: not known whether it was changed: {why}", change.resource.name));
        Step::NotKnown
    }
}
