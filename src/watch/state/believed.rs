//! What is believed of attacks: what the incident has pinned, else what the boards themselves have said first.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{RowKey, State, row_key};
use crate::model::attack::Attacks;
use crate::model::board::Board;
use crate::model::signal::Severity;
use crate::model::stage::StageId;

/// What the boards have said of an attack is forgotten when none of its signals stood for so long: as an incident is calm then.
const CALM: TimeDelta = TimeDelta::hours(12);

/// When the attacks began.
#[derive(Debug, Default)]
pub(in crate::watch) struct Believed {
    /// Pinned in the incident.
    pinned: Attacks,
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
    /// Takes over what is pinned in the incident.
    pub(in crate::watch) fn believe(&mut self, attacks: Attacks) {
        self.believed.pinned = attacks;
        let mut seen = std::mem::take(&mut self.believed.seen);
        seen.retain(|row, (since, _)| {
            self.entries.get(row).is_none_or(|entry| !self.believed.is_over(&entry.id, *since))
        });
        self.believed.seen = seen;
    }

    /// Keeps what a board says of attacks that nothing is pinned of; whether it says so first of any.
    pub(in crate::watch) fn note_attacks(&mut self, board: &Board) -> bool {
        let before = self.believed.seen.len();
        for row in board.stages.iter().filter(|row| !row.signals.is_empty()) {
            let attacks = row.signals.iter().filter(|signal| signal.severity == Severity::Attack);
            let attacks = attacks.filter(|signal| !self.believed.is_over(&row.id, signal.since));
            if let Some(since) = attacks.map(|signal| signal.since).min() {
                self.believed.seen.entry(row_key(&row.id)).or_insert((since, board.at)).1 = board.at;
            }
        }
        let seen = &mut self.believed.seen;
        let found = seen.len() > before;
        seen.retain(|_, (_, stood)| board.at - *stood < CALM);
        found
    }

    /// From when to when the attack before stood.
    pub(in crate::watch) fn earlier_attack(&self, stage: &StageId) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.believed.pinned.over(stage)
    }

    /// The stages that are believed attacked, and since when.
    pub(in crate::watch) fn attacked_since(&self) -> HashMap<RowKey, DateTime<Utc>> {
        let Believed { pinned, seen } = &self.believed;
        if pinned.is_empty() && seen.is_empty() {
            return HashMap::new();
        }
        let began = |row: &RowKey, id| pinned.began(id).or_else(|| seen.get(row).map(|(since, _)| *since));
        let rows = self.entries.iter().filter_map(|(row, entry)| Some((row.clone(), began(row, &entry.id)?)));
        rows.collect()
    }
}
