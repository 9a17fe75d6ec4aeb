//! One event in, the state changed, what is to be done outside out. Pure: no clock, no I/O, no randomness.

mod board;
mod keys;
pub(crate) mod playbook;
mod prompt;
mod review;
mod sources;
mod stage;
mod timeline;

pub(crate) use review::outcome_words;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use crossterm::event::Event as TerminalEvent;

use crate::model::board::Board;
use crate::model::series::floor_minute;

use super::effect::Effect;
use super::event::{Event, StopReason};
use super::state::{PromptKind, Screen, State};
use super::view::layout;

/// What is asked of the outside while one event is dealt with.
pub(crate) type Effects = Vec<Effect>;

/// Deals with one event.
pub fn update(state: &mut State, event: Event) -> Vec<Effect> {
    let mut effects = Effects::new();
    match event {
        Event::Terminal(event) => terminal(state, &event, &mut effects),
        Event::Board(board) => on_board(state, board),
        Event::Sources { stage, result } => sources::loaded(state, &stage, result),
        Event::Ladder { stage, result } => stage::ladder_arrived(state, &stage, result),
        Event::Plan { request, result } => review::planned(state, request, result),
        Event::Progress { line } => review::progressed(state, line),
        Event::Finished { result } => review::finished(state, result),
        Event::Timeline(view) => timeline::arrived(state, view),
        Event::Runs(runs) => playbook::arrived(state, runs),
        Event::Clock { account, rate } => on_clock(state, account, rate),
        Event::Exported { result } => match result {
            Ok(path) => state.say(format!("exported to {path}")),
            Err(reason) => state.complain(format!("not exported: {reason}")),
        },
        Event::Noted { result } => prompt::noted(state, result),
        Event::Mode(mode) => {
            state.mode = mode;
            state.changed = true;
            if !state.mode.may_apply() && state.prompt.as_ref().is_some_and(|p| p.kind == PromptKind::Confirm) {
                prompt::close(state, &mut effects);
            }
        }
        Event::Stop(reason) => on_stop(state, reason, &mut effects),
    }
    settle(state);
    effects
}

fn terminal(state: &mut State, event: &TerminalEvent, effects: &mut Effects) {
    match event {
        TerminalEvent::Key(key) => keys::pressed(state, event, key, effects),
        TerminalEvent::Paste(text) => prompt::pasted(state, text),
        TerminalEvent::Resize(columns, lines) => {
            state.size = (*columns, *lines);
            state.changed = true;
        }
        _ => {}
    }
}

fn on_board(state: &mut State, board: Arc<Board>) {
    // Before the account has answered, a board's time is this machine's.
    if board.identity.is_some() && state.now.is_none_or(|now| now < board.at) {
        state.now = Some(board.at);
    }
    state.rate = board.rate;
    state.board = Some(board);
    state.changed = true;
    board::arrange(state);
    playbook::arrange(state);
}

/// Time by itself changes the screen only where an age stands on it, and then only with a new minute.
fn on_clock(state: &mut State, account: DateTime<Utc>, rate: f64) {
    let before = shown_minutes(state);
    state.now = Some(account);
    if before != shown_minutes(state) || (rate - state.rate).abs() > f64::EPSILON {
        state.changed = true;
    }
    state.rate = rate;
}

/// What of the clock stands on the screen, in whole minutes: the incident's age, the present minute where actions count
/// down, the age of stale figures.
fn shown_minutes(state: &State) -> [Option<i64>; 3] {
    let view = &state.timeline.view;
    let open = view.opened_at.and_then(|opened| Some((state.now? - opened).num_minutes()));
    let counting = state.screen() == Screen::Timeline && !view.actions.is_empty();
    let minute = state.now.filter(|_| counting);
    [open, minute.map(|now| floor_minute(now).timestamp()), state.stale().map(|age| age.num_minutes())]
}

fn on_stop(state: &mut State, reason: StopReason, effects: &mut Effects) {
    state.stopped = Some(reason);
    effects.push(Effect::Quit);
}

/// Keeps every cursor inside its list and every scroll inside its text.
fn settle(state: &mut State) {
    let heights = layout::heights(state);
    state.list.cursor.settle(state.list.order.len(), heights.board);
    let sources = state.sources.list().len();
    state.sources.cursor.settle(sources, heights.sources);
    let items = state.timeline.items.len();
    state.timeline.cursor.settle(items, heights.timeline);
    let playbooks = state.playbooks.order.len();
    state.playbooks.cursor.settle(playbooks, heights.playbooks);
    let steps = state.playbooks.playbook().map_or(0, |playbook| playbook.steps.len());
    state.playbooks.step.settle(steps, heights.playbook);
    match state.screen() {
        Screen::Review => {
            let (len, height) = layout::review_text(state);
            if let Some(review) = &mut state.review {
                review.scroll.settle(len, height);
            }
        }
        Screen::Help => {
            let (len, height) = layout::help_text(state);
            state.help_scroll.settle(len, height);
        }
        Screen::Stage => {
            let (len, height) = layout::stage_text(state);
            state.stage_scroll.settle(len, height);
        }
        _ => {}
    }
}
