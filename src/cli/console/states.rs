//! The journal's lines on how stages stand: one where it has changed.

use std::sync::{Mutex, PoisonError};

use crate::incident::{Event, Incident};
use crate::model::board::{Board, StageRow};
use crate::model::condition::{Condition, StageState};
use crate::model::stage::StageId;
use crate::tui::News;

/// How stages stand, as the incident has it.
#[derive(Default)]
pub(super) struct States(Mutex<Option<Written>>);

/// What was written last, and in which incident.
struct Written {
    incident: String,
    of: Vec<(StageId, StageState)>,
}

impl States {
    /// Writes how stages stand where that is another state than the incident has. `tell` is given what somebody has to
    /// look at now: customers who are kept out, a measure that no longer holds; and that nothing could be written.
    pub(super) fn write(&self, incident: &Incident, board: &Board, tell: impl Fn(News)) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.as_ref().is_none_or(|written| written.incident != incident.id()) {
            // A console that was started again goes on from what was written before.
            let Ok(known) = incident.known() else { return };
            *written = Some(Written { incident: incident.id().to_owned(), of: known.states().cloned().collect() });
        }
        let Some(written) = written.as_mut() else { return };
        for row in &board.stages {
            let before = written.of.iter().find(|(stage, _)| stage.is_same(&row.id)).map(|(_, state)| *state);
            if !is_news(&row.condition, before) {
                continue;
            }
            match incident.record_where(board.at, |known| line(row, known.state_on(&row.id))) {
                Ok(is_first) => {
                    if is_first && matches!(row.condition.state, StageState::CustomersOut | StageState::Leaking) {
                        tell(News::Asks { line: format!("{}: {}", row.id.label(), row.condition.words(None)) });
                    }
                    written.of.retain(|(stage, _)| !stage.is_same(&row.id));
                    written.of.push((row.id.clone(), row.condition.state));
                }
                Err(error) => {
                    tell(News::Progress { line: format!("the timeline is not being written: {error}") });
                }
            }
        }
    }
}

/// Whether a condition says another thing than what was written. A stage that was never attacked is not written about,
/// and that nothing was told yet is no news.
fn is_news(condition: &Condition, before: Option<StageState>) -> bool {
    let told = condition.state != StageState::Unknown || condition.last_known.is_some();
    let concerns = before.is_some() || (condition.state != StageState::Calm && condition.matters());
    told && concerns && before != Some(condition.state)
}

fn line(row: &StageRow, before: Option<StageState>) -> Option<Event> {
    let condition = &row.condition;
    is_news(condition, before).then(|| Event::StateChanged {
        stage: row.id.clone(),
        state: condition.state,
        before,
        since: condition.since,
        sureness: condition.sureness,
        served_share: condition.served.value(),
        served_by: condition.served_by,
        slow: condition.is_slow(),
        attackers_answered_requests_at_least: condition.attackers_total_requests(),
        attackers_answered_since: condition.attackers_total_since,
        evidence: condition.evidence.clone(),
    })
}
