//! One event in, the state changed, what is to be done outside out. Pure: no clock, no I/O, no randomness.

mod board;
mod copy;
mod find;
mod keys;
mod next;
mod palette;
mod perform;
mod playbook;
mod prompt;
mod review;
mod screens;
mod scroll;
mod sources;
mod stage;
mod throttle;
mod timeline;
mod typed;
mod typing;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use crossterm::event::Event as TerminalEvent;

use crate::model::board::Board;
use crate::model::connection::{ConnectionId, StageAt};
use crate::model::series::floor_minute;

use super::effect::{Ask, Effect};
use super::event::{Event, News, StopReason};
use super::lines::layout;
use super::state::{Background, Screen, State};
use super::theme::Theme;

/// What is asked of the outside while one event is dealt with.
pub(crate) type Effects = Vec<Effect>;

/// Deals with one event.
pub fn update(state: &mut State, event: Event) -> Vec<Effect> {
    let mut effects = Effects::new();
    match event {
        Event::Terminal(event) => terminal(state, &event, &mut effects),
        Event::Unended => state.complain(
            "the terminal has begun an answer or a paste and not ended it: keys do nothing until it does; Esc ends it",
        ),
        Event::KeysToldApart => keys::told_apart(state),
        Event::Background { is_light } => {
            if state.looks.background == Background::Asked && is_light {
                state.looks.theme = Theme::of_background(is_light);
                state.due.draw_anew();
            }
            state.looks.background = Background::Settled;
        }
        Event::From(at, news) if state.fleet.knows(at) => told(state, at, news, &mut effects),
        Event::From(..) => {}
        Event::Elapsed(elapsed) => {
            state.asked.elapsed = Some(elapsed);
            state.due.changed = true;
        }
        Event::Mode(mode) => {
            state.mode = mode;
            state.due.changed = true;
            if !state.mode.may_apply() && state.typing.is_confirming() {
                prompt::close(state, &mut effects);
            }
        }
        Event::Stop(reason) => on_stop(state, reason, &mut effects),
    }
    keys::settle(state);
    settle(state);
    look(state, &mut effects);
    next::ask(state, &mut effects);
    effects
}

/// Tells whoever watches which stage is open: it is read more often, until another is.
fn look(state: &mut State, effects: &mut Effects) {
    let open = state.screens.downwards().find_map(|screen| match screen {
        Screen::Stage => state.depth.stage.clone(),
        Screen::Sources => state.sources.stage.clone(),
        _ => None,
    });
    if open == state.asked.looked_at {
        return;
    }
    let before = std::mem::replace(&mut state.asked.looked_at, open.clone());
    if let Some(before) = before.filter(|before| open.as_ref().is_none_or(|open| open.at != before.at)) {
        effects.push(Effect::To(before.at, Ask::LookAt(Vec::new())));
    }
    if let Some(StageAt { at, stage }) = open {
        effects.push(Effect::To(at, Ask::LookAt(vec![stage])));
    }
}

/// Deals with what a connection tells. Whatever it is, it changes what is known of that connection, and of no other.
fn told(state: &mut State, at: ConnectionId, news: News, effects: &mut Effects) {
    let of = |stage| StageAt { at, stage };
    match news {
        News::Board(board) => on_board(state, at, board),
        News::Sources { stage, result } => {
            for command in sources::loaded(state, &of(stage), result) {
                // A prompt that one of them has opened takes what comes next by hand.
                if state.screen() == Screen::Sources && state.typing.prompt.is_none() {
                    keys::commanded(state, command, effects);
                }
            }
        }
        News::Stage(report) => stage::read(state, at, report),
        News::Ladder { stage, result } => stage::ladder_arrived(state, &of(stage), result),
        News::Proposals { stage, result } => {
            let stage = of(stage);
            next::arrived(state, &stage, &result);
            if let Ok(found) = &result {
                review::proposed_anew(state, &stage, found);
            }
            if stage::proposals_arrived(state, &stage, result) {
                typing::submit(state, effects);
            }
        }
        News::Plan { request, result } => review::planned(state, at, request, result),
        News::Progress { line } => review::progressed(state, at, line),
        News::Asks { line } => {
            review::progressed(state, at, line);
            state.due.ring = true;
        }
        News::Waiting(what) => {
            state.fleet.get_mut(at).waiting = what;
            state.due.changed = true;
        }
        News::Finished { result } => {
            next::forget(state, at);
            review::finished(state, at, result);
        }
        News::Timeline(view) => timeline::arrived(state, at, view),
        News::Runs(runs) => playbook::arrived(state, at, runs),
        News::Clock { account, rate } => on_clock(state, at, account, rate),
        News::Exported { result } => match result {
            Ok(path) => state.say(format!("exported to {path}")),
            Err(reason) => state.complain(format!("not exported: {reason}")),
        },
        News::Noted { result } => prompt::noted(state, result),
        News::SameAs(other) => same_as(state, at, other, effects),
    }
}

/// Two names for one account and region: changes go through one of them, so that neither undoes or doubles the other's.
fn same_as(state: &mut State, at: ConnectionId, other: ConnectionId, effects: &mut Effects) {
    state.fleet.get_mut(at).same_as = Some(other);
    let (name, other) = (state.fleet.name(at), state.fleet.name(other));
    let words = format!("{name} is the same account and region as {other}: it is shown, and only {other} changes it");
    state.complain(words);
    if state.typing.is_confirming() && state.review.as_ref().is_some_and(|review| review.at == at) {
        prompt::close(state, effects);
    }
}

fn terminal(state: &mut State, event: &TerminalEvent, effects: &mut Effects) {
    match event {
        TerminalEvent::Key(key) => {
            if state.looks.background == Background::Asked {
                state.looks.background = Background::Late;
            }
            keys::pressed(state, event, key, effects);
        }
        TerminalEvent::Paste(text) => {
            keys::end_sequence(state);
            typing::pasted(state, text);
        }
        TerminalEvent::Resize(columns, lines) => {
            keys::end_sequence(state);
            state.looks.size = (*columns, *lines);
            state.due.changed = true;
        }
        _ => {}
    }
}

fn on_board(state: &mut State, at: ConnectionId, board: Arc<Board>) {
    let watched = state.fleet.get_mut(at);
    // Before the account has answered, a board's time is this machine's.
    if board.identity.is_some() && watched.now.is_none_or(|now| now < board.at) {
        watched.now = Some(board.at);
    }
    watched.rate = board.rate;
    watched.board = Some(board);
    state.due.changed = true;
    board::arrange(state);
    playbook::arrange(state);
}

/// Time by itself changes the screen only where an age stands on it, and then only with a new minute.
fn on_clock(state: &mut State, at: ConnectionId, account: DateTime<Utc>, rate: f64) {
    let before = shown_minutes(state, at);
    let watched = state.fleet.get_mut(at);
    watched.now = Some(account);
    let turned = (rate - watched.rate).abs() > f64::EPSILON;
    watched.rate = rate;
    if turned || before != shown_minutes(state, at) {
        state.due.changed = true;
    }
}

/// What of a connection's clock stands on the screen, in whole minutes: its incident's age, the present minute where
/// actions count down, the age of stale figures.
fn shown_minutes(state: &State, at: ConnectionId) -> [Option<i64>; 3] {
    let watched = state.fleet.get(at);
    let view = &watched.timeline;
    let open = view.opened_at.and_then(|opened| Some((watched.now? - opened).num_minutes()));
    let counting = state.screen() == Screen::Timeline && !view.actions.is_empty();
    let minute = watched.now.filter(|_| counting);
    [open, minute.map(|now| floor_minute(now).timestamp()), state.stale_at(at).map(|age| age.num_minutes())]
}

fn on_stop(state: &mut State, reason: StopReason, effects: &mut Effects) {
    state.due.stopped = Some(reason);
    effects.push(Effect::Quit);
}

/// Keeps every cursor inside its list and every scroll inside its text.
fn settle(state: &mut State) {
    let heights = layout::heights(state);
    state.list.cursor.settle(state.list.order.len(), heights.board);
    let sources = state.sources.len();
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
            state.screens.help_scroll.settle(len, height);
        }
        Screen::Stage => {
            let (len, height) = layout::stage_text(state);
            state.depth.scroll.settle(len, height);
        }
        _ => {}
    }
}
