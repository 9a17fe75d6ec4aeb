//! Draws the state. Changes nothing, asks nothing, and lays out only what is on the screen.

mod ascii;
mod board;
mod chart;
mod draw;
mod footer;
mod header;
mod help;
mod playbook;
mod playbooks;
mod review;
mod small;
mod sources;
mod stage;
mod strip;
mod timeline;
mod top_list;

use ratatui::Frame;
use ratatui::style::Style;

use super::lines::layout;
use super::state::{SMALLEST, Screen, State};
use super::theme::Characters;

/// Draws one frame.
pub fn view(state: &State, frame: &mut Frame<'_>) {
    let area = frame.area();
    if state.looks.theme.text != Style::new() {
        // The theme's own background, below everything.
        frame.buffer_mut().set_style(area, state.looks.theme.text);
    }
    whole(state, frame);
    if state.looks.characters == Characters::Ascii {
        ascii::only(frame.buffer_mut());
    }
}

fn whole(state: &State, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        small::draw(state, area, frame.buffer_mut());
        return;
    }
    let frames = layout::frames(state, area);
    let buffer = frame.buffer_mut();
    header::draw(state, frames.header, buffer);
    match state.screen() {
        Screen::Board => board::draw(state, frames.body, buffer),
        Screen::Stage => stage::draw(state, frames.body, buffer),
        Screen::Sources => sources::draw(state, frames.body, buffer),
        Screen::Review => review::draw(state, frames.body, buffer),
        Screen::Timeline => timeline::draw(state, frames.body, buffer),
        Screen::Playbooks => playbooks::draw(state, frames.body, buffer),
        Screen::Playbook => playbook::draw(state, frames.body, buffer),
        Screen::Help => help::draw(state, frames.body, buffer),
    }
    footer::draw(state, frames.footer, buffer);
    if let Some(cursor) = footer::status(state, frames.status, buffer) {
        frame.set_cursor_position(cursor);
    }
}
