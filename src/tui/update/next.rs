//! What would help the stage that is looked at, read by itself: the first lines say it before anybody asks.
//!
//! Read when the stage's state changes, and again while it lasts, seldom: what it takes is what one press of the key
//! takes.

use chrono::TimeDelta;

use crate::model::condition::StageState;
use crate::model::connection::StageAt;
use crate::model::proposal::Proposals;
use crate::model::stage::ApiKind;
use crate::tui::effect::{Ask, Effect};
use crate::tui::state::{Next, Screen, State};

use super::Effects;

/// Account time after which it is read again while nothing changes, and after which an answer is not waited for any
/// longer.
const AGAIN: TimeDelta = TimeDelta::minutes(15);
/// The least account time between two readings of one stage.
const BETWEEN: TimeDelta = TimeDelta::minutes(1);

/// Asks for it where it is due.
pub(crate) fn ask(state: &mut State, effects: &mut Effects) {
    let at = match state.screen() {
        Screen::Board => state.selected_at(),
        Screen::Stage => state.depth.stage.clone(),
        _ => None,
    };
    let Some(at) = at.filter(|_| state.typing.prompt.is_none() && !state.is_applying()) else { return };
    let Some(row) = state.fleet.row(&at) else { return };
    let of = row.condition.state;
    let helps =
        matches!(of, StageState::Attack | StageState::Leaking | StageState::CustomersOut | StageState::Recovering);
    let Some(now) = state.fleet.get(at.at).now.filter(|_| helps && row.kind == ApiKind::Rest) else { return };
    if let Some(known) = state.asked.next_of(&at) {
        let gap = match &known.answer {
            None => AGAIN,
            Some(Ok(_)) if known.of == of => AGAIN,
            Some(_) => BETWEEN,
        };
        if (now - known.asked_at).abs() < gap {
            return;
        }
    }
    // One at a time: it takes its share of the account's quotas.
    if state.asked.next.iter().any(|next| next.answer.is_none() && (now - next.asked_at).abs() < AGAIN) {
        return;
    }
    let before =
        state.asked.next.iter().position(|next| next.stage == at).map(|index| state.asked.next.swap_remove(index));
    let shown = before.and_then(|before| before.answer.or(before.shown));
    state.asked.next.push(Next { stage: at.clone(), of, asked_at: now, answer: None, shown });
    effects.push(Effect::To(at.at, Ask::LoadNext(at.stage)));
}

/// Something was done to a stage: what was found before helps no more.
pub(crate) fn forget(state: &mut State, at: crate::model::connection::ConnectionId) {
    state.asked.next.retain(|next| next.stage.at != at);
}

/// It has arrived.
pub(crate) fn arrived(state: &mut State, stage: &StageAt, result: &Result<Box<Proposals>, String>) {
    if let Some(next) = state.asked.next.iter_mut().find(|next| next.stage == *stage) {
        next.answer = Some(result.clone());
        state.due.changed = true;
    }
}
