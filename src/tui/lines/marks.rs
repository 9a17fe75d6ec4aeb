//! Where in a chart something was done: the actions on a stage, by number.

use crate::model::action::Action;
use crate::model::board::StageRow;
use crate::model::connection::StageAt;
use crate::model::stage::StageId;
use crate::model::timeline::ActionRecord;
use crate::tui::state::State;

/// The most actions with a number of their own: it stands in one column.
const MOST: usize = 9;

/// An action and its number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark<'a> {
    /// From 1, oldest first.
    pub(crate) number: usize,
    pub(crate) action: &'a ActionRecord,
}

/// The latest actions that were meant for the stage or, being in the same web ACL's IP sets, act on it all the same.
pub(crate) fn of<'a>(state: &'a State, stage: &StageAt, row: &StageRow) -> Vec<Mark<'a>> {
    let watched = state.fleet.get(stage.at);
    let acl = |id: &StageId| watched.board.as_ref()?.row(id)?.web_acl_arn.clone();
    let shared = |action: &ActionRecord| {
        matches!(action.action, Action::BlockIp(_) | Action::AllowIp(_))
            && row.web_acl_arn.is_some()
            && acl(&action.stage) == row.web_acl_arn
    };
    let concern: Vec<&ActionRecord> =
        watched.timeline.actions.iter().filter(|action| action.stage == stage.stage || shared(action)).collect();
    let latest = concern.len().saturating_sub(MOST);
    concern[latest..].iter().enumerate().map(|(n, action)| Mark { number: n + 1, action }).collect()
}
