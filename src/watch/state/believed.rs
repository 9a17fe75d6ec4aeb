//! What is believed of attacks: what the incident has pinned, else what the boards themselves have said first.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{RowKey, State, row_key};
use crate::model::attack::Attacks;
use crate::model::board::Board;
use crate::model::signal::Severity;

/// What the boards have said of an attack is forgotten when none of its signals stood for so long: as an incident is calm then.
const CALM: TimeDelta = TimeDelta::hours(12);

/// When the attacks began.
#[derive(Debug, Default)]
pub(in crate::watch) struct Believed {
    /// Pinned in the incident.
    pinned: Attacks,
    /// By the boards, where nothing is pinned: the first that was said counts, and when a signal of it stood last.
    seen: HashMap<RowKey, (DateTime<Utc>, DateTime<Utc>)>,
    /// When somebody said that an attack was over: what began before then is no new one.
    over: HashMap<RowKey, DateTime<Utc>>,
}

impl State {
    /// Takes over what is pinned in the incident.
    pub(in crate::watch) fn believe(&mut self, attacks: Attacks, now: DateTime<Utc>) {
        let before = std::mem::replace(&mut self.believed.pinned, attacks);
        for (row, entry) in &self.entries {
            if before.on(&entry.id).is_some() && self.believed.pinned.on(&entry.id).is_none() {
                self.believed.seen.remove(row);
                self.believed.over.insert(row.clone(), now);
            }
        }
    }

    /// Keeps what a board says of attacks that nothing is pinned of; whether it says so first of any.
    pub(in crate::watch) fn note_attacks(&mut self, board: &Board) -> bool {
        let before = self.believed.seen.len();
        let Believed { seen, over, .. } = &mut self.believed;
        for row in board.stages.iter().filter(|row| !row.signals.is_empty()) {
            let key = row_key(&row.id);
            let over = over.get(&key);
            let attacks = row.signals.iter().filter(|signal| signal.severity == Severity::Attack);
            let attacks = attacks.filter(|signal| over.is_none_or(|over| signal.since > *over));
            if let Some(since) = attacks.map(|signal| signal.since).min() {
                seen.entry(key).or_insert((since, board.at)).1 = board.at;
            }
        }
        let found = seen.len() > before;
        seen.retain(|_, (_, stood)| board.at - *stood < CALM);
        found
    }

    /// The stages that are believed attacked, and since when.
    pub(in crate::watch) fn attacked_since(&self) -> HashMap<RowKey, DateTime<Utc>> {
        let Believed { pinned, seen, .. } = &self.believed;
        if pinned.is_empty() && seen.is_empty() {
            return HashMap::new();
        }
        let began = |row: &RowKey, id| pinned.began(id).or_else(|| seen.get(row).map(|(since, _)| *since));
        let rows = self.entries.iter().filter_map(|(row, entry)| Some((row.clone(), began(row, &entry.id)?)));
        rows.collect()
    }
}
