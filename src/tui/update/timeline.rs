//! The timeline's lines and its cursor.

use std::sync::Arc;

use crate::model::action::Terms;
use crate::model::connection::ConnectionId;

use crate::tui::state::{Item, State, Subject, TimelinePane, stands};
use crate::tui::timeline_view::TimelineView;

use super::{Effects, review};

/// A new timeline: what stands first, the soonest to expire on top; then what happened, newest first.
pub(crate) fn arrived(state: &mut State, at: ConnectionId, view: Arc<TimelineView>) {
    state.fleet.get_mut(at).timeline = Arc::clone(&view);
    state.due.changed = true;
    if state.timeline.at == at {
        show(&mut state.timeline, view);
    }
}

/// Turns to the timeline of a connection.
pub(crate) fn turn_to(state: &mut State, at: ConnectionId) {
    if state.timeline.at == at {
        return;
    }
    state.timeline = TimelinePane { at, ..TimelinePane::default() };
    show(&mut state.timeline, Arc::clone(&state.fleet.get(at).timeline));
}

fn show(pane: &mut TimelinePane, view: Arc<TimelineView>) {
    let under = pane.items.get(pane.cursor.at).and_then(|i| key(&pane.view, *i));
    let mut actions: Vec<usize> = (0..view.actions.len()).filter(|i| stands(view.actions[*i].state)).collect();
    actions.sort_by_key(|i| {
        let action = &view.actions[*i];
        (action.expires_at.is_none(), action.expires_at, action.begun_at)
    });
    let items: Vec<Item> =
        actions.into_iter().map(Item::Action).chain((0..view.entries.len()).rev().map(Item::Entry)).collect();
    // The cursor stays with its line, unless it is on the first, which is where the news is.
    if pane.cursor.at > 0
        && let Some(under) = under
        && let Some(at) = items.iter().position(|i| key(&view, *i).as_ref() == Some(&under))
    {
        pane.cursor.at = at;
    }
    pane.items = items;
    pane.view = view;
}

fn key(view: &TimelineView, item: Item) -> Option<Result<String, u64>> {
    match item {
        Item::Action(index) => view.actions.get(index).map(|a| Ok(a.id.clone())),
        Item::Entry(index) => view.entries.get(index).map(|e| Err(e.seq)),
    }
}

/// Plans to take the selected action back.
pub(crate) fn undo(state: &mut State, effects: &mut Effects) {
    let Some(action_id) = state.selected_action().map(|a| a.id.clone()) else {
        return;
    };
    let subject = Subject::Undo { action_id, terms: Terms::default() };
    review::ask(state, state.timeline.at, subject, effects);
}
