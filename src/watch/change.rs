//! What changed between two boards, for the journal.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::model::board::{Board, StageRow};
use crate::model::signal::{Signal, SignalKind};
use crate::model::stage::StageId;

/// A signal that was raised, grew worse or ended.
#[derive(Debug, Clone, PartialEq)]
pub enum SignalChange {
    /// It stands now and did not before, or it has become an attack, or what is left of one is our own doing.
    Raised {
        /// On which stage.
        stage: StageId,
        /// The signal with its evidence.
        signal: Signal,
    },
    /// It stood before and no longer does.
    Ended {
        /// On which stage.
        stage: StageId,
        /// Which one.
        kind: SignalKind,
        /// Account time of the board that no longer has it, UTC.
        at: DateTime<Utc>,
    },
}

/// What was raised and what ended from `before` to `after`, in the order of the rows.
///
/// Only what is judged to be over has left a board's signals: an outage of the readings ends none. A stage that is gone
/// ends its signals.
#[must_use]
pub fn signal_changes(before: &Board, after: &Board) -> Vec<SignalChange> {
    let old: HashMap<&StageId, &StageRow> = before.stages.iter().map(|r| (&r.id, r)).collect();
    let new: HashMap<&StageId, &StageRow> = after.stages.iter().map(|r| (&r.id, r)).collect();
    let find = |rows: &HashMap<&StageId, &StageRow>, id: &StageId, kind: SignalKind| {
        let row = rows.get(id)?;
        row.signals.iter().find(|s| s.kind == kind).cloned()
    };
    let mut changes = Vec::new();
    for row in &after.stages {
        for signal in &row.signals {
            let stood = find(&old, &row.id, signal.kind);
            // What is left of it is our own doing: as an attack it has ended.
            let lowered = signal.ours && stood.as_ref().is_some_and(|stood| stood.severity > signal.severity);
            if lowered {
                changes.push(SignalChange::Ended { stage: row.id.clone(), kind: signal.kind, at: after.at });
            }
            if lowered || stood.is_none_or(|stood| stood.severity < signal.severity) {
                changes.push(SignalChange::Raised { stage: row.id.clone(), signal: signal.clone() });
            }
        }
    }
    for row in &before.stages {
        for signal in &row.signals {
            if find(&new, &row.id, signal.kind).is_none() {
                changes.push(SignalChange::Ended { stage: row.id.clone(), kind: signal.kind, at: after.at });
            }
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::signal::Severity;
    use crate::watch::picture;
    use crate::watch::state::State;

    fn board(severity: Option<Severity>) -> Board {
        let mut state = State::new(std::sync::Arc::default(), "eu-central-1");
        crate::watch::state::add_stage(&mut state, "a1", "shop", "prod");
        let mut board = picture::board(&state, DateTime::UNIX_EPOCH, 1.0);
        board.stages[0].signals = severity
            .map(|severity| Signal {
                kind: SignalKind::ClientErrorsHigh,
                severity,
                since: DateTime::UNIX_EPOCH,
                ended: None,
                not_judged_since: None,
                peak: None,
                value: 0.9,
                threshold: 0.5,
                ours: false,
                evidence: String::new(),
                suggests: String::new(),
            })
            .into_iter()
            .collect();
        board
    }

    fn words(before: &Board, after: &Board) -> Vec<&'static str> {
        let word = |change| match change {
            SignalChange::Raised { .. } => "raised",
            SignalChange::Ended { .. } => "ended",
        };
        signal_changes(before, after).into_iter().map(word).collect()
    }

    #[test]
    fn raised_once_and_ended_once() {
        let (none, notice) = (board(None), board(Some(Severity::Notice)));
        assert_eq!(words(&none, &notice), ["raised"]);
        assert!(words(&notice, &notice).is_empty());
        assert_eq!(words(&notice, &none), ["ended"]);
    }

    #[test]
    fn growing_into_an_attack_is_told_and_easing_is_not() {
        let (notice, attack) = (board(Some(Severity::Notice)), board(Some(Severity::Attack)));
        assert_eq!(words(&notice, &attack), ["raised"]);
        assert!(words(&attack, &notice).is_empty());
    }

    #[test]
    fn an_attack_of_which_only_our_own_doing_is_left_has_ended() {
        let (attack, mut left) = (board(Some(Severity::Attack)), board(Some(Severity::Notice)));
        left.stages[0].signals[0].ours = true;
        assert_eq!(words(&attack, &left), ["ended", "raised"]);
        assert!(words(&left, &left).is_empty());
    }

    #[test]
    fn a_stage_that_is_gone_ends_its_signals() {
        let mut gone = board(None);
        gone.stages.clear();
        assert_eq!(words(&board(Some(Severity::Attack)), &gone), ["ended"]);
    }
}
