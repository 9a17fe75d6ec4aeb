//! What is believed of attacks: what the incident has pinned, else what the boards themselves have said first.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Entry, RowKey, State, row_key};
use crate::model::attack::{Attacks, RestsOn};
use crate::model::belief::Beliefs;
use crate::model::board::Board;
use crate::model::measure::{Measure, Measures, Turning};
use crate::model::signal::Severity;
use crate::model::stage::StageId;

/// What the boards have said of an attack is forgotten when none of its signals stood for so long: as an incident is
/// calm then.
const CALM: TimeDelta = TimeDelta::hours(12);

/// When the attacks began.
#[derive(Debug, Default)]
pub(in crate::watch) struct Believed {
    /// Pinned in the incident.
    pinned: Attacks,
    /// Our own, in force.
    measures: Measures,
    /// By the boards, where nothing is pinned: the first that was said counts, and when a signal of it stood last.
    seen: HashMap<RowKey, (DateTime<Utc>, DateTime<Utc>)>,
}

impl Believed {
    /// Whether somebody has said that what began then is over.
    fn is_over(&self, stage: &StageId, began: DateTime<Utc>) -> bool {
        self.pinned.over(stage).is_some_and(|(_, ended)| began <= ended)
    }
}

impl State {
    /// Takes over what is pinned in the incident, and what is in force.
    pub(in crate::watch) fn believe(&mut self, beliefs: Beliefs) {
        self.attacks.believed.pinned = beliefs.attacks;
        self.attacks.believed.measures = beliefs.measures;
        let mut seen = std::mem::take(&mut self.attacks.believed.seen);
        seen.retain(|row, (since, _)| {
            self.entries.get(row).is_none_or(|entry| !self.attacks.believed.is_over(&entry.id, *since))
        });
        self.attacks.believed.seen = seen;
    }

    /// Keeps what a board says of attacks that nothing is pinned of; whether it says so first of any.
    pub(in crate::watch) fn note_attacks(&mut self, board: &Board) -> bool {
        let before = self.attacks.believed.seen.len();
        for row in board.stages.iter().filter(|row| !row.signals.is_empty()) {
            let attacks = row.signals.iter().filter(|signal| signal.severity == Severity::Attack);
            let attacks = attacks.filter(|signal| !self.attacks.believed.is_over(&row.id, signal.since));
            if let Some(since) = attacks.map(|signal| signal.since).min() {
                self.attacks.believed.seen.entry(row_key(&row.id)).or_insert((since, board.at)).1 = board.at;
            }
        }
        let seen = &mut self.attacks.believed.seen;
        let found = seen.len() > before;
        seen.retain(|_, (_, stood)| board.at - *stood < CALM);
        found
    }

    /// From when to when the attack before stood.
    pub(in crate::watch) fn earlier_attack(&self, stage: &StageId) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.attacks.believed.pinned.over(stage)
    }

    /// Our own measures that show in a stage's figures.
    pub(in crate::watch) fn measures_on(&self, entry: &Entry) -> Measures {
        let all = &self.attacks.believed.measures;
        if all.is_empty() {
            return Measures::none();
        }
        let acl = entry.acl_arn();
        let behind = |measure: &Measure| {
            let asked_for = self.entries.values().find(|other| other.id.is_same(&measure.stage));
            let (api, stage) = (&measure.stage.api_id, &measure.stage.stage);
            let place = format!("/restapis/{api}/stages/{stage}");
            let listed = acl
                .and_then(|acl| self.acls.behind.get(acl))
                .is_some_and(|all| all.iter().any(|arn| arn.ends_with(&place)));
            listed || (acl.is_some() && asked_for.is_some_and(|other| other.acl_arn() == acl))
        };
        // An IP set blocks before every stage behind the web ACL.
        all.filtered(|one| one.stage.is_same(&entry.id) || (one.turning == Turning::Blocks && behind(one)))
    }

    /// Whether a person has said that an attack stands on a stage: harm without a signal exists.
    pub(in crate::watch) fn is_declared(&self, stage: &StageId) -> bool {
        self.attacks.believed.pinned.on(stage).is_some_and(|attack| attack.rests_on == RestsOn::Person)
    }

    /// The stages that are believed attacked, and since when.
    pub(in crate::watch) fn attacked_since(&self) -> HashMap<RowKey, DateTime<Utc>> {
        let Believed { pinned, seen, .. } = &self.attacks.believed;
        if pinned.is_empty() && seen.is_empty() {
            return HashMap::new();
        }
        let began = |row: &RowKey, id| pinned.began(id).or_else(|| seen.get(row).map(|(since, _)| *since));
        let rows = self.entries.iter().filter_map(|(row, entry)| Some((row.clone(), began(row, &entry.id)?)));
        rows.collect()
    }
}
