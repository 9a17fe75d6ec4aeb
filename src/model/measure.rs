//! Measures: actions in force that turn requests away, as far as whoever reads figures has to know of them.
//!
//! Out of the journal, and without what only undo needs. Knows nothing of journals, calls and screens.

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;

use super::action::Action;
pub use super::action::{Shows, Turning, TurnsAway};
use super::series::floor_minute;
use super::stage::StageId;
use super::timeline::{ActionRecord, ActionState};

/// So long a change may take to reach everywhere (minutes at most: documented of WAF, inferred of API Gateway).
pub const SPREADS: TimeDelta = TimeDelta::minutes(2);

/// What the blocks of a stage hold, and since when the newest does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// When the newest was begun, account time, UTC.
    pub since: DateTime<Utc>,
    /// The prefixes that are blocked.
    pub nets: Vec<IpNet>,
}

impl Blocked {
    /// What those of `actions` that are in force on a stage hold; `None` where none does.
    #[must_use]
    pub fn of<'a>(actions: impl IntoIterator<Item = &'a ActionRecord>, stage: &StageId) -> Option<Self> {
        let is_on = |one: &&ActionRecord| {
            one.stage.is_same(stage) && Measure::of(one).is_some_and(|measure| measure.is_in_force())
        };
        let mut found: Option<Self> = None;
        for record in actions.into_iter().filter(is_on) {
            let Action::BlockIp(block) = &record.action else { continue };
            let known = found.get_or_insert(Self { since: record.begun_at, nets: Vec::new() });
            known.since = known.since.max(record.begun_at);
            known.nets.extend(block.targets.iter().map(|target| target.net));
        }
        found
    }
}

/// One action in force that turns requests of a stage away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// The action's id, as `undo` takes it.
    pub id: String,
    /// On which stage it was asked for.
    pub stage: StageId,
    /// How it turns requests away.
    pub turning: Turning,
    /// Where that shows.
    pub shows: Shows,
    /// When it was begun, account time, UTC.
    pub since: DateTime<Utc>,
    /// Until when it may have turned requests away, where it was taken back: with the time that takes to reach
    /// everywhere. Then it is in force no more, and explains the minutes until then.
    pub until: Option<DateTime<Utc>>,
    /// What it lets through of each method that it throttles, requests a second; of a closure by throttle nothing.
    pub lets_through: Option<u32>,
}

impl Measure {
    /// The measure that an action is, where it is one: in force, perhaps in force, or taken back.
    #[must_use]
    pub fn of(record: &ActionRecord) -> Option<Self> {
        let until = match record.state {
            ActionState::InForce | ActionState::Unclear | ActionState::InFlight => None,
            ActionState::Undone => Some(record.undone_at? + SPREADS),
            ActionState::NotDone | ActionState::Final | ActionState::Lapsed => return None,
        };
        let TurnsAway { turning, shows, lets_through } = record.action.turns_away()?;
        let (id, stage) = (record.id.clone(), record.stage.clone());
        Some(Self { id, stage, turning, shows, since: record.begun_at, until, lets_through })
    }

    /// Whether it was in force for all of the minute that starts at `minute`, or for a part of it.
    #[must_use]
    pub fn is_in(&self, minute: DateTime<Utc>) -> bool {
        floor_minute(self.since) <= minute && self.until.is_none_or(|until| minute < until)
    }

    /// Whether it is in force now.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        self.until.is_none()
    }
}

/// The measures that are in force, of every stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measures(Vec<Measure>);

impl Measures {
    /// Out of the actions of the open incidents, the first first.
    #[must_use]
    pub fn of<'a>(actions: impl IntoIterator<Item = &'a ActionRecord>) -> Self {
        Self::new(actions.into_iter().filter_map(Measure::of).collect())
    }

    /// Each, and nothing else.
    #[must_use]
    pub fn new(mut all: Vec<Measure>) -> Self {
        all.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
        all.dedup();
        Self(all)
    }

    /// None at all.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Those of which `is_on` holds: on one stage, or before it.
    #[must_use]
    pub fn filtered(&self, is_on: impl Fn(&Measure) -> bool) -> Self {
        Self(self.0.iter().filter(|measure| is_on(measure)).cloned().collect())
    }

    /// Those on one stage.
    #[must_use]
    pub fn on(&self, stage: &StageId) -> Self {
        self.filtered(|measure| measure.stage.is_same(stage))
    }

    /// Each, the first first.
    pub fn iter(&self) -> impl Iterator<Item = &Measure> {
        self.0.iter()
    }

    /// Whether there is none, not even one that was taken back.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one is in force now.
    #[must_use]
    pub fn any_in_force(&self) -> bool {
        self.0.iter().any(Measure::is_in_force)
    }

    /// When the first of a kind began that was in force in a minute.
    #[must_use]
    pub fn since(&self, turning: Turning, minute: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.iter().find(|one| one.turning == turning && one.is_in(minute)).map(|one| one.since)
    }

    /// Those that were in force in a minute.
    pub fn in_force(&self, minute: DateTime<Utc>) -> impl Iterator<Item = &Measure> {
        self.0.iter().filter(move |one| one.is_in(minute))
    }

    /// When one began or was taken back last, up to `at`.
    #[must_use]
    pub fn changed_by(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.changes().filter(|change| *change <= at).max()
    }

    /// When each began, and when it was taken back.
    pub fn changes(&self) -> impl Iterator<Item = DateTime<Utc>> {
        // What is taken back is so until it has spread.
        let of = |one: &Measure| [Some(one.since), one.until.map(|until| until - SPREADS)];
        self.0.iter().flat_map(of).flatten()
    }

    /// `2 blocks and a closure in force`, or nothing where there is none.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let count = |turning| self.0.iter().filter(|one| one.turning == turning && one.is_in_force()).count();
        let part = |turning: Turning| match count(turning) {
            0 => None,
            1 => Some(format!("a {}", turning.word())),
            many => Some(format!("{many} {}s", turning.word())),
        };
        let parts: Vec<String> =
            [Turning::Closes, Turning::Throttles, Turning::Blocks].into_iter().filter_map(part).collect();
        (!parts.is_empty()).then(|| format!("{} in force", parts.join(" and ")))
    }
}
